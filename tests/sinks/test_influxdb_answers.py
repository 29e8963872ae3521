"""Answers that no real server gives when asked to: a small server, in InfluxDB 2.7's own words."""

from __future__ import annotations

import math
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.clock import SystemClock
from gateway.model import Record
from gateway.ports import Refused, Unavailable
from gateway.sinks.influxdb.answers import Answer, Verdict, conflict, dropped, judge
from gateway.sinks.influxdb.delivery import MOST_REQUESTS
from gateway.sinks.influxdb.options import Options
from gateway.sinks.influxdb.sink import Sink
from tests.sinks.lineprotocol import Point, parse
from tests.sinks.test_influxdb_servers import record, records

_BOUND = (
    "dropped because it violates a Retention Policy Lower Bound at 2026-11-22T13:46:01.411395069Z"
)
OUTSIDE = (
    "failure writing points to database: partial write: dropped {count} points outside retention"
    f" policy of duration 1h0m0s - oldest point m at 1970-01-01T00:00:00.000001Z {_BOUND}, newest"
    f" point m at 1970-01-01T00:00:00.000002Z {_BOUND} dropped={{count}} for database:"
    " b64c39f85622c495 for retention policy: autogen"
)
"""As a 2.7.12 says it."""
CONFLICT = (
    'failure writing points to database: partial write: field type conflict: input field "v" on'
    ' measurement "m" is type string, already exists as type float dropped=2'
)
Reply = Callable[[list[Point]], web.Response | None]


class Influx2:
    """``/api/v2/write``: ``reply`` decides, None stores everything."""

    def __init__(self) -> None:
        self.reply: Reply = lambda _points: None
        self.stored: dict[tuple[str, int], Point] = {}
        self.requests: list[web.Request] = []

    async def write(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        body = await request.read()  # aiohttp's server has unpacked it
        points = [parse(line) for line in body.decode().split("\n")]
        if (answer := self.reply(points)) is not None:
            return answer
        self.keep(points)
        return web.Response(status=204)

    def keep(self, points: list[Point]) -> None:
        self.stored |= {(point.tags["device"], point.time): point for point in points}


@pytest.fixture
def influx2() -> Influx2:
    return Influx2()


@pytest.fixture
async def url(influx2: Influx2) -> AsyncIterator[str]:
    application = web.Application(client_max_size=20_000_000)
    application.router.add_post("/api/v2/write", influx2.write)
    application.router.add_post("/write", influx2.write)
    async with TestServer(application) as server:
        yield str(server.make_url("/")).rstrip("/")


@pytest.fixture(params=[1, 2])
async def sink(request: pytest.FixtureRequest, url: str, tmp_path: Path) -> AsyncIterator[Sink]:
    """Both versions judge an answer alike, so each answer is tried on both."""
    (tmp_path / "token").write_text("t0ken\n")
    token = {"file": str(tmp_path / "token")}
    options = {"url": url, "version": request.param}
    options |= (
        {"database": "site", "create_database": False}
        if request.param == 1
        else {"org": "o 1", "bucket": "b&2", "token": token}
    )
    async with Sink("influx", Options.model_validate(options), SystemClock()) as made:
        yield made


def error(status: int, message: str, **headers: str) -> web.Response:
    body = {"code": "some code", "message": message}
    return web.json_response(body, status=status, headers=headers)


async def refused(to: Sink, batch: list[Record]) -> dict[int, str]:
    with pytest.raises(Refused) as caught:
        await to.write(batch)
    return dict(caught.value.indices or {})


async def test_version_2_sends_token_org_bucket_and_packed_lines(
    influx2: Influx2, url: str, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("t0ken\n")
    given = {"url": url, "version": 2, "org": "o 1", "bucket": "b&2"}
    options = Options.model_validate(given | {"token": {"file": str(tmp_path / "token")}})
    async with Sink("influx", options, SystemClock()) as to:
        await to.write(records(3))
    [request] = influx2.requests
    assert dict(request.query) == {"org": "o 1", "bucket": "b&2", "precision": "ns"}
    assert request.headers["Authorization"] == "Token t0ken"
    assert request.headers["Content-Encoding"] == "gzip"
    assert len(influx2.stored) == 3


async def test_check_says_when_somebody_else_answers(influx2: Influx2, sink: Sink) -> None:
    with pytest.raises(Unavailable, match=r"/ping answers 404; check url"):
        await sink.check()


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_retry_after_is_handed_on(influx2: Influx2, sink: Sink, status: int) -> None:
    influx2.reply = lambda _points: error(status, "later", **{"Retry-After": "17"})
    with pytest.raises(Unavailable, match=f"{status}: later") as caught:
        await sink.write(records(2))
    assert caught.value.retry_after == 17.0
    assert len(influx2.requests) == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "refuses our credentials"), (403, "refuses our credentials"), (404, "does not know")],
)
async def test_what_the_operator_has_to_mend_waits(
    influx2: Influx2, sink: Sink, status: int, words: str
) -> None:
    influx2.reply = lambda _points: error(status, "no\nsuch")
    with pytest.raises(Unavailable, match=f"{words}.*{status}: no such.*check") as caught:
        await sink.write(records(2))
    assert "t0ken" not in str(caught.value)
    influx2.reply = lambda _points: None
    await sink.write(records(2))
    assert len(influx2.stored) == 2


@pytest.mark.parametrize("status", [200, 302])
async def test_somebody_else_in_its_place_is_not_believed(
    influx2: Influx2, sink: Sink, status: int
) -> None:
    portal = {"Location": "http://portal.invalid/"}
    influx2.reply = lambda _points: web.Response(status=status, text="<html>", headers=portal)
    with pytest.raises(Unavailable, match="does not answer as InfluxDB"):
        await sink.write(records(2))


async def test_a_body_too_large_is_halved_until_it_fits(influx2: Influx2, sink: Sink) -> None:
    influx2.reply = lambda points: error(413, "too large") if len(points) > 10 else None
    await sink.write(records(100))
    assert len(influx2.stored) == 100


async def test_a_strict_400_stores_all_but_the_bad_line(influx2: Influx2, sink: Sink) -> None:
    def strict(points: list[Point]) -> web.Response | None:
        bad = any(point.fields.get("zone") == "bad" for point in points)
        words = "unable to parse 'climate,device=d-5 zone=bad 1': invalid boolean"
        return error(400, words) if bad else None

    influx2.reply = strict
    batch = records(300)
    batch[123] = record(124, {"zone": "bad"})
    assert list(await refused(sink, batch)) == [123]
    assert len(influx2.stored) == 299


async def test_a_422_keeps_what_was_stored(influx2: Influx2, sink: Sink) -> None:
    def retention(points: list[Point]) -> web.Response | None:
        old = [point for point in points if point.fields.get("zone") == "old"]
        influx2.keep([point for point in points if point not in old])
        if not old:
            return web.Response(status=204)
        return error(422, OUTSIDE.format(count=len(old)))

    influx2.reply = retention
    batch = records(50)
    batch[:9] = [record(n, {"zone": "old"}) for n in range(9)]
    assert sorted(await refused(sink, batch)) == list(range(9))
    assert len(influx2.stored) == 41


async def test_unclear_words_condemn_a_line_only_beside_others_that_were_taken(
    influx2: Influx2, sink: Sink
) -> None:
    influx2.reply = lambda _points: error(400, "the request is odd")
    for count in (1, 300):
        with pytest.raises(Unavailable, match="the request is odd"):
            await sink.write(records(count))
    influx2.reply = lambda points: (
        error(400, "odd") if any(point.fields.get("zone") == "bad" for point in points) else None
    )
    batch = [*records(10), record(11, {"zone": "bad"})]
    assert await refused(sink, batch) == {10: "odd"}


async def test_three_hundred_bad_lines_of_five_thousand_are_found_and_no_other_is_refused(
    influx2: Influx2, sink: Sink
) -> None:
    batch = records(5_000)
    bad = set(random.Random(5).sample(range(5_000), 300))
    for row in bad:
        batch[row] = record(row + 1, {"zone": "bad"})
    influx2.reply = lambda points: (
        error(400, "unable to parse") if any("zone" in point.fields for point in points) else None
    )
    for attempt in range(1, 5):
        with pytest.raises((Unavailable, Refused)) as caught:
            await sink.write(batch)
        if isinstance(caught.value, Refused):
            assert set(caught.value.indices or {}) == bad
            break
        assert "the search for others goes on" in caught.value.reason
        assert len(influx2.requests) == attempt * MOST_REQUESTS
    assert 2 <= attempt <= 4
    assert len(influx2.requests) < 2.2 * 300 * (1 + math.log2(5_000 / 300))
    assert len(influx2.stored) == 4_700
    influx2.stored.clear()
    await sink.write(records(3))  # nothing is remembered of a batch that is done
    assert len(influx2.stored) == 3


async def test_a_long_answer_is_read_only_to_its_start(influx2: Influx2, sink: Sink) -> None:
    influx2.reply = lambda _points: web.Response(status=500, text="x" * 5_000_000)
    with pytest.raises(Unavailable) as caught:
        await sink.write(records(1))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (204, "", Verdict.stored),
        (200, "", Verdict.away),
        (400, '{"error":"database is required"}', Verdict.unclear),
        (
            400,
            '{"error":"partial write: points beyond retention policy dropped=2"}',
            Verdict.lines_refused,
        ),
        (400, "unable to parse 'm v= 1'", Verdict.lines_refused),
        (422, "", Verdict.lines_refused),
        (413, "", Verdict.too_large),
        (401, "", Verdict.away),
        (500, "partial write", Verdict.away),
    ],
)
def test_each_answer_has_one_verdict(status: int, body: str, verdict: Verdict) -> None:
    assert judge(Answer(status, body)) is verdict


def test_the_reference_bodies_are_understood() -> None:
    words = Answer(
        400,
        r'{"error":"field type conflict: input field \"booleanonly\" on measurement '
        r'\"tobeornottobe\" is type float, already exists as type boolean dropped=1"}',
    ).words
    assert conflict(words) == ("tobeornottobe", "booleanonly", "float")
    assert dropped(words) == 1
    assert dropped(OUTSIDE.format(count=4)) == 4
    assert dropped(CONFLICT) == 2
    assert conflict(CONFLICT) == ("m", "v", "string")
    assert dropped("unable to parse 'dropped=' …") == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, r"url\n.*Field required[^$]*version 1 needs database"),
        ({"url": "h:8086", "database": "d"}, "begins with http"),
        ({"url": "http://u:p@h:8086", "database": "d"}, "no user or password"),
        ({"url": "http://h"}, "version 1 needs database"),
        ({"url": "http://h", "version": 2, "org": "o"}, "2 needs bucket[^$]*2 needs token"),
        ({"url": "http://h", "database": "d", "bucket": "b"}, "bucket is for version 2"),
        ({"url": "http://h", "database": "d", "username": "u"}, "go together"),
        ({"url": "http://h", "database": 'a"b'}, "pattern"),
        ({"url": "http://h", "database": "d", "tags": {"device": "x"}}, "meaning already"),
        ({"url": "http://h", "database": "d", "batch": 0}, "greater"),
        ({"url": "http://h", "database": "d", "password": "plain"}, "a secret is written"),
    ],
)
def test_wrong_options_are_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        Options.model_validate(given)
    assert "u:p@" not in str(caught.value).split("input_value")[0]
