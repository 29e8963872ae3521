"""The same promises, whatever ``cases.db`` is kept in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.store import InFile, OnServer, Store


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Every test that takes it runs on a file and on a server."""
    if request.param == "sqlite":
        return InFile(tmp_path / "cases.db")
    return request.getfixturevalue("on_server")


@pytest.fixture
def on_server(request: pytest.FixtureRequest) -> OnServer:
    """An empty schema of a real server."""
    url = request.getfixturevalue("postgresql")
    return OnServer(request.getfixturevalue("postgresql_server"), url)
