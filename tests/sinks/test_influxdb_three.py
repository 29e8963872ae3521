"""InfluxDB 3's write endpoint: a small server that follows the reference, partial writes included."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import SystemClock
from gateway.model.series import Point
from gateway.ports import Refused, Unavailable
from gateway.sinks.influxdb.answers import Answer, named
from gateway.sinks.influxdb.options import Options
from gateway.sinks.influxdb.sink import Sink
from tests.sinks.lineprotocol import parse
from tests.sinks.test_influxdb_servers import records

_MOST_NAMED = 100


class Influx3:
    """Tables whose tags are settled by their first line, and whose columns keep their type."""

    def __init__(self) -> None:
        self.tags: dict[str, list[str]] = {}
        self.types: dict[tuple[str, str], type] = {}
        self.stored: dict[tuple[str, tuple[tuple[str, str], ...], int], dict[str, Any]] = {}
        self.queries: list[dict[str, str]] = []
        self.logins: set[str] = set()
        self.answers: list[web.Response] = []

    async def write(self, request: web.Request) -> web.Response:
        self.queries.append(dict(request.query))
        self.logins.add(request.headers.get("Authorization", ""))
        if self.answers:
            return self.answers.pop(0)
        bad = []
        for number, line in enumerate((await request.read()).decode().split("\n"), 1):
            if why := self._take(line):
                bad.append({"original_line": line, "line_number": number, "error_message": why})
        if not bad:
            return web.Response(status=204)
        said = {"error": "partial write of line protocol occurred", "data": bad[:_MOST_NAMED]}
        return web.json_response(said, status=400)

    async def health(self, _request: web.Request) -> web.Response:
        return web.Response(text="OK")

    def _take(self, line: str) -> str:
        point = parse(line)
        table = point.measurement
        known = self.tags.setdefault(table, sorted(point.tags))
        if extra := sorted(set(point.tags) - set(known)):
            return f"Detected a new tag '{extra[0]}' in write. The tag set is immutable"
        for name, value in point.fields.items():
            first = self.types.setdefault((table, name), type(value))
            if first is not type(value):
                return f"invalid column type for column '{name}'"
        key = table, tuple(sorted(point.tags.items())), point.time
        self.stored.setdefault(key, {}).update(point.fields)
        return ""


@pytest.fixture
def influx3() -> Influx3:
    return Influx3()


@pytest.fixture
async def sink(influx3: Influx3, tmp_path: Path) -> AsyncIterator[Sink]:
    application = web.Application(client_max_size=20_000_000)
    application.router.add_post("/api/v3/write_lp", influx3.write)
    application.router.add_get("/health", influx3.health)
    (tmp_path / "token").write_text("t0ken\n")
    async with TestServer(application) as server:
        options = {
            "url": str(server.make_url("/")).rstrip("/"), "version": 3, "database": "d",
            "token": {"file": str(tmp_path / "token")},
        }  # fmt: skip
        async with Sink("influx", Options.model_validate(options), SystemClock()) as made:
            yield made


def closings(count: int, **fields: Any) -> list[Point]:
    """Points of one table."""
    return [
        Point("closing", {"place": "1", "cause": "", "kind": "smoke"}, {"n": 1.0, **fields}, at)
        for at in range(1, count + 1)
    ]


async def test_readings_and_points_are_stored_as_the_reference_wants_them(
    influx3: Influx3, sink: Sink
) -> None:
    await sink.write(records(20))
    await sink.write_points(closings(5))
    assert len(influx3.stored) == 25
    assert influx3.queries[0] == {
        "db": "d", "precision": "nanosecond", "accept_partial": "true", "no_sync": "false",
    }  # fmt: skip
    assert influx3.logins == {"Bearer t0ken"}
    assert "answers" in await sink.check()
    # a tag without a value is there all the same, so that it may have one later
    later = Point("closing", {"place": "1", "cause": "cooking", "kind": ""}, {"n": 1.0}, 99)
    await sink.write_points([later])
    assert influx3.tags["closing"] == ["cause", "kind", "place"]


@pytest.mark.parametrize("bad", [1, 3, 250])
async def test_refused_lines_are_named_and_their_neighbours_stored_once(
    influx3: Influx3, sink: Sink, bad: int
) -> None:
    await sink.write_points(closings(1))
    points = closings(1_000)[1:]
    for n in range(bad):
        at = n * 3 + 5
        points[at] = points[at]._replace(fields={"n": "text"})
    with pytest.raises(Refused) as refused:
        await sink.write_points(points)
    assert refused.value.indices is not None
    assert sorted(refused.value.indices) == [n * 3 + 5 for n in range(bad)]
    assert set(refused.value.indices.values()) == {"invalid column type for column 'n'"}
    assert len(influx3.stored) == 1 + len(points) - bad
    assert len(influx3.queries) <= 2 + bad // _MOST_NAMED + 1 + 1


@pytest.mark.parametrize(("status", "words"), [(401, "refuses our credentials"), (503, "not store"),
                                               (404, "where to write"), (429, "fewer writes")])  # fmt: skip
async def test_what_is_not_about_lines_is_waited_for(
    influx3: Influx3, sink: Sink, status: int, words: str
) -> None:
    body = {"error": "the words"}
    influx3.answers = [web.json_response(body, status=status, headers={"Retry-After": "7"})]
    with pytest.raises(Unavailable, match=words) as away:
        await sink.write_points(closings(3))
    assert away.value.retry_after == 7.0
    await sink.write_points(closings(3))
    assert len(influx3.stored) == 3


async def test_a_name_that_is_not_of_our_line_condemns_nothing(
    influx3: Influx3, sink: Sink
) -> None:
    """A server that counts otherwise: what it names has to begin as our line does."""
    wrong = {"original_line": "other,x=y a=1", "line_number": 1, "error_message": "no"}
    said = {"error": "partial write of line protocol occurred", "data": [wrong]}
    influx3.answers = [web.json_response(said, status=400)]
    await sink.write_points(closings(4))
    assert len(influx3.stored) == 4


@given(st.text(), st.integers(0, 999))
def test_any_body_is_read_without_falling_over(text: str, status: int) -> None:
    assert isinstance(named(Answer(status, text)), list)


@settings(max_examples=20)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(
            st.sampled_from(["error", "data", "line_number", "original_line", "error_message"]),
            inner,
        ),
    )
)  # fmt: skip
def test_any_json_is_read_without_falling_over(body: Any) -> None:
    for each in named(Answer(400, json.dumps(body))):
        assert isinstance(each.number, int)
