"""Points of other series: their lines, and what real databases keep of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import SystemClock
from gateway.model import Reading
from gateway.model.series import SERIES, SERIES_FIELDS, Point
from gateway.ports import Refused
from gateway.sinks.influxdb.lines import EARLIEST, LATEST, Encoder, UnencodableError
from gateway.sinks.influxdb.options import Options
from gateway.sinks.influxdb.sink import Sink
from tests.influxdb import Database
from tests.servers import VictoriaMetrics
from tests.sinks.lineprotocol import parse

AT = 1_767_600_000_000_000_000
_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
_VALUE = st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT


def point(n: int = 0, **fields: object) -> Point:
    tags = {"place": "110105003012", "category": "life", "kind": "smoke", "device": "s 1,2=3"}
    return Point("closing", tags, {"key": "L-1", "n": 1.0, **fields}, AT + n)  # type: ignore[dict-item]


@given(
    st.dictionaries(st.sampled_from(["place", "kind", "cause"]), _TEXT),
    st.dictionaries(st.sampled_from(["key", "title", "n", "on_time", "where"]), _VALUE, min_size=1),
    st.integers(EARLIEST, LATEST),
)
def test_a_line_reads_back_as_the_point(tags: dict, fields: dict, at: int) -> None:  # type: ignore[type-arg]
    found = parse(Encoder({"site": "云河"}).point(Point("closing", tags, fields, at)))
    assert (found.measurement, found.time) == ("closing", at)
    assert found.tags.keys() == {key for key, value in tags.items() if value} | {"site"}
    plain = {key: value for key, value in fields.items() if "\\" not in str(value)}
    assert {key: found.fields[key] for key in plain} == plain


def test_a_tag_without_a_value_is_left_out_and_a_table_of_3x_has_it_all_the_same() -> None:
    empty = Point("closing", {"place": "1", "cause": ""}, {"n": 1.0}, 5)
    assert Encoder().point(empty) == "closing,place=1 n=1.0 5"
    assert Encoder(whole=True).point(empty) == "closing,cause=-,place=1 n=1.0 5"


@pytest.mark.parametrize(
    "odd",
    [
        Point("closing", {}, {}, 5),
        Point("closing", {}, {"n": float("nan")}, 5),
        Point("closing", {}, {"n": 1.0}, 2**63),
        Point("closing", {"place": "x" * 9_000}, {"n": 1.0}, 5),
        Point("closing", {}, {str(n): "x" * 999 for n in range(70)}, 5),
    ],
)
def test_what_no_line_can_carry_is_said(odd: Point) -> None:
    with pytest.raises(UnencodableError):
        Encoder().point(odd)


def test_a_kind_that_is_called_as_a_series_does_not_get_into_it() -> None:
    for name in SERIES:
        line = Encoder().line(Reading("d", name, {"alarm": True}, at=5))
        assert line.startswith(f"x_{name},device=d ")


def test_no_tag_of_a_site_may_hide_one_of_a_series() -> None:
    given_ = {"url": "http://h", "database": "d"}
    for name in sorted(SERIES_FIELDS | {tag for tags in SERIES.values() for tag in tags}):
        with pytest.raises(ValueError, match="it has a meaning already"):
            Options.model_validate({**given_, "tags": {name: "x"}})
    assert Options.model_validate({**given_, "tags": {"site": "x"}})


async def test_a_real_influxdb_keeps_every_point_once_and_names_the_one_it_refuses(
    database: Database,
) -> None:
    options = Options.model_validate(database.options | {"batch": 50})
    async with Sink("influx", options, SystemClock()) as sink:
        points = [point(n, title='烟感 "报警"\n', on_time=n % 2 == 0) for n in range(200)]
        for _ in range(2):
            await sink.write_points(points)
        assert database.counted("closing", "n") == 200
        first = database.points("closing")[0]
        assert first["title"] == '烟感 "报警"␊'
        assert first["device"] == "s 1,2=3"
        text = point(1_000)._replace(fields={"n": "text"})
        nothing = point(1_001)._replace(fields={"n": float("nan")})
        bad = [*points[:60], text, *points[60:120], nothing]
        with pytest.raises(Refused) as refused:
            await sink.write_points(bad)
        assert refused.value.indices is not None
        assert set(refused.value.indices) == {60, 121}
        assert "field type conflict" in refused.value.indices[60]
        assert database.counted("closing", "n") == 200


async def test_victoria_metrics_takes_the_numbers(victoria: VictoriaMetrics) -> None:
    options = Options.model_validate({"url": victoria.url, "database": "d"})
    async with Sink("influx", options, SystemClock()) as sink:
        await sink.write_points([point(n * 1_000_000, on_time=True) for n in range(5)])
    (series,) = victoria.export('{__name__="closing_n"}')
    assert series["values"] == [1, 1, 1, 1, 1]
    assert series["metric"]["category"] == "life"
    (times,) = victoria.export('{__name__="closing_on_time"}')
    assert set(times["values"]) == {1}
