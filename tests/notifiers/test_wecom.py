"""A WeCom group robot, on a server that behaves as WeCom does; what all robots share is here too."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Notification, Quota
from gateway.notifiers._chat import Answer, fit, mobile, parse, utf8
from gateway.notifiers.wecom.notifier import MOST, Notifier, message
from gateway.notifiers.wecom.options import Options
from gateway.ports import Refused, Unavailable
from tests.notifiers.china import ALARM, LINK, WeCom, kept, serving
from tests.servers import free_port
from tests.virtual import VirtualClock


@pytest.fixture
async def platform() -> AsyncIterator[WeCom]:
    made = WeCom(VirtualClock())
    async with serving(made):
        yield made


@pytest.fixture
def robot(platform: WeCom, tmp_path: Path) -> Any:
    def made(key: str = WeCom.key, **options: Any) -> Notifier:
        url = kept(tmp_path, "url", f"{platform.url}/cgi-bin/webhook/send?key={key}")
        return Notifier("group", Options.model_validate({"url": url} | options), platform.clock)

    return made


def changed(**changes: Any) -> Notification:
    return msgspec.structs.replace(ALARM, **changes)


async def test_message_is_text_and_calls_its_reader(platform: WeCom, robot: Any) -> None:
    async with robot() as notifier:
        receipt = await notifier.tell(ALARM)
    [body] = platform.told
    assert body["msgtype"] == "text"
    assert body["text"]["content"] == f"{ALARM.title}\n{ALARM.text}"
    assert body["text"]["mentioned_mobile_list"] == ["13800000001"]
    assert receipt.detail == f"taken by {platform.url}"
    assert platform.requests[0].headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("options", "changes", "mentions"),
    [
        ({}, {"account": "chenjing"}, {"mentioned_list": ["chenjing"]}),
        ({}, {"phone": "+86 138 0000 0001"}, {"mentioned_mobile_list": ["13800000001"]}),
        ({}, {"phone": "0317-2021234"}, {}),
        ({"mention": False}, {}, {}),
        ({"everybody": True}, {"severity": "critical"}, {"mentioned_list": ["@all"]}),
        ({"everybody": True}, {}, {"mentioned_mobile_list": ["13800000001"]}),
        ({"everybody": True}, {"severity": "critical", "purpose": "closed", "phone": ""}, {}),
    ],
)
def test_who_is_mentioned(options: Any, changes: Any, mentions: Any) -> None:
    made = Options.model_validate({"url": {"env": "X"}} | options)
    body = message(changed(**changes), made)
    assert {k: v for k, v in body["text"].items() if k != "content"} == mentions


async def test_long_message_is_cut_by_bytes_and_keeps_link_and_number(
    platform: WeCom, robot: Any
) -> None:
    long = changed(text="附近：" + "厨房温感正常；" * 400 + "\n" + ALARM.text)
    async with robot() as notifier:
        await notifier.tell(long)
    content = platform.told[0]["text"]["content"]
    assert MOST - 4 < len(content.encode()) <= MOST
    assert content.startswith(ALARM.title)
    assert LINK in content
    assert "编号：L20260106-0001" in content
    assert "…" in content


async def test_link_is_added_to_a_text_without_it(platform: WeCom, robot: Any) -> None:
    async with robot() as notifier:
        await notifier.tell(changed(text="没有链接"))
    assert platform.told[0]["text"]["content"].endswith(f"没有链接\n{LINK}")


async def test_robot_that_was_removed_refuses_and_says_so(robot: Any) -> None:
    async with robot(key="gone-s3cret") as notifier:
        with pytest.raises(Refused, match=r"answers 93000: invalid webhook url.*; the robot") as e:
            await notifier.tell(ALARM)
    assert "s3cret" not in str(e.value)


async def test_twenty_a_minute_then_a_wait_without_asking_again(
    platform: WeCom, robot: Any
) -> None:
    async with robot() as notifier:
        for _ in range(20):
            await notifier.tell(ALARM)
        with pytest.raises(Unavailable, match="45009") as caught:
            await notifier.tell(ALARM)
        assert caught.value.retry_after == 65.0
        await platform.clock.advance(64)
        with pytest.raises(Unavailable, match="not asked again for 1 s") as caught:
            await notifier.tell(ALARM)
        assert caught.value.retry_after == 1.0
        assert len(platform.requests) == 21
        await platform.clock.advance(1)
        await notifier.tell(ALARM)
    assert len(platform.told) == 21


def test_quota_is_the_platforms_and_leaves_room_for_life() -> None:
    url = {"env": "X"}
    clock = VirtualClock()
    own = Notifier("group", Options.model_validate({"url": url}), clock)
    assert own.quotas == (Quota(20, 60.0, spare=3),)
    less = Notifier("group", Options.model_validate({"url": url, "per_minute": 10}), clock)
    assert less.quotas == (Quota(10, 60.0, spare=3),)


@pytest.mark.parametrize(
    ("odd", "error", "words"),
    [
        (web.Response(text="<html>login</html>"), Unavailable, "no JSON; is there a proxy"),
        (web.Response(text='{"errcode":0,"x":"' + "y" * 99_000 + '"}'), Unavailable, "no JSON"),
        (web.Response(text="[]"), Unavailable, "no JSON object"),
        (web.Response(text='{"ok":true}'), Unavailable, "has no code"),
        (web.Response(text='{"errcode":true}'), Unavailable, "has no code"),
        (web.Response(text='{"errcode":-1,"errmsg":"system busy"}'), Unavailable, "-1: system"),
        (web.Response(status=502, text="bad gateway"), Unavailable, "502 Bad Gateway"),
        (web.Response(status=429, headers={"Retry-After": "7"}), Unavailable, "429"),
        (web.Response(status=404, text="no"), Refused, "404 Not Found; check the address"),
        (web.Response(status=403, text='{"errcode":0}'), Refused, "403"),
        (web.Response(status=302, headers={"Location": "http://x/"}), Refused, "302"),
        ("truncated", Unavailable, "can not be reached: "),
        ("slow", Unavailable, "no answer in time"),
    ],
)
async def test_answers_that_are_not_the_platforms(
    platform: WeCom, robot: Any, odd: Any, error: type[Exception], words: str
) -> None:
    platform.odd.append(odd)
    async with robot(timeout="200ms") as notifier:
        with pytest.raises(error, match=words) as caught:
            await notifier.tell(ALARM)
        assert platform.key not in str(caught.value)
        if not isinstance(odd, str) and odd.status == 429:
            assert isinstance(caught.value, Unavailable)
            assert caught.value.retry_after == 7.0
        await notifier.tell(ALARM)
    assert len(platform.told) == 1


async def test_nobody_there_is_unavailable_without_the_address(tmp_path: Path) -> None:
    url = kept(tmp_path, "url", f"http://127.0.0.1:{free_port()}/send?key=s3cret")
    async with Notifier("g", Options.model_validate({"url": url}), VirtualClock()) as notifier:
        for call in (notifier.tell(ALARM), notifier.check()):
            with pytest.raises(Unavailable, match=r"^http://127\.0\.0\.1:\d+ can not be reached"):
                await call


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("s3cret", "a URL begins with"),
        ("http://主机/s3cret", "no Chinese"),
        ("", "one printable line"),
        ("http://h/s3cret\nx", "one printable line"),
    ],
)
async def test_address_that_is_none_is_not_repeated(tmp_path: Path, text: str, words: str) -> None:
    url = kept(tmp_path, "url", text)
    async with Notifier("g", Options.model_validate({"url": url}), VirtualClock()) as notifier:
        with pytest.raises(Unavailable, match=f"notifier g: .*{words}") as caught:
            await notifier.tell(ALARM)
    assert "s3cret" not in str(caught.value)


async def test_trial_rings_nobody(platform: WeCom, robot: Any) -> None:
    async with robot() as notifier:
        receipt = await notifier.tell(changed(silent=True))
        assert await notifier.check() == f"{platform.url} answers"
    assert receipt.detail == f"tried without a message: {platform.url} answers"
    assert [each.method for each in platform.requests] == ["HEAD", "HEAD"]
    assert all(each.path_qs == "/" for each in platform.requests)


async def test_it_has_to_be_entered_first(robot: Any) -> None:
    with pytest.raises(RuntimeError, match="before it is entered"):
        await robot().tell(ALARM)


# --- what all of them share, as pure functions -----------------------------------------------


@given(st.binary(max_size=300))
def test_no_answer_breaks_the_parser(raw: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(parse(raw), Answer)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["errcode", "code", "errmsg", "msg", "x"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@given(JSON)
def test_no_json_breaks_the_parser(body: Any) -> None:
    try:
        answer = parse(msgspec.json.encode(body))
    except ValueError:
        return
    assert isinstance(answer.code, int)
    assert answer.words.isprintable()
    assert len(answer.words) <= 200


def test_deep_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="no JSON"):
        parse(b"[" * 100_000)


@given(st.text(max_size=300), st.integers(0, 200), st.lists(st.text(min_size=1, max_size=5)))
def test_fitted_text_fits_in_bytes(text: str, most: int, must: list[str]) -> None:
    text = text.encode("utf-8", "replace").decode()
    short = fit(text, tuple(must), most, utf8)
    assert utf8(short) <= most or (most < 3 and short == "")
    short.encode()


@given(st.text(max_size=2_000), st.integers(0, 20))
def test_fitted_text_keeps_link_and_number(text: str, at: int) -> None:
    lines = text.encode("utf-8", "replace").decode().split("\n")
    lines[at:at] = [f"编号：{ALARM.incident}", f"查看：{LINK}"]
    short = fit("\n".join(lines), (LINK, ALARM.incident), 200, utf8)
    assert ALARM.incident in short
    assert LINK in short
    assert utf8(short) <= 200


@pytest.mark.parametrize(
    ("phone", "digits"),
    [
        ("13800000001", "13800000001"),
        ("+86-138-0000-0001", "13800000001"),
        ("8613800000001", "13800000001"),
        ("(0317) 2021234", ""),
        ("", ""),
        ("１３８", ""),
        ("138000000012", ""),
    ],
)
def test_only_chinese_mobiles_are_mentioned(phone: str, digits: str) -> None:
    assert mobile(phone) == digits
