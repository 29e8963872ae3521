"""Rule files read, checked together, and made into a Ruleset; the shipped packs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from gateway.document import Document, Problem, Problems, nearest, parse, validate
from rules.plan import Plan, PlanFault, PlanSpec, compile_plan
from rules.rule import Keypad, Rule, Setting
from rules.ruleset import Ruleset
from rules.written import FileSpec, KeypadSpec, RuleReader, SettingSpec, changes_of

MAX_RULES: Final = 5_000
MAX_SETTINGS: Final = 20_000
MAX_PLANS: Final = 500
MAX_KEYPADS: Final = 500
_PACKS: Final = Path(__file__).parent / "packs"
_CALENDAR: Final = ".ics"


def pack_names() -> list[str]:
    """The shipped packs."""
    return sorted(path.stem for path in _PACKS.glob("*.yaml") if "." not in path.stem)


def packs(names: Iterable[str]) -> list[tuple[str, str]]:
    """File name and text of shipped packs. ValueError names one that does not exist."""
    known = pack_names()
    texts = []
    for name in names:
        if name not in known:
            raise ValueError(f"there is no rule pack {name!r}{nearest(name, known)}")
        path = _PACKS / f"{name}.yaml"
        texts.append((f"packs/{path.name}", path.read_text(encoding="utf-8")))
    return texts


def load(
    files: Iterable[tuple[str, str]], zone: str = "Asia/Shanghai", *, complete: bool = True
) -> Ruleset:
    """A ruleset from (file name, text) pairs; ``zone`` is an IANA time zone.

    The files are rule files in YAML and the calendars (``*.ics``) that their plans name. Without
    ``complete`` some of them could not be read: a rule that is not found may stand there.
    Raises ``Problems`` with everything that is wrong in all files.
    """
    loader = _Loader(ZoneInfo(zone), complete)
    given = list(files)
    calendars = {Path(n).name: text for n, text in given if n.lower().endswith(_CALENDAR)}
    written = [(n, text) for n, text in given if not n.lower().endswith(_CALENDAR)]
    documents = [found for name, text in written if (found := loader.read(name, text))]
    for document, text, spec in documents:
        loader.rules_of(document, text, spec)
    for document, _, spec in documents:
        loader.settings_of(document, spec)
        loader.plans_of(document, spec, calendars)
        loader.keypads_of(document, spec)
    loader.references()
    return loader.ruleset()


class _Loader:
    """Collects rules and problems over all files."""

    def __init__(self, zone: tzinfo, complete: bool) -> None:
        self._zone = zone
        self._problems: list[Problem] = []
        self._rules: list[Rule] = []
        self._readers: dict[str, RuleReader] = {}
        self._seen: dict[str, Problem] = {}
        self._sharing: dict[str, tuple[Rule, Problem]] = {}
        self._settings: list[Setting] = []
        self._plans: list[Plan] = []
        self._keypads: dict[str, Keypad] = {}
        self._planned: dict[str, Problem] = {}
        self._where: dict[str, tuple[Document, int]] = {}
        self._known: dict[str, Rule] = {}
        self._broken = not complete

    def read(self, file: str, text: str) -> tuple[Document, str, FileSpec] | None:
        """The file, if it can be understood as one."""
        try:
            document = parse(file, text)
            spec = validate(document, FileSpec)
        except Problems as error:
            self._problems += error.problems
            self._broken = True
            return None
        if not (spec.rules or spec.settings or spec.plans or spec.keypads):
            message = "the file holds no 'rules', 'settings', 'plans' or 'keypads'"
            self._problems.append(document.problem((), message))
        return document, text, spec

    def rules_of(self, document: Document, text: str, spec: FileSpec) -> None:
        """Read every rule of a file."""
        for index in range(len(spec.rules)):
            reader = RuleReader(document, text, index)
            try:
                rule = reader.rule()
            except Problems as error:
                self._problems += error.problems
                self._broken = True
                continue
            here = rule.where
            if (first := self._seen.setdefault(rule.name, here)) is not here:
                where = f"{first.file}:{first.line}"
                message = f"a rule {rule.name!r} is already in {where}; choose another name"
                self._problems.append(here._replace(message=message))
                continue
            key = "incident" if "incident" in document.data["rules"][index] else "name"
            word = document.problem(("rules", index, key), "")
            self._problems += _disagreements(rule, word, self._sharing)
            self._rules.append(rule)
            self._readers[rule.name] = reader
            self._known[rule.name] = rule
            self._where[rule.name] = (document, index)

    def settings_of(self, document: Document, spec: FileSpec) -> None:
        """Read every setting of a file; the rules are known."""
        for index in range(len(spec.settings)):
            path = ("settings", index)
            try:
                one = validate(document, SettingSpec, path)
            except Problems as error:
                self._problems += error.problems
                continue
            if one.grid and one.device:
                message = "either 'grid' or 'device', not both; make it two settings"
                self._problems.append(document.problem((*path, "device"), message, key=True))
                continue
            rule = self._known.get(one.rule)
            if rule is None:
                self._unknown_rule(document, (*path, "rule"), one.rule)
                continue
            if rule.confirm is not None:
                message = f"{rule.name!r} is over a place and the same for all; change it itself"
                self._problems.append(document.problem((*path, "rule"), message))
                continue
            self._setting(document, path, one, rule)

    def _setting(
        self, document: Document, path: tuple[str | int, ...], one: SettingSpec, rule: Rule
    ) -> None:
        try:
            changes = changes_of(one, rule)
        except ValueError as error:
            name, message = error.args
            self._problems.append(document.problem((*path, "set", name), message, key=True))
            return
        try:
            if not changes.get("off"):
                self._readers[rule.name].varied(changes)
        except ValueError as error:
            message = f"with these values {rule.name!r} is wrong: {error}"
            self._problems.append(document.problem((*path, "set"), message, key=True))
            return
        self._settings.append(
            Setting(
                rule=rule.name,
                grids=frozenset(one.grid or ()),
                devices=frozenset(one.device or ()),
                changes=changes,
                because=one.because,
                where=document.problem((*path, "rule"), ""),
            )
        )

    def plans_of(self, document: Document, spec: FileSpec, calendars: Mapping[str, str]) -> None:
        """Read every plan of a file."""
        for index in range(len(spec.plans)):
            path: tuple[str | int, ...] = ("plans", index)
            try:
                plan = compile_plan(validate(document, PlanSpec, path), self._zone, calendars)
            except Problems as error:
                self._problems += error.problems
                continue
            except PlanFault as fault:
                where = document.problem((*path, *fault.path), fault.message)
                self._problems.append(where)
                continue
            here = document.problem((*path, "name"), "")
            if (first := self._planned.setdefault(plan.name, here)) is not here:
                message = f"a plan {plan.name!r} is already in {first.file}:{first.line}"
                self._problems.append(here._replace(message=message))
                continue
            self._plans.append(plan)

    def keypads_of(self, document: Document, spec: FileSpec) -> None:
        """Read every keypad of a file."""
        for index in range(len(spec.keypads)):
            path = ("keypads", index)
            try:
                one = validate(document, KeypadSpec, path)
            except Problems as error:
                self._problems += error.problems
                continue
            here = document.problem((*path, "device"), "")
            if (first := self._keypads.get(one.device)) is not None:
                where = f"{first.where.file}:{first.where.line}"
                message = f"keypad {one.device!r} is already in {where}; give it a list of grids"
                self._problems.append(here._replace(message=message))
                continue
            self._keypads[one.device] = Keypad(
                one.device, frozenset(one.grid or ()), one.mode, here
            )

    def references(self) -> None:
        """What rules name of each other, once all of them are known."""
        known = self._known
        for rule in self._rules:
            document, index = self._where[rule.name]
            for key, names in (
                ("confirm", rule.confirm.rules if rule.confirm else ()),
                ("inhibit", rule.inhibit),
            ):
                for number, name in enumerate(names):
                    path = ("rules", index, key, number)
                    if name not in known:
                        self._unknown_rule(document, path, name)
                    elif message := _may_not_name(rule, key, known[name]):
                        self._problems.append(document.problem(path, message))
                    elif key == "inhibit" and self._leads_to(name, rule.name):
                        message = f"{name!r} is held back by this rule in turn; leave one out"
                        self._problems.append(document.problem(path, message))

    def _leads_to(self, start: str, goal: str) -> bool:
        """Whether ``goal`` holds ``start`` back, directly or through others."""
        seen, ahead = {start}, [start]
        while ahead:
            rule = self._known.get(ahead.pop())
            for name in rule.inhibit if rule is not None else ():
                if name == goal:
                    return True
                if name not in seen:
                    seen.add(name)
                    ahead.append(name)
        return False

    def _unknown_rule(self, document: Document, path: tuple[str | int, ...], name: str) -> None:
        if self._broken:  # it may stand in what could not be read
            return
        hint = nearest(name, [rule.name for rule in self._rules])
        self._problems.append(document.problem(path, f"there is no rule {name!r}{hint}"))

    def ruleset(self) -> Ruleset:
        """The whole. Raises ``Problems``."""
        for count, most, what in (
            (len(self._rules), MAX_RULES, "rules"),
            (len(self._settings), MAX_SETTINGS, "settings"),
            (len(self._plans), MAX_PLANS, "plans"),
            (len(self._keypads), MAX_KEYPADS, "keypads"),
        ):
            if count > most:
                self._problems.append(Problem("rules", 1, 1, f"more than {most:,} {what}"))
        if self._problems:
            raise Problems(self._problems)
        return Ruleset(
            tuple(self._rules),
            self._zone,
            tuple(self._plans),
            tuple(self._settings),
            self._keypads,
            self._readers,
        )


def _may_not_name(rule: Rule, key: str, other: Rule) -> str:
    """Why ``rule`` may not name ``other`` under ``key``; "" if it may."""
    if other.name == rule.name:
        return "a rule can not name itself"
    if other.confirm is not None and key == "confirm":
        return f"{other.name!r} is a rule over a place itself; name the rules that it is made of"
    return ""


def _disagreements(
    rule: Rule, here: Problem, sharing: dict[str, tuple[Rule, Problem]]
) -> list[Problem]:
    """What keeps ``rule`` from sharing an incident with the first rule of its word."""
    first, where = sharing.setdefault(rule.incident, (rule, here))
    return [
        here._replace(
            message=f"rules of incident {rule.incident!r} need one {key!r}: {mine} here,"
            f" {theirs} for {first.name!r} in {where.file}:{where.line}"
        )
        for key, mine, theirs in (
            ("same", rule.same, first.same),
            ("category", rule.category.value, first.category.value),
        )
        if mine != theirs
    ]
