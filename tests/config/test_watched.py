"""Whether the watched files changed: cheaply, and never by what only looks the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.config import watched
from gateway.config.settings import RegistrySection, RulesSection
from gateway.config.watched import Looker, fingerprint


@pytest.fixture
def site(tmp_path: Path) -> tuple[Path, RegistrySection, RulesSection]:
    (tmp_path / "rules").mkdir()
    files = ("site.yaml", "places.csv", "devices.csv", "people.csv", "rules/a.yaml", "rules/b.ics")
    for name in files:
        (tmp_path / name).write_text(name, encoding="utf-8")
    registry = RegistrySection(
        **{part: tmp_path / f"{part}.csv" for part in ("places", "devices", "people")}
    )
    return tmp_path / "site.yaml", registry, RulesSection(dir=tmp_path / "rules")


@pytest.mark.parametrize("name", ["site.yaml", "devices.csv", "rules/a.yaml", "rules/b.ics"])
def test_a_change_of_the_same_length_and_time_is_seen(
    site: tuple[Path, RegistrySection, RulesSection], name: str
) -> None:
    look = Looker()
    before = look(*site)
    assert before == fingerprint(*site) == look(*site)
    path = site[0].parent / name
    times = path.stat().st_mtime_ns
    path.write_text(name.upper(), encoding="utf-8")
    os.utime(path, ns=(times, times))
    after = look(*site)
    assert after == fingerprint(*site) != before


def test_a_file_that_comes_or_goes_is_a_change_and_an_empty_one_is_not_a_missing_one(
    site: tuple[Path, RegistrySection, RulesSection],
) -> None:
    look = Looker()
    more = site[0].parent / "rules" / "more.yaml"
    seen = [look(*site)]
    more.touch()
    seen.append(look(*site))
    more.unlink()
    more.symlink_to("nowhere")
    seen.append(look(*site))
    assert len(set(seen)) == 3
    more.unlink()
    assert look(*site) == seen[0]


def test_what_a_coarse_file_system_hid_is_seen_after_a_while(
    site: tuple[Path, RegistrySection, RulesSection],
) -> None:
    look = Looker()
    first = look(*site)
    own = site[0].parent / "rules" / "a.yaml"
    seen = look._seen[own]
    own.write_text("other", encoding="utf-8")
    stat = own.stat()
    sign = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
    look._seen[own] = seen._replace(sign=sign)
    assert look(*site) == first
    for _ in range(watched._WHOLE_EVERY):
        last = look(*site)
    assert last == fingerprint(*site)
