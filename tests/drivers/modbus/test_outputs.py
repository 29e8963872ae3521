"""Sirens: switched ahead of polling, verified, reported, and never left on for ever."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from drivers.modbus.driver import Driver
from drivers.modbus.outflow import Outflow
from drivers.modbus.outputs import Outputs
from drivers.modbus.simulator import device
from gateway.clock import SystemClock
from gateway.ports import Refused, Unavailable
from tests.drivers.modbus.rig import of, options, running, slave, tcp_bus
from tests.drivers.serial_line.door import Door
from tests.virtual import VirtualClock


class Coils:
    """A relay board whose coils the test sees."""

    def __init__(self, *on: int, stuck: bool = False) -> None:
        self.words = [sum(1 << bit for bit in on)]
        self.written: list[int] = []
        self.stuck = stuck
        self._confirming = 0

    async def act(self, function, start, address, count, memory, put) -> None:
        if put is None and self._confirming:
            self._confirming = 0  # the server reads what it has written, for its answer
        elif put is None:
            memory[0] = self.words[0]
        elif function in (5, 15):
            self.written.append(function)
            if self.stuck:
                self._confirming = 1
                return
            self.words[0] = self.words[0] & ~(1 << address) | bool(put[0]) << address

    def on(self, bit: int = 0) -> bool:
        return bool(self.words[0] >> bit & 1)


def board(coils: Coils) -> Any:
    return device(9, coils=(0,) * 16, act=coils.act)


def siren(**more: Any) -> dict[str, Any]:
    return {"outputs": {"siren": {"unit": 9, "coil": 0, "every": "200ms"} | more}}


async def until(holds, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  # a relay has no event
            await asyncio.sleep(0.01)


async def test_switch_is_written_verified_and_reported() -> None:
    coils = Coils()
    async with tcp_bus(board(coils)) as port, running(options(port, **siren())) as (driver, door):
        await door.has(1)
        await driver.switch("siren", True)
        assert coils.on()
        await door.has(2)
        await driver.switch("siren", False)
        assert not coils.on()
        items = await door.has(3)
    assert [item.values for item in of(items, "siren")] == [
        {"on": False, "extra.online": True},
        {"on": True, "extra.online": True},
        {"on": False, "extra.online": True},
    ]
    assert items[0].kind == "power"
    assert set(coils.written) == {5}


async def test_inverted_output_and_function_15_are_as_declared() -> None:
    coils = Coils(3)
    given = siren(coil=3, invert=True, multiple=True, kind="lamp")
    async with (
        tcp_bus(board(coils)) as port,
        running(options(port, **given)) as (driver, door),
    ):
        items = await door.has(1)
        await driver.switch("siren", True)
        assert not coils.on(3)
    assert items[0].values["on"] is False
    assert items[0].kind == "lamp"
    assert set(coils.written) == {15}


@pytest.mark.parametrize("multiple", [False, True])
async def test_register_output_is_written_with_its_own_values(multiple: bool) -> None:
    unit = device(9, registers=(0, 0, 0))
    output = {"unit": 9, "register": 2, "on_value": 3, "off_value": 7, "multiple": multiple}
    async with (
        tcp_bus(unit) as port,
        running(options(port, outputs={"strobe": output})) as (driver, door),
    ):
        await driver_ready(driver)
        await driver.switch("strobe", True)
        items = await door.until(lambda found: found[-1].values.get("on") is True)
        await driver.switch("strobe", False)
    assert items[-1].device == "strobe"


async def driver_ready(driver: Driver) -> None:
    await until(lambda: driver._outputs._link is not None)


async def test_siren_ends_by_itself() -> None:
    coils = Coils()
    async with (
        tcp_bus(board(coils)) as port,
        running(options(port, **siren(at_most="400ms"))) as (driver, door),
    ):
        await driver_ready(driver)
        await driver.switch("siren", True)
        assert coils.on()
        await asyncio.sleep(0.2)
        assert coils.on()
        await until(lambda: not coils.on(), 2)
        items = await door.until(lambda found: found[-1].values["on"] is False)
    assert items[-1].values["on"] is False


async def test_every_switching_on_begins_the_time_anew() -> None:
    coils = Coils()
    async with (
        tcp_bus(board(coils)) as port,
        running(options(port, **siren(at_most="400ms"))) as (driver, _),
    ):
        await driver_ready(driver)
        for _ in range(4):
            await driver.switch("siren", True)
            await asyncio.sleep(0.2)
            assert coils.on()
        await until(lambda: not coils.on(), 2)


async def test_siren_found_on_at_the_start_ends_too() -> None:
    """The gateway crashed while it howled."""
    coils = Coils(0)
    async with (
        tcp_bus(board(coils)) as port,
        running(options(port, **siren(at_most="300ms"))) as (_, door),
    ):
        items = await door.has(1)
        assert items[0].values["on"] is True
        await until(lambda: not coils.on(), 3)


async def test_output_that_can_not_be_read_is_ended_once_after_a_start() -> None:
    coils = Coils(0)
    async with tcp_bus(board(coils)) as port:
        given = options(port, **siren(at_most="200ms", read_back=False))
        async with running(given):
            await until(lambda: not coils.on(), 3)


async def test_siren_ends_while_the_disk_takes_nothing() -> None:
    coils = Coils()
    async with tcp_bus(board(coils), device(1, registers=(1, 2))) as port:
        given = options(port, slave(), **siren(at_most="300ms"))
        async with running(given) as (driver, door):
            door.open.clear()
            await driver_ready(driver)
            await asyncio.sleep(0.5)
            await driver.switch("siren", True)
            await until(lambda: not coils.on(), 3)
            door.open.set()


async def test_switching_waits_for_one_question_at_most() -> None:
    coils = Coils()
    dead = {2, 3, 4, 5, 6}
    async with tcp_bus(board(coils), silent=dead) as port:
        given = options(port, *[slave(unit) for unit in dead], **siren())
        async with running(given) as (driver, _):
            await driver_ready(driver)
            await asyncio.sleep(0.15)
            started = SystemClock().now().mono
            await driver.switch("siren", True)
            assert (SystemClock().now().mono - started) / 1e9 < 2 * 0.1 + 0.15


async def test_unknown_output_is_refused_and_the_known_ones_named() -> None:
    driver = Driver("bus", options(1, **siren()), SystemClock())
    with pytest.raises(
        Refused, match=r"there is no output 'horn' on 127\.0\.0\.1:1; there is siren"
    ):
        await driver.switch("horn", True)


async def test_switching_without_a_connection_is_for_later() -> None:
    driver = Driver("bus", options(1, **siren()), SystemClock())
    with pytest.raises(Unavailable, match="not connected"):
        await driver.switch("siren", True)


async def test_dead_relay_board_is_for_later_and_said_once() -> None:
    async with tcp_bus(silent={9}) as port:
        given = options(port, **siren(), timeout="50ms", retries=1, backoff="100ms")
        async with running(given) as (driver, door):
            await driver_ready(driver)
            with pytest.raises(Unavailable, match=r"siren \(coil 0 of unit 9\): no answer within"):
                await driver.switch("siren", True)
            await asyncio.sleep(0.5)
    assert [item.values for item in door.items] == [{"extra.online": False}]


async def test_coil_that_the_device_lacks_is_refused() -> None:
    async with (
        tcp_bus(board(Coils())) as port,
        running(options(port, **siren(coil=99))) as (driver, _),
    ):
        await driver_ready(driver)
        with pytest.raises(Refused, match=r"siren \(coil 99 of unit 9\): illegal address \(2\)"):
            await driver.switch("siren", True)


async def test_coil_that_does_not_move_is_not_reported_as_switched() -> None:
    coils = Coils(stuck=True)
    async with (
        tcp_bus(board(coils)) as port,
        running(options(port, **siren(), retries=1)) as (driver, _),
    ):
        await driver_ready(driver)
        with pytest.raises(Unavailable, match="it was written, and reads back as off"):
            await driver.switch("siren", True)


async def test_lost_connection_while_it_howls_ends_it_after_the_reconnect() -> None:
    coils = Coils()
    async with tcp_bus(board(coils)) as port:
        driver = Driver("bus", options(port, **siren(at_most="300ms")), SystemClock())
        task = asyncio.create_task(driver.run(Door()))
        await driver_ready(driver)
        await driver.switch("siren", True)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.4)
        assert coils.on()
        task = asyncio.create_task(driver.run(Door()))
        await until(lambda: not coils.on(), 2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class SlowLine:
    """A line on which "off" takes its time."""

    def __init__(self) -> None:
        self.written: list[int] = []
        self.free = asyncio.Event()

    async def write(self, unit: int, table: str, address: int, value: int, many: bool) -> None:
        self.written.append(value)
        if not value:
            await self.free.wait()


async def test_on_that_comes_while_the_time_is_over_has_an_end_of_its_own() -> None:
    clock, line, door = VirtualClock(), SlowLine(), Door()
    given = options(1, **siren(at_most="60s", read_back=False))
    outputs = Outputs(given, clock)
    async with Outflow(door) as outflow:
        task = asyncio.create_task(outputs.run(line, outflow))
        await clock.advance(1)
        await outputs.switch("siren", True)
        await clock.advance(61)
        assert line.written == [1, 0]
        again = asyncio.create_task(outputs.switch("siren", True))
        await clock.advance(1)
        line.free.set()
        await again
        assert line.written == [1, 0, 1]
        await clock.advance(61)
        assert line.written == [1, 0, 1, 0]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
