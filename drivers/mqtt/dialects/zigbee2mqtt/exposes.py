"""``bridge/devices``: what a Zigbee2MQTT bridge announces about its devices. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

_DEEPEST: Final = 4
_WORDS: Final = 100
"""Words of one enumeration that are looked at."""
_LONGEST_TEXT: Final = 200
"""Characters of a description that are looked at."""


class Property(NamedTuple):
    """One announced property.

    ``name`` is what it measures, without the endpoint that the JSON key ends with. ``on`` and
    ``off`` are the payloads of a binary one, ``words`` those of an enumeration. ``settable``:
    people can write it, so it may be a wish rather than a measurement.
    """

    name: str
    type: str
    unit: str = ""
    on: Any = True
    off: Any = False
    words: tuple[str, ...] = ()
    settable: bool = False
    about: str = ""


class Announced(NamedTuple):
    """One device of the list. A feature of a composite has the key ``composite.feature``."""

    friendly_name: str
    ieee_address: str
    vendor: str
    model: str
    properties: dict[str, Property]


class _Expose(msgspec.Struct):
    type: str = ""
    name: str | None = None
    property: str | None = None
    unit: str | None = None
    access: int | None = None
    value_on: Any = True
    value_off: Any = False
    values: list[Any] | None = None
    description: str | None = None
    features: list[_Expose] | None = None


class _Definition(msgspec.Struct):
    vendor: str | None = None
    model: str | None = None
    exposes: list[_Expose] = []


class _Device(msgspec.Struct):
    friendly_name: str
    ieee_address: str = ""
    type: str = ""
    disabled: bool = False
    definition: _Definition | None = None


_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_DEVICE: Final = msgspec.json.Decoder(_Device)
_PUBLISHED: Final = 1
_SETTABLE: Final = 2
_WRONG: Final = 5


def properties_of(payload: bytes, most: int) -> tuple[list[Announced], list[str]]:
    """The devices of the list, ``most`` at most, and what was wrong with single entries.

    ValueError where it is no list.
    """
    try:
        entries = _LIST.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"no list of devices: {error}") from None
    wrong = [f"{len(entries):,} devices are too many"] if len(entries) > most else []
    devices = []
    for index, entry in enumerate(entries[:most]):
        try:
            device = _DEVICE.decode(entry)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if len(wrong) < _WRONG:
                wrong.append(f"device {index}: {error}")
            continue
        if device.type == "Coordinator" or device.disabled or not device.friendly_name:
            continue
        definition = device.definition or _Definition()
        devices.append(
            Announced(
                device.friendly_name,
                device.ieee_address,
                definition.vendor or "",
                definition.model or "",
                dict(_walk(definition.exposes, "", 0)),
            )
        )
    return devices, wrong


def _walk(exposes: list[_Expose], within: str, depth: int) -> Iterator[tuple[str, Property]]:
    """Published properties; those of switches and lights lie beside, of composites within."""
    for expose in exposes:
        if expose.features and depth < _DEEPEST:
            composite = expose.type == "composite" and expose.property
            if composite and not (within or _published(expose)):
                continue
            yield from _walk(expose.features, f"{composite}." if composite else within, depth + 1)
        elif expose.property and _published(expose):
            yield within + expose.property, _property(expose)


def _published(expose: _Expose) -> bool:
    return expose.access is None or expose.access & _PUBLISHED == _PUBLISHED


def _property(expose: _Expose) -> Property:
    return Property(
        (expose.name or expose.property or "").lower(),
        expose.type,
        expose.unit or "",
        expose.value_on,
        expose.value_off,
        tuple(word for word in (expose.values or ())[:_WORDS] if isinstance(word, str)),
        (expose.access or 0) & _SETTABLE != 0,
        (expose.description or "")[:_LONGEST_TEXT].lower(),
    )
