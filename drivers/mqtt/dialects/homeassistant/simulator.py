"""A smoke detector and a door that announce themselves: joining, alarm, end, test, low battery."""

from __future__ import annotations

import json
from typing import Any, Final

from drivers.mqtt.simulator import Said

_SMOKE: Final = {
    "device": {"identifiers": ["fire-07"], "name": "3号楼 烟感", "model": "HS1SA"},
    "origin": {"name": "simulator"},
    "state_topic": "site/fire-07",
    "components": {
        "smoke": {
            "platform": "binary_sensor",
            "unique_id": "fire-07-smoke",
            "device_class": "smoke",
            "value_template": "{{ 'ON' if value_json.smoke else 'OFF' }}",
        },
        "test": {
            "platform": "binary_sensor",
            "unique_id": "fire-07-test",
            "value_template": "{{ 'ON' if value_json.test else 'OFF' }}",
        },
        "battery": {
            "platform": "sensor",
            "unique_id": "fire-07-battery",
            "device_class": "battery",
            "unit_of_measurement": "%",
            "value_template": "{{ value_json.battery }}",
        },
    },
}
_DOOR: Final = {
    "~": "site/door-02",
    "dev": {"ids": "door-02", "name": "配电间门磁"},
    "uniq_id": "door-02-contact",
    "dev_cla": "door",
    "stat_t": "~/contact",
    "avty_t": "~/status",
}


def _retained(topic: str, content: dict[str, Any]) -> Said:
    return Said(topic, json.dumps(content, ensure_ascii=False), True)


def _state(**fields: Any) -> Said:
    return Said("site/fire-07", json.dumps(fields))


MESSAGES: Final = (
    _retained("homeassistant/device/fire-07/config", _SMOKE),
    _retained("homeassistant/binary_sensor/door-02/contact/config", _DOOR),
    Said("site/door-02/status", "online", True),
    _state(smoke=False, test=False, battery=90),
    Said("site/door-02/contact", "OFF"),
    _state(smoke=False, test=True, battery=90),
    _state(smoke=True, test=False, battery=89),
    _state(smoke=False, test=False, battery=12),
    Said("site/door-02/contact", "ON"),
    Said("site/door-02/contact", "OFF"),
)
