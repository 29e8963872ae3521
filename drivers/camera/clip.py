"""Keeps the last seconds of a video as they came, and makes a short film around an event.

    packets ──▶ ring (from a key picture on, ``before`` seconds, RING_BYTES)
                  └ begin() ──▶ clip (``after`` seconds more, CLIP_BYTES) ──▶ MP4

Nothing is decoded or encoded: a film costs a copy. Only H.264 becomes one, for the browsers of
the officers play nothing else that cameras send (no Motion JPEG, H.265 on few machines).
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import av
from av.error import FFmpegError
from av.video.stream import VideoStream

RING_BYTES: Final = 2_500_000
"""Of packets before an event, for each camera; beyond it the film begins later."""
CLIP_BYTES: Final = 4_800_000
"""Of packets in one film; beyond it the film ends earlier. The evidence store takes 5 MB."""
_PLAYABLE: Final = frozenset({"h264"})


class Piece(NamedTuple):
    """A packet and when it came, in seconds of the pass."""

    second: float
    packet: av.Packet[Any]


class Clip(NamedTuple):
    """A film: MP4, and how many seconds of it lie before the event and in all."""

    mp4: bytes
    before: float
    lasts: float


def playable(stream: VideoStream) -> bool:
    """Whether films can be made of this stream."""
    return stream.codec_context.name in _PLAYABLE


class Recorder:
    """One camera's ring, and the film that is being made. Bounded by the two sizes above."""

    def __init__(self, stream: VideoStream, before: float, after: float) -> None:
        self._stream = stream
        self._before = before
        self._after = after
        self._ring: deque[Piece] = deque()
        self._held = 0
        self._film: list[Piece] = []
        self._filmed = 0
        self._event = 0.0
        self._until: float | None = None

    def take(self, packets: Sequence[av.Packet[Any]], second: float) -> None:
        """What was read for the picture at ``second``."""
        for packet in packets:
            piece = Piece(second, packet)
            if packet.is_keyframe or self._ring:  # without a key picture nothing can be shown
                self._ring.append(piece)
                self._held += packet.size
            if self._until is not None and self._filmed + packet.size <= CLIP_BYTES:
                self._film.append(piece)
                self._filmed += packet.size
        self._trim(second)

    def begin(self, second: float) -> None:
        """An event begins now; one that begins within another's film is part of that film."""
        if self._until is None:
            self._film, self._filmed = list(self._ring), self._held
            self._event = second
            self._until = second + self._after

    def ready(self, second: float) -> bool:
        """Whether the film that was begun is complete."""
        return self._until is not None and second >= self._until

    def finish(self) -> Clip | None:
        """The film so far; None when there is none to be shown."""
        film, self._film, self._filmed, self._until = self._film, [], 0, None
        start = next((n for n, piece in enumerate(film) if piece.packet.is_keyframe), None)
        if start is None:
            return None
        film = film[start:]
        try:
            content, lasts = _mp4(self._stream, film)
        except (FFmpegError, ValueError):  # a stream that never sent its parameters
            return None
        # by the camera's times: what was read while it was opened came all at once
        return Clip(content, max(0.0, lasts - (film[-1].second - self._event)), lasts)

    def _trim(self, second: float) -> None:
        """Drop whole groups of pictures from the front while enough is left without them."""
        while len(self._ring) > 1 and (group := self._first_group()) is not None:
            rest = self._ring[group]
            if rest.second > second - self._before and self._held <= RING_BYTES:
                return
            for _ in range(group):
                self._held -= self._ring.popleft().packet.size
        if self._held > RING_BYTES:
            self._ring.clear()
            self._held = 0

    def _first_group(self) -> int | None:
        """Where the second group begins; None when there is only one."""
        ring = iter(self._ring)
        next(ring)
        return next((n for n, piece in enumerate(ring, 1) if piece.packet.is_keyframe), None)


def _mp4(stream: VideoStream, film: Sequence[Piece]) -> tuple[bytes, float]:
    """The packets in a box, and how many seconds they are. Raises FFmpegError."""
    base = stream.time_base
    if base is None:
        raise ValueError("a stream without a clock")
    output = io.BytesIO()
    first: int | None = None
    before = -1
    with av.open(output, "w", format="mp4") as box:
        track = box.add_stream_from_template(stream)
        for second, packet in film:
            came = round(second / base)
            dts = packet.dts if packet.dts is not None else came
            pts = packet.pts if packet.pts is not None else dts
            if first is None:
                first = dts
            copy = av.Packet(bytes(packet))  # the ring's own packet stays as it is
            copy.dts = max(before + 1, dts - first)  # cameras jump back when they set their clock
            copy.pts = max(copy.dts, pts - first)
            copy.time_base = base
            copy.is_keyframe = packet.is_keyframe
            copy.stream = track
            before = copy.dts
            box.mux(copy)
    return output.getvalue(), float(before * base)
