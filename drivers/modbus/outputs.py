"""Sirens and strobes: switched at once, verified, reported, and never left on for ever.

    switch(on) ──▶ write ──▶ read back ──▶ done        at_most after the last "on": off again
    every look ──▶ found on, by whomever ──▶ at_most begins

A gateway that crashed while its siren howled finds it on at its next start, and ends it in time.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from drivers.modbus.link import Denied, Link, NoAnswer
from drivers.modbus.options import Options, Output
from drivers.modbus.outflow import Outflow
from drivers.modbus.points import Table
from drivers.modbus.presence import Presence
from drivers.modbus.station import ONLINE
from gateway.clock import Signal, at_most
from gateway.model import SECOND, Reading, Value
from gateway.ports import Clock, Refused, Unavailable

_NEVER: Final = 2**63
_AGAIN: Final = 5 * SECOND
"""Ns between two attempts to end what should be off."""
_REPEAT: Final = 60 * SECOND
"""Ns after which an unchanged state is said again."""


class _State:
    """What is known of one output; kept through reconnects."""

    def __init__(self, options: Options, output: Output) -> None:
        self.output = output
        self.on: bool | None = None
        self.off_at = _NEVER
        """Mono ns when it is switched off by itself."""
        self.look_at = 0
        self.presence = Presence(options.retries, options.timeout, options.backoff)
        self.said: dict[str, Value] = {}
        self.said_at = -_REPEAT
        self.stuck = False
        self.turn = asyncio.Lock()
        """One thing at a time: what ends it in time must not undo an "on" that came meanwhile."""

    @property
    def place(self) -> tuple[Table, int]:
        """Where it lies."""
        if self.output.coil is not None:
            return "coil", self.output.coil
        return "register", self.output.register_ or 0

    def raw(self, on: bool) -> int:
        """What is written for ``on``."""
        if self.output.coil is not None:
            return int(on is not self.output.invert)
        return self.output.on_value if on is not self.output.invert else self.output.off_value

    def begins(self, now: int) -> None:
        """It is on, or may be: it ends ``at_most`` from now."""
        self.off_at = now + int(self.output.at_most * SECOND)


class Outputs:
    """The outputs of one bus."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self._bus = options.bus.name
        self._attempts = options.retries + 1
        self._clock = clock
        self._states = {name: _State(options, output) for name, output in options.outputs.items()}
        self._link: Link | None = None
        self._news = Signal()
        self._log = structlog.get_logger("modbus")

    async def switch(self, name: str, on: bool) -> None:
        """Returned: it is switched, and read back where it can be."""
        state = self._states.get(name)
        if state is None:
            have = ", ".join(self._states) or "none"
            raise Refused(f"there is no output {name!r} on {self._bus}; there is {have}")
        try:
            async with state.turn:
                if self._link is None:
                    raise Unavailable(f"{self._bus}: not connected")
                if on:  # before it is written: an answer that is lost must not make it endless
                    state.begins(self._clock.now().mono)
                    self._news.notify()
                await self._set(self._link, state, on)
                if not on:
                    state.off_at = _NEVER
        except NoAnswer as error:
            raise Unavailable(f"{name} ({state.output.place}): {error}") from None
        except Denied as denied:
            said = f"{name} ({state.output.place}): {denied}"
            raise (Refused(said) if denied.for_good else Unavailable(said)) from None
        self._news.notify()

    async def run(self, link: Link, outflow: Outflow) -> None:
        """Until cancelled: look, end what is due, report. Unavailable: the connection is gone."""
        self._connected(link)
        try:
            while True:
                seen = self._news.count
                for name, state in self._states.items():
                    await self._attend(link, name, state)
                # a disk that takes nothing must not keep a siren on
                if outflow.has_room and (readings := self._readings()):
                    await outflow.put(readings)
                due = min((min(s.off_at, s.look_at) for s in self._states.values()), default=_NEVER)
                left = min(max(due - self._clock.now().mono, SECOND // 100), 10 * SECOND)
                await at_most(left / SECOND, self._clock, self._news.wait(seen))
        finally:
            self._link = None

    def _connected(self, link: Link) -> None:
        self._link = link
        for state in self._states.values():
            state.presence.failures = 0
            state.look_at = 0 if state.output.read_back else _NEVER
            if not state.output.read_back and state.on is None and state.off_at == _NEVER:
                state.begins(self._clock.now().mono)  # it can not be asked: it may be on

    async def _attend(self, link: Link, name: str, state: _State) -> None:
        async with state.turn:
            now = self._clock.now().mono
            if state.off_at <= now:
                await self._end(link, name, state)
            elif state.look_at <= now:
                await self._look(link, name, state)

    async def _end(self, link: Link, name: str, state: _State) -> None:
        """Its time is over. What fails is tried until it is off."""
        state.off_at = self._clock.now().mono + _AGAIN
        try:
            await self._set(link, state, on=False)
        except (NoAnswer, Denied) as error:
            if not state.stuck:
                state.stuck = True
                self._log.error("output_stays_on", output=name, reason=str(error))
            return
        state.off_at, state.stuck = _NEVER, False
        self._log.info("output_ended", output=name, after=state.output.at_most)

    async def _look(self, link: Link, name: str, state: _State) -> None:
        """Read its state; what is found on is put under its limit."""
        try:
            state.on = await self._is_on(link, state)
        except NoAnswer:
            state.presence.silent()
            state.look_at = self._clock.now().mono + int(state.presence.pause() * SECOND)
            return
        except Denied as denied:
            if not denied.for_good:  # busy
                state.look_at = self._clock.now().mono + int(state.output.every * SECOND)
                return
            self._log.warning("output_not_readable", output=name, reason=str(denied))
            state.look_at = _NEVER  # until the next connection; switching says it as well
            if state.on is None and state.off_at == _NEVER:
                state.begins(self._clock.now().mono)
            return
        state.presence.answered()
        now = self._clock.now().mono
        state.look_at = now + int(state.output.every * SECOND)
        if not state.on:
            state.off_at = _NEVER
        elif state.off_at == _NEVER:
            self._log.info("output_found_on", output=name, at_most=state.output.at_most)
            state.begins(now)

    async def _set(self, link: Link, state: _State, on: bool) -> None:
        """Write and read back, again while nobody answers. NoAnswer, Denied."""
        table, address = state.place
        for left in reversed(range(self._attempts)):
            try:
                await link.write(
                    state.output.unit, table, address, state.raw(on), state.output.multiple
                )
                if not state.output.read_back or await self._is_on(link, state) is on:
                    state.on = on
                    state.presence.answered()
                    return
                failed = NoAnswer("it was written, and reads back as " + ("off" if on else "on"))
            except NoAnswer as error:
                failed = error
            if not left:
                raise failed

    async def _is_on(self, link: Link, state: _State) -> bool:
        table, address = state.place
        [raw] = await link.ask(state.output.unit, table, address, 1)
        return raw == state.raw(True)

    def _readings(self) -> list[Reading]:
        """What has changed, or has not been said for a while."""
        now = self._clock.now().mono
        found: list[Reading] = []
        for name, state in self._states.items():
            values: dict[str, Value] = {} if state.on is None else {"on": state.on}
            if state.presence.online is False:
                values = {ONLINE: False}
            elif state.presence.online:
                values[ONLINE] = True
            if values and (values != state.said or now - state.said_at >= _REPEAT):
                state.said, state.said_at = values, now
                found.append(Reading(name, state.output.kind, values))
        return found
