"""The templates that discovery messages really hold, compiled; nothing of them is executed.

Jinja is a programming language, and a discovery message comes from anybody who may publish. So
this is a grammar of its own, smaller than Jinja's, which makes a closure of what it knows and
refuses the rest::

    {{ value_json.a['b'][0] | float(0) * 0.1 }}
    {{ 'ON' if value_json.smoke else 'OFF' }}
    {% if value == "ABC" %}ON{% else %}OFF{% endif %}

A field that is not there is no answer (``MISSING``), where Home Assistant would make an empty
text or "off" of it: a message about the battery does not clear an alarm.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from drivers.mqtt.dialects.homeassistant.operators import (
    COMPARED,
    MISSING,
    PRODUCTS,
    SUMS,
    Said,
    Template,
    all_of,
    both,
    choice,
    constant,
    contained,
    either,
    filtered,
    joined,
    negated,
    stepped,
)

_LONGEST: Final = 1_000
"""Characters of a template."""
_DEEPEST: Final = 16
_TOKENS: Final = 200
"""Of one expression: each operator is a call within a call."""


_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<number>\d+(?:\.\d+)?)
      | (?P<text>'[^'\\]*'|"[^"\\]*")
      | (?P<name>[A-Za-z_]\w*)
      | (?P<mark>==|!=|<=|>=|//|[-+*/%<>|.,()\[\]~])
    )""",
    re.VERBOSE,
)
_BLOCK: Final = re.compile(r"(\{\{-?.*?-?\}\}|\{%-?.*?-?%\})", re.DOTALL)


def compiled(text: str) -> Template:
    """The template ``text``. ValueError says what in it is beyond this grammar."""
    if len(text) > _LONGEST:
        raise ValueError(f"a template of {len(text):,} characters; {_LONGEST:,} are the limit")
    parts = [part for part in _BLOCK.split(text) if part.strip()]
    made, left = _body(parts, 0)
    if left:
        raise ValueError(f"template: {left[0][:40]!r} without an if")
    return made


# --- blocks: {% if %} and text ----------------------------------------------------------------


def _body(parts: list[str], depth: int) -> tuple[Template, list[str]]:
    """The text and expressions up to a closing tag, and what follows."""
    if depth > _DEEPEST:
        raise ValueError("template: nested too deeply")
    made: list[Template] = []
    while parts:
        part = parts[0]
        if part.startswith("{%"):
            word, _, rest = part[2:-2].strip("- \t\n").partition(" ")
            if word != "if":
                break
            found, parts = _if(rest, parts[1:], depth)
            made.append(found)
        elif part.startswith("{{"):
            made.append(_Parser(part[2:-2].strip("-")).whole())
            parts = parts[1:]
        else:
            made.append(constant(part.strip()))
            parts = parts[1:]
    if len(made) == 1:
        return made[0], parts
    return joined(made), parts


def _if(condition: str, parts: list[str], depth: int) -> tuple[Template, list[str]]:
    test = _Parser(condition).whole()
    yes, parts = _body(parts, depth + 1)
    no: Template = constant("")
    word, _, rest = parts[0][2:-2].strip("- \t\n").partition(" ") if parts else ("", "", "")
    if word == "elif":
        no, parts = _if(rest, parts[1:], depth + 1)
        return choice(test, yes, no), parts
    if word == "else":
        no, parts = _body(parts[1:], depth + 1)
        word = parts[0][2:-2].strip("- \t\n") if parts else ""
    if word != "endif":
        raise ValueError(f"template: {word or 'the end'!r} where endif belongs")
    return choice(test, yes, no), parts[1:]


# --- expressions ------------------------------------------------------------------------------

_WORDS: Final[Mapping[str, Any]] = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "none": None,
    "None": None,
}


class _Parser:
    """Recursive descent over one expression."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def whole(self) -> Template:
        """The expression, and nothing after it."""
        made = self._conditional()
        if self._at < len(self._tokens):
            raise self._refused()
        return made

    def _conditional(self) -> Template:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError("template: nested too deeply")
        made = self._any()
        if self._take("name", "if"):
            test = self._any()
            no = self._conditional() if self._take("name", "else") else constant(MISSING)
            made = choice(test, made, no)
        self._depth -= 1
        return made

    def _any(self) -> Template:
        made = self._all()
        while self._take("name", "or"):
            made = either(made, self._all())
        return made

    def _all(self) -> Template:
        made = self._not()
        while self._take("name", "and"):
            made = all_of(made, self._not())
        return made

    def _not(self) -> Template:
        if self._take("name", "not"):
            return negated(self._comparison())
        return self._comparison()

    def _comparison(self) -> Template:
        made = self._sum()
        kind, word = self._peek()
        if kind == "mark" and word in COMPARED:
            self._at += 1
            return both(COMPARED[word], made, self._sum())
        if self._take("name", "in"):
            return both(contained, made, self._sum())
        if self._take("name", "is"):
            otherwise = self._take("name", "not")
            return self._is(made, otherwise)
        if (kind, word) == ("name", "not"):
            self._at += 1
            self._need("name", "in")
            return negated(both(contained, made, self._sum()))
        return made

    def _is(self, made: Template, otherwise: bool) -> Template:
        kind, word = self._peek()
        if kind != "name" or word not in ("defined", "none"):
            raise self._refused()
        self._at += 1

        def test(said: Said) -> bool:
            found = made(said)
            is_so = found is not MISSING if word == "defined" else found is None
            return is_so is not otherwise

        return test

    def _sum(self) -> Template:
        made = self._product()
        while (each := self._operator(SUMS)) is not None:
            made = both(each, made, self._product())
        return made

    def _product(self) -> Template:
        made = self._signed()
        while (each := self._operator(PRODUCTS)) is not None:
            made = both(each, made, self._signed())
        return made

    def _operator(
        self, known: Mapping[str, Callable[[Any, Any], Any]]
    ) -> Callable[[Any, Any], Any] | None:
        kind, word = self._peek()
        if kind != "mark" or word not in known:
            return None
        self._at += 1
        return known[word]

    def _signed(self) -> Template:
        if self._take("mark", "-"):
            return both(SUMS["-"], constant(0), self._filtered())
        return self._filtered()

    def _filtered(self) -> Template:
        made = self._path()
        while self._take("mark", "|"):
            _, name = self._next("name")
            made = filtered(name, made, self._arguments())
        return made

    def _path(self) -> Template:
        made = self._atom()
        steps = 0
        while True:
            if self._take("mark", "."):
                _, step = self._next("name")
                if self._peek() == ("mark", "("):
                    raise self._refused()
                made = stepped(made, constant(step))
            elif self._take("mark", "["):
                made = stepped(made, self._conditional())
                self._need("mark", "]")
            else:
                return made
            if (steps := steps + 1) > _DEEPEST:
                raise ValueError("template: a path that is too long")

    def _atom(self) -> Template:
        kind, word = self._next()
        if kind == "number":
            return constant(float(word) if "." in word else int(word))
        if kind == "text":
            return constant(word[1:-1])
        if kind == "mark" and word == "(":
            made = self._conditional()
            self._need("mark", ")")
            return made
        if kind == "mark" and word == "[":
            return self._list()
        if word == "value":
            return lambda said: said.text
        if word == "value_json":
            return lambda said: said.json
        if word in _WORDS:
            return constant(_WORDS[word])
        if word in ("float", "int", "bool") and self._peek() == ("mark", "("):
            first, *others = self._arguments()
            return filtered(word, first, others)
        self._at -= 1
        raise self._refused()

    def _list(self) -> Template:
        made: list[Template] = []
        while not self._take("mark", "]"):
            made.append(self._conditional())
            if not self._take("mark", ","):
                self._need("mark", "]")
                break
        return lambda said: [each(said) for each in made]

    def _arguments(self) -> list[Template]:
        made: list[Template] = []
        if self._take("mark", "("):
            while not self._take("mark", ")"):
                made.append(self._conditional())
                if not self._take("mark", ","):
                    self._need("mark", ")")
                    break
        return made

    # --- tokens -------------------------------------------------------------------------------

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self, kind: str, word: str) -> bool:
        if self._peek() != (kind, word):
            return False
        self._at += 1
        return True

    def _need(self, kind: str, word: str) -> None:
        if not self._take(kind, word):
            raise self._refused()

    def _next(self, kind: str = "") -> tuple[str, str]:
        found = self._peek()
        if found[0] == "end" or (kind and found[0] != kind):
            raise self._refused()
        self._at += 1
        return found

    def _refused(self) -> ValueError:
        return ValueError(f"template: {self._peek()[1] or 'the end'!r} is not understood there")


def _tokens(text: str) -> list[tuple[str, str]]:
    found = []
    at, end = 0, len(text.rstrip())
    while at < end:
        token = _TOKEN.match(text, at)
        if token is None or token.lastgroup is None:
            raise ValueError(f"template: {text[at : at + 20].strip()!r} is not understood")
        found.append((token.lastgroup, token[token.lastgroup]))
        if len(found) > _TOKENS:
            raise ValueError(f"template: more than {_TOKENS} words and signs")
        at = token.end()
    return found
