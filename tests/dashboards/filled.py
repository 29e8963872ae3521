"""A real InfluxDB with the simulated week in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.dashboards.week import Point, Week, lines
from tests.servers import InfluxDB

DATABASE = "gridwarden"
_BATCH = 10_000


def write(server: InfluxDB, points: Iterable[Point]) -> None:
    """Points as they are, in line protocol."""
    server.query(f'CREATE DATABASE "{DATABASE}"')
    text = list(lines(points))
    for start in range(0, len(text), _BATCH):
        body = "\n".join(text[start : start + _BATCH]).encode()
        server.request(f"/write?db={DATABASE}", body)


class Filled:
    """The server, and what is in it."""

    def __init__(self, server: InfluxDB, week: Week) -> None:
        self.server = server
        self.week = week
        write(server, week.streamed)

    def ask(self, text: str) -> list[dict[str, Any]]:
        """The series of one query."""
        return self.server.query(text, DATABASE)
