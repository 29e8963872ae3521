"""The story says what happens, once, in both languages."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.console.view import Ledger
from gateway.demo.story import Story
from gateway.model import (
    Category,
    Happened,
    Incident,
    IncidentEvent,
    OutboxRow,
    Person,
    Place,
    Reading,
    Severity,
    Site,
    State,
    Text,
)
from tests.virtual import VirtualClock

SITE = Site(
    places={
        "99": Place("99", "", "community", "幸福社区"),
        "9901": Place("9901", "99", "building", "1号楼"),
    },
    people={"zhang-wei": Person("zhang-wei", "张伟", "99", "assistant")},
)
FIRE = Incident(
    key="L20260105-0001",
    rule="smoke_alarm",
    same="building:9901",
    title=Text("烟感报警", "Smoke alarm"),
    category=Category.life,
    severity=Severity.alarm,
    kind="smoke",
    device="smoke-0302",
    place="9901",
    owner="zhang-wei",
    state=State.open,
    opened_at=1,
    deadline=2,
    why=Text("烟感发出报警", "the detector alarms"),
)


def event(seq: int, what: Happened) -> IncidentEvent:
    return IncidentEvent(FIRE.key, seq, what, 1, 1, True, "rule:smoke_alarm", {})


class Seen:
    """A view over what a test put there."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[Incident, list[IncidentEvent], list[OutboxRow]]] = {}

    def site(self) -> Site:
        return SITE

    async def incidents(self, *, open_only: bool, limit: int) -> list[Incident]:
        return [incident for incident, _, _ in self.found.values()]

    async def incident(
        self, key: str
    ) -> tuple[Incident, list[IncidentEvent], list[OutboxRow]] | None:
        return self.found.get(key)

    def latest(self) -> Mapping[str, Reading]:
        return {"smoke-0302": Reading("smoke-0302", "smoke", {"alarm": True})}

    async def ledger(self) -> Ledger:
        return {
            "received": 43,
            "refused": {"duplicate": 1},
            "stored": 42,
            "readers": {
                "rules": {"delivered": 42, "waiting": 0, "dropped": {}},
                "series": {"delivered": 40, "waiting": 2, "dropped": {}},
            },
            "in_flight": 0,
        }


async def test_incident_and_its_message_are_said_once() -> None:
    view, said = Seen(), []
    story = Story(view, VirtualClock(), said.append)
    row = OutboxRow(1, FIRE.key, 1, "opened", "zhang-wei", 0)
    view.found[FIRE.key] = (FIRE, [event(1, Happened.opened)], [row])
    await story.look()
    await story.look()
    assert len(said) == 1
    assert "人身安全:烟感报警,幸福社区1号楼" in said[0].zh
    assert "责任人 张伟" in said[0].zh
    assert said[0].en == "life, alarm: Smoke alarm; the detector alarms"

    told = msgspec.structs.replace(row, end="told")
    view.found[FIRE.key] = (FIRE, [event(1, Happened.opened), event(2, Happened.cleared)], [told])
    await story.look()
    await story.look()
    assert [text.en for text in said[1:]] == ["alarm over", "opened: told"]
    assert said[2].zh == f"  {FIRE.key} 已通知 张伟"


@pytest.mark.parametrize("what", list(Happened))
async def test_every_event_has_words(what: Happened) -> None:
    view, said = Seen(), []
    view.found[FIRE.key] = (FIRE, [event(1, what)], [])
    await Story(view, VirtualClock(), said.append).look()
    assert said[0].zh != said[0].en
    assert any("一" <= letter <= "鿿" for letter in said[0].zh)


async def test_counts_are_said_every_five_seconds() -> None:
    clock, said = VirtualClock(), []
    telling = asyncio.create_task(Story(Seen(), clock, said.append).run())
    await clock.advance(10.1)
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    assert [text.en for text in said] == [
        "42 readings from 1 devices on disk; series: 40 delivered"
    ] * 3


async def test_summary_counts_by_category() -> None:
    view = Seen()
    view.found[FIRE.key] = (FIRE, [], [])
    summary = await Story(view, VirtualClock(), lambda _: None).summary()
    assert summary == [
        Text("警情:人身安全 1", "incidents: life 1"),
        Text("账目:接收 43 = 入库 42 + 拒收 1", "ledger: 43 received = 42 stored + 1 refused"),
    ]


class Gateway:
    """Stands where the gateway will: serves nothing, shows an incident."""

    console_url = "http://127.0.0.1:1"

    def __init__(self) -> None:
        self.view = Seen()
        self.view.found[FIRE.key] = (FIRE, [event(1, Happened.opened)], [])


async def test_demo_ends_by_itself_and_says_where_the_console_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from gateway.demo import run as demo

    running = {"now": False}
    monkeypatch.setattr(demo, "load", lambda file: file)

    @asynccontextmanager
    async def start(_settings: Any) -> AsyncIterator[Gateway]:
        running["now"] = True
        yield Gateway()
        running["now"] = False

    lines: list[str] = []
    assert await demo.run(start, 1.0, lines.append) == 0
    assert "console: http://127.0.0.1:1" in lines
    assert any("烟感报警" in line for line in lines)
    assert any("incidents: life 1" in line for line in lines[-4:])
    assert not running["now"]


async def test_sigterm_ends_the_demo_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.demo import run as demo

    folders: list[Path] = []
    monkeypatch.setattr(demo, "load", lambda file: folders.append(file.parent))

    @asynccontextmanager
    async def start(_settings: Any) -> AsyncIterator[Gateway]:
        asyncio.get_running_loop().call_later(0.2, os.kill, os.getpid(), signal.SIGTERM)
        yield Gateway()

    assert await demo.run(start, None, lambda _: None) == 143
    assert len(folders) == 1
    assert not folders[0].exists()
