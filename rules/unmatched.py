"""Rules and settings that no device of the site matches, and which word of them matches none."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from typing import Final

from gateway.document import Problem, nearest
from gateway.model import UNKNOWN_KIND, Site
from rules.places import same_place
from rules.reach import Reach, Spot
from rules.rule import Confirm, Rule, Setting
from rules.ruleset import Ruleset

MOST_TO_COMPARE: Final = 2_000
"""Names; looking for the nearest of more takes a second for each wrong one."""
MOST_STEPS: Final = 100_000
"""Of the search for places where rules meet, and for settings that others hide; then it says
nothing of the rest."""
_UNREGISTERED: Final = ("gateway", UNKNOWN_KIND)
"""Kinds of devices that stand in no registry."""


def unmatched(ruleset: Ruleset, reach: Reach, shipped: Collection[str]) -> Iterator[Problem]:
    """Warnings, each at its rule or setting; none for a site without devices.

    Of the rules in the files ``shipped`` only those that name a place or a device: a pack is for
    sites of every sort, and its tags are an offer.
    """
    if not reach.site.devices:
        return
    search = _Search(ruleset, reach)
    for rule in ruleset.rules:
        if rule.where.file not in shipped:
            yield from search.rule(rule)
        elif rule.grids or rule.devices:
            yield from search.words(rule, rule.where)
    yield from search.settings()
    yield from search.keypads()


def unused_packs(ruleset: Ruleset, site: Site) -> dict[str, tuple[str, ...]]:
    """File -> the kinds that its rules are about, where no device of any of them is registered."""
    kinds: dict[str, set[str]] = {}
    for rule in ruleset.rules:
        if rule.confirm is None:
            kinds.setdefault(rule.where.file, set()).update(rule.kinds or ("",))
    known = {device.kind for device in site.devices.values()} | {"", *_UNREGISTERED}
    if not site.devices:
        return {}
    return {file: tuple(sorted(all_)) for file, all_ in kinds.items() if not all_ & known}


def odd_tags(ruleset: Ruleset, site: Site) -> dict[str, str]:
    """Tag of some device that no rule asks for -> the tag that it may have been meant to be."""
    asked = {tag for rule in ruleset.rules for tag in (*rule.tags, *rule.not_tags)}
    given = {tag for device in site.devices.values() for tag in device.tags}
    if len(given) > MOST_TO_COMPARE:
        return {}
    near = {tag: difflib.get_close_matches(tag, asked, 1, 0.8) for tag in given - asked}
    return {tag: found[0] for tag, found in sorted(near.items()) if found}


class _Search:
    def __init__(self, ruleset: Ruleset, reach: Reach) -> None:
        self._ruleset = ruleset
        self._reach = reach
        self._site = reach.site
        self._kinds = {device.kind for device in self._site.devices.values()}
        self._tags = {tag for device in self._site.devices.values() for tag in device.tags}
        self._steps = 0
        self._places: dict[str, dict[Spot, dict[str, int]]] = {}

    # --- rules ---------------------------------------------------------------------------

    def rule(self, rule: Rule) -> Iterator[Problem]:
        """One rule: its words, its kinds, and all of that together."""
        if rule.confirm is not None:
            yield from self._confirm(rule, rule.confirm)
            return
        found = list(self.words(rule, rule.where))
        registered = not rule.kinds.intersection(_UNREGISTERED)
        if registered and rule.kinds and not rule.kinds & self._kinds:
            kinds = " or ".join(sorted(rule.kinds))
            found.append(_problem(rule.where, rule.name, f"no {kinds} is registered"))
        if not found and registered and not self._reach.is_matched(rule.name) and _known(rule):
            chosen = (rule.kinds, rule.tags, rule.not_tags, rule.grids, rule.devices)
            written = zip(("on", "tag", "not_tag", "grid", "device"), chosen, strict=True)
            keys = [key for key, words in written if words]
            message = f"no registered device fits {' and '.join(keys)} together"
            found.append(_problem(rule.where, rule.name, message))
        yield from found

    def words(self, chosen: Rule | Setting, where: Problem) -> Iterator[Problem]:
        """Codes, names and tags that nothing at the site has."""
        name = chosen.name if isinstance(chosen, Rule) else chosen.rule
        for fault in self._unknown(where, chosen.grids, chosen.devices):
            yield _problem(where, name, fault.message)
        if isinstance(chosen, Setting):
            return
        for tag in sorted((chosen.tags | chosen.not_tags) - self._tags):
            hint = _near(tag, self._tags)
            if tag in chosen.tags or hint:  # a tag to leave out need not be in use
                yield _problem(where, name, f"no device has the tag {tag!r}{hint}")

    def keypads(self) -> Iterator[Problem]:
        """Keypads that are no devices, or for no places."""
        for name, keypad in self._ruleset.keypads.items():
            for fault in self._unknown(keypad.where, keypad.grids, {name}):
                yield fault._replace(message=f"keypad {name!r}: {fault.message}")

    def _unknown(
        self, where: Problem, grids: Collection[str], devices: Collection[str]
    ) -> Iterator[Problem]:
        for code in sorted(code for code in grids if code not in self._site.places):
            hint = _near(code, self._site.places)
            yield where._replace(message=f"there is no place {code!r}{hint}")
        for device in sorted(devices):
            # With a slash it is the address of a device that nobody registered.
            if device not in self._site.devices and "/" not in device:
                hint = _near(device, self._site.devices)
                yield where._replace(message=f"there is no device {device!r}{hint}")

    # --- rules over a place --------------------------------------------------------------

    def _confirm(self, rule: Rule, confirm: Confirm) -> Iterator[Problem]:
        if rule.same == "device" and confirm.devices > 1:
            message = f"'same: device' is one device, and {confirm.devices} are to confirm"
            yield _problem(rule.where, rule.name, message)
        elif not self._meets(rule.same, confirm):
            message = f"no {rule.same} has {confirm.devices} devices of the rules that confirm it"
            if confirm.kinds > 1:
                message += f", of {confirm.kinds} kinds"
            yield _problem(rule.where, rule.name, message)

    def _meets(self, same: str, confirm: Confirm) -> bool:
        """Whether some place has enough devices that the confirming rules are about."""
        spots = {spot for name in confirm.rules for spot in self._reach.spots(name)}
        devices: dict[str, int] = {}
        kinds: dict[str, set[str]] = {}
        for spot in spots:
            for place, count in self._devices_by_place(same).get(spot, {}).items():
                devices[place] = devices.get(place, 0) + count
                kinds.setdefault(place, set()).add(spot.sort.kind)
                self._steps += 1
                enough = devices[place] >= confirm.devices and len(kinds[place]) >= confirm.kinds
                if enough or self._steps > MOST_STEPS:
                    return True
        return False

    def _devices_by_place(self, same: str) -> dict[Spot, dict[str, int]]:
        """Spot -> place within which alarms are one -> how many devices of that spot it has."""
        if same in self._places:
            return self._places[same]
        found: dict[Spot, dict[str, int]] = {}
        known: dict[tuple[str, str], str] = {}
        for spot, devices in self._reach.devices.items():
            counts = found.setdefault(spot, {})
            for device in devices:
                key = (device.place, device.flat)
                if same != "device" and key not in known:
                    known[key] = same_place(same, device.id, self._site)
                place = known.get(key, "")
                if same == "device" or place.startswith("device:"):
                    place = f"device:{device.id}"
                counts[place] = counts.get(place, 0) + 1
        self._places[same] = found
        return found

    # --- settings ------------------------------------------------------------------------

    def settings(self) -> Iterator[Problem]:
        """Settings that reach no device, or that others hide from every device they reach."""
        by_rule: dict[str, list[Setting]] = {}
        for setting in self._ruleset.settings:
            if (wrong := list(self.words(setting, setting.where))) != []:
                yield from wrong
            elif not self._reach.reaches(setting):
                if self._reaches_registered(setting):
                    message = "this setting reaches no device of the rule"
                    yield _problem(setting.where, setting.rule, message)
            else:
                by_rule.setdefault(setting.rule, []).append(setting)
        for name, settings in by_rule.items():
            if len(settings) > 1:
                yield from self._hidden(name, settings)

    def _reaches_registered(self, setting: Setting) -> bool:
        rule = self._ruleset.by_name[setting.rule]
        unregistered = any("/" in device for device in setting.devices | rule.devices)
        return not unregistered and not rule.kinds.intersection(_UNREGISTERED)

    def _hidden(self, name: str, settings: list[Setting]) -> Iterator[Problem]:
        """Settings of one rule each of whose values is said again nearer to every device."""
        ranked = _Ranked(settings)
        for place, device in self._distinct(name, ranked):
            self._steps += 1
            if self._steps > MOST_STEPS or len(ranked.heard) == len(settings):
                break
            ranked.look(device, [above.code for above in self._site.chain(place)])
        else:
            for number, nearer in ranked.hidden():
                setting, where = settings[number], settings[nearer].where
                message = f"this setting changes nothing: {where.file}:{where.line} is nearer"
                yield _problem(setting.where, name, f"{message} to every device")

    def _distinct(self, name: str, ranked: _Ranked) -> Iterator[tuple[str, str]]:
        """The place of each device of a rule, with its id where a setting names it."""
        seen: set[tuple[str, str]] = set()
        for spot in self._reach.spots(name):
            for device in self._reach.devices[spot]:
                key = (device.place, device.id if device.id in ranked.by_device else "")
                if key not in seen:
                    seen.add(key)
                    yield key


class _Ranked:
    """The settings of one rule by how near they are to a device; numbers count from 0."""

    def __init__(self, settings: list[Setting]) -> None:
        self._settings = settings
        self.by_device: dict[str, list[int]] = {}
        self._by_code: dict[str, list[int]] = {}
        self._everywhere: list[int] = []
        self.heard: set[int] = set()
        """Those that say something to a device that no nearer one says."""
        self._nearer: dict[int, int] = {}
        # Of two that are equally near the later one counts.
        for number in reversed(range(len(settings))):
            setting = settings[number]
            for device in setting.devices:
                self.by_device.setdefault(device, []).append(number)
            for code in setting.grids:
                self._by_code.setdefault(code, []).append(number)
            if not setting.devices and not setting.grids:
                self._everywhere.append(number)

    def look(self, device: str, chain: list[str]) -> None:
        """Note who is heard by a device; ``chain`` are its places, nearest first."""
        said: dict[str, int] = {}
        near = [self.by_device.get(device, ()), *(self._by_code.get(code, ()) for code in chain)]
        for number in (n for numbers in (*near, self._everywhere) for n in numbers):
            names = self._settings[number].changes.keys()
            if names <= said.keys():
                self._nearer[number] = said[min(names)]
            else:
                self.heard.add(number)
            for name in names:
                said.setdefault(name, number)

    def hidden(self) -> Iterator[tuple[int, int]]:
        """Those that no device hears, each with one that is nearer."""
        for number, nearer in sorted(self._nearer.items()):
            if number not in self.heard:
                yield number, nearer


def _known(rule: Rule) -> bool:
    return not any("/" in device for device in rule.devices)


def _problem(where: Problem, rule: str, message: str) -> Problem:
    return where._replace(message=f"rule {rule!r}: {message}")


def _near(word: str, known: Collection[str]) -> str:
    """The nearest name, but no list of a thousand others."""
    hint = nearest(word, known) if len(known) <= MOST_TO_COMPARE else ""
    return hint if "did you mean" in hint else ""
