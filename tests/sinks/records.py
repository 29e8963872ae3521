"""Records of two registered devices and a stranger, as the journal holds them."""

from __future__ import annotations

from itertools import count

from gateway.model import SECOND, Device, Reading, Record, Site, Value

HALL = Device("hall", "zigbee", "hall", "smoke", "一楼烟感", "g1", model="Heiman HS1SA", floor="1")
COVER = Device("井盖/5", "lora", "a840", "manhole", "五号井", "g1")
SITE = Site(1, {}, {HALL.id: HALL, COVER.id: COVER})
_numbers = count(1)


def record(device: str, kind: str, wall: int, *, late: bool = False, **values: Value) -> Record:
    named = {name.replace("__", "."): value for name, value in values.items()}
    reading = Reading(device, kind, named, received_at=wall, at=wall, late=late)
    return Record(next(_numbers), wall, "boot", wall, wall, True, reading)


def old(wall: int) -> int:
    return wall - 3600 * SECOND
