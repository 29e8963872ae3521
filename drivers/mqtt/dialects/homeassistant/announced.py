"""Discovery messages as they are written: abbreviations, base topics, entity and device form. Pure.

``homeassistant/binary_sensor/NODE/OBJECT/config`` announces one entity,
``homeassistant/device/OBJECT/config`` all of a device under ``components``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from drivers.mqtt.decode import LONGEST_NAME, fields_of

MOST: Final = 500
"""Components of one device message."""
_LONG: Final[Mapping[str, str]] = {
    "atype": "automation_type",
    "avty": "availability",
    "avty_mode": "availability_mode",
    "avty_t": "availability_topic",
    "avty_tpl": "availability_template",
    "cmps": "components",
    "cns": "connections",
    "dev": "device",
    "dev_cla": "device_class",
    "e": "encoding",
    "ent_cat": "entity_category",
    "evt_typ": "event_types",
    "exp_aft": "expire_after",
    "ids": "identifiers",
    "mdl": "model",
    "mf": "manufacturer",
    "o": "origin",
    "obj_id": "object_id",
    "off_dly": "off_delay",
    "p": "platform",
    "pl": "payload",
    "pl_avail": "payload_available",
    "pl_not_avail": "payload_not_available",
    "pl_off": "payload_off",
    "pl_on": "payload_on",
    "stat_cla": "state_class",
    "stat_off": "state_off",
    "stat_on": "state_on",
    "stat_t": "state_topic",
    "stat_val_tpl": "state_value_template",
    "stype": "subtype",
    "t": "topic",
    "uniq_id": "unique_id",
    "unit_of_meas": "unit_of_measurement",
    "val_tpl": "value_template",
}
"""The abbreviations of what is read here; the other hundreds are left as they are."""
_SHARED: Final = (
    *("availability", "availability_mode", "availability_template", "availability_topic"),
    *("payload_available", "payload_not_available", "state_topic", "qos", "encoding", "~"),
)
"""What a device message says once for all its components."""
_LONGEST_SLUG: Final = 64
_OURS: Final = "gridwarden"


class Component(NamedTuple):
    """One announced entity, spelt out. ``slug`` is its short name within the device."""

    platform: str
    slug: str
    config: dict[str, Any]


class Owner(NamedTuple):
    """The device that an announcement is about. ``address`` is its first identifier."""

    address: str
    model: str
    name: str


def read(topic: tuple[str, ...], payload: bytes) -> tuple[Owner, list[Component]]:
    """The device and entities of the message on ``component/[node/]object``.

    No component of what this program announced itself. ValueError says what is wrong.
    """
    platform, node, name = topic[0], topic[1] if len(topic) == 3 else "", topic[-1]
    config = _spelt(fields_of(payload))
    owner = _owner(config.get("device"), node or name)
    origin = config.get("origin")
    if isinstance(origin, dict) and str(origin.get("name")).lower().startswith(_OURS):
        return owner, []
    if platform != "device":
        whole = _based(config, config.get("~"))
        return owner, [Component(platform, _slug(name, node, owner), whole)]
    return owner, list(_components(config, owner))


def _components(config: dict[str, Any], owner: Owner) -> Iterator[Component]:
    components = config.get("components")
    if not isinstance(components, dict):
        raise ValueError("a device message without components")
    if len(components) > MOST:
        raise ValueError(f"{len(components):,} components; {MOST} are the limit")
    shared = {key: config[key] for key in _SHARED if key in config}
    for name, each in components.items():
        if not isinstance(each, dict):
            raise ValueError(f"component {name[:40]!r} is no object")
        whole = shared | _spelt(each)
        yield Component(
            str(whole.get("platform")), _slug(name, "", owner), _based(whole, whole.get("~"))
        )


def _owner(device: object, otherwise: str) -> Owner:
    if not isinstance(device, dict):
        return Owner(otherwise[:LONGEST_NAME], "", "")
    device = _spelt(device)
    ids = device.get("identifiers")
    found = [ids] if isinstance(ids, str) else ids if isinstance(ids, list) else []
    connections = device.get("connections")
    if isinstance(connections, list):
        found += [each[1] for each in connections if isinstance(each, list) and len(each) == 2]
    address = next((str(each) for each in found if isinstance(each, (str, int)) and each), "")
    model = f"{device.get('manufacturer') or ''} {device.get('model') or ''}".strip()
    name = device.get("name")
    return Owner(
        (address or otherwise)[:LONGEST_NAME],
        model[:LONGEST_NAME],
        name[:LONGEST_NAME] if isinstance(name, str) else "",
    )


def _spelt(config: Mapping[str, Any]) -> dict[str, Any]:
    return {_LONG.get(key, key): value for key, value in config.items()}


def _based(config: dict[str, Any], base: object) -> dict[str, Any]:
    """With ``~`` at the beginning or end of topics replaced, those of availability as well."""
    several = config.get("availability")
    if isinstance(several, dict):
        several = [several]
    if isinstance(several, list):
        each_spelt = [_spelt(each) for each in several if isinstance(each, dict)]
        config = config | {"availability": [_based(each, base) for each in each_spelt]}
    if not isinstance(base, str):
        return config
    return {
        key: _whole(value, base) if key.endswith("topic") and isinstance(value, str) else value
        for key, value in config.items()
    }


def _whole(topic: str, base: str) -> str:
    if topic.startswith("~"):
        return base + topic[1:]
    return topic[:-1] + base if topic.endswith("~") else topic


def _slug(name: str, node: str, owner: Owner) -> str:
    """``name`` without what it says of the device, in small letters, digits and ``_``."""
    slug = _plain(name)
    for known in (node, owner.address, owner.name):
        beginning = _plain(known)
        if beginning and slug.startswith(beginning + "_"):
            slug = slug[len(beginning) + 1 :]
    return slug[-_LONGEST_SLUG:].strip("_") or "state"


def _plain(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in name[-200:].lower()).strip(
        "_"
    )
