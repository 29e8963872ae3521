"""One modem: it is looked after, its storage is emptied, and it sends what it is given.

text() ──▶ Outbox ─┐             ┌─▶ Inbox ──▶ Action(receive, close, comment, unknown)
                   ├─▶ Engine ──▶─┤
Standing ──────────┘ (one command └─▶ Reports ──▶ Action(delivered, undelivered)
                      at a time)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any, Final

import structlog

from drivers._port import Inflow, form, gone, open_port
from drivers.sms_modem.codes import AtError, NoAnswer
from drivers.sms_modem.engine import Engine
from drivers.sms_modem.inbox import Gathered, Inbox, Stored, listed
from drivers.sms_modem.options import Options
from drivers.sms_modem.pdu import Report, read
from drivers.sms_modem.reports import Reports
from drivers.sms_modem.sending import Outbox
from drivers.sms_modem.standing import Standing
from drivers.sms_modem.start import Pin, attempt, start
from gateway.clock import Signal, at_most
from gateway.model import SECOND, Item, Receipt, Site
from gateway.ports import Clock, Emit, Unavailable

EVERY: Final = 60.0
"""Seconds between two looks at a modem that is well."""
_SEARCHING: Final = 10.0
"""The same while it has no network."""
_REGISTER_EVERY: Final = 300.0
"""Without network for so long, it is told to look for one."""
_LISTING: Final = 30.0
"""Seconds that a full storage may take to be read out."""
_REGISTERING: Final = 120.0
_MOST_HANDED_OVER: Final = 64


class Driver:
    """One modem with its card."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self._name = name
        self._options = options
        self._clock = clock
        self._site: Callable[[], Site] | None = None
        self._pin = Pin(options)
        self._standing = Standing(options.port)
        self._reports = Reports()
        self._inbox = Inbox(name, options.country, options.stale)
        count = clock.now().wall // SECOND
        self._outbox = Outbox(options, self._standing, self._reports, count)
        self._handed_over: list[Stored] = []
        self._look = True
        self._old = True
        """Whether what lies in the storage may have lain there before we came."""
        self._news = Signal()
        self._log = structlog.get_logger("sms_modem")

    def answered_by(self, texting: Collection[str]) -> None:
        """The notifiers that send text messages, by name."""
        self._inbox.texting = texting

    def follow(self, site: Callable[[], Site]) -> None:
        """Whose numbers are known; without it, as in a trial, everybody's are."""
        self._site = site

    async def text(self, number: str, text: str, reference: str, incident: str = "") -> Receipt:
        """Send ``text``. Returned: the network took it; what it says later is an ``Action``.

        The same ``reference`` is never sent twice by one run of the program. Refused: this number
        or text is none; else Unavailable.
        """
        return await self._outbox.text(number, text, reference, incident)

    def ready(self) -> str:
        """How the network is heard, in one sentence. Unavailable: nothing can be sent now."""
        return self._outbox.standing()

    async def run(self, emit: Emit) -> None:
        """Live until cancelled. Unavailable says what the modem or its card lacks."""
        self._look = self._old = True
        try:
            await self._connected(lambda engine: self._live(engine, emit))
        except Unavailable as error:
            self._outbox.fell(error.reason.removeprefix(f"modem on {self._options.port}: "))
            raise

    async def check(self) -> str:
        """Start the modem up and say how it stands."""
        said: list[str] = []

        async def look(engine: Engine) -> None:
            found = await start(engine, self._options, self._clock, self._pin)
            await self._standing.look(engine)
            said.append(f"modem {found.model} on {self._options.port}".replace("  ", " "))

        await self._connected(look)
        return f"{said[0]} at {form(self._options)}: {self._standing.sentence()}"

    async def _connected(self, live: Callable[[Engine], Coroutine[Any, Any, None]]) -> None:
        """``live`` beside the reading of the port. Every way it can end is Unavailable."""
        port = self._options.port
        try:
            with open_port(self._options) as fd, Inflow(fd) as inflow:
                engine = Engine(inflow, self._clock, self._heard)
                await _either(live(engine), engine.run())
        except OSError as error:
            raise gone(port, error) from None
        except (NoAnswer, AtError) as error:
            raise Unavailable(f"modem on {port}: {error}") from None

    async def _live(self, engine: Engine, emit: Emit) -> None:
        await start(engine, self._options, self._clock, self._pin)
        await self._standing.look(engine)
        await _either(
            self._outbox.run(engine), self._tend(engine, emit), self._collect(engine, emit)
        )

    async def _tend(self, engine: Engine, emit: Emit) -> None:
        """Look after network and signal, and say how it stands."""
        lost_at: int | None = None
        said: dict[str, object] = {}
        said_at = 0
        while True:
            now = self._clock.now().mono
            reading = self._standing.reading(self._inbox.gate.refused, self._reports.waiting)
            due = now - said_at >= EVERY * SECOND
            if due or reading.values["channel_down"] != said.get("channel_down"):
                await emit([reading])
                said, said_at = dict(reading.values), now
            if self._standing.registered:
                lost_at = None
            elif lost_at is None:
                lost_at = now
            elif now - lost_at >= _REGISTER_EVERY * SECOND:
                lost_at = now
                await attempt(engine, "AT+COPS=0", _REGISTERING)
            await self._clock.sleep(EVERY if self._standing.registered else _SEARCHING)
            await self._standing.look(engine)

    async def _collect(self, engine: Engine, emit: Emit) -> None:
        """Answers and delivery reports, as they are announced and every ``poll``."""
        due = self._clock.now().mono
        while True:
            seen = self._news.count
            if self._look or self._clock.now().mono >= due:
                self._look = False
                due = self._clock.now().mono + int(self._options.poll * SECOND)
                await self._empty(engine, emit)
            await self._say_reports(emit)
            left = (due - self._clock.now().mono) / SECOND
            if seen == self._news.count and not self._reports.ready:
                await at_most(max(left, 0.001), self._clock, self._news.wait(seen))

    async def _empty(self, engine: Engine, emit: Emit) -> None:
        """Read the storage, emit, and only then delete."""
        stored = list(self._handed_over)
        try:
            stored += listed(await engine.ask("AT+CMGL=4", _LISTING))
        except AtError as error:
            self._log.warning("storage_not_read", driver=self._name, reason=str(error))
        gathered = self._inbox.gather(stored, self._clock.now(), self._site, self._old)
        self._old = False
        for report in gathered.reports:
            self._reports.take(report)
        if gathered.items:
            await emit(gathered.items)
        self._inbox.settled(gathered)
        await self._delete(engine, gathered)

    async def _delete(self, engine: Engine, gathered: Gathered) -> None:
        done = {each.pdu for each in gathered.done if each.place < 0}
        self._handed_over = [each for each in self._handed_over if each.pdu not in done]
        if not self._options.delete:
            return
        for each in gathered.done:
            if each.place >= 0 and await attempt(engine, f"AT+CMGD={each.place}", 10.0) is None:
                self._log.warning("message_not_deleted", driver=self._name, place=each.place)

    async def _say_reports(self, emit: Emit) -> None:
        ready = list(self._reports.ready)
        if ready:
            items: Sequence[Item] = ready
            await emit(items)
            for _ in ready:
                self._reports.ready.popleft()

    def _heard(self, line: str, pdu: str) -> None:
        """What the modem said unasked."""
        if line.startswith("+CDS:"):
            try:
                report = read(pdu)
            except ValueError as error:
                self._log.warning("report_not_readable", driver=self._name, reason=str(error))
                return
            if isinstance(report, Report):
                self._reports.take(report)
        elif line.startswith("+CMT:") and len(self._handed_over) < _MOST_HANDED_OVER:
            self._handed_over.append(Stored(-1, pdu))
            self._look = True
        elif line.startswith("+CMTI:"):
            self._look = True
        self._news.notify()


async def _either(*lives: Coroutine[Any, Any, None]) -> None:
    """Until one of them ends, which ends the others; raises what it raised."""
    tasks = [asyncio.ensure_future(life) for life in lives]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled():
            task.result()
