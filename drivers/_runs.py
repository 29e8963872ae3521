"""Garbage on a line: neighbouring bytes that are no report are told of once. Pure.

Garbage is never kept beyond ``MAX_GARBAGE`` bytes: the rest of an endless run (a wrong baud rate,
another protocol) is dropped without a word, for one word was said.
"""

from __future__ import annotations

from typing import Final, NamedTuple

MAX_GARBAGE: Final = 256
"""Bytes shown of one run: enough to recognise a wrong baud rate or a boot text."""


class Piece(NamedTuple):
    """A whole report, or, with a ``reason``, bytes that are none."""

    raw: bytes
    reason: str = ""


class Run:
    """The run that is going on. ``harmless`` bytes at its ends are no loss and not told of."""

    def __init__(self, harmless: bytes = b"") -> None:
        self._harmless = harmless
        self._shown = b""
        self._reason = ""
        self._length = 0

    @property
    def going(self) -> bool:
        """Whether the bytes before were garbage."""
        return self._length > 0

    def grow(self, raw: bytes, reason: str, pieces: list[Piece]) -> None:
        """Said when the run is ``MAX_GARBAGE`` long, or at its end if that comes first."""
        if not self._length and self._harmless:
            raw = raw.lstrip(self._harmless)
        before = self._length
        self._length += len(raw)
        if not raw or before >= MAX_GARBAGE:
            return
        self._reason = self._reason or reason
        self._shown += raw[: MAX_GARBAGE - before]
        if self._length >= MAX_GARBAGE:
            pieces.append(Piece(self._shown, self._reason))

    def end(self, pieces: list[Piece]) -> None:
        """A report begins, or the line was closed."""
        if 0 < self._length < MAX_GARBAGE:
            shown = self._shown.rstrip(self._harmless) if self._harmless else self._shown
            pieces.append(Piece(shown, self._reason))
        self._shown, self._reason, self._length = b"", "", 0
