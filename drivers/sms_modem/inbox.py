"""What lies in the modem's storage becomes answers of people. Pure.

storage ──▶ parts put together ──▶ whose number ──▶ Action(receive, close, comment …)
                 │                     └ nobody's: ``unknown``, a few an hour
                 └ incomplete: stays where it is for ``PARTS_WITHIN``
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

from drivers.sms_modem.pdu import Deliver, Part, Report, read
from gateway.model import SECOND, Action, Site, Stamp, Undecodable
from gateway.phones import dialled, people_at
from gateway.replies import CLOSE, COMMENT, HANDLE, RECEIVE, understood

UNKNOWN: Final = "unknown"
"""The verb of a stranger's text."""
PARTS_WITHIN: Final = 300 * SECOND
"""Ns for which missing parts of a text are waited for."""
HOUR: Final = 3_600 * SECOND
KNOWN_AN_HOUR: Final = 60
"""Texts of one registered number in an hour that are taken."""
STRANGERS_AN_HOUR: Final = 20
STRANGER_AN_HOUR: Final = 5
_UNREADABLE: Final = "?"
_MOST_NUMBERS: Final = 1_000
_MOST_SAID: Final = 512
MOST_LETTERS: Final = 1_000
STRANGER_LETTERS: Final = 160
_ORDERS: Final = (RECEIVE, HANDLE, CLOSE)
_LISTED: Final = re.compile(r"\+CMGL: ?(\d{1,5}),(\d)(?:,.*)?")
_OWN: Final = ("2", "3")
"""States of what was never received: drafts, and sent ones that a modem keeps."""


class Stored(NamedTuple):
    """One message of the storage. ``place`` -1: it was handed over without being stored."""

    place: int
    pdu: str
    own: bool = False


class Gathered(NamedTuple):
    """``items`` to emit, then ``done`` to delete."""

    items: list[Action | Undecodable]
    done: list[Stored]
    reports: list[Report]


class _Text(NamedTuple):
    number: str
    text: str
    sent_at: int | None
    whole: bool


_Group = tuple[str, int, int]
"""Sender, reference and count of a text in several messages."""


def listed(lines: Sequence[str]) -> list[Stored]:
    """The answer to ``AT+CMGL=4``."""
    found: list[Stored] = []
    header: re.Match[str] | None = None
    for line in lines:
        if header is not None and re.fullmatch(r"[0-9A-Fa-f]+", line):
            found.append(Stored(int(header[1]), line, header[2] in _OWN))
            header = None
        else:
            header = _LISTED.fullmatch(line) or header
    return found


class Gate:
    """How many texts may come in an hour: nobody fills the journal, and no number another's."""

    def __init__(self) -> None:
        self._came: dict[str, deque[int]] = {}
        self.refused = 0

    def passes(self, number: str, known: bool, now: int) -> bool:
        """Whether one more text of ``number`` is taken at ``now`` (mono ns)."""
        own = KNOWN_AN_HOUR if known else STRANGER_AN_HOUR
        good = self._room(number, own, now) and (known or self._room("", STRANGERS_AN_HOUR, now))
        if not good:
            self.refused += 1
            return False
        for name in (number,) if known else (number, ""):
            self._came[name].append(now)
        return True

    def _room(self, name: str, most: int, now: int) -> bool:
        came = self._came.pop(name, deque[int]())
        self._came[name] = came  # the newest stands last
        if len(self._came) > _MOST_NUMBERS:
            del self._came[next(iter(self._came))]
        while came and came[0] <= now - HOUR:
            came.popleft()
        return len(came) < most


class Inbox:
    """Remembers which parts are waited for, and what was emitted and could not be deleted."""

    def __init__(self, source: str, country: str, stale: float) -> None:
        self._source = source
        self._country = country
        self._stale = int(stale * SECOND)
        self._since: dict[_Group, int] = {}
        self._said: dict[str, None] = {}
        self.texting: Collection[str] = ()
        """The channels that send text messages: a person's account there is a number too."""
        self.gate = Gate()

    def gather(
        self, stored: Sequence[Stored], stamp: Stamp, site: Callable[[], Site] | None, old: bool
    ) -> Gathered:
        """What ``stored`` holds for us. ``old``: it lay there when the modem was found."""
        gathered = Gathered([], [], [])
        groups: dict[_Group, dict[int, tuple[Stored, Deliver, Part]]] = {}
        for each in stored:
            if each.own or each.pdu in self._said:
                gathered.done.append(each)
                continue
            try:
                message = read(each.pdu)
            except ValueError as error:
                self._unreadable(each, str(error), stamp, gathered)
                continue
            if isinstance(message, Report):
                gathered.reports.append(message)
                gathered.done.append(each)
            elif message.part is None:
                gathered.done.append(each)
                if message.text is not None:
                    text = _Text(_sender(message), message.text, message.sent_at, True)
                    self._add(text, stamp, site, old, gathered)
            else:
                part = message.part
                group = (_sender(message), part.reference, part.total)
                twin = groups.setdefault(group, {}).get(part.number)
                if twin is not None:
                    gathered.done.append(twin[0])
                groups[group][part.number] = (each, message, part)
        for group, parts in groups.items():
            self._put_together(group, parts, stamp, site, old, gathered)
        self._since = {group: at for group, at in self._since.items() if group in groups}
        return gathered

    def settled(self, gathered: Gathered) -> None:
        """Its items are on disk: what can not be deleted is not said again."""
        for each in gathered.done:
            self._said.pop(each.pdu, None)
            self._said[each.pdu] = None
        while len(self._said) > _MOST_SAID:
            del self._said[next(iter(self._said))]

    def _put_together(
        self, group: _Group, parts: dict[int, tuple[Stored, Deliver, Part]], stamp: Stamp,
        site: Callable[[], Site] | None, old: bool, gathered: Gathered,
    ) -> None:  # fmt: skip
        number, _, total = group
        since = self._since.setdefault(group, stamp.mono)
        whole = len(parts) == total
        if not whole and stamp.mono - since < PARTS_WITHIN:
            return
        pieces = [parts[n][1].text or "" if n in parts else "…" for n in range(1, total + 1)]
        first = parts[min(parts)][1]
        gathered.done.extend(each for each, _, _ in parts.values())
        text = _Text(number, "".join(pieces), first.sent_at, whole)
        self._add(text, stamp, site, old, gathered)
        self._since.pop(group)

    def _add(
        self, text: _Text, stamp: Stamp, site: Callable[[], Site] | None, old: bool,
        gathered: Gathered,
    ) -> None:  # fmt: skip
        number = _one_form(text.number, self._country)
        people = people_at(site(), number, self.texting, self._country) if site is not None else ()
        known = site is None or bool(people)
        if not self.gate.passes(number, known, stamp.mono):
            return
        person = f"tel:{number}"
        if not known:
            said = text.text[:STRANGER_LETTERS]
            gathered.items.append(Action(UNKNOWN, "", person, said))
            return
        if site is not None and not people_at(site(), number, self.texting):
            person = people[0].id  # written without a country that is not China: we know whose
        reply = understood(text.text)
        verb = reply.verb
        late = not reply.incident and verb in _ORDERS and self._is_stale(text.sent_at, stamp, old)
        if late or not text.whole:
            verb = COMMENT
        gathered.items.append(Action(verb, reply.incident, person, text.text[:MOST_LETTERS]))

    def _is_stale(self, sent_at: int | None, stamp: Stamp, old: bool) -> bool:
        """A "2" from yesterday must not close the alarm of today.

        While our clock is not known to be right, what lay there before counts as old.
        """
        if sent_at is None or not stamp.trusted:
            return old
        return stamp.wall - sent_at > self._stale

    def _unreadable(self, each: Stored, why: str, stamp: Stamp, gathered: Gathered) -> None:
        gathered.done.append(each)
        if self.gate.passes(_UNREADABLE, False, stamp.mono):
            gathered.items.append(Undecodable(self._source, each.pdu.encode(), why))


def _sender(message: Deliver) -> str:
    """A word stands in quotes: "13800138000" as a name that was bought is nobody's number."""
    return f"“{message.number}”" if message.is_word else message.number


def _one_form(number: str, country: str) -> str:
    """A sender that is a word stays as it is."""
    try:
        return dialled(number, country)
    except ValueError:
        return "".join(c for c in number if c.isprintable())[:20]
