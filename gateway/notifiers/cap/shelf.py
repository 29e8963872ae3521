"""The folder of documents: written whole or not at all, found again after a restart, bounded.

What was sent under an identifier stays what it was: a repeat sends the same bytes, and whatever
follows names it by the very words that stand in it.
"""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.model import SECOND
from gateway.notifiers.cap.document import Sent

SUFFIX: Final = ".cap.xml"
_HALF: Final = ".cap.tmp"
"""A document that is being written."""
_HEAD: Final = 4_096
"""Bytes in which a document of ours has said when it was sent."""
_SENT: Final = re.compile(rb"<sent>([0-9T:+-]{25})</sent>")
_MOST_OF_ONE: Final = 200
"""Documents of one incident that are looked into: the newest by their names."""


class Shelf:
    """Blocking; every method may raise ``OSError``."""

    def __init__(self, folder: Path, files: int, keep: float) -> None:
        self._folder = folder
        self._files = files
        self._keep = keep

    def find(self, identifier: str) -> bytes | None:
        """The document of this identifier, if it was written."""
        try:
            return (self._folder / (identifier + SUFFIX)).read_bytes()
        except FileNotFoundError:
            return None

    def earlier(self, stem: str) -> list[Sent]:
        """What was sent of one incident, oldest first; what is no document of ours is left out."""
        found: list[tuple[datetime, Sent]] = []
        numbers = [name for name in self._names() if name.rpartition("-")[0] == stem]
        for identifier in sorted(numbers, key=_order)[-_MOST_OF_ONE:]:
            path = self._folder / (identifier + SUFFIX)
            try:
                with path.open("rb") as file:
                    said = _SENT.search(file.read(_HEAD))
                if said is not None:
                    sent = said[1].decode("ascii")
                    found.append((datetime.fromisoformat(sent), Sent(identifier, sent)))
            except (FileNotFoundError, ValueError, TypeError):
                continue
        return [sent for _, sent in sorted(found, key=lambda each: (each[0], _order(each[1][0])))]

    def put(self, identifier: str, content: bytes) -> None:
        """Write it under its name; a reader never sees half of it."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        path = self._folder / (identifier + SUFFIX)
        begun = self._folder / f".{identifier}{_HALF}"
        handle = os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        begun.rename(path)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def tidy(self, wall: int) -> int:
        """Take the oldest away, beyond the number and the age, and what a crash left half.

        How many documents were taken away. Files of other names are not touched.
        """
        held: list[tuple[int, Path]] = []
        for entry in os.scandir(self._folder):
            if entry.name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False):
                held.append((entry.stat(follow_symlinks=False).st_mtime_ns, Path(entry.path)))
            elif entry.name.startswith(".") and entry.name.endswith(_HALF):
                Path(entry.path).unlink(missing_ok=True)
        held.sort()
        too_old = wall - int(self._keep * SECOND)
        beyond = max(0, len(held) - self._files)
        gone = [
            path
            for index, (written, path) in enumerate(held[:-1])  # the newest was written just now
            if index < beyond or written < too_old
        ]
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)

    def try_out(self) -> None:
        """Write something and take it away again."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        path = self._folder / f".check{_HALF}"
        path.write_bytes(b"")
        path.unlink()

    def _names(self) -> list[str]:
        try:
            with os.scandir(self._folder) as entries:
                return [e.name.removesuffix(SUFFIX) for e in entries if e.name.endswith(SUFFIX)]
        except FileNotFoundError:
            return []


def _order(identifier: str) -> tuple[int, str]:
    """By the number at the end, so that 10 comes after 9."""
    number = identifier.rpartition("-")[2]
    return (int(number) if number.isascii() and number.isdigit() else 0, number)
