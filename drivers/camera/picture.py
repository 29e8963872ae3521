"""Opens a video and hands out its pictures: small and grey to analyse, as JPEG to show.

Two ways, the cheaper that the video allows:

    packets   Motion JPEG: the packet *is* the snapshot, and libjpeg decodes it at an eighth
    pictures  everything else: decoded, and converted to BGR when it is to be analysed

Rejected: the Y plane alone (CAP_PROP_CONVERT_RGB 0) saves a fifth for some H.264 streams, costs
half as much again for those that name their colour space (FFmpeg then converts the slow way),
and can not be switched for the snapshot: OpenCV keeps the first picture's row length and
reads beyond the end of the other's memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import cv2

from drivers.camera.detect import WIDTH, Grey, shrink
from drivers.camera.messages import Job

_TIMEOUT_MS: Final = 5000
"""Opening and reading; OpenCV's own 30 s would look like a hung worker."""
_REDUCED: Final = (
    (8, cv2.IMREAD_REDUCED_GRAYSCALE_8),
    (4, cv2.IMREAD_REDUCED_GRAYSCALE_4),
    (2, cv2.IMREAD_REDUCED_GRAYSCALE_2),
)


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
        self._capture = _open(job)
        get = self._capture.get
        self.width = int(get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(get(cv2.CAP_PROP_FRAME_HEIGHT))
        fps = float(get(cv2.CAP_PROP_FPS))
        self.fps = fps if 0 < fps <= 240 else 25.0
        self.codec = _four(get(cv2.CAP_PROP_FOURCC))
        self.second = 0.0
        """Of the grabbed picture, on the video's own axis; never goes back."""
        self._picture: Any = None
        self._buffer: Any = None
        self._packets = self.codec == "MJPG" and self._capture.set(cv2.CAP_PROP_FORMAT, -1)

    def close(self) -> None:
        """Let go of the file or the connection."""
        self._capture.release()

    def grab(self) -> bool:
        """Go to the next picture; False: there is none, or none in time."""
        if not self._capture.grab():
            return False
        self._picture = None
        position = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
        step = 1 / self.fps
        believable = self.second < position < self.second + 10
        self.second = position if believable else self.second + step
        return True

    def grey(self) -> Grey | None:
        """The picture for analysis; None when this one is damaged."""
        picture = self._retrieve()
        if picture is None:
            return None
        if self._packets:
            scale = next((code for by, code in _REDUCED if self.width >= WIDTH * by), None)
            flag = cv2.IMREAD_GRAYSCALE if scale is None else scale
            decoded = cv2.imdecode(picture, flag)
            return None if decoded is None else shrink(decoded)
        return cv2.cvtColor(shrink(picture), cv2.COLOR_BGR2GRAY)

    def jpeg(self) -> bytes:
        """The picture for people; b"" when it is damaged."""
        picture = self._retrieve()
        if picture is None:
            return b""
        if self._packets:
            if self.width <= self._job.max_width:
                return bytes(picture)
            picture = cv2.imdecode(picture, cv2.IMREAD_COLOR)
            if picture is None:
                return b""
        if self.width > self._job.max_width:
            height = max(1, round(self.height * self._job.max_width / self.width))
            size = (self._job.max_width, height)
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, self._job.quality])
        return data.tobytes() if done else b""

    def _retrieve(self) -> Any:
        """The decoded picture or the packet, fetched once; into the same memory each time."""
        if self._picture is None:
            done, picture = self._capture.retrieve(None if self._packets else self._buffer)
            if done and picture is not None and picture.size:
                self._picture = picture.reshape(-1) if self._packets else picture
                self._buffer = picture
        return self._picture


def _open(job: Job) -> cv2.VideoCapture:
    if not job.stream:
        _must_be_file(job.source)
    capture = cv2.VideoCapture(
        job.source,
        cv2.CAP_FFMPEG,
        [
            *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _TIMEOUT_MS),
            *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, _TIMEOUT_MS),
            *(cv2.CAP_PROP_N_THREADS, 1),
        ],
    )
    if not capture.isOpened():
        if job.stream:
            raise NoPicture(
                f"no stream from {shown(job.source)}; check address, password and network"
            )
        raise NoPicture(f"{job.source} is no video that can be decoded")
    return capture


def _must_be_file(source: str) -> None:
    path = Path(source)
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise NoPicture(f"{source} is empty")
    except OSError as error:
        raise NoPicture(f"{source} can not be read: {error.strerror}") from None


def _four(code: float) -> str:
    """A four-character code as text."""
    return (int(code) & 0xFFFFFFFF).to_bytes(4, "little").decode("latin-1").strip("\0 ")
