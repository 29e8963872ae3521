"""A Feishu custom bot, on a server that checks signature, keyword, size and rate as Feishu does."""

from __future__ import annotations

import html
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Notification, Quota
from gateway.notifiers.feishu.notifier import Notifier, escaped, message, signature
from gateway.notifiers.feishu.options import Options
from gateway.ports import Refused, Unavailable
from tests.notifiers.china import ALARM, LINK, Feishu, kept, serving
from tests.virtual import VirtualClock


@pytest.fixture
async def platform() -> AsyncIterator[Feishu]:
    made = Feishu(VirtualClock())
    async with serving(made):
        yield made


@pytest.fixture
def robot(platform: Feishu, tmp_path: Path) -> Any:
    def made(
        secret: str = "", token: str = Feishu.token, clock: Any = None, **options: Any
    ) -> Notifier:
        url = kept(tmp_path, "url", f"{platform.url}/open-apis/bot/v2/hook/{token}")
        given = {"url": url} | options
        if secret:
            given["secret"] = kept(tmp_path, "secret", secret)
        return Notifier("bot", Options.model_validate(given), clock or platform.clock)

    return made


def changed(**changes: Any) -> Notification:
    return msgspec.structs.replace(ALARM, **changes)


def test_signature_is_the_references() -> None:
    assert signature(1_599_360_473, "test-secret") == "wSds2BzzFIIGf/WrhUO+NI1q/9j+FRJd3JNHKAq0NZY="


async def test_signed_message_is_taken(platform: Feishu, robot: Any) -> None:
    platform.secret = "test-secret"
    async with robot("test-secret") as notifier:
        receipt = await notifier.tell(ALARM)
    [body] = platform.told
    assert body["msg_type"] == "text"
    assert body["content"] == {"text": f"{ALARM.title}\n{ALARM.text}"}
    assert body["timestamp"] == str(platform.clock.wall // 1_000_000_000)
    assert receipt.detail == f"taken by {platform.url}"


async def test_without_a_secret_nothing_is_signed(platform: Feishu, robot: Any) -> None:
    async with robot() as notifier:
        await notifier.tell(ALARM)
    assert set(platform.told[0]) == {"msg_type", "content"}


@pytest.mark.parametrize(
    ("options", "changes", "end"),
    [
        ({}, {"account": "ou_1"}, '\n<at user_id="ou_1">陈静</at>'),
        ({}, {"account": "ou_1", "name": "<b>&"}, '\n<at user_id="ou_1">&lt;b&gt;&amp;</at>'),
        ({}, {"account": 'x"><at user_id="all'}, LINK),
        ({"mention": False}, {"account": "ou_1"}, LINK),
        ({"everybody": True}, {"severity": "critical"}, '\n<at user_id="all">所有人</at>'),
    ],
)
def test_who_is_mentioned(options: Any, changes: Any, end: str) -> None:
    made = Options.model_validate({"url": {"env": "X"}} | options)
    assert message(changed(**changes), made)["content"]["text"].endswith(end)


@given(st.text())
def test_no_text_can_hold_a_tag(text: str) -> None:
    assert "<" not in escaped(text)
    assert html.unescape(escaped(text)) == html.unescape(html.escape(text, quote=False))


async def test_text_of_the_site_can_call_nobody(platform: Feishu, robot: Any) -> None:
    async with robot() as notifier:
        await notifier.tell(changed(text='<at user_id="all">所有人</at> A&B'))
    text = platform.told[0]["content"]["text"]
    assert '&lt;at user_id="all"&gt;所有人&lt;/at&gt; A&amp;B' in text


async def test_long_message_stays_under_20_kb_as_it_is_sent(platform: Feishu, robot: Any) -> None:
    platform.secret = "test-secret"
    async with robot("test-secret") as notifier:
        await notifier.tell(changed(text='<"&>' * 5_000 + "\n" + ALARM.text, account="ou_1"))
    text = platform.told[0]["content"]["text"]
    assert LINK in text
    assert ALARM.incident in text
    assert text.endswith("</at>")
    assert len(text) > 10_000


async def test_keyword_is_always_there_and_missing_it_says_what_to_do(
    platform: Feishu, robot: Any
) -> None:
    platform.keyword = "网格"
    async with robot(keyword="网格") as notifier:
        await notifier.tell(ALARM)
    async with robot() as notifier:
        with pytest.raises(Refused, match="19024: Key Words Not Found; set the option keyword"):
            await notifier.tell(ALARM)
    assert len(platform.told) == 1


async def test_wrong_secret_is_refused(platform: Feishu, robot: Any) -> None:
    platform.secret = "test-secret"
    async with robot("s3cret") as notifier:
        with pytest.raises(Refused, match=r"19021: sign match fail.*; check the secret") as caught:
            await notifier.tell(ALARM)
    assert "s3cret" not in str(caught.value)


async def test_signature_of_an_unset_clock_is_tried_again(platform: Feishu, robot: Any) -> None:
    platform.secret = "test-secret"
    own = VirtualClock(1_000_000_000, trusted=False)
    async with robot("test-secret", clock=own) as notifier:
        with pytest.raises(Unavailable, match=r"19021.*clock is not set yet"):
            await notifier.tell(ALARM)


async def test_bad_request_comes_as_http_400_and_is_refused(platform: Feishu, robot: Any) -> None:
    async with robot(token="s3cret") as notifier:
        with pytest.raises(Refused, match="9499: Bad Request") as caught:
            await notifier.tell(ALARM)
    assert "s3cret" not in str(caught.value)


async def test_more_than_five_a_second_wait_a_minute(platform: Feishu, robot: Any) -> None:
    async with robot() as notifier:
        for _ in range(5):
            await notifier.tell(ALARM)
        with pytest.raises(Unavailable, match="11232: frequency limited") as caught:
            await notifier.tell(ALARM)
        assert caught.value.retry_after == 65.0
        await platform.clock.advance(65)
        await notifier.tell(ALARM)
    assert notifier.quotas == (Quota(100, 60.0, spare=5), Quota(5, 1.0, spare=1))


async def test_trial_rings_nobody(platform: Feishu, robot: Any) -> None:
    async with robot("test-secret") as notifier:
        receipt = await notifier.tell(changed(silent=True))
        assert await notifier.check() == f"{platform.url} answers"
    assert receipt.detail == f"tried without a message: {platform.url} answers"
    assert platform.told == []
