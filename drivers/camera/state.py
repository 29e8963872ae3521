"""What one camera says, out of what its pictures, its detectors and its connections say. Pure.

pictures        motion ─┐
CellMotion|1    motion ─┼─▶ motion: true while any of them is
TamperDetector  tamper ───▶ tamper
events          fault  ───▶ fault
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from gateway.model import Value

_MERGED: Final = ("motion", "tamper", "fault", "alarm")
_MOST: Final = 500
"""Sources that may be true at once for one value; beyond it the oldest is forgotten."""


class State:
    """Keeps who says what of the values that several may say."""

    def __init__(self) -> None:
        self._true: dict[str, dict[str, None]] = {name: {} for name in _MERGED}

    def say(self, source: str, values: dict[str, Value]) -> dict[str, Value]:
        """``values`` as the whole camera says them, now that ``source`` says these."""
        merged = dict(values)
        for name in _MERGED:
            if name in values:
                merged[name] = self._say(source, name, values[name] is True)
        return merged

    def forget(
        self, prefix: str, names: tuple[str, ...] = _MERGED, but: Collection[str] = ()
    ) -> dict[str, Value]:
        """``names`` from sources that begin with ``prefix`` are over; what is false with that.

        ``but`` are sources that go on.
        """
        ended: dict[str, Value] = {}
        for name in names:
            sources = self._true[name]
            gone = [each for each in sources if each.startswith(prefix) and each not in but]
            for source in gone:
                del sources[source]
            if gone and not sources:
                ended[name] = False
        return ended

    def says(self, prefix: str, *names: str) -> bool:
        """Whether a source that begins with ``prefix`` says one of ``names``."""
        sources = (source for name in names for source in self._true.get(name, ()))
        return any(source.startswith(prefix) for source in sources)

    def _say(self, source: str, name: str, value: bool) -> bool:
        sources = self._true[name]
        sources.pop(source, None)
        if value:
            sources[source] = None
            if len(sources) > _MOST:
                del sources[next(iter(sources))]
        return bool(sources)
