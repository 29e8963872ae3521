"""What templates of discovery messages are made of: operators, filters, a missing field. Pure.

Results are bounded: a text times a large number, or a format with a huge width, would fill the
memory, so arithmetic takes numbers alone.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from drivers._values import shown

_LONGEST_RESULT: Final = 4_096
"""Characters of a text that a template makes."""
_LARGEST: Final = 1e15
"""Beyond it a float no longer counts in ones; no sensor measures that much."""


class _Missing:
    """What a field that is not there has as its value."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "nothing"


MISSING: Final = _Missing()


class Said:
    """One payload: its text, and the JSON in it once somebody asks. ValueError: there is none."""

    __slots__ = ("_json", "_parse", "text")

    def __init__(self, text: str, parse: Callable[[], Any]) -> None:
        self.text = text
        self._parse = parse
        self._json: Any = MISSING

    @property
    def json(self) -> Any:
        """``value_json``."""
        if self._json is MISSING:
            try:
                self._json = self._parse()
            except ValueError as error:
                self._json = error
        if isinstance(self._json, ValueError):
            raise self._json
        return self._json


Template = Callable[[Said], Any]
"""What a template makes of a payload; MISSING: nothing can be said. ValueError: what is wrong."""


def rendered(value: object) -> str:
    """A result as Home Assistant prints it. ValueError: it is no single value, or too long."""
    if isinstance(value, str):
        return value
    if isinstance(value, (dict, list)):
        raise ValueError("a template that makes no single value")
    return str(value)


def _bounded(text: str) -> str:
    if len(text) > _LONGEST_RESULT:
        raise ValueError("the template's result is too long")
    return text


def _beside(left: Any, right: Any) -> str:
    return _bounded(rendered(left) + rendered(right))


def _counted(apply: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Arithmetic of numbers that are not absurd."""

    def count(left: Any, right: Any) -> Any:
        for each in (left, right):
            if not isinstance(each, (int, float)) or not abs(each) < _LARGEST:
                raise ValueError(f"no number to count with: {shown(each)}")
        return apply(left, right)

    return count


COMPARED: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
SUMS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": _counted(operator.add),
    "-": _counted(operator.sub),
    "~": _beside,
}
PRODUCTS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "*": _counted(operator.mul),
    "/": _counted(operator.truediv),
    "//": _counted(operator.floordiv),
    "%": _counted(operator.mod),
}


def constant(value: Any) -> Template:
    """What it says, whatever the payload."""
    return lambda said: value


def choice(test: Template, yes: Template, no: Template) -> Template:
    """One of two; MISSING where the test is about a field that is not there."""

    def choose(said: Said) -> Any:
        found = test(said)
        if found is MISSING:
            return MISSING
        return yes(said) if found else no(said)

    return choose


def joined(made: list[Template]) -> Template:
    """The texts of all parts, one after the other."""

    def join(said: Said) -> Any:
        found = [part(said) for part in made]
        if any(each is MISSING for each in found):
            return MISSING
        return _bounded("".join([rendered(each) for each in found]))

    return join


def stepped(made: Template, key: Template) -> Template:
    """``made.key`` and ``made[key]``; MISSING where it does not lead anywhere."""

    def step(said: Said) -> Any:
        within, at = made(said), key(said)
        if isinstance(within, dict):
            return within.get(at, MISSING) if isinstance(at, str) else MISSING
        if isinstance(within, list) and type(at) is int and -len(within) <= at < len(within):
            return within[at]
        return MISSING

    return step


def both(combine: Callable[[Any, Any], Any], left: Template, right: Template) -> Template:
    """Two sides and an operator."""

    def result(said: Said) -> Any:
        first, second = left(said), right(said)
        if first is MISSING or second is MISSING:
            return MISSING
        try:
            return combine(first, second)
        except (TypeError, ArithmeticError, RecursionError) as error:
            raise ValueError(f"template: {str(error)[:80]}") from None

    return result


def contained(part: Any, whole: Any) -> bool:
    """Jinja's ``in``."""
    return part in whole


def negated(made: Template) -> Template:
    """Jinja's ``not``."""

    def result(said: Said) -> Any:
        found = made(said)
        return MISSING if found is MISSING else not found

    return result


def either(left: Template, right: Template) -> Template:
    """Jinja's ``or``."""

    def result(said: Said) -> Any:
        found = left(said)
        return found if found and found is not MISSING else right(said)

    return result


def all_of(left: Template, right: Template) -> Template:
    """Jinja's ``and``; the right side is not looked at where the left one is false."""

    def result(said: Said) -> Any:
        found = left(said)
        return right(said) if found else found

    return result


# --- filters ----------------------------------------------------------------------------------


def _float(value: Any) -> float:
    found = float(value)
    if not math.isfinite(found):
        raise ValueError(f"{value!s:.20} is no number")
    return found


def _truth(value: Any) -> bool:
    word = rendered(value).strip().lower()
    if word in ("true", "yes", "on", "enable", "1"):
        return True
    if word in ("false", "no", "off", "disable", "0"):
        return False
    raise ValueError(f"{word[:20]!r} is no truth value")


def _replace(value: Any, old: Any, new: Any) -> str:
    if not rendered(old):
        raise ValueError("replace: nothing to replace")
    return _bounded(_bounded(rendered(value)).replace(rendered(old), rendered(new)))


def _round(value: Any, digits: Any = 0) -> float:
    return round(_float(value), int(digits))


_ONE: Final[Mapping[str, Callable[..., Any]]] = {
    "float": _float,
    "int": lambda value: int(_float(value)),
    "bool": _truth,
    "lower": lambda value: rendered(value).lower(),
    "upper": lambda value: rendered(value).upper(),
    "trim": lambda value: rendered(value).strip(),
    "string": rendered,
    "abs": lambda value: abs(_float(value)),
    "round": _round,
    "replace": _replace,
}
_ARGUMENTS: Final = {"round": 1, "replace": 2}
_WITH_DEFAULT: Final = frozenset({"float", "int", "bool"})


def filtered(name: str, made: Template, arguments: list[Template]) -> Template:
    """``made | name(arguments)``. ValueError: a filter that is not understood."""
    if name == "is_defined" and not arguments:
        return made
    if name in ("default", "d") and 1 <= len(arguments) <= 2:
        return _default(made, *arguments)
    if name == "iif" and len(arguments) <= 2:
        yes, no = [*arguments, constant(True), constant(False)][:2]
        return choice(made, yes, no if len(arguments) != 1 else constant(False))
    apply = _ONE.get(name)
    if apply is None:
        raise ValueError(f"template: the filter {name[:40]!r} is not understood")
    default = arguments[0] if name in _WITH_DEFAULT and len(arguments) == 1 else None
    if default is None and len(arguments) > _ARGUMENTS.get(name, 0):
        raise ValueError(f"template: the filter {name!r} has too many arguments")
    return _applied(name, apply, made, [] if default else arguments, default)


def _applied(
    name: str,
    apply: Callable[..., Any],
    made: Template,
    arguments: list[Template],
    default: Template | None,
) -> Template:
    def result(said: Said) -> Any:
        found = [made(said), *[each(said) for each in arguments]]
        if MISSING not in found:
            try:
                return apply(*found)
            except (TypeError, ValueError, OverflowError, RecursionError) as error:
                if default is None:
                    raise ValueError(f"template: {name}: {str(error)[:80]}") from None
        return MISSING if default is None else default(said)

    return result


def _default(made: Template, other: Template, also_false: Template | None = None) -> Template:
    def result(said: Said) -> Any:
        found = made(said)
        wanting = found is MISSING or (also_false is not None and not found and also_false(said))
        return other(said) if wanting else found

    return result
