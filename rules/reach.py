"""Which devices of a site each rule is about, without asking each rule about each device.

Devices that no rule can tell apart (one kind, the same of the named places above them, the same
of the named tags) are one *sort*; a district of 50,000 devices has a few hundred.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from gateway.model import KINDS, Device, Site
from rules.rule import Rule, Setting


class Sort(NamedTuple):
    """Devices that are the same to every rule."""

    kind: str
    grids: frozenset[str]
    """The codes named in some rule that are the device's place or lie above it."""
    tags: frozenset[str]
    device: str
    """Its id if some rule names it; else ""."""

    def fits(self, rule: Rule) -> bool:
        """Whether ``rule`` is about these devices, wherever they report to."""
        return (
            (not rule.kinds or self.kind in rule.kinds)
            and (not rule.grids or not rule.grids.isdisjoint(self.grids))
            and (not rule.tags or not rule.tags.isdisjoint(self.tags))
            and (not rule.devices or self.device in rule.devices)
        )


class Reach:
    """The sorts of a site's devices, and the rules for each."""

    def __init__(self, rules: Iterable[Rule], settings: Iterable[Setting], site: Site) -> None:
        self._rules = tuple(rule for rule in rules if rule.confirm is None)
        self.site = site
        choosing: list[Rule | Setting] = [*self._rules, *settings]
        self._grids = frozenset(code for each in choosing for code in each.grids)
        self._named = frozenset(device for each in choosing for device in each.devices)
        self._tags = frozenset(tag for rule in self._rules for tag in rule.tags)
        self.devices: dict[Sort, list[Device]] = {}
        above: dict[str, frozenset[str]] = {}
        for device in site.devices.values():
            if device.place not in above:
                codes = (place.code for place in site.chain(device.place))
                above[device.place] = self._grids.intersection(codes)
            sort = Sort(
                device.kind,
                above[device.place],
                self._tags.intersection(device.tags),
                device.id if device.id in self._named else "",
            )
            self.devices.setdefault(sort, []).append(device)
        if not self.devices:  # nobody knows what will report: any kind
            nothing: frozenset[str] = frozenset()
            self.devices = {Sort(kind, nothing, nothing, ""): [] for kind in KINDS}
        self.rules: dict[Sort, list[Rule]] = {sort: [] for sort in self.devices}
        self.sorts: dict[str, list[Sort]] = {rule.name: [] for rule in self._rules}
        self._match()

    def _match(self) -> None:
        by_anchor: dict[tuple[str, str], list[int]] = {}
        for number, rule in enumerate(self._rules):
            for anchor in _anchors(rule):
                by_anchor.setdefault(anchor, []).append(number)
        for sort, fitting in self.rules.items():
            numbers = {n for anchor in _keys(sort) for n in by_anchor.get(anchor, ())}
            for number in sorted(numbers):
                rule = self._rules[number]
                if sort.fits(rule):
                    fitting.append(rule)
                    self.sorts[rule.name].append(sort)

    def chosen(self, setting: Setting) -> Iterator[Device]:
        """The devices that ``setting`` changes its rule for."""
        for sort in self.sorts.get(setting.rule, ()):
            if setting.devices:
                here = sort.device in setting.devices
            else:
                here = not setting.grids or not setting.grids.isdisjoint(sort.grids)
            if here:
                yield from self.devices[sort]


def _anchors(rule: Rule) -> Iterator[tuple[str, str]]:
    """What a device must have, one of, for ``rule`` to be looked at: the rarest of its words."""
    for what, words in (
        ("device", rule.devices),
        ("grid", rule.grids),
        ("tag", rule.tags),
        ("kind", rule.kinds),
    ):
        if words:
            yield from ((what, word) for word in words)
            return
    yield "any", ""


def _keys(sort: Sort) -> Iterator[tuple[str, str]]:
    yield "any", ""
    yield "kind", sort.kind
    yield "device", sort.device
    yield from (("grid", code) for code in sort.grids)
    yield from (("tag", tag) for tag in sort.tags)
