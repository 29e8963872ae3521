"""What was announced, gathered: devices with their entities, and topics with who listens. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, KeysView
from typing import Final, NamedTuple

from drivers.mqtt.decode import EXTRAS
from drivers.mqtt.dialects.homeassistant.announced import Owner
from drivers.mqtt.dialects.homeassistant.entity import Entity, Online, cries
from drivers.mqtt.dialects.homeassistant.meanings import KINDS, VIBRATING
from drivers.mqtt.dialects.homeassistant.operators import Said
from gateway.model import EXTRA, Value, every_value_name

TOPICS: Final = 4_000
"""Topics that are followed; below what the driver subscribes to in one connection."""
ENTITIES: Final = 20_000
_ON_A_TOPIC: Final = 200
"""Entities that one topic is read for: a message may not cost more than their templates."""
_WRONG: Final = 5
_TRUTHS: Final = frozenset(name for name, value in every_value_name().items() if value.type is bool)


Truth = tuple[str, bool]
"""A value's name, and what an entity said of it."""


class Told(NamedTuple):
    """What one message said about one device."""

    values: dict[str, Value]
    moments: tuple[str, ...]
    """Values that will not be taken back by a message."""
    hold: float
    expire: float
    """Seconds after which the device counts as away; 0: it does not say."""
    wrong: list[str]


class Device:
    """One announced device; its values come from several entities, perhaps on several topics."""

    def __init__(self, owner: Owner) -> None:
        self.owner = owner
        self._kind = ""
        self._rings_by_motion = False
        self._delayed = False
        self._looked = True
        """Whether the three above are those of the entities as they are."""
        self._entities: dict[str, Entity] = {}
        self._given: Counter[str] = Counter()
        """Value -> entities that give it."""
        self._latest: dict[str, dict[str, bool]] = {}

    @property
    def kind(self) -> str:
        """What the device is for, by its entities."""
        self._look()
        return self._kind

    @property
    def keys(self) -> KeysView[str]:
        """Its entities' keys."""
        return self._entities.keys()

    @property
    def empty(self) -> bool:
        """Whether nothing of it is left."""
        return not self._entities

    def add(self, key: str, entity: Entity) -> Entity:
        """Take ``entity`` in; a second thermometer of one device is an extra."""
        if self._given[entity.value] > 0 and entity.value not in _TRUTHS:
            entity = entity._replace(value=EXTRA + entity.slug)
        self._entities[key] = entity
        self._given[entity.value] += 1
        self._looked = False
        return entity

    def remove(self, key: str) -> Truth | None:
        """Forget an entity; the truth that it told last."""
        entity = self._entities.pop(key, None)
        if entity is None:
            return None
        self._looked = False
        self._given[entity.value] -= 1
        told = self._latest.get(entity.value, {}).pop(key, None)
        return None if told is None else (entity.value, told)

    def resume(self, key: str, before: Truth) -> None:
        """An entity that is announced again goes on where it was."""
        name, told = before
        if self._entities[key].value == name:
            self._latest.setdefault(name, {}).setdefault(key, told)

    def _look(self) -> None:
        """Once after all changes of a message: a device may have thousands of entities."""
        if self._looked:
            return
        self._looked = True
        kinds = {entity.kind for entity in self._entities.values()}
        kind = next((known for known in KINDS if known in kinds), "")
        self._kind = "" if kind == VIBRATING else kind
        values = {entity.value for entity in self._entities.values()}
        self._rings_by_motion = kind == "infrared" and "alarm" not in values
        self._delayed = any(entity.off_delay for entity in self._entities.values())

    def told(
        self,
        entities: Iterable[tuple[str, Entity]],
        said: Said,
        alarming: frozenset[str],
        hold: float,
    ) -> Told:
        """What ``said`` means for these of its entities.

        ``hold`` is the seconds that an event lasts; 0: it is history, which begins nothing.
        """
        values: dict[str, Value] = {}
        wrong: list[str] = []
        moments: list[str] = []
        longest = expire = 0.0
        for key, entity in entities:
            try:
                value = entity.read(said)
            except ValueError as error:
                if len(wrong) < _WRONG:
                    wrong.append(f"{entity.slug}: {error}")
                continue
            if value is None or (entity.moment and not hold):
                continue
            if entity.expire_after > expire:
                expire = entity.expire_after
            if entity.moment:
                longest = max(longest, hold)
                moments += self._moment(entity, str(value), alarming, values)
                continue
            self._put(key, entity.value, value, values)
            if value is True and entity.off_delay:
                longest = max(longest, entity.off_delay)
                moments.append(entity.value)
                # its end comes without a message, and must not be waited for by its siblings
                self._latest.get(entity.value, {}).pop(key, None)
        self._look()
        if self._rings_by_motion and "occupied" in values:
            values["alarm"] = values["occupied"]
            if "occupied" in moments:
                moments.append("alarm")
        expire = 0.0 if self._delayed else expire
        return Told(values, tuple(moments), longest, expire, wrong)

    def _put(self, key: str, name: str, value: Value, values: dict[str, Value]) -> None:
        """A truth that several entities tell is true while any of them is."""
        if name in _TRUTHS and isinstance(value, bool):
            latest = self._latest.setdefault(name, {})
            latest[key] = value
            values[name] = value or True in latest.values()
        elif name in values or len(values) < EXTRAS:
            values[name] = value

    def _moment(
        self, entity: Entity, word: str, alarming: frozenset[str], values: dict[str, Value]
    ) -> list[str]:
        """An event: an alarm where it is a call for help."""
        values[entity.value] = word
        begun = "alarm" if cries(word, alarming) else ""
        if not begun and entity.kind == "infrared":
            begun = "occupied"
        if begun:
            values[begun] = True
        return [begun] if begun else []


class Topic:
    """Who listens to one topic."""

    def __init__(self) -> None:
        self.readers: dict[str, list[tuple[str, Entity]]] = {}
        """Device -> its entities here."""
        self.watchers: dict[str, Online] = {}
        """Device -> how the topic says that it is there."""
        self.retained = b""
        """What the broker keeps, for entities that are announced later."""

    @property
    def full(self) -> bool:
        """Whether it has as many readers as it may."""
        return sum(map(len, self.readers.values())) >= _ON_A_TOPIC
