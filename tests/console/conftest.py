"""The console over a view in memory, and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from playwright.async_api import expect

from gateway.console.app import create_app
from tests.console.memory_view import MemoryView
from tests.virtual import VirtualClock

Client = TestClient[web.Request, web.Application]

expect.set_options(timeout=20_000)
"""Milliseconds: a browser on a busy machine takes its time."""


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def view(clock: VirtualClock, tmp_path: Path) -> MemoryView:
    return MemoryView(clock, tmp_path)


@pytest.fixture
async def client(view: MemoryView, clock: VirtualClock) -> AsyncIterator[Client]:
    async with TestClient(TestServer(create_app(view, clock=clock))) as client:
        yield client
