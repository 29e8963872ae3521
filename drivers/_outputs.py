"""Sirens and strobes that are switched by one word, and never left on.

    switch(on) ──▶ put ──▶ done             at_most after the last "on": off again, until it is off
    at start   ──▶ it may be on ──▶ at_most begins, unless the far end says that it is off

A gateway that crashed while its siren howled ends it in time after its next start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, NoReturn, Protocol

import structlog

from gateway.clock import Signal, at_most
from gateway.model import SECOND, Reading
from gateway.ports import Clock, Emit, Refused, Unavailable

_NEVER: Final = 2**63
_AGAIN: Final = 5 * SECOND
"""Ns between two attempts to end what should be off."""
_REPEAT: Final = 60 * SECOND
"""Ns after which an unchanged state is said again."""
_IDLE: Final = 3_600.0

Put = Callable[[str, bool], Coroutine[Any, Any, None]]
"""Switches an output. Returned: done; else one of the two errors."""


class Limits(Protocol):
    """What an output's options have."""

    @property
    def at_most(self) -> float:
        """Seconds until it is switched off by itself."""

    @property
    def kind(self) -> str:
        """What it is reported as."""


class _State:
    """What is known of one output; kept through reconnects."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.on: bool | None = None
        self.off_at = _NEVER
        """Mono ns when it is switched off by itself."""
        self.said: bool | None = None
        self.said_at = -_REPEAT
        self.stuck = False
        self.turn = asyncio.Lock()
        """One thing at a time: what ends it in time must not undo an "on" that came meanwhile."""

    def begins(self, now: int) -> None:
        """It is on, or may be."""
        self.off_at = now + int(self.limits.at_most * SECOND)


class Outputs:
    """The outputs of one driver; lives as long as it, through all its connections."""

    def __init__(self, where: str, limits: Mapping[str, Limits], put: Put, clock: Clock) -> None:
        self._where = where
        self._put = put
        self._clock = clock
        self._states = {name: _State(each) for name, each in limits.items()}
        self._news = Signal()
        self._log = structlog.get_logger("outputs")

    async def switch(self, name: str, on: bool) -> None:
        """Returned: it is switched. Refused: there is no such output. Else what ``put`` raised."""
        state = self._states.get(name)
        if state is None:
            have = ", ".join(self._states) or "none"
            raise Refused(f"there is no output {name!r} on {self._where}; there is {have}")
        async with state.turn:
            if on:  # before it is put: an answer that is lost must not make it endless
                state.begins(self._clock.now().mono)
                self._news.notify()
            await self._put(name, on)
            self._is(state, on)

    def found(self, name: str, on: bool) -> None:
        """The far end says how it is; what is on, by whomever, is put under its limit."""
        state = self._states[name]
        if on and state.off_at == _NEVER:
            self._log.info("output_found_on", output=name, at_most=state.limits.at_most)
        self._is(state, on)

    def begin(self) -> None:
        """There is a way to the far end: of what is not known, each may be on."""
        for state in self._states.values():
            if state.on is None and state.off_at == _NEVER:
                state.begins(self._clock.now().mono)
        self._news.notify()

    async def end_in_time(self) -> NoReturn:
        """Until cancelled: switch off what was on for long enough."""
        while True:
            seen = self._news.count
            for name, state in self._states.items():
                if state.off_at <= self._clock.now().mono:
                    await self._end(name, state)
            due = min((state.off_at for state in self._states.values()), default=_NEVER)
            left = min((due - self._clock.now().mono) / SECOND, _IDLE)
            await at_most(max(left, 0.001), self._clock, self._news.wait(seen))

    async def report(self, emit: Emit) -> NoReturn:
        """Until cancelled: say what has changed, and the rest every minute."""
        while True:
            seen = self._news.count
            now = self._clock.now().mono
            if readings := self._readings(now):
                await emit(readings)
            said = (s.said_at for s in self._states.values() if s.on is not None)
            left = (min(said, default=now) + _REPEAT - now) / SECOND
            await at_most(max(left, 0.001), self._clock, self._news.wait(seen))

    async def _end(self, name: str, state: _State) -> None:
        """Its time is over. What fails is tried until it is off."""
        async with state.turn:
            if state.off_at > self._clock.now().mono:
                return  # it was switched on anew meanwhile
            state.off_at = self._clock.now().mono + _AGAIN
            try:
                await self._put(name, False)
            except (Unavailable, Refused) as error:
                if not state.stuck:
                    state.stuck = True
                    self._log.error("output_stays_on", output=name, reason=error.reason)
                return
            state.stuck = False
            self._is(state, False)
            self._log.info("output_ended", output=name, after=state.limits.at_most)

    def _is(self, state: _State, on: bool) -> None:
        state.on = on
        if not on:
            state.off_at = _NEVER
        elif state.off_at == _NEVER:
            state.begins(self._clock.now().mono)
        self._news.notify()

    def _readings(self, now: int) -> list[Reading]:
        found: list[Reading] = []
        for name, state in self._states.items():
            if state.on is not None and (state.on != state.said or now - state.said_at >= _REPEAT):
                state.said, state.said_at = state.on, now
                found.append(Reading(name, state.limits.kind, {"on": state.on}))
        return found
