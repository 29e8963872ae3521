"""Who is responsible where the registry has holes: somebody who can be reached, whenever any is."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from gateway.incidents import machine, times
from gateway.incidents.decision import Moment, World
from gateway.incidents.people import first_rung, next_rung
from gateway.model import Category, Duty, OutboxRow, Person, Place, Site, Stamp
from gateway.store.step import Step
from tests.cases.build import DEADLINES, DUTY, alarmed, site
from tests.cases.house import Phone, StoryClock, living

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
    both = msgspec.structs.replace(Person("zhao", "赵六", "130102", "assistant"), areas=("130101",))
    wang = Person("wang", "王五", "1301", "supervisor")
    where = site(people=(wang, both))
    where = msgspec.structs.replace(where, places=where.places | {other.code: other}, rosters=GAPS)
    assert owner(where, "13010103") == "zhao"


def test_a_case_of_the_fallback_goes_to_somebody_whatever_the_clock_says() -> None:
    empty, known = (World(site(people=each), DEADLINES, DUTY) for each in ((), (ZHANG,)))
    wrong = Moment(Stamp("boot", 0, 0, False), 0)
    opened = machine.react(alarmed(), None, "L1", (), empty, wrong)
    assert opened is not None
    assert opened.incident.owner == "duty"
    handed = times.hand_over(opened.incident, known, wrong)
    assert handed is not None
    assert handed.incident.owner == "zhang"


async def test_what_a_crowd_left_behind_is_handed_on_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = StoryClock()
    async with living(tmp_path / "c.db", clock, {"phone": Phone()}) as house:
        await house.take(*(alarmed(same=f"d{n}", category=Category.trouble) for n in range(250)))
        await clock.settle()
        sizes, commit = [], house.cases.commit

        async def counted(step: Step) -> list[OutboxRow]:
            sizes.append(len(step.incidents))
            return await commit(step)

        monkeypatch.setattr(house.cases, "commit", counted)
        house.site = site(people=(LI,))
        house.desk.look()
        await clock.advance(1)
        assert [size for size in sizes if size] == [100, 100, 50]
        assert {each.owner for each in await house.cases.open_incidents()} == {"li"}
