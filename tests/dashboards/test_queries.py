"""Every query of every panel on real InfluxDBs that hold a simulated week: the rows it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

import dashboards
from dashboards.queries import LEVELS
from tests.dashboards.expected import EXPECTED, Look
from tests.dashboards.filled import Filled
from tests.dashboards.grafana import EVERYWHERE, Asked, chosen, queries, rows, substituted
from tests.dashboards.week import END, Week
from tests.influxdb import InfluxDB2, skip_without

BOARDS = {board.uid: board for language in ("zh", "en") for board in dashboards.all(language)}
NAMES = sorted(uid.removesuffix("-en") for uid in BOARDS if uid.endswith("-en"))
_OVER_TIME = re.compile(r"GROUP BY time\([^()]*\)(?:[^()]|fill\([^()]*\)|tz\([^()]*\))*$")
"""The outermost GROUP BY is over time."""


@pytest.fixture(scope="module", params=["1.x", "2.x"])
def filled(request: pytest.FixtureRequest) -> Iterator[Filled]:
    if request.param == "1.x":
        yield request.getfixturevalue("filled_one")
        return
    skip_without()
    with InfluxDB2() as server:
        yield Filled(server, Week())


def asked(name: str) -> list[tuple[Asked, str]]:
    """Every query of the board ``name`` with its panel's English title."""
    english = list(queries(BOARDS[f"{name}-en"].json))
    chinese = list(queries(BOARDS[f"{name}-zh"].json))
    titles = [query.panel for query in english]
    same = [e for e, c in zip(english, chinese, strict=True) if e.text == c.text]
    return [
        *zip(chinese, titles, strict=True),
        *((query, query.panel) for query in english if query not in same),
    ]


def look(filled: Filled, query: Asked, place: str = "") -> Look:
    return Look(filled.week, query.start, query.width, place)


def compared(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> tuple[Any, Any]:
    """Both, cut to the columns that are expected, in one order."""
    columns = sorted(wanted[0]) if wanted else []

    def plain(row: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(
            round(float(value), 4) if isinstance(value, int | float) else value
            for value in (row.get(column) for column in columns)
        )

    return sorted(map(plain, found), key=repr), sorted(map(plain, wanted), key=repr)


def check(filled: Filled, name: str, variables: dict[str, str], place: str) -> list[str]:
    """What is wrong with the answers to a board's queries."""
    wrong = []
    for query, title in asked(name):
        key = (name.removeprefix("gridwarden-"), title, query.ref)
        wanted = list(EXPECTED[key](look(filled, query, place)))
        if not wanted and not place:
            wrong.append(f"{key}: the week has nothing to show")
        text = substituted(query.text, variables, query.start, query.width)
        timed = _OVER_TIME.search(text) is not None
        got, want = compared(rows(filled.ask(text), timed=timed), wanted)
        if got != want:
            missing = [row for row in want if row not in got][:3]
            surplus = [row for row in got if row not in want][:3]
            wrong.append(
                f"{key}: {len(got)} rows, not {len(want)}; missing {missing}; besides {surplus}\n"
                f"    {text}"
            )
    return wrong


@pytest.mark.parametrize("name", NAMES)
def test_every_query_returns_what_happened_in_the_week(filled: Filled, name: str) -> None:
    assert check(filled, name, EVERYWHERE, "") == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("code", ["130903002", "13090300100701"], ids=["street", "grid"])
def test_every_query_keeps_to_the_place_that_was_chosen(
    filled: Filled, name: str, code: str
) -> None:
    assert check(filled, name, chosen(code), code) == []


@pytest.mark.parametrize("length", [4, 6, 9, 12, 14])
def test_drilling_down_narrows_at_every_level(filled: Filled, length: int) -> None:
    code = "13090300200102"[:length]
    assert check(filled, "gridwarden-wall", chosen(code), code) == []


def test_expectations_are_of_panels_that_exist() -> None:
    found = {
        (name.removeprefix("gridwarden-"), title, query.ref)
        for name in NAMES
        for query, title in asked(name)
    }
    assert set(EXPECTED) == found


def test_each_level_offers_the_places_within_the_one_above(filled: Filled) -> None:
    board = BOARDS["gridwarden-wall-zh"].json
    variables = {each["name"]: each for each in board["templating"]["list"]}
    street = chosen("130903002")
    offered = {}
    for level in LEVELS:
        text = substituted(variables[level]["query"], street, 0, 1)
        label = re.compile(variables[level]["regex"].strip("/").replace("(?<", "(?P<"))
        labels = [row["label"] for row in rows(filled.ask(text), timed=False)]
        offered[level] = [found.groupdict() for found in map(label.search, labels) if found]
    wanted = {
        level: [
            {"value": place.code, "text": place.name}
            for place in filled.week.places
            if place.level == level and (level in LEVELS[:3] or place.code.startswith("130903002"))
        ]
        for level in LEVELS
    }
    assert offered == wanted


def test_marks_are_the_grave_incidents(filled: Filled) -> None:
    board = BOARDS["gridwarden-fire-en"].json
    marks, *_ = board["annotations"]["list"]
    text = substituted(marks["target"]["query"], EVERYWHERE, 0, 1)
    found = rows(filled.ask(text), timed=True)
    grave = [case for case in filled.week.cases if case.severity in ("alarm", "critical")]
    wanted = sorted((case.key, f"{case.kind} alarm") for case in grave if case.opened <= END)
    assert sorted((row["key"], row["title_en"]) for row in found) == wanted
