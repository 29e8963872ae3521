"""What only shows when the parts of a configuration are seen together."""

from __future__ import annotations

import importlib
import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from gateway.config.settings import Configured, Settings
from gateway.document import Document, Path, Problem, nearest


def errors(document: Document, parts: Mapping[str, Any]) -> Iterator[Problem]:
    """Two drivers that would take the same thing from each other; outputs that nobody has."""
    drivers: Mapping[str, Configured] = parts["drivers"]
    yield from _taken_twice(document, drivers)
    switching: dict[tuple[str, str], str] = {}
    for name, configured in parts["notifiers"].items():
        yield from _no_output(document, name, configured, drivers)
        yield from _switched_twice(document, name, configured, switching)


def _taken_twice(document: Document, drivers: Mapping[str, Configured]) -> Iterator[Problem]:
    holders: dict[tuple[object, ...], str] = {}
    for name, configured in drivers.items():
        for path, held in _held(configured.options):
            if (other := holders.setdefault(held, name)) != name:
                what = ", ".join(str(word) for word in held)
                message = (
                    f"{what} is already held by driver {other!r};"
                    " the two would throw each other out"
                )
                yield document.problem(("drivers", name, *path), message)


def _held(options: BaseModel) -> Iterator[tuple[Path, tuple[object, ...]]]:
    """What only one can hold: a session at a broker, a serial port (a TCP port is a number)."""
    session = tuple(getattr(options, name, None) for name in ("host", "port", "client_id"))
    if all(session):
        yield ("client_id",), session
    for name in type(options).model_fields:
        value = getattr(options, name)
        if name == "port" and isinstance(value, str) and value:
            yield (name,), (value,)
        elif isinstance(value, BaseModel):
            for path, held in _held(value):
                yield (name, *path), held


def _no_output(
    document: Document, name: str, configured: Configured, drivers: Mapping[str, Configured]
) -> Iterator[Problem]:
    """A notifier that switches needs a driver with that output."""
    options = configured.options
    driver, output = getattr(options, "driver", None), getattr(options, "output", None)
    if driver is None or output is None:
        return
    if driver not in drivers:
        message = f"there is no driver {driver!r}{nearest(driver, drivers)}"
        yield document.problem(("notifiers", name, "driver"), message)
        return
    outputs = getattr(drivers[driver].options, "outputs", {})
    if output not in outputs:
        message = f"driver {driver!r} has no output {output!r}{nearest(output, outputs)}"
        yield document.problem(("notifiers", name, "output"), message)


def _switched_twice(
    document: Document, name: str, configured: Configured, switching: dict[tuple[str, str], str]
) -> Iterator[Problem]:
    """Two notifiers on one output: the one would end what the other began."""
    options = configured.options
    driver, output = getattr(options, "driver", None), getattr(options, "output", None)
    if driver is None or output is None:
        return
    if (other := switching.setdefault((driver, output), name)) != name:
        message = f"output {output!r} of {driver!r} is switched by notifier {other!r} already"
        yield document.problem(("notifiers", name, "output"), message)


def warnings(document: Document, settings: Settings) -> Iterator[Problem]:
    """What is allowed and still worth a look."""
    if not settings.drivers:
        yield document.problem(("drivers",), "no driver is configured: nothing will be measured")
    if not settings.notifiers:
        yield document.problem(("notifiers",), "no notifier is configured: nobody will be told")
    if settings.registry is None and not settings.imported.places:
        yield document.problem(
            (), "there is no registry yet: gridwarden import brings one, or the section registry"
        )
    if not _is_loopback(settings.console.host):
        yield document.problem(
            ("console", "host"),
            "the console has no login yet: everybody on the network can read and close incidents",
        )
    yield from _limits(document, settings)
    yield from _idle_devices(document, settings)
    yield from _rules(document, settings)


def _limits(document: Document, settings: Settings) -> Iterator[Problem]:
    """Time limits of places that the registry does not have: they never count."""
    places = settings.imported.places
    for index, row in enumerate(settings.limits):
        if row.place and places and row.place not in places:
            yield document.problem(
                ("limits", index, "place"), f"the registry has no place {row.place!r}"
            )


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


def _rules(document: Document, settings: Settings) -> Iterator[Problem]:
    """Rules that load and are odd all the same; packs of the list that are for nothing here."""
    # Late, as the rules themselves: they take their time to be imported.
    review = importlib.import_module("rules.review")
    unmatched = importlib.import_module("rules.unmatched")
    ruleset, site = settings.ruleset, settings.imported
    yield from review.review(ruleset, site)
    unused = unmatched.unused_packs(ruleset, site)
    for index, pack in enumerate((document.data.get("rules") or {}).get("packs") or ()):
        if kinds := unused.get(f"packs/{pack}.yaml"):
            message = f"pack {pack!r} has nothing to do: no {' or '.join(kinds)} is registered"
            yield document.problem(("rules", "packs", index), message)
    for tag, meant in unmatched.odd_tags(ruleset, site).items():
        message = f"no rule asks for the tag {tag!r} of a device; did you mean {meant!r}?"
        yield document.problem(("registry", "devices"), message)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
