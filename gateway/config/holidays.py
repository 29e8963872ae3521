"""Holidays that come as iCalendar, written out as days for the rosters."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import tzinfo
from typing import Final

from gateway.model import Holiday

YEARS: Final = range(2024, 2041)
"""For which days that come every year are written out."""


def holidays(text: str, zone: tzinfo) -> Iterator[Holiday]:
    """The days off and the working days in lieu of ``text``. Raises ``rules.CalendarFault``."""
    # Late, as the rules themselves; they have the reader, for plans go by the same calendars.
    calendar = importlib.import_module("rules.calendar").read(text, zone)
    for year in YEARS:
        days = calendar.days(year)
        for day in sorted(days.holidays | days.working):
            yield Holiday(day.isoformat(), day in days.working)
