"""A smoke detector and a door contact behind a bridge: joining, alarm, end, test, low battery."""

from __future__ import annotations

import json
from typing import Any, Final

from drivers.mqtt.simulator import Said


def _binary(name: str, on: object = True, off: object = False) -> dict[str, Any]:
    return {"type": "binary", "property": name, "access": 1, "value_on": on, "value_off": off}


_DEVICES: Final = [
    {
        "ieee_address": "0x00158d0001a2b3c4",
        "friendly_name": "3号楼/2层 烟感",
        "type": "EndDevice",
        "definition": {
            "vendor": "Heiman",
            "model": "HS1SA",
            "exposes": [_binary("smoke"), _binary("battery_low"), _binary("test")],
        },
    },
    {
        "ieee_address": "0x00158d0001a2b3c5",
        "friendly_name": "配电间门磁",
        "type": "EndDevice",
        "definition": {
            "vendor": "Aqara",
            "model": "MCCGQ11LM",
            "exposes": [_binary("contact", False, True)],
        },
    },
]


def _state(name: str, **fields: Any) -> Said:
    return Said(f"zigbee2mqtt/{name}", json.dumps(fields, ensure_ascii=False))


MESSAGES: Final = (
    Said("zigbee2mqtt/bridge/state", '{"state":"online"}', True),
    Said("zigbee2mqtt/bridge/devices", json.dumps(_DEVICES, ensure_ascii=False), True),
    _state("3号楼/2层 烟感", smoke=False, battery_low=False, test=False, linkquality=120),
    _state("配电间门磁", contact=True, linkquality=90),
    _state("3号楼/2层 烟感", smoke=False, battery_low=False, test=True, linkquality=118),
    _state("3号楼/2层 烟感", smoke=True, battery_low=False, test=False, linkquality=121),
    _state("3号楼/2层 烟感", smoke=False, battery_low=True, test=False, linkquality=119),
    _state("配电间门磁", contact=False, linkquality=88),
    _state("配电间门磁", contact=True, linkquality=91),
)
