"""Finds the answer to a question among bytes. Pure.

    bytes on the line ──▶ answer_to(question, framing) ──▶ that one frame, or nothing yet

A question's frame says everything about its answer: unit, function, how many bytes. So the answer
is found behind stray bytes (an idle RS-485 line without bias shows as 00 or FF), behind our own
echo, behind another unit's answer; a frame whose size is not what was asked is none. The library's
own framers give the whole buffer up in these cases, so they are handed the found frame alone.

MODBUS over Serial Line V1.02 (RTU: 2.5.1, ASCII: 2.5.2), MODBUS Application Protocol V1.1b3,
MODBUS Messaging on TCP/IP V1.0b (MBAP: 3.1.3).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from fastcrc.crc16 import modbus

READS_BITS: Final = (1, 2)
READS_WORDS: Final = (3, 4)
_WRITES: Final = {5: 5, 6: 5, 15: 5, 16: 5}
"""Function -> how many bytes of the question's PDU come back."""
_EXCEPTION: Final = 2
_MBAP: Final = 7
_NOT_HEX: Final = bytes(set(range(256)) - set(b"0123456789ABCDEFabcdef"))


class Asked(NamedTuple):
    """A question's unit and PDU (function and data); ``tid`` is the transaction of MBAP."""

    unit: int
    pdu: bytes
    tid: bytes = b""


def asked(question: bytes, framing: str) -> Asked | None:
    """What a frame that we send asks; None for what can not be answered."""
    if framing == "mbap":
        found = Asked(question[6], question[7:], question[:2]) if len(question) > _MBAP else None
    elif framing == "ascii":
        content = _unhex(question[1:-2])
        found = Asked(content[0], content[1:-1]) if len(content) > 2 else None
    else:
        found = Asked(question[0], question[1:-2]) if len(question) > 3 else None
    return found


def answer_to(question: Asked, framing: str, buffer: bytes) -> bytes:
    """The frame in ``buffer`` that answers, as it stands there; empty while there is none."""
    if framing == "mbap":
        return _mbap(question, buffer)
    if framing == "ascii":
        return _ascii(question, buffer)
    return _rtu(question, buffer)


def answers(question: Asked, unit: int, pdu: bytes) -> bool:
    """Whether ``pdu`` of ``unit`` is an answer to ``question``: a value or an exception."""
    function = question.pdu[0]
    if unit != question.unit or not pdu:
        return False
    if pdu[0] == function | 0x80:
        return len(pdu) == _EXCEPTION
    size = _size(question.pdu)
    if pdu[0] != function or len(pdu) != size:
        return False
    if function in _WRITES:
        return pdu == question.pdu[:size]
    return pdu[1] == size - 2


def _size(pdu: bytes) -> int:
    """Bytes of the answer's PDU; 0 for a function that we never use."""
    function = pdu[0]
    if function in _WRITES:
        return _WRITES[function]
    count = int.from_bytes(pdu[3:5], "big")
    if function in READS_BITS:
        return 2 + (count + 7) // 8
    return 2 + 2 * count if function in READS_WORDS else 0


def _rtu(question: Asked, buffer: bytes) -> bytes:
    sizes = (_size(question.pdu), _EXCEPTION)
    at = buffer.find(question.unit)
    while at >= 0:
        for size in sizes:
            end = at + 1 + size
            if (
                end + 2 <= len(buffer)
                and answers(question, question.unit, buffer[at + 1 : end])
                and crc16(buffer[at:end]) == buffer[end : end + 2]
            ):
                return buffer[at : end + 2]
        at = buffer.find(question.unit, at + 1)
    return b""


def _ascii(question: Asked, buffer: bytes) -> bytes:
    at = buffer.find(b":")
    while at >= 0:
        end = buffer.find(b"\r\n", at)
        if end < 0:
            break
        content = _unhex(buffer[at + 1 : end])
        whole = len(content) > 2 and sum(content) & 0xFF == 0
        if whole and answers(question, content[0], content[1:-1]):
            return buffer[at : end + 2]
        at = buffer.find(b":", at + 1)
    return b""


def _mbap(question: Asked, buffer: bytes) -> bytes:
    """Transaction, protocol 0, length, unit, PDU. Another transaction's answer came too late."""
    at = buffer.find(question.tid)
    while at >= 0:
        size = int.from_bytes(buffer[at + 4 : at + 6], "big")
        end = at + 6 + size
        whole = buffer[at + 2 : at + 4] == b"\0\0" and size > 1 and end <= len(buffer)
        if whole and answers(question, buffer[at + 6], buffer[at + _MBAP : end]):
            return buffer[at:end]
        at = buffer.find(question.tid, at + 1)
    return b""


def _unhex(digits: bytes) -> bytes:
    if len(digits) % 2 or digits.translate(None, _NOT_HEX) != digits:
        return b""
    return bytes.fromhex(digits.decode("ascii"))


def crc16(data: bytes) -> bytes:
    """The two bytes behind a frame, low byte first: 37 4B for ``123456789``."""
    return modbus(data).to_bytes(2, "little")
