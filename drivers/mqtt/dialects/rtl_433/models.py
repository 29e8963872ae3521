"""Bits of the few protocols whose fields have no names of their own. Pure.

Interlogix: rtl_433's interlogix.c (latch and level bits, US patent 5761206) and its issues 649,
1774 and 1856. Yale HSA: yale_hsa.c. Generic motion: generic_motion.c.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from drivers.mqtt._common import Found

Rules = Callable[[Mapping[str, Any], Found], None]
_SWITCHES: Final = ("switch1", "switch2", "switch3", "switch4", "switch5")
_MOTION_LATCH: Final = 0x08
"""Of the first raw byte: input 1 has been triggered since the last report."""
_GENERIC_MOTION: Final = frozenset({"a2", "c2", "e2"})
_YALE_TRIGGER, _YALE_TAMPER, _YALE_RELEASED, _YALE_LOW = 1, 4, 2, 8
_YALE_PIR: Final = 0x15


def interlogix(fields: Mapping[str, Any], found: Found) -> None:
    """Five inputs, OPEN or CLOSED; what they are wired to depends on the type of device."""
    one, two, three, four, _ = (fields.get(name) == "OPEN" for name in _SWITCHES)
    for name in _SWITCHES:
        found.keep(name, fields.get(name))
    subtype = fields.get("subtype", fields.get("device_type"))
    if subtype == "contact":
        found.take("open", one, bool, "contact")
        found.take("tamper", three, bool)
    elif subtype == "motion":
        moved = one or _latched(fields)
        found.take("occupied", moved, bool, "infrared")
        found.take("tamper", three, bool)
    elif subtype in ("smoke", "heat"):
        # its test button lies under the cover: an alarm with the cover off is a test
        found.take("alarm", two and not four, bool, subtype)
        found.take("test", two and four, bool)
        found.take("tamper", four, bool)
    elif subtype == "glass":
        found.take("alarm", not one, bool)


def _latched(fields: Mapping[str, Any]) -> bool:
    raw = fields.get("raw_message", fields.get("device_raw_message"))
    try:
        return bool(int(str(raw)[:2], 16) & _MOTION_LATCH)
    except ValueError:
        return False


def yale_hsa(fields: Mapping[str, Any], found: Found) -> None:
    """Sensor type, state bits and event as numbers or hexadecimal text."""
    stype, state, event = (_hex(fields.get(name)) for name in ("stype", "state", "event"))
    if event == _YALE_TRIGGER:
        if stype == _YALE_PIR:
            found.take("occupied", True, bool, "infrared")
        else:
            found.take("open", True, bool, "contact")
    elif event == _YALE_TAMPER:
        found.take("tamper", bool(state & _YALE_RELEASED), bool)
        found.take("battery_low", bool(state & _YALE_LOW), bool)


def _hex(raw: object) -> int:
    if isinstance(raw, str):
        try:
            return int(raw[:8], 16)
        except ValueError:
            return -1
    return int(raw) if isinstance(raw, (int, float)) and abs(raw) < 1e9 else -1


def generic_motion(fields: Mapping[str, Any], found: Found) -> None:
    """The code's last two digits are the event; a ping every 15 minutes is none."""
    moved = str(fields.get("code", ""))[-2:].lower() in _GENERIC_MOTION
    found.take("occupied", moved, bool, "infrared")


RULES: Final[Mapping[str, Rules]] = {
    "Interlogix": interlogix,
    "Interlogix-Security": interlogix,
    "Yale-HSA": yale_hsa,
    "Generic-Motion": generic_motion,
    "Generic motion sensor": generic_motion,
}
SHORTER_CODE: Final = frozenset({"Generic-Motion", "Generic motion sensor"})
"""Models whose code ends with two digits that are the event, before them the device."""
ONE_WAY: Final = frozenset({"Govee-Contact", "Yale-HSA"})
"""Contacts that never say "closed" (govee.c, yale_hsa.c)."""
