"""The ladder and the telling together: who is asked next, by which channel, and who is left alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.stories.estate import HOUR, Estate
from tests.stories.house import PEOPLE, House
from tests.stories.test_telling_night import BY_FLAT, estate_of, smoke

WAYS = PEOPLE.replace("zh,phone", 'zh,"phone;paper;screen"')
SHIFTS = WAYS.replace("lin,", 'bai,白洁,9901010101,assistant,13800000004,zh,"phone;paper"\nlin,', 1)
ROSTERS = """place,role,people,days,hours
9901010101,assistant,chen,,08:00-20:00
9901010101,assistant,bai,,20:00-08:00
"""


class Told:
    """Everything that was told, by which channel, when."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self._read: dict[str, int] = {}

    def new(self) -> list[tuple[str, str, str]]:
        """(channel, purpose, person) since the last look, sorted."""
        found = [("phone", *each) for each in self.estate.told()]
        for name in ("paper", "screen"):
            lines = _lines(self.estate.house.folder / f"{name}.ndjson")
            new = lines[self._read.get(name, 0) :]
            found += [(name, each["purpose"], each["person"]) for each in new]
            self._read[name] = len(lines)
        return sorted(found)


def _lines(path: Path) -> Sequence[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def estate(virtual: House) -> Estate:
    """Three channels for everybody, a grid whose assistants relieve each other at 20 o'clock."""
    estate = Estate(virtual)
    estate.packs = "fire"
    write, folder = virtual.write, virtual.folder
    ways = "".join(
        f"  {name}: {{type: log, file: {folder / name}.ndjson}}\n" for name in ("paper", "screen")
    )

    def written(**given: Any) -> None:
        write(**given, notifiers=ways)
        text = virtual.file.read_text(encoding="utf-8")
        if (folder / "rosters.csv").exists():
            text = text.replace("people: people.csv", "people: people.csv, rosters: rosters.csv")
        virtual.file.write_text(text, encoding="utf-8")

    virtual.write = written  # type: ignore[method-assign]
    (folder / "people.csv").write_text(WAYS, encoding="utf-8")
    return estate


def in_shifts(estate: Estate) -> None:
    folder = estate.house.folder
    (folder / "people.csv").write_text(SHIFTS, encoding="utf-8")
    (folder / "rosters.csv").write_text(ROSTERS, encoding="utf-8")


def receive_within(limit: str, warn: str = "0s") -> str:
    return f"limits: [{{category: life, stage: receive, within: {limit}, warn: {warn}}}]\n"


async def test_channel_by_channel_then_person_by_person_and_each_by_all_their_channels(
    estate: Estate,
) -> None:
    told = Told(estate)
    estate.limits = receive_within("100s")
    await estate.begin((10, "s301", {"alarm": True}))
    await estate.at(11)
    assert told.new() == [("phone", "opened", "chen")]
    await estate.at(71)
    assert told.new() == [("paper", "opened", "chen")]
    await estate.at(111)
    assert told.new() == [("phone", "escalated", "lin"), ("phone", "overdue", "chen")]
    await estate.at(169)
    assert told.new() == []  # the first owner's third channel has nothing to say any more
    await estate.at(171)
    assert told.new() == [("paper", "escalated", "lin")]
    key = (await estate.only())["key"]
    await estate.house.act(key, "receive", "lin")
    await estate.at(400)
    assert told.new() == []
    rows = (await estate.house.get(f"incidents/{key}"))["messages"]
    ends = sorted((row["purpose"], row["person"], row["end"]) for row in rows)
    assert ends == [
        ("escalated", "lin", "superseded"),
        ("escalated", "lin", "told"),
        ("escalated", "lin", "told"),
        ("opened", "chen", "superseded"),
        ("opened", "chen", "told"),
        ("opened", "chen", "told"),
        ("overdue", "chen", "told"),
    ]


async def test_who_gave_a_case_away_is_not_asked_by_the_next_channel_and_who_has_it_is(
    estate: Estate,
) -> None:
    told = Told(estate)
    await estate.begin((10, "s301", {"alarm": True}))
    await estate.at(40)
    key = (await estate.only())["key"]
    await estate.house.act(key, "transfer", "chen", to="sun", comment="今天休假")
    await estate.at(41)
    assert told.new() == [("phone", "opened", "chen"), ("phone", "transferred", "sun")]
    await estate.at(99)
    assert told.new() == []
    await estate.at(101)
    assert told.new() == [("paper", "transferred", "sun")]


async def test_a_real_roster_hands_over_in_the_middle_of_the_case(estate: Estate) -> None:
    in_shifts(estate)
    told = Told(estate)
    estate.limits = receive_within("40m", "10m")
    await estate.begin((10, "s301", {"alarm": True}), at="2026-01-05 19:58")
    await estate.at(20)
    assert (await estate.only())["owner"] == "chen"
    await estate.at(119)
    assert told.new() == [("paper", "opened", "chen"), ("phone", "opened", "chen")]
    await estate.skip(301, 10)  # looked at every three minutes
    assert [each for each in told.new() if each[2] != "chen"] == [
        ("paper", "transferred", "bai"),
        ("phone", "transferred", "bai"),
    ]
    assert (await estate.only())["owner"] == "bai"
    await estate.skip(1_800, 30)
    told.new()
    await estate.skip(1_830, 5)
    assert told.new() == [("phone", "warned", "bai")]
    await estate.skip(2_420, 10)
    assert told.new() == [
        ("phone", "escalated", "lin"),
        ("phone", "overdue", "bai"),
        ("phone", "overdue", "chen"),
    ]


async def test_a_shift_that_ends_with_the_limit_rings_the_relief_once(estate: Estate) -> None:
    in_shifts(estate)
    told = Told(estate)
    estate.limits = receive_within("65s", "10s")
    await estate.begin((10, "s301", {"alarm": True}), at="2026-01-05 19:58:46")
    await estate.at(74.9)
    assert (await estate.only())["owner"] == "chen"
    told.new()
    await estate.at(76)
    assert told.new() == [
        ("phone", "escalated", "lin"),
        ("phone", "overdue", "bai"),
        ("phone", "overdue", "chen"),
    ]


async def test_a_phone_that_was_off_rings_once_for_a_step_when_it_is_on_again(
    estate: Estate,
) -> None:
    people = PEOPLE.replace("zh,phone", "zh,paper").replace("zh,paper", "zh,phone", 2)
    (estate.house.folder / "people.csv").write_text(people, encoding="utf-8")
    told = Told(estate)
    estate.limits = receive_within("100s", "20s")
    estate.house.phone.dead = True
    await estate.begin((10, "s301", {"alarm": True}))
    await estate.at(400)  # missed by chen, by lin, by zhou
    estate.house.phone.dead = False
    told.new()
    await estate.skip(409, 1)
    await estate.at(800)
    said = [each for each in told.new() if each[0] == "phone"]
    assert ("phone", "warned", "chen") not in said
    assert ("phone", "escalated", "lin") not in said  # an overdue of theirs says the same
    assert {each[2] for each in said} == {"chen", "lin"}


async def test_after_three_days_the_end_reaches_who_was_told_by_a_merged_message(
    virtual: House,
) -> None:
    estate = estate_of(virtual)
    estate.packs = "system"
    estate.files = {"flats.yaml": BY_FLAT}
    flats, end = 8, 73 * HOUR
    burning = smoke(10.0, 0.5)[:flats]
    over = [(end + n, f"s{n}", {"alarm": False}) for n in range(flats)]
    estate.limits = receive_within("24h")
    await estate.begin(*burning, *over, at="2026-01-05 03:00")
    await estate.at(60)
    counts = [each["count"] for each in virtual.phone.messages if each["person"] == "chen"]
    assert (counts[:3], sum(counts)) == ([1, 1, 1], flats)
    await estate.skip(end - 10, HOUR)
    virtual.phone.messages.clear()
    await estate.skip(end + 120, 5)
    ends = [each for each in virtual.phone.messages if each["purpose"] == "cleared"]
    assert sum(each["count"] for each in ends if each["person"] == "chen") == flats
    assert sum(each["count"] for each in ends if each["person"] == "lin") == flats


async def test_a_case_that_is_opened_again_and_closed_again_is_told_each_time(
    estate: Estate,
) -> None:
    told = Told(estate)
    await estate.begin((10, "s301", {"alarm": True}))
    await estate.at(312)
    key = (await estate.only())["key"]
    for _ in range(2):
        told.new()
        await estate.house.act(key, "receive", "lin")
        await estate.house.act(key, "close", "lin", outcome="real")
        await estate.clock.advance(90)
        assert told.new() == [("phone", "closed", "chen")]
        await estate.house.act(key, "reopen", "lin", comment="又冒烟")
        await estate.clock.advance(5)
        assert told.new() == [("phone", "reopened", "chen"), ("phone", "reopened", "lin")]
        await estate.clock.advance(60)
        assert ("paper", "reopened", "lin") in told.new()
