"""What may stand in a request, turned into plain values. Pure; raises ``ApiError``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec

from gateway.incidents.deeds import Report
from gateway.model import (
    MODES,
    SECOND,
    VERBS,
    Category,
    Cause,
    Deed,
    Outcome,
    Point,
    Severity,
    State,
    Text,
    Wanted,
)
from gateway.options import parse_duration

BY_PLAN: Final = "plan"
"""Asked for instead of a mode: as the place's plan says again."""
MAX_INCIDENTS: Final = 1_000
MAX_READINGS: Final = 10_000
MAX_COMMENT: Final = 2_000
"""Characters: a paragraph, not a file."""
MAX_ARMING: Final = 366 * 86_400.0
"""Seconds that an arming may be asked to last."""
MAX_WITHIN: Final = 30 * 86_400.0
"""Seconds that a supervisor may ask for."""
_MAX_NAME: Final = 200
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_EPOCH: Final = re.compile(r"\d{1,11}(\.\d{1,9})?")
_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = 2**63 - 1
"""Wall ns: a database knows none later."""
_SINCE_HELP: Final = "write a time like 2026-01-05T08:00:00Z, seconds since 1970, or a span like 1h"


class ApiError(Exception):
    """Answered as ``{"error": message}`` with ``status``.

    ``chinese`` is the same for a person; then the answer has both, as ``zh`` and ``en``.
    """

    def __init__(self, status: int, message: str, chinese: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.chinese = chinese


class Act(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request to do something with an incident."""

    person: str
    outcome: str = ""
    comment: str = ""
    to: str = ""
    attachment: str = ""
    cause: str = ""
    within: str = ""
    """Of ``supervise``, like ``30m``."""


class NewIncident(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request to open an incident by hand."""

    title: str
    why: str
    category: Category
    severity: Severity
    person: str
    place: str = ""
    device: str = ""
    same: str = ""
    comment: str = ""
    hazard: bool = False
    point: str = ""
    """A patrol point: it is there, and a place need not be named."""


class Arm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"span": "for"}):
    """The body of a request to arm a place."""

    place: str
    mode: str
    person: str
    span: str = ""
    """Like ``2h``; "": until somebody or a plan says otherwise."""


class CheckIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request to check in at a point."""

    point: str
    person: str
    position: tuple[float, float] | None = None
    """The phone's latitude and longitude."""


class EndLinks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request to end somebody's links to rounds."""

    person: str


def flag(query: Mapping[str, str], name: str) -> bool:
    """``1``/``true`` or ``0``/``false``; absent is false."""
    value = query.get(name, "0").lower()
    if value not in ("0", "1", "true", "false"):
        raise ApiError(400, f"{name} is {_shown(value)}; write 1 or 0")
    return value in ("1", "true")


def limit(query: Mapping[str, str], usual: int, most: int, name: str = "limit") -> int:
    """A whole number from 1 to ``most``."""
    value = query.get(name, str(usual))
    if value.isascii() and value.isdigit() and len(value) < 10 and 1 <= int(value) <= most:
        return int(value)
    raise ApiError(400, f"{name} is {_shown(value)}; write a whole number from 1 to {most}")


def name(query: Mapping[str, str], key: str) -> str:
    """A text that must be there and is not endless."""
    value = query.get(key, "")
    if not value:
        raise ApiError(400, f"{key} is missing; add ?{key}=…")
    if len(value) > _MAX_NAME:
        raise ApiError(400, f"{key} is longer than {_MAX_NAME} characters")
    return value


def since(query: Mapping[str, str], now: int, name: str = "since") -> int:
    """Wall ns from an ISO time (UTC unless it says otherwise), epoch seconds or a span back."""
    value = query.get(name, "1h").strip()
    if len(value) > 40:
        raise ApiError(400, f"{name} is {_shown(value)}; {_SINCE_HELP}")
    if _EPOCH.fullmatch(value):
        return min(int(float(value) * SECOND), _LATEST)
    try:
        return max(0, now - int(parse_duration(value) * SECOND))
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ApiError(400, f"{name} is {_shown(value)}; {_SINCE_HELP}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0, (moment - _START) // timedelta(microseconds=1) * 1_000), _LATEST)


def day(query: Mapping[str, str], today: date) -> date:
    """A local date; today's where none is asked for."""
    value = query.get("day", "")
    if not value:
        return today
    try:
        return date.fromisoformat(value[:_MAX_NAME])
    except ValueError:
        raise ApiError(400, f"day is {_shown(value)}; write one like 2026-01-05") from None


def check_in(body: bytes) -> CheckIn:
    """The checked body of ``POST patrol/checkins``."""
    try:
        asked = msgspec.json.decode(body, type=CheckIn)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(400, f"the body must be {{point, person, position}}: {error}") from None
    if not (0 < len(asked.point) <= _MAX_NAME and 0 < len(asked.person) <= _MAX_NAME):
        raise ApiError(400, "point and person must be ids")
    if asked.position and not (abs(asked.position[0]) <= 90 and abs(asked.position[1]) <= 180):
        raise ApiError(400, "position must be [latitude, longitude] in degrees")
    return asked


def end_links(body: bytes) -> str:
    """The person of ``POST patrol/links/end``."""
    try:
        asked = msgspec.json.decode(body, type=EndLinks)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(400, f"the body must be {{person}}: {error}") from None
    if not 0 < len(asked.person) <= _MAX_NAME:
        raise ApiError(400, "person must be an id")
    return asked.person


def act(verb: str, body: bytes) -> Deed:
    """The checked body of ``POST incidents/{key}/{verb}``."""
    if verb not in VERBS:
        raise ApiError(404, f"{_shown(verb)} is no action; there are {', '.join(VERBS)}")
    try:
        asked = msgspec.json.decode(body, type=Act)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        fields = ", ".join(Act.__struct_fields__)
        raise ApiError(400, f"the body must be {{{fields}}}: {error}") from None
    _check_person(asked.person)
    _check_length("comment", asked.comment, MAX_COMMENT)
    _check_length("to", asked.to, _MAX_NAME)
    outcomes = [outcome.value for outcome in Outcome]
    if asked.outcome not in (outcomes if verb == "close" else ["", *outcomes]):
        raise ApiError(400, f"outcome must be one of {', '.join(outcomes)}")
    causes = [cause.value for cause in Cause]
    if asked.cause not in ("", *causes):
        raise ApiError(400, f"cause must be one of {', '.join(causes)}")
    if asked.attachment and not _DIGEST.fullmatch(asked.attachment):
        raise ApiError(400, "attachment must be a SHA-256 in 64 small hexadecimal digits")
    within = _span("within", asked.within, MAX_WITHIN) if asked.within else 0
    return Deed(
        verb,
        asked.person,
        asked.outcome,
        asked.comment,
        asked.to,
        asked.attachment,
        asked.cause,
        within,
    )


def new_incident(body: bytes, points: Sequence[Point] = ()) -> Report:
    """The checked body of ``POST incidents``. A person writes one language; it stands for both.

    ``points`` are the patrol's.
    """
    try:
        asked = msgspec.json.decode(body, type=NewIncident)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        fields = ", ".join(NewIncident.__struct_fields__)
        raise ApiError(400, f"the body must be {{{fields}}}: {error}") from None
    _check_person(asked.person)
    for name in ("title", "place", "device", "same", "point"):
        _check_length(name, getattr(asked, name), _MAX_NAME)
    for name in ("why", "comment"):
        _check_length(name, getattr(asked, name), MAX_COMMENT)
    point = next((each for each in points if each.id == asked.point), None)
    if asked.point and point is None:
        raise ApiError(404, f"there is no patrol point {_shown(asked.point)}", "没有这个巡查点。")
    why = asked.why if point is None else f"{point.name}:{asked.why}"
    return Report(
        title=Text(asked.title, asked.title),
        why=Text(why, why),
        category=asked.category,
        severity=asked.severity,
        place=asked.place or (point.place if point is not None else ""),
        person=asked.person,
        device=asked.device,
        same=asked.same,
        comment=asked.comment,
        hazard=asked.hazard,
        point=asked.point,
    )


def wanted(query: Mapping[str, str], now: int) -> Wanted:
    """Which incidents a list is to hold; several values of one name stand with commas."""
    states = _several(query, "state", State)
    if flag(query, "open"):
        states = states or tuple(state.value for state in State if state is not State.closed)
    return Wanted(
        states=states,
        categories=_several(query, "category", Category),
        severities=_several(query, "severity", Severity),
        owners=tuple(word for word in optional(query, "owner").split(",") if word),
        place=optional(query, "place"),
        since=since(query, now) if "since" in query else 0,
        until=since(query, now, "until") if "until" in query else 0,
        overdue=flag(query, "overdue") if "overdue" in query else None,
        text=optional(query, "text").strip(),
    )


def _several(query: Mapping[str, str], name: str, known: type[StrEnum]) -> tuple[str, ...]:
    words = tuple(word for word in optional(query, name).split(",") if word)
    values = [each.value for each in known]
    for word in words:
        if word not in values:
            raise ApiError(400, f"{name} is {_shown(word)}; there are {', '.join(values)}")
    return words


def optional(query: Mapping[str, str], name: str) -> str:
    """A text that is not endless; "" when it is not there."""
    value = query.get(name, "")
    _check_length(name, value, _MAX_NAME)
    return value


def _check_person(person: str) -> None:
    if not 0 < len(person) <= _MAX_NAME:
        raise ApiError(400, "person must be the id of a person")


def _check_length(name: str, value: str, most: int) -> None:
    if len(value) > most:
        raise ApiError(400, f"{name} is longer than {most} characters")


def arm(body: bytes) -> tuple[Arm, int]:
    """The checked body of ``POST arming``, and the ns that it is to last (0: no end)."""
    try:
        asked = msgspec.json.decode(body, type=Arm)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(400, f"the body must be {{place, mode, person, for}}: {error}") from None
    _check_person(asked.person)
    if asked.mode not in (*MODES, BY_PLAN):
        known = ", ".join((*MODES, BY_PLAN))
        raise ApiError(400, f"{_shown(asked.mode)} is no mode; there are {known}")
    if not asked.span:
        return asked, 0
    return asked, _span("for", asked.span, MAX_ARMING)


def _span(name: str, value: str, most: float) -> int:
    """Ns."""
    try:
        seconds = parse_duration(value[:_MAX_NAME])
    except (ValueError, OverflowError):
        raise ApiError(400, f"{name} is {_shown(value)}; write a span like 2h or 90m") from None
    if not 0 < seconds <= most:
        raise ApiError(400, f"{name} is {_shown(value)}; write a span of up to {most / 86_400:g}d")
    return int(seconds * SECOND)


def _shown(value: Any) -> str:
    """A hostile text, shortened and quoted for an error line."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…'"
