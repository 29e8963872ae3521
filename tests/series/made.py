"""A record made by the incident machine itself, without a store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gateway.incidents import deeds, machine
from gateway.incidents.decision import Moment, NotAllowed, World
from gateway.model import SECOND, Deed, Incident, IncidentEvent, Stamp
from gateway.model.series import Point
from gateway.series.gauges import NEVER
from gateway.series.story import Story
from gateway.store.series import Happening
from tests.cases import build
from tests.virtual import START

_DEEDS = {
    "r": Deed("receive", "zhang"),
    "h": Deed("handle", "zhang"),
    "t": Deed("transfer", "zhang", comment="why", to="li"),
    "c": Deed("close", "zhang", "real"),
    "o": Deed("reopen", "zhang", comment="again"),
    "s": Deed("supervise", "wang", comment="hurry"),
}


def record_of(verbs: Sequence[str], apart: float = 100.0) -> list[IncidentEvent]:
    """Events of two cases, in the order of ``verbs``: ``a`` is an alarm; each ``apart`` s later."""
    each = int(apart * SECOND)
    world = World(build.site(), build.DEADLINES, build.DUTY)
    cases: dict[str, Incident] = {}
    events: list[IncidentEvent] = []
    for step, verb in enumerate(["a", *verbs]):
        moment = Moment(Stamp("b", step, START + step * each, True), step * each)
        key = f"L-{step % 2}"
        known = cases.get(key)
        try:
            if verb == "a" or known is None:
                change = build.alarmed(f"s{step % 2 + 1}", same=f"device:{step % 2}")
                decision = machine.react(change, known, key, [], world, moment)
            else:
                decision = deeds.do(_DEEDS[verb], known, [], "", world, moment)
        except NotAllowed:
            continue
        if decision is not None:
            cases[key] = decision.incident
            events += decision.events
    return events


def points_of(record: Sequence[IncidentEvent], cut: int) -> Iterator[Point]:
    """The points of ``record``, with a story that ends after ``cut`` events and another one."""
    first = record[:cut]
    chains: dict[str, list[IncidentEvent]] = {}
    for event in first:
        chains.setdefault(event.incident, []).append(event)
    story = Story(0, build.site, listed_from=NEVER)
    for n, event in enumerate(first, 1):
        yield from _events(story, n, event)
    story = Story(len(first), build.site, chains.values(), listed_from=NEVER)
    for n, event in enumerate(record[cut:], cut + 1):
        yield from _events(story, n, event)


Places = dict[tuple[str, tuple[tuple[str, str], ...], int], tuple[tuple[str, object], ...]]


def kept(record: Sequence[IncidentEvent], restarts: Iterable[int]) -> Places:
    """What a database has in the end; before the events of ``restarts`` the story begins anew."""
    found: Places = {}
    events = [*enumerate(record, 1)]
    anew = set(restarts)
    story, at = Story(0, build.site, listed_from=NEVER, begins=START), 0
    while at < len(events):
        n, event = events[at]
        if n in anew:
            anew.remove(n)
            mark = story.settled
            chains: dict[str, list[IncidentEvent]] = {}
            for each in record[: mark.n]:
                chains.setdefault(each.incident, []).append(each)
            story = Story(mark.n, build.site, chains.values(), listed_from=NEVER, begins=mark.wall)
            at = mark.n
            continue
        _put(found, story.take(Happening(n, event)))
        if n % 3 == 0:
            _put(found, story.upto(event.wall + (n % 5) * SECOND // 2))
        at += 1
    _put(found, story.upto(START + 10_000 * SECOND))
    return found


def _put(found: Places, points: Iterable[Point]) -> None:
    for point in points:
        place = point.measurement, tuple(sorted(point.tags.items())), point.at
        found[place] = tuple(sorted(point.fields.items()))


def _events(story: Story, n: int, event: IncidentEvent) -> Iterator[Point]:
    return (point for point in story.take(Happening(n, event)) if point.measurement != "cases")
