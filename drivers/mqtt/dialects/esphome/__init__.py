"""ESPHome: nodes of ESP32 and ESP8266 boards that publish over MQTT."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text(
    "ESPHome 节点的 MQTT 传感器与触点", "ESPHome nodes: sensors and contacts over MQTT"
)
LEVEL: Final = "works"
