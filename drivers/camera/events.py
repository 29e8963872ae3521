"""The camera's own detectors: from a subscription to readings, with an end for what has none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from drivers._momentary import Holds, Momentary
from drivers.camera.decode import Notice
from drivers.camera.options import Onvif
from drivers.camera.pullpoint import Account, Pulled, subscribed
from drivers.camera.state import State
from gateway.model import SECOND, Item, Reading, Undecodable, Value
from gateway.ports import Clock, Emit, Unavailable

SOURCE: Final = "onvif|"
"""What the names of these sources begin with."""
_SETTLED: Final = 5 * SECOND
"""After so long a camera has told the state of everything; what comes later happened later."""
_BELIEVED: Final = 60 * SECOND
"""How far a corrected time may be from now: a live event is not older."""
_ENDING: Final = ("motion",)
"""What ends by itself when the camera forgets to say so: a covered lens stays covered, and a fire
burns until the camera says that it is out."""
_MOMENTS: Final = ("motion", "alarm")
"""The same of what has no end of its own."""
_SILENT: Final = 600 * SECOND
"""After so long without a word the subscription is made anew: a camera that has forgotten it, and
answers all the same, can not be told from one that has nothing to say."""


class Events:
    """One camera's events; lives as long as the driver, through all its connections."""

    def __init__(self, address: str, options: Onvif, state: State, clock: Clock) -> None:
        self._address = address
        self._options = options
        self._state = state
        self._clock = clock
        self._holds = Holds(clock)

    async def run(self, emit: Emit, opened: Callable[[], Awaitable[None]]) -> None:
        """Subscribe and tell until cancelled; Unavailable when the subscription is lost."""

        async def over(items: Sequence[Item]) -> None:
            for item in items:
                if isinstance(item, Reading) and self._state.says(item.device, *item.values):
                    await emit([self._reading(self._state.say(item.device, item.values))])

        ending = asyncio.ensure_future(self._holds.run(over))
        try:
            async with subscribed(self._account(), self._clock) as point:
                await opened()
                await self._settle(point.next, emit)
                await self._follow(point.next, emit)
            while True:
                async with subscribed(self._account(), self._clock) as point:
                    await self._found(point.next, emit)
                    await self._follow(point.next, emit)
        finally:
            ending.cancel()
            await asyncio.gather(ending, return_exceptions=True)

    async def check(self) -> str:
        """Subscribe once and give it back."""
        async with subscribed(self._account(), self._clock):
            return f"its ONVIF events can be read with user {self._options.user or '(none)'}"

    def _account(self) -> Account:
        options = self._options
        try:
            password = options.password.reveal() if options.password is not None else ""
        except ValueError as error:
            raise Unavailable(f"onvif.password: {error}") from None
        return Account(options.url, options.user, password, options.verify_tls, options.pull)

    async def _settle(self, pull: Callable[[], Awaitable[Pulled]], emit: Emit) -> None:
        """Find what is true; of what was true before, what the camera does not repeat is over."""
        repeated = await self._found(pull, emit)
        if ended := self._state.forget(SOURCE, but=repeated):
            await emit([self._reading(ended)])

    async def _found(self, pull: Callable[[], Awaitable[Pulled]], emit: Emit) -> set[str]:
        """What is true already was found, it did not happen now. The sources that spoke."""
        until = self._clock.now().mono + _SETTLED
        spoke: set[str] = set()
        found = True
        while found:
            pulled = await pull()
            found = self._clock.now().mono < until
            spoke |= {SOURCE + each.key for each in pulled.items if isinstance(each, Notice)}
            await self._tell(pulled, emit, found=found)
            found = found and bool(pulled.items)
        return spoke

    async def _follow(self, pull: Callable[[], Awaitable[Pulled]], emit: Emit) -> None:
        """Until nothing has come for ``_SILENT``."""
        heard = self._clock.now().mono
        while self._clock.now().mono - heard < _SILENT:
            pulled = await pull()
            if pulled.items:
                heard = self._clock.now().mono
            await self._tell(pulled, emit, found=False)

    async def _tell(self, pulled: Pulled, emit: Emit, *, found: bool) -> None:
        items: list[Item] = []
        for item in pulled.items:
            if isinstance(item, Undecodable):
                items.append(item)
            elif self._is_ours(item):
                items.extend(self._readings(item, pulled.offset, found=found))
        if items:
            await emit(items)

    def _is_ours(self, notice: Notice) -> bool:
        token = self._options.token
        return not token or not notice.video_source or notice.video_source == token

    def _readings(self, notice: Notice, offset: int | None, *, found: bool) -> list[Item]:
        initial = found and notice.lasts and notice.operation == "Initialized"
        observed = None if initial else self._observed(notice, offset)
        source = SOURCE + notice.key
        said = Reading(source, "camera", notice.values, observed, retained=initial)
        ending = _ENDING if notice.lasts else _MOMENTS
        names = tuple(name for name in ending if notice.values.get(name) is True)
        if names:
            hold = self._options.hold if notice.lasts else self._options.pulse
            told = self._holds.take(Momentary(said, names, hold))[-1]
        else:
            self._holds.note(said)
            told = said
        values = self._state.say(source, told.values)
        return [self._reading(values, observed, retained=initial)]

    def _observed(self, notice: Notice, offset: int | None) -> int | None:
        """The camera's time on our clock, if the camera told how wrong it is."""
        if notice.utc is None or offset is None:
            return None
        ours = notice.utc + offset
        return ours if abs(ours - self._clock.now().wall) <= _BELIEVED else None

    def _reading(
        self, values: dict[str, Value], observed: int | None = None, *, retained: bool = False
    ) -> Reading:
        return Reading(self._address, "camera", values, observed, retained=retained)
