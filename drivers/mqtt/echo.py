"""The canary's report on a broker: published as a device would, and read back.

echo ──▶ publish ──▶ PUBACK          broker ──▶ Link ──▶ item ──▶ emit ──▶ the door

The subscription is made when the first one is sent: whoever wants no canary has none, and a broker
that refuses it loses the canary and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from paho.mqtt.client import topic_matches_sub

from drivers.mqtt.decode import Filter, fields_of, undecodable
from drivers.mqtt.link import Link
from drivers.mqtt.wire import Message
from gateway.model import CANARY, CANARY_DEVICE, Item, Reading
from gateway.ports import Unavailable

_QOS: Final = 1
"""As most devices publish, and as the gateway subscribes."""
_LONGEST: Final = 256
"""Bytes of a report: anybody may publish there."""
_NOT_A_LEVEL: Final = re.compile(r"[/+#\0]")


class Echo:
    """One driver's; lives through all its connections. ``base`` None: there is none."""

    def __init__(self, base: str | None, client_id: str, declared: Sequence[Filter]) -> None:
        """Client ids are different on one broker, so two gateways do not hear each other."""
        level = _NOT_A_LEVEL.sub("_", client_id)
        self._topic = "" if base is None else f"{base}/{level}"
        self._bytes = self._topic.encode()
        self._is_declared = any(topic_matches_sub(each.topic, self._topic) for each in declared)
        self._link: Link | None = None
        self._subscribed = False

    def hears(self, topic: bytes) -> bool:
        """Whether this topic is that of the canary."""
        return topic == self._bytes and bool(topic)

    def connected(self, link: Link | None) -> None:
        """From now on it goes over ``link``; None: nowhere."""
        self._link, self._subscribed = link, False

    async def send(self, token: str) -> None:
        """Returned: the broker has it. ``Unavailable`` else."""
        link = self._link
        if link is None:
            raise Unavailable("there is no connection to the broker")
        if not self._subscribed and not self._is_declared:
            await link.subscribe([(self._topic, _QOS)])
        self._subscribed = True
        await link.deliver(self._topic, msgspec.json.encode({CANARY: token}), _QOS)


def item(message: Message) -> list[Item]:
    """What a message on the canary's topic is; an empty one deletes the topic, and is nothing."""
    if not message.payload:
        return []
    token: Any = None
    if message.size <= _LONGEST:
        try:
            token = fields_of(message.payload).get(CANARY)
        except ValueError as error:
            return [undecodable(_text(message.topic), message.payload, str(error))]
    if not isinstance(token, str) or not token:
        reason = "no report of the canary: a short JSON object with a token is"
        return [undecodable(_text(message.topic), message.payload, reason)]
    return [Reading(CANARY_DEVICE, "gateway", {CANARY: True}, key=token)]


def _text(topic: bytes) -> str:
    return topic.decode("utf-8", "replace")
