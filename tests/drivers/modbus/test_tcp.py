"""The driver over TCP: gateways, dead units, lost connections, transparent serial servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drivers._listen import listen
from drivers.modbus.driver import Driver
from drivers.modbus.link import Link
from drivers.modbus.simulator import device
from drivers.modbus.wire import crc16
from gateway.clock import SystemClock
from gateway.model import Reading, Undecodable
from gateway.ports import Unavailable
from tests.drivers.modbus.rig import of, options, running, slave, tcp_bus
from tests.drivers.serial_line.door import Door
from tests.servers import free_port

WEATHER = device(1, registers=(658, 0xFF9B))
FIRST = {"humidity": 65.8, "temperature": -10.1, "extra.online": True}


@asynccontextmanager
async def far_end(talk) -> AsyncIterator[int]:
    """A server of our own, for what no honest one says."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: str) -> None:
        while request := await reader.read(300):
            for part in talk(request):
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.01)

    async with listen("127.0.0.1", 0, serve, most=8) as listening:
        yield listening.port


def answer(request: bytes, pdu: bytes, tid: bytes | None = None) -> bytes:
    return (tid or request[:2]) + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big") + request[6:7] + pdu


GOOD = bytes.fromhex("03040292FF9B")


async def test_units_of_a_gateway_are_polled_and_a_dead_one_is_said_once() -> None:
    async with tcp_bus(WEATHER, silent={7}) as port:
        given = options(port, slave(7), slave(1), backoff="100ms", timeout="60ms")
        async with running(given) as (_, door):
            await door.until(lambda found: {"extra.online": False} in [i.values for i in found])
            await asyncio.sleep(0.3)
            items = door.items
    assert of(items, "d1")[0].values == FIRST
    assert [item.values for item in of(items, "d7")] == [{"extra.online": False}]


async def test_gateway_that_says_its_target_is_silent_means_a_dead_slave() -> None:
    async with (
        far_end(lambda request: [answer(request, b"\x83\x0b")]) as port,
        running(options(port, slave())) as (_, door),
    ):
        items = await door.has(1)
    assert items == [Reading("d1", "climate", {"extra.online": False})]


async def test_busy_device_lives_and_says_so_once() -> None:
    async with (
        far_end(lambda request: [answer(request, b"\x83\x06")]) as port,
        running(options(port, slave())) as (_, door),
    ):
        await door.has(2)
        await asyncio.sleep(0.3)
        items = door.items
    reason = "unit 1 (d1): humidity (register 0), temperature (register 1): busy (6)"
    assert items == [
        Undecodable("bus", b"\x83\x06", reason),
        Reading("d1", "climate", {"extra.online": True}),
    ]


async def test_answer_is_found_after_a_late_one_and_in_pieces() -> None:
    def talk(request: bytes) -> list[bytes]:
        late = answer(request, bytes.fromhex("030400000000"), b"\x77\x77")
        whole = answer(request, GOOD)
        return [late + whole[:3], whole[3:]]

    async with far_end(talk) as port, running(options(port, slave())) as (_, door):
        items = await door.has(3)
    assert all(item.values.items() <= FIRST.items() for item in items)


@pytest.mark.parametrize(
    "lie",
    [
        lambda request: [b"HTTP/1.1 400 Bad Request\r\n\r\n"],
        lambda request: [b"\0" * 400],
        lambda request: [answer(request, GOOD, b"\x99\x99")],
        lambda request: [answer(request, GOOD[:-1])],
        lambda request: [answer(request, b"\x04" + GOOD[1:])],
        lambda request: [request],
    ],
    ids=["a web server", "zeros", "another transaction", "too short", "another function", "echo"],
)
async def test_what_is_no_answer_is_silence(lie) -> None:
    async with far_end(lie) as port:
        given = options(port, slave(), retries=1, timeout="60ms")
        async with running(given) as (_, door):
            items = await door.has(1)
    assert items == [Reading("d1", "climate", {"extra.online": False})]


async def test_transparent_serial_server_carries_rtu_frames() -> None:
    def talk(request: bytes) -> list[bytes]:
        assert crc16(request[:-2]) == request[-2:]
        frame = b"\x01" + GOOD
        return [b"\xff", frame + crc16(frame)]

    async with far_end(talk) as port:
        bus = {"tcp": {"host": "127.0.0.1", "port": port, "framing": "rtu"}}
        async with running(options(port, slave(), bus=bus)) as (_, door):
            items = await door.has(1)
    assert items == [Reading("d1", "climate", FIRST)]


async def test_connection_that_is_closed_ends_with_one_clear_sentence() -> None:
    async with tcp_bus(WEATHER) as port:
        door = Door()
        task = asyncio.create_task(Driver("bus", options(port, slave()), SystemClock()).run(door))
        await door.has(1)
    with pytest.raises(Unavailable, match=r"^127.0.0.1:\d+: the connection was closed by the"):
        await asyncio.wait_for(task, 5)


async def test_after_a_reconnect_the_state_is_said_again() -> None:
    port = free_port()
    driver = Driver("bus", options(port, slave(repeat="1h")), SystemClock())
    door = Door()
    for count in (1, 2):
        async with tcp_bus(WEATHER, port=port):
            task = asyncio.create_task(driver.run(door))
            items = await door.has(count)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(task, 5)
    assert [item.values["humidity"] for item in items] == [65.8, 65.8]


async def test_nobody_there_is_said_with_what_to_do() -> None:
    driver = Driver("bus", options(free_port(), slave()), SystemClock())
    with pytest.raises(Unavailable, match=r"no connection; is the device on, the address right"):
        await driver.run(Door())


async def test_bus_that_is_silent_for_long_gets_a_new_connection(monkeypatch) -> None:
    monkeypatch.setattr("drivers.modbus.poller.STALE", 300_000_000)
    connections = []

    def talk(request: bytes) -> list[bytes]:
        return []

    async with far_end(talk) as port:
        opened = Link.__aenter__

        async def counted(self: Link) -> Link:
            connections.append(self)
            return await opened(self)

        monkeypatch.setattr(Link, "__aenter__", counted)
        async with running(options(port, slave(), retries=0, backoff="100ms")) as (_, door):
            await asyncio.sleep(1.0)
            assert len(door.items) == 1
    assert len(connections) >= 2


async def test_stop_in_the_very_moment_of_an_answer_is_not_lost(monkeypatch) -> None:
    """asyncio.wait_for of Python 3.11, which the library uses, swallows such a cancellation."""
    traced = Link._trace

    def cancelling(self: Link, sending: bool, data: bytes) -> bytes:
        if not sending:
            asking.cancel()
        return traced(self, sending, data)

    monkeypatch.setattr(Link, "_trace", cancelling)
    async with (
        tcp_bus(WEATHER) as port,
        Link(options(port, slave(), timeout="5s"), SystemClock()) as link,
    ):
        asking = asyncio.create_task(link.ask(1, "register", 0, 2))
        with pytest.raises(asyncio.CancelledError):
            await asking
