"""The Things Stack: what the devices of a LoRaWAN network report through its MQTT server."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text(
    "The Things Stack 网络服务器后的 LoRaWAN 设备",
    "LoRaWAN devices behind The Things Stack",
)
LEVEL: Final = "sturdy"
