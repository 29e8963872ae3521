"""Reports of the community's sensors, and a memory of the good ones."""

from __future__ import annotations

from typing import Any

from gateway.model import SECOND
from gateway.ports import Clock
from tests.stories.house import House
from tests.stories.sender import Sender


class Reports(Sender):
    """What is sent by ``report`` has to be in the journal in the end."""

    def __init__(
        self, port: int, house: House, clock: Clock, name: str = "bridge", *, after: int = 0
    ) -> None:
        """``after`` is the last number that an earlier bridge has used."""
        super().__init__(port, name)
        self._house = house
        self._clock = clock
        self._n = after

    async def report(
        self, device: str, *, age: float | None = None, retain: bool = False, **fields: Any
    ) -> str:
        """A numbered good report; its key. ``age`` (s) gives it a device time."""
        self._n += 1
        key = f"{self._n}"
        if age is not None:
            fields["ts"] = (self._clock.now().wall - int(age * SECOND)) // 1_000_000
        await self.send(f"site/{device}/report", {"n": self._n, **fields}, retain=retain)
        known = f"\n{device}," in self._house.registry
        self._house.sent.append((device if known else f"site/{device}", key))
        return key

    async def raw(self, device: str, payload: Any) -> None:
        """Whatever a broken device may send."""
        await self.send(f"site/{device}/report", payload)
