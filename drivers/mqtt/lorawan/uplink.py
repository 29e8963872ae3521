"""An uplink as every LoRaWAN network server has it, and what all of them write alike. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from drivers._times import iso_ns
from drivers._values import number, scalar, shown
from drivers.mqtt.decode import EXTRAS
from gateway.model import EXTRA, Value

LONGEST: Final = 512
"""Bytes of a payload; LoRaWAN's limit is 242."""
_EUI: Final = re.compile(r"[0-9a-f]{16}")
_BETWEEN: Final = re.compile(r"[\s:.-]+")
_COUNTER: Final = 2**32
_PORTS: Final = 256


class Uplink(NamedTuple):
    """One report of a device, whatever its payload means."""

    device: str
    """The DevEUI in lower-case hex."""
    name: str = ""
    model: str = ""
    """What people call this kind of device: brand and model, or the profile's name."""
    texts: tuple[str, ...] = ()
    """All of that, best first, for finding a codec or a table."""
    aliases: tuple[str, ...] = ()
    """Other names under which options may speak of it."""
    key: str = ""
    at: int | None = None
    """Wall ns, by the network server's clock: a gateway's may never have been set."""
    port: int = 0
    data: bytes = b""
    decoded: Mapping[str, Any] | None = None
    """By the network server."""
    normalized: Mapping[str, Any] | None = None
    """In the schema of The Things Stack."""
    rssi: float | None = None
    snr: float | None = None
    battery: float | None = None
    """Per cent, as the network server last asked for it."""
    encrypted: bool = False
    """Another join server holds the key: nobody here can decode the payload."""
    wrong: tuple[str, ...] = ()
    """Fields that could not be read."""


class Heard(NamedTuple):
    """How the best gateway heard it."""

    rssi: float | None
    snr: float | None
    fields: Mapping[str, Any]


NOBODY: Final = Heard(None, None, {})


def eui_of(raw: object) -> str:
    """A DevEUI in its one form, from hex in any case, with or without separators, or base64.

    "" where it is none.
    """
    if not isinstance(raw, str):
        return ""
    text = _BETWEEN.sub("", raw[:64]).lower()
    if _EUI.fullmatch(text):
        return text
    try:
        plain = base64.b64decode(raw[:64], validate=True)
    except (ValueError, binascii.Error):
        return ""
    return plain.hex() if len(plain) == 8 else ""


def payload_of(raw: object, name: str, wrong: list[str]) -> bytes:
    """Base64 to bytes; b"" for none. What is wrong is added to ``wrong``."""
    if raw is None:
        return b""
    try:
        if not isinstance(raw, str) or len(raw) > LONGEST * 2:
            raise ValueError(f"{shown(raw)} is no payload")
        # some bridges leave the padding out
        plain = base64.b64decode(raw + "=" * (-len(raw) % 4), validate=True)
    except (ValueError, binascii.Error) as error:
        wrong.append(f"{name}: {error}")
        return b""
    return plain


def count_of(raw: object, name: str, wrong: list[str]) -> int:
    """A frame counter; 0, which both servers leave out, where there is none."""
    return _whole(raw, name, wrong, _COUNTER)


def port_of(raw: object, name: str, wrong: list[str]) -> int:
    """A port, alike."""
    return _whole(raw, name, wrong, _PORTS)


def _whole(raw: object, name: str, wrong: list[str], limit: int) -> int:
    if raw is None:
        return 0
    if type(raw) is int and 0 <= raw < limit:
        return raw
    wrong.append(f"{name}: {shown(raw)} is none")
    return 0


def time_of(raws: Iterable[object], name: str, wrong: list[str]) -> int | None:
    """The first that is a time, as ns UTC."""
    for raw in raws:
        if isinstance(raw, str) and raw:
            try:
                return iso_ns(raw)
            except ValueError as error:
                wrong.append(f"{name}: {error}")
    return None


def best(gateways: object, snr: str, without: float | None) -> Heard:
    """The gateway that heard best, by SNR, then by RSSI; ``without`` is an SNR left out."""
    found = NOBODY
    for each in gateways if isinstance(gateways, list) else ():
        if not isinstance(each, dict):
            continue
        ratio = number_of(each.get(snr))
        heard = Heard(number_of(each.get("rssi")), without if ratio is None else ratio, each)
        if found is NOBODY or _strength(heard) > _strength(found):
            found = heard
    return found


def _strength(heard: Heard) -> tuple[float, float]:
    return (
        -1e9 if heard.snr is None else heard.snr,
        -1e9 if heard.rssi is None else heard.rssi,
    )


def number_of(raw: object) -> float | None:
    """A number; None where it is none: how well it was heard is worth no refusal."""
    try:
        return number(raw)
    except ValueError:
        return None


def text_of(raw: object) -> str:
    """A short text; "" where it is none."""
    return raw[:200] if isinstance(raw, str) and raw.isprintable() else ""


def mapping_of(raw: object) -> Mapping[str, Any]:
    """An object; an empty one where it is none."""
    return raw if isinstance(raw, dict) else {}


def extras_of(found: Mapping[str, Any]) -> dict[str, Value]:
    """The plain members of an object as values outside the tables; the others are left out."""
    values: dict[str, Value] = {}
    for name, raw in found.items():
        try:
            value = scalar(raw)
        except ValueError:
            continue
        if value is not None and len(values) < EXTRAS and name.isidentifier() and len(name) <= 64:
            values[EXTRA + name] = value
    return values
