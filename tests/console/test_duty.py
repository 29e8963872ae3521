"""Who has duty now, where, and who comes next."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.console.duty import Wish, duty_json
from gateway.model import Duty, Place, Site
from tests.console.conftest import Client
from tests.console.memory_view import MemoryView, make_site
from tests.virtual import START

GRID = "1309010101"
ALL = Wish()


def rostered() -> Site:
    """By day Li, by night Wang, of officers; START is 16:00 in China."""
    lines = (
        Duty(GRID, "officer", people=(("li",),), begin=480, end=1_200),
        Duty(GRID, "officer", people=(("wang", "li"),), begin=1_200, end=480),
        Duty("1309010102", "officer", people=(("zhao",),), begin=0, end=480),
    )
    return msgspec.structs.replace(make_site(), rosters=lines)


def found(wish: Wish = ALL) -> list[dict[str, Any]]:
    places: list[dict[str, Any]] = duty_json(rostered(), START, wish, 20)["places"]
    return places


def test_a_roster_says_who_has_duty_and_who_comes_next() -> None:
    [assistant, officer] = next(each for each in found() if each["place"] == GRID)["roles"]
    assert assistant == {
        "role": "assistant", "roster": False, "people": [{"id": "zhang", "name": "张三"}],
        "next": None, "next_people": [],
    }  # fmt: skip
    assert [each["id"] for each in officer["people"]] == ["li"]
    assert officer["next"] == "2026-01-05T12:00:00.000Z"
    assert [each["id"] for each in officer["next_people"]] == ["wang", "li"]


def test_a_gap_of_a_roster_is_shown_and_when_it_ends() -> None:
    place = next(each for each in found() if each["place"] == "1309010102")
    officer = place["roles"][-1]
    assert (officer["people"], officer["next"]) == ([], "2026-01-05T16:00:00.000Z")


def test_places_without_people_and_roster_are_left_out() -> None:
    assert [each["place"] for each in found()] == ["13090101", GRID, "1309010102"]


@pytest.mark.parametrize(
    ("wish", "codes"),
    [
        (Wish(place=GRID), [GRID]),
        (Wish(text="第二 花园"), ["1309010102"]),
        (Wish(text="王五"), ["13090101"]),
        (Wish(text="1309010101"), [GRID]),
        (Wish(text="nobody"), []),
    ],
)
def test_every_word_has_to_fit(wish: Wish, codes: list[str]) -> None:
    assert [each["place"] for each in found(wish)] == codes


def test_what_is_not_shown_is_counted() -> None:
    answer = duty_json(rostered(), START, ALL, 1)
    assert (answer["found"], len(answer["places"])) == (3, 1)


async def test_the_api_limits_what_it_answers(client: Client, view: MemoryView) -> None:
    grids = {f"9{n:04}": Place(f"9{n:04}", "", "grid", "网格") for n in range(30)}
    people = {code: msgspec.structs.replace(view.the_site.people["li"], id=code, grid=code)
              for code in grids}  # fmt: skip
    view.the_site = msgspec.structs.replace(view.the_site, places=grids, people=people)
    async with client.get("/api/v1/duty?limit=7") as answer:
        body = await answer.json()
    assert (body["found"], len(body["places"])) == (30, 7)
    async with client.get("/api/v1/duty?limit=201") as answer:
        assert answer.status == 400
    async with client.get(f"/api/v1/duty?text={'x' * 201}") as answer:
        assert answer.status == 400
