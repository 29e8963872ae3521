"""What can be configured for devices that announce themselves to Home Assistant."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from drivers.mqtt.topics import PlainTopic
from gateway.options import Duration, PluginOptions

Word = Annotated[str, Field(pattern=r"^[a-z0-9]+$", max_length=40)]


class Options(PluginOptions):
    """Everything that is announced below one prefix is read."""

    prefix: PlainTopic = "homeassistant"
    skip: tuple[PlainTopic, ...] = ()
    alarm_actions: tuple[Word, ...] = ("emergency", "panic", "sos", "help")
    hold: Duration = Field(60.0, ge=1, le=86_400)
