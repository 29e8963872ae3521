"""The JSON of SENSOR, STATE and RESULT messages to values. Pure.

``{"Time": …, "Switch1": "ON", "AM2301": {"Temperature": 15.5}, "ENERGY": {…}, "TempUnit": "C"}``
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from drivers._values import Coerce, coercer
from drivers.mqtt._common import Found, celsius, percent, times
from drivers.mqtt._inputs import Heard, Input, Inputs


class Row(NamedTuple):
    """A field of a sensor: the value it is, and the kind of device that has it."""

    value: str
    kind: str
    convert: Coerce


FIELDS: Final[Mapping[str, Row]] = {
    "Temperature": Row("temperature", "climate", coercer("temperature")),
    "AMBTMP": Row("temperature", "climate", coercer("temperature")),
    "Humidity": Row("humidity", "climate", coercer("humidity")),
    "CarbonDioxide": Row("co2", "climate", coercer("co2")),
    "PM2.5": Row("pm2_5", "climate", coercer("pm2_5")),
    "TVOC": Row("tvoc", "climate", coercer("tvoc")),
    "Battery": Row("battery", "", percent),
    "RSSI": Row("rssi", "", coercer("rssi")),
}
_METERED: Final[Mapping[str, Row]] = {
    "Power": Row("power", "power", coercer("power")),
    "Voltage": Row("voltage", "power", coercer("voltage")),
    "Current": Row("current", "power", coercer("current")),
}
_METER: Final = "ENERGY"
_DEGREES: Final = frozenset({"Temperature", "AMBTMP", "OBJTMP", "DewPoint", "HeatIndex"})
_PRESSURES: Final = frozenset({"Pressure", "SeaPressure"})
_HECTOPASCAL: Final = {"mmHg": 1.333224, "inHg": 33.86389, "hPa": 1.0}
_SKIPPED: Final = frozenset({"Id", "Time", "TotalStartTime", "Epoch"})
_ABOUT: Final = frozenset(
    {"Time", "Epoch", "TempUnit", "PressureUnit", "SpeedUnit", "PrUnit", "Uptime", "UptimeSec"}
)
"""Top-level names that are about the message, not of the device."""
_RADIO: Final = re.compile(r".+-([0-9A-Fa-f]{6}|[0-9A-Fa-f]{12})")
"""A Bluetooth sensor that the board listens to: its make and the end of its MAC."""
_NUMBERED: Final = re.compile(r".+-([2-9]|[1-9]\d)")
"""The second and later sensor of one make on one board."""
_RELAY: Final = re.compile(r"POWER(\d*)")
_INPUT: Final = re.compile(r"(?:Switch|Button)\d+", re.IGNORECASE)
_RADIO_CODE: Final = "RfReceived"
_PINS: Final = ("_INP", "_INT")
"""Ends of the names under which port expanders report a change of their inputs."""
_MOST_OTHERS: Final = 64
"""Sensors heard by radio that one message tells of."""
_FLOORS: Final = 3
"""How deep sensors' objects are read."""


class Units(NamedTuple):
    """What the message says of its own units and words."""

    fahrenheit: bool = False
    pressure: float = 1.0
    on: str = "on"
    off: str = "off"


def units_of(fields: Mapping[str, Any], on: str, off: str) -> Units:
    """From ``TempUnit`` and ``PressureUnit``, which stand beside the sensors."""
    pressure = fields.get("PressureUnit")
    factor = _HECTOPASCAL.get(pressure, 1.0) if isinstance(pressure, str) else 1.0
    return Units(fields.get("TempUnit") == "F", factor, on, off)


class Reader:
    """Reads one message: ``found`` is the board's own, ``others`` are sensors heard by radio."""

    __slots__ = ("_heard", "_inputs", "_owned", "_units", "found", "others")

    def __init__(self, found: Found, heard: Heard, inputs: Inputs, units: Units) -> None:
        self.found = found
        self.others: dict[str, Found] = {}
        self._heard = heard
        self._inputs = inputs
        self._units = units
        self._owned: set[str] = set()

    def read(self, fields: Mapping[str, Any], *, all_fields: bool) -> None:
        """Every sensor, relay and input; without ``all_fields`` relays and inputs alone.

        Answers of commands share a topic with inputs: there, what is not expected is not read.
        """
        inputs = self._inputs
        for name, raw in fields.items():
            if inputs and (meaning := inputs.get(name.lower())) is not None:
                self._heard.say(name, meaning, raw, self._units.on, self._units.off)
            elif isinstance(raw, dict):
                if _INPUT.fullmatch(name):
                    self.word(name, raw)
                elif name == _RADIO_CODE:
                    self._code(raw)
                elif all_fields or name.endswith(_PINS):
                    self._sensor(name, raw)
                elif inputs:
                    self._declared(name, raw)
            elif (relay := _RELAY.fullmatch(name)) is not None:
                self.relay(relay[1], raw)
            elif name not in _ABOUT and (all_fields or _INPUT.fullmatch(name)):
                self.word(name, raw)

    def _meaning(self, name: str, field: str) -> Input | None:
        """A pin has one meaning, whether its state is told or a change of it."""
        found = self._inputs.get(f"{name}.{field}".lower())
        if found is None and name.endswith(_PINS):
            found = self._inputs.get(f"{name[:-4]}.{field}".lower())
        return found

    def _code(self, fields: Mapping[str, Any]) -> None:
        """A 433 MHz bridge heard a code: that of a detector, where it is declared."""
        code = str(fields.get("Data"))[:80].lower()
        meaning = self._inputs.get(f"{_RADIO_CODE}.{code}".lower()) or self._inputs.get(
            f"{_RADIO_CODE}.{code.removeprefix('0x')}".lower()
        )
        if meaning is not None:
            self._heard.say(_RADIO_CODE, meaning, "ON", "on", "off")

    def relay(self, number: str, raw: object) -> None:
        """POWER or POWER1 is what the device switches; the others stand beside it."""
        state = self._truth(raw)
        if number in ("", "1") and not isinstance(state, str):
            self.found.take("on", state, coercer("on"), "power")
        else:
            self.found.keep(f"POWER{number}", state)

    def word(self, name: str, raw: object) -> None:
        """An input of no declared meaning: kept, and no alarm."""
        if isinstance(raw, dict):
            raw = next((word for word in raw.values() if isinstance(word, str)), None)
        if _INPUT.fullmatch(name):
            name = name.capitalize()
        self.found.keep(name, self._truth(raw))

    def _truth(self, raw: object) -> object:
        """ON and OFF, in the device's words or the usual ones; anything else as it came."""
        if isinstance(raw, str):
            word = raw.strip().lower()
            if word in (self._units.on, "on"):
                return True
            if word in (self._units.off, "off"):
                return False
        return raw

    def _sensor(self, name: str, fields: Mapping[str, Any], floor: int = 1) -> None:
        into, owned = self.found, self._owned
        prefix = f"{name}_"
        if _RADIO.fullmatch(name) is not None and len(self.others) < _MOST_OTHERS:
            into, owned, prefix = self.others.setdefault(name, Found()), set(), ""
        later = _NUMBERED.fullmatch(name) is not None
        rows = {**FIELDS, **_METERED} if name == _METER else FIELDS
        for field, raw in fields.items():
            inputs = self._inputs
            if inputs and (meaning := self._meaning(name, field)) is not None:
                self._heard.say(field, meaning, raw, self._units.on, self._units.off)
            elif isinstance(raw, dict):
                if floor < _FLOORS:
                    self._sensor(f"{name}_{field}", raw, floor + 1)
            elif isinstance(raw, list):
                self._phases(into, name, field, raw)
            else:
                row = rows.get(field)
                if row is None or later or row.value in owned:
                    self._beside(into, prefix, field, raw)
                else:
                    owned.add(row.value)
                    self._take(into, row, field, raw)

    def _take(self, into: Found, row: Row, field: str, raw: object) -> None:
        degrees = self._units.fahrenheit and field in _DEGREES
        into.take(row.value, raw, celsius if degrees else row.convert, row.kind)

    def _beside(self, into: Found, prefix: str, field: str, raw: object) -> None:
        if field in _SKIPPED:
            return
        convert: Coerce | None = None
        if self._units.fahrenheit and field in _DEGREES:
            convert = celsius
        if field in _PRESSURES and self._units.pressure != 1.0:
            convert = times(self._units.pressure)
        if convert is not None:
            try:
                raw = convert(raw)
            except ValueError:
                return
        into.keep(prefix + field, raw)

    def _phases(self, into: Found, name: str, field: str, raw: list[Any]) -> None:
        """A meter of several phases: the sum of their power is the device's power."""
        numbers = [each for each in raw if type(each) in (int, float)]
        if name == _METER and field == "Power" and numbers and "power" not in self._owned:
            self._owned.add("power")
            into.take("power", sum(numbers), coercer("power"), "power")
        for index, each in enumerate(raw[:8], 1):
            into.keep(f"{name}_{field}_{index}", each)

    def _declared(self, name: str, fields: Mapping[str, Any]) -> None:
        """An object in an answer: only what is declared of it."""
        for field, raw in fields.items():
            meaning = self._meaning(name, field)
            if meaning is not None:
                self._heard.say(field, meaning, raw, self._units.on, self._units.off)


def state_of(fields: Mapping[str, Any], found: Found) -> None:
    """What STATE says besides relays: the radio link and a battery."""
    wifi = fields.get("Wifi")
    if isinstance(wifi, dict):
        found.take("rssi", wifi.get("Signal"), coercer("rssi"))
        found.take("link", wifi.get("RSSI"), percent)
    found.take("battery", fields.get("BatteryPercentage"), percent)
    for name in ("UptimeSec", "Vcc"):
        found.keep(name, fields.get(name))
