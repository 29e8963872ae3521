"""Whatever lines a server refuses, and however it says so: those are refused, the others stored."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Reading
from gateway.ports import Unavailable
from gateway.sinks.influxdb.answers import Answer
from gateway.sinks.influxdb.delivery import Delivery, Line
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
    readings = [Reading("d", "k", {"v": "x" if b else 1.0}, at=n) for n, b in enumerate(bad)]
    return [Line(2 * n, ENCODER.line(reading), reading) for n, reading in enumerate(readings)]


def deliver(server: Server, given: list[Line]) -> dict[int, str]:
    delivery = Delivery(server.send, ENCODER, lambda answer: answer.words)
    asyncio.run(delivery.bring(given))
    return delivery.refused


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
