"""Readings on their way to a disk that may be slow."""

from __future__ import annotations

import asyncio

import pytest

from drivers.modbus.outflow import GROUPS, MOST, Outflow
from drivers.modbus.presence import Presence
from gateway.model import Item, Reading


class SlowDoor:
    def __init__(self) -> None:
        self.groups: list[list[Item]] = []
        self.open = asyncio.Event()

    async def __call__(self, items) -> None:
        self.groups.append(list(items))
        await self.open.wait()


def reading(number: int, alarm: bool = False) -> Reading:
    return Reading(f"d{number}", "smoke", {"alarm": alarm})


async def test_while_a_group_is_under_way_the_next_gathers_and_an_alarm_does_not_wait() -> None:
    door = SlowDoor()
    async with Outflow(door) as outflow:
        for number in range(3):
            await outflow.put([reading(number)])
            await asyncio.sleep(0)
        assert [len(group) for group in door.groups] == [1]
        await outflow.put([reading(3, alarm=True)])
        await asyncio.sleep(0)
        assert [len(group) for group in door.groups] == [1, 3]
        await outflow.put([reading(4)])
        door.open.set()
        await asyncio.sleep(0.01)
    told = [item.device for group in door.groups for item in group]
    assert told == ["d0", "d1", "d2", "d3", "d4"]


async def test_disk_that_takes_nothing_stops_the_poller_and_memory_is_bounded() -> None:
    door = SlowDoor()
    async with Outflow(door) as outflow:
        taken = 0
        while outflow.has_room:
            await outflow.put([reading(taken)])
            taken += 1
        blocked = asyncio.ensure_future(outflow.put([reading(taken)]))
        await asyncio.sleep(0.05)
        assert not blocked.done()
        assert taken <= GROUPS * MOST + MOST
        door.open.set()
        await blocked
        await asyncio.sleep(0.01)
    assert sum(map(len, door.groups)) == taken + 1


async def test_what_the_door_raises_ends_the_poller() -> None:
    async def broken(items) -> None:
        raise ConnectionError("the journal is gone")

    async with Outflow(broken) as outflow:
        await outflow.put([reading(1)])
        await asyncio.sleep(0.01)
        with pytest.raises(ConnectionError, match="the journal is gone"):
            await outflow.put([reading(2)])


def test_slave_is_gone_after_its_retries_and_is_asked_ever_more_rarely() -> None:
    presence = Presence(retries=2, timeout=0.5, backoff=60)
    assert presence.answered()
    assert not presence.answered()
    said, pauses = [], []
    for _ in range(12):
        said.append(presence.silent())
        pauses.append(presence.pause())
    assert said.index(True) == 2
    assert said.count(True) == 1
    assert pauses == [0.5, 0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert presence.answered()
    assert presence.failures == 0


def test_slave_is_never_asked_again_before_its_late_answer_is_over() -> None:
    presence = Presence(retries=0, timeout=5, backoff=1)
    presence.silent()
    assert presence.pause() == 5
