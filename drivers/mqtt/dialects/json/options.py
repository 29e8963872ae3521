"""What can be declared of topics that hold JSON objects."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from drivers._fields import DeviceField, Short, TimeOptions, known_kind, known_values
from drivers.mqtt.topics import TopicFilter
from gateway.options import PluginOptions


def _device(raw: Any) -> Any:
    """Keeps messages short: a text is a template, anything else must be ``{field: PATH}``."""
    return raw if isinstance(raw, (str, DeviceField)) else DeviceField.model_validate(raw)


class TopicOptions(PluginOptions):
    """One topic filter of the ``json`` dialect and what its payloads hold."""

    topic: TopicFilter
    device: Annotated[str | DeviceField, BeforeValidator(_device)]
    kind: str = ""
    values: dict[str, Short] = Field(min_length=1)
    time: TimeOptions | None = None
    key: str = ""
    extra: Literal["keep", "ignore"] = "keep"
    qos: Literal[0, 1] | None = None

    _kind = field_validator("kind")(known_kind)
    _values = field_validator("values")(known_values)

    @model_validator(mode="after")
    def _placeholders(self) -> TopicOptions:
        wildcards = sum(step in ("+", "#") for step in self.topic.split("/"))
        if isinstance(self.device, str):
            if not self.device:
                raise ValueError("device is empty; write {1}, {topic} or {field: PATH}")
            for word in re.findall(r"\{(\w*)\}", self.device):
                if word != "topic" and not (word.isdecimal() and 1 <= int(word) <= wildcards):
                    raise ValueError(
                        f"device: {{{word}}} is no wildcard of {self.topic!r}, which has"
                        f" {wildcards}; the first is {{1}}, the whole topic is {{topic}}"
                    )
        return self


class Options(PluginOptions):
    """The declared topics."""

    topics: tuple[TopicOptions, ...] = Field(min_length=1)
