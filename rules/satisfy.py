"""Whether conditions can hold at all, exclude each other or imply each other.

A condition is taken apart into *cases*: each says of some values what they have to be, and the
condition is true when one of its cases fits. Numbers are intervals of the real line; texts and
yes-or-no values are one word or none of some words. What two values make together (a sum, a
difference) and a function over time stand for themselves, as if they were values of their own, so
that nothing is said of conditions that only algebra could decide. Values count as known.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from gateway.model import SECOND, Value, every_value_name
from rules.expression import pair_type
from rules.syntax import Arithmetic, Call, Compare, Junction, Literal, Name, Negative, Node, Not
from rules.words import quantity

MAX_CASES: Final = 256
"""A condition with more of them is not judged."""
MAX_COMPARED: Final = 4_096
"""Cases of one condition with those of another; beyond it nothing is said of the two."""

_INFINITE: Final = math.inf
_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


class TooMany(Exception):
    """The condition has more than ``MAX_CASES`` cases, or two have too many to be compared."""


class Span(NamedTuple):
    """The numbers between ``low`` and ``high`` but for ``without``."""

    low: float = -_INFINITE
    low_in: bool = False
    high: float = _INFINITE
    high_in: bool = False
    without: frozenset[float] = frozenset()

    def within(self, other: Span) -> Span:
        """The numbers of both."""
        low, low_in = max((self.low, not self.low_in), (other.low, not other.low_in))
        high, high_in = min((self.high, self.high_in), (other.high, other.high_in))
        return Span(low, not low_in, high, high_in, self.without | other.without)

    def is_empty(self) -> bool:
        """Whether no number is left."""
        if self.low < self.high:
            return False
        alone = self.low == self.high and self.low_in and self.high_in
        return not alone or self.low in self.without


class Words(NamedTuple):
    """The one value ``only``, or every value but ``without``."""

    only: Value | None = None
    without: frozenset[Value] = frozenset()

    def within(self, other: Words) -> Words:
        """The values of both."""
        if self.only is not None and other.only is not None and self.only != other.only:
            return Words(self.only, frozenset((self.only,)))
        only = self.only if self.only is not None else other.only
        return Words(only, self.without | other.without)

    def is_empty(self) -> bool:
        """Whether no value is left."""
        return self.only is not None and self.only in self.without


class What(NamedTuple):
    """What is compared, as it is written; an ``extra.`` value may be used as several types."""

    text: str
    type: str


Case = Mapping[What, Span | Words]
"""What it has to be; the empty case always fits."""
Cases = tuple[Case, ...]

_BY_UNIT: Final[Mapping[str, Span]] = MappingProxyType(
    {
        "%": Span(0, True, 100, True),
        "%/m": Span(0, True, 100, True),
        "°C": Span(-273.15, True),
        "ppm": Span(0, True),
        "ppb": Span(0, True),
        "µg/m³": Span(0, True),
    }
)
_BY_NAME: Final[Mapping[str, Span]] = MappingProxyType({"area": Span(0, True, 1, True)})


def range_of(node: Node) -> Span:
    """The numbers that a value can be by its nature; every number where nothing is known."""
    if isinstance(node, Call) and node.function in ("rate", "count"):
        return Span(0, True) if node.function == "count" else Span()
    name = node.name if isinstance(node, Name | Call) else ""
    known = every_value_name().get(name)
    if known is None or known.type is not float:
        return Span()
    return _BY_NAME.get(name) or _BY_UNIT.get(known.unit, Span())


def ranges(node: Node) -> dict[str, Span]:
    """As it is written, each value in ``node`` whose numbers are bounded by nature."""
    found: dict[str, Span] = {}
    waiting = [node]
    while waiting:
        match waiting.pop():
            case Name() | Call() as value:
                if (span := range_of(value)) != Span():
                    found[written(value)] = span
            case Not(of=of) | Negative(of=of):
                waiting.append(of)
            case Junction(parts=parts):
                waiting += parts
            case Compare(first=first, rest=rest):
                waiting += (first, *(right for _, right in rest))
            case Arithmetic(left=left, right=right):
                waiting += (left, right)
    return found


def cases(node: Node, wanted: bool = True, *, by_nature: bool = True) -> Cases:
    """The cases in which ``node`` is ``wanted``; none: it never is. Raises ``TooMany``.

    Without ``by_nature`` a battery may have 200 %.
    """
    return _Analysis(by_nature).of(node, wanted)


def apart(one: Cases, other: Cases) -> bool:
    """Whether nothing fits both. Raises ``TooMany``."""
    return together(one, other) is None


def together(one: Cases, other: Cases) -> Case | None:
    """A case of both, or None where there is none. Raises ``TooMany``."""
    if len(one) * len(other) > MAX_COMPARED:
        raise TooMany
    return next((c for a in one for b in other if (c := _both(a, b)) is not None), None)


def example(case: Case) -> str:
    """Values that fit ``case``, as a person writes them."""
    return ", ".join(f"{what.text} = {_shown(some(case[what]))}" for what in sorted(case))


def some(wanted: Span | Words) -> Value:
    """A value that fits."""
    if isinstance(wanted, Span):
        return float(next(number for number in _candidates(wanted) if _holds(wanted, number)))
    if wanted.only is not None:
        return wanted.only
    return next(word for n in itertools.count() if (word := f"x{n or ''}") not in wanted.without)


def _candidates(span: Span) -> Iterator[float]:
    """Numbers of which one is in ``span``: first those that are easily said."""
    low, high = span.low, span.high
    if math.isfinite(low) and math.isfinite(high):
        yield from (low + 1, high - 1)
        yield from (round((low + high) / 2, digits) for digits in range(4))
        yield from (low, high)
        yield from (low + (high - low) * part / 97 for part in range(1, 97))
    else:
        start = low if math.isfinite(low) else high if math.isfinite(high) else 0.0
        step = max(1.0, abs(start) / 1e6) * (-1 if math.isfinite(high) else 1)
        yield from (start + step * n for n in range(1, MAX_CASES))
        yield start


def written(node: Node) -> str:
    """``node`` as a person writes it."""
    match node:
        case Name():
            return node.name
        case Call():
            time = f", {_time(node.length)}" if node.length else ""
            return f"{node.function}({node.name}{time})"
        case Literal():
            return _shown(node.value)
        case Negative():
            return f"-{_inner(node.of)}"
        case Arithmetic():
            return f"{_inner(node.left)} {node.sign} {_inner(node.right)}"
        case Compare():
            rest = "".join(f" {sign} {written(right)}" for sign, right in node.rest)
            return f"{written(node.first)}{rest}"
        case Not():
            return f"not {_inner(node.of)}"
        case Junction():
            return f" {node.word} ".join(map(_inner, node.parts))


def _inner(node: Node) -> str:
    plain = isinstance(node, Name | Call | Literal | Not | Compare)
    return written(node) if plain else f"({written(node)})"


def _time(nanoseconds: int) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if nanoseconds % (size * SECOND) == 0:
            return f"{nanoseconds // (size * SECOND)}{unit}"
    return f"{nanoseconds / SECOND:g}s"


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, str) else quantity(value)


# --- taking apart -----------------------------------------------------------------------


class _Analysis:
    def __init__(self, by_nature: bool) -> None:
        self._by_nature = by_nature

    def of(self, node: Node, wanted: bool) -> Cases:
        if isinstance(node, Not):
            return self.of(node.of, not wanted)
        if isinstance(node, Junction):
            parts = [self.of(part, wanted) for part in node.parts]
            return _all_of(parts) if (node.word == "and") is wanted else _any_of(parts)
        if isinstance(node, Compare):
            parts = [self._pair(*pair, wanted) for pair in node.pairs()]
            return _all_of(parts) if wanted else _any_of(parts)
        if isinstance(node, Literal):
            return ({},) if node.value is wanted else ()
        return (_flag(written(node), wanted),)

    def _pair(self, left: Node, sign: str, right: Node, wanted: bool) -> Cases:
        sign = sign if wanted else _OPPOSITE[sign]
        if pair_type(left, sign, right) is float:
            return self._numbers(left, sign, right)
        if isinstance(left, Literal):
            left, right = right, left
        equal = sign == "=="
        if isinstance(left, Literal) and isinstance(right, Literal):
            return _whether((left.value == right.value) is equal)
        if isinstance(right, Literal):
            return (_word(written(left), right.value, equal),)
        one, other = sorted((written(left), written(right)))
        return _whether(equal) if one == other else (_flag(f"{one} == {other}", equal),)

    def _numbers(self, left: Node, sign: str, right: Node) -> Cases:
        a, b = _constant(left), _constant(right)
        if a is not None and b is not None:
            return _whether(_holds(_span(sign, b), a))
        if b is not None:
            return self._number(left, _span(sign, b))
        if a is not None:
            return self._number(right, _span(_TURNED[sign], a))
        one, other = written(left), written(right)
        if one == other:
            return _whether(_holds(_span(sign, 0.0), 0.0))
        if one > other:
            one, other, sign = other, one, _TURNED[sign]
        return ({What(f"{one} - ({other})", "number"): _span(sign, 0.0)},)

    def _number(self, node: Node, span: Span) -> Cases:
        if self._by_nature:
            span = span.within(range_of(node))
        return () if span.is_empty() else ({What(written(node), "number"): span},)


def _whether(holds: bool) -> Cases:
    return ({},) if holds else ()


def _flag(text: str, value: bool) -> Case:
    return {What(text, "flag"): Words(only=value)}


def _word(text: str, value: Value, equal: bool) -> Case:
    if isinstance(value, bool):
        return _flag(text, value is equal)
    words = Words(only=value) if equal else Words(without=frozenset((value,)))
    return {What(text, "text"): words}


def _span(sign: str, bound: float) -> Span:
    """What stands left of ``sign`` when ``bound`` stands right of it."""
    match sign:
        case "<" | "<=":
            return Span(high=bound, high_in=sign == "<=")
        case ">" | ">=":
            return Span(low=bound, low_in=sign == ">=")
        case "==":
            return Span(bound, True, bound, True)
    return Span(without=frozenset((bound,)))


def _holds(span: Span, number: float) -> bool:
    return not span.within(Span(number, True, number, True)).is_empty()


def _constant(node: Node) -> float | None:
    """The number that ``node`` always is; None: it is none, or depends on a value."""
    if isinstance(node, Literal):
        return node.value if isinstance(node.value, float) else None
    found: float | None = None
    if isinstance(node, Negative):
        inner = _constant(node.of)
        found = None if inner is None else -inner
    elif isinstance(node, Arithmetic):
        a, b = _constant(node.left), _constant(node.right)
        if a is not None and b is not None and (b or node.sign != "/"):
            found = {"+": a + b, "-": a - b, "*": a * b, "/": a / (b or 1)}[node.sign]
    return found if found is not None and math.isfinite(found) else None


def _any_of(parts: Iterable[Cases]) -> Cases:
    found: list[Case] = []
    for part in parts:
        if any(not case for case in part):
            return ({},)
        found += (case for case in part if case not in found)
        if len(found) > MAX_CASES:
            raise TooMany
    return tuple(found)


def _all_of(parts: Iterable[Cases]) -> Cases:
    found: Cases = ({},)
    for part in parts:
        met = [case for a in found for b in part if (case := _both(a, b)) is not None]
        found = _any_of((tuple(met),))
    return found


def _both(one: Case, other: Case) -> Case | None:
    """What fits both; None: nothing does."""
    if len(one) < len(other):
        one, other = other, one
    found = dict(one)
    for what, wanted in other.items():
        mine = found.get(what, wanted)
        # The type is part of ``what``, so both are of one class.
        met = mine if mine is wanted else mine.within(wanted)  # type: ignore[arg-type]
        if met.is_empty():
            return None
        found[what] = met
    return found
