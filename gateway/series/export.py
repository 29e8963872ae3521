"""Reading the file of ``period``: checked whole before anything is taken of it."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from gateway.model import Device, IncidentEvent, Place, Record, Site
from gateway.ports import Refused
from gateway.series.gauges import NEVER
from gateway.series.period import (
    FORMAT,
    LONGEST,
    Before,
    Begin,
    DeviceLine,
    End,
    EventLine,
    KnownLine,
    Line,
    MessageLine,
    Period,
    PlaceLine,
    ReadingLine,
    decode,
    ended_of,
    event_of,
    record_of,
)
from gateway.series.story import ROOM, Story
from gateway.store.series import Happening, Merged

_MOST_ROWS: Final = 300_000
"""Places and devices: the registry itself takes 100,000 of each."""
_PAGE: Final = 2_000
_SAID: Final = 200
"""Characters of what is wrong with a line."""
_STAGES: Final[tuple[dict[type, int], ...]] = (
    {Period: 1},
    {PlaceLine: 1, DeviceLine: 1, Before: 2},
    {KnownLine: 2, Begin: 3},
    {KnownLine: 3, EventLine: 3, MessageLine: 3, ReadingLine: 4, End: 5},
    {ReadingLine: 4, End: 5},
    {},
)
"""What may come next, and to which stage it leads."""

Step = Sequence[IncidentEvent] | Happening
"""What a case was before, or the next number of the record."""


class Export:
    """A file of a period. Entering it reads it once, whole, and raises ``Refused``."""

    def __init__(self, path: Path, progress: Callable[[int], None] = lambda _bytes: None) -> None:
        """``progress`` hears how many more bytes of the file were read, each time it is."""
        self.path = path
        self.progress = progress
        self._at = 0
        self._line = 0
        self._file: IO[bytes]
        self.period: Period
        self.site = Site(version=1)
        """Places and devices."""
        self._before: Before
        self._end: End

    def __enter__(self) -> Self:
        self._file = self.path.open("rb")
        try:
            self._check()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def story(self) -> Story:
        """The record as it stood; the steps of ``record`` belong to it."""
        before = self._before
        merged = [Merged(*each) for each in before.merged]
        return Story(before.n, lambda: self.site, apart=before.apart, merged=merged,
                     listed_from=NEVER)  # fmt: skip

    def record(self, story: Story) -> Iterator[Step]:
        """What cases were and what happened, in order; ``story`` begins where it has to."""
        known: list[IncidentEvent] = []
        for line in self._lines():
            if known and not (isinstance(line, KnownLine) and line.seq > 1):
                yield known
                known = []
            if isinstance(line, KnownLine):
                known.append(event_of(line))
            elif isinstance(line, Begin):
                story.begin(self.period.since - ROOM - 1)
            elif isinstance(line, EventLine):
                yield Happening(line.n, event_of(line))
            elif isinstance(line, MessageLine):
                yield Happening(line.n, ended_of(line))
            elif isinstance(line, ReadingLine | End):
                return

    def journal(self, since: int, until: int) -> Iterator[list[Record]]:
        """The readings that came from ``since`` up to ``until``, page after page."""
        whole = since <= self.period.since and until >= self.period.until
        page: list[Record] = []
        for line in self._lines():
            if isinstance(line, ReadingLine) and (whole or since <= line.wall < until):
                page.append(record_of(line))
                if len(page) == _PAGE:
                    yield page
                    page = []
        if page:
            yield page

    def refusal(self, reason: str) -> Refused:
        """What is wrong, and with which line: that which was read last."""
        return Refused(f"{self.path}: damaged in line {self._line}: {reason}; export it again")

    # --- reading ----------------------------------------------------------------------------

    def _check(self) -> None:
        """That the file is whole and in order; what stands at its beginning is kept."""
        digest, stage, readings, before = hashlib.sha256(), 0, 0, b""
        for text in self._texts():
            digest.update(before)
            before = text
            line = self._decoded(text)
            stage = self._next(stage, line)
            if isinstance(line, ReadingLine):
                readings += 1
            else:
                self._keep(line)
        if stage == 0:
            raise self._foreign()
        if stage != len(_STAGES) - 1:
            raise self.refusal("it is cut off")
        if self._end != End(self._line - 1, readings, digest.hexdigest()):
            raise self.refusal("the checksum does not fit")

    def _next(self, stage: int, line: Line) -> int:
        found = _STAGES[stage].get(type(line))
        if found is None:
            raise self.refusal("this line does not belong here") if stage else self._foreign()
        return found

    def _keep(self, line: Line) -> None:
        if isinstance(line, Period):
            self.period = self._fitting(line)
        elif isinstance(line, PlaceLine):
            self.site.places[line.code] = Place(line.code, line.parent, line.level, line.name)
        elif isinstance(line, DeviceLine):
            known = Device(line.id, "", "", line.kind, line.name, line.place)
            self.site.devices[line.id] = known
        elif isinstance(line, Before):
            self._before = line
        elif isinstance(line, End):
            self._end = line
        if len(self.site.places) + len(self.site.devices) > _MOST_ROWS:
            raise self.refusal(f"more than {_MOST_ROWS} places and devices")

    def _fitting(self, period: Period) -> Period:
        if period.format > FORMAT:
            raise Refused(f"{self.path}: written by a newer gridwarden; install that version")
        if period.format < FORMAT or period.until <= period.since:
            raise self.refusal("there is no such period")
        return period

    def _lines(self) -> Iterator[Line]:
        return map(self._decoded, self._texts())

    def _decoded(self, text: bytes) -> Line:
        try:
            return decode(text)
        except (ValueError, RecursionError) as error:  # msgspec's own, and bytes that are no UTF-8
            if self._line == 1:
                raise self._foreign() from None
            said = " ".join(str(error).split())[:_SAID]
            raise self.refusal(f"it can not be understood: {said}") from None

    def _texts(self) -> Iterator[bytes]:
        """Line by line from the beginning."""
        self._file.seek(0)
        self._line = self._at = 0
        packed = gzip.GzipFile(fileobj=self._file, mode="rb")
        try:
            while text := packed.readline(LONGEST + 1):
                self._line += 1
                if not text.endswith(b"\n"):
                    raise self._unended(text)
                yield text
                self._moved()
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            if not self._line and isinstance(error, gzip.BadGzipFile):
                raise self._foreign() from None
            said = "it is cut off" if isinstance(error, EOFError) else "it can not be unpacked"
            raise self.refusal(said) from None

    def _unended(self, text: bytes) -> Refused:
        if self._line == 1:
            return self._foreign()
        too_long = f"longer than {LONGEST} bytes"
        return self.refusal(too_long if len(text) > LONGEST else "it is cut off")

    def _moved(self) -> None:
        at = self._file.tell()
        if at != self._at:
            self.progress(at - self._at)
            self._at = at

    def _foreign(self) -> Refused:
        return Refused(
            f"{self.path}: no export of a period; make one with gridwarden export period"
        )
