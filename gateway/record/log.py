"""``anchors.log``: one anchor a line, only ever added to; here, and perhaps on another disk.

Bounded: a full file becomes ``anchors.log.1`` and takes the place of the one before it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from gateway.record.anchor import Signed, parsed_line

FILE: Final = "anchors.log"
MOST_BYTES: Final = 32_000_000
"""Of one file. An anchor of one incident has 500 bytes, and there are 1,440 a day at most."""
_TAIL: Final = 1_000_000
"""Bytes from the end that surely hold a whole line: an anchor speaks of 200 incidents at most."""
_LONGEST: Final = 1_000_000


class AnchorLog:
    """One such file. Every method raises ``OSError``."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        self.path = path
        self._most = most_bytes

    def newest(self) -> Signed | None:
        """The last anchor that is whole; None when there is none."""
        try:
            with self.path.open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(file.tell() - _TAIL, 0))
                tail = file.read(_TAIL)
        except FileNotFoundError:
            return None
        for line in reversed(tail.split(b"\n")):
            found = _read(line)
            if found is not None:
                return found
        return None

    def append(self, signed: Sequence[Signed]) -> None:
        """Add anchors; returned: they are on disk. What a crash left half written goes first."""
        text = "".join(f"{each.line}\n" for each in signed).encode()
        new = not self.path.exists()
        if not new and self.path.stat().st_size + len(text) > self._most:
            self.path.rename(self.path.with_name(f"{self.path.name}.1"))
            new = True
        with self.path.open("ab+") as file:
            _mend(file)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if new:
            _sync_folder(self.path.parent)

    def read(self) -> Iterator[Signed | None]:
        """Every line in its order, the older file first; None for a line that is no anchor."""
        for path in (self.path.with_name(f"{self.path.name}.1"), self.path):
            yield from lines(path)


def lines(path: Path) -> Iterator[Signed | None]:
    """The anchors of one file; nothing where there is none. Raises ``OSError``."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        while line := file.readline(_LONGEST):
            found = _read(line)
            if found is not None or line.endswith(b"\n"):
                yield found  # else a crash has cut the last line off


def _read(line: bytes) -> Signed | None:
    try:
        return parsed_line(line.decode())
    except ValueError:  # of msgspec and of a wrong byte too
        return None


def _mend(file: BinaryIO) -> None:
    """End the last line, or take it back where it is only a part of one."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _TAIL, 0))
    torn = file.read().rpartition(b"\n")[2]
    if torn and _read(torn) is not None:
        file.write(b"\n")
    elif torn:
        file.truncate(size - len(torn))
        file.seek(0, os.SEEK_END)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
