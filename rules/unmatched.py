"""Rules and settings that no device of the site matches, and which word of them matches none."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from gateway.document import Problem, nearest
from gateway.model import UNKNOWN_KIND, Device, Site
from rules.decide import same_place
from rules.reach import Reach, Sort
from rules.rule import Confirm, Rule, Setting
from rules.ruleset import Ruleset

MOST_TO_COMPARE: Final = 2_000
"""Names; looking for the nearest of more takes a second for each wrong one."""
MOST_STEPS: Final = 1_000_000
"""Of the search for places where rules meet, and for settings that others hide."""
_UNREGISTERED: Final = ("gateway", UNKNOWN_KIND)
"""Kinds of devices that stand in no registry."""


def unmatched(ruleset: Ruleset, reach: Reach, shipped: Collection[str]) -> Iterator[Problem]:
    """Warnings, each at its rule or setting; none for a site without devices.

    Of the rules in the files ``shipped`` only those that choose devices by a tag, a place or a
    name: a pack is for sites of every sort.
    """
    if not reach.site.devices:
        return
    search = _Search(ruleset, reach)
    for rule in ruleset.rules:
        if rule.where.file not in shipped:
            yield from search.rule(rule)
        elif rule.tags or rule.grids or rule.devices:
            yield from search.words(rule, rule.where)
    yield from search.settings()


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


class _Search:
    def __init__(self, ruleset: Ruleset, reach: Reach) -> None:
        self._ruleset = ruleset
        self._reach = reach
        self._site = reach.site
        self._kinds = {device.kind for device in self._site.devices.values()}
        self._tags = {tag for device in self._site.devices.values() for tag in device.tags}
        self._steps = 0
        self._places: dict[str, dict[Sort, dict[str, set[str]]]] = {}

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
        if not found and registered and not self._reach.sorts[rule.name] and _known(rule):
            written = (("on", rule.kinds), ("tag", rule.tags), ("grid", rule.grids))
            keys = [key for key, words in (*written, ("device", rule.devices)) if words]
            message = f"no registered device fits {' and '.join(keys)} together"
            found.append(_problem(rule.where, rule.name, message))
        yield from found

    def words(self, chosen: Rule | Setting, where: Problem) -> Iterator[Problem]:
        """Codes, names and tags that nothing at the site has."""
        name = chosen.name if isinstance(chosen, Rule) else chosen.rule
        for code in sorted(chosen.grids - self._site.places.keys()):
            message = f"there is no place {code!r}{_near(code, self._site.places)}"
            yield _problem(where, name, message)
        for device in sorted(chosen.devices - self._site.devices.keys()):
            if "/" not in device:  # else the address of a device that nobody registered
                message = f"there is no device {device!r}{_near(device, self._site.devices)}"
                yield _problem(where, name, message)
        for tag in sorted(chosen.tags - self._tags) if isinstance(chosen, Rule) else ():
            yield _problem(where, name, f"no device has the tag {tag!r}{_near(tag, self._tags)}")

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
        sorts = {sort for name in confirm.rules for sort in self._reach.sorts.get(name, ())}
        devices: dict[str, int] = {}
        kinds: dict[str, set[str]] = {}
        for sort in sorts:
            for place, here in self._devices_by_place(same).get(sort, {}).items():
                devices[place] = devices.get(place, 0) + len(here)
                kinds.setdefault(place, set()).add(sort.kind)
                self._steps += 1
                enough = devices[place] >= confirm.devices and len(kinds[place]) >= confirm.kinds
                if enough or self._steps > MOST_STEPS:
                    return True
        return False

    def _devices_by_place(self, same: str) -> dict[Sort, dict[str, set[str]]]:
        """Sort -> place within which alarms are one -> its devices of that sort."""
        if same in self._places:
            return self._places[same]
        found: dict[Sort, dict[str, set[str]]] = {}
        known: dict[tuple[str, str], str] = {}
        for sort, devices in self._reach.devices.items():
            for device in devices:
                key = (device.place, device.flat)
                if same != "device" and key not in known:
                    known[key] = same_place(same, device.id, self._site)
                place = known.get(key, "")
                if same == "device" or place.startswith("device:"):
                    place = f"device:{device.id}"
                found.setdefault(sort, {}).setdefault(place, set()).add(device.id)
        self._places[same] = found
        return found

    # --- settings ------------------------------------------------------------------------

    def settings(self) -> Iterator[Problem]:
        """Settings that reach no device, or that others hide from every device they reach."""
        by_rule: dict[str, list[Setting]] = {}
        for setting in self._ruleset.settings:
            if (wrong := list(self.words(setting, setting.where))) != []:
                yield from wrong
            elif next(self._reach.chosen(setting), None) is None:
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
        counts: set[int] = set()
        hider: dict[int, Setting] = {}
        seen: set[tuple[str, str]] = set()
        for device in self._devices_of(name):
            own = device.id if any(device.id in each.devices for each in settings) else ""
            if (device.place, own) in seen:
                continue
            seen.add((device.place, own))
            self._steps += len(settings)
            if self._steps > MOST_STEPS:
                return
            chain = tuple(place.code for place in self._site.chain(device.place))
            said = [
                (far, -number)
                for number, each in enumerate(settings)
                if (far := each.distance(device.id, chain)) is not None
            ]
            _mark(settings, [-number for _, number in sorted(said)], counts, hider)
        for number, setting in enumerate(settings):
            if number not in counts and number in hider:
                where = hider[number].where
                message = f"this setting changes nothing: {where.file}:{where.line} is nearer"
                yield _problem(setting.where, name, f"{message} to every device")

    def _devices_of(self, name: str) -> Iterator[Device]:
        for sort in self._reach.sorts.get(name, ()):
            yield from self._reach.devices[sort]


def _mark(
    settings: list[Setting], nearest_first: list[int], counts: set[int], hider: dict[int, Setting]
) -> None:
    """Note which of the settings of one device say something that no nearer one says."""
    by: dict[str, int] = {}
    for number in nearest_first:
        names = settings[number].changes.keys()
        if names <= by.keys():
            hider[number] = settings[by[min(names)]]
        else:
            counts.add(number)
        for what in names:
            by.setdefault(what, number)


def _known(rule: Rule) -> bool:
    return not any("/" in device for device in rule.devices)


def _problem(where: Problem, rule: str, message: str) -> Problem:
    return where._replace(message=f"rule {rule!r}: {message}")


def _near(word: str, known: Collection[str]) -> str:
    """The nearest name, but no list of a thousand others."""
    hint = nearest(word, known) if len(known) <= MOST_TO_COMPARE else ""
    return hint if "did you mean" in hint else ""
