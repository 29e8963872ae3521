"""The canary's report to a DC-09 port: called over a real socket, as a panel calls."""

from __future__ import annotations

import asyncio

import pytest

from drivers.alarm_panel.driver import Driver
from drivers.alarm_panel.options import Options
from gateway.model import CANARY_DEVICE, Reading, Undecodable
from gateway.ports import Unavailable
from gateway.simulate import free_port
from tests.drivers.alarm_panel.panel import Door, checked, frame, listening, running
from tests.virtual import VirtualClock

TOKEN = "0123456789abcdef" * 2
ACCOUNTS = {"accounts": [{"account": "1234"}]}


def made(host: str, port: int) -> Driver:
    dc09 = {"host": host, "tcp_port": port, **ACCOUNTS}
    return Driver("panels", Options.model_validate({"dc09": dc09}), VirtualClock())


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_it_calls_its_own_port_and_hears_its_token(host: str) -> None:
    port, door = free_port(), Door()
    driver = made(host, port)
    with pytest.raises(Unavailable, match="Connection refused"):
        await driver.echo(TOKEN)
    task = asyncio.create_task(driver.run(door))
    await listening(port, task)
    await driver.echo(TOKEN)
    assert door.items == [Reading(CANARY_DEVICE, "gateway", {"canary": True}, key=TOKEN)]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_call_without_a_token_or_with_a_wrong_checksum_is_no_report() -> None:
    async with running({"dc09": ACCOUNTS}) as house:
        line = await house.call()
        line.send(frame('"CANARY"0000L0#0[]'))
        assert checked(await line.answer()) == '"DUH"0000L0#0[]'
        line.send(frame(f'"CANARY"0000L0#0[{TOKEN * 3}]'))
        assert checked(await line.answer()) == '"DUH"0000L0#0[]'
        wrong = bytearray(frame(f'"CANARY"0000L0#0[{TOKEN}]'))
        wrong[-3] ^= 1
        line.send(bytes(wrong))
        assert await line.silent()
    assert all(isinstance(item, Undecodable) for item in house.door.items)
    assert len(house.door.items) == 3


def test_lines_and_ports_that_only_a_panel_can_speak_on_have_none() -> None:
    for options in (
        {"surgard": {"tcp_port": 6001}},
        {"surgard": {"port": "/dev/ttyS9"}},
        {"dc09": {"udp_port": 6001, **ACCOUNTS}},
    ):
        driver = Driver("panels", Options.model_validate(options), VirtualClock())
        assert not hasattr(driver, "echo")
