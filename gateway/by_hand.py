"""The registry by hand: what ``gateway.console.hand`` asks, over the store and the reloader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.console.hand import Newest
from gateway.registry.hand import Edit, Edited
from gateway.reload import Reloader
from gateway.store import registry
from gateway.store.cases import Cases

_IDS: Final = 6
"""Ids of an edition that are shown."""


class StoreHand:
    """The registry's rows and editions."""

    def __init__(self, cases: Cases, reloader: Reloader) -> None:
        self._cases = cases
        self._reloader = reloader

    def in_files(self) -> bool:
        """See ``HandView``."""
        return self._reloader.in_files

    async def edit(self, edit: Edit, edition: int, by: str, *, dry: bool) -> Edited | None:
        """See ``HandView``."""
        return await self._reloader.edit(edit, edition, by, dry=dry)

    async def newest(self, limit: int, after: int = 0) -> Sequence[Newest]:
        """See ``HandView``."""
        found = await self._cases.read(registry.newest, limit, after, _IDS)
        return [Newest(each.number, each.wall, each.by, each.counts, ids) for each, ids in found]
