"""The grammar of a rule's condition: text into a tree, bounded, with the place of each error.

condition  = both {"or" both}            value = product {("+"|"-") product}
both       = negation {"and" negation}   product = sign {("*"|"/") sign}
negation   = "not" negation | compared   sign  = "-" sign | atom
compared   = value {op value}            atom  = number | 'text' | true | false
op         = < <= > >= == !=                   | NAME | extra.NAME | "(" condition ")"
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.model import Value

MAX_CHARACTERS: Final = 2_000
MAX_NODES: Final = 128
"""Keeps the compiled code far below the nesting that Python's own compiler allows."""
MAX_DEPTH: Final = 20

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)(?!\w)"
    r"|(?P<name>[^\W\d]\w*(?:\.\w+)*)"
    r"|(?P<text>'[^'\n]*'|\"[^\"\n]*\")"
    r"|(?P<sign><=|>=|==|!=|[-+*/<>(),]))",
)
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
    """A number, a text, true or false."""

    at: int
    value: Value


@dataclass(frozen=True, slots=True)
class Name:
    """The latest value of that name."""

    at: int
    name: str


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


Node = Literal | Name | Not | Junction | Compare | Arithmetic | Negative


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
        if token.kind == "number":
            return Literal(token.at, _number(token))
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
            raise Faults(Fault(token.at, f"there is no function {token.text!r}"))
        return Name(token.at, token.text)

    def _bracketed(self, token: _Token) -> Node:
        self._deeper(token.at)
        node = self._junction("or")
        if self._take(")") is None:
            raise Faults(Fault(token.at, "this bracket is never closed"))
        self._depth -= 1
        return node


def _number(token: _Token) -> float:
    value = float(token.text)
    if not math.isfinite(value):
        raise Faults(Fault(token.at, f"{token.text} is too large"))
    return value
