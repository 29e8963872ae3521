"""The written form of rule files: what may stand in them, and one rule of them read.

Every error is found at once and stands at its place in the file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, create_model

from gateway.document import Document, Problem, Problems, nearest, validate
from gateway.model import KINDS, MODES, SECOND, UNKNOWN_KIND, Category, Severity, Text
from gateway.model import every_value_name as value_names
from gateway.options import Duration, parse_duration
from rules import syntax
from rules.expression import NEVER, Condition, compile_condition, threshold
from rules.position import place_in_yaml
from rules.rule import Confirm, Raise, Rule
from rules.syntax import Faults

ANY: Final = "any"
PLACES: Final = ("device", "flat", "building", "grid")
SCOPES: Final = (*PLACES, "driver", "site")
LONGEST_WITHIN: Final = 7 * 86_400.0
"""Seconds that alarms of one place are remembered for ``confirm``."""
MOST_RAISES: Final = 8
MOST_NAMED: Final = 100
"""Rules that one ``confirm`` or ``inhibit`` may name."""
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_LOOKING: Final = tuple(mode for mode in MODES if mode != "disarmed")

TIMES: Final = ("for", "keep", "again", "entry", "exit", "absent")
"""What a setting may change besides the names of ``with``: these, ``severity`` and ``off``."""


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


def _mode(value: str) -> str:
    if value not in (*_LOOKING, ANY):
        raise ValueError(f"there is no mode {value!r}{nearest(value, [*_LOOKING, ANY])}")
    return value


def _rule_name(value: Any) -> Any:
    if isinstance(value, str) and not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} is no rule name; use a-z, 0-9 and _, as in smoke_alarm")
    return value


def _incident(value: Any) -> Any:
    if isinstance(value, str) and not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} is no such word; use a-z, 0-9 and _, as in fire")
    return value


def parse_silence(value: Any) -> float | str:
    """Seconds of a written silence; 0 for ``device``; ``rhythm`` as it is."""
    if value in ("device", "rhythm"):
        return 0.0 if value == "device" else "rhythm"
    seconds = parse_duration(value)
    if seconds <= 0:
        raise ValueError("a silence of no length; write a duration such as 26h, device or rhythm")
    return seconds


def parse_again(value: Any) -> float | None:
    """Seconds; None for ``never``."""
    if value == "never":
        return None
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ValueError(f"{error}, or never") from None


def parse_within(value: Any) -> float:
    """Seconds, more than none and at most a week."""
    seconds = parse_duration(value)
    if not 0 < seconds <= LONGEST_WITHIN:
        raise ValueError("must be longer than nothing and at most 7d")
    return seconds


def _title(value: Any) -> Any:
    return {"zh": value, "en": value} if isinstance(value, str) else value


class Strict(BaseModel):
    """Unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FileSpec(Strict):
    """A whole file; its lists are read entry by entry."""

    pack: str | None = None
    rules: list[Any] = []
    settings: list[Any] = []
    plans: list[Any] = []
    keypads: list[Any] = []


class TitleSpec(Strict):
    """One text in both languages."""

    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


Some = Annotated[list[str], BeforeValidator(_some)]
_Word = Annotated[str, BeforeValidator(_incident)]
_RuleNames = Annotated[
    list[Annotated[str, BeforeValidator(_rule_name)]],
    BeforeValidator(_some),
    Field(max_length=MOST_NAMED),
]


class RaiseSpec(Strict):
    """One line of ``raise``."""

    after: Duration = 0.0
    when: str | None = None
    severity: Severity


class _Base(Strict):
    name: Annotated[str, BeforeValidator(_rule_name)]
    incident: _Word | None = None
    title: Annotated[TitleSpec, BeforeValidator(_title)]
    on: Annotated[list[Annotated[str, AfterValidator(_kind)]], BeforeValidator(_some)] | None = None
    tag: Some | None = None
    not_tag: Some | None = None
    origin: Literal["here", "below", "any"] = "here"
    when: str | None = None
    clear: str | None = None
    keep: Duration = 0.0
    again: Annotated[float | None, BeforeValidator(parse_again)] = 600.0
    absent: Annotated[float | Literal["rhythm"], BeforeValidator(parse_silence)] | None = None
    armed: Annotated[list[Annotated[str, AfterValidator(_mode)]], BeforeValidator(_some)] | None = (
        None
    )
    entry: Duration = 0.0
    exit: Duration = 0.0
    inhibit: _RuleNames | None = None
    inhibit_in: Literal["device", "flat", "building", "grid", "driver", "site"] | None = None
    confirm: _RuleNames | None = None
    within: Annotated[float, BeforeValidator(parse_within)] = 600.0
    devices: Annotated[int, Field(strict=True, ge=1, le=64)] = 2
    kinds: Annotated[int, Field(strict=True, ge=1, le=16)] = 1
    same: Literal["device", "flat", "building", "grid"] = "device"
    severity: Severity
    category: Category
    late: Literal["record", "ring"] = "record"
    alone: Literal["ring", "record"] = "ring"
    device: Some | None = None
    grid: Some | None = None


# Words of Python: a class statement can not name fields so.
_WORDS: Final[dict[str, Any]] = {
    "for": (Duration, 0.0),
    "with": (dict[str, Any], {}),
    "raise": (Annotated[list[RaiseSpec], Field(max_length=MOST_RAISES)], []),
}
RuleSpec: Final = create_model("RuleSpec", __base__=_Base, **_WORDS)

_OF_CONDITIONS: Final = ("when", "clear", "for", "raise", "armed", "entry", "exit", "with")
_OF_DEVICES: Final = (
    "on",
    "tag",
    "not_tag",
    "device",
    "grid",
    "origin",
    "again",
    "keep",
    "late",
    "absent",
)
_OF_CONFIRM: Final = ("within", "devices", "kinds")


class RuleReader:
    """Reads one rule of a document, also as a setting changes it."""

    def __init__(self, document: Document, text: str, index: int) -> None:
        self._document = document
        self._text = text
        self._path = ("rules", index)
        self._problems: list[Problem] = []
        self._spec: Any = None

    def rule(self) -> Rule:
        """The rule as it is written. Raises ``Problems``."""
        thresholds = self._thresholds()
        try:
            made = self._conditions(thresholds)
            self._spec = validate(self._document, RuleSpec, self._path)
            self._contradictions(self._spec)
        except Problems as error:
            raise Problems([*self._problems, *error.problems]) from None
        if self._problems:
            raise Problems(self._problems)
        return self._made(self._spec, made, thresholds)

    def varied(self, changes: Mapping[str, Any]) -> Rule:
        """The rule with some thresholds and times changed. ValueError where they do not fit."""
        names = {n: v for n, v in changes.items() if n not in (*TIMES, "severity", "off")}
        thresholds = {**self._thresholds(), **{n: threshold(v) for n, v in names.items()}}
        self._problems = []
        made = self._conditions(thresholds)
        if self._problems:
            found, self._problems = self._problems, []
            raise ValueError(found[0].message.partition(": ")[2])
        spec = self._spec.model_copy(
            update={n: v for n, v in changes.items() if n in (*TIMES, "severity")}
            | {"with": {**getattr(self._spec, "with"), **names}}
        )
        return self._made(spec, made, thresholds)

    def _made(
        self,
        spec: Any,
        made: Mapping[tuple[str | int, ...], Condition],
        thresholds: Mapping[str, syntax.Literal],
    ) -> Rule:
        when = made.get(("when",), NEVER)
        clear = made.get(("clear",))
        hold, keep = int(getattr(spec, "for") * SECOND), int(spec.keep * SECOND)
        rhythm = spec.absent == "rhythm"
        absent = None if spec.absent is None else 0 if rhythm else int(spec.absent * SECOND)
        modes = frozenset(_LOOKING if ANY in (spec.armed or ()) else spec.armed or ())
        on = spec.on or [ANY]
        return Rule(
            name=spec.name,
            title=Text(spec.title.zh, spec.title.en),
            kinds=frozenset() if ANY in on else frozenset(on),
            tags=frozenset(spec.tag or ()),
            not_tags=frozenset(spec.not_tag or ()),
            devices=frozenset(spec.device or ()),
            grids=frozenset(spec.grid or ()),
            origin=spec.origin,
            when=when,
            clear=clear or (when if when is NEVER else when.opposite()),
            hold=hold,
            keep=keep,
            again=None if spec.again is None else int(spec.again * SECOND),
            absent=absent,
            rhythm=rhythm,
            modes=modes,
            entry=int(spec.entry * SECOND),
            exit=int(spec.exit * SECOND),
            inhibit=tuple(spec.inhibit or ()),
            inhibit_in=spec.inhibit_in or spec.same,
            raises=tuple(
                Raise(int(line.after * SECOND), made.get(("raise", n, "when")), line.severity)
                for n, line in enumerate(getattr(spec, "raise"))
            ),
            confirm=_confirm(spec),
            same=spec.same,
            severity=spec.severity,
            category=spec.category,
            rings_late=spec.category is Category.life or spec.late == "ring",
            recorded=spec.alone == "record",
            incident=spec.incident or spec.name,
            thresholds=dict(getattr(spec, "with")),
            digest=_digest(spec, thresholds),
            where=self._document.problem((*self._path, "name"), ""),
        )

    # --- conditions ----------------------------------------------------------------------

    def _raw(self) -> dict[str, Any]:
        rule = self._document.data["rules"][self._path[1]]
        return rule if isinstance(rule, dict) else {}

    def _thresholds(self) -> dict[str, syntax.Literal]:
        """What the names of ``with`` stand for; one that is wrong is noted and left out."""
        written = self._raw().get("with")
        found: dict[str, syntax.Literal] = {}
        for name, value in written.items() if isinstance(written, dict) else ():
            path = (*self._path, "with", name)
            if name in value_names() or name in syntax.WORDS or not _NAME.fullmatch(name):
                message = f"{name!r} can not be the name of a threshold; choose another word"
                self._problems.append(self._document.problem(path, message, key=True))
                continue
            # Also a faulty one is known by its name: the condition is not wrong besides.
            found[name] = syntax.Literal(0, 0.0)
            try:
                found[name] = threshold(value)
            except Faults as error:
                self._problems.append(self._document.problem(path, str(error)))
        return found

    def _conditions(
        self, thresholds: Mapping[str, syntax.Literal]
    ) -> dict[tuple[str | int, ...], Condition]:
        """Compiled before the rest is checked, so that all errors show beside each other."""
        raw = self._raw()
        texts: dict[tuple[str | int, ...], Any] = {(k,): raw.get(k) for k in ("when", "clear")}
        raises = raw.get("raise")
        for number, line in enumerate(raises if isinstance(raises, list) else ()):
            if isinstance(line, dict):
                texts["raise", number, "when"] = line.get("when")
        kinds = _listed(raw.get("on"))
        listed = kinds if isinstance(kinds, list) else []
        known = [k for k in listed if isinstance(k, str) and k in KINDS]
        made: dict[tuple[str | int, ...], Condition] = {}
        for path, text in texts.items():
            if isinstance(text, str):
                condition = self._compiled(path, text, known, thresholds)
                if condition is not None:
                    made[path] = condition
        return made

    def _compiled(
        self,
        path: tuple[str | int, ...],
        text: str,
        kinds: list[str],
        thresholds: Mapping[str, syntax.Literal],
    ) -> Condition | None:
        try:
            return compile_condition(text, kinds, thresholds)
        except Faults as error:
            start = self._document.values[*self._path, *path]
            for fault in error.faults:
                line, column = place_in_yaml(self._text, start, text, fault.at)
                problem = Problem(self._document.file, line, column, f"{path[-1]}: {fault.message}")
                self._problems.append(problem)
            return None

    # --- what does not go together -------------------------------------------------------

    def _contradictions(self, spec: Any) -> None:
        given = spec.model_fields_set
        said = [key for key in ("when", "absent", "confirm") if getattr(spec, key) is not None]
        if not said:
            self._wrong(
                "name",
                "a rule needs 'when' (a condition), 'absent' (a silence) or 'confirm' (rules)",
            )
        elif spec.on is None and spec.confirm is None:
            self._wrong("name", "'on' is missing")
        if ANY in (spec.on or ()) and len(spec.on) > 1:
            self._wrong("on", "'any' already means every kind; write it alone")
        if spec.absent is not None:
            keys = ("confirm", "when", "clear", "for", "keep", "again", "late", "raise", "with")
            self._no_others(given, keys, "absent")
        elif spec.confirm is not None:
            self._no_others(given, (*_OF_CONDITIONS, *_OF_DEVICES, "inhibit", "alone"), "confirm")
        if spec.confirm is None:
            self._only_with(given, _OF_CONFIRM, "confirm")
        if spec.armed is None:
            self._only_with(given, ("entry", "exit"), "armed")
        if spec.inhibit is None:
            self._only_with(given, ("inhibit_in",), "inhibit")
        elif spec.category is Category.life:
            self._wrong("inhibit", "an alarm of category life is never held back")
        for number, line in enumerate(getattr(spec, "raise")):
            if not line.after and line.when is None:
                path = (*self._path, "raise", number)
                message = "a line of 'raise' needs 'after' (a time) or 'when' (a condition)"
                self._problems.append(self._document.problem(path, message))

    def _no_others(self, given: set[str], keys: tuple[str, ...], beside: str) -> None:
        for key in keys:
            if key in given:
                self._wrong(key, f"{key!r} means nothing beside {beside!r}; make it two rules")

    def _only_with(self, given: set[str], keys: tuple[str, ...], needed: str) -> None:
        for key in keys:
            if key in given:
                self._wrong(key, f"{key!r} means nothing without {needed!r}")

    def _wrong(self, key: str, message: str) -> None:
        self._problems.append(self._document.problem((*self._path, key), message, key=True))


def _confirm(spec: Any) -> Confirm | None:
    if spec.confirm is None:
        return None
    names = tuple(dict.fromkeys(spec.confirm))
    return Confirm(names, int(spec.within * SECOND), spec.devices, spec.kinds)


def _digest(spec: Any, thresholds: Mapping[str, syntax.Literal]) -> str:
    """Over what a watch depends on; a rule without the later keywords keeps its old digest."""
    hold, keep = int(getattr(spec, "for") * SECOND), int(spec.keep * SECOND)
    absent = spec.absent if spec.absent in (None, "rhythm") else int(spec.absent * SECOND)
    texts = [" ".join((text or "").split()) for text in (spec.when, spec.clear)]
    condition: tuple[Any, ...] = (sorted(spec.on or ()), texts, hold, keep, absent)
    later = (
        sorted((name, repr(literal.value)) for name, literal in thresholds.items()),
        sorted(spec.armed or ()),
        spec.entry,
        sorted(spec.confirm or ()),
        (spec.within, spec.devices, spec.kinds) if spec.confirm else None,
    )
    if any(later):
        condition = (*condition, later)
    return hashlib.sha256(repr(condition).encode()).hexdigest()[:12]


class SettingSpec(Strict):
    """One entry of ``settings``."""

    rule: Annotated[str, BeforeValidator(_rule_name)]
    grid: Some | None = None
    device: Some | None = None
    set: Annotated[dict[str, Any], Field(min_length=1)]
    because: str = ""


class KeypadSpec(Strict):
    """One entry of ``keypads``."""

    device: Annotated[str, Field(min_length=1)]
    grid: Some | None = None
    mode: Literal["home", "away"] = "away"


_CHECKED: Final[Mapping[str, Callable[[Any], Any]]] = {
    "for": parse_duration,
    "keep": parse_duration,
    "again": parse_again,
    "entry": parse_duration,
    "exit": parse_duration,
    "absent": parse_silence,
}


def changes_of(spec: SettingSpec, rule: Rule) -> dict[str, Any]:
    """The checked values of a setting of ``rule``. ValueError(name, message) for the first."""
    found: dict[str, Any] = {}
    times = ("absent",) if rule.absent is not None else ("for", "keep", "again")
    known = (*rule.thresholds, *times, *(("entry", "exit") * bool(rule.modes)), "severity", "off")
    for name, value in spec.set.items():
        if name not in known:
            raise ValueError(name, f"rule {rule.name!r} has no {name!r}{nearest(name, known)}")
        try:
            found[name] = _checked(name, value)
        except (ValueError, Faults) as error:
            raise ValueError(name, str(error)) from None
    return found


def _checked(name: str, value: Any) -> Any:
    if name in _CHECKED:
        return _CHECKED[name](value)
    if name == "off":
        if not isinstance(value, bool):
            raise ValueError("off: true or false is expected")
        return value
    if name == "severity":
        known = [each.value for each in Severity]
        if value not in known:
            raise ValueError(f"{value!r} is none of them{nearest(str(value), known)}")
        return Severity(value)
    threshold(value)
    return value
