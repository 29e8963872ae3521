"""Series of a peer as devices and reports, and its alerts as our rules; who fires when.

A series' labels (its name apart) are a device; every selector of a condition is a value name. The
world begins one look-back of the peer before its first moment, so that a series that never
came has been silent for exactly as long as the peer wants it to be.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import rules
from gateway.model import Device, Place, Site, Value
from tests.rules.peers import Labels, NotExpressibleError
from tests.rules.peers.engine import Engine, duration, ruleset
from tests.rules.peers.notation import STALE, Sample
from tests.rules.peers.promql import Absent, translate, window

LOOKBACK: Final = 300
"""Seconds for which the peer takes the newest value of a series for the present one."""
LATER: Final = 1e-6
"""By how much times are made longer to see whether a timer and a report only met, s."""
_RULE: Final = "r"
_PLACE: Final = "G1"
_MOST_EVENTS: Final = 20_000
_STANDS: Final = (
    "the alert would end because its value is not reported any more; here it stands until a report"
    " says otherwise, and silence is a rule of its own"
)


class Series(NamedTuple):
    """One series: a sample each ``step`` seconds from 0 on."""

    name: str
    labels: Labels
    step: float
    samples: list[Sample]


class Alert(NamedTuple):
    """One alerting rule of the peer; times in seconds."""

    expression: str
    hold: float
    keep: float
    labels: Labels


class _Event(NamedTuple):
    """``values`` of a device at ``at`` (s), or the names of it that the peer forgets then."""

    at: float
    device: str
    values: dict[str, Value]
    forgotten: frozenset[str] = frozenset()


class World:
    """The devices and the reports that a condition is about."""

    def __init__(self, alert: Alert, series: list[Series], until: float) -> None:
        self._alert = alert
        self._translated = translate(alert.expression)
        self._devices: dict[str, str] = {}
        """Labels as JSON -> device id."""
        self._certain: dict[str, Labels] = {}
        """Device of an ``absent`` -> the labels that its alert has."""
        self._events = self._reports(series, until)
        self._silences = [self._silent(one, series, until) for one in self._translated.absents]
        if len({silent for _, silent in self._silences}) > 1:
            raise NotExpressibleError(
                "silences of two lengths that begin before there was anything"
            )

    def fire(
        self,
        moments: list[float],
        *,
        later: float = 0.0,
        wide: bool = False,
        restart: bool = False,
    ) -> list[list[Labels]]:
        """At each of ``moments`` (s, rising) the labels of what fires.

        With ``later`` all times are a little longer, with ``wide`` windows too.
        """
        play = _Play(Engine(self._rules(later, wide=wide), self._site(), restart=restart))
        play.tick(-max([LOOKBACK, *(silence for _, silence in self._silences)]))
        left = iter(self._events)
        event = next(left, None)
        found = []
        for moment in moments:
            while event is not None and event.at <= moment:
                play.take(event)
                event = next(left, None)
            play.tick(moment + 2 * later)
            found.append([self._labels_of(device) for device in play.firing()])
        return found

    def _labels_of(self, device: str) -> Labels:
        if device in self._certain:
            return self._certain[device]
        return next(json.loads(key) for key, name in self._devices.items() if name == device)

    def _reports(self, series: list[Series], until: float) -> list[_Event]:
        names = {**self._translated.instants, **self._translated.windowed}
        merged: dict[tuple[float, str], dict[str, Value]] = {}
        forgotten: list[_Event] = []
        others: list[tuple[str, Series]] = []
        for name, selector in names.items():
            fitting = [one for one in series if one.name == selector.name]
            if not fitting:
                raise NotExpressibleError(
                    "its value is what another rule works out (a recording rule); here conditions ask reports"
                )
            for one in fitting:
                if not selector.fits(one.labels):
                    others.append((name, one))
                    continue
                device = self._device(one.labels)
                instant = name in self._translated.instants
                zero = name in self._translated.divisors
                for at, value in _values(one, until, zero=zero):
                    merged.setdefault((at, device), {})[name] = value
                for length in self._lookbacks(name):
                    forgotten += [
                        _Event(at, device, {}, frozenset({f"{name} {length}"}))
                        for at in _ends(one, length, stale=instant)
                    ]
        for name, one in others:  # devices that the rule is not about report as well
            key = json.dumps(one.labels, sort_keys=True)
            if key not in self._devices:
                for at, value in _values(one, until):
                    merged.setdefault((at, f"other {key}"), {})[name] = value
        events = [_Event(at, device, values) for (at, device), values in merged.items()]
        if len(events) > _MOST_EVENTS:
            raise NotExpressibleError(f"more than {_MOST_EVENTS:,} reports")
        # What is forgotten at a moment is so before the report of the same moment comes.
        return sorted([*forgotten, *events], key=lambda event: (event.at, not event.forgotten))

    def _lookbacks(self, name: str) -> Iterable[float]:
        """For how long the peer goes by a value, s."""
        if name in self._translated.windowed:
            return self._translated.lengths[name]
        return (self._translated.lookbacks.get(name, float(LOOKBACK)),)

    def _device(self, labels: Labels) -> str:
        return self._devices.setdefault(
            json.dumps(labels, sort_keys=True), f"d{len(self._devices)}"
        )

    def _silent(self, absent: Absent, series: list[Series], until: float) -> tuple[str, float]:
        """The device whose silence ``absent`` is, and from when it is one, s."""
        selector, silent = absent.selector, absent.window or float(LOOKBACK)
        if self._alert.keep:
            raise NotExpressibleError("a silence ends with the next report, without a 'keep'")
        fitting = [s for s in series if s.name == selector.name and selector.fits(s.labels)]
        if len(fitting) > 1:
            raise NotExpressibleError(
                "'absent' for several series at once: a silence is a device's"
            )
        device = f"a{len(self._certain)}"
        self._certain[device] = selector.certain()
        for one in fitting:
            for number, value in enumerate(one.samples):
                if value == STALE and not absent.window and number * one.step <= until:
                    raise NotExpressibleError(
                        "a series is declared gone (stale); a silence here is a time without reports"
                    )
            heard = [_Event(at, device, {"heard": value}) for at, value in _values(one, until)]
            self._events = sorted([*self._events, *heard], key=lambda e: (e.at, not e.forgotten))
        return device, silent

    def _rules(self, later: float, *, wide: bool) -> rules.Ruleset:
        hold, keep = (
            time + later if time else 0.0 for time in (self._alert.hold, self._alert.keep)
        )
        common = {"title": "r", "on": "climate", "severity": "alarm", "category": "trouble"}
        written: list[dict[str, Any]] = []
        if self._translated.when:
            times = {"for": duration(hold), "keep": duration(keep), "again": "never"}
            devices = list(self._devices.values()) or ["nobody"]
            when = {"name": _RULE, "when": self._when(later if wide else 0.0), "device": devices}
            written.append({**common, **when, **times})
        for device, silent in self._silences:
            silence = {"absent": duration(silent + hold), "name": f"s_{device}", "device": [device]}
            written.append({**common, **silence})
        return ruleset(written)

    def _when(self, longer: float) -> str:
        when = self._translated.when
        for length in {each for lengths in self._translated.lengths.values() for each in lengths}:
            when = when.replace(f", {window(length)})", f", {window(length + longer)})")
        return when

    def _site(self) -> Site:
        names = [*self._devices.values(), *self._certain]
        devices = {name: Device(name, "d", name, "climate", name, _PLACE) for name in names}
        return Site(1, {_PLACE: Place(_PLACE, "", "grid", _PLACE)}, devices)


def _values(series: Series, until: float, *, zero: bool = False) -> Iterable[tuple[float, float]]:
    for number, value in enumerate(series.samples):
        at = number * series.step
        if at > until:
            return
        if isinstance(value, float):
            if not math.isfinite(value):
                raise NotExpressibleError("no sensor reports infinity or NaN")
            if zero and value == 0:
                raise NotExpressibleError("divided by zero: infinite there, unknown here")
            yield at, value


def _ends(series: Series, lookback: float, *, stale: bool) -> Iterable[float]:
    """When the peer goes by no value: a look-back after the last, or at a ``stale`` mark."""
    last: float | None = None
    for number, value in enumerate(series.samples):
        at = number * series.step
        if value is None or (value == STALE and not stale):
            continue
        # A value that comes exactly a look-back later follows without a gap.
        gap = last is not None and at - last > lookback
        if last is not None and (gap or value == STALE):
            yield min(last + lookback, at)
        last = at if isinstance(value, float) else None
    if last is not None:
        yield last + lookback


class _Play:
    """The engine, and beside it what the peer has forgotten."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._forgotten: dict[str, set[str]] = {}

    def take(self, event: _Event) -> None:
        """A report, or that the peer forgets. Raises ``NotExpressibleError``."""
        if event.forgotten:
            self.tick(event.at)
            self._forgotten.setdefault(event.device, set()).update(event.forgotten)
        else:
            known = self._forgotten.get(event.device, set())
            known -= {one for one in known if one.split()[0] in event.values}
            values = {f"extra.{name}": value for name, value in event.values.items()}
            self._engine.report(event.at, event.device, values)
        self._no_stale_alarm()

    def tick(self, at: float) -> None:
        """Let time pass up to ``at`` (s). Raises ``NotExpressibleError``."""
        self._engine.tick(at)
        self._no_stale_alarm()

    def firing(self) -> list[str]:
        """The devices with an alarm that stands."""
        return sorted(
            name
            for name in self._engine.state.entries
            if any(
                self._engine.state_of(name, rule) == "firing" and watch.why is not None
                for rule, watch in self._engine.watches(name).items()
            )
        )

    def _no_stale_alarm(self) -> None:
        for device, names in self._forgotten.items():
            if names and _RULE in self._engine.watches(device):
                raise NotExpressibleError(_STANDS)
