"""The base class of every plugin's options, and the types that options are made of."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationInfo,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from gateway.model import Quota

_UNITS: Final = {"ms": 0.001, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?) ?(ms|s|min|m|h|d)")
_SIZES: Final = {"B": 1, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
_SIZE: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?) ?(B|KB|MB|GB)")


def parse_duration(value: Any) -> float:
    """Seconds from ``200ms``, ``5s``, ``10m``, ``1h30m``, ``7d``; a unit is required."""
    if isinstance(value, str) and (text := value.strip()):
        parts = _DURATION.findall(text)
        if parts and _DURATION.sub("", text).strip() == "":
            return float(sum(float(number) * _UNITS[unit] for number, unit in parts))
    raise ValueError(
        f"{value!r} is no duration; write a number with a unit, like 200ms, 5s, 10m, 1h or 7d"
    )


def parse_size(value: Any) -> int:
    """Bytes from ``500KB``, ``20MB``, ``2GB``; a unit is required."""
    if isinstance(value, str) and (found := _SIZE.fullmatch(value.strip())):
        return int(float(found[1]) * _SIZES[found[2]])
    raise ValueError(f"{value!r} is no size; write a number with a unit, like 500KB, 20MB or 2GB")


Duration = Annotated[float, BeforeValidator(parse_duration)]
"""Seconds, written with a unit."""

Size = Annotated[int, BeforeValidator(parse_size)]
"""Bytes, written with a unit."""


FOLDER: Final = "folder"
"""In the context of validation: the folder from which relative paths of the file count."""


def beside_the_file(value: Path, info: ValidationInfo) -> Path:
    """``value``, a relative one from the folder of the configuration file.

    Without a file (options made by hand) it stays as it is.
    """
    if not str(value).isprintable():
        raise ValueError("no file can be called that")
    if value == Path():
        raise ValueError("the name of a file is expected")
    return Path((info.context or {}).get(FOLDER, ""), value)


SitePath = Annotated[Path, AfterValidator(beside_the_file)]
"""A path in a plugin's options; a relative one counts from the folder of the file."""


class Secret:
    """A secret named by ``{file: PATH}`` or ``{env: NAME}``; prints as stars.

    It is read when ``reveal`` is called, so a configuration can be checked on a machine
    that does not hold the secret.
    """

    __slots__ = ("_kind", "_name")

    def __init__(self, kind: str, name: str) -> None:
        self._kind = kind
        self._name = name

    def reveal(self) -> str:
        """The secret itself. ValueError says what is missing and never shows a secret."""
        if self._kind == "env":
            value = os.environ.get(self._name)
            if value is None:
                raise ValueError(f"the environment has no {self._name}")
            return value
        try:
            return Path(self._name).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ValueError(f"secret file {self._name}: {error.strerror}") from None

    def __repr__(self) -> str:
        return "********"

    __str__ = __repr__

    @classmethod
    def parse(cls, value: Any, info: ValidationInfo) -> Secret:
        """From the written form; a plain text is refused without repeating it."""
        if isinstance(value, Secret):
            return value
        if isinstance(value, dict) and len(value) == 1:
            ((kind, name),) = value.items()
            if kind == "file" and isinstance(name, str) and name:
                return cls(kind, str(beside_the_file(Path(name), info)))
            if kind == "env" and isinstance(name, str) and name:
                return cls(kind, name)
        raise ValueError("a secret is written {file: PATH} or {env: NAME}, never as plain text")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(cls.parse)


class PluginOptions(BaseModel):
    """Options are strict and frozen: an unknown name is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    @property
    def window(self) -> int | None:
        """How many unacknowledged messages the sender allows in flight, if it limits them.

        The journal commits when half of them are waiting, so that a small window never
        waits for the grouping time.
        """
        return None

    def for_trial(self) -> Self:
        """These options for a run beside the gateway that stores nothing.

        A session's name is exchanged: under the gateway's own name the trial would throw it
        out and acknowledge what nobody has stored.
        """
        if "client_id" not in type(self).model_fields:
            return self
        return self.model_copy(update={"client_id": f"gridwarden-try-{os.getpid()}"})


class SinkOptions(PluginOptions):
    """What every sink lets its owner choose about batching."""

    batch: Annotated[int, Field(ge=1, le=10_000)] = 5_000
    """Records in one write."""
    flush: Duration = 2.0
    """How long telemetry may wait for company; alarms never wait."""


class QuotaOptions(PluginOptions):
    """A limit of a channel's provider, as its owner knows it."""

    most: int = Field(ge=1, le=1_000_000)
    """Messages in any ``per``."""
    per: Annotated[Duration, Field(ge=1, le=31 * 86_400)]
    spare: int = Field(0, ge=0)
    """Of ``most``, those that only life safety may use."""
    each: bool = False
    """Counted for each person, not for the channel."""

    @model_validator(mode="after")
    def _leaves_some(self) -> Self:
        if self.spare >= self.most:
            raise ValueError("spare has to be less than most, or nothing else is ever sent")
        return self

    @property
    def quota(self) -> Quota:
        """As the stages want it."""
        return Quota(self.most, self.per, self.spare, self.each)
