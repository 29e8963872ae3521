"""The project as files and syntax trees, for the tests that hold its shape."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gateway", "drivers", "rules", "dashboards")
PLUGIN_FOLDERS = {
    "driver": ROOT / "drivers",
    "sink": ROOT / "gateway" / "sinks",
    "notifier": ROOT / "gateway" / "notifiers",
}
_MADE = frozenset(
    {".git", ".venv", "build", "dist", "__pycache__", ".mypy_cache", ".ruff_cache", ".hypothesis"}
    | {".import_linter_cache", ".pytest_cache"}
)


def sources() -> list[Path]:
    """Every Python file that is installed."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@cache
def syntax(path: Path) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def where(path: Path, node: ast.AST) -> str:
    """``file:line`` of a node."""
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def written_files() -> Iterator[Path]:
    """Every file a person wrote: no caches, nothing that git is told to ignore."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [f for f in folders if f not in _MADE and not f.endswith(".egg-info")]
        for name in files:
            yield Path(folder, name)


def plugins() -> list[tuple[str, Path]]:
    """(role, folder) of every plugin."""
    return [
        (role, folder)
        for role, home in PLUGIN_FOLDERS.items()
        if home.is_dir()
        for folder in sorted(home.iterdir())
        if folder.is_dir() and not folder.name.startswith(("_", "."))
    ]


def module_name(folder: Path) -> str:
    """``drivers.mqtt`` for its folder."""
    return ".".join(folder.relative_to(ROOT).parts)
