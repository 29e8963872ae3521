"""The charts' reader on the real journal: what it answers is what was stored."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.history import keeper as subject
from gateway.history.keeper import Keeper
from gateway.history.picture import Asked, History
from gateway.model import SECOND, Reading, Record
from gateway.ports import Unavailable
from gateway.store import history
from gateway.store.group import Limits
from gateway.store.journal import Journal
from gateway.store.journal_file import JournalFile
from gateway.store.lanes import Read
from tests.store.house import Store, committed, store
from tests.virtual import START, VirtualClock, settle

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
KEEP = 40 * 86_400.0
MOST = 10**10


class Desk(NamedTuple):
    store: Store
    keeper: Keeper


@asynccontextmanager
async def kept(
    folder: Path, clock: VirtualClock, *, keep: float = KEEP, most: int = MOST
) -> AsyncIterator[Desk]:
    async with store(folder, clock) as s:
        keeper = Keeper(folder / "history.db", s.journal, clock, keep, most)
        running = asyncio.create_task(keeper.run())
        await settle()
        try:
            yield Desk(s, keeper)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def told(desk: Desk, clock: VirtualClock, readings: list[Reading]) -> None:
    await committed(clock, desk.store.intake.door("d")(readings))


def warm(device: str, at: int, value: float, **more: object) -> Reading:
    return Reading(device, "climate", {"temperature": value}, at, **more)  # type: ignore[arg-type]


def asked(device: str, span: int, now: int, points: int = 800, value: str = "temperature") -> Asked:
    return Asked(f"d/{device}", value, now - span, now, points, 2 * HOUR)


def brute(readings: list[Reading], found: History) -> list[tuple[int, float, float, int]]:
    """From all readings: at, least, most and how many."""
    made: dict[int, list[float]] = {}
    for reading in readings:
        at = reading.observed_at or 0
        if found.since <= at < found.until:
            value = float(reading.values["temperature"])
            made.setdefault(at // found.step * found.step, []).append(value)
    return [(at, min(v), max(v), len(v)) for at, v in sorted(made.items())]


def shown(found: History) -> list[tuple[int, float, float, int]]:
    return [(b.at, b.low, b.high, b.reports) for b in found.buckets]


def busy(seed: int, now: int, span: int) -> list[Reading]:
    """Reports of two devices in no order of time, up to ``span`` old."""
    chance = random.Random(seed)
    return [
        warm(chance.choice("ab"), now - chance.randrange(span), round(chance.uniform(-20, 40), 1))
        for _ in range(400)
    ]


async def test_answers_are_those_of_all_readings_over_restarts_and_stretches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "_CELLS_MOST", 150)
    monkeypatch.setattr(subject, "_SLICE", 100)
    clock = VirtualClock()
    said: list[Reading] = []
    for seed in range(3):
        async with kept(tmp_path, clock) as desk:
            fresh = busy(seed, clock.wall, 20 * HOUR)
            said += fresh
            await told(desk, clock, fresh)
            for device in "ab":
                mine = [each for each in said if each.device == device]
                for span, points in ((26 * HOUR, 800), (26 * HOUR, 40), (3 * HOUR, 30)):
                    question = asked(device, span, clock.wall, points)
                    found = await desk.keeper.ask(question)
                    assert found.behind == 0
                    assert shown(found) == brute(mine, found)
                    assert sum(b.reports for b in found.buckets) > 0
    with closing(sqlite3.connect(tmp_path / "history.db")) as file:
        assert file.execute("SELECT count(*) FROM stretch").fetchone()[0] > 3


async def test_nothing_is_folded_twice_when_the_power_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = VirtualClock()
    said = busy(1, clock.wall, 20 * HOUR)
    with monkeypatch.context() as patch:
        patch.setattr(Keeper, "_end", lambda keeper: keeper._file.close())
        async with kept(tmp_path, clock) as desk:
            await told(desk, clock, said)
            await desk.keeper.ask(asked("a", HOUR * 26, clock.wall))
    async with kept(tmp_path, clock) as desk:
        found = await desk.keeper.ask(asked("a", HOUR * 26, clock.wall))
        assert shown(found) == brute([each for each in said if each.device == "a"], found)


async def test_an_asker_who_leaves_in_the_middle_has_nothing_folded_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = VirtualClock()
    said = busy(2, clock.wall, 20 * HOUR)
    began, goes_on, fold = threading.Event(), threading.Event(), Keeper._fold
    looked_again, browse = asyncio.Event(), Journal.browse
    looks: list[int] = []

    async def look(journal: Journal, after: int, most: int) -> Read:
        read = await browse(journal, after, most)
        looks.append(len(read.records))
        if looks.count(len(said)) == 2:
            looked_again.set()
        return read

    def slowly(keeper: Keeper, records: list[Record], after: int, upto: int, mono: int) -> None:
        began.set()
        goes_on.wait(5)
        fold(keeper, records, after, upto, mono)

    monkeypatch.setattr(Keeper, "_fold", slowly)
    monkeypatch.setattr(Journal, "browse", look)
    async with kept(tmp_path, clock) as desk:
        await told(desk, clock, said)
        question = asked("a", HOUR * 26, clock.wall)
        leaving = asyncio.create_task(desk.keeper.ask(question))
        await asyncio.to_thread(began.wait, 5)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        staying = asyncio.create_task(desk.keeper.ask(question))
        await looked_again.wait()
        goes_on.set()
        found = await staying
        assert shown(found) == brute([each for each in said if each.device == "a"], found)


async def test_the_last_minutes_are_shown_in_seconds_from_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = VirtualClock()
    said = busy(3, clock.wall, 10 * MINUTE)
    mine = [each for each in said if each.device == "b"]
    async with kept(tmp_path, clock) as desk:
        await told(desk, clock, said)
        question = asked("b", 12 * MINUTE, clock.wall)
        found = await desk.keeper.ask(question)
        assert found.step == SECOND
        assert shown(found) == brute(mine, found)
        monkeypatch.setattr(subject, "_READINGS_MOST", 50)
        found = await desk.keeper.ask(question)
        assert found.step == MINUTE, "too much to read: the cells say it less finely"
        assert shown(found) == brute(mine, found)


async def test_a_door_that_speaks_only_when_it_moves_is_known_in_between(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with kept(tmp_path, clock) as desk:
        for opened, minutes in ((False, 60), (True, 30), (False, 90)):
            begun = clock.wall
            await told(desk, clock, [Reading("door", "contact", {"open": opened}, begun)])
            clock.jump((begun + minutes * MINUTE - clock.wall) / SECOND)
        now = clock.wall
        assert now == START + 3 * HOUR
        found = await desk.keeper.ask(asked("door", 3 * HOUR, now, 6, "open"))
        assert found.yes
        assert found.step == 30 * MINUTE
        # What a report says holds to the next one, and the last one for the two hours of silence.
        assert [round(one.yes, 2) for one in found.shares] == [0, 0, 1, 0, 0, 0]
        assert [one.reports for one in found.shares] == [1, 0, 1, 1, 0, 0]
        near = await desk.keeper.ask(asked("door", 100 * MINUTE, now, 200, "open"))
        assert near.step == 30 * SECOND, "from the journal, with what was said before"
        assert near.shares[0].at == near.since
        assert [one.yes for one in near.shares[:20]] == [1.0] * 20
        assert near.shares[-1].yes == 0.0


async def test_old_stretches_go_with_the_journals_age_and_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "_CELLS_MOST", 100)
    clock = VirtualClock()
    async with kept(tmp_path, clock, keep=24 * 3_600.0) as desk:
        await told(desk, clock, busy(4, clock.wall, 10 * HOUR))
        first = await desk.keeper.ask(asked("a", 10 * HOUR, clock.wall))
        assert first.oldest is not None
        clock.jump(30 * 3_600)
        await told(desk, clock, busy(5, clock.wall, 10 * HOUR))
        found = await desk.keeper.ask(asked("a", 60 * HOUR, clock.wall))
        assert found.oldest is not None
        assert found.oldest > clock.wall - 24 * HOUR
        assert found.buckets[0].at >= found.oldest - found.step
    small = tmp_path / "small"
    small.mkdir()
    async with kept(small, clock, most=800_000) as desk:
        for seed in range(40):
            await told(desk, clock, busy(seed, clock.wall, 10 * HOUR))
            await desk.keeper.ask(asked("a", 10 * HOUR, clock.wall))
            assert os.stat(small / "history.db").st_size < 100_000  # a tenth, and one stretch
        found = await desk.keeper.ask(asked("a", 12 * HOUR, clock.wall))
        kept_now = sum(b.reports for b in found.buckets)
        assert 3 * 200 < kept_now < 30 * 200, "the first of them are gone, and no more than that"


async def test_names_of_devices_that_are_long_gone_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "_CELLS_MOST", 1)
    monkeypatch.setattr(history, "_NAMES_MOST", 2)
    clock = VirtualClock()

    def names() -> list[str]:
        with closing(sqlite3.connect(tmp_path / "history.db")) as file:
            return sorted(name for (name,) in file.execute("SELECT name FROM device"))

    async with kept(tmp_path, clock, keep=24 * 3_600.0) as desk:
        for device in ("old", "gone", "here"):
            await told(desk, clock, [warm(device, clock.wall, 20.0)])
            await desk.keeper.catch_up()
        assert names() == ["d/gone", "d/here", "d/old"]
        clock.jump(30 * 3_600)
        await told(desk, clock, [warm("here", clock.wall, 21.0)])
        await desk.keeper.catch_up()
        assert names() == ["d/here"]
        found = await desk.keeper.ask(asked("here", 26 * HOUR, clock.wall))
        assert [b.high for b in found.buckets] == [21.0]


async def test_a_broken_file_is_filled_from_the_journal_again(tmp_path: Path) -> None:
    clock = VirtualClock()
    said = busy(6, clock.wall, 20 * HOUR)
    mine = [each for each in said if each.device == "a"]
    async with kept(tmp_path, clock) as desk:
        await told(desk, clock, said)
    (tmp_path / "history.db").write_bytes(b"no database" * 1_000)
    async with kept(tmp_path, clock) as desk:
        found = await desk.keeper.ask(asked("a", HOUR * 26, clock.wall))
        assert shown(found) == brute(mine, found)
    assert any(name.startswith("history-broken-") for name in os.listdir(tmp_path))


async def test_an_older_journal_that_was_put_back_is_what_counts(tmp_path: Path) -> None:
    clock = VirtualClock()
    said = busy(7, clock.wall, 20 * HOUR)
    async with kept(tmp_path, clock) as desk:
        await told(desk, clock, said[:100])
    before = (tmp_path / "journal.db").read_bytes()
    async with kept(tmp_path, clock) as desk:
        await told(desk, clock, said[100:])
        await desk.keeper.ask(asked("a", HOUR * 26, clock.wall))
    (tmp_path / "journal.db").write_bytes(before)
    async with kept(tmp_path, clock) as desk:
        found = await desk.keeper.ask(asked("a", HOUR * 26, clock.wall))
        mine = [each for each in said[:100] if each.device == "a"]
        assert shown(found) == brute(mine, found)


async def test_without_its_reader_a_chart_says_so(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        keeper = Keeper(tmp_path / "history.db", s.journal, clock, KEEP, MOST)
        with pytest.raises(Unavailable, match="charts' reader does not run"):
            await keeper.ask(asked("a", HOUR * 26, clock.wall))


async def test_a_clock_that_is_not_believed_yet_is_waited_for(tmp_path: Path) -> None:
    clock = VirtualClock(START - 400 * 24 * HOUR, trusted=False)
    async with kept(tmp_path, clock) as desk:
        await committed(clock, desk.store.intake.door("d")(
            [Reading("a", "climate", {"temperature": 20.0})]))  # fmt: skip
        clock.jump(400 * 86_400)
        clock.trusted = True
        await desk.store.journal.trust(clock.now())
        await clock.advance(60)
        found = await desk.keeper.ask(asked("a", HOUR * 26, clock.wall))
        assert [b.reports for b in found.buckets] == [1]
        assert clock.wall - found.buckets[0].at < 5 * MINUTE


@contextmanager
def a_long_journal(path: Path, until: int) -> Iterator[int]:
    """A thousand commits, one a minute; device ``a`` is in the first and the last ten."""
    from tests.bench.history import groups

    file, last = JournalFile(path), 0
    file.open(until, "long")
    file.writer.execute("PRAGMA synchronous = OFF")
    for n, records in enumerate(groups(1, 1_000 / 1_440, until)):
        last = records[-1].n
        file.append(records, last, None, (), {})
        assert n < 1_000
    file.close()
    yield last


async def test_a_look_at_the_last_hour_reads_the_last_hour_only(tmp_path: Path) -> None:
    clock = VirtualClock()
    with a_long_journal(tmp_path / "journal.db", clock.wall) as last:
        async with Journal(tmp_path / "journal.db", Limits(), clock) as journal:
            assert journal.last == last
            found, whole = await journal.records_of("mqtt/smoke-0000", clock.wall - HOUR, 10_000)
            assert whole
            assert len(found) == 60
            found, whole = await journal.records_of("mqtt/smoke-0000", clock.wall - HOUR, 20)
            assert not whole
            assert [record.n for record in found] == list(range(last - 19, last + 1))
