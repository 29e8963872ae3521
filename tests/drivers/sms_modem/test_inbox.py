"""What becomes of texts that came: whose they are, how many, how old."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.sms_modem.address import address
from drivers.sms_modem.alphabet import pack, septets
from drivers.sms_modem.inbox import (
    HOUR,
    KNOWN_AN_HOUR,
    PARTS_WITHIN,
    STRANGER_AN_HOUR,
    STRANGER_LETTERS,
    STRANGERS_AN_HOUR,
    Gate,
    Gathered,
    Inbox,
    Stored,
    listed,
)
from drivers.sms_modem.pdu import Report
from drivers.sms_modem.simulator import delivers, status_report
from gateway.model import SECOND, Action, Site, Stamp, Undecodable
from tests.drivers.sms_modem.rig import NEIGHBOUR, OFFICER, SITE

NOW = Stamp("boot", 1_000 * SECOND, 1_767_600_000 * SECOND, True)
LONG = "到了,没有人员受伤。" * 12


def stored(*pdus: str) -> list[Stored]:
    return [Stored(place, pdu) for place, pdu in enumerate(pdus, 1)]


def gather(
    inbox: Inbox,
    messages: list[Stored],
    stamp: Stamp = NOW,
    site: Site | None = SITE,
    old: bool = False,
) -> Gathered:
    gathered = inbox.gather(messages, stamp, None if site is None else lambda: site, old)
    inbox.settled(gathered)
    return gathered


def inbox() -> Inbox:
    return Inbox("sms", "86", 900)


def later(seconds: float) -> Stamp:
    ns = int(seconds * SECOND)
    return NOW._replace(mono=NOW.mono + ns, wall=NOW.wall + ns)


def one(text: str, number: str = OFFICER, age: float = 5, **changes: bool) -> Action:
    messages = stored(*delivers(number, text, NOW.wall - int(age * SECOND)))
    stamp = NOW._replace(trusted=changes.pop("trusted", True))
    [item] = gather(inbox(), messages, stamp, **changes).items
    assert isinstance(item, Action)
    return item


def test_answers_of_a_registered_number_are_orders() -> None:
    person = f"tel:{OFFICER}"
    assert one("1") == Action("receive", "", person, "1")
    assert one("2 L20260105-0007") == Action("close", "L20260105-0007", person, "2 L20260105-0007")
    assert one("门锁着") == Action("comment", "", person, "门锁着")
    assert one("1", "13800138000").person == person


def test_text_of_a_stranger_orders_nothing_and_is_kept_short() -> None:
    assert one("1 L20260105-0007", NEIGHBOUR) == Action(
        "unknown", "", f"tel:{NEIGHBOUR}", "1 L20260105-0007"
    )
    parts = stored(*delivers(NEIGHBOUR, "x" * 400, NOW.wall))
    [item] = gather(inbox(), parts).items
    assert isinstance(item, Action)
    assert item.text == "x" * STRANGER_LETTERS


def test_without_a_registry_nobody_is_a_stranger() -> None:
    messages = stored(*delivers(NEIGHBOUR, "1", NOW.wall))
    [item] = gather(inbox(), messages, site=None).items
    assert isinstance(item, Action)
    assert item.verb == "receive"


def test_old_answer_closes_nothing_of_today_unless_it_says_what() -> None:
    assert one("2", age=901).verb == "comment"
    assert one("2", age=899).verb == "close"
    assert one("2 L20260105-0007", age=90_000).verb == "close"


def test_while_our_clock_may_be_wrong_what_lay_there_counts_as_old() -> None:
    assert one("2", age=90_000, trusted=False, old=False).verb == "close"
    assert one("2", age=0, trusted=False, old=True).verb == "comment"


def test_text_in_parts_is_put_together_in_any_order_and_then_deleted() -> None:
    parts = stored(*delivers(OFFICER, LONG, NOW.wall, wide=True))
    assert len(parts) == 2
    kept = inbox()
    first = gather(kept, parts[1:])
    assert (first.items, first.done) == ([], [])
    second = gather(kept, parts[::-1])
    assert [item.text for item in second.items if isinstance(item, Action)] == [LONG]
    assert sorted(second.done) == parts


def test_part_that_comes_twice_is_deleted_with_the_rest() -> None:
    first, second = delivers(OFFICER, LONG, NOW.wall, 9)
    older = delivers(OFFICER, "x" * 71 + "火", NOW.wall - SECOND, 9)[0]
    gathered = gather(inbox(), stored(older, first, second))
    assert [item.text for item in gathered.items if isinstance(item, Action)] == [LONG]
    assert sorted(each.place for each in gathered.done) == [1, 2, 3]


def test_missing_part_is_waited_for_and_then_shown_as_missing() -> None:
    parts = stored(*delivers(OFFICER, "2 L20260105-0007" + "。" * 120, NOW.wall))
    kept = inbox()
    limit = PARTS_WITHIN / SECOND
    assert gather(kept, parts[:1]).items == []
    assert gather(kept, parts[:1], later(limit - 1)).items == []
    gathered = gather(kept, parts[:1], later(limit))
    [item] = gathered.items
    assert isinstance(item, Action)
    assert (item.verb, item.text[-1]) == ("comment", "…")
    assert gathered.done == parts[:1]


def test_texts_of_two_people_with_the_same_reference_are_two_texts() -> None:
    mine, yours = delivers(OFFICER, LONG, NOW.wall, 9), delivers(NEIGHBOUR, LONG, NOW.wall, 9)
    gathered = gather(inbox(), stored(mine[0], yours[1], yours[0], mine[1]))
    assert [item.verb for item in gathered.items if isinstance(item, Action)] == [
        "comment",
        "unknown",
    ]


def test_what_can_not_be_deleted_is_not_said_again() -> None:
    kept = inbox()
    messages = stored(*delivers(OFFICER, "1", NOW.wall))
    assert len(gather(kept, messages).items) == 1
    again = gather(kept, messages)
    assert (again.items, again.done) == ([], messages)


def test_what_was_not_taken_by_the_disk_is_said_again() -> None:
    kept = inbox()
    messages = stored(*delivers(OFFICER, "1", NOW.wall))
    for _ in range(2):  # not settled: the door raised
        assert len(kept.gather(messages, NOW, lambda: SITE, False).items) == 1


@pytest.mark.parametrize("name", ["13800138000", "zhang"])
def test_a_name_that_reads_like_a_number_or_an_account_is_a_strangers(name: str) -> None:
    """Whoever buys texts in bulk chooses the sender; it must not close the officer's case."""
    codes = b"".join(septets(letter) or b"" for letter in name)
    packed = pack(codes)
    word = bytes((2 * len(packed), 0xD0)) + packed
    [plain] = delivers("13800138000", "2", NOW.wall)
    pdu = plain.replace(address("13800138000").hex().upper(), word.hex().upper(), 1)
    assert pdu != plain
    person = msgspec.structs.replace(SITE.people["p-1"], accounts={"wecom": "zhang"})
    site = msgspec.structs.replace(SITE, people={"p-1": person})
    [item] = gather(inbox(), stored(pdu), site=site).items
    assert isinstance(item, Action)
    assert (item.verb, item.person) == ("unknown", f"tel:“{name}”")


@pytest.mark.parametrize(("texting", "verb"), [(["sms"], "close"), ([], "unknown")])
def test_a_number_that_is_an_account_is_known_where_that_channel_texts(
    texting: list[str], verb: str
) -> None:
    person = msgspec.structs.replace(SITE.people["p-1"], phone="", accounts={"sms": OFFICER})
    site = msgspec.structs.replace(SITE, people={"p-1": person})
    box = inbox()
    box.texting = texting
    [item] = gather(box, stored(*delivers(OFFICER, "2", NOW.wall)), site=site).items
    assert isinstance(item, Action)
    assert (item.verb, item.person) == (verb, f"tel:{OFFICER}")


def test_drafts_and_data_are_deleted_without_a_word() -> None:
    draft = Stored(1, delivers(OFFICER, "1", NOW.wall)[0], own=True)
    data = bytearray.fromhex(delivers(OFFICER, "Hi", NOW.wall)[0])
    data[9 + 1 + 2 + 7 + 1] = 0x04
    gathered = gather(inbox(), [draft, Stored(2, data.hex())])
    assert (gathered.items, [each.place for each in gathered.done]) == ([], [1, 2])


def test_unreadable_message_is_kept_with_the_reason_and_deleted() -> None:
    gathered = gather(inbox(), [Stored(1, "0102")])
    [item] = gathered.items
    assert isinstance(item, Undecodable)
    assert (item.source, item.raw) == ("sms", b"0102")
    assert item.reason.startswith("the PDU ends")
    assert len(gathered.done) == 1


def test_stored_delivery_report_is_handed_on() -> None:
    gathered = gather(inbox(), [Stored(1, status_report(17, OFFICER, NOW.wall, 0x46))])
    assert gathered.reports == [Report(17, OFFICER, 0x46)]
    assert [each.place for each in gathered.done] == [1]


def test_strangers_can_not_fill_the_journal() -> None:
    gate = Gate()
    same = [gate.passes("a", False, n) for n in range(100)]
    assert sum(same) == STRANGER_AN_HOUR
    others = [gate.passes(f"b{n}", False, n) for n in range(100)]
    assert sum(same) + sum(others) == STRANGERS_AN_HOUR
    assert gate.refused == 200 - STRANGERS_AN_HOUR
    known = [gate.passes("k", True, n) for n in range(100)]
    assert sum(known) == KNOWN_AN_HOUR
    assert gate.passes("a", False, HOUR + 100)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, HOUR // 4)), max_size=200)
)
def test_gate_never_lets_more_through_in_an_hour(steps: list[tuple[int, bool, int]]) -> None:
    gate = Gate()
    now = 0
    passed: list[tuple[str, bool, int]] = []
    for who, known, ahead in steps:
        now += ahead
        name = f"{who}{known}"
        if gate.passes(name, known, now):
            passed.append((name, known, now))
    for name, known, at in passed:
        within = [p for p in passed if at - HOUR < p[2] <= at]
        own = KNOWN_AN_HOUR if known else STRANGER_AN_HOUR
        assert sum(p[0] == name for p in within) <= own
        assert sum(not p[1] for p in within) <= STRANGERS_AN_HOUR


def test_listing_is_read_whatever_is_said_in_between() -> None:
    lines = [
        "+CMGL: 1,0,,24",
        "0891683108100005F0",
        "^RSSI: 20",
        '+CMGL: 7,3,"",24',
        "^BOOT: 1,2",
        "07",
        "stray",
    ]
    assert listed(lines) == [Stored(1, "0891683108100005F0"), Stored(7, "07", own=True)]


def test_change_of_the_registry_counts_at_once() -> None:
    left = msgspec.structs.replace(SITE, people={})
    messages = stored(*delivers(OFFICER, "1", NOW.wall))
    [item] = gather(inbox(), messages, site=left).items
    assert isinstance(item, Action)
    assert item.verb == "unknown"


def test_number_that_is_registered_without_its_country_is_that_persons_everywhere() -> None:
    person = msgspec.structs.replace(next(iter(SITE.people.values())), phone="0151 23456789")
    site = Site(version=1, people={person.id: person})
    abroad = Inbox("sms", "49", 900)
    messages = stored(*delivers("+4915123456789", "1", NOW.wall))
    assert gather(abroad, messages, site=site).items == [Action("receive", "", person.id, "1")]
