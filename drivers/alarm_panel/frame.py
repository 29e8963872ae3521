r"""Frames of SIA DC-09: bytes to header and content, and the answers. Pure.

    LF crc 0LLL "id" seq [Rrcvr] Lpref #acct [data] [x…]* _HH:MM:SS,MM-DD-YYYY CR
    └ 4 hex digits (or 2 raw bytes)      └──────── length and crc count from the first quote ───┘

What real panels do differently is accepted where it can mean only one thing, and named in
``Frame.deviations``. Osborne-Hoffman's ``SR0001L0001    006969XX    [ID00000000]`` is read too.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from fastcrc.crc16 import arc

from drivers.alarm_panel.stream import MORE, Step

MAX_FRAME: Final = 4_160
"""Bytes: the length has three hex digits, and a little for what stands before the quote."""
OH: Final = "OH"
"""The token given to an Osborne-Hoffman line."""

_HEAD: Final = re.compile(rb'[0-9A-Fa-f]{8}"|\n..[0-9A-Fa-f]{4}"|SR[0-9]{1,6}L[0-9]', re.DOTALL)
_LOOK: Final = 10
"""Bytes at the buffer's end that may be the beginning of a head."""
_END: Final = re.compile(rb"[\r\n]")
_OH_END: Final = re.compile(rb"[\]\r\n]")
_MAX_OH: Final = 256
_BODY: Final = re.compile(
    rb'"(?P<star>\*?)(?P<token>[A-Za-z0-9_ -]{1,16})"'
    rb" *+(?P<seq>[0-9]{1,4})?(?P<echo>"
    rb" *+(?:[Rr](?P<receiver>[0-9A-Fa-f]{0,16}))?"
    rb" *+(?P<l>[Ll](?P<line>[0-9A-Fa-f]{0,16}))?"
    rb" *+(?P<hash>#)? *+(?P<account>[0-9A-Fa-f]{1,16})?) *+\[(?P<rest>.*)",
    re.DOTALL,
)
_OH: Final = re.compile(
    rb"SR(?P<receiver>[0-9]{1,6})L(?P<line>[0-9]{1,6}) ++(?P<account>[0-9A-Za-z]{1,16}) *+"
    rb"\[(?P<rest>[^\]]*)\]"
)


class Frame(NamedTuple):
    """One message. ``rest`` is what follows the first ``[``, still encrypted if it was."""

    token: str
    encrypted: bool
    seq: str
    """As sent; 0000 where there is none."""
    echo: bytes
    """Receiver, line and account as they were sent: an answer repeats them."""
    receiver: str
    line: str
    account: str
    """Upper case; "" where the header names none."""
    rest: bytes
    binary: bool
    """The CRC stands as two raw bytes, and will in the answer."""
    crc: tuple[int, int] | None
    """(stated, computed) where they differ."""
    deviations: tuple[str, ...]


def next_frame(buffer: bytes) -> Step:
    """The step of ``stream.Cutter`` for DC-09 over TCP."""
    head = _HEAD.search(buffer)
    if head is None:
        stray = len(buffer) - _LOOK
        return Step(stray, garbage="no beginning of a message") if stray > 0 else MORE
    if head.start() > 0:
        return Step(head.start(), garbage="no beginning of a message")
    if buffer.startswith(b"S"):
        return _next_oh(buffer)
    found = _END.search(buffer, head.end(), MAX_FRAME + 1)
    if found is not None:
        return Step(found.start(), buffer[: found.start()])
    if len(buffer) <= MAX_FRAME:
        return MORE
    return Step(MAX_FRAME, garbage=f"no end of a message within {MAX_FRAME} bytes")


def _next_oh(buffer: bytes) -> Step:
    found = _OH_END.search(buffer, 0, _MAX_OH)
    if found is not None and found[0] == b"]":
        return Step(found.end(), buffer[: found.end()])
    if found is None and len(buffer) < _MAX_OH:
        return MORE
    return Step(found.start() if found else _MAX_OH, garbage="half an Osborne-Hoffman line")


def parse(raw: bytes) -> Frame:
    """``raw`` from CRC to timestamp, CR and LF may stand around it. ValueError: what is wrong."""
    if len(raw) > MAX_FRAME:
        raise ValueError(f"a message of {len(raw):,} bytes; {MAX_FRAME:,} are the limit")
    if (found := _OH.search(raw)) is not None and b'"' not in raw:
        return _osborne(found)
    raw = raw.rstrip(b"\0 \r\n")
    head = _HEAD.search(raw)
    if head is None:
        raise ValueError('no beginning of a message: CRC, length and "id" are expected')
    body = raw[head.end() - 1 :]
    found = _BODY.match(body)
    if found is None:
        raise ValueError("the header can not be read")
    binary = head[0].startswith(b"\n")
    stated = head[0][1:3] if binary else head[0][:4]
    crc, sent = crc16(body), int.from_bytes(stated) if binary else int(stated, 16)
    return Frame(
        found["token"].decode().strip().upper(),
        bool(found["star"]),
        (found["seq"] or b"0000").decode(),
        found["echo"].strip(),
        (found["receiver"] or b"").decode().upper(),
        (found["line"] or b"").decode().upper(),
        (found["account"] or b"").decode().upper(),
        found["rest"],
        binary,
        None if crc == sent else (sent, crc),
        tuple(_deviations(head[0], body, found, binary)),
    )


def _osborne(found: re.Match[bytes]) -> Frame:
    return Frame(
        OH,
        False,
        "0000",
        b"",
        found["receiver"].decode(),
        found["line"].decode(),
        found["account"].decode().upper(),
        found["rest"] + b"]",
        False,
        None,
        (),
    )


def _deviations(head: bytes, body: bytes, found: re.Match[bytes], binary: bool) -> list[str]:
    """The names of what the message does otherwise than the standard says."""
    names = ["binary_crc"] if binary else []
    if not binary and head != head.upper():
        names.append("lower_case")
    stated = head[-5:-1]
    if int(stated, 16) != len(body):
        decimal = stated.isdigit() and int(stated) == len(body)
        names.append("decimal_length" if decimal else "length")
    if found["token"] != found["token"].strip().upper():
        names.append("token")
    if found["seq"] is None or len(found["seq"]) < 4:
        names.append("sequence")
    if found["l"] is None:
        names.append("no_line")
    elif not found["line"]:
        names.append("bare_line")
    if found["account"] is None:
        names.append("no_account")
    elif found["hash"] is None:
        names.append("no_hash")
    elif found["account"] != found["account"].upper():
        names.append("lower_case_account")
    if b" " in found["echo"]:
        names.append("spaces")
    return names


# --- answers ----------------------------------------------------------------------------


def answer(frame: Frame, word: str, content: bytes = b"[]") -> bytes:
    """``word`` ("ACK", "*ACK", "DUH") with the header of ``frame``, in its form."""
    if frame.token == OH:
        return b'"ACK"' if word == "ACK" else b""  # this framing knows no other answer
    body = f'"{word}"{frame.seq}'.encode() + frame.echo + content
    return framed(body, binary=frame.binary)


def nak(stamp: str, *, binary: bool = False) -> bytes:
    """The panel's clock is wrong (DC-09 5.5.1.9): our UTC time, never encrypted."""
    return framed(b'"NAK"0000R0L0A0[]' + stamp.encode(), binary=binary)


def framed(body: bytes, *, binary: bool = False) -> bytes:
    """``body`` with CRC and length between LF and CR."""
    crc = crc16(body)
    head = crc.to_bytes(2) if binary else b"%04X" % crc
    return b"\n" + head + b"%04X" % len(body) + body + b"\r"


def crc16(data: bytes) -> int:
    """CRC-16/ARC: 0xBB3D for ``123456789``."""
    return arc(data)
