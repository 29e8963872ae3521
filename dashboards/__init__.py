"""Grafana dashboards, built by typed code: ``all`` gives one language's set.

The library that builds them is imported when they are asked for: a gateway without Grafana has
no need of it.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Board(NamedTuple):
    """One dashboard."""

    uid: str
    title: str
    folder: str
    """The title of the folder that it belongs in."""
    json: dict[str, Any]


def all(  # noqa: A001 - read as dashboards.all
    language: str = "zh",
    console: str = "http://127.0.0.1:8080",
    *,
    tiles: str = "",
    zone: str = "Asia/Shanghai",
) -> list[Board]:
    """Every board in ``zh`` or ``en``.

    ``console`` is where the panels' links lead: the gateway's console as the people before the
    wall reach it. ``tiles`` is a map's address like ``http://maps.example/{z}/{x}/{y}.png``
    (WGS-84); "" leaves the ground to Grafana's own settings. ``zone`` is the time zone of the axes.
    ImportError when the extra ``dashboards`` is not installed.
    """
    from dashboards.boards import boards
    from dashboards.sheet import Options

    return boards(Options(language, console, tiles, zone))
