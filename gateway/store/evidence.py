"""Snapshots and clips, aside from the journal: written, synced, renamed, named by their digest."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from gateway.model import Evidence

_P = ParamSpec("_P")
_T = TypeVar("_T")

_EXTENSIONS: Final = {"image/jpeg": ".jpg", "image/png": ".png", "video/mp4": ".mp4"}
MOST_BYTES: Final = 5_000_000
"""Of one piece; a larger one is not kept."""


class EvidenceStore:
    """A folder bounded by size: the oldest pieces go first."""

    def __init__(self, folder: Path, most_bytes: int = 1_000_000_000) -> None:
        self._folder = folder
        self._most = most_bytes
        self._size = 0
        self._thread = ThreadPoolExecutor(1, "evidence")

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

    def path(self, sha256: str) -> Path | None:
        """Where a piece lies, or None if it is not (or no longer) kept."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            return None
        return next(iter(self._folder.glob(f"{sha256[:2]}/{sha256}.*")), None)

    def _open(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        for half_written in self._folder.glob("*/*.part"):
            half_written.unlink()
        return sum(path.stat().st_size for path in self._folder.glob("*/*"))

    def _write(self, digest: str, piece: Evidence) -> None:
        folder = self._folder / digest[:2]
        path = folder / (digest + _EXTENSIONS.get(piece.media_type, ".bin"))
        if path.exists():
            return
        folder.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(piece.content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._size += len(piece.content)
        if self._size > self._most:
            self._let_go()

    def _let_go(self) -> None:
        """Remove the oldest pieces until a tenth is free."""
        by_age = sorted(
            ((path.stat().st_mtime_ns, path) for path in self._folder.glob("*/*")),
            key=lambda pair: pair[0],
        )
        for _, path in by_age:
            if self._size <= self._most * 0.9:
                return
            with contextlib.suppress(FileNotFoundError):
                size = path.stat().st_size
                path.unlink()
                self._size -= size

    async def _do(self, function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, partial(function, *arguments, **named)
        )
