"""The shape of a checked configuration. Frozen; durations in seconds, sizes in bytes."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Iterable
from datetime import time
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    model_validator,
)

from gateway.document import Problem, nearest
from gateway.model import SECOND, Category, Limit, Point, Site, TellingLimits
from gateway.options import Duration, PluginOptions, Secret, Size
from gateway.patrol.rounds import parse_span
from gateway.ports import Unavailable
from gateway.web import check_url

_LONGEST: Final = 100 * 366 * 86400.0


def _sensible(value: float) -> float:
    if not 0 < value <= _LONGEST:
        raise ValueError("must be longer than nothing and at most 36600d")
    return value


def _possible(value: Path) -> Path:
    if not str(value).isprintable():
        raise ValueError("no file can be called that")
    return value


def _printable(value: str) -> str:
    if not value.isprintable() or not value.strip():
        raise ValueError("must be a text that can be shown")
    return value


def _at_most_ten_seconds(value: float) -> float:
    if value > 10:
        raise ValueError("at most 10s: an alarm's neighbours would wait as long")
    return value


def _at_most_an_hour(value: float) -> float:
    if not 0 < value <= 3600:
        raise ValueError("more than nothing and at most 1h: people wait as long")
    return value


def _at_most_a_minute(value: float) -> float:
    if not 0 < value <= 60:
        raise ValueError("more than nothing and at most 60s: it is about life safety")
    return value


def _at_least_16_mb(value: int) -> int:
    if value < 16_000_000:
        raise ValueError("at least 16MB, or an hour without the sink loses readings")
    return value


_NO_URL: Final = "this is no URL of PostgreSQL; write it like postgresql://user@host:5432/database"


def _base(value: str) -> str:
    if value and any(mark in check_url(value) for mark in "?# "):
        raise ValueError("an address without ? and # is expected, like https://desk.example.cn")
    return value


def _map(value: str) -> str:
    """Three names and nothing of Python's own formatting can stand in it."""
    if not value:
        return value
    named = _HOLE.findall(value)
    for name in named:
        if name not in _OF_A_MAP:
            raise ValueError(f"unknown name {name!r}{nearest(name, _OF_A_MAP)}")
    rest = _HOLE.sub("", value)
    if "lat" not in named or "lon" not in named or "{" in rest or "}" in rest:
        raise ValueError("the address of a map has {lat} and {lon} in it, and may have {name}")
    check_url(_HOLE.sub("0", value))
    return value


def _at_most_a_month(value: float) -> float:
    if value > 31 * 86400:
        raise ValueError("at most 31d: a message that is found later opens nothing")
    return value


def _canary_every(value: float) -> float:
    if value and not 600 <= value <= _LONGEST:
        raise ValueError("at least 10m, or 0s for never")
    return value


def _canary_within(value: float) -> float:
    if not 5 <= value <= 300:
        raise ValueError("from 5s to 5m: who waits longer for an alarm has lost it")
    return value


Span = Annotated[Duration, AfterValidator(_sensible)]
"""Seconds, more than 0."""

FileName = Annotated[Path, AfterValidator(_possible)]
"""A path; a relative one counts from the folder of the configuration file."""

AMAP: Final = "https://uri.amap.com/marker?position={lon},{lat}&name={name}"
"""The map that most phones in China open by themselves."""

_OF_A_MAP: Final = ("lat", "lon", "name")
_HOLE: Final = re.compile(r"\{(\w*)\}")


def _outside(value: str) -> str:
    if value.startswith(("http://", "https://")):
        return check_url(value)
    if not value.isprintable() or not value.strip() or "://" in value:
        raise ValueError("the name of a file is expected, or a URL that begins with http")
    return value


SHIPPED_PACKS: Final = (
    "fire", "intrusion", "manholes", "lamps", "cameras", "trouble", "system",
)  # fmt: skip


def _zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"this machine knows no time zone {value!r}; write one like Asia/Shanghai, or"
            " install tzdata"
        ) from None
    return value


class Section(BaseModel):
    """A part of the file: strict and frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def _url(value: Any, info: ValidationInfo) -> Secret | str:
    """A text without a password in it, or where the whole URL is kept as a secret."""
    if not isinstance(value, str):
        return Secret.parse(value, info)
    try:
        parts = urlsplit(value)
        password = parts.password is not None or "password" in parse_qs(parts.query)
    except ValueError:
        raise ValueError(_NO_URL) from None
    if password:
        raise ValueError("holds a password; write it as {file: PATH} or {env: NAME}")
    if parts.scheme not in ("postgresql", "postgres") or not value.isprintable():
        raise ValueError(_NO_URL)
    return value


class CasesSection(Section):
    """Where incidents, registry and messages are kept: in ``cases.db`` unless a URL is given."""

    url: Annotated[Secret | str, PlainValidator(_url)] = ""

    def reveal(self) -> str:
        """The whole URL; "" where there is none. ``Unavailable`` when the secret is missing."""
        if isinstance(self.url, str):
            return self.url
        try:
            return self.url.reveal()
        except ValueError as error:
            raise Unavailable(f"site.cases.url: {error}") from None


class SiteSection(Section):
    """What this gateway is called and where it keeps its databases."""

    name: Annotated[str, Field(max_length=100), AfterValidator(_printable)]
    data: FileName = Path("/var/lib/gridwarden")
    zone: Annotated[str, Field(validate_default=True), AfterValidator(_zone)] = "Asia/Shanghai"
    """The local time that people are told, by its IANA name."""
    cases: CasesSection = CasesSection()


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class RegistrySection(Section):
    """The registry's files, CSV or XLSX; imported at start when their digest has changed."""

    places: FileName
    devices: FileName
    people: FileName
    rosters: Annotated[tuple[FileName, ...], BeforeValidator(_listed), Field(max_length=50)] = ()
    """CSV, XLSX or iCalendar, one or several."""
    borders: FileName | None = None
    """GeoJSON."""
    holidays: FileName | None = None
    """CSV, XLSX or iCalendar."""

    def paths(self) -> list[Path]:
        """Every file there is."""
        more = (self.borders, self.holidays)
        return [
            *(self.places, self.devices, self.people, *self.rosters),
            *(path for path in more if path is not None),
        ]

    def below(self, place: Callable[[Path], Path]) -> RegistrySection:
        """The same with ``place`` of every path."""
        found: dict[str, Any] = {}
        for word, value in self:
            found[word] = (
                tuple(map(place, value)) if isinstance(value, tuple) else value and place(value)
            )
        return RegistrySection(**found)


class ClockSection(Section):
    """Whether the wall clock is believed at once (``always``) or when the kernel says so."""

    trust: Literal["auto", "always"] = "auto"


class JournalSection(Section):
    """When a commit group closes, and how much is kept."""

    group: Annotated[Duration, AfterValidator(_at_most_ten_seconds)] = 0.2
    rows: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 2000
    keep: Span = 30 * 86400.0
    max_size: Annotated[Size, AfterValidator(_at_least_16_mb)] = 2_000_000_000
    recent_keys: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 64


class RulesSection(Section):
    """Shipped packs by name, and the folder of the site's own rule files and calendars."""

    packs: tuple[str, ...] = SHIPPED_PACKS
    dir: FileName | None = None


class DeadlinesSection(Section):
    """How long an incident of each category may wait until it is received, handled, closed."""

    life: Span = 5 * 60.0
    intrusion: Span = 10 * 60.0
    facility: Span = 2 * 3600.0
    trouble: Span = 24 * 3600.0
    system: Span = 24 * 3600.0

    def by_category(self) -> dict[Category, float]:
        """Category -> seconds."""
        return {category: float(getattr(self, category.value)) for category in Category}


class LimitRow(Section):
    """A time limit for a place and everything below it, a category, a severity and a stage.

    What is left out fits everything. The nearest place counts, then the more specific row.
    """

    place: Annotated[str, Field(max_length=40)] = ""
    category: Literal["", "life", "intrusion", "facility", "trouble", "system", "hazard"] = ""
    """``hazard``: of what stands in the register, whatever its category."""
    severity: Literal["", "notice", "warning", "alarm", "critical"] = ""
    stage: Literal["", "receive", "handle", "close"] = ""
    within: Span
    warn: Duration = 0.0

    @model_validator(mode="after")
    def _warned_in_time(self) -> Self:
        if self.warn >= self.within:
            raise ValueError("warn must be shorter than within")
        return self

    def limit(self) -> Limit:
        """As the incidents know it, in ns."""
        within, warn = int(self.within * SECOND), int(self.warn * SECOND)
        return Limit(within, warn, self.place, self.category, self.severity, self.stage)


class LimitsSection(Section):
    """The rows of ``limits``."""

    limits: Annotated[tuple[LimitRow, ...], Field(max_length=1_000)] = ()


class MessagesSection(Section):
    """What messages say besides the facts of an incident."""

    link: Annotated[str, AfterValidator(_base)] = ""
    """Where an officer's phone reaches the pages for phones; "": there are none, and no link to
    the case is in messages."""
    expires: Annotated[Span, AfterValidator(_at_most_a_month)] = 86400.0
    """How long a link is good."""
    map: Annotated[str, AfterValidator(_map)] = AMAP
    """A URL with ``{lat}``, ``{lon}`` and perhaps ``{name}``; "" says the coordinates instead."""
    datum: Literal["gcj02", "wgs84"] = "gcj02"
    """What that map draws."""
    templates: FileName | None = None
    """Folder of the site's own wording."""
    call: dict[Category, Annotated[str, Field(max_length=60), AfterValidator(_printable)]] = {}
    """Whom else to call about an incident of a category."""


def _rounds(value: Any) -> Any:
    """Round -> span, as written: times without quotes would be read as something else."""
    if not isinstance(value, dict):
        raise ValueError("rounds are written {name: 07:00-09:00}")
    return {name: parse_span(str(span)) for name, span in value.items()}


class PatrolSection(Section):
    """Points that officers pass on their rounds, and when the rounds are."""

    points: FileName
    rounds: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=40)], tuple[time, time]],
        BeforeValidator(_rounds),
        Field(min_length=1, max_length=24),
    ]
    """Local time; one that ends before it begins goes on past midnight."""
    missed: Literal["tell", "record"] = "tell"
    """Whether points missed in a round become an incident of their grid, or stand in the report
    alone."""
    link_days: Annotated[int, Field(strict=True, ge=1, le=366)] = 30
    """How long an officer's link to the page for rounds is good, unless it is made for fewer."""


class CanarySection(Section):
    """How often a synthetic alarm tries the way to a person, and how long it may take.

    Off unless it is asked for: it uses people's channels, if silently, and an existing site must
    not begin to do so because its program was renewed.
    """

    every: Annotated[Duration, AfterValidator(_canary_every)] = 0.0
    """0: never."""
    within: Annotated[Duration, AfterValidator(_canary_within)] = 60.0


class RecordSection(Section):
    """Where the record's anchors go besides: a file on another disk, or a URL that is posted to."""

    anchors: Annotated[str, Field(max_length=2_000), AfterValidator(_outside)] | Secret | None = (
        None
    )
    """Where the URL's path or query is a secret, as ``{file: PATH}`` or ``{env: NAME}``."""


class StormSection(Section):
    """When one person's messages are merged: see ``TellingLimits``."""

    first: Annotated[int, Field(strict=True, ge=1, le=100)] = 3
    within: Annotated[Duration, AfterValidator(_at_most_an_hour)] = 60.0
    window: Annotated[Duration, AfterValidator(_at_most_an_hour)] = 60.0
    later: Annotated[Duration, AfterValidator(_at_most_an_hour)] = 300.0
    life: Annotated[Duration, AfterValidator(_at_most_a_minute)] = 10.0


class UnseenSection(Section):
    """How long a message may wait to be received until the next channel is tried."""

    life: Span = 60.0
    other: Span = 300.0


class TellingSection(Section):
    """How much one person is told at once, and what follows when nobody looks."""

    storm: StormSection = StormSection()
    unseen: UnseenSection = UnseenSection()

    def limits(self) -> TellingLimits:
        """As the teller takes them."""
        storm, unseen = self.storm, self.unseen
        return TellingLimits(
            first=storm.first,
            within=storm.within,
            window=storm.window,
            later=storm.later,
            life=storm.life,
            unseen_life=unseen.life,
            unseen=unseen.other,
        )


class ConsoleSection(Section):
    """Where the console listens; port 0 takes any free one.

    With ``case_host`` the pages for phones are served there, and nothing else: the cases behind the
    links of messages, and officers' rounds. The console stays where it is.
    """

    host: Annotated[str, Field(max_length=255), AfterValidator(_printable)] = "127.0.0.1"
    port: Annotated[int, Field(strict=True, ge=0, le=65535)] = 8080
    case_host: Annotated[str, Field(max_length=255)] = ""
    case_port: Annotated[int, Field(strict=True, ge=0, le=65535)] = 8090


class LogSection(Section):
    """How much is logged."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Configured(BaseModel):
    """One driver, sink or notifier: its folder's name and its own checked options."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    type: str
    options: Annotated[PluginOptions, Field(repr=True)]


def _nothing(settings: Any) -> tuple[Problem, ...]:
    return ()


class Settings(BaseModel):
    """A whole checked configuration. Every path is absolute."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    file: Path
    site: SiteSection
    registry: RegistrySection | None
    clock: ClockSection
    journal: JournalSection
    rules: RulesSection
    deadlines: DeadlinesSection
    limits: tuple[Limit, ...]
    """What ``deadlines`` says more closely."""
    telling: TellingSection
    drivers: dict[str, Configured]
    sinks: dict[str, Configured]
    notifiers: dict[str, Configured]
    record: RecordSection
    console: ConsoleSection
    log: LogSection
    messages: MessagesSection
    templates: Annotated[Any, Field(repr=False)]
    """``gateway.notify.templates.Templates`` of the site's own wording; None without a folder."""
    canary: CanarySection = CanarySection()
    patrol: PatrolSection | None = None
    points: tuple[Point, ...] = ()
    """Of the file that ``patrol`` names."""
    imported: Site
    """The registry as its files have it, version 0; empty without a ``registry`` section."""
    digest: str
    """Of the registry's files; "" without a ``registry`` section."""
    imported_rows: dict[tuple[str, str], tuple[str, int]] = {}
    """Table and id of a thing in ``imported`` -> file and row."""
    ruleset: Any
    """``rules.Ruleset`` of the packs and the site's own files."""
    rule_files: tuple[tuple[str, str], ...]
    """Name and text of each file that ``ruleset`` was made of."""
    fingerprint: str
    """Of the files that may change while the gateway runs, taken before they were read."""
    refused: tuple[str, ...] = ()
    """Why the rule files or the registry are not in force as they are, one line each."""
    looked_over: Annotated[Callable[[Any], Iterable[Problem]], Field(repr=False)] = _nothing

    @cached_property
    def warnings(self) -> tuple[Problem, ...]:
        """What is allowed and still worth a look. Worked out when it is asked for.

        For the largest sites that takes seconds, and a start must not wait for it.
        """
        return tuple(self.looked_over(self))
