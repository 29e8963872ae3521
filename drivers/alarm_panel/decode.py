"""Events to readings: which device, which value, true or false. Pure.

ACCOUNT              the panel itself
ACCOUNT:3            zone 3 (ACCOUNT:2/3 where zones count within partition 2)
ACCOUNT:module-4     an expander, a door, a radio receiver: what the code's address counts
ACCOUNT:area-2       arming of partition 2, where partitions stand apart
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from drivers.alarm_panel.codes import NEW, PRESENT, RESTORED, Meaning, contact_id, sia
from drivers.alarm_panel.content import Event
from gateway.model import EXTRA, Reading, Value, vocabulary

_PANEL: Final = "panel"
_AT_PANEL: Final = ("", "user")
"""What an address may count without being a device of its own."""


class Sender(NamedTuple):
    """Who reports: the panel's device address, and how its zones count."""

    address: str
    partitions: bool = False


class When(NamedTuple):
    """``key`` "" for none."""

    observed_at: int | None = None
    key: str = ""


def readings(
    sender: Sender, events: Sequence[Event], when: When, shared: Mapping[str, Value]
) -> list[Reading]:
    """One for each event. ``shared`` are extras of the whole message, names without prefix."""
    found = []
    for index, event in enumerate(events):
        meaning = contact_id(event.code) if event.qualifier else sia(event.code)
        key = f"{when.key}.{index}" if when.key and index else when.key
        found.append(
            Reading(
                _device(sender, event, meaning.about),
                meaning.kind,
                _values(event, meaning, shared),
                when.observed_at,
                key,
            )
        )
    return found


def online(sender: Sender, *, is_online: bool = True, fault: bool | None = None) -> Reading:
    """The panel was heard, or was not when it should have been."""
    values: dict[str, Value] = {} if fault is None else {"fault": fault}
    values |= {EXTRA + "online": is_online}
    if fault is not None:
        values[EXTRA + "class"] = "online"
    return Reading(sender.address, _PANEL, values)


def _device(sender: Sender, event: Event, about: str) -> str:
    area = event.area.lstrip("0")
    address = _address(event, about)
    if about == "area" or (about == "user" and sender.partitions):
        area = area or (address if about == "area" else "")
        return f"{sender.address}:area-{area}" if sender.partitions and area else sender.address
    if about in _AT_PANEL or not address:
        return sender.address
    if about != "zone":
        return f"{sender.address}:{about}-{address}"
    within = f"{area}/" if sender.partitions and area else ""
    return f"{sender.address}:{within}{address}"


def _address(event: Event, about: str) -> str:
    """Without leading zeros: panels write 3, 03 and 003 for the same."""
    own = event.address.lstrip("0")
    if own or event.qualifier:
        return own
    return event.peripheral.lstrip("0") if about not in ("user", "area") else ""


def _values(event: Event, meaning: Meaning, shared: Mapping[str, Value]) -> dict[str, Value]:
    known = vocabulary(meaning.kind)
    is_user = meaning.about == "user"
    said: dict[str, Value] = _state(event, meaning)
    said["code"] = event.code
    if event.address.strip("0") and not is_user and meaning.about != "area":
        said["zone"] = event.address
    more: dict[str, Value] = {
        "class": meaning.group,
        "qualifier": event.qualifier,
        "partition": event.area or (event.address if meaning.about == "area" else ""),
        "user": event.user or (event.address if is_user else ""),
        "peripheral": event.peripheral,
        "text": event.text,
        "old": event.old,
        "panel_time": event.time,
    }
    values = {name if name in known else EXTRA + name: value for name, value in said.items()}
    if values.get("alarm") is True:
        values["shielded"] = False  # panels take a zone back into service without a word
    return values | {EXTRA + name: value for name, value in {**shared, **more}.items() if value}


def _state(event: Event, meaning: Meaning) -> dict[str, Value]:
    """The values, the opposite of them for a restore; none for a qualifier nobody knows."""
    if not event.qualifier or meaning.always or event.qualifier == NEW:
        return dict(meaning.values)
    if event.qualifier == RESTORED:
        return {name: not on for name, on in meaning.values}
    if event.qualifier == PRESENT and meaning.group != "arming":
        return dict(meaning.values)
    return {}
