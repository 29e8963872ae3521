"""Before a shift begins: who can be reached, and where nobody has duty."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.model import SECOND, Duty, Notification, Person, Place, Receipt, Site, Value
from gateway.notify.channels import Channels
from gateway.notify.roster_check import AGAIN, EVERY, FIRST, ONCE_MORE, RosterCheck
from gateway.ports import Unavailable
from tests.virtual import VirtualClock, settle

ZONE = ZoneInfo("Asia/Shanghai")
HOUR = 3_600.0


class Way:
    """A channel that keeps what was tried, and may be away."""

    def __init__(self) -> None:
        self.tried: list[Notification] = []
        self.away = False

    async def tell(self, notification: Notification) -> Receipt:
        self.tried.append(notification)
        if self.away:
            raise Unavailable("no answer")
        return Receipt("it is there")


class Watch:
    """A roster check and what it said of the gateway's parts."""

    def __init__(self, site: Site, at: str = "2026-01-05 06:00") -> None:
        self.site = site
        self.clock = VirtualClock(
            int(datetime.fromisoformat(at).replace(tzinfo=ZONE).timestamp()) * SECOND
        )
        self.phone, self.paper = Way(), Way()
        self.said: dict[str, dict[str, Value]] = {}
        self.news: list[tuple[str, dict[str, Value]]] = []

    def note(self, part: str, values: dict[str, Value]) -> None:
        self.said[part] = values
        self.news.append((part, values))

    def told(self) -> list[tuple[str, dict[str, Value]]]:
        found = list(self.news)
        self.news.clear()
        return found

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        channels = Channels({"phone": self.phone, "paper": self.paper}, self.clock)
        check = RosterCheck(
            channels,
            lambda: self.site,
            self.clock,
            self.note,
            lambda part: self.said.get(part, {}),
            lambda: self.said,
        )
        task = asyncio.create_task(check.run())
        try:
            await settle()
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def site(*duties: Duty, channels: tuple[str, ...] = ("phone", "paper")) -> Site:
    people = [
        Person("li", "李", "G1", "assistant", channels=channels),
        Person("wu", "吴", "G1", "assistant", channels=("phone",)),
    ]
    return Site(
        places={"G1": Place("G1", "", "grid", "第一网格")},
        people={person.id: person for person in people},
        rosters=duties,
        zone="Asia/Shanghai",
    )


async def test_whoever_always_has_duty_is_tried_once_a_day_on_every_channel_and_nobody_rings() -> (
    None
):
    watch = Watch(site())
    async with watch.running():
        await watch.clock.advance(FIRST)
        assert [each.person for each in watch.phone.tried] == ["li", "wu"]
        assert [each.person for each in watch.paper.tried] == ["li"]
        assert all(each.silent and each.purpose == "trial" for each in watch.phone.tried)
        await watch.clock.advance(AGAIN - EVERY)
        assert len(watch.phone.tried) == 2
        await watch.clock.advance(2 * EVERY)
        assert len(watch.phone.tried) == 4
    assert watch.told() == []


async def test_somebody_whom_no_channel_reaches_is_said_once_and_once_when_it_does_again() -> None:
    watch = Watch(site())
    watch.phone.away = True
    async with watch.running():
        await watch.clock.advance(FIRST)
        assert watch.told() == []
        await watch.clock.advance(ONCE_MORE)
        assert watch.told() == [
            ("person:wu", {"unreachable": True, "extra.reason": "phone: no answer"})
        ]
        await watch.clock.advance(2 * HOUR)
        assert watch.told() == []  # li has paper
        watch.phone.away = False
        await watch.clock.advance(2 * HOUR)
        assert watch.told() == [("person:wu", {"unreachable": False})]


async def test_one_lost_trial_makes_nobody_unreachable() -> None:
    watch = Watch(site())
    watch.phone.away = True
    async with watch.running():
        await watch.clock.advance(FIRST)
        watch.phone.away = False
        await watch.clock.advance(ONCE_MORE + EVERY)
    assert watch.told() == []
    assert [each.person for each in watch.phone.tried].count("wu") == 2


async def test_what_was_said_before_a_restart_is_taken_back_after_it() -> None:
    watch = Watch(site())
    watch.said = {"person:wu": {"unreachable": True}, "roster:G1": {"roster_gap": True}}
    async with watch.running():
        await watch.clock.advance(FIRST)
    assert sorted(watch.told()) == [
        ("person:wu", {"unreachable": False}),
        ("roster:G1", {"roster_gap": False}),
    ]


async def test_who_left_the_registry_needs_not_be_reachable() -> None:
    watch = Watch(site())
    watch.phone.away = True
    async with watch.running():
        await watch.clock.advance(FIRST)
        await watch.clock.advance(ONCE_MORE)
        assert watch.told()
        watch.site = Site(places=watch.site.places, people={"li": watch.site.people["li"]})
        await watch.clock.advance(EVERY)
        assert watch.told() == [("person:wu", {"unreachable": False})]


async def test_gap_of_a_place_that_is_gone_is_over() -> None:
    watch = Watch(site(shift("li", 8, 20)))
    async with watch.running():
        await watch.clock.advance(FIRST)
        assert [part for part, _ in watch.told()] == ["roster:G1"]
        watch.site = Site(places={}, people=watch.site.people)
        await watch.clock.advance(2 * EVERY)
        assert watch.told() == [("roster:G1", {"roster_gap": False})]


async def test_what_left_the_registry_during_a_restart_is_over_too() -> None:
    watch = Watch(site())
    watch.said = {
        "person:gone": {"unreachable": True},
        "roster:G9": {"roster_gap": True},
        "roster:G8": {"roster_gap": False},
        "driver:mqtt": {"driver_down": True},
    }
    async with watch.running():
        await watch.clock.advance(FIRST)
    assert sorted(watch.told()) == [
        ("person:gone", {"unreachable": False}),
        ("roster:G9", {"roster_gap": False}),
    ]


async def test_while_the_clock_can_not_be_trusted_nobody_knows_whose_shift_begins() -> None:
    watch = Watch(site())
    watch.clock.trusted = False
    async with watch.running():
        await watch.clock.advance(HOUR)
        assert watch.phone.tried == []


def shift(person: str, begin: int, end: int) -> Duty:
    return Duty("G1", "assistant", people=((person,),), begin=begin * 60, end=end * 60)


async def test_an_hour_before_the_shift_its_person_is_tried_and_the_others_are_not() -> None:
    watch = Watch(site(shift("li", 8, 20), shift("wu", 20, 8)), "2026-01-05 06:30")
    async with watch.running():
        await watch.clock.advance(FIRST)
        assert watch.phone.tried == []
        await watch.clock.advance(45 * 60)
        assert [each.person for each in watch.phone.tried] == ["li"]
        watch.phone.tried.clear()
        await watch.clock.advance(12 * HOUR)
        assert [each.person for each in watch.phone.tried] == ["wu"]


async def test_a_gap_of_the_next_day_is_said_now_and_taken_back_when_it_is_filled() -> None:
    watch = Watch(site(shift("li", 8, 20)))
    async with watch.running():
        await watch.clock.advance(FIRST)
        said = {"roster_gap": True, "extra.reason": "第一网格, assistant: nobody has duty"}
        assert watch.told() == [("roster:G1", said)]
        await watch.clock.advance(HOUR)
        assert watch.told() == []
        watch.site = site(shift("li", 8, 20), shift("wu", 20, 8))
        await watch.clock.advance(EVERY)
        assert watch.told() == [("roster:G1", {"roster_gap": False})]


async def test_a_name_in_the_roster_that_nobody_knows_is_a_gap() -> None:
    watch = Watch(site(shift("li", 8, 20), shift("gone", 20, 8)))
    async with watch.running():
        await watch.clock.advance(FIRST)
        ((_, said),) = watch.told()
        assert said["extra.reason"] == "第一网格, assistant: nobody knows gone"


class Yielding(VirtualClock):
    """Counts how often others had their turn."""

    turns = 0

    async def sleep(self, seconds: float) -> None:
        self.turns += seconds == 0
        await super().sleep(seconds)


async def test_a_district_of_rosters_is_looked_through_in_small_steps() -> None:
    watch = Watch(Site(rosters=tuple(Duty(f"{n}", "officer", people=(("a",),)) for n in range(99))))
    watch.clock = clock = Yielding()
    async with watch.running():
        await clock.advance(FIRST)
    assert clock.turns == 2 * 5


async def test_who_left_the_registry_between_two_trials_is_not_said() -> None:
    watch = Watch(site())
    watch.phone.away = True
    async with watch.running():
        await watch.clock.advance(FIRST)
        watch.site = Site(places=watch.site.places, people={"li": watch.site.people["li"]})
        await watch.clock.advance(ONCE_MORE + EVERY)
    assert watch.told() == []
