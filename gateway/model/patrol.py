"""Patrols: the points that officers pass on their rounds, and that they were there."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from gateway.model.incidents import Incident


class Point(msgspec.Struct, frozen=True):
    """Where an officer checks in on a round."""

    id: str
    name: str
    place: str
    """The code of the grid or building that it lies in."""
    rounds: tuple[str, ...] = ()
    """Names of the rounds that pass it; empty: all of them."""
    latitude: float | None = None
    longitude: float | None = None


class CheckIn(msgspec.Struct, frozen=True):
    """Somebody was at a point."""

    point: str
    person: str
    wall: int
    """Wall ns."""
    arrival: int
    trusted: bool
    """Whether the wall clock could be believed."""
    metres: float | None = None
    """How far from the point the phone was; None where one of the two has no position."""


class Hazard(NamedTuple):
    """A line of the hazard register."""

    incident: Incident
    closed_at: int
    """Wall ns; 0 while it is open."""
