"""What can be configured for a Zigbee2MQTT bridge."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from drivers.mqtt.topics import PlainTopic
from gateway.options import Duration, PluginOptions

Word = Annotated[str, Field(pattern=r"^[a-z0-9]+$", max_length=40)]


class Options(PluginOptions):
    """Everything below one base topic is read."""

    base: PlainTopic = "zigbee2mqtt"
    address: Literal["name", "ieee"] = "name"
    alarm_actions: tuple[Word, ...] = ("emergency", "panic", "sos", "help")
    hold: Duration = Field(60.0, ge=1, le=86_400)
