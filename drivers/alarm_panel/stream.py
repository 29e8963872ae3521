"""Cuts a stream into messages and garbage, the same however the stream is cut. Pure.

A step looks at the start of the buffer and says how many bytes it used, and for what. Bytes are
never kept beyond one message; garbage is told of once per run (``_runs``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from drivers._runs import Piece, Run

_SLICE: Final = 1_024
"""Bytes looked at together: what a step leaves is copied, so the buffer must stay short."""
_HARMLESS: Final = b"\r\n\0 \t\x14"
"""What panels send between messages: no word is lost about it."""


class Step(NamedTuple):
    """``used`` 0: more bytes are needed. Without ``message`` the used bytes are garbage."""

    used: int
    message: bytes | None = None
    garbage: str = ""


MORE: Final = Step(0)
Next = Callable[[bytes], Step]


class Cutter:
    """One stream. ``feed`` it what was read; ``finish`` gives what a closed line left."""

    def __init__(self, step: Next) -> None:
        self._step = step
        self._buffer = b""
        self._run = Run(_HARMLESS)

    @property
    def half(self) -> bool:
        """Whether a message has begun that has not ended."""
        return bool(self._buffer.strip(_HARMLESS))

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that are complete now, in order."""
        pieces: list[Piece] = []
        for start in range(0, len(data), _SLICE):
            self._buffer += data[start : start + _SLICE]
            while (step := self._step(self._buffer)).used:
                raw, self._buffer = self._buffer[: step.used], self._buffer[step.used :]
                if step.message is None:
                    self._run.grow(raw, step.garbage, pieces)
                else:
                    self._run.end(pieces)
                    pieces.append(Piece(step.message))
        return pieces

    def finish(self) -> list[Piece]:
        """What is left is half a message at most."""
        pieces: list[Piece] = []
        self._run.grow(self._buffer, "half a message when the line closed", pieces)
        self._run.end(pieces)
        self._buffer = b""
        return pieces
