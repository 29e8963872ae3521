"""Codes, blocks and records: what a message says of which device."""

from __future__ import annotations

import csv
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.alarm_panel import codes, content, decode
from drivers.alarm_panel.content import Event
from drivers.alarm_panel.decode import Sender, When
from drivers.alarm_panel.standing import Standing
from gateway.model import EXTRA, KINDS, Reading, vocabulary
from tests.cost import affordable

FOLDER = Path(codes.__file__).parent


def one(event: Event, **sender: bool) -> Reading:
    (reading,) = decode.readings(Sender("1234", **sender), [event], When(), {})
    return reading


def cid(record: str, **sender: bool) -> Reading:
    return one(content.contact_id(record), **sender)


def state(reading: Reading) -> dict[str, object]:
    """The values that are a state: no code, no zone, no extras but these."""
    kept = ("extra.armed", "extra.prealarm")
    names = [n for n in reading.values if n in kept or not n.startswith(EXTRA)]
    other = (
        ("code", "zone", "shielded") if reading.values.get("alarm") is True else ("code", "zone")
    )
    return {n: reading.values[n] for n in names if n not in other}


@pytest.mark.parametrize(
    ("record", "device", "kind", "values"),
    [
        ("1111 01 003", "1234:3", "smoke", {"alarm": True}),
        ("3111 01 003", "1234:3", "smoke", {"alarm": False}),
        ("6111 01 003", "1234:3", "smoke", {"alarm": True}),
        ("1114 00 000", "1234", "heat", {"alarm": True}),
        ("1373 00 000", "1234", "panel", {"fault": True}),
        ("1571 00 000", "1234", "panel", {"shielded": True}),
        ("1118 00 004", "1234:4", "panel", {"extra.prealarm": True}),
        ("1121 01 002", "1234", "panic", {"alarm": True}),
        ("1205 00 002", "1234:2", "panel", {"started": True}),
        ("1641 00 002", "1234:2", "panic", {"alarm": True}),
        ("1130 00 015", "1234:15", "infrared", {"alarm": True}),
        ("1383 00 015", "1234:15", "panel", {"tamper": True}),
        ("3384 00 015", "1234:15", "panel", {"battery_low": False}),
        ("1301 00 000", "1234", "panel", {"fault": True}),
        ("1302 00 000", "1234", "panel", {"battery_low": True}),
        ("1145 00 007", "1234:module-7", "panel", {"tamper": True}),
        ("1154 00 001", "1234:1", "water", {"leak": True}),
        ("1162 00 001", "1234:1", "co", {"alarm": True}),
        ("1401 01 002", "1234", "panel", {"extra.armed": False}),
        ("3401 01 002", "1234", "panel", {"extra.armed": True}),
        ("1570 01 009", "1234:9", "panel", {"shielded": True}),
        ("3570 01 009", "1234:9", "panel", {"shielded": False}),
        ("1602 00 000", "1234", "panel", {"test": True}),
        ("3602 00 000", "1234", "panel", {"test": True}),
        ("1607 00 000", "1234", "panel", {"test": True}),
        ("3607 00 000", "1234", "panel", {"test": False}),
        ("1119 00 003", "1234:3", "panel", {"alarm": True}),
        ("1777 00 003", "1234:3", "panel", {}),
    ],
)
def test_contact_id_record_becomes_one_state_of_one_device(record, device, kind, values):
    reading = cid(record)
    assert (reading.device, reading.kind, state(reading)) == (device, kind, values)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("Nri1/BA003^HALL^", [("1234:3", "infrared", {"alarm": True})]),
        ("NBH003", [("1234:3", "infrared", {"alarm": False})]),
        ("NBR003", [("1234:3", "infrared", {"alarm": False, "fault": False})]),
        ("NFA3/TA4/BA5", [("1234:3", "panel", {"alarm": True}), ("1234:4", "panel", {"tamper": True}),
                          ("1234:5", "infrared", {"alarm": True})]),
        ("NYT|NAT", [("1234", "panel", {"battery_low": True}), ("1234", "panel", {"fault": True})]),
        ("Nri1BA503^Volum.Taverna^", [("1234:503", "infrared", {"alarm": True})]),
        ("NCQ1", [("1234", "panel", {"extra.armed": True})]),
        ("NRP", [("1234", "panel", {"test": True})]),
        ("Npi010/TA", [("1234:10", "panel", {"tamper": True})]),
        ("NES04", [("1234:module-4", "panel", {"tamper": True})]),
        ("NDF2", [("1234:door-2", "contact", {"open": True})]),
        ("NMX1", [("1234:1", "panic", {"test": True})]),
        ("NTH4/TJ5", [("1234:4", "panel", {"tamper": False}), ("1234:5", "panel", {"tamper": False})]),
        ("NXL4/XC4", [("1234:4", "panel", {"fault": True}), ("1234:4", "panel", {"fault": False})]),
        ("NFG4/FH4", [("1234:4", "panel", {"extra.prealarm": True}),
                      ("1234:4", "panel", {"alarm": False, "extra.prealarm": False})]),
        ("NFA0/FR", [("1234", "panel", {"alarm": True}),
                     ("1234", "panel", {"alarm": False, "extra.prealarm": False, "fault": False})]),
        ("NHA/BV1/ND2", [("1234", "panic", {"alarm": True}),
                         ("1234", "infrared", {"alarm": True}),
                         ("1234", "panic", {"alarm": True})]),
        ("ODJ1|NWA9", [("1234:door-1", "contact", {"open": True}), ("1234:9", "water", {"leak": True})]),
    ],
)  # fmt: skip
def test_dcs_blocks_become_states(data, expected):
    found = decode.readings(Sender("1234"), content.dcs(data), When(), {})
    assert [(each.device, each.kind, state(each)) for each in found] == expected


def test_what_the_event_says_besides_is_kept():
    data = "Nda01-05-26/ti08:00/id7/ri2/BA003^HALL PIR^"
    values = decode.readings(Sender("A"), content.dcs(data), When(), {"mac": "A0"})[0].values
    assert values == {
        "alarm": True, "shielded": False, "extra.code": "BA", "extra.zone": "003", "extra.class": "burglary",
        "extra.partition": "2", "extra.user": "7", "extra.text": "HALL PIR",
        "extra.panel_time": "01-05-26 08:00", "extra.mac": "A0",
    }  # fmt: skip


def test_zones_that_count_within_partitions_are_apart():
    assert cid("1130 02 003", partitions=True).device == "1234:2/3"
    assert cid("3401 02 001", partitions=True).device == "1234:area-2"
    assert cid("3401 00 001", partitions=True).device == "1234"
    assert cid("1121 02 001", partitions=True).device == "1234:area-2"
    assert one(Event("CA", address="2"), partitions=True).device == "1234:area-2"


def test_text_block_belongs_to_the_event_before_it():
    assert [each.text for each in content.dcs("NFA1|AKitchen|NBA2")] == ["Kitchen", ""]


def test_bar_in_a_text_and_a_text_without_an_end_lose_no_event():
    assert [e.code for e in content.dcs("NFA1^HALL|N^|NTA2")] == ["FA", "TA"]
    assert [e.code for e in content.dcs("NFA1^HALL|NTA2^X^")] == ["FA", "TA"]


def test_extended_data_are_kept_and_keys_are_not():
    rest = b"#1234|NFA1][MA0B1C2D3E4F5][Khunter22][Vhttps://cam/1.jpg][H07:59:00,01-05-2026]_08:00:00,01-05-2026"
    told = content.read(rest, "cp1252")
    assert told.extended == (("mac", "A0B1C2D3E4F5"), ("verification", "https://cam/1.jpg"))
    assert told.stamp - told.occurred == 60_000_000_000


@pytest.mark.parametrize(
    ("raw", "encoding", "text"),
    [
        ("走廊".encode(), "cp1252", "走廊"),
        (b"caf\xe9", "cp1252", "café"),
        ("走廊".encode("gb18030"), "gb18030", "走廊"),
    ],
)
def test_texts_are_read_in_the_encodings_of_the_field(raw, encoding, text):
    told = content.read(b"|NBA1^" + raw + b"^]", encoding)
    assert content.dcs(told.data)[0].text == text


def test_check_digit_makes_the_sum_a_multiple_of_fifteen():
    assert content.check_digit("123418113101015") == "8"
    assert content.check_digit("F") == "F"


# --- the tables -----------------------------------------------------------------------------


def rows(file: str) -> list[dict[str, str]]:
    with (FOLDER / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("file", ["sia_codes.csv", "contact_id_codes.csv"])
def test_every_code_has_names_in_both_languages_and_values_of_its_kind(file):
    for row in rows(file):
        assert row["zh"]
        assert row["en"]
        assert row["kind"] in KINDS
        for pair in row["values"].split():
            name, _, word = pair.partition("=")
            assert word in ("0", "1", "always")
            if name in (
                "alarm",
                "leak",
                "open",
                "shielded",
                "tamper",
                "fault",
                "battery_low",
                "test",
            ):
                assert name in vocabulary(row["kind"]), row


def test_no_code_mixes_a_test_with_an_alarm():
    for row in [*rows("sia_codes.csv"), *rows("contact_id_codes.csv")]:
        names = {pair.split("=")[0] for pair in row["values"].split()}
        assert len(names & {"alarm", "leak", "tamper", "battery_low", "test"}) <= 1, row


def test_names_are_told_in_both_languages():
    assert codes.describe("BA").en == "Burglary Alarm"
    assert codes.describe("111").zh == "烟感报警"
    assert codes.describe("111", "3").zh == "烟感报警:恢复"
    assert codes.describe("401", "3").en.endswith("closing")
    assert codes.describe("441", "3").zh == "留守布防:布防"
    assert codes.describe("??").en == "unknown code ??"


# --- what stands ----------------------------------------------------------------------------


def settled(standing: Standing, record: str) -> dict[str, object]:
    return state(standing.settle(cid(record)))


def test_panel_is_at_fault_until_its_last_fault_ends():
    standing = Standing()
    assert settled(standing, "1301 00 000") == {"fault": True}
    assert settled(standing, "1351 00 000") == {"fault": True}
    assert settled(standing, "3301 00 000") == {}
    assert settled(standing, "3351 00 000") == {"fault": False}
    assert settled(standing, "3301 00 000") == {"fault": False}


def test_panels_own_alarms_end_by_class_and_a_zones_by_any():
    standing = Standing()
    settled(standing, "1110 00 000")
    settled(standing, "1120 00 000")
    assert settled(standing, "3120 00 000") == {}
    assert settled(standing, "3110 00 000") == {"alarm": False}
    settled(standing, "1131 00 005")
    assert settled(standing, "3140 00 005") == {"alarm": False}


def test_panels_own_alarm_is_told_anew_whatever_stands():
    """A duress never ends; a fire after it, or a second duress, must ring all the same."""
    standing = Standing()
    when = When(7, "k")
    told = [
        standing.told(decode.readings(Sender("1234"), [content.contact_id(record)], when, {})[0])
        for record in ("1121 01 002", "1110 00 000", "1121 01 002", "6110 00 000", "1111 01 003")
    ]
    assert [[each.values["alarm"] for each in some] for some in told] == [
        [False, True], [False, True], [False, True], [True], [True],
    ]  # fmt: skip
    end = told[0][0]
    assert (end.device, end.kind, end.observed_at, end.key) == ("1234", "panic", 7, "k.end")


def test_zones_fault_ends_with_an_end_of_a_class_that_does_not_stand():
    standing = Standing()
    settled(standing, "1381 00 005")
    settled(standing, "1380 00 005")
    assert settled(standing, "3380 00 005") == {}
    assert settled(standing, "3378 00 005") == {"fault": False}
    settled(standing, "1381 00 000")
    assert settled(standing, "3378 00 000") == {}
    assert settled(standing, "3381 00 000") == {"fault": False}


def test_zone_that_alarms_is_shielded_no_longer():
    """Panels put bypassed zones back when they are disarmed, and say nothing of it."""
    for code in ("UA", "FA", "BA"):
        assert one(Event(code, address="3")).values["shielded"] is False
    assert "shielded" not in one(Event("UH", address="3")).values


# --- any text -------------------------------------------------------------------------------

TEXT = st.text(st.sampled_from("NOA|^/#][ri1ti:BAFHxyz 09-*_é\0\n"), max_size=300)


@given(TEXT)
def test_any_data_is_events_or_a_reason(data):
    for read in (content.dcs, lambda text: [content.contact_id(text)]):
        try:
            events = read(data)
        except ValueError:
            continue
        assert 1 <= len(events) <= content.MAX_EVENTS
        for each in decode.readings(Sender("A"), events, When(key="k"), {}):
            assert each.device
            assert each.values
            assert len([n for n in each.values if n.startswith(EXTRA)]) <= 32


@given(st.binary(max_size=500))
def test_any_bytes_between_brackets_are_content_or_a_reason(raw):
    try:
        told = content.read(raw, "cp1252")
    except ValueError:
        assert b"]" not in raw
    else:
        assert len(told.extended) <= content.MAX_EXTENDED


@pytest.mark.parametrize(
    "text",
    [
        "N" + "BA1/" * 1000,
        "|" * 4000,
        "^|" * 2000,
        "N" + "ti1" * 1300,
        "N" + " " * 4000,
        "N" + "ri" + "1" * 4000,
    ],
)
def test_long_data_takes_no_long_time(text):
    def read() -> None:
        with suppress(ValueError):
            content.dcs(text)

    affordable(80_000_000, read)
