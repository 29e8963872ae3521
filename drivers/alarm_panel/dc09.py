"""The receiver of SIA DC-09: one message in, what to store and what to answer out.

    frame ▸ CRC ▸ account ▸ key ▸ clock ▸ data ▸ readings, ACK
      │      │       │       │      │      └ DUH
      │      │       │       │      └ NAK with our time
      │      │       │       └ DUH
      │      │       └ DUH, NAK, or taken in as it is, by option
      └──────┴ no answer: the panel sends it again

Not pure, but without I/O: it remembers repetitions, and who has said what.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from drivers.alarm_panel import content, echo, frame
from drivers.alarm_panel.attendance import Attendance
from drivers.alarm_panel.content import Content, Event
from drivers.alarm_panel.decode import Sender, When, online, readings
from drivers.alarm_panel.frame import Frame
from drivers.alarm_panel.options import Account, Dc09, number
from drivers.alarm_panel.standing import Standing
from drivers.alarm_panel.verdict import Repeats, Verdict, digest
from gateway.model import EXTRA, SECOND, Item, Reading, Undecodable, Value
from gateway.ports import Clock

if TYPE_CHECKING:
    from drivers.alarm_panel.cipher import Aes

LINKS: Final = ("NULL", "XNM")
"""Link tests: nothing happened, the panel is there."""
_ANSWERS: Final = ("ACK", "NAK", "DUH", "RSP")
_WRONG_AFTER: Final = 3
"""NAKs in a row after which the panel's clock is a fault: a panel corrects it after the first."""
_BELIEVED: Final = 86_400 * SECOND
"""Beyond it a panel's clock was never set, or stands."""
_MOST_SAID: Final = 256
"""Deviations of accounts that were logged, each once."""
_HEARTBEAT: Final = re.compile(r" *ID[0-9A-Fa-f]*")
"""Of Osborne-Hoffman."""


class Memory(NamedTuple):
    """What lives beside the receiver. ``keys``: device address of an account -> its key."""

    keys: Mapping[str, Aes]
    attendance: Attendance
    standing: Standing


class NoAnswerError(ValueError):
    """The message is not taken, and the panel is to send it again."""


class NakError(ValueError):
    """Not now: our time is the answer. ``address`` names a known panel whose clock is wrong."""

    def __init__(self, reason: str, address: str = "") -> None:
        super().__init__(reason)
        self.address = address


class Receiver:
    """All accounts of one receiver."""

    def __init__(self, name: str, options: Dc09, clock: Clock, memory: Memory) -> None:
        self._name = name
        self._options = options
        self._clock = clock
        self._keys, self._attendance, self._standing = memory
        self._accounts: dict[str, list[Account]] = {}
        for each in options.accounts:
            self._accounts.setdefault(number(each.account), []).append(each)
        self._repeats = Repeats(clock)
        self._refused = Repeats(clock)
        self._naks: dict[str, int] = {}
        self._said: set[tuple[str, str]] = set()
        self._log = structlog.get_logger(name)

    def take(self, raw: bytes) -> Verdict:
        """One whole message; see the drawing above."""
        try:
            got = frame.parse(raw)
        except ValueError as error:
            return self.noise(raw, str(error))
        try:
            return self._taken(got)
        except NoAnswerError as error:
            return self.noise(raw, str(error))
        except NakError as error:
            wrong = self._clock_wrong(error.address)
            now = content.stamp_text(self._clock.now().wall)
            return self.noise(raw, str(error), frame.nak(now, binary=got.binary), wrong)
        except ValueError as error:  # what account, key and data say of themselves
            return self.noise(raw, str(error), frame.answer(got, "DUH"))

    def noise(
        self, raw: bytes, reason: str, answer: bytes = b"", more: Sequence[Item] = ()
    ) -> Verdict:
        """What is no report is kept once: a panel that gets no ACK sends the same for hours."""
        _, is_first = self._refused.first(raw)
        return Verdict([*more, *[Undecodable(self._name, raw, reason)] * is_first], answer)

    def _taken(self, got: Frame) -> Verdict:
        spelled = got.account or _inner(got)
        account = self._account(spelled, got.line)
        if got.crc is not None and not (account is not None and account.bad_crc):
            raise NoAnswerError(f"CRC {got.crc[0]:04X}, computed {got.crc[1]:04X}")
        if got.token in _ANSWERS:
            raise NoAnswerError(f"{got.token} is an answer, and was not asked for")
        if got.token == echo.WORD and not got.encrypted:
            return Verdict([echo.canary(got.rest)], frame.answer(got, "ACK"))
        account = account or self._stranger(spelled)
        told = content.read(self._opened(got, account), account.encoding)
        self._check_clock(got, account, told)
        is_link = got.token in LINKS
        items: list[Item] = [*self._attendance.back(account.address, is_link=is_link)]
        items += self._clock_right(account.address)
        items += self._items(got, account, told)
        return Verdict(items, self._ack(got, account), account.address)

    def _account(self, spelled: str, line: str) -> Account | None:
        for each in self._accounts.get(number(spelled), ()) if spelled else ():
            if each.line is None or each.line_number == number(line):
                return each
        return None

    def _stranger(self, spelled: str) -> Account:
        """An account that nobody named, as the options say."""
        if not spelled:
            raise ValueError("the message names no account")
        if self._options.unknown == "accept":
            return Account(account=spelled)
        reason = f"account {spelled} is not configured"
        raise NakError(reason) if self._options.unknown == "nak" else ValueError(reason)

    def _opened(self, got: Frame, account: Account) -> bytes:
        key = self._keys.get(account.address)
        if got.encrypted:
            if key is None:
                raise ValueError(f"encrypted, and account {account.account} has no key")
            return key.decrypt(got.rest)
        if key is not None and not account.plain:
            raise ValueError(
                f"not encrypted, and account {account.account} has a key; write plain: true to"
                " take both"
            )
        return got.rest

    def _check_clock(self, got: Frame, account: Account, told: Content) -> None:
        """DC-09 5.5.1.9, for encrypted messages: an old one may be somebody's recording.

        While our own clock is not to be trusted nobody else's can be judged by it.
        """
        now = self._clock.now()
        if not got.encrypted or account.timestamp != "checked" or not now.trusted:
            return
        if told.stamp is None:
            raise NakError("encrypted, and without a time", account.address)
        ahead = (told.stamp - account.zone_minutes * 60 * SECOND - now.wall) / SECOND
        if not -self._options.behind <= ahead <= self._options.ahead:
            off = f"{abs(ahead):,.0f} s {'ahead of' if ahead > 0 else 'behind'}"
            raise NakError(f"the panel's clock is {off} ours", account.address)

    def _clock_wrong(self, address: str) -> list[Reading]:
        """A fault of the panel once it has not followed our time."""
        if not address:
            return []
        self._naks[address] = self._naks.get(address, 0) + 1
        if self._naks[address] != _WRONG_AFTER:
            return []
        self._log.warning("panel_clock_wrong", account=address)
        return [self._standing.settle(_clock_error(address, is_wrong=True))]

    def _clock_right(self, address: str) -> list[Reading]:
        if self._naks.pop(address, 0) < _WRONG_AFTER:
            return []
        return [self._standing.settle(_clock_error(address, is_wrong=False))]

    def _items(self, got: Frame, account: Account, told: Content) -> list[Reading]:
        sender = Sender(account.address, account.partitions)
        names = [*got.deviations, *told.deviations]
        if got.token in LINKS:
            self._tell(account.address, names)
            return [online(sender)]
        events, of_token = _events(got.token, told.data)
        names += of_token
        self._tell(account.address, names)
        shared: dict[str, Value] = dict(told.extended)
        shared |= {
            "receiver": got.receiver.lstrip("0"),
            "line": got.line.lstrip("0"),
            "deviations": ",".join(names),
        }
        if told.account and number(told.account) != number(account.account):
            shared["account"] = told.account
            sender = self._behind(account, told.account, got.line)
        when = self._when(got, account, told)
        found = readings(sender, events, when, shared)
        return [told for each in found for told in self._standing.told(each)]

    def _behind(self, account: Account, inner: str, line: str) -> Sender:
        """One of several panels that report through one transmitter: its zones are its own."""
        if number(inner) == "0":
            return Sender(account.address, account.partitions)  # the field was left as delivered
        own = self._account(inner, line)
        if own is not None and (self._keys.get(own.address) is None or own.plain):
            return Sender(own.address, own.partitions)
        return Sender(f"{account.address}/{number(inner)}", account.partitions)

    def _when(self, got: Frame, account: Account, told: Content) -> When:
        """A repetition has the key of the first; a number that wrapped round has another."""
        mark = digest(f"{got.token}{told.account}{told.data}{told.extended}")
        ours, shift = account.timestamp == "ignored", account.zone_minutes * 60 * SECOND
        observed = None if ours else told.occurred or told.stamp
        moment, _ = self._repeats.first(
            f"{told.stamp} {mark}".encode(), account.address, got.seq.zfill(4)
        )
        if told.stamp is not None and not ours and self._tells_time(told.stamp - shift):
            moment = str(told.stamp // SECOND)
        when = None if observed is None else observed - shift
        return When(when, f"{got.seq.zfill(4)}-{moment}-{mark}")

    def _tells_time(self, stamp: int) -> bool:
        """Whether a stamp tells two events apart: that of a clock that stands still does not."""
        now = self._clock.now()
        return not now.trusted or abs(now.wall - stamp) <= _BELIEVED

    def _ack(self, got: Frame, account: Account) -> bytes:
        if not got.encrypted:
            return frame.answer(got, "ACK")
        text = b"]" + content.stamp_text(self._clock.now().wall).encode()
        return frame.answer(got, "*ACK", b"[" + self._keys[account.address].encrypt(text))

    def _tell(self, address: str, names: Sequence[str]) -> None:
        """What a panel does otherwise is logged once."""
        for name in names:
            if (address, name) not in self._said and len(self._said) < _MOST_SAID:
                self._said.add((address, name))
                self._log.info("dc09_deviation", account=address, deviation=name)


def _inner(got: Frame) -> str:
    """The account inside the brackets, where the header has none."""
    if got.encrypted:
        return ""
    try:
        return content.read(got.rest, "cp1252").account
    except ValueError:
        return ""


def _events(word: str, data: str) -> tuple[list[Event], list[str]]:
    """The events and the name of a deviation. ValueError: they can not be read."""
    if word == "SIA-DCS":
        return content.dcs(data), []
    if word == "ADM-CID":
        return [content.contact_id(data)], []
    if word == frame.OH:
        is_test = _HEARTBEAT.fullmatch(data) is not None
        return [Event("RP")] if is_test else content.dcs(data), []
    try:
        return [content.contact_id(data)], ["id_token"]  # makers give Contact ID other names
    except ValueError:
        raise ValueError(f"messages of the kind {word!r} are not read") from None


def _clock_error(address: str, *, is_wrong: bool) -> Reading:
    values: dict[str, Value] = {"fault": is_wrong, EXTRA + "clock_error": is_wrong}
    return Reading(address, "panel", values | {EXTRA + "class": "clock"})
