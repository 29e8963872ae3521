"""A stretch of the past as one file: what a backfill needs of a gateway that is elsewhere, or gone.

gzip over lines of JSON, UTF-8, each an object whose ``what`` says which, in this order:

    period               the stretch, and whose it is
    place, device        the registry, as far as points need it
    before               how the record stood when the stretch began
    known                events before the stretch of a case that was open then, oldest first
    begin                all of these are known
    known                the same of a case that goes on in it, before its next event
    event, message       the record, number by number
    reading              what devices reported, as the journal keeps it
    end                  how many lines there are above, and the SHA-256 of their bytes

Times are ns, UTC. A field that is left out has the value that stands here. A file that was changed,
cut off or made by something else is refused whole: it is read once before anything is taken of it.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Sequence
from typing import IO, Annotated, Final

import msgspec

from gateway.model import (
    Category,
    Happened,
    Incident,
    IncidentEvent,
    OutboxRow,
    Quality,
    Reading,
    Record,
    Severity,
    Site,
    State,
    Text,
    Value,
    is_canary,
)
from gateway.store.series import Ended, Happening, Merged

FORMAT: Final = 1
_LEVEL: Final = 6
LONGEST: Final = 4_000_000
"""Bytes of one line: more than any report or event that a gateway takes."""
_LAST: Final = 2**62
"""The year 2116 in ns, which is also the largest number of a record."""

_Number = Annotated[int, msgspec.Meta(ge=0, le=_LAST)]
_Time = Annotated[int, msgspec.Meta(ge=-_LAST, le=_LAST)]


class Period(msgspec.Struct, frozen=True, tag="period", tag_field="what"):
    """``since`` up to, and without, ``until``."""

    format: _Number
    site: str
    since: _Number
    until: _Number
    made: _Number


class PlaceLine(msgspec.Struct, frozen=True, tag="place", tag_field="what"):
    """A place of the registry as it was when the file was made."""

    code: str
    parent: str
    level: str
    name: str


class DeviceLine(msgspec.Struct, frozen=True, tag="device", tag_field="what"):
    """A device, likewise; ``place`` is a code."""

    id: str
    kind: str
    name: str
    place: str


class Before(msgspec.Struct, frozen=True, tag="before", tag_field="what"):
    """``n``: the newest number of the record before the stretch."""

    n: _Number
    apart: _Time | None = None
    """The wall clock minus the arrival axis, where a clock was believed last."""
    merged: tuple[tuple[_Number, str, _Number], ...] = ()
    """(message, place, count): what waits to be told with that message."""


class _Event(msgspec.Struct, frozen=True, tag_field="what", omit_defaults=True):
    key: str
    seq: _Number
    happened: Happened
    wall: _Time
    arrival: _Time
    by: str
    data: dict[str, Value]
    trusted: bool = True
    """Whether the wall clock was believed."""


class KnownLine(_Event, frozen=True, tag="known", tag_field="what"):
    """An event that the stretch does not have, and needs."""


class EventLine(_Event, frozen=True, tag="event", tag_field="what", kw_only=True):
    """An event of case ``key``; ``n`` is its number in the order of commits."""

    n: _Number


class MessageLine(msgspec.Struct, frozen=True, tag="message", tag_field="what", omit_defaults=True):
    """A message of case ``key`` that ended."""

    n: _Number
    id: _Number
    key: str
    place: str
    category: Category
    person: str
    purpose: str
    end: str
    written: _Time
    ended: _Time
    channel: str = ""
    attempts: _Number = 0
    digest: _Number = 0
    """The message that tells of it as well; 0: none."""


class Begin(msgspec.Struct, frozen=True, tag="begin", tag_field="what"):
    """Ends what was known at the beginning."""


class ReadingLine(msgspec.Struct, frozen=True, tag="reading", tag_field="what", omit_defaults=True):
    """Record ``n`` of the journal; ``at`` is its time, ``wall`` when it came."""

    n: _Number
    device: str
    kind: str
    at: _Time
    wall: _Time
    values: dict[str, Value]
    trusted: bool = True
    quality: Quality = Quality.good
    late: bool = False
    retained: bool = False
    observed: _Time | None = None
    """When the device says it was."""
    key: str = ""
    origin: tuple[str, ...] = ()
    evidence: str = ""
    """SHA-256 of a picture or clip."""


class End(msgspec.Struct, frozen=True, tag="end", tag_field="what"):
    """``sha256`` of all bytes before this line, newlines included."""

    lines: _Number
    readings: _Number
    sha256: str


Line = (
    Period | PlaceLine | DeviceLine | Before | KnownLine | Begin | EventLine | MessageLine
    | ReadingLine | End
)  # fmt: skip
_decode: Final = msgspec.json.Decoder(Line)
_encode: Final = msgspec.json.Encoder().encode


def decode(text: bytes) -> Line:
    """One line. Raises ``ValueError`` and ``RecursionError``."""
    line: Line = _decode.decode(text)
    return line


class Writer:
    """Writes the lines, in the order of this module's first page; ``end`` closes them."""

    def __init__(self, file: IO[bytes]) -> None:
        self._packed = gzip.GzipFile("", "wb", _LEVEL, file, mtime=0)
        self._digest = hashlib.sha256()
        self._lines = 0
        self.readings = 0

    def _put(self, lines: Sequence[Line]) -> None:
        body = b"".join(_encode(line) + b"\n" for line in lines)
        self._digest.update(body)
        self._packed.write(body)
        self._lines += len(lines)

    def begin(self, period: Period, site: Site) -> None:
        """Whose stretch it is, and where its devices are."""
        places = [PlaceLine(p.code, p.parent, p.level, p.name) for p in site.places.values()]
        devices = [DeviceLine(d.id, d.kind, d.name, d.place) for d in site.devices.values()]
        self._put([period, *places, *devices])

    def before(self, n: int, apart: int | None, merged: Iterable[Merged]) -> None:
        """How the record stood."""
        self._put([Before(n, apart, tuple((m.leader, m.place, m.rows) for m in merged))])

    def known(self, chains: Iterable[Sequence[IncidentEvent]]) -> None:
        """What cases were before."""
        self._put([KnownLine(*_of(event)) for events in chains for event in events])

    def begun(self) -> None:
        """Everything that was known at the beginning is written."""
        self._put([Begin()])

    def record(self, page: Iterable[Happening]) -> None:
        """The next numbers; of the canary's messages there are no points."""
        lines: list[Line] = []
        for n, of in page:
            if isinstance(of, IncidentEvent):
                lines.append(EventLine(*_of(of), n=n))
            elif not is_canary(of.incident):
                lines.append(_message(n, of))
        self._put(lines)

    def journal(self, records: Iterable[Record]) -> None:
        """The readings among ``records``."""
        lines = [_reading(each, each.item) for each in records if isinstance(each.item, Reading)]
        self._put(lines)
        self.readings += len(lines)

    def end(self) -> End:
        """Close the lines; the file is the caller's."""
        end = End(self._lines, self.readings, self._digest.hexdigest())
        self._packed.write(_encode(end) + b"\n")
        self._packed.close()
        return end


def _of(event: IncidentEvent) -> tuple[str, int, Happened, int, int, str, dict[str, Value], bool]:
    return (event.incident, event.seq, event.what, event.wall, event.arrival, event.by,
            event.data, event.trusted)  # fmt: skip


def _message(n: int, ended: Ended) -> MessageLine:
    row, incident = ended.row, ended.incident
    return MessageLine(
        n, row.id, incident.key, incident.place, incident.category, row.person, row.purpose,
        row.end, ended.written, row.ended_at, row.channel, row.attempts, row.digest,
    )  # fmt: skip


def _reading(record: Record, item: Reading) -> ReadingLine:
    return ReadingLine(
        record.n, item.device, item.kind, item.at, record.wall, item.values, record.trusted,
        item.quality, item.late, item.retained, item.observed_at, item.key, item.origin,
        item.evidence.sha256 if item.evidence is not None else "",
    )  # fmt: skip


def event_of(line: KnownLine | EventLine) -> IncidentEvent:
    """Without its hash: the stretch is no chain."""
    return IncidentEvent(
        line.key, line.seq, line.happened, line.wall, line.arrival, line.trusted, line.by, line.data
    )


def ended_of(line: MessageLine) -> Ended:
    """With so much of row and case as points are made of."""
    nothing = Text("", "")
    row = OutboxRow(
        line.id, line.key, 0, line.purpose, line.person, 0, line.attempts, line.channel, line.end,
        ended_at=line.ended, digest=line.digest,
    )  # fmt: skip
    incident = Incident(
        line.key, "", "", nothing, line.category, Severity.notice, "", "", line.place, "",
        State.closed, 0, 0, nothing,
    )  # fmt: skip
    return Ended(row, incident, line.written)


def record_of(line: ReadingLine) -> Record:
    """With so much of it as sinks are told."""
    item = Reading(
        line.device, line.kind, line.values, line.observed, line.key, line.retained, None,
        line.origin, line.wall, line.at, line.quality, line.late,
    )  # fmt: skip
    return Record(line.n, 0, "", 0, line.wall, line.trusted, item)
