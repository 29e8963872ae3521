import struct
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers._momentary import Momentary
from drivers.fire_panel.decode import Decoder, Out, Reset
from drivers.fire_panel.frame import Cutter, Frame, Layout
from drivers.fire_panel.options import Options
from drivers.fire_panel.register import read
from drivers.fire_panel.tables import ANALOGS, COMPONENTS, SYSTEMS
from gateway.model import KINDS, DeviceSeen, Reading, Undecodable, every_value_name
from tests.cost import affordable
from tests.drivers.fire_panel.terminal import NOW, SMOKE, component, components, frame
from tests.drivers.fire_panel.test_frame import REFERENCE

UNIT = "000000001001"
ALARMING = f"{UNIT}/1-1/12-3"
AT = int(datetime(2026, 11, 21, 0, 30, tzinfo=UTC).timestamp()) * 1_000_000_000
"""NOW, which is China's."""


def parsed(raw: bytes) -> Frame:
    (piece,) = Cutter(Layout(max_length=8192)).feed(raw)
    assert piece.frame is not None
    return piece.frame


def decoded(
    data: bytes, *, register: bytes = b"", now: int | None = AT, **options: Any
) -> list[Out]:
    return items_of(frame(data), register=register, now=now, **options)


def items_of(
    raw: bytes, *, register: bytes = b"", now: int | None = AT, **options: Any
) -> list[Out]:
    decoder = Decoder(Options(port=1, **options), read(register) if register else None)
    return decoder(parsed(raw), now).items


def reading(items: list[Out]) -> Reading:
    (found,) = (item for item in items if isinstance(item, Reading))
    return found


# --- the worked examples ----------------------------------------------------------------------


def test_smoke_fire_of_the_reference() -> None:
    seen, fire = items_of(REFERENCE["fire"])
    assert isinstance(fire, Reading)
    assert fire.device == "000000000379/1-1/10-2"
    assert fire.kind == "smoke"
    assert fire.values["alarm"] is True
    assert fire.values["test"] is False
    assert fire.values["fault"] is False
    assert fire.observed_at == datetime(2012, 9, 26, 1, 58, 2, tzinfo=UTC).timestamp() * 1e9
    assert seen == DeviceSeen(fire.device, "smoke", "40 感烟火灾探测器 / smoke detector", "")


def test_captured_frame_says_where_it_is() -> None:
    seen, fire = items_of(REFERENCE["captured"])
    assert isinstance(fire, Reading)
    assert fire.device == "000000000000/1-3/217-6"
    assert fire.values["extra.place"] == "Ａ区１层呷哺走廊"
    assert fire.values["alarm"] is True
    assert fire.kind == "panel"
    assert isinstance(seen, DeviceSeen)
    assert seen.name == "Ａ区１层呷哺走廊"


def test_built_fire_of_the_reference() -> None:
    fire = reading(items_of(REFERENCE["photo smoke"]))
    assert (fire.device, fire.kind, fire.observed_at) == (ALARMING, "smoke", AT)
    assert fire.values["extra.place"] == "3号楼2层走廊"
    assert fire.key.startswith("7-")


def test_negative_temperature_of_the_reference() -> None:
    cold = reading(items_of(REFERENCE["temperature"]))
    assert (cold.device, cold.kind, cold.values) == (ALARMING, "heat", {"temperature": -5.5})


def test_mains_faults_of_the_reference() -> None:
    unit = reading(items_of(REFERENCE["mains fault"]))
    assert unit.device == "000000000379"
    assert unit.values["fault"] is True
    assert unit.values["extra.mains_fault"] is True
    assert unit.values["extra.backup_fault"] is False
    assert unit.values["test"] is False
    system = reading(items_of(REFERENCE["system mains fault"]))
    assert system.device == f"{UNIT}/1-1"
    assert system.values["fault"] is True
    assert system.values["extra.mains_fault"] is True
    assert system.values["alarm"] is False


def test_roll_call_answer_of_the_reference() -> None:
    (answered,) = items_of(REFERENCE["roll call answered"])
    assert isinstance(answered, Momentary)
    assert answered.reading.values == {"extra.roll_call": True, "extra.operator": 1.0}


def test_version_and_time_of_the_reference() -> None:
    assert reading(items_of(REFERENCE["version"])).values == {"extra.version": "1.1"}
    told = datetime(2012, 9, 26, 1, 58, 2, tzinfo=UTC)
    ours = int(told.timestamp()) * 1_000_000_000
    clock = reading(items_of(REFERENCE["time"], now=ours - 90_000_000_000))
    assert clock.values["extra.clock"] == "2012-09-26 09:58:02"
    assert clock.values["extra.clock_offset"] == 90.0
    assert clock.observed_at == ours


# --- component states -------------------------------------------------------------------------


def _sorted(value: object) -> str:
    """The same in every process: parallel runs compare what they have collected."""
    return str(sorted(value) if isinstance(value, set) else value)


BITS = {
    0x0003: {"alarm"},
    0x0005: {"fault"},
    0x0009: {"shielded"},
    0x0011: {"extra.supervisory"},
    0x0021: {"started"},
    0x0041: {"started", "extra.feedback"},
    0x0081: {"extra.delayed"},
    0x0101: {"fault", "extra.power_fault"},
    0x0001: set(),
    0x0000: {"test"},
    0x0002: {"alarm"},
    0x0004: {"fault"},
    0x0006: {"alarm", "fault"},
    0xFE01: set(),
}


@pytest.mark.parametrize(("word", "true"), BITS.items(), ids=_sorted)
def test_component_bits(word: int, true: set[str]) -> None:
    values = reading(decoded(components(word))).values
    assert {name for name, value in values.items() if value is True} == true
    assert values["alarm"] is ("alarm" in true)


def test_test_bit_as_the_site_says() -> None:
    trusted = reading(decoded(components(0x0002), test_bit="trusted")).values
    assert (trusted["alarm"], trusted["test"]) == (False, True)
    careful = reading(decoded(components(0x0002))).values
    assert (careful["alarm"], careful["test"]) == (True, False)
    ignored = reading(decoded(components(0x0000), test_bit="ignored")).values
    assert (ignored["alarm"], ignored.get("test")) == (False, None)


SYSTEM_BITS = {
    0x0003: {"alarm"},
    0x0101: {"fault", "extra.mains_fault"},
    0x0201: {"fault", "extra.backup_fault"},
    0x0401: {"fault", "extra.bus_fault"},
    0x0801: {"extra.manual"},
    0x1001: {"extra.configuration_changed"},
    0x2001: set(),
    0x0005: {"fault"},
}


@pytest.mark.parametrize(("word", "true"), SYSTEM_BITS.items(), ids=_sorted)
def test_system_bits(word: int, true: set[str]) -> None:
    items = decoded(b"\x01\x01\x01\x02" + struct.pack("<H", word) + NOW)
    found = reading(items)
    assert (found.device, found.kind, found.observed_at) == (f"{UNIT}/1-2", "panel", AT)
    assert {name for name, value in found.values.items() if value is True} == true
    resets = [item for item in items if isinstance(item, Reset)]
    assert [reset.scope for reset in resets] == ([f"{UNIT}/1-2"] if word == 0x2001 else [])


UNIT_BITS = {
    0x03: {"alarm"},
    0x05: {"fault"},
    0x09: {"fault", "extra.mains_fault"},
    0x11: {"fault", "extra.backup_fault"},
    0x21: {"fault", "extra.link_fault"},
    0x41: {"fault", "extra.line_fault"},
    0x00: {"test"},
}


@pytest.mark.parametrize(("byte", "true"), UNIT_BITS.items(), ids=_sorted)
def test_unit_bits(byte: int, true: set[str]) -> None:
    values = reading(decoded(bytes((21, 1, byte)) + NOW)).values
    assert {name for name, value in values.items() if value is True} == true


def test_every_component_type_has_a_kind_that_can_ring() -> None:
    for code, row in COMPONENTS.items():
        assert row.kind in KINDS, code
        assert "alarm" in KINDS[row.kind] or row.kind == "water", code


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (42, "smoke"),
        (31, "heat"),
        (23, "panic"),
        (24, "panic"),
        (11, "gas"),
        (92, "water"),
        (84, "panel"),
        (0, "panel"),
        (200, "panel"),
    ],
)
def test_component_type_makes_the_kind(code: int, kind: str) -> None:
    where = SMOKE[:2] + bytes((code,)) + SMOKE[3:]
    assert reading(decoded(b"\x02\x01" + component(3, where=where))).kind == kind


def test_sites_own_type_is_what_the_site_says_and_its_alarm_is_that_kinds() -> None:
    where = SMOKE[:2] + bytes((130,)) + SMOKE[3:]
    opened = reading(decoded(b"\x02\x01" + component(3, where=where), kinds={130: "manhole"}))
    assert opened.kind == "manhole"
    assert opened.values["open"] is True
    assert opened.values["alarm"] is True


def test_register_goes_before_the_type() -> None:
    csv = f"address,kind,name,place\n{ALARMING},heat,H7,3号楼".encode("gbk")
    seen, fire = decoded(components(3), register=csv)
    assert isinstance(fire, Reading)
    assert fire.kind == "heat"
    assert isinstance(seen, DeviceSeen)
    assert (seen.kind, seen.name) == ("heat", "3号楼 H7")


def test_several_objects_of_one_device_have_keys_of_their_own() -> None:
    items = decoded(components(3, 1, 3))
    keys = [item.key for item in items if isinstance(item, Reading)]
    assert len(set(keys)) == 3
    assert "" not in keys


def test_repeat_has_the_same_keys_and_another_serial_has_others() -> None:
    first, again = decoded(components(3)), decoded(components(3))
    assert reading(first).key == reading(again).key
    other = reading(items_of(frame(components(3), serial=8)))
    assert other.key != reading(first).key


def test_without_a_believable_clock_nothing_is_called_a_repeat() -> None:
    assert reading(items_of(frame(components(3), time=bytes(6)))).key == ""
    assert reading(decoded(components(3), now=AT + 2 * 86_400_000_000_000)).key == ""
    assert reading(decoded(components(3), now=None)).key == ""


def test_component_order_of_other_makers() -> None:
    where = SMOKE[:3] + bytes.fromhex("000C0003")
    found = reading(decoded(b"\x02\x01" + component(3, where=where), component_order="big"))
    assert found.device == ALARMING


def test_unit_order_of_other_makers() -> None:
    raw = frame(components(3), source=bytes.fromhex("000000001001"))
    assert reading(items_of(raw, unit_order="big")).device == ALARMING


# --- times ------------------------------------------------------------------------------------


def test_object_without_a_time_takes_the_frames() -> None:
    data = bytes((2, 2)) + component(3, time=b"") + component(1, time=b"")
    found = [item for item in decoded(data) if isinstance(item, Reading)]
    assert [item.values["alarm"] for item in found] == [True, False]
    assert [item.observed_at for item in found] == [AT, AT]


def test_time_that_is_none_is_said_and_hides_nothing() -> None:
    fire = reading(decoded(bytes((2, 1)) + component(3, time=bytes(6))))
    assert fire.observed_at is None
    assert fire.values["extra.time_invalid"] is True
    assert fire.values["alarm"] is True


def test_zone_and_bcd_are_options() -> None:
    utc = reading(decoded(components(3), zone="+00:00"))
    assert utc.observed_at == AT + 8 * 3_600_000_000_000
    bcd = bytes.fromhex("003008211126")
    assert (
        reading(decoded(b"\x02\x01" + component(3, time=bcd), time_format="bcd")).observed_at == AT
    )


# --- analog values, operations, configuration -----------------------------------------------------


def analog(kind: int, raw: int, where: bytes = SMOKE) -> bytes:
    return b"\x03\x01" + where + struct.pack("<Bh", kind, raw) + NOW


GENERAL = bytes.fromhex("0B010001000200")


@pytest.mark.parametrize(
    ("kind", "raw", "name", "value", "device_kind"),
    [
        (1, 3, "extra.events", 3.0, "panel"),
        (2, 312, "level", 3.12, "water"),
        (2, -5, "level", -0.05, "water"),
        (3, -55, "temperature", -5.5, "panel"),
        (4, 12, "pressure", 1200.0, "water"),
        (5, 3005, "pressure", 300.5, "water"),
        (6, 123, "lel", 12.3, "gas"),
        (7, 60, "extra.seconds", 60.0, "panel"),
        (8, 2201, "voltage", 220.1, "power"),
        (9, 7, "current", 0.7, "power"),
        (10, 55, "extra.flow", 5.5, "water"),
        (11, 55, "extra.air_volume", 5.5, "panel"),
        (12, 4, "extra.air_speed", 4.0, "panel"),
        (77, -2, "extra.analog_77", -2.0, "panel"),
    ],
)
def test_analog_value(kind: int, raw: int, name: str, value: float, device_kind: str) -> None:
    found = reading(decoded(analog(kind, raw, GENERAL)))
    assert found.values == {name: value}
    assert type(found.values[name]) is float
    assert (found.device, found.kind) == (f"{UNIT}/11-1/1-2", device_kind)


def test_detector_stays_what_it_is_whatever_it_measures() -> None:
    assert reading(decoded(analog(8, 240))).kind == "smoke"


def test_operations_of_a_system() -> None:
    muted, *rest = decoded(b"\x04\x01\x01\x01\x02\x05" + NOW)
    assert isinstance(muted, Momentary)
    assert rest == []
    assert muted.reading == Reading(f"{UNIT}/1-1", "panel", {"muted": True, "extra.operator": 5.0})
    assert muted.names == ("muted",)
    _, reset = decoded(b"\x04\x01\x01\x01\x01\x05" + NOW)
    assert isinstance(reset, Reset)
    assert reset.scope == f"{UNIT}/1-1"
    (tested,) = decoded(b"\x04\x01\x01\x01\x50\x05" + NOW)
    assert isinstance(tested, Momentary)
    assert tested.reading.values["test"] is True
    assert "alarm" not in tested.reading.values


def test_manual_alarm_of_the_unit_is_a_call_for_help() -> None:
    done, call = decoded(bytes((24, 1, 0x04, 9)) + NOW)
    assert isinstance(call, Momentary)
    assert call.reading == Reading(f"{UNIT}/manual", "panic", {"alarm": True})
    assert isinstance(done, Momentary)
    assert done.reading.values["extra.manual_alarm"] is True


def test_operation_of_hours_ago_keeps_its_time() -> None:
    done, _ = decoded(bytes((24, 1, 0x04, 9)) + NOW, now=AT + 3600 * 10**9)
    assert isinstance(done, Momentary)
    assert done.reading.observed_at == AT


def test_alarm_cleared_at_the_unit_ends_all_its_alarms() -> None:
    _, reset = decoded(bytes((24, 1, 0x08, 9)) + NOW)
    assert isinstance(reset, Reset)
    assert reset.scope == UNIT


def test_component_configuration_announces_its_place() -> None:
    text = "地下一层消防泵房东侧末端试水装置处的".encode("gb18030")
    data = b"\x07\x01" + SMOKE + text[:31].ljust(31, b"\0")
    (seen,) = decoded(data)
    name = "地下一层消防泵房东侧末端试水装"  # the sixteenth character is cut in half
    assert seen == DeviceSeen(
        ALARMING, "smoke", "42 点型光电感烟火灾探测器 / point photo-electric smoke detector", name
    )


def test_configurations_are_texts_of_varying_length() -> None:
    one, two = "一号楼".encode("gb18030"), b"2# building"
    data = b"\x06\x02\x01\x01" + bytes((len(one),)) + one + b"\x0b\x03" + bytes((len(two),)) + two
    first, second = decoded(data)
    assert isinstance(first, DeviceSeen)
    assert isinstance(second, DeviceSeen)
    assert (first.device, first.name) == (f"{UNIT}/1-1", "一号楼")
    assert (second.device, second.name) == (f"{UNIT}/11-3", "2# building")
    (unit,) = decoded(b"\x1a\x01" + bytes((len(one),)) + one)
    assert isinstance(unit, DeviceSeen)
    assert (unit.device, unit.name) == (UNIT, "一号楼")


def test_system_time_and_version() -> None:
    clock = reading(decoded(b"\x08\x01\x01\x01" + NOW))
    assert (clock.device, clock.observed_at) == (f"{UNIT}/1-1", AT)
    assert reading(decoded(b"\x05\x01\x01\x01\x02\x0a")).values == {"extra.version": "2.10"}
    lost = reading(decoded(b"\x1c\x01" + bytes(6)))
    assert lost.values == {"extra.time_invalid": True}


# --- what is wrong ----------------------------------------------------------------------------


def test_heartbeat_says_nothing() -> None:
    assert decoded(b"") == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xfe\x01\x32", "the maker's own"),
        (b"\x09\x01", "reserved"),
        (b"\x3d\x01\x01\x01", "for the centre to send"),
        (b"\x01", "no number of objects"),
        (b"\x01\x01\x03\x04", "1 objects of 10 bytes are announced, 2 bytes came"),
        (b"\x1c\x01", "1 objects of 6 bytes are announced, 0 bytes came"),
        (b"\x06\x01\x01\x01\x05\x01", "a text of 5 bytes, of which 1 came"),
        (b"\x1a\x02\x00", "2 objects are announced, 1 came"),
    ],
)
def test_what_can_not_be_read_is_kept_with_the_reason(data: bytes, reason: str) -> None:
    last = decoded(data)[-1]
    assert isinstance(last, Undecodable)
    assert reason in last.reason
    assert last.source == UNIT


def test_only_unknown_types_are_unknown() -> None:
    decoder = Decoder(Options(port=1))
    assert not decoder(parsed(frame(b"\xfe\x01")), AT).known
    assert decoder(parsed(frame(b"\x02\x01\x00")), AT).known


@pytest.mark.parametrize(
    ("count", "words", "rest", "readings"),
    [(0, (3, 1), b"", 2), (9, (3, 1), b"", 2), (2, (3, 1), b"\1\2", 2), (1, (3, 1), b"", 1)],
)
def test_wrong_count_hides_no_whole_object(
    count: int, words: tuple[int, ...], rest: bytes, readings: int
) -> None:
    data = bytes((2, count)) + b"".join(component(word) for word in words) + rest
    items = decoded(data)
    assert sum(isinstance(item, Reading) for item in items) == readings
    assert isinstance(items[-1], Undecodable)


# --- properties -------------------------------------------------------------------------------

TYPES = (1, 2, 3, 4, 5, 6, 7, 8, 21, 24, 25, 26, 28)
DATA = st.one_of(
    st.binary(max_size=1024),
    st.builds(
        lambda kind, count, body: bytes((kind, count)) + body,
        st.sampled_from(TYPES),
        st.integers(0, 255),
        st.binary(max_size=400),
    ),
)


@given(DATA, st.sampled_from(["careful", "trusted", "ignored"]), st.booleans())
@settings(max_examples=300)
def test_any_data_gives_items_or_a_reason(data: bytes, test_bit: str, bcd: bool) -> None:
    form = "bcd" if bcd else "binary"
    items = decoded(data, test_bit=test_bit, time_format=form, kinds={7: "manhole"})
    assert len(items) <= 3 * 255 + 1
    for item in items:
        found = item.reading if isinstance(item, Momentary) else item
        if isinstance(found, Reading):
            check(found)
        elif isinstance(found, Undecodable):
            assert found.reason
        else:
            assert isinstance(found, (DeviceSeen, Reset))
    assert items or not data or 0 in data[1:2] or data[0] in (6, 26)


def check(found: Reading) -> None:
    assert found.values
    assert found.kind in KINDS
    assert len([name for name in found.values if name.startswith("extra.")]) <= 32
    known = every_value_name()
    for name, value in found.values.items():
        assert name.startswith("extra.") or isinstance(value, known[name].type)
        assert not isinstance(value, str) or (value.isprintable() and len(value) <= 256)
    assert found.device.startswith(UNIT)


@given(st.sampled_from(list(REFERENCE.values())), st.data())
@settings(max_examples=200)
def test_mutated_frames_never_raise(raw: bytes, data: st.DataObject) -> None:
    changed = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 6))):
        changed[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    decoder = Decoder(Options(port=1))
    for piece in Cutter(Layout(checksum="ignored")).feed(bytes(changed) + raw):
        if piece.frame is not None:
            decoder(piece.frame, AT)


def test_longest_frames_are_cheap() -> None:
    frames = [
        parsed(frame(components(*[3] * 22))),
        parsed(frame(bytes((24, 127)) + bytes((0xFF, 1)) + (b"\xff\x01" + NOW) * 127)),
        parsed(frame(bytes((3, 63)) + analog(3, -5)[2:] * 63)),
    ]
    decoder = Decoder(Options(port=1))
    for each in frames:
        affordable(20_000_000, partial(decoder, each, AT))


def test_tables_speak_both_languages() -> None:
    for table in (SYSTEMS.values(), (c.name for c in COMPONENTS.values())):
        for name in table:
            assert name.zh != name.en
            assert name.en.isascii()
    known = every_value_name()
    for row in ANALOGS.values():
        assert row.value.startswith("extra.") or known[row.value].unit == row.unit
