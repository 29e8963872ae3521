"""Published messages are cut out of the byte stream, however it is chopped."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mqtt.wire import Cutter, Malformed, Message

LIMIT = 1_000


def published(
    topic: bytes, payload: bytes, qos: int = 0, mid: int = 1, *, retained: bool = False
) -> bytes:
    body = struct.pack(">H", len(topic)) + topic
    body += (struct.pack(">H", mid) if qos else b"") + payload
    length, rest = b"", len(body)
    while True:
        rest, digit = rest >> 7, rest & 127
        length += bytes([digit | (128 if rest else 0)])
        if not rest:
            return bytes([0x30 | qos << 1 | retained]) + length + body


def fed(chunks: list[bytes], limit: int = LIMIT) -> tuple[list[Message], bytes]:
    cutter, messages, control = Cutter(limit), [], b""
    for chunk in chunks:
        cut = cutter.feed(chunk)
        messages += cut.messages
        control += cut.control
    return messages, control


def test_a_message_of_each_quality_has_its_acknowledgement() -> None:
    stream = b"".join(published(b"a/b", b"x", qos, 0x0102) for qos in (0, 1, 2))
    messages, control = fed([stream])
    assert [m.ack for m in messages] == [b"", b"\x40\x02\x01\x02", b"\x50\x02\x01\x02"]
    assert {(m.topic, m.payload, m.size) for m in messages} == {(b"a/b", b"x", 1)}
    assert control == b""


def test_control_packets_pass_whole_and_in_order() -> None:
    pong, suback = b"\xd0\x00", b"\x90\x03\x00\x01\x01"
    messages, control = fed([pong + published(b"t", b"1") + suback[:2], suback[2:] + pong])
    assert control == pong + suback + pong
    assert [m.payload for m in messages] == [b"1"]


@given(
    st.lists(
        st.tuples(
            st.binary(min_size=1, max_size=30),
            st.one_of(st.binary(max_size=300), st.integers(0, 200_000).map(bytes)),
            st.integers(0, 2),
            st.booleans(),
        ),
        max_size=5,
    ),
    st.lists(st.integers(1, 400_000), max_size=8),
)
def test_chopping_changes_nothing(
    wanted: list[tuple[bytes, bytes, int, bool]], cuts: list[int]
) -> None:
    stream = b"\xd0\x00".join(
        published(topic, payload, qos, retained=retained)
        for topic, payload, qos, retained in wanted
    )
    at = [0, *sorted({cut % (len(stream) + 1) for cut in cuts}), len(stream)]
    messages, control = fed([stream[a:b] for a, b in pairwise(at)])
    assert control == b"\xd0\x00" * max(0, len(wanted) - 1)
    assert [(m.topic, m.size, m.retained) for m in messages] == [
        (topic, len(payload), retained) for topic, payload, _, retained in wanted
    ]
    for message, (_, payload, _, _) in zip(messages, wanted, strict=True):
        assert message.payload == (payload if len(payload) <= LIMIT else payload[:4096])


@pytest.mark.parametrize("more", range(-3, 4_105, 100))
def test_a_message_somewhat_too_long_does_not_wait_for_the_next(more: int) -> None:
    stream = published(b"t", bytes(LIMIT + 65_536 + more), 1)
    for cut in (2, 4, 5, 70_000):
        messages, _ = fed([stream[:cut], stream[cut:]])
        assert [(m.topic, m.size) for m in messages] == [(b"t", LIMIT + 65_536 + more)]


def test_ten_megabytes_are_thrown_away_but_for_their_head_and_acknowledged() -> None:
    stream = published(b"big", bytes(10_000_000), 1, 7) + published(b"next", b"ok", 1, 8)
    cutter, messages = Cutter(LIMIT), []
    for at in range(0, len(stream), 65_536):
        messages += cutter.feed(stream[at : at + 65_536]).messages
        assert len(cutter._rest) < 200_000
    assert [(m.topic, len(m.payload), m.size) for m in messages] == [
        (b"big", 4096, 10_000_000),
        (b"next", 2, 2),
    ]
    assert messages[0].ack == b"\x40\x02\x00\x07"


@pytest.mark.parametrize(
    "stream",
    [
        b"\x30\x80\x80\x80\x80\x01",  # a length of five bytes
        b"\x30\x01\x00",  # no topic length
        b"\x30\x02\x00\x00",  # empty topic
        b"\x32\x03\x00\x05a",  # topic beyond the end
        b"\x32\x04\x00\x01a\x00",  # half a packet id
        b"\x36\x06\x00\x01a\x00\x01x",  # QoS 3
        b"\x90\xff\xff\x7f",  # two megabytes of SUBACK
    ],
)
def test_bytes_that_are_no_mqtt_are_said_so(stream: bytes) -> None:
    with pytest.raises(Malformed):
        fed([stream])


@given(st.lists(st.binary(max_size=200), max_size=10))
def test_garbage_never_raises_anything_else(chunks: list[bytes]) -> None:
    try:
        fed(chunks)
    except Malformed:
        return
