"""Who has duty at a place, in a role, at a moment; when shifts begin and end; where nobody has any.

Lines of the roster are local days and minutes; here they become instants:

    lines ─▶ pieces (instant, instant, team) ─▶ swaps ─▶ swept: exceptions cover ─▶ shifts

Of an hour that a change to summer time leaves out the instant of the change counts, of one that
comes twice the first: where one shift ends and the next begins, no gap opens and no two overlap.
Pure.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from gateway.model import DAY_MINUTES, SECOND, Duty, Person, Site

MAX_SPAN: Final = 400 * 86_400 * SECOND
"""Ns that may be looked at at once."""
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKEND: Final = 5
_DAY: Final = timedelta(days=1)
_BASE: Final = ("weekly", "rotation")
_KEPT: Final = "duty"

Key = tuple[str, str]
"""Place code and role."""


class Shift(NamedTuple):
    """Who has duty from ``begin`` to ``end``, wall ns; nobody in a gap of the roster."""

    begin: int
    end: int
    people: tuple[Person, ...]
    """The responsible one first."""


class Gap(NamedTuple):
    """A fault of the roster of ``role`` at ``place`` between two moments, wall ns."""

    place: str
    role: str
    begin: int
    end: int
    person: str = ""
    """Whom the roster names and nobody knows; "": nobody has duty."""


class _Piece(NamedTuple):
    """What one line says of one of its days."""

    begin: int
    end: int
    order: int
    """The line's number: earlier lines name the responsible one."""
    covers: bool
    team: tuple[str, ...]


def on_duty(site: Site, code: str, role: str, wall: int) -> tuple[Person, ...]:
    """Who has duty for ``role`` at exactly place ``code`` at ``wall`` ns, the responsible first.

    Where no roster covers the place: everybody registered there, in the registry's order. Where
    one does and leaves a gap: nobody.
    """
    rosters = _of(site)
    if (code, role) not in rosters.lines:
        return site.registered(code, role)
    known = rosters.newest.get((code, role))
    if known is None or not known.begin <= wall < known.end:
        known = rosters.newest[code, role] = rosters.shift((code, role), wall)
    return known.people


def shifts(site: Site, code: str, role: str, begin: int, end: int) -> list[Shift]:
    """What the roster says from ``begin`` to ``end`` (wall ns), without a hole: gaps have nobody.

    The first and the last reach beyond. Empty where no roster covers the place. Raises
    ``ValueError`` for more than ``MAX_SPAN``.
    """
    if end - begin > MAX_SPAN:
        raise ValueError(f"at most {MAX_SPAN // (86_400 * SECOND)} days of a roster at once")
    rosters = _of(site)
    if (code, role) not in rosters.lines or end <= begin:
        return []
    return rosters.shifts((code, role), begin, end)


def gaps(site: Site, begin: int, end: int) -> list[Gap]:
    """Where a roster leaves nobody on duty between ``begin`` and ``end``, or names nobody known."""
    return [gap for key in with_rosters(site) for gap in gaps_at(site, key, begin, end)]


def gaps_at(site: Site, key: Key, begin: int, end: int) -> list[Gap]:
    """The gaps of one roster; a district's 4,000 take a second and more."""
    code, role = key
    lines = _of(site).lines.get(key, ())
    unknown = {who for line in lines for who in _named(line) if who not in site.people}
    found = [Gap(code, role, begin, end, who) for who in sorted(unknown)]
    for shift in shifts(site, code, role, begin, end):
        gap = Gap(code, role, max(begin, shift.begin), min(end, shift.end))
        if shift.people:
            continue
        if found and found[-1].end == gap.begin:
            found[-1] = found[-1]._replace(end=gap.end)
        else:
            found.append(gap)
    return found


def with_rosters(site: Site) -> Iterable[Key]:
    """The places and roles that a roster covers."""
    return _of(site).lines.keys()


def _named(line: Duty) -> Iterator[str]:
    for team in line.people:
        yield from team
    if line.instead:
        yield line.instead


def _of(site: Site) -> _Rosters:
    known = site.kept.get(_KEPT)
    if not isinstance(known, _Rosters):
        known = site.kept[_KEPT] = _Rosters(site)
    return known


class _Rosters:
    """The lines of one picture by place and role, and the newest answers."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._zone = ZoneInfo(site.zone)
        self._working = {each.day: each.working for each in site.holidays}
        self.newest: dict[Key, Shift] = {}
        self.lines: dict[Key, list[Duty]] = {}
        for line in site.rosters:
            self.lines.setdefault((line.place, line.role), []).append(line)
        for key, lines in self.lines.items():
            if not any(line.kind in _BASE for line in lines):
                everybody = tuple(person.id for person in site.registered(*key))
                lines.insert(0, Duty(*key, people=(everybody,)))

    def shifts(self, key: Key, begin: int, end: int) -> list[Shift]:
        """From the one that holds ``begin`` to the one that holds the instant before ``end``.

        Two days more on either side: a shift that began yesterday may go on, and one that ends
        tomorrow is to end when it does.
        """
        return [
            shift
            for shift in self._shifts(key, self._day(begin) - 2 * _DAY, self._day(end) + 2 * _DAY)
            if shift.begin < end and shift.end > begin
        ]

    def shift(self, key: Key, wall: int) -> Shift:
        """The one at ``wall``, or as much of it as lies on the same day."""
        day = self._day(wall)
        found = self._shifts(key, day, day)
        return next(shift for shift in found if shift.begin <= wall < shift.end)

    def _shifts(self, key: Key, first: date, last: date) -> Iterator[Shift]:
        """What the days from ``first`` to ``last`` have, and nothing beyond their midnights."""
        lines = self.lines[key]
        pieces = [
            piece
            for order, line in enumerate(lines)
            if line.kind != "swap"
            for piece in self._pieces(line, order, first - _DAY, last)
        ]
        swaps = [line for line in lines if line.kind == "swap"]
        if swaps:
            pieces = [self._swapped(piece, swaps) for piece in pieces]
        bounds = (_instant(self._zone, first, 0), _instant(self._zone, last + _DAY, 0))
        for begin, end, team in _swept(pieces, bounds):
            yield Shift(begin, end, self._people(team))

    def _pieces(self, line: Duty, order: int, first: date, last: date) -> Iterator[_Piece]:
        if line.since:
            first = max(first, date.fromisoformat(line.since))
        if line.until:
            last = min(last, date.fromisoformat(line.until))
        day = first
        while day <= last:
            if self._holds(line, day):
                begin = _instant(self._zone, day, line.begin)
                later = _DAY if line.end <= line.begin else timedelta()
                end = _instant(self._zone, day + later, line.end)
                if begin < end:
                    yield _Piece(begin, end, order, line.kind == "exception", _team(line, day))
            day += _DAY

    def _holds(self, line: Duty, day: date) -> bool:
        if line.without and day.isoformat() in line.without:
            return False
        if not line.days or WEEKDAYS[day.weekday()] in line.days:
            return True
        working = self._working.get(day.isoformat()) if self._working else None
        if working is False and "holiday" in line.days:
            return True
        at_work = day.weekday() < _WEEKEND if working is None else working
        return ("workday" if at_work else "restday") in line.days

    def _swapped(self, piece: _Piece, swaps: Sequence[Duty]) -> _Piece:
        """Line by line; nobody gets back what they have given: two lines are two who change."""
        day = self._day(piece.begin)
        held = [(swap.instead, swap.people[0][0]) for swap in swaps if self._swaps(swap, day)]
        return piece._replace(team=tuple(_taken_over(who, held) for who in piece.team))

    def _swaps(self, swap: Duty, day: date) -> bool:
        return _within(swap, day) and self._holds(swap, day)

    def _people(self, team: Iterable[str]) -> tuple[Person, ...]:
        people = self._site.people
        return tuple(people[who] for who in dict.fromkeys(team) if who in people)

    def _day(self, wall: int) -> date:
        return datetime.fromtimestamp(wall // SECOND, self._zone).date()


def _taken_over(who: str, swaps: Sequence[tuple[str, str]]) -> str:
    """Who has the duty of ``who`` after ``swaps``, each of one person for another."""
    had = {who}
    for gives, takes in swaps:
        if gives == who and takes not in had:
            who = takes
            had.add(who)
    return who


@lru_cache(maxsize=4_096)
def _instant(zone: ZoneInfo, day: date, minutes: int) -> int:
    """Wall ns. A district's rosters share their hours: each is worked out once."""
    if minutes >= DAY_MINUTES:
        day, minutes = day + _DAY, minutes - DAY_MINUTES
    hours, minutes = divmod(minutes, 60)
    local = datetime(day.year, day.month, day.day, hours, minutes, tzinfo=zone)
    return int(local.timestamp()) * SECOND


def _within(line: Duty, day: date) -> bool:
    iso = day.isoformat()
    return (not line.since or line.since <= iso) and (not line.until or iso <= line.until)


def _team(line: Duty, day: date) -> tuple[str, ...]:
    if line.kind != "rotation":
        return line.people[0] if line.people else ()
    turn = (day - date.fromisoformat(line.since)).days // line.every
    return line.people[turn % len(line.people)]


def _swept(
    pieces: Sequence[_Piece], bounds: tuple[int, int]
) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Stretches in which the same pieces hold, from bound to bound, without holes."""
    waiting = sorted(pieces, reverse=True)
    moments = {each for piece in pieces for each in (piece.begin, piece.end)}
    cuts = sorted({*bounds, *(each for each in moments if bounds[0] < each < bounds[1])})
    active: list[_Piece] = []
    for begin, end in itertools.pairwise(cuts):
        while waiting and waiting[-1].begin <= begin:
            active.append(waiting.pop())
        active = sorted((p for p in active if p.end > begin), key=lambda piece: piece.order)
        covering = [piece for piece in active if piece.covers]
        yield begin, end, tuple(who for piece in covering or active for who in piece.team)
