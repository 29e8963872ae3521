"""What every board promises, looked for in its JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from grafana_foundation_sdk.models import units

import dashboards
from dashboards import palette, tile
from dashboards.queries import LEVELS
from gateway.model import Severity, Stage
from tests.project.tree import ROOT

SETS = {language: dashboards.all(language) for language in ("zh", "en")}
BOARDS = [board for boards in SETS.values() for board in boards]
UNITS = {value for name, value in vars(units).items() if name[0].isupper()}
ADDRESS = (ROOT / "gateway/console/static/address.js").read_text(encoding="utf-8")
HAN = re.compile(r"[\u4e00-\u9fff]")

each_board = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)


def tiles(board: dashboards.Board) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = board.json["panels"]
    return found


def properties(panel: dict[str, Any], name: str) -> Iterator[Any]:
    """Every value of a field's property, the default first."""
    config = panel["fieldConfig"]
    if name in config["defaults"]:
        yield config["defaults"][name]
    for override in config["overrides"]:
        yield from (each["value"] for each in override["properties"] if each["id"] == name)


def asked(panel: dict[str, Any]) -> str:
    """The queries of a panel, and the columns that are made of their answers."""
    made = [
        f'"{change["options"]["alias"]}"'
        for change in panel.get("transformations", [])
        if change["id"] == "calculateField"
    ]
    return " ".join([*(target["query"] for target in panel["targets"]), *made])


def links(panel: dict[str, Any]) -> list[dict[str, Any]]:
    return [link for found in properties(panel, "links") for link in found]


def test_addresses_are_unique_and_fit() -> None:
    uids = [board.uid for board in BOARDS]
    assert len(set(uids)) == len(uids) == 18
    assert all(8 <= len(uid) <= 40 and re.fullmatch(r"[a-z-]+", uid) for uid in uids)
    assert all(board.uid == board.json["uid"] for board in BOARDS)
    assert all(board.title == board.json["title"] for board in BOARDS)


def test_both_languages_have_the_same_panels() -> None:
    def shape(board: dashboards.Board) -> list[Any]:
        return [
            (p["id"], p["type"], p["gridPos"], p.get("timeFrom"), p.get("interval"),
             [re.sub("(title|dead_why)_en", r"\1", t["query"]) for t in p["targets"]])
            for p in tiles(board)
        ]  # fmt: skip

    for chinese, english in zip(*SETS.values(), strict=True):
        assert shape(chinese) == shape(english)


@each_board
class TestBoard:
    def test_panels_have_numbers_and_titles_of_their_own(self, board: dashboards.Board) -> None:
        ids = [panel["id"] for panel in tiles(board)]
        titles = [panel["title"] for panel in tiles(board)]
        assert len(set(ids)) == len(ids)
        assert len(set(titles)) == len(titles)

    def test_nothing_overlaps_and_rows_are_full(self, board: dashboards.Board) -> None:
        taken: set[tuple[int, int]] = set()
        for panel in tiles(board):
            p = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(p["x"], p["x"] + p["w"])
                for y in range(p["y"], p["y"] + p["h"])
            }
            assert not cells & taken, panel["title"]
            taken |= cells
        height = max(y for _, y in taken) + 1
        assert taken == {(x, y) for x in range(24) for y in range(height)}

    def test_texts_are_in_its_language(self, board: dashboards.Board) -> None:
        chinese = board.uid.endswith("-zh")
        texts = [board.title, board.json["description"]]
        texts += [panel[key] for panel in tiles(board) for key in ("title", "description")]
        texts += [link["title"] for panel in tiles(board) for link in links(panel)]
        texts += [name for panel in tiles(board) for name in properties(panel, "displayName")]
        said = [text for text in texts if "$" not in text]
        assert [text for text in said if bool(HAN.search(text)) != chinese and text != "CPU"] == []
        assert all(text.strip() for text in texts)

    def test_units_are_grafanas(self, board: dashboards.Board) -> None:
        for panel in tiles(board):
            found = list(properties(panel, "unit"))
            assert found, panel["title"]
            assert all(unit in UNITS or unit.startswith("suffix:") for unit in found), found

    def test_every_panel_leads_to_the_console(self, board: dashboards.Board) -> None:
        for panel in tiles(board):
            urls = [link["url"] for link in links(panel)]
            assert urls, panel["title"]
            assert all(url.startswith("${console}/?") for url in urls)
            for url in urls:
                names = re.findall(r"[?&](\w+)=", url)
                assert all(f'"{name}"' in ADDRESS for name in names), url

    def test_links_take_columns_that_are_there(self, board: dashboards.Board) -> None:
        for panel in tiles(board):
            text = asked(panel)
            written = str(panel["fieldConfig"])
            for column in re.findall(r"\$\{__data\.fields\.(\w+)\}", written):
                assert f'"{column}"' in text, (panel["title"], column)
                assert all(target["resultFormat"] == "table" for target in panel["targets"])
            for tag in re.findall(r"\$\{__field\.labels\.(\w+)\}", written):
                assert re.search(rf'GROUP BY [^()]*(?:\([^()]*\))?[^()]*"{tag}"', text), panel[
                    "title"
                ]

    def test_columns_of_tables_are_asked_for(self, board: dashboards.Board) -> None:
        for panel in tiles(board):
            for change in panel.get("transformations", []):
                if change["id"] == "filterFieldsByName":
                    for name in change["options"]["include"]["names"]:
                        plain = name.partition(" (")[0]  # of a group: its fold
                        assert name in ("Time", "time") or f'"{plain}"' in asked(panel), (
                            panel["title"],
                            name,
                        )

    def test_everything_is_asked_of_the_chosen_source(self, board: dashboards.Board) -> None:
        source = {"type": "influxdb", "uid": "${source}"}
        for panel in tiles(board):
            assert panel["datasource"] == source
            assert all(target["datasource"] == source for target in panel["targets"])
            assert all(target["rawQuery"] for target in panel["targets"])
        variables = {each["name"]: each for each in board.json["templating"]["list"]}
        assert list(variables) == ["source", *LEVELS, "console"]
        assert variables["source"]["type"] == "datasource"
        assert variables["source"]["query"] == "influxdb"
        assert all(variables[level]["datasource"] == source for level in LEVELS)
        assert variables["console"]["query"] == "http://127.0.0.1:8080"

    def test_variables_used_are_variables_there(self, board: dashboards.Board) -> None:
        known = {each["name"] for each in board.json["templating"]["list"]}
        known |= {"timeFilter", "__interval", "__data", "__field", "__all"} | {
            "tag_" + t for t in _TAGS
        }
        used = set(re.findall(r"\$\{?(\w+)", str(board.json)))
        assert used <= known, used - known

    def test_queries_are_the_common_dialect(self, board: dashboards.Board) -> None:
        for panel in tiles(board):
            for target in panel["targets"]:
                query = target["query"]
                assert not re.search(r"\b(SHOW|INTO|top|bottom|sample|holt_winters)\b", query)
                assert "$timeFilter" in query or "now() - 1d" in query, query

    def test_series_over_time_have_few_points(self, board: dashboards.Board) -> None:
        for panel in tiles(board):
            if panel["type"] in ("timeseries", "state-timeline"):
                assert panel["maxDataPoints"] <= 200
                values = [t["query"] for t in panel["targets"] if 'FROM "place"' not in t["query"]]
                assert values
                assert all("GROUP BY time(" in query for query in values)

    def test_no_line_and_no_bar_is_called_by_a_code(self, board: dashboards.Board) -> None:
        for panel in tiles(board):
            names = [target.get("alias", "") for target in panel["targets"]]
            names.append(panel["fieldConfig"]["defaults"].get("displayName", ""))
            codes = re.compile(r"tag_place|tag_person|fields\.(place|device|person)\b")
            assert [name for name in names if codes.search(name)] == [], panel["title"]
            shown = [o for o in panel["fieldConfig"]["overrides"] if panel["type"] == "table"]
            for column in (o for o in shown if o["matcher"]["options"] in ("place", "person")):
                assert "custom.hidden" in str(column), (panel["title"], column)


_TAGS = ("severity", "stage", "kind", "device", "site", "place", "reader", "what", "channel")


@pytest.mark.parametrize("language", SETS)
def test_the_wall_is_read_from_five_metres(language: str) -> None:
    [wall] = [board for board in SETS[language] if "-wall-" in board.uid]
    assert tile.WALL_TITLE >= 28
    for panel in tiles(wall):
        assert panel["type"] in ("stat", "bargauge", "geomap"), panel["title"]
        if panel["type"] != "geomap":
            text = panel["options"]["text"]
            assert text["titleSize"] >= 28, panel["title"]
            is_name = panel["title"] in ("现在值班", "On duty now")
            assert text["valueSize"] >= (28 if is_name else 40), panel["title"]
    lowest = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in tiles(wall))
    assert lowest * 38 <= 1080  # a grid row with its gap: all of it is on one screen


def test_other_options_go_where_they_belong() -> None:
    boards = dashboards.all(
        "en", "https://desk.example.cn/", tiles="http://maps.example/{z}/{x}/{y}.png", zone="UTC"
    )
    [wall] = [board for board in boards if "-wall-" in board.uid]
    assert wall.json["templating"]["list"][-1]["query"] == "https://desk.example.cn"
    [ground] = [p["options"]["basemap"] for p in tiles(wall) if p["type"] == "geomap"]
    assert ground["config"] == {"url": "http://maps.example/{z}/{x}/{y}.png"}
    assert ground["type"] == "xyz"
    assert wall.json["timezone"] == "UTC"
    assert "Asia/Shanghai" not in str([board.json for board in boards])


# --- colours ----------------------------------------------------------------------------------

_SEEN = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
                   (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
                     (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602),
                   (0.004733, 0.691367, 0.303900)),
}  # fmt: skip
"""Machado, Oliveira, Fernandes 2009, severity 1.0: linear RGB to linear RGB."""


def lab(color: str, seen: tuple[tuple[float, ...], ...]) -> tuple[float, float, float]:
    """CIE L*a*b* (D65) of ``#RRGGBB`` as somebody sees it."""
    raw = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in raw]
    r, g, b = (min(1, max(0, sum(m * v for m, v in zip(row, linear, strict=True)))) for row in seen)
    x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089
    fx, fy, fz = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


@pytest.mark.parametrize("eyes", _SEEN)
@pytest.mark.parametrize(
    "colors",
    [tuple(palette.SEVERITIES.values()), tuple(palette.STAGES.values()),
     (palette.CALM, palette.LOOK, palette.ACT), palette.LINES],
    ids=["severities", "stages", "steps", "lines"],
)  # fmt: skip
def test_colours_stay_apart_for_everybody(colors: tuple[str, ...], eyes: str) -> None:
    for one, other in combinations(colors, 2):
        apart = math.dist(lab(one, _SEEN[eyes]), lab(other, _SEEN[eyes]))
        assert apart > 12, (one, other, apart)


def test_every_severity_and_stage_has_a_colour() -> None:
    assert set(palette.SEVERITIES) == set(Severity)
    assert set(palette.STAGES) == set(Stage)
