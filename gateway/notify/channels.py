"""The channels: asking one of them, how many at once, and which of them are in trouble.

A channel that is away, or refuses, is a reading of the gateway's own (``channel:NAME``), and so
an incident by the ordinary way, told through the other channels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from gateway.clock import Signal
from gateway.incidents.people import FIXTURE
from gateway.model import SECOND, Category, Notification, Person, Quota, Receipt, Value
from gateway.notify.channel import channels_of
from gateway.notify.settled import reason_of, settled
from gateway.ports import Clock, Notifier, Refused

PATIENCE: Final = 30.0
"""Seconds that one ``tell`` may take: longer than any web request should."""
AWAY_AFTER: Final = 60.0
"""Seconds without success until a channel is tried after the others."""
_TRY_AT_LEAST: Final = 600.0
"""Seconds after the newest failure from which it is tried in its turn again."""
_PROBE: Final = 60.0
"""Seconds between two looks at a channel that is away."""
_PROVEN: Final = 2
"""Failures in a row that one look which goes well does not make good."""
_CALM: Final = 600.0
"""Seconds without a failure after which it does."""
_AT_ONCE: Final = 8
"""Messages under way in one channel, and as many again for life safety."""
_REFUSALS: Final = 2
"""One after the other, so that it is the channel's fault and not one number's."""
_REASON: Final = 200

Note = Callable[[str, dict[str, Value]], None]
"""Takes what is to be reported of a part of the gateway."""


def nobody_asks(part: str, values: dict[str, Value]) -> None:
    """Nobody wants to know."""


class _State:
    """What is known of one channel."""

    def __init__(self) -> None:
        self.down_since: int | None = None
        """Mono ns."""
        self.failed_at = 0
        self.failures = 0
        """In a row."""
        self.ever_told = False
        self.refused = 0
        """Times in a row."""
        self.said = (False, False)
        """(down, refuses) as it was reported last."""


class Channels:
    """Every configured notifier by its name."""

    def __init__(
        self, notifiers: Mapping[str, Notifier], clock: Clock, note: Note = nobody_asks
    ) -> None:
        self._notifiers = notifiers
        self._clock = clock
        self._note = note
        self.for_people = [
            name for name, each in notifiers.items() if not getattr(each, "is_fixture", False)
        ]
        self.quotas: dict[str, tuple[Quota, ...]] = {
            name: tuple(getattr(each, "quotas", ())) for name, each in notifiers.items()
        }
        self._lanes: dict[tuple[str, bool], asyncio.Semaphore] = {}
        self._states = {name: _State() for name in notifiers}
        self._news = Signal()
        self._log = structlog.get_logger("notify")

    def resume(self, said: Callable[[str], Mapping[str, Value]]) -> None:
        """What was reported of each part before a restart, so that its end is reported too."""
        for name, state in self._states.items():
            values = said(f"channel:{name}")
            down, refuses = (values.get(f"channel_{what}") is True for what in ("down", "refuses"))
            state.said = down, refuses
            if down:
                state.down_since = state.failed_at = self._clock.now().mono

    def states(self) -> dict[str, str]:
        """``ok``, ``down`` or ``refuses`` by name, as it was reported last."""
        return {
            name: "down" if state.said[0] else "refuses" if state.said[1] else "ok"
            for name, state in self._states.items()
        }

    def of(self, person: Person) -> list[str]:
        """A siren is nobody's channel: it would take the message, and the person hear nothing."""
        if person.id.startswith(FIXTURE):
            return [name for name in person.channels if name in self._notifiers]
        return channels_of(person, self.for_people)

    def away(self) -> set[str]:
        """Those that have taken nothing for a while, as far as that is known."""
        now = self._clock.now().mono
        return {
            name
            for name, state in self._states.items()
            if state.down_since is not None
            and now - state.down_since >= AWAY_AFTER * SECOND
            and now - state.failed_at < _TRY_AT_LEAST * SECOND
        }

    async def ask(self, channel: str, message: Notification) -> Receipt | BaseException:
        """The channel's answer; logged once when a channel falls, once when it is back."""
        lane = (channel, message.category == Category.life.value)
        async with self._lanes.setdefault(lane, asyncio.Semaphore(_AT_ONCE)):
            telling = self._notifiers[channel].tell(message)
            answer = await settled(telling, PATIENCE, self._clock)
        self._learn(channel, answer)
        return answer

    async def trial(self, channel: str, message: Notification) -> Receipt | BaseException:
        """The answer to a silent message: it says nothing of whether the channel takes others."""
        return await settled(self._notifiers[channel].tell(message), PATIENCE, self._clock)

    async def run(self) -> None:
        """Look at channels that are away, until cancelled: few messages may ever go there."""
        while True:
            seen = self._news.count
            away = [name for name, state in self._states.items() if state.down_since is not None]
            if not away:
                await self._news.wait(seen)
                continue
            await self._clock.sleep(_PROBE)
            for name in away:
                await self._probe(name)

    async def _probe(self, channel: str) -> None:
        check: Any = getattr(self._notifiers[channel], "check", None)
        if check is None or self._states[channel].down_since is None:
            return
        answer = await settled(check(), PATIENCE, self._clock)
        state, now = self._states[channel], self._clock.now().mono
        if isinstance(answer, BaseException):
            state.failed_at = now
        elif state.failures < _PROVEN or now - state.failed_at >= _CALM * SECOND:
            self._back(channel)  # an open door is no proof that somebody takes letters

    def _learn(self, channel: str, answer: Receipt | BaseException) -> None:
        state = self._states[channel]
        if isinstance(answer, Receipt):
            state.ever_told, state.refused = True, 0
            self._back(channel)
        elif isinstance(answer, Refused):
            state.refused += 1
            self._back(channel, answer.reason)
        else:
            state.failed_at = self._clock.now().mono
            state.failures += 1
            if state.down_since is None:
                state.down_since = state.failed_at
                self._log.warning("channel_down", channel=channel, reason=reason_of(answer))
                self._news.notify()
            self._report(channel, reason_of(answer))

    def _back(self, channel: str, reason: str = "") -> None:
        """It answers."""
        state = self._states[channel]
        state.failures = 0
        if state.down_since is not None:
            state.down_since = None
            self._log.info("channel_back", channel=channel)
        self._report(channel, reason)

    def _report(self, channel: str, reason: str) -> None:
        state = self._states[channel]
        usual = _REFUSALS if state.ever_told else 1
        now = state.down_since is not None, state.refused >= usual
        if now == state.said:
            return
        state.said = now
        values: dict[str, Value] = {"channel_down": now[0], "channel_refuses": now[1]}
        if any(now):
            values["extra.reason"] = reason[:_REASON]
        self._note(f"channel:{channel}", values)
