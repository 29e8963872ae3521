"""One record for the tests that spoil copies of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.record.house import a_record, copied


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of ``a_record``; to be copied, not changed."""
    data = tmp_path_factory.mktemp("lived") / "data"
    with asyncio.Runner() as runner:
        runner.run(a_record(data))
    return data


@pytest.fixture
def data(lived: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return copied(lived, tmp_path / "data")
