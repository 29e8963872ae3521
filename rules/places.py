"""What devices share: the place of an incident, and where one holds the other's alarms back."""

from __future__ import annotations

from gateway.model import Site


def same_place(level: str, device: str, site: Site) -> str:
    """The place within which alarms are one incident; the device where the site knows none."""
    known = site.devices.get(device)
    if known is None or level == "device":
        return f"device:{device}"
    building = site.level(known.place, "building")
    grid = site.level(known.place, "grid")
    if level == "grid" and grid:
        return f"grid:{grid}"
    if level in ("grid", "building") and building:
        return f"building:{building}"
    if level == "flat" and known.flat:
        return f"flat:{grid}/{building}/{known.flat}"
    return f"device:{device}"


def scope_key(scope: str, device: str, site: Site) -> str:
    """What two devices share when one may hold the other's alarms back in ``scope``."""
    if scope == "site":
        return ""
    if scope != "driver":
        return same_place(scope, device, site)
    known = site.devices.get(device)
    if known is not None and known.driver != "gateway":
        return known.driver
    # A device that nobody registered is called DRIVER/ADDRESS; the gateway reports of a driver
    # as gateway/driver:NAME.
    driver, _, address = device.partition("/")
    return address.removeprefix("driver:") if address.startswith("driver:") else driver
