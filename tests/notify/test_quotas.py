"""Documented limits are never exceeded, in any window, and life safety comes first."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import SECOND, Category, Notification, Quota, Receipt, Sent
from gateway.notify.meters import Meters
from gateway.notify.teller import PATIENCE
from gateway.ports import Unavailable
from tests.cases.build import alarmed
from tests.cases.house import Phone, StoryClock, living

ROBOT = Quota(20, 60.0, spare=3)


class Robot(Phone):
    """A channel with a limit; it knows when it was asked, and when it answered."""

    def __init__(self, clock: StoryClock, *quotas: Quota) -> None:
        super().__init__()
        self.clock = clock
        self.quotas = quotas or (ROBOT,)
        self.spans: list[tuple[int, int, str, str]] = []

    async def tell(self, notification: Notification) -> Receipt:
        began = self.clock.mono
        try:
            return await super().tell(notification)
        finally:
            self.spans.append((began, self.clock.mono, notification.category, notification.person))

    def most(self, quota: Quota) -> int:
        """The most messages that can have come within any window of the quota."""
        found = 0
        people = {person for *_, person in self.spans} if quota.each else {""}
        for person in people:
            mine = [s for s in self.spans if not quota.each or s[3] == person]
            for _, end, *_ in mine:
                inside = [s for s in mine if s[1] >= end and s[0] < end + quota.per * SECOND]
                found = max(found, len(inside))
        return found


def by_device(count: int, start: int = 0) -> list:
    numbers = range(start, start + count)
    return [
        alarmed(f"s{n}", rule="low", same=f"device:{n}", category=Category.facility)
        for n in numbers
    ]


async def test_a_limit_is_kept_and_what_is_held_says_until_when(tmp_path: Path) -> None:
    clock = StoryClock()
    robot = Robot(clock)
    async with living(tmp_path / "c.db", clock, {"robot": robot}) as house:
        await house.take(*by_device(20))
        await clock.settle()
        assert len(robot.heard) == 17  # three are spared for life safety
        rows = [row for n in range(1, 21) for row in await house.cases.outbox(f"F20260105-{n:04}")]
        held = [row for row in rows if row.held]
        assert {row.held for row in held} == {"quota"}
        assert {row.due - house.now for row in held} == {60 * SECOND}
        assert {row.detail for row in held} == {"robot: as many messages as it takes were sent"}
        await house.take(alarmed(), alarmed(rule="gas", same="x"))
        await clock.settle()
        assert [each.category for each in robot.heard][17:] == ["life", "life"]
        await clock.advance(60)
        assert len(robot.heard) == 22
        assert robot.most(ROBOT) <= 20


async def test_more_than_a_few_held_for_one_person_become_one_message(tmp_path: Path) -> None:
    clock = StoryClock()
    robot = Robot(clock)
    async with living(tmp_path / "c.db", clock, {"robot": robot}) as house:
        await house.take(*by_device(60))
        await clock.advance(60)
        assert [each.count for each in robot.heard] == [1] * 19 + [41]
        assert robot.most(ROBOT) <= 20


async def test_life_safety_takes_a_channel_that_is_free_and_others_wait_a_little(
    tmp_path: Path,
) -> None:
    clock = StoryClock()
    robot, paper = Robot(clock, Quota(2, 60.0)), Phone()
    people = {"robot": robot, "paper": paper}
    async with living(tmp_path / "c.db", clock, people) as house:
        await house.take(*by_device(4))
        await clock.settle()
        assert (len(robot.heard), len(paper.heard)) == (2, 0)
        await house.take(alarmed(rule="gas"))
        await clock.settle()
        assert [each.category for each in paper.heard] == ["life"]
        await clock.advance(60)
        assert len(robot.heard) == 4
        assert robot.most(robot.quotas[0]) <= 2


async def test_a_daily_limit_of_one_number_sends_the_rest_by_the_next_channel(
    tmp_path: Path,
) -> None:
    clock = StoryClock()
    sms, paper = Robot(clock, Quota(2, 86_400.0, each=True)), Phone()
    async with living(tmp_path / "c.db", clock, {"sms": sms, "paper": paper}) as house:
        house.site.people.pop("zhang")
        house.site.people.pop("li")
        await house.take(*by_device(5))
        await clock.settle()
        assert (len(sms.heard), len(paper.heard)) == (2, 3)


async def test_a_restart_does_not_double_a_limit(tmp_path: Path) -> None:
    clock = StoryClock()
    robot = Robot(clock)
    robot.delay = 5.0
    async with living(tmp_path / "c.db", clock, {"robot": robot}) as house:
        await house.take(*by_device(17))
        await clock.advance(4)  # as if the power went: some are under way, none is told
    robot.delay = 0.0
    async with living(tmp_path / "c.db", clock, {"robot": robot}) as house:
        await house.take(*by_device(17, 20))
        for _ in range(40):
            await clock.advance(7)
        assert robot.most(ROBOT) <= 20
        assert sum(each.count for each in robot.heard) >= 34


async def test_attempts_that_fail_count_too(tmp_path: Path) -> None:
    clock = StoryClock()
    robot = Robot(clock)
    robot.always = Unavailable("timeout")
    async with living(tmp_path / "c.db", clock, {"robot": robot}) as house:
        await house.take(*by_device(12))
        await clock.advance(300)
        assert robot.most(ROBOT) <= 17


messages = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 30), st.booleans(), st.sampled_from("ab")),
    max_size=60,
)


@given(messages, st.integers(1, 6), st.integers(0, 3), st.integers(1, 60), st.booleans())
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
def test_no_window_ever_holds_more_whatever_the_answers_take(
    asked: list[tuple[int, int, bool, str]], most: int, spare: int, per: int, each: bool
) -> None:
    quota = Quota(most, float(per), min(spare, most - 1), each)
    meters = Meters({"robot": (quota,)})
    now, spans, sent = 0, [], []  # type: ignore[var-annotated]
    running: list[tuple[int, object, int, str]] = []
    for pause, takes, life, person in asked:
        now += pause * SECOND
        for end, ticket, began, who in [r for r in running if r[0] <= now]:
            meters.done(ticket, end)  # type: ignore[arg-type]
            running.remove((end, ticket, began, who))
        wait = meters.wait("robot", person, life=life, now=now)
        if wait:
            continue
        ticket, count = meters.take("robot", person, now)
        running.append((now + takes * SECOND, ticket, now, person))
        spans.append((now, now + takes * SECOND, person))
        sent.append(count)
    span = per * SECOND
    for _, end, person in spans:
        mine = [s for s in spans if not each or s[2] == person]
        assert sum(s[1] >= end and s[0] < end + span for s in mine) <= most
    assert all(isinstance(one, Sent) for one in sent)


def test_who_waits_is_told_when_its_turn_comes() -> None:
    meters = Meters({"robot": (Quota(2, 60.0, spare=1),)})
    ticket, _ = meters.take("robot", "a", 0)
    meters.done(ticket, 5 * SECOND)
    now = 10 * SECOND
    assert meters.wait("robot", "a", life=True, now=now) == 0
    assert meters.wait("robot", "a", life=False, now=now) == 55 * SECOND
    meters.queue("robot", 7)
    assert meters.wait("robot", "a", life=False, now=now) == 115 * SECOND
    meters.unqueue(7)
    assert meters.wait("robot", "a", life=False, now=now) == 55 * SECOND
    assert meters.wait("paper", "a", life=False, now=now) == 0


def test_what_was_begun_before_a_restart_counts_from_its_latest_possible_end() -> None:
    meters = Meters({"robot": (Quota(1, 60.0),)})
    meters.resume([Sent("robot", "a", 0)], int(PATIENCE * SECOND), 40 * SECOND)
    assert meters.wait("robot", "b", life=True, now=40 * SECOND) == 50 * SECOND
