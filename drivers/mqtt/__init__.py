"""MQTT: readings published on a broker, in declared or well-known dialects."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text("MQTT 代理上的设备,多种方言", "devices on an MQTT broker, in many dialects")
LEVEL: Final = "sturdy"
