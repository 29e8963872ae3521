"""A replay with the rules as they were gives what the gateway itself did, whatever happened."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.model import SECOND
from tests.replay.history import History, Report
from tests.replay.played import Opening, opening, played, recorded
from tests.stories.house import House
from tests.stories.phone import Phone
from tests.virtual import VirtualClock

RULES = """
rules:
  - name: smoke
    title: smoke
    on: smoke
    when: alarm
    keep: 20s
    same: building
    incident: fire
    severity: alarm
    category: life
  - name: hot
    title: hot
    on: [smoke, climate]
    when: temperature > 50
    for: 15s
    same: building
    incident: fire
    severity: critical
    category: life
  - name: steep
    title: steep
    on: climate
    when: "rate(temperature, 2m) > 8"
    severity: warning
    category: facility
    raise:
      - {after: 40s, severity: alarm}
  - name: silent
    title: silent
    on: any
    absent: 5m
    severity: notice
    category: trouble
"""
CHANGED = RULES.replace("> 50", "> 40").replace("keep: 20s", "keep: 45s")

_DEVICES = ("s301", "s302", "s501", "climate1")


class Moment(NamedTuple):
    """Something that happens ``wait`` seconds after what was before."""

    wait: float
    what: str
    device: str
    alarm: bool
    temperature: float


def moments() -> st.SearchStrategy[list[Moment]]:
    one = st.builds(
        Moment,
        wait=st.sampled_from([3.0, 11.0, 17.0, 31.0, 70.0, 333.0]),
        what=st.sampled_from(
            ["report"] * 6 + ["receive", "close", "close", "restart", "reload", "registry"]
        ),
        device=st.sampled_from(_DEVICES),
        alarm=st.booleans(),
        temperature=st.sampled_from([20.0, 45.0, 60.0]),
    )
    return st.lists(one, min_size=4, max_size=10)


@pytest.mark.long
@given(story=moments())
@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
    phases=[Phase.generate],  # a whole gateway for every step of shrinking takes minutes
)
def test_the_rules_as_they_were_open_what_was_opened(story: list[Moment]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_lived_and_played(Path(folder), story))


async def _lived_and_played(folder: Path, story: list[Moment]) -> None:
    async with Phone() as phone:
        house = House(folder, VirtualClock(), phone)
        history = History(house)
        try:
            await history.begin(*_reports(story), rules=RULES)
            await _live(history, story)
        finally:
            await house.stop()
    there = await recorded(house.data)
    outcome = await played(house.file)
    same = [(*opening(case), case.opened) for case in outcome.before.cases]
    here, was = _by_place(same), _by_place(there.openings)
    assert [one[:-1] for one in here] == [one[:-1] for one in was]
    # The desk is some moments behind the journal.
    assert all(abs(a[-1] - b[-1]) < SECOND for a, b in zip(here, was, strict=True)), (here, was)
    assert outcome.before.totals.told == there.told
    assert outcome.before.totals.missed == there.missed
    assert outcome.reproduced == outcome.recorded == len(there.openings)


def _by_place(openings: Sequence[Opening]) -> list[Opening]:
    return sorted(openings, key=lambda one: (one[:2], one[-1]))


def _reports(story: list[Moment]) -> list[Report]:
    found: list[Report] = []
    at = 1.0
    for moment in story:
        at += moment.wait
        if moment.what == "report":
            values: dict[str, Any] = {"temperature": moment.temperature}
            if moment.device != "climate1":
                values["alarm"] = moment.alarm
            found.append((at, moment.device, values))
    return found


async def _live(history: History, story: list[Moment]) -> None:
    """The reports come by themselves; what people and operators do comes half a second later."""
    at, changed = 1.5, False
    for moment in story:
        at += moment.wait
        await history.at(at)
        match moment.what:
            case "receive" | "close":
                await _act(history.house, moment.what)
            case "restart":
                await history.restart()
            case "reload":
                changed = not changed
                history.folder("rules", CHANGED if changed else RULES)
            case "registry":
                devices = history.house.folder / "devices.csv"
                text = devices.read_text(encoding="utf-8")
                devices.write_text(text.replace("s302,", "s309,", 1), encoding="utf-8")
    await history.at(at + 400)


async def _act(house: House, verb: str) -> None:
    """On the newest incident that somebody can still do it with."""
    wanted = {"receive": ["open"], "close": ["received", "open"]}[verb]
    found = [one for one in await house.incidents() if one["state"] in wanted]
    if not found:
        return
    key = found[0]["key"]
    if verb == "close" and found[0]["state"] == "open":
        await house.act(key, "receive", "chen")
    more = {"outcome": "real"} if verb == "close" else {}
    await house.act(key, verb, "chen", **more)
