"""A camera without a camera: a film drawn here, in which a block crosses a yard again and again."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from gateway.ports import Clock, Unavailable

_SIZE: Final = (320, 240)
_FPS: Final = 10
_STILL: Final = 2.0
"""Seconds of an empty yard, for the background to be learnt."""
_CROSSES: Final = 3.0
"""Seconds in which the block crosses."""
_LASTS: Final = 10.0
OPTIONS: Final[dict[str, Any]] = {
    "address": "yard",
    "analyse_fps": 10,
    "learn": "1s",
    "quiet": "2s",
    "loop": True,
    "clip": {"before": "1s", "after": "2s"},
}


@asynccontextmanager
async def simulator(wanted: Mapping[str, Any], clock: Clock) -> AsyncIterator[dict[str, Any]]:
    """A file that plays at its own speed; yields the options that read it."""
    with tempfile.TemporaryDirectory(prefix="gridwarden-") as folder:
        path = Path(folder, "yard.mp4")
        try:
            _draw(path)
        except ImportError as error:
            raise Unavailable(
                f"{error.name} is missing: pip install 'gridwarden[camera]'"
            ) from None
        yield OPTIONS | {"source": str(path)}


def _draw(path: Path) -> None:
    """H.264, a few hundred kilobytes."""
    import av

    with av.open(str(path), "w") as box:
        options = {"preset": "ultrafast", "bf": "0", "threads": "1"}
        stream = box.add_stream("libx264", rate=_FPS, options=options)
        stream.width, stream.height = _SIZE
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = _FPS
        for picture in _pictures():
            box.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="gray")))
        box.mux(stream.encode())


def _pictures() -> Iterator[Any]:
    """Grey arrays, rows first."""
    import numpy as np

    width, height = _SIZE
    random = np.random.default_rng(7)
    y, x = np.mgrid[0:height, 0:width]
    yard = 110 + 40 * np.sin(x / 17) * np.cos(y / 23) + 20 * ((x // 40 + y // 30) % 2)
    for number in range(int(_LASTS * _FPS)):
        picture = yard + random.normal(0, 2, yard.shape)
        way = (number / _FPS - _STILL) / _CROSSES
        if 0 <= way < 1:
            left = int(20 + way * (width - 70))
            picture[150:200, left : left + 30] = 245
        yield np.clip(picture, 0, 255).astype(np.uint8)
