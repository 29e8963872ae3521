"""What an audit is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from gateway.record.findings import Finding
from gateway.store.cases import KEPT, TEXTS_KEPT

MOST_FINDINGS: Final = 1_000
"""Kept; the others are counted."""


class Read(Protocol):
    """``function(connection, …)`` in a thread of its own, as ``Cases.read`` does it."""

    def __call__(self, function: Callable[..., Any], *args: Any) -> Awaitable[Any]:
        """One short look."""


class Terms(NamedTuple):
    """What is looked at, and what is known from elsewhere."""

    data: Path
    """The folder with ``anchors.log`` and the evidence."""
    trusted: frozenset[str] = frozenset()
    """Fingerprints of the keys that are ours; empty: whichever signed first."""
    against: Path | None = None
    """A copy of the anchors from outside."""
    files: bool = True
    """Whether pictures, clips and attachments are read through: a card of them takes a while."""
    since: int = 0
    """Wall ns: incidents that opened earlier are left out."""
    kept: float = KEPT
    texts_kept: float = TEXTS_KEPT


class Report:
    """What was looked at, and what was found."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.more = 0
        """Findings beyond ``MOST_FINDINGS``."""
        self.incidents = 0
        self.events = 0
        self.anchors = 0
        self.newest = 0
        """Wall ns of the newest anchor; 0: there is none."""
        self.newest_hash = ""
        self.keys: list[str] = []
        """Public keys in the order in which they began to sign, hex."""
        self.unsigned = 0
        """Incidents that have gone on since the newest anchor."""
        self.texts_gone = 0
        """Personal texts that retention has deleted."""
        self.evidence = 0
        """Pictures and clips looked at."""
        self.evidence_gone = 0
        """Those that went for want of room."""
        self.lost: set[str] = set()
        """Incidents that an anchor names and that are gone: said once."""
        self._seen: set[Finding] = set()

    def add(self, finding: Finding) -> None:
        """Each thing once."""
        if finding in self._seen:
            return
        if len(self.findings) < MOST_FINDINGS:
            self._seen.add(finding)
            self.findings.append(finding)
        else:
            self.more += 1


Progress = Callable[[str, int], None]
"""Hears what is looked at (``anchors``, ``events``, ``texts``) and how many of it are done."""


def quiet(_what: str, _done: int) -> None:
    """Nobody watches."""
