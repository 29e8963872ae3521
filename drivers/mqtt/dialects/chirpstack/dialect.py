"""The ``chirpstack`` dialect: the events of a ChirpStack v4 network server, and v3's uplinks. Pure.

Sources: chirpstack.io "Integrations: MQTT" and "Event types", integration.proto. Members that are
0, false or empty are left out there; they are no faults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from drivers._values import number
from drivers.mqtt.decode import LONGEST_NAME, Decode, Filter, Out, fields_of, undecodable
from drivers.mqtt.dialects.chirpstack.options import Options
from drivers.mqtt.lorawan.payload import Payloads
from drivers.mqtt.lorawan.uplink import (
    Uplink,
    best,
    count_of,
    eui_of,
    extras_of,
    mapping_of,
    payload_of,
    port_of,
    text_of,
    time_of,
)
from gateway.model import EXTRA, Value

_EVENTS: Final = "application/+/device/+/event/"
_TAGS: Final = ("model", "maker_model", "device_model", "brand_model")
"""Tags of a device profile that name the model, where somebody keeps them."""
_NO_JSON: Final = (
    "not JSON, protobuf perhaps; write json=true under [integration.mqtt] in chirpstack.toml"
)
_QUIET: Final = frozenset({"ack", "txack"})
"""Downlinks' events: this gateway sends none."""

Event = Callable[[Uplink, Mapping[str, Any], list[str]], dict[str, Value]]


class Dialect:
    """Reads the events of every application. Keeps what it knows of each device."""

    def __init__(self, options: Options) -> None:
        self._base = options.prefix + "/" if options.prefix else ""
        self._payloads = Payloads(options)

    def close(self) -> None:
        """Leave no process behind."""
        self._payloads.close()

    def filters(self, qos: int) -> list[Filter]:
        """One subscription: the server's access list allows it for a whole application."""
        return [Filter(f"{self._base}{_EVENTS}+", qos)]

    def plan(self, topic: str) -> Decode | None:
        """The decoder of ``topic``, if it is an event's."""
        steps = topic.removeprefix(self._base).split("/")
        if not topic.startswith(self._base) or len(steps) != 6 or steps[0::2] != _NAMES:
            return None
        event, device = steps[5], eui_of(steps[3]) or steps[3][:LONGEST_NAME]
        if event in _QUIET:
            return _ignore
        if event == "up":
            return self._decoder(topic, device, self._up)
        return self._decoder(topic, device, _other(self._payloads, _READ.get(event, _integration)))

    def _decoder(self, topic: str, device: str, read: Callable[..., Any]) -> Decode:
        def decode(payload: bytes, retained: bool) -> list[Out]:
            try:
                fields = fields_of(payload)
            except ValueError as error:
                begins = payload.lstrip()[:1] == b"{"
                return [undecodable(topic, payload, str(error) if begins else _NO_JSON)]
            items: list[Out]
            items, wrong = read(device, fields, retained)
            if wrong:
                items.append(undecodable(topic, payload, "; ".join(wrong)[:1_000]))
            return items

        return decode

    def _up(
        self, device: str, fields: Mapping[str, Any], retained: bool
    ) -> tuple[list[Out], list[str]]:
        wrong: list[str] = []
        heard = best(fields.get("rxInfo"), "snr" if "deviceInfo" in fields else "loRaSNR", 0.0)
        count = count_of(fields.get("fCnt"), "fCnt", wrong)
        times = (fields.get("time"), *(heard.fields.get(name) for name in _TIMES))
        at = time_of(times, "time", wrong)
        told = _told(device, fields)
        uplink = told._replace(
            key=_key(fields, heard.fields, count),
            at=at,
            port=port_of(fields.get("fPort"), "fPort", wrong),
            data=payload_of(fields.get("data"), "data", wrong),
            decoded=_object(fields, wrong),
            rssi=heard.rssi,
            snr=heard.snr if heard.rssi is not None else None,
            encrypted=bool(fields.get("joinServerContext")),
            wrong=tuple(wrong),
        )
        return self._payloads.items(uplink, retained)


def _ignore(payload: bytes, retained: bool) -> list[Out]:
    return []


def _other(payloads: Payloads, event: Event) -> Callable[..., Any]:
    """The reader of an event that has no payload."""

    def read(device: str, fields: Mapping[str, Any], retained: bool) -> tuple[list[Out], list[str]]:
        wrong: list[str] = []
        uplink = _told(device, fields)
        at = time_of((fields.get("time"),), "time", wrong)
        key = text_of(fields.get("deduplicationId"))[:64]
        uplink = uplink._replace(at=at, key=key or (f"event-{at}" if at is not None else ""))
        values = event(uplink, fields, wrong)
        items = payloads.plain(uplink, values, retained) if values else []
        return items, wrong or ([] if values else ["nothing known is in it"])

    return read


_NAMES: Final = ["application", "device", "event"]
_TIMES: Final = ("gwTime", "nsTime", "time")
"""The best gateway's, where the server's own is missing."""


def _told(device: str, fields: Mapping[str, Any]) -> Uplink:
    """Who reports, with its names: ``deviceInfo`` in v4, the message itself in v3."""
    info = mapping_of(fields.get("deviceInfo")) or fields
    eui = eui_of(info.get("devEui") or info.get("devEUI")) or device
    profile = text_of(info.get("deviceProfileName"))
    tags = mapping_of(info.get("tags"))
    model = next((text for tag in _TAGS if (text := text_of(tags.get(tag)))), "") if tags else ""
    name = text_of(info.get("deviceName"))
    texts = tuple(text for text in (model, profile) if text)
    return Uplink(eui, name, model or profile, texts, tuple(a for a in (profile, name) if a))


def _key(fields: Mapping[str, Any], gateway: Mapping[str, Any], count: int) -> str:
    """Session, frame counter, and the beginning of the id that the server gave this uplink.

    A session alone is not enough: a device that was activated by hand keeps its address when
    its counter begins again, and its new reports must not be refused.
    """
    once = fields.get("deduplicationId") or gateway.get("uplinkID") or fields.get("time")
    if not isinstance(once, str) or not once:
        return ""
    session = text_of(fields.get("devAddr"))[:16]
    return f"{session}-{count}-{once[:40] if 'deduplicationId' not in fields else once[:13]}"


def _object(fields: Mapping[str, Any], wrong: list[str]) -> Mapping[str, Any] | None:
    """What the server's codec made of the payload; v3 writes it as a text."""
    found = fields.get("object")
    if found is None and (text := fields.get("objectJSON")):
        try:
            found = msgspec.json.decode(text) if isinstance(text, str) else text
        except (msgspec.DecodeError, RecursionError) as error:
            wrong.append(f"objectJSON: {error}")
            return None
    return found if isinstance(found, dict) else None


# --- the other events -----------------------------------------------------------------------


def _status(uplink: Uplink, fields: Mapping[str, Any], wrong: list[str]) -> dict[str, Value]:
    """A battery level that is left out is 0 %, unless one of the two flags says why."""
    external = fields.get("externalPowerSource") is True
    values: dict[str, Value] = {EXTRA + "external_power": external}
    for name, raw in (("battery", "batteryLevel"), (EXTRA + "margin", "margin")):
        if name == "battery" and (external or fields.get("batteryLevelUnavailable") is True):
            continue
        try:
            values[name] = number(fields.get(raw)) or 0.0
        except ValueError as error:
            wrong.append(f"{raw}: {error}")
    return values


def _join(uplink: Uplink, fields: Mapping[str, Any], wrong: list[str]) -> dict[str, Value]:
    return {EXTRA + "joined": True}


def _log(uplink: Uplink, fields: Mapping[str, Any], wrong: list[str]) -> dict[str, Value]:
    """What the server noticed about a device: for the console, and no alarm."""
    names = (("log_level", "level"), ("log", "code"), ("log_text", "description"))
    found = {EXTRA + name: text_of(fields.get(raw)) for name, raw in names}
    return {name: text for name, text in found.items() if text}


def _location(uplink: Uplink, fields: Mapping[str, Any], wrong: list[str]) -> dict[str, Value]:
    place = mapping_of(fields.get("location"))
    return extras_of({name: place.get(name) for name in ("latitude", "longitude", "altitude")})


def _integration(uplink: Uplink, fields: Mapping[str, Any], wrong: list[str]) -> dict[str, Value]:
    """Another integration's event, and events of versions to come: plain members as extras."""
    named = {"integration": fields.get("integrationName"), "event": fields.get("eventType")}
    return extras_of(named | dict(mapping_of(fields.get("object"))))


_READ: Final[Mapping[str, Event]] = {
    "status": _status,
    "join": _join,
    "log": _log,
    "location": _location,
    "integration": _integration,
}
