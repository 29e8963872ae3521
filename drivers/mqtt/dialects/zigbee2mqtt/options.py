"""What can be configured for a Zigbee2MQTT bridge."""

from __future__ import annotations

from drivers.mqtt.topics import PlainTopic
from gateway.options import PluginOptions


class Options(PluginOptions):
    """Everything below one base topic is read."""

    base: PlainTopic = "zigbee2mqtt"
