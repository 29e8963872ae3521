"""Nights: a fire in a building of sixty flats, a phone that is off, the internet gone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.stories.estate import HOUSE_5, Estate, Line
from tests.stories.house import House

PEOPLE = """id,name,grid,role,phone,language,channels
chen,陈静,9901010101,assistant,13800000001,zh,"{chen}"
lin,林涛,9901010101,officer,13800000002,zh,phone
zhou,周敏,9901010101,supervisor,13800000003,zh,phone
sun,孙值班,9901,assistant,13800000007,zh,phone
wu,吴刚,9901,officer,13800000008,zh,phone
zhao,赵敏,9901,supervisor,13800000009,zh,phone
"""
BY_FLAT = """pack: flats
rules:
  - name: flat_smoke
    title: {zh: 烟感报警, en: Smoke alarm}
    on: smoke
    when: alarm
    same: flat
    severity: alarm
    category: life
"""
FLATS = 60


def estate_of(virtual: House, chen: Sequence[str] = ("phone",)) -> Estate:
    """A building of sixty flats with a smoke detector in each, and a heat detector."""
    estate = Estate(virtual)
    rows = [f"s{n},site,s{n},smoke,{n}室烟感,{HOUSE_5},{n // 4 + 1},{n},,," for n in range(FLATS)]
    estate.devices += "\n".join([f"h1,site,h1,heat,楼道感温,{HOUSE_5},3,,,,", *rows, ""])
    people = PEOPLE.format(chen=";".join(chen))
    (virtual.folder / "people.csv").write_text(people, encoding="utf-8")
    return estate


def smoke(start: float, every: float) -> list[Line]:
    """One flat after the other."""
    return [(start + n * every, f"s{n}", {"alarm": True}) for n in range(FLATS)]


def said(virtual: House, **wanted: str) -> list[dict[str, Any]]:
    return [m for m in virtual.phone.messages if all(m[k] == v for k, v in wanted.items())]


async def test_a_fire_through_sixty_flats_is_one_incident_and_climbs_until_somebody_goes(
    virtual: House,
) -> None:
    estate = estate_of(virtual)
    fire = [*smoke(10.0, 3.0), (100.0, "h1", {"alarm": True})]
    await estate.begin(*fire, at="2026-01-05 03:00")
    await estate.at(99)
    # one detector, then the second: the fire is confirmed, and no flat after it rings anybody
    assert estate.told() == [("opened", "chen"), ("again", "chen")]
    incident = await estate.only(category="life")
    assert incident["severity"] == "critical"
    await estate.at(309)
    assert estate.told() == []
    await estate.at(312)  # five minutes: nobody has received it
    assert sorted(estate.told()) == [("escalated", "lin"), ("overdue", "chen")]
    await virtual.act(incident["key"], "receive", "lin")
    await estate.at(600)
    await virtual.act(incident["key"], "handle", "lin")
    await virtual.act(incident["key"], "close", "lin", outcome="real")
    await estate.at(640)
    assert {person for purpose, person in estate.told() if purpose == "closed"} == {"chen"}
    assert all(end for _, _, end in await virtual.ends(incident["key"]))


async def test_where_each_flat_is_an_incident_three_come_singly_and_the_rest_within_ten_seconds(
    virtual: House,
) -> None:
    estate = estate_of(virtual)
    estate.packs = "system"
    estate.files = {"flats.yaml": BY_FLAT}
    await estate.begin(*smoke(10.0, 0.5), at="2026-01-05 03:00")
    await estate.at(60)
    messages = said(virtual, purpose="opened", person="chen")
    counts = [each["count"] for each in messages]
    assert counts[:3] == [1, 1, 1]
    assert sum(counts) == FLATS
    assert len(counts) <= 3 + 4  # one more for each ten seconds of it
    assert {each["category"] for each in messages} == {"life"}


async def test_phone_that_is_off_is_followed_by_the_next_channel_then_the_next_person(
    virtual: House,
) -> None:
    estate = estate_of(virtual, chen=("phone", "paper"))
    paper = virtual.folder / "paper.ndjson"
    write = virtual.write
    virtual.write = lambda **given: write(  # type: ignore[method-assign]
        **given, notifiers=f"  paper: {{type: log, file: {paper}}}\n"
    )
    await estate.begin((10.0, "s1", {"alarm": True}))
    await estate.at(69)
    assert [m["person"] for m in said(virtual, purpose="opened")] == ["chen"]
    assert lines(paper) == []
    await estate.at(71)
    assert [(m["purpose"], m["person"]) for m in lines(paper)] == [("opened", "chen")]
    await estate.at(312)
    assert {m["person"] for m in said(virtual, purpose="escalated")} == {"lin"}


async def test_internet_gone_is_told_by_the_other_channel_and_so_is_that_it_is_gone(
    virtual: House,
) -> None:
    estate = estate_of(virtual, chen=("phone", "paper"))
    estate.packs = "fire, system"
    paper = virtual.folder / "paper.ndjson"
    write = virtual.write
    virtual.write = lambda **given: write(  # type: ignore[method-assign]
        **given, notifiers=f"  paper: {{type: log, file: {paper}}}\n"
    )
    virtual.phone.dead = True
    await estate.begin((10.0, "s1", {"alarm": True}))
    await estate.at(12)
    assert [(m["device"], m["person"]) for m in lines(paper)] == [("s1", "chen")]
    assert virtual.said("channel_down", channel="phone")
    await estate.at(500)  # the time limit has passed, and nobody could be told by it since
    own = [m for m in lines(paper) if m["device"] == "gateway/channel:phone"]
    assert [m["purpose"] for m in own] == ["opened"]
    assert virtual.phone.messages == []
    virtual.phone.dead = False
    await estate.at(900)
    own = [m for m in lines(paper) if m["device"] == "gateway/channel:phone"]
    assert [m["purpose"] for m in own][1:] == ["cleared"]
    assert said(virtual, purpose="overdue")  # and the phone rings again


def lines(path: Path) -> list[dict[str, Any]]:
    """The messages on paper."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
