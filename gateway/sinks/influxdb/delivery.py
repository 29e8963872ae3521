"""Brings lines over and finds out which of them are refused.

InfluxDB names one reason of one refused line and stores the others, or stores none. So:

    refused ─▶ lines named (3.x)? ───▶ they are refused, the others are sent again
       ├─────▶ type conflict named? ─▶ the others are sent again, then the lines with that
       │                                field and type
       ├─────▶ one line, or as many dropped as were sent? ─▶ refused
       └─────▶ else both halves are sent again

until everything was answered with 204. Sending again is harmless: the timestamps are the
readings' own, so a point that is stored already is written over by itself. A line is refused
only when it was refused itself: k bad lines of n cost about 2 k log2(n / k) requests, and where
they are more than one attempt may make, the next one goes on with what is known.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple

from gateway.model import Reading, Value
from gateway.model.series import Point
from gateway.ports import Unavailable
from gateway.sinks.influxdb.answers import (
    Answer,
    Conflict,
    Verdict,
    conflict,
    dropped,
    judge,
    named,
)
from gateway.sinks.influxdb.lines import Encoder
from gateway.web import one_line

MOST_BYTES: Final = 1_000_000
"""Of one body: below the 25 MB of InfluxDB's default and the 1 MiB at which aiohttp warns."""
MOST_REQUESTS: Final = 1_000
"""In one attempt: seconds on a local network, and enough for seventy bad lines in 5,000."""
_SAMPLE: Final = 8
"""Lines that are tried alone before lines are blamed for words that do not speak of them."""

Key = int | str
"""A record's number; of a point its line."""
Fates = dict[Key, str | None]
"""Key -> why it is refused, None when it is stored."""


class Line(NamedTuple):
    """The line of a reading or a point, its place in the batch and its key."""

    row: int
    n: Key
    text: str
    of: Reading | Point


class Delivery:
    """One batch on its way; ``fates`` is what was found out about single lines.

    It begins with ``known``, the fates of earlier attempts at the same records. After ``bring``
    a line without a fate is stored.
    """

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[Answer]],
        encoder: Encoder,
        excuse: Callable[[Answer], str],
        known: Mapping[Key, str | None],
    ) -> None:
        self.fates: Fates = dict(known)
        self._known = bool(known)
        self._send = send
        self._encoder = encoder
        self._excuse = excuse
        self._requests = 0
        self._accepted = False
        self._doubt: Answer | None = None

    @property
    def refused(self) -> dict[Key, str]:
        """Key -> the server's words."""
        return {n: words for n, words in self.fates.items() if words is not None}

    async def bring(self, lines: Sequence[Line]) -> None:
        """Return when every line is stored or refused. Raise ``Unavailable`` else.

        A 400 in words that do not speak of lines counts against the lines only when the
        server takes others: else the request is wrong, and nothing must be thrown away.
        """
        open_lines = [line for line in lines if line.n not in self.fates]
        groups = [open_lines] if open_lines else []
        while groups:
            group = groups.pop()
            if not group:
                continue
            body = _body(group)
            if len(body) > MOST_BYTES and len(group) > 1:
                groups += _halves(group)
                continue
            answer = await self._ask(body, len(open_lines))
            match judge(answer):
                case Verdict.stored:
                    self._stored(group)
                    continue
                case Verdict.too_large:
                    groups += self._split(group, "too large")
                case Verdict.lines_refused if rest := self._without_named(group, answer):
                    groups += rest
                case Verdict.lines_refused:
                    groups += self._after_refusal(group, one_line(answer.words))
                case Verdict.unclear if await self._takes_any(lines):
                    groups += self._split(group, one_line(answer.words))
                case _:
                    raise Unavailable(self._excuse(answer), answer.retry_after)
            self._doubt = answer

    async def _ask(self, body: bytes, of: int) -> Answer:
        """Send ``body``; ``Unavailable`` when this attempt has made its requests."""
        if self._requests >= MOST_REQUESTS and self._doubt is not None:
            raise Unavailable(
                f"{self._excuse(self._doubt)}; {len(self.refused):,} of {of:,} points are"
                " refused so far, the search for others goes on"
            )
        self._requests += 1
        return await self._send(body)

    async def _takes_any(self, lines: Sequence[Line]) -> bool:
        """Whether the server takes any of these lines: one it has taken before, or a few."""
        if self._accepted:
            return True
        taken = [line for line in lines if self.fates.get(line.n, "") is None][:1]
        some = taken or random.sample(lines, min(len(lines), _SAMPLE))
        for line in some:
            answer = await self._ask(_body([line]), len(lines))
            if judge(answer) is Verdict.stored:
                self._accepted = True
                return True
        return False

    def _stored(self, group: list[Line]) -> None:
        self._accepted = True
        if self._doubt is not None or self._known:
            self.fates |= dict.fromkeys([line.n for line in group])

    def _without_named(self, group: list[Line], answer: Answer) -> list[list[Line]] | None:
        """What to send again when the answer names lines of ``group``; None when it does not.

        The server has to repeat the line as it is: a number alone might be of another count.
        """
        bad: dict[int, str] = {}
        for number, begins, words in named(answer):
            if 0 < number <= len(group) and begins and group[number - 1].text.startswith(begins):
                bad[number - 1] = one_line(words)
        if not bad:
            return None
        self.fates |= {group[at].n: words for at, words in bad.items()}
        rest = [line for at, line in enumerate(group) if at not in bad]
        return [rest]

    def _after_refusal(self, group: list[Line], words: str) -> list[list[Line]]:
        """What to send again."""
        clash, count = conflict(words), dropped(words)
        culprits = [line for line in group if clash and self._has(line.of, clash)]
        if 0 < len(culprits) < len(group):
            suspects = {line.n for line in culprits}
            return [culprits, [line for line in group if line.n not in suspects]]
        if count == len(group) or (culprits and not count):
            self.fates |= {line.n: words for line in group}
            return []
        # retention and the shards, each with types of its own, go by age: so do the halves
        return self._split(sorted(group, key=lambda line: line.of.at), words)

    def _split(self, group: list[Line], words: str) -> list[list[Line]]:
        """Both halves; a line alone is refused."""
        if len(group) > 1:
            return _halves(group)
        self.fates |= {line.n: words for line in group}
        return []

    def _has(self, of: Reading | Point, named: Conflict) -> bool:
        if isinstance(of, Point):
            fields = of.fields
            return of.measurement == named.measurement and (
                named.field in fields and _type(fields[named.field]) == named.type
            )
        encoder = self._encoder
        return encoder.measurement(of.kind) == named.measurement and any(
            encoder.field(name) == named.field and _type(value) == named.type
            for name, value in of.values.items()
        )


def _body(group: Sequence[Line]) -> bytes:
    return "\n".join([line.text for line in group]).encode("utf-8", "replace")


def _halves(group: list[Line]) -> list[list[Line]]:
    """The second half first, for the last one is taken next."""
    middle = len(group) // 2
    return [group[middle:], group[:middle]]


def _type(value: Value) -> str:
    """In InfluxDB's words."""
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "float"
