"""Rows of the roster as lines of duty, and rows of holidays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from gateway.document import nearest
from gateway.model import DAY_MINUTES, Duty, Holiday, Person, Place
from gateway.registry import texts, words
from gateway.registry.table import FULL_WIDTH, Row, Table
from gateway.registry.texts import check_place, day

MAX_TURNS: Final = 366
MAX_TEAM: Final = 20
"""People who have duty together."""
MAX_EVERY: Final = 366
"""Days of one turn."""
_LONG_CELL: Final = 8_000
ALL_IDS: Final = "; people.csv has all ids"
_HOURS: Final = re.compile(r"(\d{1,2}):([0-5]\d)\s*[-~—–]\s*(\d{1,2}):([0-5]\d)")
_EVERY: Final = re.compile(r"(\d{1,3})\s*(d|天|日|w|周)?")
_SPAN: Final = re.compile(r"\s*(?:\.\.|-|~|—|–|至|到)\s*")
_ORDER: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Known = tuple[Mapping[str, Place] | None, Mapping[str, Person] | None]
"""Places and people by code and id; None: nothing can be said of them."""


def read_rosters(table: Table, known: Known) -> list[tuple[int, Duty]]:
    """Row number and line of duty, in order; rows that are wrong are noted in ``table``."""
    found = []
    for row in table.rows():
        line = _line(row, known)
        if row.sound:
            found.append((row.number, line))
    return found


def _line(row: Row, known: Known) -> Duty:
    places, people = known
    kind = row.word("kind", words.DUTY_WORDS, default="weekly")
    place = row.required("place")
    if places is not None:
        check_place(row, "place", place, places)
    begin, end = _hours(row)
    line = Duty(
        place=place,
        role=row.word("role", words.ROLE_WORDS),
        kind=kind or "weekly",
        people=_people(row, kind, people),
        days=_days(row),
        begin=begin,
        end=end,
        since=_date(row, "since"),
        until=_date(row, "until"),
        every=_every(row, kind),
        instead=_one(row, "instead", people),
        without=_without(row),
    )
    if row.sound:
        _check(row, line)
    return line


def _check(row: Row, line: Duty) -> None:
    """What does not go together."""
    if line.since and line.until and line.until < line.since:
        row.wrong("until", f"{line.until} is before {line.since}")
    match line.kind:
        case "rotation" if not line.since:
            row.wrong("since", "a rotation needs the day on which its first turn begins")
        case "exception" if not (line.since and line.until):
            row.wrong("since", "an exception needs its days: since and until")
        case "swap" if not (line.since and line.until):
            row.wrong("since", "a swap needs its days: since and until")
        case "swap" if not line.instead or [len(team) for team in line.people] != [1]:
            row.wrong("people", "a swap is one person in people instead of one in instead")
        case "swap" if (line.begin, line.end) != (0, DAY_MINUTES):
            row.wrong("hours", "a swap has no hours: it is of whole shifts")
        case "weekly" | "rotation" if not any(line.people):
            row.wrong("people", "people is empty")
    if line.instead and line.kind != "swap":
        row.wrong("instead", f"instead is for a swap, not for {line.kind}")
    if line.every and line.kind != "rotation":
        row.wrong("every", f"every is for a rotation, not for {line.kind}")


def _people(
    row: Row, kind: str, people: Mapping[str, Person] | None
) -> tuple[tuple[str, ...], ...]:
    """``a;b`` have duty together; of a rotation ``a;b+c`` are two turns, the second of two people.

    ``-`` is a turn in which nobody has duty, or an exception by which nobody has.
    """
    cell = row.text("people", _LONG_CELL).translate(FULL_WIDTH).replace(",", ";")
    turns = [part.strip() for part in cell.split(";")] if cell else []
    if kind != "rotation":
        turns = [cell.replace(";", "+")] if cell else []
    found = tuple(_team(turn) for turn in turns)
    if len(found) > MAX_TURNS:
        row.wrong("people", f"more than {MAX_TURNS} turns")
        return ()
    if any(len(team) > MAX_TEAM for team in found):
        row.wrong("people", f"more than {MAX_TEAM} people at once")
        return ()
    for who in dict.fromkeys(who for team in found for who in team):
        _check_person(row, "people", who, people)
    return found


def _team(turn: str) -> tuple[str, ...]:
    names = [name.strip() for name in turn.split("+")]
    return tuple(dict.fromkeys(name for name in names if name not in ("", "-")))


def _one(row: Row, column: str, people: Mapping[str, Person] | None) -> str:
    who = row.text(column)
    if who:
        _check_person(row, column, who, people)
    return who


def _check_person(row: Row, column: str, who: str, people: Mapping[str, Person] | None) -> None:
    if people is not None and who not in people:
        row.wrong(column, f"nobody has the id {who!r}{texts.nearest(who, people, ALL_IDS)}")


def _hours(row: Row) -> tuple[int, int]:
    """Minutes after midnight; the whole day for an empty cell."""
    text = row.text("hours").translate(FULL_WIDTH)
    if not text:
        return 0, DAY_MINUTES
    found = _HOURS.fullmatch(text)
    if found:
        one, minute, other, last = map(int, found.groups())
        begin, end = one * 60 + minute, other * 60 + last
        if begin < DAY_MINUTES and 0 <= end <= DAY_MINUTES:
            return begin, (end or DAY_MINUTES)
    row.wrong("hours", f"{text!r} is no span of hours; write it like 08:00-20:00 or 20:00-08:00")
    return 0, DAY_MINUTES


def _days(row: Row) -> tuple[str, ...]:
    """``mon-fri;holiday`` or ``周一至周五``, as single words."""
    found: list[str] = []
    for part in row.listed("days"):
        first, *more = (_day_word(row, word) for word in _SPAN.split(part, 1))
        if more and first in _ORDER and more[0] in _ORDER:
            begin, end = _ORDER.index(first), _ORDER.index(more[0])
            count = (end - begin) % len(_ORDER) + 1
            found += [_ORDER[(begin + step) % len(_ORDER)] for step in range(count)]
        elif more and row.sound:
            row.wrong("days", f"{part!r} is no span of days; write it like mon-fri")
        else:
            found.append(first)
    return tuple(dict.fromkeys(found))


def _day_word(row: Row, word: str) -> str:
    known = words.DAY_WORDS.get(word) or words.DAY_WORDS.get(word.lower())
    if known is None:
        same_script = [each for each in words.DAY_WORDS if each.isascii() == word.isascii()]
        row.wrong("days", f"unknown day {word!r}{nearest(word, same_script)}")
    return known or ""


def _date(row: Row, column: str) -> str:
    text = row.text(column)
    found = day(text)
    if text and not found:
        row.wrong(column, f"{text!r} is no day; write it like 2026-01-05")
    return found


def _without(row: Row) -> tuple[str, ...]:
    found = []
    for text in row.listed("without", _LONG_CELL):
        if not (one := day(text)):
            row.wrong("without", f"{text!r} is no day; write it like 2026-01-05")
        found.append(one)
    return tuple(dict.fromkeys(found))


def _every(row: Row, kind: str) -> int:
    """Days of a turn: ``1``, ``2d``, ``1w``; one day for a rotation's empty cell."""
    text = row.text("every").lower()
    if not text:
        return 1 if kind == "rotation" else 0
    found = _EVERY.fullmatch(text)
    days = int(found[1]) * (7 if found[2] in ("w", "周") else 1) if found else 0
    if not 0 < days <= MAX_EVERY:
        row.wrong("every", f"{text!r} is no number of days within 1..{MAX_EVERY}, like 1d or 1w")
    return days


def read_holidays(table: Table) -> list[Holiday]:
    """The special days, each once, in their order."""
    found: dict[str, Holiday] = {}
    numbers: dict[str, int] = {}
    for row in table.rows():
        one = _date(row, "day")
        if not row.text("day"):
            row.required("day")
        working = row.word("kind", words.HOLIDAY_WORDS, default="holiday") == "workday"
        if one and one in numbers:
            row.wrong("day", f"day {one!r} is already in row {numbers[one]}")
        elif one and row.sound:
            numbers[one] = row.number
            found[one] = Holiday(one, working, row.text("name"))
    return [found[one] for one in sorted(found)]
