"""Stores written by a real gateway in virtual time, with the rules and the people of a story."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.model import SECOND
from tests.stories.house import House
from tests.stories.phone import Phone
from tests.virtual import VirtualClock

Report = tuple[float, str, dict[str, Any]]

RULES = """
rules:
  - name: room_hot
    title: {zh: 配电间过热, en: Switch room too hot}
    on: climate
    when: temperature > 40
    clear: temperature < 35
    severity: warning
    category: facility
"""


class History:
    """A house with a rule folder of its own; ``at`` goes to a moment after the beginning."""

    def __init__(self, house: House) -> None:
        self.house = house
        assert isinstance(house.clock, VirtualClock)
        self.clock = house.clock
        self.config = house.file
        self._began = house.clock.mono

    async def begin(self, *reports: Report, rules: str = RULES, packs: str = "[]") -> None:
        """Start with a recording of (s, device, values)."""
        lines = ((0.0, "climate1", {"temperature": 20}), *reports)
        text = "".join(
            json.dumps({"t": at, "device": device, "values": values, "key": f"{device}@{at}"})
            + "\n"
            for at, device, values in lines
        )
        self.folder("rules", rules)
        self.house.write(replay=text)
        with self.house.file.open("a", encoding="utf-8") as file:
            file.write(f"rules: {{packs: {packs}, dir: rules}}\n")
        self._began = self.clock.mono
        await self.house.start()

    async def at(self, seconds: float) -> None:
        left = seconds - (self.clock.mono - self._began) / SECOND
        assert left > 0
        await self.clock.advance(left)

    async def restart(self) -> None:
        """Down and up again; what the recording has played stays played."""
        await self.house.stop()
        await self.house.start()

    def folder(self, name: str, rules: str) -> Path:
        """A folder with one rule file."""
        return written(self.house.folder / name, rules)


@asynccontextmanager
async def lived(folder: Path) -> AsyncIterator[History]:
    """A house that is stopped at the latest on leaving."""
    async with Phone() as phone:
        house = House(folder, VirtualClock(), phone)
        try:
            yield History(house)
        finally:
            await house.stop()


A_DAY: tuple[Report, ...] = (
    (60, "climate1", {"temperature": 42}),
    (200, "climate1", {"temperature": 30}),
    (900, "climate1", {"temperature": 43}),
    (1020, "climate1", {"temperature": 46}),
    (1200, "climate1", {"temperature": 30}),
    (1300, "s301", {"alarm": True}),
    (1400, "s301", {"alarm": False}),
)
"""A short spell of 42 °C, a longer one up to 46 °C, and smoke."""


async def a_day(history: History) -> list[str]:
    """Somebody meets the first two, and nobody the smoke. The keys, oldest first."""
    await history.begin(*A_DAY, packs="[fire]")
    house = history.house
    await history.at(100)
    (one,) = await house.incidents()
    await house.act(one["key"], "receive", "chen")
    await history.at(260)
    await house.act(one["key"], "close", "chen", outcome="real", comment="已开窗散热")
    await history.at(930)
    other = (await house.incidents())[0]
    await house.act(other["key"], "receive", "lin")
    await history.at(1500)
    await house.act(other["key"], "close", "lin", outcome="real")
    await history.at(1700)
    return [each["key"] for each in reversed(await house.incidents())]


KEYS = ("F20260105-0001", "F20260105-0002", "L20260105-0001")
"""Of ``a_day``."""


def copied(day: Path, to: Path) -> Path:
    """A copy of a stopped house; its configuration file."""
    shutil.copytree(day, to)
    config = to / "gridwarden.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace(str(day), str(to)), encoding="utf-8")
    return config


def written(folder: Path, rules: str) -> Path:
    """A folder with one rule file."""
    folder.mkdir(exist_ok=True)
    (folder / "site.yaml").write_text(rules, encoding="utf-8")
    return folder
