"""Frigate: the messages of its manual, and a peer's sequences with the state it expects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from drivers._momentary import Momentary
from drivers.mqtt.decode import Router
from drivers.mqtt.dialects.frigate.dialect import Dialect
from drivers.mqtt.dialects.frigate.options import Options
from drivers.mqtt.wire import Message
from gateway.model import Reading
from tests.vectors import Outcome

FILES: Final = ("frigate/*.json",)
KNOWN: Final[dict[tuple[str, str], str]] = {}
_STREAM: Final = {
    "classification": "tracked_object_update",
    "events": "events",
    "reviews": "reviews",
}


def outcomes(data: Path) -> Iterator[Outcome]:
    """One outcome for each documented message and each step of a sequence."""
    for path in sorted(data.glob(FILES[0])):
        source, content = f"frigate/{path.name}", json.loads(path.read_text(encoding="utf-8"))
        if "sequences" in content:
            for index, sequence in enumerate(content["sequences"]):
                yield from _sequence(source, f"{index} {sequence['entity']}", sequence["steps"])
        else:
            yield _documented(source, content)


def _router() -> Router:
    return Router([Dialect(Options())])


def _readings(router: Router, topic: str, payload: str) -> list[Reading]:
    raw = payload.encode()
    found = router.decode(Message(topic.encode(), raw, False, b"", len(raw)))
    readings = [each.reading if isinstance(each, Momentary) else each for each in found]
    return [each for each in readings if isinstance(each, Reading)]


def _documented(source: str, content: dict[str, Any]) -> Outcome:
    """What a person reads in the message is in the reading."""
    stream = next((name for word, name in _STREAM.items() if word in source), "")
    if "classification" in source:
        stream = "tracked_object_update"
    if not stream:
        return Outcome(source, "message", "not claimed", "a message of unknown purpose")
    readings = _readings(_router(), f"frigate/{stream}", json.dumps(content))
    after = content.get("after", content)
    wanted: dict[str, Any] = {}
    if stream == "events":
        wanted = {"motion": not after["false_positive"], "extra.score": after["score"]}
        wanted["zone"] = ", ".join(after["current_zones"])
    elif stream == "reviews":
        wanted = {"motion": True, "extra.severity": after["severity"]}
        wanted["zone"] = ", ".join(after["data"]["zones"])
    else:
        wanted = {
            f"extra.{name}": after[name] for name in ("sub_label", "attribute") if name in after
        }
    got = readings[0].values if readings else {}
    wrong = {name: value for name, value in wanted.items() if value and got.get(name) != value}
    if not readings or readings[0].device != after["camera"] or wrong:
        return Outcome(source, "message", "failed", f"wanted {wrong or wanted}, got {got}")
    return Outcome(source, "message", "passed")


def _sequence(source: str, entity: str, steps: list[dict[str, str]]) -> Iterator[Outcome]:
    """A peer's entity is on, off or unavailable; ours is a value, and the server's own online."""
    router = _router()
    state, online = "off", False
    for number, step in enumerate(steps):
        case = f"{entity} step {number}"
        readings = _readings(router, step["topic"], step["payload"])
        if not readings:
            reason = (
                "a payload that is no value: quarantined, and the state stays; the peer says off"
            )
            yield Outcome(source, case, "not claimed", reason)
            continue
        for reading in readings:
            if "extra.online" in reading.values:
                online = reading.values["extra.online"] is True
            elif "motion" not in reading.values:
                state = "on" if next(iter(reading.values.values())) else "off"
        got = state if online else "unavailable"
        wanted = step["expect_state"]
        if got == wanted:
            yield Outcome(source, case, "passed")
        else:
            yield Outcome(source, case, "failed", f"{wanted} expected, {got} found")
