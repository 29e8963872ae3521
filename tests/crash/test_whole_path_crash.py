"""A gateway with a modem and a robot, killed while alarms, answers and deeds come in.

GRIDWARDEN_KILLS, as for the whole gateway, asks for more rounds.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from drivers.sms_modem.simulator import Modem, modem
from gateway.clock import SystemClock
from gateway.simulate import SerialPair, serial_pair
from tests.notifiers.china import WeCom, kept, serving
from tests.stories.house import PLACES
from tests.virtual import VirtualClock

ROUNDS = 3
CHEN, LIN = "+8613800000001", "+8613800000002"
BEAMS = 8
PEOPLE = """id,name,grid,role,phone,language,channels
chen,陈静,9901010101,assistant,13800000001,zh,"sms;group"
lin,林涛,9901010101,officer,13800000002,zh,"group;sms"
zhou,周敏,9901,supervisor,13800000003,zh,group
"""
CONFIG = """
site: {{name: 云河社区, data: {folder}/data}}
clock: {{trust: always}}
registry: {{places: places.csv, devices: devices.csv, people: people.csv}}
limits: [{{category: intrusion, stage: receive, within: 1m}}]
journal: {{group: 20ms}}
console: {{port: 0}}
log: {{level: error}}
drivers:
  modem: {{type: sms_modem, port: {modem}}}
  line:
    type: serial_line
    port: {line}
    line: {{max: 100}}
    reports:
      - pattern: '(?P<id>[A-Z0-9]{{1,8}}),(?P<n>\\d+),(?P<state>\\w+)'
        device: {{group: id, prefix: beam-}}
        kind: infrared
        key: n
        values:
          alarm: {{group: state, "true": [ALARM], "false": [OK]}}
notifiers:
  sms: {{type: sms_modem, driver: modem, every: 0s}}
  group: {{type: wecom, url: {{file: {url}}}}}
"""


def write(folder: Path, modem_port: str, line_port: str, url: str) -> Path:
    rows = [f"b{n},line,beam-B{n},infrared,围墙{n},9901010101" for n in range(BEAMS)]
    (folder / "devices.csv").write_text(
        "\n".join(["id,driver,address,kind,name,place", *rows, ""]), encoding="utf-8"
    )
    places = [row for row in PLACES.splitlines() if not row.startswith("9901010102")]
    (folder / "places.csv").write_text("\n".join([*places, ""]), encoding="utf-8")
    (folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    file = folder / "gridwarden.yaml"
    text = CONFIG.format(folder=folder, modem=modem_port, line=line_port, url=url)
    file.write_text(text, encoding="utf-8")
    return file


async def started(file: Path) -> tuple[Process, str]:
    """The gateway and its console's address; "" when it ended before."""
    command = [sys.executable, "-m", "gateway", "run", str(file)]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    return process, line.removeprefix("console: ").strip()


async def ended(process: Process, sign: signal.Signals) -> int:
    process.send_signal(sign)
    assert process.stdout is not None
    await process.stdout.read()
    return await process.wait()


async def busy(url: str, made: Modem, line: SerialPair, numbers: random.Random) -> None:
    """Alarms, answers and deeds, until cancelled."""
    async with aiohttp.ClientSession() as session:
        while True:
            number = numbers.randrange(BEAMS)
            state = numbers.choice(("ALARM", "ALARM", "OK"))
            line.send(f"B{number},{numbers.randrange(10**9)},{state}\r\n".encode())
            text = numbers.choice(("1", "1", "2 误报 虫", "2", "到现场了"))
            made.receive(numbers.choice((CHEN, LIN)), text)
            try:
                await _deed(session, url, numbers)
            except aiohttp.ClientError:
                return  # it is dead
            await asyncio.sleep(0.02)


async def _deed(session: aiohttp.ClientSession, url: str, numbers: random.Random) -> None:
    async with session.get(f"{url}/api/v1/incidents?open=1") as answer:
        found = await answer.json()
    if not found:
        return
    key = numbers.choice(found)["key"]
    verb, to = numbers.choice((("transfer", "lin"), ("transfer", "zhou"), ("handle", "")))
    person = numbers.choice(("chen", "lin", "zhou"))
    body: dict[str, Any] = {"person": person, "comment": "换班", "to": to}
    async with session.post(f"{url}/api/v1/incidents/{key}/{verb}", json=body) as answer:
        assert answer.status in (200, 409)


async def audited(file: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "gateway", "--lang", "en", "audit", str(file)]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    out, err = await process.communicate()
    return process.returncode or 0, (out + err).decode()


def faults(file: Path) -> list[str]:
    """What is not as promised."""
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        bodies = connection.execute("SELECT body FROM incident WHERE state != 'closed'")
        opened = [json.loads(body) for (body,) in bodies]
        timers = dict(connection.execute("SELECT incident, max(due) FROM timer GROUP BY incident"))
        lost = connection.execute("SELECT count(*) FROM outbox WHERE ended = '' AND due <= 0")
        found = ["rows without an end or a time"] if lost.fetchone()[0] else []
        closed = (
            "SELECT incident FROM event WHERE what = 'closed' GROUP BY incident HAVING count(*) > 1"
        )
        found += [f"{key} was closed twice" for (key,) in connection.execute(closed)]
        verbs = {what for (what,) in connection.execute("SELECT DISTINCT what FROM event")}
    finally:
        connection.close()
    found += [f"{one['key']} has nobody" for one in opened if not one["owner"]]
    found += [f"{one['key']} has no timer" for one in opened if not timers.get(one["key"])]
    missing = {"opened", "received", "transferred", "closed"} - verbs
    return found + [f"the story had none {what}" for what in sorted(missing)]


@pytest.mark.long
async def test_killed_with_answers_and_deeds_under_way_every_promise_holds_and_the_record_is_whole(
    tmp_path: Path,
) -> None:
    rounds = max(ROUNDS, int(os.environ.get("GRIDWARDEN_KILLS", "40")) // 13)
    numbers, robot = random.Random(20260105), WeCom(VirtualClock())
    with serial_pair() as phone, serial_pair() as line:
        async with modem(phone, SystemClock("always")) as made, serving(robot) as url:
            secret = kept(tmp_path, "url", f"{url}/cgi-bin/webhook/send?key={robot.key}")["file"]
            file = write(tmp_path, phone.port, line.port, secret)
            for _ in range(rounds):
                process, console = await started(file)
                assert console
                story = asyncio.create_task(busy(console, made, line, numbers))
                await asyncio.sleep(0.2 + numbers.random())
                await ended(process, signal.SIGKILL)
                await story
                made.restart()
            process, console = await started(file)
            assert console
            await asyncio.sleep(1.5)
            assert await ended(process, signal.SIGTERM) == 0
    assert faults(tmp_path / "data" / "cases.db") == []
    code, said = await audited(file)
    assert code == 0, said
    assert made.sent
    assert robot.told
