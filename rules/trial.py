"""``*.test.yaml``: stories told to the rules in virtual time, and whether they went as written.

Every story is told twice, the second time with a restart from the saved state before each
line: both must give the same changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from gateway.document import Document, Problem, Problems, nearest, parse, validate
from gateway.model import (
    EXTRA,
    LEVELS,
    SECOND,
    Category,
    Change,
    Device,
    Place,
    Quality,
    Reading,
    Record,
    Severity,
    Site,
    Value,
    every_value_name,
)
from gateway.options import Duration
from rules.engine import step, tick
from rules.ruleset import Ruleset, load, packs
from rules.state import State

_WALL: Final = 1_767_600_000 * SECOND
"""Second 0 of every story: 2026-01-05 08:00 UTC, 16:00 in China."""
_ARRIVAL: Final = 1_000 * SECOND
_LATE: Final = 300.0
"""Seconds after which a report counts as late, as at intake."""


class Result(NamedTuple):
    """One story; ``problems`` is empty when it went as written."""

    file: str
    name: str
    problems: tuple[Problem, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def run(paths: Iterable[Path]) -> list[Result]:
    """Tell every story of the files at ``paths``. A file that can not be read is one result."""
    results: list[Result] = []
    for path in paths:
        try:
            results += _run_file(path)
        except Problems as error:
            results.append(Result(str(path), "", tuple(error.problems)))
    return results


# --- the written form --------------------------------------------------------------------


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _report(values: Any) -> Any:
    if not isinstance(values, dict):
        raise ValueError("a report is a mapping of value names to values")
    known = every_value_name()
    for name, value in values.items():
        if name not in known and not name.startswith(EXTRA):
            raise ValueError(f"unknown value {name!r}{nearest(name, known)}")
        if not isinstance(value, bool | int | float | str):
            raise ValueError(f"{name} must be a number, true, false or a text")
    return {n: float(v) if type(v) is int else v for n, v in values.items()}


def _level(value: str) -> str:
    if value not in LEVELS:
        raise ValueError(f"there is no level {value!r}{nearest(value, LEVELS)}")
    return value


class _Place(_Strict):
    code: str
    parent: str = ""
    level: Annotated[str, AfterValidator(_level)]
    name: str = ""


class _Device(_Strict):
    id: str
    kind: str
    place: str = ""
    flat: str = ""
    max_silence: Duration = 0.0
    state: str = "accepted"


class _Expected(_Strict):
    """One change; what is left out may be anything."""

    alarmed: str | None = None
    cleared: str | None = None
    device: str | None = None
    same: str | None = None
    place: str | None = None
    found: str | None = None
    severity: Severity | None = None
    category: Category | None = None
    incident: str | None = None
    why: str | None = None

    def fits(self, change: Change) -> bool:
        """Whether ``change`` is the one meant."""
        rule = {"alarmed": self.alarmed, "cleared": self.cleared}.get(change.turn.value)
        named = ("device", "same", "place", "found", "severity", "category", "incident")
        if rule != change.rule or self.why not in (None, change.why.zh, change.why.en):
            return False
        return all(getattr(self, n) in (None, getattr(change, n)) for n in named)

    def __str__(self) -> str:
        return ", ".join(f"{n}: {_plain(v)}" for n, v in self if v is not None)


class _Line(_Strict):
    """One line of a story: a report or what is expected since the line before."""

    at: Duration
    device: str | None = None
    kind: str | None = None
    report: Annotated[dict[str, Any], BeforeValidator(_report)] | None = None
    age: Duration = 0.0
    """How much older the event is than its arrival."""
    retained: bool = False
    suspect: bool = False
    expect: list[_Expected] | None = None


class _Story(_Strict):
    name: str
    story: Annotated[list[_Line], Field(min_length=1)]


class _File(_Strict):
    rules: list[str] = []
    packs: list[str] = []
    places: list[_Place] = []
    devices: list[_Device] = []
    stories: Annotated[list[_Story], Field(min_length=1)]

    def site(self) -> Site:
        """The small registry that the stories happen in."""
        places = {p.code: Place(p.code, p.parent, p.level, p.name or p.code) for p in self.places}
        devices = {
            d.id: Device(
                id=d.id,
                driver="story",
                address=d.id,
                kind=d.kind,
                name=d.id,
                place=d.place,
                flat=d.flat,
                max_silence=int(d.max_silence * SECOND),
                state=d.state,
            )
            for d in self.devices
        }
        return Site(1, places, devices)


# --- telling -----------------------------------------------------------------------------


def _run_file(path: Path) -> list[Result]:
    text = _read(path, Problem(str(path), 1, 1, ""))
    document = parse(str(path), text)
    written = validate(document, _File)
    here = document.problem(("rules",), "")
    try:
        files = packs(written.packs)
    except ValueError as error:
        raise Problems([document.problem(("packs",), str(error))]) from None
    files += [(str(path.parent / name), _read(path.parent / name, here)) for name in written.rules]
    ruleset = load(files)
    return [
        Result(str(path), story.name, tuple(_Telling(document, written, index, ruleset).tell()))
        for index, story in enumerate(written.stories)
    ]


def _read(path: Path, here: Problem) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Problems([here._replace(message=f"{path}: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise Problems([here._replace(message=f"{path}: not UTF-8 text")]) from None


class _Telling:
    """One story against one ruleset."""

    def __init__(self, document: Document, file: _File, index: int, ruleset: Ruleset) -> None:
        self._document = document
        self._ruleset = ruleset
        self._site = file.site()
        self._kinds = {device.id: device.kind for device in file.devices}
        self._lines = file.stories[index].story
        self._path = ("stories", index, "story")

    def tell(self) -> list[Problem]:
        """What went otherwise than written."""
        problems = self._check()
        if problems:
            return problems
        happened = self._changes(restarting=False)
        again = self._changes(restarting=True)
        for index in range(len(self._lines)):
            if happened[index] != again[index]:
                problems.append(self._problem((index,), "a restart here changes what follows"))
        for index, line in enumerate(self._lines):
            if line.expect is not None:
                problems += self._compare(index, line.expect, happened)
        left = [change for changes in happened for change in changes]
        problems += [
            self._problem((len(self._lines) - 1,), f"never expected: {_said(change)}")
            for change in left
        ]
        return problems

    def _check(self) -> list[Problem]:
        problems = []
        before = 0.0
        for index, line in enumerate(self._lines):
            if (line.report is None) is (line.expect is None):
                problems.append(self._problem((index,), "a line is either a report or an expect"))
            elif line.report is not None and line.device is None:
                problems.append(self._problem((index,), "'device' is missing"))
            elif line.report is not None and not (line.kind or line.device in self._kinds):
                message = f"unknown device {line.device!r}{nearest(str(line.device), self._kinds)}"
                problems.append(self._problem((index, "device"), message))
            if line.at < before:
                problems.append(self._problem((index, "at"), "earlier than the line before"))
            before = line.at
            for number, expected in enumerate(line.expect or ()):
                problems += self._check_expected((index, "expect", number), expected)
        return problems

    def _check_expected(self, path: tuple[str | int, ...], expected: _Expected) -> list[Problem]:
        if (expected.alarmed is None) is (expected.cleared is None):
            return [self._problem(path, "write either 'alarmed: RULE' or 'cleared: RULE'")]
        key, rule = (
            ("alarmed", expected.alarmed) if expected.alarmed else ("cleared", expected.cleared)
        )
        if rule in self._ruleset.by_name:
            return []
        hint = nearest(str(rule), self._ruleset.by_name)
        return [self._problem((*path, key), f"there is no rule {rule!r}{hint}")]

    def _problem(self, path: tuple[str | int, ...], message: str) -> Problem:
        return self._document.problem((*self._path, *path), message)

    def _changes(self, *, restarting: bool) -> list[list[Change]]:
        """The changes of each line."""
        state, saved = State(), dict[str, bytes]()
        told: list[list[Change]] = []
        for number, line in enumerate(self._lines, 1):
            if restarting:
                for key, blob in state.take_dirty().items():
                    if blob is None:
                        saved.pop(key, None)
                    else:
                        saved[key] = blob
                state = State.restore(saved)
            if line.report is None:
                now = _ARRIVAL + int(line.at * SECOND)
                told.append(tick(self._ruleset, self._site, state, now))
            else:
                told.append(step(self._ruleset, self._site, state, self._record(number, line)))
        return told

    def _record(self, number: int, line: _Line) -> Record:
        offset = int(line.at * SECOND)
        device = str(line.device)
        values: dict[str, Value] = dict(line.report or {})
        reading = Reading(
            device=device,
            kind=line.kind or self._kinds[device],
            values=values,
            retained=line.retained,
            received_at=_WALL + offset,
            at=_WALL + offset - int(line.age * SECOND),
            quality=Quality.suspect if line.suspect else Quality.good,
            late=line.age > _LATE,
        )
        return Record(number, _ARRIVAL + offset, "story", offset, _WALL + offset, True, reading)

    def _compare(
        self, index: int, expected: list[_Expected], happened: list[list[Change]]
    ) -> list[Problem]:
        """Match all changes up to line ``index``; those are taken out of ``happened``."""
        changes = [change for told in happened[: index + 1] for change in told]
        problems = []
        for number, one in enumerate(expected):
            fitting = next((change for change in changes if one.fits(change)), None)
            if fitting is None:
                message = f"did not happen: {one}; happened: {_all_said(changes)}"
                problems.append(self._problem((index, "expect", number), message))
            else:
                changes.remove(fitting)
        path = (index, "expect")
        problems += [self._problem(path, f"not expected: {_said(change)}") for change in changes]
        for told in happened[: index + 1]:
            told.clear()
        return problems


def _all_said(changes: list[Change]) -> str:
    return " / ".join(map(_said, changes)) or "nothing"


def _said(change: Change) -> str:
    at = (change.now - _ARRIVAL) / SECOND
    found = f", found: {change.found}" if change.found else ""
    return (
        f"{change.turn.value}: {change.rule}, device: {change.device}{found},"
        f" same: {change.same} at {at:g}s ({change.why.en})"
    )


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)
