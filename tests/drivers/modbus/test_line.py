"""The driver over a real serial line with a real server: noise, silence, lies, unplugging."""

from __future__ import annotations

import asyncio
import os
from itertools import groupby
from pathlib import Path

import pytest
from pymodbus.constants import ExcCodes

from drivers.modbus.driver import Driver
from drivers.modbus.simulator import device
from drivers.modbus.wire import crc16
from gateway.clock import SystemClock
from gateway.model import Reading, Undecodable
from gateway.ports import Unavailable
from tests.drivers.modbus.rig import CLIMATE, of, options, running, serial_bus, slave
from tests.drivers.serial_line.door import Door

WEATHER = device(1, registers=(658, 0xFF9B))
VALUES = {"humidity": 65.8, "temperature": -10.1}
FIRST = VALUES | {"extra.online": True}


async def test_slave_is_polled_and_its_first_reading_says_that_it_is_there() -> None:
    async with serial_bus(WEATHER) as line, running(options(line.port, slave())) as (_, door):
        items = await door.has(3)
    assert items[:2] == [Reading("d1", "climate", FIRST), Reading("d1", "climate", VALUES)]


async def test_answer_is_found_in_noise_pieces_and_echo() -> None:
    asked = []

    def echo(data: bytes) -> list[tuple[float, bytes]]:
        asked.append(data)
        line.say(data)  # the adapter hears itself
        return [(0.0, data)]

    def noisy(data: bytes) -> list[tuple[float, bytes]]:
        torn = [(0.0, b"\x00\xff\x01\x03"), (0.005, data[:3]), (0.01, data[3:]), (0.01, b"\xfe")]
        return torn if len(asked) % 2 else [(0.0, b"\x00" + data)]

    async with serial_bus(WEATHER) as line:
        line.to_server, line.to_driver = echo, noisy
        async with running(options(line.port, slave())) as (_, door):
            items = await door.has(8)
    assert all(
        isinstance(item, Reading) and VALUES.items() <= item.values.items() for item in items
    )


@pytest.mark.parametrize(
    "lie",
    [
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: b"\x02" + data[1:-2] + crc16(b"\x02" + data[1:-2]),
        lambda data: b"\x01\x03\x02\x00\x07" + crc16(b"\x01\x03\x02\x00\x07"),
        lambda data: data[:-2],
        lambda data: os.urandom(40),
        lambda data: b"",
    ],
    ids=["wrong CRC", "another unit", "another size", "half a frame", "garbage", "silence"],
)
async def test_what_is_no_answer_is_silence_and_ends(lie) -> None:
    quick = {"backoff": "100ms", "timeout": "60ms"}
    async with (
        serial_bus(WEATHER) as line,
        running(options(line.port, slave(), **quick)) as (_, door),
    ):
        await door.has(1)
        line.to_driver = lambda data: [(0.0, lie(data))]
        items = await door.until(lambda found: found[-1].values == {"extra.online": False})
        line.to_driver = lambda data: [(0.0, data)]
        items = await door.until(lambda found: found[-1].values == FIRST)
    assert [item.values["extra.online"] for item in items if "extra.online" in item.values] == [
        True,
        False,
        True,
    ]


async def test_late_answer_is_never_taken_for_the_answer_to_another_question() -> None:
    """Two reads of one unit with answers of one size: one that comes late would fit the other."""
    far = {
        "points": [
            *CLIMATE["points"],
            {"value": "co2", "register": 50},
            {"value": "tvoc", "register": 51},
        ]
    }
    memory = device(1, registers=(658, 0xFF9B, *[0] * 48, 400, 401))
    count = 0

    def slow(data: bytes) -> list[tuple[float, bytes]]:
        nonlocal count
        count += 1
        return [(0.16 if count % 3 == 0 else 0.0, data)]

    async with serial_bus(memory) as line:
        line.to_driver = slow
        async with running(options(line.port, slave(map=far))) as (_, door):
            items = await door.has(12)
    wanted = VALUES | {"co2": 400.0, "tvoc": 401.0, "extra.online": True}
    assert all(item.values.items() <= wanted.items() for item in items)
    assert any("co2" in item.values for item in items)


async def test_dead_slaves_never_stall_the_living() -> None:
    """Four of five are dead, and a timeout lasts longer than the fifth's 50 ms: its turn comes next."""
    dead = {2, 3, 4, 5}
    asked: list[int] = []

    def heard(data: bytes) -> list[tuple[float, bytes]]:
        asked.append(data[0])
        return [(0.0, data)]

    async with serial_bus(WEATHER, silent=dead) as line:
        line.to_server = heard
        slaves = [slave(unit) for unit in (2, 1, 3, 4, 5)]
        async with running(options(line.port, *slaves, retries=1, backoff="2s")) as (_, door):
            items = await door.until(
                lambda found: sum(item.values == {"extra.online": False} for item in found) == 4
            )
            await door.has(len(items) + 20)
    later = asked[5:]  # at the start everybody is due, and asked once
    runs = [(is_dead, len(list(run))) for is_dead, run in groupby(later, dead.__contains__)]
    assert max(length for is_dead, length in runs if is_dead) <= 2
    assert sum(item.values == {"extra.online": False} for item in items) == 4


async def test_all_dead_is_said_once_each_and_the_driver_lives() -> None:
    silent = {1, 2}
    given = {"retries": 0, "backoff": "1s"}
    async with (
        serial_bus(silent=silent) as line,
        running(options(line.port, slave(1), slave(2), **given)) as (_, door),
    ):
        items = await door.has(2)
        await asyncio.sleep(0.5)
        assert [(item.device, item.values) for item in items] == [
            ("d1", {"extra.online": False}),
            ("d2", {"extra.online": False}),
        ]
        silent.clear()
        await door.until(lambda found: len(of(found, "d2")) > 1)


async def test_point_that_the_device_lacks_is_named_once_and_hides_no_other() -> None:
    lacking = {"points": [*CLIMATE["points"], {"value": "co2", "register": 4}]}
    async with (
        serial_bus(WEATHER) as line,
        running(options(line.port, slave(map=lacking))) as (_, door),
    ):
        items = await door.has(6)
    bad = [item for item in items if isinstance(item, Undecodable)]
    assert [item.reason for item in bad] == ["unit 1 (d1): co2 (register 4): illegal address (2)"]
    assert bad[0].raw == b"\x83\x02"
    assert [item.values for item in of(items, "d1")][:2] == [FIRST, VALUES]


SMOKE = {
    "kind": "smoke",
    "points": [{"value": "co2", "register": 0}, {"value": "alarm", "discrete": 0}],
}


async def test_question_that_is_never_answered_does_not_hide_smoke() -> None:
    detector = device(1, inputs=(1,), registers=(400,))
    async with serial_bus(detector) as line:
        line.to_server = lambda data: [] if data[1] == 3 else [(0.0, data)]
        async with running(options(line.port, slave(map=SMOKE), backoff="5s")) as (_, door):
            items = await door.has(20)
            asked_again = len(door.items)
            line.to_server = lambda data: [(0.0, data)]
            await asyncio.sleep(0.3)
            assert len(door.items) >= asked_again + 3
    readings = of(items, "d1")
    assert {item.values["alarm"] for item in readings} == {True}
    assert readings[0].values["extra.online"] is True
    bad = [item.reason for item in items if isinstance(item, Undecodable)]
    assert bad == ["unit 1 (d1): co2 (register 0): no answer, though others are answered"]


async def test_point_that_was_there_is_asked_again_soon_although_it_is_denied() -> None:
    starting = False

    async def act(*_: object) -> ExcCodes | None:
        return ExcCodes.ILLEGAL_ADDRESS if starting else None

    detector = device(1, inputs=(1,), registers=(400,), act=act)
    async with (
        serial_bus(detector) as line,
        running(options(line.port, slave(map=SMOKE))) as (_, door),
    ):
        await door.has(2)
        starting = True
        await door.until(lambda found: len([i for i in found if isinstance(i, Undecodable)]) == 2)
        starting = False
        count = len(door.items)
        items = await door.has(count + 2, 3)
    assert items[-1].values == {"alarm": True, "co2": 400.0}


async def test_value_that_is_none_is_said_once_until_it_is_well() -> None:
    ranged = {
        "points": [
            CLIMATE["points"][0],
            {"value": "temperature", "register": 1, "range": [-40, 85]},
        ]
    }
    async with (
        serial_bus(WEATHER) as line,
        running(options(line.port, slave(map=ranged))) as (_, door),
    ):
        items = await door.has(6)
    bad = [item for item in items if isinstance(item, Undecodable)]
    assert [item.reason for item in bad] == [
        "unit 1 (d1): temperature (register 1): 65435 lies outside -40 to 85"
    ]
    assert of(items, "d1")[-1].values == {"humidity": 65.8}


async def test_unchanged_values_are_said_again_after_a_while_only() -> None:
    async with (
        serial_bus(WEATHER) as line,
        running(options(line.port, slave(repeat="300ms"))) as (_, door),
    ):
        await asyncio.sleep(1.0)
        count = len(door.items)
    assert 2 <= count <= 5


async def test_ascii_framing_is_spoken() -> None:
    from pymodbus.framer import FramerType
    from pymodbus.server import ModbusSerialServer

    from tests.drivers.modbus.rig import cable

    with cable() as line:
        server = ModbusSerialServer([WEATHER], port=line.far_port, framer=FramerType.ASCII)
        await server.serve_forever(background=True)
        try:
            bus = {"serial": {"port": line.port, "framing": "ascii"}}
            async with running(options(line.port, slave(), bus=bus)) as (_, door):
                items = await door.has(1)
        finally:
            await server.shutdown()
    assert items == [Reading("d1", "climate", FIRST)]


async def test_unplugging_ends_with_one_clear_sentence() -> None:
    async with serial_bus(WEATHER) as line:
        door = Door()
        task = asyncio.create_task(
            Driver("bus", options(line.port, slave()), SystemClock()).run(door)
        )
        await door.has(1)
        line.unplug()
        with pytest.raises(Unavailable, match=r"^serial port /dev/pts/\d+: the adapter is gone$"):
            await asyncio.wait_for(task, 5)


@pytest.mark.parametrize(
    ("made", "reason"), [(False, "there is no such port"), (True, "that is no serial port")]
)
async def test_port_that_can_not_be_used_is_said(tmp_path: Path, made: bool, reason: str) -> None:
    if made:
        (tmp_path / "port").write_text("")
    driver = Driver("bus", options(str(tmp_path / "port"), slave()), SystemClock())
    with pytest.raises(Unavailable, match=reason):
        await driver.run(Door())


async def test_port_that_another_program_holds_is_said() -> None:
    async with serial_bus(WEATHER) as line, running(options(line.port, slave())) as (_, door):
        await door.has(1)
        with pytest.raises(Unavailable, match="another program holds it"):
            await Driver("other", options(line.port, slave()), SystemClock()).check()


async def test_check_says_who_answers() -> None:
    async with serial_bus(WEATHER, silent={2}) as line:
        driver = Driver("bus", options(line.port, slave(1), slave(2)), SystemClock())
        assert await driver.check() == (
            f"serial port {line.port} (rtu, 115200 baud, 8N1): 1 of 2 units answer; "
            "no answer from unit 2"
        )
        silent = Driver("bus", options(line.port, slave(2)), SystemClock())
        with pytest.raises(Unavailable, match="no unit answers; check wiring, speed, address"):
            await silent.check()


async def test_stopping_leaves_nothing_open() -> None:
    async with serial_bus(WEATHER) as line:
        before = len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())
        async with running(options(line.port, slave())) as (_, door):
            await door.has(1)
        assert (len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())) == before
