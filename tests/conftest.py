"""Fixtures for every test: real servers, and a check that a test left nothing behind."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial

import pytest
from hypothesis import HealthCheck, settings

from tests import servers
from tests.influxdb import Database, InfluxDB2, opened, skip_without
from tests.processes import children
from tests.servers import InfluxDB, Mosquitto, PostgreSQL, VictoriaMetrics


def pytest_configure() -> None:
    """A shell's job in the background ignores Ctrl-C, and so would all that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # how fast the machine is at the moment says nothing of the program
    settings.register_profile(
        "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, so that two processes end at the same time."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture
def mosquitto() -> Iterator[Mosquitto]:
    """A broker; like every server here it starts in 15 to 35 ms, so each test has its own."""
    with Mosquitto() as broker:
        yield broker


@pytest.fixture
def influxdb() -> Iterator[InfluxDB]:
    """An InfluxDB 1.x without databases."""
    with InfluxDB() as server:
        yield server


@pytest.fixture(scope="session")
def influxdb2_server() -> Iterator[InfluxDB2]:
    """One for all tests of a process: its first start takes some seconds."""
    skip_without()
    with InfluxDB2() as server:
        yield server


@pytest.fixture
def influxdb2(influxdb2_server: InfluxDB2) -> InfluxDB2:
    """A real InfluxDB 2.x, set up and running; buckets of others are in it."""
    influxdb2_server.start()
    return influxdb2_server


MakeDatabase = Callable[..., Database]


@pytest.fixture(params=["1.x", "2.x"])
def make_database(request: pytest.FixtureRequest) -> MakeDatabase:
    """``make_database(keep=None)``: a new database for the sink, on each version in turn."""
    server = request.getfixturevalue("influxdb" if request.param == "1.x" else "influxdb2")
    return partial(opened, server)


@pytest.fixture
def database(make_database: MakeDatabase) -> Database:
    """Where the sink may write, on a real 1.x and, where there is one, on a real 2.x."""
    return make_database()


@pytest.fixture
def victoria() -> Iterator[VictoriaMetrics]:
    """A VictoriaMetrics without series."""
    with VictoriaMetrics() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    """One for all tests of a process: making it takes a second."""
    with PostgreSQL() as server:
        yield server


@pytest.fixture
def postgresql(postgresql_server: PostgreSQL) -> str:
    """The URL of an empty schema."""
    postgresql_server.start()
    return postgresql_server.schema()


@pytest.fixture(autouse=True)
def _stays_as_urgent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that is run in this process would slow down all tests after it: nice is for ever."""
    monkeypatch.setattr(os, "nice", lambda increment: increment)


@pytest.fixture(autouse=True)
def leaves_nothing_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test after which a task, a non-daemon thread or a child process is left."""
    if inspect.iscoroutinefunction(getattr(request.node, "function", None)):
        request.getfixturevalue("_leaves_no_task")
    threads = set(threading.enumerate())
    before = children()
    yield
    gc.unfreeze()  # a gateway keeps what it has imported from the collector, and itself with it
    left = [t.name for t in threading.enumerate() if t not in threads and not _may_stay(t)]
    assert not left, f"threads left behind: {left}"
    orphans = {pid: name for pid, name in children().items() if pid not in before}
    orphans = {pid: name for pid, name in orphans.items() if pid not in servers.RUNNING}
    assert not orphans, f"child processes left behind: {orphans}"


@pytest.fixture
async def _leaves_no_task() -> AsyncIterator[None]:
    yield
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks left behind: {left}"


def _may_stay(thread: threading.Thread) -> bool:
    """The loop's own executor ends with the loop, which pytest closes after this check."""
    return thread.daemon or not thread.is_alive() or thread.name.startswith("asyncio_")
