"""Cuts a stream of bytes into reports and garbage, the same however the stream is cut. Pure.

``next_line`` and ``next_frame`` look at the start of a buffer and say how many bytes they used
and for what; ``Cutter`` feeds them and joins neighbouring garbage to one run (``_runs``). Bytes
are never kept beyond one report.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from drivers._runs import Piece, Run
from drivers.serial_line.checks import WIDTHS
from drivers.serial_line.options import Checksum, Frame, LengthAt, Line, fits
from drivers.serial_line.sums import SUMS


class Step(NamedTuple):
    """``used`` 0: more bytes are needed. ``garbage``: the used bytes are part of a run."""

    used: int
    report: bytes | None = None
    garbage: str = ""
    ends_run: bool = False


_MORE: Final = Step(0)
Next = Callable[[bytes, bool], Step]


def next_line(buffer: bytes, in_run: bool, options: Line) -> Step:
    """``in_run``: the line's beginning was too long and went; its end goes too."""
    mark = options.terminator.encode(options.encoding)
    at = buffer.find(mark)
    if in_run:
        if at >= 0:
            return Step(at + len(mark), garbage="too long", ends_run=True)
        keep = len(mark) - 1
        return Step(len(buffer) - keep, garbage="too long") if len(buffer) > keep else _MORE
    if 0 <= at <= options.max:
        line = buffer[:at]
        return Step(at + len(mark), line.removesuffix(b"\r") if mark == b"\n" else line)
    if len(buffer) < options.max + len(mark):
        return _MORE
    return Step(options.max, garbage=f"no end of line within {options.max} bytes")


def next_frame(buffer: bytes, in_run: bool, options: Frame) -> Step:
    """A start mark inside garbage or inside a torn frame is tried like any other."""
    at = buffer.find(options.start)
    if at < 0:
        stray = len(buffer) - _begun(buffer, options.start)
        return Step(stray, garbage="no start of a frame") if stray else _MORE
    if at > 0:
        return Step(at, garbage="no start of a frame")
    used, frame, fault = (
        _plain(buffer, options) if options.escape is None else _escaped(buffer, options)
    )
    if not used and not fault:
        return _MORE
    if fault := fault or _fault(frame, options):
        return Step(_resume(buffer, options), garbage=fault)
    return Step(used, frame)


def _resume(buffer: bytes, options: Frame) -> int:
    """Where the next frame may begin, behind a start mark that begins none.

    What is escaped holds no mark, so that no frame lies between two that are too close.
    """
    start, at = options.start, max(1, buffer.find(options.start, 1))
    if options.escape is None and options.length is not None:
        return _next_sound(buffer, options, at)
    if options.escape is not None and len(start) == 1:
        while 0 < (after := buffer.find(start, at + 1)) - at < options.apart:
            at = after
    return at


def _next_sound(buffer: bytes, options: Frame, at: int) -> int:
    """Where a sound frame begins, or one that is not all there: a run of false marks is one look.

    The same tests as for a single frame; hostile noise may be nothing but start marks.
    """
    start, end, length, check = options.start, options.end, options.length, options.checksum
    sum_of = SUMS[check.type if check is not None else "sum8"]
    order: Literal["little", "big"] = check.order if check is not None else "big"
    known, where, least = -1, _where(None, 0), len(start) + len(end)
    shortest, longest, held = options.shortest, options.longest, len(buffer)
    size = length if isinstance(length, int) else 0
    behind = at
    while (at := buffer.find(start, at)) >= 0:
        behind = at + 1
        if not isinstance(length, int):
            size = _length(buffer[at : at + longest], options)
            if size >= 0 and not shortest <= size <= longest:
                at += 1
                continue
        if size < 0 or at + size > held:
            return at
        if size != known:
            known, where = size, _where(check, size)
        sound = size > least and (not end or buffer.startswith(end, at + size - len(end)))
        if sound and where is not None:
            first, stop, sent, after = where
            value = int.from_bytes(buffer[at + sent : at + after], order)
            sound = stop > 0 and sum_of(buffer[at + first : at + stop]) == value
        if sound:
            return at
        at += 1
    return behind


def _where(check: Checksum | None, size: int) -> tuple[int, int, int, int] | None:
    """What is summed (from, to) and where the sum is (from, to) in a frame of ``size`` bytes.

    None: there is no sum. Zeros: the frame is too short for one.
    """
    if check is None or check.over is None or check.position is None:
        return None
    if not fits(check, size):
        return 0, 0, 0, 0
    first, last = check.over
    at = check.position % size
    return first, last + size if last < 0 else last, at, at + WIDTHS[check.type]


_Whole = tuple[int, bytes, str]
"""Bytes used (0: more are needed), the frame with its escapes undone, and what is wrong with it."""
_UNFINISHED: Final[_Whole] = (0, b"", "")


def _plain(buffer: bytes, options: Frame) -> _Whole:
    if options.length is None:
        end = buffer.find(options.end, len(options.start))
        size = end + len(options.end)
        if end < 0 or size > options.max:
            full = len(buffer) >= options.max
            return (0, b"", f"no end mark within {options.max} bytes") if full else _UNFINISHED
    else:
        size = _length(buffer, options)
        if size < 0:
            return _UNFINISHED
        if not options.shortest <= size <= options.longest:
            return 0, b"", f"a frame that calls itself {size} bytes long"
    if size <= len(options.start) + len(options.end):
        return 0, b"", "an empty frame"
    return (size, buffer[:size], "") if len(buffer) >= size else _UNFINISHED


def _escaped(buffer: bytes, options: Frame) -> _Whole:
    """Undo the escapes, up to the end mark or the length that the frame says."""
    escape = options.escape
    assert escape is not None  # noqa: S101  # the caller has looked
    mark, flip, meant = escape.byte[0], escape.xor[0], escape.meant
    start, end, sized = options.start, options.end, options.length is not None
    opening = start[0]
    known = options.length.end if isinstance(options.length, LengthAt) else 0
    frame, at, size, longest = bytearray(start), len(start), -1, options.longest
    while True:
        if sized and size < 0 and len(frame) >= known:
            size = _length(bytes(frame), options)
        if (not sized or 0 <= size <= len(frame) + len(end)) and buffer.startswith(end, at):
            whole = bytes(frame) + end
            return at + len(end), whole, "an empty frame" if len(frame) == len(start) else ""
        if at >= len(buffer) or len(frame) >= longest or 0 <= size <= len(frame):
            break
        byte = buffer[at]
        if byte == opening and buffer.startswith(start, at):
            return 0, b"", "a start mark inside a frame"
        if byte == mark:
            if at + 1 == len(buffer):
                return _UNFINISHED
            at += 1
            byte = meant.get(buffer[at], buffer[at] ^ flip)
        frame.append(byte)
        at += 1
    if at >= len(buffer) and len(frame) < longest and not 0 <= size <= len(frame):
        return _UNFINISHED
    if end and len(buffer) - at < len(end):  # its end may still come
        return _UNFINISHED
    return 0, b"", "a frame without its end mark"


def _length(frame: bytes, options: Frame) -> int:
    """The length of the whole frame; -1 while it can not be known."""
    length = options.length
    if isinstance(length, int):
        return length
    if length is None or len(frame) < length.end:
        return -1
    order: Literal["little", "big"] = "little" if length.type == "u16le" else "big"
    return max(0, int.from_bytes(frame[length.at : length.end], order) + length.plus)


def _begun(buffer: bytes, mark: bytes) -> int:
    """How many bytes at the buffer's end may be the beginning of ``mark``."""
    longest = min(len(mark) - 1, len(buffer))
    return next((n for n in range(longest, 0, -1) if buffer.endswith(mark[:n])), 0)


def _fault(frame: bytes, options: Frame) -> str:
    if not frame.endswith(options.end):
        return "a frame without its end mark"
    check = options.checksum
    where = _where(check, len(frame))
    if check is None or where is None:
        return ""
    first, stop, at, after = where
    if not stop:
        return "a frame too short for its checksum"
    value, sent = checksum(check, frame[first:stop]), int.from_bytes(frame[at:after], check.order)
    width = 2 * (after - at)
    return "" if sent == value else f"checksum {sent:0{width}X}, computed {value:0{width}X}"


def checksum(options: Checksum, data: bytes) -> int:
    """The sum of ``data``."""
    return SUMS[options.type](data)


class Cutter:
    """One stream. ``feed`` it what was read; ``finish`` gives what a closed port left."""

    def __init__(self, step: Next) -> None:
        self._step = step
        self._buffer = b""
        self._run = Run()

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that are complete now, in order."""
        self._buffer += data
        pieces: list[Piece] = []
        at = 0
        while True:
            step = self._step(self._buffer[at : at + 2 * MAX_LOOK], self._run.going)
            if not step.used:
                break
            raw = self._buffer[at : at + step.used]
            at += step.used
            if step.garbage:
                self._run.grow(raw, step.garbage, pieces)
            if step.report is not None or step.ends_run:
                self._run.end(pieces)
            if step.report:
                pieces.append(Piece(step.report))
        self._buffer = self._buffer[at:]
        return pieces

    def finish(self) -> list[Piece]:
        """What is left is half a report at most."""
        pieces: list[Piece] = []
        if self._buffer:
            self._run.grow(self._buffer, "half a report when the port closed", pieces)
        self._run.end(pieces)
        self._buffer = b""
        return pieces


MAX_LOOK: Final = 4096 + 16
"""No step needs to see more than one report with its marks."""
