"""Opens a video and hands out its pictures: small and grey to analyse, as JPEG to show.

Two ways, the cheaper that the video allows:

    packets   Motion JPEG: the packet *is* the snapshot, and libjpeg decodes it at an eighth
    pictures  everything else: decoded; the brightness plane is analysed as the decoder left it

FFmpeg by PyAV and not by OpenCV: it says why an address was refused, hands out the packets that
a clip is made of, and its brightness plane needs no conversion (a fifth of the time of a picture).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import av
import cv2
import numpy as np
from av.error import (
    ExitError,
    FFmpegError,
    HTTPClientError,
    HTTPForbiddenError,
    HTTPNotFoundError,
    HTTPUnauthorizedError,
    InvalidDataError,
)
from av.video.codeccontext import VideoCodecContext

from drivers.camera.detect import WIDTH, Grey, shrink
from drivers.camera.messages import Job

_TIMEOUT: Final = 5.0
"""Seconds of opening and of waiting for a packet; FFmpeg alone would wait for minutes."""
_STREAM_OPTIONS: Final = {
    # UDP hangs with cameras behind a switch that drops it; the time-out is in microseconds
    "rtsp_transport": "tcp",
    "timeout": str(int(_TIMEOUT * 1e6)),
    # how long pictures are looked at to learn their rate, before the first is handed out
    "analyzeduration": "2000000",
    # a play list from a stranger must not open our files
    "protocol_whitelist": "rtsp,rtp,udp,tcp,tls,http,https,httpproxy,crypto",
}
_FILE_OPTIONS: Final = {"protocol_whitelist": "file,crypto"}
_REDUCED: Final = (
    (8, cv2.IMREAD_REDUCED_GRAYSCALE_8),
    (4, cv2.IMREAD_REDUCED_GRAYSCALE_4),
    (2, cv2.IMREAD_REDUCED_GRAYSCALE_2),
)
_BRIGHTNESS_FIRST: Final = frozenset(
    {"yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p", "nv12", "nv21", "gray"}
)
"""Pixel formats whose first plane is 8 bits of brightness."""
_FULL_RANGE: Final = 2
_STRETCH: Final = np.clip((np.arange(256) - 16) * 255 / 219, 0, 255).round().astype(np.uint8)
"""Video brightness from 16 to 235 on the 256 grey levels that ``threshold`` counts."""
_LONGEST_STEP: Final = 10.0
"""Seconds between two pictures that are still believed."""
_MOST_DAMAGED: Final = 1_000
"""Packets in a row that can not be decoded: that is no video, and no sign of life either."""


class NoPicture(Exception):
    """No picture can be had from there; the text says why and holds no password."""


def shown(source: str) -> str:
    """The source as it may be logged: a stream is named by its host alone."""
    if "://" not in source:
        return source
    try:
        parts = urlsplit(source)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "the camera's address"
    return f"{parts.scheme}://{host or '?'}" + (f":{port}" if port else "")


class Video:
    """One opened video. ``grab`` the next picture, then ask for it as often as wanted."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._container = _open(job)
        if not self._container.streams.video:
            self._container.close()
            raise NoPicture(f"{shown(job.source)} has sound or data, but no picture")
        self.stream = self._container.streams.video[0]
        context: VideoCodecContext = self.stream.codec_context
        context.thread_count = 1
        self.width, self.height = context.width, context.height
        rate = float(self.stream.average_rate or self.stream.guessed_rate or 0)
        self.fps = rate if 0 < rate <= 240 else 25.0
        tag = context.codec_tag.strip("\0 ")
        self.codec = tag if tag.isascii() and tag.isprintable() and tag else context.name
        self.second = 0.0
        """Of the grabbed picture, on the video's own axis; never goes back."""
        self.mark: int | None = None
        """The grabbed picture's own time as it came, for noticing that it stands still."""
        self.packets: list[av.Packet[Any]] = []
        """What was read for the grabbed picture."""
        self._packets_only = context.name == "mjpeg"
        self._read: Iterator[av.Packet[Any]] = self._container.demux(self.stream)
        self._decoded: deque[av.VideoFrame] = deque()
        self._picture: av.VideoFrame | av.Packet[Any] | None = None

    def close(self) -> None:
        """Let go of the file or the connection."""
        self._picture = None
        self._decoded.clear()
        self._container.close()

    def grab(self) -> bool:
        """Go to the next picture; False: there is none. NoPicture: none came in time."""
        self.packets = []
        damaged = 0
        while not self._decoded and damaged < _MOST_DAMAGED:
            packet = self._next_packet()
            if packet is None:
                return False
            if packet.size:
                self.packets.append(packet)
            if self._packets_only and packet.size:
                self._arrived(packet)
                return True
            try:
                self._decoded.extend(self.stream.codec_context.decode(packet))
            except (InvalidDataError, ValueError):
                damaged += 1
            if not packet.size and not self._decoded:
                return False
        if not self._decoded:
            return False
        self._arrived(self._decoded.popleft())
        return True

    def grey(self) -> Grey | None:
        """The picture for analysis; None when this one is damaged."""
        picture = self._picture
        if isinstance(picture, av.Packet):
            scale = next((code for by, code in _REDUCED if self.width >= WIDTH * by), None)
            flag = cv2.IMREAD_GRAYSCALE if scale is None else scale
            decoded = cv2.imdecode(np.frombuffer(bytes(picture), np.uint8), flag)
            return None if decoded is None else shrink(decoded)
        if picture is None:
            return None
        name = picture.format.name
        if name not in _BRIGHTNESS_FIRST:
            return shrink(picture.to_ndarray(format="gray"))
        plane = picture.planes[0]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        small = shrink(rows[: picture.height, : picture.width])
        full = name.startswith(("yuvj", "gray")) or picture.color_range == _FULL_RANGE
        return small if full else cv2.LUT(small, _STRETCH)

    def jpeg(self) -> bytes:
        """The picture for people; b"" when it is damaged."""
        picture = self._picture
        wide = self._job.max_width
        if isinstance(picture, av.Packet):
            if self.width <= wide:
                return bytes(picture)
            colours: Any = cv2.imdecode(np.frombuffer(bytes(picture), np.uint8), cv2.IMREAD_COLOR)
            if colours is None:
                return b""
            size = (wide, _scaled(self.height, self.width, wide))
            colours = cv2.resize(colours, size, interpolation=cv2.INTER_AREA)
        elif picture is None:
            return b""
        elif picture.width > wide:
            height = _scaled(picture.height, picture.width, wide)
            colours = picture.reformat(wide, height, "bgr24").to_ndarray()
        else:
            colours = picture.to_ndarray(format="bgr24")
        done, data = cv2.imencode(".jpg", colours, [cv2.IMWRITE_JPEG_QUALITY, self._job.quality])
        return data.tobytes() if done else b""

    def _next_packet(self) -> av.Packet[Any] | None:
        """None at the end; an empty one asks the decoder for what it has left."""
        try:
            return next(self._read, None)
        except (ExitError, TimeoutError):
            raise NoPicture(f"{shown(self._job.source)} sent nothing for {_TIMEOUT:g} s") from None
        except (FFmpegError, OSError) as error:
            if not self._job.live:
                return None  # a file that is cut off ends where it is cut off
            why = error.strerror or "broken off"
            raise NoPicture(f"{shown(self._job.source)} stopped sending pictures: {why}") from None

    def _arrived(self, picture: av.VideoFrame | av.Packet[Any]) -> None:
        self._picture = picture
        self.mark = picture.pts if picture.pts is not None else picture.dts
        base = picture.time_base
        start = self.stream.start_time or 0
        known = self.mark is not None and base is not None
        position = float((self.mark - start) * base) if known else 0.0  # type: ignore[operator]
        believable = self.second < position < self.second + _LONGEST_STEP
        self.second = position if believable else self.second + 1 / self.fps


def _scaled(height: int, width: int, wanted: int) -> int:
    return max(1, round(height * wanted / width))


def _open(job: Job) -> av.container.InputContainer:
    """Opened; NoPicture says why it could not be, without a password."""
    if job.device:
        options, form = {}, "v4l2"
    elif job.stream:
        options, form = dict(_STREAM_OPTIONS), None
    else:
        options, form = dict(_FILE_OPTIONS), None
    if not job.stream:
        _must_be_there(job)
    try:
        return av.open(
            job.source if job.stream or job.device else f"file:{job.source}",
            format=form,
            options=options,
            timeout=_TIMEOUT if job.live else None,
            metadata_errors="replace",
        )
    except (FFmpegError, OSError, ValueError) as error:
        raise NoPicture(_refused(job, error)) from None


def _refused(job: Job, error: Exception) -> str:
    """Why nothing could be opened, in one line. The error's own text may hold a password."""
    if job.device:
        why = getattr(error, "strerror", None) or "it sends no pictures"
        return f"{job.source} is no camera that can be read: {why}"
    if not job.stream:
        return f"{job.source} is no video that can be decoded"
    why = "check address, password and network"
    if isinstance(error, (HTTPUnauthorizedError, HTTPForbiddenError)):
        why = "it refuses the user name or the password"
    elif isinstance(error, HTTPNotFoundError):
        why = "it has no such stream: check the path of the address"
    elif isinstance(error, HTTPClientError):
        why = "it refuses the request: check the address"
    elif isinstance(error, ConnectionRefusedError):
        why = "nobody listens there: check the port, and whether the camera is on"
    elif isinstance(error, (ExitError, TimeoutError)):
        why = f"it did not answer within {_TIMEOUT:g} s: check address and network"
    return f"no stream from {shown(job.source)}; {why}"


def _must_be_there(job: Job) -> None:
    path = Path(job.source)
    try:
        if job.device:
            path.stat()
            return
        with path.open("rb") as file:
            if not file.read(1):
                raise NoPicture(f"{job.source} is empty")
    except OSError as error:
        advice = "; plug the camera in, or see which /dev/video there is" if job.device else ""
        raise NoPicture(f"{job.source} can not be read: {error.strerror}{advice}") from None
