"""What rules and registry said is kept with the records that name it, and goes with them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import structlog

import rules
from gateway.clock import Arrival
from gateway.editions import (
    REGISTRY,
    RULES,
    Editions,
    Packed,
    Unreadable,
    pack_rules,
    pack_site,
    unpack_files,
    unpack_rules,
    unpack_site,
)
from gateway.model import Device, Edition, Person, Place, Site
from gateway.store import schema
from gateway.store.group import Limits
from gateway.store.journal_file import JournalFile
from tests.store.house import Store, adds_up, committed, everything, smoke, store
from tests.virtual import VirtualClock

SITE = Site(
    7,
    {"99": Place("99", "", "district", "云河区"), "9901": Place("9901", "99", "grid", "一")},
    {"s1": Device("s1", "d", "1", "smoke", "烟感", "9901", ranges={"density": (0.0, 9.0)})},
    {"chen": Person("chen", "陈静", "99", "officer", "138", channels=("sms",))},
)
_RULE = """
rules:
  - {{name: hot, title: 热, on: climate, when: temperature > {}, severity: alarm, category: life}}
"""


def ruleset(limit: int) -> tuple[Packed, rules.Ruleset]:
    files = [("/etc/gridwarden/rules/own.yaml", _RULE.format(limit))]
    return pack_rules(files, "Asia/Shanghai"), rules.load(files, "Asia/Shanghai")


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as found:
        yield found


def editions(s: Store, clock: VirtualClock, threads: ThreadPoolExecutor) -> Editions:
    stamp = clock.now()
    made = Editions(s.journal, clock, Arrival(s.journal.arrival or stamp.wall, stamp), threads)
    for packed, present in ((pack_site(SITE), SITE), ruleset(40)):
        made.know(packed, present)
        made.settle(packed)
    return made


def test_registry_is_unpacked_as_it_was_in_its_order_without_its_version() -> None:
    packed = pack_site(SITE)
    found = unpack_site(packed.digest, packed.body)
    assert (found.places, found.devices, found.people) == (SITE.places, SITE.devices, SITE.people)
    assert list(found.places) == list(SITE.places)
    assert packed == pack_site(Site(8, SITE.places, SITE.devices, SITE.people))
    assert packed.digest != pack_site(Site(7, SITE.places, SITE.devices, {})).digest


def test_rules_are_the_same_edition_wherever_their_folder_lies() -> None:
    text = _RULE.format(40)
    here, there = (pack_rules([(f, text)], "UTC") for f in ("rules/own.yaml", "/srv/own.yaml"))
    assert here == there
    assert pack_rules([("own.yaml", text)], "Asia/Shanghai").digest != here.digest
    assert unpack_files(here.digest, here.body) == ([("own.yaml", text)], "UTC")
    assert list(unpack_rules(here.digest, here.body).by_name) == ["hot"]


@pytest.mark.parametrize("damage", [b"", b"\0" * 100, "cut", "other"])
def test_damaged_edition_is_never_taken_for_another(damage: bytes | str) -> None:
    packed, other = pack_site(SITE), pack_site(Site())
    body = {"cut": packed.body[:-9], "other": other.body}.get(str(damage), damage)
    assert isinstance(body, bytes)
    with pytest.raises(Unreadable, match="damaged"):
        unpack_site(packed.digest, body)
    with pytest.raises(Unreadable, match="damaged"):
        unpack_rules(packed.digest, body)


async def test_edition_is_on_disk_with_the_record_that_names_it(
    tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    clock = VirtualClock()
    first, second = ruleset(40)[0], ruleset(41)[0]
    async with store(tmp_path, clock) as s:
        made = editions(s, clock, threads)
        await committed(clock, made.record([pack_site(SITE), first]))
        await committed(clock, s.intake.door("d")([smoke()]))
        await committed(clock, made.record([second]))
        await committed(clock, made.record([first]))  # as it was: kept once
        assert adds_up(s.journal)
    async with store(tmp_path, clock) as s:
        records = await everything(s.journal)
        found = [record.item for record in records]
        named = [(i.what, i.digest) for i in found if isinstance(i, Edition)]
        site = pack_site(SITE).digest
        assert named == [
            (REGISTRY, site), (RULES, first.digest), (RULES, second.digest), (RULES, first.digest)
        ]  # fmt: skip
        assert all(r.item.received_at == r.wall for r in records)
        assert await s.journal.edition(second.digest) == second.body
        at = [await s.journal.editions_at(n) for n in range(6)]
        assert [{what: e.digest for what, e in each.items()} for each in at] == [
            {}, {REGISTRY: site},
            *[{REGISTRY: site, RULES: first.digest}] * 2,
            {REGISTRY: site, RULES: second.digest}, {REGISTRY: site, RULES: first.digest},
        ]  # fmt: skip
        assert at[5][RULES].since == 5


async def test_retention_keeps_what_is_in_force_and_what_kept_records_name(
    tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    clock = VirtualClock()
    each = [ruleset(limit)[0] for limit in (1, 2, 3, 4, 5)]
    async with store(tmp_path, clock, Limits(keep=3600.0)) as s:
        made = editions(s, clock, threads)
        await committed(clock, made.record([pack_site(SITE), each[0]]))
        await committed(clock, made.record([each[1]]))
        await committed(clock, s.intake.door("d")([smoke()]))
        await committed(clock, made.record([each[2]]))
        await clock.advance(7200)
        await committed(clock, s.intake.door("d")([smoke()]))  # the oldest that is kept
        await committed(clock, made.record([each[3]]))
        for n in range(20):  # long ago put, and never named
            await s.journal.put_edition(RULES, f"unused{n}", b"")
        await s.journal.put_edition(RULES, each[4].digest, each[4].body)
        await s.journal.retain()
        assert await s.journal.oldest() == 6
        kept = [await s.journal.edition(packed.digest) is not None for packed in each]
        assert kept == [False, False, True, True, True]  # the last: its record may be under way
        assert await s.journal.edition(pack_site(SITE).digest) is not None
        assert await s.journal.edition("unused0") is None
        assert (await s.journal.editions_at(5))[RULES].digest == each[2].digest
        assert await s.journal.verify() == []


async def test_what_was_in_force_before_the_oldest_kept_record_is_known_also_if_that_is_an_edition(
    tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    clock = VirtualClock()
    each = [ruleset(limit)[0] for limit in (1, 2, 3)]
    async with store(tmp_path, clock) as s:
        made = editions(s, clock, threads)
        for packed in each:
            await committed(clock, made.record([packed]))
        await s.journal._cut(3)
        assert await s.journal.oldest() == 3
        at = [await s.journal.editions_at(n) for n in (1, 2, 3)]
        assert at[0] == {}
        assert [found[RULES].digest for found in at[1:]] == [each[1].digest, each[2].digest]


async def test_edition_that_is_damaged_or_gone_is_replaced_by_the_present_counted_and_said_once(
    tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    clock = VirtualClock()
    old, other = ruleset(1)[0], ruleset(2)[0]
    async with store(tmp_path, clock) as s:
        made = editions(s, clock, threads)
        await s.journal.put_edition(RULES, old.digest, old.body[:-50])
        present = await made.ruleset("")
        with structlog.testing.capture_logs() as logs:
            for _ in range(3):
                assert await made.ruleset(old.digest) is present
            assert await made.ruleset(other.digest) is present
            assert await made.site("00") is SITE
        assert [entry["event"] for entry in logs] == ["edition_unreadable"] * 3
        assert made.unreadable == 3
        await s.journal.put_edition(RULES, old.digest, old.body)  # as a reload puts it again
        assert (await made.ruleset(old.digest)).by_name["hot"].name == "hot"


def _of_schema_1(path: Path, file: JournalFile) -> None:
    """A journal as the version before had it."""
    (number, text), *_ = schema.files("journal")
    assert number == 1
    file.writer = sqlite3.connect(path, isolation_level=None)
    file.writer.executescript(f"{text};PRAGMA user_version = 1;PRAGMA journal_mode = WAL;")
    file.writer.execute("INSERT INTO meta VALUES ('id', 'old')")
    file.writer.execute("INSERT INTO tally VALUES (1, 0, x'80')")


async def test_journal_of_the_version_before_is_read_and_goes_on(
    tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    clock = VirtualClock()
    (tmp_path / "new").mkdir()
    async with store(tmp_path / "new", clock) as s:
        await committed(clock, s.intake.door("d")([smoke(key=str(n)) for n in range(3)]))
        old = await everything(s.journal)
    path = tmp_path / "journal.db"
    file = JournalFile(path)
    _of_schema_1(path, file)
    file.append(old, 3, None, [], {})
    file.writer.close()
    file.look()  # beside a gateway of the version before
    assert (file.editions_at(3), file.edition("x")) == ({}, None)
    file.reader.close()
    async with store(tmp_path, clock) as s:
        assert s.journal.put_aside is None
        assert s.journal.id == "old"
        assert await s.journal.editions_at(3) == {}
        await committed(clock, editions(s, clock, threads).record([ruleset(40)[0]]))
        found = await everything(s.journal)
        assert found[:3] == old
        assert (await s.journal.editions_at(4))[RULES].since == 4
        assert adds_up(s.journal)
        assert await s.journal.verify() == []
