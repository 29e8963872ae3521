"""ChirpStack: what the devices of a LoRaWAN network report through its MQTT integration."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text(
    "ChirpStack 网络服务器后的 LoRaWAN 设备",
    "LoRaWAN devices behind a ChirpStack network server",
)
LEVEL: Final = "sturdy"
