"""Every driver and dialect says what it is, shows a sample that loads, and brings a device."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.config import plugins
from gateway.config.catalogue import LEVELS, Entry, drivers
from gateway.document import Document, Problem, parse
from gateway.model import Action, DeviceSeen, Item, Reading
from gateway.plugins import make

ENTRIES = drivers()


def entry_id(entry: Entry) -> str:
    return entry.name


@pytest.mark.parametrize("entry", ENTRIES, ids=entry_id)
class TestEntry:
    def test_folder_is_complete(self, entry: Entry) -> None:
        role = "dialect.py" if "/" in entry.name else "driver.py"
        needed = (role, "options.py", "README.md", "sample.yaml", "simulator.py")
        assert [name for name in needed if not (entry.folder / name).is_file()] == []

    def test_it_says_what_it_is_in_both_languages(self, entry: Entry) -> None:
        assert entry.about.zh
        assert entry.about.en
        assert entry.about.zh != entry.about.en

    def test_readme_says_the_level_of_the_catalogue_and_shows_the_sample(
        self, entry: Entry
    ) -> None:
        assert entry.level in LEVELS
        readme = (entry.folder / "README.md").read_text(encoding="utf-8")
        assert f"**{entry.level}**" in readme
        assert entry.sample.strip() in readme

    def test_sample_loads(self, entry: Entry, tmp_path: Path) -> None:
        document = parse(str(tmp_path / "sample.yaml"), entry.sample)
        named = document.data.get("drivers", document.data)
        problems: list[Problem] = []
        alone = document._replace(data={"drivers": named})
        assert plugins.read(alone, "drivers", problems)
        assert problems == []

    async def test_driver_reads_its_simulated_device(self, entry: Entry) -> None:
        kind, _, dialect = entry.name.partition("/")
        module = importlib.import_module(f"drivers.{kind}.simulator")
        wanted = {"dialects": [{dialect: None}]} if dialect else {}
        clock = SystemClock()
        async with module.simulator(wanted, clock) as reached:
            problems: list[Problem] = []
            raw = {"drivers": {"device": {"type": kind} | wanted | reached}}
            read = plugins.read(Document("simulator", raw, {}, {}), "drivers", problems)
            assert problems == []
            driver = make("drivers", "device", read["device"], clock)
            assert await first_reading(driver) is not None


async def first_reading(driver: object) -> Item:
    """What the driver emits first that is a reading; fails after 30 s."""
    found: asyncio.Future[Item] = asyncio.get_running_loop().create_future()

    async def emit(items: Sequence[Item]) -> None:
        for item in items:
            assert isinstance(item, (Reading, DeviceSeen, Action)), item
            if isinstance(item, Reading) and not found.done():
                found.set_result(item)

    running = asyncio.ensure_future(driver.run(emit))  # type: ignore[attr-defined]
    try:
        async with asyncio.timeout(30):
            await asyncio.wait((running, found), return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        return found.result()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
