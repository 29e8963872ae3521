"""The encoder: what it writes is read back by another reader of the format."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Device, Place, Quality, Reading, Site, Value
from gateway.sinks.influxdb.lines import EARLIEST, FLAGS, LATEST, Encoder, UnencodableError
from tests.sinks.lineprotocol import parse

AT = 1_767_225_600_000_000_000

texts = st.text(max_size=40) | st.text(alphabet='ab\\,= "\n\r\t#_x', max_size=12)
values = st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | texts
readings = st.builds(
    Reading,
    device=texts,
    kind=texts,
    values=st.dictionaries(texts | texts.map("extra.".__add__), values, min_size=1, max_size=6),
    at=st.integers(EARLIEST, LATEST),
    quality=st.sampled_from(Quality),
    late=st.booleans(),
    retained=st.booleans(),
)


def reading(values: dict[str, Value], device: str = "S-17", kind: str = "smoke") -> Reading:
    return Reading(device=device, kind=kind, values=values, at=AT)


def test_a_line_is_measurement_tags_fields_and_nanoseconds() -> None:
    line = Encoder({"site": "云河 1"}).line(reading({"alarm": True, "density": 0.31, "zone": "a"}))
    assert line == rf'smoke,device=S-17,site=云河\ 1 alarm=t,density=0.31,zone="a" {AT}'


@pytest.mark.parametrize(
    ("device", "kind", "values", "line"),
    [
        ("A,B=1 x", "my data", {"a": 1.0}, r"my\ data,device=A\,B\=1\ x a=1.0"),
        ("d", "k", {"s": 'He said "hi" C:\\'}, r'k,device=d s="He said \"hi\" C:\\"'),
        ("烟感", "k", {"note": "两个烟感报警"}, 'k,device=烟感 note="两个烟感报警"'),
        ("", "k", {"a": True}, "k a=t"),
        ("a\\", "k", {"a b": False}, r"k,device=a＼ a\ b=f"),
        ("a\nb", "k", {"s": "c\nd"}, 'k,device=a␊b s="c␊d"'),
        ("d", "", {"a": 1.0}, "unknown,device=d a=1.0"),
        ("d", "#k", {"a": 1.0}, "＃k,device=d a=1.0"),
        ("d", "_k", {"a": 1.0}, "x__k,device=d a=1.0"),
        ("d", "k", {"extra.co 2": 1.0}, r"k,device=d extra_co\ 2=1.0"),
        ("d", "k", {"time": 1.0}, "k,device=d x_time=1.0"),
        ("d", "k", {"_field": 1.0}, "k,device=d x__field=1.0"),
        ("d", "k", {"_measurement": 1.0}, "k,device=d x__measurement=1.0"),
        ("d", "k", {"device": "e"}, 'k,device=d x_device="e"'),
        ("d", "k", {"late": 1.0}, "k,device=d x_late=1.0"),
        ("d", "k", {"": 1.0}, "k,device=d x_=1.0"),
        ("d", "k", {"n": 12}, "k,device=d n=12.0"),
        ("d", "k", {"a": 1e300, "b": -1e-7}, "k,device=d a=1e+300,b=-1e-07"),
    ],
)
def test_every_escaping_rule(device: str, kind: str, values: dict[str, Value], line: str) -> None:
    assert Encoder().line(reading(values, device, kind)) == f"{line} {AT}"


def test_flags_are_fields_and_only_when_true() -> None:
    marked = Reading("d", "k", {"a": 1.0}, at=AT, quality=Quality.suspect, late=True, retained=True)
    assert Encoder().line(marked) == f"k,device=d a=1.0,suspect=t,late=t,retained=t {AT}"


def test_a_reading_of_an_untrusted_clock_is_marked() -> None:
    assert Encoder().line(reading({"a": 1.0}), trusted=False).split()[1] == "a=1.0,clock_suspect=t"


def test_what_is_not_finite_is_left_out() -> None:
    line = Encoder().line(reading({"a": math.nan, "b": 1.0, "c": -math.inf}))
    assert parse(line).fields == {"b": 1.0}


def test_a_reading_of_nothing_but_nan_has_no_line() -> None:
    with pytest.raises(UnencodableError, match="finite"):
        Encoder().line(reading({"a": math.nan}))


def test_a_reading_without_values_is_nothing_to_measure() -> None:
    assert Encoder().line(reading({})) == ""


@pytest.mark.parametrize(
    "hostile",
    [
        Reading("d" * 9_000, "k", {"a": 1.0}, at=AT),
        Reading("d", "k", {"n" * 1_001: 1.0}, at=AT),
        Reading("d", "k", {str(n): "x" * 900 for n in range(100)}, at=AT),
        Reading("d", "k", {"a": 1.0}, at=2**63 - 1),
        Reading("d", "k", {"a": 1.0}, at=-(2**63)),
    ],
)
def test_what_no_server_takes_has_no_line(hostile: Reading) -> None:
    with pytest.raises(UnencodableError):
        Encoder().line(hostile)


def test_a_long_string_is_cut() -> None:
    cut = parse(Encoder().line(reading({"s": "火" * 5_000}))).fields["s"]
    assert cut == "火" * 999 + "…"


def test_place_is_a_tag_and_follows_the_registry() -> None:
    def site(place: str) -> Site:
        device = Device("S-17", "mqtt", "a", "smoke", "厨房", place)
        return Site(places={"1": Place("1", "", "city", "市")}, devices={"S-17": device})

    encoder = Encoder()
    assert "place" not in parse(encoder.line(reading({"a": 1.0}))).tags
    encoder.follow(site("1105"))
    assert parse(encoder.line(reading({"a": 1.0}))).tags == {"device": "S-17", "place": "1105"}
    encoder.follow(site("1106"))
    assert parse(encoder.line(reading({"a": 1.0}))).tags["place"] == "1106"
    assert parse(encoder.line(reading({"a": 1.0}, "nobody"))).tags["place"] == "1"


def test_caches_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.sinks.influxdb.lines._CACHED", 10)
    encoder = Encoder()
    for n in range(100):
        encoder.line(reading({f"extra.{n}": 1.0}, f"device-{n}"))
        assert len(encoder._starts) <= 10
        assert len(encoder._keys) <= 10


@given(readings, st.booleans())
def test_a_line_is_read_back_as_it_was(given_reading: Reading, trusted: bool) -> None:
    encoder = Encoder({"site": "s 1"})
    point = parse(encoder.line(given_reading, trusted))
    flags = {name for name in point.fields if name in FLAGS}
    fields = {name: value for name, value in point.fields.items() if name not in FLAGS}
    assert point.measurement == seen(encoder.measurement(given_reading.kind))
    assert point.tags == {"site": "s 1"} | (
        {"device": seen(given_reading.device)} if given_reading.device else {}
    )
    assert fields == {
        seen(encoder.field(name)): seen(value, is_value=True) if isinstance(value, str) else value
        for name, value in given_reading.values.items()
    }
    quality = given_reading.quality if trusted else Quality.clock_suspect
    expected = {quality.value} - {"good"}
    expected |= {name for name in ("late", "retained") if getattr(given_reading, name)}
    assert flags == expected
    assert point.time == given_reading.at


@given(st.lists(texts | texts.map("extra.".__add__), unique=True, max_size=8))
def test_two_names_never_become_one_field(names: list[str]) -> None:
    encoder = Encoder({"site": "s"})
    assert len({encoder.field(name) for name in names}) == len(names)


def seen(text: str, *, is_value: bool = False) -> str:
    """``text`` with the stand-ins for what the format can not carry."""
    pictures = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "␡"}
    in_names = {ord("\\"): "＼", ord('"'): "＂"}
    return text.translate(pictures | ({} if is_value else in_names))
