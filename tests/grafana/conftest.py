"""A Grafana of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dashboards.grafana.server import Server
from tests.grafana.server import TOKEN, Grafana, running


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with running(Grafana()) as started:
        yield started


@pytest.fixture
def server(grafana: Grafana) -> Iterator[Server]:
    """Our side of it."""
    with Server(grafana.url, TOKEN) as opened:
        yield opened
