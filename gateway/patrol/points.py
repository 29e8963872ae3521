"""The points from the CSV file that a community keeps, or every error of it at once."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

from gateway.document import Problems, nearest
from gateway.model import Point, Site
from gateway.registry.table import Table
from gateway.registry.words import Columns

COLUMNS: Final[Columns] = {
    "id": ("编号", "巡查点编号"),
    "name": ("名称", "巡查点"),
    "place": ("地点", "网格", "地点编码"),
    "rounds": ("班次", "时段"),
    "latitude": ("纬度",),
    "longitude": ("经度",),
}
REQUIRED: Final = ("id", "name", "place")
_ID: Final = re.compile(r"\w[\w.:-]{0,63}")
_SEPARATORS: Final = str.maketrans({"；": ";", "、": ";", "，": ";"})


def read_points(path: Path, site: Site, rounds: Collection[str]) -> tuple[Point, ...]:
    """The points of ``path`` (UTF-8 or GBK). Raises ``Problems``.

    ``rounds`` are the names of the configured rounds. Without any place in ``site`` places are
    not checked.
    """
    table = Table(path, COLUMNS, REQUIRED)
    found: dict[str, tuple[int, Point]] = {}
    for row in table.rows():
        latitude, longitude = row.position()
        words = [word.strip() for word in row.text("rounds").translate(_SEPARATORS).split(";")]
        point = Point(
            id=row.code("id", _ID),
            name=row.required("name"),
            place=row.required("place"),
            rounds=tuple(word for word in words if word),
            latitude=latitude,
            longitude=longitude,
        )
        if site.places and point.place and point.place not in site.places:
            row.wrong("place", f"there is no place {point.place!r}; places.csv has all codes")
        for name in point.rounds:
            if name not in rounds:
                row.wrong("rounds", f"there is no round {name!r}{nearest(name, rounds)}")
        if point.id in found:
            row.wrong("id", f"id {point.id!r} is already in row {found[point.id][0]}")
        found.setdefault(point.id, (row.number, point))
    if problems := table.problems():
        raise Problems(problems)
    return tuple(point for _, point in found.values())
