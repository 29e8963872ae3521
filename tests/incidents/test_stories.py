"""From a change to a told person and a closed incident, as stories in virtual time."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import rules
from gateway.incidents.fold import MOST_EVIDENCE, fold
from gateway.incidents.machine import NotAllowed
from gateway.model import (
    SECOND,
    Category,
    Change,
    Evidence,
    Happened,
    Reading,
    Record,
    Severity,
    State,
    Text,
    Turn,
)
from gateway.ports import Unavailable
from tests.cases.build import alarmed, cleared, device, site
from tests.cases.house import Phone, StoryClock, living
from tests.incidents.test_deeds import report

KEY = "L20260105-0001"


async def test_alarm_reaches_the_assistant_and_runs_to_its_end(tmp_path: Path) -> None:
    clock, phone, paper = StoryClock(), Phone(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone, "paper": paper}) as house:
        await house.take(alarmed("s1", evidence=Evidence("image/jpeg", "ab" * 32)))
        await clock.advance(0)
        assert phone.said() == [("opened", "zhang")]
        message = phone.heard[0]
        assert message.key == f"{KEY}/1/zhang/phone"
        assert message.title == "【紧急】烟感报警：3号楼 2层 201室"
        assert "建设路5号" in message.text
        assert "住户 13900000000" in message.text
        assert "2026-01-05 16:00:00" in message.text
        incident = await house.cases.incident(KEY)
        assert incident is not None
        assert message.head == incident.head
        assert incident.owner == "zhang"
        assert incident.evidence == ("ab" * 32,)

        await clock.advance(60)
        assert (await house.act(KEY, "receive")).state is State.received
        assert (await house.act(KEY, "receive")).events == 2  # harmless
        await clock.advance(299)
        assert phone.said() == [("opened", "zhang")]  # received in time: nobody is warned
        await house.act(KEY, "handle", comment="到现场了")
        await clock.advance(299)
        assert phone.said() == [("opened", "zhang")]  # and handled in time
        await house.take(cleared("s1"))
        await clock.advance(0)
        assert phone.said()[-1] == ("cleared", "zhang")
        assert (await house.cases.open_incidents())[0].alarming == ()
        closed = await house.act(KEY, "close", "li", "false_alarm", "做饭")
        assert (closed.state, closed.deadline, closed.outcome) == (State.closed, 0, "false_alarm")
        await clock.advance(0)
        assert phone.said()[-1] == ("closed", "zhang")
        assert await house.cases.open_incidents() == []
        events = await house.cases.events(KEY)
        assert [event.what.value for event in events] == [
            "opened", "received", "handling", "cleared", "closed",
        ]  # fmt: skip
        assert fold(events) == closed
        assert await house.cases.verify() == []
        digests = [str(event.data.get("comment")) for event in events if "comment" in event.data]
        assert sorted((await house.cases.texts(digests)).values()) == ["做饭", "到现场了"]


async def test_nobody_receives_and_the_ladder_rings_ever_more_rarely(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed("s1"))
        await clock.advance(299)
        assert phone.said() == [("opened", "zhang")]
        await clock.advance(1)  # the officer has it now, and the whole time for it
        assert sorted(phone.said()[1:]) == [("escalated", "li"), ("overdue", "zhang")]
        assert (await house.one()).owner == "li"
        phone.heard.clear()
        await clock.advance(299)
        assert phone.heard == []
        await clock.advance(1)  # one level up
        told = [("escalated", "wang"), ("overdue", "li"), ("overdue", "zhang")]
        assert sorted(phone.said()) == told
        assert (await house.one()).owner == "wang"
        phone.heard.clear()
        await clock.advance(300)  # nobody is above
        everybody = [("overdue", "li"), ("overdue", "wang"), ("overdue", "zhang")]
        assert sorted(phone.said()) == everybody
        assert [each.title for each in phone.heard if each.person == "wang"] == [
            "[Overdue, not received] Smoke alarm: 3号楼 floor 2 flat 201"
        ]
        start, rung = clock.mono, []
        for _ in range(12):
            incident = await house.one()
            assert (incident.overdue, incident.owner) == (True, "wang")
            await clock.advance((incident.deadline - house.now) / 1e9 - 1)
            heard = len(phone.heard)
            await clock.advance(1)
            assert len(phone.heard) == heard + 3
            rung.append((clock.mono - start) // 1_000_000_000)
        spans = [late - early for early, late in itertools.pairwise([0, *rung])]
        assert spans == [600 * 2**n for n in range(8)] + [86_400] * 4
        phone.heard.clear()
        await house.take(cleared("s1"))
        await clock.advance(0)
        assert sorted(phone.said()) == [
            ("cleared", "li"),
            ("cleared", "wang"),
            ("cleared", "zhang"),
        ]


async def test_whoever_takes_it_on_has_the_whole_time_again(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed("s1"))
        await clock.advance(300)
        phone.heard.clear()
        await house.act(KEY, "receive", "li")
        await clock.advance(299)
        assert phone.said() == []
        await clock.advance(1)  # received, and then nothing: li stays responsible, wang hears
        assert phone.said() == [("overdue", "li"), ("escalated", "wang")]
        assert (await house.one()).owner == "li"
        assert phone.heard[0].title.startswith("【超时未办理】")
        assert "请尽快办理并办结" in phone.heard[0].text
        await clock.advance(299)
        assert len(phone.heard) == 2
        phone.heard.clear()
        handled = await house.act(KEY, "handle", "li")
        assert (handled.overdue, handled.deadline - house.now) == (True, 300_000_000_000)
        await clock.advance(300)
        assert phone.heard[0].title.startswith("【超时未办结】")
        await house.act(KEY, "close", "li", "real")
        phone.heard.clear()
        await clock.advance(100_000)
        assert {purpose for purpose, _ in phone.said()} == {"closed"}


async def test_reminders_that_could_not_be_sent_do_not_pile_up(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    phone.always = Unavailable("away")
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed("s1"))
        await clock.advance(3_000)  # 300, 600, 900, 1500 and 2700 s
        phone.always = None
        await clock.advance(600)
        assert sorted(phone.said()) == [
            ("opened", "zhang"),
            ("overdue", "li"),
            ("overdue", "wang"),
            ("overdue", "zhang"),
        ]
        ends = await house.ends(KEY)
        assert ends.count(("overdue", "zhang", "superseded")) == 4
        assert ends.count(("escalated", "li", "superseded")) == 1


async def test_limit_longer_than_a_day_is_followed_by_daily_reminders(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        house.desk._deadlines = {Category.life: 5 * 86_400.0}
        await house.take(alarmed("s1"))
        await clock.advance(5 * 86_400 - 1)
        assert len(phone.heard) == 1
        await clock.advance(1)
        assert len(phone.heard) == 3
        await clock.advance(86_400)
        assert len(phone.heard) == 6
        await clock.advance(86_400)
        assert len(phone.heard) == 9


async def test_deadline_counts_on_arrival_and_survives_a_restart(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed("s1"))
        await clock.advance(200)
        clock.jump(-14 * 86_400)
        await clock.advance(50)
        await house.take()  # a sign of life
    clock.mono = 5 * 1_000_000_000  # another boot
    clock.jump(86_400)
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await clock.advance(49)
        assert len(phone.heard) == 1
        await clock.advance(1)
        assert len(phone.heard) == 3


async def test_one_incident_for_one_place(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed("s1"), alarmed("s2", severity=Severity.critical), alarmed("s1"))
        await house.take(alarmed("s2"), cleared("s9"), alarmed("s1", rule="other"))
        await clock.advance(0)
        incident = await house.cases.incident(KEY)
        assert incident is not None
        assert (incident.alarming, incident.severity) == (("s1", "s2"), Severity.critical)
        assert incident.events == 2
        assert len(await house.cases.open_incidents()) == 2
        told = [("again", "zhang"), ("opened", "zhang"), ("opened", "zhang")]
        assert sorted(phone.said()) == told
        await house.take(cleared("s1"))
        await clock.advance(0)
        assert len(phone.heard) == 3
        await house.take(cleared("s2"), alarmed("s3", found="late"))
        await clock.advance(0)
        assert [purpose for purpose, _ in phone.said()[3:]] == ["again"]
        assert "迟到的报告" in phone.heard[-1].text
        ends = await house.ends(KEY)
        assert ("cleared", "zhang", "superseded") in ends


def fire(make: Callable[..., Change], rule: str, name: str = "s1", **more: Any) -> Change:
    return make(name, rule=rule, incident="fire", **more)


async def test_rules_of_one_group_share_an_incident_and_its_messages(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(fire(alarmed, "smoke_alarm"))
        await house.take(fire(alarmed, "heat_alarm"))
        await house.take(fire(alarmed, "heat_alarm"), fire(alarmed, "heat_alarm", "s2"))
        await clock.advance(0)
        (incident,) = await house.cases.open_incidents()
        assert (incident.rule, incident.group) == ("smoke_alarm", "fire")
        assert incident.alarming == ("s1", "s2")
        assert phone.said() == [("opened", "zhang")]
        await house.take(fire(cleared, "smoke_alarm"), fire(cleared, "smoke_alarm", "s2"))
        (incident,) = await house.cases.open_incidents()
        assert incident.alarming == ("s1", "s2")  # both are still hot
        await house.take(fire(cleared, "heat_alarm"))
        (incident,) = await house.cases.open_incidents()
        assert incident.alarming == ("s2",)
        await clock.advance(0)
        assert phone.said() == [("opened", "zhang")]
        await house.take(fire(cleared, "heat_alarm", "s2"))
        await clock.advance(0)
        assert phone.said() == [("opened", "zhang"), ("cleared", "zhang")]
        events = await house.cases.events(KEY)
        assert [event.what.value for event in events[1:]] == ["alarmed"] * 2 + ["cleared"] * 3


async def test_worse_rule_raises_the_incident_and_tells_the_owner_again(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    title, why = Text("火警确认", "Fire confirmed"), Text("浓烟且高温", "dense smoke and heat")
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(fire(alarmed, "smoke_alarm", severity=Severity.warning))
        worse = fire(alarmed, "dense", severity=Severity.critical, title=title, why=why)
        await house.take(worse)
        await house.take(fire(alarmed, "heat_alarm"))
        await clock.advance(0)
        (incident,) = await house.cases.open_incidents()
        assert (incident.severity, incident.title) == (Severity.critical, title)
        assert phone.said() == [("opened", "zhang"), ("again", "zhang")]
        assert phone.heard[1].severity == "critical"
        assert "火警确认" in phone.heard[1].title
        assert "浓烟且高温" in phone.heard[1].text
        events = await house.cases.events(KEY)
        assert events[1].data["raised_from"] == "warning"
        assert "raised_from" not in events[2].data
        assert fold(events) == incident


async def test_open_incidents_are_read_before_the_first_alarm(tmp_path: Path) -> None:
    clock = StoryClock()
    async with living(tmp_path / "c.db", clock, {}) as house:
        await house.take(alarmed("s1"))
    async with living(tmp_path / "c.db", clock, {}) as house:
        await clock.settle()
        assert house.desk.open_count == 1


async def test_alarm_after_closing_opens_a_new_incident(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed("s1"))
        await house.act(KEY, "receive")
        await house.act(KEY, "close", outcome="real")
        await house.take(cleared("s1"))
        await house.take(alarmed("s1", found="start"))
        await clock.advance(0)
        assert [each.key for each in await house.cases.open_incidents()] == ["L20260105-0002"]
        assert "启动时发现" in phone.heard[-1].text


async def test_alarm_said_again_is_nothing_new_until_a_person_has_closed(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    ruleset, where = rules.load(rules.packs(["fire"])), site(device("p1", kind="panic"))
    state = rules.State()
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where) as house:

        async def press(second: int) -> int:
            wall, now = 1_767_600_000 * SECOND + second * SECOND, second * SECOND
            pressed = Reading("p1", "panic", {"alarm": True}, received_at=wall, at=wall)
            record = Record(second, now, "boot", now, wall, True, pressed)
            changes = rules.step(ruleset, where, state, record)
            await house.take(*changes)
            await clock.advance(0)
            return len(changes)

        assert [await press(second) for second in (60, 65, 70)] == [1, 0, 1]
        incident = await house.cases.incident(KEY)
        assert incident is not None
        assert incident.events == 1
        assert phone.said() == [("opened", "zhang")]
        await house.act(KEY, "receive")
        await house.act(KEY, "close", outcome="real")
        phone.heard.clear()
        assert [await press(second) for second in (75, 80)] == [0, 1]
        assert [each.key for each in await house.cases.open_incidents()] == ["L20260105-0002"]
        assert phone.said() == [("opened", "zhang")]


async def test_empty_registry_calls_the_duty_person_on_every_channel(tmp_path: Path) -> None:
    clock, phone, paper = StoryClock(), Phone(), Phone()
    nothing = site(people=())
    nothing = msgspec.structs.replace(nothing, places={}, devices={})
    async with living(tmp_path / "c.db", clock, {"phone": phone, "paper": paper}, nothing) as house:
        await house.take(alarmed("s1"))
        await clock.advance(300)
        assert phone.said() == [("opened", "duty"), ("overdue", "duty")]
        assert (await house.act(KEY, "receive", "duty")).owner == "duty"


async def test_bypassed_device_is_recorded_and_silent(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    where = site(device("s1", state="bypassed"), device("s2"))
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where) as house:
        await house.take(alarmed("s1"))
        await clock.advance(0)
        assert await house.ends(KEY) == [("opened", "zhang", "silenced")]
        await house.take(cleared("s1"))
        await clock.advance(0)
        assert phone.heard == []


@pytest.mark.parametrize(
    ("verbs", "refused", "words"),
    [
        ([], ("handle", "zhang", ""), "先签收"),
        ([], ("close", "zhang", "real"), "先签收"),
        ([("receive", "zhang", "")], ("receive", "li", ""), "他人签收"),
        ([("receive", "zhang", "")], ("close", "zhang", ""), "处理结果"),
        ([("receive", "zhang", "")], ("close", "zhang", "whatever"), "处理结果"),
        ([("receive", "zhang", "")], ("dance", "zhang", ""), "没有这种操作"),
        ([("receive", "zhang", ""), ("close", "zhang", "test")], ("receive", "zhang", ""), "已办结"),
        ([("receive", "zhang", ""), ("close", "zhang", "test")], ("close", "zhang", "test"), "已办结"),
        ([("receive", "zhang", ""), ("close", "zhang", "test")], ("handle", "li", ""), "已办结"),
        ([], ("receive", "nobody", ""), "名单"),
    ],
)  # fmt: skip
async def test_guards_refuse_with_a_sentence(tmp_path: Path, verbs, refused, words) -> None:
    clock = StoryClock()
    async with living(tmp_path / "c.db", clock, {}) as house:
        await house.take(alarmed("s1"))
        for verb, person, outcome in verbs:
            await house.act(KEY, verb, person, outcome)
        with pytest.raises(NotAllowed) as caught:
            await house.act(KEY, *refused)
        assert words in caught.value.text.zh
        assert caught.value.text.en
        with pytest.raises(NotAllowed):
            await house.act("L20260105-9999", "receive")


async def test_keys_count_per_category_and_local_day(tmp_path: Path) -> None:
    clock = StoryClock()
    async with living(tmp_path / "c.db", clock, {}) as house:
        for number in range(3):
            await house.take(alarmed("s1", same=f"device:{number}"))
        await house.take(alarmed("s1", rule="cover", category=Category.facility))
        await clock.advance(8 * 3_600)  # past midnight in China
        await house.take(alarmed("s1", same="device:9"))
        keys = sorted(each.key for each in await house.cases.open_incidents())
        assert keys == [
            "F20260105-0001",
            "L20260105-0001",
            "L20260105-0002",
            "L20260105-0003",
            "L20260106-0001",
        ]
    async with living(tmp_path / "c.db", clock, {}) as house:
        await house.take(alarmed("s1", same="device:10"))
        assert await house.cases.incident("L20260106-0002") is not None


async def test_more_open_incidents_than_memory_holds_stay_correct(tmp_path: Path) -> None:
    clock = StoryClock()
    async with living(tmp_path / "c.db", clock, {}) as house:
        house.desk._open._most = 3
        for number in range(6):
            await house.take(alarmed("s1", same=f"device:{number}"))
        assert house.desk.over_limit
        assert house.desk.open_count == 3
        for number in range(6):
            await house.take(alarmed("s2", same=f"device:{number}"))
        found = await house.cases.open_incidents()
        assert len(found) == 6
        assert {each.alarming for each in found} == {("s1", "s2")}
        for each in found:
            await house.act(each.key, "receive")
            await house.act(each.key, "close", outcome="test")
        await house.take(alarmed("s1", same="device:1"))
        assert not house.desk.over_limit


async def test_cancelled_deed_is_kept_told_and_remembered(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        for number in range(20):
            task = asyncio.create_task(house.take(alarmed(same=f"device:{number}")))
            await asyncio.sleep(number * 0.0004)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await clock.settle()
        kept = await house.cases.open_incidents()
        assert len(kept) == house.desk.open_count == len(phone.heard) > 0
        assert await house.cases.verify() == []


async def test_failed_commit_changes_nothing_and_may_be_repeated(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        commit = house.cases.commit

        async def failing(_step: object) -> None:
            raise Unavailable("disk is full")

        house.cases.commit = failing
        with pytest.raises(Unavailable):
            await house.take(alarmed("s1"))
        house.cases.commit = commit
        await house.take(alarmed("s1"))
        await clock.settle()
        assert phone.said() == [("opened", "zhang")]
        assert [each.key for each in await house.cases.open_incidents()] == [KEY]


async def test_a_clip_joins_the_incident_once_and_rings_nobody(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    clip = Evidence("video/mp4", "c" * 64, 9)
    shown = alarmed("s1", turn=Turn.evidence, evidence=clip)
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(shown)
        assert await house.cases.open_incidents() == []
        await house.take(alarmed("s1"))
        await house.take(shown, shown, alarmed("s2", turn=Turn.evidence, evidence=clip))
        await clock.settle()
        (incident,) = await house.cases.open_incidents()
        assert incident.evidence == (clip.sha256,)
        assert [e.what for e in await house.cases.events(KEY)] == [
            Happened.opened,
            Happened.evidence,
        ]
        assert fold(await house.cases.events(KEY)) == incident
        assert phone.said() == [("opened", "zhang")]
        for number in range(MOST_EVIDENCE + 5):
            other = Evidence("image/jpeg", f"{number:064x}", 9)
            await house.take(alarmed("s1", turn=Turn.evidence, evidence=other))
        (incident,) = await house.cases.open_incidents()
        assert len(incident.evidence) == MOST_EVIDENCE
        assert await house.cases.verify() == []


class Horn(Phone):
    is_fixture = True


async def test_a_siren_is_told_besides_the_person_and_of_the_end(tmp_path: Path) -> None:
    clock, phone, horn = StoryClock(), Phone(), Horn()
    async with living(tmp_path / "c.db", clock, {"horn": horn, "phone": phone}) as house:
        await house.take(alarmed("s1"))
        await clock.settle()
        assert phone.said() == [("opened", "zhang")]
        assert horn.said() == [("opened", "notifier:horn")]
        await house.take(cleared("s1"))
        await clock.settle()
        assert horn.said()[-1] == ("cleared", "notifier:horn")
        trouble = alarmed("s2", category=Category.trouble, rule="fault", same="device:s2")
        await house.take(trouble)
        await clock.settle()
        assert len(horn.said()) == 2
        assert await house.cases.verify() == []


async def test_a_siren_is_nobodys_channel_and_owns_nothing(tmp_path: Path) -> None:
    clock, phone, horn = StoryClock(), Phone(), Horn()
    where = site(people=())
    async with living(tmp_path / "c.db", clock, {"horn": horn, "phone": phone}, where) as house:
        await house.take(alarmed("s1", category=Category.intrusion, rule="motion"))
        await clock.settle()
        assert phone.said() == [("opened", "duty")]
        assert horn.said() == []
        (incident,) = await house.cases.open_incidents()
        with pytest.raises(NotAllowed):
            await house.act(incident.key, "receive", "notifier:horn")


async def test_who_reported_a_case_reads_how_it_was_closed(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        stamp = clock.now()
        case = await house.desk.open_by_hand(report(person="wang"), stamp, house.now)
        await house.act(case.key, "receive")
        await house.act(case.key, "close", outcome="real")
        await clock.settle()
        assert phone.said() == [("opened", "zhang"), ("closed", "wang")]
        assert "real" in phone.heard[-1].text
