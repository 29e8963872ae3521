"""The written form of ``*.test.yaml``: a small registry, rules, and stories line by line."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from gateway.document import nearest
from gateway.model import (
    EXTRA,
    LEVELS,
    MODES,
    SECOND,
    Category,
    Change,
    Device,
    Place,
    Severity,
    Site,
    Turn,
    every_value_name,
)
from gateway.options import Duration, parse_duration
from rules.modes import PLAN

START: Final = 1_767_600_000 * SECOND
"""Second 0 of a story that names none: 2026-01-05 08:00 UTC, 16:00 in China."""
_START: Final = "%Y-%m-%d %H:%M"
VERBS: Final = ("report", "arm", "clock", "rules", "expect")
"""What a line may be; just one of them."""
_OF_REPORTS: Final = ("kind", "age", "retained", "suspect", "origin")
_OF_ARMING: Final = ("place", "by", "until")


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


def _mode(value: str) -> str:
    if value not in (*MODES, PLAN):
        raise ValueError(f"there is no mode {value!r}{nearest(value, [*MODES, PLAN])}")
    return value


def _start(value: str) -> str:
    try:
        datetime.strptime(value, _START)  # noqa: DTZ007  # the zone is the rules'
    except ValueError:
        raise ValueError(f"{value!r} is no time; write it like '2026-01-05 19:00'") from None
    return value


def _jump(value: Any) -> float:
    """Seconds of a duration that may have a minus before it."""
    if isinstance(value, str) and value.strip().startswith("-"):
        return -parse_duration(value.strip()[1:])
    return parse_duration(value)


def _some(value: list[str]) -> list[str]:
    if not value:
        raise ValueError("an empty list; name at least one")
    return value


_Start = Annotated[str, AfterValidator(_start)]


class PlaceSpec(_Strict):
    """A node of the tree."""

    code: str
    parent: str = ""
    level: Annotated[str, AfterValidator(_level)]
    name: str = ""


class DeviceSpec(_Strict):
    """A registered device."""

    id: str
    kind: str
    place: str = ""
    flat: str = ""
    max_silence: Duration = 0.0
    state: str = "accepted"
    tags: list[str] = []
    driver: str = "story"


class Expected(_Strict):
    """One change; what is left out may be anything."""

    alarmed: str | None = None
    cleared: str | None = None
    changed: str | None = None
    device: str | None = None
    same: str | None = None
    place: str | None = None
    found: str | None = None
    severity: Severity | None = None
    category: Category | None = None
    incident: str | None = None
    why: str | None = None

    def turns(self) -> list[tuple[str, Turn, str]]:
        """(key, turn, rule) of what is written: one, in an expectation that is right."""
        written = (
            ("alarmed", Turn.alarmed, self.alarmed),
            ("cleared", Turn.cleared, self.cleared),
            ("changed", Turn.severity, self.changed),
        )
        return [(key, turn, rule) for key, turn, rule in written if rule is not None]

    def fits(self, change: Change) -> bool:
        """Whether ``change`` is the one meant."""
        if (change.turn, change.rule) not in [(turn, rule) for _, turn, rule in self.turns()]:
            return False
        named = ("device", "same", "place", "found", "severity", "category", "incident")
        if self.why not in (None, change.why.zh, change.why.en):
            return False
        return all(getattr(self, n) in (None, getattr(change, n)) for n in named)

    def __str__(self) -> str:
        return ", ".join(f"{n}: {getattr(v, 'value', v)}" for n, v in self if v is not None)


class Line(_Strict):
    """One line of a story: something happens, or what is expected since the line before."""

    at: Duration
    device: str | None = None
    kind: str | None = None
    report: Annotated[dict[str, Any], BeforeValidator(_report)] | None = None
    age: Duration = 0.0
    """How much older the event is than its arrival."""
    retained: bool = False
    suspect: bool = False
    origin: list[str] = []
    """The gateways below that it came through."""
    arm: Annotated[str, AfterValidator(_mode)] | None = None
    place: str = ""
    by: str = ""
    until: Duration | None = None
    """How long the mode holds."""
    clock: Annotated[float, BeforeValidator(_jump)] | None = None
    """Seconds by which the wall clock jumps; the arrival axis goes on as it was."""
    rules: Annotated[list[str], AfterValidator(_some)] | None = None
    """Rule files that take the place of the story's from here on."""
    expect: list[Expected] | None = None

    def misfits(self) -> list[str]:
        """What can not stand together in this line."""
        said = [verb for verb in VERBS if getattr(self, verb) is not None]
        if len(said) != 1:
            return ["a line is either a report, an arm, a clock, rules or an expect"]
        if self.report is not None and self.device is None:
            return ["'device' is missing"]
        given = self.model_fields_set
        found = []
        for verb, names in (("report", ("device", *_OF_REPORTS)), ("arm", _OF_ARMING)):
            if verb not in said:
                wrong = [name for name in names if name in given]
                found += [f"{name!r} means nothing without {verb!r}" for name in wrong]
        return found


class Story(_Strict):
    """What happens, in the order of time."""

    name: str
    start: _Start | None = None
    story: Annotated[list[Line], Field(min_length=1)]


class File(_Strict):
    """A whole file."""

    rules: list[str] = []
    packs: list[str] = []
    calendars: list[str] = []
    start: _Start | None = None
    places: list[PlaceSpec] = []
    devices: list[DeviceSpec] = []
    stories: Annotated[list[Story], Field(min_length=1)]

    def site(self) -> Site:
        """The small registry that the stories happen in."""
        places = {p.code: Place(p.code, p.parent, p.level, p.name or p.code) for p in self.places}
        devices = {
            d.id: Device(
                id=d.id,
                driver=d.driver,
                address=d.id,
                kind=d.kind,
                name=d.id,
                place=d.place,
                flat=d.flat,
                max_silence=int(d.max_silence * SECOND),
                state=d.state,
                tags=tuple(d.tags),
            )
            for d in self.devices
        }
        return Site(1, places, devices)

    def begins(self, index: int, zone: tzinfo) -> int:
        """Wall ns of second 0 of story ``index``."""
        written = self.stories[index].start or self.start
        if written is None:
            return START
        local = datetime.strptime(written, _START).replace(tzinfo=zone)
        return int(local.timestamp()) * SECOND
