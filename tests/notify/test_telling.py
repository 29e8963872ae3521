"""What the teller does with channels that work, fail, hang and refuse."""

import asyncio
from pathlib import Path

import pytest

from gateway.model import Category, Notification, Receipt
from gateway.ports import Refused, Unavailable
from gateway.store.cases import Cases
from gateway.store.step import Step
from tests.cases.build import alarmed, cleared, site
from tests.cases.house import Phone, StoryClock, living

KEY = "L20260105-0001"


async def test_next_channel_is_tried_when_one_is_away(tmp_path: Path) -> None:
    clock, phone, paper = StoryClock(), Phone(), Phone()
    phone.always = Unavailable("no carrier")
    async with living(tmp_path / "c.db", clock, {"phone": phone, "paper": paper}) as house:
        await house.take(alarmed())
        await clock.advance(300)
        assert ("escalated", "li") in paper.said()
        row = next(row for row in await house.cases.outbox(KEY) if row.person == "li")
        assert (row.end, row.channel) == ("told", "paper")
        assert row.detail == "paper: told 200 OK"  # the phone was away for long: it comes last


async def test_retries_back_off_are_durable_and_keep_their_key(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    phone.always = Unavailable("no carrier")
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed())
        times = []
        start = clock.mono
        for _ in range(40):
            count = len(phone.asked)
            await clock.advance(1)
            if len(phone.asked) > count:
                times.append((clock.mono - start) // 1_000_000_000)
        assert times == [1, 3, 7, 15, 31]  # the first attempt is made at 0
        row = (await house.cases.outbox(KEY))[0]
        assert (row.attempts, row.detail) == (6, "phone: no carrier")
        last = house.now
    phone.always = None
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await clock.advance((row.due - last) / 1e9 + 40)
        assert phone.said() == [("opened", "zhang")]
    assert {each.key for each in phone.asked} == {f"{KEY}/1/zhang/phone"}


async def test_given_up_after_a_day(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    phone.always = Unavailable("no carrier")
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed(category=Category.trouble))
        await clock.advance(24 * 3_600 - 1)
        assert await house.cases.outbox_counts() == {"waiting": 1}
        await clock.advance(301)
        rows = await house.cases.outbox("T20260105-0001")
        assert (rows[0].end, rows[0].detail) == (
            "failed_all_channels",
            "given up; phone: no carrier",
        )
        assert await house.cases.next_due() is not None  # the overdue rows


async def test_refused_by_all_ends_at_once(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    phone.always = Refused("number unknown")
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed())
        await clock.settle()
        row = (await house.cases.outbox(KEY))[0]
        assert (row.end, row.detail) == ("failed_all_channels", "phone: number unknown")
        assert [each.person for each in phone.asked] == ["zhang", "li", "wang"]  # and so up


async def test_who_can_not_be_told_at_all_is_followed_by_the_next_one_up_at_once(
    tmp_path: Path,
) -> None:
    clock, phone = StoryClock(), Phone()
    phone.answers = [Refused("number unknown")]
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed())
        await clock.settle()
        assert phone.said() == [("opened", "li")]
        assert (await house.one()).owner == "zhang"  # the time limit goes on as it was
        await house.act(KEY, "receive", "li")
        await house.take(cleared())
        await clock.settle()
        assert phone.said() == [("opened", "li"), ("cleared", "li")]


async def test_no_notifier_is_a_named_end(tmp_path: Path) -> None:
    clock = StoryClock()
    async with living(tmp_path / "c.db", clock, {}) as house:
        await house.take(alarmed())
        await clock.settle()
        row = (await house.cases.outbox(KEY))[0]
        assert (row.end, row.detail) == ("failed_all_channels", "no notifier is configured")


async def test_receivers_wish_when_to_come_again_is_honoured(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    phone.answers = [Unavailable("429", retry_after=45)]
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed())
        await clock.advance(44)
        assert len(phone.asked) == 1
        await clock.advance(1)
        assert phone.said() == [("opened", "zhang")]


async def test_hanging_channel_delays_nobody_else(tmp_path: Path) -> None:
    clock, phone, paper = StoryClock(), Phone(), Phone()
    phone.clock, phone.delay = clock, 1e6
    async with living(tmp_path / "c.db", clock, {"phone": phone, "paper": paper}) as house:
        for number in range(30):
            await house.take(alarmed(same=f"device:{number}"))
        people = (*house.site.people.values(),)
        house.site = site(people=tuple(p for p in people if p.id == "wang"))
        await house.take(alarmed(rule="other", same="device:1"))
        await clock.settle()
        assert paper.said() == []  # wang has no channel of her own: phone comes first
        await clock.advance(30)
        assert ("opened", "wang") in paper.said()
        assert len(phone.asked) <= 30


async def test_a_notifiers_bug_is_its_own_trouble(tmp_path: Path) -> None:
    class Buggy:
        async def tell(self, _notification: Notification) -> Receipt:
            raise KeyError("token=secret")

    clock, paper = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": Buggy(), "paper": paper}) as house:
        await house.take(alarmed())
        await clock.advance(300)
        assert paper.said() == [("escalated", "li")]
        row = (await house.cases.outbox(KEY))[0]
        assert row.detail == "phone: unexpected KeyError"
        assert not row.end


async def test_life_goes_first_when_many_wait(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with Cases(tmp_path / "c.db", clock) as cases:
        assert cases.put_aside is None
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        phone.always = Unavailable("away")
        for number in range(12):
            await house.take(alarmed(same=f"device:{number}", category=Category.trouble))
        await house.take(alarmed(rule="fire"))
        await clock.settle()
    phone.always, phone.asked = None, []
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await clock.advance(60)
        assert len(phone.heard) == 13
        assert phone.heard[0].category == "life"


async def test_trouble_that_passed_is_not_told_and_life_is(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    phone.always = Unavailable("away")
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed(), alarmed(rule="low", category=Category.trouble))
        await clock.advance(10)
        await house.take(cleared(), cleared(rule="low"))
        await clock.advance(2)
        phone.always = None
        await clock.advance(60)
        assert phone.said() == [("opened", "zhang"), ("cleared", "zhang")]
        assert "现状：" in phone.heard[0].text
        assert await house.ends("T20260105-0001") == [
            ("opened", "zhang", "cleared_before_sending"),
            ("cleared", "zhang", "cleared_before_sending"),
        ]


async def test_who_was_told_just_before_a_restart_hears_of_the_end(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    phone.clock, phone.delay = clock, 5
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed(category=Category.trouble))
        await clock.settle()
        assert len(phone.asked) == 1  # it rings, and nobody comes to keep that
        await house.take(cleared())
        await clock.advance(1)
    phone.delay = 0
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await clock.advance(10)
        assert phone.said() == [("opened", "zhang"), ("cleared", "zhang")]


async def test_waiting_message_is_superseded_when_the_incident_is_closed(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    phone.always = Unavailable("away")
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed())
        await clock.settle()
        await house.act(KEY, "receive", "li")
        await house.act(KEY, "close", "li", "duplicate")
        phone.always = None
        await clock.advance(60)
        assert phone.heard == []
        ends = await house.ends(KEY)
        assert ends == [("opened", "zhang", "superseded"), ("closed", "zhang", "superseded")]


async def test_person_who_left_is_replaced_by_who_is_in_charge(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    phone.answers = [Unavailable("away")]
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed())
        await clock.settle()
        people = [each for each in house.site.people.values() if each.id != "zhang"]
        house.site = site(people=tuple(people))
        await clock.advance(1)
        assert phone.said() == [("opened", "li")]


async def test_crash_between_telling_and_keeping_repeats_the_message(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    phone.clock, phone.delay = clock, 5.0
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed())
        await clock.advance(1)
    assert len(phone.asked) == 1
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await clock.advance(6)
        assert [each.key for each in phone.asked] == [f"{KEY}/1/zhang/phone"] * 2
        assert (await house.ends(KEY))[0][2] == "told"


async def test_full_disk_keeps_results_in_memory_and_tells_nobody_twice(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        full, commit = asyncio.Event(), house.cases.commit

        async def failing(step: Step) -> object:
            if full.is_set() and step.ended_rows:
                raise Unavailable("database or disk is full")
            return await commit(step)

        house.cases.commit = failing
        full.set()
        await house.take(alarmed())
        await clock.advance(60)
        assert phone.said() == [("opened", "zhang")]
        assert await house.cases.outbox_counts() == {"waiting": 1}
        full.clear()
        await clock.advance(5)
        assert phone.said() == [("opened", "zhang")]
        assert await house.cases.outbox_counts() == {"told": 1}


async def test_store_that_can_not_be_read_stops_no_message_and_repeats_none(
    tmp_path: Path,
) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        due_rows, commit = house.cases.due_rows, house.cases.commit

        async def unreadable(_now: int, _limit: int) -> object:
            raise Unavailable("database disk image is malformed")

        async def unwritable(step: Step) -> object:
            if step.ended_rows:
                raise Unavailable("database disk image is malformed")
            return await commit(step)

        phone.answers = [Unavailable("away")]
        await house.take(alarmed())  # its next attempt will be read from the disk
        await clock.settle()
        house.cases.due_rows, house.cases.commit = unreadable, unwritable
        await house.take(alarmed(same="device:1"))
        await clock.advance(60)
        assert phone.said() == [("opened", "zhang")]
        house.cases.due_rows, house.cases.commit = due_rows, commit
        await clock.advance(10)
        assert phone.said() == [("opened", "zhang")] * 2
        assert await house.cases.outbox_counts() == {"told": 2}


@pytest.mark.parametrize("count", [1_500])
async def test_storm_larger_than_memory_is_told_in_whole_and_once(tmp_path: Path, count) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(*(alarmed(same=f"device:{number}") for number in range(count)))
        await clock.settle()
        assert len(phone.asked) == count
        assert len({each.key for each in phone.asked}) == count
        assert await house.cases.outbox_counts() == {"told": count}
