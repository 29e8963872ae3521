"""Options by which a declared field becomes a value, and the functions made from them."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from drivers._times import Unit
from drivers._values import Coerce, coercer, number, shown
from gateway.document import nearest
from gateway.model import EXTRA, KINDS, every_value_name
from gateway.options import PluginOptions

_DEEPEST: Final = 8
"""Steps of a field path."""

_LONGEST_WORD: Final = 64

Path = Annotated[str, Field(min_length=1, max_length=200)]


class FieldOptions(PluginOptions):
    """How one value is read. Written ``name: field`` where the field alone is enough."""

    field: Path
    true: tuple[str | bool | int | float, ...] = ()
    false: tuple[str | bool | int | float, ...] = ()
    invert: bool = False
    scale: float = 1.0
    offset: float = 0.0


Short = Annotated[
    FieldOptions, BeforeValidator(lambda raw: {"field": raw} if isinstance(raw, str) else raw)
]


class DeviceField(PluginOptions):
    """The device's address lies in the payload."""

    field: Path


class TimeOptions(PluginOptions):
    """The device's own time."""

    field: Path
    unit: Unit = "s"
    zone: Annotated[str, Field(pattern=r"^[+-]\d\d:\d\d$")] = "+00:00"
    """Offset of ISO times that name none."""

    @property
    def zone_minutes(self) -> int:
        """``zone`` in minutes east of Greenwich."""
        minutes = int(self.zone[1:3]) * 60 + int(self.zone[4:])
        return -minutes if self.zone[0] == "-" else minutes


def known_kind(kind: str) -> str:
    """``kind``, or "" for none. ValueError names the nearest."""
    if kind and kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}{nearest(kind, KINDS)}")
    return kind


def known_values(values: dict[str, FieldOptions]) -> dict[str, FieldOptions]:
    """``values`` if each name is known and its options fit its type; else ValueError."""
    for name, field in values.items():
        _check(name, field)
    return values


def _check(name: str, field: FieldOptions) -> None:
    known = every_value_name().get(name)
    if known is None and not name.startswith(EXTRA):
        near = nearest(name, every_value_name())
        raise ValueError(f"unknown value {name!r}{near}; for others write extra.NAME")
    words = bool(field.true or field.false)
    scaled = field.scale != 1.0 or field.offset != 0.0
    if (words or field.invert) and known is not None and known.type is not bool:
        raise ValueError(f"{name} is no truth value: true, false and invert do not fit")
    if scaled and known is not None and known.type is not float:
        raise ValueError(f"{name} is no number: scale and offset do not fit")
    if scaled and (words or field.invert):
        raise ValueError(f"{name}: scale and offset do not go with true, false and invert")
    if known is None and field.invert and not words:
        raise ValueError(f"{name}: invert needs true or false, for its type is not known")
    if field.field.count(".") >= _DEEPEST:
        raise ValueError(f"{name}: a field path has {_DEEPEST} steps at most")


def converter(name: str, field: FieldOptions) -> Coerce:
    """The function that makes value ``name`` of what the field holds."""
    convert = coercer(name)
    if field.true or field.false:
        convert = _words(field)
    elif field.scale != 1.0 or field.offset != 0.0:
        convert = _scaled(field.scale, field.offset)
    return _inverted(convert) if field.invert else convert


def _words(field: FieldOptions) -> Coerce:
    """True and false as the options declare them; one list alone: anything else is the other."""
    true, false = tuple(field.true), tuple(field.false)
    trues, falses = [_plain(word) for word in true], [_plain(word) for word in false]

    def convert(raw: object) -> bool | None:
        if raw in true:
            return True
        if raw in false:
            return False
        plain = _plain(raw)
        if plain in trues or plain in falses:
            return plain in trues
        if plain == "":
            return None
        if (true and false) or not isinstance(raw, (str, int, float)):
            raise ValueError(f"{shown(raw)} is neither of the declared words")
        return not true

    return convert


def _plain(raw: object) -> object:
    """``"1"`` is 1 and ``ALARM`` is ``alarm``: devices change the form and mean the same."""
    if not isinstance(raw, str) or len(raw) > _LONGEST_WORD:
        return raw
    word = raw.strip().lower()
    if word in ("true", "false"):
        return word == "true"
    try:
        return number(word) if word else word
    except ValueError:
        return word


def _scaled(scale: float, offset: float) -> Coerce:
    def convert(raw: object) -> float | None:
        value = number(raw)
        return None if value is None else number(value * scale + offset)

    return convert


def _inverted(convert: Coerce) -> Coerce:
    def inverted(raw: object) -> bool | None:
        value = convert(raw)
        return None if value is None else not value

    return inverted
