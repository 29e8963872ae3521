"""What stands between the brackets: DC-03 blocks, Contact ID records, extended data. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from drivers._values import MAX_TEXT

MAX_EVENTS: Final = 32
"""Events taken from one message."""
MAX_EXTENDED: Final = 16
"""Extended data fields taken from one message."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_CID: Final = re.compile(
    r" *+(?:(?:18|58|98) ++)?+([136ERPerp]) *+([0-9A-Fa-f]{3}) *+([0-9A-Fa-f]{2}) *+"
    r"([0-9A-Fa-f]{3,4}) *+"
)
_QUALIFIERS: Final = {"E": "1", "R": "3", "P": "6"}
_ACCOUNT: Final = re.compile(r"#? *+([0-9A-Fa-f]{1,16})")
_MODIFIERS: Final = "ti|da|id|ri|pi|ai|ph|lv|va|pt|rg|ss"
_MODIFIER: Final = re.compile(
    rf"({_MODIFIERS})(?:([0-9:.\-]++)(?:/|(?=[A-Za-z]{{2}}))|([0-9A-Fa-f:.\-]*+)/)"
)
_PACKET: Final = re.compile(r"([A-Z]{2})([0-9A-Fa-f]{0,16}+)")
_ANY_CASE: Final = re.compile(_PACKET.pattern, re.IGNORECASE)
_BEGIN: Final = re.compile(
    rf"[NO](?:(?:{_MODIFIERS})[0-9A-F]|[A-Z]{{2}}[0-9A-F]{{0,16}}(?:[\^/*]|\Z))"
)
"""How a block of events begins."""
_TIMESTAMP: Final = re.compile(
    r"_ ?([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2}), ?([0-9]{1,2})-([0-9]{1,2})-([0-9]{4})"
)
_EXTENDED: Final = {
    "C": "supervision_category",
    "G": "network_path",
    "I": "alarm_text",
    "J": "json",
    "L": "location",
    "M": "mac",
    "N": "network_address",
    "O": "building",
    "P": "programming",
    "R": "room",
    "S": "site",
    "T": "trigger",
    "V": "verification",
    "X": "longitude",
    "Y": "latitude",
    "Z": "altitude",
}
"""Letter -> name of the extra (DC-09 5.5.1.8). A (a hash) and K (a key!) are never kept."""
_NEVER_KEPT: Final = "AK"
_OCCURRED: Final = "H"


class Event(NamedTuple):
    """One event, as written."""

    code: str
    """Two letters (DC-03) or three digits (Contact ID)."""
    qualifier: str = ""
    """Of Contact ID: 1, 3 or 6."""
    address: str = ""
    """Zone, user or what the code says the address counts."""
    area: str = ""
    user: str = ""
    peripheral: str = ""
    text: str = ""
    old: bool = False
    """Reported before (DC-03 block O)."""
    time: str = ""
    """The panel's own local time, as written."""


class Content(NamedTuple):
    """The message behind the header. ``data`` without its account."""

    account: str
    """The account named inside the brackets, or ""."""
    data: str
    extended: tuple[tuple[str, str], ...]
    stamp: int | None
    """Ns since 1970 UTC as the panel's clock has it."""
    occurred: int | None
    """The time of occurrence (H), likewise."""
    deviations: tuple[str, ...]


def read(rest: bytes, encoding: str) -> Content:
    """``data] [x…]* _timestamp``. ValueError: the data has no end."""
    text = words(rest, encoding)
    data, closed, tail = text.partition("]")
    if not closed:
        raise ValueError("the data has no closing bracket")
    fields, tail = _extended(tail)
    deviations = []
    account = ""
    before, bar, after = data.partition("|")
    if (found := _ACCOUNT.fullmatch(before.strip())) is not None and (bar or before[:1] == "#"):
        account, data = found[1].upper(), after
        if not before.startswith("#"):
            deviations.append("no_hash")
    elif bar and not before.strip():
        data = after
    stamp = timestamp(tail)
    if stamp is None and tail.strip():
        deviations.append("timestamp")
    kept = [(_EXTENDED.get(f[0], f"x_{f[0].lower()}"), f[1:]) for f in fields if _is_kept(f)]
    when = next((timestamp("_" + f[1:]) for f in fields if f[0] == _OCCURRED), None)
    return Content(account, data, tuple(kept), stamp, when, tuple(deviations))


def _is_kept(field: str) -> bool:
    letter = field[0]
    return letter.isalpha() and letter.isascii() and letter not in _NEVER_KEPT + _OCCURRED


def _extended(tail: str) -> tuple[list[str], str]:
    """The fields in brackets, and what follows them."""
    fields: list[str] = []
    while tail.lstrip().startswith("[") and len(fields) < MAX_EXTENDED:
        field, closed, tail = tail.lstrip()[1:].partition("]")
        if not closed:
            break
        if field:
            fields.append(clean(field))
    return fields, tail


def words(raw: bytes, encoding: str) -> str:
    """Text as UTF-8, and as ``encoding`` where it is not that."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode(encoding, "replace")


def clean(text: str) -> str:
    """Printable, without blanks around it, and short."""
    kept = "".join(letter if letter.isprintable() else " " for letter in text[: 2 * MAX_TEXT])
    return kept.strip()[:MAX_TEXT]


def timestamp(text: str) -> int | None:
    """Ns since 1970 from ``_HH:MM:SS,MM-DD-YYYY``; None where it is no time."""
    found = _TIMESTAMP.match(text.strip())
    if found is None:
        return None
    hour, minute, second, month, day, year = (int(part) for part in found.groups())
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    ns = (moment - _EPOCH) // _MICROSECOND * 1_000
    return ns if 0 <= ns < 2**63 else None


def stamp_text(wall: int) -> str:
    """``_HH:MM:SS,MM-DD-YYYY`` of ``wall`` (ns since 1970 UTC)."""
    moment = _EPOCH + timedelta(microseconds=wall // 1_000)
    return moment.strftime("_%H:%M:%S,%m-%d-%Y")


# --- Contact ID (DC-05) -------------------------------------------------------------------


def contact_id(data: str) -> Event:
    """``QXYZ GG CCC``, blanks or none between them. ValueError: it is none."""
    found = _CID.fullmatch(data)
    if found is None:
        raise ValueError(f"{data[:40]!r} is no Contact ID record (QXYZ GG CCC)")
    qualifier, code, area, address = (part.upper() for part in found.groups())
    return Event(code, _QUALIFIERS.get(qualifier, qualifier), address, area)


def check_digit(digits: str) -> str:
    """The digit that follows ``digits`` on the phone line: with it the sum is 0 modulo 15.

    A 0 counts as 10; the sum 15 itself is written F (DC-05).
    """
    total = sum(int(digit, 16) or 10 for digit in digits)
    return "0123456789ABCDEF"[-total % 15 or 15]


# --- SIA DCS (DC-03) ----------------------------------------------------------------------


def dcs(data: str) -> list[Event]:
    """The events of the N and O blocks, A blocks as their text. ValueError: there are none."""
    events = _events(data, _PACKET) or _events(data, _ANY_CASE)
    if not events:
        raise ValueError(f"{data[:40]!r} has no event (N and two letters)")
    return events


def _events(data: str, packet: re.Pattern[str]) -> list[Event]:
    events: list[Event] = []
    for block in _blocks(data):
        if block[:1] == "A" and events and not events[-1].text:
            events[-1] = events[-1]._replace(text=clean(block[1:].strip("^")))
        elif block[:1] in ("N", "O"):
            events += _packets(block, packet, MAX_EVENTS - len(events))
        if len(events) >= MAX_EVENTS:
            break
    return events


def _blocks(data: str) -> Iterator[str]:
    """The parts between bars; a bar inside ``^text^`` is part of the text."""
    parts: list[str] = []
    is_open = False
    for piece in data.split("|"):
        carets = piece.count("^") % 2 == 1
        if parts and not (is_open and carets and _BEGIN.match(piece) is None):
            yield "|".join(parts)
            parts, is_open = [], False
        parts.append(piece)
        is_open ^= carets
    yield "|".join(parts)


def _packets(block: str, packet: re.Pattern[str], room: int) -> list[Event]:
    """``mmVVVV/`` modifiers and ``CCAAAA*units^text^/`` codes (DC-03 5.2.1)."""
    events: list[Event] = []
    modifiers: dict[str, str] = {}
    at = 1
    while at < len(block) and len(events) < room:
        if (found := _MODIFIER.match(block, at)) is not None:
            modifiers[found[1]] = (found[2] or found[3] or "")[:16]
            at = found.end()
        elif (found := packet.match(block, at)) is not None:
            text, at = _text(block, found.end())
            events.append(_event(found, modifiers, text, old=block[0] == "O"))
        elif block[at] == " ":
            at += 1
        else:
            at = block.find("/", at) + 1 or len(block)
    return events


def _event(found: re.Match[str], modifiers: dict[str, str], text: str, *, old: bool) -> Event:
    return Event(
        found[1].upper(),
        address=found[2].upper(),
        area=modifiers.get("ri", ""),
        user=modifiers.get("id", ""),
        peripheral=modifiers.get("pi", ""),
        text=text,
        old=old,
        time=f"{modifiers.get('da', '')} {modifiers.get('ti', '')}".strip(),
    )


def _text(block: str, at: int) -> tuple[str, int]:
    """What follows a code up to the next one: ``^text^``, or whatever stands before a slash."""
    slash = block.find("/", at)
    caret = block.find("^", at)
    if caret >= 0 and (slash < 0 or caret < slash):
        end = block.find("^", caret + 1)
        end = len(block) if end < 0 else end
        slash = block.find("/", end)
        return clean(block[caret + 1 : end]), len(block) if slash < 0 else slash + 1
    end = len(block) if slash < 0 else slash
    return clean(block[at:end].strip("*'\"")), end + 1
