"""Published Modbus exchanges: what we would send, and what we make of the answers.

The expectation is read here from the bytes by the frame tables of the standard, and from the
vector's own words where they name a value; the decoder under test has no part in it.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.framer import FramerAscii, FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU

from drivers.modbus.decode import value_of
from drivers.modbus.points import Point
from drivers.modbus.wire import answer_to, asked
from tests.vectors import Outcome

FILES: Final = ("protocols/modbus/*.json",)
KNOWN: Final[dict[tuple[str, str], str]] = {}

_FRAMERS: Final = {"rtu": FramerRTU, "ascii": FramerAscii, "mbap": FramerSocket}
_BITS, _WORDS, _WRITES = (1, 2), (3, 4), (5, 6, 15, 16)
_ORDERS: Final = {
    "BYTEORDER_BIG_SWAP": "BADC",
    "BYTEORDER_LITTLE_SWAP": "CDAB",
    "BYTEORDER_LITTLE": "DCBA",
    "BYTEORDER_BIG": "ABCD",
}
_VALUE: Final = re.compile(
    r"read_register\((0x[0-9A-Fa-f]+|\d+)(?:, (\d))?\).*Response value (-?[\d.]+)", re.DOTALL
)


class Verdict(NamedTuple):
    """How one exchange ended; ``skipped`` goes before ``wrong``."""

    skipped: str = ""
    wrong: str = ""


class Asks(ModbusClientMixin[ModbusPDU]):
    """The library's client without a line: gives the request that it would send."""

    def execute(self, no_response_expected: bool, request: ModbusPDU) -> ModbusPDU:
        return request


def outcomes(data: Path) -> Iterator[Outcome]:
    """One for each exchange, or for each single frame."""
    for path in sorted(path for glob in FILES for path in data.glob(glob)):
        source = path.relative_to(data).as_posix()
        content = json.loads(path.read_text(encoding="utf-8"))
        for case, verdict in judged(content):
            if verdict.skipped:
                yield Outcome(source, case, "not claimed", verdict.skipped)
            elif verdict.wrong:
                yield Outcome(source, case, "failed", verdict.wrong)
            else:
                yield Outcome(source, case, "passed")


def judged(content: dict[str, Any]) -> Iterator[tuple[str, Verdict]]:
    """Of a file of exchanges (``vectors``), or of frames by framing (``rtu``, ``tcp``)."""
    for number, vector in enumerate(content.get("vectors", [])):
        yield f"{vector.get('kind', '?')} {number}", exchange(vector)
    for kind, framing in (("rtu", "rtu"), ("tcp", "mbap")):
        for number, vector in enumerate(content.get(kind, [])):
            raw = bytes.fromhex(vector["frame_hex"])
            yield f"{kind} {number} {vector['frame_hex']}", single(raw, framing)


def exchange(vector: dict[str, Any]) -> Verdict:
    """A question and what came back."""
    framing = vector.get("kind", "")
    if framing == "ascii":
        question, answer = (vector[name].encode() for name in ("request", "response"))
    elif framing == "rtu":
        question, answer = (
            bytes.fromhex(vector[f"{name}_hex"]) for name in ("request", "response")
        )
    else:
        return Verdict(f"a framing that no driver has: {framing}")
    parsed = body(question, framing)
    if parsed is None:
        return Verdict("the question is no Modbus frame")
    unit, pdu = parsed
    if pdu[0] not in (*_BITS, *_WORDS, *_WRITES):
        return Verdict("a function that the driver never asks for")
    good = "GOOD" in vector.get("table", "GOOD") and answer_is_right(unit, pdu, answer, framing)
    if good and (wrong := same_question(unit, pdu, question, framing)) is not None:
        return wrong
    found = heard(question, answer, framing)
    if not good:
        return Verdict(wrong=f"taken: {found}" if found is not None else "")
    if found is None:
        return Verdict(wrong="a right answer was not taken")
    return same_content(pdu, found, answer, framing, vector.get("comment", ""))


def single(raw: bytes, framing: str) -> Verdict:
    """A frame alone: a question that we must send so, or an answer to the question it fits."""
    parsed = body(raw, framing)
    if parsed is None:
        return Verdict("no whole frame")
    unit, pdu = parsed
    function = pdu[0] & 0x7F
    if function not in (*_BITS, *_WORDS, *_WRITES):
        return Verdict("a function that the driver never asks for")
    if pdu[0] & 0x80:
        return exception(unit, pdu, raw, framing)
    if function in (*_BITS, *_WORDS) and len(pdu) != 2 + pdu[1]:
        found = same_question(unit, pdu, raw, framing)
        return found or Verdict()
    if function in _WRITES:
        return same_question(unit, pdu, raw, framing) or Verdict()
    count = pdu[1] * 8 if function in _BITS else pdu[1] // 2
    question = framed(unit, bytes([function]) + struct.pack(">HH", 0, count), raw, framing)
    heard_pdu = heard(question, raw, framing)
    if heard_pdu is None:
        return Verdict(wrong="a right answer was not taken")
    if framing == "rtu" and heard(question, raw[:-1] + bytes([raw[-1] ^ 1]), framing) is not None:
        return Verdict(wrong="taken with a wrong CRC")
    return same_content(pdu, heard_pdu, raw, framing, "")


def exception(unit: int, pdu: bytes, raw: bytes, framing: str) -> Verdict:
    """Its code arrives."""
    question = framed(unit, bytes([pdu[0] & 0x7F]) + struct.pack(">HH", 0, 1), raw, framing)
    found = heard(question, raw, framing)
    code = getattr(found, "exception_code", None)
    return Verdict(wrong="" if code == pdu[1] else f"exception {code}, not {pdu[1]}")


def heard(question: bytes, answer: bytes, framing: str) -> Any:
    """The way of the driver: the answer among the bytes, then the library's own framer."""
    wanted = asked(question, framing)
    if wanted is None:
        return None
    frame = answer_to(wanted, framing, answer)
    framer = _FRAMERS[framing](DecodePDU(False))
    tid = int.from_bytes(wanted.tid, "big")
    return framer.handleFrame(frame, wanted.unit, tid)[1] if frame else None


def same_question(unit: int, pdu: bytes, raw: bytes, framing: str) -> Verdict | None:
    """None when we would send just these bytes for what they ask."""
    function = pdu[0]
    if len(pdu) < 5:
        return Verdict("a question without address and count")
    address, value = struct.unpack(">HH", pdu[1:5])
    client: Any = Asks()
    if function in (*_BITS, *_WORDS):
        names = {
            1: "read_coils",
            2: "read_discrete_inputs",
            3: "read_holding_registers",
            4: "read_input_registers",
        }
        request = getattr(client, names[function])(address, count=value, device_id=unit)
    elif function == 5:
        request = client.write_coil(address, value == 0xFF00, device_id=unit)
    elif function == 6:
        request = client.write_register(address, value, device_id=unit)
    elif value != 1 or len(pdu) < 7:
        return Verdict("several places written at once: the driver writes one")
    elif function == 15:
        request = client.write_coils(address, [bool(pdu[6])], device_id=unit)
    else:
        request = client.write_registers(address, [int.from_bytes(pdu[6:8], "big")], device_id=unit)
    if framing == "mbap":
        request.transaction_id = int.from_bytes(raw[:2], "big")
    sent = _FRAMERS[framing](DecodePDU(False)).buildFrame(request)
    # a frame of the vectors may have stray bytes behind it
    return None if raw.startswith(sent) else Verdict(wrong=f"we would send {sent.hex()}")


def same_content(pdu: bytes, found: Any, answer: bytes, framing: str, comment: str) -> Verdict:
    """The registers or bits, and the value that the vector's words name."""
    if pdu[0] in _WRITES:
        return Verdict()
    parsed = body(answer, framing)
    content = parsed[1][2:] if parsed is not None else b""
    if pdu[0] in _BITS:
        bits = [bool(content[n // 8] >> n % 8 & 1) for n in range(len(content) * 8)]
        return Verdict(wrong="" if found.bits[: len(bits)] == bits else f"bits {found.bits}")
    words = list(struct.unpack(f">{len(content) // 2}H", content))
    if found.registers != words:
        return Verdict(wrong=f"registers {found.registers}, not {words}")
    for point, wanted in named_values(words, content, comment):
        value = value_of(point, found.registers)
        if value != wanted:
            return Verdict(wrong=f"{value}, not {wanted}")
    return Verdict()


def named_values(words: list[int], content: bytes, comment: str) -> Iterator[tuple[Point, Any]]:
    """What the comment calls the answer, and its value by that name."""
    told = _VALUE.search(comment)
    if told is not None and len(words) == 1:
        scale = 10.0 ** -int(told[2] or 0)
        yield point(scale=scale), float(told[3])
    order = next((name for name in _ORDERS if name in comment), "BYTEORDER_BIG")
    plain = content
    if order.endswith("SWAP") or order == "BYTEORDER_LITTLE":
        swapped = b"".join(content[n : n + 2][::-1] for n in range(0, len(content), 2))
        plain = swapped if order == "BYTEORDER_BIG_SWAP" else content[::-1]
        plain = swapped[::-1] if order == "BYTEORDER_LITTLE_SWAP" else plain
    for word, kinds in (
        ("long", {2: ("u32", ">I"), 4: ("u64", ">Q")}),
        ("float", {2: ("f32", ">f"), 4: ("f64", ">d")}),
    ):
        if f"Read {word}" in comment and len(words) in kinds:
            kind, form = kinds[len(words)]
            wanted = float(struct.unpack(form, plain)[0])
            yield point(type=kind, order=_ORDERS[order]), wanted
    if "Read string" in comment:
        yield point(type="text", count=len(words)), content.decode().rstrip("\0 ")


def point(**given: Any) -> Point:
    return Point.model_validate({"value": "extra.x", "register": 0} | given)


def answer_is_right(unit: int, pdu: bytes, answer: bytes, framing: str) -> bool:
    """By the frame table: another unit's answer is none, whatever the vector's table says."""
    parsed = body(answer, framing)
    if parsed is None or parsed[0] != unit:
        return False
    return parsed[1][0] in (pdu[0], pdu[0] | 0x80)


def body(raw: bytes, framing: str) -> tuple[int, bytes] | None:
    """Unit and PDU of a whole frame, its check right; stray bytes behind an RTU frame are let go."""
    if framing == "ascii":
        try:
            content = bytes.fromhex(raw.strip()[1:].decode("ascii"))
        except ValueError:
            return None
        return (content[0], content[1:-1]) if len(content) > 3 and not sum(content) % 256 else None
    if framing == "mbap":
        size = int.from_bytes(raw[4:6], "big")
        return (raw[6], raw[7:]) if len(raw) == 6 + size and size > 2 else None
    for end in (len(raw), len(raw) - 1):
        if end > 4 and crc(raw[: end - 2]) == raw[end - 2 : end]:
            return raw[0], raw[1 : end - 2]
    return None


def framed(unit: int, pdu: bytes, like: bytes, framing: str) -> bytes:
    """``pdu`` as a question of ``framing``; its transaction is that of ``like``."""
    if framing == "mbap":
        return like[:4] + struct.pack(">HB", len(pdu) + 1, unit) + pdu
    return bytes([unit]) + pdu + crc(bytes([unit]) + pdu)


def crc(data: bytes) -> bytes:
    """CRC-16/MODBUS bit by bit, low byte first."""
    total = 0xFFFF
    for byte in data:
        total ^= byte
        for _ in range(8):
            total = (total >> 1) ^ (0xA001 if total & 1 else 0)
    return struct.pack("<H", total)
