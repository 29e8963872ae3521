"""What we ask a device, and which frame answers it: serial numbers, time-outs, repeats.

GB/T 26875.3 6.2, 6.4, 6.5: serial numbers belong to whom begins; a confirm, an answer or a
denial brings ours back. No reply in time, or a denial: the same bytes again, up to ``resends``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from drivers.fire_panel.frame import CONFIRM, DENY, Frame, build
from drivers.fire_panel.options import Sum
from gateway.clock import at_most
from gateway.ports import Clock

_SERIALS: Final = 65_536
_VERSION: Final = b"\x01\x01"

Say = Callable[[bytes], Awaitable[None]]


class Exchange:
    """Our side of one connection."""

    def __init__(self, say: Say, clock: Clock, within: float, resends: int, rule: Sum) -> None:
        self._say = say
        self._clock = clock
        self._within = within
        self._resends = resends
        self._rule: Sum = rule
        self._serial = -1
        self._open: dict[tuple[bytes, bytes], asyncio.Future[Frame]] = {}

    async def ask(
        self, to: Frame, command: int, data: bytes, time: bytes, *, resends: int | None = None
    ) -> Frame | None:
        """Ask the sender of ``to``; its answer or confirm, None when it never came."""
        serial = self._next(to.source)
        head = Frame(serial, _VERSION, time, to.target, to.source, command, data, b"")
        raw = build(head, self._rule)
        tries = 1 + (self._resends if resends is None else resends)
        try:
            for _ in range(tries):
                reply = await self._once(to.source, serial, raw)
                if reply is not None and reply.command != DENY:
                    return reply
            return None
        finally:
            self._open.pop((to.source, serial), None)

    def turned(self, frame: Frame) -> Frame:
        """``frame`` as from whom we asked: some devices answer without exchanging addresses."""
        serial = frame.serial
        if (frame.source, serial) in self._open or (frame.target, serial) not in self._open:
            return frame
        return frame._replace(source=frame.target, target=frame.source)

    def settle(self, frame: Frame) -> bool:
        """A confirm, an answer or a denial has come; whether it answers an open question."""
        waiting = self._open.get((frame.source, frame.serial))
        if waiting is None or waiting.done():
            return False
        waiting.set_result(frame)
        return True

    async def _once(self, unit: bytes, serial: bytes, raw: bytes) -> Frame | None:
        waiting: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._open[unit, serial] = waiting
        await self._say(raw)
        await at_most(self._within, self._clock, _result(waiting))
        return waiting.result() if waiting.done() and not waiting.cancelled() else None

    def _next(self, unit: bytes) -> bytes:
        """Counts from 0 and goes round, past those that are still open."""
        while True:
            self._serial = (self._serial + 1) % _SERIALS
            serial = self._serial.to_bytes(2, "little")
            if (unit, serial) not in self._open:
                return serial


async def _result(waiting: asyncio.Future[Frame]) -> None:
    await waiting


def confirms(frame: Frame | None) -> bool:
    """Whether a control command was carried out."""
    return frame is not None and frame.command == CONFIRM
