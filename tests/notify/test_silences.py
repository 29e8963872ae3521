"""Maintenance silences: who may make which, that they hold, end, and survive."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.incidents.machine import NotAllowed
from gateway.model import Category, Person, Site
from gateway.notify import attempt
from gateway.notify.silences import Wish
from tests.cases.build import alarmed, cleared, site
from tests.cases.house import Phone, StoryClock, living

HOUR = 3_600.0
WISH = Wish("li", "换电池", 2 * HOUR, place="130101")


async def test_silenced_alarm_rings_nobody_and_after_the_end_the_next_one_does(
    tmp_path: Path,
) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.silences.add(WISH)
        await house.take(alarmed(rule="low", category=Category.trouble))
        await house.take(alarmed())  # a grid's silence is not for life safety
        await clock.settle()
        assert [each.category for each in phone.heard] == ["life"]
        row = (await house.cases.outbox("T20260105-0001"))[0]
        assert (row.end, row.detail) == (
            "silenced", "maintenance silence 1 by person:li: 换电池",
        )  # fmt: skip
        await clock.advance(2 * HOUR)
        await house.take(alarmed(rule="low", same="b", category=Category.trouble))
        await clock.settle()
        assert phone.heard[-1].category == "trouble"


async def test_silence_survives_a_restart_and_a_clock_that_is_set_does_not_end_it(
    tmp_path: Path,
) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.silences.add(WISH._replace(begin=60))
    clock.jump(-14 * 86_400)
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed(rule="low", same="a", category=Category.trouble))
        await clock.advance(60)
        await house.take(alarmed(rule="low", same="b", category=Category.trouble))
        await clock.advance(1)
        assert len(phone.heard) == 1  # it begins a minute later
        [known] = await house.silences.all()
        await house.silences.end(known.id, "wang")
        await house.take(alarmed(rule="low", same="c", category=Category.trouble))
        await clock.settle()
        assert len(phone.heard) == 2
        [over] = await house.silences.all()
        assert (over.ended_by, over.by, over.because) == ("person:wang", "person:li", "换电池")
        with pytest.raises(NotAllowed):
            await house.silences.end(known.id, "wang")


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (WISH._replace(place=""), "Say what is silenced"),
        (WISH._replace(place="9"), "does not know this place"),
        (WISH._replace(category="fire"), "no such category"),
        (WISH._replace(because="  "), "needs a reason"),
        (WISH._replace(because="x" * 501), "needs a reason"),
        (WISH._replace(last=0), "lasts up to 30 days"),
        (WISH._replace(last=31 * 86_400), "lasts up to 30 days"),
        (WISH._replace(begin=31 * 86_400), "begins within 30 days"),
        (WISH._replace(category="life"), "for a device or a building only"),
        (WISH._replace(place="13010103", category="life", last=25 * HOUR), "24 hours"),
    ],
    ids=[
        *("nothing", "place", "category", "reason", "long reason", "no time", "long"),
        *("far", "life of a grid", "life for long"),
    ],
)
async def test_impossible_silence_is_refused_with_the_reason(
    tmp_path: Path, wish: Wish, said: str
) -> None:
    async with living(tmp_path / "c.db", StoryClock(), {}) as house:
        with pytest.raises(NotAllowed, match=said) as refused:
            await house.silences.add(wish)
        assert refused.value.text.zh != refused.value.text.en
        assert await house.silences.all() == []


async def test_building_may_be_silenced_for_a_day_for_life_safety_too(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.silences.add(WISH._replace(place="13010103", last=24 * HOUR))
        await house.take(alarmed())
        await clock.advance(299)
        assert phone.heard == []


def later_shift(site: Site, code: str, role: str, wall: int) -> tuple[Person, ...]:
    """Only li has duty anywhere."""
    return (site.people["li"],)


async def test_who_has_no_duty_is_spared_and_the_end_reaches_who_was_told_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "on_duty", later_shift)
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed())
        await clock.advance(300)  # the owner is told, the supervisor is spared: li was told anyway
        ends = await house.ends("L20260105-0001")
        assert ("overdue", "wang", "not_on_duty") in ends
        assert ("overdue", "li", "told") in ends
        assert len([each for each in ends if each[:2] == ("overdue", "li")]) == 1
        await house.take(cleared())
        await clock.settle()
        assert ("cleared", "zhang") in phone.said()
        assert ("cleared", "li") in phone.said()


async def test_shift_that_ends_while_a_message_waits_hands_it_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, phone = StoryClock(), Phone()
    night = {"quiet": "00:00-23:59"}
    where = site()
    people = {**where.people, "wang": Person("wang", "王五", "1301", "supervisor", **night)}
    where = Site(1, where.places, where.devices, people)
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where) as house:
        await house.take(alarmed(rule="low", category=Category.facility))
        await clock.advance(2 * HOUR)
        ends = await house.ends("F20260105-0001")
        assert ("overdue", "wang", "") in ends  # quiet hours hold it
        monkeypatch.setattr(attempt, "on_duty", later_shift)
        await clock.advance(24 * HOUR)
        ends = await house.ends("F20260105-0001")
        assert ("overdue", "wang", "") not in ends
