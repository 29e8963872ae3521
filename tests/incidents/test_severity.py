"""An alarm that stands becomes more or less severe: who hears of it, and what stays on record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from gateway.incidents.fold import MOST_ROUNDS, fold
from gateway.model import (
    PATROL,
    PATROLLED,
    Category,
    Change,
    Evidence,
    Happened,
    Incident,
    Severity,
    State,
    Text,
    Turn,
)
from gateway.store.chain import seal
from gateway.store.step import Step
from tests.cases.build import alarmed, cleared
from tests.cases.house import House, Phone, StoryClock, living

KEY = "L20260105-0001"
HOT = Text("温度 61 °C,高于 57", "temperature 61 °C above 57")
COOLER = Text("温度 44 °C,不再高于 57", "temperature 44 °C, no longer above 57")


class Siren(Phone):
    is_fixture = True


def fire(rule: str = "smoke_alarm", name: str = "s1", **more: Any) -> Change:
    return alarmed(name, rule=rule, incident="fire", **more)


def over(rule: str = "smoke_alarm", name: str = "s1") -> Change:
    return cleared(name, rule=rule, incident="fire")


def now(severity: Severity, rule: str = "smoke_alarm", name: str = "s1", **more: Any) -> Change:
    more = {"why": HOT} | more
    return alarmed(name, turn=Turn.severity, rule=rule, incident="fire", severity=severity, **more)


async def the_incident(house: House, key: str = KEY) -> Incident:
    incident = await house.cases.incident(key)
    assert incident is not None
    assert fold(await house.cases.events(key)) == incident
    return incident


async def test_alarm_that_rises_rings_the_owner_and_the_siren_again(tmp_path: Path) -> None:
    clock, phone, siren = StoryClock(), Phone(), Siren()
    async with living(tmp_path / "c.db", clock, {"phone": phone, "siren": siren}) as house:
        await house.take(fire())
        await clock.advance(600)
        await house.act(KEY, "receive", "li")
        await clock.advance(1)
        phone.heard.clear()
        siren.heard.clear()
        await house.take(now(Severity.critical, title=Text("高温", "Very hot"), at=5_000_000_000))
        await clock.advance(0)
        assert phone.said() == [("again", "li")]
        assert siren.said() == [("again", "notifier:siren")]
        message = phone.heard[0]
        assert (message.severity, message.title) == (
            "critical",
            "【再次报警】高温：3号楼 2层 201室",
        )
        assert "情况：温度 61 °C,高于 57" in message.text
        assert "级别：危急" in message.text
        incident = await the_incident(house)
        assert (incident.severity, incident.severities) == (
            Severity.critical,
            (Severity.critical,),
        )
        assert incident.since == 5_000_000_000
        last = (await house.cases.events(KEY))[-1]
        assert (last.what, last.by) == (Happened.severity, "rule:smoke_alarm")
        assert last.data["from"] == last.data["raised_from"] == "alarm"


async def test_alarm_that_falls_shows_and_rings_nobody(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(fire(severity=Severity.critical, title=Text("高温", "Very hot")))
        await house.take(now(Severity.warning, why=COOLER))
        await clock.advance(0)
        assert phone.said() == [("opened", "zhang")]
        incident = await the_incident(house)
        assert (incident.severity, incident.why, incident.title.zh) == (
            Severity.warning,
            COOLER,
            "高温",
        )
        events = await house.cases.events(KEY)
        assert events[-1].data["lowered_from"] == "critical"
        assert events[-1].data["lowered_to"] == "warning"
        await house.take(now(Severity.alarm))
        await clock.advance(0)
        assert phone.said()[-1] == ("again", "zhang")


async def test_incident_is_as_severe_as_the_worst_alarm_that_holds(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(fire(severity=Severity.warning), fire("heat_alarm", "s2"))
        await clock.advance(0)
        assert phone.said() == [("opened", "zhang"), ("again", "zhang")]
        await house.take(now(Severity.alarm))  # no worse than the other one
        await house.take(now(Severity.notice, "heat_alarm", "s2"))
        assert (await the_incident(house)).severity is Severity.alarm
        await house.take(now(Severity.notice))
        assert (await the_incident(house)).severity is Severity.notice
        await clock.advance(0)
        assert len(phone.heard) == 2


async def test_confirmed_fire_rings_again_and_stays_on_record_when_it_clears(
    tmp_path: Path,
) -> None:
    clock, phone = StoryClock(), Phone()
    confirmed, title = "fire_confirmed", Text("火灾已确认", "Fire confirmed")
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(fire(), fire("heat_alarm", "s2"))
        await house.take(fire(confirmed, "s2", severity=Severity.critical, title=title))
        await clock.advance(0)
        assert phone.said() == [("opened", "zhang"), ("again", "zhang")]
        assert "火灾已确认" in phone.heard[1].title
        await house.take(over(confirmed, "s2"))
        incident = await the_incident(house)
        assert (incident.severity, incident.title) == (Severity.critical, title)
        assert incident.alarming == ("s1", "s2")
        await house.take(now(Severity.warning), now(Severity.warning, "heat_alarm", "s2"))
        assert (await the_incident(house)).severity is Severity.critical
        await house.take(over(), over("heat_alarm", "s2"), fire("heat_alarm", "s2"))
        incident = await the_incident(house)
        assert (incident.severity, incident.left) == (Severity.critical, Severity.critical)


async def test_alarm_said_again_and_worse_is_not_swallowed(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    picture = Evidence("image/jpeg", "ab" * 32)
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(fire())
        await house.take(fire(), fire(severity=Severity.warning))
        assert (await the_incident(house)).events == 1
        await house.take(fire(severity=Severity.critical, evidence=picture))
        await clock.advance(0)
        incident = await the_incident(house)
        assert (incident.severity, incident.events) == (Severity.critical, 2)
        assert incident.evidence == (picture.sha256,)
        assert phone.said() == [("opened", "zhang"), ("again", "zhang")]
        await house.take(now(Severity.critical, evidence=picture))
        assert (await the_incident(house)).events == 2


async def test_alarm_that_becomes_critical_after_closing_opens_a_new_incident(
    tmp_path: Path,
) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(fire())
        await house.act(KEY, "receive")
        await house.act(KEY, "close", outcome="false_alarm")
        await house.take(now(Severity.warning))  # it may have fallen: nobody is rung
        assert await house.cases.open_incidents() == []
        await house.take(now(Severity.critical))
        await clock.advance(0)
        [incident] = await house.cases.open_incidents()
        assert (incident.key, incident.severity) == ("L20260105-0002", Severity.critical)
        assert phone.said()[-1] == ("opened", "zhang")


async def test_alarm_of_a_closed_incident_joins_the_next_one_when_it_is_worse(
    tmp_path: Path,
) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(fire())
        await house.act(KEY, "receive")
        await house.act(KEY, "close", outcome="false_alarm")
        await house.take(fire("heat_alarm", "s2"), now(Severity.alarm))
        second = await the_incident(house, "L20260105-0002")
        assert second.alarming == ("s2",)
        await house.take(now(Severity.critical))
        second = await the_incident(house, "L20260105-0002")
        assert (second.alarming, second.severity) == (("s2", "s1"), Severity.critical)
        await clock.advance(0)
        assert phone.said()[-1] == ("again", "zhang")


async def test_found_when_armed_is_said_in_words(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed(found="armed"))
        await clock.advance(0)
        assert "（布防时已存在）" in phone.heard[0].text


async def test_incident_stored_before_severities_were_kept_goes_on(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(fire(), fire("heat_alarm", "s2", severity=Severity.warning))
        stored = msgspec.json.decode(msgspec.json.encode(await the_incident(house)))
        for added in ("severities", "left"):
            del stored[added]
        old = msgspec.json.decode(msgspec.json.encode(stored), type=Incident)
        assert (old.severities, old.left) == ((), None)
        house.desk._open._known[old.group, old.same] = old
        await house.take(over())
        incident = await the_incident(house)
        assert (incident.severities, incident.left) == ((Severity.warning,), Severity.alarm)
        await house.take(now(Severity.critical, "heat_alarm", "s2"))
        assert (await the_incident(house)).severity is Severity.critical


async def test_picture_that_two_rules_alarm_on_is_shown_once(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    picture = Evidence("image/jpeg", "ab" * 32)
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(fire(evidence=picture), fire("heat_alarm", evidence=picture))
        assert (await the_incident(house)).evidence == (picture.sha256,)
        events = await house.cases.events(KEY)
        assert [event.data["evidence"] for event in events] == [picture.sha256] * 2


async def test_incident_of_the_version_before_is_closed_and_its_chain_is_whole(
    tmp_path: Path,
) -> None:
    """Overdue, received and closed while nothing has folded it anew."""
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(fire(), fire("heat_alarm", "s2"))
        new = await the_incident(house)
        old = msgspec.structs.replace(new, severities=(), left=None)
        await house.cases.commit(Step(arrival=house.arrival(clock.now()), incidents=[old]))
        house.desk._open.forget()
        await clock.advance(600)
        assert ("overdue", "zhang") in phone.said()
        await house.act(KEY, "receive", "li")
        await house.take(now(Severity.critical, "heat_alarm", "s2"))
        incident = await the_incident(house)
        assert (incident.severity, incident.overdue, incident.owner) == (
            Severity.critical,
            True,
            "li",
        )
        await house.act(KEY, "close", "li", outcome="real")
        events = await house.cases.events(KEY)
        assert fold(events).state is State.closed
        previous = ""
        for event in events:
            assert event == seal(msgspec.structs.replace(event, previous="", hash=""), previous)
            previous = event.hash


def missed(number: int, rule: str = PATROL, **more: Any) -> Change:
    device = f"{PATROLLED}130101:2026-01-{number}:早"
    given = {"category": Category.facility, "severity": Severity.notice, **more}
    return alarmed(device, rule=rule, kind="gateway", same="grid:130101", **given)


async def test_case_of_patrols_that_nobody_closes_lists_the_newest_rounds_and_counts_the_others(
    tmp_path: Path,
) -> None:
    clock = StoryClock()
    async with living(tmp_path / "c.db", clock, {"phone": Phone()}) as house:
        await house.take(missed(0, severity=Severity.warning))
        await house.take(*(missed(n) for n in range(1, MOST_ROUNDS + 5)))
        incident = await house.one()
        assert incident == await the_incident(house, incident.key)
        assert len(incident.holding) == len(incident.severities) == MOST_ROUNDS
        assert incident.alarming[-1].endswith(f"-{MOST_ROUNDS + 4}:早")
        assert (incident.more, incident.severity) == (5, Severity.warning)


async def test_rule_of_a_site_that_is_called_like_it_keeps_every_alarm(tmp_path: Path) -> None:
    async with living(tmp_path / "c.db", StoryClock(), {"phone": Phone()}) as house:
        names = [f"s{n}" for n in range(MOST_ROUNDS + 5)]
        await house.take(*(alarmed(name, rule=PATROL) for name in names))
        await house.take(*(cleared(name, rule=PATROL) for name in names[1:]))
        assert (await house.one()).alarming == ("s0",)
