"""YAML with positions: what a person wrote, as plain data, and where each piece stands.

Shared by the configuration and the rule files. A subset of YAML 1.2 is read: only ``true``
and ``false`` are booleans (``on:`` is a rule's keyword), dates stay text, duplicate keys, tags
and merge keys are refused, and size, depth and aliases are bounded, for a file may be hostile.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Path = tuple[str | int, ...]
_Model = TypeVar("_Model", bound=BaseModel)

MAX_BYTES: Final = 1_000_000
_MAX_DEPTH: Final = 40
_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_EXPECTED: Final = {
    "model_type": "names with values are expected here (name: value)",
    "dict_type": "names with values are expected here (name: value)",
    "string_type": "a text is expected (a number in quotes)",
    "path_type": "a path is expected",
    "list_type": "a list is expected, like [a, b]",
    "tuple_type": "a list is expected, like [a, b]",
    "int_type": "a whole number is expected",
    "float_type": "a number is expected",
    "bool_type": "true or false is expected",
}
_LINE_END: Final = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
"""Where YAML begins a new line."""
_BRACKET: Final = re.compile(r"[\[\]{}]")
_MAX_BRACKETS: Final = 200
_NULLS: Final = ("", "~", "null", "Null", "NULL")


class Problem(NamedTuple):
    """One thing wrong in a file; lines and columns count from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class Problems(Exception):
    """Everything that is wrong, at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Document(NamedTuple):
    """Plain data (dict, list, str, int, float, bool, None) and where each path stands."""

    file: str
    data: Any
    values: dict[Path, tuple[int, int]]
    keys: dict[Path, tuple[int, int]]

    def problem(self, path: Path, message: str, *, key: bool = False) -> Problem:
        """A problem at ``path``, or at its nearest ancestor that was written down."""
        table = self.keys if key else self.values
        while path not in table and path:
            path, table = path[:-1], self.values
        line, column = table.get(path, (1, 1))
        return Problem(self.file, line, column, message)


def parse(file: str, text: str, found: list[Problem] | None = None) -> Document:
    """Read one YAML document. Raises ``Problems``.

    Given ``found``, faults that leave the rest readable, like a key set twice, are added to it
    instead, so that they can be shown with what is wrong with the content.
    """
    document = Document(file, None, {}, {})
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise Problems([Problem(file, 1, 1, f"larger than {MAX_BYTES:,} bytes; split it")])
    if _brackets(text) > _MAX_BRACKETS:
        raise Problems([Problem(file, 1, 1, "nested too deeply")])
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise Problems([Problem(file, line, column, _plainly(str(error.problem)))]) from None
    except yaml.reader.ReaderError as error:
        before = _LINE_END.split(text[: error.position])
        line, column = len(before), len(before[-1]) + 1
        message = f"not YAML: the character {error.character:#x} is not allowed"
        raise Problems([Problem(file, line, column, message)]) from None
    except yaml.YAMLError as error:
        message = str(error).splitlines()[0]
        raise Problems([Problem(file, 1, 1, f"not YAML: {message}")]) from None
    except RecursionError:
        raise Problems([Problem(file, 1, 1, "nested too deeply")]) from None
    except (ValueError, OverflowError):  # an escape beyond Unicode, a version of 5,000 digits
        raise Problems([Problem(file, 1, 1, "not YAML: a number is out of range")]) from None
    problems: list[Problem] = []
    data = _build(document, node, (), problems, set()) if node is not None else None
    if problems and found is None:
        raise Problems(problems)
    if found is not None:
        found.extend(problems)
    return document._replace(data=data)


def validate(
    document: Document,
    model: type[_Model],
    path: Path = (),
    context: Mapping[str, Any] | None = None,
) -> _Model:
    """The part of ``document`` at ``path`` as ``model``. Raises ``Problems`` with every error.

    ``context`` is for the validators of the model's types.
    """
    data = document.data
    for step in path:
        data = data[step]
    try:
        return model.model_validate({} if data is None else data, context=context)
    except ValidationError as error:
        raise Problems(
            _translate(document, model, path, detail)
            for detail in _causes(error.errors(include_url=False))
        ) from None


def _causes(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without the lists that are too short only because what they hold is wrong."""

    def holds_another(short: ErrorDetails) -> bool:
        size = len(short["loc"])
        return any(len(d["loc"]) > size and d["loc"][:size] == short["loc"] for d in details)

    return [d for d in details if d["type"] != "too_short" or not holds_another(d)]


def nearest(word: str, known: Iterable[str]) -> str:
    """`` (did you mean X?)`` for the nearest known name, or nothing."""
    names = sorted(known)
    found = difflib.get_close_matches(word, names, 1, 0.5)
    return f"; did you mean {found[0]!r}?" if found else f"; known: {', '.join(names)}"


def _build(
    document: Document,
    node: yaml.Node,
    path: Path,
    problems: list[Problem],
    above: set[int],
) -> Any:
    where = (node.start_mark.line + 1, node.start_mark.column + 1)
    document.values[path] = where

    def wrong(message: str) -> None:
        problems.append(Problem(document.file, *where, message))

    if id(node) in above or len(path) > _MAX_DEPTH:
        return wrong("nested too deeply")
    if len(document.values) > MAX_BYTES // 8:
        many = "too many entries; are there aliases of aliases?"
        return None if problems and problems[-1].message == many else wrong(many)
    if not node.tag.startswith("tag:yaml.org,2002:"):
        return wrong(f"tags are not allowed here ({node.tag})")
    above = above | {id(node)}
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [
            _build(document, child, (*path, index), problems, above)
            for index, child in enumerate(node.value)
        ]
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line, column = key_node.start_mark.line + 1, key_node.start_mark.column + 1
        if not isinstance(key_node, yaml.ScalarNode):
            problems.append(Problem(document.file, line, column, "a key must be one word"))
            continue
        key = key_node.value
        if key in mapping:
            first = document.keys[(*path, key)][0]
            problems.append(
                Problem(document.file, line, column, f"{key!r} is already set in line {first}")
            )
            continue
        document.keys[(*path, key)] = (line, column)
        mapping[key] = _build(document, value_node, (*path, key), problems, above)
    return mapping


def _brackets(text: str) -> int:
    """The most brackets that are open at once; those in texts are counted with them.

    The scanner of YAML takes time with the square of their depth.
    """
    open_now = most = 0
    for found in _BRACKET.finditer(text):
        open_now = max(open_now + (1 if found[0] in "[{" else -1), 0)
        most = max(most, open_now)
    return most


def _plainly(problem: str) -> str:
    """The YAML reader's own sentence, or what a person would say."""
    if "\\t" in problem:
        return "not YAML: a tab; indent with spaces"
    if "<block end>" in problem:
        return "not YAML: the indentation does not fit the lines above"
    if problem == "mapping values are not allowed here":
        return "not YAML: no ':' can stand here; check the indentation and the line above"
    return f"not YAML: {problem}"


def _scalar(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    if node.style is not None:
        return text
    if text in _NULLS:
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INT.fullmatch(text):
        return int(text) if len(text) < 20 else float(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _translate(
    document: Document, model: type[BaseModel], path: Path, detail: ErrorDetails
) -> Problem:
    """One line of pydantic's as one line of ours, at the place it is about."""
    location = _written(document, path, detail["loc"])
    kind, word = detail["type"], str(location[-1]) if location else ""
    if kind == "extra_forbidden":
        word, known = str(detail["loc"][-1]), _fields_at(model, detail["loc"][:-1])
        return document.problem(location, f"unknown name {word!r}{nearest(word, known)}", key=True)
    if kind == "missing":
        return document.problem(location, f"{detail['loc'][-1]!r} is missing")
    message = detail["msg"].removeprefix("Value error, ")
    if kind in ("enum", "literal_error") and isinstance(detail["input"], str):
        expected = str(detail.get("ctx", {}).get("expected", ""))
        known = re.findall(r"'([^']+)'", expected)
        message = f"{detail['input']!r} is none of them{nearest(detail['input'], known)}"
    elif kind in _EXPECTED:
        message = f"{word}: {_EXPECTED[kind]}" if word else _EXPECTED[kind]
    elif kind != "value_error":
        message = f"{word}: {message[:1].lower()}{message[1:]}"
    return document.problem(location, message)


def _written(document: Document, path: Path, location: tuple[str | int, ...]) -> Path:
    """``location`` below ``path`` without the steps that pydantic adds for unions and keys."""
    for step in location:
        if (*path, step) in document.values:
            path = (*path, step)
    return path


def _fields_at(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    """The names, as they are written, of the model that ``location`` leads to."""
    current: Any = model
    for step in location:
        fields = _fields(current)
        if isinstance(step, int):
            continue
        if step in fields:
            current = _model_within(fields[step])
        elif fields:
            break
    return [str(name) for name in _fields(current)]


def _fields(model: Any) -> dict[str | int, Any]:
    """Name as it is written -> annotation."""
    fields = getattr(model, "model_fields", {})
    return {field.alias or name: field.annotation for name, field in fields.items()}


def _model_within(annotation: Any) -> Any:
    """The first pydantic model inside an annotation such as ``dict[str, Model] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        if (found := _model_within(inner)) is not None:
            return found
    return None
