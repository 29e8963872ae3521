"""What the DC-09 receiver answers, stores and remembers; in virtual time, without sockets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.alarm_panel.attendance import Attendance
from drivers.alarm_panel.cipher import Aes
from drivers.alarm_panel.dc09 import Memory, Receiver
from drivers.alarm_panel.driver import keys_of
from drivers.alarm_panel.options import Dc09
from drivers.alarm_panel.standing import Standing
from drivers.alarm_panel.verdict import Verdict
from gateway.clock import spin_ns
from gateway.model import Reading, Undecodable
from gateway.ports import Unavailable
from tests.drivers.alarm_panel.panel import NOW, checked
from tests.drivers.alarm_panel.panel import frame as made
from tests.virtual import VirtualClock

KEY = bytes.fromhex("3A1F6B8C9D4E7F20123456789ABCDEF0")


class Desk:
    """A receiver with account 1234, or with ``accounts``, and its clock."""

    def __init__(self, *accounts: dict[str, Any], key: bool = False, **options: Any) -> None:
        chosen = Dc09.model_validate(
            {"tcp_port": 6001, "accounts": accounts or [{"account": "1234"}]} | options
        )
        self.clock = VirtualClock()
        self.aes = Aes(KEY)
        keys = {chosen.accounts[0].address: self.aes} if key else {}
        standing = Standing()
        memory = Memory(keys, Attendance({}, self.clock, standing), standing)
        self.receiver = Receiver("panels", chosen, self.clock, memory)

    def take(self, body: str | bytes, **how: bool) -> Verdict:
        return self.receiver.take(made(body, **how))

    def said(self, body: str) -> str:
        answer = self.take(body).answer
        return checked(answer) if answer else ""

    def sealed(self, data: str, stamp: str = NOW, head: str = '"*ADM-CID"0010L0#1234') -> Verdict:
        return self.take(f"{head}[".encode() + self.aes.encrypt(f"|{data}]{stamp}".encode()))

    def open(self, answer: bytes) -> str:
        return self.aes.decrypt(checked(answer).partition("[")[2].encode()).decode()


def readings(verdict: Verdict) -> list[Reading]:
    return [item for item in verdict.items if isinstance(item, Reading)]


def reason(verdict: Verdict) -> str:
    (item,) = verdict.items
    assert isinstance(item, Undecodable)
    return item.reason


def test_event_is_read_and_acknowledged():
    verdict = Desk().take(f'"ADM-CID"0007L0#1234[#1234|1111 01 003]{NOW}')
    (reading,) = readings(verdict)
    assert (reading.device, reading.kind, reading.values["alarm"]) == ("1234:3", "smoke", True)
    assert reading.observed_at == VirtualClock().wall
    assert checked(verdict.answer) == '"ACK"0007L0#1234[]'
    assert verdict.heard == "1234"


def test_link_test_says_that_the_panel_is_there():
    verdict = Desk().take('"NULL"0000R1L1#1234[]')
    assert verdict.items == [Reading("1234", "panel", {"extra.online": True})]
    assert checked(verdict.answer) == '"ACK"0000R1L1#1234[]'


def test_event_under_a_makers_own_name_is_read():
    desk = Desk({"account": "000000"})
    (reading,) = readings(desk.take('"HENG-BO"0000R1234L6789#000000[#000000|1130 00 003]'))
    assert (reading.device, reading.values["alarm"]) == ("000000:3", True)
    assert reading.values["extra.deviations"] == "id_token"


def test_binary_crc_is_answered_in_kind():
    verdict = Desk().take('"NULL"0000L0#1234[]', binary=True)
    assert checked(verdict.answer, binary=True) == '"ACK"0000L0#1234[]'


def test_osborne_hoffman_link_test_is_a_test():
    desk = Desk({"account": "006969XX"})
    verdict = desk.receiver.take(b"SR0001L0001    006969XX    [ID00000000]")
    assert readings(verdict)[0].values["test"] is True
    assert verdict.answer == b'"ACK"'


def test_leading_zeros_and_case_of_an_account_do_not_count():
    desk = Desk({"account": "0aB1", "name": "school"})
    assert readings(desk.take('"NULL"0000L0#AB1[]'))[0].device == "school"


def test_panels_that_share_a_number_are_told_apart_by_their_line():
    desk = Desk({"account": "1", "line": "1"}, {"account": "1", "line": "2", "name": "other"})
    assert readings(desk.take('"NULL"0000L02#1[]'))[0].device == "other"
    assert readings(desk.take('"NULL"0000L1#1[]'))[0].device == "1"
    assert "not configured" in reason(desk.take('"NULL"0000L3#1[]'))


def test_account_that_only_stands_in_the_brackets_is_found():
    assert Desk().said('"SIA-DCS"0001L0[#1234|NFA1]') == '"ACK"0001L0[]'


# --- what is not taken ------------------------------------------------------------------------


def test_wrong_crc_gets_no_answer_unless_the_account_allows_it():
    bad = made('"NULL"0000L0#1234[]').replace(b"1234", b"1235", 1).replace(b"1235", b"1234")
    bad = b"\n0000" + bad[5:]
    verdict = Desk().receiver.take(bad)
    assert reason(verdict).startswith("CRC 0000, computed ")
    assert verdict.answer == b""
    allowed = Desk({"account": "1234", "bad_crc": True}).receiver.take(bad)
    assert checked(allowed.answer) == '"ACK"0000L0#1234[]'


@pytest.mark.parametrize(
    ("unknown", "answer"),
    [
        ("duh", '"DUH"0000L0#99[]'),
        ("nak", f'"NAK"0000R0L0A0[]{NOW}'),
        ("accept", '"ACK"0000L0#99[]'),
    ],
)
def test_unknown_account_is_answered_as_the_options_say(unknown, answer):
    desk = Desk(unknown=unknown)
    verdict = desk.take('"NULL"0000L0#99[]')
    assert checked(verdict.answer) == answer
    if unknown == "accept":
        assert readings(verdict)[0].device == "99"
    else:
        assert reason(verdict) == "account 99 is not configured"
        assert verdict.heard == ""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('"ADM-CID"0007L0#1234[#1234|hello]', "no Contact ID record"),
        ('"SIA-DCS"0007L0#1234[#1234|]', "has no event"),
        ('"SIA-DCS"0007L0#1234[#1234|NFA1', "no closing bracket"),
        ('"SIA-S2K"0007L0#1234[#1234|0123]', "'SIA-S2K' are not read"),
        ('"*SIA-DCS"0007L0#1234[00112233445566778899AABBCCDDEEFF', "has no key"),
    ],
)
def test_what_can_not_be_processed_is_answered_duh(body, said):
    verdict = Desk().take(body)
    assert said in reason(verdict)
    assert checked(verdict.answer) == '"DUH"0007L0#1234[]'


def test_answer_of_a_panel_is_not_answered():
    verdict = Desk().take('"ACK"0007L0#1234[]')
    assert "was not asked for" in reason(verdict)
    assert verdict.answer == b""


def test_same_refused_message_is_kept_once_and_answered_every_time():
    desk = Desk()
    body = '"ADM-CID"0007L0#1234[#1234|hello]'
    first, second = desk.take(body), desk.take(body)
    assert (len(first.items), len(second.items)) == (1, 0)
    assert first.answer == second.answer


# --- repetitions ------------------------------------------------------------------------------


def key(desk: Desk, body: str) -> str:
    return readings(desk.take(body))[0].key


async def test_repetition_has_the_key_of_the_first_and_another_event_has_not():
    desk = Desk()
    body = '"ADM-CID"0007L0#1234[#1234|1111 01 003]'
    first = key(desk, body)
    await desk.clock.advance(20)
    assert key(desk, body) == first
    assert key(desk, body.replace("0007", "0008")) != first
    assert key(desk, body.replace("1111", "3111")) != first
    await desk.clock.advance(301)
    assert key(desk, body) != first


def test_number_that_wrapped_round_is_a_new_event_and_a_restart_forgets_no_repetition():
    body = '"ADM-CID"0007L0#1234[#1234|1111 01 003]_07:59:00,01-05-2026'
    assert key(Desk(), body) == key(Desk(), body)
    assert key(Desk(), body) != key(Desk(), body.replace("07:59", "07:58"))


async def test_panel_whose_number_never_changes_may_alarm_again():
    desk = Desk()
    keys = []
    for record in ("1111", "1111", "3111", "1111", "1111"):
        keys.append(key(desk, f'"ADM-CID"0001L0#1234[#1234|{record} 01 003]'))
        await desk.clock.advance(5)
    assert keys[0] == keys[1] != keys[3] == keys[4]


async def test_panel_that_counts_anew_may_alarm_again():
    desk = Desk({"account": "1234"}, {"account": "77"})
    first = key(desk, '"ADM-CID"0001L0#1234[#1234|1111 01 003]')
    other = key(desk, '"ADM-CID"0001L0#77[#77|1111 01 003]')
    assert key(desk, '"ADM-CID"0001L0#1234[#1234|1111 01 003]') == first
    key(desk, '"ADM-CID"0002L0#1234[#1234|3111 01 003]')
    held_up = key(desk, '"ADM-CID"0001L0#1234[#1234|1111 01 003]')
    await desk.clock.advance(31)
    assert held_up == first != key(desk, '"ADM-CID"0001L0#1234[#1234|1111 01 003]')
    assert other == key(desk, '"ADM-CID"0001L0#77[#77|1111 01 003]')


async def test_clock_that_stands_still_tells_no_events_apart():
    desk = Desk()
    keys = []
    for record in ("1111", "1111", "3111", "1111"):
        body = f'"ADM-CID"0001L0#1234[#1234|{record} 01 003]_00:00:00,01-01-2000'
        keys.append(key(desk, body))
        await desk.clock.advance(5)
    assert keys[0] == keys[1] != keys[3]


def test_panels_behind_one_transmitter_are_apart():
    desk = Desk({"account": "1"}, {"account": "20", "name": "school"})
    devices = [
        readings(desk.take(f'"ADM-CID"0001L0#0001[#{inner}|1111 01 003]'))[0].device
        for inner in ("01", "0020", "0021", "0000")
    ]
    assert devices == ["1:3", "school:3", "1/21:3", "1:3"]


def test_events_of_one_message_have_keys_of_their_own():
    found = readings(Desk().take('"SIA-DCS"0009L0#1234[#1234|NYT/NAT|NAT]'))
    assert len({(each.device, each.key) for each in found}) == len(found)


# --- encryption and clocks -----------------------------------------------------------------------


def test_encrypted_event_is_opened_and_answered_encrypted():
    desk = Desk(key=True)
    verdict = desk.sealed("#1234|1111 01 003")
    assert readings(verdict)[0].values["alarm"] is True
    assert checked(verdict.answer).startswith('"*ACK"0010L0#1234[')
    assert desk.open(verdict.answer) == f"]{NOW}"


def test_encrypted_link_test_is_answered_encrypted():
    desk = Desk(key=True)
    verdict = desk.take(b'"*NULL"0000L0#1234[' + desk.aes.encrypt(f"]{NOW}".encode()))
    assert desk.open(verdict.answer) == f"]{NOW}"


def test_another_key_is_answered_duh():
    desk = Desk(key=True)
    sealed = Aes(b"k" * 16).encrypt(f"|#1234|1111 01 003]{NOW}".encode())
    verdict = desk.take(b'"*ADM-CID"0010L0#1234[' + sealed)
    assert reason(verdict).startswith("the key does not fit")
    assert checked(verdict.answer) == '"DUH"0010L0#1234[]'


def test_plain_message_of_an_encrypted_account_is_taken_only_if_allowed():
    body = '"ADM-CID"0010L0#1234[#1234|1111 01 003]'
    assert "write plain: true" in reason(Desk(key=True).take(body))
    desk = Desk({"account": "1234", "plain": True}, key=True)
    assert checked(desk.take(body).answer) == '"ACK"0010L0#1234[]'


@pytest.mark.parametrize(
    ("stamp", "taken"),
    [("_08:00:20,01-05-2026", True), ("_08:00:21,01-05-2026", False), ("_07:59:20,01-05-2026", True),
     ("_07:59:19,01-05-2026", False)],
)  # fmt: skip
def test_clock_of_an_encrypted_message_may_be_20_s_ahead_and_40_s_behind(stamp, taken):
    verdict = Desk(key=True).sealed("#1234|1111 01 003", stamp)
    assert bool(readings(verdict)) is taken
    if not taken:
        assert checked(verdict.answer) == f'"NAK"0000R0L0A0[]{NOW}'


def test_panel_in_local_time_is_read_with_its_zone():
    desk = Desk({"account": "1234", "zone": "+08:00"}, key=True)
    (reading,) = readings(desk.sealed("#1234|1111 01 003", "_16:00:00,01-05-2026"))
    assert reading.observed_at == desk.clock.wall


def test_clock_is_not_judged_by_one_that_is_not_trusted():
    desk = Desk(key=True)
    desk.clock.trusted = False
    assert readings(desk.sealed("#1234|1111 01 003", "_08:00:00,01-05-2020"))


@pytest.mark.parametrize("choice", ["believed", "ignored"])
def test_window_can_be_switched_off_for_an_account(choice):
    desk = Desk({"account": "1234", "timestamp": choice}, key=True)
    (reading,) = readings(desk.sealed("#1234|1111 01 003", "_08:00:00,01-05-2020"))
    assert (reading.observed_at is None) is (choice == "ignored")


def test_clock_that_does_not_follow_is_a_fault_until_it_does():
    desk = Desk(key=True)
    found = []
    for second in range(4):
        found += readings(desk.sealed("#1234|1111 01 003", f"_09:00:0{second},01-05-2026"))
    assert [(each.device, each.values["fault"]) for each in found] == [("1234", True)]
    back = readings(desk.sealed("#1234|1111 01 003"))
    assert [each.values.get("fault") for each in back] == [False, None]


@pytest.mark.parametrize(
    ("text", "form", "said"),
    [
        (None, "hex", "the environment has no PANEL_KEY"),
        ("0F" * 16, "auto", "write key_form"),
        ("short", "text", "16, 24"),
    ],
)
def test_key_that_can_not_be_used_is_said_with_its_account(monkeypatch, text, form, said):
    monkeypatch.delenv("PANEL_KEY", raising=False)
    if text is not None:
        monkeypatch.setenv("PANEL_KEY", text)
    account = {"account": "77", "key": {"env": "PANEL_KEY"}, "key_form": form}
    options = Dc09.model_validate({"tcp_port": 1, "accounts": [account]})
    with pytest.raises(Unavailable, match=f"key of account 77: .*{said}") as error:
        keys_of(options)
    assert "0F0F" not in str(error.value)


# --- any bytes --------------------------------------------------------------------------------

BODY = st.lists(
    st.sampled_from(
        ['"ADM-CID"', '"SIA-DCS"', '"*SIA-DCS"', '"NULL"', '"X"', "0001", "R1", "L0", "L", "#1234", "#99",
         "[", "]", "#1234|", "1130 01 003", "Nri1/BA3^x^", "|", "_08:00:00,01-05-2026", "[Vx]", " ", "é"]
    ),
    max_size=14,
).map(lambda words: "".join(words).encode())  # fmt: skip


@given(st.one_of(BODY, st.binary(max_size=300)))
def test_any_message_ends_with_items_or_a_known_silence(body):
    desk = Desk(unknown="duh")
    verdict = desk.receiver.take(made(body))
    assert verdict.items
    assert len(verdict.items) <= 33
    if verdict.answer:
        assert verdict.answer == b'"ACK"' or checked(verdict.answer)[:4] in ('"ACK', '"DUH', '"NAK')
    if checked(verdict.answer)[:4] == '"ACK' if verdict.answer[:1] == b"\n" else False:
        assert all(isinstance(item, Reading) for item in verdict.items)


def test_message_costs_little():
    desk = Desk()
    frames = [
        made(f'"SIA-DCS"{n:04}L0#1234[#1234|Nri1/BA{n % 99:03}^HALL PIR^]{NOW}')
        for n in range(1, 301)
    ]
    start = spin_ns()
    for raw in frames:
        desk.receiver.take(raw)
    assert (spin_ns() - start) / len(
        frames
    ) < 2_000_000  # 0.1 ms on the slowest board, 20 times that


def test_sample_and_options_are_those_of_the_readme():
    folder = Path(__file__).resolve().parents[3] / "drivers/alarm_panel"
    assert (folder / "sample.yaml").read_text().strip() in (folder / "README.md").read_text()


def test_alarm_without_a_zone_comes_with_the_end_of_those_before_and_repeats_as_one():
    desk = Desk()
    body = f'"SIA-DCS"0009L0#1234[#1234|NHA/PA]{NOW}'
    first, again = readings(desk.take(body)), readings(desk.take(body))
    assert [each.values["alarm"] for each in first] == [False, True, False, True]
    assert len({each.key for each in first}) == 4
    assert [each.key for each in first] == [each.key for each in again]
