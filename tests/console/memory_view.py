"""A ``View`` in memory over the real model types: what the pages and the API are tested on."""

from __future__ import annotations

import asyncio
import hashlib
import struct
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from gateway.console.view import ActRefused, Health, Ledger, Now, Telling
from gateway.history.buckets import step_for
from gateway.history.cells import MINUTE, Columns, fold
from gateway.history.picture import Asked, History, picture
from gateway.incidents.deeds import Report
from gateway.model import (
    HAZARD,
    SECOND,
    Category,
    CheckIn,
    Deed,
    Device,
    DeviceSeen,
    End,
    Happened,
    Hazard,
    Incident,
    IncidentEvent,
    OutboxRow,
    Person,
    Place,
    Point,
    Quality,
    Reading,
    Severity,
    Site,
    State,
    Text,
    Wanted,
)
from gateway.patrol.beat import Walk
from gateway.patrol.report import Line
from gateway.ports import Clock
from gateway.registry.changes import Changes
from gateway.store.evidence import Attached

HOUR = 3_600 * SECOND
_NEXT = {"receive": State.received, "handle": State.handling, "close": State.closed}
_HAPPENED = {
    "receive": Happened.received,
    "handle": Happened.handling,
    "close": Happened.closed,
}


def make_site() -> Site:
    places = [
        Place("1309", "", "district", "云河区"),
        Place("130901", "1309", "street", "建设街道"),
        Place("13090101", "130901", "community", "花园社区", "花园路 8 号"),
        Place("1309010101", "13090101", "grid", "第一网格"),
        Place("1309010102", "13090101", "grid", "第二网格"),
    ]
    devices = [
        Device("sm-1", "mqtt", "smoke/1", "smoke", "3 号楼 7 层烟感", "1309010101",
               floor="7", flat="702", max_silence=24 * HOUR, contact="王芳 139****0001"),
        Device("sm-2", "mqtt", "smoke/2", "smoke", "3 号楼 8 层烟感", "1309010101", max_silence=HOUR),
        Device("ir-1", "mqtt", "pir/1", "infrared", "仓库红外", "1309010102", max_silence=HOUR),
        Device("mh-1", "mqtt", "dc413/1", "manhole", "花园路 3 号井盖", "1309010102"),
        Device("cam-1", "camera", "cam1", "camera", "东门摄像头", "1309010101"),
        Device("cl-1", "line", "1", "climate", "值班室环境", "1309010101", state="bypassed"),
    ]  # fmt: skip
    people = [
        Person("zhang", "张三", "1309010101", "assistant", "13900000001"),
        Person("li", "李四", "1309010101", "officer"),
        Person("zhao", "赵六", "1309010102", "assistant"),
        Person("wang", "王五", "13090101", "supervisor"),
    ]
    return Site(
        1, {p.code: p for p in places}, {d.id: d for d in devices}, {p.id: p for p in people}
    )


def make_latest(wall: int) -> dict[str, Reading]:
    def heard(device: str, kind: str, ago: float, values: dict[str, Any], **more: Any) -> Reading:
        at = wall - int(ago * SECOND)
        return Reading(device, kind, values, received_at=at, at=at, **more)

    every = [
        heard("sm-1", "smoke", 12, {"alarm": True, "density": 0.31, "temperature": 48.5,
              "battery": 87.0, "tamper": False, "test": False}),
        heard("sm-2", "smoke", 7300, {"alarm": False, "density": 0.01, "battery": 12.0,
              "battery_low": True}),
        heard("ir-1", "infrared", 200, {"alarm": False, "armed": True, "occupied": True}),
        heard("mh-1", "manhole", 95, {"open": True, "tilt": 41.2, "water_level": 0.35},
              quality=Quality.clock_suspect),
        heard("cl-1", "climate", 3, {"temperature": 22.4, "humidity": 41.0, "co2": 612.0,
              "pm2_5": 18.0, "extra.lux": 310.0}),
        heard("gateway/self", "gateway", 5, {"memory": 48.2, "cpu": 7.0, "clock_trusted": True}),
        heard("mqtt/zigbee/0x00158d", "unknown", 40, {"link": 61.0}),
    ]  # fmt: skip
    return {reading.device: reading for reading in every}


def make_incident(key: str, wall: int, **changes: Any) -> Incident:
    usual = Incident(
        key=key, rule="smoke_alarm", same="device:sm-1", title=Text("烟雾报警：3 号楼 7 层烟感", "Smoke alarm: building 3, floor 7"),
        category=Category.life, severity=Severity.critical, kind="smoke", device="sm-1",
        place="1309010101", owner="zhang", state=State.open, opened_at=wall - 72 * SECOND,
        deadline=228 * SECOND, why=Text("烟雾浓度 0.31 %/m", "density 0.31 %/m"),
        alarming=("sm-1",), events=1, head="0" * 64,
    )  # fmt: skip
    return msgspec.structs.replace(usual, **changes)


def png(width: int = 64, height: int = 48) -> bytes:
    """A small grey picture."""

    def chunk(tag: bytes, data: bytes) -> bytes:
        body = tag + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + bytes((x * 3) % 200 + 30 for x in range(width)) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")  # fmt: skip


class ModeRow(NamedTuple):
    """How a place is armed, as the rules tell it."""

    place: str
    mode: str = "away"
    by: str = ""
    since: int = 0
    plan: str = ""
    next: int = 0
    until: int = 0


class RuleRow(NamedTuple):
    """One rule, as the rules' reader counts it."""

    name: str
    title: Text
    counters: dict[str, int]
    mean: int


class Threshold(NamedTuple):
    """A number that a rule compares with."""

    title: Text
    severity: Severity
    sign: str
    number: float


class Edition(NamedTuple):
    """Which rules are in force, and why newer ones are not."""

    digest: str
    since: int
    problems: tuple[str, ...] = ()
    refused_at: int = 0


class Imported(NamedTuple):
    """What became of an import."""

    problems: tuple[str, ...] = ()
    changes: Changes | None = None
    edition: int = 0


class Outcome(NamedTuple):
    """What became of a reload."""

    ok: bool
    problems: tuple[str, ...]


RULES = (
    RuleRow("heat_rising", Text("温度骤升", "Temperature rising fast"), {}, 3_254),
    RuleRow("device_silent", Text("设备失联", "Device silent"), {"open": 2, "alarmed": 7, "inhibited": 31}, 800),
    RuleRow("smoke_alarm", Text("烟感报警", "Smoke alarm"), {"open": 1, "alarmed": 12_345}, 1_500),
    RuleRow("hydrant_low", Text("消火栓压力不足", "Hydrant pressure lost"), {"failed": 3}, 2_000),
)  # fmt: skip


def _is_wanted(incident: Incident, wanted: Wanted) -> bool:
    kinds = (
        (incident.state.value, wanted.states),
        (incident.category.value, wanted.categories),
        (incident.severity.value, wanted.severities),
        (incident.owner, wanted.owners),
    )
    return (
        all(not words or one in words for one, words in kinds)
        and incident.place.startswith(wanted.place)
        and (wanted.text in incident.title.zh or wanted.text == incident.device)
        and incident.opened_at >= wanted.since
        and (not wanted.until or incident.opened_at < wanted.until)
        and wanted.overdue in (None, incident.overdue)
    )


class MemoryView:
    """Fulfils ``gateway.console.view.View``; ``open`` and ``tell`` are what a test does to it."""

    def __init__(self, clock: Clock, evidence: Path | None = None) -> None:
        self.clock = clock
        self.start = clock.now().mono
        self.the_site = make_site()
        self.the_latest = make_latest(clock.now().wall)
        self.the_announced: dict[str, DeviceSeen] = {}
        self.found: dict[str, Incident] = {}
        self.events: dict[str, list[IncidentEvent]] = {}
        self.rows: dict[str, list[OutboxRow]] = {}
        self.kept_texts: dict[str, str] = {}
        self.kept_readings: list[Reading] = []
        self.lines_of: dict[str, tuple[Threshold, ...]] = {}
        """By value."""
        self.asked: Asked | None = None
        self.folder = evidence
        wall = clock.now().wall
        self.armed = {code: ModeRow(code) for code in self.the_site.places}
        self.canary: dict[str, Any] | None = None
        self.refuses_arming: Text | None = None
        self.rules: tuple[RuleRow, ...] = RULES
        self.edition = Edition("5f3c" * 16, wall - HOUR)
        self.faults: tuple[str, ...] = ()
        """Of the rule files as the next reload finds them."""
        self.reloads = 0
        self.imports: list[tuple[list[tuple[str, bytes]], str, bool]] = []
        self.imported = Imported()
        self.well = True
        self.deeds: list[Deed] = []
        self.refuses: Text | None = None
        """What every deed is refused with."""
        self.wanted = Wanted()
        self.broken = ""
        self.lines: list[Line] = []
        """Of today's patrol."""
        self.counter = 0
        self._grown = asyncio.Condition()

    # --- what a test does --------------------------------------------------------------

    async def open(self, incident: Incident, *told: str) -> None:
        self.found[incident.key] = incident
        self.events[incident.key] = []
        self.rows[incident.key] = [
            OutboxRow(n, incident.key, 1, "opened", person, self.now().arrival)
            for n, person in enumerate(told, 1)
        ]
        await self.happened(incident.key, Happened.opened, f"rule:{incident.rule}", {})

    async def end(self, key: str, person: str, end: End, channel: str = "webhook") -> None:
        self.rows[key] = [
            msgspec.structs.replace(row, end=end.value, channel=channel, attempts=1, ended_at=self.now().wall)
            if row.person == person else row
            for row in self.rows[key]
        ]  # fmt: skip
        await self.touch()

    async def touch(self) -> None:
        async with self._grown:
            self.counter += 1
            self._grown.notify_all()

    def keep_picture(self) -> str:
        assert self.folder is not None
        content = png()
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / digest).write_bytes(content)
        return digest

    async def happened(self, key: str, what: Happened, by: str, data: dict[str, Any]) -> None:
        chain = self.events[key]
        previous = chain[-1].hash if chain else ""
        digest = hashlib.sha256(f"{previous}{what}{by}{data}".encode()).hexdigest()
        now = self.now()
        chain.append(
            IncidentEvent(key, len(chain) + 1, what, now.wall, now.arrival, True, by, data, previous, digest)
        )  # fmt: skip
        self.found[key] = msgspec.structs.replace(self.found[key], head=digest, events=len(chain))
        await self.touch()

    # --- the View ------------------------------------------------------------------------

    def now(self) -> Now:
        stamp = self.clock.now()
        return Now(stamp.wall, stamp.mono - self.start)

    def site(self) -> Site:
        return self.the_site

    async def incidents(self, *, open_only: bool, limit: int) -> list[Incident]:
        every = sorted(self.found.values(), key=lambda i: -i.opened_at)
        return [i for i in every if not open_only or i.state is not State.closed][:limit]

    async def incident(
        self, key: str
    ) -> tuple[Incident, list[IncidentEvent], list[OutboxRow]] | None:
        if key not in self.found:
            return None
        return self.found[key], self.events[key], self.rows[key]

    async def texts(self, digests: list[str]) -> dict[str, str]:
        return {d: self.kept_texts[d] for d in digests if d in self.kept_texts}

    def latest(self) -> Mapping[str, Reading]:
        return self.the_latest

    def announced(self) -> Mapping[str, DeviceSeen]:
        return self.the_announced

    def heard(self) -> Mapping[str, int]:
        now = self.now()
        return {id_: now.arrival - (now.wall - r.received_at) for id_, r in self.the_latest.items()}

    async def readings(self, device: str, since: int, limit: int) -> list[Reading]:
        return [r for r in self.kept_readings if r.device == device and r.at >= since][-limit:]

    async def history(self, asked: Asked) -> History:
        self.asked = asked
        columns: Columns = {}
        step = step_for(asked.until - asked.since, asked.points)
        width = min(step, MINUTE)
        for reading in self.kept_readings:
            if reading.device == asked.device:
                fold(columns, reading, width)
        column = columns.get(asked.value)
        cells = list(column.cells()) if column is not None else []
        yes = column is not None and column.yes
        return picture(asked, width, step, cells, yes=yes, now=self.now().wall)

    async def thresholds(self, device: str, value: str) -> Sequence[Threshold]:
        return self.lines_of.get(value, ())

    async def ledger(self) -> Ledger:
        return {
            "received": 12_840,
            "refused": {"undecodable": 3, "duplicate": 37},
            "stored": 12_800,
            "readers": {
                "rules": {"delivered": 12_800, "waiting": 0, "dropped": {}},
                "influxdb": {"delivered": 12_700, "waiting": 100, "dropped": {}},
                "hub": {
                    "delivered": 9_000,
                    "waiting": 3_780,
                    "dropped": {"refused": 15, "before_start": 5},
                },
            },
            "in_flight": 2,
            "broker_dropped": 0,
            "series": {
                "influxdb": {"delivered": 4_100, "waiting": 10_000, "dropped": {"too_old": 320}}
            },
        }

    def health(self) -> Health:
        down = not self.well
        return {
            "ok": self.well,
            "clock": {"trusted": True},
            "tasks": [
                {"name": "driver mqtt", "up": True, "reason": "", "falls": 0, "since": self.now().wall},
                {"name": "sink influxdb rest", "up": not down, "reason": "connection refused" if down else "",
                 "falls": int(down), "since": self.now().wall},
            ],
            "memory_mib": 48.2,
            "stores": {"journal": {"bytes": 1_048_576, "ok": True, "put_aside": self.broken}},
            "canary": self.canary,
            "version": "0.1.0",
        }  # fmt: skip

    async def outbox_counts(self) -> dict[str, int]:
        return dict(Counter(row.end or "waiting" for rows in self.rows.values() for row in rows))

    async def telling(self) -> Telling:
        return {
            "held": {"quota": 3, "retry": 1},
            "oldest": 42.5,
            "channels": {"phone": "ok", "robot": "down"},
            "anchor_age": 61.0,
            "unsigned": 2,
        }

    async def search(
        self, wanted: Wanted, limit: int, after: tuple[int, str] | None = None
    ) -> list[Incident]:
        self.wanted = wanted
        every = await self.incidents(open_only=False, limit=10_000)
        every.sort(key=lambda i: (i.opened_at, i.key), reverse=True)
        found = (i for i in every if after is None or (i.opened_at, i.key) < after)
        return [i for i in found if _is_wanted(i, wanted)][:limit]

    def patrol_points(self) -> list[Point]:
        return [line.point for line in self.lines]

    def today(self) -> date:
        return date(2026, 1, 5)

    async def patrol(self, day: date) -> list[Line]:
        return self.lines if day == self.today() else []

    async def walk(self, person: str) -> Walk:
        return Walk((), None, 0)

    async def check_in(
        self, point: str, person: str, position: tuple[float, float] | None
    ) -> CheckIn:
        raise ActRefused(Text("没有这个点位。", "There is no such point."))

    async def links_ended(self) -> dict[str, int]:
        return {}

    async def end_links(self, person: str) -> None:
        raise ActRefused(Text("名单上没有此人。", "The registry does not know this person."))

    async def report(self, report: Report) -> Incident:
        if report.place not in self.the_site.places:
            raise ActRefused(Text("没有这个地点。", "The registry does not know this place."))
        letter, rule = ("H", HAZARD) if report.hazard else ("F", "manual")
        made = make_incident(
            f"{letter}20260105-{len(self.found) + 1:04}", self.now().wall, title=report.title,
            why=report.why, category=report.category, severity=report.severity,
            place=report.place, device=report.device, rule=rule, owner=report.person,
        )  # fmt: skip
        await self.open(made)
        return self.found[made.key]

    async def act(self, key: str, deed: Deed) -> Incident:
        self.deeds.append(deed)
        if self.refuses is not None:
            raise ActRefused(self.refuses)
        verb, person, outcome, comment = deed.verb, deed.person, deed.outcome, deed.comment
        incident = self.found[key]
        if verb not in _NEXT:
            return incident
        if incident.state is State.closed:
            raise ActRefused(Text("这个事件已经办结。", "This incident is closed already."))
        if incident.state is State.open and verb != "receive":
            raise ActRefused(Text("请先签收。", "Receive the incident first."))
        data: dict[str, Any] = {"outcome": outcome} if outcome else {}
        if comment:
            data["comment"] = hashlib.sha256(comment.encode()).hexdigest()
            self.kept_texts[data["comment"]] = comment
        self.found[key] = msgspec.structs.replace(
            incident, state=_NEXT[verb], owner=person, outcome=outcome,
            deadline=0 if verb == "close" else incident.deadline,
        )  # fmt: skip
        await self.happened(key, _HAPPENED[verb], f"person:{person}", data)
        return self.found[key]

    async def hazards(self, since: int | None) -> list[Hazard]:
        every = sorted(self.found.values(), key=lambda each: each.opened_at)
        return [
            Hazard(each, self.now().wall if each.state is State.closed else 0)
            for each in every
            if each.rule == HAZARD and (since is not None or each.state is not State.closed)
        ]

    async def modes(self) -> list[ModeRow]:
        return list(self.armed.values())

    async def arm(self, place: str, mode: str, by: str, until: int) -> None:
        if self.refuses_arming is not None:
            raise ActRefused(self.refuses_arming)
        for code in self.armed if not place else [place]:
            row = self.armed[code]
            said = ("away", f"plan:{row.plan}") if mode == "plan" else (mode, by)
            self.armed[code] = row._replace(
                mode=said[0], by=said[1], since=self.now().wall, until=until
            )
        await self.touch()

    async def plan_titles(self) -> dict[str, Text]:
        return {"offices": Text("办公区夜间布防", "Offices at night")}

    def duty(self) -> Person:
        return Person("duty", "值班员", "", "assistant")

    def rules_report(self) -> tuple[RuleRow, ...]:
        return self.rules

    def rules_edition(self) -> Edition:
        return self.edition

    async def reload_rules(self) -> Outcome:
        self.reloads += 1
        at = self.now().wall if self.faults else 0
        self.edition = self.edition._replace(problems=self.faults, refused_at=at)
        return Outcome(not self.faults, self.faults)

    async def import_registry(
        self, files: Sequence[tuple[str, bytes]], by: str, *, dry: bool
    ) -> Imported:
        self.imports.append((list(files), by, dry))
        return self.imported

    async def attach(self, blocks: AsyncIterator[bytes]) -> Attached:
        body = b"".join([block async for block in blocks])
        return Attached(hashlib.sha256(body).hexdigest(), "image/jpeg", len(body))

    def evidence(self, sha256: str) -> Path | None:
        path = self.folder / sha256 if self.folder is not None else None
        return path if path is not None and path.exists() else None

    async def changed(self, after: int) -> int:
        async with self._grown:
            await self._grown.wait_for(lambda: self.counter > after)
            return self.counter
