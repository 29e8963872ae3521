"""What the console reads of the running gateway: ``gateway.console.view.View`` over the stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from gateway.admission import BAD_VALUE, UNKNOWN_MODE, UNKNOWN_PLACE, UNSIGNED, Refusal
from gateway.clock import Arrival, Signal
from gateway.console.view import (
    ActRefused,
    Attached,
    AttachRefused,
    Ledger,
    ModeRow,
    Now,
    Telling,
)
from gateway.console.view import Health as HealthView
from gateway.detect import Detector
from gateway.editions import Editions
from gateway.health import resident_mib
from gateway.history.keeper import Keeper
from gateway.history.picture import Asked, History
from gateway.incidents.decision import NotAllowed
from gateway.incidents.deeds import Report
from gateway.incidents.desk import Desk
from gateway.intake import Intake
from gateway.model import (
    CANARY_DEVICE,
    EXTRA,
    SECOND,
    Arming,
    CheckIn,
    Deed,
    DeviceSeen,
    Hazard,
    Incident,
    IncidentEvent,
    OutboxRow,
    Person,
    Point,
    Reading,
    Site,
    Text,
    Wanted,
)
from gateway.notify.channels import Channels
from gateway.notify.facts import UNSEEN
from gateway.notify.walk import HEARD, HOPS
from gateway.patrol.beat import Walk
from gateway.patrol.hazards import MOST
from gateway.patrol.keeper import Patrol, Unknown
from gateway.patrol.report import Line
from gateway.ports import Clock, Refused, Unavailable
from gateway.record.anchor import parsed
from gateway.registry.table import Source
from gateway.reload import Imported, Outcome, Reloader
from gateway.rule_care import RuleRow
from gateway.series.stream import Stream
from gateway.store import record, telling
from gateway.store.cases import Cases
from gateway.store.evidence import MOST_ATTACHED, EvidenceStore, TooLarge
from gateway.store.hazards import hazards
from gateway.store.journal import Journal
from gateway.supervise import Health
from rules import Ruleset, Threshold, thresholds
from rules.plan import Plan

_PATIENCE: Final = 2.0
"""Seconds until the answer to an arming goes out although the rules have not seen it yet."""
_MODES_HOLD: Final = SECOND
"""Ns for which a look at the modes holds: one of a district's 15,000 places takes 0.2 s."""
_ARMING: Final = {
    UNKNOWN_MODE: Text("没有这种布防方式。", "There is no such mode."),
    UNKNOWN_PLACE: Text("没有这个地点。", "The registry does not know this place."),
    UNSIGNED: Text("没有说明是谁布防、撤防。", "It is not said who sets the mode."),
    BAD_VALUE: Text("截止时间不对。", "The end is no possible time."),
}
"""Why an arming is not taken -> what its author reads."""


_NO_FILE: Final = Text("没有这个附件,请先上传。", "There is no such file; upload it first.")


class RulesEdition(NamedTuple):
    """See ``gateway.console.view.RulesEdition``."""

    digest: str
    since: int
    problems: list[str]
    refused_at: int


class StoreView:
    """Read side of the stores, and the one door for what a person does."""

    def __init__(
        self,
        journal: Journal,
        cases: Cases,
        intake: Intake,
        evidence: EvidenceStore,
        desk: Desk,
        site: Callable[[], Site],
        tasks: Sequence[Health],
        clock: Clock,
        arrival: Arrival,
        changes: Signal,
        editions: Editions,
        reloader: Reloader,
        detector: Detector,
        patrol: Patrol,
        channels: Channels,
        history: Keeper,
        streams: Sequence[Stream],
    ) -> None:
        self._journal = journal
        self._cases = cases
        self._intake = intake
        self._evidence = evidence
        self._desk = desk
        self._site = site
        self._tasks = tasks
        self._clock = clock
        self._arrival = arrival
        self._changes = changes
        self._editions = editions
        self._reloader = reloader
        self._detector = detector
        self._patrol = patrol
        self._channels = channels
        self._history = history
        self._streams = streams
        self._door = intake.door("console")
        self._modes: Sequence[ModeRow] = ()
        self._modes_at: int | None = None
        """Monotonic ns of the newest look; None: look again."""
        self._ruleset: tuple[str, Ruleset] | None = None
        """The rules with this digest."""

    def now(self) -> Now:
        """See ``View``."""
        stamp = self._clock.now()
        return Now(stamp.wall, self._arrival(stamp))

    def site(self) -> Site:
        """See ``View``."""
        return self._site()

    async def incidents(self, *, open_only: bool, limit: int) -> list[Incident]:
        """See ``View``."""
        return await self._cases.incidents(open_only, limit)

    async def search(
        self, wanted: Wanted, limit: int, after: tuple[int, str] | None = None
    ) -> list[Incident]:
        """See ``View``."""
        return await self._cases.search(wanted, limit, after)

    async def incident(
        self, key: str
    ) -> tuple[Incident, list[IncidentEvent], list[OutboxRow]] | None:
        """See ``View``."""
        incident = await self._cases.incident(key)
        if incident is None:
            return None
        return incident, await self._cases.events(key), await self._cases.outbox(key)

    async def texts(self, digests: list[str]) -> dict[str, str]:
        """See ``View``."""
        return await self._cases.texts(digests)

    def latest(self) -> Mapping[str, Reading]:
        """See ``View``."""
        return self._intake.latest

    def announced(self) -> Mapping[str, DeviceSeen]:
        """See ``View``."""
        return self._intake.announced

    def heard(self) -> Mapping[str, int]:
        """See ``View``."""
        return self._intake.heard

    async def readings(self, device: str, since: int, limit: int) -> list[Reading]:
        """See ``View``."""
        return await self._journal.readings(device, since, limit)

    async def history(self, asked: Asked) -> History:
        """See ``View``."""
        return await self._history.ask(asked)

    async def thresholds(self, device: str, value: str) -> Sequence[Threshold]:
        """See ``View``."""
        known, newest = self._site().devices.get(device), self._intake.latest.get(device)
        kind = known.kind if known is not None else newest.kind if newest is not None else ""
        return thresholds(await self._rules_in_force(), self._site(), device, kind, value)

    async def ledger(self) -> Ledger:
        """See ``View``."""
        dropped = sum(
            int(reading.values.get("extra.total", 0))
            for reading in self._intake.latest.values()
            if "broker_drops" in reading.values
        )
        points = {stream.name: stream.account() for stream in self._streams}
        more = {"broker_dropped": dropped, "series": points}
        return cast("Ledger", self._journal.ledger() | more)

    def health(self) -> HealthView:
        """See ``View``."""
        stamp = self._clock.now()
        tasks: list[Any] = [health.as_dict() for health in self._tasks]
        canary = canary_health(self._intake.latest.get(CANARY_DEVICE))
        return {
            "ok": all(health.up for health in self._tasks)
            and not self._journal.failing
            and not self._cases.failing
            and not (canary and canary["lost"]),
            "clock": {"trusted": stamp.trusted},
            "tasks": tasks,
            "memory_mib": resident_mib(),
            "stores": {"journal": self._journal_health(), "cases": self._cases_health()},
            "canary": canary,
            "version": program_version(),
        }

    def _journal_health(self) -> dict[str, Any]:
        return {
            "ok": not self._journal.failing,
            "reason": self._journal.failing,
            "records": self._journal.last,
            "commits": self._journal.commits,
            "damaged": self._journal.damaged,
            "devices_over_limit": self._intake.overflowing,
            "editions_unreadable": self._editions.unreadable,
            "put_aside": _name(self._journal.put_aside),
        }

    def _cases_health(self) -> dict[str, Any]:
        return {
            "ok": not self._cases.failing,
            "reason": self._cases.failing,
            "open": self._desk.open_count,
            "over_limit": self._desk.over_limit,
            "put_aside": _name(self._cases.put_aside),
        }

    async def outbox_counts(self) -> dict[str, int]:
        """See ``View``."""
        return await self._cases.outbox_counts()

    async def telling(self) -> Telling:
        """See ``View``."""
        waiting = await self._cases.read(telling.waiting)
        newest = await self._cases.read(record.newest_anchor)
        now = self._arrival(self._clock.now())
        since = [at for held, (_, at) in waiting.items() if held != UNSEEN]
        age = _age(newest, now)
        return {
            "held": {held or "retry": count for held, (count, _) in waiting.items()},
            "oldest": (now - min(since, default=now)) / SECOND,
            "channels": self._channels.states(),
            "anchor_age": age,
            "unsigned": await self._cases.read(record.unsigned),
        }

    async def act(self, key: str, deed: Deed) -> Incident:
        """See ``View``."""
        if deed.attachment and await asyncio.to_thread(self.evidence, deed.attachment) is None:
            raise ActRefused(_NO_FILE)
        stamp = self._clock.now()
        try:
            return await self._desk.act(key, deed, stamp, self._arrival(stamp))
        except NotAllowed as error:
            raise ActRefused(error.text) from None

    async def report(self, report: Report) -> Incident:
        """See ``View``."""
        stamp = self._clock.now()
        try:
            return await self._desk.open_by_hand(report, stamp, self._arrival(stamp))
        except NotAllowed as error:
            raise ActRefused(error.text) from None

    async def arm(self, place: str, mode: str, by: str, until: int) -> None:
        """See ``View``."""
        arming = Arming(place, mode, by, until)
        try:
            self._intake.check_arming(arming)
        except Refusal as refusal:
            raise ActRefused(_ARMING[refusal.reason]) from None
        await self._door([arming])
        await self._detector.passed(self._journal.last, _PATIENCE)
        self._modes_at = None
        self._changes.notify()

    async def modes(self) -> Sequence[ModeRow]:
        """See ``View``. Looked at once a second at most, however many pages ask."""
        stamp = self._clock.now()
        if self._modes_at is None or stamp.mono - self._modes_at >= _MODES_HOLD:
            plans = await self._plans()
            await asyncio.to_thread(_work_out, plans, stamp.wall)
            self._modes, self._modes_at = self._detector.modes(), stamp.mono
        return self._modes

    async def plan_titles(self) -> Mapping[str, Text]:
        """See ``View``."""
        return {plan.name: plan.title for plan in await self._plans()}

    async def _plans(self) -> Sequence[Plan]:
        return (await self._rules_in_force()).plans

    async def _rules_in_force(self) -> Ruleset:
        digest = self._detector.digest
        if self._ruleset is None or self._ruleset[0] != digest:
            self._ruleset = digest, await self._editions.ruleset(digest)
        return self._ruleset[1]

    def duty(self) -> Person:
        """See ``View``."""
        return self._desk.fallback

    async def reload_rules(self) -> Outcome:
        """See ``View``. Calendars and the registry are read again too."""
        outcome = await self._reloader.reload()
        self._modes_at = None
        return outcome

    async def import_registry(
        self, files: Sequence[tuple[str, bytes]], by: str, *, dry: bool
    ) -> Imported:
        """See ``View``."""
        sources = [Source(name, content=content) for name, content in files]
        outcome = await self._reloader.bring(sources, by, dry=dry)
        self._modes_at = None
        return outcome

    def rules_report(self) -> list[RuleRow]:
        """See ``View``."""
        return self._detector.report()

    def rules_edition(self) -> RulesEdition:
        """See ``View``."""
        detector, reloader = self._detector, self._reloader
        return RulesEdition(detector.digest, detector.since, reloader.refused, reloader.refused_at)

    def patrol_points(self) -> list[Point]:
        """See ``View``."""
        return self._patrol.points

    def today(self) -> date:
        """See ``View``."""
        return self._patrol.today()

    async def patrol(self, day: date) -> list[Line]:
        """See ``View``."""
        return await self._patrol.day(day)

    async def walk(self, person: str) -> Walk:
        """See ``View``."""
        return await self._patrol.walk(person)

    async def hazards(self, since: int | None) -> list[Hazard]:
        """See ``View``."""
        found: list[Hazard] = await self._cases.read(hazards, since, MOST)
        return found

    async def check_in(
        self, point: str, person: str, position: tuple[float, float] | None
    ) -> CheckIn:
        """See ``View``."""
        try:
            return await self._patrol.check_in(point, person, position)
        except Unknown as error:
            raise ActRefused(error.text) from None

    async def links_ended(self) -> Mapping[str, int]:
        """See ``View``."""
        return await self._patrol.links_ended()

    async def end_links(self, person: str) -> None:
        """See ``View``."""
        try:
            await self._patrol.end_links(person)
        except Unknown as error:
            raise ActRefused(error.text) from None

    async def attach(self, blocks: AsyncIterator[bytes]) -> Attached:
        """See ``View``."""
        try:
            return await self._evidence.take(blocks)
        except TooLarge:
            most = MOST_ATTACHED // 1_000_000
            raise AttachRefused(
                Text(f"附件不能超过 {most} MB。", f"An attachment may have {most} MB.")
            ) from None
        except Refused:
            raise AttachRefused(
                Text(
                    "附件只能是 JPEG 或 PNG 图片、MP4 视频或 PDF。",
                    "Attach a JPEG or PNG picture, an MP4 clip or a PDF.",
                )
            ) from None
        except OSError as error:
            raise Unavailable(f"evidence: {error.strerror}; look at the disk") from None

    def evidence(self, sha256: str) -> Path | None:
        """See ``View``."""
        return self._evidence.path(sha256)

    async def changed(self, after: int) -> int:
        """See ``View``."""
        if self._changes.count > after:
            return self._changes.count
        return await self._changes.wait(self._changes.count)


def canary_health(newest: Reading | None) -> dict[str, Any] | None:
    """What the newest reading of the canary says of the way to a person; None: nothing yet."""
    if newest is None or "canary_lost" not in newest.values:
        return None
    values = newest.values
    every = tuple(hop for hop in (*HOPS, "total") if hop != HEARD or values.get(f"{EXTRA}driver"))
    stopped = values.get(f"{EXTRA}hop")
    passed = every[: every.index(str(stopped))] if stopped in every else every
    hops = {hop: values[EXTRA + hop] for hop in passed if EXTRA + hop in values}
    said = {
        name: str(values.get(EXTRA + name, "")) for name in ("hop", "driver", "reason", "person")
    }
    return {"at": newest.received_at, "lost": values["canary_lost"], **said, "hops": hops}


def _work_out(plans: Sequence[Plan], wall: int) -> None:
    """Beside the loop: a plan's switches of a year take 20 ms, and there may be 500 plans."""
    for plan in plans:
        plan.next_switch(wall)
        plan.last_switch(wall)


def program_version() -> str:
    """The installed version; "0" when it runs from a folder that was never installed."""
    try:
        return version("gridwarden")
    except PackageNotFoundError:
        return "0"


def _age(anchor: record.AnchorRow | None, now: int) -> float | None:
    """Seconds. Of one that somebody wrote over nobody knows: the audit says more."""
    try:
        return (now - parsed(anchor).anchor.arrival) / SECOND if anchor is not None else None
    except ValueError:
        return None


def _name(path: Path | None) -> str:
    return path.name if path is not None else ""
