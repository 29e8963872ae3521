"""What is known of a device before its object is read, and what the object says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gateway.model import Value


class Wanted(NamedTuple):
    """What is known of one device besides its messages."""

    texts: tuple[str, ...] = ()
    """Profile, brand and model, best first."""
    depth: float | None = None
    """Metres from the sensor down to the ground of the shaft."""
    invert: frozenset[str] = frozenset()
    """Truth values that the device reports the other way round."""
    units: Mapping[str, str] = {}
    """Field name -> unit, where the maker's name leaves it out."""


class Decoded(NamedTuple):
    """What an object says."""

    kind: str
    values: dict[str, Value]
    pressed: bool = False
    """``alarm`` is somebody's press: no message will tell its end."""
