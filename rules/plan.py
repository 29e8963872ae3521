"""Plans: at which times of the week, and on which holidays, places are armed by themselves.

A range of times belongs to the day on which it begins and runs to its end whatever the next
day is: the night before a holiday ends in the morning of the holiday, as every night. A holiday
is armed the whole day and, unless ``on_holidays`` says otherwise, at its weekday's own times too,
so that the night after it is armed until the morning.

Where clocks are put back, a range that begins in the hour that comes twice begins the first time
and one that ends there ends the second time: rather armed than not. A time that a clock leaves
out is the moment at which it does.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from gateway.document import nearest
from gateway.model import MODES, SECOND, Text
from rules.calendar import Calendar, CalendarFault, Days, read

HORIZON: Final = 400 * 86_400 * SECOND
"""How far ``next_switch`` and ``last_switch`` look, ns."""
MAX_TIMES: Final = 24
"""Ranges of one day."""
_YEARS_KEPT: Final = 4
_EARLIEST: Final = 2 * HORIZON
_LATEST: Final = 2**63 - 1 - 2 * HORIZON
"""A clock may say anything. Outside of these (1972, 2260) nothing switches."""
_DAY: Final = 1_440
_NOTHING: Final = Days(frozenset(), frozenset())
_DISARMED: Final = MODES[0]
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_RANGE: Final = re.compile(
    r"([0-9]{1,2})[:\uff1a]([0-9]{2})\s*[-\u2013~\uff5e]\s*([0-9]{1,2})[:\uff1a]([0-9]{2})"
)
_WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CHINESE: Final = "一二三四五六日"
_DAILY: Final = ("daily", "每天", "每日")
_DAYS: Final[Mapping[str, int]] = {
    **{name: number for names in (_WEEK, _LONG) for number, name in enumerate(names)},
    **{
        head + one: number for head in ("周", "星期", "礼拜") for number, one in enumerate(_CHINESE)
    },
    **{head + "天": 6 for head in ("星期", "礼拜")},
}


class PlanFault(ValueError):
    """What is wrong with a plan; ``path`` leads to it inside the plan."""

    def __init__(self, path: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _some(value: Any) -> Any:
    if value == []:
        raise ValueError("an empty list; name at least one")
    return _listed(value)


def _plan_name(value: Any) -> Any:
    if isinstance(value, str) and not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} is no name of a plan; use a-z, 0-9 and _, as in offices")
    return value


def _title(value: Any) -> Any:
    return {"zh": value, "en": value} if isinstance(value, str) else value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Title(_Strict):
    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


_Times = Annotated[list[str], BeforeValidator(_listed), Field(max_length=MAX_TIMES)]


class PlanSpec(_Strict):
    """A plan as it is written; ``week`` maps days to times, as in ``mon-fri: 19:00-07:30``."""

    name: Annotated[str, BeforeValidator(_plan_name)]
    title: Annotated[_Title, BeforeValidator(_title)]
    grid: Annotated[list[str], BeforeValidator(_some)] | None = None
    mode: Literal["home", "away"] = "away"
    week: Annotated[dict[str, _Times], Field(min_length=1)]
    holidays: str | None = None
    on_holidays: _Times | None = None
    on_workdays: _Times | None = None


class _Range(NamedTuple):
    """Minutes of local time from the midnight that begins the day; up to two days long."""

    begin: int
    end: int


_Ranges = tuple[_Range, ...]
_WHOLE: Final = _Range(0, _DAY)


class _Week(NamedTuple):
    """The ranges of Monday to Sunday, and of the two special sorts of days."""

    days: tuple[_Ranges, ...]
    holiday: _Ranges | None
    working: _Ranges | None

    def of(self, day: date, special: Days) -> _Ranges:
        """What begins on ``day``."""
        own = self.days[day.weekday()]
        if day in special.working:
            return self.days[0] if self.working is None else self.working
        if day in special.holidays:
            return (_WHOLE, *own) if self.holiday is None else self.holiday
        return own


class _Year(NamedTuple):
    """One local year, wall ns: ``begins[i]`` to ``ends[i]`` is armed, in order, never touching.

    Cut off at the year's own ``begin`` and ``end``; a stretch that goes on begins again there.
    """

    begin: int
    end: int
    begins: tuple[int, ...]
    ends: tuple[int, ...]


class Plan:
    """A checked plan. What it answers depends on the question alone; a few years are kept."""

    __slots__ = (
        "_calendar",
        "_newest",
        "_week",
        "_years",
        "_zone",
        "digest",
        "grids",
        "mode",
        "name",
        "title",
    )

    def __init__(
        self, spec: PlanSpec, zone: tzinfo, week: _Week, calendar: Calendar | None, digest: str
    ) -> None:
        self.name = spec.name
        self.title = Text(spec.title.zh, spec.title.en)
        self.grids = frozenset(spec.grid or ())
        """Empty: the whole site."""
        self.mode: str = spec.mode
        self.digest = digest
        """Changes when it arms other places, or otherwise, or at other times."""
        self._zone = zone
        self._week = week
        self._calendar = calendar
        self._years: dict[int, _Year] = {}
        self._newest: _Year | None = None

    def mode_at(self, wall: int) -> str:
        """``mode`` inside its times, ``disarmed`` outside; ``wall`` is UTC ns."""
        year = self._year_of(wall := min(max(wall, _EARLIEST), _LATEST))
        number = bisect_right(year.begins, wall) - 1
        return self.mode if number >= 0 and wall < year.ends[number] else _DISARMED

    def next_switch(self, wall: int) -> int | None:
        """The first moment after ``wall`` at which the mode changes; None: not for 400 days."""
        if not _EARLIEST <= wall <= _LATEST:
            return None
        year, limit = self._year_of(wall), wall + HORIZON
        armed = self.mode_at(wall) == self.mode
        while year.begin <= limit:
            edges = year.ends if armed else year.begins
            number = bisect_right(edges, wall)
            found = edges[number] if number < len(edges) else year.end
            following = self._year_of(year.end)
            if found < year.end or armed != _starts_armed(following):
                return found if found <= limit else None
            wall, year = year.end, following
        return None

    def last_switch(self, wall: int) -> int | None:
        """The newest change of the mode at or before ``wall``; None: none for 400 days."""
        if not _EARLIEST <= wall <= _LATEST:
            return None
        year, limit = self._year_of(wall), wall - HORIZON
        armed = self.mode_at(wall) == self.mode
        while year.end > limit:
            edges = year.begins if armed else year.ends
            number = bisect_right(edges, wall) - 1
            found = edges[number] if number >= 0 else year.begin
            before = self._year_of(year.begin - 1)
            if found > year.begin or armed != _ends_armed(before):
                return found if found >= limit else None
            wall, year = year.begin - 1, before
        return None

    def _year_of(self, wall: int) -> _Year:
        year = self._newest
        if year is None or not year.begin <= wall < year.end:
            number = datetime.fromtimestamp(wall // SECOND, self._zone).year
            year = self._years.get(number)
            if year is None:
                while len(self._years) >= _YEARS_KEPT:
                    del self._years[next(iter(self._years))]
                year = self._years[number] = self._made(number)
            self._newest = year
        return year

    def _made(self, number: int) -> _Year:
        """Every day's ranges of a year, and those of the night into it, joined."""
        special = _NOTHING if self._calendar is None else self._calendar.days(number)
        before = _NOTHING if self._calendar is None else self._calendar.days(number - 1)
        first, last = date(number, 1, 1), date(number + 1, 1, 1)
        eve = first - timedelta(days=1)
        begin, end = self._moment(first, 0, 0), self._moment(last, 0, 0)
        spans = [self._span(eve, one) for one in self._week.of(eve, before)]
        for count in range((last - first).days):
            day = first + timedelta(days=count)
            spans += [self._span(day, one) for one in self._week.of(day, special)]
        joined = _joined((max(a, begin), min(b, end)) for a, b in spans)
        return _Year(begin, end, tuple(a for a, _ in joined), tuple(b for _, b in joined))

    def _span(self, day: date, one: _Range) -> tuple[int, int]:
        return self._moment(day, one.begin, 0), self._moment(day, one.end, 1)

    def _moment(self, day: date, minutes: int, fold: int) -> int:
        """Local time as wall ns; of a time that comes twice the first or (``fold``) the second."""
        local = datetime(day.year, day.month, day.day, tzinfo=self._zone)
        local += timedelta(minutes=minutes)
        first, second = (int(local.replace(fold=f).timestamp()) for f in (0, 1))
        if first <= second:
            return (second if fold else first) * SECOND
        # The clock is put forward over this time, somewhere between the two readings of it.
        shift = datetime.fromtimestamp(second, self._zone).utcoffset()
        while first - second > 1:
            middle = (first + second) // 2
            if datetime.fromtimestamp(middle, self._zone).utcoffset() == shift:
                second = middle
            else:
                first = middle
        return first * SECOND


def compile_plan(spec: PlanSpec, zone: tzinfo, calendars: Mapping[str, str]) -> Plan:
    """A plan whose times are local times of ``zone``; ``calendars``: name -> iCalendar text.

    Raises ``PlanFault``.
    """
    week = _Week(
        _read_week(spec.week),
        None if spec.on_holidays is None else _read_times(("on_holidays",), spec.on_holidays),
        None if spec.on_workdays is None else _read_times(("on_workdays",), spec.on_workdays),
    )
    calendar, text = None, ""
    if spec.holidays is None:
        for key in ("on_holidays", "on_workdays"):
            if getattr(spec, key) is not None:
                raise PlanFault((key,), f"{key!r} needs 'holidays', the file that names the days")
    else:
        calendar = _read_calendar(spec.holidays, zone, calendars)
        text = calendars[spec.holidays]
    grids = sorted(spec.grid or ())
    written = (
        grids,
        spec.mode,
        week,
        str(zone),
        hashlib.sha256(text.encode("utf-8", "replace")).hexdigest(),
    )
    digest = hashlib.sha256(repr(written).encode()).hexdigest()[:12]
    return Plan(spec, zone, week, calendar, digest)


def _read_calendar(name: str, zone: tzinfo, calendars: Mapping[str, str]) -> Calendar:
    text = calendars.get(name)
    if text is None and not calendars:
        message = f"there is no calendar {name!r}; lay the file beside the rule files"
        raise PlanFault(("holidays",), message)
    if text is None:
        raise PlanFault(("holidays",), f"there is no calendar {name!r}{nearest(name, calendars)}")
    try:
        return read(text, zone)
    except CalendarFault as fault:
        raise PlanFault(("holidays",), f"{name}:{fault.line}: {fault.message}") from None


def _read_week(week: Mapping[str, list[str]]) -> tuple[_Ranges, ...]:
    """The ranges of Monday to Sunday; a day nobody names has none."""
    found: dict[int, _Ranges] = {}
    said: dict[int, str] = {}
    for key, times in week.items():
        ranges = _read_times(("week", key), times)
        for day in _read_days(key):
            if day in found:
                message = f"{_WEEK[day]} is already in {said[day]!r}; name each day once"
                raise PlanFault(("week", key), message)
            found[day], said[day] = ranges, key
    return tuple(found.get(day, ()) for day in range(7))


def _read_days(key: str) -> list[int]:
    """Weekdays from Monday = 0, as in ``mon-fri``, ``sat-mon``, ``周一至周五``, ``daily``."""
    days: list[int] = []
    for part in re.split(r"[,，、]", key.strip().lower()):
        if part.strip() in _DAILY:
            days += range(7)
            continue
        ends = [_read_day(key, word) for word in re.split(r"[-\u2013~至到]", part, maxsplit=1)]
        days += ((ends[0] + count) % 7 for count in range((ends[-1] - ends[0]) % 7 + 1))
    return days


def _read_day(key: str, word: str) -> int:
    word = word.strip()
    if (day := _DAYS.get(word)) is None:
        hint = nearest(word, (*_WEEK, "daily"))
        raise PlanFault(("week", key), f"there is no day {word!r}{hint}")
    return day


def _read_times(path: tuple[str | int, ...], times: Iterable[str]) -> _Ranges:
    return tuple(_read_range((*path, number), text) for number, text in enumerate(times))


def _read_range(path: tuple[str | int, ...], text: str) -> _Range:
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        raise PlanFault(path, f"{text!r} is no range of times; write it like '19:00-07:30'")
    hours = (int(found[1]), int(found[3]))
    minutes = (int(found[2]), int(found[4]))
    begin, end = (60 * hour + minute for hour, minute in zip(hours, minutes, strict=True))
    if max(minutes) > 59 or begin >= _DAY or end > _DAY:
        raise PlanFault(path, f"{text!r}: times of a day go from 00:00 to 24:00, minutes to 59")
    if begin == end:
        message = f"{text!r} begins and ends at the same minute; the whole day is '00:00-24:00'"
        raise PlanFault(path, message)
    return _Range(begin, end if end > begin else end + _DAY)


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same time in stretches that neither touch nor overlap, in order."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def _starts_armed(year: _Year) -> bool:
    return bool(year.begins) and year.begins[0] == year.begin


def _ends_armed(year: _Year) -> bool:
    return bool(year.ends) and year.ends[-1] == year.end
