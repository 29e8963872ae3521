"""The DC-09 receiver over real sockets, with a panel that follows the reference."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest
from pydantic import ValidationError

from drivers.alarm_panel.driver import Driver
from drivers.alarm_panel.options import Dc09, Options
from gateway.model import Reading, Undecodable
from gateway.ports import Unavailable
from gateway.simulate import free_port
from tests.drivers.alarm_panel.panel import Door, checked, frame, listening, running
from tests.virtual import VirtualClock

ACCOUNTS = {"accounts": [{"account": "1234", "supervise": "60s"}, {"account": "77"}]}
SMOKE = frame('"ADM-CID"0007L0#1234[#1234|1111 01 003]')
CLEAR = frame('"ADM-CID"0008L0#1234[#1234|3111 01 003]')
NULL = frame('"NULL"0000L0#77[]')


async def test_messages_are_answered_in_order_however_they_are_cut():
    stream = b"\0" + SMOKE + CLEAR + b"\r\n" + NULL
    async with running({"dc09": ACCOUNTS}) as house:
        line = await house.call()
        for part in (stream[:10], stream[10:60], stream[60:]):
            line.send(part)
            await asyncio.sleep(0.01)
        answers = [checked(await line.answer()) for _ in range(3)]
        items = await house.door.has(4)
    assert answers == ['"ACK"0007L0#1234[]', '"ACK"0008L0#1234[]', '"ACK"0000L0#77[]']
    assert [item.values.get("alarm") for item in items] == [None, True, False, None]


async def test_no_ack_before_the_disk_has_it_over_tcp():
    async with running({"dc09": ACCOUNTS}) as house:
        house.door.open.clear()
        line = await house.call()
        line.send(SMOKE)
        assert await line.silent()
        assert house.door.waiting == 1
        house.door.open.set()
        assert checked(await line.answer()) == '"ACK"0007L0#1234[]'


async def test_slow_disk_of_one_panel_holds_up_no_other_caller():
    async with running({"dc09": ACCOUNTS}) as house:
        lines = [await house.call() for _ in range(5)]
        house.door.open.clear()
        for line in lines:
            line.send(NULL)
        await asyncio.sleep(0.05)
        assert house.door.waiting == 5
        house.door.open.set()
        assert [checked(await line.answer()) for line in lines] == ['"ACK"0000L0#77[]'] * 5


async def test_bad_message_gets_no_answer_and_the_next_one_does():
    async with running({"dc09": ACCOUNTS}) as house:
        line = await house.call()
        line.send(SMOKE.replace(b"003]", b"004]"))
        assert await line.silent()
        line.send(SMOKE)
        assert checked(await line.answer()) == '"ACK"0007L0#1234[]'
        items = await house.door.has(3)
    assert [type(item) for item in items] == [Undecodable, Reading, Reading]


async def test_refused_store_ends_the_driver_without_an_ack():
    async def refuse(items):
        raise Unavailable("the disk is full")

    port = free_port()
    wanted = {"host": "127.0.0.1", "tcp_port": port} | ACCOUNTS
    driver = Driver("panels", Options.model_validate({"dc09": wanted}), VirtualClock())
    task = asyncio.create_task(driver.run(refuse))
    await listening(port, task)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(SMOKE)
    with pytest.raises(Unavailable, match="the disk is full"):
        await task
    assert await reader.read() == b""
    writer.close()


# --- UDP ----------------------------------------------------------------------------------------


class Caller(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.answers.put_nowait(data)


async def test_datagrams_are_answered_to_where_they_came_from_after_the_disk():
    async with running({"dc09": ACCOUNTS}) as house:
        loop = asyncio.get_running_loop()
        made = [
            await loop.create_datagram_endpoint(Caller, remote_addr=("127.0.0.1", house.port))
            for _ in range(2)
        ]
        house.door.open.clear()
        made[0][0].sendto(SMOKE)
        made[1][0].sendto(NULL[1:-1])  # without LF and CR
        made[1][0].sendto(b"\xff\xfe")
        await asyncio.sleep(0.05)
        assert [caller.answers.qsize() for _, caller in made] == [0, 0]
        house.door.open.set()
        async with asyncio.timeout(30):
            assert checked(await made[0][1].answers.get()) == '"ACK"0007L0#1234[]'
            assert checked(await made[1][1].answers.get()) == '"ACK"0000L0#77[]'
        items = await house.door.has(3)
        for transport, _ in made:
            transport.close()
    assert {type(item) for item in items} == {Reading, Undecodable}


async def test_flood_of_datagrams_is_bounded_and_the_panel_gets_through():
    async with running({"dc09": ACCOUNTS}) as house:
        house.door.open.clear()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
            for number in range(3_000):
                body = f'"SIA-DCS"{number % 9999 + 1:04}L0#1234[#1234|NBA{number % 99}]'
                flood.sendto(frame(body), ("127.0.0.1", house.port))
                if number % 100 == 0:
                    await asyncio.sleep(0)
        house.door.open.set()
        line = await house.call()
        line.send(SMOKE)
        assert checked(await line.answer()) == '"ACK"0007L0#1234[]'
        assert len(house.door.items) < 3_000


async def test_slow_disk_keeps_one_copy_of_what_a_panel_repeats():
    async with running({"dc09": ACCOUNTS}) as house:
        house.door.open.clear()
        loop = asyncio.get_running_loop()
        repeats, caller = await loop.create_datagram_endpoint(
            Caller, remote_addr=("127.0.0.1", house.port)
        )
        repeats.sendto(SMOKE)
        await asyncio.sleep(0.02)
        for _ in range(1_000):  # more than the queue holds
            repeats.sendto(SMOKE)
            await asyncio.sleep(0)
        repeats.sendto(CLEAR)
        await asyncio.sleep(0.05)
        house.door.open.set()
        async with asyncio.timeout(30):
            answers = [checked(await caller.answers.get())[:9] for _ in range(3)]
        repeats.close()
    assert answers == ['"ACK"0007', '"ACK"0007', '"ACK"0008']


# --- callers that behave badly ---------------------------------------------------------------------


async def test_caller_that_says_nothing_or_only_half_is_hung_up_on():
    clock = VirtualClock()
    async with running({"dc09": ACCOUNTS}, clock) as house:
        silent, slow, talks = [await house.call() for _ in range(3)]
        talks.send(NULL)
        await talks.answer()  # the third is served, so the first two are
        slow.send(SMOKE[:10])
        await asyncio.sleep(0.02)
        await clock.advance(20)
        slow.send(SMOKE[10:12])
        await asyncio.sleep(0.02)
        await clock.advance(11)
        assert await silent.ended() == b""
        assert await slow.ended() == b""
        assert await talks.silent()
        talks.send(SMOKE[:20])
        await asyncio.sleep(0.02)
        await clock.advance(29)
        talks.send(SMOKE[20:])
        assert checked(await talks.answer()) == '"ACK"0007L0#1234[]'
        await clock.advance(901)
        assert await talks.ended() == b""


async def test_callers_beyond_the_limit_are_refused():
    async with running({"dc09": ACCOUNTS | {"connections": 2}}) as house:
        lines = [await house.call() for _ in range(3)]
        await asyncio.sleep(0.02)
        lines[0].send(NULL)
        assert checked(await lines[0].answer()) == '"ACK"0000L0#77[]'
        with pytest.raises((ConnectionResetError, AssertionError)):
            assert await lines[2].ended() != b""


async def test_torn_connection_leaves_a_trace_and_the_driver_lives():
    async with running({"dc09": ACCOUNTS}) as house:
        line = await house.call()
        line.send(SMOKE[:25])
        await asyncio.sleep(0.02)
        line.close()
        (item,) = await house.door.has(1)
        assert item == Undecodable(
            "panels", SMOKE[:25].strip(), "half a message when the line closed"
        )
        again = await house.call()
        again.send(SMOKE)
        assert checked(await again.answer()) == '"ACK"0007L0#1234[]'


# --- supervision ------------------------------------------------------------------------------------


async def test_overdue_panel_is_said_once_and_once_more_when_it_is_back():
    clock = VirtualClock()
    async with running({"dc09": ACCOUNTS}, clock) as house:
        await clock.advance(59)
        line = await house.call()
        line.send(frame('"NULL"0000L0#1234[]'))
        await line.answer()
        await clock.advance(59)
        assert [item.values for item in house.door.items] == [{"extra.online": True}]
        await clock.advance(2)
        await clock.advance(600)
        (_, gone) = house.door.items
        assert gone.device == "1234"
        assert gone.values == {"fault": True, "extra.online": False, "extra.class": "online"}
        again = await house.call()
        again.send(SMOKE)
        await again.answer()
        back, alarm = house.door.items[2:]
        assert back.values == {"fault": False, "extra.online": True, "extra.class": "online"}
        assert alarm.values["alarm"] is True
        await clock.advance(61)
        assert house.door.items[-1].values["extra.online"] is False


async def test_panel_that_is_back_stays_at_fault_while_its_mains_is_lost():
    clock = VirtualClock()
    async with running({"dc09": ACCOUNTS}, clock) as house:
        line = await house.call()
        for record in ("1301 00 000", "3301 00 000"):
            line.send(frame(f'"ADM-CID"0001L0#1234[#1234|{record}]'))
            await line.answer()
            await clock.advance(61)
        line.send(frame('"NULL"0000L0#1234[]'))
        await line.answer()
        faults = [item.values.get("fault") for item in house.door.items]
    # there at last, mains lost, overdue; back, mains back; overdue again; back
    assert faults == [None, True, True, None, False, True, False, None]


async def test_panel_that_is_heard_while_its_absence_is_stored_is_back_at_once():
    clock = VirtualClock()
    async with running({"dc09": ACCOUNTS}, clock) as house:
        house.door.open.clear()
        await clock.advance(61)
        line = await house.call()
        line.send(frame('"NULL"0000L0#1234[]'))
        await asyncio.sleep(0.02)
        house.door.open.set()
        await line.answer()
        assert [item.values.get("fault") for item in house.door.items] == [True, False, None]


async def test_panel_that_never_called_is_overdue_too():
    clock = VirtualClock()
    async with running({"dc09": ACCOUNTS}, clock) as house:
        await clock.advance(61)
        assert [item.device for item in house.door.items] == ["1234"]


# --- the port, the options ---------------------------------------------------------------------------


async def test_panel_heard_for_the_first_time_is_said_to_be_there():
    """Before a restart it may have been said to be missing."""
    async with running({"dc09": ACCOUNTS}) as house:
        line = await house.call()
        for message in (SMOKE, CLEAR):
            line.send(message)
            await line.answer()
        said = [item.values.get("extra.online") for item in house.door.items]
    assert said == [True, None, None]


def test_every_panel_has_room_to_stay_on_the_line():
    accounts = [{"account": str(number)} for number in range(1, 200)]
    assert Dc09.model_validate({"tcp_port": 1, "accounts": accounts}).most == 398
    one = {"tcp_port": 1, "accounts": accounts[:1]}
    assert Dc09.model_validate(one).most == 64
    assert Dc09.model_validate(one | {"connections": 3}).most == 3


async def test_port_that_is_taken_is_said():
    async with running({"dc09": ACCOUNTS}) as house:
        for kind, named in (("tcp_port", "port"), ("udp_port", "UDP port")):
            wanted = {"host": "127.0.0.1", kind: house.port} | ACCOUNTS
            driver = Driver("other", Options.model_validate({"dc09": wanted}), VirtualClock())
            with pytest.raises(Unavailable, match=f"^{named} {house.port} of .* can not be opened"):
                await driver.check()
            with pytest.raises(Unavailable):
                await driver.run(Door())


async def test_check_says_what_can_be_opened():
    port = free_port()
    wanted = {"host": "127.0.0.1", "tcp_port": port, "udp_port": port} | ACCOUNTS
    driver = Driver("panels", Options.model_validate({"dc09": wanted}), VirtualClock())
    assert await driver.check() == f"TCP port {port} and UDP port {port} can be opened"


async def test_stopping_leaves_nothing_behind():
    before = len(os.listdir("/proc/self/fd"))
    tasks = len(asyncio.all_tasks())
    async with running({"dc09": ACCOUNTS}) as house:
        line = await house.call()
        line.send(SMOKE)
        await line.answer()
    await asyncio.sleep(0.02)
    assert len(os.listdir("/proc/self/fd")) <= before
    assert len(asyncio.all_tasks()) == tasks


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "write either dc09: or surgard:"),
        ({"dc09": {"accounts": [{"account": "1"}]}}, "write tcp_port, udp_port"),
        ({"dc09": {"tcp_port": 1}}, "name at least one account"),
        (
            {"dc09": {"tcp_port": 1, "accounts": [{"account": "01"}, {"account": "1"}]}},
            "written twice",
        ),
        (
            {
                "dc09": {
                    "tcp_port": 1,
                    "accounts": [{"account": "1", "line": "1"}, {"account": "1", "line": "2"}],
                }
            },
            "give one of them a name",
        ),
        ({"dc09": {"tcp_port": 1, "accounts": [{"account": "1 2"}]}}, "account"),
        (
            {"dc09": {"tcp_port": 1, "accounts": [{"account": "1", "key": "0123"}]}},
            "never as plain text",
        ),
        (
            {"dc09": {"tcp_port": 1, "accounts": [{"account": "1", "supervise": "10ms"}]}},
            "at least 1s",
        ),
        ({"surgard": {}}, "write either port"),
        ({"surgard": {"port": "/dev/x", "tcp_port": 1}}, "write either port"),
        ({"surgard": {"port": "/dev/x", "baud": "fast"}}, "baud"),
    ],
)
def test_wrong_options_are_refused_with_what_to_write(wrong, said):
    with pytest.raises(ValidationError, match=said):
        Options.model_validate(wrong)
