"""Messages to items: which dialect reads a topic, and what all dialects have in common. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

import msgspec

from drivers._momentary import Momentary
from drivers.mqtt.wire import Message
from gateway.model import Item, Undecodable

KEPT: Final = 4_096
"""Bytes of an undecodable payload that are kept: enough to see what is wrong with it."""
EXTRAS: Final = 32
"""Values outside the tables that one message may bring."""
LONGEST_NAME: Final = 200
"""Characters of a device's address; MQTT would allow 65,535."""
_PLANS: Final = 10_000
"""Topics whose plan is kept; the oldest goes first. A topic without plan costs one look-up."""


class Filter(NamedTuple):
    """A subscription. Returned by a decoder: one that is wanted from now on."""

    topic: str
    qos: int


class Publish(NamedTuple):
    """What a decoder asks of a far end (a rebirth, say), sent with QoS 0 and never by a trial."""

    topic: str
    payload: bytes


Out = Item | Momentary | Filter | Publish
Decode = Callable[[bytes, bool], Sequence[Out]]
"""The decoder of one topic: (payload, retained) to what follows from it. Never raises."""


class Dialect(Protocol):
    """A way of writing readings into topics and payloads."""

    def filters(self, qos: int) -> list[Filter]:
        """What to subscribe to; ``qos`` where the dialect's options do not say.

        Asked at every connection: filters that decoders have returned since are among them.
        """

    def plan(self, topic: str) -> Decode | None:
        """The decoder of ``topic``; None if it is not this dialect's."""


@runtime_checkable
class Announced(Protocol):
    """What a dialect has besides whose devices live and die with topics that the broker keeps."""

    def deleted(self, topic: str) -> Sequence[Out]:
        """What follows from an empty payload on ``topic``."""


@runtime_checkable
class Closing(Protocol):
    """What a dialect has besides that holds something (a process for makers' codecs)."""

    def close(self) -> None:
        """Let it go; what comes later opens it again."""


class Router:
    """Finds the decoder of a message by its topic, and remembers it."""

    def __init__(self, dialects: Iterable[Dialect]) -> None:
        self._dialects = tuple(dialects)
        self._plans: dict[bytes, Decode] = {}
        self._hearing: list[Callable[[str], Sequence[Out]]] = [
            dialect.deleted for dialect in self._dialects if isinstance(dialect, Announced)
        ]

    def filters(self, qos: int) -> list[Filter]:
        """What to subscribe to, each topic once."""
        found: dict[str, Filter] = {}
        for dialect in self._dialects:
            for wanted in dialect.filters(qos):
                found.setdefault(wanted.topic, wanted)
        return list(found.values())

    def decode(self, message: Message) -> Sequence[Out]:
        """What follows from ``message``. An empty payload means that the topic was deleted."""
        if not message.payload:
            return self._deleted(message.topic)
        plan = self._plans.get(message.topic)
        if plan is None:
            plan = self._plan(message.topic)
        if message.size > len(message.payload):
            source = message.topic.decode("utf-8", "replace")
            return [Undecodable(source, message.payload, f"{message.size:,} bytes are too many")]
        return plan(message.payload, message.retained)

    def reads(self, topic: bytes) -> bool:
        """Whether a dialect can make something of this topic now."""
        text = topic.decode("utf-8", "replace")
        return any(dialect.plan(text) is not None for dialect in self._dialects)

    def close(self) -> None:
        """The connection is over: what dialects hold is let go."""
        for dialect in self._dialects:
            if isinstance(dialect, Closing):
                dialect.close()

    def _deleted(self, topic: bytes) -> Sequence[Out]:
        """Nothing, but for the dialect that learns of devices from topics that are kept."""
        text = topic.decode("utf-8", "replace")
        return [out for hear in self._hearing for out in hear(text)]

    def _plan(self, topic: bytes) -> Decode:
        plan, lasting = self._find(topic)
        if not lasting:
            return plan
        if len(self._plans) >= _PLANS:
            del self._plans[next(iter(self._plans))]
        self._plans[topic] = plan
        return plan

    def _find(self, topic: bytes) -> tuple[Decode, bool]:
        """The decoder, and whether it will still be the right one later.

        What nobody reads now may be announced yet: after a restart the broker's queue comes first.
        """
        try:
            text = topic.decode()
        except UnicodeDecodeError:
            return refusing(topic.decode("utf-8", "replace"), "the topic is not UTF-8"), True
        for dialect in self._dialects:
            if (plan := dialect.plan(text)) is not None:
                return plan, True
        return refusing(text, "no dialect reads this topic; is it an old subscription?"), False


def refusing(topic: str, reason: str) -> Decode:
    """The decoder of a topic that nothing can be made of."""

    def decode(payload: bytes, retained: bool) -> list[Item]:
        return [undecodable(topic, payload, reason)]

    return decode


def undecodable(topic: str, payload: bytes, reason: str) -> Undecodable:
    """``payload``'s beginning and the reason."""
    return Undecodable(topic[:LONGEST_NAME], payload[:KEPT], reason)


_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])
_NO_NUMBER: Final = re.compile(
    rb"(?<=[:,\[\s])[-+]?(?:nan|inf(?:inity)?)(?=[\s,}\]])", re.IGNORECASE
)


def fields_of(payload: bytes) -> dict[str, Any]:
    """The members of a JSON object. ValueError says why it is none.

    A bare NaN, which sensors print for "not connected", becomes null, and a number beyond any
    float infinity, which no value accepts: the smoke alarm beside them counts.
    """
    try:
        return _OBJECT.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = _reason(error)
    mended = _NO_NUMBER.sub(b"null", payload)
    try:
        return _OBJECT.decode(mended)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if "out of range" not in str(error):
            raise ValueError(reason) from None
    try:
        found = json.loads(mended)
    except (ValueError, RecursionError):
        raise ValueError(reason) from None
    if not isinstance(found, dict):
        raise ValueError(reason)
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "not JSON: nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "not JSON: not UTF-8"
    if isinstance(error, msgspec.ValidationError):
        return f"not a JSON object: {error}"
    return f"not JSON: {error}"
