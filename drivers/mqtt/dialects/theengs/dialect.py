"""The ``theengs`` dialect: ``home/GATEWAY/BTtoMQTT/MAC`` and the gateways' own topics. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from drivers._momentary import Momentary
from drivers._values import Coerce, coercer, number, truth
from drivers.mqtt._common import Found, celsius, percent, status, times
from drivers.mqtt.decode import LONGEST_NAME, Decode, Filter, Out, fields_of, undecodable
from drivers.mqtt.dialects.theengs.options import Options
from gateway.model import DeviceSeen, Reading

_MOST: Final = 5_000
"""Devices that are remembered as announced."""


class _Row(NamedTuple):
    values: tuple[str, ...]
    convert: Coerce
    kind: str = ""


def _contact(raw: object) -> bool | None:
    """``closed``, ``open``, and ``timeout not closed``, which is an open door as well."""
    word = raw.strip().lower() if isinstance(raw, str) else ""
    if word == "closed":
        return False
    return True if word in ("open", "timeout not closed") else truth(raw)


_ROWS: Final[Mapping[str, _Row]] = {
    "tempc": _Row(("temperature",), coercer("temperature"), "climate"),
    "hum": _Row(("humidity",), coercer("humidity"), "climate"),
    "co2": _Row(("co2",), coercer("co2"), "climate"),
    "pm25": _Row(("pm2_5",), coercer("pm2_5"), "climate"),
    "open": _Row(("open",), truth, "contact"),
    "door": _Row(("open",), _contact, "contact"),
    "contact": _Row(("open",), _contact, "contact"),
    "motion": _Row(("occupied", "alarm"), truth, "infrared"),
    "movement": _Row(("occupied", "alarm"), truth, "infrared"),
    "presence": _Row(("occupied", "alarm"), truth, "infrared"),
    "smoke": _Row(("alarm",), truth, "smoke"),
    "leak": _Row(("leak",), truth, "water"),
    "water_leak": _Row(("leak",), truth, "water"),
    "wet": _Row(("leak",), truth, "water"),
    "tamper": _Row(("tamper",), truth),
    "rot": _Row(("tilt",), number),
    "tilt": _Row(("tilt",), number),
    "lvl_cm": _Row(("level",), times(0.01)),
    "power": _Row(("power",), number, "power"),
    "current": _Row(("current",), number, "power"),
    "batt": _Row(("battery",), percent),
    "lowbatt": _Row(("battery_low",), truth),
    "rssi": _Row(("rssi",), number),
}
_RENAMED: Final = {"for": "formaldehyde", "pres": "pressure", "volt": "battery_voltage"}
_METERS: Final = "ENRG"
_MOVERS: Final = frozenset({"WCVR", "ACTR"})
"""Curtains and pushers: their ``motion`` is their own, their ``open`` a part of the way."""
_MOTION: Final = ("alarm", "occupied")
_NAMED_BY: Final = ("brand", "model", "model_id")
_ABOUT: Final = frozenset(
    {
        *_NAMED_BY,
        "id",
        "mac",
        "name",
        "type",
        "mac_type",
        "adv_type",
        "cidc",
        "acts",
        "cont",
        "track",
        "tempf",
        "lvl_in",
        "distance",
        "txpower",
        "tx",
        "manufacturerdata",
        "servicedata",
        "servicedatauuid",
        "uuid",
        "cipher",
        "ctr",
        "mic",
        "encr",
    }
)
"""What describes the device or the advertisement, or is said in another unit as well."""
_KINDS: Final = {
    "THB": "climate",
    "THBX": "climate",
    "AIR": "climate",
    "PLANT": "climate",
    "ENRG": "power",
}
_PASSERS_BY: Final = frozenset({"", "RMAC", "BODY"})
"""Phones and wearables: nobody's sensor, and with a new address every quarter of an hour."""
_BUTTONS: Final = ("button", "button1", "button2", "button3", "button4")
_OWN: Final = ("uptime", "freemem", "version", "tempc")
"""What a gateway says of itself, besides the radio link."""


class Dialect:
    """Reads everything that the gateways below one base topic hear."""

    def __init__(self, options: Options) -> None:
        self._base = options.base + "/"
        self._hold = options.hold
        self._panic = frozenset(_address(mac) for mac in options.panic)
        self._announced: dict[str, None] = {}

    def filters(self, qos: int) -> list[Filter]:
        """Sensors, and the gateways' own life."""
        return [
            Filter(self._base + topic, qos) for topic in ("+/BTtoMQTT/+", "+/LWT", "+/SYStoMQTT")
        ]

    def plan(self, topic: str) -> Decode | None:
        """The decoder of ``topic``, if it is a gateway's."""
        if not topic.startswith(self._base):
            return None
        levels = topic[len(self._base) :].split("/")
        if len(levels) == 3 and levels[1] == "BTtoMQTT":
            return self._sensor(topic, levels[2])
        if len(levels) == 2 and levels[1] == "LWT":
            return _life(topic, levels[0][:LONGEST_NAME])
        if len(levels) == 2 and levels[1] == "SYStoMQTT":
            return _gateway(topic, levels[0][:LONGEST_NAME])
        return None

    def _sensor(self, topic: str, level: str) -> Decode:
        device = _address(level)

        def decode(payload: bytes, retained: bool) -> Sequence[Out]:
            try:
                fields = fields_of(payload)
            except ValueError as error:
                return [undecodable(topic, payload, str(error))]
            kind = fields.get("type", "")
            if not isinstance(kind, str) or kind in _PASSERS_BY or "model" not in fields:
                return []
            found = Found(_KINDS.get(kind, ""))
            _read(fields, found)
            items: list[Out] = [*self._new(device, fields, found.kind)]
            if retained:
                _forget_motion(found)
            read = found.items(topic, payload, device, retained)
            if found.values.get("occupied") is True and isinstance(first := read[0], Reading):
                return [*items, Momentary(first, _MOTION, self._hold), *read[1:]]
            if device in self._panic and _pressed(fields) and not retained:
                found.values["alarm"] = True
                pressed = Reading(device, "panic", found.values)
                return [*items, Momentary(pressed, ("alarm",), self._hold), *read[1:]]
            return [*items, *read] if items else read

        return decode

    def _new(self, device: str, fields: Mapping[str, Any], kind: str) -> list[DeviceSeen]:
        if device in self._announced:
            return []
        if len(self._announced) >= _MOST:
            del self._announced[next(iter(self._announced))]
        self._announced[device] = None
        words = [word for name in _NAMED_BY if isinstance(word := fields.get(name), str)]
        name = fields.get("name")
        named = name[:LONGEST_NAME] if isinstance(name, str) else ""
        kind = "panic" if device in self._panic else kind
        return [DeviceSeen(device, kind, " ".join(words)[:LONGEST_NAME], named)]


def _forget_motion(found: Found) -> None:
    """Motion that the broker kept is history; some makes would never say that it is over."""
    if found.values.get("occupied") is True:
        for name in _MOTION:
            del found.values[name]


def _read(fields: Mapping[str, Any], found: Found) -> None:
    mover = fields.get("type") in _MOVERS
    for name, raw in fields.items():
        row = _ROWS.get(name)
        if row is not None and mover and row.kind in ("contact", "infrared"):
            found.keep(name, raw)
        elif row is not None:
            for value in row.values:
                found.take(value, raw, row.convert, row.kind)
        elif name in _RENAMED:
            if name == "volt" and fields.get("type") == _METERS:
                found.take("voltage", raw, number, "power")
            else:
                found.keep(_RENAMED[name], raw)
        elif name not in _ABOUT:
            found.keep(name, raw)
    if "tempf" in fields and "tempc" not in fields:
        found.take("temperature", fields["tempf"], celsius, "climate")
    if "cipher" in fields:
        found.keep("encrypted", True)


def _pressed(fields: Mapping[str, Any]) -> bool:
    """A button's number of presses, or how long it was held; 0 is not pressed."""
    return any(fields.get(name) not in (None, 0, False, "") for name in _BUTTONS)


def _address(level: str) -> str:
    """A MAC without colons, in capitals, as the topic has it."""
    return level.replace(":", "").upper()[:LONGEST_NAME]


def _life(topic: str, gateway: str) -> Decode:
    def decode(payload: bytes, retained: bool) -> Sequence[Out]:
        return status(topic, payload, gateway, "gateway", retained)

    return decode


def _gateway(topic: str, gateway: str) -> Decode:
    def decode(payload: bytes, retained: bool) -> Sequence[Out]:
        try:
            fields = fields_of(payload)
        except ValueError as error:
            return [undecodable(topic, payload, str(error))]
        found = Found("gateway")
        found.take("rssi", fields.get("rssi"), number)
        for name in _OWN:
            found.keep(name, fields.get(name))
        return found.items(topic, payload, gateway, retained)

    return decode
