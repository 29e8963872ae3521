"""What people answer by SMS: whose it is, what it means, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.incidents.replies import authors, deed_of, is_deed, key_in
from gateway.model import Action, Deed, State
from gateway.ports import Unavailable
from tests.cases.build import DUTY, alarmed, cleared, site
from tests.cases.house import Phone, StoryClock, living

ONE, TWO = "L20260105-0001", "L20260105-0002"


@pytest.mark.parametrize(
    ("person", "who"),
    [
        ("zhang", "zhang"),
        ("13800000001", "zhang"),
        ("+86 138-0000-0001", "zhang"),
        ("tel:+8613800000001", "zhang"),
        ("008613800000001", "zhang"),
        ("13900000001", None),
        ("10086", None),
        ("95", None),
        ("", None),
        ("Bank", None),
        ("duty", "duty"),
    ],
)
def test_the_author_is_found_however_the_number_is_written(person: str, who: str | None) -> None:
    found = authors(Action("receive", "", person), site(), DUTY)
    assert [each.id for each in found] == ([who] if who is not None else [])


def test_an_account_counts_only_where_the_channel_texts() -> None:
    one = msgspec.structs.replace(site().people["li"], accounts={"dingtalk": "13900139000"})
    where, action = site(people=(one,)), Action("receive", "", "tel:+8613900139000")
    assert authors(action, where, DUTY, ["sms"]) == ()
    assert authors(action, where, DUTY, ["sms", "dingtalk"]) == (one,)


@pytest.mark.parametrize(
    ("verb", "text", "deed"),
    [
        ("receive", "1", Deed("receive", "li")),
        ("receive", " １ ", Deed("receive", "li")),
        ("receive", "签收 L20260105-0001", Deed("receive", "li")),
        ("receive", "签收,马上到", Deed("receive", "li", comment="签收,马上到")),
        ("close", "2", Deed("close", "li", "real")),
        (
            "close",
            "2 误报 炒菜",
            Deed("close", "li", "false_alarm", "2 误报 炒菜", cause="cooking"),
        ),
        ("close", "办结:油烟", Deed("close", "li", "false_alarm", "办结:油烟", cause="cooking")),
        ("close", "2 测试", Deed("close", "li", "test")),
        ("close", "2 重复,虫", Deed("close", "li", "duplicate", "2 重复,虫")),
        ("comment", "门锁着,1个人进不去", Deed("comment", "li", comment="门锁着,1个人进不去")),
    ],
)
def test_an_answer_is_a_deed(verb: str, text: str, deed: Deed) -> None:
    assert deed_of(Action(verb, "", "li", text), "li") == deed


@given(verb=st.sampled_from(["receive", "close", "comment"]), text=st.text(max_size=80))
def test_any_text_is_some_deed_of_that_verb(verb: str, text: str) -> None:
    deed = deed_of(Action(verb, "", "li", text), "li")
    assert (deed.verb, deed.person) == (verb, "li")
    key = key_in(Action(verb, "", "li", text))
    assert key == "" or key in text.upper()


def test_receipts_and_strangers_texts_are_no_deeds() -> None:
    assert not any(is_deed(Action(verb, "", "li")) for verb in ("delivered", "unknown", ""))


async def test_answers_receive_and_close_the_case_that_is_meant(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed("s1"))
        await clock.advance(1)
        await house.take(alarmed("s2", same="device:s2"))
        await clock.advance(1)
        await house.take(Action("receive", "", "13800000001", "1"))  # the newest that waits
        assert [one.state.value for one in await house.cases.incidents(False, 9)] == [
            "received", "open",
        ]  # fmt: skip
        await house.take(Action("receive", "", "13800000001", "1"))  # the one that still waits
        await house.take(Action("comment", ONE, "zhang", "已到楼下"))
        await house.take(Action("close", ONE, "zhang", "2 误报 水汽"))
        closed = await house.cases.incident(ONE)
        assert closed is not None
        assert (closed.state, closed.outcome, closed.cause) == (
            State.closed,
            "false_alarm",
            "steam",
        )
        other = await house.cases.incident(TWO)
        assert other is not None
        assert (other.state, other.owner) == (State.received, "zhang")
        said = [str(e.data.get("comment", "")) for e in await house.cases.events(ONE)]
        assert set((await house.cases.texts(said)).values()) == {"已到楼下", "2 误报 水汽"}
        assert await house.cases.verify() == []


async def test_an_alarm_and_its_answer_in_one_step_are_taken_in_their_order(tmp_path: Path) -> None:
    clock = StoryClock()
    async with living(tmp_path / "c.db", clock, {"phone": Phone()}) as house:
        answer = [Action("receive", ONE, "zhang"), Action("close", ONE, "zhang", "2")]
        await house.take(alarmed("s1"), *answer, alarmed("s1"), cleared("s1"))
        first, second = sorted(await house.cases.incidents(False, 9), key=lambda one: one.key)
        assert (first.state, second.state) == (State.closed, State.open)
        assert second.alarming == ()
        assert house.desk.open_count == 1
        assert [t.incident for t in await house.cases.due_timers(1 << 62, 9)] == [TWO]
        assert await house.cases.verify() == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Action("close", "", "zhang", "2"), "先签收"),
        (Action("receive", "L20260105-0009", "zhang", "1"), "没有事件"),
        (Action("transfer", "", "zhang", "李四"), "转给谁"),
    ],
)
async def test_who_is_refused_is_answered_with_the_sentence(
    tmp_path: Path, answer: Action, words: str
) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed("s1"))
        await clock.settle()
        phone.always = Unavailable("away")
        await house.take(answer, answer)
        rows = [row for row in await house.cases.outbox(ONE) if row.purpose == "answer"]
        assert [(row.person, row.seq) for row in rows] == [("zhang", 2), ("zhang", 3)]
        assert all([words in await house.cases.said(ONE, row.seq) for row in rows])
        one = await house.one()
        assert (one.state, one.owner, one.events) == (State.open, "zhang", 3)
        assert [t.kind for t in await house.cases.due_timers(1 << 62, 9)] == ["deadline"]
        phone.always = None
        await clock.advance(5)
        assert phone.said()[1:] == [("answer", "zhang"), ("answer", "zhang")]


async def test_an_answer_about_what_is_closed_is_refused_and_leaves_the_open_one(
    tmp_path: Path,
) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed("s1"))
        await clock.settle()
        await house.act(ONE, "receive")
        await house.act(ONE, "close", outcome="real")
        await house.take(Action("receive", "", "zhang", "1"))
        (row,) = [row for row in await house.cases.outbox(ONE) if row.purpose == "answer"]
        assert "没有等您处理的事件" in await house.cases.said(ONE, row.seq)
        await house.take(alarmed("s2"))  # the same place, another incident
        await house.take(Action("comment", ONE, "zhang", "补记"))
        assert house.desk.open_count == 1
        await house.take(alarmed("s3"))
        assert len(await house.cases.open_incidents()) == 1


async def test_a_strangers_answer_changes_nothing(tmp_path: Path) -> None:
    clock = StoryClock()
    async with living(tmp_path / "c.db", clock, {"phone": Phone()}) as house:
        await house.take(alarmed("s1"))
        await house.take(
            Action("receive", ONE, "13999999999", "1"), Action("delivered", "", "zhang")
        )
        assert (await house.one()).events == 1
        assert len(await house.cases.outbox(ONE)) == 1


async def test_people_read_the_refusal_in_their_language(tmp_path: Path) -> None:
    clock = StoryClock()
    async with living(tmp_path / "c.db", clock, {"phone": Phone()}) as house:
        await house.take(alarmed("s1"), Action("close", ONE, "wang", "2"))
        said = await house.cases.said(ONE, 2)
        assert said == "Receive the incident before closing it."
