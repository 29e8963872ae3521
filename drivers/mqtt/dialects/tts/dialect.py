"""The ``tts`` dialect: what The Things Stack v3 publishes for an application. Pure.

Sources: thethingsindustries.com "MQTT Server" and "Data Formats". Members that are 0, false or
empty are left out there; they are no faults. What a message is its own member says, not its
topic: an application may publish under topics of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from drivers.mqtt.decode import LONGEST_NAME, Decode, Filter, Out, fields_of, undecodable
from drivers.mqtt.dialects.tts.options import Options
from drivers.mqtt.lorawan.payload import Payloads
from drivers.mqtt.lorawan.uplink import (
    Uplink,
    best,
    count_of,
    eui_of,
    extras_of,
    mapping_of,
    number_of,
    payload_of,
    port_of,
    text_of,
    time_of,
)
from gateway.model import EXTRA, Value

_TOPICS: Final = ("up", "join", "service/data", "location/solved")
"""The queue of downlinks is not ours; ``up/normalized`` says again what ``up`` says."""
_DOWN: Final = "downlink_"
_FULL: Final = 100

Fields = Mapping[str, Any]


class Dialect:
    """Reads one application, or all. Keeps what it knows of each device."""

    def __init__(self, options: Options) -> None:
        self._base = f"v3/{options.application}/devices/+/"
        self._simulated = options.simulated
        self._payloads = Payloads(options)

    def close(self) -> None:
        """Leave no process behind."""
        self._payloads.close()

    def filters(self, qos: int) -> list[Filter]:
        """One subscription for each kind of message. The Things Stack grants QoS 0 at most."""
        return [Filter(self._base + topic, qos) for topic in _TOPICS]

    def plan(self, topic: str) -> Decode | None:
        """The decoder of ``topic``, if it is a device's."""
        steps = topic.split("/")
        if len(steps) < 5 or steps[0] != "v3" or steps[2] != "devices":
            return None
        wanted = self._base.split("/")[1]
        if wanted not in ("+", steps[1]):
            return None
        return self._decoder(topic, f"{steps[1]}/{steps[3]}"[:LONGEST_NAME])

    def _decoder(self, topic: str, device: str) -> Decode:
        def decode(payload: bytes, retained: bool) -> list[Out]:
            try:
                fields = fields_of(payload)
            except ValueError as error:
                return [undecodable(topic, payload, str(error))]
            items, wrong = self._read(device, fields, retained)
            if wrong:
                items.append(undecodable(topic, payload, "; ".join(wrong)[:1_000]))
            return items

        return decode

    def _read(self, device: str, fields: Fields, retained: bool) -> tuple[list[Out], list[str]]:
        if fields.get("simulated") is True and not self._simulated:
            return [], []
        for member, again in (("uplink_message", ""), ("uplink_normalized", "-normalized")):
            up = fields.get(member)
            if isinstance(up, dict):
                return self._payloads.items(_up(device, fields, up, again), retained)
        for member, values in _OTHER.items():
            found = fields.get(member)
            if isinstance(found, dict):
                uplink = _told(device, fields, found)
                return self._payloads.plain(uplink, values(found), retained), []
        if any(name.startswith(_DOWN) for name in fields):
            return [], []
        return [], ["no message of The Things Stack: neither uplink_message nor any other it has"]


def _up(device: str, fields: Fields, up: Fields, again: str) -> Uplink:
    wrong: list[str] = []
    heard = best(up.get("rx_metadata"), "snr", None)
    settings = mapping_of(up.get("settings"))
    times = (
        up.get("received_at"),
        heard.fields.get("received_at"),
        heard.fields.get("time"),
        settings.get("time"),
        fields.get("received_at"),
    )
    at = time_of(times, "received_at", wrong)
    count = count_of(up.get("f_cnt"), "f_cnt", wrong)
    return _told(device, fields, up)._replace(
        key=_key(fields, up, count, at, again),
        at=at,
        port=port_of(up.get("f_port"), "f_port", wrong),
        data=payload_of(up.get("frm_payload"), "frm_payload", wrong),
        decoded=mapping_of(up.get("decoded_payload")) or None,
        normalized=_normalized(up.get("normalized_payload")),
        rssi=heard.rssi if heard.rssi is not None else number_of(heard.fields.get("channel_rssi")),
        snr=heard.snr,
        battery=_battery(up),
        wrong=tuple(wrong),
    )


def _battery(up: Fields) -> float | None:
    """What the device answered when the server last asked; payloads mostly say it themselves."""
    level = number_of(mapping_of(up.get("last_battery_percentage")).get("value"))
    return level if level is not None and 0 <= level <= _FULL else None


def _key(fields: Fields, up: Fields, count: int, at: int | None, again: str) -> str:
    """Session, frame counter and the server's time of this uplink.

    A session alone is not enough: a device that was activated by hand keeps its session when its
    counter begins again, and its new reports must not be refused.
    """
    ids = mapping_of(fields.get("end_device_ids"))
    session = text_of(up.get("session_key_id")) or text_of(ids.get("dev_addr"))
    if not session and at is None:
        return ""
    when = "" if at is None else f"-{at // 1_000_000}"
    return f"{session[:40]}-{count}{when}{again}"


def _normalized(raw: object) -> Mapping[str, Any] | None:
    """The measurements of one uplink, which are a list in ``uplink_message``, as one object."""
    if isinstance(raw, dict):
        return raw
    found: dict[str, Any] = {}
    for each in raw if isinstance(raw, list) else ():
        if isinstance(each, dict):
            found |= each
    return found or None


def _told(device: str, fields: Fields, message: Fields) -> Uplink:
    """Who reports, with its names, and when."""
    ids = mapping_of(fields.get("end_device_ids"))
    versions = mapping_of(message.get("version_ids"))
    brand, model = text_of(versions.get("brand_id")), text_of(versions.get("model_id"))
    written = f"{brand} {model}".strip()
    name = text_of(ids.get("device_id")) or device.rpartition("/")[2]
    wrong: list[str] = []
    at = time_of((message.get("received_at"), fields.get("received_at")), "received_at", wrong)
    return Uplink(
        eui_of(ids.get("dev_eui")) or device,
        name,
        written,
        (written,) if written else (),
        (name,),
        "" if at is None else f"event-{at}",
        at,
        wrong=tuple(wrong),
    )


# --- the other messages -----------------------------------------------------------------------


def _joined(found: Fields) -> dict[str, Value]:
    return {EXTRA + "joined": True}


def _located(found: Fields) -> dict[str, Value]:
    place = mapping_of(found.get("location"))
    return extras_of({name: place.get(name) for name in ("latitude", "longitude", "altitude")})


def _served(found: Fields) -> dict[str, Value]:
    """An application package's: its plain members as extras."""
    return extras_of({"service": found.get("service"), **mapping_of(found.get("data"))})


_OTHER: Final = {
    "join_accept": _joined,
    "location_solved": _located,
    "service_data": _served,
}
