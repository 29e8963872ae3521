"""A whole gateway in this process: its file, its registry, its clock, and what can be seen of it.

Everything is looked at from outside: the API, the person's phone, the time-series database.
At every look the ledger has to add up.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import structlog

from gateway.app import Running, gateway
from gateway.config import load
from gateway.model import Notification, Receipt
from gateway.notifiers.webhook.notifier import Notifier
from gateway.ports import Clock
from gateway.store.journal_file import JournalFile, Quarantined
from tests.stories.clock import Jumpable
from tests.stories.phone import Phone
from tests.virtual import VirtualClock

PLACES = """code,parent,level,name,address
9901,,district,云河区,
990101,9901,street,建设街道,
99010101,990101,community,云河社区,云河路1号
9901010101,99010101,grid,第一网格,云河路以北
990101010101,9901010101,building,3号楼,云河路3号
990101010102,9901010101,building,5号楼,云河路5号
9901010102,99010101,grid,第二网格,云河路以南
"""
DEVICES = """id,driver,address,kind,name,place,floor,flat,max_silence,contact
s301,site,s301,smoke,301室烟感,990101010101,3,301,,户主周先生 13800000011
s302,site,s302,smoke,302室烟感,990101010101,3,302,,
s501,site,s501,smoke,501室烟感,990101010102,5,501,,
ir1,site,ir1,infrared,仓库红外,9901010101,,,,
cover1,site,cover1,manhole,云河路1号井盖,9901010102,,,,
climate1,site,climate1,climate,配电间环境,990101010101,,,,
quiet1,site,quiet1,smoke,地下室烟感,990101010101,-1,,30m,
kitchen,zigbee,厨房烟感,smoke,厨房烟感,990101010102,1,101,,
beam,line,beam-B7,infrared,围墙对射,9901010101,,,,
"""
PEOPLE = """id,name,grid,role,phone,language,channels
chen,陈静,9901010101,assistant,13800000001,zh,phone
lin,林涛,9901010101,officer,13800000002,zh,phone
zhou,周敏,9901010101,supervisor,13800000003,zh,phone
sun,孙值班,9901,assistant,13800000007,zh,phone
wu,吴刚,9901,officer,13800000008,zh,phone
zhao,赵敏,9901,supervisor,13800000009,zh,phone
"""

_HEAD = """
site: {{name: 云河社区, data: {data}{cases}}}
registry: {{places: places.csv, devices: devices.csv, people: people.csv}}
deadlines: {{life: 5m, intrusion: 10m}}
notifiers:
  phone: {{type: webhook, url: "{phone}"}}
{notifiers}console: {{port: 0}}
journal: {{group: 20ms}}
"""
_MQTT = """
  site:
    type: mqtt
    port: {port}
    inflight: 1000
    max_payload: 100KB
    dialects:
      - json:
          topics:
            - topic: site/+/report
              device: "{{1}}"
              values:
                alarm: alarm
                temperature: temperature
                battery: battery
                open: open
              time: {{field: ts, unit: ms}}
              key: n
            - topic: fire/+/report
              device: "{{1}}"
              kind: smoke
              values: {{alarm: alarm}}
              key: n
  zigbee:
    type: mqtt
    port: {port}
    inflight: 1000
    dialects:
      - zigbee2mqtt: {{}}
"""
_LINE = """
  line:
    type: serial_line
    port: {port}
    line: {{max: 100}}
    reports:
      - pattern: '(?P<id>[A-Z0-9]{{1,8}}),(?P<n>\\d+),(?P<state>\\w+)'
        device: {{group: id, prefix: beam-}}
        kind: infrared
        key: n
        values:
          alarm: {{group: state, "true": [ALARM], "false": [OK]}}
"""
_REPLAY = """
  site: {{type: replay, path: {path}}}
"""
_DATABASE = "yunhe"
_WITHIN = 45.0
_LONGEST_LINE = 300


def clear(line: str) -> bool:
    """Whether an operator can read it at a glance: one line, no traceback, no endless dump."""
    return 0 < len(line) <= _LONGEST_LINE and line.isprintable() and "Traceback" not in line


def adds_up(ledger: dict[str, Any]) -> bool:
    return ledger["received"] == ledger["stored"] + sum(ledger["refused"].values()) and all(
        ledger["stored"] == each["delivered"] + each["waiting"] + sum(each["dropped"].values())
        and each["waiting"] >= 0
        for each in ledger["readers"].values()
    )


class House:
    """``write`` a configuration, ``start``, look, ``stop``; as often as the story wants."""

    def __init__(self, folder: Path, clock: Clock, phone: Phone) -> None:
        self.folder = folder
        self.clock = clock
        self.phone = phone
        self.data = folder / "data"
        self.log: Sequence[MutableMapping[str, Any]] = []
        self.sent: list[tuple[str, str]] = []
        """(device id, key) of every good report that the broker has acknowledged."""
        self.registry = ""
        self.running: Running
        self.file = folder / "gridwarden.yaml"
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._api: aiohttp.ClientSession
        self._telling = 0
        for name, text in (("places", PLACES), ("people", PEOPLE)):
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")

    # --- life ---------------------------------------------------------------------------

    def write(
        self,
        *,
        mqtt: int = 0,
        line: str = "",
        replay: str = "",
        influx: str | Mapping[str, Any] = "",
        drivers: str = "",
        devices: str = "",
        notifiers: str = "",
        cases: str = "",
    ) -> None:
        """The configuration: a broker's port, a serial port, a recording's text, a sink's URL (or
        its options).

        ``cases`` is the URL of the database for incidents, in place of ``cases.db``; ``drivers`` and ``notifiers`` are further entries, indented by two, and ``devices`` further
        rows of the registry.
        """
        kept = f', cases: {{url: "{cases}"}}' if cases else ""
        head = _HEAD.format(data=self.data, phone=self.phone.url, notifiers=notifiers, cases=kept)
        text = f"{head}drivers:\n{drivers}"
        if mqtt:
            text += _MQTT.format(port=mqtt)
        if line:
            text += _LINE.format(port=line)
        if replay:
            path = self.folder / "recording.ndjson"
            path.write_text(replay, encoding="utf-8")
            text += _REPLAY.format(path=path)
        if influx:
            plain = {"url": influx, "database": _DATABASE}
            options = plain if isinstance(influx, str) else influx
            text += f"sinks: {json.dumps({'influx': {'type': 'influxdb', **options}})}\n"
        self.file.write_text(text, encoding="utf-8")
        rows = [*DEVICES.splitlines(), *devices.splitlines()]
        kept = [row for row in rows[1:] if f"\n  {row.split(',')[1]}:" in text]
        self.registry = "\n".join([rows[0], *kept, ""])
        (self.folder / "devices.csv").write_text(self.registry, encoding="utf-8")

    async def start(self) -> None:
        """Start the gateway; its console serves when this returns."""
        started: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
        self._stopping.clear()
        task = self._task = asyncio.create_task(self._live(started))
        while not started.done():
            if task.done():
                self._task = None
                await task  # raises what kept it from starting
            if isinstance(self.clock, VirtualClock):
                self.clock.busy = lambda: self._telling > 0
                await self.clock.advance(0.01)
            else:
                await asyncio.sleep(0.005)
        self.running = started.result()
        self._api = aiohttp.ClientSession(f"{self.running.console_url}/api/v1/")

    async def _live(self, started: asyncio.Future[Running]) -> None:
        tell = Notifier.tell

        async def counted(notifier: Notifier, notification: Notification) -> Receipt:
            self._telling += 1
            try:
                return await tell(notifier, notification)
            finally:
                self._telling -= 1

        Notifier.tell = counted  # type: ignore[method-assign, assignment]
        try:
            with structlog.testing.capture_logs() as self.log:
                async with gateway(load(self.file), self.clock) as running:
                    started.set_result(running)
                    await self._stopping.wait()
        finally:
            Notifier.tell = tell  # type: ignore[method-assign]

    @property
    def is_running(self) -> bool:
        return self._task is not None

    async def stop(self) -> None:
        """Stop in order; whatever the story was, the books have to balance first."""
        if self._task is None:
            return
        task, self._task = self._task, None
        try:
            if not task.done():
                await self.ledger()
        finally:
            await self._api.close()
            self._stopping.set()
            await task

    # --- what an operator sees ------------------------------------------------------------

    async def get(self, path: str) -> Any:
        async with self._api.get(path) as answer:
            assert answer.status in (200, 503), (path, answer.status, await answer.text())
            return await answer.json()

    async def ledger(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.get("ledger")
        assert adds_up(found), found
        return found

    async def incidents(self, rule: str = "", device: str = "") -> list[dict[str, Any]]:
        found = await self.get("incidents?limit=1000")
        return [
            each for each in found if rule in ("", each["rule"]) and device in ("", each["device"])
        ]

    async def act(self, key: str, verb: str, person: str, **more: str) -> Any:
        body = {"person": person, "outcome": "", "comment": "", **more}
        async with self._api.post(f"incidents/{key}/{verb}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def ends(self, key: str) -> list[tuple[str, str, str]]:
        """(purpose, person, end) of every message of an incident."""
        found = await self.get(f"incidents/{key}")
        return [(each["purpose"], each["person"], each["end"]) for each in found["messages"]]

    async def device(self, id_: str) -> dict[str, Any]:
        return next(each for each in await self.get("devices") if each["id"] == id_)

    async def readings(self, device: str) -> list[dict[str, Any]]:
        """Everything the journal has of a device, whatever the wall clock did meanwhile."""
        found: list[dict[str, Any]] = await self.get(f"readings?device={device}&since=0&limit=5000")
        return found

    async def task(self, name: str) -> dict[str, Any]:
        return next(t for t in (await self.get("health"))["tasks"] if t["name"] == name)

    def quarantine(self) -> list[Quarantined]:
        """Newest first, as ``gridwarden journal`` reads it beside the running gateway."""
        file = JournalFile(self.data / "journal.db")
        file.look()
        try:
            return file.quarantined(100)
        finally:
            file.reader.close()

    def said(self, event: str, **fields: Any) -> list[MutableMapping[str, Any]]:
        """Log entries of ``event``; each has to be clear, whichever is asked for."""
        for entry in self.log:
            assert all(clear(str(v)) for k, v in entry.items() if k in ("reason", "action")), entry
        found = [entry for entry in self.log if entry["event"] == event]
        return [each for each in found if fields.items() <= each.items()]

    # --- waiting ----------------------------------------------------------------------------

    async def until(
        self, holds: Callable[[], Awaitable[Any] | Any], within: float = _WITHIN
    ) -> Any:
        """The first true result of ``holds``, looked for in real time."""
        result: Any = None
        try:
            async with asyncio.timeout(within):
                while True:
                    result = holds()
                    if isinstance(result, Awaitable):
                        result = await result
                    if result:
                        return result
                    await self.ledger()
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(
                f"not within {within:g} s: {result!r}; {await self.ledger()}; {self.log[-5:]}"
            ) from None

    async def connected(self) -> None:
        """Until the broker knows our subscriptions: from now on it keeps what is published."""
        await self.until(lambda: len(self.said("connected")) >= 2)

    async def refused(self, reason: str, count: int) -> None:
        """Until ``count`` items were refused for ``reason``, and nothing for another."""
        await self.until(lambda: self._has_refused(reason, count))
        assert set((await self.ledger())["refused"]) == {reason}

    async def _has_refused(self, reason: str, count: int) -> bool:
        return bool((await self.ledger())["refused"].get(reason, 0) >= count)

    async def told(self, purpose: str, device: str) -> dict[str, Any]:
        """Until somebody was told; the first message."""
        found = await self.until(lambda: self.phone.told(purpose, device))
        assert isinstance(found[0], dict)
        return found[0]

    async def has(self, device: str, count: int) -> list[dict[str, Any]]:
        """Until the journal has ``count`` readings of ``device``."""

        async def enough() -> list[dict[str, Any]]:
            found = await self.readings(device)
            return found if len(found) >= count else []

        found: list[dict[str, Any]] = await self.until(enough)
        return found

    async def delivered(self) -> dict[str, Any]:
        """Until the sink has everything; the ledger then. Telemetry waits for company first."""

        async def done() -> dict[str, Any]:
            if isinstance(self.clock, Jumpable):
                await self.clock.forward(1.0)
            ledger = await self.ledger()
            return ledger if ledger["readers"]["influx"]["waiting"] == 0 else {}

        found: dict[str, Any] = await self.until(done)
        return found

    async def all_there(self) -> None:
        """Every good report the broker acknowledged is in the journal, exactly once."""
        for device in {device for device, _ in self.sent}:
            wanted = {key for name, key in self.sent if name == device}
            await self.has(device, len(wanted))
            keys = Counter(each["key"] for each in await self.readings(device) if each["key"])
            assert {key: keys[key] for key in wanted} == dict.fromkeys(wanted, 1)


def zeros(path: Path) -> None:
    """Overwrite a database with zeros of its length."""
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] > 0
    connection.close()
    path.write_bytes(bytes(path.stat().st_size))


BROKEN = re.compile(r"(journal|cases)-broken-\d{8}-\d{6}\.db")
"""How a file that was put aside is called."""
