"""A door, a motion sensor, an air monitor and a button for help behind one gateway."""

from __future__ import annotations

import json
from typing import Any, Final

from drivers.mqtt.simulator import Said

OPTIONS: Final[dict[str, Any]] = {"panic": ["38:39:8F:71:EE:FF"]}
"""What the simulated devices need in the configuration."""
_GATEWAY: Final = "home/OpenMQTTGateway"


def _said(mac: str, **fields: Any) -> Said:
    level = mac.replace(":", "")
    return Said(f"{_GATEWAY}/BTtoMQTT/{level}", json.dumps({"id": mac, "rssi": -67, **fields}))


def _door(*, opened: bool, packet: int, battery: int = 100) -> Said:
    about = {"brand": "Shelly", "model": "ShellyBLU Door/Window", "type": "CTMO"}
    state = {"packet": packet, "batt": battery, "open": opened, "rot": 0}
    return _said("3C:2E:F5:AA:BB:CC", **about, **state)


def _motion(*, moved: bool) -> Said:
    about = {"brand": "Qingping", "model": "Motion & Light", "type": "CTMO"}
    return _said("58:2D:34:12:33:DC", **about, motion=moved, lux=3)


MESSAGES: Final = (
    Said(f"{_GATEWAY}/LWT", "online", True),
    Said(f"{_GATEWAY}/SYStoMQTT", '{"uptime":3600,"version":"v1.8.0","rssi":-55}'),
    _door(opened=False, packet=1),
    _door(opened=True, packet=2),
    _door(opened=False, packet=3, battery=9),
    _motion(moved=True),
    _motion(moved=False),
    _said("48:57:43:01:5C:3A", brand="Xiaomi", model="JQJCY01YM", type="AIR", tempc=-3.5, hum=59.5),
    _said("38:39:8F:71:EE:FF", brand="Shelly", model="SBBT-002C", type="BTN", batt=98, button=1),
)
