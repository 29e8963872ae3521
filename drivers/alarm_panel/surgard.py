"""Lines of a Sur-Gard receiver (MLR2 and its heirs): one line in, readings and ACK out.

    5RRLs18AAAAQXYZGGCCC<DC4>      Contact ID
    3RRLssssAAAAAAXXYYYY<DC4>      SIA, and SRRL[#AAAA|Nri1BA03]<DC4>
    1RRLsssssssssss@ssss<DC4>      heartbeat

RR receiver, L line card, s a blank. There is no number and no time: the same line right after
itself is the receiver's repetition, for it sends nothing else until it has its ACK.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from drivers.alarm_panel import content
from drivers.alarm_panel.attendance import Attendance
from drivers.alarm_panel.content import Event
from drivers.alarm_panel.decode import Sender, When, online, readings
from drivers.alarm_panel.options import SurGard
from drivers.alarm_panel.standing import Standing
from drivers.alarm_panel.stream import MORE, Step
from drivers.alarm_panel.verdict import Repeats, Verdict, digest
from gateway.model import Item, Undecodable, Value
from gateway.ports import Clock

ACK: Final = b"\x06"
NAK: Final = b"\x15"
MAX_LINE: Final = 1_024
RECEIVER: Final = "receiver"
"""The device address of the receiver itself."""

_REPEATS_WITHIN: Final = 60.0
"""Seconds: a receiver waits 4 to 10 for its ACK and tries three times."""
_SEVEN_BITS: Final = bytes(byte & 0x7F for byte in range(256))
_END: Final = re.compile(rb"[\x14\x94]")
"""DC4; 0x94 is DC4 with a parity bit that an 8N1 port does not take away."""
_HEARTBEAT: Final = re.compile(r"1[0-9A-F]{2}[0-9A-F] +@ *", re.IGNORECASE)
_CONTACT_ID: Final = (
    r"5(?P<receiver>[0-9A-F]{2})(?P<line>[0-9A-F]) ?(?P<type>18|58|98) ?"
    r"(?P<account>[0-9A-F]{3,16})(?P<record>[ERP136][0-9A-F]{8})"
)
"""Read from the right: newer receivers have longer accounts."""
_UNCHECKED: Final = re.compile(_CONTACT_ID, re.IGNORECASE)
_CHECKED: Final = re.compile(_CONTACT_ID + "(?P<check>[0-9A-F])", re.IGNORECASE)
_SIA: Final = re.compile(
    r"3(?P<receiver>[0-9A-F]{2})(?P<line>[0-9A-F]) {0,8}(?P<account>[0-9A-F]{3,16}) ?"
    r"(?P<code>[A-Z]{2})(?P<address>[0-9A-F ]{4})",
    re.IGNORECASE,
)
_BRACKETS: Final = re.compile(
    r"S(?P<receiver>[0-9A-F]{2})(?P<line>[0-9A-F])\[#(?P<account>[0-9A-Z]{1,16})"
    r"\|(?P<data>[^\]]*)\] *",
    re.IGNORECASE,
)
_START: Final = re.compile(
    r"5[0-9A-F]{3} ?(?:18|58|98)|3[0-9A-F]{3} |S[0-9A-F]{3}\[#|1[0-9A-F]{3} +@", re.IGNORECASE
)
_TRIES: Final = 8
"""Beginnings looked at in one line: noise and torn lines may stand before the whole one."""


def next_line(buffer: bytes) -> Step:
    """The step of ``stream.Cutter``: a line ends with DC4."""
    found = _END.search(buffer, 0, MAX_LINE + 1)
    if found is not None:
        return Step(found.end(), buffer[: found.start()]) if found.start() else Step(1)
    if len(buffer) <= MAX_LINE:
        return MORE
    return Step(MAX_LINE, garbage=f"no end of a line within {MAX_LINE} bytes")


class Receiver:
    """One receiver and the accounts behind it."""

    def __init__(
        self,
        name: str,
        options: SurGard,
        clock: Clock,
        attendance: Attendance,
        standing: Standing,
    ) -> None:
        self._name = name
        self._options = options
        self._attendance = attendance
        self._last = Repeats(clock, _REPEATS_WITHIN)
        self._refused = Repeats(clock)
        self._standing = standing

    def take(self, raw: bytes) -> Verdict:
        """One line without its DC4."""
        text, parity = _words(raw)
        at = self._start(text)
        is_link = _HEARTBEAT.fullmatch(text, at) is not None
        items: list[Item] = list(self._attendance.back(RECEIVER, is_link=is_link))
        if at > 0:
            items.append(Undecodable(self._name, raw[:at], "no line of a receiver"))
            text = text[at:]
        if is_link:
            return Verdict([*items, online(Sender(RECEIVER))], ACK, RECEIVER)
        try:
            account, events, shared = line(text, checked=self._options.checksum)
        except ValueError as error:
            return self._refuse(raw, str(error))
        if parity:
            shared["deviations"] = "parity"
        when = When(None, f"{self._moment(text)}-{digest(text)}")
        sender = Sender(account, self._options.partitions)
        for each in readings(sender, events, when, shared):
            items += self._standing.told(each)
        return Verdict(items, ACK, RECEIVER)

    def noise(self, raw: bytes, reason: str) -> Verdict:
        """Bytes that are no line are kept aside and answered by nothing."""
        return Verdict([Undecodable(self._name, raw, reason)])

    def _refuse(self, raw: bytes, reason: str) -> Verdict:
        """Refused once; the same again is taken and kept aside.

        A receiver that never gets its ACK stops, and holds back what comes after.
        """
        _, is_first = self._refused.first(raw)
        if is_first:
            return Verdict((), NAK)
        return Verdict([Undecodable(self._name, raw, reason)], ACK)

    def _moment(self, text: str) -> str:
        """When this line first came, if it is the repetition of the one before it."""
        moment, is_first = self._last.first(text.encode())
        if is_first:  # the line before has had its ACK, or it would have come again
            self._last.forget()
            moment, _ = self._last.first(text.encode())
        return moment

    def _start(self, text: str) -> int:
        """Where the whole line begins that ``text`` ends with; 0 where there is none."""
        for found in islice(_START.finditer(text), _TRIES):
            rest = text[found.start() :]
            if _HEARTBEAT.fullmatch(rest) or _form(rest, checked=self._options.checksum):
                return found.start()
        return 0


def line(text: str, *, checked: bool = False) -> tuple[str, list[Event], dict[str, Value]]:
    """Account, events and extras of a line. ValueError: it is none that is read here.

    ``checked``: behind a Contact ID record stands the digit of the telephone line.
    """
    found = _form(text.strip(), checked=checked)
    if found is None and text.strip()[:1] in ("1", "8", "T"):
        raise ValueError("pulse, high-speed and Telim lines are not read: their codes are a site's")
    if found is None:
        raise ValueError("the line has no form that is read here")
    fields = found.groupdict()
    if "record" in fields:
        events = [content.contact_id(fields["record"])]
        if checked:
            _check(found)
    elif "code" in fields:
        events = [Event(fields["code"].upper(), address=fields["address"].strip().upper())]
    else:
        events = content.dcs(fields["data"])
    shared: dict[str, Value] = {name: fields[name].lstrip("0") for name in ("receiver", "line")}
    return fields["account"].upper(), events, shared


def _form(text: str, *, checked: bool) -> re.Match[str] | None:
    contact_id = _CHECKED if checked else _UNCHECKED
    return contact_id.fullmatch(text) or _SIA.fullmatch(text) or _BRACKETS.fullmatch(text)


def _check(found: re.Match[str]) -> None:
    event = content.contact_id(found["record"])
    digits = f"{found['account']}{found['type']}{event.qualifier}{found['record'][1:]}"
    if (expected := content.check_digit(digits)) != found["check"].upper():
        raise ValueError(f"check digit {found['check']}, computed {expected}")


def _words(raw: bytes) -> tuple[str, bool]:
    """The line as text, and whether parity bits were taken off it."""
    parity = not raw.isascii()
    text = raw.translate(_SEVEN_BITS) if parity else raw
    return text.decode("ascii").strip("\r\n\0"), parity
