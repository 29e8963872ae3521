"""The ``sparkplug_b`` dialect: births name the metrics, data carries what changed, deaths end all.

NBIRTH ─▶ node known, seq 0 ─▶ DBIRTH ─▶ device known, aliases ─▶ DDATA ─▶ readings
                ▲                └ gap in seq, unknown alias or node: ask for a rebirth
                └────────────────────────────── NCMD Rebirth ◀┘
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from drivers._values import coercer, scalar
from drivers.mqtt.decode import EXTRAS, LONGEST_NAME, Decode, Filter, Out, Publish, undecodable
from drivers.mqtt.dialects.sparkplug_b.names import Names, Read, names_of, well_known
from drivers.mqtt.dialects.sparkplug_b.options import Options
from gateway.model import EXTRA, DeviceSeen, Reading, Value, every_value_name
from gateway.sparkplug import BOOLEAN, Metric, Payload, decode, encode

_SPACE: Final = "spBv1.0"
_REBIRTH: Final = "Node Control/Rebirth"
_SESSION: Final = "bdSeq"
_CONTROL: Final = ("Node Control/", "Device Control/")
_TRUTHS: Final = frozenset(name for name, value in every_value_name().items() if value.type is bool)
_MOST_NODES: Final = 1_000
_MOST_DEVICES: Final = 1_000
"""Of one node."""
_MOST_NAMES: Final = 5_000
"""Metrics of one device whose names and aliases are remembered."""
_MS: Final = 1_000_000
_BELIEVABLE: Final = 2**63 // _MS
_PATIENCE: Final = 30_000
"""Ms by a node's clock before it is asked again: a request may be lost, and a node whose ``seq`` is
always wrong must not be kept busy with births."""
_MESSAGES: Final = 100
"""The same for a node whose clock stands still, or is not told."""


class _Device:
    """A device, or the node itself."""

    __slots__ = ("address", "aliases", "born", "kind", "names", "owners", "reads", "true")

    def __init__(self, address: str, names: Names) -> None:
        self.address = address
        self.names = names
        self.kind = names.kind
        self.aliases: dict[int, tuple[str, str]] = {}
        """Alias -> name and unit, as the birth gave them."""
        self.reads: dict[str, Read] = {}
        self.owners: dict[str, str] = {}
        """Value -> the metric that gives it; further ones are extras."""
        self.true: dict[str, set[str]] = {}
        """Value -> the metrics by which it is true."""
        self.born = False

    def forget(self) -> None:
        """What a birth says holds until the next one, or a death."""
        self.born = False
        for each in (self.aliases, self.reads, self.owners, self.true):
            each.clear()

    def either(self, value: str, metric: str, holds: bool) -> bool:
        """A truth that several metrics tell is true while any of them is."""
        true = self.true.setdefault(value, set())
        if not holds:
            true.discard(metric)
        elif len(true) < _MOST_NAMES:
            true.add(metric)
        return holds or bool(true)


class _Node:
    __slots__ = ("asked_at", "devices", "own", "seq", "session", "since", "wanted")

    def __init__(self, own: _Device) -> None:
        self.own = own
        self.devices: dict[str, _Device] = {}
        self.seq: int | None = None
        """Of the newest message; None: no birth was seen."""
        self.session: object = None
        """``bdSeq`` of the newest birth."""
        self.wanted = False
        """Whether its birth is missing."""
        self.asked_at: int | None = None
        """Its time, ms, when it was asked last."""
        self.since = _MESSAGES
        """Its messages since then."""

    def is_due(self, at: int | None) -> bool:
        """Whether it may be asked at its time ``at``."""
        passed = 0 if at is None or self.asked_at is None else at - self.asked_at
        return passed >= _PATIENCE or (passed <= 0 and self.since >= _MESSAGES)


class Dialect:
    """Reads the nodes of one group, or of all."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._nodes: dict[str, _Node] = {}

    def filters(self, qos: int) -> list[Filter]:
        """Births, data and deaths; commands are others' business."""
        kinds = ("NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH")
        group = self._options.group
        return [
            Filter(f"{_SPACE}/{group}/{kind}/+" + ("/+" if kind[0] == "D" else ""), qos)
            for kind in kinds
        ]

    def plan(self, topic: str) -> Decode | None:
        """The decoder of ``topic``, if it is Sparkplug's."""
        steps = topic.split("/")
        if steps[0] != _SPACE or len(steps) not in (4, 5):
            return None
        kind, of_device = steps[2], len(steps) == 5
        read = {
            ("NBIRTH", False): self._node_birth,
            ("NDATA", False): self._data,
            ("NDEATH", False): self._node_death,
            ("DBIRTH", True): self._device_birth,
            ("DDATA", True): self._data,
            ("DDEATH", True): self._device_death,
        }.get((kind, of_device))
        if read is None:
            return None
        group, name, device = steps[1], steps[3], steps[4] if of_device else ""

        def decoded(payload: bytes, retained: bool) -> Sequence[Out]:
            try:
                found = decode(payload)
            except ValueError as error:
                return [undecodable(topic, payload, str(error))]
            return read(self._node(group, name), device, found, retained)

        return decoded

    # --- births and deaths ----------------------------------------------------------------

    def _node_birth(self, node: _Node, _: str, payload: Payload, retained: bool) -> Sequence[Out]:
        node.wanted, node.seq = False, payload.seq if payload.seq is not None else 0
        node.session = next((m.value for m in payload.metrics if m.name == _SESSION), None)
        for device in node.devices.values():
            device.forget()  # aliases of an earlier birth may now mean something else
        return self._born(node.own, payload, retained)

    def _device_birth(
        self, node: _Node, name: str, payload: Payload, retained: bool
    ) -> Sequence[Out]:
        self._follow(node, payload)
        born = self._born(self._device(node, name), payload, retained)
        return [*self._ask(node, payload), *born]

    def _born(self, device: _Device, payload: Payload, retained: bool) -> Sequence[Out]:
        device.forget()
        device.born = True
        for metric in payload.metrics[:_MOST_NAMES]:
            if metric.alias is not None and metric.name:
                device.aliases[metric.alias] = (metric.name, metric.unit)
        readings, _ = self._readings(device, payload, retained, {"extra.online": True})
        return [DeviceSeen(device.address, device.kind), *readings]

    def _node_death(self, node: _Node, _: str, payload: Payload, retained: bool) -> Sequence[Out]:
        """The will of an older session may come after the newer one's birth: it means nothing."""
        session = next((m.value for m in payload.metrics if m.name == _SESSION), None)
        if node.session is not None and session is not None and session != node.session:
            return []
        node.seq, node.wanted = None, False
        gone = [node.own, *(device for device in node.devices.values() if device.born)]
        for device in gone:
            device.forget()
        return [
            Reading(device.address, device.kind, {"extra.online": False}, retained=retained)
            for device in gone
        ]

    def _device_death(
        self, node: _Node, name: str, payload: Payload, retained: bool
    ) -> Sequence[Out]:
        self._follow(node, payload)
        device = self._device(node, name)
        device.forget()
        gone = Reading(device.address, device.kind, {"extra.online": False}, retained=retained)
        return [*self._ask(node, payload), gone]

    # --- data -----------------------------------------------------------------------------

    def _data(self, node: _Node, name: str, payload: Payload, retained: bool) -> Sequence[Out]:
        self._follow(node, payload)
        device = self._device(node, name) if name else node.own
        readings, nameless = self._readings(device, payload, retained, {})
        node.wanted = node.wanted or nameless > 0 or not device.born
        if nameless:
            reason = f"{nameless} metrics have aliases that no birth named"
            raw = encode(payload._replace(metrics=payload.metrics[:20]))
            readings = [*readings, undecodable(device.address, raw, reason)]
        return [*self._ask(node, payload), *readings]

    def _follow(self, node: _Node, payload: Payload) -> None:
        """Keep account of ``seq``; a node that never tells it has no gaps that could be seen."""
        node.since += 1
        before = node.seq
        if payload.seq is not None:
            node.seq = payload.seq
        missed = before is None or payload.seq not in (None, (before + 1) % 256)
        node.wanted = node.wanted or missed

    def _ask(self, node: _Node, payload: Payload) -> list[Out]:
        """Ask for a rebirth where one is missing, and again when it does not come."""
        if not (node.wanted and self._options.rebirth and node.is_due(payload.at)):
            return []
        node.asked_at, node.since = payload.at, 0
        group, _, name = node.own.address.partition("/")
        command = encode(Payload(None, [Metric(_REBIRTH, BOOLEAN, True)], None))
        return [Publish(f"{_SPACE}/{group}/NCMD/{name}", command)]

    def _readings(
        self, device: _Device, payload: Payload, retained: bool, said: dict[str, Value]
    ) -> tuple[list[Out], int]:
        """A reading for each moment that the metrics tell of, and how many have no name."""
        moments: dict[int | None, dict[str, Value]] = {_moment(payload.at): said} if said else {}
        wrong: list[str] = []
        nameless = 0
        for metric in payload.metrics:
            name, unit = metric.name, metric.unit
            if not name and metric.alias is not None:
                name, unit = device.aliases.get(metric.alias, ("", ""))
            if not name:
                nameless += 1
            elif metric.value is not None and name != _SESSION and not name.startswith(_CONTROL):
                at = _moment(metric.at if metric.historical else payload.at)
                values = moments.setdefault(at, {})
                self._take(device, name, unit, metric, values, wrong)
        found: list[Out] = [
            Reading(device.address, device.kind, values, at, retained=retained)
            for at, values in moments.items()
            if values
        ]
        if wrong:
            raw = encode(payload._replace(metrics=payload.metrics[:20]))
            found.append(undecodable(device.address, raw, "; ".join(wrong[:10])))
        return found, nameless

    def _take(
        self,
        device: _Device,
        name: str,
        unit: str,
        metric: Metric,
        values: dict[str, Value],
        wrong: list[str],
    ) -> None:
        read = device.reads.get(name)
        if read is None:
            read = self._learn(device, name, unit)
        if read.name.startswith(EXTRA) and sum(n.startswith(EXTRA) for n in values) >= EXTRAS:
            return
        try:
            value = read.convert(metric.value)
            if isinstance(value, bool) and not metric.historical and read.name in _TRUTHS:
                value = device.either(read.name, name, value)
        except ValueError as error:
            if not read.loose:
                wrong.append(f"{name[:60]}: {error}")
                return
            try:
                value = scalar(metric.value)
            except ValueError:
                return
            if value is not None:
                values[read.loose] = value
            return
        if value is not None:
            values[read.name] = value

    def _learn(self, device: _Device, name: str, unit: str) -> Read:
        read = device.names.declared.get(name)
        if read is None:
            read, kind = well_known(name, unit)
            device.kind = device.kind or kind
            if read.name not in _TRUTHS and not self._is_owner(device, read.name, name):
                read = Read(read.loose, coercer(read.loose), read.loose)
        if len(device.reads) < _MOST_NAMES:
            device.reads[name] = read
        return read

    def _is_owner(self, device: _Device, value: str, metric: str) -> bool:
        """Of several thermometers one is ``temperature``: the declared one, or the first."""
        if value.startswith(EXTRA):
            return True
        declared = any(read.name == value for read in device.names.declared.values())
        return not declared and device.owners.setdefault(value, metric) == metric

    # --- who is known ---------------------------------------------------------------------

    def _node(self, group: str, name: str) -> _Node:
        address = f"{group}/{name}"[:LONGEST_NAME]
        node = self._nodes.get(address)
        if node is None:
            if len(self._nodes) >= _MOST_NODES:
                del self._nodes[next(iter(self._nodes))]
            own = _Device(address, names_of(address, self._options.devices))
            node = self._nodes[address] = _Node(own)
        return node

    def _device(self, node: _Node, name: str) -> _Device:
        device = node.devices.get(name)
        if device is None:
            if len(node.devices) >= _MOST_DEVICES:
                del node.devices[next(iter(node.devices))]
            address = f"{node.own.address}/{name}"[:LONGEST_NAME]
            device = _Device(address, names_of(address, self._options.devices))
            node.devices[name] = device
        return device


def _moment(ms: int | None) -> int | None:
    return ms * _MS if ms is not None and 0 < ms < _BELIEVABLE else None
