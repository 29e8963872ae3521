"""One set of rules over records: incidents, people who do what they did, editions."""

from __future__ import annotations

import pytest

import rules
from gateway.incidents.machine import World
from gateway.model import (
    SECOND,
    Category,
    Edition,
    Happened,
    Person,
    Record,
    Site,
    Stored,
    Value,
)
from gateway.replay import simulation as module
from gateway.replay.axis import Axis
from gateway.replay.past import Deed, Past, Real
from gateway.replay.simulation import Case, Simulation
from tests.rules.told import device, load, record, rule, site

MINUTE = 60.0
HOT = load(rule("when: temperature > 40", on="climate", category="facility", name="hot"))
HOTTER = load(rule("when: temperature > 50", on="climate", category="facility", name="hot"))
CHEN = Person("chen", "陈静", "CG1", "assistant")
WU = Person("wu", "吴刚", "CG1", "officer")
DUTY = Person("duty", "", "", "assistant")
LIMIT = 20 * MINUTE


def here(*people: Person) -> Site:
    found = site(device("c1", "climate"))
    return Site(1, found.places, found.devices, {one.id: one for one in people or (CHEN, WU)})


class Archive:
    """Editions by digest."""

    def __init__(self, **known: rules.Ruleset | Site) -> None:
        self._known = known

    def rules(self, digest: str) -> rules.Ruleset | None:
        found = self._known.get(digest)
        return found if isinstance(found, rules.Ruleset) else None

    def registry(self, digest: str) -> Site | None:
        found = self._known.get(digest)
        return found if isinstance(found, Site) else None


def world(site: Site) -> World:
    return World(site, {Category.facility: LIMIT}, DUTY)


def at(minutes: float, n: int, item: float | Stored) -> Record:
    """A temperature, or another item, that arrives at ``minutes``."""
    values: dict[str, Value] = {"temperature": item} if isinstance(item, float) else {}
    made = record(minutes * MINUTE, values, "c1", kind="climate", n=n)
    return made if isinstance(item, float) else Record(
        n, made.arrival, made.boot, made.mono, made.wall, True, item
    )  # fmt: skip


def arrival(minutes: float) -> int:
    return at(minutes, 0, 20.0).arrival


def run(
    *reports: tuple[float, float | Stored],
    past: Past | None = None,
    ruleset: rules.Ruleset = HOT,
    since: float = 0,
    until: float = 600,
    archive: Archive | None = None,
    follows: bool = True,
    at_site: Site | None = None,
) -> Simulation:
    records = [at(minutes, n, item) for n, (minutes, item) in enumerate(reports, 1)]
    axis = Axis({})
    for each in records:
        axis.note(each)
    played = Simulation(
        ruleset, at_site or here(), world, past or Past([]), axis, arrival(since),
        archive or Archive(), follows_rules=follows,
    )  # fmt: skip
    played.feed(records)
    played.finish(arrival(until))
    return played


def met(opened: float, received: float, closed: float, by: str = "chen") -> Real:
    """A real incident; minutes."""
    deeds = (
        Deed(arrival(received), Happened.received, by),
        Deed(arrival(closed), Happened.closed, by, "real"),
    )
    return Real(
        "F-1", "hot", "device:c1", Category.facility, arrival(opened), arrival(closed), deeds
    )


def minutes(case: Case) -> tuple[float, float | None]:
    """(opened, closed)."""
    zero = arrival(0)
    closed = None if case.closed is None else (case.closed - zero) / SECOND / MINUTE
    return (case.opened - zero) / SECOND / MINUTE, closed


def test_an_incident_is_met_when_the_record_says() -> None:
    found = run((1, 45.0), (5, 20.0), past=Past([met(1, 3, 30)]))
    (case,) = found.cases
    assert minutes(case) == (1, 30)
    assert case.real is not None
    assert case.missed == 1  # received after 2 minutes, then not handled within 20
    assert found.totals.told == case.told
    assert case.told["chen"] == 3  # opened, over, and the limit


def test_who_is_called_later_needs_as_long() -> None:
    found = run((11, 45.0), (600, 20.0), past=Past([met(1, 3, 30)]))
    assert [minutes(case) for case in found.cases] == [(11, 40)]


def test_who_is_called_earlier_comes_earlier_and_closes_when_it_was_closed() -> None:
    found = run((1, 45.0), past=Past([met(16, 18, 30)]))
    (case,) = found.cases
    assert minutes(case) == (1, 30)
    assert case.missed == 1  # received after 2 minutes; the limit to handle it ran out at 23


def test_a_real_one_that_is_over_is_another() -> None:
    found = run((40, 45.0), past=Past([met(1, 3, 30)]))
    (case,) = found.cases
    assert case.real is None
    assert minutes(case) == (40, 69)  # met as the only real one was: closed after 29 minutes


def test_a_real_one_that_opens_while_an_imagined_one_is_open_takes_it_over() -> None:
    far = met(200, 203, 230)
    never = [
        Real(f"F-{n}", "hot", "device:x", Category.facility, arrival(0), None, ()) for n in (7, 8)
    ]
    found = run((1, 45.0), past=Past([far, *never]))
    (case,) = found.cases
    assert case.real == far
    assert minutes(case) == (1, 230)


def test_what_was_assumed_ends_when_the_real_one_opens() -> None:
    slow = [met(0, 100, 200)._replace(key=f"F-{n}", same=f"device:x{n}") for n in (7, 8, 9)]
    open_still = met(70, 75, 0)
    open_still = open_still._replace(closed=None, deeds=open_still.deeds[:1])
    alone = run((1, 45.0), past=Past(slow))
    assert [minutes(case) for case in alone.cases] == [(1, 201)]
    (case,) = run((1, 45.0), past=Past([*slow, open_still])).cases
    assert case.real == open_still
    assert minutes(case) == (1, None)


def test_each_real_one_is_one_only() -> None:
    found = run((1, 45.0), (5, 20.0), (31, 45.0), (35, 20.0), past=Past([met(1, 3, 30)]), until=61)
    assert [case.real is not None for case in found.cases] == [True, False]


def test_without_any_real_one_nobody_comes() -> None:
    found = run((1, 45.0), until=200)
    (case,) = found.cases
    assert case.closed is None
    assert case.missed == 4  # after 20 minutes, 20 more by the next one up, 40 more, 80 more


def test_a_person_who_left_the_roster_is_stood_in_for_by_the_owner() -> None:
    found = run((1, 45.0), past=Past([met(1, 3, 15, by="gone")]))
    (case,) = found.cases
    assert minutes(case) == (1, 15)
    assert case.told == {"chen": 1}  # it opened; who closes it needs not be told


def test_only_what_comes_after_since_counts() -> None:
    found = run((1, 45.0), (5, 20.0), (90, 45.0), since=60, past=Past([met(1, 3, 30)]))
    assert found.totals.incidents == 1
    first, second = found.cases
    assert (first.told.total(), first.missed) == (0, 0)
    assert second.told.total() > 0


def test_rules_change_at_their_edition_for_the_one_that_follows_it() -> None:
    story: tuple[tuple[float, float | Stored], ...] = (
        (1, 45.0), (2, 20.0), (3, Edition("rules", "new")), (90, 45.0), (95, 55.0),
    )  # fmt: skip
    past = Past([met(1, 1.5, 2.5)])
    followed = run(*story, past=past, archive=Archive(new=HOTTER))
    stayed = run(*story, past=past, archive=Archive(new=HOTTER), follows=False)
    assert [minutes(case)[0] for case in followed.cases] == [1, 95]
    assert [minutes(case)[0] for case in stayed.cases] == [1, 90]


def test_what_fell_due_before_an_edition_is_decided_by_the_rules_before_it() -> None:
    slow = load(rule("when: temperature > 40; for: 10m", on="climate", category="facility"))
    found = run((1, 45.0), (20, Edition("rules", "new")), ruleset=slow, archive=Archive(new=HOTTER))
    assert [(case.rule, minutes(case)[0]) for case in found.cases] == [("r", 11)]


def test_the_registry_changes_for_both() -> None:
    for follows in (True, False):
        found = run(
            (1, 20.0), (3, Edition("registry", "wu alone")), (4, 45.0),
            archive=Archive(**{"wu alone": here(WU)}), follows=follows, until=5,
        )  # fmt: skip
        assert set(found.totals.told) == {"wu"}
        assert set(found.site.people) == {"wu"}


def test_an_edition_that_can_not_be_read_is_counted_and_the_one_before_goes_on() -> None:
    found = run((1, 20.0), (2, Edition("rules", "lost")), (3, 45.0))
    assert (len(found.cases), found.unknown_editions) == (1, 1)


def test_incidents_beyond_the_bound_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CASES", 1)
    found = run((1, 45.0), (5, 20.0), (60, 45.0), past=Past([met(1, 3, 30)]))
    assert (len(found.cases), found.over_limit, found.totals.incidents) == (1, 1, 2)


def test_a_trial_of_the_way_to_a_person_is_no_past_that_rules_could_change() -> None:
    ruleset = load(rule("when: canary", on="gateway", category="system", name="canary"))
    where = here()
    simulation = Simulation(
        ruleset, where, world, Past([]), Axis({}), 0, Archive(), follows_rules=True
    )
    for minutes, holds in ((0.0, True), (1.0, False)):
        values: dict[str, Value] = {"canary": holds}
        simulation.feed([record(minutes * MINUTE, values, "gateway/canary", kind="gateway")])
    assert simulation.cases == []
    assert simulation.totals.told.total() == 0
