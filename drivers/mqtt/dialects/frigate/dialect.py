"""The ``frigate`` dialect: a camera has motion while at least one sighting that counts lasts.

events, reviews ─▶ Sighting ─▶ does it count? ─▶ what is before the camera ─▶ motion
                                                   └ forgotten after a silence
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from drivers._momentary import Momentary
from drivers._values import number, truth
from drivers.mqtt.decode import LONGEST_NAME, Decode, Filter, Out, fields_of, undecodable
from drivers.mqtt.dialects.frigate.decode import Sighting, event_of, review_of
from drivers.mqtt.dialects.frigate.options import Options
from gateway.model import EXTRA, SECOND, Evidence, Reading, Value

_MOST: Final = 1_000
"""Cameras, and sightings of one camera, that are remembered."""
_MOST_PICTURE: Final = 5_000_000
_SERVER: Final = "frigate"
_KIND: Final = "camera"
_COMMANDS: Final = ("set", "state", "get")
_ONLINE: Final = {b"online": True, b"offline": False, b"stopped": False}


class _Camera:
    """What is before one camera."""

    __slots__ = ("last", "online", "sightings", "sounding", "told")

    def __init__(self) -> None:
        self.sightings: dict[tuple[str, str], int] = {}
        """(source, id) -> when it was last heard of, wall ns of Frigate."""
        self.last: tuple[object, ...] = ()
        """What was said last: an update that says the same is nothing."""
        self.told = 0
        """When that was, wall ns of Frigate."""
        self.sounding: set[str] = set()
        """The alarm sounds that are heard."""
        self.online: bool | None = None


class Dialect:
    """Reads everything below one base topic."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._base = options.base + "/"
        self._cameras: dict[str, _Camera] = {}

    def filters(self, qos: int) -> list[Filter]:
        """One subscription: cameras and zones are levels of their own."""
        return [Filter(self._base + "#", qos)]

    def plan(self, topic: str) -> Decode | None:
        """The decoder of ``topic``, if it lies below the base."""
        if not topic.startswith(self._base):
            return None
        steps = topic[len(self._base) :].split("/")
        whole: dict[str, Callable[[str, bytes], Sequence[Out]]] = {
            "events": self._event,
            "reviews": self._review,
            "stats": self._stats,
            "tracked_object_update": self._classified,
        }
        if steps == ["available"]:
            return partial(self._available, topic)
        if len(steps) == 1:
            read = whole.get(steps[0])
            return _live(topic, read) if read is not None else _ignore
        if steps[-1] in _COMMANDS or not steps[0]:
            return _ignore
        return self._camera_topic(topic, steps[0][:LONGEST_NAME], steps[1:])

    # --- sightings ----------------------------------------------------------------------

    def _event(self, topic: str, payload: bytes) -> Sequence[Out]:
        return self._sighted(topic, payload, event_of)

    def _review(self, topic: str, payload: bytes) -> Sequence[Out]:
        return self._sighted(topic, payload, review_of)

    def _sighted(
        self, topic: str, payload: bytes, read: Callable[[Mapping[str, Any]], Sighting]
    ) -> Sequence[Out]:
        try:
            sighting = read(fields_of(payload))
        except ValueError as error:
            return [undecodable(topic, payload, str(error))]
        if sighting.source not in self._options.sources:
            return []
        camera = self._camera(sighting.camera)
        fits = self._counts(sighting)
        counts = fits and not sighting.ended
        news = self._keep(camera, sighting, counts)
        # a first and a last word that come again were not stored, or their keys drop them
        news = news or (fits and (sighting.begun or sighting.ended))
        if camera.sightings and not counts:
            return []  # others last; what this one was says nothing of them
        return self._motion(sighting.camera, camera, sighting, news)

    def _keep(self, camera: _Camera, sighting: Sighting, counts: bool) -> bool:
        """Add or remove the sighting; whether it is a new one.

        One that nothing was heard of for long is gone: its end was lost.
        """
        place, sightings = (sighting.source, sighting.id), camera.sightings
        before = sightings.pop(place, None)
        if counts:
            sightings[place] = sighting.heard
            if len(sightings) > _MOST:
                del sightings[next(iter(sightings))]
        oldest = sighting.heard - int(self._options.forget * SECOND)
        for gone in [each for each, heard in sightings.items() if 0 < heard < oldest]:
            del sightings[gone]
        return counts and before is None

    def _counts(self, sighting: Sighting) -> bool:
        options = self._options
        if sighting.false_positive:
            return False
        if options.severity == "alert" and sighting.severity not in ("", "alert"):
            return False
        if options.labels and not set(options.labels) & set(sighting.labels):
            return False
        return not options.zones or bool(set(options.zones) & set(sighting.zones))

    def _motion(self, name: str, camera: _Camera, sighting: Sighting, news: bool) -> Sequence[Out]:
        moving = bool(camera.sightings)
        zone = ", ".join(sighting.zones)
        said = (moving, zone, sighting.labels, sighting.severity) if moving else (False,)
        # what lasts is said again before it is forgotten
        stale = moving and sighting.heard - camera.told >= self._options.forget * SECOND / 3
        same = said == camera.last or (not moving and not camera.last)
        if same and not news and not stale:
            return []
        camera.last, camera.told = said, sighting.heard
        values: dict[str, Value] = {"motion": moving}
        if moving:
            values |= _about(sighting, zone)
        # a review's messages carry no time of their own: two alike may be two
        unique = sighting.source == "events" and sighting.at is not None
        key = f"{sighting.id}-{sighting.at}-{moving}" if unique else ""
        reading = Reading(name, _KIND, values, sighting.at, key)
        return [Momentary(reading, ("motion",), self._options.forget) if moving else reading]

    def _camera(self, name: str) -> _Camera:
        camera = self._cameras.get(name)
        if camera is None:
            if len(self._cameras) >= _MOST:
                del self._cameras[next(iter(self._cameras))]
            camera = self._cameras[name] = _Camera()
        return camera

    # --- the server ---------------------------------------------------------------------

    def _available(self, topic: str, payload: bytes, retained: bool) -> Sequence[Out]:
        """Without Frigate nobody watches: its cameras are gone, and what they saw has ended."""
        online = _ONLINE.get(payload.strip().lower())
        if online is None:
            return [undecodable(topic, payload, "neither online nor offline")]
        said: dict[str, Value] = {"extra.online": online}
        found: list[Out] = [Reading(_SERVER, "gateway", said, retained=retained)]
        for name, camera in self._cameras.items() if not online else ():
            values: dict[str, Value] = {"online": False, "motion": False}
            if camera.sounding:
                values["alarm"] = False
            camera.sightings.clear()
            camera.sounding.clear()
            camera.last, camera.online = (), False
            found.append(Reading(name, _KIND, values, retained=retained))
        return found

    def _stats(self, topic: str, payload: bytes) -> Sequence[Out]:
        """A camera without pictures is gone; said when it changes, for stats come every minute."""
        try:
            cameras = fields_of(payload).get("cameras")
        except ValueError as error:
            return [undecodable(topic, payload, str(error))]
        found: list[Out] = []
        for name, stats in list(cameras.items())[:_MOST] if isinstance(cameras, dict) else ():
            rate = stats.get("camera_fps") if isinstance(stats, dict) else None
            if not isinstance(rate, (int, float)) or not name:
                continue
            online, camera = rate > 0, self._camera(name[:LONGEST_NAME])
            if camera.online is not online:
                camera.online = online
                found.append(Reading(name[:LONGEST_NAME], _KIND, {"online": online}))
        return found

    def _classified(self, topic: str, payload: bytes) -> Sequence[Out]:
        """A second model's word on an object; it begins and ends nothing."""
        try:
            fields = fields_of(payload)
        except ValueError as error:
            return [undecodable(topic, payload, str(error))]
        camera = fields.get("camera")
        if not isinstance(camera, str) or not camera:
            return []
        values: dict[str, Value] = {}
        for name in ("sub_label", "attribute", "description", "name", "plate"):
            if isinstance(word := fields.get(name), str) and word:
                values[EXTRA + name] = word[:200]
        return [Reading(camera[:LONGEST_NAME], _KIND, values)] if values else []

    # --- one camera's own topics ----------------------------------------------------------

    def _camera_topic(self, topic: str, name: str, rest: list[str]) -> Decode:
        def decode(payload: bytes, retained: bool) -> Sequence[Out]:
            try:
                return self._said(name, rest, payload, retained)
            except ValueError as error:
                return [undecodable(topic, payload, str(error))]

        return decode

    def _said(self, name: str, rest: list[str], payload: bytes, retained: bool) -> Sequence[Out]:
        if rest[-1] == "snapshot":
            return self._snapshot(name, rest[0], payload, retained)
        word = payload[:100].decode("utf-8", "replace").strip()
        values: dict[str, Value]
        if rest[0] == "motion":
            counts = "motion" in self._options.sources
            return self._raw_motion(name, word, retained) if counts else []
        if rest[0] == "status" and len(rest) == 2:
            if rest[1] != "detect":
                return []
            values = {"online": word == "online", "extra.status": word}
        elif rest[0] == "audio" and len(rest) == 2:
            values = self._sound(self._camera(name), rest[1], word)
        elif rest == ["review_status"]:
            values = {"extra.review": word.lower()}
        elif len(rest) == 1 or rest[1:] == ["active"]:
            count = number(word)
            if count is None:
                return []
            values = {EXTRA + "_".join(rest)[:60]: count}
        else:
            return []
        return [Reading(name, _KIND, values, retained=retained)]

    def _raw_motion(self, name: str, word: str, retained: bool) -> Sequence[Out]:
        moving = truth(word)
        if moving is None:
            return []
        camera = self._camera(name)
        place = ("motion", "")
        camera.sightings.pop(place, None)
        if moving:
            camera.sightings[place] = 0
        reading = Reading(name, _KIND, {"motion": bool(camera.sightings)}, retained=retained)
        if moving and not retained:
            return [Momentary(reading, ("motion",), self._options.forget)]
        return [reading]

    def _sound(self, camera: _Camera, sound: str, word: str) -> dict[str, Value]:
        """An alarm lasts while any of its sounds is heard."""
        if sound in ("dBFS", "rms"):
            level = number(word)
            return {f"extra.audio_{sound}": level if level is not None else 0.0}
        heard = truth(word)
        if heard is None:
            raise ValueError("neither ON nor OFF")
        if sound in self._options.alarm_sounds:
            (camera.sounding.add if heard else camera.sounding.discard)(sound)
            return {"alarm": bool(camera.sounding), "extra.sound": sound}
        return {f"extra.audio_{sound[:50]}": heard}

    def _snapshot(self, name: str, label: str, payload: bytes, retained: bool) -> Sequence[Out]:
        """The picture of a sighting. A retained one is of some earlier day."""
        if retained or not payload.startswith(b"\xff\xd8\xff") or len(payload) > _MOST_PICTURE:
            return []
        picture = Evidence("image/jpeg", content=payload)
        return [Reading(name, _KIND, {"extra.snapshot": label[:60]}, evidence=picture)]


def _about(sighting: Sighting, zone: str) -> dict[str, Value]:
    values: dict[str, Value] = {}
    if zone:
        values["zone"] = zone[:200]
    if sighting.labels:
        values["extra.label"] = ", ".join(sighting.labels)[:200]
    if sighting.score is not None:
        values["extra.score"] = sighting.score
    if sighting.severity:
        values["extra.severity"] = sighting.severity
    return values


def _live(topic: str, read: Callable[[str, bytes], Sequence[Out]]) -> Decode:
    """What a broker remembers of a stream of events is none of them now."""
    stream = topic.rpartition("/")[2] in ("events", "reviews", "tracked_object_update")

    def decode(payload: bytes, retained: bool) -> Sequence[Out]:
        return [] if retained and stream else read(topic, payload)

    return decode


def _ignore(payload: bytes, retained: bool) -> Sequence[Out]:
    """Commands, answers, logs: not readings."""
    return []
