"""Why one incident opened: the readings around it, and the rule as it was written then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from gateway.document import Document, Problems, parse
from gateway.model import Happened, IncidentEvent, Reading, Record, State
from gateway.replay.source import Source

AROUND: Final = 5
"""Readings shown before the one that opened the incident, and after it."""
_NEXT: Final = {
    Happened.opened: State.received,
    Happened.received: State.handling,
    Happened.handling: State.closed,
}


class Around(NamedTuple):
    """Readings of the incident's device, oldest first."""

    before: list[Record]
    trigger: Record | None
    """What opened it; None when a time ran out: a ``for``, a silence, a delay."""
    after: list[Record]
    gone: bool
    """The journal does not reach back so far, or is another one."""


class Written(NamedTuple):
    """A part of a rule file."""

    file: str
    line: int
    text: str


class Limit(NamedTuple):
    """One time limit. Times are arrival ns."""

    until: State
    """What had to happen: received, handling or closed."""
    due: int
    event: int
    """``seq`` of the event that set it."""
    met: int | None
    """When somebody moved the incident on in time; None: missed, or still running."""
    missed: bool


def around(source: Source, opening: IncidentEvent) -> Around:
    """The readings around ``opening``, the incident's first event."""
    device, n = str(opening.data.get("device", "")), _number(opening)
    if opening.what is not Happened.opened or not device:
        return Around([], None, [], gone=True)  # the chain is damaged
    if n:
        trigger = source.record(n)
        if trigger is None or not _is_of(trigger, device) or trigger.arrival > opening.arrival:
            return Around([], None, [], gone=True)
        return Around(
            source.before(device, n, AROUND), trigger, source.after(device, n, AROUND), gone=False
        )
    first = source.next_from(source.oldest)
    if first is None or first.arrival > opening.arrival:
        return Around([], None, [], gone=True)
    point = source.first_arrived(opening.arrival)
    before = source.before(device, point, AROUND)
    return Around(before, None, source.after(device, point - 1, AROUND), gone=False)


def record_of(source: Source, opening: IncidentEvent) -> int:
    """The number of the last record before ``opening``; 0 if the journal has none."""
    return _number(opening) or source.first_arrived(opening.arrival) - 1


def _number(opening: IncidentEvent) -> int:
    said = str(opening.data.get("record", ""))
    return int(said) if said.isdecimal() else 0


def _is_of(record: Record, device: str) -> bool:
    return isinstance(record.item, Reading) and record.item.device == device


# --- the rule ------------------------------------------------------------------------------


def rule_text(files: Iterable[tuple[str, str]], rule: str) -> tuple[Written | None, list[Written]]:
    """The rule as it is written, and the settings that change it, from (file name, text)."""
    found: Written | None = None
    settings: list[Written] = []
    for name, text in files:
        if name.endswith(".ics"):
            continue
        try:
            document = parse(name, text)
        except Problems:
            continue  # an edition of an earlier version; others of its files may have the rule
        for index in _named(document.data, "rules", "name", rule):
            found = _written(document, text, ("rules", index, "name"))
        settings += [
            _written(document, text, ("settings", index, "rule"))
            for index in _named(document.data, "settings", "rule", rule)
        ]
    return found, settings


def _named(data: Any, section: str, key: str, rule: str) -> Iterator[int]:
    listed = data.get(section) if isinstance(data, dict) else None
    for index, each in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(each, dict) and each.get(key) == rule:
            yield index


def _written(document: Document, text: str, path: tuple[str | int, ...]) -> Written:
    """The item of a YAML list that ``path`` lies in, without its indentation."""
    here = document.problem(path, "", key=True)
    lines = text.splitlines()
    first = here.line - 1
    while first > 0 and not _begins_item(lines[first], here.column):
        first -= 1
    depth = len(lines[first]) - len(lines[first].lstrip())
    last = first + 1
    while last < len(lines) and _belongs(lines[last], depth):
        last += 1
    item = lines[first:last]
    while item and not item[-1].split("#")[0].strip():
        item.pop()
    return Written(here.file, first + 1, "\n".join(line[depth:] for line in item))


def _begins_item(line: str, column: int) -> bool:
    """Whether ``line`` has the dash of the item whose key stands at ``column``."""
    bare = line.lstrip()
    return bare.startswith("- ") and len(line) - len(bare) < column


def _belongs(line: str, depth: int) -> bool:
    bare = line.lstrip()
    return not bare or bare.startswith("#") or len(line) - len(bare) > depth


# --- time limits ---------------------------------------------------------------------------


def limits(events: Sequence[IncidentEvent]) -> list[Limit]:
    """Every time limit that was ever set, kept or missed, in order."""
    found: list[Limit] = []
    until = State.received
    for event in events:
        if "deadline" not in event.data and event.what is not Happened.closed:
            continue
        if found:
            missed = event.what is Happened.overdue or event.arrival > found[-1].due
            met = None if event.what is Happened.overdue else event.arrival
            found[-1] = found[-1]._replace(met=met, missed=missed)
        until = _NEXT.get(event.what, until)
        if "deadline" in event.data:
            due = int(str(event.data["deadline"]))
            found.append(Limit(until, due, event.seq, None, missed=False))
    return found
