"""Devices on a Modbus line: polled by a declared map, sirens switched by coil."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text(
    "Modbus RTU 与 Modbus TCP:按寄存器表轮询,可控制警号",
    "Modbus RTU and TCP: polled register maps, sirens switched by coil",
)
LEVEL: Final = "sturdy"
