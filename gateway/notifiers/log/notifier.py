"""The notifier ``log``: one structured line per message, for a screen, a test or a first day."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec
import structlog

from gateway.model import Notification, Receipt
from gateway.notifiers.log.options import Options
from gateway.ports import Clock, Unavailable

_log = structlog.get_logger("notify")


class Notifier:
    """It can not refuse; a full disk is ``Unavailable``."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self.name = name
        self._file = options.file

    async def tell(self, notification: Notification) -> Receipt:
        """Return when the line is logged and, where a file is wanted, on disk.

        The phone number stays out of the log; the file has the whole message.
        """
        if notification.silent:
            return Receipt(await self.check())
        if self._file is not None:
            line = msgspec.json.encode(notification) + b"\n"
            await asyncio.to_thread(self._append, self._file, line)
        _log.info(
            "person_told",
            notifier=self.name,
            key=notification.key,
            incident=notification.incident,
            purpose=notification.purpose,
            person=notification.name,
            severity=notification.severity,
            category=notification.category,
            place=notification.place,
            title=notification.title,
            text=notification.text,
        )
        return Receipt(f"written to {self._file}" if self._file else "written to the log")

    async def check(self) -> str:
        """Say that the file can be written."""
        if self._file is None:
            return "the log is always there"
        await asyncio.to_thread(self._append, self._file, b"")
        return f"{self._file} can be written"

    def _append(self, path: Path, line: bytes) -> None:
        """One write of a whole line, synced: a reader never sees half of one."""
        try:
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                before = os.fstat(handle).st_size
                if os.write(handle, line) != len(line):
                    os.ftruncate(handle, before)
                    raise Unavailable(f"notifier {self.name}: no room for a line in {path}")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise Unavailable(f"notifier {self.name}: {path}: {error.strerror}") from None
