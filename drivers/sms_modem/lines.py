"""Bytes of a modem become lines and prompts. Pure.

A prompt is ``> `` without an end of line. What a modem says while it starts is no text, and a line
that never ends is cut.
"""

from __future__ import annotations

from typing import Final

PROMPT: Final = "> "
MAX_LINE: Final = 1_024
"""Characters: the longest PDU with its message centre takes 352."""


class Lines:
    """Feed it whatever came; it gives whole lines without their ends, and ``PROMPT``."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._cut = False

    def feed(self, data: bytes) -> list[str]:
        """Lines and prompts, in their order; empty lines are left out."""
        found: list[str] = []
        for byte in data:
            if byte in b"\r\n":
                self._end(found)
            elif byte == ord(">") and not self._line:
                found.append(PROMPT)
            elif byte == ord(" ") and not self._line:
                continue  # the prompt's own, or nothing's
            elif len(self._line) >= MAX_LINE:
                self._cut = True
            else:
                self._line.append(byte)
        return found

    def clear(self) -> None:
        """What has come so far belongs to nothing."""
        self._line.clear()
        self._cut = False

    def _end(self, found: list[str]) -> None:
        if self._line and not self._cut:
            found.append(self._line.decode("ascii", "replace").rstrip())
        self.clear()
