"""One row of a table by hand: the whole table with that row changed, brought as a file would be.

    edit ─▶ the table as it is, its row changed ─▶ bring (every check of an import) ─▶ what changes
                                                      └▶ faults, each at its column

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from gateway.document import Problem, Problems, nearest
from gateway.model import SECOND, Person, Site
from gateway.registry import write
from gateway.registry.bring import bring
from gateway.registry.changes import Changes
from gateway.registry.duty import on_duty, shifts
from gateway.registry.lookup import Cells, Thing, things
from gateway.registry.read import Calendar
from gateway.registry.rosters import ALL_IDS
from gateway.registry.table import Source
from gateway.registry.texts import ALL_CODES
from gateway.registry.words import COLUMNS

ROW: Final = "row"
REMOVE: Final = "remove"
VERBS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "places": {},
    "devices": {
        "replace": ("driver", "address", "serial", "model"),
        "bypass": ("until", "because"),
        "restore": (),
        "retire": ("because",),
    },
    "people": {},
    "rosters": {
        "swap": ("place", "role", "day", "one", "other", "back"),
        "standin": ("place", "role", "day", "people", "hours"),
    },
    "holidays": {},
}
"""Table -> what can be done to a row besides ``row`` and ``remove`` -> its fields."""
_NEEDED: Final = {
    "bypass": ("until", "because"),
    "retire": ("because",),
    "swap": ("place", "role", "day", "one", "other"),
    "standin": ("place", "role", "day", "people"),
}
_OF_TABLE: Final = ("swap", "standin")
"""These make new rows; the others are done to one."""
_DAY: Final = 86_400 * SECOND
_FIRST: Final = 2
"""The row of a sheet that is below the names of the columns."""
_OF_FILES: Final = (ALL_CODES, ALL_IDS)
"""Hints that are none to somebody at a form."""
_TWICE: Final = re.compile(r" is already in row (\d+)$")


class Edit(NamedTuple):
    """What somebody wants of one row; ``key`` "" is a new one."""

    table: str
    verb: str = ROW
    key: str = ""
    row: Mapping[str, str] = {}
    """Cells by column, as they would stand in a file; columns that are not given stay."""


class Fault(NamedTuple):
    """What is wrong, with the row and column where it is: "" for the row at hand, for no column."""

    key: str
    column: str
    message: str


class Faults(Exception):
    """Nothing has changed; ``faults`` say why."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = faults


class RowChange(NamedTuple):
    """One row, as it was and as it is; an empty one is not there."""

    key: str
    before: Cells
    after: Cells


class Edited(NamedTuple):
    """What an edit makes of the registry."""

    site: Site
    changes: Changes
    rows: list[RowChange]


class Bounds(NamedTuple):
    """What the rows are checked against besides each other."""

    wall: int
    zone: str
    notifiers: Collection[str] | None = None
    calendar: Calendar | None = None


def edited(before: Site, edit: Edit, bounds: Bounds) -> Edited:
    """What ``edit`` makes of ``before``. Raises ``Faults``."""
    zone = ZoneInfo(bounds.zone)
    rows = {key: write.cells(each, zone) for key, each in things(before, edit.table).items()}
    if edit.verb in _OF_TABLE:
        edit = edit._replace(key="")
    elif edit.key not in rows and (edit.key or edit.verb != ROW):
        raise Faults([Fault("", "", f"{edit.key!r} is not in the registry any more")])
    if faults := [*_foreign(edit), *_missing(edit)]:
        raise Faults(faults)
    made = _made(edit, rows)
    sheet = _Sheet(edit, rows, made)
    try:
        site, changes = bring(
            before,
            [sheet.source()],
            wall=bounds.wall,
            notifiers=_told_by(before, edit, bounds.notifiers),
            zone=bounds.zone,
            calendar=bounds.calendar,
            new_gaps_only=True,
        )
    except Problems as error:
        raise Faults([sheet.fault(each) for each in error.problems]) from None
    if faults := list(_only_by_hand(before, site, edit, bounds)):
        raise Faults(faults)
    return Edited(site, changes, _changed(edit, before, site, zone))


# --- what the verbs mean --------------------------------------------------------------


def _foreign(edit: Edit) -> Iterator[Fault]:
    """Columns that are none of this table, or that this verb has no word for."""
    fields: Collection[str] = VERBS[edit.table].get(edit.verb, COLUMNS[edit.table])
    for column in edit.row:
        if column not in fields:
            yield Fault("", "", f"unknown column {column[:40]!r}{nearest(column[:40], fields)}")


def _missing(edit: Edit) -> Iterator[Fault]:
    for column in _NEEDED.get(edit.verb, ()):
        if not edit.row.get(column, "").strip():
            yield Fault("", column, f"{column} is empty")
    if edit.verb == "replace" and not any(
        edit.row.get(column, "").strip() for column in ("address", "serial")
    ):
        yield Fault("", "address", "write the address or the serial number of the new one")


def _made(edit: Edit, rows: Mapping[str, Cells]) -> list[Cells]:
    """The rows that stand in the place of the row at hand, or are new."""
    given = {column: cell.strip() for column, cell in edit.row.items()}
    old = rows.get(edit.key, {})
    match edit.verb:
        case "remove":
            return []
        case "bypass":
            return [{**old, **given, "state": "bypassed"}]
        case "restore":
            return [{**old, "state": "accepted", "until": "", "because": ""}]
        case "retire":
            return [{**old, **given, "state": "retired", "until": ""}]
        case "replace":
            return [{**old, **{column: cell for column, cell in given.items() if cell}}]
        case "swap":
            return _swap(given)
        case "standin":
            day = given.pop("day")
            return [{**given, "kind": "exception", "since": day, "until": day}]
        case _:
            return [{**old, **given}]


def _swap(given: Mapping[str, str]) -> list[Cells]:
    """What begins on ``day`` and would be of ``one`` is of ``other``; on ``back`` the reverse."""
    day, back = given["day"], given.get("back") or given["day"]
    shared = {"place": given["place"], "role": given["role"], "kind": "swap"}
    one, other = given["one"], given["other"]
    return [
        {**shared, "people": other, "instead": one, "since": day, "until": day},
        {**shared, "people": one, "instead": other, "since": back, "until": back},
    ]


_FIELDS: Final[Mapping[str, tuple[Mapping[str, str], ...]]] = {
    "swap": (
        {"people": "other", "instead": "one", "since": "day", "until": "day"},
        {"people": "one", "instead": "other", "since": "back", "until": "back"},
    ),
    "standin": ({"since": "day", "until": "day"},),
}
"""Verb -> for each row that it makes: column -> the field that it came from."""


class _Sheet:
    """The table with the row changed, as a file: whose rows and columns lead back to fields."""

    def __init__(self, edit: Edit, rows: Mapping[str, Cells], made: list[Cells]) -> None:
        self._edit = edit
        lines = [(key, cells) for key, cells in rows.items() if key != edit.key]
        if edit.key:
            place = list(rows).index(edit.key)
            lines[place:place] = [(edit.key, cells) for cells in made]
        else:
            lines += [("", cells) for cells in made]
        self._lines = lines

    def source(self) -> Source:
        """The first column has no name: a problem there is of the row as a whole."""
        columns = list(COLUMNS[self._edit.table])
        table = [["", *columns]]
        table += [["", *(cells.get(column, "") for column in columns)] for _, cells in self._lines]
        return Source(f"{self._edit.table}.csv", content=write.as_csv(table))

    def fault(self, problem: Problem) -> Fault:
        """Where ``problem`` is, as the form calls it."""
        for hint in _OF_FILES:
            problem = problem._replace(message=problem.message.removesuffix(hint))
        edit, row = self._edit, problem.line - _FIRST
        if problem.file != f"{edit.table}.csv" or not 0 <= row < len(self._lines):
            return Fault("", "", problem.message)
        key = self._lines[row][0]
        column = ("", *COLUMNS[edit.table])[problem.column - 1]
        if (twice := _TWICE.search(problem.message)) is not None:
            other = int(twice[1]) - _FIRST
            if edit.key in (key, self._lines[other][0]):
                mine, theirs = (row, other) if key == edit.key else (other, row)
                message = self._taken(mine, theirs, column)
                return Fault("", self._field(mine, column), message)
        if key != edit.key:
            return Fault(key, column, problem.message)
        if not column and problem.message.startswith("device "):
            column = "state"  # a step in its life that is none
        return Fault("", self._field(row, column), problem.message)

    def _taken(self, mine: int, theirs: int, column: str) -> str:
        key = self._lines[theirs][0]
        return f"{self._lines[mine][1].get(column, '')!r} is already that of {key!r}"

    def _field(self, row: int, column: str) -> str:
        """The field of the form that ``column`` was made of."""
        made = [i for i, (key, _) in enumerate(self._lines) if key == self._edit.key]
        fields = _FIELDS.get(self._edit.verb, ())
        index = made.index(row)
        return fields[index].get(column, column) if index < len(fields) else column


def _told_by(before: Site, edit: Edit, notifiers: Collection[str] | None) -> Collection[str] | None:
    """The channels, with those that other rows still name: they are not this row's fault."""
    if notifiers is None or edit.table != "people":
        return notifiers
    others = (each for each in before.people.values() if each.id != edit.key)
    return {*notifiers, *(name for each in others for name in (*each.channels, *each.accounts))}


def _only_by_hand(before: Site, after: Site, edit: Edit, bounds: Bounds) -> Iterator[Fault]:
    """What a file may say, and somebody at a form did not mean."""
    if edit.table == "people":
        yield from _channels(after, edit, bounds.notifiers)
    known, device = before.devices.get(edit.key), after.devices.get(edit.key)
    match edit.verb:
        case "replace" if known == device:
            yield Fault("", "address", "that is the sensor that stands there already")
        case "bypass" if device is not None and 0 < device.until <= bounds.wall:
            yield Fault("", "until", "that time is over already")
        case "restore" if known is not None and known.state != "bypassed":
            yield Fault("", "state", f"device {edit.key!r} is not bypassed")
        case "swap" | "standin" if not _takes_effect(before, after, edit):
            yield Fault("", "day", "that changes nobody's duty: look who has it there on that day")


def _channels(after: Site, edit: Edit, notifiers: Collection[str] | None) -> Iterator[Fault]:
    person = after.people.get(edit.row.get("id", edit.key).strip())
    if person is None or notifiers is None:
        return
    for column, names in (("channels", person.channels), ("accounts", tuple(person.accounts))):
        for name in names:
            if name not in notifiers:
                hint = nearest(name, notifiers) if notifiers else "; none is configured"
                yield Fault("", column, f"there is no notifier {name!r}{hint}")


def _takes_effect(before: Site, after: Site, edit: Edit) -> bool:
    """Whether anybody's duty is another one in the days of the new lines."""
    for line in after.rosters[len(before.rosters) :]:
        first = datetime.fromisoformat(line.since).replace(tzinfo=ZoneInfo(after.zone))
        begin = int(first.timestamp()) * SECOND
        end = int((first + timedelta(days=1)).timestamp()) * SECOND + _DAY
        said = [_told(site, line.place, line.role, (begin, end)) for site in (before, after)]
        if said[0] != said[1]:
            return True
    return False


def _told(
    site: Site, place: str, role: str, span: tuple[int, int]
) -> list[tuple[int, tuple[Person, ...]]]:
    """When somebody else begins, and who."""
    found: list[tuple[int, tuple[Person, ...]]] = []
    for shift in shifts(site, place, role, *span):
        if not found or found[-1][1] != shift.people:
            found.append((max(shift.begin, span[0]), shift.people))
    return found or [(span[0], on_duty(site, place, role, span[0]))]


def _changed(edit: Edit, before: Site, after: Site, zone: ZoneInfo) -> list[RowChange]:
    """The rows of the table that are not as they were, the row at hand cell by cell."""
    old, new = (things(site, edit.table) for site in (before, after))

    def cells(thing: Thing | None) -> Cells:
        return write.cells(thing, zone) if thing is not None else {}

    if edit.table == "rosters" and edit.verb == REMOVE:  # the lines below it have moved up
        return [RowChange(edit.key, cells(old[edit.key]), {})]
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return [RowChange(key, cells(old.get(key)), cells(new.get(key))) for key in keys]
