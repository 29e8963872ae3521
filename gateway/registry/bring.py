"""Files that somebody brings as a change of the registry: sorted, read, checked.

    sources ─▶ which table is which ─▶ read ─▶ steps of devices, rosters without anybody ─▶ changes

All or nothing: raises ``Problems`` with every error.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from gateway.document import Problem, Problems
from gateway.model import ROLES, SECOND, Site
from gateway.registry import life, sheets, words
from gateway.registry.changes import Changes, changes
from gateway.registry.duty import shifts, with_rosters
from gateway.registry.read import ZONE, Calendar, Files, Rows, read
from gateway.registry.table import Source

AHEAD: Final = 28 * 86_400 * SECOND
"""Ns of a new roster that are looked through for hours without anybody."""
MAX_FILES: Final = 20
_MANY: Final = "rosters"
"""The table that may come in several files."""


class Brought(NamedTuple):
    """What an import makes of the registry."""

    site: Site
    changes: Changes


def bring(
    before: Site,
    sources: Sequence[Source],
    *,
    wall: int,
    notifiers: Collection[str] | None = None,
    zone: str = ZONE,
    calendar: Calendar | None = None,
    new_gaps_only: bool = False,
) -> Brought:
    """What ``sources`` make of ``before``; ``wall`` is now. Raises ``Problems``.

    ``new_gaps_only``: a roster that runs out already does not keep one row from being changed.
    """
    files = sorted_out(sources)
    imported = read(files, notifiers=notifiers, zone=zone, before=before, calendar=calendar)
    site, rows = imported
    problems = list(step_problems(before, site, rows))
    if files.rosters or files.people or files.holidays:
        found = uncovered(site, rows, wall, files.rosters, before if new_gaps_only else None)
        problems += found
    if problems:
        raise Problems(problems)
    return Brought(site, changes(before, site))


def step_problems(before: Site, after: Site, rows: Rows) -> Iterator[Problem]:
    """Steps in the life of a device that are none, each at its row."""
    for device, message in life.refused(before, after):
        file, row = rows.get(("devices", device), ("devices", 1))
        yield Problem(file, row, 1, message)


def uncovered(
    site: Site,
    rows: Rows,
    wall: int,
    rosters: Iterable[Source] = (),
    before: Site | None = None,
) -> Iterator[Problem]:
    """Grids for which, some time soon, nobody at all would have duty: not even above them.

    Not those that ``before`` leaves as soon, or sooner.
    """
    keys = set(with_rosters(site))
    named = [source.name for source in rosters]
    for code in dict.fromkeys(place for place, _ in with_rosters(site)):
        hole = _hole_at(site, code, keys, wall)
        if hole is None:
            continue
        stood = _hole_at(before, code, set(with_rosters(before)), wall) if before else None
        if stood is not None and stood <= hole:
            continue
        role = next(role for place, role in with_rosters(site) if place == code)
        file, row = rows.get((_MANY, f"{code} {role}"), (named[0] if named else _MANY, 1))
        moment = _local(site, hole)
        message = f"the roster leaves {code!r} without anybody from {moment} on, and above it too"
        yield Problem(file, row, 1, message)


def _hole_at(site: Site, code: str, keys: Collection[tuple[str, str]], wall: int) -> int | None:
    """The first moment without anybody at ``code`` and above it."""
    chain = [(place.code, role) for place in site.chain(code) for role in ROLES]
    if any(key not in keys and site.registered(*key) for key in chain):
        return None
    return _hole(site, [key for key in chain if key in keys], wall)


def _hole(site: Site, keys: Sequence[tuple[str, str]], wall: int) -> int | None:
    """The first moment in which none of ``keys`` has anybody on duty."""
    found = [
        (shift.begin, shift.end)
        for key in keys
        for shift in shifts(site, *key, wall, wall + AHEAD)
        if shift.people
    ]
    at = wall
    for begin, end in sorted(found):
        if begin > at:
            break
        at = max(at, end)
    return at if at < wall + AHEAD else None


def _local(site: Site, wall: int) -> str:
    return f"{datetime.fromtimestamp(wall // SECOND, ZoneInfo(site.zone)):%Y-%m-%d %H:%M}"


# --- which table is which --------------------------------------------------------------


def sorted_out(sources: Sequence[Source]) -> Files:
    """What each source is: by its ending, its name, its sheets, or its columns.

    Raises ``Problems``.
    """
    if len(sources) > MAX_FILES:
        raise Problems([Problem(sources[MAX_FILES].name, 1, 1, f"more than {MAX_FILES} files")])
    found: dict[str, list[Source]] = {}
    problems: list[Problem] = []
    for source in sources:
        try:
            for table in _tables(source):
                found.setdefault(table, []).append(source)
        except Problems as error:
            problems += error.problems
    for table, several in found.items():
        if len(several) > 1 and table != _MANY:
            message = f"a second file with {table}, after {several[0].name}"
            problems.append(Problem(several[1].name, 1, 1, message))
    if problems:
        raise Problems(problems)
    one = {table: several[0] for table, several in found.items()}
    return Files(
        one.get("places"),
        one.get("devices"),
        one.get("people"),
        tuple(found.get(_MANY, ())),
        one.get("borders"),
        one.get("holidays"),
    )


def _tables(source: Source) -> list[str]:
    name = PurePath(source.name)
    ending = name.suffix.lower()
    named = [table for table, titles in words.TITLES.items() if name.stem.lower() in titles]
    if ending in (".geojson", ".json"):
        return ["borders"]
    if ending == ".ics":
        return named or [_MANY]
    if ending == ".xlsx":
        titles = sheets.titles_in(source.name, source.raw())
        of_sheets = [t for t, names in words.TITLES.items() if any(n in names for n in titles)]
        return of_sheets or named or [_by_columns(source)]
    if ending == ".csv":
        return named or [_by_columns(source)]
    message = f"what kind of file is {ending or name.name!r}? There are csv, xlsx, ics, geojson"
    raise Problems([Problem(source.name, 1, 1, message)])


def _by_columns(source: Source) -> str:
    """The table whose required columns are all there."""
    if source.is_sheet:
        rows: Iterator[list[str]] = sheets.rows(source.name, source.raw(), ())
    else:
        rows = csv.reader(io.StringIO(source.text(), newline=""), strict=True)
    try:
        header = next((row for row in rows if any(cell.strip() for cell in row)), [])
    except csv.Error as error:
        raise Problems([Problem(source.name, 1, 1, f"not CSV: {error}")]) from None
    cells = {cell.strip() for cell in header} | {cell.strip().lower() for cell in header}
    for table, required in words.REQUIRED.items():
        columns = words.COLUMNS[table]
        if len(cells) and all(cells & {name, *columns[name]} for name in required):
            return table
    known = ", ".join(words.REQUIRED)
    message = f"the columns are those of no table; call the file by what is in it: {known}"
    raise Problems([Problem(source.name, 1, 1, message)])
