"""What every panel draws of the simulated week, worked out by Grafana's own library."""

from __future__ import annotations

import json
import re
import shutil
from copy import deepcopy
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

import dashboards
from tests.dashboards import npm
from tests.dashboards.expected import EXPECTED, Look
from tests.dashboards.filled import Filled
from tests.dashboards.grafana import EVERYWHERE, queries, substituted
from tests.dashboards.week import DAY, END, HOUR, MINUTE

Json = dict[str, Any]

CONSOLE: Final = "http://192.0.2.7:8080"
BOARDS: Final = {
    board.uid.removeprefix("gridwarden-"): board.json
    for language in ("zh", "en")
    for board in dashboards.all(language, CONSOLE)
}
NOTHING: Final = ("无", "none", "No data")
FAULTS: Final = ("NaN", "undefined", "null", "${", "Invalid")

pytestmark = npm.needed


class Drawn(NamedTuple):
    """One value, cell or line."""

    name: str
    text: str
    links: list[str]


Panels = dict[str, list[Drawn]]
"""What every panel of a board draws, by its title."""


class Grafana:
    """Its library, asked what boards draw."""

    def __init__(self, filled: Filled, folder: Path) -> None:
        self._modules = npm.modules("@grafana/data@13.2.3")
        self._filled = filled
        self._folder = folder

    def draw(self, *boards: Json) -> list[Panels]:
        panels = [panel for board in boards for panel in self._answered(board)]
        asked = {
            "now": END // 1_000_000,
            "zone": boards[0]["timezone"],
            "variables": EVERYWHERE | {"console": CONSOLE},
            "panels": panels,
        }
        file = self._folder / "input.json"
        file.write_text(json.dumps(asked), encoding="utf-8")
        script = str(Path(__file__).with_name("drawn.cjs"))
        node = shutil.which("node") or "node"
        got = npm.run([node, script, str(self._modules), str(file)], self._folder)
        assert got.returncode == 0, got.stderr[-2_000:]
        found = iter(json.loads(got.stdout))
        return [
            {panel["title"]: [Drawn(**each) for each in next(found)] for panel in board["panels"]}
            for board in boards
        ]

    def _answered(self, board: Json) -> list[Json]:
        """Every panel with InfluxDB's answers to its queries."""
        asked = groupby(queries(board), lambda query: query.panel)
        answers = {
            title: [
                {
                    "refId": query.ref,
                    "table": query.table,
                    "series": self._series(
                        substituted(query.text, EVERYWHERE, query.start, query.width)
                    ),
                }
                for query in found
            ]
            for title, found in asked
        }
        found = []
        for panel in board["panels"]:
            alias = {target["refId"]: target.get("alias", "") for target in panel["targets"]}
            told = [each | {"alias": alias[each["refId"]]} for each in answers[panel["title"]]]
            found.append({"panel": panel, "answers": told})
        return found

    def _series(self, text: str) -> list[Json]:
        """The answer with times in ms, as Grafana has them."""
        return [
            series | {"values": [[row[0] // 1_000_000, *row[1:]] for row in series["values"]]}
            for series in self._filled.ask(text)
        ]


@pytest.fixture(scope="module")
def grafana(filled: Filled, tmp_path_factory: pytest.TempPathFactory) -> Grafana:
    return Grafana(filled, tmp_path_factory.mktemp("drawn"))


@pytest.fixture(scope="module")
def drawn(grafana: Grafana) -> dict[str, Panels]:
    """Every board."""
    return dict(zip(BOARDS, grafana.draw(*BOARDS.values()), strict=True))


def faults(found: Panels) -> list[str]:
    """What no panel may draw."""
    wrong = []
    for title, some in found.items():
        if not some or all(each.text in NOTHING for each in some):
            wrong.append(f"{title}: nothing is drawn")
        if not any(each.links for each in some):
            wrong.append(f"{title}: nothing leads to the console")
        for each in some:
            said = f"{each.name} {each.text} {' '.join(each.links)}"
            wrong += [f"{title}: {word} in {said}" for word in FAULTS if word in said]
            wrong += [f"{title}: {link}" for link in each.links if not link.startswith(CONSOLE)]
    return wrong


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_draws_names_and_values(drawn: dict[str, Panels], name: str) -> None:
    assert faults(drawn[name]) == []


def test_bars_and_blocks_draw_their_numbers_largest_first(drawn: dict[str, Panels]) -> None:
    wall = drawn["wall-en"]
    grids = [float(each.text) for each in wall["Grids with most open cases"]]
    assert grids == sorted(grids, reverse=True)
    stages = [each.name for each in wall["Open, by what is next"]]
    assert stages == ["to be received", "to be handled", "to be closed"]
    severities = [each.name for each in wall["Open, by severity"]]
    assert severities == ["Notice", "Warning", "Alarm", "Critical"]


def test_the_wall_draws_the_oldest_limits_and_leads_to_their_cases(
    drawn: dict[str, Panels], filled: Filled
) -> None:
    rows = EXPECTED["wall", "Overdue: since when", "A"](Look(filled.week, END - HOUR, MINUTE, ""))
    by_link = {f"{CONSOLE}/?case={row['key']}": row for row in rows}
    found = drawn["wall-en"]["Overdue: since when"]
    cases = [by_link[link] for each in found for link in each.links]
    wanted = sorted(row["deadline"] for row in rows)[:5]
    assert [row["deadline"] for row in cases] == wanted
    assert [each.name.split(" · ")[0] for each in found] == [row["where"] for row in cases]
    assert all(each.text.endswith("ago") for each in found)


def test_the_wall_says_who_has_duty(drawn: dict[str, Panels], filled: Filled) -> None:
    rows = EXPECTED["wall", "On duty now", "A"](Look(filled.week, END - HOUR, MINUTE, ""))
    found = drawn["wall-en"]["On duty now"]
    assert {each.text for each in found} <= {row["name"] for row in rows}
    assert all("grid" in each.name for each in found)


def test_the_wall_names_the_gateway_that_is_silent_longest(drawn: dict[str, Panels]) -> None:
    [silent] = drawn["wall-en"]["Last word of a gateway"]
    assert (silent.name, silent.text) == ("donghuan", "10 minutes ago")


def only(title: str, name: str = "wall-en") -> Json:
    """A board with nothing but the panel ``title``."""
    board = deepcopy(BOARDS[name])
    board["panels"] = [panel for panel in board["panels"] if panel["title"] == title]
    return board


def test_a_gateway_without_a_name_of_its_own_is_called_so(grafana: Grafana) -> None:
    board = json.loads(json.dumps(only("Last word of a gateway")).replace("site", "nothing"))
    [found] = grafana.draw(board)
    [silent] = found["Last word of a gateway"]
    assert (silent.name, silent.text) == ("Gateway", "10 minutes ago")


def test_what_grafana_does_not_draw_is_found(grafana: Grafana) -> None:
    named = only("On duty now")
    named["panels"][0]["fieldConfig"]["defaults"]["displayName"] = "${__data.fields.called}"
    asked = only("Grids with most open cases")
    asked["panels"][0]["options"]["reduceOptions"]["fields"] = "/^open$/"
    dated = only("Overdue: since when")
    dated["panels"][0]["fieldConfig"]["defaults"]["unit"] = "dateTimeFromNow"
    found = [faults(each) for each in grafana.draw(named, asked, dated)]
    assert found[0] == [
        "On duty now: nothing is drawn",
        "On duty now: nothing leads to the console",
    ]
    assert found[1][0] == "Grids with most open cases: nothing is drawn"
    assert found[2][0].startswith("Overdue: since when: NaN in NaN · NaN")


def names_of(found: list[Drawn], column: str = "") -> list[str]:
    return [each.text if column else each.name for each in found if column in ("", each.name)]


def asked_for(board: Json, ref: str, old: str, new: str) -> Json:
    """The board with the queries ``ref`` changed."""
    changed = deepcopy(board)
    for panel in changed["panels"]:
        for target in panel["targets"]:
            if target["refId"] == ref:
                assert old in target["query"]
                target["query"] = target["query"].replace(old, new)
    return changed


def test_lines_bars_and_tables_are_named(drawn: dict[str, Panels], filled: Filled) -> None:
    grids = {place.name for place in filled.week.grid_places}
    people = {point.fields["name"] for point in filled.week.by_measurement(["duty"])}
    fire = drawn["fire-en"]
    for title in ("Smoke density", "Temperature", "Gas", "Carbon monoxide"):
        assert set(names_of(fire[title])) == grids
        assert len(fire[title]) == len(grids)
    assert set(names_of(drawn["people-en"]["Grids with most cases"])) == grids
    assert set(names_of(drawn["people-en"]["By person"], "Person")) <= people
    assert all(name.endswith("号") for name in names_of(fire["Alarms reported"]))
    assert set(names_of(fire["Opened last"], "Place")) <= grids
    named = [each for each in fire["Opened last"] if each.name == "Device"]
    assert [each.links for each in named] == [
        [f"{CONSOLE}/?device={each.text.removesuffix(' 号')}"] for each in named
    ]


def test_named_rows_keep_their_time_in_its_place_and_order(
    drawn: dict[str, Panels], filled: Filled
) -> None:
    assert drawn["fire-en"]["Opened last"][0].name == "When"
    tested = [point for point in filled.week.readings if point.fields.get("test") is True]
    newest = {point.tags["device"]: point.at for point in sorted(tested, key=lambda p: p.at)}
    last = max(newest, key=lambda device: newest[device])
    assert names_of(drawn["installer-en"]["Test button"], "Device")[0] == f"{last} 号"


def test_lines_are_as_high_as_the_highest_of_their_grid(
    drawn: dict[str, Panels], filled: Filled
) -> None:
    week = filled.week
    rows = EXPECTED["fire", "Carbon monoxide", "A"](Look(week, END - 7 * DAY, HOUR, ""))
    latest: dict[str, tuple[int, float]] = {}
    for row in rows:
        name = week.name(row["place"])
        latest[name] = max(latest.get(name, (0, 0.0)), (row["t"], row["co"]))
    wanted = {name: pytest.approx(value, rel=0.01) for name, (_, value) in latest.items()}
    found = drawn["fire-en"]["Carbon monoxide"]
    assert {each.name: float(each.text.removesuffix(" ppm")) for each in found} == wanted


@pytest.mark.parametrize("title", ["Smoke density", "Temperature"])
def test_a_line_whose_place_has_no_name_yet_has_its_code(grafana: Grafana, title: str) -> None:
    board = only(title, "fire-en")
    one = asked_for(board, "B", ' GROUP BY "place"', " AND \"place\" = '13090300100701'"
                    ' GROUP BY "place"')  # fmt: skip
    none = asked_for(board, "B", 'FROM "place"', 'FROM "nothing"')
    some, codes = (found[title] for found in grafana.draw(one, none))
    unnamed = ["13090300100703", "13090300200102", "13090300200104"]
    assert names_of(some) == ["第1网格", *unnamed]
    assert names_of(codes) == ["13090300100701", *unnamed]
    assert [each.text for each in some] == [each.text for each in codes]


def test_rows_and_bars_without_names_have_their_codes(grafana: Grafana) -> None:
    tests = asked_for(only("Test button", "fire-en"), "B", '"device_state"', '"nothing"')
    alarms = asked_for(only("Alarms reported", "fire-en"), "B", '"device_state"', '"nothing"')
    people = asked_for(only("By person", "people-en"), "B", '"duty"', '"nothing"')
    table, bars, rates = grafana.draw(tests, alarms, people)
    assert names_of(table["Test button"], "Device")[0] == "gas-01-1"
    assert names_of(table["Test button"], "Place")[0] == "13090300100701"
    assert names_of(bars["Alarms reported"])[0] == "smoke-01-1"
    assert names_of(rates["By person"], "Person")[0] == "02-officer"


def test_names_alone_are_nothing(grafana: Grafana) -> None:
    titles = ("Smoke density", "Test button", "Alarms reported")
    boards = []
    for title in titles:
        board = only(title, "fire-en")
        measured = re.search(r"FROM (\S+)", board["panels"][0]["targets"][0]["query"])
        assert measured
        boards.append(asked_for(board, "A", measured[1], '"nothing"'))
    for title, found in zip(titles, grafana.draw(*boards), strict=True):
        assert [each for each in found[title] if each.text not in ("", *NOTHING)] == []
