"""The webhook on a real small server."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.clock import SystemClock
from gateway.model import Notification
from gateway.notifiers.webhook.notifier import Notifier
from gateway.notifiers.webhook.options import Options
from gateway.ports import Refused, Unavailable
from tests.servers import free_port

NOTIFICATION = Notification(
    key="i-1:1:officer",
    incident="i-1",
    purpose="opened",
    person="p-1",
    name="李明",
    phone="13800000000",
    language="zh",
    title="烟雾报警",
    text="3号楼 2单元 501 厨房",
    category="life",
    severity="alarm",
    state="open",
    kind="smoke",
    device="S-17",
    place="110105003012",
    opened_at=1_767_225_600_000_000_000,
    head="ab" * 32,
)


class Receiver:
    """Keeps what it was told; ``answer`` says what it replies."""

    def __init__(self) -> None:
        self.status = 200
        self.text = "ok"
        self.headers: dict[str, str] = {}
        self.told: list[tuple[web.Request, bytes]] = []
        self.peers: set[Any] = set()
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.told.append((request, await request.read()))
        assert request.transport is not None
        self.peers.add(request.transport.get_extra_info("peername"))
        return web.Response(status=self.status, text=self.text, headers=self.headers)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", made.handle)
    async with TestServer(application) as server:
        made.url = str(server.make_url("/hook/s3cret?token=s3cret"))
        yield made


def webhook(url: str | dict[str, str], **options: Any) -> Notifier:
    return Notifier("duty", Options.model_validate({"url": url} | options), SystemClock())


async def test_the_whole_notification_is_posted_as_json(receiver: Receiver) -> None:
    async with webhook(receiver.url) as notifier:
        receipt = await notifier.tell(NOTIFICATION)
    [(request, body)] = receiver.told
    sent = json.loads(body)
    assert sent["title"] == "烟雾报警"
    assert sent == {name: getattr(NOTIFICATION, name) for name in NOTIFICATION.__struct_fields__}
    assert request.method == "POST"
    assert request.path_qs == "/hook/s3cret?token=s3cret"
    assert request.headers["Content-Type"] == "application/json; charset=utf-8"
    assert request.headers["Idempotency-Key"] == "i-1:1:officer"
    assert receipt.detail.startswith("200 OK from http://127.0.0.1:")
    assert "s3cret" not in receipt.detail


async def test_headers_and_signature_come_from_secrets(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "url").write_text(receiver.url + "\n")
    (tmp_path / "key").write_text("k3y")
    (tmp_path / "bearer").write_text("Bearer t0ken")
    async with webhook(
        {"file": str(tmp_path / "url")},
        headers={"Authorization": {"file": str(tmp_path / "bearer")}, "X-Site": "s1"},
        hmac={"file": str(tmp_path / "key")},
    ) as notifier:
        await notifier.tell(NOTIFICATION)
    [(request, body)] = receiver.told
    signature = hmac.new(b"k3y", body, hashlib.sha256).hexdigest()
    assert request.headers["X-Gridwarden-Signature"] == f"sha256={signature}"
    assert request.headers["Authorization"] == "Bearer t0ken"
    assert request.headers["X-Site"] == "s1"


async def test_messages_share_one_connection(receiver: Receiver) -> None:
    async with webhook(receiver.url) as notifier:
        for _ in range(5):
            await notifier.tell(NOTIFICATION)
    assert len(receiver.told) == 5
    assert len(receiver.peers) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_what_passes_is_tried_again(receiver: Receiver, status: int) -> None:
    receiver.status, receiver.text, receiver.headers = status, "later", {"Retry-After": "9"}
    async with webhook(receiver.url) as notifier:
        with pytest.raises(Unavailable, match=f"answers {status} .*: later") as caught:
            await notifier.tell(NOTIFICATION)
    assert caught.value.retry_after == 9.0
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
async def test_what_does_not_pass_is_refused_with_the_reason(
    receiver: Receiver, status: int
) -> None:
    receiver.status, receiver.text = status, "wrong\nfield " + "x" * 9_000
    async with webhook(receiver.url) as notifier:
        with pytest.raises(Refused, match=f"answers {status} .*: wrong field x") as caught:
            await notifier.tell(NOTIFICATION)
    assert "s3cret" not in str(caught.value)
    assert len(str(caught.value)) < 300


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 307, {"Location": receiver.url}
    async with webhook(receiver.url) as notifier:
        with pytest.raises(Refused, match="answers 307"):
            await notifier.tell(NOTIFICATION)
    assert len(receiver.told) == 1


async def test_nobody_there_is_unavailable_without_the_secret() -> None:
    async with webhook(f"http://127.0.0.1:{free_port()}/s3cret") as notifier:
        for call in (notifier.tell(NOTIFICATION), notifier.check()):
            with pytest.raises(Unavailable, match=r"^http://127\.0\.0\.1:\d+ can not be reached"):
                await call


@pytest.mark.parametrize("endless", [True, False])
async def test_an_answer_without_end_is_told_all_the_same(endless: bool) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while endless:
            await answer.write(b"x" * 1_000)
            await asyncio.sleep(0)
        await asyncio.sleep(1)
        return answer

    application = web.Application()
    application.router.add_post("/", handle)
    async with (
        TestServer(application) as server,
        webhook(str(server.make_url("/")), timeout="200ms") as notifier,
    ):
        receipt = await notifier.tell(NOTIFICATION)
    assert receipt.detail.startswith("200")


async def test_a_silent_receiver_is_unavailable_in_time(mosquitto: Any) -> None:
    mosquitto.pause()  # the kernel takes the connection, nobody reads
    async with webhook(f"http://127.0.0.1:{mosquitto.port}/", timeout="200ms") as notifier:
        with pytest.raises(Unavailable, match="no answer in time"):
            await notifier.tell(NOTIFICATION)


async def test_somebody_else_on_the_port_is_unavailable(mosquitto: Any) -> None:
    async with webhook(f"http://127.0.0.1:{mosquitto.port}/s3cret") as notifier:
        with pytest.raises(Unavailable) as caught:
            await notifier.tell(NOTIFICATION)
    assert "s3cret" not in str(caught.value)


async def test_a_missing_secret_is_named(tmp_path: Path) -> None:
    missing = {"file": str(tmp_path / "none")}
    for notifier in (webhook(missing), webhook("http://127.0.0.1:1/", hmac=missing)):
        async with notifier:
            with pytest.raises(Unavailable, match=r"notifier duty: secret file .*: No such file"):
                await notifier.tell(NOTIFICATION)


async def test_a_secret_that_is_no_url_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("s3cret")
    async with webhook({"file": str(tmp_path / "url")}) as notifier:
        with pytest.raises(Unavailable, match="notifier duty: a URL begins with") as caught:
            await notifier.tell(NOTIFICATION)
    assert "s3cret" not in str(caught.value)


async def test_check_posts_nothing(receiver: Receiver) -> None:
    async with webhook(receiver.url) as notifier:
        assert (await notifier.check()).endswith("answers")
    assert [request.method for request, _ in receiver.told] == ["HEAD"]
    assert receiver.told[0][0].path_qs == "/"


async def test_a_trial_posts_nothing(receiver: Receiver) -> None:
    async with webhook(receiver.url) as notifier:
        receipt = await notifier.tell(msgspec.structs.replace(NOTIFICATION, silent=True))
    assert receipt.detail.endswith("answers")
    assert [request.method for request, _ in receiver.told] == ["HEAD"]


async def test_it_has_to_be_entered_first() -> None:
    with pytest.raises(RuntimeError, match="before it is entered"):
        await webhook("http://127.0.0.1:1/").tell(NOTIFICATION)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": "ftp://h/"}, "begins with http"),
        ({"url": "http://u:p@h/"}, "no user or password"),
        ({"url": "http://[h/"}, "no URL"),
        ({"url": "http://h/", "headers": {"a b": "x"}}, "no name of a header"),
        ({"url": "http://h/", "headers": {"Idempotency-Key": "x"}}, "set by Gridwarden"),
        ({"url": "http://h/", "headers": {"X-A": "a\r\nB: c"}}, "one printable line"),
        ({"url": "http://h/", "hmac": "plain"}, "a secret is written"),
    ],
)
def test_wrong_options_are_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Options.model_validate(given)
