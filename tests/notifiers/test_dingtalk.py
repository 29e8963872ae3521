"""A DingTalk custom robot, on a server that checks signature, keyword and rate as DingTalk does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.model import Notification, Quota
from gateway.notifiers.dingtalk.notifier import Notifier, message, signature, signed
from gateway.notifiers.dingtalk.options import Options
from gateway.ports import Refused, Unavailable
from tests.notifiers.china import ALARM, LINK, DingTalk, kept, serving
from tests.virtual import VirtualClock

SECRET = "SECabc+/=1"


@pytest.fixture
async def platform() -> AsyncIterator[DingTalk]:
    made = DingTalk(VirtualClock())
    async with serving(made):
        yield made


@pytest.fixture
def robot(platform: DingTalk, tmp_path: Path) -> Any:
    def made(
        secret: str = "", token: str = DingTalk.token, clock: Any = None, **options: Any
    ) -> Notifier:
        url = kept(tmp_path, "url", f"{platform.url}/robot/send?access_token={token}")
        given = {"url": url} | options
        if secret:
            given["secret"] = kept(tmp_path, "secret", secret)
        return Notifier("ding", Options.model_validate(given), clock or platform.clock)

    return made


def changed(**changes: Any) -> Notification:
    return msgspec.structs.replace(ALARM, **changes)


def test_signature_is_the_references() -> None:
    assert signature(1_577_262_236_757, "this is secret") == (
        "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM="
    )
    assert signed("https://h/robot/send?access_token=t", 1_577_262_236_757, "this is secret") == (
        "https://h/robot/send?access_token=t&timestamp=1577262236757"
        "&sign=hmPWwU%2B7lVdm3ZZz0r9tSfx0L4Q26jWOZr9%2BGs6EZQM%3D"
    )


async def test_signature_is_encoded_once_on_the_wire(platform: DingTalk, robot: Any) -> None:
    platform.secret = SECRET
    async with robot(SECRET) as notifier:
        for _ in range(5):  # each with another time, and so with other characters to encode
            await notifier.tell(ALARM)
            platform.clock.jump(1.7)
    assert len(platform.told) == 5
    for request in platform.requests:
        stamp = int(request.query["timestamp"])
        assert request.path_qs == signed(
            f"/robot/send?access_token={platform.token}", stamp, SECRET
        )


async def test_message_is_text_and_calls_its_reader(platform: DingTalk, robot: Any) -> None:
    async with robot() as notifier:
        receipt = await notifier.tell(ALARM)
    assert platform.told == [
        {
            "msgtype": "text",
            "text": {"content": f"{ALARM.title}\n{ALARM.text}"},
            "at": {"isAtAll": False, "atMobiles": ["13800000001"]},
        }
    ]
    assert receipt.detail == f"taken by {platform.url}"


@pytest.mark.parametrize(
    ("options", "changes", "at"),
    [
        ({"mention": False}, {}, {"isAtAll": False}),
        ({}, {"phone": "12345"}, {"isAtAll": False}),
        ({"everybody": True}, {"severity": "critical"}, {"isAtAll": True}),
        ({"everybody": True}, {"severity": "critical", "category": "trouble", "phone": ""},
         {"isAtAll": False}),
    ],
)  # fmt: skip
def test_who_is_mentioned(options: Any, changes: Any, at: Any) -> None:
    made = Options.model_validate({"url": {"env": "X"}} | options)
    assert message(changed(**changes), made)["at"] == at


async def test_keyword_is_always_there_even_in_a_long_message(
    platform: DingTalk, robot: Any
) -> None:
    platform.keyword = "网格"
    async with robot(keyword="网格") as notifier:
        await notifier.tell(ALARM)
        await notifier.tell(changed(text="烟" * 9_000 + "\n" + ALARM.text))
        await notifier.tell(changed(title="第一网格"))
    contents = [each["text"]["content"] for each in platform.told]
    assert contents[0].endswith("\n网格")
    assert LINK in contents[1]
    assert contents[1].endswith("\n网格")
    assert contents[2].count("网格") == 1


async def test_missing_keyword_is_refused_with_what_to_do(platform: DingTalk, robot: Any) -> None:
    platform.keyword = "网格"
    async with robot() as notifier:
        with pytest.raises(Refused, match="310000: keywords not in content; check keyword"):
            await notifier.tell(ALARM)


async def test_wrong_secret_is_refused(platform: DingTalk, robot: Any) -> None:
    platform.secret = SECRET
    async with robot("SECother") as notifier:
        with pytest.raises(Refused, match="310000: sign not match") as caught:
            await notifier.tell(ALARM)
    assert "SECother" not in str(caught.value)


async def test_signature_of_an_unset_clock_is_tried_again(platform: DingTalk, robot: Any) -> None:
    platform.secret = SECRET
    platform.clock.trusted = False
    platform.clock.jump(-7_200)
    there = platform.clock.wall + 7_200 * 1_000_000_000
    own, platform.clock = platform.clock, VirtualClock(there)
    async with robot(SECRET, clock=own) as notifier:
        with pytest.raises(Unavailable, match=r"invalid timestamp.*clock is not set yet") as e:
            await notifier.tell(ALARM)
        assert "\n" not in str(e.value)
        own.trusted = True
        with pytest.raises(Refused, match="invalid timestamp"):
            await notifier.tell(ALARM)
        own.jump(7_200)
        await notifier.tell(ALARM)


async def test_more_than_twenty_a_minute_are_not_asked_for_ten_minutes(
    platform: DingTalk, robot: Any
) -> None:
    async with robot() as notifier:
        for _ in range(20):
            await notifier.tell(ALARM)
        with pytest.raises(Unavailable, match="130101") as caught:
            await notifier.tell(ALARM)
        assert caught.value.retry_after == 600.0
        await platform.clock.advance(599)
        with pytest.raises(Unavailable, match="not asked again for 1 s"):
            await notifier.tell(ALARM)
        assert len(platform.requests) == 21
        await platform.clock.advance(1)
        await notifier.tell(ALARM)
    assert notifier.quotas == (Quota(20, 60.0, spare=3),)


async def test_unknown_token_is_tried_again_with_patience(platform: DingTalk, robot: Any) -> None:
    async with robot(token="s3cret") as notifier:
        with pytest.raises(Unavailable, match="300001: token is not exist") as caught:
            await notifier.tell(ALARM)
    assert caught.value.retry_after == 60.0
    assert "s3cret" not in str(caught.value)


async def test_trial_rings_nobody_and_wants_the_secret(
    platform: DingTalk, robot: Any, tmp_path: Path
) -> None:
    async with robot(SECRET) as notifier:
        assert "tried without a message" in (await notifier.tell(changed(silent=True))).detail
        (tmp_path / "secret").unlink()
        with pytest.raises(Unavailable, match=r"notifier ding: secret file .*: No such file"):
            await notifier.tell(changed(silent=True))
    assert platform.told == []
