"""Every board against the schema that Grafana publishes, type-checked by TypeScript's compiler."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import dashboards
from tests.dashboards import npm

OPTIONS: Final = {
    "stat": "stat/panelcfg/x/StatPanelCfg",
    "bargauge": "bargauge/panelcfg/x/BarGaugePanelCfg",
    "table": "table/panelcfg/x/TablePanelCfg",
    "timeseries": "timeseries/panelcfg/x/TimeSeriesPanelCfg",
    "state-timeline": "statetimeline/panelcfg/x/StateTimelinePanelCfg",
    "geomap": "geomap/panelcfg/x/GeomapPanelCfg",
}
CUSTOM: Final = {"table": "TableFieldOptions", "timeseries": "GraphFieldConfig"}
HEAD: Final = """\
import type * as g from '@grafana/schema';
// JSON has the text or number of an enumeration where TypeScript has its member.
type Plain<T> = 0 extends 1 & T ? T
  : T extends string ? (string extends T ? T : `${T}`)
  : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
"""

pytestmark = npm.needed


@pytest.fixture(scope="module")
def modules() -> Path:
    return npm.modules("@grafana/schema@13.2.3", "typescript@7.0.2")


def script(boards: list[dashboards.Board]) -> Iterator[str]:
    """TypeScript that says of every part of every board what it has to be."""
    yield HEAD
    for name, path in OPTIONS.items():
        alias = name.replace("-", "_")
        yield f"import type {{ Options as {alias} }} from '@grafana/schema/dist/esm/raw/composable/{path}_types.gen';"
    for n, board in enumerate(boards):
        whole = dict(board.json)
        panels = whole.pop("panels")
        for number, mark in enumerate(whole["annotations"].get("list", [])):
            query = mark.pop("target")
            yield said(f"q{n}_{number}", "Plain<g.DataQuery> & Record<string, unknown>", query)
        yield said(f"d{n}", "Plain<g.Dashboard>", whole)
        for panel in panels:
            key, kind = f"{n}_{panel['id']}", panel["type"]
            yield said(f"p{key}", "Plain<g.Panel>", panel)
            yield said(f"o{key}", f"Plain<Partial<{kind.replace('-', '_')}>>", panel["options"])
            custom = panel["fieldConfig"]["defaults"].get("custom")
            if kind in CUSTOM and custom:
                yield said(f"c{key}", f"Plain<Partial<g.{CUSTOM[kind]}>>", custom)


def said(name: str, kind: str, value: Any) -> str:
    return f"export const {name}: {kind} = {json.dumps(value, ensure_ascii=False)};"


def check(modules: Path, folder: Path, text: str) -> str:
    """The compiler's complaints."""
    (folder / "node_modules").symlink_to(modules)
    (folder / "boards.ts").write_text(text, encoding="utf-8")
    flags = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext"]
    command = [str(modules / ".bin" / "tsc"), *flags, "--moduleResolution", "nodenext", "boards.ts"]
    return npm.run(command, folder).stdout


def test_every_board_is_of_grafanas_types(modules: Path, tmp_path: Path) -> None:
    boards = [board for language in ("zh", "en") for board in dashboards.all(language)]
    assert check(modules, tmp_path, "\n".join(script(boards))) == ""


def test_a_wrong_board_is_found(modules: Path, tmp_path: Path) -> None:
    board = dashboards.all("en")[0]
    board.json["panels"][0]["options"]["colorMode"] = "rainbow"
    board.json["panels"][1]["gridPos"]["z"] = 1
    board.json["refresh"] = 10
    found = check(modules, tmp_path, "\n".join(script([board])))
    assert all(wrong in found for wrong in ("rainbow", '"z"', "'number'")), found
    assert found.count("error") == 3
