"""A site's own wording: one Jinja file for each purpose and language, checked before it is used.

    opened.zh.txt         the first line is the title, the rest is the text
    opened.zh.short.txt   the short form, for SMS

Only what ends by itself and stays small is allowed: facts by name, ``if``, a ``for`` over the
lists, a few filters. Nothing is called, computed, imported or defined, so a template that was
taken can neither run long nor grow large. It runs in Jinja's sandbox all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import structlog
from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import SandboxedEnvironment

from gateway.document import Problem, nearest
from gateway.notify.words import PURPOSES

MAX_FILES: Final = 4 * len(PURPOSES)
MAX_BYTES: Final = 16_000
"""Of one file."""
LONGEST: Final = 4_000
"""Characters of a rendered text; what is longer is cut."""
_TITLE: Final = 200
LISTS: Final = ("nearby", "call", "kinds")
"""Facts that are lists: at most three, four and five lines."""
FACTS: Final = (
    *("head", "what", "why", "where", "place", "floor", "flat", "device", "map", "since", "sure"),
    *("severity", "category", "stage", "state", "outcome", "owner", "person", "said", *LISTS),
    *("count", "scope", "key", "anchor", "ask", "link", "title", "text", "short"),
)
_OF_LISTS: Final = ("first", "join", "last", "length")
_FILTERS: Final = ("default", "lower", "trim", "upper", *_OF_LISTS)
_FILE: Final = re.compile(r"([a-z]+)\.(zh|en)(\.short)?\.txt")
_ALLOWED: Final = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If),
    *(nodes.For, nodes.Filter, nodes.Not, nodes.And, nodes.Or, nodes.Compare),
    *(nodes.Operand, nodes.CondExpr, nodes.Concat),
)
"""Everything else is refused by name: attributes, calls, sums, products, ``set``, macros."""
_FAILS: Final = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError)
_NOT_ALLOWED: Final = "only facts, 'if', 'for' over lists, and filters can stand here"

_Key = tuple[str, str, bool]
"""Purpose, language, whether it is the short form."""


class Templates:
    """Checked templates by purpose and language."""

    def __init__(self, texts: Mapping[_Key, str] = {}) -> None:
        self._known: dict[_Key, Template] = {}
        environment = _environment()
        for key, text in texts.items():
            self._known[key] = environment.from_string(text)
        self._failed: set[_Key] = set()
        self._log = structlog.get_logger("notify")

    def __len__(self) -> int:
        return len(self._known)

    def has(self, purpose: str, language: str) -> bool:
        """Whether the site words this message itself, or its short form."""
        language = _language(language)
        return any((purpose, language, short) in self._known for short in (False, True))

    def say(
        self, purpose: str, language: str, facts: Mapping[str, str | tuple[str, ...]]
    ) -> tuple[str, str, str]:
        """Title, text and short form; what the site does not word stays as ``facts`` have it."""
        language = _language(language)
        title, text, short = (str(facts[name]) for name in ("title", "text", "short"))
        if said := self._render((purpose, language, False), facts):
            first, _, rest = said.partition("\n")
            title, text = first.strip()[:_TITLE], rest.strip() or text
        if said := self._render((purpose, language, True), facts):
            short = " ".join(said.split())
        return title, text, short

    def _render(self, key: _Key, facts: Mapping[str, str | tuple[str, ...]]) -> str:
        """Nothing where there is none, or where it failed: the reader gets the usual wording."""
        template = self._known.get(key)
        if template is None:
            return ""
        try:
            said = _joined(template.generate(facts)).strip()
        except _FAILS as error:
            if key not in self._failed:
                self._failed.add(key)
                self._log.error("template_failed", template=_name(key), reason=str(error)[:200])
            return ""
        return said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"


def _joined(pieces: Iterable[str]) -> str:
    """As much of a rendered text as is wanted, and a little more."""
    found, length = [], 0
    for piece in pieces:
        found.append(piece)
        if (length := length + len(piece)) > 2 * LONGEST:
            break
    return "".join(found)


def load(folder: Path, found: list[Problem]) -> Templates:
    """The templates in ``folder``; what is wrong goes to ``found``, and its file is left out."""
    texts: dict[_Key, str] = {}
    try:
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        found.append(Problem(str(folder), 1, 1, f"can not be read: {error.strerror}"))
        return Templates()
    if len(paths) > MAX_FILES:
        found.append(Problem(str(folder), 1, 1, f"more than {MAX_FILES} files"))
        paths = paths[:MAX_FILES]
    for path in paths:
        key = _key(path, found)
        text = _text(path, found) if key else None
        if key is None or text is None:
            continue
        problems = list(check(str(path), text))
        found.extend(problems)
        if not problems:
            texts[key] = text
    return Templates(texts)


def check(file: str, text: str) -> Iterator[Problem]:
    """What is wrong with a template, each with its line; nothing is run."""
    lines = text.split("\n")
    for line, word, message in _found(text):
        column = lines[line - 1].find(word) + 1 if 0 < line <= len(lines) else 0
        yield Problem(file, line, max(column, 1), message)


def _found(text: str) -> list[tuple[int, str, str]]:
    """(line, word there, message): first what is written, and only then is it made into code.

    The other way round Jinja would work out ``'a' * 999999999`` while it makes the code.
    """
    try:
        tree = _environment().parse(text)
        return list(_faults(tree, frozenset())) or list(_faults_of_samples(text))
    except TemplateSyntaxError as error:
        return [(error.lineno or 1, "", f"not a template: {error.message}")]
    except (RecursionError, SyntaxError, ValueError, MemoryError):  # of the code made of it
        return [(1, "", "nested too deeply, or a number is out of range")]


def _faults_of_samples(text: str) -> Iterator[tuple[int, str, str]]:
    """Worded once with every fact and once with none: what compares a text with a number fails."""
    template = _environment().from_string(text)
    for word, lines in (("1", ("1", "2", "3")), ("", ())):
        try:
            _joined(template.generate({n: lines if n in LISTS else word for n in FACTS}))
        except _FAILS as error:
            place = error.__traceback__
            line = 1
            while place is not None:
                if place.tb_frame.f_code.co_filename == "<template>":
                    line = place.tb_lineno
                place = place.tb_next
            yield line, "", f"this can not be worded: {error}"
            return


def _faults(node: nodes.Node, loop: frozenset[str]) -> Iterator[tuple[int, str, str]]:
    """(line, word there, message) of what may not stand in a template; ``loop``: its own names."""
    if not isinstance(node, _ALLOWED):
        yield node.lineno, "", _NOT_ALLOWED
        return
    if isinstance(node, nodes.For):
        yield from _faults_of_loop(node, loop)
        return
    if isinstance(node, nodes.Name) and node.name not in loop and node.name not in FACTS:
        known = nearest(node.name, FACTS)
        yield node.lineno, node.name, f"unknown fact '{node.name}'{known}"
    elif isinstance(node, nodes.Filter):
        yield from _faults_of_filter(node)
    for child in node.iter_child_nodes():
        yield from _faults(child, loop)


def _faults_of_filter(node: nodes.Filter) -> Iterator[tuple[int, str, str]]:
    """A filter of lists takes a list, arguments are plain: a join of joins would explode."""
    name = node.name
    if name not in _FILTERS:
        yield node.lineno, name, f"unknown filter '{name}'{nearest(name, _FILTERS)}"
    elif name in _OF_LISTS and not (isinstance(node.node, nodes.Name) and node.node.name in LISTS):
        yield node.lineno, name, f"'{name}' is for the lists: nearby, call and kinds"
    elif (
        node.kwargs
        or node.dyn_args
        or node.dyn_kwargs
        or not all(isinstance(argument, nodes.Const) for argument in node.args)
    ):
        yield node.lineno, name, f"'{name}' takes plain texts"


def _faults_of_loop(node: nodes.For, loop: frozenset[str]) -> Iterator[tuple[int, str, str]]:
    """A loop runs over one of the lists and holds no other."""
    if (
        loop
        or node.recursive
        or not isinstance(node.target, nodes.Name)
        or not isinstance(node.iter, nodes.Name)
        or node.iter.name not in LISTS
        or node.target.name in FACTS
    ):
        yield (
            node.lineno,
            "for",
            "write a loop as {% for line in nearby %}, call or kinds, not nested",
        )
        return
    own = frozenset((node.target.name,))
    rest: Iterable[nodes.Node] = [*node.body, *node.else_, *([node.test] if node.test else [])]
    for child in rest:
        yield from _faults(child, own)


def _environment() -> SandboxedEnvironment:
    """Texts are plain, so nothing is escaped; a line that holds only a tag leaves no empty line."""
    made = SandboxedEnvironment(
        autoescape=False, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals.clear()
    return made


def _key(path: Path, found: list[Problem]) -> _Key | None:
    named = _FILE.fullmatch(path.name)
    if named is None:
        message = "a template is called PURPOSE.zh.txt, PURPOSE.en.txt or PURPOSE.zh.short.txt"
        found.append(Problem(str(path), 1, 1, message))
        return None
    if named[1] not in PURPOSES:
        message = f"no message is for {named[1]!r}{nearest(named[1], PURPOSES)}"
        found.append(Problem(str(path), 1, 1, message))
        return None
    return named[1], named[2], named[3] is not None


def _text(path: Path, found: list[Problem]) -> str | None:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            found.append(Problem(str(path), 1, 1, f"larger than {MAX_BYTES:,} bytes"))
            return None
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        found.append(Problem(str(path), 1, 1, "not UTF-8; save the file with encoding UTF-8"))
    except OSError as error:
        found.append(Problem(str(path), 1, 1, f"can not be read: {error.strerror}"))
    return None


def _language(language: str) -> str:
    return "en" if language == "en" else "zh"


def _name(key: _Key) -> str:
    return f"{key[0]}.{key[1]}{'.short' if key[2] else ''}.txt"
