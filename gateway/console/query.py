"""What may stand in a request, turned into plain values. Pure; raises ``ApiError``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec

from gateway.model import MODES, SECOND, Outcome
from gateway.options import parse_duration

BY_PLAN: Final = "plan"
"""Asked for instead of a mode: as the place's plan says again."""
VERBS: Final = ("receive", "handle", "close")
MAX_INCIDENTS: Final = 1_000
MAX_READINGS: Final = 10_000
MAX_COMMENT: Final = 2_000
"""Characters: a paragraph, not a file."""
MAX_ARMING: Final = 366 * 86_400.0
"""Seconds that an arming may be asked to last."""
_MAX_NAME: Final = 200
_EPOCH: Final = re.compile(r"\d{1,11}(\.\d{1,9})?")
_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
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
    """The body of a request to receive, handle or close."""

    person: str
    outcome: str = ""
    comment: str = ""


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


def flag(query: Mapping[str, str], name: str) -> bool:
    """``1``/``true`` or ``0``/``false``; absent is false."""
    value = query.get(name, "0").lower()
    if value not in ("0", "1", "true", "false"):
        raise ApiError(400, f"{name} is {_shown(value)}; write 1 or 0")
    return value in ("1", "true")


def limit(query: Mapping[str, str], usual: int, most: int) -> int:
    """A whole number from 1 to ``most``."""
    value = query.get("limit", str(usual))
    if value.isascii() and value.isdigit() and len(value) < 10 and 1 <= int(value) <= most:
        return int(value)
    raise ApiError(400, f"limit is {_shown(value)}; write a whole number from 1 to {most}")


def name(query: Mapping[str, str], key: str) -> str:
    """A text that must be there and is not endless."""
    value = query.get(key, "")
    if not value:
        raise ApiError(400, f"{key} is missing; add ?{key}=…")
    if len(value) > _MAX_NAME:
        raise ApiError(400, f"{key} is longer than {_MAX_NAME} characters")
    return value


def since(query: Mapping[str, str], now: int) -> int:
    """Wall ns from an ISO time (UTC unless it says otherwise), epoch seconds or a span back."""
    value = query.get("since", "1h").strip()
    if len(value) > 40:
        raise ApiError(400, f"since is {_shown(value)}; {_SINCE_HELP}")
    if _EPOCH.fullmatch(value):
        return int(float(value) * SECOND)
    try:
        return max(0, now - int(parse_duration(value) * SECOND))
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ApiError(400, f"since is {_shown(value)}; {_SINCE_HELP}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0, (moment - _START) // timedelta(microseconds=1) * 1_000)


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


def act(verb: str, body: bytes) -> Act:
    """The checked body of ``POST incidents/{key}/{verb}``."""
    if verb not in VERBS:
        raise ApiError(404, f"{_shown(verb)} is no action; there are {', '.join(VERBS)}")
    try:
        asked = msgspec.json.decode(body, type=Act)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(400, f"the body must be {{person, outcome, comment}}: {error}") from None
    if not 0 < len(asked.person) <= _MAX_NAME:
        raise ApiError(400, "person must be the id of a person")
    if len(asked.comment) > MAX_COMMENT:
        raise ApiError(400, f"comment is longer than {MAX_COMMENT} characters")
    outcomes = [outcome.value for outcome in Outcome]
    if asked.outcome not in (outcomes if verb == "close" else ["", *outcomes]):
        raise ApiError(400, f"outcome must be one of {', '.join(outcomes)}")
    return asked


def arm(body: bytes) -> tuple[Arm, int]:
    """The checked body of ``POST arming``, and the ns that it is to last (0: no end)."""
    try:
        asked = msgspec.json.decode(body, type=Arm)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(400, f"the body must be {{place, mode, person, for}}: {error}") from None
    if not 0 < len(asked.person) <= _MAX_NAME:
        raise ApiError(400, "person must be the id of a person")
    if asked.mode not in (*MODES, BY_PLAN):
        known = ", ".join((*MODES, BY_PLAN))
        raise ApiError(400, f"{_shown(asked.mode)} is no mode; there are {known}")
    if not asked.span:
        return asked, 0
    try:
        seconds = parse_duration(asked.span[:_MAX_NAME])
    except (ValueError, OverflowError):
        raise ApiError(400, f"for is {_shown(asked.span)}; write a span like 2h or 90m") from None
    if not 0 < seconds <= MAX_ARMING:
        raise ApiError(400, f"for is {_shown(asked.span)}; write a span of up to 366d")
    return asked, int(seconds * SECOND)


def _shown(value: Any) -> str:
    """A hostile text, shortened and quoted for an error line."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…'"
