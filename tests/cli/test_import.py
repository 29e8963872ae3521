"""``gridwarden import`` and ``export`` as a person runs them, where no gateway does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.ports import Unavailable
from gateway.store.cases import Cases
from gateway.store.lock import sole_user
from tests.servers import free_port
from tests.stories.house import PEOPLE, PLACES

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A configuration without a registry, and tables beside it."""
    people = PEOPLE.replace(",phone\n", ",\n")
    for name, text in (("places", PLACES), ("people", people)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    file = tmp_path / "site.yaml"
    file.write_text(
        f"site: {{name: 云河社区, data: {tmp_path / 'data'}}}\nconsole: {{port: {free_port()}}}\n",
        encoding="utf-8",
    )
    return file


def gridwarden(
    site: Path, *arguments: str, language: str = "en"
) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
    return subprocess.run(
        [sys.executable, "-m", "gateway", "--lang", language, *arguments, "--config", site.name],
        cwd=site.parent,
        env=kept | {"PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


async def test_a_registry_comes_in_goes_out_and_comes_back_unchanged(site: Path) -> None:
    done = gridwarden(site, "import", "places.csv", "people.csv", "--by", "张工", language="zh")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "地点:新增 7"
    assert lines[-1] == "已导入,登记表第 1 版"
    async with Cases(site.parent / "data" / "cases.db", SystemClock()) as cases:
        assert (await cases.load_site()).people["chen"].name == "陈静"
    done = gridwarden(site, "export", "registry", "all.xlsx")
    assert (done.returncode, done.stdout, done.stderr) == (0, "all.xlsx\n", "")
    assert (site.parent / "all.xlsx").stat().st_mode & 0o077 == 0, "telephone numbers"
    done = gridwarden(site, "import", "all.xlsx")
    assert (done.returncode, done.stdout) == (0, "nothing changes\n")


def test_errors_are_listed_by_row_and_nothing_is_written(site: Path) -> None:
    people = site.parent / "people.csv"
    people.write_text(PEOPLE.replace("officer", "oficer"), encoding="utf-8")
    done = gridwarden(site, "import", "places.csv", "people.csv", language="zh")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "people.csv:3:4: 没有角色 oficer;是不是想写 officer?" in done.stderr
    assert done.stderr.endswith("处错误,没有导入\n")


async def test_a_folder_that_a_gateway_holds_is_left_alone(site: Path) -> None:
    (site.parent / "data").mkdir()
    with sole_user(site.parent / "data"):
        done = gridwarden(site, "import", "places.csv", "people.csv")
    assert done.returncode == 1
    assert "another gridwarden uses this folder" in done.stderr
    assert not (site.parent / "data" / "cases.db").exists()
    with pytest.raises(Unavailable):
        async with Cases(site.parent / "nowhere" / "cases.db", SystemClock()):
            pass


def test_check_looks_over_the_registry_that_was_imported(site: Path) -> None:
    before = gridwarden_check(site)
    assert "there is no registry yet" in before
    assert gridwarden(site, "import", "places.csv", "people.csv").returncode == 0
    after = gridwarden_check(site)
    assert "registry: 7 places" in after
    assert "there is no registry yet" not in after


def gridwarden_check(site: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "--lang", "en", "check", site.name],
        cwd=site.parent,
        env=os.environ | {"PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
