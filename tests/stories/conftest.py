"""One phone, one clock, one broker and one database for each story."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.servers import InfluxDB, Mosquitto
from tests.stories.clock import Jumpable
from tests.stories.house import House
from tests.stories.phone import Phone
from tests.stories.reports import Reports
from tests.virtual import VirtualClock


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    async with Phone() as phone:
        yield phone


@pytest.fixture
async def clock() -> Jumpable:
    return Jumpable()


@pytest.fixture
async def built(tmp_path: Path, clock: Jumpable, phone: Phone) -> AsyncIterator[House]:
    """A house that the story writes and starts itself."""
    house = House(tmp_path, clock, phone)
    yield house
    await house.stop()


@pytest.fixture
async def house(built: House, mosquitto: Mosquitto, influxdb: InfluxDB) -> AsyncIterator[House]:
    """A running house between a real broker and a real database; at the end all is delivered."""
    built.write(mqtt=mosquitto.port, influx=influxdb.url)
    await built.start()
    await built.connected()
    yield built
    if built.is_running and influxdb.running:
        await built.all_there()
        await built.delivered()


@pytest.fixture
async def sensors(house: House, mosquitto: Mosquitto, clock: Jumpable) -> AsyncIterator[Reports]:
    """Publishes reports to the broker of ``house``."""
    async with Reports(mosquitto.port, house, clock) as reports:
        yield reports


@pytest.fixture
async def virtual(tmp_path: Path, phone: Phone) -> AsyncIterator[House]:
    """A house in virtual time, whose sensors are a recording."""
    house = House(tmp_path, VirtualClock(), phone)
    yield house
    await house.stop()
