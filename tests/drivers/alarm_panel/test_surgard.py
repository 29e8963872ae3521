"""Lines of a Sur-Gard receiver: what they say, and over a real pair of pseudo-terminals."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.alarm_panel.attendance import Attendance
from drivers.alarm_panel.driver import Driver
from drivers.alarm_panel.options import Options, SurGard
from drivers.alarm_panel.standing import Standing
from drivers.alarm_panel.surgard import Receiver, line
from gateway.model import Reading, Undecodable
from gateway.ports import Unavailable
from tests.drivers.alarm_panel.panel import Door, running
from tests.virtual import VirtualClock

HEARTBEAT = b"1011           @    "
DURESS = b"5011 181234E12101001"
SMOKE = b"5011 181234E11101003"
END = b"\x14"


def receiver(**options: Any) -> Receiver:
    clock = VirtualClock()
    chosen = SurGard.model_validate({"port": "/dev/null"} | options)
    standing = Standing()
    return Receiver("centre", chosen, clock, Attendance({}, clock, standing), standing)


@pytest.mark.parametrize(
    ("text", "account", "event"),
    [
        ("5011 181234E12101001", "1234", ("121", "1", "01", "001")),
        ("5011 181234R11101003", "1234", ("111", "3", "01", "003")),
        ("5011 98ABCDP38400015", "ABCD", ("384", "6", "00", "015")),
        ("5000 180123E11100001", "0123", ("111", "1", "00", "001")),
        ("5011 18123456E11101003", "123456", ("111", "1", "01", "003")),
        ("3011      1234BA0003", "1234", ("BA", "", "", "0003")),
        ("S011[#1234|Nri1/BA03]", "1234", ("BA", "", "1", "03")),
    ],
)
def test_line_is_read(text, account, event):
    found, (got,), _ = line(text)
    assert found == account
    assert (got.code, got.qualifier, got.area, got.address) == event


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5PPR\u200b MTAAAAQXYZGGCCC",
        "1011      0012 C1128",
        "8011 1234 1111",
        "5011 18 E",
        "hello",
    ],
)
def test_other_lines_are_refused_with_a_reason(text):
    with pytest.raises(ValueError, match=r"not read|no form"):
        line(text)


def test_check_digit_is_checked_where_it_is_sent():
    assert line("5011 181234E131010158", checked=True)[0] == "1234"
    with pytest.raises(ValueError, match="check digit 7, computed 8"):
        line("5011 181234E131010157", checked=True)


def test_heartbeat_says_that_the_receiver_is_there():
    verdict = receiver().take(HEARTBEAT)
    assert verdict.items == [Reading("receiver", "panel", {"extra.online": True})]
    assert verdict.answer == b"\x06"


def test_parity_bits_are_taken_off():
    even = bytes(byte | 0x80 if byte.bit_count() % 2 else byte for byte in SMOKE)
    (reading,) = receiver().take(even).items
    assert reading.device == "1234:3"
    assert reading.values["extra.deviations"] == "parity"


def test_repetition_has_the_key_of_the_first_and_the_same_line_later_has_not():
    desk = receiver()
    keys = [desk.take(raw).items[0].key for raw in (SMOKE, SMOKE, DURESS, SMOKE)]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_unreadable_line_is_refused_once_and_then_put_aside():
    desk = receiver()
    first, second = desk.take(b"5011 18 nonsense"), desk.take(b"5011 18 nonsense")
    assert (list(first.items), first.answer) == ([], b"\x15")
    assert [type(item) for item in second.items] == [Undecodable]
    assert second.answer == b"\x06"


def test_whole_line_behind_a_torn_one_is_read():
    verdict = receiver().take(b"\xff\x00#5011 1812" + SMOKE)
    assert [type(item) for item in verdict.items] == [Undecodable, Reading]
    assert verdict.items[1].device == "1234:3"
    assert verdict.answer == b"\x06"


@given(
    st.one_of(
        st.binary(max_size=200), st.text("5013S18 ERP#[]|@NBA\x14", max_size=60).map(str.encode)
    )
)
def test_any_line_is_items_or_a_refusal(raw):
    desk = receiver()
    first, second = desk.take(raw), desk.take(raw)
    assert first.answer in (b"\x06", b"\x15")
    assert second.answer == b"\x06"
    assert len(first.items) <= 34


# --- over a real line -------------------------------------------------------------------------


class Wire:
    """A real pair of pseudo-terminals: we are the receiver, the driver has the port."""

    def __init__(self) -> None:
        self.ours, port = os.openpty()
        tty.setraw(port)
        os.set_blocking(self.ours, False)
        self.port = os.ttyname(port)
        self._held: int | None = port

    def send(self, data: bytes) -> None:
        os.write(self.ours, data)

    async def answers(self, count: int) -> bytes:
        found = b""
        async with asyncio.timeout(10):
            while len(found) < count:
                try:
                    found += os.read(self.ours, 100)
                except BlockingIOError:
                    await asyncio.sleep(0.005)
        return found

    def unplug(self) -> None:
        if self._held is not None:
            os.close(self._held)
            os.close(self.ours)
            self._held = None


@pytest.fixture
def wire() -> Iterator[Wire]:
    pair = Wire()
    yield pair
    pair.unplug()


def driver(wire: Wire, clock: VirtualClock | None = None, **options: Any) -> Driver:
    chosen = Options.model_validate({"surgard": {"port": wire.port} | options})
    return Driver("centre", chosen, clock or VirtualClock())


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_lines_are_acknowledged_one_by_one_through_noise_and_tearing(wire):
    door = Door()
    task = asyncio.create_task(driver(wire).run(door))
    await asyncio.sleep(0.05)
    for part in (HEARTBEAT[:7], HEARTBEAT[7:] + END + SMOKE, END + b"\xfe\x00zz", DURESS + END):
        wire.send(part)
        await asyncio.sleep(0.01)
    assert await wire.answers(3) == b"\x06\x06\x06"
    await stop(task)
    assert [(type(i), getattr(i, "device", "")) for i in door.items] == [
        (Reading, "receiver"), (Reading, "1234:3"), (Undecodable, ""), (Reading, "1234"), (Reading, "1234"),
    ]  # fmt: skip


async def test_no_ack_before_the_disk_has_it(wire):
    door = Door()
    door.open.clear()
    task = asyncio.create_task(driver(wire).run(door))
    await asyncio.sleep(0.05)
    wire.send(SMOKE + END)
    await asyncio.sleep(0.05)
    assert door.waiting == 1
    with pytest.raises(BlockingIOError):
        os.read(wire.ours, 1)
    door.open.set()
    assert await wire.answers(1) == b"\x06"
    await stop(task)


async def test_unplugging_ends_with_one_clear_sentence(wire):
    door = Door()
    task = asyncio.create_task(driver(wire).run(door))
    await asyncio.sleep(0.05)
    wire.send(SMOKE + END + b"5011 18")
    await door.has(1)
    await asyncio.sleep(0.02)
    wire.unplug()
    with pytest.raises(Unavailable, match=r"^serial port /dev/pts/\d+: the adapter is gone$"):
        await task
    assert door.items[-1] == Undecodable(
        "centre", b"5011 18", "half a message when the line closed"
    )


async def test_silent_receiver_is_said_once_and_once_more_when_it_is_back(wire):
    clock, door = VirtualClock(), Door()
    task = asyncio.create_task(driver(wire, clock).run(door))
    await clock.advance(89)
    assert door.items == []
    await clock.advance(1)
    await clock.advance(1000)
    wire.send(HEARTBEAT + END)
    await wire.answers(1)
    await stop(task)
    assert [item.values.get("fault") for item in door.items] == [True, False, None]
    assert [item.values["extra.online"] for item in door.items] == [False, True, True]


async def test_check_opens_the_port(wire):
    assert "can be opened at 9600 baud, 8N1" in await driver(wire).check()


async def test_lines_come_over_tcp_as_well():
    async with running({"surgard": {}}) as house:
        call = await house.call()
        call.send(SMOKE + END + DURESS + END)
        items = await house.door.has(4)
        assert [item.device for item in items] == ["receiver", "1234:3", "1234", "1234"]
        async with asyncio.timeout(30):
            assert await call._reader.readexactly(2) == b"\x06\x06"
