"""A board with a smoke detector's contact and a reed, and a Zigbee bridge beside it."""

from __future__ import annotations

import json
from typing import Any, Final

from drivers.mqtt.simulator import Said

OPTIONS: Final[dict[str, Any]] = {
    "zone": "+08:00",
    "inputs": {
        "tasmota_49A3BC": {
            "Switch1": {"value": "alarm", "kind": "smoke", "invert": True},
            "Switch2": {"value": "open", "kind": "contact", "device": "door"},
        }
    },
}
"""What the simulated devices need in the configuration."""

_BOARD: Final = {
    "ip": "192.168.15.10",
    "dn": "配电间",
    "mac": "00000049A3BC",
    "md": "Sonoff Basic",
    "ofln": "Offline",
    "onln": "Online",
    "state": ["OFF", "ON", "TOGGLE", "HOLD"],
    "sw": "14.2.0",
    "t": "tasmota_49A3BC",
    "ft": "%prefix%/%topic%/",
    "tp": ["cmnd", "stat", "tele"],
    "swc": [1, 1],
    "ver": 1,
}


def _sensor(smoke: str, door: str, temperature: float | None) -> Said:
    payload = {
        "Time": "2026-11-22T08:30:00",
        "Switch1": smoke,
        "Switch2": door,
        "DS18B20": {"Id": "01131B123456", "Temperature": temperature},
        "TempUnit": "C",
    }
    return Said("tele/tasmota_49A3BC/SENSOR", json.dumps(payload))


def _zigbee(**fields: Any) -> Said:
    device = {"Device": "0x8F20", "Name": "hall", **fields, "Endpoint": 1, "LinkQuality": 88}
    payload = {"ZbReceived": {"0x8F20": device}}
    return Said("tele/ZbBridge/SENSOR", json.dumps(payload))


MESSAGES: Final = (
    Said("tasmota/discovery/00000049A3BC/config", json.dumps(_BOARD), True),
    Said("tele/tasmota_49A3BC/LWT", "Online", True),
    _sensor("ON", "OFF", 12.4),
    Said("stat/tasmota_49A3BC/RESULT", '{"Switch2":{"Action":"ON"}}'),
    Said("stat/tasmota_49A3BC/RESULT", '{"Switch2":{"Action":"OFF"}}'),
    Said("stat/tasmota_49A3BC/RESULT", '{"Switch1":{"Action":"OFF"}}'),
    _sensor("OFF", "OFF", 38.2),
    _sensor("ON", "OFF", 12.9),
    _zigbee(Fire=0, Battery=90),
    _zigbee(Fire=1, ZoneStatusChange=0x101),
    _zigbee(Fire=0, ZoneStatusChange=0x008),
)
