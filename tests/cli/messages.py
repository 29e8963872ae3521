"""Every message that a check can print, found in the syntax trees of what a check imports.

A message that nobody made Chinese of is found this way before an installer finds it: the modules
are those that the checkers import, directly or not, and a message is whatever text reaches a
``raise ValueError`` or one of the functions that note a problem. Each hole of an f-string is
filled with plausible words, or with the texts that the tree shows to go there.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("gateway", "drivers", "rules")
_STARTS: Final = (
    *("drivers/**/options.py", "gateway/*/*/options.py", "gateway/config/*.py"),
    *("gateway/registry/*.py", "gateway/document.py", "rules/*.py"),
    *("drivers/fire_panel/register.py", "gateway/notify/templates.py"),
)
_RAISED: Final = ("ValueError", "PydanticCustomError", "Fault")
_NOTED: Final = ("Register", "problem", "Problem", "wrong", "_wrong", "_problem", "_replace")
_LISTS: Final = ("problems", "wrong", "faults", "_problems")
_DEEPEST: Final = 4
_MOST: Final = 50
"""Examples of one message."""

_HINTS: Final = ("; did you mean 'Q'?", "; known: Q, Q", "")
_HINTED: Final = "nearest"
_PLAUSIBLE: Final = "Q"
"""Stands for a word of the site; each gets a number, as it must come through unchanged."""
_SAID_BY_OTHERS: Final = {
    "strerror": "Permission denied",
    "reason": "Permission denied",
    "error": "no such file",
    "error.problem": "did not find expected ',' or ']'",
    "each": "no such file",
    "section.removesuffix('s')": "driver",
    "column": "role",
    "fault.message": "this bracket is never closed",
}
"""Holes whose words come from the system, a library or another message."""


class Message(NamedTuple):
    """One text of a program as examples of what it becomes."""

    file: str
    line: int
    written: str
    examples: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.written}"


class Module:
    """One file of ours: what it imports, and which texts reach a problem."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tree = ast.parse(path.read_text(encoding="utf-8"))

    def imports(self) -> Iterator[Path]:
        """Files of ours that are imported when this one is."""
        for node in self.tree.body:
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                base = ROOT / Path(*name.split("."))
                for path in (base.with_suffix(".py"), base / "__init__.py"):
                    if name.split(".")[0] in PACKAGES and path.is_file():
                        yield path

    def messages(self) -> Iterator[Message]:
        """What is raised or noted here."""
        file = str(self.path.relative_to(ROOT))
        for call in ast.walk(self.tree):
            if not isinstance(call, ast.Call):
                continue
            for expression in _told(call):
                for node in self._texts(expression):
                    found = itertools.islice(self.examples(node), _MOST)
                    examples = tuple(_numbered(text) for text in found if text)
                    yield Message(file, node.lineno, ast.unparse(node), examples)

    def patterns(self) -> Iterator[str]:
        """What ``Field(pattern=…)`` demands; a message repeats it as it is."""
        constants = {
            ast.unparse(each.targets[0]): each.value
            for each in self.tree.body
            if isinstance(each, ast.Assign)
        }
        for node in ast.walk(self.tree):
            if isinstance(node, ast.keyword) and node.arg == "pattern":
                yield str(ast.literal_eval(constants.get(ast.unparse(node.value), node.value)))

    @cached_property
    def _functions(self) -> dict[str, ast.FunctionDef]:
        return {n.name: n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef)}

    @cached_property
    def _around(self) -> dict[ast.AST, ast.FunctionDef]:
        """Node -> the innermost function that it stands in."""
        functions = (n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef))
        return {node: f for f in functions for node in ast.walk(f) if node is not f}

    def _texts(self, node: ast.expr, depth: int = 0) -> Iterator[ast.expr]:
        """The texts that ``node`` can be: itself, or what was put into the name it is."""
        if depth > _DEEPEST:
            return
        if _is_text(node):
            yield node
        elif (table := self._table(node)) is not None:
            yield from (value for value in table.values if _is_text(value))
        elif isinstance(node, ast.Tuple | ast.List):
            for element in node.elts:
                yield from self._texts(element, depth)
        elif isinstance(node, ast.IfExp):
            yield from self._texts(node.body, depth)
            yield from self._texts(node.orelse, depth)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            if any(True for _ in self._texts(node.left, depth)):
                yield node
        elif isinstance(node, ast.Name):
            for value in self._given(node):
                yield from self._texts(value, depth + 1)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            function = self._functions.get(node.func.id)
            for inner in ast.walk(function) if function else ():
                if isinstance(inner, ast.Return) and inner.value is not None:
                    yield from self._texts(inner.value, depth + 1)
        elif isinstance(node, ast.GeneratorExp | ast.ListComp):
            yield from self._texts(node.elt, depth)

    def _table(self, node: ast.expr) -> ast.Dict | None:
        """The dictionary of this module that ``node`` looks a word up in."""
        if isinstance(node, ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            node = node.func.value if node.func.attr == "get" else node
        name = ast.unparse(node)
        for each in self.tree.body:
            if (
                isinstance(each, ast.AnnAssign)
                and isinstance(each.value, ast.Dict)
                and ast.unparse(each.target) == name
            ):
                return each.value
        return None

    def _given(self, name: ast.Name) -> Iterator[ast.expr]:
        """What is assigned to ``name`` in its function, or passed to it as an argument."""
        function = self._around.get(name)
        only = _last_before(function, name) if function else None
        for node in ast.walk(only or function or self.tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    yield from _matched(target, node.value, name.id)
            elif isinstance(node, ast.NamedExpr) and node.target.id == name.id:
                yield node.value
        if function is None or only is not None:
            return
        parameters = [a.arg for a in function.args.args if a.arg != "self"]
        if name.id in parameters:
            at = parameters.index(name.id)
            for call in ast.walk(self.tree):
                if isinstance(call, ast.Call) and _called(call) == function.name:
                    yield from call.args[at : at + 1]

    def examples(self, node: ast.expr, depth: int = 0) -> Iterator[str]:
        """``node`` as a person could read it, its holes filled."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            pieces = [list(itertools.islice(self.examples(v, depth), 8)) for v in node.values]
            yield from map("".join, itertools.product(*pieces))
        elif isinstance(node, ast.BinOp):
            sides = [list(self.examples(side, depth)) for side in (node.left, node.right)]
            yield from map("".join, itertools.product(*sides))
        elif isinstance(node, ast.IfExp):
            yield from self.examples(node.body, depth)
            yield from self.examples(node.orelse, depth)
        elif isinstance(node, ast.FormattedValue):
            mark = "'" if node.conversion == ord("r") else ""
            numeric = node.format_spec is not None
            for word in ("7",) if numeric else self._filled(node.value, depth):
                yield f"{mark}{word}{mark}"
        else:
            yield from self._filled(node, depth)

    def _filled(self, node: ast.expr, depth: int) -> Iterator[str]:
        if _is_text(node) and isinstance(node, ast.Call):
            yield from _HINTS
            return
        written = re.sub(r"str\((.*)\)", r"\1", ast.unparse(node))
        for ending, words in _SAID_BY_OTHERS.items():
            if written == ending or written.endswith(f".{ending}"):
                yield words
                return
        texts = list(self._texts(node, depth + 1)) if depth < _DEEPEST else []
        if not texts:
            yield _PLAUSIBLE
        for text in texts:
            yield from self.examples(text, depth + 1)


def _numbered(text: str) -> str:
    """``text`` with a number behind each word of the site."""
    count = itertools.count(1)
    return re.sub(rf"\b{_PLAUSIBLE}\b", lambda _: f"{_PLAUSIBLE}{next(count)}", text)


def _is_text(node: ast.AST) -> bool:
    """Whether it is written here what ``node`` says, or by the function for hints."""
    if isinstance(node, ast.Call):
        return _called(node) == _HINTED
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _called(call: ast.Call) -> str:
    """The last word of what is called."""
    return ast.unparse(call.func).rsplit(".", 1)[-1]


def _told(call: ast.Call) -> Iterator[ast.expr]:
    """The arguments of a call that are a message, if it raises or notes one."""
    name = _called(call)
    if name in _RAISED:
        yield from call.args[-1:]
    elif name in _NOTED:
        yield from call.args[-1:]
        yield from (word.value for word in call.keywords if word.arg == "message")
    elif name in ("append", "extend"):
        parts = ast.unparse(call.func).split(".")
        yield from call.args if parts[-2:-1] and parts[-2] in _LISTS else ()


def _last_before(function: ast.FunctionDef, name: ast.Name) -> ast.Assign | None:
    """The assignment that ``name`` certainly has its value from: the last one, in its own block."""
    above = [
        each
        for each in ast.walk(function)
        if isinstance(each, ast.Assign)
        and (each.end_lineno or 0) < name.lineno
        and any(ast.unparse(target) == name.id for target in each.targets)
    ]
    last = max(above, key=lambda each: each.lineno, default=None)
    for block in ast.walk(function):
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(block, field, None)
            if isinstance(statements, list) and last in statements:
                inside = any(name is each for line in statements for each in ast.walk(line))
                return last if inside else None
    return None


def _matched(target: ast.expr, value: ast.expr, name: str) -> Iterator[ast.expr]:
    """What ``name`` gets by ``target = value``."""
    if isinstance(target, ast.Name) and target.id == name:
        yield value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, other in zip(target.elts, value.elts, strict=False):
            yield from _matched(one, other, name)


@cache
def modules() -> tuple[Module, ...]:
    """What a check imports, in order of the paths."""
    waiting = [path for start in _STARTS for path in ROOT.glob(start)]
    found: dict[Path, Module] = {}
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = Module(path)
            waiting.extend(found[path].imports())
    return tuple(found[path] for path in sorted(found))


@cache
def every_message() -> tuple[Message, ...]:
    """Each once."""
    return tuple(dict.fromkeys(one for module in modules() for one in module.messages()))
