"""Frigate's objects and reviews as sightings: what is before a camera, and since when. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from drivers._times import time_ns
from drivers._values import number

_TEXT: Final = 100
_LISTED: Final = 10
_BEGUN: Final = "new"
_ENDED: Final = "end"


class Sighting(NamedTuple):
    """One message about one object or one review."""

    source: str
    """events or reviews."""
    id: str
    camera: str
    begun: bool
    """Its first message."""
    ended: bool
    at: int | None
    """When what is said became so, wall ns by Frigate's clock; None: the message does not say."""
    heard: int
    """A time to measure silence by, wall ns by Frigate's clock; 0: unknown."""
    labels: tuple[str, ...]
    zones: tuple[str, ...]
    severity: str
    score: float | None
    false_positive: bool


def event_of(fields: Mapping[str, Any]) -> Sighting:
    """From ``frigate/events``. ValueError names the field that is wrong."""
    after, ended = _after(fields)
    when = after.get("end_time") if ended else after.get("frame_time")
    at = time_ns(when if when is not None else after.get("start_time"), "s")
    label, extra = _word(after, "label"), after.get("sub_label")
    if isinstance(extra, list):  # [name, score]
        extra = extra[0] if extra else None
    named = (label, extra[:_TEXT]) if isinstance(extra, str) and extra else (label,)
    return Sighting(
        "events",
        _word(after, "id"),
        _word(after, "camera"),
        fields.get("type") == _BEGUN,
        ended,
        at,
        at or 0,
        named,
        _words(after.get("current_zones")),
        "",
        number(after.get("score")),
        after.get("false_positive") is True,
    )


def review_of(fields: Mapping[str, Any]) -> Sighting:
    """From ``frigate/reviews``. ValueError names the field that is wrong."""
    after, ended = _after(fields)
    data = after.get("data")
    if not isinstance(data, dict):
        raise ValueError("data: an object is expected")
    begun = time_ns(after.get("start_time"), "s")
    at = begun if fields.get("type") == _BEGUN else None
    if ended:
        at = time_ns(after.get("end_time"), "s")
    return Sighting(
        "reviews",
        _word(after, "id"),
        _word(after, "camera"),
        fields.get("type") == _BEGUN,
        ended,
        at,
        at or begun or 0,
        (*_words(data.get("objects")), *_words(data.get("audio"))),
        _words(data.get("zones")),
        _word(after, "severity"),
        None,
        False,
    )


def _after(fields: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    after = fields.get("after")
    if not isinstance(after, dict):
        raise ValueError("after: an object is expected")
    return after, fields.get("type") == _ENDED


def _word(fields: Mapping[str, Any], name: str) -> str:
    found = fields.get(name)
    if not isinstance(found, str) or not found or not found.isprintable():
        raise ValueError(f"{name}: a word is expected")
    return found[:_TEXT]


def _words(raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list):
        return ()
    return tuple(word[:_TEXT] for word in raw[:_LISTED] if isinstance(word, str))
