"""Maintenance silences: who may make which, that they hold, end, and survive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.incidents.machine import NotAllowed
from gateway.model import Category, Person, Severity, Site, TellingLimits
from gateway.notify import known
from gateway.notify.silences import Wish
from gateway.ports import Unavailable
from gateway.store.step import Step
from tests.cases.build import alarmed, cleared, site
from tests.cases.house import House, Phone, StoryClock, living

HOUR = 3_600.0
USUAL = TellingLimits()
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
        assert sorted(m.incident[-1] for m in phone.heard) == ["1", "2", "3"]  # b was kept
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


async def test_what_still_waits_when_a_silence_is_over_is_told_then_to_who_has_it(
    tmp_path: Path,
) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}, limits=USUAL) as house:
        await house.silences.add(WISH._replace(device="s1", last=12 * HOUR))
        await house.silences.add(WISH._replace(device="s2", last=12 * HOUR))
        many = (alarmed(same=f"d{n}") for n in range(20))
        await house.take(*many, alarmed("s2", same="taken"))
        await clock.advance(1)
        await house.act("L20260105-0021", "receive", "zhang")
        await clock.advance(12 * HOUR - 2)
        assert [m for m in phone.heard if m.incident != "L20260105-0021"] == []
        await clock.advance(20)
        owners = {each.owner for each in await house.cases.open_incidents() if each.key[-2:] < "21"}
        assert owners == {"wang"}
        told = [m for m in phone.heard if m.purpose == "escalated" and m.incident[-2:] < "21"]
        assert ({m.person for m in told}, [m.count for m in told]) == ({"wang"}, [1, 1, 1, 17])


async def off(clock: StoryClock, house: House, seconds: float) -> None:
    """As ``clock`` is when a gateway comes back: arrivals stand still while it is off."""
    await house.cases.commit(Step(arrival=house.now))
    clock.jump(seconds)


async def test_silence_ends_by_the_wall_clock_also_when_the_gateway_was_off(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.silences.add(WISH)
        await house.silences.add(WISH._replace(begin=HOUR, place="1301"))
        await house.take(alarmed(rule="low", category=Category.trouble))
        await off(clock, house, 90 * 60)
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        assert len(house.silences.standing(house.now)) == 2
        await clock.advance(30 * 60 - 1)
        assert phone.heard == []
        await clock.advance(60 * 60)
        assert phone.heard == []  # the second one
        await off(clock, house, 7 * 86_400)
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await clock.settle()
        assert phone.said() == [("opened", "zhang")]
        assert house.silences.standing(house.now) == []


async def test_silence_counts_on_while_the_clock_is_wrong_and_ends_at_once_when_it_is_right(
    tmp_path: Path,
) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.silences.add(WISH)
        await house.take(alarmed(rule="low", category=Category.trouble))
        await off(clock, house, -365 * 86_400)
    clock.trusted = False
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await clock.advance(HOUR)
        await house.silences.count_time_off()
        assert len(house.silences.standing(house.now)) == 1
        clock.jump(365 * 86_400 + 2 * HOUR)
        clock.trusted = True
        await house.silences.count_time_off()
        await clock.settle()
        assert phone.said() == [("opened", "zhang")]


async def test_silence_of_a_wrong_clock_gets_its_end_when_the_clock_is_right(
    tmp_path: Path,
) -> None:
    clock, phone = StoryClock(trusted=False), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.silences.add(WISH)
        await clock.advance(HOUR)
        clock.trusted = True
        clock.jump(1e9)
        await house.silences.count_time_off()
        await off(clock, house, HOUR - 60)
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        assert len(house.silences.standing(house.now)) == 1
        await off(clock, house, 60)
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        assert house.silences.standing(house.now) == []


async def test_silence_that_is_ended_early_lets_go_what_it_kept(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.silences.add(WISH._replace(device="s1"))
        await house.silences.add(WISH._replace(device="s2", last=3 * HOUR))
        low: dict[str, Any] = {"rule": "low", "category": Category.trouble}
        await house.take(alarmed(same="a", **low), alarmed(same="b", **low))
        await house.take(alarmed(same="c", **low), alarmed("s2", same="d", **low))
        await house.take(cleared(same="c", **low))
        await house.act("T20260105-0002", "receive")
        await clock.advance(60)
        assert phone.heard == []
        await house.silences.end(1, "wang")
        await clock.settle()
        assert [(m.incident, m.purpose) for m in phone.heard] == [("T20260105-0001", "opened")]
        ends = [(await house.cases.outbox(f"T20260105-000{n}"))[-1].end for n in (2, 3, 4)]
        assert ends == ["superseded", "cleared_before_sending", ""]
        await clock.advance(3 * HOUR)
        assert [m.incident[-1] for m in phone.heard] == ["1", "4"]


async def test_silence_that_the_store_can_not_end_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.silences.add(WISH)

        async def full(*_args: object) -> None:
            raise Unavailable("no room")

        monkeypatch.setattr(house.silences, "_write", full)
        with pytest.raises(Unavailable):
            await house.silences.end(1, "wang")
        assert len(house.silences.standing(house.now)) == 1


def later_shift(site: Site, code: str, role: str, wall: int) -> tuple[Person, ...]:
    """Only li has duty anywhere."""
    return (site.people["li"],)


async def test_who_has_no_duty_is_spared_and_the_end_reaches_who_was_told_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        phone.always = Unavailable("away")
        await house.take(alarmed())
        await clock.advance(0)
        await house.act("L20260105-0001", "transfer", "zhang", to="li", comment="换班")
        monkeypatch.setattr(known, "on_duty", later_shift)
        phone.always = None
        await clock.advance(60)
        ends = await house.ends("L20260105-0001")
        assert ("opened", "zhang", "not_on_duty") in ends
        assert ("transferred", "li", "told") in ends
        assert [each for each in ends if each[:2] == ("opened", "li")] == []  # once is enough
        await house.take(cleared())
        await clock.settle()
        assert ("cleared", "li") in phone.said()
        assert ("cleared", "zhang") not in phone.said()


NIGHT = {"quiet": "20:00-06:30"}


def sleeper() -> Site:
    """The assistant sleeps from 20:00 to 06:30; the story begins at 16:00 in China."""
    where = site()
    zhang = Person("zhang", "张三", "130101", "assistant", channels=("phone",), **NIGHT)
    return Site(1, where.places, where.devices, {**where.people, "zhang": zhang})


async def test_at_night_all_but_life_safety_and_what_is_critical_waits_for_the_morning(
    tmp_path: Path,
) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}, sleeper(), USUAL) as house:
        await clock.advance(5 * HOUR)  # 21:00
        low = {"rule": "low", "category": Category.trouble}
        await house.take(*(alarmed(same=f"d{n}", **low) for n in range(6)))
        await house.take(alarmed())
        await house.take(alarmed(same="worst", severity=Severity.critical, **low))
        await clock.settle()
        assert [(m.category, m.severity) for m in phone.heard] == [
            ("life", "alarm"), ("trouble", "critical"),
        ]  # fmt: skip
        await house.act("L20260105-0001", "receive", "zhang")
        phone.heard.clear()
        await clock.advance(9.5 * HOUR - 1)
        assert [m for m in phone.heard if m.person == "zhang" and m.category == "trouble"] == []
        await clock.advance(1)
        morning = [m for m in phone.heard if m.person == "zhang" and m.purpose == "opened"]
        assert [m.count for m in morning] == [6]


async def test_shift_that_ends_while_a_message_waits_hands_it_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}, sleeper(), USUAL) as house:
        await clock.advance(5 * HOUR)
        await house.take(alarmed(rule="low", category=Category.facility))
        await house.act("F20260105-0001", "receive", "li")  # li owns it now
        monkeypatch.setattr(known, "on_duty", later_shift)
        await clock.advance(9.5 * HOUR)
        ends = await house.ends("F20260105-0001")
        assert ends[0] == ("opened", "zhang", "not_on_duty")
        assert ("opened", "li") not in phone.said()  # who has received it knows


async def test_what_waited_until_its_cause_is_known_is_inhibited(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    phone.answers = [Unavailable("busy"), Unavailable("busy")]
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed(rule="silent", category=Category.trouble), alarmed())
        await clock.settle()
        house.causes = {"silent": "driver_lost", "smoke_alarm": "driver_lost"}
        await clock.advance(2)
        assert [m.category for m in phone.heard] == ["life"]
        [row] = await house.cases.outbox("T20260105-0001")
        assert (row.end, row.detail) == ("inhibited", "because of driver_lost")
