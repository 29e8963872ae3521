"""The folders' READMEs name every option and every column there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config.settings import Section, Settings
from gateway.registry.words import DEVICE_COLUMNS, PEOPLE_COLUMNS, PLACE_COLUMNS

_GATEWAY = Path(__file__).parents[2] / "gateway"


@pytest.mark.parametrize("section", Section.__subclasses__(), ids=lambda cls: cls.__name__)
def test_the_readme_names_every_option(section: type[Section]) -> None:
    text = (_GATEWAY / "config" / "README.md").read_text(encoding="utf-8")
    for name in section.model_fields:
        assert f"`{name}`" in text


def test_the_readme_names_every_section() -> None:
    text = (_GATEWAY / "config" / "README.md").read_text(encoding="utf-8")
    made = {"file", "imported", "digest", "ruleset", "rule_files", "fingerprint", "looked_over"}
    made |= {"refused", "points"}
    for name in set(Settings.model_fields) - made:
        assert f"`{name}`" in text


@pytest.mark.parametrize("columns", [PLACE_COLUMNS, DEVICE_COLUMNS, PEOPLE_COLUMNS])
def test_the_readme_names_every_column(columns: dict[str, tuple[str, ...]]) -> None:
    text = (_GATEWAY / "registry" / "README.md").read_text(encoding="utf-8")
    for name in columns:
        assert f"`{name}`" in text
