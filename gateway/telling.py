"""What the console sees and changes of the telling: ``gateway.console.telling`` over the stores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.console.telling import Silencing
from gateway.console.view import ActRefused
from gateway.incidents.machine import NotAllowed
from gateway.model import OutboxRow, Silence
from gateway.notify.silences import Silences, Wish
from gateway.store import telling
from gateway.store.cases import Cases

_MOST_HELD: Final = 1_000
"""Messages that are shown."""


class StoreTelling:
    """Silences, and what is held."""

    def __init__(self, cases: Cases, silences: Silences) -> None:
        self._cases = cases
        self._silences = silences

    async def silences(self) -> Sequence[Silence]:
        """See ``TellingView``."""
        return await self._silences.all()

    async def silence(self, asked: Silencing, begin: float, last: float) -> None:
        """See ``TellingView``."""
        wish = Wish(
            by=asked.person,
            because=asked.because,
            last=last,
            begin=begin,
            place=asked.place,
            device=asked.device,
            rule=asked.rule,
            category=asked.category,
        )
        try:
            await self._silences.add(wish)
        except NotAllowed as error:
            raise ActRefused(error.text) from None

    async def end_silence(self, id_: int, person: str) -> None:
        """See ``TellingView``."""
        try:
            await self._silences.end(id_, person)
        except NotAllowed as error:
            raise ActRefused(error.text) from None

    async def held(self) -> Sequence[OutboxRow]:
        """See ``TellingView``."""
        return await self._cases.read(telling.held, _MOST_HELD)
