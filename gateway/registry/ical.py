"""Duty that comes as iCalendar (RFC 5545): shifts and repetitions as lines of the roster.

Our own entries name their people as attendees ``urn:gridwarden:person:ID`` and their place and role
as ``X-GRIDWARDEN-PLACE`` and ``X-GRIDWARDEN-ROLE``. Those of other programs will do: a person by id
or name in the summary, a place by code or name as location, a role as category; what is not said is
the person's own place and role. Daily and weekly repetitions become lines of the roster, others
are written out day by day. Every entry is checked before the libraries see it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from gateway.document import Problem, Problems
from gateway.model import DAY_MINUTES, Duty, Person, Place
from gateway.registry import words
from gateway.registry.duty import WEEKDAYS
from gateway.registry.rosters import Known
from gateway.registry.table import Source
from gateway.registry.texts import YEARS, nearest

MAX_EVENTS: Final = 20_000
MAX_DAYS: Final = 400
"""Of one entry, and days that one repetition may be written out to."""
MAX_LINES: Final = 100_000
MOST_FRUITLESS: Final = 20
"""Repetitions without a second day: the library looks for 30 February until the year 9999."""
_MOST_PROBLEMS: Final = 100
URN: Final = "urn:gridwarden:person:"
PLACE: Final = "X-GRIDWARDEN-PLACE"
ROLE: Final = "X-GRIDWARDEN-ROLE"
_KEPT: Final = re.compile(
    r"(DTSTART|DTEND|DURATION|RRULE|RDATE|EXDATE|RECURRENCE-ID|SUMMARY|CATEGORIES|STATUS|UID"
    r"|ATTENDEE|LOCATION|X-GRIDWARDEN-PLACE|X-GRIDWARDEN-ROLE)[;:]",
    re.IGNORECASE,
)
_WEEKDAYS: Final = {day[:2].upper(): day for day in WEEKDAYS}
_PARTS: Final = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYMONTHDAY", "BYDAY"}
)
_FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_DAY: Final = timedelta(days=1)
_BROKEN: Final = (AttributeError, TypeError, ValueError, LookupError, ArithmeticError)
"""What the library raises for an entry that is none."""


class Fault(ValueError):
    """What is wrong with one entry."""


class Endless(Fault):
    """Too many repetitions without a day; nothing more of the file is read."""


class _Entry(NamedTuple):
    """The lines of one VEVENT that matter; ``line`` is where it begins."""

    line: int
    lines: list[str]


# --- in --------------------------------------------------------------------------------


def read_duty(source: Source, zone: str, known: Known) -> list[Duty]:
    """The lines of duty of an iCalendar file. Raises ``Problems``, each with the entry's line."""
    entries = list(_entries(source.name, source.text()))
    if not entries:
        message = "no calendar entry (BEGIN:VEVENT) in it; is it an iCalendar file?"
        raise Problems([Problem(source.name, 1, 1, message)])
    reading = _Reading(ZoneInfo(zone), known)
    problems: list[Problem] = []
    parsed: list[tuple[int, Any]] = []
    for entry in entries:
        try:
            parsed.append((entry.line, _parsed(entry)))
        except Fault as error:
            problems.append(Problem(source.name, entry.line, 1, str(error)))
    reading.moved = _moved(parsed, reading)
    for line, event in parsed:
        try:
            reading.take(event)
        except Fault as error:
            problems.append(Problem(source.name, line, 1, str(error)))
            if isinstance(error, Endless):
                break
        if len(problems) >= _MOST_PROBLEMS:
            break
    if problems:
        raise Problems(problems)
    return reading.lines


def _entries(name: str, text: str) -> Iterator[_Entry]:
    entry: _Entry | None = None
    depth = count = 0
    for number, line in _unfolded(text):
        word, _, what = (part.strip().upper() for part in line.partition(":"))
        if word == "BEGIN" and entry is None and what == "VEVENT":
            entry = _Entry(number, [])
            count += 1
        elif word == "BEGIN":
            depth += entry is not None
        elif word == "END" and entry is not None and depth:
            depth -= 1
        elif word == "END" and entry is not None:
            yield entry
            entry = None
        elif entry is not None and not depth and _KEPT.match(line):
            entry.lines.append(line)
        if count > MAX_EVENTS:
            raise Problems([Problem(name, number, 1, f"more than {MAX_EVENTS:,} entries")])
    if entry is not None:
        raise Problems([Problem(name, entry.line, 1, "'BEGIN:VEVENT' never ends")])


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """The logical lines and where each begins: a line that begins with a blank goes on."""
    begun, parts = 1, list[str]()
    for number, line in enumerate(re.split(r"\r?\n", text), 1):
        if parts and line[:1] in (" ", "\t"):
            parts.append(line[1:])
            continue
        if parts:
            yield begun, "".join(parts)
        begun, parts = number, [line]
    yield begun, "".join(parts)


def _parsed(entry: _Entry) -> Any:
    import icalendar

    text = "\r\n".join(["BEGIN:VEVENT", *entry.lines, "END:VEVENT", ""])
    try:
        event: Any = icalendar.Event.from_ical(text)
    except _BROKEN:
        raise Fault("this entry can not be read") from None
    if getattr(event, "errors", None) or "DTSTART" not in event:
        raise Fault("this entry has no DTSTART that can be read")
    if isinstance(event["DTSTART"], list):
        raise Fault("this entry has no DTSTART that can be read")
    return event


def _moved(parsed: list[tuple[int, Any]], reading: _Reading) -> dict[str, list[str]]:
    """UID -> the days whose shift is said by an entry of its own (RECURRENCE-ID)."""
    found: dict[str, list[str]] = {}
    for _, event in parsed:
        moment = getattr(event.get("RECURRENCE-ID"), "dt", None)
        if isinstance(moment, date):
            found.setdefault(str(event.get("UID", "")), []).append(
                reading.local(moment).date().isoformat()
            )
    return found


class _Reading:
    """Makes lines of entries."""

    def __init__(self, zone: ZoneInfo, known: Known) -> None:
        self._zone = zone
        places, people = known
        self._places: Mapping[str, Place] = places or {}
        self._people: Mapping[str, Person] = people or {}
        self._unchecked = places is None or people is None
        self._by_name: dict[str, list[str]] = {}
        for person in self._people.values():
            self._by_name.setdefault(person.name, []).append(person.id)
        self._place_names: dict[str, list[str]] = {}
        for place in self._places.values():
            self._place_names.setdefault(place.name, []).append(place.code)
        self.moved: dict[str, list[str]] = {}
        self.lines: list[Duty] = []
        self._fruitless = 0

    def take(self, event: Any) -> None:
        """Add what ``event`` says to ``lines``. Raises ``Fault``."""
        if str(event.get("STATUS", "")).upper() == "CANCELLED" or self._unchecked:
            return
        try:
            begin, end = self._span(event)
            plain = self._plain(event)
            rule = event.get("RRULE")
            out = self._days_out(event)
            again = "RECURRENCE-ID" not in event
            if rule is not None and again:
                if not self._repeated(plain, dict(rule), begin, end, out):
                    for moment in self._moments(event, rule, begin):
                        if moment.date().isoformat() not in out:
                            self._once(plain, moment, moment + (end - begin))
            else:
                self._once(plain, begin, end)
            for moment in self._extra(event):
                self._once(plain, moment, moment + (end - begin))
        except Fault:
            raise
        except _BROKEN:
            raise Fault("this entry can not be read") from None

    def local(self, moment: date) -> datetime:
        """As the clock on the wall shows it, without a zone."""
        if not isinstance(moment, datetime):
            return datetime.combine(moment, time())
        if moment.tzinfo is not None:
            moment = moment.astimezone(self._zone)
        return moment.replace(tzinfo=None, second=0, microsecond=0, fold=0)

    def _span(self, event: Any) -> tuple[datetime, datetime]:
        start = event["DTSTART"].dt
        begin = self.local(start)
        if "DTEND" in event:
            end = self.local(event["DTEND"].dt)
        elif "DURATION" in event:
            end = begin + event["DURATION"].dt
        else:
            end = begin if isinstance(start, datetime) else begin + _DAY
        if not YEARS[0] <= begin.year < YEARS[1]:
            raise Fault(f"a shift lies between the years {YEARS[0]} and {YEARS[1]}")
        if not timedelta(0) < end - begin <= MAX_DAYS * _DAY:
            raise Fault(f"a shift is longer than nothing and at most {MAX_DAYS} days")
        return begin, end

    # --- whose it is

    def _plain(self, event: Any) -> Duty:
        people = self._who(event)
        first = self._people[people[0]]
        place = str(event.get(PLACE, "")) or self._place(str(event.get("LOCATION", "")).strip())
        place = place or first.grid
        if place not in self._places:
            place = place[:60]
            raise Fault(f"there is no place {place!r}{nearest(place, self._places)}")
        role = str(event.get(ROLE, "")) or _role(event) or first.role
        if role not in words.ROLE_WORDS:
            raise Fault(f"unknown role {role[:40]!r}")
        return Duty(place, words.ROLE_WORDS[role], people=(people,))

    def _who(self, event: Any) -> tuple[str, ...]:
        attendees = event.get("ATTENDEE", [])
        listed = attendees if isinstance(attendees, list) else [attendees]
        named = [str(each).removeprefix(URN) for each in listed if str(each).startswith(URN)]
        if not named:
            summary = str(event.get("SUMMARY", "")).strip()
            named = [self._named(summary)]
        for who in named:
            if who not in self._people:
                raise Fault(f"nobody has the id {who[:60]!r}")
        return tuple(dict.fromkeys(named))

    def _named(self, summary: str) -> str:
        """The id of whom a summary such as ``王芳 夜班`` is about."""
        for text in (summary, *re.split(r"[\s,，:：/()（）]+", summary)[:3]):
            if text in self._people:
                return text
            if len(found := self._by_name.get(text, [])) == 1:
                return found[0]
            if found:
                raise Fault(f"{len(found)} people are called {text[:40]!r}; use the id")
        raise Fault(f"the summary {summary[:40]!r} names nobody of people.csv")

    def _place(self, location: str) -> str:
        if not location or location in self._places:
            return location
        found = self._place_names.get(location, [])
        if len(found) != 1:
            location = location[:60]
            raise Fault(f"there is no place {location!r}{nearest(location, self._places)}")
        return found[0]

    # --- when it is

    def _once(self, plain: Duty, begin: datetime, end: datetime) -> None:
        """One shift, cut into pieces of a day at most."""
        while begin < end:
            until = min(end, begin + _DAY)
            day = begin.date().isoformat()
            self._add(plain, begin, until, {"since": day, "until": day})
            begin = until

    def _repeated(
        self, plain: Duty, rule: dict[str, Any], begin: datetime, end: datetime, out: list[str]
    ) -> bool:
        """Whether a repetition could be said in one line of the roster."""
        parts = {str(name).upper(): value for name, value in rule.items()}
        if not set(parts) <= _PARTS or str(_first(parts, "FREQ")).upper() not in _FREQUENCIES:
            raise Fault("this repetition is not understood here; write the days one by one")
        days = [str(each).upper() for each in parts.get("BYDAY", [])]
        plainly = set(parts) <= {"FREQ", "INTERVAL", "UNTIL", "BYDAY", "WKST"}
        frequency = str(_first(parts, "FREQ")).upper()
        if (
            not plainly
            or int(_first(parts, "INTERVAL") or 1) != 1
            or frequency not in ("DAILY", "WEEKLY")
            or not all(day in _WEEKDAYS for day in days)
            or end - begin > _DAY
        ):
            return False
        if frequency == "WEEKLY" and not days:
            days = [list(_WEEKDAYS)[begin.weekday()]]
        last = _first(parts, "UNTIL")
        when = {
            "days": tuple(name for word, name in _WEEKDAYS.items() if word in days),
            "since": begin.date().isoformat(),
            "until": self.local(last).date().isoformat() if last is not None else "",
            "without": tuple(out),
        }
        self._add(plain, begin, end, when)
        return True

    def _moments(self, event: Any, rule: Any, begin: datetime) -> list[datetime]:
        """Of a repetition that no line of the roster can say."""
        found = _written_out(event, rule, begin)
        weekly = str(_first(dict(rule), "FREQ")).upper() == "WEEKLY"
        sought = {"BYMONTH", "BYMONTHDAY"} if weekly else {"BYMONTH", "BYMONTHDAY", "BYDAY"}
        if found in ([], [begin]) and sought & {str(name).upper() for name in rule}:
            self._fruitless += 1
        if self._fruitless > MOST_FRUITLESS:
            raise Endless(f"more than {MOST_FRUITLESS} repetitions come to nothing")
        return found

    def _add(self, plain: Duty, begin: datetime, end: datetime, when: Mapping[str, Any]) -> None:
        if len(self.lines) >= MAX_LINES:
            raise Fault(f"more than {MAX_LINES:,} shifts")
        minutes = (begin.hour * 60 + begin.minute, end.hour * 60 + end.minute or DAY_MINUTES)
        line = msgspec.structs.replace(plain, begin=minutes[0], end=minutes[1], **when)
        self.lines.append(line)

    def _days_out(self, event: Any) -> list[str]:
        """Days that a repetition leaves out, or that another entry speaks of."""
        moved = self.moved.get(str(event.get("UID", "")), []) if "RRULE" in event else []
        if len(moved) > MAX_DAYS:  # every line of the roster would hold all of them
            raise Fault(f"more than {MAX_DAYS} single dates")
        found = [self.local(each).date().isoformat() for each in _dates(event, "EXDATE")]
        return sorted({*found, *moved})

    def _extra(self, event: Any) -> list[datetime]:
        return [self.local(each) for each in _dates(event, "RDATE")]


def _dates(event: Any, name: str) -> list[date]:
    if name not in event:
        return []
    lists = event[name] if isinstance(event[name], list) else [event[name]]
    moments = [each.dt for one in lists for each in one.dts]
    if len(moments) > MAX_DAYS:
        raise Fault(f"more than {MAX_DAYS} single dates")
    return [one[0] if isinstance(one, tuple) else one for one in moments]


def _first(parts: Mapping[str, Any], name: str) -> Any:
    value = parts.get(name)
    return value[0] if isinstance(value, list) and value else value


def _role(event: Any) -> str:
    """The first category that is a role."""
    categories = event.get("CATEGORIES")
    listed = categories if isinstance(categories, list) else [categories]
    for one in listed:
        for each in getattr(one, "cats", ()):
            if str(each) in words.ROLE_WORDS:
                return str(each)
    return ""


def _written_out(event: Any, rule: Any, begin: datetime) -> list[datetime]:
    """The moments of a repetition that no line of the roster can say."""
    import icalendar
    import recurring_ical_events

    if "COUNT" not in rule and "UNTIL" not in rule:
        raise Fault("this repetition has no end; give an UNTIL or a COUNT")
    single = icalendar.Event()
    single.add("UID", "one")
    single.add("DTSTART", begin)
    single.add("DTEND", begin + timedelta(minutes=1))
    parts = dict(rule)
    if "UNTIL" in parts:
        last = _first(parts, "UNTIL")
        day = last.date() if isinstance(last, datetime) else last
        parts["UNTIL"] = [datetime.combine(day, time(23, 59))]
    single.add("RRULE", parts)
    calendar = icalendar.Calendar()
    calendar.add_component(single)
    found = recurring_ical_events.of(calendar).between(begin, begin + MAX_DAYS * _DAY)
    return [each["DTSTART"].dt for each in found]
