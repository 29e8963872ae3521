"""Maintenance silences: checked when somebody makes one, shown while they last, ended early.

Their times are kept on the arrival axis: a clock that is set silences nobody for longer. That
axis stands still while the gateway is off, and a silence does not: at the first look of a run at a
wall clock that can be trusted, it loses the time that was slept. It never becomes longer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import structlog

from gateway.incidents.machine import NotAllowed
from gateway.model import SECOND, Category, Silence, Site, Stamp
from gateway.notify.silence import LONGEST, LONGEST_LIFE, is_for_life
from gateway.ports import Clock, Unavailable
from gateway.store import telling

MOST: Final = 500
"""Silences that stand, or are to come."""
_OVER: Final = 100
"""Ended ones that are shown."""
_LONGEST_REASON: Final = 500


class Wish(NamedTuple):
    """What somebody asks for; times in seconds from now."""

    by: str
    """Id of a person."""
    because: str
    last: float
    """From its beginning to its end."""
    begin: float = 0.0
    place: str = ""
    device: str = ""
    rule: str = ""
    category: str = ""


class Silences:
    """``load`` first; ``standing`` is what the stage goes by."""

    def __init__(
        self,
        read: Callable[..., Awaitable[Any]],
        write: Callable[..., Awaitable[Any]],
        site: Callable[[], Site],
        clock: Clock,
        arrival: Callable[[Stamp], int],
        turned: Callable[[], None],
    ) -> None:
        self._read = read
        self._write = write
        self._site = site
        self._clock = clock
        self._arrival = arrival
        self._turned = turned
        self._known: Sequence[Silence] = ()
        self._slept = True
        """The time switched off has still to be counted."""
        self._log = structlog.get_logger("notify")

    async def load(self) -> None:
        """Read those that are not over. Raises ``Unavailable``."""
        self._known = await self._read(telling.silences, self._now())
        await self._counted()

    async def count_time_off(self) -> None:
        """Once a run, as soon as the wall clock can be trusted. Raises ``Unavailable``."""
        if await self._counted():
            self._turned()

    def standing(self, now: int) -> list[Silence]:
        """Those that have begun and not ended at arrival ``now``."""
        return [each for each in self._known if each.since <= now < each.until]

    async def all(self) -> list[Silence]:
        """Those that stand or are to come, and the newest that are over; the newest first."""
        found: list[Silence] = await self._read(telling.silences, self._now(), _OVER)
        return found

    async def add(self, wish: Wish) -> Silence:
        """Keep it. Raises ``NotAllowed`` with the sentence to show, and ``Unavailable``."""
        stamp = self._clock.now()
        since = self._arrival(stamp) + int(wish.begin * SECOND)
        silence = Silence(
            id=0,
            place=wish.place,
            device=wish.device,
            rule=wish.rule,
            category=wish.category,
            since=since,
            until=since + int(wish.last * SECOND),
            because=wish.because.strip(),
            by=f"person:{wish.by}",
            made=stamp.wall,
            ends=stamp.wall + int((wish.begin + wish.last) * SECOND) if stamp.trusted else 0,
        )
        self._check(silence)
        kept: Silence = await self._write(telling.add_silence, silence)
        await self.load()
        self._log.info("silence_begins", id=kept.id, by=kept.by, seconds=wish.last)
        self._turned()
        return kept

    async def end(self, id_: int, by: str) -> None:
        """End it now. Raises ``NotAllowed`` when there is no such one, and ``Unavailable``."""
        rest = [each for each in self._known if each.id != id_]
        if not await self._keep(rest, telling.end_silence, id_, self._now(), f"person:{by}"):
            raise NotAllowed("没有这条静默,或已结束。", "There is no such silence, or it is over.")
        self._log.info("silence_ended", id=id_, by=f"person:{by}")
        self._turned()

    async def _counted(self) -> bool:
        """Whether a silence has lost the time that was slept."""
        stamp = self._clock.now()
        if not (self._slept and stamp.trusted):
            return False
        now = self._arrival(stamp)
        known = [_by_wall(each, stamp.wall, now) for each in self._known]
        moved = [each for each, before in zip(known, self._known, strict=True) if each != before]
        if moved:
            await self._keep(known, telling.move_silences, moved, now)
        self._slept = False
        return bool(moved)

    async def _keep(
        self, known: Sequence[Silence], function: Callable[..., Any], *args: Any
    ) -> Any:
        """``known`` counts before the rows it lets go are looked at; not if the disk refuses."""
        before, self._known = self._known, known
        try:
            return await self._write(function, *args)
        except Unavailable:
            self._known = before
            raise

    def _check(self, silence: Silence) -> None:
        site, lasts = self._site(), silence.until - silence.since
        if not any((silence.place, silence.device, silence.rule, silence.category)):
            raise NotAllowed(
                "请说明静默什么:地点、设备、规则或类别。",
                "Say what is silenced: a place, a device, a rule or a category.",
            )
        if silence.place and silence.place not in site.places:
            raise NotAllowed("没有这个地点。", "The registry does not know this place.")
        if silence.category not in ("", *(each.value for each in Category)):
            raise NotAllowed("没有这个类别。", "There is no such category.")
        if not 0 < len(silence.because) <= _LONGEST_REASON:
            raise NotAllowed(
                f"静默必须说明理由,最多 {_LONGEST_REASON} 字。",
                f"A silence needs a reason, of up to {_LONGEST_REASON} characters.",
            )
        if not 0 < lasts <= LONGEST * SECOND or silence.since - self._now() > LONGEST * SECOND:
            days = LONGEST // 86_400
            raise NotAllowed(
                f"静默最长 {days} 天,最多提前 {days} 天设置。",
                f"A silence lasts up to {days} days and begins within {days} days.",
            )
        if silence.category == Category.life.value and not is_for_life(silence, site):
            hours = LONGEST_LIFE // 3_600
            raise NotAllowed(
                f"生命安全类报警只能按设备或楼栋静默,最长 {hours} 小时。",
                "Life safety can be silenced for a device or a building only,"
                f" and for {hours} hours at most.",
            )
        if sum(each.until > self._now() for each in self._known) >= MOST:
            raise NotAllowed(
                f"静默不能超过 {MOST} 条,请先结束不再需要的。",
                f"There are {MOST} silences; end those that are not needed any more.",
            )

    def _now(self) -> int:
        return self._arrival(self._clock.now())


def _by_wall(silence: Silence, wall: int, now: int) -> Silence:
    """``silence`` without the time off: ended when it was to end, or as long as it was."""
    if not silence.ends:
        return msgspec.structs.replace(silence, ends=wall + silence.until - now)
    slept = silence.until - now - (silence.ends - wall)
    if slept <= 0:
        return silence
    return msgspec.structs.replace(
        silence, since=silence.since - slept, until=silence.until - slept
    )
