"""Theengs: Bluetooth sensors as Theengs Gateway and OpenMQTTGateway hear them."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text(
    "Theengs 与 OpenMQTTGateway 网关的蓝牙传感器",
    "Bluetooth sensors behind Theengs Gateway and OpenMQTTGateway",
)
LEVEL: Final = "works"
