"""A small estate with a shop: rules, plans and a registry of its own, in virtual time.

What its devices say is a recording. ``at`` goes to a moment of it step by step, ``skip`` hurries
to one, and ``restart`` stops the gateway and starts it with what is left of the recording.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp

from gateway.model import SECOND, Action
from tests.stories.house import House
from tests.virtual import VirtualClock, settle

ZONE = ZoneInfo("Asia/Shanghai")
HOUR, MINUTE = 3_600.0, 60.0
SHOP, HOUSE_5, GRID = "990101010101", "990101010102", "9901010101"
DEVICES = """id,driver,address,kind,name,place,floor,flat,max_silence,contact,tags
climate1,site,climate1,climate,配电间环境,990101010101,,,,,
s301,site,s301,smoke,301室烟感,990101010101,3,301,,户主周先生 13800000011,
s302,site,s302,smoke,302室烟感,990101010101,3,302,,,
h401,site,h401,heat,401室感温,990101010101,4,401,,,
s501,site,s501,smoke,501室烟感,990101010102,5,501,,,
pir,site,pir,infrared,便利店红外,990101010101,1,,,店主吴女士 13800000012,
hall,site,hall,infrared,便利店过道红外,990101010101,1,,,,entry_route
door,site,door,contact,便利店后门,990101010101,1,,,,entry_route
cam,site,cam,camera,便利店摄像头,990101010101,1,,,,
keypad,site,keypad,panel,便利店键盘,990101010101,1,,,,
"""
Line = tuple[float, str, dict[str, Any]]


class Coarse(VirtualClock):
    """A virtual clock that can also hurry: whoever sleeps wakes at the end of a step."""

    async def hurry(self, seconds: float, step: float) -> None:
        end = self.mono + int(seconds * SECOND)
        while self.mono < end:
            await settle(self.busy)
            self._move_to(min(end, self.mono + int(step * SECOND)))
            due = [each for each in self._sleepers if each[0] <= self.mono]
            self._sleepers = sorted(each for each in self._sleepers if each[0] > self.mono)
            for _, _, future in sorted(due):
                if not future.done():
                    future.set_result(None)
        await settle(self.busy)


class Estate:
    """``begin``, go to moments, look at what people were told."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.clock = Coarse()
        house.clock = self.clock
        self.files: dict[str, str] = {}
        self.packs = "fire, intrusion"
        self.devices = DEVICES
        self.limits = ""
        """The section ``limits`` of the configuration."""
        self._lines: list[Line] = []
        self._began = 0
        self._runs = 0

    # --- life -----------------------------------------------------------------------------

    async def begin(self, *lines: Line, at: str = "2026-01-05 16:00") -> None:
        """Start at a local time (a Monday's afternoon) with what will be reported when (s)."""
        self.clock.wall = int(datetime.fromisoformat(at).replace(tzinfo=ZONE).timestamp()) * SECOND
        self._lines, self._began = sorted(lines, key=lambda line: line[0]), self.clock.mono
        self._write()
        await self.house.start()

    async def restart(self) -> None:
        """Stop the whole gateway and start it at once."""
        await self.house.stop()
        self._write()
        await self.house.start()

    def say(self, name: str, text: str) -> None:
        """A file in the folder of the rules; "" removes it."""
        file = self.house.folder / "rules" / name
        if text:
            file.write_text(text, encoding="utf-8")
        else:
            file.unlink()

    def register(self, devices: str) -> None:
        """The registry's devices."""
        (self.house.folder / "devices.csv").write_text(devices, encoding="utf-8")

    def _write(self) -> None:
        now, self._runs = self.now, self._runs + 1
        left = [(at - now, device, values) for at, device, values in self._lines if at > now]
        head: Line = (0.0, "climate1", {"temperature": 20 + self._runs})
        text = "".join(_line(*line) for line in (head, *left))
        self.house.write(replay=text)
        with self.house.file.open("a", encoding="utf-8") as file:
            file.write(f"rules: {{packs: [{self.packs}], dir: rules}}\n{self.limits}")
        if self._runs == 1:
            (self.house.folder / "rules").mkdir()
            for name, content in self.files.items():
                self.say(name, content)
        self.register(self.devices)

    # --- time -----------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return (self.clock.mono - self._began) / SECOND

    async def at(self, seconds: float) -> None:
        """To a moment of the story, in exact steps."""
        assert seconds > self.now
        await self.clock.advance(seconds - self.now)

    async def skip(self, seconds: float, step: float = 300.0) -> None:
        """To a moment of the story in a hurry: what happens meanwhile is late by up to ``step``."""
        await self.clock.hurry(seconds - self.now, step)

    # --- people -----------------------------------------------------------------------------

    def told(self) -> list[tuple[str, str]]:
        """(purpose, person) of every message since the last look."""
        found = [(each["purpose"], each["person"]) for each in self.house.phone.messages]
        self.house.phone.messages.clear()
        return found

    async def only(self, **wanted: str) -> dict[str, Any]:
        (incident,) = await self.all(**wanted)
        return incident

    async def all(self, **wanted: str) -> list[dict[str, Any]]:
        found = await self.house.incidents()
        return [each for each in found if all(each[k] == v for k, v in wanted.items())]

    async def sentences(self, key: str) -> list[tuple[str, str]]:
        """(what, why in Chinese) of every event of an incident."""
        events = (await self.house.get(f"incidents/{key}"))["events"]
        return [(each["what"], str(each["data"].get("why_zh", ""))) for each in events]

    async def done(self, key: str, person: str = "chen") -> None:
        """Somebody goes there and closes it."""
        for verb, more in (("receive", {}), ("handle", {}), ("close", {"outcome": "real"})):
            await self.house.act(key, verb, person, **more)
        await self.clock.advance(1)
        self.told()

    async def reply(self, action: Action) -> None:
        """An answer by SMS comes in, as a modem's driver brings it."""
        door = self.house.running.view._intake.door("modem")  # type: ignore[attr-defined]
        coming = asyncio.create_task(door([action]))
        await self.clock.advance(0.5)
        await coming

    async def arm(self, place: str, mode: str, span: str = "", person: str = "chen") -> None:
        """As the console's page does."""
        body = {"place": place, "mode": mode, "person": person, "for": span}
        url = f"{self.house.running.console_url}/api/v1/arming"
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
            assert answer.status == 200, await answer.text()

    async def mode(self, place: str = SHOP) -> tuple[str, str]:
        """(mode, who said so) of a place."""
        rows = await self.house.get("arming")
        return next((row["mode"], row["by"]) for row in rows if row["place"] == place)


def _line(at: float, device: str, values: Mapping[str, Any]) -> str:
    kind = {"kind": values["kind"]} if "kind" in values else {}
    said = {name: value for name, value in values.items() if name != "kind"}
    line = {"t": at, "device": device, "values": said, "key": f"{device}@{at}", **kind}
    return json.dumps(line) + "\n"


def pulse(at: float, device: str, name: str = "alarm", long: float = 5.0) -> tuple[Line, Line]:
    """A detector that says yes, and soon no."""
    return (at, device, {name: True}), (at + long, device, {name: False})
