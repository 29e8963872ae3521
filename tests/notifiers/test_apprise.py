"""The catch-all, through the library itself, to a real server."""

from __future__ import annotations

import asyncio
import logging
import threading
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model import Quota
from gateway.notifiers.apprise.address import check_service, filled
from gateway.notifiers.apprise.options import Options
from gateway.ports import Refused, Unavailable
from tests.notifiers.test_webhook import NOTIFICATION, Receiver, receiver
from tests.servers import free_port
from tests.virtual import VirtualClock

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the library's own imports warn of Python 3.13
    import apprise

    apprise.Apprise.instantiate("json://localhost")
    from gateway.notifiers.apprise.notifier import Notifier

ANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""On a machine that is busy with other tests an example may take its time."""

__all__ = ["receiver"]
ROBOTS = [
    ("wecombot://693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa", "wecom"),
    ("WeComBot://s3cret", "wecom"),
    ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=s3cret", "wecom"),
    ("dingtalk://s3cret/13800000000", "dingtalk"),
    ("https://oapi.dingtalk.com/robot/send?access_token=s3cret", "dingtalk"),
    ("feishu://s3cret", "feishu"),
    ("https://open.feishu.cn/open-apis/bot/v2/hook/s3cret", "feishu"),
    ("lark://s3cret", "feishu"),
    ("https://open.larksuite.com/open-apis/bot/v2/hook/s3cret", "feishu"),
]


@asynccontextmanager
async def service(
    monkeypatch: pytest.MonkeyPatch, url: str, **more: Any
) -> AsyncIterator[Notifier]:
    monkeypatch.setenv("APPRISE_URL", url)
    given = Options.model_validate({"url": {"env": "APPRISE_URL"}} | more)
    async with Notifier("push", given, VirtualClock()) as notifier:
        yield notifier
    for thread in threading.enumerate():
        if thread.name.startswith("apprise-push"):
            await asyncio.to_thread(thread.join, 5)


def at(receiver: Receiver, scheme: str, path: str = "/s3cret") -> str:
    return f"{scheme}://{receiver.url.split('/')[2]}{path}"


@pytest.mark.parametrize("scheme", ["json", "form", "xml"])
async def test_the_service_gets_title_and_text(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    async with service(monkeypatch, at(receiver, scheme)) as notifier:
        receipt = await notifier.tell(NOTIFICATION)
    [(request, body)] = receiver.told
    assert request.path == "/s3cret"
    assert receipt.detail.startswith("apprise got it to ")
    assert "s3cret" not in receipt.detail
    if scheme == "json":
        sent = msgspec.json.decode(body)
        assert (sent["title"], sent["message"]) == (NOTIFICATION.title, NOTIFICATION.text)
        assert sent["type"] == "failure"


async def test_the_link_and_the_end_of_an_alarm(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = msgspec.structs.replace(NOTIFICATION, purpose="cleared", link="https://s1/c/1?t=2&u=3")
    async with service(monkeypatch, at(receiver, "json")) as notifier:
        await notifier.tell(over)
    sent = msgspec.json.decode(receiver.told[0][1])
    assert sent["message"] == f"{NOTIFICATION.text}\nhttps://s1/c/1?t=2&u=3"
    assert sent["type"] == "success"


async def test_a_person_s_own_name_is_filled_in(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with service(monkeypatch, at(receiver, "json", "/{account}")) as notifier:
        await notifier.tell(msgspec.structs.replace(NOTIFICATION, account="li.ming"))
        with pytest.raises(Refused, match="李明 has no account for push"):
            await notifier.tell(NOTIFICATION)
        assert "wants a person's name" in await notifier.check()
    [(request, _)] = receiver.told
    assert request.path == "/li.ming"


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500])
async def test_no_is_for_later_with_the_number_and_without_the_address(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, status: int,
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    receiver.status, receiver.headers = status, {"Location": "/elsewhere"}
    async with service(monkeypatch, at(receiver, "json")) as notifier:
        with pytest.raises(Unavailable, match=rf"did not get it to JSON: {status}$") as caught:
            await notifier.tell(NOTIFICATION)
    assert len(receiver.told) == 1
    said = str(caught.value) + caplog.text + "".join(capfd.readouterr())
    assert "s3cret" not in said
    assert receiver.url.split("/")[2] not in said


async def test_nothing_is_logged_even_at_debug(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with service(monkeypatch, at(receiver, "json")) as notifier:
        await notifier.tell(NOTIFICATION)
        receiver.status = 500
        with pytest.raises(Unavailable):
            await notifier.tell(NOTIFICATION)
    lines = [
        r for r in caplog.records if r.name.split(".")[0] in ("apprise", "urllib3", "requests")
    ]
    assert lines == []


async def test_a_server_that_is_away_is_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    async with service(monkeypatch, f"json://127.0.0.1:{free_port()}/s3cret") as notifier:
        with pytest.raises(Unavailable, match="did not get it to JSON and does not say why"):
            await notifier.tell(NOTIFICATION)


async def test_a_server_that_hangs_is_given_up_in_time_and_so_are_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silence, "127.0.0.1", free_port()) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"json://127.0.0.1:{port}/s3cret?rto=60&cto=60"
        async with service(monkeypatch, url, timeout="400ms") as notifier:
            told = [notifier.tell(NOTIFICATION) for _ in range(20)]
            answers = await asyncio.gather(*told, return_exceptions=True)
    reasons = {str(answer) for answer in answers}
    assert reasons <= {
        "apprise got no answer within 0.4 s",
        "16 messages through apprise hang",
        "apprise did not get it to JSON and does not say why",
    }
    assert "16 messages through apprise hang" in reasons


@pytest.mark.parametrize(("url", "own"), ROBOTS)
async def test_robots_are_refused_in_one_line_that_names_our_own_type(
    monkeypatch: pytest.MonkeyPatch, url: str, own: str
) -> None:
    monkeypatch.setenv("APPRISE_URL", url)
    with pytest.raises(ValueError, match=f"write type: {own}") as caught:
        Options.model_validate({"url": {"env": "APPRISE_URL"}})
    assert "s3cret" not in str(caught.value)
    async with service(monkeypatch, "json://localhost") as notifier:  # the secret changes later
        monkeypatch.setenv("APPRISE_URL", url)
        for call in (notifier.tell(NOTIFICATION), notifier.check()):
            with pytest.raises(Refused, match=f"write type: {own}"):
                await call


def test_the_library_has_no_other_name_for_a_robot() -> None:
    """Every scheme of the four plugins is one that we refuse."""
    makers = ("weixin.qq.com", "dingtalk.com", "feishu.cn", "larksuite.com")
    found = {
        scheme
        for each in apprise.Apprise().details()["schemas"]
        if any(maker in str(each["service_url"]) for maker in makers)
        for scheme in [*(each["protocols"] or []), *(each["secure_protocols"] or [])]
    }
    assert found - {"wechat"} == {"wecombot", "dingtalk", "feishu", "lark"}


@pytest.mark.parametrize("url", ["nosuch://s3cret", "json://", "tgram://s3cret"])
async def test_no_such_service_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    async with service(monkeypatch, url) as notifier:
        with pytest.raises(Refused, match="knows no such service") as caught:
            await notifier.tell(NOTIFICATION)
    assert "s3cret" not in str(caught.value)


async def test_a_trial_tells_nobody(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    async with service(monkeypatch, at(receiver, "json")) as notifier:
        receipt = await notifier.tell(msgspec.structs.replace(NOTIFICATION, silent=True))
        assert receipt.detail == await notifier.check()
    assert receipt.detail.startswith("the URL is one of JSON;")
    assert receiver.told == []


async def test_a_missing_secret_is_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    async with service(monkeypatch, "json://localhost") as notifier:
        monkeypatch.delenv("APPRISE_URL")
        with pytest.raises(Unavailable, match="the environment has no APPRISE_URL"):
            await notifier.tell(NOTIFICATION)


def test_a_configuration_is_checked_without_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APPRISE_URL", raising=False)
    options = Options.model_validate(
        {"url": {"env": "APPRISE_URL"}, "quotas": [{"most": 5, "per": "1m"}]}
    )
    assert "********" in repr(options)
    assert Notifier("push", options, VirtualClock()).quotas == (Quota(5, 60.0),)


@ANY
@given(st.text(max_size=80) | st.from_regex(r"[a-z]{1,8}://[ -~]{0,60}", fullmatch=True))
def test_any_text_is_a_service_or_says_why_not(text: str) -> None:
    try:
        taken = check_service(text)
    except ValueError as error:
        taken = str(error)
    assert taken == text or len(text) < 8 or text not in taken


@ANY
@given(st.text(min_size=1, max_size=40))
def test_a_name_never_leaves_its_place_in_the_url(name: str) -> None:
    notification = msgspec.structs.replace(NOTIFICATION, account=name)
    try:
        url = filled("json://h/{account}/x", notification)
    except UnicodeEncodeError:
        return
    inner = url.removeprefix("json://h/").removesuffix("/x")
    assert not set(inner) & set("/?#@:&= ")
