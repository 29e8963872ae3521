"""Rule files: YAML read, checked with every error at its place, and made into a Ruleset."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, create_model

from gateway.document import Document, Problem, Problems, nearest, parse, validate
from gateway.model import (
    KINDS,
    SECOND,
    UNKNOWN_KIND,
    Category,
    Device,
    Severity,
    Site,
    Text,
    every_value_name,
)
from gateway.options import Duration, parse_duration
from rules.expression import NEVER, TEST, Condition, compile_condition
from rules.position import place_in_yaml
from rules.syntax import Faults

MAX_RULES: Final = 1_000
ANY: Final = "any"
_PACKS: Final = Path(__file__).parent / "packs"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_UNWATCHED: Final = ("planned", "retired")


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One checked rule; times in ns. With ``absent`` set, ``when`` and ``clear`` never hold."""

    name: str
    title: Text
    kinds: frozenset[str]
    """Empty: every kind."""
    devices: frozenset[str]
    grids: frozenset[str]
    when: Condition
    clear: Condition
    hold: int
    keep: int
    again: int | None
    """How long after an alarm the device's next word of it is another one; None: never."""
    absent: int | None
    """The silence that is too long; 0: the device's own ``max_silence``; None: no such rule."""
    same: str
    severity: Severity
    category: Category
    rings_late: bool
    incident: str
    """Rules with the same word share one incident for each ``same`` place."""
    digest: str
    """Changes when the condition does or one of the times that a watch waits for."""

    def covers(self, device: str, kind: str, site: Site) -> bool:
        """Whether the rule is about this device."""
        if self.kinds and kind not in self.kinds:
            return False
        if self.devices and device not in self.devices:
            return False
        chain = site.chain(site.place_of(device)) if self.grids else ()
        return not self.grids or any(place.code in self.grids for place in chain)

    def silence(self, device: Device) -> int:
        """How long ``device`` may say nothing, ns; 0: this rule does not watch it."""
        if self.absent is None or device.state in _UNWATCHED:
            return 0
        return self.absent or device.max_silence


@dataclass(frozen=True, slots=True, eq=False)
class Ruleset:
    """Every loaded rule, in the order of the files; ``zone`` is for the times in sentences."""

    rules: tuple[Rule, ...]
    zone: tzinfo
    by_name: Mapping[str, Rule] = field(init=False)
    accepted: Mapping[str, type] = field(init=False)
    """The value names that are remembered: of the tables all but ``test``, the extras in use."""

    def __post_init__(self) -> None:
        accepted: dict[str, type] = {n: t.type for n, t in every_value_name().items()}
        for rule in self.rules:
            for condition in (rule.when, rule.clear):
                for name in condition.names:
                    accepted.setdefault(name, object)
        del accepted[TEST]
        object.__setattr__(self, "by_name", {rule.name: rule for rule in self.rules})
        object.__setattr__(self, "accepted", accepted)

    def conditions_for(self, device: str, kind: str, site: Site) -> tuple[Rule, ...]:
        """The rules with a condition that cover a device."""
        return tuple(
            rule for rule in self.rules if rule.absent is None and rule.covers(device, kind, site)
        )


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


def load(files: Iterable[tuple[str, str]], zone: str = "Asia/Shanghai") -> Ruleset:
    """A ruleset from (file name, YAML text) pairs; ``zone`` is an IANA time zone.

    Raises ``Problems`` with everything that is wrong in all files.
    """
    rules: list[Rule] = []
    problems: list[Problem] = []
    seen: dict[str, Problem] = {}
    sharing: dict[str, tuple[Rule, Problem]] = {}
    for file, text in files:
        try:
            document = parse(file, text)
            written = validate(document, _File)
        except Problems as error:
            problems += error.problems
            continue
        for index in range(len(written.rules)):
            try:
                rule = _Reader(document, text, index).rule()
            except Problems as error:
                problems += error.problems
                continue
            here = document.problem(("rules", index, "name"), "")
            if (first := seen.setdefault(rule.name, here)) is not here:
                where = f"{first.file}:{first.line}"
                message = f"a rule {rule.name!r} is already in {where}; choose another name"
                problems.append(here._replace(message=message))
            key = "incident" if "incident" in document.data["rules"][index] else "name"
            word = document.problem(("rules", index, key), "")
            problems += _disagreements(rule, word, sharing)
            rules.append(rule)
    if len(rules) > MAX_RULES:
        problems.append(Problem("rules", 1, 1, f"more than {MAX_RULES:,} rules"))
    if problems:
        raise Problems(problems)
    return Ruleset(tuple(rules), ZoneInfo(zone))


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


# --- the written form --------------------------------------------------------------------


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _some(value: Any) -> Any:
    if value == []:
        raise ValueError("an empty list; name at least one")
    return _listed(value)


def _kind(value: str) -> str:
    if value not in KINDS and value not in (ANY, UNKNOWN_KIND):
        raise ValueError(f"there is no kind {value!r}{nearest(value, [*KINDS, ANY])}")
    return value


def _rule_name(value: Any) -> Any:
    if isinstance(value, str) and not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} is no rule name; use a-z, 0-9 and _, as in smoke_alarm")
    return value


def _incident(value: Any) -> Any:
    if isinstance(value, str) and not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} is no such word; use a-z, 0-9 and _, as in fire")
    return value


def _silence(value: Any) -> float:
    if value == "device":
        return 0.0
    seconds = parse_duration(value)
    if seconds <= 0:
        raise ValueError("a silence of no length; write a duration such as 26h, or device")
    return seconds


def _again(value: Any) -> float | None:
    if value == "never":
        return None
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ValueError(f"{error}, or never") from None


def _title(value: Any) -> Any:
    return {"zh": value, "en": value} if isinstance(value, str) else value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _File(_Strict):
    pack: str | None = None
    rules: Annotated[list[Any], Field(min_length=1)]


class _Title(_Strict):
    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


_Some = Annotated[list[str], BeforeValidator(_some)]


class _Base(_Strict):
    name: Annotated[str, BeforeValidator(_rule_name)]
    incident: Annotated[str, BeforeValidator(_incident)] | None = None
    title: Annotated[_Title, BeforeValidator(_title)]
    on: Annotated[
        list[Annotated[str, AfterValidator(_kind)]],
        BeforeValidator(_some),
    ]
    when: str | None = None
    clear: str | None = None
    keep: Duration = 0.0
    again: Annotated[float | None, BeforeValidator(_again)] = 600.0
    absent: Annotated[float, BeforeValidator(_silence)] | None = None
    same: Literal["device", "flat", "building", "grid"] = "device"
    severity: Severity
    category: Category
    late: Literal["record", "ring"] = "record"
    device: _Some | None = None
    grid: _Some | None = None


# "for" is a word of Python, so a class statement can not name a field so.
_FOR: Final[dict[str, Any]] = {"for": (Duration, 0.0)}
_Spec: Final = create_model("_Spec", __base__=_Base, **_FOR)


class _Reader:
    """Reads one rule of a document."""

    def __init__(self, document: Document, text: str, index: int) -> None:
        self._document = document
        self._text = text
        self._path = ("rules", index)
        self._problems: list[Problem] = []

    def rule(self) -> Rule:
        """The rule. Raises ``Problems``."""
        when, clear = self._condition("when"), self._condition("clear")
        try:
            spec = validate(self._document, _Spec, self._path)
            self._contradictions(spec)
        except Problems as error:
            raise Problems([*self._problems, *error.problems]) from None
        if self._problems:
            raise Problems(self._problems)
        return self._made(spec, when, clear)

    def _made(self, spec: _Base, when: Condition | None, clear: Condition | None) -> Rule:
        hold, keep = int(getattr(spec, "for") * SECOND), int(spec.keep * SECOND)
        again = None if spec.again is None else int(spec.again * SECOND)
        absent = None if spec.absent is None else int(spec.absent * SECOND)
        written = [" ".join((text or "").split()) for text in (spec.when, spec.clear)]
        condition = (sorted(spec.on), written, hold, keep, absent)
        when = when or NEVER
        return Rule(
            name=spec.name,
            title=Text(spec.title.zh, spec.title.en),
            kinds=frozenset() if ANY in spec.on else frozenset(spec.on),
            devices=frozenset(spec.device or ()),
            grids=frozenset(spec.grid or ()),
            when=when,
            clear=clear or (when if when is NEVER else when.opposite()),
            hold=hold,
            keep=keep,
            again=again,
            absent=absent,
            same=spec.same,
            severity=spec.severity,
            category=spec.category,
            rings_late=spec.category is Category.life or spec.late == "ring",
            incident=spec.incident or spec.name,
            digest=hashlib.sha256(repr(condition).encode()).hexdigest()[:12],
        )

    def _condition(self, key: str) -> Condition | None:
        """Checked before the rest, so that its errors show beside all the others."""
        rule = self._document.data["rules"][self._path[1]]
        text = rule.get(key) if isinstance(rule, dict) else None
        if not isinstance(text, str):
            return None
        kinds = _listed(rule.get("on"))
        known = (
            [k for k in kinds if isinstance(k, str) and k in KINDS]
            if isinstance(kinds, list)
            else []
        )
        try:
            return compile_condition(text, known)
        except Faults as error:
            start = self._document.values[*self._path, key]
            for fault in error.faults:
                line, column = place_in_yaml(self._text, start, text, fault.at)
                problem = Problem(self._document.file, line, column, f"{key}: {fault.message}")
                self._problems.append(problem)
            return None

    def _contradictions(self, spec: _Base) -> None:
        if spec.when is None and spec.absent is None:
            self._wrong("name", "a rule needs 'when' (a condition) or 'absent' (a silence)")
        if ANY in spec.on and len(spec.on) > 1:
            self._wrong("on", "'any' already means every kind; write it alone")
        if spec.absent is not None:
            for key in ("when", "clear", "for", "keep", "again", "late"):
                if key in spec.model_fields_set:
                    self._wrong(key, f"{key!r} means nothing beside 'absent'; make it two rules")

    def _wrong(self, key: str, message: str) -> None:
        self._problems.append(self._document.problem((*self._path, key), message, key=True))
