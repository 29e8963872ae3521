"""Who is responsible where the registry has holes: somebody who can be reached, whenever any is."""

from __future__ import annotations

import msgspec
import pytest

from gateway.incidents.people import first_rung, next_rung
from gateway.model import Duty, Person, Place, Site
from tests.cases.build import DUTY, site

ZHANG = Person("zhang", "张三", "130101", "assistant")
LI = Person("li", "李四", "130101", "officer")
GAPS = tuple(
    Duty(place, role, kind="exception", people=((),))
    for place in ("130101", "130102", "1301")
    for role in ("assistant", "officer", "supervisor")
)


def owner(where: Site, place: str) -> str:
    return first_rung(where, place, DUTY, 0).person.id


def test_an_alarm_from_nowhere_goes_to_people_though_the_topmost_place_has_none() -> None:
    where = site(people=(LI, ZHANG))
    assert owner(where, "1301") == "zhang"
    above = next_rung(where, "1301", "130101/assistant", {"zhang"}, 0)
    assert above is not None
    assert above.person.id == "li"
    assert owner(site(people=()), "1301") == "duty"


@pytest.mark.parametrize("gone", ["13010109", "1301019", "130101"])
def test_a_place_gone_from_the_registry_is_the_nearest_that_its_code_extends(gone: str) -> None:
    wang = Person("wang", "王五", "1301", "assistant")
    assert owner(site(people=(wang, ZHANG)), gone) == "zhang"
    assert owner(site(people=(wang, ZHANG)), "99") == "wang"


def test_in_a_gap_of_every_roster_who_has_the_place_as_a_further_one_is_near_too() -> None:
    other = Place("130102", "1301", "grid", "二网格")
    both = msgspec.structs.replace(
        Person("zhao", "赵六", "130102", "assistant"), areas=("130101",)
    )
    wang = Person("wang", "王五", "1301", "supervisor")
    where = site(people=(wang, both))
    where = msgspec.structs.replace(
        where, places=where.places | {other.code: other}, rosters=GAPS
    )
    assert owner(where, "13010103") == "zhao"
