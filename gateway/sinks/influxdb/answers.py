"""What an answer to a write means. Pure.

204              stored
400, 422         lines are refused; 1.x (400), 2.x (422) and 3.x (400) have stored the others,
                 2.x (400) has stored none: what was not refused is sent again either way
400, other words unclear: the lines or the request (see ``delivery``)
413              too large
everything else  away: again later
"""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import Final, NamedTuple

from gateway.web import one_line

_ABOUT_LINES: Final = re.compile(
    "partial write|unable to parse|parsing failed|field type conflict|retention policy"
    "|max key length"
)
_CONFLICT: Final = re.compile(
    r'input field "(?P<field>.*?)" on measurement "(?P<measurement>.*?)" is type (?P<type>\w+), '
)
_DROPPED: Final = re.compile(r"dropped=(\d+)$|dropped (\d+) points")


class Answer(NamedTuple):
    """One HTTP answer; ``text`` is the beginning of its body."""

    status: int
    text: str
    retry_after: float | None = None

    @property
    def words(self) -> str:
        """The server's own message, out of its JSON where it has one."""
        try:
            body = json.loads(self.text)
        except ValueError:
            return self.text.strip()
        if isinstance(body, dict):
            for key in ("error", "message"):
                if isinstance(body.get(key), str):
                    return str(body[key]).strip()
        return self.text.strip()


class Named(NamedTuple):
    """A line that InfluxDB 3 refuses; of many it names a hundred."""

    number: int
    """From 1 on, in the body that was sent."""
    begins: str
    """How the line begins, as the server repeats it."""
    words: str


class Verdict(Enum):
    """What to do."""

    stored = "stored"
    lines_refused = "lines_refused"
    unclear = "unclear"
    too_large = "too_large"
    away = "away"


class Conflict(NamedTuple):
    """The field that has another type over there; ``type`` is what we sent, in its words."""

    measurement: str
    field: str
    type: str


def judge(answer: Answer) -> Verdict:
    """The table above. Any 2xx but 204 is somebody else: a captive portal, a proxy."""
    match answer.status:
        case 204:
            return Verdict.stored
        case 400:
            about_lines = _ABOUT_LINES.search(answer.words)
            return Verdict.lines_refused if about_lines else Verdict.unclear
        case 413:
            return Verdict.too_large
        case 422:
            return Verdict.lines_refused
    return Verdict.away


def conflict(words: str) -> Conflict | None:
    """The first type conflict of a batch: the server names no other."""
    found = _CONFLICT.search(words)
    return Conflict(found["measurement"], found["field"], found["type"]) if found else None


def named(answer: Answer) -> list[Named]:
    """The lines that the answer names: 3.x does, in ``data``."""
    try:
        body = json.loads(answer.text)
    except ValueError:
        return []
    data = body.get("data") if isinstance(body, dict) else None
    found: list[Named] = []
    for each in data if isinstance(data, list) else [data]:
        if isinstance(each, dict) and isinstance(each.get("line_number"), int):
            begins, words = str(each.get("original_line", "")), str(each.get("error_message", ""))
            found.append(Named(each["line_number"], begins, words or answer.words))
    return found


def dropped(words: str) -> int:
    """How many points it says it has dropped; 0 when it does not say."""
    found = _DROPPED.search(words)
    return int(found[1] or found[2]) if found else 0


def excuse(answer: Answer, where: str, hint: str) -> str:
    """One line: what, where, and what to do. ``hint`` names the credentials' options."""
    said = one_line(answer.words)
    said = f"{answer.status}: {said}" if said else str(answer.status)
    match answer.status:
        case 401 | 403:
            return f"InfluxDB at {where} refuses our credentials ({said}); check {hint}"
        case 404:
            return f"InfluxDB at {where} does not know where to write ({said}); check {hint}"
        case 429:
            return f"InfluxDB at {where} asks for fewer writes ({said})"
        case status if status < 400:
            return f"{where} does not answer as InfluxDB does ({said}); check url"
    return f"InfluxDB at {where} can not store now ({said})"
