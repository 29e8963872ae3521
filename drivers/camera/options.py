"""The camera driver's options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from gateway.options import Duration, PluginOptions, Secret, beside_the_file

_STREAM: Final = re.compile(r"(rtsps?|https?)://", re.IGNORECASE)
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


class Options(PluginOptions):
    """One camera; exactly one of ``source`` and ``url``."""

    model_config = ConfigDict(hide_input_in_errors=True)  # a refused source may hold a password

    source: str = Field("", max_length=1024)
    """A video file, or a stream's address without a password."""
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
        if bool(self.source) == (self.url is not None):
            raise ValueError("write either source (a file or a stream) or url (a secret)")
        if _WITH_PASSWORD.match(self.source):
            raise ValueError(
                "source must not hold a password; write url: {file: PATH} with the whole address"
            )
        if "://" in self.source and not _STREAM.match(self.source):
            raise ValueError("source is a file, or an address with rtsp, rtsps, http or https")
        return self

    @property
    def is_stream(self) -> bool:
        """Whether pictures come live: then nothing is paced, looped or sought."""
        return self.url is not None or bool(_STREAM.match(self.source))
