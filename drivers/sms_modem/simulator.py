"""A modem on a line without a cable, with a card, a storage and a network of its own.

It behaves as modems do: echo until ATE0, a prompt without an end of line, numbered errors, lines
that nobody asked for in the middle of answers, a storage that is full one day.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from drivers._port import Inflow
from drivers.sms_modem.address import address, time_octets
from drivers.sms_modem.pdu import (
    HEADER,
    WIDE_HEADER,
    Outgoing,
    part_header,
    pieces_of,
    read_submit,
    user_data,
)
from gateway.ports import Clock
from gateway.simulate import SerialPair, serial_pair

CENTRE: Final = bytes.fromhex("0891683108100005F0")
_GAP: Final = 0.4
_OFFICER: Final = "+8613800138000"
_STORY: Final = (
    "1 L20260105-0007",
    "到了,3号楼2单元501厨房锅烧干了,已经关火开窗,没有人员受伤," * 3 + "住户已经通知,物业在现场",
    "2 L20260105-0007 误报 做饭",
)
_CTRL_Z, _ESC = 0x1A, 0x1B


@asynccontextmanager
async def simulator(wanted: Mapping[str, Any], clock: Clock) -> AsyncIterator[dict[str, Any]]:
    """A modem to which an officer answers; yields the port."""
    with serial_pair() as line:
        async with modem(line, clock) as made:
            telling = asyncio.create_task(_tell(made, clock))
            try:
                yield {"port": line.port}
            finally:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)


async def _tell(made: Modem, clock: Clock) -> None:
    while not made.announces:
        await clock.sleep(_GAP)
    for text in _STORY:
        await clock.sleep(_GAP)
        made.receive(_OFFICER, text)


@asynccontextmanager
async def modem(line: SerialPair, clock: Clock) -> AsyncIterator[Modem]:
    """A modem that lives while entered."""
    made = Modem(line, clock)
    living = asyncio.ensure_future(made.run())
    try:
        yield made
    finally:
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)


def delivers(
    number: str, text: str, wall: int, reference: int = 1, *, wide: bool = False
) -> list[str]:
    """``text`` of ``number`` as the network hands it over, sent at ``wall`` (ns UTC)."""
    code, pieces = pieces_of(text, WIDE_HEADER if wide else HEADER)
    made = []
    for count, piece in enumerate(pieces, 1):
        header = part_header(reference, len(pieces), count, wide) if len(pieces) > 1 else b""
        first = 0x24 | (0x40 if header else 0)
        head = bytes((first,)) + address(number) + bytes((0, code)) + time_octets(wall)
        made.append((CENTRE + head + user_data(code, header, piece)).hex().upper())
    return made


def status_report(given: int, number: str, wall: int, status: int) -> str:
    """What the network says of message ``given`` to ``number``."""
    times = time_octets(wall) * 2
    tpdu = bytes((0x06, given)) + address(number) + times + bytes((status,))
    return (CENTRE + tpdu).hex().upper()


class _Fault(Exception):
    """The command fails; ``kind`` is CME or CMS."""

    def __init__(self, kind: str, code: int) -> None:
        super().__init__(kind)
        self.kind = kind
        self.code = code


class Modem:
    """Set its attributes to make it fail."""

    def __init__(self, line: SerialPair, clock: Clock) -> None:
        self._line = line
        self._clock = clock
        self.sim = "READY"
        """Or a number of +CME ERROR, as ``"10"`` without a card."""
        self.pin = "1234"
        self.tries: int | None = 3
        """None: the modem can not say."""
        self.unlocks_after = 0
        """Questions for the card's state until it says that its PIN was right."""
        self.network = 1
        self.packet: int | None = None
        """The state of the packet side, where it is another: LTE modems know one of them."""
        self.signal = 20
        self.room = 50
        self.stored: dict[int, tuple[int, str]] = {}
        self.sent: list[Outgoing] = []
        self.raw: list[str] = []
        """The PDUs of ``sent``."""
        self.commands: list[str] = []
        self.refuse: deque[int | None] = deque()
        """For each next message: the number of a +CMS ERROR, or None to take it."""
        self.silent: set[str] = set()
        """Commands that get no answer."""
        self.unknown: set[str] = set()
        """Commands that this make does not know."""
        self.slow = 0.0
        """Seconds until the network has taken a message."""
        self.between: list[str] = []
        """Said once, in the middle of the next answer of several lines."""
        self.status: int | None = 0
        """What the network reports of each message; None: nothing."""
        self.announces = False
        self.undeletable = False
        self._reports = False
        self._echo = True
        self._errors = False
        self._taking: set[asyncio.Task[None]] = set()
        self._given = 11
        self._references = 0
        self._line_in = bytearray()
        self._pdu: bytearray | None = None
        self._length = 0

    async def run(self) -> None:
        """Answer until cancelled."""
        try:
            with Inflow(self._line.fd) as inflow:
                while True:
                    self._feed(await inflow.take())
        finally:
            for task in self._taking:
                task.cancel()
            await asyncio.gather(*self._taking, return_exceptions=True)

    def receive(self, number: str, text: str, *, wall: int | None = None) -> None:
        """A text comes for this card; what does not fit stays in the network."""
        self._references = (self._references + 1) % 256
        wall = self._clock.now().wall if wall is None else wall
        for pdu in delivers(number, text, wall, self._references):
            self.store(pdu)

    def store(self, pdu: str, state: int = 0) -> None:
        """Put a message into the storage and announce it."""
        index = next(i for i in range(1, self.room + 2) if i not in self.stored)
        if index <= self.room:
            self.stored[index] = (state, pdu)
            if self.announces:
                self.say(f'+CMTI: "SM",{index}')

    def report(self, given: int, number: str, status: int) -> None:
        """The network says what became of message ``given``."""
        pdu = status_report(given, number, self._clock.now().wall, status)
        self.say(f"+CDS: {len(pdu) // 2 - len(CENTRE)}\r\n{pdu}")

    def say(self, *lines: str) -> None:
        """Lines as a modem ends them."""
        self._line.send("".join(f"\r\n{line}\r\n" for line in lines).encode("ascii"))

    def restart(self) -> None:
        """Its power was cut: whatever it was told is forgotten."""
        self._pdu, self._echo, self._errors = None, True, False
        self.announces = self._reports = False
        self._line_in.clear()
        self._line.send(b"\xff\x00\xfe\xc0\r\nRDY\r\n")

    def _feed(self, data: bytes) -> None:
        for byte in data:
            if self._pdu is not None:
                self._take_pdu(byte)
            elif byte == ord("\r"):
                command = self._line_in.decode("ascii", "replace").strip()
                self._line_in.clear()
                if self._echo:
                    self._line.send(command.encode() + b"\r")
                if command:
                    self._answer(command)
            elif byte not in (ord("\n"), _ESC):
                self._line_in.append(byte)

    def _take_pdu(self, byte: int) -> None:
        if self._pdu is None:
            return
        if byte == _ESC:
            self._pdu = None
            self.say("OK")
        elif byte == _CTRL_Z:
            pdu, self._pdu = self._pdu.decode("ascii", "replace"), None
            task = asyncio.ensure_future(self._send_later(pdu))
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)
        else:
            self._pdu.append(byte)

    async def _send_later(self, pdu: str) -> None:
        if self.slow:
            await self._clock.sleep(self.slow)
        self._send(pdu)

    def _send(self, pdu: str) -> None:
        if "+CMGS:" in self.silent:
            return
        refused = self.refuse.popleft() if self.refuse else None
        try:
            message = read_submit(pdu)
        except ValueError:
            refused = 304
        if len(pdu) // 2 - 1 - int(pdu[:2], 16) != self._length:
            refused = 304
        if refused is None and self.network not in (1, 5):
            refused = 331
        if refused is not None:
            self._fail(_Fault("CMS", refused))
            return
        self._given = (self._given + 1) % 256
        self.sent.append(message)
        self.raw.append(pdu)
        self._interrupt()
        self.say(f"+CMGS: {self._given}", "OK")
        if message.wants_report and self._reports and self.status is not None:
            self.report(self._given, message.number, self.status)

    def _answer(self, command: str) -> None:
        self.commands.append(command)
        name = re.split(r"[=?]", command)[0]
        if name in self.silent:
            return
        if name == "AT+CMGS":
            self._length = int(command.partition("=")[2])
            self._pdu = bytearray()
            self._line.send(b"\r\n> ")
            return
        try:
            lines = self._lines(command, name)
        except _Fault as fault:
            self._fail(fault)
            return
        for line in lines:
            self.say(line)
            self._interrupt()
        self.say("OK")

    def _interrupt(self) -> None:
        said, self.between = self.between, []
        self.say(*said)

    def _lines(self, command: str, name: str) -> list[str]:
        """The lines before OK."""
        if name in self.unknown:
            raise _Fault("CME", 4)
        if name in ("AT+CPIN", "AT+CPINR"):
            return self._card(command)
        if command == "AT+CMGL=4":
            found = sorted(self.stored.items())
            return [f"+CMGL: {n},{s},,{len(p) // 2 - 9}\r\n{p}" for n, (s, p) in found]
        if name == "AT+CMGD":
            if self.undeletable:
                raise _Fault("CMS", 321)
            self.stored.pop(int(command.partition("=")[2]), None)
            return []
        if name == "AT+CNMI":
            modes = command.partition("=")[2].split(",")
            self.announces, self._reports = modes[1] == "1", modes[3] == "1"
            return []
        if command == "ATE0":
            self._echo = False
        if command == "AT+CMEE=1":
            self._errors = True
        known = {
            "AT": [], "ATZ": [], "ATE0": [], "AT+CMEE=1": [], "AT+CMGF=0": [], "AT+COPS=0": [],
            "ATI": ["Simulated", "GSM modem"],
            "AT+CREG?": [f"+CREG: 0,{self.network}"],
            "AT+CEREG?": [f"+CEREG: 0,{self.network if self.packet is None else self.packet}"],
            "AT+CSQ": [f"+CSQ: {self.signal},99"],
            "AT+COPS?": ['+COPS: 0,0,"CHINA MOBILE",7' if self.network in (1, 5) else "+COPS: 0"],
            "AT+CPMS?": ["+CPMS: " + ",".join([f'"SM",{len(self.stored)},{self.room}'] * 3)],
        }  # fmt: skip
        if name == "AT+CPMS" and command not in known:
            return [f"+CPMS: {len(self.stored)},{self.room}"]
        if command not in known:
            raise _Fault("CME", 4)
        return known[command]

    def _card(self, command: str) -> list[str]:
        if self.sim.isdigit():
            raise _Fault("CME", int(self.sim))
        if command == "AT+CPIN?":
            if self.sim == "READY" and self.unlocks_after:
                self.unlocks_after -= 1
                return ["+CPIN: SIM PIN"]
            return [f"+CPIN: {self.sim}"]
        if command == "AT+CPINR":
            if self.tries is None:
                raise _Fault("CME", 4)
            return [f"+CPINR: SIM PIN,{self.tries},3"]
        if command == f'AT+CPIN="{self.pin}"':
            self.sim, self.tries = "READY", 3
            return []
        self.tries = (self.tries or 3) - 1
        if not self.tries:
            self.sim = "SIM PUK"
        raise _Fault("CME", 16)

    def _fail(self, fault: _Fault) -> None:
        told = self._errors or fault.kind == "CMS"
        self.say(f"+{fault.kind} ERROR: {fault.code}" if told else "ERROR")
