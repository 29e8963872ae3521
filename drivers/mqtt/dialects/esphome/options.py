"""What can be configured for ESPHome nodes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from drivers.mqtt._input_options import Inputs
from drivers.mqtt.topics import PlainTopic, TopicFilter
from gateway.options import PluginOptions

DeviceClass = Literal[
    "smoke",
    "heat",
    "carbon_monoxide",
    "gas",
    "moisture",
    "motion",
    "occupancy",
    "presence",
    "door",
    "opening",
    "window",
    "garage_door",
    "tamper",
    "vibration",
    "moving",
    "problem",
    "safety",
    "battery",
    "connectivity",
    "power",
    "plug",
]


class Options(PluginOptions):
    """Topic prefixes, and what entities mean that do not say so themselves."""

    nodes: tuple[TopicFilter, ...] = Field(("+",), min_length=1)
    discovery: PlainTopic | None = None
    classes: dict[str, DeviceClass] = Field({})
    inputs: Inputs = Field({})

    @model_validator(mode="after")
    def _prefixes(self) -> Options:
        for prefix in self.nodes:
            if "#" in prefix or prefix.endswith("/"):
                raise ValueError(f"nodes: {prefix!r}: a topic prefix has no # and no / at the end")
        return self
