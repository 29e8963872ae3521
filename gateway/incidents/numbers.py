"""The keys of incidents, as ``F20260105-0007``: category, local day, number, none left out.

The canary (``C``) and hazards (``H``) count by themselves: a trial leaves no hole among the cases
of a day, and the register has numbers of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

from gateway.incidents.draft import CaseStore, Draft
from gateway.model import SECOND, Category

CHINA: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""The default zone; it has had no summer time since 1991, so it needs no zone data."""
_LETTERS: Final[Mapping[Category, str]] = {
    Category.life: "L",
    Category.intrusion: "I",
    Category.facility: "F",
    Category.trouble: "T",
    Category.system: "S",
}
CANARIES: Final = "C"
_DAYS: Final = 32
"""Prefixes whose last number is remembered; beyond it they are asked for again."""


class Numbers:
    """The last number of each day and category; the store is asked where it is not remembered."""

    def __init__(self, cases: CaseStore, zone: tzinfo) -> None:
        self._cases = cases
        self._zone = zone
        self._last: dict[str, int] = {}

    async def next(self, category: Category, draft: Draft, letter: str = "") -> str:
        """Short enough for the telephone, and the same after a crash.

        ``letter``: of what counts by itself.
        """
        wall = draft.moment.stamp.wall
        day = datetime.fromtimestamp(wall // SECOND, UTC).astimezone(self._zone)
        prefix = f"{letter or _LETTERS[category]}{day:%Y%m%d}"
        last = draft.numbers.get(prefix) or self._last.get(prefix)
        if last is None:
            last = await self._cases.last_number(prefix)
        draft.numbers[prefix] = last + 1
        return f"{prefix}-{last + 1:04}"

    def kept(self, draft: Draft) -> None:
        """What ``draft`` has given out is on disk."""
        if len(self._last) >= _DAYS:
            self._last.clear()
        self._last.update(draft.numbers)

    def forget(self) -> None:
        """The disk may hold something else."""
        self._last.clear()
