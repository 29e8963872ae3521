"""An edge node's side of Sparkplug B: births, data, deaths, and the one counter. Pure.

Sparkplug 3.0: ``seq`` counts every message of the node, 0 to 255 and round; a birth names every
metric that data will carry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from gateway.broker import Said
from gateway.model import Reading, Value, every_value_name
from gateway.sparkplug import BOOLEAN, DOUBLE, INT64, STRING, Metric, Payload, decode, encode

_SPACE: Final = "spBv1.0"
_SESSION: Final = "bdSeq"
_REBIRTH: Final = "Node Control/Rebirth"
_MS: Final = 1_000_000
_MOST_METRICS: Final = 64
_NOT_AN_ID: Final = re.compile(r"[+/#]")
_TYPES: Final[Mapping[type, int]] = {bool: BOOLEAN, float: DOUBLE, str: STRING}


class Node:
    """One edge node. What it returns must be published in that order."""

    def __init__(self, group: str, node: str) -> None:
        self._group = group
        self._node = node
        self._seq = 0
        self._session = -1
        self._devices: dict[str, dict[str, Metric]] = {}
        """Device -> the metrics of its birth, with their newest values."""
        self._born: set[str] = set()
        self._arrivals: dict[str, dict[str, int]] = {}
        """Device -> metric -> arrival of the report that it had its value from."""

    def topic(self, kind: str, device: str = "") -> str:
        """``spBv1.0/GROUP/KIND/NODE[/DEVICE]``."""
        tail = f"/{device_id(device)}" if device else ""
        return f"{_SPACE}/{self._group}/{kind}/{self._node}{tail}"

    def will(self, session: int) -> Said:
        """A new session begins: the death that the broker publishes when we are gone."""
        self._session = session % 256
        self._born.clear()
        return self.death()

    def death(self) -> Said:
        """NDEATH with the session's number, and without ``seq``."""
        metric = Metric(_SESSION, INT64, self._session)
        return Said(self.topic("NDEATH"), encode(Payload(None, [metric], None)))

    def births(self, now: int, version: str) -> list[Said]:
        """NBIRTH, and the birth of every device known so far; ``now`` in wall ns."""
        self._seq = 0
        at = now // _MS
        metrics = [
            Metric(_SESSION, INT64, self._session, at),
            Metric(_REBIRTH, BOOLEAN, False, at),
            Metric("Properties/Version", STRING, version, at),
        ]
        said = [Said(self.topic("NBIRTH"), encode(Payload(at, metrics, 0)), qos=0)]
        self._born.clear()
        return said + [self._birth(device, at) for device in list(self._devices)]

    def report(
        self, reading: Reading, now: int, *, historical: bool, arrival: int = 0
    ) -> list[Said]:
        """DDATA; a birth before it where the device, or one of its values, is new.

        ``arrival`` orders reports: alarms overtake the rest, and what they overtook is history.
        """
        known = self._devices.setdefault(reading.device, {})
        arrivals = self._arrivals.setdefault(reading.device, {})
        at = reading.at // _MS
        fresh = [name for name in reading.values if name not in known]
        metrics = []
        for name, value in reading.values.items():
            past = historical or arrival < arrivals.get(name, 0)
            metric = _metric(name, value, at, historical=past)
            if name in known or len(known) < _MOST_METRICS:
                metrics.append(metric)
                if not past or name in fresh:
                    known[name] = metric._replace(historical=False)
                    arrivals[name] = arrival
        said = []
        if fresh or reading.device not in self._born:
            said.append(self._birth(reading.device, now // _MS))
            if not any(metric.historical for metric in metrics):
                return said  # the birth carries these values
        if metrics:
            topic = self.topic("DDATA", reading.device)
            said.append(Said(topic, encode(Payload(now // _MS, metrics, self._next())), qos=0))
        return said

    def lost(self, devices: Iterable[str], now: int) -> list[Said]:
        """DDEATH of devices that are gone for good."""
        said = []
        for device in devices:
            self._arrivals.pop(device, None)
            if self._devices.pop(device, None) is not None and device in self._born:
                self._born.discard(device)
                payload = encode(Payload(now // _MS, [], self._next()))
                said.append(Said(self.topic("DDEATH", device), payload, qos=0))
        return said

    @property
    def devices(self) -> list[str]:
        """Those that were published."""
        return list(self._devices)

    def _birth(self, device: str, at: int) -> Said:
        self._born.add(device)
        metrics = list(self._devices[device].values())
        return Said(self.topic("DBIRTH", device), encode(Payload(at, metrics, self._next())), qos=0)

    def _next(self) -> int:
        self._seq = (self._seq + 1) % 256
        return self._seq


def wants_rebirth(payload: bytes) -> bool:
    """Whether an NCMD asks for it; what can not be read, or asks for something else, does not."""
    try:
        metrics = decode(payload).metrics
    except ValueError:
        return False
    return any(metric.name == _REBIRTH and metric.value is True for metric in metrics)


def device_id(device: str) -> str:
    """An id may hold everything but ``+``, ``/`` and ``#``."""
    return _NOT_AN_ID.sub(":", device)[:200]


def _metric(name: str, value: Value, at: int, *, historical: bool) -> Metric:
    known = every_value_name().get(name)
    unit = known.unit if known is not None and known.unit != "1" else ""
    return Metric(name, _TYPES[type(value)], value, at, historical=historical, unit=unit)
