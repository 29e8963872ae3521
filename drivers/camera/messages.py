"""What the driver and its worker say to each other: a length and a msgpack value, both ways."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

MAX_MESSAGE: Final = 16_000_000
"""Bytes. A snapshot is far below; a longer length is a worker gone mad, not a picture."""
_LENGTH: Final = 4
TAMPER: Final = frozenset({"covered", "scene_changed"})
"""Reasons of ``Troubled`` that somebody's hand makes; the others are faults."""


class Job(msgspec.Struct, frozen=True):
    """Everything the worker needs, sent on its standard input: argv is public, this is not."""

    source: str
    stream: bool
    probe: bool
    """Open, look at one picture, and end."""
    analyse_fps: float
    realtime: bool
    loop: bool
    regions: list[tuple[str, list[tuple[float, float]]]]
    masks: list[list[tuple[float, float]]]
    threshold: int
    min_area: float
    min_duration: float
    quiet: float
    learn: float
    lightning: float
    quality: int
    max_width: int
    device: bool = False
    """``source`` is a camera of this machine, as /dev/video0."""
    clip: tuple[float, float] | None = None
    """Seconds before and after the beginning of motion; None: no films."""
    blind_after: float = 0.0
    turned_after: float = 0.0
    frozen_after: float = 0.0
    """Seconds that each must last to be told; 0: not watched."""

    @property
    def live(self) -> bool:
        """Whether pictures come when they happen: then nothing is paced, looped or sought."""
        return self.stream or self.device


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The first picture was decoded."""

    width: int
    height: int
    fps: float
    codec: str
    films: bool = True
    """Whether films can be made of what it sends."""


class Alive(msgspec.Struct, frozen=True, tag=True):
    """Sent about once a second while pictures come."""

    frames: int
    analysed: int


class Began(msgspec.Struct, frozen=True, tag=True):
    """Motion began, or reached another zone (``moved``). ``second`` is on the video's axis."""

    second: float
    area: float
    zone: str
    score: float
    jpeg: bytes
    moved: bool = False


class Ended(msgspec.Struct, frozen=True, tag=True):
    """No motion for ``quiet``; ``area`` and ``score`` are the event's peaks."""

    second: float
    area: float
    zone: str
    score: float
    lasted: float


class Filmed(msgspec.Struct, frozen=True, tag=True):
    """The film of an event that began ``before`` seconds after its start."""

    second: float
    before: float
    lasts: float
    mp4: bytes


class Troubled(msgspec.Struct, frozen=True, tag=True):
    """The camera sees nothing any more, or (``reason`` is "") sees again."""

    second: float
    reason: str
    jpeg: bytes


class Finished(msgspec.Struct, frozen=True, tag=True):
    """The file is at its end, and that is well."""

    frames: int
    analysed: int


class Failed(msgspec.Struct, frozen=True, tag=True):
    """No picture can be had, and why."""

    reason: str


Message = Opened | Alive | Began | Ended | Filmed | Troubled | Finished | Failed

_job_decoder: Final = msgspec.msgpack.Decoder(Job)
_decoder: Final = msgspec.msgpack.Decoder(Message)
_encoder: Final = msgspec.msgpack.Encoder()


def pack(message: Message | Job) -> bytes:
    """The message with its length before it."""
    body = _encoder.encode(message)
    return len(body).to_bytes(_LENGTH, "little") + body


def unpack_job(data: bytes) -> Job:
    """The job from a packed message. ValueError when it is none."""
    return _job_decoder.decode(data[_LENGTH:])


async def read_message(stream: asyncio.StreamReader) -> Message:
    """The next message. ``IncompleteReadError`` at the end, ValueError for what is none."""
    length = int.from_bytes(await stream.readexactly(_LENGTH), "little")
    if length > MAX_MESSAGE:
        raise ValueError(f"a message of {length} bytes")
    message: Message = _decoder.decode(await stream.readexactly(length))
    return message
