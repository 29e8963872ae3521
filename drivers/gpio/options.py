"""Options of the driver ``gpio``."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from drivers._fields import known_kind
from gateway.document import nearest
from gateway.model import every_value_name
from gateway.options import Duration, PluginOptions

MAX_INPUTS: Final = 64
MAX_OUTPUTS: Final = 32
_LINE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}")


def _line(value: Any) -> str:
    """A line is called by its number or its name; both are kept as text."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _LINE.fullmatch(text):
        raise ValueError(f"{value!r} is no line; write its number or its name, like 17 or GPIO17")
    return text


def _truth(name: str) -> str:
    known = every_value_name()
    if name not in known:
        raise ValueError(f"unknown value {name!r}{nearest(name, known)}")
    if known[name].type is not bool:
        raise ValueError(f"{name} is no truth value, and a contact knows no more")
    return name


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be a text that can be shown")
    return value


Line = Annotated[str, BeforeValidator(_line)]
Name = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_printable)]
Kind = Annotated[str, AfterValidator(known_kind)]


class Input(PluginOptions):
    """A dry contact."""

    line: Line
    device: Name
    kind: Kind = "contact"
    value: Annotated[str, AfterValidator(_truth)] = "open"
    """What is true while the line is active."""
    active_low: bool = False
    """The line is active while its level is low: a contact that closes to ground."""
    bias: Literal["as_is", "pull_up", "pull_down", "disabled"] = "as_is"
    debounce: Annotated[Duration, Field(ge=0, le=60)] = 0.05
    """A level counts once it has held for so long."""
    repeat: Annotated[Duration, Field(ge=1, le=86_400)] = 60.0
    """What has not changed is said again after this time."""


class Output(PluginOptions):
    """A siren or a strobe on a relay."""

    line: Line
    active_low: bool = False
    """It is on while the level is low, as most relay boards want it."""
    drive: Literal["push_pull", "open_drain", "open_source"] = "push_pull"
    at_most: Annotated[Duration, Field(gt=0, le=86_400)] = 300.0
    """It is switched off by itself after this time, whoever switched it on."""
    kind: Kind = "power"


class Options(PluginOptions):
    """One chip: a character device, or a folder in which lines are files."""

    chip: Annotated[str, AfterValidator(_printable)] = Field(
        "/dev/gpiochip0", min_length=1, max_length=300
    )
    every: Annotated[Duration, Field(ge=0.01, le=10)] = 0.1
    """How often files are read; a character device tells by itself."""
    inputs: tuple[Input, ...] = Field((), max_length=MAX_INPUTS)
    outputs: dict[Name, Output] = Field({}, max_length=MAX_OUTPUTS)

    @property
    def used(self) -> list[Input | Output]:
        """Whatever has a line."""
        return [*self.inputs, *self.outputs.values()]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if not self.inputs and not self.outputs:
            raise ValueError("write inputs: or outputs:, else there is nothing to do")
        if twice := _twice([each.line for each in self.used]):
            raise ValueError(f"{twice}: each line is used once")
        if twice := _twice([f"{each.device} {each.value}" for each in self.inputs]):
            raise ValueError(f"{twice}: each value of a device is on one line")
        if twice := _twice([*{each.device for each in self.inputs}, *self.outputs]):
            raise ValueError(f"{twice}: an input and an output have different names")
        return self

    def for_trial(self) -> Self:
        """Without outputs: whoever takes a line switches it off."""
        return super().for_trial().model_copy(update={"outputs": {}})


def _twice(words: list[str]) -> str:
    return ", ".join(sorted({word for word in words if words.count(word) > 1}))
