"""What boards ask for, and what the simulation writes, are names that the gateway streams."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

import dashboards
from dashboards.queries import FIRE
from gateway.model import KINDS, Value, vocabulary
from gateway.model.series import SERIES, SERIES_FIELDS
from gateway.sinks.influxdb.lines import FLAGS
from tests.dashboards.grafana import queries
from tests.dashboards.week import Week

ASKED = sorted({query.text for board in dashboards.all("en") for query in queries(board.json)})
READINGS = FLAGS | {"device", "place"}
"""What every reading has besides its values."""
SITE = {"site"}
"""The tag that tells gateways apart, by the sink's configuration."""


def measured(text: str) -> list[str]:
    """The measurements of a query."""
    named = re.findall(r'FROM "(\w+)"', text)
    for pattern in re.findall(r"FROM /(\S+)/ ", text):
        found = [kind for kind in KINDS if re.search(pattern, kind)]
        assert found, pattern
        named += found
    return named


def known(measurements: Iterable[str]) -> set[str]:
    """The tags and fields that at least one of them has."""
    found = set(SITE)
    for name in measurements:
        own = set(SERIES[name]) | SERIES_FIELDS if name in SERIES else set(vocabulary(name))
        found |= own if name in SERIES else own | READINGS
    return found


@pytest.mark.parametrize("text", ASKED, ids=range(len(ASKED)))
def test_every_name_in_a_query_is_streamed(text: str) -> None:
    measurements = measured(text)
    assert measurements
    assert [name for name in measurements if name not in SERIES and name not in KINDS] == []
    made = set(re.findall(r'AS "(\w+)"', text))
    names = set(re.findall(r'"(\w+)"', text)) - made - set(measurements)
    read = text.rpartition("SELECT ")[2].partition(" FROM ")[0]  # of the innermost, as it is stored
    names |= set(re.findall(r'"(\w+)"', re.sub(r' AS "\w+"', "", read)))
    assert names - known(measurements) == set()


def test_kinds_that_tell_of_fire_are_kinds() -> None:
    assert set(re.findall(r"\w+", FIRE)) < set(KINDS)


def test_the_simulated_week_is_of_the_gateways_series() -> None:
    types: dict[tuple[str, str], type[Value]] = {}
    for point in Week(grids=2).streamed:
        name, tags = point.measurement, set(point.tags) - SITE
        if name in SERIES:
            assert tags <= set(SERIES[name]), name
            assert set(point.fields) <= SERIES_FIELDS, name
        else:
            assert tags == {"device", "place"}
            assert set(point.fields) <= set(vocabulary(name)) | FLAGS, name
        for field, value in point.fields.items():
            assert types.setdefault((name, field), type(value)) is type(value), (name, field)
