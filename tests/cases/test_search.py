"""Incidents by several criteria at once, and how those of an earlier version are found."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from gateway.model import (
    SECOND,
    Category,
    Happened,
    Incident,
    IncidentEvent,
    Severity,
    State,
    Text,
    Wanted,
)
from gateway.store.cases import Cases
from gateway.store.chain import seal
from gateway.store.step import Step
from tests.cases.house import StoryClock

DAY = 86_400 * SECOND
ALL = "fedcba"


def one(name: str, day: int, **changes: object) -> Incident:
    usual = Incident(
        key=f"L2026010{day}-0001", rule="smoke", same=f"device:{name}", title=Text("烟感报警", "Smoke"),
        category=Category.life, severity=Severity.alarm, kind="smoke", device=name,
        place="13010103", owner="zhang", state=State.open, opened_at=day * DAY, deadline=1,
        why=Text("浓度 100%_高", "dense"), group=name, events=1,
    )  # fmt: skip
    return msgspec.structs.replace(usual, **changes)


EVERY = (
    one("a", 1),
    one("b", 2, owner="li", severity=Severity.critical),
    one("c", 3, state=State.closed, deadline=0, place="130102"),
    one("d", 4, category=Category.facility, place="1302", title=Text("井盖打开", "Manhole open")),
    one("e", 5, overdue=True, owner="li", state=State.received),
    one("f", 6, overdue=True, state=State.closed, deadline=0),
)


async def keep(cases: Cases) -> None:
    for incident in EVERY:
        event = IncidentEvent(incident.key, 1, Happened.opened, 1, 1, True, "timer", {})
        await cases.commit(Step(arrival=1, events=[seal(event, "")], incidents=[incident]))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), ALL),
        (Wanted(states=("open",)), "dba"),
        (Wanted(states=("open", "received")), "edba"),
        (Wanted(categories=("facility",)), "d"),
        (Wanted(severities=("critical", "notice")), "b"),
        (Wanted(owners=("li",)), "eb"),
        (Wanted(place="1301"), "fecba"),
        (Wanted(place="130101"), "feba"),
        (Wanted(since=3 * DAY, until=5 * DAY), "dc"),
        (Wanted(overdue=True), "fe"),
        (Wanted(overdue=False), "dcba"),
        (Wanted(text="manhole"), "d"),
        (Wanted(text="L20260102"), "b"),
        (Wanted(text="烟感"), "fecba"),
        (Wanted(text="100%_"), ALL),
        (Wanted(text="0%高"), ""),  # no wildcard
        (Wanted(states=("open",), owners=("li", "zhang"), place="1301", text="烟"), "ba"),
    ],
)
async def test_what_is_found_fits_every_criterion(
    tmp_path: Path, wanted: Wanted, found: str
) -> None:
    async with Cases(tmp_path / "c.db", StoryClock()) as cases:
        await keep(cases)
        assert "".join(each.device for each in await cases.search(wanted, 100)) == found
        newest = await cases.search(wanted, 1)
        assert "".join(each.device for each in newest) == found[:1]


async def test_incidents_of_an_earlier_version_are_found_as_well(tmp_path: Path) -> None:
    async with Cases(tmp_path / "c.db", StoryClock()) as cases:
        await keep(cases)
    with closing(sqlite3.connect(tmp_path / "c.db")) as raw, raw:
        raw.execute("UPDATE incident SET owner = '', severity = '', place = '', words = ''")
    async with Cases(tmp_path / "c.db", StoryClock()) as cases:
        found = await cases.search(Wanted(owners=("li",), place="1301", text="烟感"), 9)
        assert [each.device for each in found] == ["e", "b"]
        assert await cases.incident(EVERY[0].key) == EVERY[0]
