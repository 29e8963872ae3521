"""What kind of picture, clip or document a stored piece of evidence is, by its first bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_MEDIA: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"%PDF-", "application/pdf"),
)
CLIP: Final = "video/mp4"
_SHOWN: Final = ("image/jpeg", "image/png", CLIP)
"""What is shown in a page; anything else is offered for download."""


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


def headers(media: str) -> dict[str, str]:
    """Of an answer that is a piece of evidence: nothing in it is ever run."""
    found = {"Content-Type": media, "Content-Security-Policy": "default-src 'none'; sandbox"}
    if media not in _SHOWN:
        found["Content-Disposition"] = "attachment"
    if media == "application/pdf":  # a phone opens it by its name
        found["Content-Disposition"] = 'attachment; filename="evidence.pdf"'
    return found
