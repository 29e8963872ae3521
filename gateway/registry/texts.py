"""What ids, codes and days look like in every table, and what is said of a place nobody knows."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from typing import Final

from gateway import document
from gateway.registry.table import Row

CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
ID: Final = re.compile(r"\w[\w.:-]{0,63}")
YEARS: Final = (2000, 2200)
ALL_CODES: Final = "; places.csv has all codes"
_DAY: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_MOST_TO_COMPARE: Final = 2_000
"""Names; looking for the nearest of more, for each of a hundred errors, takes minutes."""


def check_place(row: Row, column: str, code: str, places: Collection[str]) -> None:
    """Note a code that no place has."""
    if code and code not in places:
        row.wrong(column, f"there is no place {code!r}{nearest(code, places)}")


def nearest(code: str, known: Collection[str], where: str = ALL_CODES) -> str:
    """The nearest one, but no list of a thousand others: ``where`` they are instead."""
    hint = document.nearest(code, known) if len(known) <= _MOST_TO_COMPARE else ""
    return hint if "did you mean" in hint else where


def day(text: str) -> str:
    """``2026-01-05`` of ``2026-1-5``, ``2026/1/5`` or ``2026年1月5日``; "" for what is no day."""
    found = _DAY.fullmatch(text)
    try:
        moment = date(*map(int, found.groups())) if found else date.min
    except ValueError:
        return ""
    return moment.isoformat() if YEARS[0] <= moment.year < YEARS[1] else ""
