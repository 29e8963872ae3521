"""The life of a device: which state may follow which, bypasses that end by themselves. Pure.

planned ─▶ installed ─▶ accepted ◀─▶ bypassed
   └───────────┴────────────┴───────────┴─▶ retired ─▶ planned, installed
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from gateway.model import Device, Site

AFTER: Final[Mapping[str, tuple[str, ...]]] = {
    "planned": ("installed", "retired"),
    "installed": ("accepted", "planned", "retired"),
    "accepted": ("bypassed", "installed", "retired"),
    "bypassed": ("accepted", "installed", "retired"),
    "retired": ("planned", "installed"),
}
"""State -> what it may become. A device that is new may be in any; the same state may go on."""


def refused(before: Site, after: Site) -> Iterator[tuple[str, str]]:
    """Device id and what is wrong, for every step in a device's life that is none."""
    for device in after.devices.values():
        known = before.devices.get(device.id)
        if known is None or device.state in (known.state, *AFTER[known.state]):
            continue
        allowed = ", ".join(AFTER[known.state])
        yield (
            device.id,
            f"device {device.id!r} is {known.state} and can not become {device.state};"
            f" from there it goes to {allowed}",
        )


def replaced(before: Site, after: Site) -> list[str]:
    """Devices whose sensor is another one under the same id: a new serial number or address."""
    found = []
    for device in after.devices.values():
        known = before.devices.get(device.id)
        if known is not None and _hardware(known) != _hardware(device):
            found.append(device.id)
    return found


def _hardware(device: Device) -> tuple[str, str, str]:
    return device.serial, device.driver, device.address


def next_end(site: Site) -> int:
    """The wall ns at which the next bypass ends by itself; 0 for none."""
    ends = [each.until for each in site.devices.values() if each.state == "bypassed" and each.until]
    return min(ends, default=0)


def lapsed(site: Site, wall: int) -> Site:
    """``site`` with every bypass that is over by ``wall``, a time that can be trusted, ended."""
    over = {
        each.id: msgspec.structs.replace(each, state="accepted", until=0, because="")
        for each in site.devices.values()
        if each.state == "bypassed" and 0 < each.until <= wall
    }
    if not over:
        return site
    devices = {id_: over.get(id_, device) for id_, device in site.devices.items()}
    return msgspec.structs.replace(site, devices=devices)
