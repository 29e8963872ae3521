"""How promtool writes times, labels and the values of a series."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from tests.rules.peers import Labels, NotExpressibleError

STALE: Final = "stale"
MOST_SAMPLES: Final = 20_000
_UNITS: Final = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3_600.0,
    "d": 86_400.0,
    "w": 604_800.0,
    "y": 31_536_000.0,
}
_TIME: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[smhdwy])")
_NUMBER: Final = r"[-+]?(?:[0-9]+\.?[0-9]*(?:[eE][-+]?[0-9]+)?|\.[0-9]+|[iI]nf|[nN]a[nN])"
_VALUE: Final = re.compile(rf"({_NUMBER})(?:([-+])({_NUMBER}))?(?:x([0-9]+))?")
_MISSING: Final = re.compile(r"_(?:x([0-9]+))?")
_LABEL: Final = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|$)')

Sample = float | str | None
"""A value, ``stale``, or None for none at this step."""


def seconds(written: Any) -> float:
    """Seconds of ``1d``, ``4m59s``, ``150s``, ``0``."""
    if isinstance(written, (int, float)) and not isinstance(written, bool):
        return float(written)
    text = str(written or 0).strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return float(text)
    parts = _TIME.findall(text)
    if not parts or _TIME.sub("", text):
        raise NotExpressibleError(f"a time that is not read here: {text[:40]!r}")
    return math.fsum(float(number) * _UNITS[unit] for number, unit in parts)


def labels(written: str) -> tuple[str, Labels]:
    """Metric name and labels of ``up{job="x"}``."""
    name, brace, rest = written.strip().partition("{")
    found: Labels = {}
    if brace:
        if not rest.endswith("}"):
            raise NotExpressibleError("the peer's file is broken on purpose: labels without an end")
        inside = rest[:-1].strip()
        at = 0
        while at < len(inside):
            one = _LABEL.match(inside, at)
            if one is None:
                raise NotExpressibleError("labels that are not read here")
            found[one[1]] = re.sub(r"\\(.)", r"\1", one[2])
            at = one.end()
    return name.strip() or found.pop("__name__", ""), found


def samples(written: Any) -> list[Sample]:
    """The values of ``0+1x5 _x3 stale``, one for each step."""
    found: list[Sample] = []
    text = str(written)
    if "{{" in text:
        raise NotExpressibleError("histograms; a value here is a number, yes or no, or a text")
    for token in text.split():
        if token == STALE:
            found.append(STALE)
        elif missing := _MISSING.fullmatch(token):
            found += [None] * _times(missing[1] or "1")
        elif value := _VALUE.fullmatch(token):
            first = float(value[1])
            step = float((value[2] or "+") + (value[3] or "0").lstrip("+"))
            count = _times(value[4] or "0") + 1
            found += [first + number * step for number in range(count)]
        else:
            raise NotExpressibleError(f"values that are not read here: {token[:40]!r}")
        if len(found) > MOST_SAMPLES:
            raise NotExpressibleError(f"a series of more than {MOST_SAMPLES:,} values")
    return found


def _times(digits: str) -> int:
    if len(digits) > 6 or int(digits) > MOST_SAMPLES:
        raise NotExpressibleError(f"a series of more than {MOST_SAMPLES:,} values")
    return int(digits)
