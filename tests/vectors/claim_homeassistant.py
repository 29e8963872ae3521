"""Home Assistant: its own test sequences for a binary sensor, and published discovery messages.

A peer's state is folded from what the dialect says: ``on`` and ``off`` from the value, and
``unavailable`` while ``extra.online`` is false or nothing was said yet. We do not tell
"unknown" from "unavailable" before the first value; a later "None" must say nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from drivers._momentary import Holds, Momentary
from drivers.mqtt.decode import Filter, Out, Router
from drivers.mqtt.dialects.homeassistant.dialect import Dialect
from drivers.mqtt.dialects.homeassistant.options import Options
from drivers.mqtt.wire import Message
from gateway.model import DeviceSeen, Item, Reading, Undecodable
from tests.vectors import Outcome
from tests.virtual import VirtualClock

_SEQUENCES: Final = "mqtt/behaviour_sequences/ha_mqtt_binary_sensor.json"
_PUBLISHED: Final = "mqtt/zigbee2mqtt/published_messages.json"
FILES: Final = (_SEQUENCES, _PUBLISHED)
KNOWN: Final[dict[tuple[str, str], str]] = {}
_TOPIC: Final = "homeassistant/binary_sensor/test/config"


def outcomes(data: Path) -> Iterator[Outcome]:
    """One outcome for each sequence, and one for each message on a discovery topic."""
    for path in data.glob(_SEQUENCES):
        for sequence in json.loads(path.read_text("utf-8"))["sequences"]:
            wrong = asyncio.run(_played(sequence))
            result = Outcome(_SEQUENCES, sequence["name"], "passed")
            yield result._replace(result="failed", reason=wrong) if wrong else result
    for path in data.glob(_PUBLISHED):
        for number, message in enumerate(json.loads(path.read_text("utf-8"))):
            topic = message["topic"]
            if topic.startswith(("homeassistant/", "my_custom_discovery_topic/")):
                yield _announced(f"{number} {topic}", message)


# --- sequences --------------------------------------------------------------------------------


class _Peer:
    """The dialect with the driver's memory of what ends by itself, in virtual time."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.clock = VirtualClock()
        self.holds = Holds(self.clock)
        self.router = Router([Dialect(Options())])
        self.config = json.dumps({"name": "test", "state_topic": "test-topic"} | config).encode()
        self.value: bool | None = None
        self.online: bool | None = None
        self.refused = False
        self.said = False

    def message(self, topic: str, payload: bytes) -> None:
        self.refused = self.said = False
        message = Message(topic.encode(), payload, False, b"", len(payload))
        for each in self.router.decode(message):
            if isinstance(each, Momentary):
                self._fold(self.holds.take(each))
            elif isinstance(each, Reading):
                self.holds.note(each)
                self._fold([each])
            elif isinstance(each, Undecodable):
                self.refused = True

    async def emit(self, items: Sequence[Item]) -> None:
        self._fold(items)

    def _fold(self, items: Sequence[Item]) -> None:
        for item in items:
            values = item.values if isinstance(item, Reading) else {}
            for name, value in values.items():
                if name == "extra.online":
                    self.online = value is True
                elif isinstance(value, bool):
                    self.value, self.said = value, True

    @property
    def state(self) -> str:
        if self.value is None or self.online is False:
            return "nothing"
        return "on" if self.value else "off"


async def _played(sequence: dict[str, Any]) -> str:
    """What was wrong, or nothing."""
    peer = _Peer(sequence["config"])
    running = asyncio.ensure_future(peer.holds.run(peer.emit))
    try:
        peer.message(_TOPIC, peer.config)
        for number, step in enumerate(sequence["steps"]):
            if "advance_s" in step:
                await peer.clock.advance(step["advance_s"])
            elif step.get("resend_config"):
                peer.message(_TOPIC, peer.config)
            else:
                raw = step["payload"].encode() if "payload" in step else None
                peer.message(step["topic"], raw or bytes.fromhex(step["payload_hex"]))
            if wrong := _differs(step, peer):
                return f"step {number}: {wrong}"
        return ""
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _differs(step: dict[str, Any], peer: _Peer) -> str:
    wanted = step["expect_state"]
    if wanted == "unknown":
        fine = not peer.said
    else:
        fine = peer.state == ("nothing" if wanted == "unavailable" else wanted)
    if not fine:
        return f"{wanted} expected, {peer.state} found"
    reported = step.get("expect_log", "")
    if "match" in reported and not peer.refused:
        return "a refusal expected"
    return ""


# --- announcements ----------------------------------------------------------------------------

_READ: Final = ("binary_sensor", "sensor", "switch", "event", "device_automation")


def _announced(case: str, message: dict[str, Any]) -> Outcome:
    topic, payload = message["topic"], message["payload"]
    prefix, component = topic.split("/")[:2]
    router = Router([Dialect(Options(prefix=prefix))])
    raw = payload.encode()
    items = list(router.decode(Message(topic.encode(), raw, True, b"", len(raw))))
    wrong = _wrong(component, payload, items, router)
    return Outcome(_PUBLISHED, case, "failed" if wrong else "passed", wrong)


def _wrong(component: str, payload: str, items: list[Out], router: Router) -> str:
    config = json.loads(payload) if payload else {}
    state = config.get("state_topic") or config.get("topic")
    if component not in _READ or not state:
        return f"nothing expected: {items}" if items else ""
    if any(isinstance(item, Undecodable) for item in items):
        template = str(config.get("value_template"))
        return "" if "{% set" in template or "|" in template else f"refused: {items}"
    seen = [item for item in items if isinstance(item, DeviceSeen)]
    (address,) = config["device"]["identifiers"]
    if [item.device for item in seen] != [address]:
        return f"device {address} expected: {items}"
    if state not in [item.topic for item in items if isinstance(item, Filter)]:
        return f"a subscription to {state} expected: {items}"
    return _first_value(config, state, address, router)


def _first_value(config: dict[str, Any], topic: str, address: str, router: Router) -> str:
    """A temperature is said on the announced topic, where the template is a plain field."""
    if config.get("device_class") != "temperature":
        return ""
    raw = b'{"temperature": -0.85, "local_temperature": -0.85}'
    items = list(router.decode(Message(topic.encode(), raw, False, b"", len(raw))))
    wanted = [Reading(address, "climate", {"temperature": -0.85})]
    return "" if items == wanted else f"{wanted} expected: {items}"
