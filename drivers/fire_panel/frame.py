"""GB/T 26875.3 frames: cut from a stream, built, and their six-byte times. Pure.

There is no byte stuffing: ``@@`` and ``##`` may stand inside a frame, so a frame is cut by its
length, and what does not end as a frame must is searched for the next ``@@``.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from drivers.fire_panel.options import LONGEST_DATA, Sum
from gateway.model import SECOND

START: Final = b"@@"
END: Final = b"##"
HEAD: Final = 27
"""Bytes before the application data: start and control unit (table 1)."""
FRAME: Final = HEAD + 3
"""Bytes of a frame without application data."""
MAX_GARBAGE: Final = 256
"""Bytes shown of one run of garbage: enough to recognise another protocol."""
_FIRST_YEAR: Final = 11
"""2011, the standard's own year: a clock before it was never set."""
_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAY: Final = 86_400

CONTROL: Final = 1
SEND: Final = 2
CONFIRM: Final = 3
REQUEST: Final = 4
ANSWER: Final = 5
DENY: Final = 6


class Frame(NamedTuple):
    """The parts of a frame, as bytes where they are only given back (figure 3, table 1)."""

    serial: bytes
    version: bytes
    time: bytes
    source: bytes
    target: bytes
    command: int
    data: bytes
    raw: bytes


class Piece(NamedTuple):
    """A whole frame; a frame that is refused for ``reason``; or, without one, garbage."""

    raw: bytes
    frame: Frame | None = None
    reason: str = ""


class Layout(NamedTuple):
    """How this site's devices build their frames."""

    checksum: Sum = "standard"
    max_length: int = LONGEST_DATA


def checksum(raw: bytes, length: int, rule: Sum = "standard") -> int:
    """The sum of a frame with ``length`` bytes of data: the control unit and the data."""
    if rule == "with_start":
        return sum(raw[: HEAD + length]) & 0xFF
    if rule == "control_unit":
        return sum(raw[2:HEAD]) & 0xFF
    if rule == "data_unit":
        return sum(raw[HEAD : HEAD + length]) & 0xFF
    return sum(raw[2 : HEAD + length]) & 0xFF


def build(head: Frame, rule: Sum = "standard") -> bytes:
    """The bytes of ``head``; its ``raw`` is not looked at."""
    length = len(head.data).to_bytes(2, "little")
    parts = (START, head.serial, head.version, head.time, head.source, head.target, length)
    raw = b"".join(parts) + bytes((head.command,)) + head.data
    return raw + bytes((checksum(raw, len(head.data), rule),)) + END


def answer(frame: Frame, command: int, time: bytes, rule: Sum = "standard") -> bytes:
    """Confirm or deny ``frame``: its serial and version, addresses exchanged, no data (6.3)."""
    back = frame._replace(
        time=time, source=frame.target, target=frame.source, command=command, data=b""
    )
    return build(back, rule)


def time_ns(raw: bytes, ahead: timedelta, *, bcd: bool = False) -> int | None:
    """When (ns UTC) second, minute, hour, day, month, year are; None: they are no time (8.2.2).

    All zero, as after a power cut, is no time; nor is any before 2011.
    """
    parts = tuple(_from_bcd(byte) for byte in raw) if bcd else tuple(raw)
    second, minute, hour, day, month, year = parts
    if second > 59 or minute > 59 or hour > 23 or not _FIRST_YEAR <= year <= 99:
        return None
    try:
        days = date(2000 + year, month, day).toordinal() - _EPOCH
    except ValueError:
        return None
    local = days * _DAY + hour * 3600 + minute * 60 + second
    return (local - int(ahead.total_seconds())) * SECOND


def time_bytes(wall: int, ahead: timedelta, *, bcd: bool = False) -> bytes:
    """The six bytes of ``wall`` (ns UTC)."""
    local = datetime.fromtimestamp(wall // SECOND, UTC) + ahead
    parts = (local.second, local.minute, local.hour, local.day, local.month, local.year % 100)
    return bytes(part // 10 * 16 + part % 10 if bcd else part for part in parts)


def _from_bcd(byte: int) -> int:
    high, low = divmod(byte, 16)
    return 10 * high + low if high < 10 and low < 10 else 255


def parse(raw: bytes, length: int) -> Frame:
    """The parts of what begins as a frame with ``length`` bytes of data."""
    return Frame(
        raw[2:4], raw[4:6], raw[6:12], raw[12:18], raw[18:24], raw[26], raw[HEAD : HEAD + length],
        raw,
    )  # fmt: skip


class Cutter:
    """One stream. The pieces are the same however it comes cut."""

    def __init__(self, layout: Layout) -> None:
        self._rule, self._most = layout
        self._buffer = b""
        self._run = b""
        self._run_length = 0

    @property
    def waiting(self) -> bool:
        """Whether there is the beginning of a frame."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that are complete now, in order."""
        buffer = self._buffer + data
        pieces: list[Piece] = []
        at = 0
        while used := self._step(buffer, at, pieces):
            at += used
        self._buffer = buffer[at:]
        return pieces

    def give_up(self) -> list[Piece]:
        """What began as a frame does not go on: look for the next beginning inside it."""
        pieces: list[Piece] = []
        self._grow(self._buffer[:1], pieces)
        self._buffer = self._buffer[1:]
        return pieces + self.feed(b"")

    def finish(self) -> list[Piece]:
        """After the stream's end: what is left is half a frame at most, or garbage."""
        pieces: list[Piece] = []
        if self._buffer.startswith(START):
            self._end(pieces)
            pieces.append(Piece(self._buffer[:MAX_GARBAGE], None, "half a frame at the end"))
        elif self._buffer:
            self._grow(self._buffer, pieces)
        self._end(pieces)
        self._buffer = b""
        return pieces

    def _step(self, buffer: bytes, at: int, pieces: list[Piece]) -> int:
        """How many bytes from ``at`` on are used; 0: more are needed."""
        start = buffer.find(START, at)
        if start != at:
            end = start if start >= 0 else len(buffer) - buffer.endswith(b"@")
            self._grow(buffer[at:end], pieces)
            return max(0, end - at)
        if len(buffer) < at + HEAD:
            return 0
        length = int.from_bytes(buffer[at + 24 : at + 26], "little")
        if length > self._most:
            head = buffer[at : at + HEAD]
            why = f"{length} bytes of application data; {self._most} are the limit"
            return self._refuse(parse(head, 0), why, pieces)
        total = FRAME + length
        if len(buffer) < at + total:
            return 0
        if buffer[at + total - 2 : at + total] != END:
            frame = parse(buffer[at : at + total], length)
            return self._refuse(frame, "a frame without ## at its end", pieces)
        raw = buffer[at : at + total]
        self._end(pieces)
        computed = checksum(raw, length, self._rule)
        wrong = self._rule != "ignored" and raw[-3] != computed
        why = f"checksum {raw[-3]:02X}, computed {computed:02X}" if wrong else ""
        pieces.append(Piece(raw, parse(raw, length), why))
        return total

    def _refuse(self, frame: Frame, why: str, pieces: list[Piece]) -> int:
        """Said once where a frame was due; inside garbage a mark is nothing but garbage."""
        if not self._run_length:
            pieces.append(Piece(frame.raw, frame, why))
            self._run_length = MAX_GARBAGE  # the bytes that follow were shown with it
        else:
            self._grow(START[:1], pieces)
        return 1

    def _grow(self, garbage: bytes, pieces: list[Piece]) -> None:
        """Said when the run is ``MAX_GARBAGE`` long, or at its end if that comes first."""
        if self._run_length >= MAX_GARBAGE:
            return
        self._run += garbage[: MAX_GARBAGE - self._run_length]
        self._run_length = len(self._run)
        if self._run_length >= MAX_GARBAGE:
            pieces.append(Piece(self._run, None, "no frame"))

    def _end(self, pieces: list[Piece]) -> None:
        if 0 < self._run_length < MAX_GARBAGE:
            pieces.append(Piece(self._run, None, "no frame"))
        self._run, self._run_length = b"", 0
