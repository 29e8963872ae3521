"""Conditions: a tree checked against the value names, and compiled once to a fast function.

A value that was never reported is *unknown*, and so is everything that can not be decided
without it (Kleene's three values); a division by zero is unknown too. A condition holds only
when it is certainly true. Two compiled forms serve this without a third value at run time:
"certainly true" and "certainly false". An unknown number is NaN, which no comparison holds for.

Each compiled form is a plain function of ``get``, the latest values' ``dict.get``. What a function
over time is worth stands among them under ``Call.key``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from gateway.document import nearest
from gateway.model import EXTRA, Value, every_value_name, vocabulary
from rules import units
from rules.syntax import (
    WORDS,
    Arithmetic,
    Call,
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

_LARGEST: Final = 1e300
"""Of a threshold: what is larger stands for nothing that can be measured."""
_NAN: Final = float("nan")
_KINDS_OF_VALUE: Final = {float: "a number", bool: "yes or no", str: "a text", None: "any"}
_OF_NUMBERS: Final = ("rate", "avg", "min", "max")
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
    """Every value name in it, those inside of functions too."""
    calls: tuple[Call, ...] = ()

    def opposite(self) -> Condition:
        """Holds when this one certainly does not, leaving out values that were never reported.

        They can not have made it hold: ``alarm or density > 4`` is over when ``alarm`` is, for
        a device that has no ``density``. A division by zero stays unknown.
        """
        return _condition(self.tree, not self.wanted, self.names, self.calls)


def compile_condition(
    text: str,
    kinds: Iterable[str] = (),
    thresholds: Mapping[str, Literal] = MappingProxyType({}),
) -> Condition:
    """``text`` checked and compiled; ``kinds`` rank the suggestions. Raises ``Faults``.

    ``thresholds`` are what names stand for that are no values.
    """
    tree = _settled(parse(text), thresholds)
    checker = _Checker(kinds, thresholds)
    checker.condition(tree)
    if not checker.faults and not checker.names:
        checker.faults.append(Fault(tree.at, "the condition names no value, so it never changes"))
    if checker.faults:
        raise Faults(*checker.faults)
    return _condition(tree, True, frozenset(checker.names), tuple(checker.calls.values()))


def threshold(written: object) -> Literal:
    """A number, perhaps with its unit, true, false or a text, as it stands under ``with:``.

    Raises ``Faults``.
    """
    if isinstance(written, bool):
        return Literal(0, written)
    if isinstance(written, int | float):
        if not -_LARGEST < written < _LARGEST:
            raise Faults(Fault(0, f"{written} is too large"))
        return Literal(0, float(written))
    if not isinstance(written, str):
        raise Faults(Fault(0, "a number, true, false or a text is expected"))
    try:
        node = parse(written)
    except Faults:
        node = Name(0, written)
    if isinstance(node, Negative) and isinstance(node.of, Literal):
        number = node.of
        if isinstance(number.value, float):
            return Literal(0, -number.value, number.unit)
    if isinstance(node, Literal):
        return Literal(0, node.value, node.unit)
    if written[:1].isdigit() or written[:1] in "+-.":
        raise Faults(Fault(0, f"{written!r} is no quantity; write a number and perhaps a unit"))
    return Literal(0, written)


def _settled(node: Node, thresholds: Mapping[str, Literal]) -> Node:
    """``node`` with the thresholds' values in the place of their names."""
    if not thresholds:
        return node
    if isinstance(node, Name) and (found := thresholds.get(node.name)) is not None:
        return replace(found, at=node.at)
    if isinstance(node, Not | Negative):
        return replace(node, of=_settled(node.of, thresholds))
    if isinstance(node, Junction):
        return replace(node, parts=tuple(_settled(part, thresholds) for part in node.parts))
    if isinstance(node, Compare):
        rest = tuple((sign, _settled(right, thresholds)) for sign, right in node.rest)
        return replace(node, first=_settled(node.first, thresholds), rest=rest)
    if isinstance(node, Arithmetic):
        left, right = _settled(node.left, thresholds), _settled(node.right, thresholds)
        return replace(node, left=left, right=right)
    return node


def unit_of(node: Node) -> str | None:
    """The unit of a checked node, as in the value tables; None where it has none or any."""
    if isinstance(node, Literal):
        return node.unit
    if isinstance(node, Name):
        known = every_value_name().get(node.name)
        return known.unit if known is not None and known.type is float else None
    if isinstance(node, Call):
        known = every_value_name().get(node.name)
        if known is None or known.type is not float or node.function in ("count", "changed"):
            return None
        return known.unit + units.PER_MINUTE if node.function == "rate" else known.unit
    if isinstance(node, Negative):
        return unit_of(node.of)
    if isinstance(node, Arithmetic) and node.sign in "+-":
        return unit_of(node.left) or unit_of(node.right)
    return None


def type_of(node: Node) -> Type:
    """What a checked node is worth."""
    if isinstance(node, Literal):
        return type(node.value)
    if isinstance(node, Call):
        return bool if node.function == "changed" else float
    if isinstance(node, Name):
        known = every_value_name().get(node.name)
        return known.type if known is not None else None
    return float if isinstance(node, Arithmetic | Negative) else bool


def pair_type(left: Node, sign: str, right: Node) -> Type:
    """What both sides of a checked comparison are worth."""
    return type_of(left) or type_of(right) or (float if sign in _ORDER else None)


class _Checker:
    """Collects every unknown name and every value used as what it is not."""

    def __init__(self, kinds: Iterable[str], thresholds: Mapping[str, Literal]) -> None:
        self.faults: list[Fault] = []
        self.names: set[str] = set()
        self.calls: dict[str, Call] = {}
        self._thresholds = thresholds
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
        elif isinstance(node, Call):
            self._call(node)
        elif isinstance(node, Negative):
            self._value(node.of)
            self._be(node.of, float, "arithmetic needs numbers")
        elif isinstance(node, Arithmetic):
            for side in (node.left, node.right):
                self._value(side)
                self._be(side, float, "arithmetic needs numbers")
            if node.sign in "+-":
                self._units(node.left, node.right, "added to")
        elif not isinstance(node, Literal):
            self.condition(node)

    def _call(self, node: Call) -> None:
        """A function: of a value that it makes sense of."""
        before = len(self.faults)
        if node.name in self._thresholds:
            message = f"{node.function} needs the name of a value; {node.name!r} is a threshold"
            self.faults.append(Fault(node.at, message))
            return
        self._name(Name(node.at, node.name))
        if len(self.faults) > before:
            return
        if node.name == TEST:
            message = f"{TEST!r} counts for its own report alone; {node.function} has no past of it"
            self.faults.append(Fault(node.at, message))
            return
        known = every_value_name().get(node.name)
        if known is not None and known.type is not float and node.function in _OF_NUMBERS:
            hint = f"{node.function} needs a number"
            worth = _KINDS_OF_VALUE[known.type]
            self.faults.append(Fault(node.at, f"{node.name!r} is {worth}; {hint}"))
            return
        self.calls[node.key] = node

    def _name(self, node: Name) -> None:
        if node.name.startswith(EXTRA) or node.name in every_value_name():
            self.names.add(node.name)
            return
        lower = node.name.lower()
        if lower in WORDS:
            self.faults.append(Fault(node.at, f"{node.name!r} is no value; write {lower!r}"))
            return
        hint = nearest(node.name, {*every_value_name(), *self._thresholds, *WORDS})
        if hint.startswith("; known"):
            hint = nearest(node.name, {*self._own, *self._thresholds})
        self.faults.append(Fault(node.at, f"unknown value {node.name!r}{hint}"))

    def _known(self, node: Node) -> bool:
        return not isinstance(node, Name | Call) or node.name in self.names

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
        if worth is float:
            self._units(left, right, "compared with")

    def _units(self, left: Node, right: Node, verb: str) -> None:
        one, other = unit_of(left), unit_of(right)
        if not units.fit(one or None, other or None):
            message = f"{_show(right)} is in {other}; it can not be {verb} {_show(left)} in {one}"
            self.faults.append(Fault(right.at, message))


def _show(node: Node) -> str:
    if isinstance(node, Name):
        return repr(node.name)
    if isinstance(node, Call):
        return f"{node.function}({node.name})"
    if isinstance(node, Literal):
        if isinstance(node.value, float):
            return f"{node.value:g}"
        return str(node.value).lower() if isinstance(node.value, bool) else repr(node.value)
    return "this"


def never(get: Get) -> bool:
    """The test of a rule without a condition."""
    return False


NEVER: Final = Condition(Literal(0, False), True, never, frozenset())

# --- compiling ---------------------------------------------------------------------------


def _condition(
    tree: Node, wanted: bool, names: frozenset[str], calls: tuple[Call, ...]
) -> Condition:
    writer = _Writer(lenient=not wanted)
    body = writer.truth(tree, wanted)
    loads = "".join(f"    {variable} = {load}\n" for variable, load in writer.loads.values())
    source = f"def holds(get):\n{loads}    return {body}\n"
    room: dict[str, Any] = {"divide": _divide, "number": _number, "text": _text}
    room |= {"alike": _alike, "nan": _NAN}
    # The source is written by _Writer from a checked tree: user text enters it only as the
    # repr of a number or a string.
    exec(compile(source, "<condition>", "exec"), room)  # noqa: S102
    return Condition(tree, wanted, room["holds"], names, calls)


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
        tests = [
            f"{s} is not None" for s, n in ((a, left), (b, right)) if isinstance(n, Name | Call)
        ]
        if worth is bool:
            sign = "is" if sign == "==" else "is not"
        return "(" + " and ".join([*tests, f"{a} {sign} {b}"]) + ")"

    def _side(self, node: Node, worth: Type) -> str:
        if isinstance(node, Literal):
            return repr(node.value)
        if isinstance(node, Call):
            return self._load(node.key, type_of(node))
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
    if isinstance(node, Name | Call):
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
    if isinstance(node, Call):
        return values.get(node.key)
    if isinstance(node, Negative):
        return -_number(worth_of(node.of, values))
    if isinstance(node, Arithmetic):
        a, b = _number(worth_of(node.left, values)), _number(worth_of(node.right, values))
        if node.sign == "/":
            return _divide(a, b)
        return {"+": a + b, "-": a - b, "*": a * b}[node.sign]
    return evaluate(node, values)
