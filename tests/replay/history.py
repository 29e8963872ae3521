"""Stores written by a real gateway in virtual time, with the rules and the people of a story."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gateway.model import SECOND
from tests.stories.house import House
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
            json.dumps({"t": at, "device": device, "values": values, "key": f"{device}@{at}"}) + "\n"
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
        folder = self.house.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "site.yaml").write_text(rules, encoding="utf-8")
        return folder
