"""One dialect, and what it makes of messages, without a broker."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite
from typing import Any, Final

from hypothesis import strategies as st

from drivers._momentary import Holds, Momentary
from drivers.mqtt.decode import Dialect, Filter, Out, Publish, Router
from drivers.mqtt.simulator import Said
from drivers.mqtt.wire import Message
from gateway.model import DeviceSeen, Item, Reading, Undecodable, Value
from tests.cost import affordable
from tests.virtual import VirtualClock

NS_PER_KB: Final = 20_000_000
"""1 ms per kilobyte, times 20 for a noisy machine."""
MOST: Final = 200
"""Items that no message may exceed."""
WORDS: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from(
        ["ON", "OFF", "open", "nan", "", "true", "-1", "2026-11-22T08:00:00", "x" * 300]
    ),
    st.text(max_size=20),
)


def values(names: Sequence[str]) -> st.SearchStrategy[Any]:
    """Objects of any depth whose members are named as a dialect's are."""
    keys = st.one_of(st.sampled_from(list(names)), st.text(max_size=12))
    return st.recursive(
        WORDS,
        lambda inner: st.one_of(
            st.lists(inner, max_size=6), st.dictionaries(keys, inner, max_size=8)
        ),
        max_leaves=25,
    )


def payloads(names: Sequence[str]) -> st.SearchStrategy[bytes]:
    """Any bytes, and JSON that is nearly right."""
    keys = st.one_of(st.sampled_from(list(names)), st.text(max_size=12))
    objects = st.dictionaries(keys, values(names), max_size=12).map(
        lambda found: json.dumps(found).encode("utf-8", "replace")
    )
    plain = WORDS.map(lambda word: str(word).encode("utf-8", "replace"))
    return st.one_of(st.binary(max_size=300), objects, plain)


def mutated(messages: Sequence[Said]) -> st.SearchStrategy[tuple[str, bytes]]:
    """Topic and payload of real messages in which one to four bytes are others."""
    places = st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), min_size=1, max_size=4)
    return st.builds(_changed, st.sampled_from(list(messages)), places)


def _changed(said: Said, places: list[tuple[int, int]]) -> tuple[str, bytes]:
    raw = bytearray(said.payload if isinstance(said.payload, bytes) else said.payload.encode())
    for place, byte in places:
        raw[place % len(raw)] = byte
    return said.topic, bytes(raw)


def huge(names: Sequence[str]) -> list[bytes]:
    """Payloads of 100 kB and more that try every bound: names, depth, length, number."""
    many = {f"{name}-{index:06x}": {name: index} for index in range(400) for name in names[:12]}
    numbered = {f"{name}:{index}": {name: index} for index in range(400) for name in names[:12]}
    deep = b'{"a":' * 30_000 + b"1" + b"}" * 30_000
    long = dict.fromkeys(names[:12], "-" * 20000)
    lists = {name: [{name: 1}] * 500 for name in names[:12]}
    inner = {name: {f"{other}{i}": i for i in range(300) for other in names[:12]} for name in names}
    objects = [json.dumps(each).encode() for each in (many, numbered, long, lists, inner)]
    return [*objects, deep, b"{" * 100_000, b"nan," * 50_000, objects[0][:-1]]


class Speaker:
    """Publishes to one dialect as the driver would."""

    def __init__(self, dialect: Dialect) -> None:
        self.router = Router([dialect])
        self.holds = Holds(VirtualClock())

    def out(self, topic: str, payload: object, *, retained: bool = False) -> list[Out]:
        """What the decoder returns."""
        raw = payload if isinstance(payload, bytes) else text(payload).encode()
        return list(self.router.decode(Message(topic.encode(), raw, retained, b"", len(raw))))

    def items(self, topic: str, payload: object, *, retained: bool = False) -> list[Item]:
        """What is stored of it: the beginning of an event as its reading."""
        found: list[Item] = []
        for each in self.out(topic, payload, retained=retained):
            if isinstance(each, Momentary):
                found.append(each.reading)
            elif not isinstance(each, (Filter, Publish)):
                found.append(each)
        return found

    def reads(self, topic: str, payload: object, *, retained: bool = False) -> Reading:
        """The one reading, without anything wrong beside it."""
        items = self.items(topic, payload, retained=retained)
        (found,) = [item for item in items if not isinstance(item, DeviceSeen)]
        assert isinstance(found, Reading), found
        return found

    def values(self, topic: str, payload: object) -> dict[str, Value]:
        """The one reading's values that are in the tables."""
        found = self.reads(topic, payload).values
        return {name: value for name, value in found.items() if not name.startswith("extra.")}

    def wrong(self, topic: str, payload: object) -> str:
        """The one reason why something can not be read."""
        items = self.items(topic, payload)
        (found,) = [item for item in items if isinstance(item, Undecodable)]
        return found.reason

    def survives(self, topic: str, payload: bytes) -> None:
        """Whatever the bytes: items or a reason, soon, few, and of the right types."""
        limit = NS_PER_KB * (1 + len(payload) // 1024)
        items = affordable(limit, lambda: self.out(topic, payload))
        assert len(items) <= MOST
        for item in items:
            reading = item.reading if isinstance(item, Momentary) else item
            if isinstance(reading, Reading):
                sound(reading)
            elif isinstance(reading, Undecodable):
                assert 0 < len(reading.reason) < 2_000


def sound(reading: Reading) -> None:
    """What intake will take without a complaint about its form."""
    assert 0 < len(reading.device) <= 200
    assert 0 < len(reading.values) <= 64
    assert sum(name.startswith("extra.") for name in reading.values) <= 33
    for name, value in reading.values.items():
        assert type(value) in (float, bool, str), (name, value)
        assert len(name) <= 80
        assert not isinstance(value, float) or isfinite(value), (name, value)
    reading.device.encode()


def text(payload: object) -> str:
    """``payload`` as a device would write it."""
    return payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
