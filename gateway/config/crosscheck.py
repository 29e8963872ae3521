"""What only shows when the parts of a configuration are seen together."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, Final

from gateway.config.settings import Configured, Settings
from gateway.document import Document, Problem, nearest

_HELD_BY_ONE: Final = (("host", "port", "client_id"), ("port",))
"""Options that together name something only one plugin of a type can hold: a session at a
broker, a serial port. A serial port is a text, a TCP port a number."""


def errors(document: Document, parts: Mapping[str, Any]) -> Iterator[Problem]:
    """Two drivers that would take the same thing from each other."""
    holders: dict[tuple[object, ...], str] = {}
    drivers: Mapping[str, Configured] = parts["drivers"]
    for name, configured in drivers.items():
        held = _held(configured)
        if held is None:
            continue
        if (other := holders.setdefault(held, name)) != name:
            what = ", ".join(str(word) for word in held[1:])
            message = (
                f"{what} is already held by driver {other!r}; the two would throw each other out"
            )
            yield document.problem(("drivers", name, "client_id"), message)


def _held(configured: Configured) -> tuple[object, ...] | None:
    options = configured.options
    for names in _HELD_BY_ONE:
        values = tuple(getattr(options, name, None) for name in names)
        if all(values) and (len(values) > 1 or isinstance(values[0], str)):
            return (configured.type, *values)
    return None


def warnings(document: Document, settings: Settings) -> Iterator[Problem]:
    """What is allowed and still worth a look."""
    if not settings.drivers:
        yield document.problem(("drivers",), "no driver is configured: nothing will be measured")
    if not settings.notifiers:
        yield document.problem(("notifiers",), "no notifier is configured: nobody will be told")
    if settings.registry is None:
        yield document.problem((), "no registry: every device is unknown and nobody is in charge")
    if not _is_loopback(settings.console.host):
        yield document.problem(
            ("console", "host"),
            "the console has no login yet: everybody on the network can read and close incidents",
        )
    yield from _idle_devices(document, settings)


def _idle_devices(document: Document, settings: Settings) -> Iterator[Problem]:
    """Devices of a driver that is not configured: they can never report."""
    counts: dict[str, int] = {}
    for device in settings.imported.devices.values():
        if device.driver not in settings.drivers and device.state != "retired":
            counts[device.driver] = counts.get(device.driver, 0) + 1
    for driver, count in sorted(counts.items()):
        hint = nearest(driver, settings.drivers) if settings.drivers else ""
        yield document.problem(
            ("registry", "devices"),
            f"{count} devices belong to driver {driver!r}, which is not configured{hint}",
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
