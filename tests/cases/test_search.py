"""Incidents are found by whatever was asked for, newest first, page by page."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import msgspec
from sqlalchemy import Connection, event

from gateway.model import Category, Incident, Severity, State, Text, Wanted
from gateway.store.cases import Cases
from gateway.store.cases_search import search, words_of
from gateway.store.step import Step
from tests.cases.house import StoryClock
from tests.cases.store import Store

_FIRST = 1_767_600_000_000_000_000
_PLACES = ("13", "1301", "130101", "13010103", "1302", "13020101")
_TITLES = (Text("烟感报警", "Smoke alarm"), Text("井盖打开", "Manhole OPEN"), Text("100%_a\\b", ""))


def made(number: int) -> Incident:
    """Two of each moment; every property turns at its own pace."""
    return Incident(
        key=f"L20260105-{number:04}",
        rule="r",
        same=f"device:{number}",
        title=_TITLES[number % 3],
        category=list(Category)[number % 5],
        severity=list(Severity)[number % 4],
        kind="smoke",
        device="s1",
        place=_PLACES[number % 6],
        owner=f"p{number % 7}",
        state=list(State)[number % 4],
        opened_at=_FIRST + number // 2,
        deadline=0,
        why=Text(f"浓度 0.{number} %/m", f"density 0.{number} %/m"),
        overdue=number % 8 == 0,
        group="r",
    )


ALL = [made(number) for number in range(1, 61)]


def plainly(wanted: Wanted) -> list[Incident]:
    """What the filter says, in the words of Python."""

    def fits(each: Incident) -> bool:
        texts = (each.key, each.device, each.title.zh, each.title.en, each.why.zh, each.why.en)
        words = "\n".join(texts).casefold()
        return (
            (not wanted.states or each.state in wanted.states)
            and (not wanted.categories or each.category in wanted.categories)
            and (not wanted.severities or each.severity in wanted.severities)
            and each.place.startswith(wanted.place)
            and (not wanted.owners or each.owner in wanted.owners)
            and each.opened_at >= wanted.since
            and (not wanted.until or each.opened_at < wanted.until)
            and wanted.overdue in (None, each.overdue)
            and all(word in words for word in wanted.text.casefold().split())
        )

    return sorted(filter(fits, ALL), key=lambda each: (each.opened_at, each.key), reverse=True)


def some(chance: random.Random) -> Wanted:
    """A filter that asks for one to three things."""
    asked: dict[str, object] = {
        "states": tuple(chance.sample(list(State), chance.randint(1, 3))),
        "categories": tuple(chance.sample(list(Category), chance.randint(1, 3))),
        "severities": tuple(chance.sample(list(Severity), chance.randint(1, 3))),
        "place": chance.choice(_PLACES),
        "owners": tuple(chance.sample([f"p{number}" for number in range(8)], 2)),
        "since": _FIRST + chance.randrange(31),
        "until": _FIRST + chance.randrange(1, 31),
        "overdue": chance.choice([True, False]),
        "text": chance.choice(
            ["烟感", "smoke", "OPEN 井盖", "0.1", "l20260105-001", "100%_A\\b", "%", "_x"]
        ),
    }
    return msgspec.convert(
        {name: asked[name] for name in chance.sample(sorted(asked), chance.randint(1, 3))}, Wanted
    )


async def filled(cases: Cases) -> None:
    await cases.commit(Step(arrival=1, incidents=ALL))


async def test_a_filter_finds_what_it_says_page_by_page(store: Store) -> None:
    chance, found_some = random.Random(5), 0
    async with Cases(store.where, StoryClock()) as cases:
        await filled(cases)
        for _ in range(120):
            wanted = some(chance)
            expected = plainly(wanted)
            found_some += bool(expected)
            found: list[Incident] = []
            while page := await cases.search(wanted, 7, _after(found)):
                assert len(page) <= 7
                found += page
            assert found == expected, wanted
        assert await cases.search(Wanted(), 100) == plainly(Wanted())
    assert found_some > 60


def _after(shown: list[Incident]) -> tuple[int, str] | None:
    return (shown[-1].opened_at, shown[-1].key) if shown else None


async def test_an_incident_is_found_by_what_it_has_become(store: Store) -> None:
    async with Cases(store.where, StoryClock()) as cases:
        await filled(cases)
        later = msgspec.structs.replace(
            ALL[3], owner="new", severity=Severity.critical, state=State.closed
        )
        await cases.commit(Step(arrival=2, incidents=[later]))
        assert await cases.search(Wanted(owners=("new",), states=(State.closed,)), 10) == [later]
        assert later.key not in [
            each.key for each in await cases.search(Wanted(owners=(ALL[3].owner,)), 100)
        ]


async def test_incidents_of_an_earlier_version_are_found_too(store: Store) -> None:
    async with Cases(store.where, StoryClock()) as cases:
        await filled(cases)
    store.sql("UPDATE incident SET severity = '', place = '', owner = '', overdue = 0, words = ''")
    async with Cases(store.where, StoryClock()) as cases:
        wanted = Wanted(place="1301", text="烟感", severities=(Severity.warning,))
        assert await cases.search(wanted, 100) == plainly(wanted) != []


async def test_a_search_of_everything_reads_an_index_alone(tmp_path: Path) -> None:
    """Until the page is known: fetching each whole row would take a second at 100,000. Of those
    that are open there are never so many."""
    path, chance = tmp_path / "c.db", random.Random(6)
    async with Cases(path, StoryClock()) as cases:
        plans = [
            line
            for _ in range(200)
            for line in await cases.read(explained, some(chance), (_FIRST + 9, "L20260105-0018"))
        ]
    reading = {line for line in plans if "incident_found" in line or "incident_words" in line}
    assert len(reading) >= 3
    assert all("COVERING INDEX" in line for line in reading), reading
    others = {line for line in plans if " incident " in line} - reading
    assert all("incident_open" in line or "(key=?)" in line for line in others), others


def explained(connection: Connection, wanted: Wanted, after: tuple[int, str]) -> list[str]:
    """How SQLite goes about it."""
    asked: list[tuple[str, object]] = []

    def note(
        _connection: object, _cursor: object, statement: str, values: object, *_: object
    ) -> None:
        asked.append((statement, values))

    event.listen(connection, "before_cursor_execute", note)
    search(connection, wanted, 50, after)
    event.remove(connection, "before_cursor_execute", note)
    ((statement, values),) = asked
    raw = connection.connection.dbapi_connection
    assert isinstance(raw, sqlite3.Connection)
    return [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", values)]  # type: ignore[call-overload]


def test_what_is_searched_is_bounded() -> None:
    long = msgspec.structs.replace(ALL[0], why=Text("字" * 5_000, "x"))
    assert len(words_of(long)) == 500
