"""Readings and points as InfluxDB line protocol: one encoder for every version, no I/O.

    smoke,device=S-17,place=110105003012,site=云河 alarm=t,density=0.31 1767225600000000000

measurement  the kind
tags         a fixed, bounded set: ``device``, ``place`` (the code of its place in the
             registry, when a registry is followed) and the tags of the configuration; sorted
fields       the values; ``extra.NAME`` becomes ``extra_NAME``. A flag is the field ``late``,
             ``retained``, ``suspect``, ``stale`` or ``clock_suspect``, there only when true: as
             a tag it would start a second series for the same device
timestamp    ``at`` in ns: a batch that is sent again writes the same points again

A point of another series stands as it is, with the tags of the configuration. A kind of device that
is called as such a series gets ``x_`` before it.

What the format can not carry in every product is replaced by a character that looks like
it and that nothing else uses, so that two names never become one: a backslash by ``＼``, a
control character by its picture (``␊``), a double quote in a name by ``＂``.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Final

from gateway.model import EXTRA, UNKNOWN_KIND, Quality, Reading, Site, Value
from gateway.model.series import SERIES, Point

EARLIEST: Final = -(2**63) + 2
LATEST: Final = 2**63 - 2
"""InfluxDB's own limits of a timestamp."""

FLAGS: Final = frozenset({"late", "retained", "suspect", "stale", "clock_suspect"})

_LONGEST_STRING: Final = 1_000
"""Characters; InfluxDB's own limit is 64 KB, VictoriaMetrics' for a whole line 256 KB."""
_LONGEST_NAME: Final = 1_000
_LONGEST_SERIES: Final = 8_000
"""Bytes of measurement and tags: half of what VictoriaMetrics cuts a label at."""
_LONGEST_LINE: Final = 60_000
"""Characters, so at most 240 KB."""
_CACHED: Final = 20_000
"""Devices, and field names: twice the largest site; a full cache is emptied."""

_PICTURES: Final = {code: chr(0x2400 + code) for code in range(0x20)} | {
    0x7F: "␡",
    ord("\\"): "＼",
}
_IN_NAME: Final = _PICTURES | {
    ord(","): "\\,",
    ord("="): "\\=",
    ord(" "): "\\ ",
    ord('"'): "＂",
}
_IN_STRING: Final = _PICTURES | {ord('"'): '\\"', ord("\\"): "\\\\"}
_QUALITY: Final = {
    Quality.good: "",
    Quality.suspect: ",suspect=t",
    Quality.stale: ",stale=t",
    Quality.clock_suspect: ",clock_suspect=t",
}


_NOTHING: Final = "-"
"""Stands for a tag without a value where a table's tags are settled by its first line."""


class UnencodableError(ValueError):
    """A reading, or a point, that no line can carry; the text says why."""


class Encoder:
    """Writes lines; remembers each device's beginning of a line and each field's name."""

    def __init__(self, tags: Mapping[str, str] | None = None, *, whole: bool = False) -> None:
        """``whole``: every line has every tag of its series."""
        self._tags = dict(tags or {})
        self._whole = whole
        self._reserved = FLAGS | {"time", "device", "place", *self._tags}
        self._site: Site | None = None
        self._starts: dict[tuple[str, ...], str] = {}
        self._keys: dict[str, str] = {}

    def follow(self, site: Site) -> None:
        """Take places from ``site``; nothing happens when it is the one it has."""
        if site is not self._site:
            self._site = site
            self._starts.clear()

    def line(self, reading: Reading, trusted: bool = True) -> str:
        """The line of a reading, without newline; "" for one that has nothing to measure.

        ``trusted`` false marks a reading taken while the wall clock was not to be
        believed. Raises ``UnencodableError``.
        """
        try:
            start = self._starts[reading.device, reading.kind]
        except KeyError:
            start = self._start(reading.device, reading.kind)
        keys = self._keys
        text = ""
        for name, value in reading.values.items():
            try:
                key = keys[name]
            except KeyError:
                key = self._key(name)
            if type(value) is float:
                if isfinite(value):
                    text += f"{key}{value!r}"
            else:
                text += key + _other(value)
        if not text:
            if reading.values:
                raise UnencodableError("no value is a finite number")
            return ""
        if trusted and reading.quality is Quality.good:
            flags = ""
        else:
            flags = _QUALITY[reading.quality if trusted else Quality.clock_suspect]
        if reading.late:
            flags += ",late=t"
        if reading.retained:
            flags += ",retained=t"
        if len(text) > _LONGEST_LINE:
            raise UnencodableError(f"{len(text)} characters of values are too long for a line")
        if not EARLIEST <= reading.at <= LATEST:
            raise UnencodableError(f"InfluxDB has no time {reading.at}")
        return f"{start}{text[1:]}{flags} {reading.at}"

    def point(self, point: Point) -> str:
        """The line of a point, without newline. Raises ``UnencodableError``."""
        tags = point.tags
        of = (point.measurement, *(each for pair in tags.items() for each in pair))
        start = self._starts.get(of) or self._start_of(of, point)
        text = ""
        for name, value in point.fields.items():
            if type(value) is float:
                if isfinite(value):
                    text += f",{_escape(name)}={value!r}"
            else:
                text += f",{_escape(name)}={_other(value)}"
        if not text:
            raise UnencodableError("no field has a value")
        if len(text) > _LONGEST_LINE:
            raise UnencodableError(f"{len(text)} characters of fields are too long for a line")
        if not EARLIEST <= point.at <= LATEST:
            raise UnencodableError(f"InfluxDB has no time {point.at}")
        return f"{start}{text[1:]} {point.at}"

    def measurement(self, kind: str) -> str:
        """The measurement of a kind, unescaped."""
        if kind in SERIES:
            return "x_" + kind
        if kind.startswith("#"):  # such a line would be a comment
            return "＃" + kind[1:]
        return "x_" + kind if kind.startswith("_") else kind or UNKNOWN_KIND

    def field(self, name: str) -> str:
        """The field a value is kept in, unescaped; every name has its own.

        Names that InfluxDB keeps for itself, and those of tags and flags, get ``x_`` before
        them.
        """
        if name.startswith(EXTRA):
            return "extra_" + name.removeprefix(EXTRA)
        if not name or name in self._reserved or name.startswith(("_", "x_", "extra_")):
            return "x_" + name
        return name

    def _start(self, device: str, kind: str) -> str:
        """Measurement and tags up to the space before the fields."""
        tags = self._tags | {"device": device}
        if self._site is not None:
            tags["place"] = self._site.place_of(device)
        elif self._whole:
            tags["place"] = ""
        kind = kind or UNKNOWN_KIND
        start = self._joined(self.measurement(kind), tags)
        if len(start.encode("utf-8", "replace")) > _LONGEST_SERIES:
            raise UnencodableError(f"device name of {len(device)} characters is too long")
        _make_room(self._starts)
        self._starts[device, kind] = start
        return start

    def _start_of(self, of: tuple[str, ...], point: Point) -> str:
        """The same of a point, kept as ``of``."""
        tags = {**point.tags, **self._tags}
        start = self._joined(point.measurement, tags)
        if len(start.encode("utf-8", "replace")) > _LONGEST_SERIES:
            raise UnencodableError(f"tags of {len(start)} characters are too long")
        _make_room(self._starts)
        self._starts[of] = start
        return start

    def _joined(self, measurement: str, tags: Mapping[str, str]) -> str:
        nothing = _NOTHING if self._whole else ""
        pairs = [(key, tags[key] or nothing) for key in sorted(tags)]
        parts = [f"{_escape(key)}={_escape(value)}" for key, value in pairs if value]
        return ",".join([_escape(measurement), *parts]) + " "

    def _key(self, name: str) -> str:
        """``,NAME=`` as it stands in a line."""
        if len(name) > _LONGEST_NAME:
            raise UnencodableError(f"value name of {len(name)} characters is too long")
        _make_room(self._keys)
        self._keys[name] = key = f",{_escape(self.field(name))}="
        return key


def _escape(name: str) -> str:
    """A measurement, tag key, tag value or field key; an escaped = is good in all of them."""
    return name.translate(_IN_NAME)


def _other(value: Value) -> str:
    """A boolean or a string, or an integer that came through where a float is meant."""
    if value is True:
        return "t"
    if value is False:
        return "f"
    if isinstance(value, str):
        if len(value) > _LONGEST_STRING:
            value = value[: _LONGEST_STRING - 1] + "…"
        return f'"{value.translate(_IN_STRING)}"'
    return repr(float(value))


def _make_room(cache: dict[str, str] | dict[tuple[str, ...], str]) -> None:
    if len(cache) >= _CACHED:
        cache.clear()
