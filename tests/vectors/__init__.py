"""Other people's bytes through our decoders: what passes, what fails, what nobody claims."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

FOLDERS: Final = ("mqtt", "lorawan", "protocols", "frigate")
"""Folders of ``shared/data`` that hold vectors for drivers."""

Result = Literal["passed", "failed", "not claimed"]


class Outcome(NamedTuple):
    """What became of one vector."""

    source: str
    """The file, below the data folder."""
    case: str
    """Which vector of the file, the same in every run."""
    result: Result
    reason: str = ""
    """Why it failed, or why nobody claims it."""


def claims() -> Iterator[Any]:
    """The modules beside this one: each has FILES (globs), ``outcomes(data)`` and KNOWN."""
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("claim_"):
            yield importlib.import_module(f"{__name__}.{module.name}")


def every(data: Path) -> Iterator[Outcome]:
    """The outcome of each vector below ``data``, sorted by file; files nobody reads at the end."""
    read: set[Path] = set()
    for module in claims():
        files = [path for glob in module.FILES for path in data.glob(glob)]
        read.update(files)
        if files:
            yield from module.outcomes(data)
    for folder in FOLDERS:
        for path in sorted((data / folder).rglob("*")):
            if path.is_file() and path not in read and path.suffix != ".md":
                name = path.relative_to(data).as_posix()
                yield Outcome(name, "file", "not claimed", "no driver reads this")


def known() -> dict[tuple[str, str], str]:
    """(source, case) -> why this failure stays."""
    found: dict[tuple[str, str], str] = {}
    for module in claims():
        found |= module.KNOWN
    return found
