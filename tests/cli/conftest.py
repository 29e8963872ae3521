"""One past for the commands that look at it: lived once, copied for each test."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.replay.history import KEYS, a_day, copied, lived


@pytest.fixture(scope="session")
def lived_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a gateway that lived ``a_day`` and was stopped."""
    folder = tmp_path_factory.mktemp("day")

    async def live() -> None:
        async with lived(folder) as history:
            assert tuple(await a_day(history)) == KEYS

    with asyncio.Runner() as runner:
        runner.run(live())
    return folder


@pytest.fixture
def day(lived_day: Path, tmp_path: Path) -> Path:
    """Its configuration file, in a copy that a test may spoil."""
    return copied(lived_day, tmp_path / "site")
