"""What can be configured for Theengs Gateway and OpenMQTTGateway."""

from __future__ import annotations

from pydantic import Field

from drivers.mqtt.topics import PlainTopic
from gateway.options import Duration, PluginOptions


class Options(PluginOptions):
    """The base topic of the gateways, and which buttons call for help."""

    base: PlainTopic = "home"
    panic: tuple[str, ...] = ()
    hold: Duration = Field(60.0, gt=0, le=86_400)
