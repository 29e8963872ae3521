"""The open incidents in memory; beyond the most that it holds they are looked up on disk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import structlog

from gateway.incidents.draft import CaseStore, Draft
from gateway.incidents.fold import fold, knows_severities
from gateway.model import Incident, State

MOST: Final = 5_000


class OpenIncidents:
    """As the disk has them, once loaded; ``forget`` whenever it may differ from the disk."""

    def __init__(self, cases: CaseStore, most: int) -> None:
        self._cases = cases
        self._most = most
        self._known: dict[tuple[str, str], Incident] = {}
        self._loaded = False
        self._log = structlog.get_logger("incidents")
        self.over_limit = False
        """More incidents are open than memory holds; the rest are looked up on disk."""

    def __len__(self) -> int:
        return len(self._known)

    def all(self) -> list[Incident]:
        """Those in memory."""
        return list(self._known.values())

    def forget(self) -> None:
        """What the disk holds is not known."""
        self._loaded = False

    async def load(self) -> bool:
        """Whether they had to be read. Raises ``Unavailable``."""
        if self._loaded:
            return False
        found = await self._cases.open_incidents(self._most + 1)
        self._known = {(each.group, each.same): each for each in found[: self._most]}
        self._note_limit(len(found) > self._most)
        self._loaded = True
        return True

    async def find(self, group: str, same: str, draft: Draft) -> Incident | None:
        """The open incident of (group, same), as this step has left it so far."""
        known = draft.open.get((group, same)) or self._known.get((group, same))
        if known is not None:
            known = draft.incidents.get(known.key, known)
            if known.state is State.closed:
                return None
        if known is None and self.over_limit:
            known = await self._cases.open_incident(group, same)
        if known is not None and not knows_severities(known):
            known = fold(await self._cases.events(known.key))
        return known

    def kept(self, incidents: Iterable[Incident]) -> None:
        """These are on disk now, and what is remembered is so again."""
        self._loaded = True
        for incident in incidents:
            self._remember(incident)

    def _remember(self, incident: Incident) -> None:
        place = (incident.group, incident.same)
        if not incident.deadline:  # closed
            if place in self._known and self._known[place].key == incident.key:
                del self._known[place]
            if self.over_limit and len(self._known) < self._most // 2:
                self._loaded = False
        elif place in self._known or len(self._known) < self._most:
            self._known[place] = incident
        else:
            self._note_limit(True)

    def _note_limit(self, over: bool) -> None:
        if over and not self.over_limit:
            self._log.warning("open_incidents_over_limit", limit=self._most)
        self.over_limit = over
