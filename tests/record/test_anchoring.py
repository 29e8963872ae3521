"""Anchors come in time, in order, whole after any crash, and reach the place outside."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from gateway.clock import Signal
from gateway.model import SECOND
from gateway.ports import Unavailable
from gateway.record import anchorer
from gateway.record import key as keys
from gateway.record.anchor import parsed, parsed_line
from gateway.record.anchorer import AT_ONCE, RHYTHM
from gateway.record.inspector import EVERY, FIRST, Inspector
from gateway.record.log import FILE, AnchorLog, lines
from gateway.record.outside import Outside, place_of
from gateway.store import record as stored
from tests.cases.build import alarmed
from tests.cases.house import StoryClock
from tests.record.house import Signed, audited, found, signed, spoil
from tests.virtual import settle

KILLS = 4


async def numbers(record: Signed) -> list[int]:
    return [row.n for row in await record.house.cases.read(stored.anchors, 0, 1_000)]


async def test_every_minute_in_which_something_moved_has_one_anchor(tmp_path: Path) -> None:
    clock = StoryClock()
    async with signed(tmp_path, clock) as record:
        running = asyncio.create_task(record.anchorer.run())
        await clock.advance(1)
        assert await numbers(record) == []
        for number in range(3):
            await record.house.take(alarmed(same=f"device:{number}"))
        await clock.advance(RHYTHM)
        await clock.advance(5 * RHYTHM)  # nothing goes on: the first limit passes at 300 s
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        rows = await record.house.cases.read(stored.anchors, 0, 1_000)
        anchors = [parsed(row).anchor for row in rows]
        assert [len(anchor.heads) for anchor in anchors] == [3, 3]
        assert [anchor.arrival // SECOND // 60 for anchor in anchors] == [1, 6]


async def test_a_flood_becomes_several_short_anchors(tmp_path: Path) -> None:
    async with signed(tmp_path) as record:
        await record.house.take(*(alarmed(same=f"device:{n}") for n in range(AT_ONCE + 30)))
        await record.anchorer.anchor()
        rows = await record.house.cases.read(stored.anchors, 0, 10)
        assert [len(parsed(row).anchor.heads) for row in rows] == [AT_ONCE, 30]
        assert found(await record.report()) == set()


async def test_a_chain_that_does_not_hold_is_not_signed_and_is_said(tmp_path: Path) -> None:
    async with signed(tmp_path) as record:
        house = record.house
        await house.take(alarmed(same="device:1"), alarmed(same="device:2"))
        spoil(tmp_path, "UPDATE event SET wall = 5 WHERE incident = 'L20260105-0001'")
        await record.anchorer.anchor()
        await record.anchorer.anchor()
        (row,) = await house.cases.read(stored.anchors, 0, 10)
        assert [head.incident for head in parsed(row).anchor.heads] == ["L20260105-0002"]
        assert record.notes == [
            {
                "record_broken": True,
                "extra.reason": "incident L20260105-0001: event 1 was changed",
            }
        ]
        assert found(await record.report()) == {"changed"}


def run_and_kill(data: Path, count: int) -> int:
    """How many incidents the child had anchored when it was killed."""
    command = [sys.executable, "-m", "tests.record.crasher", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        last = 0
        for _ in range(count):
            last = int(child.stdout.readline())
        child.kill()
        for line in child.stdout.read().split("\n")[:-1]:
            last = int(line)
    return last


async def test_killed_around_an_anchor_the_record_holds_and_the_log_catches_up(
    tmp_path: Path,
) -> None:
    chance = random.Random(11)
    for _ in range(KILLS):
        acknowledged = await asyncio.to_thread(run_and_kill, tmp_path, chance.randrange(1, 12))
        report = await audited(tmp_path)
        assert found(report) == set()
        assert report.incidents - report.unsigned >= acknowledged
        assert report.unsigned <= 1  # the next anchor speaks for it as well
    async with signed(tmp_path) as record:
        await record.anchorer.anchor()
        rows = await record.house.cases.read(stored.anchors, 0, 1_000)
        assert [each.row for each in AnchorLog(tmp_path / FILE).read() if each] == rows
        assert found(await record.report()) == set()


@pytest.mark.parametrize("cut", [1, 40, 200, 10_000])
async def test_a_half_written_last_line_is_ended_and_written_again(data: Path, cut: int) -> None:
    log = data / FILE
    whole = log.read_bytes()
    log.write_bytes(whole[: max(len(whole) - cut, 0)])
    assert found(await audited(data)) == set()
    async with signed(data, StoryClock(boot="boot-2")) as record:
        await record.house.take(alarmed(same="device:50"))
        await record.anchorer.anchor()
        rows = await record.house.cases.read(stored.anchors, 0, 100)
        assert [each and each.row for each in AnchorLog(log).read()] == rows
        assert found(await record.report()) == set()


def test_a_full_log_makes_room_and_its_lines_are_still_read(data: Path) -> None:
    before = [each for each in lines(data / FILE) if each is not None]
    small = AnchorLog(data / "small.log", most_bytes=len(before[0].line) + 10)
    for each in before:
        small.append([each])
    assert [each.anchor.n for each in small.read() if each] == [2, 3]
    newest = small.newest()
    assert newest is not None
    assert newest.row == before[-1].row


async def test_anchors_go_with_the_incidents_they_spoke_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anchorer, "KEPT", 3_600.0)
    clock = StoryClock()
    async with signed(tmp_path, clock) as record:
        house = record.house
        await clock.advance(1)
        for number in range(3):
            await house.take(alarmed(same=f"device:{number}"))
            await record.anchorer.anchor()
        for number in (1, 2):
            await house.act(f"L20260105-{number:04}", "receive")
            await house.act(f"L20260105-{number:04}", "close", outcome="test")
        await record.anchorer.anchor()
        await clock.advance(8_000)
        await house.act("L20260105-0003", "receive")
        assert (await house.cases.retain(house.now, kept=3_600)).incidents == 2
        await record.anchorer.anchor()
        assert await numbers(record) == [4, 5]  # the newest of them stays until there is another
        report = await record.report(kept=3_600.0)
        assert found(report) == set()
        assert len(await house.cases.incidents(False, 10)) == 1


# --- outside ---------------------------------------------------------------------------------


async def test_a_file_outside_gets_every_anchor_once_also_after_it_was_away(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "stick"
    target = folder / "anchors.log"
    async with signed(tmp_path / "data") as record:
        cases = record.house.cases
        place = place_of(str(target), cases)
        assert place is not None
        outside = Outside(cases, place, record.anchorer.news, record.house.clock)
        await record.house.take(alarmed(same="device:1"))
        await record.anchorer.anchor()
        with pytest.raises(Unavailable, match=r"record\.anchors: .*No such file"):
            await outside.deliver()
        await outside.last()  # says so and goes on
        folder.mkdir()
        await outside.deliver()
        await record.house.take(alarmed(same="device:2"))
        await record.anchorer.anchor()
        await outside.deliver()
        await outside.deliver()
        assert target.read_bytes() == (tmp_path / "data" / FILE).read_bytes()
        assert found(await record.report(against=target)) == set()


class FarEnd:
    """Takes lines, or answers what ``status`` says."""

    def __init__(self) -> None:
        self.status = 200
        self.taken: list[int] = []
        self.url = ""

    async def post(self, request: web.Request) -> web.Response:
        if self.status == 200:
            text = await request.text()
            self.taken += [parsed_line(line).anchor.n for line in text.splitlines()]
        return web.Response(status=self.status, text="no room today")


@pytest.fixture
async def far_end() -> AsyncIterator[FarEnd]:
    end = FarEnd()
    app = web.Application()
    app.router.add_post("/anchors", end.post)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    end.url = f"http://127.0.0.1:{runner.addresses[0][1]}/anchors?token=geheim"
    yield end
    await runner.cleanup()


async def test_a_far_end_gets_what_it_missed_and_no_error_shows_its_token(
    tmp_path: Path, far_end: FarEnd
) -> None:
    async with signed(tmp_path) as record:
        cases = record.house.cases
        place = place_of(far_end.url, cases)
        assert place is not None
        outside = Outside(cases, place, Signal(), record.house.clock)
        await record.house.take(alarmed(same="device:1"))
        await record.anchorer.anchor()
        await outside.deliver()
        far_end.status = 503
        await record.house.take(alarmed(same="device:2"))
        await record.anchorer.anchor()
        with pytest.raises(Unavailable) as caught:
            await outside.deliver()
        assert "answers 503: no room today" in str(caught.value)
        assert "geheim" not in str(caught.value)
        far_end.status = 200
        await outside.deliver()
        await outside.deliver()
        assert far_end.taken == [1, 2]
        assert await cases.read(stored.sent) == 2


# --- the gateway's own audit, and its key -----------------------------------------------------


async def test_the_gateway_audits_itself_and_says_it_once(tmp_path: Path) -> None:
    clock = StoryClock()
    async with signed(tmp_path, clock) as record:
        notes: list[object] = []
        inspector = Inspector(
            record.house.cases, tmp_path, clock, lambda _device, values: notes.append(values)
        )
        running = asyncio.create_task(inspector.run())
        await record.house.take(alarmed(same="device:1"))
        await record.anchorer.anchor()
        await clock.advance(FIRST + 1)
        await settle()
        assert notes == [{"record_broken": False}]
        spoil(tmp_path, "UPDATE anchor SET signature = replace(signature, '1', '2')")
        await clock.advance(EVERY)
        await settle()
        await clock.advance(EVERY)
        await settle()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        said = json.dumps(notes[1:])
        assert said.count("record_broken") == 1
        assert "anchor 1 was changed: its signature does not hold" in said


async def test_a_key_that_can_not_be_read_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / keys.FILE).mkdir()
    with pytest.raises(Unavailable, match=r"record\.key: .*gateway's user"):
        async with signed(tmp_path):
            pass


async def test_a_database_begun_anew_goes_on_with_the_anchors_of_the_log(data: Path) -> None:
    (data / "cases.db").unlink()
    async with signed(data, StoryClock(boot="boot-2")) as record:
        await record.house.take(alarmed(same="device:1"))
        await record.anchorer.anchor()
        assert await numbers(record) == [4]
        report = await record.report()
        assert "anchor_gone" in found(report)
    shutil.rmtree(data / "evidence", ignore_errors=True)
