"""What can be configured for a radio that publishes with rtl_433."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from drivers.mqtt.topics import TopicFilter
from gateway.options import Duration, PluginOptions

Kind = Literal[
    "smoke", "heat", "gas", "co", "panic", "infrared", "contact", "manhole", "water", "climate"
]


class Options(PluginOptions):
    """Topics, how long an event counts, and the kinds of devices whose radio does not tell."""

    events: tuple[TopicFilter, ...] = ("rtl_433/+/events",)
    devices: tuple[TopicFilter, ...] = ()
    hold: Duration = Field(60.0, gt=0, le=86_400)
    zone: Annotated[str, Field(pattern=r"^([+-]\d\d:\d\d)?$")] = ""
    kinds: dict[str, Kind] = Field({})

    @model_validator(mode="after")
    def _something(self) -> Options:
        if not self.events and not self.devices:
            raise ValueError("neither events nor devices: there is nothing to read")
        for topic in (*self.events, *self.devices):
            if topic.endswith("#"):
                raise ValueError(f"{topic!r}: say the topic up to events or devices, without #")
        return self

    @property
    def zone_minutes(self) -> int | None:
        """``zone`` in minutes east of Greenwich; None: not declared."""
        if not self.zone:
            return None
        minutes = int(self.zone[1:3]) * 60 + int(self.zone[4:])
        return -minutes if self.zone[0] == "-" else minutes
