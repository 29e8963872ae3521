"""Radio sensors: smoke with a test, a door, motion, a leak; each message is heard several times."""

from __future__ import annotations

import json
from typing import Any, Final

from drivers.mqtt.simulator import Said

_REPEATS: Final = 3


def _heard(model: str, **fields: Any) -> tuple[Said, ...]:
    message = {"time": "@0.5s", "model": model, **fields}
    return (Said("rtl_433/radio/events", json.dumps(message)),) * _REPEATS


def _smoke(*switches: str) -> tuple[Said, ...]:
    states = {f"switch{number}": state for number, state in enumerate(switches, 1)}
    return _heard("Interlogix-Security", subtype="smoke", id="29cd45", battery_ok=1, **states)


_DOOR: Final[dict[str, Any]] = {"id": 73942, "channel": 10}
MESSAGES: Final = (
    *_smoke("OPEN", "CLOSED", "CLOSED", "CLOSED", "CLOSED"),
    *_smoke("OPEN", "OPEN", "OPEN", "OPEN", "CLOSED"),
    *_smoke("OPEN", "OPEN", "OPEN", "CLOSED", "CLOSED"),
    *_smoke("OPEN", "CLOSED", "CLOSED", "CLOSED", "CLOSED"),
    *_heard("Honeywell-Security", **_DOOR, state="open", contact_open=1, tamper=0, battery_ok=1),
    *_heard("Honeywell-Security", **_DOOR, state="closed", contact_open=0, tamper=0, battery_ok=0),
    *_heard("Risco-RWX95P", id=4711, counter=3, motion=1, battery_ok=1),
    *_heard("Govee-Water", id=30258, event="Water Leak"),
)
