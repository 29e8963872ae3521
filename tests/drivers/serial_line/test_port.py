import asyncio
import os
import tty
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from drivers.serial_line.driver import Driver
from gateway.clock import SystemClock
from gateway.model import Reading, Undecodable
from gateway.ports import Unavailable
from tests.drivers.serial_line.door import Door
from tests.drivers.serial_line.test_decode import TERMINAL, options, sample
from tests.virtual import VirtualClock


class Line:
    """A real pair of pseudo-terminals: we are the device, the driver has the port."""

    def __init__(self) -> None:
        self.device, port = os.openpty()
        tty.setraw(port)
        self.port = os.ttyname(port)
        self._held: int | None = port  # keeps the pair alive until the driver has opened it

    def send(self, data: bytes) -> None:
        os.write(self.device, data)

    def unplug(self) -> None:
        if self._held is not None:
            os.close(self._held)
            os.close(self.device)
            self._held = None


@pytest.fixture
def line() -> Iterator[Line]:
    pair = Line()
    yield pair
    pair.unplug()


def driver(port: str, given=None, clock=None) -> Driver:
    chosen = given or options()
    return Driver("line", chosen.model_copy(update={"port": port}), clock or VirtualClock())


async def said(line: Line, count: int, seconds: float = 30) -> bytes:
    """What the driver sends, once it is ``count`` bytes."""
    os.set_blocking(line.device, False)
    found = b""
    async with asyncio.timeout(seconds):
        while len(found) < count:
            await asyncio.sleep(0.005)
            with suppress(BlockingIOError):
                found += os.read(line.device, 4096)
    return found


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_lines_arrive_however_they_are_cut(line):
    door = Door()
    task = asyncio.create_task(driver(line.port).run(door))
    await asyncio.sleep(0.05)
    for part in (b"S1,OK\nS2,", b"ALARM,235\r\nS3", b",1\n"):
        line.send(part)
        await asyncio.sleep(0.01)
    items = await door.has(3)
    await stop(task)
    assert items == [
        Reading("S1", "smoke", {"alarm": False}),
        Reading("S2", "smoke", {"alarm": True, "temperature": 23.5}),
        Reading("S3", "smoke", {"alarm": True}),
    ]


async def test_noise_is_kept_aside_and_the_next_frame_is_read(line):
    door = Door()
    task = asyncio.create_task(driver(line.port, sample("hydrants")).run(door))
    await asyncio.sleep(0.05)
    line.send(b"\x00\xff\xa5\x11" + TERMINAL[:20] + TERMINAL + TERMINAL)
    items = await door.has(3)
    await stop(task)
    assert [type(item) for item in items] == [Undecodable, Reading, Reading]
    assert items[0].raw == b"\x00\xff\xa5\x11" + TERMINAL[:20]


async def test_unplugging_ends_with_one_clear_sentence(line):
    door = Door()
    task = asyncio.create_task(driver(line.port).run(door))
    await asyncio.sleep(0.05)
    line.send(b"S1,OK\nS2,AL")
    await door.has(1)
    line.unplug()
    with pytest.raises(Unavailable, match=r"^serial port /dev/pts/\d+: the adapter is gone$"):
        await task
    assert door.items[-1] == Undecodable("line", b"S2,AL", "half a report when the port closed")


async def test_missing_port_is_said(tmp_path: Path):
    with pytest.raises(Unavailable, match="there is no such port; is the adapter plugged in"):
        await driver(str(tmp_path / "ttyUSB9")).run(Door())


async def test_file_that_is_no_port_is_said(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="that is no serial port"):
        await driver(str(tmp_path / "file")).check()


async def test_port_that_another_program_holds_is_said(line):
    task = asyncio.create_task(driver(line.port).run(Door()))
    await asyncio.sleep(0.05)
    with pytest.raises(Unavailable, match="another program holds it"):
        await driver(line.port).check()
    await stop(task)


async def test_check_says_that_the_port_can_be_opened(line):
    sentence = await driver(line.port).check()
    assert sentence == f"serial port {line.port} can be opened at 9600 baud, 8N1"


async def test_slow_disk_holds_the_line_back_and_loses_nothing(line):
    door = Door()
    door.open.clear()
    task = asyncio.create_task(driver(line.port).run(door))
    await asyncio.sleep(0.05)
    for start in range(0, 2000, 100):
        line.send(b"".join(b"S%d,OK\n" % number for number in range(start, start + 100)))
        await asyncio.sleep(0.01)  # the kernel's own buffer holds four of these
    door.open.set()
    items = await door.has(2000)
    await stop(task)
    assert [item.device for item in items] == [f"S{number}" for number in range(2000)]


async def test_cancelling_closes_the_port(line):
    before = os.listdir("/proc/self/fd")
    task = asyncio.create_task(driver(line.port).run(Door()))
    await asyncio.sleep(0.05)
    await stop(task)
    assert os.listdir("/proc/self/fd") == before


ACKNOWLEDGED = {"acknowledge": {"good": "06", "bad": "15"}}


async def test_report_is_acknowledged_when_it_is_on_disk_and_not_before(line):
    door = Door()
    door.open.clear()
    task = asyncio.create_task(driver(line.port, options(**ACKNOWLEDGED), SystemClock()).run(door))
    await asyncio.sleep(0.05)
    line.send(b"S1,OK\nwrong;line\n" + b"x" * 600 + b"\nS2,OK\n")
    await asyncio.sleep(0.1)
    os.set_blocking(line.device, False)
    with pytest.raises(BlockingIOError):
        os.read(line.device, 10)
    door.open.set()
    assert await said(line, 4) == b"\x06\x06\x15\x06"
    await stop(task)


async def test_device_that_waits_to_be_asked_is_asked_in_time(line):
    door = Door()
    given = options(
        ask=[{"text": "R1\r", "every": "300ms"}, {"text": "R2\r", "every": "300ms"}], gap="50ms"
    )
    task = asyncio.create_task(driver(line.port, given, SystemClock()).run(door))
    assert await said(line, 6) == b"R1\rR2\r"
    line.send(b"S1,ALARM\n")
    assert await said(line, 6) == b"R1\rR2\r"
    assert await door.has(1) == [Reading("S1", "smoke", {"alarm": True})]
    await stop(task)


async def test_what_the_adapter_hears_of_itself_is_no_report(line):
    door = Door()
    given = options(ask=[{"text": "R1\n", "every": "100ms"}], gap="0s", echo=True)
    task = asyncio.create_task(driver(line.port, given, SystemClock()).run(door))
    for number in range(3):
        asked = await said(line, 3)
        line.send(asked[:2])
        await asyncio.sleep(0.01)
        line.send(asked[2:] + b"S%d,OK\n" % number)
        await door.has(number + 1)
    await stop(task)
    assert [item.device for item in door.items] == ["S0", "S1", "S2"]


async def test_frame_with_delays_noise_and_unplugging_in_it(line):
    door = Door()
    task = asyncio.create_task(driver(line.port, sample("hydrants")).run(door))
    await asyncio.sleep(0.05)
    for part in (b"\xff", TERMINAL[:4], TERMINAL[4:30], TERMINAL[30:] + b"\x00", TERMINAL[:12]):
        line.send(part)
        await asyncio.sleep(0.03)
    await door.has(1)
    line.unplug()
    with pytest.raises(Unavailable):
        await task
    assert [type(item) for item in door.items] == [Undecodable, Reading, Undecodable]


async def test_stopping_a_driver_that_asks_leaves_nothing(line):
    before = os.listdir("/proc/self/fd"), len(asyncio.all_tasks())
    given = options(ask=[{"text": "R"}])
    task = asyncio.create_task(driver(line.port, given, SystemClock()).run(Door()))
    await said(line, 1)
    await stop(task)
    assert (os.listdir("/proc/self/fd"), len(asyncio.all_tasks())) == before
