"""Raw scalars, as devices write them, to the type that a value name has in the tables."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from gateway.model import Value, every_value_name

Coerce = Callable[[object], Value | None]
"""Returns None for an absent value; ValueError says in a few words what is wrong."""

MAX_TEXT: Final = 256
"""Characters of a text value: longer ones are no sensor's and would bloat every record."""

_TRUE: Final = frozenset({"on", "true", "yes", "1"})
_FALSE: Final = frozenset({"off", "false", "no", "0"})


def number(raw: object) -> float | None:
    """A finite number from a number or a numeric text; None from null and empty text.

    A truth value is refused: where a number is expected it is somebody's mistake.
    """
    if type(raw) is float or type(raw) is int:
        value = _float(raw)
    elif raw is None:
        return None
    elif isinstance(raw, str):
        text = raw.strip()
        if not text:
            return None
        if "_" in text:
            raise ValueError(f"{shown(raw)} is no number")
        value = _float(text)
    else:
        raise ValueError(f"{shown(raw)} is no number")
    if not math.isfinite(value):
        raise ValueError(f"{shown(raw)} is not a finite number")
    return value


def truth(raw: object) -> bool | None:
    """A truth value from one, from 0 and 1, or from on/off, true/false, yes/no, 1/0 in any case."""
    if raw is True or raw is False:
        return raw
    if raw is None:
        return None
    if isinstance(raw, str):
        word = raw.strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        if not word:
            return None
    elif isinstance(raw, (int, float)) and raw in (0, 1):
        return bool(raw)
    raise ValueError(f"{shown(raw)} is neither true nor false")


def text(raw: object) -> str | None:
    """A text from a text or a scalar; None from null and empty text."""
    if raw is None:
        return None
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, str):
        return checked(raw) or None
    if isinstance(raw, (int, float)):
        value = _float(raw)
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else str(value)
    raise ValueError(f"{shown(raw)} is no text")


def scalar(raw: object) -> Value | None:
    """A value outside the tables, in the type it came in; integers become float."""
    if raw is None or raw is True or raw is False:
        return raw
    if isinstance(raw, (int, float)):
        return number(raw)
    if isinstance(raw, str):
        return checked(raw) or None
    raise ValueError(f"{shown(raw)} is not one value")


_BY_TYPE: Final[dict[type, Coerce]] = {float: number, bool: truth, str: text}
_BY_NAME: Final[dict[str, Coerce]] = {
    name: _BY_TYPE[value.type] for name, value in every_value_name().items()
}


def coercer(name: str) -> Coerce:
    """The function for value ``name``; ``scalar`` for a name outside the tables."""
    return _BY_NAME.get(name, scalar)


def coerce(name: str, raw: object) -> Value | None:
    """``raw`` in the type of value ``name``; None: absent. ValueError: it can not be that."""
    return _BY_NAME.get(name, scalar)(raw)


def checked(raw: str) -> str:
    """``raw`` if it is short enough and can be written as UTF-8; else ValueError."""
    if len(raw) > MAX_TEXT:
        raise ValueError(f"a text of {len(raw):,} characters; {MAX_TEXT} are the limit")
    if not raw.isascii():
        try:
            raw.encode()
        except UnicodeEncodeError:
            raise ValueError("a text with half a surrogate pair") from None
    return raw


def shown(raw: object) -> str:
    """``raw`` for a reason, bounded: reasons are shown and kept."""
    if isinstance(raw, (dict, list, tuple)):
        return f"a {type(raw).__name__} of {len(raw)}"
    if isinstance(raw, int) and not isinstance(raw, bool) and raw.bit_length() > 64:
        return "a huge integer"  # printing one costs quadratic time
    written = repr(raw[:40]) if isinstance(raw, (str, bytes)) else str(raw)[:40]
    return written.encode("ascii", "backslashreplace").decode() if "\\ud" in written else written


def _float(raw: float | str) -> float:
    try:
        return float(raw)
    except (ValueError, OverflowError):
        raise ValueError(f"{shown(raw)} is no number") from None
