"""Every row is in memory at most once, and its turn comes in the right order."""

from __future__ import annotations

from gateway.incidents.machine import Moment, World, react
from gateway.model import Category, Incident, OutboxRow
from gateway.notify.queues import MOST, Queues
from tests.cases.build import DEADLINES, DUTY, alarmed, site
from tests.virtual import VirtualClock


def incident(key: str, category: Category = Category.trouble) -> Incident:
    moment = Moment(VirtualClock().now(), 1)
    change = alarmed(same=key, category=category)
    decision = react(change, None, key, (), World(site(), DEADLINES, DUTY), moment)
    assert decision is not None
    return decision.incident


def row(number: int, key: str = "", person: str = "zhang") -> OutboxRow:
    key = key or f"T{number}"
    return OutboxRow(id=number, incident=key, seq=1, purpose="opened", person=person, due=0)


def started(queues: Queues) -> list[int]:
    return [each.id for each in queues.startable()]


def test_one_person_has_four_under_way_and_life_comes_on_top() -> None:
    queues = Queues()
    for number in range(1, 7):
        queues.add_fresh(row(number), incident(f"T{number}"))
    queues.add_fresh(row(7, person="li"), incident("T7"))
    queues.add_fresh(row(8), incident("T8", Category.life))
    assert started(queues) == [8, 1, 2, 3, 4, 7]
    queues.done(row(2))
    assert started(queues) == [5]


def test_rows_of_one_incident_reach_a_person_in_order() -> None:
    queues = Queues()
    for number in (1, 2, 3):
        queues.add_fresh(row(number, "T1"), incident("T1"))
    assert started(queues) == [1]
    queues.done(row(1, "T1"))
    assert started(queues) == [2]


def test_row_that_ends_during_a_scan_is_not_taken_from_its_old_answer() -> None:
    queues = Queues()
    queues.add_fresh(row(1), incident("T1"))
    assert started(queues) == [1]
    queues.scan_begins()
    queues.done(row(1))
    assert queues.scan_ends([row(1), row(2)], {"T1": False, "T2": False})
    assert started(queues) == [2]


def test_offered_row_that_a_scan_has_seen_before_comes_from_the_disk() -> None:
    queues = Queues()
    queues.scan_begins()
    assert not queues.scan_ends([row(5)], {"T5": False})
    assert started(queues) == [5]
    queues.done(row(5))
    assert not queues.add_fresh(row(5), incident("T5"))


def test_memory_is_bounded_and_the_rest_stays_on_disk() -> None:
    queues, known = Queues(), incident("T1")
    taken = [queues.add_fresh(row(number), known) for number in range(1, MOST + 2)]
    assert taken == [True] * MOST + [False]
    assert not queues.has_room


def test_incident_is_forgotten_with_its_last_row() -> None:
    queues = Queues()
    queues.update([incident("T1")])
    assert queues.known("T1") is None
    queues.add_fresh(row(1), incident("T1"))
    queues.update([incident("T1")])
    assert queues.known("T1") is not None
    assert started(queues) == [1]
    queues.done(row(1))
    assert queues.known("T1") is None
