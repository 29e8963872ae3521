"""Rules and registry change while the gateway runs, in virtual time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway import detect, rule_care
from gateway.console.view import ActRefused
from gateway.model import SECOND, Edition, Lane, Record
from gateway.store.journal_file import JournalFile
from tests.stories.house import House
from tests.virtual import VirtualClock

_RULE = """
rules:
  - name: hot
    title: {{zh: 过热, en: Hot}}
    on: climate
    when: temperature > {limit}
    severity: warning
    category: facility
"""
REFUSED = """
rules:
  - name: refused
    title: {zh: 规则未生效, en: Rules refused}
    on: gateway
    when: rules_refused
    severity: warning
    category: system
"""
LOOK = 3.0
"""Seconds between two looks at the files."""
TAKEN = 3 * LOOK
"""Seconds after which a change has been seen twice and is in force."""

Line = tuple[float, str, dict[str, Any]]


def hot(limit: int) -> str:
    return _RULE.format(limit=limit)


class Story:
    """A house with rule files of its own; ``at`` goes to a moment of its recording."""

    def __init__(self, house: House) -> None:
        self.house = house
        assert isinstance(house.clock, VirtualClock)
        self.clock = house.clock
        self._began = 0

    async def begin(self, *lines: Line, limit: int = 40) -> None:
        text = "".join(
            json.dumps({"t": at, "device": device, "values": values, "key": f"{device}@{at}"})
            + "\n"
            for at, device, values in ((0.0, "climate1", {"temperature": 20}), *lines)
        )
        self.house.write(replay=text)
        with self.house.file.open("a", encoding="utf-8") as file:
            file.write("rules: {packs: [fire], dir: rules}\n")
        self.say("own.yaml", hot(limit))
        self.say("refused.yaml", REFUSED)
        self._began = self.clock.mono
        await self.house.start()

    def say(self, name: str, text: str) -> None:
        folder = self.house.folder / "rules"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")

    async def at(self, seconds: float) -> None:
        left = seconds - (self.clock.mono - self._began) / SECOND
        assert left > 0
        await self.clock.advance(left)

    async def rules(self) -> list[str]:
        """The rules of the open incidents."""
        found = await self.house.incidents()
        return sorted(each["rule"] for each in found if each["state"] != "closed")

    async def problems(self) -> Sequence[str]:
        return self.house.running.view.rules_edition().problems


@pytest.fixture
def story(virtual: House) -> Story:
    return Story(virtual)


def records(folder: Path) -> list[Record]:
    """Everything in the journal of a house that runs or has stopped."""
    file = JournalFile(folder / "data" / "journal.db")
    file.look()
    try:
        chunks = file.chunks(0, Lane.everything, 10**9)
    finally:
        file.reader.close()
    return [record for chunk in chunks for record in chunk.records]


def editions(folder: Path) -> list[str]:
    """What came into force, in order."""
    return [each.item.what for each in records(folder) if isinstance(each.item, Edition)]


async def test_changed_threshold_takes_effect_without_restart_and_open_incidents_stay(
    story: Story,
) -> None:
    await story.begin(
        (5, "s301", {"alarm": True}),
        (10, "climate1", {"temperature": 30}),
        (60, "climate1", {"temperature": 31}),
    )
    await story.at(20)
    assert await story.rules() == ["smoke_alarm"]
    (before,) = await story.house.incidents("smoke_alarm")
    story.say("own.yaml", hot(25))
    await story.at(20 + TAKEN)
    await story.at(61)
    assert await story.rules() == ["hot", "smoke_alarm"]
    (after,) = await story.house.incidents("smoke_alarm")
    assert after["key"] == before["key"]
    assert story.house.said("rules_reloaded", changed=["rules"])
    assert editions(story.house.folder) == ["registry", "rules", "rules"]


async def test_broken_file_leaves_the_old_rules_on_is_an_incident_and_clears_when_mended(
    story: Story,
) -> None:
    await story.begin(
        (40, "climate1", {"temperature": 30}),
        (60, "climate1", {"temperature": 50}),
        (80, "climate1", {"temperature": 20}),
    )
    await story.at(10)
    story.say("own.yaml", hot(25) + "    whenn: 3\n    sevrity: alarm\n")
    await story.at(10 + TAKEN)
    assert await story.rules() == ["refused"]
    (entry,) = story.house.said("rules_refused")
    assert len(entry["problems"]) == 2
    assert all("own.yaml:" in problem for problem in entry["problems"])
    assert await story.problems() == entry["problems"]
    await story.at(41)
    assert await story.rules() == ["refused"], "the new rules are in force"
    await story.at(61)
    assert await story.rules() == ["hot", "refused"], "the old rules are not in force"
    assert len(story.house.said("rules_refused")) == 1
    story.say("own.yaml", hot(40))
    await story.at(61 + TAKEN)
    (incident,) = await story.house.incidents("refused")
    assert incident["alarming"] == []
    assert await story.problems() == []
    assert editions(story.house.folder) == ["registry", "rules"]


async def test_file_that_is_being_written_is_not_judged(story: Story) -> None:
    await story.begin()
    await story.at(10)
    for size in range(1, 6):  # slower than a look, and never twice the same
        story.say("own.yaml", hot(25)[: 20 * size] + "\n  oops")
        await story.clock.advance(LOOK)
    story.say("own.yaml", hot(25))
    await story.clock.advance(TAKEN)
    assert story.house.said("rules_refused") == []
    assert story.house.said("rules_reloaded") != []


async def test_person_who_asks_is_answered_at_once(story: Story) -> None:
    await story.begin((30, "climate1", {"temperature": 30}))
    await story.at(10)
    view = story.house.running.view
    story.say("own.yaml", "rules: 1\n")
    outcome = await view.reload_rules()
    assert not outcome.ok
    assert "own.yaml:1:8" in outcome.problems[0]
    story.say("own.yaml", hot(25))
    assert (await view.reload_rules()).ok
    before = view.rules_edition().digest
    await story.at(31)
    assert await story.rules() == ["hot", "refused"]
    assert view.rules_edition().digest != before
    assert view.rules_edition().since > 0
    assert {row.name for row in view.rules_report()} > {"hot", "refused", "smoke_alarm"}
    assert next(row for row in view.rules_report() if row.name == "hot").counters["open"] == 1


async def test_signal_has_the_files_read_without_waiting_for_a_second_look(story: Story) -> None:
    await story.begin()
    await story.at(10)
    story.say("own.yaml", hot(25))
    story.house.running.reload()
    await story.clock.advance(0.1)
    assert editions(story.house.folder) == ["registry", "rules", "rules"]


async def test_registry_that_changes_is_followed_by_doors_and_by_who_is_told(story: Story) -> None:
    await story.begin(
        (10, "s999", {"alarm": False}),
        (40, "s999", {"alarm": True}),
    )
    await story.at(11)
    devices, people = story.house.folder / "devices.csv", story.house.folder / "people.csv"
    with devices.open("a", encoding="utf-8") as file:
        file.write("new1,site,s999,smoke,新烟感,990101010102,9,901,,\n")
    people.write_text(people.read_text("utf-8").replace("chen,陈静", "qian,钱新"), "utf-8")
    await story.at(11 + TAKEN)
    assert editions(story.house.folder) == ["registry", "rules", "registry"]
    await story.at(41)
    (incident,) = await story.house.incidents("smoke_alarm")
    assert incident["device"] == "new1"
    assert "site/s999" not in {each["id"] for each in await story.house.get("devices")}
    assert [each["person"] for each in story.house.phone.told("opened")] == ["qian"]
    await story.house.stop()
    await story.house.start()
    assert editions(story.house.folder) == ["registry", "rules", "registry"]


async def test_registry_with_an_error_is_refused_whole_with_rules_that_are_right(
    story: Story,
) -> None:
    await story.begin()
    await story.at(10)
    with (story.house.folder / "devices.csv").open("a", encoding="utf-8") as file:
        file.write("new1,site,s999,smoke,新烟感,nowhere,9,901,,\n")
    story.say("own.yaml", hot(25))
    await story.at(10 + TAKEN)
    assert await story.rules() == ["refused"]
    assert "devices.csv:" in (await story.problems())[0]
    assert "new1" not in story.house.running.view.site().devices
    assert editions(story.house.folder) == ["registry", "rules"]


async def test_files_changed_between_two_runs_are_in_force_before_the_first_reading(
    story: Story,
) -> None:
    await story.begin()
    await story.at(10)
    await story.house.stop()
    story.say("own.yaml", hot(15))
    before = len(records(story.house.folder))
    await story.house.start()
    await story.clock.advance(5)
    found = records(story.house.folder)
    assert isinstance(found[before].item, Edition)
    assert editions(story.house.folder) == ["registry", "rules", "rules"]
    assert await story.rules() == ["hot"]  # the recording's first line is played again


async def test_calendar_beside_the_rule_files_is_part_of_the_rules(story: Story) -> None:
    calendar = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\n"
        "DTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20260105\r\nSUMMARY:{}\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    plan = (
        "plans:\n  - name: offices\n    title: {zh: 布防, en: Armed}\n"
        '    week: {mon-fri: ["19:00-07:30"]}\n    holidays: holidays.ics\n'
    )
    await story.begin()
    await story.at(10)
    story.say("own.yaml", hot(40) + plan)
    await story.at(10 + TAKEN)
    assert any("holidays.ics" in problem for problem in await story.problems())
    story.say("holidays.ics", calendar.format("New Year"))
    await story.at(10 + 2 * TAKEN)
    assert await story.problems() == []
    story.say("holidays.ics", calendar.format("Spring Festival"))
    await story.at(10 + 3 * TAKEN)
    assert editions(story.house.folder) == ["registry", "rules", "rules", "rules"]


async def test_arming_is_in_force_when_the_answer_comes_and_nonsense_is_told_to_its_author(
    story: Story,
) -> None:
    await story.begin()
    await story.at(10)
    view = story.house.running.view
    assert {row.mode for row in await view.modes()} == {"away"}
    await view.arm("9901010101", "disarmed", "person:chen", 0)
    modes = {row.place: (row.mode, row.by) for row in await view.modes()}
    assert modes["9901010101"] == modes["990101010101"] == ("disarmed", "person:chen")
    assert modes["9901010102"][0] == "away"
    for place, mode in (("nowhere", "away"), ("", "armed")):
        with pytest.raises(ActRefused):
            await view.arm(place, mode, "person:chen", 0)
    assert (await story.house.ledger())["refused"] == {}
    await story.house.stop()
    await story.house.start()
    assert {row.mode for row in await story.house.running.view.modes()} == {"away", "disarmed"}


async def test_rule_that_is_too_slow_is_an_incident_of_its_own(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detect, "_METERED", 1)
    monkeypatch.setattr(rule_care, "_SLOW", -1)  # no rule is faster than that
    story.say("failing.yaml", REFUSED.replace("refused", "failing").replace("rules_f", "rule_f"))
    await story.begin(*((n, "climate1", {"temperature": 20 + n / 10}) for n in range(1, 50)))
    await story.at(70)
    (incident,) = [i for i in await story.house.incidents("failing") if "hot" in i["device"]]
    assert incident["device"] == "gateway/rule:hot"
    row = next(row for row in story.house.running.view.rules_report() if row.name == "hot")
    assert row.mean > 0
    monkeypatch.setattr(rule_care, "_SLOW", 10**9)
    story.say("own.yaml", hot(41))  # other rules: nothing is held against them
    await story.at(90)
    (after,) = [i for i in await story.house.incidents("failing") if i["key"] == incident["key"]]
    assert after["alarming"] == []
