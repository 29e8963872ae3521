"""Texts on their way out: one at a time, each once.

text ──▶ waiting ──▶ AT+CMGS for each part ──▶ +CMGS: number ──▶ Receipt
  └ the same reference again: joins what is under way, or is given the receipt there was
"""

from __future__ import annotations

import asyncio
import re
from typing import Final, TypeVar

from drivers.sms_modem.codes import AtError, NoAnswer
from drivers.sms_modem.engine import Engine
from drivers.sms_modem.options import Options
from drivers.sms_modem.pdu import Submit, submits
from drivers.sms_modem.reports import Message, Reports
from drivers.sms_modem.standing import Standing
from gateway.clock import Signal
from gateway.model import Receipt
from gateway.phones import dialled
from gateway.ports import Refused, Unavailable

MOST_WAITING: Final = 32
_REMEMBERED: Final = 256
_AGAIN: Final = 30.0
"""Seconds after which a message that the network did not take may be tried again."""
_TAKEN: Final = re.compile(r"\+CMGS: ?(\d{1,3})")

Outcome = Receipt | Unavailable | Refused
_T = TypeVar("_T")


class _Job:
    """One text. ``given``: the modem's numbers of the parts that the network has taken."""

    def __init__(self, number: str, text: str, parts: list[Submit], message: Message) -> None:
        self.number = number
        self.text = text
        self.parts = parts
        self.message = message
        self.given: list[int] = []
        self.waiters = 0
        self.begun = False
        self.ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def end(self, outcome: Outcome) -> None:
        """Everybody who waits for it is told."""
        if not self.ended.done():
            self.ended.set_result(outcome)


class Outbox:
    """Kept through reconnects: a text in several messages goes on where it broke off."""

    def __init__(self, options: Options, standing: Standing, reports: Reports, count: int) -> None:
        self._options = options
        self._where = f"modem on {options.port}"
        self._standing = standing
        self._reports = reports
        self._count = count
        """Counts texts in several messages: phones put together what has the same number."""
        self._trouble = "not connected"
        self._open = False
        self._jobs: dict[str, _Job] = {}
        self._broken: dict[str, _Job] = {}
        self._taken: dict[str, Receipt] = {}
        self._news = Signal()

    async def text(self, number: str, text: str, reference: str, incident: str) -> Receipt:
        """Returned: the network took all of it. Else one of the two errors."""
        if reference in self._taken:
            return self._taken[reference]
        self._must_be_up()
        job = self._jobs.get(reference) or self._new(number, text, reference, incident)
        job.waiters += 1
        try:
            outcome = await asyncio.shield(job.ended)
        finally:
            job.waiters -= 1
            if not (job.waiters or job.begun or job.ended.done()):
                self._jobs.pop(reference, None)  # nobody waits for it any more
        if isinstance(outcome, Receipt):
            return outcome
        raise outcome

    def standing(self) -> str:
        """In one sentence, when messages can be sent. Else Unavailable."""
        self._must_be_up()
        if not self._standing.registered:
            raise self._no_network()
        return f"{self._where}: {self._standing.sentence()}"

    async def run(self, engine: Engine) -> None:
        """Send what waits, until cancelled. NoAnswer: the modem has fallen silent."""
        self._open = True
        try:
            while True:
                seen = self._news.count
                while self._jobs:
                    await self._next(engine)
                await self._news.wait(seen)
        finally:
            self._open = False
            self.fell("the connection was lost")

    def fell(self, reason: str) -> None:
        """Who waits is told why."""
        self._trouble = reason
        while self._jobs:
            reference, job = self._jobs.popitem()
            self._put_aside(reference, job)
            job.end(Unavailable(f"{self._where}: {reason}", _AGAIN))

    def _must_be_up(self) -> None:
        if not self._open:
            raise Unavailable(f"{self._where}: {self._trouble}")

    def _no_network(self) -> Unavailable:
        return Unavailable(f"{self._where}: {self._standing.sentence()}", _AGAIN)

    def _new(self, number: str, text: str, reference: str, incident: str) -> _Job:
        if len(self._jobs) >= MOST_WAITING:
            raise Unavailable(f"{self._where}: {MOST_WAITING} messages wait already", _AGAIN)
        try:
            number = dialled(number, self._options.country)
            parts = submits(
                number, text, reference=self._count, report=self._options.report,
                validity=self._options.validity,
            )  # fmt: skip
        except ValueError as error:
            raise Refused(f"{self._where}: {error}") from None
        job = _Job(number, text, parts, Message(reference, incident, len(parts)))
        before = self._broken.pop(reference, None)
        if before is not None and (before.number, before.text) == (number, text):
            job.parts, job.message, job.given = before.parts, before.message, before.given
        elif len(parts) > 1:
            self._count += 1
        self._jobs[reference] = job
        self._news.notify()
        return job

    async def _next(self, engine: Engine) -> None:
        reference, job = next(iter(self._jobs.items()))
        job.begun = True
        outcome: Outcome
        try:
            outcome = await self._send(engine, job)
        except AtError as error:
            said = f"{self._where}: {error}"
            outcome = Refused(said) if error.for_good else Unavailable(said, _AGAIN)
        self._jobs.pop(reference, None)
        if isinstance(outcome, Receipt):
            self._standing.sent += 1
            _bounded(self._taken)[reference] = outcome
        else:
            self._standing.failed += 1
            self._put_aside(reference, job)
        job.end(outcome)

    async def _send(self, engine: Engine, job: _Job) -> Outcome:
        """AtError, NoAnswer."""
        for part in job.parts[len(job.given) :]:
            if not self._standing.registered:
                return self._no_network()
            lines = await engine.ask(f"AT+CMGS={part.length}", self._options.send_within, part.pdu)
            found = next(filter(None, map(_TAKEN.match, lines)), None)
            if found is None:
                raise NoAnswer("AT+CMGS: OK without a number")
            job.given.append(int(found[1]))
            if self._options.report:
                self._reports.sent(job.message, int(found[1]), job.number)
        numbers = ", ".join(map(str, job.given))
        return Receipt(f"{self._standing.operator or 'the network'} took it as {numbers}")

    def _put_aside(self, reference: str, job: _Job) -> None:
        if job.given:
            _bounded(self._broken)[reference] = job


def _bounded(memory: dict[str, _T]) -> dict[str, _T]:
    """``memory`` with room for one more; the oldest goes."""
    if len(memory) >= _REMEMBERED:
        del memory[next(iter(memory))]
    return memory
