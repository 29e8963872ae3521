"""Messages of a WeCom application, on a server with tokens that end and accounts that do not exist."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from gateway.model import Notification, Quota
from gateway.notifiers.wecom_app.notifier import Notifier
from gateway.notifiers.wecom_app.options import Options
from gateway.ports import Refused, Unavailable
from tests.notifiers.china import ALARM, LINK, WeComApp, kept, said, serving
from tests.virtual import VirtualClock

TO_CHEN = msgspec.structs.replace(ALARM, account="chenjing")


@pytest.fixture
async def platform() -> AsyncIterator[WeComApp]:
    made = WeComApp(VirtualClock())
    async with serving(made):
        yield made


@pytest.fixture
def app(platform: WeComApp, tmp_path: Path) -> Any:
    def made(secret: str = WeComApp.secret, **options: Any) -> Notifier:
        given = {
            "base": platform.url,
            "corpid": "ww1",
            "agentid": 1000002,
            "secret": kept(tmp_path, "secret", secret),
        }
        return Notifier("app", Options.model_validate(given | options), platform.clock)

    return made


def changed(**changes: Any) -> Notification:
    return msgspec.structs.replace(TO_CHEN, **changes)


async def test_message_goes_to_the_persons_account(platform: WeComApp, app: Any) -> None:
    async with app() as notifier:
        receipt = await notifier.tell(TO_CHEN)
    assert platform.told == [
        {
            "touser": "chenjing",
            "msgtype": "text",
            "agentid": 1000002,
            "text": {"content": f"{ALARM.title}\n{ALARM.text}"},
        }
    ]
    assert receipt.detail == f"taken by {platform.url}"
    assert notifier.quotas == (Quota(30, 60.0, spare=3, each=True),)


async def test_token_is_kept_until_shortly_before_its_end(platform: WeComApp, app: Any) -> None:
    async with app() as notifier:
        await asyncio.gather(*(notifier.tell(TO_CHEN) for _ in range(9)))
        await platform.clock.advance(6_899)
        await notifier.tell(TO_CHEN)
        assert platform.given == 1
        await platform.clock.advance(1)
        await notifier.tell(TO_CHEN)
    assert platform.given == 2
    assert len(platform.told) == 11


async def test_token_that_was_revoked_is_renewed_once_for_everybody(
    platform: WeComApp, app: Any
) -> None:
    async with app() as notifier:
        await notifier.tell(TO_CHEN)
        platform.revoke()
        await asyncio.gather(*(notifier.tell(TO_CHEN) for _ in range(5)))
        assert platform.given == 2
    assert len(platform.told) == 6


@pytest.mark.parametrize("code", [40014, 42001])
async def test_token_that_is_never_good_ends_as_unavailable(
    platform: WeComApp, app: Any, code: int
) -> None:
    async with app() as notifier:
        await notifier.tell(TO_CHEN)
        platform.odd.extend([said(code, "token"), _token("again"), said(code, "token")])
        with pytest.raises(Unavailable, match=str(code)):
            await notifier.tell(TO_CHEN)
        await platform.clock.advance(60)
        platform.revoke()
        await notifier.tell(TO_CHEN)
    assert len(platform.told) == 2


def _token(token: Any, expires: Any = 7_200) -> web.Response:
    return web.json_response(
        {"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": expires}
    )


@pytest.mark.parametrize("token", ["", None, 5, "x" * 3_000])
async def test_token_that_is_none_is_unavailable(platform: WeComApp, app: Any, token: Any) -> None:
    platform.odd.append(_token(token))
    async with app() as notifier:
        with pytest.raises(Unavailable, match="gives no token"):
            await notifier.tell(TO_CHEN)
        await notifier.tell(TO_CHEN)


@pytest.mark.parametrize("expires", [None, -1, "7200", 0, 1e300])
async def test_token_of_unknown_age_is_kept_for_a_minute(
    platform: WeComApp, app: Any, expires: Any
) -> None:
    platform.odd.append(_token("odd", expires))
    platform.tokens["odd"] = 10**30
    async with app() as notifier:
        await notifier.tell(TO_CHEN)
        await platform.clock.advance(59)
        await notifier.tell(TO_CHEN)
        assert platform.given == 0
        await platform.clock.advance(1)
        await notifier.tell(TO_CHEN)
    assert platform.given == 1


async def test_wrong_secret_is_refused_and_not_shown(platform: WeComApp, app: Any) -> None:
    async with app(secret="wr0ng") as notifier:
        for call in (notifier.tell(TO_CHEN), notifier.check()):
            with pytest.raises(Refused, match="40001: invalid credential; check corpid") as e:
                await call
            assert "wr0ng" not in str(e.value)


async def test_account_the_company_does_not_have_is_refused(app: Any) -> None:
    async with app() as notifier:
        with pytest.raises(Refused, match="does not know the account of 陈静"):
            await notifier.tell(changed(account="nobody"))


@pytest.mark.parametrize("account", ["", "@all", "a|b"])
async def test_without_an_account_of_one_person_nothing_is_sent(
    platform: WeComApp, app: Any, account: str
) -> None:
    async with app() as notifier:
        with pytest.raises(Refused, match="has no account here; write it into the registry"):
            await notifier.tell(changed(account=account))
    assert platform.requests == []


async def test_rate_limit_waits_without_asking_again(platform: WeComApp, app: Any) -> None:
    async with app() as notifier:
        await notifier.check()
        platform.odd.append(said(45009, "api freq out of limit"))
        with pytest.raises(Unavailable, match="45009") as caught:
            await notifier.tell(TO_CHEN)
        assert caught.value.retry_after == 65.0
        with pytest.raises(Unavailable, match="not asked again for 65 s"):
            await notifier.tell(TO_CHEN)
        assert len(platform.requests) == 2
        await platform.clock.advance(65)
        await notifier.tell(TO_CHEN)


async def test_long_message_is_cut_by_bytes(platform: WeComApp, app: Any) -> None:
    async with app() as notifier:
        await notifier.tell(changed(text="烟" * 3_000 + "\n" + ALARM.text))
    content = platform.told[0]["text"]["content"]
    assert len(content.encode()) <= 2_048
    assert LINK in content


async def test_trial_gets_a_token_and_rings_nobody(platform: WeComApp, app: Any) -> None:
    async with app() as notifier:
        receipt = await notifier.tell(changed(silent=True))
    assert receipt.detail == f"tried without a message: {platform.url} gives a token"
    assert (platform.given, platform.told) == (1, [])


@pytest.mark.parametrize("odd", ["truncated", web.Response(text="<html>"), "slow"])
async def test_token_that_does_not_come_is_unavailable_without_secrets(
    platform: WeComApp, app: Any, odd: Any
) -> None:
    platform.odd.append(odd)
    async with app(timeout="200ms") as notifier:
        with pytest.raises(Unavailable) as caught:
            await notifier.tell(TO_CHEN)
    assert "s3cret" not in str(caught.value)
    assert "ww1" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"corpid": "a&b"}, "corpid"),
        ({"agentid": "1"}, "agentid"),
        ({"secret": "plain"}, "a secret is written"),
        ({"base": "ftp://x"}, "begins with http"),
    ],
)
def test_wrong_options_are_named(given: dict[str, Any], words: str) -> None:
    right = {"corpid": "ww1", "agentid": 1, "secret": {"env": "X"}}
    with pytest.raises(ValueError, match=words):
        Options.model_validate(right | given)
