"""Plugins by their folders: which types there are, and the entry of each as its own options.

Nothing is registered anywhere. Importing ``<folder>.options`` must not import the plugin's
library, so that a configuration is checked on a machine that lacks it.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any, Final

from gateway.config.settings import Configured
from gateway.document import Document, Path, Problem, Problems, nearest, validate
from gateway.options import FOLDER, PluginOptions

PACKAGES: Final = {
    "drivers": "drivers",
    "sinks": "gateway.sinks",
    "notifiers": "gateway.notifiers",
}
"""Section of the file -> package whose folders are its types."""
_MAX_ENTRIES: Final = 200
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_PASSWORD_IN_URL: Final = re.compile(r"://[^/@\s]*:[^/@\s]+@")
_RESERVED: Final = {"sinks": ("rules", "console")}
"""The journal's own readers: a sink's bookmark of that name would be theirs."""


def types(section: str) -> list[str]:
    """The names of the plugin folders of ``section``, sorted."""
    try:
        package = importlib.import_module(PACKAGES[section])
    except ModuleNotFoundError:
        return []
    return sorted(
        module.name
        for module in pkgutil.iter_modules(package.__path__)
        if module.ispkg and not module.name.startswith("_")
    )


def options_class(section: str, kind: str) -> type[PluginOptions]:
    """The options of plugin folder ``kind``. Raises ``ImportError`` when it has none."""
    module = importlib.import_module(f"{PACKAGES[section]}.{kind}.options")
    found: type[PluginOptions] = module.Options
    return found


def read(document: Document, section: str, problems: list[Problem]) -> dict[str, Configured]:
    """The checked entries of ``section``; what is wrong with the others goes to ``problems``."""
    entries = document.data.get(section)
    if entries is None:
        return {}
    if not isinstance(entries, dict):
        problems.append(
            document.problem(
                (section,), f"{section}: entries are expected here (NAME: {{type: …}})"
            )
        )
        return {}
    if len(entries) > _MAX_ENTRIES:
        problems.append(document.problem((section,), f"more than {_MAX_ENTRIES} entries"))
        return {}
    good = {}
    for name, entry in entries.items():
        found = list(_entry_problems(document, section, name, entry))
        if not found:
            try:
                good[name] = _configured(document, section, name, entry)
            except Problems as error:
                found = error.problems
        problems.extend(_without_secrets(document, (section, name), entry, found))
    return good


def _entry_problems(document: Document, section: str, name: str, entry: Any) -> Iterator[Problem]:
    """What is wrong with an entry before its options are looked at."""
    path = (section, name)
    if not _NAME.fullmatch(name):
        yield document.problem(
            path, "a name has up to 40 letters, digits, '_', '-' or '.'", key=True
        )
    if name in _RESERVED.get(section, ()):
        yield document.problem(path, f"{name!r} is taken by the gateway itself", key=True)
    known = types(section)
    if not isinstance(entry, dict) or "type" not in entry:
        yield document.problem(path, f"'type' is missing; known: {', '.join(known)}")
    elif entry["type"] not in known:
        word = str(entry["type"])
        yield document.problem(
            (*path, "type"),
            f"there is no {section.removesuffix('s')} {word!r}{nearest(word, known)}",
        )


def _configured(document: Document, section: str, name: str, entry: dict[str, Any]) -> Configured:
    """``entry`` as its plugin's options. Raises ``Problems``."""
    kind = entry["type"]
    try:
        model = options_class(section, kind)
    except ImportError as error:
        message = f"{kind} can not be loaded: {error}"
        raise Problems([document.problem((section, name, "type"), message)]) from None
    rest = {word: value for word, value in entry.items() if word != "type"}
    alone = document._replace(data={section: {name: rest}})
    options = validate(alone, model, (section, name), context(document))
    return Configured(type=kind, options=options)


def context(document: Document) -> dict[str, FilePath]:
    """Where relative paths of the file begin; for words of a command line, where it was typed."""
    return {FOLDER: FilePath(document.file).absolute().parent}


def _without_secrets(
    document: Document, path: Path, entry: Any, found: list[Problem]
) -> list[Problem]:
    """``found`` and the addresses that hold a password, which no message may repeat."""
    leaks = [
        document.problem(where, "holds a password; write it as {file: PATH} or {env: NAME}")
        for where, text in _texts(path, entry)
        if _PASSWORD_IN_URL.search(text)
    ]
    places = {(leak.line, leak.column) for leak in leaks}
    return leaks + [
        problem
        for problem in found
        if (problem.line, problem.column) not in places
        and not (leaks and "password" in problem.message)  # the plugin's word on the same thing
    ]


def _texts(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts((*path, key), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts((*path, index), inner)
