"""``*.test.yaml``: stories told to the rules in virtual time, and whether they went as written.

Every story is told three times, the second time with a restart from the saved state before each
line, the third time with the time between lines cut into single looks. All must give the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from gateway.document import Document, Problem, Problems, nearest, parse, validate
from gateway.model import (
    SECOND,
    Arming,
    Change,
    DeviceSeen,
    Edition,
    Quality,
    Reading,
    Record,
    Site,
    Stored,
)
from rules.engine import step, tick
from rules.files import load, packs
from rules.ruleset import Ruleset
from rules.state import State
from rules.story import Expected, File, Line

_ARRIVAL: Final = 1_000 * SECOND
_LATE: Final = 300.0
"""Seconds after which a report counts as late, as at intake."""
_PARTS: Final = 8
"""Looks between two lines, besides those at which a timer is due."""
_STAGES: Final = {
    "restart": "a restart here changes what follows",
    "looks": "looking in between changes what happens until here",
}


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


def _run_file(path: Path) -> list[Result]:
    document = parse(str(path), _read(path, Problem(str(path), 1, 1, "")))
    written = validate(document, File)
    rules = _Rules(path.parent, document, written)
    ruleset = rules.load(written.rules, ("rules",))
    return [
        Result(str(path), story.name, tuple(_Telling(rules, index, ruleset).tell()))
        for index, story in enumerate(written.stories)
    ]


def _read(path: Path, here: Problem) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Problems([here._replace(message=f"{path}: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise Problems([here._replace(message=f"{path}: not UTF-8 text")]) from None


class _Rules:
    """Loads the rule files that a story file names; they lie beside it."""

    def __init__(self, folder: Path, document: Document, file: File) -> None:
        self.folder = folder
        self.document = document
        self.file = file

    def load(self, names: list[str], path: tuple[str | int, ...]) -> Ruleset:
        """The packs and calendars of the file, and the rule files ``names`` (at ``path``)."""
        try:
            files = packs(self.file.packs)
        except ValueError as error:
            raise Problems([self.document.problem(("packs",), str(error))]) from None
        for where, listed in ((path, names), (("calendars",), self.file.calendars)):
            here = self.document.problem(where, "")
            files += [(str(self.folder / n), _read(self.folder / n, here)) for n in listed]
        return load(files)


class _Telling:
    """One story against one ruleset."""

    def __init__(self, rules: _Rules, index: int, ruleset: Ruleset) -> None:
        file = rules.file
        self._document = rules.document
        self._rules = rules
        self._ruleset = ruleset
        self._later: dict[int, Ruleset] = {}
        """Line -> the rules that are loaded there."""
        self._site = file.site()
        self._kinds = {device.id: device.kind for device in file.devices}
        self._lines = file.stories[index].story
        self._wall = file.begins(index, ruleset.zone)
        self._path = ("stories", index, "story")

    def tell(self) -> list[Problem]:
        """What went otherwise than written."""
        problems = self._check()
        if problems:
            return problems
        happened = self._told("").changes
        for stage, message in _STAGES.items():
            again = self._told(stage)
            for index, (one, other) in enumerate(zip(happened, again.changes, strict=True)):
                if one != other:
                    problems.append(self._problem((index,), message))
            for name, (_, said) in sorted(again.failures.items()):
                problems.append(self._problem((), f"rule {name!r} failed: {said}"))
        for index, line in enumerate(self._lines):
            if line.expect is not None:
                problems += self._compare(index, line.expect, happened)
        left = [change for changes in happened for change in changes]
        problems += [
            self._problem((len(self._lines) - 1,), f"never expected: {_said(change)}")
            for change in left
        ]
        return list(dict.fromkeys(problems))

    def _told(self, stage: str) -> _Once:
        once = _Once(self._ruleset, self._site, self._wall, self._kinds)
        for number, line in enumerate(self._lines):
            if stage == "restart":
                once.restart()
            elif stage == "looks":
                once.look_until(_ARRIVAL + int(line.at * SECOND))
            once.tell(number, line, self._later.get(number))
        once.note_failures()
        return once

    # --- the story itself ----------------------------------------------------------------

    def _check(self) -> list[Problem]:
        problems: list[Problem] = []
        before = 0.0
        for index, line in enumerate(self._lines):
            problems += [self._problem((index,), message) for message in line.misfits()]
            if line.at < before:
                problems.append(self._problem((index, "at"), "earlier than the line before"))
            before = line.at
            problems += self._unknown(index, line)
            if line.rules is not None:
                path = (*self._path, index, "rules")
                self._later[index] = self._rules.load(line.rules, path)
            for number, expected in enumerate(line.expect or ()):
                problems += self._check_expected((index, "expect", number), expected)
        return problems

    def _unknown(self, index: int, line: Line) -> Iterator[Problem]:
        if line.device is not None and not (line.kind or line.device in self._kinds):
            hint = nearest(line.device, self._kinds)
            yield self._problem((index, "device"), f"unknown device {line.device!r}{hint}")
        if line.place and line.place not in self._site.places:
            hint = nearest(line.place, self._site.places)
            yield self._problem((index, "place"), f"there is no place {line.place!r}{hint}")

    def _check_expected(self, path: tuple[str | int, ...], expected: Expected) -> list[Problem]:
        turns = expected.turns()
        if len(turns) != 1:
            message = "write either 'alarmed: RULE', 'cleared: RULE' or 'changed: RULE'"
            return [self._problem(path, message)]
        ((key, _, rule),) = turns
        known = {*self._ruleset.by_name}.union(*(later.by_name for later in self._later.values()))
        if rule in known:
            return []
        return [self._problem((*path, key), f"there is no rule {rule!r}{nearest(rule, known)}")]

    def _problem(self, path: tuple[str | int, ...], message: str) -> Problem:
        return self._document.problem((*self._path, *path), message)

    def _compare(
        self, index: int, expected: list[Expected], happened: list[list[Change]]
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


class _Once:
    """A story told once; ``changes`` are those of each line."""

    def __init__(self, ruleset: Ruleset, site: Site, wall: int, kinds: dict[str, str]) -> None:
        self._ruleset = ruleset
        self._site = site
        self._wall = wall
        """Wall ns of second 0, as the clock has it by now."""
        self._kinds = kinds
        self._state = State()
        self._saved: dict[str, bytes] = {}
        self._between: list[Change] = []
        self.changes: list[list[Change]] = []
        self.failures: dict[str, tuple[int, str]] = {}

    def restart(self) -> None:
        """Go on from what is saved."""
        self.note_failures()
        for key, blob in self._state.take_dirty().items():
            if blob is None:
                self._saved.pop(key, None)
            else:
                self._saved[key] = blob
        self._state = State.restore(self._saved)

    def note_failures(self) -> None:
        """Remember rules that raised: a state forgets them."""
        self.failures.update(self._state.failures)

    def look_until(self, now: int) -> None:
        """Look at the rules again and again until ``now``, also whenever a timer is due."""
        start = max(self._state.now, _ARRIVAL)
        for part in range(1, _PARTS):
            mark = start + (now - start) * part // _PARTS
            while (due := self._state.next_due()) is not None and due < mark:
                self._between += tick(self._ruleset, self._site, self._state, due)
            self._between += tick(self._ruleset, self._site, self._state, mark)

    def tell(self, number: int, line: Line, later: Ruleset | None) -> None:
        """Let the line happen."""
        now = _ARRIVAL + int(line.at * SECOND)
        found, self._between = self._between, []
        if line.clock is not None:
            self._wall += int(line.clock * SECOND)
        if later is not None:  # as the program does: the old rules up to now, then the new ones
            found += tick(self._ruleset, self._site, self._state, now)
            self._ruleset = later
        item = self._item(number, line)
        if item is None:
            found += tick(self._ruleset, self._site, self._state, now)
        else:
            offset = now - _ARRIVAL
            record = Record(number + 1, now, "story", offset, self._wall + offset, True, item)
            found += step(self._ruleset, self._site, self._state, record)
        self.changes.append(found)

    def _item(self, number: int, line: Line) -> Stored | None:
        """What the journal holds of the line; None for an expectation."""
        wall = self._wall + int(line.at * SECOND)
        if line.arm is not None:
            until = wall + int(line.until * SECOND) if line.until is not None else 0
            return Arming(line.place, line.arm, line.by, until, wall)
        if line.rules is not None:
            return Edition("rules", str(number), wall)
        if line.clock is not None:  # the next record tells of it; of the gateway's own there are
            return DeviceSeen("gateway/self", "gateway", received_at=wall)
        if line.report is None:
            return None
        device = str(line.device)
        return Reading(
            device=device,
            kind=line.kind or self._kinds[device],
            values=dict(line.report),
            retained=line.retained,
            origin=tuple(line.origin),
            received_at=wall,
            at=wall - int(line.age * SECOND),
            quality=Quality.suspect if line.suspect else Quality.good,
            late=line.age > _LATE,
        )


def _all_said(changes: list[Change]) -> str:
    return " / ".join(map(_said, changes)) or "nothing"


def _said(change: Change) -> str:
    at = (change.now - _ARRIVAL) / SECOND
    found = f", found: {change.found}" if change.found else ""
    return (
        f"{_KEYS.get(change.turn.value, change.turn.value)}: {change.rule}, device:"
        f" {change.device}{found}, severity: {change.severity.value},"
        f" same: {change.same} at {at:g}s ({change.why.en})"
    )


_KEYS: Final = {"severity": "changed"}
"""How the turns of a change are written in an expectation, where it is another word."""
