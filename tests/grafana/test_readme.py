"""The page about pushing and writing names every option that there is."""

from __future__ import annotations

import re
from pathlib import Path

from dashboards.grafana.trouble import TOKEN
from gateway.cli.dashboards import READER, push, write

PAGE = Path(__file__).parents[2] / "dashboards" / "grafana" / "README.md"


def test_the_page_names_every_option_and_no_other() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"`(--[a-z-]+)", text))
    options = {name for each in (push, write) for p in each.params for name in p.opts}
    assert named == {name for name in options if name.startswith("--")}
    assert {TOKEN, READER} <= set(re.findall(r"GRIDWARDEN_\w+", text))


def test_the_page_names_every_file_of_the_folder() -> None:
    named = set(re.findall(r"`(\w+\.py)`", PAGE.read_text(encoding="utf-8")))
    assert named == {path.name for path in PAGE.parent.glob("*.py")} - {"__init__.py"}
