"""A small site, and changes as rules would make them."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.model import (
    Category,
    Change,
    Device,
    Person,
    Place,
    Severity,
    Site,
    Text,
    Turn,
)

DUTY = Person(id="duty", name="值班员", grid="", role="assistant")
DEADLINES = {
    Category.life: 300.0,
    Category.intrusion: 600.0,
    Category.facility: 7_200.0,
    Category.trouble: 86_400.0,
    Category.system: 86_400.0,
}

_PLACES = (
    Place("1301", "", "community", "云河社区"),
    Place("130101", "1301", "grid", "一网格", address="建设路5号"),
    Place("13010103", "130101", "building", "3号楼", latitude=38.3, longitude=116.8),
)
_PEOPLE = (
    Person("zhang", "张三", "130101", "assistant", phone="13800000001", channels=("phone",)),
    Person("li", "李四", "130101", "officer", phone="13800000002", channels=("phone", "paper")),
    Person("wang", "王五", "1301", "supervisor", language="en"),
)


def device(name: str, **changes: Any) -> Device:
    known = Device(
        id=name, driver="m", address=name, kind="smoke", name=f"烟感 {name}", place="13010103",
        floor="2", flat="201", contact="住户 13900000000", ranges={"density": (0.0, 5.0)},
        tags=("closed_area", "厨房"),
    )  # fmt: skip
    return msgspec.structs.replace(known, **changes)


def site(*devices: Device, people: tuple[Person, ...] = _PEOPLE) -> Site:
    return Site(
        version=1,
        places={place.code: place for place in _PLACES},
        devices={each.id: each for each in devices or (device("s1"), device("s2"), device("s3"))},
        people={person.id: person for person in people},
    )


def alarmed(name: str = "s1", *, at: int = 0, **changes: Any) -> Change:
    change = Change(
        turn=Turn.alarmed,
        rule="smoke_alarm",
        device=name,
        kind="smoke",
        same="building:13010103",
        place="13010103",
        category=Category.life,
        severity=Severity.alarm,
        title=Text("烟感报警", "Smoke alarm"),
        why=Text("烟雾浓度 0.31 %/m 高于 0.15", "density 0.31 %/m above 0.15"),
        at=at or 1_767_600_000_000_000_000,
        now=1,
        record=7,
    )
    return msgspec.structs.replace(change, **changes)


def cleared(name: str = "s1", **changes: Any) -> Change:
    return alarmed(name, turn=Turn.cleared, **changes)
