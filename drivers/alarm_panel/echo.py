"""The canary's report to a DC-09 port: called as a panel calls, over a real socket.

    "CANARY"0000L0#0[TOKEN]   in the frame of the standard, with CRC and length

Anybody may call with such a message: the receiver passes its token on, and the door refuses what
was not sent.
"""

from __future__ import annotations

import asyncio
import os
import re
from typing import Final

from drivers.alarm_panel.frame import framed
from gateway.model import CANARY, CANARY_DEVICE, Reading
from gateway.ports import Unavailable

WORD: Final = "CANARY"
"""The id token of the message; the standard knows none of that name."""
_TOKEN: Final = re.compile(rb"([0-9a-f]{1,64})\]")
_ANSWER_WITHIN: Final = 10.0
"""Seconds for the call and the answer: it comes when the report is on disk."""
_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what is listened on


async def call(host: str, port: int, token: str) -> None:
    """Returned: it was answered. ``Unavailable`` else. ``host`` is what is listened on."""
    where = _LOOPBACK.get(host, host)
    message = framed(f'"{WORD}"0000L0#0[{token}]'.encode())
    try:
        async with asyncio.timeout(_ANSWER_WITHIN):
            reader, writer = await asyncio.open_connection(where, port)
            try:
                writer.write(message)
                await reader.readuntil(b"\r")
            finally:
                writer.transport.abort()
    except TimeoutError:
        raise Unavailable(
            f"port {port} of {where} does not answer within {_ANSWER_WITHIN:.0f} s"
        ) from None
    except (OSError, EOFError) as error:
        number = getattr(error, "errno", None) or 0
        why = os.strerror(number) if number > 0 else "it hung up"
        raise Unavailable(f"port {port} of {where}: {why}") from None


def canary(rest: bytes) -> Reading:
    """What follows the first ``[``. ValueError: there is no token."""
    if (found := _TOKEN.match(rest)) is None:
        raise ValueError("a report of the canary without its token")
    return Reading(CANARY_DEVICE, "gateway", {CANARY: True}, key=found[1].decode())
