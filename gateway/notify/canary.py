"""The canary: a marked synthetic alarm walks the whole way to a person, and nobody is rung.

    far end ─▶ driver ─▶ door ─▶ journal ─▶ rules ─▶ incident + row ─▶ a person's channel, silently
      └────── heard ─────┘└─ stored ─┘└ decided ┘└── opened ───┘└───────── told ─────────┘

It is sent through a driver the way a device would send it, with a token of its own: the door takes
it once and believes nothing else of it. Where no driver can do that it begins at the gateway's own
door. Each time another driver and somebody else on duty is tried. The end of its alarm closes its
incident. How long each hop took is a reading of the gateway's own, and so is that it did not
arrive, and where it stopped.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol, TypeVar

import structlog

from gateway.clock import Signal, at_most
from gateway.model import (
    CANARY,
    CANARY_DEVICE,
    End,
    Incident,
    IncidentEvent,
    OutboxRow,
    Reading,
    Site,
    Stamp,
    Value,
)
from gateway.notify.walk import HEARD, Walk, next_after, report, verdict, whose_turn
from gateway.ports import Clock, Echo, Emit, Unavailable

FIRST: Final = 60.0
"""Seconds after a start to the first one: drivers and channels open their sessions first."""
AGAIN: Final = 600.0
"""Seconds from one that was lost to the next one, if that is sooner."""
_RETRY: Final = 5.0
"""Seconds between two attempts at a store."""
_TOKEN: Final = 16
"""Random bytes of a token."""
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


class Canary:
    """``run`` sends one ``every`` so many seconds (0: never); it has ``within`` to arrive.

    ``emit`` is the door of the gateway's own driver, ``stored`` the newest record; ``said`` gives
    what was reported of a part of the gateway last, also before a restart; ``echoes`` are the
    drivers that can send its report, by name.
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
        echoes: Mapping[str, Echo],
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
        self._echoes = echoes
        self._deaf: dict[str, str] = {}
        """Drivers that did not hear their newest one -> what was in the way."""
        self._under_way: Walk | None = None
        self._came = False
        """Whether its report is between the door and the disk, or beyond."""
        self._news = Signal()
        self._every = every
        self._within = within
        self._skipped = False
        self._driver = ""
        """Through which the newest one went."""
        self.turn = ""
        """Whose way is tried."""

    def heard(self, driver: str, token: str, stamp: Stamp) -> dict[str, Value] | None:
        """Of the door of ``driver``: what to store of a report with ``token``; None: nothing.

        A token counts once, for the driver that it was sent through, while that walk lasts.
        """
        walk = self._under_way
        if walk is None or walk.driver != driver or self._came:
            return None
        if not hmac.compare_digest(walk.token.encode(), token.encode("utf-8", "replace")):
            return None
        self._came = True
        walk.move(HEARD, walk.passed.get(HEARD, stamp.mono))
        walk.reason = "it came in, and is not on disk"
        self._news.notify()
        return {CANARY: True, "extra.person": self.turn, "extra.through": driver}

    def kept(self, record: int) -> None:
        """Of the same door: it is on disk; 0: it is not, and may come again."""
        walk = self._under_way
        if walk is None or not self._came or walk.record:
            return
        if record:
            walk.record = record
            self._pass(walk, "stored")
        else:
            self._came = False
            walk.reason = "the journal did not take it"
        self._news.notify()

    async def run(self) -> None:
        """Send one after the other, until cancelled."""
        self._remember()
        await self._end_what_a_restart_left()
        if not self._every:
            await Signal().wait(0)
        wait = FIRST
        while True:
            await self._clock.sleep(wait)
            lost = self._can_go() and await self._send()
            wait = min(self._every, AGAIN) if lost else self._every

    def _remember(self) -> None:
        """What is known from before a restart."""
        said = self._said(_PART)
        self._driver = str(said.get("extra.through", ""))
        if said.get("canary_lost") is True and said.get("extra.hop") == HEARD:
            self._deaf[str(said.get("extra.driver", ""))] = str(said.get("extra.reason", ""))
        self._deaf = {name: why for name, why in self._deaf.items() if name in self._echoes}

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
        self._driver = next(iter(next_after(list(self._echoes), self._driver)), "")
        walk = Walk(stamp.mono, self._driver, secrets.token_hex(_TOKEN))
        await at_most(self._within, self._clock, self._walk(walk))
        self._under_way = None
        person = self.turn
        if walk.stopped:
            log.warning(
                "canary_lost",
                hop=walk.stopped,
                driver=walk.driver,
                person=person,
                reason=walk.reason,
            )
        said = self._judged(walk, person)
        await self._patiently(lambda: self._say(said))
        return said["canary_lost"] is True

    def _judged(self, walk: Walk, person: str) -> dict[str, Value]:
        """The reading about it. One that arrived proves nothing of a driver that is deaf."""
        if walk.stopped == HEARD:
            self._deaf[walk.driver] = walk.reason
        else:
            self._deaf.pop(walk.driver, None)
        said = report(walk, person)
        for driver, reason in self._deaf.items():
            if not walk.stopped:
                return said | verdict(HEARD, driver, reason)
        return said

    async def _walk(self, walk: Walk) -> None:
        """Returns when it has arrived, or can not any more."""
        cases = self._cases
        if await self._is_left(walk):
            await self._patiently(lambda: self._say({CANARY: False}), walk)
            await self._until(self._gone, walk)
        if walk.driver:
            await self._through(walk, self._echoes[walk.driver])
        else:
            alarm: dict[str, Value] = {CANARY: True, "extra.person": self.turn, "extra.through": ""}
            await self._patiently(lambda: self._say(alarm), walk)
            self._pass(walk, "stored")
            walk.record = self._stored()
        walk.reason = ""
        incident = await self._until(lambda: self._opened(walk), walk)
        events = await self._patiently(lambda: cases.events(incident.key), walk)
        self._pass(walk, "decided", behind=self._now() - events[0].arrival)
        self._pass(walk, "opened")
        walk.reason = ""
        row = await self._until(lambda: self._ended(walk, incident.key), walk)
        walk.reason = f"{row.end}: {row.detail}"
        if row.end == End.told.value:
            self._pass(walk, "told")

    async def _is_left(self, walk: Walk) -> bool:
        """Whether one that was lost is open yet. Of a store that is away the walk will tell."""
        try:
            return await self._open() is not None
        except Unavailable as error:
            walk.reason = error.reason
            return False

    async def _through(self, walk: Walk, driver: Echo) -> None:
        """Send it once, as soon as the driver can; returns when it is on disk."""
        self._came, self._under_way = False, walk
        sent = False
        while not walk.record:
            seen = self._news.count
            if not sent and not self._came:
                walk.began = self._clock.now().mono
                walk.reason = "it was sent, and did not come in"
                try:
                    await driver.echo(walk.token)
                    sent = True
                except Unavailable as error:
                    walk.reason = walk.reason if self._came else error.reason
            await at_most(_RETRY, self._clock, self._news.wait(seen))

    async def _opened(self, walk: Walk) -> Incident | None:
        found = await self._open()
        if found is None and self._rules.at >= walk.record:
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
        walk.move(hop, self._clock.now().mono - behind)

    def _now(self) -> int:
        return self._arrival(self._clock.now())
