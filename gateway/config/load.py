"""A configuration file as checked settings, or everything that is wrong with it at once.

    file -> text -> YAML with positions -> sections -> plugin options
                                        -> registry CSV, rule files -> cross-checks -> Settings

A step that fails leaves its problems and the next steps go on with what they can read.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel

from gateway import document as yaml_document
from gateway.config import crosscheck, plugins
from gateway.config.holidays import holidays
from gateway.config.settings import (
    CanarySection,
    ClockSection,
    ConsoleSection,
    DeadlinesSection,
    JournalSection,
    LimitsSection,
    LogSection,
    MessagesSection,
    PatrolSection,
    RecordSection,
    RegistrySection,
    RulesSection,
    Settings,
    SiteSection,
    TellingSection,
)
from gateway.config.watched import (
    MAX_CALENDARS,
    MAX_RULE_FILES,
    calendar_paths,
    fingerprint,
    rule_paths,
)
from gateway.document import Document, Problem, Problems, nearest
from gateway.model import Limit, Point, Site

if TYPE_CHECKING:
    from gateway.registry.read import Imported

_Section = TypeVar("_Section", bound=BaseModel)

_SECTIONS: Final = (
    *("site", "registry", "clock", "journal", "rules", "deadlines", "limits", "telling"),
    *("drivers", "sinks", "notifiers", "messages", "patrol", "canary", "record", "console", "log"),
)
_LONGEST_MESSAGE: Final = 400


def load(path: str | Path, kept: Iterable[tuple[str, str]] | None = None) -> Settings:
    """The checked settings of the file at ``path``. Raises ``Problems`` with every error.

    With ``kept`` these rule files stand in the place of the packs and the site's own, and the
    registry's files are not read: what was in force before goes on.
    """
    found: list[Problem] = []
    return _Loader(_parsed(path, found), Path(path), found, kept).settings()


def read_document(path: str | Path) -> Document:
    """The file at ``path`` as named sections that nobody has checked. Raises ``Problems``."""
    found: list[Problem] = []
    document = _parsed(path, found)
    if found:
        raise Problems(map(_shortened, found))
    return document


def read_site(path: str | Path) -> SiteSection:
    """The section ``site`` alone, ``data`` absolute: for who only reads what was stored.

    What is wrong with another section does not matter. Raises ``Problems``.
    """
    document = read_document(path)
    if "site" not in document.data:
        raise Problems([document.problem((), "'site' is missing")])
    site = yaml_document.validate(document, SiteSection, ("site",), plugins.context(document))
    return site.model_copy(update={"data": (Path(path).parent / site.data).absolute()})


def _parsed(path: str | Path, found: list[Problem]) -> Document:
    """Its sections, with the faults that leave the rest readable in ``found``."""
    try:
        document = yaml_document.parse(str(path), _text(str(path), Path(path)), found)
    except Problems as error:
        raise Problems(map(_shortened, error.problems)) from None
    if document.data is None and not found:
        document = document._replace(data={})
    if not isinstance(document.data, dict):
        found.append(document.problem((), "sections are expected, like site: and drivers:"))
        raise Problems(map(_shortened, found))
    return document


class _Loader:
    """Collects the problems of one file while its parts are read."""

    def __init__(
        self,
        document: Document,
        file: Path,
        found: list[Problem],
        kept: Iterable[tuple[str, str]] | None = None,
    ) -> None:
        self._kept = None if kept is None else tuple(kept)
        self._document = document
        self._file = file
        self._problems = found

    def settings(self) -> Settings:
        """The whole; raises ``Problems``."""
        document, problems = self._document, self._problems
        for word in document.data:
            if word not in _SECTIONS:
                message = f"unknown section {word!r}{nearest(word, _SECTIONS)}"
                problems.append(document.problem((word,), message, key=True))
        site = self._section("site", SiteSection)
        registry = self._section("registry", RegistrySection) if self._has("registry") else None
        rules = self._section("rules", RulesSection)
        parts: dict[str, Any] = {
            "clock": self._section("clock", ClockSection),
            "journal": self._section("journal", JournalSection),
            "deadlines": self._section("deadlines", DeadlinesSection),
            "limits": self._limits(),
            "canary": self._section("canary", CanarySection),
            "record": self._record(),
            "telling": self._section("telling", TellingSection),
            "console": self._section("console", ConsoleSection),
            "log": self._section("log", LogSection),
            "messages": self._section("messages", MessagesSection),
            "patrol": self._section("patrol", PatrolSection) if self._has("patrol") else None,
        }
        for section in plugins.PACKAGES:
            parts[section] = plugins.read(document, section, problems)
        problems.extend(crosscheck.errors(document, parts))
        parts["templates"] = self._templates(parts["messages"])
        if registry is not None:
            registry = self._registry_files(registry)
        looked = fingerprint(self._file, registry, rules and self._rules_dir(rules))
        zone = site.zone if site is not None else "UTC"
        imported, digest = self._import(registry if self._kept is None else None, zone)
        parts["points"] = self._points(parts["patrol"], imported.site)
        files, complete = self._kept or (), self._kept is not None
        if self._kept is None and rules is not None:
            files, complete = self._all_rules(rules)
        ruleset = self._ruleset(files, site, complete=complete)
        if problems or site is None or rules is None:
            raise Problems({_shortened(problem) for problem in problems})
        return Settings(
            file=self._file.absolute(),
            site=site.model_copy(update={"data": self._here(site.data).absolute()}),
            registry=registry and registry.below(Path.absolute),
            rules=self._rules_dir(rules),
            imported=imported.site,
            imported_rows=imported.rows,
            digest=digest,
            ruleset=ruleset,
            rule_files=files,
            fingerprint=looked,
            looked_over=partial(crosscheck.warnings, document),
            **parts,
        )

    def _has(self, section: str) -> bool:
        return self._document.data.get(section) is not None

    def _section(self, name: str, model: type[_Section]) -> _Section | None:
        """The section ``name``; None, and a problem, when it is wrong."""
        document = self._document
        if name not in document.data:
            document = document._replace(data={name: None})
            if model is SiteSection:
                self._problems.append(document.problem((), f"{name!r} is missing"))
                return None
        try:
            return yaml_document.validate(document, model, (name,), plugins.context(document))
        except Problems as error:
            self._problems.extend(error.problems)
            return None

    def _limits(self) -> tuple[Limit, ...]:
        """The time limits; none, and problems, when one is wrong."""
        if not self._has("limits"):
            return ()
        alone = self._document._replace(data={"limits": self._document.data["limits"]})
        try:
            found = yaml_document.validate(alone, LimitsSection)
        except Problems as error:
            self._problems.extend(error.problems)
            return ()
        limits: dict[tuple[str, ...], Limit] = {}
        for index, row in enumerate(found.limits):
            words = (row.place, row.category, row.severity, row.stage)
            if words in limits:
                named = ", ".join(word for word in words if word) or "everything"
                self._wrong(("limits", index), f"two limits for {named}")
            limits[words] = row.limit()
        return tuple(limits.values())

    def _here(self, path: Path) -> Path:
        """Paths in the file are relative to the file; messages name them as the user would."""
        return self._file.parent / path

    def _registry_files(self, registry: RegistrySection) -> RegistrySection | None:
        """Where the files are, or None and a problem for each that is missing."""
        registry = registry.below(self._here)
        whole = True
        for word, value in registry:
            for path in value if isinstance(value, tuple) else [value]:
                if path is not None and not _exists(path, Path.is_file):
                    whole = False
                    self._wrong(("registry", word), f"no such file: {path}")
        return registry if whole else None

    def _import(self, registry: RegistrySection | None, zone: str) -> tuple[Imported, str]:
        """The site of the registry's files and their digest; empty when they can not be read."""
        from gateway.registry.read import Files, Imported, digest, read
        from gateway.registry.table import on_disk

        if registry is None:
            return Imported(Site(zone=zone), {}), ""
        channels = self._document.data.get("notifiers")
        files = Files(
            on_disk(registry.places),
            on_disk(registry.devices),
            on_disk(registry.people),
            tuple(map(on_disk, registry.rosters)),
            on_disk(registry.borders) if registry.borders else None,
            on_disk(registry.holidays) if registry.holidays else None,
        )
        try:
            imported = read(
                files,
                notifiers=channels if isinstance(channels, dict) else {},
                zone=zone,
                calendar=holidays,
            )
            return imported, digest(registry.paths())
        except Problems as error:
            self._problems.extend(error.problems)
            return Imported(Site(), {}), ""

    def _record(self) -> RecordSection | None:
        """The section ``record``, a file's name absolute."""
        record = self._section("record", RecordSection)
        if record is None or not isinstance(record.anchors, str) or "://" in record.anchors:
            return record
        path = self._here(Path(record.anchors)).absolute()
        if not _exists(path.parent, Path.is_dir):
            self._wrong(("record", "anchors"), f"no such folder: {path.parent}")
        return record.model_copy(update={"anchors": str(path)})

    def _templates(self, messages: MessagesSection | None) -> Any:
        """The site's own wording; None without any.

        A slip in it counts as one in the rules: a gateway that goes on with what was in force
        leaves the template out, and says the rest.
        """
        if messages is None or messages.templates is None:
            return None
        templates = importlib.import_module("gateway.notify.templates")  # late: it brings Jinja
        folder = self._here(messages.templates)
        if not _exists(folder, Path.is_dir):
            if self._kept is None:
                self._wrong(("messages", "templates"), f"no such folder: {folder}")
            return None
        return templates.load(folder, self._problems if self._kept is None else [])

    def _points(self, patrol: PatrolSection | None, site: Site) -> tuple[Point, ...]:
        """The patrol points; none, and problems, when their file is wrong."""
        if patrol is None:
            return ()
        from gateway.patrol.points import read_points

        path = self._here(patrol.points)
        if not _exists(path, Path.is_file):
            self._wrong(("patrol", "points"), f"no such file: {path}")
            return ()
        try:
            return read_points(path, site, patrol.rounds)
        except Problems as error:
            self._problems.extend(error.problems)
            return ()

    def _rules_dir(self, rules: RulesSection) -> RulesSection:
        if rules.dir is None:
            return rules
        return rules.model_copy(update={"dir": self._here(rules.dir).absolute()})

    def _all_rules(self, section: RulesSection) -> tuple[tuple[tuple[str, str], ...], bool]:
        """Name and text of every file of the packs and the site's folder, and whether all are."""
        rules = importlib.import_module("rules")  # late: it takes its time to be imported
        before = len(self._problems)
        packs = []
        known = rules.pack_names()
        for index, name in enumerate(section.packs):
            if name in known and name not in packs:
                packs.append(name)
            elif name in known:
                self._wrong(("rules", "packs", index), f"pack {name!r} is named twice")
            else:
                message = f"there is no pack {name!r}{nearest(name, known)}"
                self._wrong(("rules", "packs", index), message)
        files = (*rules.packs(packs), *self._own_files(section))
        return files, len(self._problems) == before

    def _ruleset(
        self, files: Iterable[tuple[str, str]], site: SiteSection | None, *, complete: bool
    ) -> Any:
        """Every rule, compiled; None when one is wrong."""
        rules = importlib.import_module("rules")
        zone = site.zone if site is not None else "UTC"
        try:
            return rules.load(files, zone, complete=complete)
        except Problems as error:
            self._problems.extend(error.problems)
            return None

    def _own_files(self, section: RulesSection) -> list[tuple[str, str]]:
        """Name and text of the site's own rule files, and behind them its calendars."""
        if section.dir is None:
            return []
        folder = self._here(section.dir)
        if not _exists(folder, Path.is_dir):
            self._wrong(("rules", "dir"), f"no such folder: {folder}")
            return []
        return rule_texts(folder, self._problems, partial(self._wrong, ("rules", "dir")))

    def _wrong(self, path: yaml_document.Path, message: str) -> None:
        self._problems.append(self._document.problem(path, message))


def rule_texts(
    folder: Path, found: list[Problem], wrong: Callable[[str], None]
) -> list[tuple[str, str]]:
    """Name and text of the rule files in ``folder``, and behind them its calendars.

    ``found`` gets the faults of files and ``wrong`` hears of too many. A folder that can not be
    read is no empty one: its rules would be gone without a word.
    """
    try:
        os.scandir(folder).close()
    except OSError as error:
        found.append(Problem(str(folder), 1, 1, f"can not be read: {error.strerror}"))
        return []
    texts = []
    for paths, most, what in (
        (rule_paths(folder), MAX_RULE_FILES, "rule files"),
        (calendar_paths(folder), MAX_CALENDARS, "calendars"),
    ):
        if len(paths) > most:
            wrong(f"more than {most} {what} in {folder}")
            continue
        for path in paths:
            try:
                texts.append((str(path), _text(str(path), path)))
            except Problems as error:
                found.extend(error.problems)
    return texts


def _text(name: str, path: Path) -> str:
    """The text of a UTF-8 file. Raises ``Problems`` at the first byte that is none."""
    try:
        if not path.is_file():
            raise Problems([Problem(name, 1, 1, "no such file")])
        with path.open("rb") as file:
            raw = file.read(yaml_document.MAX_BYTES + 4)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such file"
        raise Problems([Problem(name, 1, 1, f"can not be read: {reason}")]) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace").splitlines(keepends=True) or [""]
        ended = before[-1].endswith(("\n", "\r"))
        line, column = (len(before) + 1, 1) if ended else (len(before), len(before[-1]) + 1)
        message = "not UTF-8; save the file with encoding UTF-8"
        raise Problems([Problem(name, line, column, message)]) from None


def _exists(path: Path, check: Callable[[Path], bool]) -> bool:
    """``check(path)``; a text that can be no path at all names nothing."""
    try:
        return check(path)
    except (OSError, ValueError):
        return False


def _shortened(problem: Problem) -> Problem:
    """One line of bounded length, whatever was written in the file."""
    message = " ".join(problem.message.split())
    if len(message) > _LONGEST_MESSAGE:
        message = message[: _LONGEST_MESSAGE - 1] + "…"
    return problem._replace(message=message)
