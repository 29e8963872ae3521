"""The simulated week, once for all tests of the boards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dashboards.filled import Filled
from tests.dashboards.week import Week
from tests.servers import InfluxDB


@pytest.fixture(scope="package")
def filled_one() -> Iterator[Filled]:
    """In an InfluxDB 1.x."""
    with InfluxDB() as server:
        yield Filled(server, Week())


@pytest.fixture(scope="package")
def filled(filled_one: Filled) -> Filled:
    return filled_one
