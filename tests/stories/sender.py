"""An MQTT client that publishes at QoS 1 and waits for each PUBACK: what a sensor's bridge does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from types import TracebackType
from typing import Any, Self


class Sender:
    """Enter it before use."""

    def __init__(self, port: int, name: str = "sender") -> None:
        self._port = port
        self._name = name.encode()
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._write(0x10, b"\x00\x04MQTT\x04\x02\x00\x00" + _text(self._name))
        assert await self._reader.readexactly(4) == b"\x20\x02\x00\x00"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):  # the broker was killed
            await self._writer.wait_closed()

    async def send(self, topic: str, payload: Any, *, retain: bool = False) -> None:
        """Publish bytes as they are, anything else as JSON; the broker has it when this returns."""
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self._write(0x32 | retain, _text(topic.encode()) + b"\x00\x01" + raw)
        assert await self._reader.readexactly(4) == b"\x40\x02\x00\x01"

    def _write(self, first: int, body: bytes) -> None:
        length, head = len(body), bytearray([first])
        while True:
            length, low = divmod(length, 128)
            head.append(low | 128 if length else low)
            if not length:
                break
        self._writer.write(bytes(head) + body)


def _text(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text
