from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from gateway.model import SECOND, DeviceSeen, Lane, Quality, Reading, Undecodable
from gateway.ports import Unavailable
from gateway.store.group import Limits
from tests.store.house import adds_up, committed, everything, smoke, store
from tests.virtual import VirtualClock, settle


async def test_emit_returns_only_when_the_reading_is_on_disk(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        emit = asyncio.create_task(s.intake.door("d")([smoke()]))
        await settle()
        assert not emit.done()
        assert s.journal.ledger()["in_flight"] == 1
        assert (await s.journal.totals()).stored == 0
        await clock.advance(0.2)
        await emit
        assert (await s.journal.totals()).stored == 1


async def test_an_alarm_commits_itself_and_everything_before_it_at_once(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        quiet = asyncio.create_task(s.intake.door("a")([smoke("s1")]))
        await settle()
        await s.intake.door("b")([smoke("s2", alarm=True)])
        await quiet
        assert [r.item.device for r in await everything(s.journal)] == ["a/s1", "b/s2"]
        assert s.journal.commits == 1


async def test_a_reader_sees_no_commit_before_its_sender_does(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        await committed(clock, s.intake.door("d")([smoke(key=str(n)) for n in range(3)]))
        [first, *_] = await everything(s.journal)
        fresh = msgspec.structs.replace(first, n=4)
        await s.journal._in_writer(s.journal._file.append, [fresh], 4, None, (), {})
        for read in (s.journal.read(Lane.everything, 0, 10), s.journal.browse(0, 10)):
            records, upto, _ = await read
            assert ([record.n for record in records], upto) == ([1, 2, 3], 3)


async def test_half_the_senders_window_closes_the_group(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        door = s.intake.door("d", window=20)
        first = asyncio.create_task(door([smoke(key=str(n)) for n in range(9)]))
        await settle()
        assert not first.done()
        await door([smoke(key="9")])
        await first


async def test_a_count_closes_the_group(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock, Limits(rows=5)) as s:
        await s.intake.door("d")([smoke(key=str(n)) for n in range(5)])
        assert s.journal.last == 5


async def test_numbers_are_dense_and_the_same_from_memory_and_from_disk(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        s.journal.lane("slow", Lane.rest)  # a lagging reader: what it has not read stays in memory
        for n in range(10):
            await committed(
                clock, s.intake.door("d")([smoke(f"s{i}", key=str(n)) for i in range(7)])
            )
        from_memory = await everything(s.journal)
        assert [r.n for r in from_memory] == list(range(1, 71))
    async with store(tmp_path, clock) as s:
        assert await everything(s.journal) == from_memory


async def test_lanes_split_alarms_from_the_rest_and_lose_nothing(tmp_path: Path) -> None:
    clock = VirtualClock()
    chance = random.Random(5)
    async with store(tmp_path, clock) as s:
        for n in range(30):
            items = [smoke(f"s{i}", alarm=chance.random() < 0.2, key=str(n)) for i in range(9)]
            await committed(clock, s.intake.door("d")(items))
        whole = await everything(s.journal)
        alarms = await everything(s.journal, Lane.alarms)
        rest = await everything(s.journal, Lane.rest)
        assert sorted(alarms + rest, key=lambda r: r.n) == whole
        assert all(r.item.values["alarm"] for r in alarms)
        assert not any(r.item.values["alarm"] for r in rest)


async def test_reader_added_later_begins_at_the_end_and_the_ledger_says_so(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        await committed(clock, s.intake.door("d")([smoke(key="1"), smoke(key="2", alarm=True)]))
        for lane in (Lane.alarms, Lane.rest):
            assert s.journal.lane("new", lane).n == 2
        assert s.journal.ledger()["readers"]["new"]["dropped"] == {"before_start": 2}
        assert adds_up(s.journal)


async def test_bookmarks_survive_a_restart_saved_with_a_commit_or_lazily(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        lane = s.journal.lane("sink", Lane.rest)
        await committed(clock, s.intake.door("d")([smoke(key=str(n)) for n in range(4)]))
        s.journal.done(lane, 0, 3, 2, Counter(refused=1))
        await clock.advance(5)
        s.journal.done(lane, 3, 4, 1, Counter())
        before = s.journal.ledger()["readers"]
    async with store(tmp_path, clock) as s:
        lane = s.journal.lane("sink", Lane.rest)
        assert (lane.n, lane.delivered, dict(lane.dropped)) == (4, 3, {"refused": 1})
        assert s.journal.ledger()["readers"] == before
        assert await s.journal.waiting(lane) == 0


async def test_retention_by_age_gives_disk_space_back_and_counts_who_lagged(tmp_path: Path) -> None:
    clock = VirtualClock()
    limits = Limits(keep=3600.0)
    async with store(tmp_path, clock, limits) as s:
        lagging = s.journal.lane("away", Lane.rest)
        door = s.intake.door("d")
        for n in range(60):
            noise = "".join(random.Random(n).choices("abcdefghijklmnop", k=900))
            items = [Reading(f"s{i}", "smoke", {"extra.note": f"{i}{noise}"}) for i in range(50)]
            await committed(clock, door(items))
        big = await s.journal.size()
        await clock.advance(7200)
        await committed(clock, door([smoke()]))
        await s.journal.retain()
        assert await s.journal.size() < big / 4
        assert lagging.dropped["retention"] == 3000
        assert adds_up(s.journal)
        records, _, _ = await s.journal.read(Lane.rest, lagging.n, 10)
        assert [r.n for r in records] == [3001]
        assert await s.journal.verify() == []


async def test_retention_by_size_keeps_the_newest_and_as_much_as_fits(tmp_path: Path) -> None:
    clock = VirtualClock()
    dice = random.Random(1)
    async with store(tmp_path, clock, Limits(max_size=400_000)) as s:
        for n in range(120):
            notes = [dice.randbytes(200).hex() for _ in range(40)]
            items = [
                Reading(f"s{i}", "smoke", {"extra.note": each}) for i, each in enumerate(notes)
            ]
            await committed(clock, s.intake.door("d")(items))
            if n % 10 == 9:
                await s.journal.retain()
        for _ in range(5):  # nothing has come since: nothing more has to go
            await s.journal.retain()
        assert 250_000 <= await s.journal.size() <= 500_000
        kept = await everything(s.journal)
        assert kept[-1].n == s.journal.last == 4800
        assert len(kept) >= 800


async def test_numbers_go_on_after_everything_old_was_let_go_and_a_restart(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock, Limits(keep=60.0)) as s:
        await committed(clock, s.intake.door("d")([smoke(key=str(n)) for n in range(5)]))
        await clock.advance(600)
        await s.journal.retain()
    async with store(tmp_path, clock) as s:
        assert s.journal.last == 5
        await committed(clock, s.intake.door("d")([smoke(key="x")]))
        assert s.journal.last == 6
        assert adds_up(s.journal)


async def test_full_disk_lets_the_oldest_go_and_takes_the_new(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        await s.journal.limit_pages(60)
        taken = refused = 0
        for n in range(200):
            noise = "".join(random.Random(n).choices("abcdefghijklmnop", k=1000))
            items = [
                Reading(f"s{i}", "smoke", {"extra.note": f"{i}{noise[i:]}"}) for i in range(10)
            ]
            (result,) = await committed(clock, s.intake.door("d")(items))
            taken += result is None
            refused += isinstance(result, Unavailable)
        assert taken == 200
        kept = await everything(s.journal)
        assert kept[-1].n == s.journal.last == 2000
        assert len(kept) > 100, "a tenth is let go, not everything"
        assert adds_up(s.journal)


async def test_when_not_even_letting_go_helps_nothing_is_acknowledged_and_it_recovers(
    tmp_path: Path,
) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        await committed(clock, s.intake.door("d")([smoke(key="first")]))
        await s.journal.limit_pages(1)
        noise = "".join(random.Random(1).choices("abcdefghijklmnop", k=1000))
        big = [Reading(f"s{i}", "smoke", {"extra.n": f"{i}{noise}"}, key=str(i)) for i in range(90)]
        first, second = await committed(clock, s.intake.door("a")(big), s.intake.door("b")(big))
        assert isinstance(first, Unavailable)
        assert "can not be written" in first.reason
        assert isinstance(second, Unavailable)
        assert s.journal.failing
        assert adds_up(s.journal)
        assert s.journal.last == 1
        await s.journal.limit_pages(100_000)
        assert await committed(clock, s.intake.door("a")(big)) == [None]
        assert not s.journal.failing
        assert [r.n for r in await everything(s.journal)] == list(range(1, 92))
        assert adds_up(s.journal)


async def test_refusals_are_counted_with_their_neighbours_and_kept(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        items = [
            smoke(key="1"),
            smoke(key="1"),
            Undecodable("topic/x", b"\xff\x00garbage", "not JSON"),
            Reading("s2", "smoke", {}),
            Reading("s2", "smoke", {"density": float("nan")}),
            Reading("s2", "smoke", {"alarm": "yes"}),
            DeviceSeen("s9", "smoke"),
        ]
        await committed(clock, s.intake.door("d")(items))
        ledger = s.journal.ledger()
        assert ledger["received"] == 7
        assert ledger["stored"] == 2
        assert ledger["refused"] == {
            "duplicate": 1, "undecodable": 1, "no_values": 1, "not_finite": 1, "bad_value": 1,
        }  # fmt: skip
        kept = await s.journal.quarantined(10)
        assert {row.reason for row in kept} >= {"not JSON", "the report holds no values"}
        assert kept[-1].raw == b"\xff\x00garbage"
    async with store(tmp_path, clock) as s:
        assert s.journal.ledger()["refused"]["duplicate"] == 1
        assert adds_up(s.journal)


@pytest.mark.parametrize("damage", ["zeros", "garbage", "cut"])
async def test_broken_file_is_put_aside_and_a_new_one_begins(tmp_path: Path, damage: str) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        old = s.journal.id
        await committed(clock, s.intake.door("d")([smoke(key=str(n)) for n in range(50)]))
    path = tmp_path / "journal.db"
    size = path.stat().st_size
    path.write_bytes(
        {"zeros": bytes(size), "garbage": b"\xa5" * size, "cut": path.read_bytes()[:5000]}[damage]
    )
    async with store(tmp_path, clock) as s:
        assert s.journal.id != old
        assert s.journal.put_aside is not None
        assert s.journal.put_aside.name.startswith("journal-broken-20260105-")
        assert s.journal.put_aside.exists()
        await committed(clock, s.intake.door("d")([smoke(key="1")]))
        assert s.journal.last == 1


async def test_wall_time_learnt_later_is_added_on_reading_and_rows_are_not_rewritten(
    tmp_path: Path,
) -> None:
    clock = VirtualClock(wall=86_400 * SECOND, trusted=False)  # 1970: no battery-backed clock
    async with store(tmp_path, clock) as s:
        s.journal.lane("sink", Lane.rest)
        await committed(clock, s.intake.door("d")([smoke(key="1")]))
        (before,) = await everything(s.journal)
        assert before.item.quality is Quality.clock_suspect
        clock.jump(1_767_600_000)
        clock.trusted = True
        await s.journal.trust(clock.now())
        (after,) = await everything(s.journal)
        assert after.wall - before.wall == 1_767_600_000 * SECOND
        assert after.item.at - before.item.at == 1_767_600_000 * SECOND
        assert after.item.quality is Quality.good
        assert after.arrival == before.arrival
    async with store(tmp_path, clock) as s:
        assert await everything(s.journal) == [after]


@pytest.mark.parametrize("boot", ["boot-1", "boot-2"])
async def test_wall_time_that_became_right_between_two_starts_is_learnt_at_the_second(
    tmp_path: Path, boot: str
) -> None:
    clock = VirtualClock(wall=86_400 * SECOND, trusted=False)
    async with store(tmp_path, clock) as s:
        s.journal.lane("sink", Lane.rest)
        await committed(clock, s.intake.door("d")([smoke(key="1")]))
        (before,) = await everything(s.journal)
    clock.jump(1_767_600_000)
    clock.trusted, clock.boot = True, boot
    for _ in range(2):  # and it is kept
        async with store(tmp_path, clock) as s:
            (after,) = await everything(s.journal)
            known = boot == "boot-1"  # of another boot nobody knows how long ago it was
            assert s.journal.knows_time_of(after) == known
            assert after.wall - before.wall == (1_767_600_000 * SECOND if known else 0)


async def test_stopping_fails_what_waits_instead_of_acknowledging_it(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        emit = asyncio.create_task(s.intake.door("d")([smoke()]))
        await settle()
    with pytest.raises(Unavailable):
        await emit


async def test_a_cancelled_driver_does_not_cancel_its_neighbours(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        one = asyncio.create_task(s.intake.door("a")([smoke("s1")]))
        two = asyncio.create_task(s.intake.door("b")([smoke("s2")]))
        await settle()
        one.cancel()
        await clock.advance(0.3)
        await two
        assert one.cancelled()
        assert s.journal.last == 2


async def test_retention_by_age_works_while_every_reader_keeps_up(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock, Limits(keep=3600.0)) as s:
        lane = s.journal.lane("sink", Lane.everything)
        for n in range(20):
            await committed(clock, s.intake.door("d")([smoke(key=str(n))]))
            s.journal.done(lane, lane.n, s.journal.last, 1, Counter())
            await clock.advance(600)
        await s.journal.retain()
        assert await s.journal.oldest() > 10
        assert lane.dropped == {}
        assert adds_up(s.journal)


async def test_unreadable_chunk_is_skipped_counted_and_named(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        for n in range(5):
            await committed(
                clock, s.intake.door("d")([smoke(f"s{i}", key=str(n)) for i in range(4)])
            )
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        connection.execute("UPDATE chunk SET body = zeroblob(length(body)) WHERE first = 9")
        connection.commit()
    async with store(tmp_path, clock) as s:
        numbers, damaged, after = [], 0, 0
        while after < s.journal.last:
            records, after, lost = await s.journal.read(Lane.everything, after, 100)
            numbers += [r.n for r in records]
            damaged += lost
        assert numbers == [*range(1, 9), *range(13, 21)]
        assert damaged == 4
        assert await s.journal.verify() == ["records 9 to 12 can not be read"]


async def test_a_bug_in_a_commit_leaves_nobody_waiting_and_the_numbers_dense(
    tmp_path: Path,
) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:

        class Unstorable:
            urgent = True

        group = s.journal.group(clock.now())
        s.journal.add(group, clock.now(), 1, Unstorable(), True)  # type: ignore[arg-type]
        s.journal.added(group, "d", 1, None, True)
        with pytest.raises(Unavailable):
            await group.done
        assert s.journal.last == 0
        assert adds_up(s.journal)
    async with store(tmp_path, clock) as s:
        await committed(clock, s.intake.door("d")([smoke()]))
        assert [r.n for r in await everything(s.journal)] == [1]


async def test_an_error_without_words_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise TimeoutError

    clock = VirtualClock()
    monkeypatch.setattr("gateway.store.journal_file.JournalFile.append", broken)
    async with store(tmp_path, clock) as s:
        (found,) = await committed(clock, s.intake.door("d")([smoke()]))
        assert isinstance(found, Unavailable)
        assert found.reason == "the journal was interrupted: TimeoutError"


FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from tests.store.full_disk import fill
print(asyncio.run(fill(Path(sys.argv[1]), int(sys.argv[2]))))
"""


@pytest.mark.parametrize("limit", [3_000_000])
def test_file_size_limit_lets_the_oldest_go_and_intake_goes_on(tmp_path: Path, limit: int) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.stdout.splitlines()[-1:] == ["ok"], done.stdout + done.stderr[-1500:]
