"""Zigbee2MQTT: device states, availability, and what the bridge announces."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text("Zigbee2MQTT 网桥的全部设备", "every device of a Zigbee2MQTT bridge")
LEVEL: Final = "sturdy"
