"""Lines as files that hold 0 or 1, as vendors' kernels offer relays and contacts.

``/sys/class/gpio/gpio17/value``, ``/sys/class/leds/relay1/brightness``, or a plain file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from drivers.gpio.options import Options
from gateway.ports import Unavailable

_INSIDE: Final = ("value", "brightness")
"""The file that holds the level, where a line is a folder of its own."""
_MOST: Final = 16
"""Bytes of a file that are looked at."""


class Folder:
    """Files, each with its own sense of what is active."""

    fd: int | None = None

    def __init__(self, files: Mapping[str, Path], active_low: Mapping[str, bool]) -> None:
        self._files = dict(files)
        self._low = dict(active_low)

    def read(self) -> Mapping[str, bool]:
        """Each file anew."""
        return {line: level(path) is not self._low[line] for line, path in self._files.items()}

    def moved(self) -> set[str]:
        """Nothing tells."""
        return set()

    def write(self, line: str, on: bool) -> None:
        """``1`` or ``0``, as ``active_low`` turns it."""
        self._files[line].write_text("1\n" if on is not self._low[line] else "0\n")

    def close(self) -> None:
        """Nothing is held."""


def open_lines(options: Options) -> Folder:
    """Every line is there; outputs become inactive."""
    folder = Folder(
        {each.line: _file(options.chip, each.line) for each in options.used},
        {each.line: each.active_low for each in options.used},
    )
    for output in options.outputs.values():
        folder.write(output.line, on=False)
    return folder


def look(options: Options) -> str:
    """Whether every line of ours is there and can be read."""
    for each in options.used:
        level(_file(options.chip, each.line))
    return f"{options.chip} is a folder with our {len(options.used)} lines"


def level(path: Path) -> bool:
    """Whether the file holds a number that is not 0. OSError, also for what is no number."""
    with path.open("rb") as file:
        raw = file.read(_MOST).strip()
    if not raw.isdigit():
        raise OSError(None, f"{path.name} holds no number")
    return int(raw) != 0


def _file(folder: str, line: str) -> Path:
    path = Path(folder, line)
    inside = next((path / name for name in _INSIDE if (path / name).is_file()), path)
    if not inside.is_file():
        raise Unavailable(f"{folder} has no line {line!r}; ls shows those it has")
    return inside
