"""Whatever lines a server refuses, and however it says so: those are refused, the others stored."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Reading
from gateway.ports import Unavailable
from gateway.sinks.influxdb.answers import Answer
from gateway.sinks.influxdb.delivery import Delivery, Fates, Line
from gateway.sinks.influxdb.lines import Encoder

ENCODER = Encoder()


class Server:
    """Refuses lines whose value is a string; ``partial`` stores the others of such a request."""

    def __init__(self, partial: bool, names: bool, counts: bool, room: int) -> None:
        self.partial, self.names, self.counts, self.room = partial, names, counts, room
        self.stored: set[str] = set()

    async def send(self, body: bytes) -> Answer:
        lines = body.decode().split("\n")
        if len(lines) > self.room:
            return Answer(413, "too large")
        bad = [line for line in lines if '"' in line]
        if self.partial or not bad:
            self.stored |= set(lines) - set(bad)
        if not bad:
            return Answer(204, "")
        words = "partial write: it does not fit"
        if self.names:
            words = (
                'field type conflict: input field "v" on measurement "k" is type string, already'
            )
        return Answer(400, words + (f" dropped={len(bad)}" if self.counts else ""))


def lines(bad: list[bool]) -> list[Line]:
    readings = [Reading("d", "k", {"v": "x" if b else 1.0}, at=n + 1) for n, b in enumerate(bad)]
    return [Line(n, 2 * n, ENCODER.line(reading), reading) for n, reading in enumerate(readings)]


def deliver(server: Server, given: list[Line]) -> dict[int, str]:
    """As the sink does: attempt after attempt, each with what is known."""
    known: Fates = {}
    for _ in range(100):
        delivery = Delivery(server.send, ENCODER, lambda answer: answer.words, known)
        try:
            asyncio.run(delivery.bring(given))
        except Unavailable as error:
            known = delivery.fates
            if "goes on" not in error.reason:
                raise
        else:
            return delivery.refused
    raise AssertionError("it never ends")


@given(
    st.lists(st.booleans(), max_size=24),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(3, 50),
)
def test_each_line_is_stored_or_refused(
    bad: list[bool], partial: bool, names: bool, counts: bool, room: int
) -> None:
    server = Server(partial, names, counts, room)
    batch = lines(bad)
    assert set(deliver(server, batch)) == {2 * n for n, b in enumerate(bad) if b}
    assert server.stored == {line.text for line, b in zip(batch, bad, strict=True) if not b}


@given(
    st.lists(st.booleans(), min_size=1, max_size=24).filter(lambda bad: not all(bad)),
    st.booleans(),
    st.integers(1, 12),
)
def test_a_search_in_many_attempts_ends_with_the_same(
    bad: list[bool], unclear: bool, requests: int
) -> None:
    class Strict(Server):
        async def send(self, body: bytes) -> Answer:
            answer = await super().send(body)
            return answer._replace(text="odd") if unclear and answer.status == 400 else answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.sinks.influxdb.delivery.MOST_REQUESTS", 8 + requests)
        patch.setattr("gateway.sinks.influxdb.delivery._SAMPLE", 24)
        server, batch = Strict(False, False, False, 50), lines(bad)
        assert set(deliver(server, batch)) == {2 * n for n, b in enumerate(bad) if b}
    assert server.stored == {line.text for line, b in zip(batch, bad, strict=True) if not b}


def test_a_request_that_turns_wrong_in_mid_search_condemns_no_line() -> None:
    class Turning(Server):
        wrong = False
        asked = 0

        async def send(self, body: bytes) -> Answer:
            self.asked += 1
            return Answer(400, "odd") if self.wrong else await super().send(body)

    server = Turning(False, False, False, 100)
    batch = lines([n % 3 == 0 for n in range(60)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.sinks.influxdb.delivery.MOST_REQUESTS", 30)
        first = Delivery(server.send, ENCODER, lambda answer: answer.words, {})
        with pytest.raises(Unavailable, match=r"partial write.*; \d+ of 60 points .* goes on"):
            asyncio.run(first.bring(batch))
    server.wrong, server.asked = True, 0
    second = Delivery(server.send, ENCODER, lambda answer: answer.words, first.fates)
    with pytest.raises(Unavailable, match="odd"):
        asyncio.run(second.bring(batch))
    assert server.asked == 2  # the rest, and a line that was taken before
    assert second.fates == first.fates


def test_a_type_that_conflicts_in_one_shard_alone_is_refused_there_alone() -> None:
    class Shards(Server):
        """Lines up to 20 lie in a shard where ``v`` is a number, the others elsewhere."""

        async def send(self, body: bytes) -> Answer:
            given = body.decode().split("\n")
            bad = {line for line in given if '"' in line and int(line.split()[-1]) <= 20}
            self.stored |= set(given) - bad
            words = 'input field "v" on measurement "k" is type string, already exists'
            return Answer(422, f"{words} dropped={len(bad)}") if bad else Answer(204, "")

    server, batch = Shards(True, True, True, 100), lines([n % 2 == 0 for n in range(1, 41)])
    assert sorted(deliver(server, batch)) == [2 * n for n in range(1, 20, 2)]
    assert len(server.stored) == 30


def test_a_body_over_the_limit_is_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.sinks.influxdb.delivery.MOST_BYTES", 100)
    sizes: list[int] = []

    class Measuring(Server):
        async def send(self, body: bytes) -> Answer:
            sizes.append(len(body))
            return await super().send(body)

    server = Measuring(True, True, True, 1_000)
    assert deliver(server, lines([False] * 200)) == {}
    assert len(server.stored) == 200
    assert max(sizes) <= 100


def test_a_server_that_goes_away_in_the_middle_leaves_the_whole_batch_to_be_sent_again() -> None:
    class Leaving(Server):
        async def send(self, body: bytes) -> Answer:
            return Answer(503, "going", 3.0) if self.stored else await super().send(body)

    with pytest.raises(Unavailable) as caught:
        deliver(Leaving(False, False, False, 10), lines([False] * 30))
    assert caught.value.retry_after == 3.0
