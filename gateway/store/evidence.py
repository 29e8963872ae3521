"""Snapshots, clips and what people attach: written, synced, renamed, named by their digest.

A file is kept bit by bit as it was handed over, EXIF included: it is evidence, its digest is in
the chain of its incident, and the camera's original must have the same. Nothing here opens or
interprets it. It goes when room is needed, and its digest is noted then.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, ParamSpec, TypeVar

from gateway.model import Evidence
from gateway.ports import Refused

_P = ParamSpec("_P")
_T = TypeVar("_T")

_EXTENSIONS: Final = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "video/mp4": ".mp4",
    "application/pdf": ".pdf",
}
MOST_BYTES: Final = 5_000_000
"""Of one snapshot or clip; a larger one is not kept."""
MOST_ATTACHED: Final = 20_000_000
"""Bytes of one file that a person attaches: a minute of video from a phone, any photo."""
_UPLOADS: Final = 4
"""At once: the disk and the memory of a small board."""
_START: Final = 16
_HALF: Final = ".part"
_LET_GO: Final = "let-go.log"
_MOST_LINES: Final = 50_000
"""Digests remembered of what went for want of room."""
_LINE: Final = 65
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class TooLarge(Refused):
    """More than ``MOST_ATTACHED``."""


class Attached(NamedTuple):
    """A file that a person handed over."""

    sha256: str
    media_type: str
    size: int


class EvidenceStore:
    """A folder bounded by size: the oldest pieces go first."""

    def __init__(self, folder: Path, most_bytes: int = 1_000_000_000) -> None:
        self._folder = folder
        self._most = most_bytes
        self._size = 0
        self._thread = ThreadPoolExecutor(1, "evidence")
        self._uploads = asyncio.Semaphore(_UPLOADS)

    async def __aenter__(self) -> EvidenceStore:
        self._size = await self._do(self._open)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._thread.shutdown()

    async def keep(self, piece: Evidence) -> Evidence:
        """Store ``content`` durably; the reference without it. Raises OSError."""
        digest = hashlib.sha256(piece.content).hexdigest()
        await self._do(self._write, digest, piece)
        return Evidence(piece.media_type, digest, len(piece.content))

    async def take(self, blocks: AsyncIterator[bytes]) -> Attached:
        """Store what a person attaches as it comes; returned: it is on disk.

        JPEG, PNG, MP4 and PDF by their first bytes, ``MOST_ATTACHED`` at most. Raises ``Refused``
        for anything else, and ``OSError``. Whoever breaks off leaves nothing behind.
        """
        async with self._uploads:
            part = self._folder / f"{secrets.token_hex(16)}{_HALF}"
            file = await self._do(part.open, "wb")
            try:
                return await self._received(blocks, part, file)
            finally:
                await asyncio.shield(self._do(_discard, part, file))

    async def _received(self, blocks: AsyncIterator[bytes], part: Path, file: BinaryIO) -> Attached:
        digest, start, size = hashlib.sha256(), b"", 0
        async for block in blocks:
            size += len(block)
            if size > MOST_ATTACHED:
                raise TooLarge(f"an attachment may have {MOST_ATTACHED // 1_000_000} MB")
            start = (start + block)[:_START] if len(start) < _START else start
            digest.update(block)
            await self._do(file.write, block)
        media = media_type(start)
        if media is None:
            raise Refused("attach a JPEG or PNG picture, an MP4 clip or a PDF")
        await self._do(self._settle, part, file, digest.hexdigest(), media, size)
        return Attached(digest.hexdigest(), media, size)

    def _settle(self, part: Path, file: BinaryIO, digest: str, media: str, size: int) -> None:
        folder = self._folder / digest[:2]
        path = folder / (digest + _EXTENSIONS[media])
        if path.exists():
            return
        folder.mkdir(exist_ok=True)
        file.flush()
        os.fsync(file.fileno())
        part.rename(path)
        _sync_folder(folder)
        self._grow(size)

    def path(self, sha256: str) -> Path | None:
        """Where a piece lies, or None if it is not (or no longer) kept."""
        return find(self._folder, sha256)

    def _open(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        for half_written in (*self._folder.glob(f"*{_HALF}"), *self._folder.glob(f"*/*{_HALF}")):
            half_written.unlink()
        return sum(path.stat().st_size for path in self._folder.glob("*/*"))

    def _write(self, digest: str, piece: Evidence) -> None:
        folder = self._folder / digest[:2]
        path = folder / (digest + _EXTENSIONS.get(piece.media_type, ".bin"))
        if path.exists():
            return
        folder.mkdir(exist_ok=True)
        part = path.with_suffix(_HALF)
        with part.open("wb") as file:
            file.write(piece.content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        _sync_folder(folder)
        self._grow(len(piece.content))

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > self._most:
            self._let_go()

    def _let_go(self) -> None:
        """Remove the oldest pieces until a tenth is free, and note first which ones."""
        by_age = sorted(
            ((path.stat().st_mtime_ns, path) for path in self._folder.glob("*/*")),
            key=lambda pair: pair[0],
        )
        going: list[tuple[Path, int]] = []
        for _, path in by_age:
            if self._size <= self._most * 0.9:
                break
            with contextlib.suppress(FileNotFoundError):
                size = path.stat().st_size
                going.append((path, size))
                self._size -= size
        _note(self._folder, [path.stem for path, _ in going])
        for path, _ in going:
            path.unlink(missing_ok=True)

    async def _do(self, function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, partial(function, *arguments, **named)
        )


def find(folder: Path, sha256: str) -> Path | None:
    """Where the piece with this digest lies in the store's ``folder``, if it is kept."""
    if not _SHA256.fullmatch(sha256):
        return None
    found = folder.glob(f"{sha256[:2]}/{sha256}.*")
    return next((path for path in found if path.suffix != _HALF), None)


def let_go(folder: Path) -> frozenset[str]:
    """The digests of what went for want of room, the newest ``_MOST_LINES`` of them."""
    try:
        text = (folder / _LET_GO).read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return frozenset()
    return frozenset(line for line in text.splitlines() if _SHA256.fullmatch(line))


def media_type(start: bytes) -> str | None:
    """What a file is by its first bytes, of those that people may attach."""
    if start[4:8] == b"ftyp":
        return "video/mp4"
    magics = {
        b"\xff\xd8\xff": "image/jpeg",
        b"\x89PNG\r\n\x1a\n": "image/png",
        b"%PDF-": "application/pdf",
    }
    return next((media for magic, media in magics.items() if start.startswith(magic)), None)


def _note(folder: Path, digests: Iterable[str]) -> None:
    """Before they go: after a crash one that is still there was noted for nothing."""
    path = folder / _LET_GO
    if path.exists() and path.stat().st_size > 2 * _MOST_LINES * _LINE:
        kept = path.read_text(encoding="ascii", errors="replace").splitlines()[-_MOST_LINES:]
        part = path.with_suffix(_HALF)
        part.write_text("".join(f"{line}\n" for line in kept), encoding="ascii")
        part.rename(path)
    with path.open("a", encoding="ascii") as file:
        file.writelines(f"{digest}\n" for digest in digests)
        file.flush()
        os.fsync(file.fileno())


def _discard(part: Path, file: BinaryIO) -> None:
    file.close()
    part.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
