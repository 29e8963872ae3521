"""Which of the ways decodes an uplink, and the items that follow. Pure but for what it remembers.

decoded by the network server? ─yes─▶ fields ─▶ reading
   │ no                                 ▲
   ├─▶ a maker's codec in the folder ───┤
   ├─▶ a built-in table ────────────────┤
   └─▶ neither: extra.raw, and the device is named
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from drivers._momentary import Momentary
from drivers.mqtt.decode import Out
from drivers.mqtt.lorawan import fields, tables
from drivers.mqtt.lorawan.codec_options import CodecOptions
from drivers.mqtt.lorawan.decoded import Decoded, Wanted
from drivers.mqtt.lorawan.hints import Model, hints_of, models_of
from drivers.mqtt.lorawan.names import RANKS
from drivers.mqtt.lorawan.uplink import Uplink, eui_of
from gateway.model import EXTRA, SECOND, DeviceSeen, Reading, Value
from gateway.ports import Unavailable

MOST_DEVICES: Final = 10_000
"""Devices that are remembered; the oldest is announced again."""
_SHOWN: Final = 120
"""Bytes of an unknown payload that are kept, as hex."""
_MILLISECOND: Final = SECOND // 1_000
_DAY: Final = 86_400 * SECOND
_SCRIPT: Final = ".js"
_NOTHING: Final = Decoded("", {})


class Script(Protocol):
    """A maker's codec."""

    def decode(self, port: int, data: bytes, received_ms: int = 0) -> dict[str, Any]:
        """The decoded object. ValueError: the codec failed, and how."""


class Scripts(Protocol):
    """The codecs of a folder; files may come and go."""

    def find(self, names: Sequence[str]) -> Script | None:
        """The codec of the first name that has one."""

    def close(self) -> None:
        """End what runs them, until the next payload."""


class _Device:
    """What is remembered of one device."""

    __slots__ = ("codecs", "file", "kind", "model", "models", "texts", "told", "wanted")

    def __init__(self, uplink: Uplink, wanted: Wanted, models: list[Model]) -> None:
        self.kind = self.model = ""
        self.told: tuple[str, str, str] | None = None
        """Kind, name and model as last announced."""
        self.texts = uplink.texts
        self.wanted = wanted
        self.models = models
        self.file = ""
        """The codec that the options name for it."""
        self.codecs: list[str] = []
        """Names under which there may be one."""


class Payloads:
    """The devices behind one network server."""

    def __init__(self, options: CodecOptions) -> None:
        self._models = _by_key(options.models)
        self._depth = _by_key(options.depth)
        self._invert = _by_key(options.invert)
        self._units = _by_key(options.units)
        self._hold = options.hold
        self._scripts = _scripts(options)
        self._devices: dict[str, _Device] = {}

    def items(self, uplink: Uplink, retained: bool) -> tuple[list[Out], list[str]]:
        """What follows from an uplink, and what was wrong with it, each in a few words."""
        device = self._device(uplink)
        wrong = list(uplink.wrong)
        decoded, old = self._decode(device, uplink, wrong)
        values = decoded.values
        kind = device.kind = _better(device.kind, decoded.kind)
        items: list[Out] = [*_announced(device, uplink)]
        items += [_past(uplink, kind, each) for each in old]
        reading = _reading(uplink, kind, values, retained)
        if decoded.pressed:
            items.append(Momentary(reading, ("alarm",), self._hold))
        else:
            items.append(reading)
        return items, wrong

    def plain(self, uplink: Uplink, values: dict[str, Value], retained: bool) -> list[Out]:
        """A report that is no uplink: a device's status, its place, its joining."""
        device = self._device(uplink)
        return [*_announced(device, uplink), _reading(uplink, device.kind, values, retained)]

    def close(self) -> None:
        """End the codecs' engine, if it runs; the next payload would start it again."""
        if self._scripts is not None:
            self._scripts.close()

    # --- one device ---------------------------------------------------------------------------

    def _device(self, uplink: Uplink) -> _Device:
        device = self._devices.get(uplink.device)
        if device is not None and (device.texts == uplink.texts or not uplink.texts):
            return device
        made = self._made(uplink)
        if device is not None:
            made.told, made.kind = device.told, made.kind or device.kind
        elif len(self._devices) >= MOST_DEVICES:
            del self._devices[next(iter(self._devices))]
        self._devices[uplink.device] = made
        return made

    def _made(self, uplink: Uplink) -> _Device:
        keys = [_key(name) for name in (uplink.device, *uplink.aliases) if name]
        said = next((self._models[key] for key in keys if key in self._models), "")
        texts = uplink.texts if not said or said.endswith(_SCRIPT) else (said, *uplink.texts)
        wanted = Wanted(
            texts,
            next((self._depth[key] for key in keys if key in self._depth), None),
            frozenset(next((self._invert[key] for key in keys if key in self._invert), ())),
            next((self._units[key] for key in keys if key in self._units), {}),
        )
        device = _Device(uplink, wanted, models_of(texts))
        device.kind = hints_of(texts).kind
        if said and not said.endswith(_SCRIPT):
            device.model = said
        if said.endswith(_SCRIPT):
            device.file, device.codecs = said, [said]
        else:
            device.codecs = list(dict.fromkeys([*texts, *uplink.aliases]))
        return device

    # --- one payload --------------------------------------------------------------------------

    def _decode(
        self, device: _Device, uplink: Uplink, wrong: list[str]
    ) -> tuple[Decoded, list[fields.Past]]:
        wanted = device.wanted
        if uplink.decoded or uplink.normalized:
            return _read(uplink.decoded, uplink.normalized, wanted)
        if not uplink.data:
            return _NOTHING, []
        try:
            found = self._object(device, uplink)
        except ValueError as error:
            wrong.append(f"payload: {error}")
            found = None
        if found:
            return _read(found, None, wanted)
        return Decoded("", _raw(uplink)), []

    def _object(self, device: _Device, uplink: Uplink) -> dict[str, Any] | None:
        """By a codec, or by a table. ValueError: one knows the device, and the bytes are wrong."""
        if uplink.encrypted:
            raise ValueError("still encrypted; give the network server the application key")
        if self._scripts is not None:
            script = self._scripts.find(device.codecs)
            if script is not None:
                return script.decode(uplink.port, uplink.data, (uplink.at or 0) // _MILLISECOND)
        if device.file:
            raise ValueError(f"there is no codec {device.file}; look at codecs: and its folder")
        for model in device.models:
            found = tables.decode(model.maker, model.name, uplink.port, uplink.data)
            if found is not None:
                return found
        return None


def _read(
    decoded: Mapping[str, Any] | None, normalized: Mapping[str, Any] | None, wanted: Wanted
) -> tuple[Decoded, list[fields.Past]]:
    """Both forms of one payload: what the schema names is sure, the rest completes it."""
    if not normalized:
        plain = decoded or {}
        return fields.read(plain, wanted), fields.past(plain, wanted)
    sure = fields.read(normalized, wanted._replace(texts=("normalized",)))
    more = fields.read(decoded or {}, wanted)
    kind = _better(more.kind, sure.kind)
    values = more.values | sure.values
    return Decoded(kind, values, sure.pressed or more.pressed), fields.past(decoded or {}, wanted)


def _raw(uplink: Uplink) -> dict[str, Value]:
    return {
        EXTRA + "raw": uplink.data[:_SHOWN].hex(),
        EXTRA + "port": float(uplink.port),
        EXTRA + "size": float(len(uplink.data)),
    }


def _reading(uplink: Uplink, kind: str, values: dict[str, Value], retained: bool) -> Reading:
    values = dict(values)
    if uplink.rssi is not None:
        values["rssi"] = uplink.rssi
    if uplink.battery is not None:
        values.setdefault("battery", uplink.battery)
    if uplink.snr is not None:
        values[EXTRA + "snr"] = uplink.snr
    if not values:
        values[EXTRA + "port"] = float(uplink.port)  # a sign of life, without anything to say
    return Reading(uplink.device, kind, values, uplink.at, uplink.key, retained)


def _past(uplink: Uplink, kind: str, past: fields.Past) -> Reading:
    """An earlier report. One that is older than a day can not keep its time: all of it is extra."""
    values = past.values
    if uplink.at is not None and not 0 <= uplink.at - past.at < _DAY:
        values = {n if n.startswith(EXTRA) else EXTRA + n: v for n, v in values.items()}
        values[EXTRA + "recorded_at"] = past.at / SECOND
    return Reading(uplink.device, kind, values, past.at, f"past-{past.at // SECOND}")


def _announced(device: _Device, uplink: Uplink) -> list[DeviceSeen]:
    """When it is met for the first time, and when something of it has changed."""
    _, name, model = device.told or ("", "", "")
    now = (device.kind, uplink.name or name, device.model or uplink.model or model)
    if now == device.told:
        return []
    device.told = now
    return [DeviceSeen(uplink.device, now[0], now[2], now[1])]


def _better(known: str, said: str) -> str:
    """The kind of a device that says one thing today and more tomorrow: the first in rank."""
    if not known or not said or known == said:
        return known or said
    return min(known, said, key=lambda kind: RANKS.index(kind) if kind in RANKS else len(RANKS))


def _by_key(options: Mapping[str, Any]) -> dict[str, Any]:
    return {_key(name): value for name, value in options.items()}


def _key(name: str) -> str:
    """A DevEUI in its one form; a name without regard to case."""
    return eui_of(name) or name.strip().casefold()


def _scripts(options: CodecOptions) -> Scripts | None:
    """The codecs of the folder; the engine is imported only where there are some."""
    if options.codecs is None:
        return None
    try:
        module = importlib.import_module("drivers.mqtt.lorawan.script")
    except ModuleNotFoundError as error:
        raise Unavailable(f"{error}; without codecs: the built-in tables decode") from None
    found: Scripts = module.Scripts(options.codecs)
    return found
