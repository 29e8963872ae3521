"""The canary: a marked synthetic alarm walks the whole way to a person, and nobody is rung.

    door ─▶ journal ─▶ rules ─▶ incident + row ─▶ stages ─▶ a person's channel, silently
      └─ stored ─┘└─ decided ─┘└── opened ──┘└─────────── told ──────────┘

Each time somebody else on duty is tried. The end of its alarm closes its incident. How long each
hop took is a reading of the gateway's own, and so is that it did not arrive, and where it stopped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol, TypeVar

import structlog

from gateway.clock import Signal, at_most
from gateway.model import (
    CANARY,
    CANARY_DEVICE,
    SECOND,
    End,
    Incident,
    IncidentEvent,
    OutboxRow,
    Reading,
    Site,
    Stamp,
    Value,
)
from gateway.ports import Clock, Emit, Unavailable
from gateway.registry.duty import on_duty

HOPS: Final = ("stored", "decided", "opened", "told")
"""On the journal's disk; decided on by the rules; its incident on disk; a channel was reached."""
FIRST: Final = 60.0
"""Seconds after a start to the first one: drivers and channels open their sessions first."""
AGAIN: Final = 600.0
"""Seconds from one that was lost to the next one, if that is sooner."""
_RETRY: Final = 5.0
"""Seconds between two attempts at a store."""
_REASON: Final = 200
_SAME: Final = f"device:{CANARY_DEVICE}"
_PART: Final = CANARY_DEVICE.partition("/")[2]

_T = TypeVar("_T")
log = structlog.get_logger("canary")


class CanaryStore(Protocol):
    """What is looked at in ``cases.db``."""

    news: Signal

    async def open_incident(self, group: str, same: str) -> Incident | None:
        """The open one of (group, same)."""

    async def events(self, key: str) -> list[IncidentEvent]:
        """An incident's chain, oldest first."""

    async def outbox(self, key: str) -> list[OutboxRow]:
        """Every row of an incident."""


class RulesInForce(Protocol):
    """What is asked of the rules' reader."""

    @property
    def at(self) -> int:
        """The record that the rules have seen last."""

    def has(self, rule: str) -> bool:
        """Whether a rule of this name is in force."""


class Walk:
    """How far one of them has come, and when. Mono ns."""

    def __init__(self, began: int) -> None:
        self.began = began
        self.passed: dict[str, int] = {}
        """Hop -> when it was behind it."""
        self.reason = ""
        """What was in the way last."""

    @property
    def stopped(self) -> str:
        """The hop that it did not pass; "" when it arrived."""
        return next((hop for hop in HOPS if hop not in self.passed), "")


def report(walk: Walk, person: str) -> dict[str, Value]:
    """The reading about a walk that is over: ms of each hop, and of all when it arrived."""
    values: dict[str, Value] = {
        CANARY: False,
        "canary_lost": bool(walk.stopped),
        "extra.person": person,
        "extra.hop": walk.stopped,
        "extra.reason": walk.reason[:_REASON] if walk.stopped else "",
    }
    before = walk.began
    for hop in HOPS:
        if hop in walk.passed:
            values[f"extra.{hop}"] = _ms(walk.passed[hop] - before)
            before = walk.passed[hop]
    if not walk.stopped:
        values["extra.total"] = _ms(before - walk.began)
    return values


def whose_turn(site: Site, last: str, wall: int) -> str:
    """The next person after ``last`` who has duty at ``wall`` ns; "" where nobody has.

    ``wall`` 0: nobody knows what time it is, and everybody has.
    """
    people = list(site.people)
    start = people.index(last) + 1 if last in site.people else 0
    for one in people[start:] + people[:start]:
        person = site.people[one]
        if not wall or person in on_duty(site, person.grid, person.role, wall):
            return one
    return ""


class Canary:
    """``run`` sends one ``every`` so many seconds (0: never); it has ``within`` to arrive.

    ``emit`` is the door of the gateway's own driver, ``stored`` the newest record; ``said`` gives
    what was reported of a part of the gateway last, also before a restart.
    """

    def __init__(
        self,
        cases: CanaryStore,
        emit: Emit,
        rules: RulesInForce,
        stored: Callable[[], int],
        site: Callable[[], Site],
        clock: Clock,
        arrival: Callable[[Stamp], int],
        said: Callable[[str], Mapping[str, Value]],
        *,
        every: float,
        within: float,
    ) -> None:
        self._cases = cases
        self._emit = emit
        self._rules = rules
        self._stored = stored
        self._site = site
        self._clock = clock
        self._arrival = arrival
        self._said = said
        self._every = every
        self._within = within
        self._skipped = False
        self.turn = ""
        """Whose way is tried."""

    async def run(self) -> None:
        """Send one after the other, until cancelled."""
        await self._end_what_a_restart_left()
        if not self._every:
            await Signal().wait(0)
        wait = FIRST
        while True:
            await self._clock.sleep(wait)
            lost = self._can_go() and await self._send()
            wait = min(self._every, AGAIN) if lost else self._every

    async def _end_what_a_restart_left(self) -> None:
        """An alarm that nobody waits for any more; a loss, where there are no more of them."""
        said = self._said(_PART)
        ended: dict[str, Value] = {CANARY: False} if said.get(CANARY) is True else {}
        if not self._every and said.get("canary_lost") is True:
            ended["canary_lost"] = False
        if ended:
            await self._patiently(lambda: self._say(ended))

    def _can_go(self) -> bool:
        """A site without the pack ``system`` has no rule for it: that is a choice, and no fault."""
        found = self._rules.has(CANARY)
        if not found and not self._skipped:
            log.warning("canary_skipped", reason="no rule 'canary'; add the pack system")
        self._skipped = not found
        return found

    async def _send(self) -> bool:
        """Whether it was lost."""
        stamp, last = self._clock.now(), str(self._said(_PART).get("extra.person", ""))
        self.turn = whose_turn(self._site(), last, stamp.wall if stamp.trusted else 0)
        walk = Walk(stamp.mono)
        await at_most(self._within, self._clock, self._walk(walk))
        person = self.turn
        if walk.stopped:
            log.warning("canary_lost", hop=walk.stopped, person=person, reason=walk.reason)
        await self._patiently(lambda: self._say(report(walk, person)))
        return bool(walk.stopped)

    async def _walk(self, walk: Walk) -> None:
        """Returns when it has arrived, or can not any more."""
        cases = self._cases
        if await self._patiently(self._open, walk) is not None:  # of one that was lost
            await self._patiently(lambda: self._say({CANARY: False}), walk)
            await self._until(self._gone, walk)
        await self._patiently(lambda: self._say({CANARY: True, "extra.person": self.turn}), walk)
        self._pass(walk, "stored")
        record = self._stored()
        incident = await self._until(lambda: self._opened(walk, record), walk)
        events = await self._patiently(lambda: cases.events(incident.key), walk)
        self._pass(walk, "decided", behind=self._now() - events[0].arrival)
        self._pass(walk, "opened")
        walk.reason = ""
        row = await self._until(lambda: self._ended(walk, incident.key), walk)
        walk.reason = f"{row.end}: {row.detail}"
        if row.end == End.told.value:
            self._pass(walk, "told")

    async def _opened(self, walk: Walk, record: int) -> Incident | None:
        found = await self._open()
        if found is None and self._rules.at >= record:
            walk.reason = "the rules have seen it, and there is no incident"
        elif found is None:
            walk.reason = walk.reason or "the rules have not seen it"
        return found

    async def _ended(self, walk: Walk, key: str) -> OutboxRow | None:
        rows = await self._cases.outbox(key)
        for row in rows:
            walk.reason = row.detail or row.held or "nobody was tried"
        return next((row for row in rows if row.end), None)

    async def _open(self) -> Incident | None:
        return await self._cases.open_incident(CANARY, _SAME)

    async def _gone(self) -> bool:
        return await self._open() is None

    async def _say(self, values: dict[str, Value]) -> None:
        await self._emit([Reading(_PART, "gateway", values)])

    async def _until(self, look: Callable[[], Awaitable[_T | None]], walk: Walk) -> _T:
        """The first true answer; it is looked for whenever something was kept."""
        while True:
            seen = self._cases.news.count
            if found := await self._patiently(look, walk):
                return found
            await at_most(_RETRY, self._clock, self._cases.news.wait(seen))

    async def _patiently(self, ask: Callable[[], Awaitable[_T]], walk: Walk | None = None) -> _T:
        """The answer of a store, however long it takes."""
        while True:
            try:
                return await ask()
            except Unavailable as error:
                if walk is not None:
                    walk.reason = error.reason
            await self._clock.sleep(_RETRY)

    def _pass(self, walk: Walk, hop: str, *, behind: int = 0) -> None:
        walk.passed[hop] = max(self._clock.now().mono - behind, *walk.passed.values(), walk.began)

    def _now(self) -> int:
        return self._arrival(self._clock.now())


def _ms(ns: int) -> float:
    return round(ns * 1_000 / SECOND, 1)
