"""What can be configured for boards that run Tasmota."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import Field, field_validator, model_validator

from drivers.mqtt._input_options import Inputs
from gateway.options import PluginOptions

_TOKENS: Final = ("%prefix%", "%topic%", "%hostname%", "%id%")
Level = Annotated[str, Field(pattern=r"^[^/+#%\s]+$", max_length=64)]
ZoneKind = Literal["smoke", "heat", "gas", "co", "panic", "infrared", "contact", "water", "manhole"]


class Options(PluginOptions):
    """Topic layouts, the discovery topic, and what the inputs mean."""

    topics: tuple[str, ...] = Field(("%prefix%/%topic%/", "%topic%/%prefix%/"), min_length=1)
    tele: Level = "tele"
    stat: Level = "stat"
    cmnd: Level = "cmnd"
    discovery: str = "tasmota/discovery"
    ask: bool = True
    zone: Annotated[str, Field(pattern=r"^([+-]\d\d:\d\d)?$")] = ""
    inputs: Inputs = Field({})
    zones: dict[str, ZoneKind] = Field({})

    @field_validator("topics")
    @classmethod
    def _layouts(cls, layouts: tuple[str, ...]) -> tuple[str, ...]:
        for layout in layouts:
            levels = layout.strip("/").split("/")
            unknown = [word for word in re.findall(r"%\w*%", layout) if word not in _TOKENS]
            if unknown:
                raise ValueError(f"{layout!r}: {unknown[0]} is none of {', '.join(_TOKENS)}")
            if levels.count("%prefix%") != 1 or "%topic%" not in levels:
                raise ValueError(f"{layout!r} needs %prefix% and %topic%, each a level of its own")
            if "+" in layout or "#" in layout:
                raise ValueError(f"{layout!r}: a full topic has no wildcards")
        return layouts

    @field_validator("inputs")
    @classmethod
    def _codes_end(cls, inputs: Inputs) -> Inputs:
        for device, named in inputs.items():
            for name, option in named.items():
                if name.lower().startswith("rfreceived.") and option.hold is None:
                    raise ValueError(f"{device}: {name} needs hold: a radio code has no end")
        return inputs

    @model_validator(mode="after")
    def _plain(self) -> Options:
        if "+" in self.discovery or "#" in self.discovery or self.discovery.endswith("/"):
            raise ValueError("discovery: a topic without wildcards and without / at the end")
        return self

    @property
    def zone_minutes(self) -> int | None:
        """``zone`` in minutes east of Greenwich; None: not declared, ``Time`` is no UTC time."""
        if not self.zone:
            return None
        minutes = int(self.zone[1:3]) * 60 + int(self.zone[4:])
        return -minutes if self.zone[0] == "-" else minutes
