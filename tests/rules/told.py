"""Short ways to load rules, make records and read changes in the tests of this folder."""

from __future__ import annotations

import rules
from gateway.model import (
    SECOND,
    Arming,
    Change,
    Device,
    Evidence,
    Place,
    Reading,
    Record,
    Site,
    Value,
)

WALL = 1_767_600_000 * SECOND
ARRIVAL = 1_000 * SECOND

PLACES = {
    "C": Place("C", "", "community", "Yunhe"),
    "CG1": Place("CG1", "C", "grid", "grid 1"),
    "CG1B1": Place("CG1B1", "CG1", "building", "building 1"),
    "CG2": Place("CG2", "C", "grid", "grid 2"),
}


def device(
    id: str,  # noqa: A002
    kind: str = "smoke",
    place: str = "CG1B1",
    *,
    flat: str = "",
    silence: float = 0,
    state: str = "accepted",
    tags: tuple[str, ...] = (),
    driver: str = "d",
) -> Device:
    return Device(
        id, driver, id, kind, id, place, flat=flat, max_silence=int(silence * SECOND),
        state=state, tags=tags,
    )  # fmt: skip


def site(*devices: Device, version: int = 1) -> Site:
    return Site(version, PLACES, {d.id: d for d in devices})


def rule(body: str = "", *, name: str = "r", on: str = "smoke", category: str = "life") -> str:
    """The YAML of one rule; ``body`` holds further lines, separated by ``;``."""
    head = f"- name: {name};  title: T;  on: {on};  severity: alarm;  category: {category}"
    lines = [line.strip() for line in f"{head};{body}".split(";") if line.strip()]
    return "\n".join("  " + ("" if line.startswith("-") else "  ") + line for line in lines) + "\n"


def load(*written: str, more: str = "", calendar: str = "") -> rules.Ruleset:
    """Of rules, and with ``more`` of settings and plans."""
    files = [("site.yaml", "rules:\n" + "".join(written) + more)]
    return rules.load([*files, ("holidays.ics", calendar)] if calendar else files)


def record(
    second: float,
    values: dict[str, Value],
    device: str = "s1",
    *,
    kind: str = "smoke",
    age: float = 0,
    retained: bool = False,
    late: bool = False,
    evidence: Evidence | None = None,
    n: int = 1,
    jump: int = 0,
) -> Record:
    """A report that arrives at ``second``; ``jump`` shifts the wall clock by seconds."""
    offset = int(second * SECOND)
    wall = WALL + offset + jump * SECOND
    reading = Reading(
        device,
        kind,
        values,
        received_at=wall,
        at=wall - int(age * SECOND),
        retained=retained,
        late=late,
        evidence=evidence,
    )
    return Record(n, ARRIVAL + offset, "boot", offset, wall, True, reading)


def arming(
    second: float, mode: str, place: str = "", by: str = "person:p1", until: float = 0
) -> Record:
    """That somebody sets ``place`` to ``mode``; ``until`` counts seconds from the begin."""
    offset = int(second * SECOND)
    ends = WALL + int(until * SECOND) if until else 0
    item = Arming(place, mode, by, ends, WALL + offset)
    return Record(1, ARRIVAL + offset, "boot", offset, WALL + offset, True, item)


class Engine:
    """A ruleset with a site and a state; what happens is said in short lines."""

    def __init__(self, ruleset: rules.Ruleset, at: Site) -> None:
        self.ruleset, self.site, self.state = ruleset, at, rules.State()
        self.saved: dict[str, bytes] = {}

    def report(
        self, second: float, values: dict[str, Value], *args: str, **more: object
    ) -> list[str]:
        return said(self.changes(second, values, *args, **more))

    def changes(
        self, second: float, values: dict[str, Value], *args: str, **more: object
    ) -> list[Change]:
        one = record(second, values, *args, **more)  # type: ignore[arg-type]
        return self.step(one)

    def step(self, one: Record) -> list[Change]:
        changes = rules.step(self.ruleset, self.site, self.state, one)
        assert self.state.failures == {}
        return changes

    def arm(
        self, second: float, mode: str, place: str = "", by: str = "person:p1", until: float = 0
    ) -> list[str]:
        """Somebody sets ``place`` to ``mode``."""
        return said(self.step(arming(second, mode, place, by, until)))

    def wait(self, second: float) -> list[str]:
        now = ARRIVAL + int(second * SECOND)
        changes = rules.tick(self.ruleset, self.site, self.state, now)
        assert self.state.failures == {}
        return said(changes)

    def restart(self) -> None:
        keep(self.saved, self.state)
        self.state = rules.State.restore(self.saved)


def keep(saved: dict[str, bytes], state: rules.State) -> None:
    """Do what the store does with the state's changes."""
    for key, blob in state.take_dirty().items():
        if blob is None:
            saved.pop(key, None)
        else:
            saved[key] = blob


def said(changes: list[Change]) -> list[str]:
    """``alarmed r s1 @3`` for each change, with how it was found."""
    return [
        f"{c.turn.value} {c.rule} {c.device} @{(c.now - ARRIVAL) / SECOND:g}"
        + (f" {c.found}" if c.found else "")
        for c in changes
    ]
