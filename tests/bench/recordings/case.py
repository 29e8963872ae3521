"""One run over one recording: what is told to which rules, and which alarms should come."""

from __future__ import annotations

import calendar
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.model import Category, Site
from tests.bench.recordings.play import Report, Told, play, ruleset
from tests.bench.recordings.score import Alarm, Event, Score, score


@dataclass(frozen=True)
class Case:
    """``judged`` are categories or rule names: their alarms find events or are false.

    Alarms of other rules are counted beside. Only alarms and events that begin within
    ``watched`` count (everywhere, if it is empty), and ``hours`` are the hours of that.
    """

    run: str
    site: Site
    told: Sequence[Told]
    judged: frozenset[str]
    hours: float
    events: Sequence[Event] = ()
    files: tuple[str, ...] = ()
    zone: str = "UTC"
    before: float = 0
    after: float = 0
    watched: Sequence[Event] = ()
    named: str = ""
    """Only events of this name are to be found; the alarms in the others are not false either."""
    note: str = ""

    def counts(self, at: float) -> bool:
        """Whether what happens at ``at`` is scored."""
        return not self.watched or any(one.start <= at <= one.end for one in self.watched)


class Row(NamedTuple):
    """What came of a case."""

    case: Case
    score: Score
    others: Counter[str]
    """Alarms of the rules that are not judged."""
    readings: int

    @property
    def false_per_day(self) -> float:
        return len(self.score.false) / self.case.hours * 24


def run(case: Case) -> Row:
    """Tell it, and hold the alarms against the labels."""
    loaded = ruleset(*case.files, zone=case.zone)
    unknown = case.judged - {rule.name for rule in loaded.rules} - set(Category)
    if unknown:
        raise ValueError(f"{case.run}: no rule or category is called {', '.join(sorted(unknown))}")
    judged: list[Alarm] = []
    others: Counter[str] = Counter()
    for alarm in play(loaded, case.site, case.told):
        if not case.counts(alarm.at):
            continue
        if case.judged & {alarm.rule, loaded.by_name[alarm.rule].category.value}:
            judged.append(alarm)
        elif not alarm.again:
            others[alarm.rule] += 1
    events = [event for event in case.events if case.counts(event.start)]
    readings = sum(isinstance(one, Report) and case.counts(one.at) for one in case.told)
    found = score(events, judged, before=case.before, after=case.after)
    if case.named:
        found = found.of(case.named)
    return Row(case, found, others, readings)


def seconds(written: str) -> float:
    """``2012-11-12 00:21:49`` (or with a T, or with fractions that are left out) as if it were UTC."""
    text = written.strip().replace("T", " ")[:19]
    return float(calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M:%S")))
