"""Rules and registry change at bad moments, in virtual time."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from gateway import document
from gateway.view import StoreView
from tests.stories.house import House
from tests.stories.test_reload import LOOK, TAKEN, Story, editions, hot


@pytest.fixture
def story(virtual: House) -> Story:
    return Story(virtual)


def view_of(story: Story) -> StoreView:
    view = story.house.running.view
    assert isinstance(view, StoreView)
    return view


async def takes_nothing(house: House, store: str, refuses: bool) -> None:
    """Have SQLite refuse every write to one of the two stores."""
    view = house.running.view
    assert isinstance(view, StoreView)
    pragma = f"PRAGMA query_only = {'ON' if refuses else 'OFF'}"
    if store == "journal":
        journal = view._journal
        await journal._in_writer(lambda: journal._file.writer.execute(pragma))
    else:
        await view._cases._writer.run(lambda side: side.connection.execute(pragma))


async def test_locks_of_editors_and_remarks_of_other_systems_are_no_rule_files(
    story: Story,
) -> None:
    await story.begin()
    await story.at(10)
    folder = story.house.folder / "rules"
    (folder / ".#own.yaml").symlink_to("somebody@desk.1234")
    (folder / "._own.yaml").write_bytes(b"\x00\x05\x16\x07\xff")
    await story.at(10 + TAKEN)
    assert story.house.said("rules_refused") == []
    story.say("own.yaml", hot(25))
    await story.at(10 + 2 * TAKEN)
    assert story.house.said("rules_reloaded") != []


async def test_folder_that_can_not_be_read_is_refused_and_no_empty_one(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    await story.begin((60, "climate1", {"temperature": 50}))
    await story.at(10)

    scandir = os.scandir

    def refused(path: Any = ".") -> Any:
        if str(path).endswith("rules"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    outcome = await view_of(story).reload_rules()
    assert not outcome.ok
    assert "rules:1:1: can not be read: Permission denied" in outcome.problems[0]
    await story.at(61)
    assert await story.rules() == ["hot", "refused"]


async def test_registry_that_the_cases_did_not_take_can_be_taken_back(story: Story) -> None:
    await story.begin()
    await story.at(10)
    devices = story.house.folder / "devices.csv"
    old = devices.read_text(encoding="utf-8")
    await takes_nothing(story.house, "cases", True)
    devices.write_text(old + "new1,site,s999,smoke,新烟感,990101010102,9,901,,\n", "utf-8")
    assert (await view_of(story).reload_rules()).ok
    assert "new1" in view_of(story).site().devices
    await takes_nothing(story.house, "cases", False)
    devices.write_text(old, encoding="utf-8")
    assert (await view_of(story).reload_rules()).ok
    assert "new1" not in view_of(story).site().devices


async def test_what_a_full_journal_put_off_and_was_taken_back_slows_no_later_look(
    story: Story,
) -> None:
    await story.begin()
    await story.at(10)
    await takes_nothing(story.house, "journal", True)
    story.say("own.yaml", hot(25))
    await story.clock.advance(TAKEN)
    assert story.house.said("reload_put_off") != []
    story.say("own.yaml", hot(40))
    await takes_nothing(story.house, "journal", False)
    await story.clock.advance(10 * TAKEN)
    assert story.house.said("rules_reloaded") == []
    story.say("own.yaml", hot(26))
    await story.clock.advance(TAKEN)
    assert story.house.said("rules_reloaded") != []


async def test_what_a_full_journal_put_off_is_in_force_once_it_takes_again(story: Story) -> None:
    await story.begin()
    await story.at(10)
    await takes_nothing(story.house, "journal", True)
    story.say("own.yaml", hot(25))
    await story.clock.advance(TAKEN)
    await takes_nothing(story.house, "journal", False)
    await story.clock.advance(30 + TAKEN)
    assert editions(story.house.folder) == ["registry", "rules", "rules"]


async def test_configuration_that_changes_while_it_is_read_is_read_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    await story.begin()
    await story.at(10)
    parse = document.parse
    file = story.house.file
    later = [file.read_text(encoding="utf-8").replace("[fire]", "[fire, lamps]")]

    def overtaken(name: str, *more: Any) -> document.Document:
        found = parse(name, *more)
        if name == str(file) and later:
            file.write_text(later.pop(), encoding="utf-8")
        return found

    monkeypatch.setattr(document, "parse", overtaken)
    story.say("own.yaml", hot(25))
    assert not (await view_of(story).reload_rules()).ok
    await story.clock.advance(TAKEN)
    assert any(row.name.startswith("lamp") for row in view_of(story).rules_report())


async def test_people_who_ask_at_once_and_the_watcher_record_each_edition_once(
    story: Story,
) -> None:
    await story.begin()
    await story.at(10)
    view = view_of(story)
    for limit in range(20, 30):
        story.say("own.yaml", hot(limit))
        story.house.running.reload()
        found = await asyncio.gather(*(view.reload_rules() for _ in range(4)))
        assert all(each.ok for each in found)
    await story.clock.advance(LOOK)
    assert editions(story.house.folder) == ["registry"] + ["rules"] * 11
