"""Fields one after the other, and what they say together once all are known. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from drivers._values import scalar
from drivers.mqtt.decode import EXTRAS
from drivers.mqtt.lorawan import names
from drivers.mqtt.lorawan.battery import BATTERY_VOLTAGE, charge, of_volts
from drivers.mqtt.lorawan.decoded import Decoded, Wanted
from drivers.mqtt.lorawan.hints import Hints, hints_of
from drivers.mqtt.lorawan.plans import Plan, Role, plan_of, units_of
from drivers.mqtt.lorawan.words import (
    PLAIN,
    TILT_ALARM,
    in_words,
    measured,
    of_a_limit,
    of_a_magnet,
    of_a_press,
    opposite,
    plain,
    polarity,
    said,
)
from gateway.model import EXTRA, Value

DISTANCE: Final = EXTRA + "distance"

_BAROMETER: Final = frozenset({"pa", "hpa", "mbar"})
_SOUNDING: Final = frozenset({"smoke", "co", "gas", "heat", "panic", "infrared"})
"""Kinds with an ``alarm`` of their own."""
_QUIET: Final = frozenset({"water", "manhole"})
"""Kinds whose bare ``alarm`` is what they are for, where they say nothing else of it."""
_AIR: Final = frozenset({"co2", "tvoc", "pm2_5"})
_WORDED: Final = frozenset({"tilt", "co"})
"""Quantities for which some makers write a word."""
_POWER: Final = frozenset({"voltage", "current", "power"})
_NO_UNITS: Final[dict[str, str]] = {}
_MOST_EXTRAS: Final = EXTRAS - 2
"""The network server's own two, ``snr`` and ``recorded_at``, come on top."""


class Reader:
    """One object's. ``take`` every field, then ``finish``."""

    __slots__ = (
        "_axes",
        "_best",
        "_doubtful",
        "_extras",
        "_kinds",
        "_later",
        "_makers",
        "_moving",
        "_texts",
        "_values",
        "_wanted",
    )

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._texts = wanted.texts
        self._makers = names.MAKERS.get(hints_of(wanted.texts).maker, _NO_UNITS)
        self._values: dict[str, Value] = {}
        self._extras: dict[str, Value] = {}
        self._best: dict[str, tuple[Plan, float]] = {}
        """Value -> the field that it is from."""
        self._kinds: set[str] = set()
        self._axes: list[float] = []
        self._moving = ""
        """The name of the field that told of movement."""
        self._later: list[tuple[Plan, Any]] = []
        """What only the kind explains."""
        self._doubtful: list[tuple[Plan, str, float]] = []
        """Quantities that count only in company: (field, value, number)."""

    def take(self, path: tuple[str, ...], raw: Any, unit: str) -> None:
        """One plain value with the names on the way to it."""
        plan = plan_of(path, unit)
        if plan is None:
            return
        match plan.role:
            case Role.quantity:
                self._quantity(plan, raw)
            case Role.battery:
                self._battery(plan, raw)
            case Role.truth:
                self._truth(plan, raw)
            case Role.flag:
                self._flag(plan, raw)
            case Role.axis:
                self._axis(plan, raw)
            case Role.other:
                self._other(plan, raw)
            case _:
                if plan.role is Role.model and isinstance(raw, str):
                    self._texts = (*self._texts, raw)
                self._later.append((plan, raw))

    def finish(self) -> Decoded:
        """The kind and the values of all fields taken."""
        hints = hints_of(self._texts)
        if self._doubtful:
            self._companions()
        kind = self._kind(hints)
        pressed = False
        for plan, raw in self._later:
            match plan.role:
                case Role.event | Role.alarm | Role.state if of_a_press(raw) and kind in (
                    "",
                    "panic",
                ):
                    kind = "panic"
                    pressed = self._set("alarm", polarity(raw), plan, raw) or pressed
                case Role.press:
                    kind, now = self._press(kind, hints, plan, raw)
                    pressed = pressed or now
                case Role.state:
                    self._state(kind, hints, plan, raw)
                case Role.alarm:
                    self._alarm(kind, hints, plan, raw)
                case Role.event:
                    self._event(kind, plan, raw)
                case Role.hot if kind in ("smoke", "heat"):
                    self._set("alarm", polarity(raw), plan, raw)
                case _:
                    self._other(plan, raw)
        self._together(kind)
        for name in self._wanted.invert:
            if isinstance(value := self._values.get(name), bool):
                self._values[name] = not value
        alarm = self._values.get("alarm") is True
        if kind == "panic" and alarm:
            pressed = True
        return Decoded(kind, self._with_extras(), pressed and alarm)

    def _with_extras(self) -> dict[str, Value]:
        """The values, then the extras as far as there is room."""
        values = self._values
        if self._extras:
            room = _MOST_EXTRAS - sum(name.startswith(EXTRA) for name in values)
            extras = [item for item in self._extras.items() if item[0] not in values]
            values |= dict(extras[:room])
        return values

    # --- fields that speak for themselves ---------------------------------------------------

    def _quantity(self, plan: Plan, raw: Any) -> None:
        row = names.QUANTITIES[plan.row]
        if isinstance(raw, bool) or (row.value in _WORDED and in_words(raw)):
            self._worded(row.value, plan, raw)
            return
        number, unit = self._measured(plan, raw)
        if number is None:
            return
        if unit not in units_of(plan):
            self._other(plan, number)
        elif row.value == "pressure" and unit in _BAROMETER and plan.name == "pressure":
            self._other(plan, number)  # the weather's, not a pipe's
        else:
            factor, offset = units_of(plan)[unit]
            self._number(plan, row.value, round(number * factor + offset, 6), number)

    def _worded(self, name: str, plan: Plan, raw: Any) -> None:
        """Whether it is too much, from a field named after what is measured."""
        if name == "tilt":
            self._flag(plan, raw)
        elif name == "co" and self._set("alarm", polarity(raw), plan, raw):
            self._kinds.add("co")
        elif name != "co":
            self._other(plan, raw)

    def _measured(self, plan: Plan, raw: Any) -> tuple[float | None, str]:
        """The number of a field and its unit; what is no number becomes an extra."""
        try:
            found = measured(raw)
        except ValueError:
            self._other(plan, raw)
            return None, ""
        if found is None:
            return None, ""
        unit = found.unit or plan.unit or self._declared(plan)
        if not unit and plan.role is Role.quantity:
            unit = names.QUANTITIES[plan.row].unit
        return found.number, unit

    def _declared(self, plan: Plan) -> str:
        """The unit that the options give, or that the maker always means."""
        units = self._wanted.units
        for name in (plan.extra[len(EXTRA) :], plan.name):
            if name in units:
                return units[name].lower()
        return self._makers.get(plan.name, "")

    def _number(self, plan: Plan, value: str, ours: float, raw: float) -> None:
        """The field with the smallest rank counts; the others keep their own name and unit."""
        row = names.QUANTITIES[plan.row]
        if value in _POWER:
            self._doubtful.append((plan, value, ours))
            return
        into = DISTANCE if value == "distance" else value
        best = self._best.get(into)
        if best is not None:
            if best[0].rank <= plan.rank:
                self._other(plan, raw)
                return
            self._other(*best)
        self._best[into] = (plan, raw)
        self._values[into] = ours
        if row.kind and plan.name not in names.INSIDE:
            self._kinds.add(row.kind)

    def _battery(self, plan: Plan, raw: Any) -> None:
        if isinstance(raw, str) and "batt" in raw.lower():
            self._tell(said(raw))  # "2.3(low battery)"
            raw = raw.partition("(")[0]
        if isinstance(raw, bool) or (isinstance(raw, str) and not raw.strip()[:1].isdigit()):
            if (low := polarity(raw)) is not None:
                self._values["battery_low"] = low
            else:
                self._other(plan, raw)
            return
        number, unit = self._measured(plan, raw)
        if number is None:
            return
        if unit and unit not in units_of(plan):
            self._other(plan, raw)
            return
        found = charge(plan.name, number, unit)
        if found is None or (found[0] == "battery" and "battery" in self._values):
            self._other(plan, number)
        else:
            self._values[found[0]] = found[1]

    def _truth(self, plan: Plan, raw: Any) -> None:
        row = names.TRUTHS[plan.row]
        number = isinstance(raw, (int, float)) and not isinstance(raw, bool)
        loosely = plan.loose and (number or (isinstance(raw, str) and not in_words(raw)))
        if loosely or of_a_limit(raw):
            self._other(plan, raw)
            return
        if isinstance(raw, str) and self._apart(row, raw):
            return
        counts = row.value in ("occupied", "vibration", "leak")
        value = opposite(raw) if plan.inverted else polarity(raw, counts=counts)
        if isinstance(raw, str) and plan.name.startswith("magnet"):
            value = of_a_magnet(raw, value)
        if self._set(row.value, value, plan, raw):
            if row.kind:
                self._kinds.add(row.kind)
            if row.also:
                self._moving = plan.extra
            if plan.numbered or (number and raw > 1):
                self._other(plan, raw)

    def _apart(self, row: names.Truth, raw: str) -> bool:
        """Whether a text tells of a test, a fault, a battery, and not what its field is for."""
        told = said(raw)
        found = {k: v for k, v in told.items() if k in names.APART.get(row.value, ())}
        self._tell(found)
        if True not in found.values() or "alarm" in told:
            return False
        if row.kind:
            self._kinds.add(row.kind)
        return True

    def _set(self, name: str, value: bool | None, plan: Plan, raw: Any) -> bool:
        """One detector of several that says so is enough; what says neither is an extra."""
        if value is None:
            self._other(plan, raw)
            return False
        self._values[name] = value or self._values.get(name) is True
        return True

    def _tell(self, found: Mapping[str, bool]) -> None:
        """What a text reports ends nothing that another field says."""
        for name, value in found.items():
            self._values[name] = value or self._values.get(name) is True

    def _flag(self, plan: Plan, raw: Any) -> None:
        value = polarity(raw)
        if self._set(TILT_ALARM, value, plan, raw) and value is not None:
            self._extras.setdefault(plan.extra, value)

    def _axis(self, plan: Plan, raw: Any) -> None:
        number, _ = self._measured(plan, raw)
        if number is not None:
            self._axes.append(abs(number))
            self._kinds.add("manhole")
            self._extras[plan.extra] = number

    def _other(self, plan: Plan, raw: Any) -> None:
        """A value outside the tables; what is not one value is left out: nobody asked for it."""
        if plan.extra.endswith(("_alarm", "_alarming")) and (yes := polarity(raw)) is not None:
            raw = yes
        elif isinstance(raw, str):
            raw = plain(raw, plan.extra)
        try:
            value = scalar(raw)
        except ValueError:
            return
        if value is not None:
            self._extras.setdefault(plan.extra, value)

    # --- what the kind explains -------------------------------------------------------------

    def _companions(self) -> None:
        """Volts with amperes or watts are a meter's; alone they are a battery's."""
        metered = len({value for _, value, _ in self._doubtful}) > 1
        for plan, value, number in self._doubtful:
            if metered and value not in self._values:
                self._values[value] = number
                self._kinds.add("power")
            elif value == "voltage" and not metered:
                self._values.setdefault(BATTERY_VOLTAGE, of_volts(number))
            else:
                self._other(plan, number)

    def _kind(self, hints: Hints) -> str:
        """What the device is for: its names say it, or the first of its fields' kinds."""
        kinds = self._kinds
        if hints.purpose == "parking" or ("climate" in kinds and _AIR & self._values.keys()):
            kinds.discard("infrared")  # a car is no intruder, and an air monitor no alarm
        if DISTANCE in self._values or hints.purpose == "parking":
            kinds.discard("climate")
        kind = hints.kind or next((kind for kind in names.RANKS if kind in kinds), "")
        if self._wanted.depth is not None and DISTANCE in self._values:
            kind = kind or "manhole"
        if self._moving and kind == "infrared":
            self._values["alarm"] = self._values["occupied"]
        elif self._moving and kind in ("manhole", "water"):
            self._extras[self._moving] = self._values.pop("occupied")  # the thing itself moved
        return kind

    def _press(self, kind: str, hints: Hints, plan: Plan, raw: Any) -> tuple[str, bool]:
        """A button's press: an alarm if that is what the device is for."""
        number = isinstance(raw, (int, float)) and not isinstance(raw, bool)
        value = raw != 0 if number else polarity(raw)
        if value is None or kind not in ("", "panic", "climate") or hints.purpose == "parking":
            self._other(plan, raw)
            return kind, False
        if kind == "climate" and not isinstance(raw, str):
            self._other(plan, raw)  # a thermometer's button asks for a report
            return kind, False
        self._set("alarm", value, plan, raw)
        if not isinstance(raw, bool):
            self._other(plan, raw)
        return "panic", value

    def _state(self, kind: str, hints: Hints, plan: Plan, raw: Any) -> None:
        """``status: 1`` needs a name that tells what the device is for; a word, its kind alone."""
        if isinstance(raw, str):
            self._tell({k: v for k, v in said(raw).items() if k != "alarm"})
        tells = isinstance(raw, str) and raw.strip().lower() not in PLAIN
        value = names.PURPOSES.get(hints.purpose or (kind if tells else ""), "")
        if not value:
            self._other(plan, raw)
            return
        if self._set(value, polarity(raw), plan, raw):
            if value == "occupied" and kind == "infrared":
                self._values["alarm"] = self._values[value]
            if plan.numbered:
                self._other(plan, raw)

    def _alarm(self, kind: str, hints: Hints, plan: Plan, raw: Any) -> None:
        told = said(raw) if isinstance(raw, str) else {}
        value = names.PURPOSES.get(hints.purpose, "") if kind in _QUIET else "alarm"
        if told.keys() - {"alarm"} or of_a_limit(raw):
            self._event(kind, plan, raw)
        elif kind in _SOUNDING or not kind or (kind == "climate" and plan.name == "alarm"):
            if self._set("alarm", polarity(raw), plan, raw) and len(str(raw).split()) > 1:
                self._other(plan, raw)
        elif kind in _QUIET and value and value not in self._values:
            self._set(value, polarity(raw), plan, raw)
        else:
            self._other(plan, raw)

    def _event(self, kind: str, plan: Plan, raw: Any) -> None:
        if isinstance(raw, str):
            found = said(raw)
            if kind and kind not in _SOUNDING and kind != "climate":
                found.pop("alarm", None)  # a contact's alarm is a time limit
            self._tell(found)
        self._other(plan, raw)

    def _together(self, kind: str) -> None:
        """Values that follow from several fields."""
        if self._axes and "tilt" not in self._values:
            self._values["tilt"] = max(self._axes)
        depth, distance = self._wanted.depth, self._values.get(DISTANCE)
        if depth is not None and isinstance(distance, float) and "water_level" not in self._values:
            self._values["water_level"] = round(depth - distance, 4)
