"""Which time limit counts: the nearest place's, then the more specific one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from gateway.model import HAZARD, SECOND, Category, Limit, Severity, Site, Stage

SHORTEST: Final = SECOND
"""Ns; never nothing, for the next limits are made of it."""
LONGEST: Final = 24 * 3600 * SECOND
"""Ns. Who has missed a limit is reminded at least once a day."""


class Limits:
    """Time limits by place, category, severity and stage."""

    def __init__(self, rows: Iterable[Limit] = ()) -> None:
        self._rows = {(row.place, row.category, row.severity, row.stage): row for row in rows}

    def __bool__(self) -> bool:
        return bool(self._rows)

    def find(
        self,
        site: Site,
        place: str,
        category: Category,
        severity: Severity,
        stage: Stage,
        group: str = "",
    ) -> Limit | None:
        """The limit for an incident that ``place``'s people have; None: nothing was said.

        A hazard, which is one by its ``group``, looks for rows about hazards before those about
        its category.
        """
        if not self._rows:
            return None
        categories = (HAZARD, category.value) if group == HAZARD else (category.value,)
        for code in (*(above.code for above in site.chain(place)), ""):
            for words in _ever_wider(categories, severity.value, stage.value):
                if (found := self._rows.get((code, *words))) is not None:
                    return found
        return None


def _ever_wider(
    categories: Iterable[str], severity: str, stage: str
) -> Iterator[tuple[str, str, str]]:
    """The more specific first; a category says more than a severity, both more than a stage."""
    for one in (*categories, ""):
        for other in (severity, ""):
            yield one, other, stage
            yield one, other, ""
