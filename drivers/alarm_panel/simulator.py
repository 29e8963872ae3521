"""A burglar and fire panel that calls us over TCP, waits for each ACK, and begins again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from drivers.alarm_panel.content import stamp_text
from drivers.alarm_panel.frame import framed
from gateway.ports import Clock
from gateway.simulate import free_port

_ACCOUNT: Final = "1234"
_HOST: Final = "127.0.0.1"
_GAP: Final = 0.3
_AGAIN: Final = 0.2
"""Seconds before the next try while nobody listens."""
_STORY: Final = (
    ("NULL", ""),
    ("ADM-CID", "#1234|1111 01 003"),
    ("ADM-CID", "#1234|3111 01 003"),
    ("SIA-DCS", "#1234|Nri1/BA005^HALL PIR^"),
    ("SIA-DCS", "#1234|Nri1/BR005^HALL PIR^"),
    ("ADM-CID", "#1234|1383 01 006"),
    ("ADM-CID", "#1234|3383 01 006"),
    ("ADM-CID", "#1234|1602 00 000"),
    ("SIA-DCS", "#1234|NXT007"),
    ("SIA-DCS", "#1234|Nid002/CL"),
    ("SIA-DCS", "#1234|Nid002/OP"),
)
"""Link test, smoke, intrusion, tamper, periodic test, low battery, closing and opening."""


@asynccontextmanager
async def simulator(wanted: Mapping[str, Any], clock: Clock) -> AsyncIterator[dict[str, Any]]:
    """A panel that calls a free port; yields the options that listen there."""
    port = free_port()
    calling = asyncio.create_task(_call(port, clock))
    try:
        accounts = [{"account": _ACCOUNT, "supervise": "30s"}]
        yield {"dc09": {"host": _HOST, "tcp_port": port, "accounts": accounts}}
    finally:
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)


async def _call(port: int, clock: Clock) -> None:
    while True:
        try:
            reader, writer = await asyncio.open_connection(_HOST, port)
        except OSError:
            await clock.sleep(_AGAIN)
            continue
        try:
            await _report(reader, writer, clock)
        except (OSError, EOFError):
            await clock.sleep(_AGAIN)
        finally:
            writer.close()


async def _report(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clock: Clock) -> None:
    """The story, one message after the other's answer, until the line breaks."""
    number = 0
    while True:
        for word, data in _STORY:
            number = 0 if word == "NULL" else number % 9_999 + 1
            now = stamp_text(clock.now().wall)
            writer.write(framed(f'"{word}"{number:04}L0#{_ACCOUNT}[{data}]{now}'.encode()))
            await reader.readuntil(b"\r")
            await clock.sleep(_GAP)
