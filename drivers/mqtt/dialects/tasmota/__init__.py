"""Tasmota: sensors, relays and inputs of ESP8266 and ESP32 boards, and its Zigbee bridge."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text(
    "Tasmota 固件的传感器、输入触点、电能与 Zigbee 桥",
    "Tasmota boards: sensors, input contacts, energy, Zigbee bridge",
)
LEVEL: Final = "works"
