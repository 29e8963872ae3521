"""Borders of places: GeoJSON in and out, and which grid holds a position. Pure.

A border is a Polygon or a MultiPolygon of WGS-84 in a FeatureCollection (RFC 7946) whose features
have the place's code as property ``code`` (编码). Problems name a feature by its number, as a row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import msgspec

from gateway.document import Problem, Problems
from gateway.model import Border, Place, Ring, Site
from gateway.registry.table import Source
from gateway.registry.texts import nearest

MAX_BORDERS: Final = 20_000
MAX_POINTS: Final = 500_000
"""Of all borders together."""
_SHORTEST: Final = 4
"""Points of a ring: three corners, and the first one again."""
_MOST_PROBLEMS: Final = 100
_CODES: Final = ("code", "编码")
_KEPT: Final = "borders"

Box = tuple[float, float, float, float]
"""West, south, east, north."""


class Borders:
    """Borders that can be asked for a position; the deepest place in the tree has it."""

    def __init__(self, borders: Mapping[str, Border], places: Mapping[str, Place]) -> None:
        depth = {code: len(code) for code in borders}  # a code extends its parent's
        self._known: list[tuple[Box, str, Border]] = [
            (_box(borders[code]), code, borders[code])
            for code in sorted(depth, key=lambda code: -depth[code])
            if code in places
        ]

    def __bool__(self) -> bool:
        return bool(self._known)

    def grid_at(self, latitude: float, longitude: float) -> str:
        """The code of the place that holds the position, or ""."""
        for (west, south, east, north), code, border in self._known:
            if (
                west <= longitude <= east
                and south <= latitude <= north
                and _holds(border, longitude, latitude)
            ):
                return code
        return ""


def grid_at(site: Site, latitude: float, longitude: float) -> str:
    """The code of the place of ``site`` whose border holds the position, or ""."""
    known = site.kept.get(_KEPT)
    if not isinstance(known, Borders):
        known = site.kept[_KEPT] = Borders(site.borders, site.places)
    return known.grid_at(latitude, longitude)


def _box(border: Border) -> Box:
    points = [point for polygon in border for point in polygon[0]]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def _holds(border: Border, x: float, y: float) -> bool:
    """Whether an odd number of the rings of one polygon are around the point."""
    return any(sum(_around(ring, x, y) for ring in polygon) % 2 == 1 for polygon in border)


def _around(ring: Ring, x: float, y: float) -> bool:
    inside = False
    before_x, before_y = ring[-1]
    for point_x, point_y in ring:
        if (point_y > y) != (before_y > y):
            crossing = (before_x - point_x) * (y - point_y) / (before_y - point_y) + point_x
            inside ^= x < crossing
        before_x, before_y = point_x, point_y
    return inside


# --- GeoJSON ---------------------------------------------------------------------------


def read_borders(source: Source, places: Collection[str] | None) -> dict[str, Border]:
    """Place code -> border. Raises ``Problems``, each with the feature's number as its row.

    ``places`` are the known codes; None leaves them unchecked.
    """
    features = _features(source)
    found: dict[str, Border] = {}
    numbers: dict[str, int] = {}
    problems: list[Problem] = []
    left = MAX_POINTS
    for number, feature in enumerate(features, 1):
        try:
            code, border = _feature(feature, places)
            if code in numbers:
                raise Fault(f"code {code!r} is already in row {numbers[code]}")
            left -= sum(len(ring) for polygon in border for ring in polygon)
            if left < 0:
                raise Problems(
                    [Problem(source.name, number, 1, f"more than {MAX_POINTS:,} points")]
                )
        except Fault as error:
            problems.append(Problem(source.name, number, 1, str(error)))
            if len(problems) >= _MOST_PROBLEMS:
                break
            continue
        numbers[code] = number
        found[code] = border
    if problems:
        raise Problems(problems)
    return found


class Fault(ValueError):
    """What is wrong with one feature."""


def _features(source: Source) -> list[Any]:
    try:
        data = msgspec.json.decode(source.raw())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problems([Problem(source.name, 1, 1, f"not JSON: {error}")]) from None
    except RecursionError:
        raise Problems([Problem(source.name, 1, 1, "nested too deeply")]) from None
    features = data.get("features") if isinstance(data, dict) else None
    if not isinstance(features, list) or data.get("type") != "FeatureCollection":
        message = "no GeoJSON FeatureCollection"
        raise Problems([Problem(source.name, 1, 1, message)])
    if len(features) > MAX_BORDERS:
        message = f"more than {MAX_BORDERS:,} borders"
        raise Problems([Problem(source.name, MAX_BORDERS, 1, message)])
    return features


def _feature(feature: Any, places: Collection[str] | None) -> tuple[str, Border]:
    """The code and the border of one feature. Raises ``Fault``."""
    if not isinstance(feature, dict):
        raise Fault("no GeoJSON Feature")
    properties, geometry = feature.get("properties"), feature.get("geometry")
    codes = [properties.get(name) for name in _CODES] if isinstance(properties, dict) else []
    code = next((each for each in codes if isinstance(each, str) and each), "")
    if not code:
        raise Fault("the feature has no property code (编码) with the place's code as a text")
    if places is not None and code not in places:
        code = code[:60]
        raise Fault(f"there is no place {code!r}{nearest(code, places)}")
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon") or not isinstance(geometry, dict):
        raise Fault("the border is no Polygon and no MultiPolygon")
    coordinates = geometry.get("coordinates")
    polygons = [coordinates] if kind == "Polygon" else coordinates
    return code, tuple(tuple(map(_ring, polygon)) for polygon in _lists(polygons))


def _lists(value: Any) -> Iterator[list[Any]]:
    if not isinstance(value, list) or not value:
        raise Fault("the border has no coordinates")
    for each in value:
        if not isinstance(each, list) or not each:
            raise Fault("the border has no coordinates")
        yield each


def _ring(value: Any) -> Ring:
    points = tuple(map(_point, value)) if isinstance(value, list) else ()
    if len(points) < _SHORTEST or points[0] != points[-1]:
        raise Fault("a ring of the border is not closed; its last point must be its first")
    return points


def _point(value: Any) -> tuple[float, float]:
    pair = value[:2] if isinstance(value, list) else []
    if len(pair) < 2 or not all(type(each) in (int, float) for each in pair):
        raise Fault("a point of the border is no [longitude, latitude]")
    longitude, latitude = pair
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise Fault("a point of the border is not within -180..180, -90..90")
    return float(longitude), float(latitude)


def geojson(site: Site) -> bytes:
    """The borders of ``site`` as ``read_borders`` reads them."""
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": site.places[code].name},
            "geometry": _geometry(border),
        }
        for code, border in site.borders.items()
    ]
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def _geometry(border: Border) -> dict[str, Any]:
    if len(border) == 1:
        return {"type": "Polygon", "coordinates": border[0]}
    return {"type": "MultiPolygon", "coordinates": border}
