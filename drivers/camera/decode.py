"""ONVIF notifications to values: what PullMessages and Notify bring. Pure.

    topic        tns1:RuleEngine/CellMotionDetector/Motion      what it is about
    Source, Key  VideoSource=1, Rule=fence                      which part of the camera, of what
    Data         IsMotion=true                                  the state

Makers invent topics, item names and ways to say true. So a topic is known by the words in its
last segments, an item by its name (``IsPeople`` says more than the topic ``TPSmartEvent``), and
what nobody knows brings nothing. Sources: ONVIF Core 9 (events), Analytics A, Imaging 7.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from drivers._times import iso_ns
from drivers._values import MAX_TEXT, number, shown
from drivers.camera.soap import Element, parse
from gateway.model import EXTRA, Undecodable, Value

MOST_NOTICES: Final = 500
"""Notifications that one reply may bring; we ask for 100."""
_MOST_ITEMS: Final = 32
_LONGEST_TOPIC: Final = 300
_KEPT: Final = 4_096
"""Bytes of an undecodable reply that are kept."""

Operation = Literal["Initialized", "Changed", "Deleted", ""]


class Notice(NamedTuple):
    """One notification.

    ``key`` names the property: topic, source and key items. ``lasts``: its end will be told too;
    else it is a moment. ``utc`` is ns by the camera's own clock, believed by nobody as it is.
    """

    topic: str
    key: str
    values: dict[str, Value]
    lasts: bool
    operation: Operation
    video_source: str
    utc: int | None


class Meaning(NamedTuple):
    """What a true state of some topic or item is. ``extra`` goes beside ``value`` ("": none)."""

    value: str
    extra: str = ""
    reason: str = ""
    zoned: bool = False
    """Whether its rule is a place that somebody drew and named."""


_MOTION: Final = Meaning("motion")
_PERSON: Final = Meaning("motion", "person", zoned=True)
_VEHICLE: Final = Meaning("motion", "vehicle", zoned=True)
_ANIMAL: Final = Meaning("motion", "animal", zoned=True)
_FACE: Final = Meaning("motion", "face", zoned=True)
_LINE: Final = Meaning("motion", "line_crossed", zoned=True)
_FIELD: Final = Meaning("motion", zoned=True)
_INTRUSION: Final = Meaning("motion", "intrusion", zoned=True)
_TAMPER: Final = Meaning("tamper", reason="tamper")

_TOPICS: Final[tuple[tuple[str, Meaning], ...]] = (
    ("scenechange", Meaning("tamper", reason="scene_changed")),
    ("tamper", _TAMPER),
    ("toodark", Meaning("fault", reason="too_dark")),
    ("toobright", Meaning("fault", reason="too_bright")),
    ("tooblurry", Meaning("fault", reason="too_blurry")),
    ("signalloss", Meaning("fault", reason="signal_loss")),
    ("videoloss", Meaning("fault", reason="signal_loss")),
    ("storagefailure", Meaning("fault", reason="storage_failure")),
    ("fanfailure", Meaning("fault", reason="fan_failure")),
    ("powersupplyfailure", Meaning("fault", reason="power_supply_failure")),
    ("temperaturecritical", Meaning("fault", reason="temperature_critical")),
    ("failure", Meaning("fault", reason="hardware_failure")),
    ("impairedvisibility", Meaning("", "impaired_visibility")),  # fog, dust or smoke: a hint
    ("temperaturealarm", Meaning("alarm", reason="temperature")),
    ("radiometryalarm", Meaning("alarm", reason="temperature")),
    ("fire", Meaning("alarm", reason="fire")),
    ("flame", Meaning("alarm", reason="fire")),
    ("smoke", Meaning("alarm", reason="smoke")),
    ("digitalinput", Meaning("", "input")),
    ("port", Meaning("", "input")),
    ("relay", Meaning("", "relay")),
    ("sound", Meaning("", "sound")),
    ("package", Meaning("", "package")),
    ("visitor", Meaning("", "visitor")),
    ("human", _PERSON),
    ("people", _PERSON),
    ("person", _PERSON),
    ("vehicle", _VEHICLE),
    ("dogcat", _ANIMAL),
    ("animal", _ANIMAL),
    ("pet", _ANIMAL),
    ("face", _FACE),
    ("linecross", _LINE),
    ("linedetect", _LINE),
    ("crossline", _LINE),
    ("crossed", _LINE),
    ("intrusion", _INTRUSION),
    ("fenceguard", _INTRUSION),
    ("loiter", Meaning("motion", "loitering", zoned=True)),
    ("motionregion", _FIELD),
    ("field", _FIELD),
    ("objectsinside", _FIELD),
    ("object", _FIELD),
    ("motion", _MOTION),
)
"""Words in a segment of a topic, the more special before the more general."""

_ITEMS: Final[dict[str, Meaning]] = {
    "motion": _MOTION,
    "inside": _FIELD,
    "tamper": _TAMPER,
    "people": _PERSON,
    "person": _PERSON,
    "human": _PERSON,
    "vehicle": _VEHICLE,
    "car": _VEHICLE,
    "pet": _ANIMAL,
    "animal": _ANIMAL,
    "dogcat": _ANIMAL,
    "face": _FACE,
    "linecross": _LINE,
    "linecrossed": _LINE,
    "crossed": _LINE,
    "intrusion": _INTRUSION,
    "tpsmartevent": _MOTION,
    "package": Meaning("", "package"),
    "visitor": Meaning("", "visitor"),
    "sound": Meaning("", "sound"),
    "sounddetected": Meaning("", "sound"),
}
"""Names of items that say themselves what they are, in small letters and without "Is"."""

_STATES: Final = frozenset(
    {
        *("state", "active", "detected", "logicalstate", "alarmstate", "alarm", "value"),
        *("failed", "failure", "critical", "lost", "loss", "inside", "status"),
    }
)
"""Names of items whose meaning is the topic's."""
_CLASSES: Final = {
    "human": _PERSON,
    "person": _PERSON,
    "people": _PERSON,
    "vehicle": _VEHICLE,
    "car": _VEHICLE,
    "animal": _ANIMAL,
    "pet": _ANIMAL,
    "face": _FACE,
}
_TRUE: Final = frozenset({"true", "1", "on", "active", "yes", "start", "high"})
_FALSE: Final = frozenset({"false", "0", "off", "inactive", "no", "stop", "low", ""})
_MOMENTS: Final = frozenset({"objectid"})
"""An event without a state names only who did it."""
_VIDEO: Final = frozenset(
    {"videosource", "videosourcetoken", "source", "videosourceconfigurationtoken"}
)
_PLACES: Final = frozenset({"rule", "rulename", "region", "area", "field"})
_WHOLE: Final = frozenset({"port", "face", "fire", "pet", "smoke", "flame"})
"""Words that must stand alone: an interface has no face and a firewall no fire."""
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_QUIET: Final = frozenset({"value", "status"})
"""Items that hold a text or a number as often as a state."""
_NOT_A_NAME: Final = re.compile(r"[^a-z0-9]+")


def decode(body: bytes, source: str = "onvif") -> list[Notice | Undecodable]:
    """The notifications of a reply or of a push; what is damaged is named. Never raises.

    Nothing for a notification that no value follows from.
    """
    try:
        root = parse(body)
    except ValueError as error:
        return [Undecodable(source, body[:_KEPT], str(error))]
    return read(root, source)


def read(root: Element, source: str = "onvif") -> list[Notice | Undecodable]:
    """The same from a document that is read already."""
    found: list[Notice | Undecodable] = []
    for count, message in enumerate(_messages(root)):
        if count >= MOST_NOTICES:
            reason = f"more than {MOST_NOTICES} notifications in one reply"
            found.append(Undecodable(source, b"", reason))
            break
        found.extend(_one(message, source))
    return found


def _messages(root: Element) -> Iterator[Element]:
    return (each for each in root.walk() if each.name == "NotificationMessage")


class _Said(NamedTuple):
    """A notification taken apart; items in the order they came."""

    topic: str
    source: list[tuple[str, str]]
    key: list[tuple[str, str]]
    data: list[tuple[str, str]]
    operation: Operation


def _one(message: Element, source: str) -> Iterator[Notice | Undecodable]:
    inner = next((each for each in message.walk() if "UtcTime" in each.attributes), message)
    operation = inner.attributes.get("PropertyOperation", "")
    said = _Said(
        "".join(message.text_of("Topic").split())[:_LONGEST_TOPIC],
        _items(inner, "Source"),
        _items(inner, "Key"),
        _items(inner, "Data"),
        operation if operation in ("Initialized", "Changed", "Deleted") else "",  # type: ignore[arg-type]
    )
    wrong: list[str] = []
    values, lasts = _values(said, wrong)
    for reason in wrong:
        yield Undecodable(source, f"{said.topic} {said.data}"[:_KEPT].encode(), reason)
    if not values:
        return
    names = sorted(f"{name}={value}" for name, value in (*said.source, *said.key))
    video = next((value for name, value in said.source if name.lower() in _VIDEO), "")
    key = f"{said.topic}|{'|'.join(names)}"[:1_000]
    utc = _utc(inner.attributes.get("UtcTime", ""))
    yield Notice(said.topic, key, values, lasts, said.operation, video, utc)


def _items(message: Element, group: str) -> list[tuple[str, str]]:
    part = next((each for each in message.walk() if each.name == group), None)
    if part is None:
        return []
    items = [each.attributes for each in part.walk() if each.name == "SimpleItem"]
    return [
        (item.get("Name", "")[:MAX_TEXT], item.get("Value", "").strip()[:MAX_TEXT])
        for item in items[:_MOST_ITEMS]
    ]


def _values(said: _Said, wrong: list[str]) -> tuple[dict[str, Value], bool]:
    """The values, and whether their end will be told too; ``wrong`` takes what can not be read."""
    topic = _topic(said.topic)
    values: dict[str, Value] = {}
    if said.operation == "Deleted":
        if topic is not None:
            _set(values, topic, False, said)
        return values, True
    lasts = False
    for name, text in said.data:
        meaning = _item(name, topic)
        if meaning is None:
            continue
        state = text.lower()
        if state in _TRUE or state in _FALSE:
            _set(values, meaning, state in _TRUE, said)
            lasts = True
        elif name.lower() not in _QUIET:
            wrong.append(f"{name[:40]} is neither true nor false: {shown(text)}")
    if topic is not None and topic.value in ("", "motion"):
        lasts = _classes(values, said) or lasts
    if not values and topic is not None and topic.value == "motion" and _is_moment(said):
        _set(values, topic, True, said)
    if not values:
        _numbers(values, said)
    return values, lasts


def _topic(topic: str) -> Meaning | None:
    """By the last segment that is known."""
    for segment in reversed(topic.split("/")):
        name = segment.rpartition(":")[2]
        words = {word.lower() for word in _WORDS.findall(name)}
        for part, meaning in _TOPICS:
            if part in words or (part not in _WHOLE and part in name.lower()):
                return meaning
    return None


def _item(name: str, topic: Meaning | None) -> Meaning | None:
    """What an item says: of its own if it names a thing, else what its topic is about."""
    word = name.lower()
    own = _ITEMS.get(word.removeprefix("is"))
    if own is not None and topic is not None and topic.value == own.value:
        return own if own.extra else topic
    return own if own is not None else topic if word in _STATES else None


def _set(values: dict[str, Value], meaning: Meaning, state: bool, said: _Said) -> None:
    """Write a state; a true one wins over a false one of the same notification."""
    if meaning.value:
        values[meaning.value] = state or values.get(meaning.value) is True
    if meaning.extra:
        values[EXTRA + meaning.extra + _token(meaning, said)] = state
    if state and meaning.reason:
        values[EXTRA + "reason"] = meaning.reason
    if meaning.zoned and (zone := _zone(said)):
        values["zone"] = zone


def _token(meaning: Meaning, said: _Said) -> str:
    """``_1`` for input 1: a camera may have several."""
    if meaning.extra not in ("input", "relay") or not said.source:
        return ""
    token = _NOT_A_NAME.sub("_", said.source[0][1].lower())[:32].strip("_")
    return f"_{token}" if token else ""


def _zone(said: _Said) -> str:
    """What the part of the picture is called; "" for a number that a camera gave it."""
    named = (value for name, value in said.source if name.lower() in _PLACES)
    return next((value for value in named if not value.isdigit()), "")[:MAX_TEXT]


def _classes(values: dict[str, Value], said: _Said) -> bool:
    """What an object detector names; an empty list is the end. Whether there was such a list."""
    for name, text in said.data:
        if name.lower() not in ("classtypes", "classtype", "objecttype"):
            continue
        active = values.get("motion", bool(text))
        for word in text.lower().replace(",", " ").split():
            if word in _CLASSES:
                values[EXTRA + _CLASSES[word].extra] = bool(active)
        values["motion"] = bool(active)
        if zone := _zone(said):
            values["zone"] = zone
        return True
    return False


def _is_moment(said: _Said) -> bool:
    return any(name.lower() in _MOMENTS for name, _ in said.data)


def _numbers(values: dict[str, Value], said: _Said) -> None:
    """The few measurements: how busy the camera is, how hot a spot is (Kelvin, by Thermal 5)."""
    last = said.topic.rpartition("/")[2].lower()
    for name, text in said.data:
        wanted = {"processorusage": "value", "spottemperaturereading": "temperature"}.get(last)
        if name.lower() != wanted:
            continue
        try:
            value = number(text)
        except ValueError:
            continue
        if value is not None:
            kelvin = last == "spottemperaturereading"
            label = "spot_temperature_k" if kelvin else "processor"
            values[EXTRA + label] = value


def _utc(text: str) -> int | None:
    try:
        return iso_ns(text) if text else None
    except ValueError:
        return None
