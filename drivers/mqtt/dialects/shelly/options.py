"""What can be configured for Shelly devices."""

from __future__ import annotations

from pydantic import Field, model_validator

from drivers.mqtt._input_options import Inputs
from drivers.mqtt.topics import PlainTopic, TopicFilter
from gateway.options import PluginOptions


class Options(PluginOptions):
    """Topics, units, and what is wired to the inputs."""

    gen1: PlainTopic | None = "shellies"
    gen2: tuple[TopicFilter, ...] = ("+",)
    fahrenheit: bool = False
    inputs: Inputs = Field({})

    @model_validator(mode="after")
    def _something(self) -> Options:
        if self.gen1 is None and not self.gen2:
            raise ValueError("neither gen1 nor gen2: there is nothing to read")
        for prefix in self.gen2:
            if "#" in prefix or prefix.endswith("/"):
                raise ValueError(f"gen2: {prefix!r}: a topic prefix has no # and no / at the end")
        return self
