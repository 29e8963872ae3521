"""Brings lines over and finds out which of them are refused.

InfluxDB names one reason of one refused line and stores the others, or stores none. So:

    refused ─▶ type conflict named? ─▶ all lines with that field and type are refused,
       │                                the others are sent again
       ├─────▶ one line, or as many dropped as were sent? ─▶ refused
       └─────▶ else both halves are sent again

until everything was answered with 204. Sending again is harmless: the timestamps are the
readings' own, so a point that is stored already is written over by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from gateway.model import Reading, Value
from gateway.ports import Unavailable
from gateway.sinks.influxdb.answers import Answer, Conflict, Verdict, conflict, dropped, judge
from gateway.sinks.influxdb.lines import Encoder
from gateway.web import one_line

MOST_BYTES: Final = 1_000_000
"""Of one body: below the 25 MB of InfluxDB's default and the 1 MiB at which aiohttp warns."""
MOST_REQUESTS: Final = 64
"""For one batch: enough to single out five lines in 5,000. What is in doubt after that is
refused as a group, with the reason, instead of a storm of small requests."""


class Line(NamedTuple):
    """A reading's line and its place in the batch."""

    row: int
    text: str
    reading: Reading


class Delivery:
    """One batch on its way; ``refused`` maps the place of a line to the reason."""

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[Answer]],
        encoder: Encoder,
        excuse: Callable[[Answer], str],
    ) -> None:
        self.refused: dict[int, str] = {}
        self._send = send
        self._encoder = encoder
        self._excuse = excuse
        self._requests = 0
        self._accepted = False
        self._unclear: Answer | None = None

    async def bring(self, lines: Sequence[Line]) -> None:
        """Return when every line is stored or refused. Raise ``Unavailable`` else.

        A 400 in words that do not speak of lines counts against the lines only when the
        server took others: else the request is wrong, and nothing must be thrown away.
        """
        groups = [list(lines)] if lines else []
        while groups:
            group = groups.pop()
            body = "\n".join([line.text for line in group]).encode("utf-8", "replace")
            if len(body) > MOST_BYTES and len(group) > 1:
                groups += _halves(group)
                continue
            self._requests += 1
            answer = await self._send(body)
            match judge(answer):
                case Verdict.stored:
                    self._accepted = True
                case Verdict.too_large:
                    groups += self._split(group, "too large")
                case Verdict.lines_refused:
                    groups += self._after_refusal(group, one_line(answer.words))
                case Verdict.unclear:
                    self._unclear = answer
                    groups += self._split(group, one_line(answer.words))
                case Verdict.away:
                    raise Unavailable(self._excuse(answer), answer.retry_after)
        if self._unclear is not None and not self._accepted:
            raise Unavailable(self._excuse(self._unclear), self._unclear.retry_after)

    def _after_refusal(self, group: list[Line], words: str) -> list[list[Line]]:
        """What to send again."""
        named = conflict(words)
        culprits = [line for line in group if named and self._has(line.reading, named)]
        if not culprits and dropped(words) == len(group):
            culprits = group
        if not culprits:
            return self._split(group, words)
        guilty = {line.row for line in culprits}
        self.refused |= dict.fromkeys(guilty, words)
        rest = [line for line in group if line.row not in guilty]
        return [rest] if rest else []

    def _split(self, group: list[Line], words: str) -> list[list[Line]]:
        """Both halves; or none, when one line is left or the requests are used up."""
        if len(group) > 1 and self._requests < MOST_REQUESTS:
            return _halves(group)
        if len(group) > 1:
            words = f"{words} (one or more of {len(group)} readings that were sent together)"
        self.refused |= {line.row: words for line in group}
        return []

    def _has(self, reading: Reading, named: Conflict) -> bool:
        encoder = self._encoder
        return encoder.measurement(reading.kind) == named.measurement and any(
            encoder.field(name) == named.field and _type(value) == named.type
            for name, value in reading.values.items()
        )


def _halves(group: list[Line]) -> list[list[Line]]:
    """The second half first, for the last one is taken next."""
    middle = len(group) // 2
    return [group[middle:], group[:middle]]


def _type(value: Value) -> str:
    """In InfluxDB's words."""
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "float"
