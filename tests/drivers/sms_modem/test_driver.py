"""The driver on a modem that behaves as modems do, and as they should not."""

from __future__ import annotations

import asyncio

import pytest

from drivers.sms_modem.driver import Driver
from drivers.sms_modem.options import Options
from drivers.sms_modem.pdu import Part
from drivers.sms_modem.sending import MOST_WAITING
from drivers.sms_modem.simulator import Modem, delivers
from gateway.model import Action, Receipt, Undecodable
from gateway.ports import Refused, Unavailable
from tests.drivers.sms_modem.rig import NEIGHBOUR, OFFICER, Rig, rig, values
from tests.virtual import VirtualClock

FIRE = "【紧急】烟感报警 3号楼2单元501"


async def send(
    bench: Rig, text: str = FIRE, key: str = "L1/3/p-1/sms", number: str = OFFICER
) -> Receipt:
    receipt = await bench.done(bench.driver.text(number, text, key, "L1"))
    assert isinstance(receipt, Receipt)
    return receipt


# --- sending --------------------------------------------------------------------------------


async def test_text_is_sent_and_its_delivery_is_an_action() -> None:
    async with rig() as bench:
        await bench.ready()
        receipt = await send(bench)
        assert receipt.detail == "CHINA MOBILE took it as 12"
        [message] = bench.modem.sent
        assert (message.number, message.text, message.wants_report) == (OFFICER, FIRE, True)
        await bench.until(lambda: bool(bench.actions))
        assert bench.actions == [Action("delivered", "L1", "", "L1/3/p-1/sms")]


async def test_long_text_goes_out_in_parts_that_belong_together() -> None:
    text = "火😀" * 80
    async with rig() as bench:
        await bench.ready()
        await send(bench, text)
        assert "".join(message.text for message in bench.modem.sent) == text
        parts = [message.part for message in bench.modem.sent]
        assert all(isinstance(part, Part) and part.total == 4 for part in parts)
        assert len({part.reference for part in parts if part}) == 1
        await bench.until(lambda: bool(bench.actions))
        await bench.clock.advance(5)
        assert [action.verb for action in bench.actions] == ["delivered"]


async def test_phone_that_is_off_is_undelivered_by_name() -> None:
    async with rig(lambda modem: setattr(modem, "status", 0x46)) as bench:
        await bench.ready()
        await send(bench)
        await bench.until(lambda: bool(bench.actions))
        assert bench.actions == [Action("undelivered", "L1", "", "L1/3/p-1/sms\nexpired")]


async def test_same_reference_is_one_message() -> None:
    async with rig() as bench:
        await bench.ready()
        twice = asyncio.gather(*(bench.driver.text(OFFICER, FIRE, "k", "L1") for _ in range(2)))
        await bench.until(twice.done)
        assert await bench.done(bench.driver.text(OFFICER, FIRE, "k", "L1")) == twice.result()[0]
        assert len(bench.modem.sent) == 1


async def test_unasked_lines_in_the_middle_of_an_answer_disturb_nothing() -> None:
    async with rig() as bench:
        await bench.ready()
        bench.modem.between = ["RING", '+CMTI: "SM",1', "^RSSI: 20"]
        assert (await send(bench)).detail.endswith("12")


async def test_network_that_takes_its_time_is_waited_for() -> None:
    async with rig() as bench:
        await bench.ready()
        bench.modem.slow = 55.0
        receipt = await bench.done(bench.driver.text(OFFICER, FIRE, "k", "L1"), 1)
        assert receipt.detail == "CHINA MOBILE took it as 12"
        assert len(bench.modem.sent) == 1


async def test_message_that_nobody_waits_for_any_more_is_not_sent() -> None:
    async with rig() as bench:
        await bench.ready()
        bench.modem.slow = 20.0
        first = asyncio.ensure_future(bench.driver.text(OFFICER, FIRE, "k1", "L1"))
        second = asyncio.ensure_future(bench.driver.text(OFFICER, "second", "k2", "L1"))
        await bench.until(lambda: any(c.startswith("AT+CMGS") for c in bench.modem.commands))
        second.cancel()
        await bench.until(first.done, 1)
        await bench.clock.advance(0.5)
        await bench.clock.advance(0.5)
        assert [message.text for message in bench.modem.sent] == [FIRE]
        assert sum(command.startswith("AT+CMGS") for command in bench.modem.commands) == 1


async def test_who_gave_up_waiting_is_given_the_receipt_when_he_asks_again() -> None:
    async with rig() as bench:
        await bench.ready()
        bench.modem.slow = 40.0
        first = asyncio.ensure_future(bench.driver.text(OFFICER, FIRE, "k", "L1"))
        await bench.until(lambda: any(c.startswith("AT+CMGS") for c in bench.modem.commands))
        first.cancel()
        receipt = await bench.done(bench.driver.text(OFFICER, FIRE, "k", "L1"), 1)
        assert receipt.detail.endswith("12")
        assert len(bench.modem.sent) == 1


async def test_report_that_breaks_off_swallows_no_answer() -> None:
    async with rig() as bench:
        await bench.ready()
        bench.modem.say("+CDS: 25")
        assert (await send(bench)).detail.endswith("12")


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (500, Unavailable, r"AT\+CMGS: no reason given.*\(\+CMS ERROR: 500\)"),
        (331, Unavailable, r"there is no network \(\+CMS ERROR: 331\)"),
        (330, Unavailable, "set it with AT.CSCA"),
        (777, Unavailable, r"AT\+CMGS: \+CMS ERROR: 777"),
        (304, Refused, "malformed"),
        (1, Refused, "no phone has this number"),
    ],
)
async def test_network_that_does_not_take_it_says_why(code: int, kind: type, words: str) -> None:
    async with rig() as bench:
        await bench.ready()
        bench.modem.refuse.append(code)
        with pytest.raises(kind, match=words) as caught:
            await send(bench)
        assert OFFICER[1:] not in str(caught.value)
        assert not bench.running.done()
        assert (await send(bench)).detail.endswith("12")  # and the next attempt goes through


async def test_text_that_broke_off_goes_on_where_it_did() -> None:
    text = "火" * 150
    async with rig() as bench:
        await bench.ready()
        bench.modem.refuse.extend((None, 42))
        with pytest.raises(Unavailable, match="congested"):
            await send(bench, text)
        assert (await send(bench, text)).detail == "CHINA MOBILE took it as 12, 13, 14"
        assert "".join(message.text for message in bench.modem.sent) == text
        assert len({m.part.reference for m in bench.modem.sent if m.part}) == 1


async def test_number_that_is_none_is_refused_and_not_repeated() -> None:
    async with rig() as bench:
        await bench.ready()
        with pytest.raises(Refused, match=r"modem on /dev/pts/\d+: this is no phone number$"):
            await send(bench, number="138-x")


async def test_without_network_nothing_is_sent_and_it_is_a_reading() -> None:
    async with rig(lambda modem: setattr(modem, "network", 2)) as bench:
        await bench.ready()
        first = values(bench.readings[0])
        assert (first["channel_down"], first["extra.network"]) == (True, "searching")
        with pytest.raises(
            Unavailable, match=r"not registered \(searching\), signal -73 dBm"
        ) as caught:
            await send(bench)
        assert caught.value.retry_after == 30.0
        with pytest.raises(Unavailable, match="not registered"):
            bench.driver.ready()
        await bench.until(lambda: "AT+COPS=0" in bench.modem.commands, 10)
        bench.modem.network = 5
        await bench.until(lambda: not bench.readings[-1].values["channel_down"], 1)
        await send(bench)
        assert "roaming" in bench.driver.ready()


async def test_queue_of_the_modem_is_bounded() -> None:
    async with rig() as bench:
        await bench.ready()
        bench.modem.silent.add("AT+CMGS")
        waiting = [
            asyncio.ensure_future(bench.driver.text(OFFICER, FIRE, f"k{n}", "L1"))
            for n in range(MOST_WAITING)
        ]
        await bench.clock.advance(0.1)
        with pytest.raises(Unavailable, match=f"{MOST_WAITING} messages wait already"):
            await bench.driver.text(OFFICER, FIRE, "more", "L1")
        await bench.until(lambda: all(each.done() for each in waiting), 1)
        assert {type(each.exception()) for each in waiting} == {Unavailable}


# --- receiving ------------------------------------------------------------------------------


async def test_answers_are_actions_and_then_deleted() -> None:
    async with rig() as bench:
        await bench.ready()
        bench.modem.receive(OFFICER, "1")
        bench.modem.receive(OFFICER, "2 L20260105-0007 误报")
        bench.modem.receive(NEIGHBOUR, "是不是着火了")
        await bench.until(lambda: len(bench.actions) == 3)
        assert [(a.verb, a.incident, a.person) for a in bench.actions] == [
            ("receive", "", f"tel:{OFFICER}"),
            ("close", "L20260105-0007", f"tel:{OFFICER}"),
            ("unknown", "", f"tel:{NEIGHBOUR}"),
        ]
        await bench.until(lambda: not bench.modem.stored)


async def test_long_answer_is_one_action() -> None:
    text = "到了,厨房锅烧干了,已经关火开窗,没有人员受伤。" * 8
    async with rig() as bench:
        await bench.ready()
        bench.modem.receive(OFFICER, text)
        await bench.until(lambda: bool(bench.actions))
        assert [action.text for action in bench.actions] == [text]


async def test_nothing_is_deleted_before_it_is_on_disk() -> None:
    async with rig() as bench:
        await bench.ready()
        bench.door.open.clear()
        bench.modem.receive(OFFICER, "1")
        await bench.clock.advance(300)
        assert (bench.actions, len(bench.modem.stored)) == ([], 1)
        bench.door.open.set()
        await bench.until(lambda: not bench.modem.stored)
        assert [action.verb for action in bench.actions] == ["receive"]


async def test_disk_that_takes_nothing_keeps_no_message_from_going_out() -> None:
    async with rig() as bench:
        await bench.ready()
        bench.door.open.clear()
        bench.modem.receive(OFFICER, "1")
        await bench.clock.advance(1)
        await send(bench)
        assert len(bench.modem.sent) == 1


async def test_full_storage_is_emptied_at_the_start() -> None:
    def full(modem: Modem) -> None:
        modem.room = 20
        for n in range(20):
            modem.store(delivers(OFFICER, f"text {n}", VirtualClock().wall)[0], n % 2)

    async with rig(full) as bench:
        await bench.until(lambda: len(bench.actions) == 20)
        assert [action.text for action in bench.actions] == [f"text {n}" for n in range(20)]
        await bench.until(lambda: not bench.modem.stored)
        bench.modem.receive(OFFICER, "1")
        await bench.until(lambda: len(bench.actions) == 21)


async def test_what_is_not_announced_is_found_by_looking() -> None:
    async with rig(lambda modem: modem.unknown.add("AT+CNMI"), poll="30s") as bench:
        await bench.ready()
        await bench.clock.advance(1)
        bench.modem.receive(OFFICER, "1")
        await bench.clock.advance(20)
        assert bench.actions == []
        await bench.until(lambda: bool(bench.actions), 1)


async def test_undeletable_message_is_said_once() -> None:
    async with rig(lambda modem: setattr(modem, "undeletable", True), poll="10s") as bench:
        await bench.ready()
        bench.modem.receive(OFFICER, "1")
        await bench.clock.advance(60)
        assert len(bench.actions) == 1


async def test_trial_leaves_every_answer_where_it_is() -> None:
    options = Options.model_validate({"port": "x"}).for_trial()
    assert not options.delete
    async with rig(delete=False) as bench:
        await bench.ready()
        bench.modem.receive(OFFICER, "1")
        await bench.until(lambda: bool(bench.actions))
        await bench.clock.advance(120)
        assert (len(bench.actions), len(bench.modem.stored)) == (1, 1)


async def test_message_that_is_handed_over_without_being_stored_is_read() -> None:
    async with rig() as bench:
        await bench.ready()
        [pdu] = delivers(OFFICER, "1", bench.clock.wall)
        bench.modem.say(f"+CMT: ,{len(pdu) // 2 - 9}", pdu)
        await bench.until(lambda: bool(bench.actions))
        assert [action.verb for action in bench.actions] == ["receive"]
        await bench.until(lambda: not bench.driver._handed_over)


async def test_unreadable_message_goes_to_quarantine_and_is_deleted() -> None:
    async with rig() as bench:
        await bench.ready()
        bench.modem.store("0891683108100005F024")
        await bench.until(lambda: not bench.modem.stored)
        [kept] = [item for item in bench.door.items if isinstance(item, Undecodable)]
        assert kept.source == "sms"


# --- its health -----------------------------------------------------------------------------


async def test_it_says_how_it_stands_once_a_minute() -> None:
    async with rig() as bench:
        await bench.ready()
        assert values(bench.readings[0]) == {
            "channel_down": False,
            "extra.network": "home",
            "extra.operator": "CHINA MOBILE",
            "extra.storage_used": 0.0,
            "extra.storage_room": 50.0,
            "extra.sent": 0.0,
            "extra.failed": 0.0,
            "extra.refused_texts": 0.0,
            "extra.reports_awaited": 0.0,
            "rssi": -73.0,
            "link": 65,
        }
        assert (bench.readings[0].device, bench.readings[0].kind) == ("modem", "gateway")
        bench.modem.signal = 99
        await bench.clock.advance(119)
        assert len(bench.readings) == 2
        assert "rssi" not in bench.readings[1].values


@pytest.mark.parametrize(
    ("circuit", "packet", "word"), [(2, 1, "home"), (5, 2, "roaming"), (3, 4, "denied")]
)
async def test_network_is_found_on_either_side(circuit: int, packet: int, word: str) -> None:
    def lte(modem: Modem) -> None:
        modem.network, modem.packet = circuit, packet

    async with rig(lte) as bench:
        await bench.ready()
        assert values(bench.readings[0])["extra.network"] == word


async def test_modem_without_lte_and_without_extras_works() -> None:
    def old(modem: Modem) -> None:
        modem.unknown |= {"AT+CEREG", "AT+COPS", "AT+CPMS", "ATI", "ATZ"}

    async with rig(old) as bench:
        await bench.ready()
        assert (await send(bench)).detail == "the network took it as 12"


def test_validity_may_be_left_to_the_network() -> None:
    assert Options.model_validate({"port": "x", "validity": None}).validity is None
    assert Options.model_validate({"port": "x", "validity": "12h"}).validity == 43_200.0


# --- what breaks ----------------------------------------------------------------------------


async def test_modem_that_was_restarted_is_found_again() -> None:
    async with rig() as bench:
        await bench.ready()
        bench.modem.silent.add("+CMGS:")
        sending = asyncio.ensure_future(bench.driver.text(OFFICER, FIRE, "k", "L1"))
        await bench.until(lambda: any(c.startswith("AT+CMGS") for c in bench.modem.commands))
        bench.modem.restart()
        assert "AT+CMGS: no answer within 60 s" in await bench.falls()
        outcome = (await asyncio.gather(sending, return_exceptions=True))[0]
        assert isinstance(outcome, Unavailable)
        bench.modem.silent.clear()
        again = bench._replace(running=asyncio.ensure_future(bench.driver.run(bench.door)))
        try:
            count = len(bench.readings)
            await again.until(lambda: len(bench.readings) > count)
            assert (await again.done(bench.driver.text(OFFICER, FIRE, "k", "L1"))).detail
        finally:
            again.running.cancel()
            await asyncio.gather(again.running, return_exceptions=True)
        assert len(bench.modem.sent) == 1


async def test_modem_that_waits_for_a_message_when_it_is_found_is_freed() -> None:
    async with rig() as bench:
        await bench.ready()
        bench.running.cancel()
        await asyncio.gather(bench.running, return_exceptions=True)
        bench.modem._pdu = bytearray(b"0021000D91")
        bench.modem.silent.add("while it waits")
        again = bench._replace(running=asyncio.ensure_future(bench.driver.run(bench.door)))
        try:
            count = len(bench.readings)
            await again.until(lambda: len(bench.readings) > count)
            assert len((await send(again)).detail) > 0
        finally:
            again.running.cancel()
            await asyncio.gather(again.running, return_exceptions=True)


async def test_port_that_says_nothing_is_told_with_what_to_do() -> None:
    async with rig(lambda modem: modem.silent.add("AT")) as bench:
        reason = await bench.falls()
        assert reason.startswith(f"modem on {bench.line.port}: no answer")
        assert "a modem has several ports" in reason
        with pytest.raises(Unavailable, match="no answer"):
            await bench.driver.text(OFFICER, FIRE, "k", "L1")


async def test_card_that_is_pulled_is_told() -> None:
    async with rig() as bench:
        await bench.ready()
        bench.modem.sim = "10"
        assert "there is no SIM card (+CME ERROR: 10)" in await bench.falls()
        with pytest.raises(Unavailable, match="there is no SIM card"):
            bench.driver.ready()


async def test_check_says_how_the_modem_stands() -> None:
    async with rig() as bench:
        await bench.ready()
        bench.running.cancel()
        await asyncio.gather(bench.running, return_exceptions=True)
        said = await bench.done(bench.driver.check())
        assert said == (
            f"modem Simulated GSM modem on {bench.line.port} at 115200 baud, 8N1: registered at"
            " CHINA MOBILE (home), signal -73 dBm, 0 of 50 messages stored"
        )
        bench.modem.sim = "13"
        with pytest.raises(Unavailable, match=r"the SIM card fails \(\+CME ERROR: 13\)"):
            await bench.done(bench.driver.check())


async def test_port_that_is_not_there_is_told() -> None:
    driver = Driver("sms", Options.model_validate({"port": "/dev/nosuchport"}), VirtualClock())
    with pytest.raises(Unavailable, match="there is no such port"):
        await driver.check()
    with pytest.raises(Unavailable, match="there is no such port"):
        await driver.run(lambda items: None)  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match="there is no such port"):
        await driver.text(OFFICER, FIRE, "k", "L1")
