"""A place's border as polygons of CAP: simplified, closed, latitude first. Pure.

Points go in the order in which a line without them changes least (Visvalingam and Whyatt, 1993:
the area of the triangle with the two neighbours). An outline that this would make cross itself
becomes the rectangle around it: no reader is asked what the inside of a knot is. CAP has no holes.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Final

from gateway.model import Ring, Site

MOST_POINTS: Final = 100
"""Of one polygon, the first one that comes again included."""
MOST_POLYGONS: Final = 10
"""The largest of them: a grid with so many islands is rare."""
_LOOKED_AT: Final = 5_000
"""Points of one outline: of a finer one only every second, third … counts."""
_DIGITS: Final = 6
"""Of a degree: a tenth of a metre."""

Point = tuple[float, float]
"""Longitude, latitude."""


def polygons(site: Site, place: str) -> list[str]:
    """``lat,lon lat,lon …`` of the nearest border around ``place``; none where none is known."""
    nearest = next((p.code for p in site.chain(place) if p.code in site.borders), None)
    if nearest is None:
        return []
    rings = [ring for polygon in site.borders[nearest] for ring in polygon[:1]]
    largest = sorted(rings, key=lambda ring: -abs(_area(ring)))[:MOST_POLYGONS]
    simple = [simplified(ring, MOST_POINTS) for ring in largest]
    return [_said(points) for points in simple if points]


def simplified(ring: Ring, most: int) -> list[Point]:
    """``ring``, closed, with at most ``most`` points; empty where nothing has an inside."""
    points = _distinct(ring)
    if len(points) > _LOOKED_AT:
        points = points[:: -(-len(points) // _LOOKED_AT)]
    fewer = _thinned(points, most - 1)
    if len(fewer) < len(points) and _crosses(fewer):
        fewer = _rectangle(points)
    if len(fewer) < 3 or not _area(fewer):
        return []
    return [*fewer, fewer[0]]


def _distinct(ring: Ring) -> list[Point]:
    """As the document will have them, without the last one, which is the first again."""
    rounded = [(round(x, _DIGITS), round(y, _DIGITS)) for x, y in ring]
    return [each for n, each in enumerate(rounded) if each != rounded[(n + 1) % len(ring)]]


def _thinned(points: Sequence[Point], most: int) -> list[Point]:
    count = len(points)
    before = [(n - 1) % count for n in range(count)]
    after = [(n + 1) % count for n in range(count)]

    def weight(n: int) -> float:
        return abs(_area([points[before[n]], points[n], points[after[n]]]))

    weights = [weight(n) for n in range(count)]
    heap = [(each, n) for n, each in enumerate(weights)]
    heapq.heapify(heap)
    gone: set[int] = set()
    while count - len(gone) > most:
        least, n = heapq.heappop(heap)
        if n in gone or least != weights[n]:
            continue
        gone.add(n)
        after[before[n]], before[after[n]] = after[n], before[n]
        for beside in (before[n], after[n]):
            weights[beside] = max(weight(beside), least)
            heapq.heappush(heap, (weights[beside], beside))
    return [each for n, each in enumerate(points) if n not in gone]


def _area(points: Sequence[Point]) -> float:
    """Square degrees, positive where the points go against the clock."""
    west, south = points[0]
    twice = 0.0
    for (x, y), (next_x, next_y) in zip(points, [*points[1:], points[0]], strict=True):
        twice += (x - west) * (next_y - south) - (next_x - west) * (y - south)
    return twice / 2


def _crosses(points: Sequence[Point]) -> bool:
    """Whether two sides that are not neighbours meet."""
    sides = list(zip(points, [*points[1:], points[0]], strict=True))
    last = len(sides) - 1
    return any(
        _meet(*sides[one], *sides[other])
        for one in range(len(sides))
        for other in range(one + 2, len(sides))
        if (one, other) != (0, last)
    )


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    return _turn(a, b, c) * _turn(a, b, d) <= 0 and _turn(c, d, a) * _turn(c, d, b) <= 0


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _rectangle(points: Sequence[Point]) -> list[Point]:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    west, east, south, north = min(xs), max(xs), min(ys), max(ys)
    return [(west, south), (east, south), (east, north), (west, north)]


def _said(points: Sequence[Point]) -> str:
    return " ".join(f"{y:.{_DIGITS}f},{x:.{_DIGITS}f}" for x, y in points)
