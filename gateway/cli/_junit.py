"""Test results as JUnit XML, in the subset that Jenkins, GitLab and pytest's readers share.

``testsuites`` > ``testsuite`` (a story file) > ``testcase`` (a story) > ``failure``. There is no
``time``: stories happen in virtual time, and how long telling them took says nothing of them.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from gateway.cli._problems import sentence

if TYPE_CHECKING:
    from rules.trial import Result

_NOT_XML: Final = re.compile(r"[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
"""What XML 1.0 can not carry, escaped or not; lone surrogates come from file names."""
_ENDING: Final = ".test.yaml"


def report(files: Iterable[tuple[Path, Sequence[Result]]]) -> bytes:
    """The results of each story file as one document, UTF-8."""
    root = Element("testsuites", name="gridwarden test")
    tests = failures = 0
    for path, results in files:
        failed = sum(not result.passed for result in results)
        suite = SubElement(root, "testsuite", name=_plain(str(path)))
        _count(suite, len(results), failed)
        seen: Counter[str] = Counter()
        for result in results:
            _add(suite, path, result, seen)
        tests, failures = tests + len(results), failures + failed
    _count(root, tests, failures)
    indent(root)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def write(path: Path, content: bytes) -> None:
    """Put the whole report in the place of ``path`` at once. OSError says what stood against it."""
    path = path.resolve()  # a link to a report stays a link
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)  # there only when something stood against it


def _add(suite: Element, path: Path, result: Result, seen: Counter[str]) -> None:
    name = _plain(result.name) or path.name  # a file that can not be read has no story
    seen[name] += 1
    if seen[name] > 1:  # readers take a second case of the same name for a repeat of the first
        name = f"{name} ({seen[name]})"
    case = SubElement(suite, "testcase", name=_plain(name), classname=_classname(path))
    if not result.passed:
        lines = [_plain(sentence(problem)) for problem in result.problems]
        failure = SubElement(case, "failure", type="story", message=lines[0])
        failure.text = "\n".join(lines)


def _count(element: Element, tests: int, failures: int) -> None:
    """``errors`` is required by the schema and always 0, for its element has two spellings."""
    for name, number in (("tests", tests), ("failures", failures), ("errors", 0)):
        element.set(name, str(number))


def _classname(path: Path) -> str:
    """The path with dots, as readers split it into a package and a class."""
    parts = PurePath(str(path).removesuffix(_ENDING)).parts
    return _plain(".".join(part for part in parts if part.strip("./\\")))


def _plain(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
