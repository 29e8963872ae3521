"""``bridge/devices``: what a Zigbee2MQTT bridge announces about its devices. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

_DEEPEST: Final = 4


class Property(NamedTuple):
    """One announced property. ``on`` is the payload that means true (binary ones)."""

    type: str
    unit: str = ""
    on: Any = True
    off: Any = False


class Announced(NamedTuple):
    """One device of the list."""

    friendly_name: str
    ieee_address: str
    vendor: str
    model: str
    properties: dict[str, Property]


class _Expose(msgspec.Struct):
    type: str = ""
    property: str | None = None
    unit: str | None = None
    access: int = 1
    value_on: Any = True
    value_off: Any = False
    features: list[_Expose] = []


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
                dict(_walk(definition.exposes, 0)),
            )
        )
    return devices, wrong


def _walk(exposes: list[_Expose], depth: int) -> Iterator[tuple[str, Property]]:
    """Published properties, those of switches and lights included, composites left out."""
    for expose in exposes:
        if expose.features and expose.type != "composite" and depth < _DEEPEST:
            yield from _walk(expose.features, depth + 1)
        elif expose.property and expose.access & _PUBLISHED:
            yield (
                expose.property,
                Property(expose.type, expose.unit or "", expose.value_on, expose.value_off),
            )
