"""What is told one by one, what is merged, and that a restart changes nothing of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model import Category, Change, Person, Place, Site, TellingLimits, Turn
from gateway.notify import memory
from gateway.notify.silences import Wish
from gateway.ports import Unavailable
from tests.cases.build import alarmed, cleared, device
from tests.cases.house import House, Phone, StoryClock, living

USUAL = TellingLimits()


def grids(count: int, people: tuple[Person, ...] = ()) -> Site:
    """A community of ``count`` grids with an assistant each (or ``people``), two devices in each."""
    places = {"13": Place("13", "", "community", "云河社区")}
    devices, staff = {}, {}
    for number in range(count):
        code = f"13{number:02}"
        places[code] = Place(code, "13", "grid", f"第{number + 1}网格")
        staff[f"p{number}"] = Person(f"p{number}", f"网格员{number}", code, "assistant")
    for number in range(count * 100):
        code = f"13{number % count:02}"
        devices[f"ir{number}"] = device(f"ir{number}", place=code, kind="infrared", contact="")
    known = {each.id: each for each in people} or staff
    return Site(version=1, places=places, devices=devices, people=known)


def beam(number: int, where: Site, **changes: object) -> Change:
    name = f"ir{number}"
    return alarmed(
        name,
        rule="intruder",
        kind="infrared",
        same=f"device:{name}",
        place=where.devices[name].place,
        category=Category.intrusion,
        **changes,
    )


def counts(phone: Phone, person: str) -> list[int]:
    alarms = [each for each in phone.heard if each.purpose == "opened"]
    return [each.count for each in alarms if each.person == person]


async def burst(house: House, numbers: range, **changes: object) -> None:
    await house.take(*(beam(number, house.site, **changes) for number in numbers))


async def test_the_first_three_are_told_singly_and_the_rest_as_one(tmp_path: Path) -> None:
    clock, phone, where = StoryClock(), Phone(), grids(2)
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where, USUAL) as house:
        await burst(house, range(40))  # twenty in each grid
        await clock.advance(59)
        assert counts(phone, "p0") == counts(phone, "p1") == [1, 1, 1]
        await clock.advance(1)
        assert counts(phone, "p0") == [1, 1, 1, 17]
        merged = phone.heard[-1]
        assert merged.title in ("【入侵】第1网格：共 17 起报警", "【入侵】第2网格：共 17 起报警")
        assert "烟感报警 17 起" in merged.text
        assert await house.cases.outbox_counts() == {"told": 8, "merged": 32}


async def test_further_ones_follow_every_five_minutes_with_their_count(tmp_path: Path) -> None:
    clock, phone, where = StoryClock(), Phone(), grids(1)
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where, USUAL) as house:
        await burst(house, range(5))
        await clock.advance(60)
        await burst(house, range(5, 15))
        await clock.advance(299)
        assert counts(phone, "p0") == [1, 1, 1, 2]
        await clock.advance(1)
        assert counts(phone, "p0") == [1, 1, 1, 2, 10]
        await clock.advance(301)  # a quiet while: single messages again
        await burst(house, range(15, 17))
        await clock.settle()
        assert counts(phone, "p0") == [1, 1, 1, 2, 10, 1, 1]


async def test_life_safety_is_never_merged_with_anything_else_and_waits_ten_seconds(
    tmp_path: Path,
) -> None:
    clock, phone = StoryClock(), Phone()
    people = (Person("p0", "张三", "1300", "assistant"),)
    where = grids(1, people)
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where, USUAL) as house:
        await burst(house, range(10))
        smoke = (alarmed(f"ir{n}", same=f"flat:{n}", place="1300") for n in range(20, 28))
        await house.take(*smoke)
        await clock.settle()
        assert [each.category for each in phone.heard].count("life") == 3
        await clock.advance(10)
        assert [(m.category, m.count) for m in phone.heard if m.category == "life"][-1] == (
            "life",
            5,
        )
        assert [m.count for m in phone.heard if m.category == "intrusion"] == [1, 1, 1]


async def test_the_end_reaches_who_was_told_by_a_merged_message_and_as_one(tmp_path: Path) -> None:
    clock, phone, where = StoryClock(), Phone(), grids(1)
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where, USUAL) as house:
        await burst(house, range(20))
        await clock.advance(60)
        phone.heard.clear()
        over = (beam(n, where, turn=cleared().turn) for n in range(20))
        await house.take(*over)
        await clock.advance(60)
        assert [(each.purpose, each.count) for each in phone.heard] == [
            ("cleared", 1), ("cleared", 1), ("cleared", 1), ("cleared", 17),
        ]  # fmt: skip
        assert phone.heard[-1].title == "【报警解除】第1网格：共 17 起"


async def test_an_intruder_who_has_passed_is_told_though_the_beam_is_free_again(
    tmp_path: Path,
) -> None:
    clock, phone, where = StoryClock(), Phone(), grids(1)
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where, USUAL) as house:
        await burst(house, range(20))
        await clock.advance(5)
        await house.take(*(beam(n, where, turn=cleared().turn) for n in range(20)))
        await clock.advance(55)
        alarms = [each for each in phone.heard if each.purpose == "opened"]
        assert [each.count for each in alarms] == [1, 1, 1, 17]
        assert "都已恢复正常" in alarms[-1].text


async def test_closed_ones_are_left_out_and_when_all_are_nothing_is_sent(tmp_path: Path) -> None:
    clock, phone, where = StoryClock(), Phone(), grids(1)
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where, USUAL) as house:
        await burst(house, range(6))
        await clock.settle()
        for number in (4, 5, 6):
            key = f"I20260105-{number:04}"
            await house.act(key, "receive", "p0")
            await house.act(key, "close", "p0", "false_alarm")
        await clock.advance(60)
        assert counts(phone, "p0") == [1, 1, 1]
        ends = [await house.ends(f"I20260105-{number:04}") for number in (4, 5)]
        assert ends == [[("opened", "p0", "superseded")], [("opened", "p0", "merged")]]


async def test_a_restart_in_the_middle_goes_on_with_the_same_message(tmp_path: Path) -> None:
    clock, phone, where = StoryClock(), Phone(), grids(1)
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where, USUAL) as house:
        await burst(house, range(10))
        await clock.advance(30)
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where, USUAL) as house:
        await burst(house, range(10, 20))
        await clock.advance(60)  # counted from the last sign of life
        assert counts(phone, "p0") == [1, 1, 1, 17]
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where, USUAL) as house:
        await burst(house, range(20, 25))
        await clock.advance(240)
        assert counts(phone, "p0") == [1, 1, 1, 17]  # one merged message in five minutes
        await clock.advance(60)
        assert counts(phone, "p0") == [1, 1, 1, 17, 5]


async def test_a_merged_message_that_nobody_takes_goes_on_growing_until_it_is_told(
    tmp_path: Path,
) -> None:
    clock, phone, where = StoryClock(), Phone(), grids(1)
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where, USUAL) as house:
        await burst(house, range(10))
        await clock.advance(59)
        phone.always = Unavailable("no carrier")
        await clock.advance(2)
        await burst(house, range(10, 20))
        await clock.advance(30)
        phone.always = None
        await clock.advance(60)
        assert counts(phone, "p0") == [1, 1, 1, 17]


async def test_missed_deadlines_of_a_storm_are_one_message_too(tmp_path: Path) -> None:
    clock, phone, where = StoryClock(), Phone(), grids(1)
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where, USUAL) as house:
        await burst(house, range(20))
        await clock.advance(599)
        phone.heard.clear()
        await clock.advance(61)
        missed = [m.count for m in phone.heard if (m.purpose, m.person) == ("overdue", "p0")]
        assert missed == [1, 1, 1, 17]


async def test_a_storm_larger_than_one_message_is_told_in_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MOST_MERGED", 50)
    clock, phone, where = StoryClock(), Phone(), grids(2)
    everybody = {"p0": Person("p0", "张三", "13", "assistant")}
    where = Site(1, where.places, where.devices, everybody)
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where, USUAL) as house:
        flood = (beam(n, where) for n in range(0, 200, 2))  # all in one grid
        await house.take(*flood)
        await clock.advance(61)
        assert counts(phone, "p0") == [1, 1, 1, 51, 46]


async def ends(house: House, numbers: range) -> list[str]:
    """The end of the newest row of each incident of a day."""
    keys = [f"I20260105-{n + 1:04}" for n in numbers]
    return [(await house.cases.outbox(key))[-1].end for key in keys]


async def test_leader_that_is_silenced_alone_ends_so_and_the_others_are_told_without_it(
    tmp_path: Path,
) -> None:
    clock, phone, where = StoryClock(), Phone(), grids(1)
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where, USUAL) as house:
        await burst(house, range(7))
        await clock.advance(30)
        await house.silences.add(Wish("p0", "换电池", 120, device="ir3"))
        await clock.advance(30)
        assert counts(phone, "p0") == [1, 1, 1, 3]
        assert "ir3" not in phone.heard[-1].text
        rows = await house.cases.outbox("I20260105-0004")
        assert [(row.end, row.held) for row in rows] == [("silenced", ""), ("", "unseen")]
        assert await ends(house, range(4, 7)) == ["told", "merged", "merged"]
        await house.take(*(beam(n, where, turn=Turn.cleared) for n in (3, 5)))
        await clock.settle()
        assert await ends(house, range(3, 6)) == ["cleared_before_sending", "told", "told"]


async def test_leader_that_somebody_has_received_is_not_told_and_a_restart_keeps_the_others(
    tmp_path: Path,
) -> None:
    clock, phone, where = StoryClock(), Phone(), grids(1)
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where, USUAL) as house:
        await burst(house, range(7))
        await house.act("I20260105-0004", "receive", "p0")
        await house.act("I20260105-0004", "close", "p0", outcome="real")
        phone.always = Unavailable("away")
        await clock.advance(60)
        assert await ends(house, range(3, 7)) == ["superseded", "", "merged", "merged"]
    phone.always = None
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where, USUAL) as house:
        await clock.advance(60)
        assert counts(phone, "p0") == [1, 1, 1, 3]
        assert await ends(house, range(3, 7)) == ["superseded", "told", "merged", "merged"]
