"""Options by which an input contact or an entity of a board gets its meaning."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field, field_validator

from drivers._fields import known_kind
from gateway.document import nearest
from gateway.model import EXTRA, every_value_name
from gateway.options import Duration, PluginOptions

MOST_HOLD: Final = 86_400
"""Seconds that an event may count."""
ANY: Final = "*"
"""The name under which inputs of every device are declared."""
Word = Annotated[str, Field(min_length=1, max_length=40)]


class InputOptions(PluginOptions):
    """What an input means: a switch, a button, a field of a sensor, a topic of a device's rule."""

    value: str
    kind: str = ""
    device: str = Field("", max_length=150)
    true: tuple[Word, ...] = ()
    false: tuple[Word, ...] = ()
    invert: bool = False
    hold: Duration | None = Field(None, gt=0, le=MOST_HOLD)

    _kind = field_validator("kind")(known_kind)

    @field_validator("value")
    @classmethod
    def _truth(cls, name: str) -> str:
        known = every_value_name().get(name)
        if known is None and not name.startswith(EXTRA):
            near = nearest(name, every_value_name())
            raise ValueError(f"unknown value {name!r}{near}; for others write extra.NAME")
        if known is not None and known.type is not bool:
            raise ValueError(f"{name} is no truth value, and an input is nothing else")
        return name


def apart(named: dict[str, dict[str, InputOptions]]) -> dict[str, dict[str, InputOptions]]:
    """``named`` if no two inputs of a device give it the same value.

    Each would end what the other began: a button let go would end the fire.
    """
    for key, own in named.items():
        seen: dict[tuple[str, str], str] = {}
        for name, option in (named.get(ANY, {}) | own).items():
            other = seen.setdefault((option.device, option.value), name)
            if other != name:
                raise ValueError(
                    f"{key}: {other} and {name} both give {option.value};"
                    " give one of them a device of its own: device: NAME"
                )
    return named


Inputs = Annotated[dict[str, dict[str, InputOptions]], AfterValidator(apart)]
"""Device, or ``*`` for all, to the names of its inputs."""
