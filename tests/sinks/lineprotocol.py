"""A second reading of the line protocol, for round trips: written from its description."""

from __future__ import annotations

from typing import NamedTuple


class Point(NamedTuple):
    measurement: str
    tags: dict[str, str]
    fields: dict[str, float | bool | str]
    time: int


def parse(line: str) -> Point:
    """One line; ValueError says what is not line protocol."""
    if "\n" in line or line.startswith("#"):
        raise ValueError("one line, and no comment")
    key, rest = _until(line, " ", quotes=False)
    fields_text, time = _until(rest, " ", quotes=True)
    measurement, *tags = _split(key, ",", quotes=False)
    if not measurement:
        raise ValueError("no measurement")
    fields = dict(_pair(part, quotes=True) for part in _split(fields_text, ",", quotes=True))
    return Point(
        _unescape(measurement),
        dict(_pair(part, quotes=False) for part in tags),
        {name: _value(text) for name, text in fields.items()},
        int(time),
    )


def _until(text: str, mark: str, *, quotes: bool) -> tuple[str, str]:
    head = _split(text, mark, quotes=quotes)[0]
    if len(head) == len(text):
        raise ValueError(f"no {mark!r} in {text!r}")
    return head, text[len(head) + 1 :]


def _split(text: str, mark: str, *, quotes: bool) -> list[str]:
    """At every ``mark`` that is not escaped and, with ``quotes``, not within a string."""
    parts, start, position, inside = [], 0, 0, False
    while position < len(text):
        if text[position] == "\\":
            position += 2
            continue
        if quotes and text[position] == '"':
            inside = not inside
        elif text[position] == mark and not inside:
            parts.append(text[start:position])
            start = position + 1
        position += 1
    if inside:
        raise ValueError(f"a string does not end in {text!r}")
    return [*parts, text[start:]]


def _pair(text: str, *, quotes: bool) -> tuple[str, str]:
    name, value = _until(text, "=", quotes=quotes)
    if not name or not value:
        raise ValueError(f"an empty name or value in {text!r}")
    return _unescape(name), value if quotes else _unescape(value)


def _unescape(text: str) -> str:
    for escaped in ("\\,", "\\=", "\\ "):
        text = text.replace(escaped, escaped[1])
    if "\\" in text:
        raise ValueError(f"a lone backslash in {text!r}")
    return text


def _value(text: str) -> float | bool | str:
    if text in ("t", "f"):
        return text == "t"
    if text.startswith('"'):
        if len(text) < 2 or not text.endswith('"'):
            raise ValueError(f"no string: {text}")
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return float(text)
