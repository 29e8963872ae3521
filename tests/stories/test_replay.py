"""The journal read again, with its editions, decides what was decided live: in any cut, from any
crash."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import rules
from gateway import app, detect
from gateway.app import DUTY
from gateway.clock import Arrival
from gateway.detect import Detector
from gateway.editions import (
    REGISTRY,
    RULES,
    Editions,
    pack_rules,
    pack_site,
    unpack_rules,
    unpack_site,
)
from gateway.incidents.desk import Desk
from gateway.model import Category, Change, Edition, Lane, Position, Site, Stamp
from gateway.store.cases import Cases
from gateway.store.group import Limits
from gateway.store.journal import Journal
from gateway.store.journal_file import JournalFile
from gateway.store.step import Step
from tests.stories.house import House
from tests.stories.test_reload import TAKEN, Line, Story, records
from tests.virtual import VirtualClock

_OWN = """
rules:
  - name: hot
    title: {{zh: 过热, en: Hot}}
    on: climate
    when: temperature > {limit}
    for: {hold}s
    keep: 20s
    severity: warning
    category: facility
  - name: moved
    title: {{zh: 有人, en: Somebody}}
    on: infrared
    when: alarm
    armed: [home, away]
    severity: alarm
    category: intrusion
  - name: gone
    title: {{zh: 失联, en: Silent}}
    on: smoke
    absent: 40s
    severity: notice
    category: trouble
"""
LINES: Sequence[Line] = (
    (3, "s301", {"alarm": True}),
    (5, "climate1", {"temperature": 30}),
    (15, "climate1", {"temperature": 45}),
    (24, "climate1", {"temperature": 30}),  # over at 44, just before other rules come
    (31, "ir1", {"alarm": True}),
    (32, "ir1", {"alarm": False}),
    (52, "climate1", {"temperature": 31}),
    (70, "s301", {"alarm": False}),
    (71, "s999", {"alarm": True}),
    (95, "ir1", {"alarm": True}),
    (110, "climate1", {"temperature": 10}),
    (111, "s999", {"alarm": True}),
)


class Taken(NamedTuple):
    """A change that was kept, and the places and devices it was decided by."""

    change: Change
    devices: tuple[str, ...]


class Crash(Exception):
    pass


class Witness(Desk):
    """The desk, remembering what it kept; ``crash`` is (which call, whether it was still kept)."""

    kept: list[Taken]
    crash: tuple[int, bool] | None = None
    calls = 0

    async def take(
        self,
        changes: Sequence[Change],
        bookmark: Position | None,
        state: Mapping[str, bytes | None],
        arrival: int,
        stamp: Stamp,
        site: Site,
    ) -> None:
        number, self.calls = self.calls, self.calls + 1
        if self.crash == (number, False):
            raise Crash
        await super().take(changes, bookmark, state, arrival, stamp, site)
        self.kept += [Taken(change, tuple(site.devices)) for change in changes]
        if self.crash == (number, True):
            raise Crash


class Lived(NamedTuple):
    """A house that has stopped: what it decided, and when it ended on the arrival axis."""

    folder: Path
    kept: list[Taken]
    end: int


@pytest.fixture
async def lived(virtual: House, monkeypatch: pytest.MonkeyPatch) -> Lived:
    """Readings, a changed rule, a changed registry, arming, and a restart with changed files."""
    kept: list[Taken] = []
    monkeypatch.setattr(Witness, "kept", kept, raising=False)
    monkeypatch.setattr(app, "Desk", Witness)
    story = Story(virtual)
    await story.begin(*LINES)
    story.say("own.yaml", _OWN.format(limit=40, hold=5))
    await story.at(TAKEN)
    await story.at(28)
    await virtual.running.view.arm("", "disarmed", "person:chen", 0)
    await story.at(40)
    story.say("own.yaml", _OWN.format(limit=25, hold=15))
    await story.at(58)
    await virtual.running.view.arm("9901010101", "away", "person:chen", 0)
    devices = virtual.folder / "devices.csv"
    rows = devices.read_text("utf-8").replace("site,s501,smoke", "site,s999,smoke")
    devices.write_text("".join(r for r in rows.splitlines(True) if "s302" not in r), "utf-8")
    await story.at(100)
    await virtual.stop()
    story.say("own.yaml", _OWN.format(limit=25, hold=1))
    await virtual.start()  # the recording begins again
    await story.at(240)
    last = records(virtual.folder)[-1]
    end = last.arrival - last.mono + story.clock.mono
    await virtual.stop()
    return Lived(virtual.folder, kept, end)


def content(folder: Path) -> dict[str, bytes]:
    file = JournalFile(folder / "data" / "journal.db")
    file.look()
    named = {r.item.digest for r in records(folder) if isinstance(r.item, Edition)}
    found = {digest: file.edition(digest) for digest in named}
    file.reader.close()
    assert None not in found.values()
    return {digest: body for digest, body in found.items() if body is not None}


async def test_story_has_in_it_what_it_is_to_prove(lived: Lived) -> None:
    said = {(each.change.rule, each.change.turn.value) for each in lived.kept}
    assert {
        ("smoke_alarm", "alarmed"), ("smoke_alarm", "cleared"), ("hot", "alarmed"),
        ("hot", "cleared"), ("moved", "alarmed"), ("gone", "alarmed"), ("gone", "cleared"),
    } <= said  # fmt: skip
    assert len({each.devices for each in lived.kept}) == 2
    named = [r.item.what for r in records(lived.folder) if isinstance(r.item, Edition)]
    assert named == [REGISTRY, RULES, RULES, RULES, REGISTRY, RULES]


class Replayed(NamedTuple):
    """What the engine alone makes of a journal."""

    ruleset: rules.Ruleset
    site: Site
    state: rules.State
    changes: list[Change]


def replayed(folder: Path) -> Replayed:
    state, changes = rules.State(), list[Change]()
    bodies = content(folder)
    ruleset, site = rules.load([]), Site()
    for record in records(folder):
        if isinstance(item := record.item, Edition):
            changes += rules.tick(ruleset, site, state, record.arrival)
            if item.what == RULES:
                ruleset = unpack_rules(item.digest, bodies[item.digest])
            else:
                site = unpack_site(item.digest, bodies[item.digest])
        changes += rules.step(ruleset, site, state, record)
    return Replayed(ruleset, site, state, changes)


async def test_records_and_editions_give_what_was_decided_live(lived: Lived) -> None:
    ruleset, site, state, changes = replayed(lived.folder)
    changes += rules.tick(ruleset, site, state, lived.end)
    assert changes == [each.change for each in lived.kept]


class Reader:
    """The detector over a copy of a journal, with cases of its own whose bookmark is at 0."""

    def __init__(self, journal: Journal, cases: Cases, desk: Witness, editions: Editions,
                 clock: VirtualClock, arrival: Arrival) -> None:  # fmt: skip
        self.journal, self.cases, self.desk = journal, cases, desk
        self.editions, self.clock, self.arrival = editions, clock, arrival

    async def read(self, end: int) -> bool:
        """Up to ``end``; whether the desk crashed on the way."""
        detector = Detector(
            self.journal, self.cases, self.desk, self.editions, self.clock, self.arrival, _silent
        )
        self.detector = detector
        task = asyncio.create_task(detector.run())
        await self.clock.advance(0.01)
        last = self.journal.last
        while not task.done() and self.journal.ledger()["readers"]["rules"]["waiting"]:
            await self.clock.advance(0.01)
        if not task.done():
            await self.clock.advance((end - self.arrival(self.clock.now())) / 1e9)
            assert self.journal.last == last
        crashed = task.done()
        task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(outcome, Crash if crashed else asyncio.CancelledError), outcome
        return crashed


def _silent(part: str, values: dict[str, Any]) -> None:
    assert not values.get("rule_failing"), (part, values)


@asynccontextmanager
async def reader(lived: Lived, folder: Path, *, bookmark: int | None = 0) -> AsyncIterator[Reader]:
    shutil.copytree(lived.folder / "data", folder, ignore=shutil.ignore_patterns("cases*"))
    clock = VirtualClock()
    async with (
        Journal(folder / "journal.db", Limits(), clock) as journal,
        Cases(folder / "cases.db", clock) as cases,
    ):
        desk = Witness(
            cases, lambda rows, incidents: None, Site,
            deadlines=dict.fromkeys(Category, 3600.0), fallback=DUTY,
        )  # fmt: skip
        desk.kept = []
        arrival = Arrival(journal.arrival, clock.now())
        if bookmark is not None:
            await cases.commit(Step(arrival=1, bookmark=Position(journal.id, bookmark)))
        editions = Editions(journal, clock, arrival, journal._browser)
        yield Reader(journal, cases, desk, _with_nothing_present(editions), clock, arrival)


def _with_nothing_present(editions: Editions) -> Editions:
    """What is present now is of no use to old records: they have to name theirs."""
    for packed, made in (
        (pack_site(Site()), Site()),
        (pack_rules([], "UTC"), rules.load([], "UTC")),
    ):
        editions.know(packed, made)
        editions.settle(packed)
    return editions


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 500])
async def test_any_cut_into_batches_decides_the_same(
    lived: Lived, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(detect, "_AT_ONCE", batch)
    async with reader(lived, tmp_path / "again") as again:
        assert not await again.read(lived.end)
        assert again.desk.kept == lived.kept
        assert again.editions.unreadable == 0
        assert await again.journal.waiting(again.journal.lane("rules", Lane.everything)) == 0


@pytest.mark.parametrize("kept", [False, True], ids=["before_the_commit", "after_the_commit"])
@pytest.mark.parametrize("batch", [3, 500])
async def test_crash_at_any_step_and_resume_decides_the_same(
    lived: Lived, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool, batch: int
) -> None:
    monkeypatch.setattr(detect, "_AT_ONCE", batch)
    for number in range(1_000):
        async with reader(lived, tmp_path / f"{number}") as again:
            again.desk.crash = (number, kept)
            if not await again.read(lived.end):
                break
            assert not await again.read(lived.end)
            assert again.desk.kept == lived.kept, number
    assert number > 4


async def test_when_the_cases_are_lost_what_stands_is_found_by_the_editions_of_then(
    lived: Lived, tmp_path: Path
) -> None:
    ruleset, site, state, _ = replayed(lived.folder)
    now = records(lived.folder)[-1].arrival
    rules.tick(ruleset, site, state, now)
    standing = rules.standing(ruleset, site, state, now)
    assert len(standing) >= 3
    async with reader(lived, tmp_path / "again", bookmark=None) as again:
        assert not await again.read(now)
        assert [each.change for each in again.desk.kept] == standing
        assert again.editions.unreadable == 0


async def test_where_retention_overtook_the_rules_the_edition_of_there_is_in_force(
    lived: Lived, tmp_path: Path
) -> None:
    named = [r for r in records(lived.folder) if isinstance(r.item, Edition)]
    third = [r for r in named if r.item.what == RULES][2]  # type: ignore[union-attr]
    async with reader(lived, tmp_path / "again") as again:
        again.desk.crash = (0, True)  # the first look is enough
        await again.journal._cut(third.n + 2)
        assert await again.journal.oldest() == third.n + 2
        assert await again.read(lived.end)
        last = [r for r in named if r.item.what == RULES and r.n <= again.detector._lane.n][-1]  # type: ignore[union-attr]
        assert again.detector.digest == last.item.digest  # type: ignore[union-attr]
        assert again.editions.unreadable == 0
