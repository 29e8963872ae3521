"""What devices only begin is ended by the driver, once, at its time, whatever happens between."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from drivers._momentary import _MOST, Holds, Momentary
from gateway.model import Item, Reading
from gateway.ports import Unavailable
from tests.virtual import VirtualClock


class Door:
    def __init__(self) -> None:
        self.items: list[Item] = []
        self.broken = False

    async def __call__(self, items: Sequence[Item]) -> None:
        if self.broken:
            raise Unavailable("no disk")
        self.items += items

    def said(self) -> list[tuple[str, dict[str, object]]]:
        return [(item.device, dict(item.values)) for item in self.items]  # type: ignore[union-attr]


def press(device: str = "button", *, hold: float = 30.0, **values: bool) -> Momentary:
    values = values or {"alarm": True}
    return Momentary(Reading(device, "panic", {**values}), tuple(values), hold)


class House:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.holds = Holds(self.clock)
        self.door = Door()
        self.task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> House:
        self.start()
        await self.clock.advance(0.01)
        return self

    def start(self) -> None:
        self.task = asyncio.create_task(self.holds.run(self.door))  # type: ignore[arg-type]

    async def __aexit__(self, *_: object) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_the_end_comes_after_the_hold_and_once() -> None:
    async with House() as house:
        house.holds.take(press())
        await house.clock.advance(29)
        assert house.door.items == []
        await house.clock.advance(2)
        assert house.door.said() == [("button", {"alarm": False})]
        await house.clock.advance(500)
        assert len(house.door.items) == 1


async def test_a_repeat_makes_it_last_longer() -> None:
    async with House() as house:
        house.holds.take(press())
        await house.clock.advance(20)
        assert len(house.holds.take(press())) == 1
        await house.clock.advance(20)
        assert house.door.items == []
        await house.clock.advance(11)
        assert house.door.said() == [("button", {"alarm": False})]


async def test_a_shorter_hold_that_begins_later_ends_first() -> None:
    async with House() as house:
        house.holds.take(press("slow", hold=60))
        await house.clock.advance(1)
        house.holds.take(press("fast", hold=5))
        await house.clock.advance(6)
        assert [name for name, _ in house.door.said()] == ["fast"]
        await house.clock.advance(60)
        assert [name for name, _ in house.door.said()] == ["fast", "slow"]


async def test_the_first_since_the_start_has_its_end_before_it() -> None:
    async with House() as house:
        first = [dict(reading.values) for reading in house.holds.take(press())]
        again = [dict(reading.values) for reading in house.holds.take(press())]
        assert first == [{"alarm": False}, {"alarm": True}]
        assert again == [{"alarm": True}]


async def test_what_the_device_ends_itself_is_not_ended_again() -> None:
    async with House() as house:
        house.holds.take(press(alarm=True, tamper=True))
        house.holds.note(Reading("button", "panic", {"alarm": False}))
        await house.clock.advance(60)
        assert house.door.said() == [("button", {"tamper": False})]


async def test_an_end_that_was_not_stored_is_said_by_the_next_connection() -> None:
    async with House() as house:
        house.holds.take(press())
        house.door.broken = True
        await house.clock.advance(31)
        assert house.task is not None
        with pytest.raises(Unavailable):
            await house.task
        house.door.broken = False
        house.start()
        await house.clock.advance(1)
        assert house.door.said() == [("button", {"alarm": False})]


async def test_beyond_the_bound_the_oldest_ends_early() -> None:
    async with House() as house:
        for number in range(_MOST + 2):
            house.holds.take(press(f"b{number}", hold=3600))
        await house.clock.advance(1)
        assert [name for name, _ in house.door.said()] == ["b0", "b1"]


class SlowDoor(Door):
    """The first call waits until somebody opens."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = asyncio.Event()

    async def __call__(self, items: Sequence[Item]) -> None:
        await self.opened.wait()
        await super().__call__(items)


async def test_what_begins_again_while_ends_wait_for_the_disk_is_not_ended() -> None:
    clock, door = VirtualClock(), SlowDoor()
    holds = Holds(clock)
    task = asyncio.create_task(holds.run(door))
    for device in ("a", "b"):
        holds.take(press(device, hold=30))
    await clock.advance(31)  # the end of "a" waits for the disk
    holds.take(press("b", hold=30))
    door.opened.set()
    await clock.advance(5)
    assert [device for device, _ in door.said()] == ["a"]
    await clock.advance(31)
    assert [device for device, _ in door.said()] == ["a", "b"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_live_beginning_is_dated_by_our_clock_and_a_late_one_keeps_its_own() -> None:
    async with House() as house:
        now = house.clock.now().wall
        for age, kept in ((20, False), (3600, True)):
            at = now - age * 1_000_000_000
            reading = Reading(f"pir{age}", "infrared", {"alarm": True}, at, "k")
            *_, said = house.holds.take(Momentary(reading, ("alarm",), 30))
            assert said.observed_at == (at if kept else None)
            assert said.key == "k"


async def test_the_end_before_a_first_beginning_does_not_overtake_it() -> None:
    """A camera's picture is a second old when it is told of."""
    holds = Holds(VirtualClock())
    seen = Reading("gate", "camera", {"motion": True}, observed_at=5)
    ended, begun = holds.take(Momentary(seen, ("motion",), 30.0))
    assert begun is seen
    assert ended.observed_at == 5
