"""Which devices of a site each rule is about, without asking each rule about each device.

Devices that no rule tells apart by kind or tag are of one *sort*; of a sort, those that no rule
tells apart by place or name stand in one *spot*. A district of 50,000 devices has a few hundred
spots, and most rules choose by kind alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from gateway.model import KINDS, Device, Site
from rules.rule import Rule, Setting


class Sort(NamedTuple):
    """Devices of one kind with the same of the tags that rules name."""

    kind: str
    tags: frozenset[str]

    def fits(self, rule: Rule) -> bool:
        """Whether ``rule`` is about these devices, if it is about their place and name."""
        if rule.kinds and self.kind not in rule.kinds:
            return False
        if rule.tags and rule.tags.isdisjoint(self.tags):
            return False
        return rule.not_tags.isdisjoint(self.tags)


class Spot(NamedTuple):
    """Devices that are the same to every rule."""

    sort: Sort
    grids: frozenset[str]
    """The codes named in some rule that are the devices' place or lie above it."""
    device: str
    """Its id if some rule names it; else ""."""

    def fits(self, rule: Rule) -> bool:
        """Whether ``rule`` is about these devices, if it is about their name."""
        return (not rule.grids or not rule.grids.isdisjoint(self.grids)) and self.sort.fits(rule)


class Reach:
    """The devices of a site as rules see them, and the rules for each."""

    def __init__(self, rules: Iterable[Rule], settings: Iterable[Setting], site: Site) -> None:
        self.site = site
        self.number: dict[str, int] = {}
        """Of each rule, in the order of the files."""
        chosen: list[Rule] = []
        for rule in rules:
            self.number[rule.name] = len(self.number)
            if rule.confirm is None:
                chosen.append(rule)
        self.devices: dict[Spot, list[Device]] = {}
        self._spot_of: dict[str, Spot] = {}
        self._below: dict[str, set[Spot]] = {
            code: set() for each in settings for code in each.grids
        }
        """Code that some setting names -> what is below it."""
        self._place(chosen)
        sorts: dict[Sort, list[Spot]] = {}
        for spot in self.devices:
            sorts.setdefault(spot.sort, []).append(spot)
        if not sorts:  # nobody knows what will report: any kind
            sorts = {Sort(kind, frozenset()): [] for kind in KINDS}
        self._spots = sorts
        self.by_sort: dict[Sort, list[Rule]] = {sort: [] for sort in sorts}
        """The rules that ask for no place and no name."""
        self.by_spot: dict[Spot, list[Rule]] = {}
        """The rules that do."""
        self._sorts_of: dict[str, set[Sort]] = {}
        self._spots_of: dict[str, set[Spot]] = {}
        self._match(chosen)

    def _place(self, rules: Iterable[Rule]) -> None:
        grids = frozenset(code for rule in rules for code in rule.grids)
        named = frozenset(device for rule in rules for device in rule.devices)
        tags = frozenset(tag for rule in rules for tag in (*rule.tags, *rule.not_tags))
        above: dict[str, tuple[frozenset[str], list[str]]] = {}
        for device in self.site.devices.values():
            place = device.place
            if place not in above:
                codes = [each.code for each in self.site.chain(place)]
                above[place] = (grids.intersection(codes), [c for c in codes if c in self._below])
            inside, settled = above[place]
            sort = Sort(device.kind, tags.intersection(device.tags))
            spot = Spot(sort, inside, device.id if device.id in named else "")
            self.devices.setdefault(spot, []).append(device)
            self._spot_of[device.id] = spot
            for code in settled:
                self._below[code].add(spot)

    def _match(self, rules: Iterable[Rule]) -> None:
        by_word: dict[str, list[Spot]] = {}
        for spot in self.devices:
            for word in (*spot.grids, f"device {spot.device}"):
                by_word.setdefault(word, []).append(spot)
        for rule in rules:
            if rule.devices or rule.grids:
                words = [f"device {each}" for each in rule.devices] or rule.grids
                found = {
                    spot for word in words for spot in by_word.get(word, ()) if spot.fits(rule)
                }
                self._spots_of[rule.name] = found
                for spot in found:
                    self.by_spot.setdefault(spot, []).append(rule)
            else:
                sorts = {sort for sort in self.by_sort if sort.fits(rule)}
                self._sorts_of[rule.name] = sorts
                for sort in sorts:
                    self.by_sort[sort].append(rule)

    def spots(self, rule: str) -> Iterator[Spot]:
        """Where the devices of a rule are."""
        yield from self._spots_of.get(rule, ())
        for sort in self._sorts_of.get(rule, ()):
            yield from self._spots[sort]

    def is_matched(self, rule: str) -> bool:
        """Whether any device is a rule's, or may be at a site that knows none."""
        return bool(self._spots_of.get(rule) or self._sorts_of.get(rule))

    def covers(self, wide: str, narrow: str) -> bool:
        """Whether rule ``wide`` is about every device of ``narrow``, as far as is easily seen."""
        if wide in self._sorts_of:
            mine = self._sorts_of[wide]
            if narrow in self._sorts_of:
                return self._sorts_of[narrow] <= mine
            return all(spot.sort in mine for spot in self._spots_of.get(narrow, ()))
        return narrow in self._spots_of and self._spots_of[narrow] <= self._spots_of[wide]

    def reaches(self, setting: Setting) -> bool:
        """Whether ``setting`` changes its rule for any device."""
        if setting.devices:
            spots = {self._spot_of[each] for each in setting.devices if each in self._spot_of}
        elif setting.grids:
            spots = {spot for code in setting.grids for spot in self._below[code]}
        else:
            return self.is_matched(setting.rule)
        here = self._spots_of.get(setting.rule, ())
        sorts = self._sorts_of.get(setting.rule, ())
        return any(spot in here or spot.sort in sorts for spot in spots)
