"""The camera driver's options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from gateway.options import Duration, PluginOptions, Secret, beside_the_file

_STREAM: Final = re.compile(r"(rtsps?|https?)://", re.IGNORECASE)
_DEVICES: Final = "/dev/"
_WITH_PASSWORD: Final = re.compile(r"[a-z]+://[^/]*@", re.IGNORECASE)

Fraction = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Fraction, Fraction]
Polygon = Annotated[list[Point], Field(min_length=3, max_length=64)]
"""Corners as [x, y] in parts of the picture's width and height: they survive a new resolution."""


class Region(BaseModel):
    """A named part of the picture; its name becomes the reading's ``zone``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=64)
    polygon: Polygon


class Snapshot(BaseModel):
    """The picture that goes with an event."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    quality: int = Field(80, ge=10, le=100)
    max_width: int = Field(1280, ge=64, le=4096)


class Clip(BaseModel):
    """A film of the event, without re-encoding: H.264 only, at most 5 MB."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    before: Annotated[Duration, Field(ge=0, le=30)] = 5.0
    after: Annotated[Duration, Field(ge=1, le=30)] = 5.0


class Blind(BaseModel):
    """How long a camera must see nothing before it is trouble; 0s: never is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Duration = 20.0
    """Covered, dazzled or dark."""
    turned_after: Duration = 60.0
    frozen_after: Duration = 60.0


class Onvif(BaseModel):
    """The camera's own detectors, by ONVIF PullPoint."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    url: str = Field(max_length=512)
    user: str = Field("", max_length=128)
    password: Secret | None = None
    token: str = Field("", max_length=128)
    """Of a recorder's channels only this one: its video source token."""
    hold: Annotated[Duration, Field(gt=0)] = 120.0
    """Motion whose end is not told ends after so long."""
    pulse: Annotated[Duration, Field(gt=0)] = 10.0
    """What has no end, as a line that is crossed, lasts so long."""
    pull: Annotated[Duration, Field(ge=1, le=60)] = 30.0
    """How long the camera may wait with its answer; the standard's least is 60 s at the most."""
    verify_tls: bool = True

    @field_validator("url")
    @classmethod
    def _whole(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            named = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            named = False
        if not named:
            raise ValueError("onvif.url is http://ADDRESS or https://ADDRESS of the camera")
        if "@" in parts.netloc:
            raise ValueError("onvif.url must not hold a password; write onvif.user and password")
        path = parts.path if parts.path.strip("/") else "/onvif/device_service"
        return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


class Options(PluginOptions):
    """One camera: its pictures (``source`` or ``url``), its own events (``onvif``), or both."""

    model_config = ConfigDict(hide_input_in_errors=True)  # a refused source may hold a password

    source: str = Field("", max_length=1024)
    """A video file, a camera of this machine (/dev/video0), or an address without a password."""
    url: Secret | None = None
    """A stream's address that holds a password."""
    address: str = Field("camera", min_length=1, max_length=128)
    """The device's address in the registry."""
    analyse_fps: float = Field(5.0, gt=0, le=60)
    realtime: bool = True
    """A file plays at its own speed; False: as fast as it can be read."""
    loop: bool = False
    regions: list[Region] = Field([], max_length=32)
    masks: list[Polygon] = Field([], max_length=32)
    threshold: int = Field(30, ge=1, le=255)
    """Grey levels by which a point has to differ from the background."""
    min_area: float = Field(0.002, gt=0, le=1)
    """Fraction of the picture that one moving thing has to cover."""
    min_duration: Duration = 0.6
    quiet: Duration = 5.0
    learn: Duration = 5.0
    lightning: float = Field(0.8, gt=0, le=1)
    """When more than this fraction changes at once it was the light, not an intruder."""
    snapshot: Snapshot = Snapshot()
    clip: Clip | None = None
    """None: no films. They wear out a memory card that keeps every event."""
    blind: Blind | None = None
    """None: watched with the defaults when pictures come live, not in a recording."""
    onvif: Onvif | None = None
    hung_after: Duration = 15.0
    """A worker that says nothing for so long is killed; above the 5 s of a stream's time-out."""

    @field_validator("source")
    @classmethod
    def _beside_the_file(cls, source: str, info: ValidationInfo) -> str:
        if not source or "://" in source:
            return source
        return str(beside_the_file(Path(source), info))

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        both = self.source and self.url is not None
        if both or not (self.source or self.url or self.onvif):
            raise ValueError(
                "write either source (a file or a stream) or url (a secret), or onvif alone"
            )
        if _WITH_PASSWORD.match(self.source):
            raise ValueError(
                "source must not hold a password; write url: {file: PATH} with the whole address"
            )
        if "://" in self.source and not _STREAM.match(self.source):
            raise ValueError("source is a file, or an address with rtsp, rtsps, http or https")
        return self

    @property
    def is_stream(self) -> bool:
        """Whether pictures come by the network."""
        return self.url is not None or bool(_STREAM.match(self.source))

    @property
    def is_device(self) -> bool:
        """Whether it is a camera of this machine."""
        return self.source.startswith(_DEVICES)

    @property
    def has_pictures(self) -> bool:
        """Whether there is anything to look at; else the camera's own events are all."""
        return bool(self.source) or self.url is not None

    @property
    def watched(self) -> Blind:
        """What counts as a camera that sees nothing."""
        if self.blind is not None:
            return self.blind
        if self.is_stream or self.is_device:
            return Blind()
        return Blind(after="0s", turned_after="0s", frozen_after="0s")
