"""The store of incidents, full: commits of an alarm, and every query that a page makes.

    python -m tests.bench.cases [CASES] [--runs 3] [--server]

100,000 cases of three years, 4,000 officers of 1,400 grids, 300 cases open, 2,000 messages waiting.
Rows are made here and written as the program writes them; queries run through ``Cases``, with
its thread and its cache, the first call of each included in the worst. ``--server`` asks PostgreSQL
the same. Commits are of one alarm each: event, incident, three messages, timer, bookmark, state.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from sqlalchemy import Connection, insert

from gateway.clock import SystemClock
from gateway.model import (
    SECOND,
    Category,
    Happened,
    Incident,
    IncidentEvent,
    OutboxRow,
    Person,
    Place,
    Position,
    Severity,
    Site,
    State,
    Text,
    Wanted,
)
from gateway.store import cases_search, cases_write, chain
from gateway.store.cases import Cases
from gateway.store.cases_tables import EVENT, INCIDENT, OUTBOX, TIMER
from gateway.store.databases import Database, SqliteFile, database
from gateway.store.step import Step, Timer
from tests.bench.gateway import Row
from tests.servers import PostgreSQL

CASES = 100_000
_OPEN = 300
_WAITING = 2_000
_A_DAY = 100
_FIRST = 1_672_531_200 * SECOND
"""2023-01-01."""
_EVERY = 86_400 * SECOND // _A_DAY
_LATELY = _FIRST + CASES * _EVERY
_AT_ONCE = 2_000
_PAGE = 50

Query = Callable[[Cases], Awaitable[object]]


def district() -> Site:
    """1,400 grids below streets and communities, each with its officers."""
    places = {"1309": Place("1309", "", "district", "运河区")}
    people: dict[str, Person] = {}
    for number in range(1_400):
        street, community = (
            f"1309{number // 100:02}",
            f"1309{number // 100:02}{number // 10 % 10:02}",
        )
        places.setdefault(street, Place(street, "1309", "street", f"街道{street}"))
        places.setdefault(community, Place(community, street, "community", f"社区{community}"))
        code = f"{community}{number % 10:02}"
        places[code] = Place(code, community, "grid", f"网格{code}")
        for role in ("assistant", "officer", "supervisor"):
            if len(people) < 4_000:
                name = f"p{len(people)}"
                people[name] = Person(
                    name, f"张{len(people)}", code, role, "138", channels=("phone",)
                )
    return Site(1, places, {}, people)


def case(number: int, grids: list[str], chance: random.Random, closed: bool) -> Incident:
    """The newest have the highest numbers."""
    day, above = 20_230_101 + number // _A_DAY, chance.uniform(0.15, 2.0)
    state = State.closed if closed else chance.choice([State.open, State.received, State.handling])
    return Incident(
        key=f"L{day}-{number % _A_DAY + 1:04}",
        rule="smoke_alarm",
        same=f"device:{number}",
        title=Text("烟感报警", "Smoke alarm"),
        category=chance.choice(list(Category)),
        severity=chance.choice(list(Severity)),
        kind="smoke",
        device=f"s{number % 30_000}",
        place=chance.choice(grids),
        owner=f"p{chance.randrange(4_000)}",
        state=state,
        opened_at=_FIRST + number * _EVERY,
        deadline=0 if closed else number,
        why=Text(
            f"烟雾浓度 {above:.2f} %/m 高于 0.15,自 04:11:07 起,3号楼 2 台设备",
            f"density {above:.2f} %/m above 0.15 since 04:11:07, 2 devices in building 3",
        ),
        overdue=number % 9 == 0,
        group="smoke_alarm",
        events=4,
        head="a" * 64,
        holding=() if closed else (("smoke_alarm", f"s{number}"),),
        severities=() if closed else (Severity.alarm,),
    )


async def fill(database: Cases, count: int, site: Site) -> None:
    """``count`` cases with three events and three messages each, in few transactions."""
    chance = random.Random(7)
    grids = [place.code for place in site.places.values() if place.level == "grid"]
    for begin in range(0, count, _AT_ONCE):
        cases = [
            case(number, grids, chance, number < count - _OPEN)
            for number in range(begin, min(begin + _AT_ONCE, count))
        ]
        await database.write(_put, cases, begin, count)


def _put(connection: Connection, cases: list[Incident], begin: int, count: int) -> None:
    with connection.begin():
        connection.execute(insert(INCIDENT), [cases_search.incident_values(c) for c in cases])
        connection.execute(insert(EVENT), [link for c in cases for link in _links(c)])
        rows = [
            cases_write.outbox_values(row)
            for at, c in enumerate(cases, begin)
            for row in _messages(c, at, at >= count - _WAITING // 3)
        ]
        connection.execute(insert(OUTBOX), rows)
        timers = [
            {"incident": c.key, "kind": "deadline", "due": c.deadline} for c in cases if c.deadline
        ]
        if timers:
            connection.execute(insert(TIMER), timers)


def _links(each: Incident) -> list[dict[str, object]]:
    what = [Happened.opened, Happened.received, Happened.handling]
    if not each.deadline:
        what.append(Happened.closed)
    events, previous = [], ""
    for seq, happened in enumerate(what, 1):
        event = IncidentEvent(
            each.key, seq, happened, each.opened_at, each.opened_at, True, "person:p1",
            {"zh": each.why.zh, "en": each.why.en},
        )  # fmt: skip
        sealed = chain.seal(event, previous)
        previous = sealed.hash
        events.append(chain.stored(sealed)._asdict())
    return events


def _messages(each: Incident, at: int, waits: bool) -> Iterator[OutboxRow]:
    for seq in (1, 2, 3):
        end = "" if waits else "told"
        held = ("quota", "quiet", "")[seq - 1] if waits else ""
        yield OutboxRow(
            at * 3 + seq, each.key, seq, "opened", f"p{seq}", at, 1, "phone", end, "phone: told",
            held=held,
        )  # fmt: skip


def searches() -> dict[str, Wanted]:
    """What `GET /api/v1/incidents` may be asked for: what many are, what few are, what none is."""
    recent = _LATELY - 7 * 86_400 * SECOND
    return {
        "newest": Wanted(),
        "open, of life": Wanted(states=("open", "received", "handling"), categories=("life",)),
        "closed, critical": Wanted(states=("closed",), severities=("critical",)),
        "a street's": Wanted(place="130907"),
        "one officer's (25 of all)": Wanted(owners=("p17",)),
        "nobody's (all are read)": Wanted(owners=("nobody",)),
        "a grid's overdue critical": Wanted(
            place="13090307", overdue=True, severities=("critical",)
        ),
        "a week's in a community": Wanted(since=recent, place="130912"),
        "word, common": Wanted(text="烟雾"),
        "word, in none (all are read)": Wanted(text="消防栓"),
        "number, in none (all are read)": Wanted(text="7.77 %/m"),
        "word, and an officer": Wanted(text="烟感", owners=("p17",)),
    }


def queries(key: str) -> dict[str, Query]:
    """Every page's, by what it shows."""
    half = (_FIRST + CASES // 2 * _EVERY, "L")
    found: dict[str, Query] = {
        "open list": lambda cases: cases.open_incidents(1_000),
        "one incident": lambda cases: cases.incident(key),
        "  its events": lambda cases: cases.events(key),
        "  its messages": lambda cases: cases.outbox(key),
        "messages due (100)": lambda cases: cases.due_rows(_LATELY, 100),
        "next message due": lambda cases: cases.next_due(-1),
        "messages by end": lambda cases: cases.outbox_counts(),
        "timers due (100)": lambda cases: cases.due_timers(_LATELY, 100),
        "told lately, of one officer": lambda cases: cases.told_lately("p1", 20),
        "half-way down the list": lambda cases: cases.search(Wanted(), _PAGE, half),
    }
    for name, wanted in searches().items():
        found[f"search: {name}"] = lambda cases, wanted=wanted: cases.search(wanted, _PAGE)
    return found


async def asked(cases: Cases, runs: int) -> dict[str, tuple[float, float]]:
    """Milliseconds of each query: median and worst of ``runs`` times five."""
    (newest,) = await cases.search(Wanted(states=("closed",)), 1)
    times: dict[str, tuple[float, float]] = {}
    for name, query in queries(newest.key).items():
        spent = []
        for _ in range(runs * 5):
            began = time.perf_counter()
            await query(cases)
            spent.append((time.perf_counter() - began) * 1e3)
        times[name] = statistics.median(spent), max(spent)
    return times


def alarm(number: int) -> Step:
    """What the desk commits for one new alarm."""
    incident = case(number, ["1309"], random.Random(number), closed=False)
    key = f"L20990101-{number:05}"
    event = IncidentEvent(key, 1, Happened.opened, 1, number, True, "rule:r", {"zh": "烟"}, "", key)
    return Step(
        arrival=number,
        events=[event],
        incidents=[_named(incident, key)],
        outbox=[OutboxRow(0, key, 1, "opened", f"p{n}", number, since=number) for n in range(3)],
        timers_set=[Timer(key, "deadline", number)],
        bookmark=Position("j", number),
        state={f"device:{number % 50}": b"x" * 100},
    )


def _named(incident: Incident, key: str) -> Incident:
    return msgspec.structs.replace(incident, key=key, same=f"alarm:{key}", opened_at=_LATELY)


async def commits(cases: Cases, count: int) -> tuple[float, float]:
    """Alarms committed in a second, one after the other, and the p99 of one in ms."""
    spent = []
    for number in range(1, count + 1):
        step = alarm(number)
        began = time.perf_counter()
        await cases.commit(step)
        spent.append(time.perf_counter() - began)
    return count / sum(spent), sorted(spent)[int(count * 0.99)] * 1e3


async def measure(
    where: Database, count: int, runs: int, steps: int
) -> tuple[dict[str, tuple[float, float]], tuple[float, float]]:
    """Fill ``where``, ask everything, then commit ``steps`` alarms on top."""
    site = district()
    async with Cases(where, SystemClock("always")) as cases:
        await cases.replace_registry(site, "bench")
        await fill(cases, count, site)
        await cases.write(_analysed)
        return await asked(cases, runs), await commits(cases, steps)


def _analysed(connection: Connection) -> None:
    """As autovacuum has done long before a server holds so much."""
    if connection.dialect.name == "postgresql":
        with connection.begin():
            connection.exec_driver_sql("ANALYZE")


@contextmanager
def kept(server: bool) -> Iterator[Database]:
    """An empty database, synced as in the field."""
    with tempfile.TemporaryDirectory() as folder:
        if not server:
            yield SqliteFile(Path(folder) / "cases.db")
            return
        with PostgreSQL(durable=True) as running:
            yield database(Path(), running.schema())


def rows(count: int, runs: int, steps: int, server: bool) -> Iterator[Row]:
    """The table of one kind of database."""
    name, limit = ("PostgreSQL", "") if server else ("SQLite", "under 50 ms")
    with kept(server) as where:
        times, (rate, p99) = asyncio.run(measure(where, count, runs, steps))
    what = f"alarms committed, {count:,} cases in {name}"
    yield Row(what, f"{rate:,.0f}/s, p99 {p99:.1f} ms", "", "")
    for query, (median, worst) in times.items():
        yield Row(f"  {query}", f"{median:.1f} ms, worst {worst:.1f}", limit, "")


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.bench.cases")
    parser.add_argument("cases", nargs="?", type=int, default=CASES)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--server", action="store_true", help="PostgreSQL in place of SQLite")
    options = parser.parse_args()
    for row in rows(options.cases, options.runs, 1_000, options.server):
        print(f"{row.what:52} {row.figure:34} {row.limit:26} {row.peer}", flush=True)


if __name__ == "__main__":
    main()
