"""What one picture of the registry has that another has not. Pure."""

from __future__ import annotations

from typing import NamedTuple

from gateway.model import Site
from gateway.registry.life import replaced

MOST_NAMED = 20
"""Ids of each kind that a report names."""


class Counts(NamedTuple):
    """How many rows of one table are new, say something else, or are gone."""

    added: int = 0
    changed: int = 0
    retired: int = 0


class Changes(NamedTuple):
    """What an import changes, or would change."""

    counts: dict[str, Counts]
    """By table; those without any are left out."""
    named: dict[str, list[str]]
    """``added``, ``changed``, ``retired`` of each table -> the first ids."""
    replaced: list[str]
    """Devices whose sensor is another one under the same id."""

    @property
    def nothing(self) -> bool:
        """Whether both pictures are the same."""
        return not self.counts


def changes(before: Site, after: Site) -> Changes:
    """What ``after`` changes in ``before``."""
    counts: dict[str, Counts] = {}
    named: dict[str, list[str]] = {}
    old, new = before.tables(), after.tables()
    for table, rows in new.items():
        was = old[table]
        found = {
            "added": [id_ for id_ in rows if id_ not in was],
            "changed": [id_ for id_, row in rows.items() if id_ in was and was[id_] != row],
            "retired": [id_ for id_ in was if id_ not in rows],
        }
        if any(found.values()):
            counts[table] = Counts(*map(len, found.values()))
            named |= {f"{table}.{what}": ids[:MOST_NAMED] for what, ids in found.items() if ids}
    return Changes(counts, named, replaced(before, after))
