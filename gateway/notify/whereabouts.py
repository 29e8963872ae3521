"""Where it is: the way there, the point on the map, and what several incidents share. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from gateway.gcj02 import to_gcj02
from gateway.model import Device, Incident, Place, Site
from gateway.notify.about import About

MOST_PLACES: Final = 6


def where(about: About) -> str:
    """The way to the device from the reader's own place on, address, floor and flat, its name."""
    if about.many[1:]:
        return _places(about)
    chain = about.chain
    own = next((n for n, place in enumerate(chain, 1) if place.code == about.person.grid), None)
    point = "" if about.wording.map else _coordinates(about)
    return _joined(about, [*_address(about, chain[:own]), about.device.name, point])


def address(about: About) -> str:
    """All places from the top, address, floor and flat."""
    return _joined(about, _address(about, about.chain))


def nearest(about: About) -> str:
    """The few words that fit into a title: the place and the rooms within it."""
    place, inside = nearest_parts(about)
    return " ".join(part for part in (place, inside) if part)


def nearest_parts(about: About) -> tuple[str, str]:
    """The innermost place's name, and the rooms within it or the device's name."""
    chain = about.chain
    return chain[0].name if chain else "", inside(about.device, about.english) or about.device.name


def inside(device: Device, english: bool) -> str:
    """Floor and flat."""
    floor, flat = device.floor, device.flat
    if english:
        named = (floor and f"floor {floor}", flat and f"flat {flat}")
    else:
        named = (floor and _with(floor, "层"), flat and _with(flat, "室"))
    return " ".join(part for part in named if part)


def point(about: About) -> tuple[float, float] | None:
    """WGS-84 latitude and longitude of the device, or of the innermost place that has one."""
    things: list[Device | Place] = [about.device, *about.chain]
    for thing in things:
        if thing.latitude is not None and thing.longitude is not None:
            return thing.latitude, thing.longitude
    return None


def map_link(about: About) -> str:
    """The point on the site's map; "" without one."""
    found = point(about)
    if found is None or not about.wording.map:
        return ""
    latitude, longitude = to_gcj02(*found) if about.wording.gcj02 else found
    name = quote(nearest(about)[:40], safe="", errors="replace")
    return about.wording.map.format(lat=f"{latitude:.6f}", lon=f"{longitude:.6f}", name=name)


def scope(about: About) -> str:
    """The name of the smallest place in which all of several incidents are."""
    place = common(about.site, about.many or (about.incident,))
    return place.name if place is not None else ""


def common(site: Site, incidents: Sequence[Incident]) -> Place | None:
    """The smallest place in which all of them are."""
    chain = site.chain(incidents[0].place)
    for other in {each.place for each in incidents}:
        above = {place.code for place in site.chain(other)}
        chain = [place for place in chain if place.code in above]
    return chain[0] if chain else None


def _places(about: About) -> str:
    """The rooms of the first few of several incidents, with the house where it differs."""
    site = about.site
    shared = common(site, about.many)
    names: dict[str, None] = {}
    for each in about.many:
        device, place = site.devices.get(each.device), site.places.get(each.place)
        rooms = inside(device, about.english) if device is not None else ""
        name = rooms or (device.name if device is not None else each.device)
        names[name if place is None or place is shared else f"{place.name} {name}"] = None
    first = (", " if about.english else "、").join(list(names)[:MOST_PLACES])
    if len(names) <= MOST_PLACES:
        return first
    return f"{first} … ({len(names)})" if about.english else f"{first} 等 {len(names)} 处"


def _address(about: About, chain: Sequence[Place]) -> list[str]:
    path = " › ".join(place.name for place in reversed(chain))
    street = next((place.address for place in chain if place.address), "")
    return [path, street, inside(about.device, about.english)]


def _joined(about: About, parts: list[str]) -> str:
    return (", " if about.english else "，").join(part for part in parts if part)


def _coordinates(about: About) -> str:
    found = point(about)
    return f"{found[0]:.5f} {found[1]:.5f}" if found is not None else ""


def _with(number: str, unit: str) -> str:
    return number if number.endswith(unit) else f"{number}{unit}"
