"""One past for the commands that look at it: lived once, copied for each test."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.cli import _say, main
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


class Done(NamedTuple):
    """What a command left behind, as ``subprocess`` names it."""

    returncode: int
    stdout: str
    stderr: str


Inside = Callable[..., Done]


@pytest.fixture
def inside(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Inside:
    """The command line in this process: a new one takes a second to import what this has."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(_say, "_chosen", "")

    def run(*arguments: str) -> Done:
        capsys.readouterr()
        _say._chosen = ""
        with pytest.raises(SystemExit) as left:
            main(arguments)
        said = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Done(left.value.code, said.out, said.err)

    return run
