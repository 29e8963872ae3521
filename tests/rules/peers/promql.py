"""A condition of PromQL into one of ours, where the meaning is the same.

    or > and > comparison > + - > * / > value
    value = NUMBER | SELECTOR | f(SELECTOR[TIME]) | absent(SELECTOR) | "(" … ")" | - value

A vector matches another one by all labels, so what stands in one condition is about one device.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Final, NamedTuple

from tests.rules.peers import Labels, NotExpressibleError
from tests.rules.peers.notation import seconds

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<comment>\#[^\n]*)
    |(?P<time>(?:[0-9]+(?:ms|[smhdwy]))+)
    |(?P<number>0x[0-9a-fA-F]+|[0-9]+\.?[0-9]*(?:[eE][-+]?[0-9]+)?|\.[0-9]+)
    |(?P<word>[A-Za-z_:][A-Za-z0-9_:.]*)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
    |(?P<sign>=~|!~|==|!=|<=|>=|[-+*/%^<>=(){}\[\],:@]))""",
    re.VERBOSE,
)
_COMPARISONS: Final = ("==", "!=", "<=", ">=", "<", ">")
_WINDOWS: Final = {
    "avg_over_time": "avg({0})",
    "min_over_time": "min({0})",
    "max_over_time": "max({0})",
    "count_over_time": "count({0})",
    "sum_over_time": "(avg({0}) * count({0}))",
}
_EXTRAPOLATED: Final = ("rate", "irate", "increase", "delta", "idelta", "deriv", "predict_linear")
_AGGREGATED: Final = (
    *("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk", "bottomk"),
    *("quantile", "count_values", "limitk", "limit_ratio", "histogram_quantile"),
)
_MATCHED: Final = ("on", "ignoring", "group_left", "group_right", "bool")
_DEEPEST: Final = 40


class Selector(NamedTuple):
    """A metric and what its labels must be: (label, sign, text)."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]

    def fits(self, labels: Labels) -> bool:
        """Whether a series with these labels (its name apart) is one of them."""
        return all(
            _MATCHES[sign](labels.get(label, ""), text) for label, sign, text in self.matchers
        )

    def certain(self) -> Labels:
        """The labels that an alert about nothing at all (``absent``) has."""
        return {label: text for label, sign, text in self.matchers if sign == "="}


_MATCHES: Final[dict[str, Callable[[str, str], bool]]] = {
    "=": lambda value, text: value == text,
    "!=": lambda value, text: value != text,
    "=~": lambda value, text: like(text, value),
    "!~": lambda value, text: not like(text, value),
}


def window(seconds: float) -> str:
    """The length of a window as a condition says it."""
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


class Absent(NamedTuple):
    """A silence: of the peer's look-back (``window`` 0), or of ``window`` seconds."""

    selector: Selector
    window: float


class Translated(NamedTuple):
    """Our condition ("" for none), the silences beside it, and what its value names stand for."""

    when: str
    absents: list[Absent]
    instants: dict[str, Selector]
    windowed: dict[str, Selector]
    lengths: dict[str, set[float]]
    """Of ``windowed``: the lengths of the windows over it, s."""
    lookbacks: dict[str, float]
    """For how long a value of ``instants`` counts, s, where it is not the peer's look-back."""
    divisors: list[str]
    """Value names of ``instants`` that something is divided by."""


class _Part(NamedTuple):
    """``sort``: number, vector, filter (a comparison) or absent."""

    text: str
    sort: str


def translate(expression: str) -> Translated:
    """Our words for ``expression``. Raises ``NotExpressibleError``."""
    if len(expression) > 10_000:
        raise NotExpressibleError("longer than a condition may be")
    return _Parser(expression).translated()


class _Parser:
    def __init__(self, expression: str) -> None:
        self._tokens = _tokens(expression)
        self._at = 0
        self._depth = 0
        self._instants: dict[tuple[Selector, float], str] = {}
        self._windowed: dict[Selector, str] = {}
        self._lengths: dict[str, set[float]] = {}
        self._absents: list[Absent] = []
        self._divisors: list[str] = []

    def translated(self) -> Translated:
        part = self._either()
        if self._peek() is not None:
            raise NotExpressibleError(f"PromQL that is not read here, at {self._peek()!r}")
        if part.sort in ("number", "vector"):
            raise NotExpressibleError(
                "a number alone always fires; a rule here is about what a device reports"
                if part.sort == "number"
                else "it fires while there is a value; a rule here says which values are wrong"
            )
        return Translated(
            part.text,
            self._absents,
            {name: selector for (selector, _), name in self._instants.items()},
            {name: selector for selector, name in self._windowed.items()},
            self._lengths,
            {name: length for (_, length), name in self._instants.items() if length},
            self._divisors,
        )

    def _either(self) -> _Part:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotExpressibleError("nested more deeply than a condition may be")
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        self._depth -= 1
        if len(parts) == 1:
            return parts[0]
        if any(part.sort not in ("filter", "absent") for part in parts):
            raise NotExpressibleError("'or' between numbers; here it joins conditions")
        texts = [part.text for part in parts if part.sort == "filter"]
        return _Part(f"({' or '.join(texts)})" if texts else "", "filter" if texts else "absent")

    def _both(self) -> _Part:
        parts = [self._compared()]
        while (word := self._peek()) in ("and", "unless"):
            self._next()
            if word == "unless":
                raise NotExpressibleError(
                    "'unless' lets through what has no other value; here that is unknown"
                )
            parts.append(self._compared())
        if len(parts) == 1:
            return parts[0]
        if any(part.sort != "filter" for part in parts):
            raise NotExpressibleError("'and' with something that is no comparison")
        return _Part(f"({' and '.join(part.text for part in parts)})", "filter")

    def _compared(self) -> _Part:
        left = self._sum()
        sign = self._peek()
        if sign not in _COMPARISONS:
            return left
        self._next()
        right = self._sum()
        _numbers(left, right)
        if left.sort == right.sort == "number":
            raise NotExpressibleError("two numbers compared; no device is asked")
        if self._peek() in _COMPARISONS:
            raise NotExpressibleError("a comparison of what a comparison lets through")
        return _Part(f"{left.text} {sign} {right.text}", "filter")

    def _sum(self) -> _Part:
        return self._operation(self._product, ("+", "-"))

    def _product(self) -> _Part:
        return self._operation(self._value, ("*", "/"))

    def _operation(self, operand: Callable[[], _Part], signs: tuple[str, ...]) -> _Part:
        left = operand()
        while (sign := self._peek()) in signs:
            self._next()
            right = operand()
            _numbers(left, right)
            if sign == "/":
                self._note_divisor(right)
            sort = "number" if left.sort == right.sort == "number" else "vector"
            left = _Part(f"({left.text} {sign} {right.text})", sort)
        if self._peek() in ("%", "^"):
            raise NotExpressibleError("remainders and powers are not in the language")
        return left

    def _note_divisor(self, right: _Part) -> None:
        if right.sort == "number":
            return
        if right.text not in {f"extra.{name}" for name in self._instants.values()}:
            raise NotExpressibleError("divided by something that may be zero: here that is unknown")
        self._divisors.append(right.text.removeprefix("extra."))

    def _value(self) -> _Part:
        token = self._next()
        if token == "(":
            part = self._either()
            self._expect(")")
            return part
        if token in ("-", "+"):
            part = self._value()
            _numbers(part)
            return _Part(f"({token}{part.text})" if token == "-" else part.text, part.sort)
        if token is None:
            raise NotExpressibleError("PromQL that ends too early")
        if re.fullmatch(r"[0-9.].*", token):
            return _Part(_number(token), "number")
        if token.lower() in ("inf", "nan"):
            raise NotExpressibleError("no sensor reports infinity or NaN")
        if token == "{" or re.fullmatch(r"[A-Za-z_:].*", token):
            return self._named(token)
        raise NotExpressibleError(f"PromQL that is not read here, at {token!r}")

    def _named(self, token: str) -> _Part:
        if token in _MATCHED:
            raise NotExpressibleError(
                "'bool' makes numbers of comparisons"
                if token == "bool"
                else f"'{token}': series joined by some of their labels; a rule is about one device"
            )
        if self._peek() == "(" or token in _AGGREGATED:
            return self._called(token)
        selector = self._selector(token)
        if self._peek() == "[":
            raise NotExpressibleError("a stretch of time without a function over it")
        return self._instant(selector, 0.0)

    def _instant(self, selector: Selector, length: float) -> _Part:
        name = self._instants.setdefault((selector, length), f"v{len(self._instants)}")
        return _Part(f"extra.{name}", "vector")

    def _called(self, function: str) -> _Part:
        if function in _AGGREGATED:
            raise NotExpressibleError(
                f"'{function}' over several series; a rule is about one device, its window or place"
            )
        if function in _EXTRAPOLATED:
            raise NotExpressibleError(
                f"'{function}' draws a line to both ends of its window; 'rate' here goes from report to report"
            )
        if function in ("time", "timestamp", "day_of_week", "hour", "minute", "month", "year"):
            raise NotExpressibleError("the time of day is no value; that is what plans are for")
        self._expect("(")
        if function == "absent":
            self._absents.append(Absent(self._selector(self._next() or ""), 0.0))
            self._expect(")")
            return _Part("", "absent")
        if function not in (*_WINDOWS, "last_over_time", "absent_over_time"):
            raise NotExpressibleError(f"there is no function like '{function}'")
        inner = self._next() or ""
        if self._peek() == "(" or inner in ("(", "-"):
            raise NotExpressibleError("a window over something that is worked out (a subquery)")
        selector = self._selector(inner)
        self._expect("[")
        length = self._next() or ""
        if (self._peek() or "").startswith(":"):
            raise NotExpressibleError("a window over something that is worked out (a subquery)")
        self._expect("]")
        self._no_modifier()
        self._expect(")")
        if function == "absent_over_time":
            self._absents.append(Absent(selector, seconds(length)))
            return _Part("", "absent")
        if function == "last_over_time":
            return self._instant(selector, seconds(length))
        name = self._windowed.setdefault(selector, f"w{len(self._windowed)}")
        self._lengths.setdefault(name, set()).add(seconds(length))
        return _Part(
            _WINDOWS[function].format(f"extra.{name}, {window(seconds(length))}"), "vector"
        )

    def _selector(self, name: str) -> Selector:
        matchers: list[tuple[str, str, str]] = []
        if name == "{" or self._take("{"):
            while not self._take("}"):
                label = self._next() or ""
                sign, text = self._next() or "", _unquoted(self._next() or "")
                if sign not in _MATCHES or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", label):
                    raise NotExpressibleError("labels that are not read here")
                if sign in ("=~", "!~"):
                    like(text, "")
                matchers.append((label, sign, text))
                if self._peek() != "}":
                    self._expect(",")
        names = [text for label, sign, text in matchers if label == "__name__" and sign == "="]
        if name == "{":
            name = names[0] if names else ""
        if not re.fullmatch(r"[A-Za-z_:][A-Za-z0-9_:.]*", name):
            raise NotExpressibleError("a metric without a name")
        matchers = [one for one in matchers if one[0] != "__name__"]
        self._no_modifier()
        return Selector(name, tuple(sorted(matchers)))

    def _no_modifier(self) -> None:
        if self._peek() in ("offset", "@"):
            raise NotExpressibleError(
                "a value of another time (offset, @); there is only the latest"
            )

    def _peek(self) -> str | None:
        if self._at >= len(self._tokens):
            return None
        token = self._tokens[self._at]
        return token.lower() if token.lower() in ("and", "or", "unless", *_MATCHED) else token

    def _next(self) -> str | None:
        token = self._peek()
        self._at += 1
        return token

    def _take(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._at += 1
        return True

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise NotExpressibleError(f"PromQL that is not read here, at {self._peek()!r}")


def _numbers(*parts: _Part) -> None:
    if any(part.sort not in ("number", "vector") for part in parts):
        raise NotExpressibleError("what a comparison lets through, used as a number")


def _tokens(expression: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    expression = expression.rstrip()
    while at < len(expression):
        found = _TOKEN.match(expression, at)
        if found is None or found.end() == at:
            raise NotExpressibleError(
                f"PromQL that is not read here, at {expression[at : at + 10]!r}"
            )
        at = found.end()
        if found.lastgroup != "comment" and found.lastgroup is not None:
            tokens.append(found[found.lastgroup])
    return tokens


def _number(token: str) -> str:
    if token.startswith("0x"):
        return str(int(token, 16))
    if re.search(r"[a-z]$", token):
        return f"{seconds(token):g}"
    return repr(float(token)) if float(token) != int(float(token)) else str(int(float(token)))


def _unquoted(token: str) -> str:
    if len(token) < 2 or token[0] not in "\"'`":
        raise NotExpressibleError("labels that are not read here")
    return token[1:-1] if token[0] == "`" else re.sub(r"\\(.)", r"\1", token[1:-1])


def like(pattern: str, value: str) -> bool:
    """Whether all of ``value`` is what a pattern of labels wants. Raises ``NotExpressibleError``."""
    if len(pattern) > 1_000 or re.search(r"[+*}]\)?[+*{]", pattern):
        raise NotExpressibleError("a pattern of labels that is not read here")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python means to read otherwise one day
            return re.fullmatch(pattern, value) is not None
    except (re.error, Warning):
        raise NotExpressibleError("a pattern of labels that is not read here") from None
