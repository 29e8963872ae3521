"""Short answers: what orders something, and what must not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.replies import CLOSE, COMMENT, HANDLE, RECEIVE, Reply, understood

KEY = "L20260105-0007"


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("1", Reply(RECEIVE)),
        (" 1 。", Reply(RECEIVE)),
        ("\uff11", Reply(RECEIVE)),
        ("\uff12\u3000误报", Reply(CLOSE, "", "false_alarm")),
        ("签收", Reply(RECEIVE)),
        ("收到了", Reply(RECEIVE)),
        ("1签收", Reply(RECEIVE)),
        ("Received", Reply(RECEIVE)),
        (f"1 {KEY}", Reply(RECEIVE, KEY)),
        (f"1{KEY}".replace("1L", "1 L"), Reply(RECEIVE, KEY)),
        (f"1,{KEY.lower()}", Reply(RECEIVE, KEY)),
        (f"{KEY} 1", Reply(RECEIVE, KEY)),
        ("签收,马上到", Reply(RECEIVE, "", "", "签收,马上到")),
        ("办理中", Reply(HANDLE)),
        ("2", Reply(CLOSE)),
        ("2.", Reply(CLOSE)),
        ("办结", Reply(CLOSE)),
        ("已办结", Reply(CLOSE)),
        ("2误报", Reply(CLOSE, "", "false_alarm")),
        ("2 测试", Reply(CLOSE, "", "test")),
        ("2 false alarm", Reply(CLOSE, "", "false_alarm")),
        ("办结 厨房做饭", Reply(CLOSE, "", "", "办结 厨房做饭")),
        (f"2 {KEY} 误报 做饭", Reply(CLOSE, KEY, "false_alarm", f"2 {KEY} 误报 做饭")),
        (f"2 {KEY} 没事了", Reply(CLOSE, KEY, "", f"2 {KEY} 没事了")),
    ],
)
def test_order_is_understood(text: str, reply: Reply) -> None:
    assert understood(text) == reply


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2号楼没事",
        "2 号楼没事",
        "2楼",
        "1楼着火了",
        "12",
        "21",
        "10086",
        "1 2",
        "2 1",
        "1 误报",
        "没有办结",
        "不能签收",
        "办结不了",
        "办结了吗",
        "收到火警怎么办",
        "ok",
        "1st floor",
        "closed door",
        f"2{KEY}7",
        f"{KEY} 2 {KEY[:-1]}8",
        "close the window",
    ],
)
def test_what_can_be_meant_otherwise_orders_nothing(text: str) -> None:
    reply = understood(text)
    assert (reply.verb, reply.comment) == (COMMENT, text.strip())


def test_comment_is_about_the_incident_it_names() -> None:
    assert understood(f"人在{KEY.lower()}那里").incident == KEY
    assert understood(f"x{KEY}").incident == ""


@given(st.text(max_size=200))
def test_any_text_is_one_of_four(text: str) -> None:
    reply = understood(text)
    assert reply.verb in (RECEIVE, HANDLE, CLOSE, COMMENT)
    assert reply.outcome == "" or reply.verb == CLOSE
