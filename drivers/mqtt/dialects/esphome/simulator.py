"""A node with a smoke detector's contact, a door and a thermometer."""

from __future__ import annotations

import json
from typing import Any, Final

from drivers.mqtt.simulator import Said

OPTIONS: Final[dict[str, Any]] = {"discovery": "homeassistant"}
"""What the simulated devices need in the configuration."""
_DEVICE: Final = {
    "ids": "a0b1c2d3e4f5",
    "name": "hall",
    "sw": "2026.10.0 (esphome)",
    "mdl": "esp32dev",
    "mf": "Espressif",
}


def _announced(
    name: str, device_class: str, component: str = "binary_sensor", unit: str = ""
) -> Said:
    payload = {
        "dev_cla": device_class,
        "name": name,
        "stat_t": f"hall/{component}/{name}/state",
        "avty_t": "hall/status",
        "unit_of_meas": unit,
        "dev": _DEVICE,
    }
    return Said(f"homeassistant/{component}/hall/{name}/config", json.dumps(payload), True)


def _says(component: str, name: str, word: str) -> Said:
    return Said(f"hall/{component}/{name}/state", word)


MESSAGES: Final = (
    _announced("smoke", "smoke"),
    _announced("back", "door"),
    _announced("temperature", "temperature", "sensor", "°F"),
    Said("hall/status", "online", True),
    _says("binary_sensor", "smoke", "OFF"),
    _says("binary_sensor", "back", "ON"),
    _says("binary_sensor", "back", "OFF"),
    _says("sensor", "temperature", "68.9"),
    _says("sensor", "battery_level", "88"),
    _says("binary_sensor", "smoke", "ON"),
    _says("sensor", "temperature", "nan"),
    _says("binary_sensor", "smoke", "OFF"),
    _says("sensor", "battery_level", "7"),
    _says("binary_sensor", "battery_low", "ON"),
)
