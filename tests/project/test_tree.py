"""The house rules that a reader can not check by eye, held over the whole tree."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from tests.project.tree import (
    PACKAGES,
    ROOT,
    module_name,
    plugins,
    sources,
    syntax,
    where,
    written_files,
)

CLOCK = "gateway/clock.py"
CATCH_ALL = {
    "gateway/supervise.py": "a driver's bug must not end the gateway",
    "gateway/cli/__init__.py": "a command ends with one line and never with a traceback",
}
_NOW = {"now", "utcnow", "today"}
_DATES = {"datetime", "date"}
_WIDE = {"Exception", "BaseException"}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- time ---------------------------------------------------------------------------------


def clock_reads(tree: ast.Module) -> Iterator[ast.AST]:
    """Every place that asks the machine what time it is, or waits."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = any(alias.name == "time" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            found = node.module == "time" or (node.module == "asyncio" and "sleep" in names)
        elif isinstance(node, ast.Attribute):
            found = asks_the_time(ast.unparse(node.value).rsplit(".", 1)[-1], node.attr)
        else:
            found = False
        if found:
            yield node


def asks_the_time(owner: str, name: str) -> bool:
    """``datetime.now``, ``asyncio.sleep``, ``loop.time`` and their like."""
    return (
        (owner in _DATES and name in _NOW)
        or (owner == "asyncio" and name == "sleep")
        or (name == "time" and re.search(r"loop(\(\))?$", owner) is not None)
    )


@pytest.mark.parametrize(
    "text",
    [
        "import time",
        "from time import monotonic",
        "import datetime\ndatetime.datetime.now(tz)",
        "from datetime import date\ndate.today()",
        "import asyncio\nasync def f():\n    await asyncio.sleep(1)",
        "from asyncio import sleep",
        "import asyncio\nasyncio.get_running_loop().time()",
        "def f(loop):\n    return loop.time()",
    ],
)
def test_clock_check_finds(text: str) -> None:
    assert list(clock_reads(ast.parse(text)))


def test_only_the_clock_asks_what_time_it_is() -> None:
    found = [
        where(path, node)
        for path in sources()
        if relative(path) != CLOCK
        for node in clock_reads(syntax(path))
    ]
    assert found == []


# --- errors -------------------------------------------------------------------------------


def wide_catches(tree: ast.Module) -> Iterator[ast.AST]:
    """Handlers that swallow everything; one that ends with a bare ``raise`` swallows nothing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            last = node.body[-1]
            raised = isinstance(last, ast.Raise) and last.exc is None
            wide = not raised and any(k is None or ast.unparse(k) in _WIDE for k in kinds)
        elif isinstance(node, ast.Call):
            suppressed = ast.unparse(node.func).endswith("suppress")
            wide = suppressed and any(ast.unparse(argument) in _WIDE for argument in node.args)
        else:
            wide = False
        if wide:
            yield node


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    f()\nexcept:\n    pass",
        "try:\n    f()\nexcept Exception as e:\n    log(e)",
        "try:\n    f()\nexcept (OSError, BaseException):\n    pass",
        "with contextlib.suppress(Exception):\n    f()",
    ],
)
def test_catch_check_finds(text: str) -> None:
    assert list(wide_catches(ast.parse(text)))


def test_only_the_supervisor_and_the_command_line_catch_everything() -> None:
    found = [
        where(path, node)
        for path in sources()
        if relative(path) not in CATCH_ALL
        for node in wide_catches(syntax(path))
    ]
    assert found == []


# --- folders ------------------------------------------------------------------------------


def wordless(tree: ast.Module) -> Iterator[ast.AST]:
    """``error or …`` of a caught error: it is always true, and what it says may be empty."""
    for handler in ast.walk(tree):
        if isinstance(handler, ast.ExceptHandler) and handler.name:
            for node in ast.walk(handler):
                if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
                    asked = [ast.unparse(value) for value in node.values[:-1]]
                    if handler.name in asked:
                        yield node


def test_no_error_is_taken_for_its_words() -> None:
    text = "try:\n    f()\nexcept OSError as e:\n    g(f'{e or type(e).__name__}')"
    assert list(wordless(ast.parse(text)))
    found = [
        f"{relative(path)}:{node.lineno}"  # type: ignore[attr-defined]
        for path in sources()
        for node in wordless(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == [], "in_words(error) of gateway.ports says it"


def test_every_package_says_what_belongs_in_it() -> None:
    packages = {path.parent for path in sources() if path.name == "__init__.py"}
    folders = packages | {ROOT / "tests", ROOT / "deploy"}
    assert [relative(f) for f in sorted(folders) if not (f / "README.md").is_file()] == []


@pytest.mark.parametrize("plugin", plugins(), ids=lambda plugin: module_name(plugin[1]))
class TestPlugin:
    def test_folder_is_complete(self, plugin: tuple[str, Path]) -> None:
        role, folder = plugin
        needed = ("__init__.py", f"{role}.py", "options.py", "README.md", "sample.yaml")
        assert [name for name in needed if not (folder / name).is_file()] == []

    def test_readme_shows_the_sample(self, plugin: tuple[str, Path]) -> None:
        readme = (plugin[1] / "README.md").read_text(encoding="utf-8")
        sample = (plugin[1] / "sample.yaml").read_text(encoding="utf-8")
        blocks = re.findall(r"^```yaml\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
        assert sample.strip() in [block.strip() for block in blocks]

    def test_readme_names_every_option(self, plugin: tuple[str, Path]) -> None:
        pages = [page.read_text(encoding="utf-8") for page in plugin[1].rglob("README.md")]
        readme = "\n".join(pages)  # a dialect's options stand on its own page
        options = importlib.import_module(f"{module_name(plugin[1])}.options").Options
        words = set(re.findall(r"[a-z_][a-z0-9_]*", readme))
        assert sorted(option_names(options) - words) == []

    def test_readme_says_its_quality(self, plugin: tuple[str, Path]) -> None:
        readme = (plugin[1] / "README.md").read_text(encoding="utf-8")
        assert re.search(r"\b(works|sturdy|finished)\b", readme)


def option_names(model: type[BaseModel]) -> set[str]:
    """The names a person may write for ``model``, those of nested models included."""
    names: set[str] = set()
    seen: set[type[BaseModel]] = set()

    def look(kind: Any) -> None:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if kind not in seen:
                seen.add(kind)
                for name, field in kind.model_fields.items():
                    names.add(field.alias or name)
                    look(field.annotation)
            return
        for inner in get_args(kind):
            look(inner)

    look(model)
    return names


# --- texts --------------------------------------------------------------------------------


def test_no_file_names_the_machine_it_was_made_on() -> None:
    words = ["/" + word for word in ("work/", "tmp/plan", "root/")]
    words += ["pypi" + ".org", "python" + "hosted", "npmjs" + ".com"]
    found = []
    for path in written_files():
        text = path.read_bytes().decode("utf-8", "ignore")
        found += [f"{relative(path)}: {word}" for word in words if word in text]
    assert found == []


def test_changelog_tells_of_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(project['version'])}\b", changelog, re.MULTILINE)


def test_every_wanted_package_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(line for extra in extras for line in extra)]
    names = {re.split(r"[\[<>=~! ]", line)[0].lower().replace("_", "-") for line in wanted}
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pinned = {name.lower().replace("_", "-") for name in re.findall(r"^(.+?)==\S+$", pins, re.M)}
    assert names - pinned - {"gridwarden"} == set()


def test_every_data_file_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    globs = project["tool"]["setuptools"]["package-data"]["*"]
    missing = {
        path.suffix
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
        if not any(path.match(pattern) for pattern in globs)
    }
    assert missing == set()
