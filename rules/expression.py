"""Conditions: a tree checked against the value names, and compiled once to a fast function.

A value that was never reported is *unknown*, and so is everything that can not be decided
without it (Kleene's three values); a division by zero is unknown too. A condition holds only
when it is certainly true. Two compiled forms serve this without a third value at run time:
"certainly true" and "certainly false". An unknown number is NaN, which no comparison holds for.

Each compiled form is a plain function of ``get``, the latest values' ``dict.get``. A function
over time, such as a rate, can join later as one more name that ``get`` knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from gateway.document import nearest
from gateway.model import EXTRA, Value, every_value_name, vocabulary
from rules.syntax import (
    WORDS,
    Arithmetic,
    Compare,
    Fault,
    Faults,
    Junction,
    Literal,
    Name,
    Negative,
    Node,
    Not,
    parse,
)

Get = Callable[..., Any]
Test = Callable[[Get], bool]

ABSENT_MEANS: Final = MappingProxyType(
    {
        "test": False,
        "tamper": False,
        "fault": False,
        "battery_low": False,
        "muted": False,
        "shielded": False,
        "armed": True,
    }
)
"""What a value that was never reported counts as: a device that can not say ``test`` is not
being tested, one that can not be disarmed is armed. All other names are unknown then."""

TEST: Final = "test"
"""The one value that counts only for the report it comes in, and is not remembered."""

_NAN: Final = float("nan")
_KINDS_OF_VALUE: Final = {float: "a number", bool: "yes or no", str: "a text", None: "any"}
_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_ORDER: Final = ("<", "<=", ">", ">=")
_EXTRA_LOADS: Final[Mapping[object, str]] = MappingProxyType(
    {float: "number(get({}))", str: "text(get({}))"}
)

Type = type[float] | type[bool] | type[str] | None
"""What a node is worth; None for an ``extra.`` value, whose use decides."""


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """``tree`` is to be certainly true; with ``wanted`` false, certainly false (see below)."""

    tree: Node
    wanted: bool
    holds: Test
    names: frozenset[str]

    def opposite(self) -> Condition:
        """Holds when this one certainly does not, leaving out values that were never reported.

        They can not have made it hold: ``alarm or density > 4`` is over when ``alarm`` is, for
        a device that has no ``density``. A division by zero stays unknown.
        """
        return _condition(self.tree, not self.wanted, self.names)


def compile_condition(text: str, kinds: Iterable[str] = ()) -> Condition:
    """``text`` checked and compiled; ``kinds`` rank the suggestions. Raises ``Faults``."""
    tree = parse(text)
    checker = _Checker(kinds)
    checker.condition(tree)
    if not checker.faults and not checker.names:
        checker.faults.append(Fault(tree.at, "the condition names no value, so it never changes"))
    if checker.faults:
        raise Faults(*checker.faults)
    return _condition(tree, True, frozenset(checker.names))


def type_of(node: Node) -> Type:
    """What a checked node is worth."""
    if isinstance(node, Literal):
        return type(node.value)
    if isinstance(node, Name):
        known = every_value_name().get(node.name)
        return known.type if known is not None else None
    return float if isinstance(node, Arithmetic | Negative) else bool


def pair_type(left: Node, sign: str, right: Node) -> Type:
    """What both sides of a checked comparison are worth."""
    return type_of(left) or type_of(right) or (float if sign in _ORDER else None)


class _Checker:
    """Collects every unknown name and every value used as what it is not."""

    def __init__(self, kinds: Iterable[str]) -> None:
        self.faults: list[Fault] = []
        self.names: set[str] = set()
        self._own = {name for kind in kinds for name in vocabulary(kind)} or set(every_value_name())

    def condition(self, node: Node) -> None:
        if isinstance(node, Not):
            self.condition(node.of)
        elif isinstance(node, Junction):
            for part in node.parts:
                self.condition(part)
        elif isinstance(node, Compare):
            self._value(node.first)
            for _, right in node.rest:
                self._value(right)
            for pair in node.pairs():
                self._pair(*pair)
        else:
            self._value(node)
            self._be(node, bool, "compare it, for example with >")

    def _value(self, node: Node) -> None:
        if isinstance(node, Name):
            self._name(node)
        elif isinstance(node, Negative):
            self._value(node.of)
            self._be(node.of, float, "arithmetic needs numbers")
        elif isinstance(node, Arithmetic):
            for side in (node.left, node.right):
                self._value(side)
                self._be(side, float, "arithmetic needs numbers")
        elif not isinstance(node, Literal):
            self.condition(node)

    def _name(self, node: Name) -> None:
        if node.name.startswith(EXTRA) or node.name in every_value_name():
            self.names.add(node.name)
            return
        lower = node.name.lower()
        if lower in WORDS:
            self.faults.append(Fault(node.at, f"{node.name!r} is no value; write {lower!r}"))
            return
        hint = nearest(node.name, {*every_value_name(), *WORDS})
        if hint.startswith("; known"):
            hint = nearest(node.name, self._own)
        self.faults.append(Fault(node.at, f"unknown value {node.name!r}{hint}"))

    def _known(self, node: Node) -> bool:
        return not isinstance(node, Name) or node.name in self.names

    def _be(self, node: Node, wanted: Type, hint: str) -> None:
        worth = type_of(node)
        if self._known(node) and worth is not None and worth is not wanted:
            self.faults.append(Fault(node.at, f"{_show(node)} is {_KINDS_OF_VALUE[worth]}; {hint}"))

    def _pair(self, left: Node, sign: str, right: Node) -> None:
        if not (self._known(left) and self._known(right)):
            return
        worth = pair_type(left, sign, right)
        if sign in _ORDER and worth is not float:
            for side in (left, right):
                self._be(side, float, f"{sign} needs numbers")
        elif worth is bool and not all(isinstance(side, Literal | Name) for side in (left, right)):
            hint = "use and, or, not between conditions, with brackets"
            self.faults.append(
                Fault(right.at, f"{sign} compares a value here, no condition; {hint}")
            )
        else:
            hint = f"it can not be compared with {_KINDS_OF_VALUE[worth]}"
            self._be(right, worth, hint)


def _show(node: Node) -> str:
    if isinstance(node, Name):
        return repr(node.name)
    if isinstance(node, Literal):
        return str(node.value).lower() if isinstance(node.value, bool) else repr(node.value)
    return "this"


def never(get: Get) -> bool:
    """The test of a rule without a condition."""
    return False


NEVER: Final = Condition(Literal(0, False), True, never, frozenset())

# --- compiling ---------------------------------------------------------------------------


def _condition(tree: Node, wanted: bool, names: frozenset[str]) -> Condition:
    writer = _Writer(lenient=not wanted)
    body = writer.truth(tree, wanted)
    loads = "".join(f"    {variable} = {load}\n" for variable, load in writer.loads.values())
    source = f"def holds(get):\n{loads}    return {body}\n"
    room: dict[str, Any] = {"divide": _divide, "number": _number, "text": _text}
    room |= {"alike": _alike, "nan": _NAN}
    # The source is written by _Writer from a checked tree: user text enters it only as the
    # repr of a number or a string.
    exec(compile(source, "<condition>", "exec"), room)  # noqa: S102
    return Condition(tree, wanted, room["holds"], names)


class _Writer:
    """Writes Python for "certainly ``wanted``"; ``loads`` are the values it needs.

    ``lenient``: a part that names a value which was never reported is left out.
    """

    def __init__(self, *, lenient: bool = False) -> None:
        self._lenient = lenient
        self.loads: dict[tuple[str, Type], tuple[str, str]] = {}

    def truth(self, node: Node, wanted: bool) -> str:
        """Each part is written once, as true or as false, so the code grows with the tree."""
        if isinstance(node, Not):
            return self.truth(node.of, not wanted)
        if isinstance(node, Junction):
            word = " and " if (node.word == "and") is wanted else " or "
            return "(" + word.join(self.truth(part, wanted) for part in node.parts) + ")"
        if isinstance(node, Compare):
            pairs = (self._leniently(pair, wanted) for pair in node.pairs())
            return "(" + (" and " if wanted else " or ").join(pairs) + ")"
        if isinstance(node, Literal):
            return str(node.value is wanted)
        variable = self._side(node, bool)
        return f"{variable} is not {not wanted}" if self._lenient else f"{variable} is {wanted}"

    def _leniently(self, pair: tuple[Node, str, Node], wanted: bool) -> str:
        code = self._pair(*pair, wanted)
        if not self._lenient:
            return code
        worth = pair_type(*pair)
        names = {name for side in (pair[0], pair[2]) for name in _names(side)}
        loads = [self._load(name, worth) for name in sorted(names)]
        missing = [f"{v} != {v}" if worth is float else f"{v} is None" for v in loads]
        return "(" + " or ".join([*missing, code]) + ")"

    def _pair(self, left: Node, sign: str, right: Node, wanted: bool) -> str:
        worth = pair_type(left, sign, right)
        sign = sign if wanted else _OPPOSITE[sign]
        a, b = self._side(left, worth), self._side(right, worth)
        if worth is float:
            # NaN differs from everything, so "!=" is written as "less or more".
            return f"({a} < {b} or {a} > {b})" if sign == "!=" else f"{a} {sign} {b}"
        if worth is None:
            return f"alike({a}, {b}) is {sign == '=='}"
        tests = [f"{s} is not None" for s, n in ((a, left), (b, right)) if isinstance(n, Name)]
        if worth is bool:
            sign = "is" if sign == "==" else "is not"
        return "(" + " and ".join([*tests, f"{a} {sign} {b}"]) + ")"

    def _side(self, node: Node, worth: Type) -> str:
        if isinstance(node, Literal):
            return repr(node.value)
        if isinstance(node, Name):
            return self._load(node.name, worth)
        if isinstance(node, Negative):
            return f"(-{self._side(node.of, float)})"
        if isinstance(node, Arithmetic):
            a, b = self._side(node.left, float), self._side(node.right, float)
            return f"divide({a}, {b})" if node.sign == "/" else f"({a} {node.sign} {b})"
        raise AssertionError(node)

    def _load(self, name: str, worth: Type) -> str:
        key = (name, worth)
        if key not in self.loads:
            if name.startswith(EXTRA):
                load = _EXTRA_LOADS.get(worth, "get({})")
            elif worth is float:
                load = "get({}, nan)"
            else:
                load = "get({}, " + repr(ABSENT_MEANS.get(name)) + ")"
            self.loads[key] = (f"v{len(self.loads)}", load.format(repr(name)))
        return self.loads[key][0]


def _names(node: Node) -> set[str]:
    """The names in a side of a comparison."""
    if isinstance(node, Name):
        return {node.name}
    if isinstance(node, Negative):
        return _names(node.of)
    return _names(node.left) | _names(node.right) if isinstance(node, Arithmetic) else set()


def _divide(a: float, b: float) -> float:
    return a / b if b else _NAN


def _number(value: Value | None) -> float:
    return value if type(value) is float else _NAN


def _text(value: Value | None) -> str | None:
    return value if type(value) is str else None


def _alike(a: Value | None, b: Value | None) -> bool | None:
    return None if a is None or b is None else type(a) is type(b) and a == b


# --- walking the tree, for sentences -----------------------------------------------------


def evaluate(node: Node, values: Mapping[str, Value]) -> bool | None:
    """Whether the condition ``node`` holds; None for unknown. The slow twin of the compiled."""
    if isinstance(node, Not):
        inner = evaluate(node.of, values)
        return None if inner is None else not inner
    if isinstance(node, Junction):
        return _fold((evaluate(part, values) for part in node.parts), node.word == "or")
    if isinstance(node, Compare):
        return _fold((evaluate_pair(*pair, values) for pair in node.pairs()), False)
    worth = worth_of(node, values)
    return worth if isinstance(worth, bool) else None


def _fold(parts: Iterable[bool | None], decisive: bool) -> bool | None:
    results = list(parts)
    if decisive in results:
        return decisive
    return None if None in results else not decisive


def evaluate_pair(left: Node, sign: str, right: Node, values: Mapping[str, Value]) -> bool | None:
    """Whether one comparison holds; None for unknown."""
    worth = pair_type(left, sign, right)
    a, b = worth_of(left, values), worth_of(right, values)
    if a is None or b is None:
        return None
    if worth is float or worth is str:
        if type(a) is not worth or type(b) is not worth:
            return None
        if a != a or b != b:
            return None
    if sign in ("==", "!="):
        return _alike(a, b) is (sign == "==")
    x, y = _number(a), _number(b)
    return {"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[sign]


def worth_of(node: Node, values: Mapping[str, Value]) -> Value | None:
    """A value or an arithmetic result; None or NaN for unknown."""
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Name):
        return values.get(node.name, ABSENT_MEANS.get(node.name))
    if isinstance(node, Negative):
        return -_number(worth_of(node.of, values))
    if isinstance(node, Arithmetic):
        a, b = _number(worth_of(node.left, values)), _number(worth_of(node.right, values))
        if node.sign == "/":
            return _divide(a, b)
        return {"+": a + b, "-": a - b, "*": a * b}[node.sign]
    return evaluate(node, values)
