"""What kind of picture or clip a stored piece of evidence is, by its first bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_MEDIA: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
)
CLIP: Final = "video/mp4"
"""What is shown in a page: these pictures, and clips; anything else is offered for download."""


def media_type(path: Path) -> str | None:
    """The type by the first bytes; None when the file can not be read."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError:
        return None
    if start[4:8] == b"ftyp":
        return CLIP
    return next((m for magic, m in _MEDIA if start.startswith(magic)), "application/octet-stream")
