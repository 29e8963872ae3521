"""A building's fire panel, from the frame of its transmission device to the person told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.servers import free_port
from tests.stories.clock import MINUTE, Jumpable
from tests.stories.disk import fails_at_once, held
from tests.stories.house import House
from tests.stories.transmitter import (
    CONFIRM,
    DENY,
    FAULT,
    FIRE,
    NORMAL,
    OTHER,
    OTHER_ADDRESS,
    SHIELDED,
    SMOKE,
    SMOKE_ADDRESS,
    TESTED,
    UNIT,
    Transmitter,
    configuration,
)

DRIVER = """
  fire: {{type: fire_panel, host: 127.0.0.1, port: {port}, supervise: 5m}}
"""
DEVICES = f"""\
smoke23,fire,{SMOKE_ADDRESS},smoke,2层走廊烟感,990101010101,2,,,
unit3,fire,{UNIT},panel,3号楼用户信息传输装置,990101010101,1,,,
"""
NOTHING_CAME = 0.3
"""Seconds without a confirm that are taken for none: a stored report is confirmed in 30 ms."""


@pytest.fixture
async def port(built: House) -> int:
    """Where the device of a running house calls."""
    port = free_port()
    built.write(drivers=DRIVER.format(port=port), devices=DEVICES)
    await built.start()
    return port


async def hears_nothing(device: Transmitter) -> None:
    await asyncio.sleep(NOTHING_CAME)
    assert device.answers.empty(), device.answers.get_nowait()


async def alarms(house: House) -> list[dict[str, Any]]:
    """The readings of the detector that say fire."""
    found = await house.readings("smoke23")
    return [each for each in found if each["values"].get("alarm")]


async def test_fire_of_a_detector_is_told_with_its_place_and_cleared_with_its_end(
    built: House, clock: Jumpable, port: int
) -> None:
    async with Transmitter(port, clock) as device:
        await device.tell(configuration((SMOKE, "3号楼2层走廊"), (OTHER, "3号楼2层楼梯口")))
        await device.tell(device.states(NORMAL))
        await device.tell(device.states(FIRE))
        message = await built.told("opened", "smoke23")
        assert (message["person"], message["category"]) == ("chen", "life")
        assert "3号楼" in message["title"]
        assert "2层" in message["title"] + message["text"]
        stranger = await built.device(f"fire/{OTHER_ADDRESS}")
        assert stranger["unknown"]
        assert stranger["name"].startswith("3号楼2层楼梯口")
        (incident,) = await built.incidents()
        assert (incident["rule"], incident["device"], incident["cleared"]) == (
            "smoke_alarm", "smoke23", False,
        )  # fmt: skip
        await device.tell(device.states(NORMAL))
        await built.has("smoke23", 3)
        await clock.forward(20)
        assert not built.phone.told("cleared")  # smoke comes in waves
        await clock.forward(12, step=1)
        await built.told("cleared", "smoke23")
    assert built.quarantine() == []
    assert (await built.ledger())["refused"] == {}


async def test_unregistered_detector_rings_who_is_in_charge_of_it_all(
    built: House, clock: Jumpable, port: int
) -> None:
    async with Transmitter(port, clock) as device:
        await device.tell(configuration((OTHER, "3号楼2层楼梯口")))
        await device.tell(device.states(FIRE, where=OTHER, text="3号楼2层楼梯口"))
    message = await built.told("opened", f"fire/{OTHER_ADDRESS}")
    assert (message["person"], message["category"]) == ("sun", "life")
    assert "3号楼2层楼梯口" in message["title"] + message["text"]


async def test_report_is_confirmed_when_the_disk_has_it_and_not_before(
    built: House, clock: Jumpable, port: int
) -> None:
    async with Transmitter(port, clock) as device:
        await device.tell(device.states(NORMAL))
        with held(built):
            await device.put(device.report(device.states(FIRE)))
            await hears_nothing(device)
            assert not built.phone.told("opened")
        said = await device.answer()
    assert said.command == CONFIRM
    assert len(await alarms(built)) == 1
    await built.told("opened", "smoke23")


async def test_failed_commit_confirms_nothing_and_the_repeat_is_taken_when_the_disk_is_well(
    built: House, clock: Jumpable, port: int
) -> None:
    await fails_at_once(built)
    async with Transmitter(port, clock) as device:
        await device.tell(device.states(NORMAL))
        with held(built):
            raw = device.report(device.states(FIRE))
            await device.put(raw)
            await built.until(lambda: built.said("commit_failed"))
            await device.ended()
            assert device.answers.empty()
        await clock.forward(12, step=2)  # the supervisor opens the port again
        async with Transmitter(port, clock, device.serial) as again:
            await again.put(raw)
            assert (await again.answer()).command == CONFIRM
    await built.told("opened", "smoke23")
    assert (await built.ledger())["refused"] == {}  # it had never been stored: no duplicate
    assert len(await alarms(built)) == 1


async def test_repeat_of_a_frame_is_confirmed_again_and_is_one_incident(
    built: House, clock: Jumpable, port: int
) -> None:
    async with Transmitter(port, clock) as device:
        raw = await device.tell(device.states(FIRE))
        for _ in range(3):  # our confirm got lost, says the device
            await device.put(raw)
            assert (await device.answer()).command == CONFIRM
    await built.refused("duplicate", 3)
    await built.told("opened", "smoke23")
    assert len(await alarms(built)) == 1
    assert len(await built.incidents()) == 1
    assert len(built.phone.told("opened")) == 1


async def test_fault_shield_and_test_are_no_fire(built: House, clock: Jumpable, port: int) -> None:
    async with Transmitter(port, clock) as device:
        await device.tell(device.states(TESTED))
        await device.tell(device.states(SHIELDED))
        await device.tell(device.states(NORMAL))
        await clock.forward(120)
        assert await built.incidents() == []
        assert built.phone.messages == []
        await device.tell(device.states(FAULT))
        await built.has("smoke23", 4)
        await clock.forward(62, step=10)
        message = await built.told("opened", "smoke23")
        assert message["category"] == "trouble"
        await device.tell(device.states(NORMAL))
        await built.told("cleared", "smoke23")
        assert {each["rule"] for each in await built.incidents()} == {"fault"}
        await device.tell(device.states(FIRE))  # and is one afterwards
        await built.until(
            lambda: [m for m in built.phone.told("opened") if m["category"] == "life"]
        )


async def test_reset_of_the_panel_ends_the_fire(built: House, clock: Jumpable, port: int) -> None:
    async with Transmitter(port, clock) as device:
        await device.tell(device.states(FIRE))
        await built.told("opened", "smoke23")
        await clock.forward(5)
        await device.tell(device.reset())
        await built.has("smoke23", 2)
        await clock.forward(32, step=8)
        await built.told("cleared", "smoke23")


async def test_transmission_device_that_is_silent_is_trouble_until_it_is_heard(
    built: House, clock: Jumpable, port: int
) -> None:
    async with Transmitter(port, clock) as device:
        await device.tell(device.states(NORMAL))
        await clock.forward(4 * MINUTE)
        await device.tell(b"")  # an empty report is a sign of life
        await clock.forward(4 * MINUTE)
        assert (await built.device("unit3"))["values"]["extra.online"] is True
        await clock.forward(2 * MINUTE)
        await built.until(lambda: _is_gone(built))
        await clock.forward(11 * MINUTE)
        message = await built.told("opened", "unit3")
        assert message["category"] == "trouble"
        await device.tell(device.states(NORMAL))
        await built.told("cleared", "unit3")
    assert [each["rule"] for each in await built.incidents()] == ["offline"]


async def _is_gone(house: House) -> bool:
    return bool((await house.device("unit3"))["values"]["extra.online"] is False)


async def test_wrong_sum_is_denied_kept_and_rings_when_it_comes_right(
    built: House, clock: Jumpable, port: int
) -> None:
    async with Transmitter(port, clock) as device:
        data = device.states(FIRE)
        wrong = device.report(data, wrong=1)
        await device.put(wrong)
        assert (await device.answer()).command == DENY
        await built.refused("undecodable", 1)
        (row,) = built.quarantine()
        assert row.raw == wrong
        assert row.reason.startswith("checksum ")
        assert await built.incidents() == []
        await device.tell(data)
    await built.told("opened", "smoke23")


async def test_gateway_stopped_before_the_confirm_gets_the_frame_again_and_stores_it_once(
    built: House, clock: Jumpable, port: int
) -> None:
    async with Transmitter(port, clock) as device:
        await device.tell(device.states(NORMAL))
        with held(built):
            raw = device.report(device.states(FIRE))
            await device.put(raw)
            await hears_nothing(device)
            stopping = asyncio.create_task(built.stop())
            await asyncio.sleep(0.1)
        await stopping
        assert device.answers.empty()
    await built.start()
    async with Transmitter(port, clock, device.serial) as again:
        await again.put(raw)
        assert (await again.answer()).command == CONFIRM
    await built.told("opened", "smoke23")
    assert len(await alarms(built)) == 1
    assert len(await built.incidents()) == 1


async def test_confirm_lost_over_a_restart_leaves_one_reading_and_one_call(
    built: House, clock: Jumpable, port: int
) -> None:
    async with Transmitter(port, clock) as device:
        raw = await device.tell(device.states(FIRE))
    await built.told("opened", "smoke23")
    await built.stop()
    await built.start()
    async with Transmitter(port, clock, device.serial) as again:
        await again.put(raw)
        assert (await again.answer()).command == CONFIRM
    await built.refused("duplicate", 1)
    assert len(await alarms(built)) == 1
    assert len(await built.incidents()) == 1
    assert len(built.phone.told("opened")) == 1
