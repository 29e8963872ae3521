"""Which days of a year an iCalendar text calls holidays, and which it makes working days.

Only days matter here, so every entry is reduced to whole local days before the libraries see
it: no zone, no VTIMEZONE and no time of day is left that could be misread. What could keep
them busy for ever is refused first, because a calendar comes from somewhere else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from icalendar import Event

MAX_BYTES: Final = 1_000_000
MAX_EVENTS: Final = 5_000
MAX_DAYS: Final = 366
"""The longest entry."""
MAX_DATES: Final = 5_000
"""Single dates (RDATE, EXDATE) in the whole calendar."""
MAX_REPEATS: Final = 20_000
"""Steps of all repetitions together, counted for ``_COUNTED_FOR`` years."""
_COUNTED_FOR: Final = 100
YEARS: Final = (1900, 2200)

_KEPT: Final = re.compile(
    r"(DTSTART|DTEND|DURATION|RRULE|RDATE|EXDATE|RECURRENCE-ID|SUMMARY|CATEGORIES|STATUS|UID"
    r"|SEQUENCE)[;:]",
    re.IGNORECASE,
)
_WORKING: Final = re.compile(r"班|working day|workday", re.IGNORECASE)
_PERIOD: Final = {"YEARLY": 365, "MONTHLY": 30, "WEEKLY": 7, "DAILY": 1}
"""FREQ -> about how many days one step is."""
_PARTS: Final = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYMONTHDAY", "BYDAY"}
)
_LONGEST: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class CalendarFault(ValueError):
    """What is wrong, and in which line of the text (from 1)."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class Days(NamedTuple):
    """The special days of one year; no day is both."""

    holidays: frozenset[date]
    working: frozenset[date]


class Calendar:
    """A read and checked calendar."""

    __slots__ = ("_query",)

    def __init__(self, events: list[Event]) -> None:
        import icalendar
        import recurring_ical_events

        calendar = icalendar.Calendar()
        calendar.subcomponents.extend(events)
        # Made once: it remembers how far it has followed each repetition.
        self._query = recurring_ical_events.of(calendar)

    def days(self, year: int) -> Days:
        """The special days of ``year``. A working day wins over a holiday on the same day."""
        if not YEARS[0] <= year < YEARS[1]:
            return Days(frozenset(), frozenset())
        first, last = date(year, 1, 1), date(year + 1, 1, 1)
        holidays: set[date] = set()
        working: set[date] = set()
        for event in self._query.between(first, last):
            begin, end = event["DTSTART"].dt, event["DTEND"].dt
            found = working if _is_working(event) else holidays
            found.update(_between(max(begin, first), min(end, last)))
        return Days(frozenset(holidays - working), frozenset(working))


def read(text: str, zone: tzinfo) -> Calendar:
    """The calendar of ``text``; times count in ``zone``. Raises ``CalendarFault``."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise CalendarFault(1, f"larger than {MAX_BYTES:,} bytes; split it")
    entries = list(_entries(text))
    if not entries:
        raise CalendarFault(1, "no calendar entry (BEGIN:VEVENT) in it; is it an iCalendar file?")
    if len(entries) > MAX_EVENTS:
        raise CalendarFault(entries[MAX_EVENTS].line, f"more than {MAX_EVENTS:,} entries")
    reading = _Reading(zone)
    for entry in entries:
        reading.take(entry)
    return Calendar(reading.events)


class _Entry(NamedTuple):
    """The lines of one VEVENT that matter, without its alarms; ``line`` is where it begins."""

    line: int
    lines: list[str]


def _entries(text: str) -> Iterator[_Entry]:
    within: list[str] = []
    entry = _Entry(0, [])
    for number, line in _unfolded(text):
        word, _, name = line.partition(":")
        name = name.strip().upper()
        match word.strip().upper():
            case "BEGIN":
                within.append(name)
                if name == "VEVENT":
                    entry = _Entry(number, [])
            case "END":
                if not within or within.pop() != name:
                    raise CalendarFault(number, f"'END:{name[:20]}' ends what did not begin")
                if name == "VEVENT":
                    yield entry
            case _ if within and within[-1] == "VEVENT" and _KEPT.match(line):
                entry.lines.append(line)
    if within:
        raise CalendarFault(entry.line or 1, f"'BEGIN:{within[-1][:20]}' never ends")


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """The logical lines and where each begins: a line that begins with a blank goes on."""
    begun, parts = 1, list[str]()
    for number, line in enumerate(re.split(r"\r?\n", text), 1):
        if parts and line[:1] in (" ", "\t"):
            parts.append(line[1:])
            continue
        if parts:
            yield begun, "".join(parts)
        begun, parts = number, [line.lstrip("\ufeff")]
    yield begun, "".join(parts)


class _Reading:
    """Makes clean entries of whole days, and counts what they will cost."""

    def __init__(self, zone: tzinfo) -> None:
        self.events: list[Event] = []
        self._zone = zone
        self._uids: Counter[str] = Counter()
        self._dates = 0
        self._repeats = 0

    def take(self, entry: _Entry) -> None:
        """Add ``entry`` to ``events``. Raises ``CalendarFault``."""
        import icalendar
        import recurring_ical_events

        raw = _parsed(entry)
        if str(raw.get("STATUS", "")).upper() == "CANCELLED":
            return
        try:
            event = icalendar.Event()
            begin, end = self._span(entry, raw)
            event.add("DTSTART", begin)
            event.add("DTEND", end)
            self._identity(raw, event)
            for name in ("EXDATE", "RDATE"):
                if days := self._days(entry, raw, name):
                    event.add(name, days)
            if "RRULE" in raw:
                event.add("RRULE", self._rule(entry, raw, begin))
                recurring_ical_events.of(event)  # here a fault has a line
        except (AttributeError, TypeError, ValueError, OverflowError) as error:
            if isinstance(error, CalendarFault):
                raise
            raise CalendarFault(entry.line, "this entry can not be read") from None
        if _is_working(raw):
            event.add("CATEGORIES", ["WORKDAY"])
        self.events.append(event)

    def _identity(self, raw: Any, event: Event) -> None:
        """UIDs made different: of two entries with one UID the library would drop one."""
        uid = str(raw.get("UID", f"without-{len(self.events)}"))
        if "RECURRENCE-ID" in raw:
            event.add("RECURRENCE-ID", self._day(raw["RECURRENCE-ID"].dt))
        else:
            self._uids[uid] += 1
        count = self._uids[uid]
        event.add("UID", uid if count < 2 else f"{uid}-{count}")

    def _span(self, entry: _Entry, raw: Any) -> tuple[date, date]:
        """First day, and the day after the last."""
        if "DTSTART" not in raw:
            raise CalendarFault(entry.line, "this entry has no DTSTART")
        start = raw["DTSTART"].dt
        begin = self._day(start)
        if "DTEND" in raw:
            end = self._after(raw["DTEND"].dt)
        elif "DURATION" in raw:
            end = self._after(_moment(start) + raw["DURATION"].dt)
        else:
            end = begin
        end = max(end, begin + timedelta(days=1))
        if not YEARS[0] <= begin.year < YEARS[1] or (end - begin).days > MAX_DAYS:
            message = f"an entry lasts at most {MAX_DAYS} days, between {YEARS[0]} and {YEARS[1]}"
            raise CalendarFault(entry.line, message)
        return begin, end

    def _day(self, moment: date) -> date:
        if isinstance(moment, datetime):
            local = moment.astimezone(self._zone) if moment.tzinfo is not None else moment
            return local.date()
        return moment

    def _after(self, moment: date) -> date:
        """The first day that ``moment``, an exclusive end, leaves untouched."""
        if isinstance(moment, datetime):
            local = moment.astimezone(self._zone) if moment.tzinfo is not None else moment
            return self._day(local.replace(tzinfo=None) - timedelta.resolution) + timedelta(days=1)
        return moment

    def _days(self, entry: _Entry, raw: Any, name: str) -> list[date]:
        if name not in raw:
            return []
        lists = raw[name] if isinstance(raw[name], list) else [raw[name]]
        moments = [each.dt for one in lists for each in one.dts]
        found = [self._day(one[0] if isinstance(one, tuple) else one) for one in moments]
        self._dates += len(found)
        if self._dates > MAX_DATES:
            raise CalendarFault(entry.line, f"more than {MAX_DATES:,} single dates")
        return found

    def _rule(self, entry: _Entry, raw: Any, begin: date) -> dict[str, Any]:
        """The repetition, its end as a day. Raises ``CalendarFault`` for what is not understood."""
        if isinstance(raw["RRULE"], list):
            raise CalendarFault(entry.line, "two repetitions in one entry; make it two entries")
        rule = {str(name).upper(): value for name, value in raw["RRULE"].items()}
        step = _first(rule, "INTERVAL", 1)
        if not _repeats(rule, step):
            message = "this repetition is not understood here; write the days one by one"
            raise CalendarFault(entry.line, message)
        if "UNTIL" in rule:
            rule["UNTIL"] = [self._day(_first(rule, "UNTIL", None))]
        self._repeats += _steps(rule, step, begin)
        if self._repeats > MAX_REPEATS:
            message = f"more than {MAX_REPEATS:,} repetitions; give an UNTIL or a COUNT"
            raise CalendarFault(entry.line, message)
        return rule


def _parsed(entry: _Entry) -> Any:
    import icalendar

    text = "\r\n".join(["BEGIN:VEVENT", *entry.lines, "END:VEVENT", ""])
    try:
        # As bytes: a text of one line would be taken for the path of a file.
        raw: Any = icalendar.Event.from_ical(text.encode("utf-8", "replace"))
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError):
        raise CalendarFault(entry.line, "this entry can not be read") from None
    if raw.errors:
        name = raw.errors[0][0]
        what = f"its {name} can not be read" if name else "a line of this entry can not be read"
        raise CalendarFault(entry.line, what)
    return raw


def _repeats(rule: dict[str, Any], step: Any) -> bool:
    """Whether the rule is one of days and surely comes round.

    One that never does (30 February) would be searched for up to the year 9999, and one that
    seldom does (Friday 29 February) day by day.
    """
    freq = [str(word).upper() for word in rule.get("FREQ", ())]
    if not _PARTS.issuperset(rule) or len(freq) != 1 or freq[0] not in _PERIOD:
        return False
    rule["FREQ"] = freq
    count = _first(rule, "COUNT", 1)
    if not isinstance(step, int) or not 1 <= step <= 1_000 or not 1 <= count <= MAX_REPEATS:
        return False
    months = [int(month) for month in rule.get("BYMONTH", ())]
    numbers = [abs(int(day)) for day in rule.get("BYMONTHDAY", ())]
    weekdays = [str(day) for day in rule.get("BYDAY", ())]
    counted = any(day[:1] in "+-123456789" for day in weekdays)
    if (step > 1 or freq[0] in ("DAILY", "WEEKLY")) and (months or numbers or counted):
        return False
    if counted and (numbers or not _counts(freq[0], months, weekdays)):
        return False
    longest = max((_LONGEST[month - 1] for month in months if 1 <= month <= 12), default=31)
    in_range = all(1 <= month <= 12 for month in months) and 0 not in numbers
    return in_range and (not numbers or min(numbers) <= longest)


def _steps(rule: dict[str, Any], step: int, begin: date) -> int:
    """How many periods the library may have to look at."""
    end = date(begin.year + _COUNTED_FOR, 1, 1)
    if "UNTIL" in rule:
        end = max(begin, min(end, rule["UNTIL"][0]))
    steps = (end - begin).days // (_PERIOD[rule["FREQ"][0]] * step) + 1
    filtered = any(name.startswith("BY") for name in rule)
    return steps if filtered else min(steps, _first(rule, "COUNT", steps))


def _counts(freq: str, months: list[int], weekdays: list[str]) -> bool:
    """Whether "the second Monday" has a month to count in, and no month has six of them."""
    if freq != "MONTHLY" and not (freq == "YEARLY" and months):
        return False
    return all(re.fullmatch(r"[+-]?[1-5]?[A-Za-z]{2}", day) for day in weekdays)


def _first(rule: dict[str, Any], name: str, otherwise: Any) -> Any:
    """A part of a rule; the library gives some as a list of one."""
    value = rule.get(name, otherwise)
    return value[0] if isinstance(value, list) and value else value


def _moment(start: date) -> datetime:
    if isinstance(start, datetime):
        return start
    return datetime(start.year, start.month, start.day)  # noqa: DTZ001 # a day has no zone


def _is_working(event: Any) -> bool:
    """A weekend that is worked (调休上班)."""
    if _WORKING.search(str(event.get("SUMMARY", ""))):
        return True
    written = event.get("CATEGORIES", [])
    lists = written if isinstance(written, list) else [written]
    return any(str(word).upper() == "WORKDAY" for each in lists for word in each.cats)


def _between(begin: date, end: date) -> Iterator[date]:
    return (begin + timedelta(days=number) for number in range((end - begin).days))
