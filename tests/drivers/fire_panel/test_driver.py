import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from drivers.fire_panel.driver import Driver
from drivers.fire_panel.frame import time_bytes
from drivers.fire_panel.options import Options
from gateway.clock import SystemClock
from gateway.model import DeviceSeen, Item, Reading, Undecodable
from gateway.ports import Unavailable
from gateway.simulate import free_port
from tests.drivers.fire_panel.terminal import (
    CENTRE,
    NOW,
    SMOKE,
    UNIT,
    Door,
    Terminal,
    component,
    components,
    frame,
    said,
)
from tests.virtual import VirtualClock

AT = 1_795_221_000 * 1_000_000_000
"""2026-11-21 08:30 in China, a minute before ``NOW`` in the tests' virtual time."""
DEVICE = "000000001001"
ALARMING = f"{DEVICE}/1-1/12-3"
QUIET: dict[str, Any] = {"read_clock": False}


class Site:
    """A driver that listens, its door and its clock."""

    def __init__(self, driver: Driver, door: Door, port: int, task: asyncio.Task[None]) -> None:
        self.driver = driver
        self.door = door
        self.port = port
        self.task = task
        self.terminals: list[Terminal] = []

    async def call(self) -> Terminal:
        async with asyncio.timeout(30):
            self.terminals.append(await Terminal.call(self.port))
        return self.terminals[-1]


@asynccontextmanager
async def site(clock: Any = None, **given: Any) -> AsyncIterator[Site]:
    port = free_port()
    options = Options.model_validate({"host": "127.0.0.1", "port": port} | QUIET | given)
    driver, door = Driver("panel", options, clock or SystemClock()), Door()
    task = asyncio.create_task(driver.run(door))
    here = Site(driver, door, port, task)
    try:
        yield here
    finally:
        for terminal in here.terminals:
            await terminal.hang_up()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def readings(items: list[Item], device: str = ALARMING) -> list[Reading]:
    return [item for item in items if isinstance(item, Reading) and item.device == device]


def count_of(device: str, count: int) -> Callable[[list[Item]], bool]:
    return lambda items: len(readings(items, device)) >= count


# --- uploading: 6.3 -----------------------------------------------------------------------------


async def test_report_is_confirmed_with_its_serial_and_exchanged_addresses() -> None:
    async with site() as here:
        terminal = await here.call()
        await terminal.send(frame(components(3), serial=0x1234))
        confirm = await terminal.hears()
        assert confirm.command == 3
        assert confirm.serial == 0x1234
        assert (confirm.source, confirm.target, confirm.data) == (CENTRE, UNIT, b"")
        (fire,) = readings(here.door.items)
        assert fire.values["alarm"] is True


async def test_confirm_is_sent_after_the_report_is_stored_and_not_before() -> None:
    async with site() as here:
        here.door.open.clear()
        terminal = await here.call()
        await terminal.send(frame(components(3)))
        await terminal.hears_nothing()
        here.door.open.set()
        assert (await terminal.hears()).command == 3


async def test_denial_is_sent_after_the_reason_is_stored_too() -> None:
    async with site() as here:
        here.door.open.clear()
        terminal = await here.call()
        await terminal.send(frame(components(3), wrong=1))
        await terminal.hears_nothing()
        here.door.open.set()
        assert (await terminal.hears()).command == 6
        (kept,) = here.door.items
        assert isinstance(kept, Undecodable)
        assert "checksum" in kept.reason


async def test_store_that_is_gone_confirms_nothing_and_is_said() -> None:
    port = free_port()
    options = Options.model_validate({"host": "127.0.0.1", "port": port} | QUIET)

    async def broken(items: Any) -> None:
        raise Unavailable("no disk")

    task = asyncio.create_task(Driver("panel", options, SystemClock()).run(broken))
    terminal = await Terminal.call(port)
    await terminal.send(frame(components(3)))
    with pytest.raises(Unavailable, match="no disk"):
        await asyncio.wait_for(task, 5)
    assert await terminal.is_hung_up()
    await terminal.hang_up()


async def test_repeat_is_confirmed_again_with_the_same_key() -> None:
    clock = VirtualClock(AT)
    async with site(clock) as here:
        terminal = await here.call()
        for _ in range(3):
            await terminal.send(frame(components(3), serial=9))
            assert (await terminal.hears()).serial == 9
        keys = {fire.key for fire in readings(here.door.items)}
        assert len(keys) == 1
        assert "" not in keys
        await terminal.send(frame(components(3), serial=10))
        await terminal.hears()
        assert readings(here.door.items)[-1].key not in keys


async def test_serial_goes_round() -> None:
    async with site() as here:
        terminal = await here.call()
        for serial in (65_534, 65_535, 0, 1):
            await terminal.send(frame(components(1), serial=serial))
            assert (await terminal.hears()).serial == serial


async def test_several_frames_in_one_read_are_all_confirmed_in_order() -> None:
    async with site() as here:
        terminal = await here.call()
        await terminal.send(b"".join(frame(components(3, 1), serial=n) for n in range(40)))
        assert [(await terminal.hears()).serial for _ in range(40)] == list(range(40))
        assert len(readings(here.door.items)) == 80


async def test_frame_in_pieces_is_one_frame() -> None:
    async with site() as here:
        terminal = await here.call()
        raw = frame(components(3, 1, 3), serial=5)
        for at in range(0, len(raw), 7):
            await terminal.send(raw[at : at + 7])
            await asyncio.sleep(0.001)
        assert (await terminal.hears()).serial == 5


async def test_garbage_between_frames_is_kept_and_the_next_frame_confirmed() -> None:
    async with site() as here:
        terminal = await here.call()
        await terminal.send(b"\x00\xffhello@" + frame(components(3), serial=5))
        assert (await terminal.hears()).serial == 5
        garbage = here.door.items[0]
        assert isinstance(garbage, Undecodable)
        assert garbage.raw == b"\x00\xffhello@"


async def test_heartbeat_is_confirmed_and_stores_nothing_but_that_it_is_there() -> None:
    async with site() as here:
        terminal = await here.call()
        await terminal.send(frame(b"", serial=0))
        assert (await terminal.hears()).command == 3
        await terminal.send(frame(b"", serial=1))
        await terminal.hears()
        assert here.door.items == [Reading(DEVICE, "panel", {"extra.online": True})]


@pytest.mark.parametrize(("confirm_unknown", "answer"), [(True, 3), (False, 6)])
async def test_unknown_type_is_kept_and_answered_as_wanted(
    confirm_unknown: bool, answer: int
) -> None:
    async with site(confirm_unknown=confirm_unknown) as here:
        terminal = await here.call()
        await terminal.send(frame(b"\xfe\x01\x32"))
        assert (await terminal.hears()).command == answer
        kept = here.door.items[0]
        assert isinstance(kept, Undecodable)
        assert "type 254" in kept.reason


@pytest.mark.parametrize("command", [0, 1, 4, 7, 200])
async def test_command_that_is_no_devices_is_denied(command: int) -> None:
    async with site() as here:
        terminal = await here.call()
        await terminal.send(frame(components(3), command=command))
        assert (await terminal.hears()).command == 6
        assert readings(here.door.items) == []


async def test_stray_confirms_are_not_answered() -> None:
    async with site() as here:
        terminal = await here.call()
        await terminal.send(frame(b"", command=3) + frame(b"", command=6) + frame(serial=9))
        assert (await terminal.hears()).serial == 9


async def test_component_is_announced_once_and_again_when_its_place_is_another() -> None:
    async with site() as here:
        terminal = await here.call()
        elsewhere = b"\x02\x01" + component(1, "4号楼")
        nameless = b"\x02\x01" + component(1, "")
        for data in (components(1), components(3), nameless, elsewhere):
            await terminal.send(frame(data))
            await terminal.hears()
        names = [item.name for item in here.door.items if isinstance(item, DeviceSeen)]
        assert names == ["3号楼2层走廊", "4号楼"]


async def test_reset_ends_the_alarms_of_its_system_alone() -> None:
    async with site() as here:
        terminal = await here.call()
        other = b"\x02\x01" + component(3, where=b"\x01\x02" + SMOKE[2:])
        reset = b"\x04\x01\x01\x01\x01\x05" + NOW
        for serial, data in enumerate((components(3), other, reset)):
            await terminal.send(frame(data, serial=serial))
            await terminal.hears()
        alarms = [item.values["alarm"] for item in readings(here.door.items)]
        assert alarms == [True, False]
        still = readings(here.door.items, f"{DEVICE}/1-2/12-3")
        assert [item.values["alarm"] for item in still] == [True]


async def test_manual_alarm_rings_and_ends_by_itself_or_with_the_reset() -> None:
    clock = VirtualClock(AT)
    async with site(clock, hold="5m") as here:
        terminal = await here.call()
        call, reset = bytes((24, 1, 4, 9)) + NOW, bytes((24, 1, 8, 9)) + NOW
        manual = f"{DEVICE}/manual"
        for data in (call, reset, call):
            await terminal.send(frame(data))
            await terminal.hears()
        told = [item.values["alarm"] for item in readings(here.door.items, manual)]
        assert told == [False, True, False, True]
        await clock.advance(300)
        assert readings(here.door.items, manual)[-1].values == {"alarm": False}


# --- asking: 6.2, 6.4, 6.5 -------------------------------------------------------------------


async def test_clock_is_read_at_connect_and_again_after_the_interval() -> None:
    clock = VirtualClock(AT)
    async with site(clock, read_clock=True, clock_every="1h", idle="2h") as here:
        terminal = await here.call()
        await terminal.send(frame(b""))
        assert (await terminal.hears()).command == 3  # what the device waits for comes first
        asked = await terminal.hears()
        assert (asked.command, asked.data) == (4, b"\x58\x01\x00")
        assert (asked.source, asked.target, asked.serial) == (CENTRE, UNIT, 0)
        wrong = time_bytes(AT + 90_000_000_000, Options(port=1).offset)
        await terminal.send(frame(b"\x1c\x01" + wrong, command=5, serial=0))
        await here.door.until(lambda items: "extra.clock" in readings(items, DEVICE)[-1].values)
        told = readings(here.door.items, DEVICE)[-1]
        assert told.values["extra.clock_offset"] == 90.0
        await terminal.hears_nothing()  # an answer is not confirmed, and the clock not set
        await clock.advance(3600)
        assert (await terminal.hears()).serial == 1


async def asked_for_clock(terminal: Terminal) -> int:
    """Answer the clock's question wrongly; the serial of what comes then."""
    await terminal.send(frame(b""))
    while (heard := await terminal.hears()).command != 4:
        pass
    wrong = time_bytes(AT - 3_600_000_000_000, Options(port=1).offset)
    await terminal.send(frame(b"\x1c\x01" + wrong, command=5, serial=heard.serial))
    return heard.serial


async def test_wrong_clock_is_set_where_the_site_wants_it() -> None:
    clock = VirtualClock(AT)
    async with site(clock, read_clock=True, set_clock=True) as here:
        terminal = await here.call()
        await asked_for_clock(terminal)
        told = await terminal.hears()
        assert (told.command, told.data) == (1, b"\x5a\x01" + NOW)
        await terminal.send(frame(b"", command=3, serial=told.serial))
        await terminal.hears_nothing()


async def test_clock_is_not_set_while_ours_is_not_trusted() -> None:
    clock = VirtualClock(AT, trusted=False)
    async with site(clock, read_clock=True, set_clock=True) as here:
        terminal = await here.call()
        await asked_for_clock(terminal)
        await terminal.hears_nothing()


async def test_question_without_an_answer_is_repeated_three_times_and_given_up() -> None:
    clock = VirtualClock(AT)
    async with site(clock, read_clock=True, answer_within="10s", resends=3, idle="2h") as here:
        terminal = await here.call()
        await terminal.send(frame(b""))
        assert (await terminal.hears()).command == 3
        question = await terminal.raw()
        assert said(question).command == 4
        for _ in range(3):
            await clock.advance(9.9)
            await terminal.hears_nothing(0.05)
            await clock.advance(0.1)
            assert await terminal.raw() == question
        await clock.advance(3600)
        await terminal.hears_nothing(0.05)
        await terminal.send(frame(components(3), serial=3))
        assert (await terminal.hears()).serial == 3


async def test_denied_question_is_repeated_at_once() -> None:
    clock = VirtualClock(AT)
    async with site(clock, read_clock=True, resends=2) as here:
        terminal = await here.call()
        await terminal.send(frame(b""))
        questions = 0
        while questions < 3:
            heard = await terminal.hears()
            if heard.command == 4:
                questions += 1
                await terminal.send(frame(b"", command=6, serial=heard.serial))
        await terminal.hears_nothing(0.05)


async def test_answer_with_addresses_not_exchanged_is_understood() -> None:
    clock = VirtualClock(AT)
    async with site(clock, read_clock=True) as here:
        terminal = await here.call()
        await terminal.send(frame(b""))
        while (await terminal.hears()).command != 4:
            pass
        told = frame(b"\x1c\x01" + NOW, command=5, serial=0, source=CENTRE, target=UNIT)
        await terminal.send(told)
        await here.door.until(lambda items: len(items) >= 2)
        assert {item.device for item in here.door.items if isinstance(item, Reading)} == {DEVICE}


async def test_states_are_read_at_connect_from_what_the_register_has(tmp_path: Path) -> None:
    file = tmp_path / "site.csv"
    points = "".join(f"1001/1-1/12-{point},smoke\n" for point in range(25))
    file.write_text("address,kind\n1001/11-2,\n2002/1-1/1-1,heat\n" + points)
    async with site(components=str(file), read_at_connect=True) as here:
        await here.door.until(lambda items: len(items) >= 27)
        terminal = await here.call()
        await terminal.send(frame(b""))
        assert (await terminal.hears()).command == 3
        asked: list[bytes] = []
        while len(asked) < 4:
            heard = await terminal.hears()
            assert (heard.command, heard.serial) == (4, len(asked))
            asked.append(heard.data)
            answer = frame(b"\x15\x01\x01" + NOW, command=5, serial=heard.serial)
            await terminal.send(answer)
        unit, systems, *parts = asked
        assert unit == b"\x51\x01\x00"
        assert systems == b"\x3d\x02\x01\x01\x0b\x02"
        assert [data[:2] for data in parts] == [b"\x3e\x16", b"\x3e\x03"]
        assert parts[0][2:8] == struct.pack("<BBHH", 1, 1, 12, 0)


# --- who may call, and who is silent -----------------------------------------------------------


async def test_device_that_is_not_listed_is_denied_and_stores_one_reason() -> None:
    async with site(units=["00 00 00 00 10 02"]) as here:
        terminal = await here.call()
        for _ in range(3):
            await terminal.send(frame(components(3)))
            assert (await terminal.hears()).command == 6
        (kept,) = here.door.items
        assert isinstance(kept, Undecodable)
        assert kept.reason == f"device {DEVICE} is not among units:"
        listed = bytes.fromhex("021000000000")
        await terminal.send(frame(components(3), source=listed))
        assert (await terminal.hears()).command == 3


async def test_caller_from_elsewhere_is_hung_up() -> None:
    async with site(callers=["10.0.0.0/8"]) as here:
        terminal = await here.call()
        assert await terminal.is_hung_up()
    async with site(callers=["10.0.0.0/8", "127.0.0.0/8"]) as here:
        terminal = await here.call()
        await terminal.send(frame(components(3)))
        assert (await terminal.hears()).command == 3


async def test_silent_device_is_offline_once_and_online_again() -> None:
    clock = VirtualClock(AT)
    async with site(clock, supervise="5m", idle="1h") as here:
        terminal = await here.call()
        await terminal.send(frame(b""))
        await terminal.hears()

        def online() -> list[object]:
            return [r.values["extra.online"] for r in readings(here.door.items, DEVICE)]

        assert online() == [True]
        await clock.advance(299)
        await terminal.send(frame(b"", serial=1))
        await terminal.hears()
        await clock.advance(299.9)
        assert online() == [True]
        await clock.advance(0.1)
        assert online() == [True, False]
        await clock.advance(3000)
        assert online() == [True, False]
        await terminal.send(frame(b"", serial=2))
        await terminal.hears()
        assert online() == [True, False, True]


async def test_listed_device_that_never_calls_is_offline() -> None:
    clock = VirtualClock(AT)
    async with site(clock, supervise="5m", units=["1001", "1002"]) as here:
        terminal = await here.call()
        await terminal.send(frame(b""))
        await terminal.hears()
        await clock.advance(300)
        states = [(item.device, item.values["extra.online"]) for item in here.door.items]  # type: ignore[union-attr]
        assert states == [(DEVICE, True), (DEVICE, False), ("000000001002", False)]


async def test_idle_caller_is_hung_up() -> None:
    clock = VirtualClock(AT)
    async with site(clock, idle="60s") as here:
        terminal = await here.call()
        await terminal.send(frame(b""))
        await terminal.hears()
        await clock.advance(60)
        assert await terminal.is_hung_up()


async def test_false_start_does_not_hold_up_an_alarm() -> None:
    clock = VirtualClock(AT)
    async with site(clock) as here:
        terminal = await here.call()
        false = b"@@" + bytes(22) + (900).to_bytes(2, "little") + b"\x02"
        await terminal.send(false + frame(components(3)))
        await terminal.hears_nothing(0.05)
        await clock.advance(3)
        assert (await terminal.hears()).command == 3


async def test_caller_of_another_protocol_is_hung_up() -> None:
    async with site() as here:
        terminal = await here.call()
        await terminal.send(b"GET / HTTP/1.1\r\n" * 5000)
        assert await terminal.is_hung_up()
        assert len(here.door.items) == 1


async def test_half_a_frame_when_the_caller_hangs_up_is_kept() -> None:
    async with site() as here:
        terminal = await here.call()
        await terminal.send(frame(components(3))[:40])
        await terminal.hang_up()
        (kept,) = await here.door.until(bool)
        assert isinstance(kept, Undecodable)
        assert kept.reason == "half a frame at the end"


async def test_several_devices_share_one_connection() -> None:
    async with site() as here:
        terminal = await here.call()
        second = bytes.fromhex("021000000000")
        await terminal.send(frame(components(3)) + frame(components(3), source=second))
        await terminal.hears()
        assert (await terminal.hears()).target == second
        devices = {item.device for item in here.door.items if isinstance(item, Reading)}
        assert {ALARMING, "000000001002/1-1/12-3"} <= devices


async def test_hostile_bytes_stop_nobody_else() -> None:
    random = Random(26875)
    async with site() as here:
        for _ in range(30):
            enemy = await here.call()
            parts = [frame(random.randbytes(random.randint(0, 90)), command=random.randint(0, 9))]
            parts += [random.randbytes(random.randint(0, 200)) for _ in range(3)]
            for _ in range(5):
                torn = bytearray(frame(components(3, 1)))
                torn[random.randrange(len(torn))] = random.randrange(256)
                parts.append(bytes(torn))
            random.shuffle(parts)
            await enemy.send(b"".join(parts))
            await enemy.hang_up()
        terminal = await here.call()
        await terminal.send(frame(components(3), serial=77))
        assert (await terminal.hears()).serial == 77
        assert not here.task.done()


async def test_callers_beyond_the_bound_are_hung_up() -> None:
    async with site(connections=2) as here:
        first, second, third = [await here.call() for _ in range(3)]
        assert await third.is_hung_up()
        for terminal in (first, second):
            await terminal.send(frame(components(3)))
            assert (await terminal.hears()).command == 3


# --- the rest -----------------------------------------------------------------------------------


async def test_trial_answers_nobody_who_comes_from_outside() -> None:
    port = free_port()
    options = Options(host="0.0.0.0", port=port).for_trial()
    door = Door()
    task = asyncio.create_task(Driver("panel", options, SystemClock()).run(door))
    terminal = await Terminal.call(port)
    await terminal.send(frame(components(3)))
    await door.until(count_of(ALARMING, 1))
    await terminal.hears_nothing()
    await terminal.hang_up()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_taken_port_is_said() -> None:
    async with site() as here:
        await here.call()
        options = Options(host="127.0.0.1", port=here.port)
        with pytest.raises(Unavailable, match="can not be opened"):
            await Driver("panel", options, SystemClock()).check()


async def test_check_says_where_devices_may_call(tmp_path: Path) -> None:
    port = free_port()
    options = Options(host="127.0.0.1", port=port)
    sentence = await Driver("panel", options, SystemClock()).check()
    assert sentence == f"devices can call port {port} of 127.0.0.1"
    bad = options.model_copy(update={"components": tmp_path / "none.csv"})
    with pytest.raises(Unavailable, match=r"none\.csv: can not be read"):
        await Driver("panel", bad, SystemClock()).check()


async def test_broken_register_stops_no_alarm(tmp_path: Path) -> None:
    file = tmp_path / "site.csv"
    file.write_text(f"address,kind\nnowhere,smoke\n{ALARMING},heat\n")
    async with site(components=str(file)) as here:
        terminal = await here.call()
        await terminal.send(frame(components(3)))
        await terminal.hears()
        assert readings(here.door.items)[0].kind == "heat"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"units": [1001]}, "12 hex digits in quotes"),
        ({"units": ["xyz"]}, "12 hex digits in quotes"),
        ({"kinds": {300: "smoke"}}, "no component type"),
        ({"kinds": {130: "smok"}}, "did you mean 'smoke'"),
        ({"zone": "+8"}, "zone"),
        ({"callers": ["10.0.0.1/8"]}, "no network like"),
    ],
)
def test_wrong_options_are_said(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Options.model_validate({"port": 5200} | given)


# --- what the field does ------------------------------------------------------------------------


class BrokenDoor(Door):
    """Refuses the next ``times`` calls, as a full disk does."""

    def __init__(self, times: int = 1) -> None:
        super().__init__()
        self.times = times

    async def __call__(self, items: Any) -> None:
        if self.times:
            self.times -= 1
            raise Unavailable("no disk")
        await super().__call__(items)


async def test_device_that_never_counts_may_alarm_end_and_alarm_in_one_second() -> None:
    async with site(VirtualClock(AT + 60 * 10**9)) as here:
        terminal = await here.call()
        for word in (3, 1, 3, 3):
            await terminal.send(frame(components(word), serial=0))
            assert (await terminal.hears()).command == 3
        keys = [each.key for each in readings(here.door.items)]
        assert len(keys) == 4
        assert keys[2] == "" or keys[2] not in keys[:2]


async def test_repeat_has_the_key_of_the_report() -> None:
    async with site(VirtualClock(AT + 60 * 10**9)) as here:
        terminal = await here.call()
        for _ in range(2):
            await terminal.send(frame(components(3), serial=5))
            await terminal.hears()
        first, again = readings(here.door.items)
        assert first.key == again.key != ""


async def test_without_a_trusted_clock_no_report_is_taken_for_another() -> None:
    async with site(VirtualClock(AT, trusted=False)) as here:
        terminal = await here.call()
        await terminal.send(frame(components(3), serial=0))
        await terminal.hears()
        (fire,) = readings(here.door.items)
        assert fire.key == ""


async def test_caller_that_is_gone_before_it_is_looked_at_harms_nobody() -> None:
    async with site(callers=["127.0.0.1"]) as here:
        terminal = await here.call()
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", here.port)) as scan:
                scan.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await terminal.send(frame(components(3)))
        assert (await terminal.hears()).command == 3
        assert not here.task.done()


async def run_until_down(driver: Driver, door: Door, *frames: bytes) -> None:
    """Run until the door breaks, as the supervisor sees it."""
    task = asyncio.create_task(driver.run(door))
    try:
        terminal = await Terminal.call(driver._options.port)
        for each in frames:
            await terminal.send(each)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(task, 5)
        await terminal.hang_up()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def run_and_say(driver: Driver, door: Door, *frames: bytes) -> None:
    task = asyncio.create_task(driver.run(door))
    try:
        terminal = await Terminal.call(driver._options.port)
        for each in frames:
            await terminal.send(each)
            assert (await terminal.hears()).command == 3
        await terminal.hang_up()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def a_driver(**given: Any) -> Driver:
    options = {"host": "127.0.0.1", "port": free_port()} | QUIET | given
    return Driver("panel", Options.model_validate(options), SystemClock())


async def test_what_a_full_disk_refused_is_said_when_it_comes_again() -> None:
    driver, door = a_driver(supervise="10m"), BrokenDoor()
    await run_until_down(driver, door, frame(components(3)))
    await run_and_say(driver, door, frame(components(3)))
    assert [each.device for each in door.items if isinstance(each, DeviceSeen)] == [ALARMING]
    assert [each.values for each in readings(door.items, DEVICE)] == [{"extra.online": True}]


async def test_reset_that_a_full_disk_refused_ends_the_alarms_when_it_comes_again() -> None:
    driver, door = a_driver(), BrokenDoor(0)
    reset = frame(bytes((4, 1, 1, 1, 0x01, 2)) + NOW, serial=8)
    await run_and_say(driver, door, frame(components(3)))
    door.times = 1
    await run_until_down(driver, door, reset)
    await run_and_say(driver, door, reset)
    assert [each.values["alarm"] for each in readings(door.items)] == [True, False]


async def test_silence_that_a_full_disk_refused_is_said_later() -> None:
    clock, door = VirtualClock(AT), BrokenDoor(0)
    options = {"host": "127.0.0.1", "port": free_port(), "supervise": "60s", "units": [DEVICE]}
    driver = Driver("panel", Options.model_validate(options | QUIET), clock)
    task = asyncio.create_task(driver.run(door))
    await clock.advance(1)
    door.times = 1
    await clock.advance(61)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(task, 5)
    task = asyncio.create_task(driver.run(door))
    await clock.advance(121)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [each.values for each in readings(door.items, DEVICE)] == [{"extra.online": False}]


async def test_caller_that_reads_nothing_leaves_no_socket() -> None:
    before = set(os.listdir("/proc/self/fd"))
    async with site() as here:
        await here.call()
        _, writer = await asyncio.open_connection("127.0.0.1", here.port)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        for serial in range(12_000):
            writer.write(frame(serial=serial))
        here.task.cancel()
        await asyncio.gather(here.task, return_exceptions=True)
        await asyncio.sleep(0.05)
        writer.transport.abort()
        await asyncio.sleep(0.05)
    assert set(os.listdir("/proc/self/fd")) <= before
