"""Arming comes through the door: checked, stamped, on disk at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.model import MODES, Arming, Place, Site
from tests.store.house import adds_up, committed, everything, smoke, store
from tests.virtual import VirtualClock

SITE = Site(1, {"99": Place("99", "", "district", "云河区")})


@pytest.mark.parametrize("mode", [*MODES, "plan"])
@pytest.mark.parametrize("place", ["99", ""])
async def test_arming_is_stamped_and_commits_what_came_before_it_at_once(
    tmp_path: Path, mode: str, place: str
) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        s.intake.follow(SITE)
        waiting = asyncio.ensure_future(s.intake.door("d")([smoke()]))
        arming = asyncio.ensure_future(
            s.intake.door("console")([Arming(place, mode, "person:chen", clock.wall + 5, 77)])
        )
        await clock.advance(0)  # the group would wait for 200 ms
        assert waiting.done()
        assert arming.done()
        record = (await everything(s.journal))[-1]
        assert record.item == Arming(place, mode, "person:chen", clock.wall + 5, clock.wall)
        assert record.urgent
        assert adds_up(s.journal)


@pytest.mark.parametrize(
    ("arming", "reason"),
    [
        (Arming("99", "armed", "person:chen"), "unknown_mode"),
        (Arming("99", "", "person:chen"), "unknown_mode"),
        (Arming("98", "away", "person:chen"), "unknown_place"),
        (Arming("9" * 10_000, "away", "person:chen"), "unknown_place"),
        (Arming("99", "away", " "), "unsigned"),
        (Arming("99", "away", "p" * 201), "unsigned"),
        (Arming("99", "away", "person:\n"), "unsigned"),
        (Arming("99", "away", "person:\ud800"), "unsigned"),
        (Arming("99", "away", "person:chen", -1), "bad_value"),
        (Arming("99", "away", "person:chen", 2**62), "bad_value"),
    ],
)
async def test_arming_that_can_not_be_is_refused_by_name_and_kept_aside(
    tmp_path: Path, arming: Arming, reason: str
) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        s.intake.follow(SITE)
        await committed(clock, s.intake.door("console")([arming, smoke()]))
        assert s.journal.ledger()["refused"] == {reason: 1}
        assert [type(record.item).__name__ for record in await everything(s.journal)] == ["Reading"]
        (row,) = await s.journal.quarantined(10)
        assert row.source.startswith("console 9")
        assert adds_up(s.journal)
