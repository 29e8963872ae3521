"""Device addresses of this driver: unit, unit/system, unit/system/component. Pure.

000000001001            a transmission device: its six bytes as one number, in hex
000000001001/1-1        its system of type 1, address 1
000000001001/1-1/12-3   that system's component in zone 12, point 3 (low and high word)
000000001001/manual     the manual alarm key of the transmission device
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from drivers.fire_panel.options import Order, unit_address

MANUAL: Final = "manual"
_PARTS: Final = re.compile(
    r"(?P<unit>[0-9a-fA-F]{1,12})"
    r"(/(?P<type>\d{1,3})-(?P<system>\d{1,3})(/(?P<zone>\d{1,5})-(?P<point>\d{1,5}))?)?"
)


class Address(NamedTuple):
    """The parts; None where the address ends before them."""

    unit: str
    system: tuple[int, int] | None = None
    component: tuple[int, int] | None = None

    def __str__(self) -> str:
        """As readings carry it."""
        text = self.unit
        if self.system is not None:
            text += "/{}-{}".format(*self.system)
        if self.component is not None:
            text += "/{}-{}".format(*self.component)
        return text


def read_address(text: str) -> Address:
    """The parts of a written address. ValueError says what one looks like."""
    found = _PARTS.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:40]!r} is no address like 000000001001/1-1/12-3")
    system = component = None
    if found["type"] is not None:
        system = int(found["type"]), int(found["system"])
    if found["zone"] is not None:
        component = int(found["zone"]), int(found["point"])
    if max(system or (0,)) > 255 or max(component or (0,)) > 65_535:
        raise ValueError(f"{text[:40]!r}: systems go to 255-255, components to 65535-65535")
    return Address(unit_address(found["unit"]), system, component)


def unit_of(raw: bytes, order: Order) -> str:
    """The address of a transmission device from its six bytes."""
    return (raw if order == "big" else raw[::-1]).hex()


def words_of(raw: bytes, order: Order) -> tuple[int, int]:
    """Zone and point of a component from its four bytes."""
    return int.from_bytes(raw[:2], order), int.from_bytes(raw[2:], order)


def component_bytes(words: tuple[int, int], order: Order) -> bytes:
    """The four bytes of a component's zone and point."""
    return b"".join(word.to_bytes(2, order) for word in words)
