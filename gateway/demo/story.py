"""Says what happens as it happens: readings counted, incidents opened, people told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from gateway.console.view import Ledger
from gateway.model import Happened, Incident, IncidentEvent, OutboxRow, Reading, Site, Text
from gateway.ports import Clock

_LOOK_EVERY: Final = 0.25
"""Seconds: what happens is said at once, as far as a person can tell."""
_COUNT_EVERY: Final = 5.0
_NEWEST: Final = 200
"""Incidents looked at; the demo has about ten."""

_CATEGORIES: Final[Mapping[str, str]] = {
    "life": "人身安全",
    "intrusion": "入侵",
    "facility": "城市部件",
    "trouble": "设备故障",
    "system": "系统",
}
_EVENTS: Final[Mapping[Happened, tuple[str, str]]] = {
    Happened.alarmed: ("又有报警", "alarm again"),
    Happened.cleared: ("报警解除", "alarm over"),
    Happened.received: ("已签收", "received"),
    Happened.handling: ("办理中", "being handled"),
    Happened.overdue: ("超时", "overdue"),
    Happened.evidence: ("补充图像", "picture or clip added"),
    Happened.severity: ("级别变化", "severity changed"),
    Happened.closed: ("已办结", "closed"),
    Happened.transferred: ("已转办", "transferred"),
    Happened.supervised: ("已督办", "supervised"),
    Happened.commented: ("备注", "comment"),
    Happened.attached: ("附件", "file attached"),
    Happened.reopened: ("重新打开", "reopened"),
    Happened.warned: ("即将超时", "time limit near"),
    Happened.escalated: ("已上报", "escalated"),
}
_ENDS: Final[Mapping[str, str]] = {
    "told": "已通知",
    "failed_all_channels": "所有渠道都失败",
    "silenced": "已静默",
    "inhibited": "已抑制",
    "merged": "已合并",
    "not_on_duty": "不在班",
    "superseded": "已被取代",
    "cleared_before_sending": "发送前已恢复",
}


class Told(Protocol):
    """What the story reads: a part of the console's view."""

    def site(self) -> Site:
        """The newest picture of the registry."""

    async def incidents(self, *, open_only: bool, limit: int) -> list[Incident]:
        """Newest first."""

    async def incident(
        self, key: str
    ) -> tuple[Incident, list[IncidentEvent], list[OutboxRow]] | None:
        """One incident with its events and messages."""

    def latest(self) -> Mapping[str, Reading]:
        """The newest reading of each device."""

    async def ledger(self) -> Ledger:
        """Where every reading went."""


class Story:
    """Compares what is with what was said, and says the difference."""

    def __init__(self, view: Told, clock: Clock, say: Callable[[Text], None]) -> None:
        self._view = view
        self._clock = clock
        self._say = say
        self._seen: dict[str, int] = {}
        """Incident -> events already said."""
        self._ended: set[tuple[str, int]] = set()
        """(incident, outbox row) whose end was said."""

    async def run(self) -> None:
        """Tell until cancelled."""
        looks = 0
        while True:
            await self.look()
            if looks % round(_COUNT_EVERY / _LOOK_EVERY) == 0:
                self._say(await self.counted())
            looks += 1
            await self._clock.sleep(_LOOK_EVERY)

    async def look(self) -> None:
        """Say what is new since the last look."""
        for incident in reversed(await self._view.incidents(open_only=False, limit=_NEWEST)):
            found = await self._view.incident(incident.key)
            if found is not None:
                self._tell(*found)

    async def counted(self) -> Text:
        """How many readings came, and where they went."""
        ledger = await self._view.ledger()
        stored, devices = ledger["stored"], len(self._view.latest())
        zh = f"已入库 {stored} 条读数,来自 {devices} 个设备"
        en = f"{stored} readings from {devices} devices on disk"
        for name, reader in sorted(ledger["readers"].items()):
            if name != "rules":
                zh += f";{name} 已送达 {reader['delivered']}"
                en += f"; {name}: {reader['delivered']} delivered"
        return Text(zh, en)

    async def summary(self) -> list[Text]:
        """What happened in all, and the ledger's sum."""
        await self.look()
        incidents = await self._view.incidents(open_only=False, limit=_NEWEST)
        count = Counter(incident.category.value for incident in incidents)
        zh = "、".join(f"{_CATEGORIES[name]} {number}" for name, number in sorted(count.items()))
        en = ", ".join(f"{name} {number}" for name, number in sorted(count.items()))
        ledger = await self._view.ledger()
        refused = sum(ledger["refused"].values())
        came, stored = ledger["received"], ledger["stored"]
        return [
            Text(f"警情:{zh or '无'}", f"incidents: {en or 'none'}"),
            Text(
                f"账目:接收 {came} = 入库 {stored} + 拒收 {refused}",
                f"ledger: {came} received = {stored} stored + {refused} refused",
            ),
        ]

    def _tell(self, incident: Incident, events: list[IncidentEvent], rows: list[OutboxRow]) -> None:
        said = self._seen.get(incident.key, 0)
        for event in events[said:]:
            self._say(self._event(incident, event))
        self._seen[incident.key] = len(events)
        for row in rows:
            if row.end and (incident.key, row.id) not in self._ended:
                self._ended.add((incident.key, row.id))
                self._say(self._end(incident, row))

    def _event(self, incident: Incident, event: IncidentEvent) -> Text:
        site = self._view.site()
        if event.what is Happened.opened:
            place = "".join(p.name for p in reversed(site.chain(incident.place)))
            owner = self._name(incident.owner)
            category = incident.category.value
            return Text(
                f"● {incident.key} {_CATEGORIES[category]}:{incident.title.zh},{place},"
                f"{incident.why.zh};责任人 {owner}",
                f"{category}, {incident.severity.value}: {incident.title.en}; {incident.why.en}",
            )
        zh, en = _EVENTS.get(event.what, (event.what.value, event.what.value))
        return Text(f"  {incident.key} {incident.title.zh}:{zh}", en)

    def _end(self, incident: Incident, row: OutboxRow) -> Text:
        end = _ENDS.get(row.end, row.end)
        return Text(f"  {incident.key} {end} {self._name(row.person)}", f"{row.purpose}: {row.end}")

    def _name(self, person: str) -> str:
        known = self._view.site().people.get(person)
        return known.name if known is not None else person
