"""The grammar of a rule's condition: text into a tree, bounded, with the place of each error.

condition  = both {"or" both}            value = product {("+"|"-") product}
both       = negation {"and" negation}   product = sign {("*"|"/") sign}
negation   = "not" negation | compared   sign  = "-" sign | atom
compared   = value {op value}            atom  = number [unit] | 'text' | true | false
op         = < <= > >= == !=                   | NAME | extra.NAME | "(" condition ")"
                                               | FUNCTION "(" NAME ["," duration] ")"

A number may carry a unit of ``rules.units``; it is converted to the unit of the value names.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.document import nearest
from gateway.model import SECOND, Value
from gateway.options import parse_duration
from rules import units

MAX_CHARACTERS: Final = 2_000
MAX_NODES: Final = 128
"""Keeps the compiled code far below the nesting that Python's own compiler allows."""
MAX_DEPTH: Final = 20

_SPAN: Final = r"[0-9]+(?:\.[0-9]+)?(?:ms|min|s|m|h|d)"
_UNIT: Final = "|".join(map(re.escape, units.WRITTEN))
_TOKEN: Final = re.compile(
    rf"\s*(?:(?P<span>(?:{_SPAN})+)(?!\w|/)"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
    rf"(?:\s?(?:{_UNIT}))?)(?!\w)"
    r"|(?P<name>[^\W\d]\w*(?:\.\w+)*)"
    r"|(?P<text>'[^'\n]*'|\"[^\"\n]*\")"
    r"|(?P<sign><=|>=|==|!=|[-+*/<>(),]))",
)
_NUMBER: Final = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_COMPARISONS: Final = ("<", "<=", ">", ">=", "==", "!=")
WORDS: Final = ("and", "or", "not", "true", "false")
_HINTS: Final = {
    "=": "write == to compare",
    "!": "write 'not'",
    "&": "write 'and'",
    "|": "write 'or'",
    "'": "the text has no closing quote",
    '"': "the text has no closing quote",
}


FUNCTIONS: Final = ("rate", "avg", "min", "max", "count", "changed")
"""Of a value name over a time: see ``rules.window`` for what each means."""
LONGEST: Final = 7 * 86_400 * SECOND
"""Of a function's time; beyond it the few samples that are kept would say little."""
SHORTEST: Final = SECOND


class Fault(NamedTuple):
    """One thing wrong in a condition; ``at`` counts characters from 0."""

    at: int
    message: str


class Faults(Exception):
    """Everything wrong in one condition."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a text, true or false; ``unit`` is one of the value tables, None for none."""

    at: int
    value: Value
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Name:
    """The latest value of that name."""

    at: int
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """``function(name, length)``; ``length`` in ns, 0 for none."""

    at: int
    function: str
    name: str
    length: int
    key: str = field(init=False)
    """Under which the engine keeps what it is worth, beside the value names."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", f"{self.function}({self.name},{self.length})")


@dataclass(frozen=True, slots=True)
class Not:
    """``not of``."""

    at: int
    of: Node


@dataclass(frozen=True, slots=True)
class Junction:
    """``and`` or ``or`` over two parts or more."""

    at: int
    word: str
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """``first op a op b …``: a chain holds when each neighbouring pair does."""

    at: int
    first: Node
    rest: tuple[tuple[str, Node], ...]

    def pairs(self) -> list[tuple[Node, str, Node]]:
        """The neighbouring pairs."""
        found = []
        left = self.first
        for sign, right in self.rest:
            found.append((left, sign, right))
            left = right
        return found


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left sign right`` of two numbers."""

    at: int
    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negative:
    """``-of``."""

    at: int
    of: Node


Node = Literal | Name | Call | Not | Junction | Compare | Arithmetic | Negative


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def parse(text: str) -> Node:
    """The tree of ``text``. Raises ``Faults``."""
    if len(text) > MAX_CHARACTERS:
        raise Faults(Fault(0, f"longer than {MAX_CHARACTERS:,} characters; make it two rules"))
    return _Parser(_tokens(text)).whole()


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            # Reported only when the parser gets there: what stands before says more.
            fault = _unreadable(text, at)
            tokens.append(_Token("unreadable", fault.message, fault.at))
            return tokens
        kind = str(found.lastgroup)
        tokens.append(_Token(kind, found[kind], found.start(kind)))
        at = found.end()
    tokens.append(_Token("end", "the end", end))
    return tokens


def _unreadable(text: str, at: int) -> Fault:
    at += len(text[at:]) - len(text[at:].lstrip())
    character = text[at]
    plain = unicodedata.normalize("NFKC", character)
    if plain != character and plain.isascii() and plain.isprintable():
        return Fault(at, f"{character!r} is a full-width character; write {plain!r}")
    if character.isdigit():
        return Fault(at, "a number and a word stand together; put a space between them")
    hint = _HINTS.get(character)
    return Fault(at, f"{character!r} is not understood" + (f"; {hint}" if hint else ""))


class _Parser:
    """Recursive descent; ``depth`` bounds the recursion, ``nodes`` the size."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0
        self._nodes = 0

    def whole(self) -> Node:
        node = self._junction("or")
        token = self._peek()
        if token.kind != "end":
            hint = f"; write {token.text.lower()!r}" if token.text.lower() in WORDS else ""
            raise Faults(Fault(token.at, f"{token.text!r} is not expected here{hint}"))
        return node

    def _peek(self) -> _Token:
        token = self._tokens[self._next]
        if token.kind == "unreadable":
            raise Faults(Fault(token.at, token.text))
        return token

    def _take(self, *texts: str) -> _Token | None:
        token = self._peek()
        if token.kind in ("name", "sign") and token.text in texts:
            self._next += 1
            return token
        return None

    def _count(self, at: int) -> int:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise Faults(Fault(at, f"more than {MAX_NODES} parts; make it two rules"))
        return at

    def _deeper(self, at: int) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Faults(Fault(at, f"nested more than {MAX_DEPTH} deep"))

    def _junction(self, word: str) -> Node:
        def part() -> Node:
            return self._junction("and") if word == "or" else self._negation()

        parts = [part()]
        while self._take(word):
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        return Junction(self._count(parts[0].at), word, tuple(parts))

    def _negation(self) -> Node:
        token = self._take("not")
        if token is None:
            return self._compared()
        self._deeper(token.at)
        node = Not(self._count(token.at), self._negation())
        self._depth -= 1
        return node

    def _compared(self) -> Node:
        first = self._sum()
        rest: list[tuple[str, Node]] = []
        while token := self._take(*_COMPARISONS):
            self._count(token.at)
            rest.append((token.text, self._sum()))
        return Compare(first.at, first, tuple(rest)) if rest else first

    def _sum(self) -> Node:
        node = self._product()
        while token := self._take("+", "-"):
            node = Arithmetic(self._count(token.at), token.text, node, self._product())
        return node

    def _product(self) -> Node:
        node = self._sign()
        while token := self._take("*", "/"):
            node = Arithmetic(self._count(token.at), token.text, node, self._sign())
        return node

    def _sign(self) -> Node:
        token = self._take("-")
        if token is None:
            return self._atom()
        self._deeper(token.at)
        node = Negative(self._count(token.at), self._sign())
        self._depth -= 1
        return node

    def _atom(self) -> Node:
        token = self._peek()
        self._next += 1
        self._count(token.at)
        if token.kind in ("number", "span"):
            return _number(token)
        if token.kind == "text":
            return Literal(token.at, token.text[1:-1])
        if token.kind == "name" and token.text in ("true", "false"):
            return Literal(token.at, token.text == "true")
        if token.kind == "name" and token.text not in WORDS:
            return self._name(token)
        if token.kind == "sign" and token.text == "(":
            return self._bracketed(token)
        self._next -= 1
        raise Faults(Fault(token.at, f"a value is expected here, not {token.text!r}"))

    def _name(self, token: _Token) -> Node:
        after = self._peek()
        if after.kind == "sign" and after.text == "(":
            return self._call(token)
        return Name(token.at, token.text)

    def _call(self, token: _Token) -> Node:
        function = token.text
        if function not in FUNCTIONS:
            hint = nearest(function, FUNCTIONS)
            raise Faults(Fault(token.at, f"there is no function {function!r}{hint}"))
        self._next += 1
        name = self._peek()
        if name.kind != "name" or name.text in WORDS:
            raise Faults(
                Fault(name.at, f"{function} needs the name of a value, as in {_example(function)}")
            )
        self._next += 1
        if self._peek().text == "(":
            message = f"a function of a function is not possible; as in {_example(function)}"
            raise Faults(Fault(name.at, message))
        length = self._length(function) if self._take(",") else 0
        if not length and function != "changed":
            raise Faults(Fault(token.at, f"{function} needs a time, as in {_example(function)}"))
        if self._take(")") is None:
            raise Faults(self._unclosed(token))
        return Call(token.at, function, name.text, length)

    def _unclosed(self, token: _Token) -> Fault:
        """What stands where the call should end."""
        after, example = self._peek(), _example(token.text)
        if after.kind == "end":
            return Fault(token.at, "this bracket is never closed")
        return Fault(after.at, f"{after.text!r} is not expected here; as in {example}")

    def _length(self, function: str) -> int:
        token = self._peek()
        try:
            length = int(parse_duration(token.text) * SECOND)
        except ValueError:
            message = f"a time is expected here, as in {_example(function)}"
            raise Faults(Fault(token.at, message)) from None
        if not SHORTEST <= length <= LONGEST:
            raise Faults(Fault(token.at, f"{token.text} is not within 1s and 7d"))
        self._next += 1
        return length

    def _bracketed(self, token: _Token) -> Node:
        self._deeper(token.at)
        node = self._junction("or")
        if self._take(")") is None:
            raise Faults(Fault(token.at, "this bracket is never closed"))
        self._depth -= 1
        return node


def _example(function: str) -> str:
    """How ``function`` is written."""
    name = "alarm" if function == "count" else "temperature"
    return f"{function}({name}, 10m)"


def _number(token: _Token) -> Literal:
    """A number; where it carries a unit, converted to the unit of the value names."""
    found = _NUMBER.match(token.text)
    number = found[0] if found else token.text
    value, unit = float(number), token.text[len(number) :].strip()
    if unit:
        try:
            value, table = units.converted(value, unit)
        except KeyError:
            hint = "a time stands only in a function, as in rate(temperature, 3m)"
            raise Faults(Fault(token.at, f"{token.text} is no quantity; {hint}")) from None
    if not math.isfinite(value):
        raise Faults(Fault(token.at, f"{token.text} is too large"))
    return Literal(token.at, value, table if unit else None)
