"""Packages of npm that the tests of the boards ask: fetched once for each set of versions."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import pytest

NPM: Final = shutil.which("npm") or ""
needed = pytest.mark.skipif(not NPM, reason="npm is not installed: sh deploy/setup.sh test")


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def modules(*packages: str) -> Path:
    """The folder ``node_modules`` with ``packages``, each ``NAME@VERSION``."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    named = "-".join(each.rpartition("/")[2].replace("@", "-") for each in packages)
    home = cache / "gridwarden" / named
    if not (home / "node_modules").exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=home.parent))
        (fresh / "package.json").write_text('{"private": true}', encoding="utf-8")
        quiet = ("--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
        got = run([NPM, "install", *quiet, *packages], fresh)
        if got.returncode:
            shutil.rmtree(fresh)
            pytest.fail(f"npm could not fetch {packages}: {got.stderr[-500:]}")
        try:
            fresh.rename(home)
        except OSError:  # another process was faster
            shutil.rmtree(fresh)
    return home / "node_modules"
