"""The chat platforms as small real servers: they check, count and refuse as the reference says.

HTTP 200 for almost everything; what became of a message stands in the body.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.model import SECOND, Notification
from tests.virtual import VirtualClock

HOUR = 3_600 * SECOND


class Platform:
    """Keeps what it took; ``odd`` are answers that something else on the way gives instead."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.url = ""
        self.told: list[dict[str, Any]] = []
        self.requests: list[web.Request] = []
        self.odd: deque[web.Response | str] = deque()
        self._times: deque[int] = deque()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        raw = await request.read()
        if request.method == "HEAD":
            return web.Response(status=404)
        if self.odd:
            return await self._odd(request, self.odd.popleft())
        body = json.loads(raw) if raw else {}
        return self.answer(request, body, raw)

    def answer(self, request: web.Request, body: dict[str, Any], raw: bytes) -> web.Response:
        raise NotImplementedError

    def over(self, most: int, seconds: float) -> bool:
        """Whether one more within ``seconds`` is more than ``most``; if not, it is counted."""
        now = self.clock.mono
        while self._times and self._times[0] <= now - seconds * SECOND:
            self._times.popleft()
        if len(self._times) >= most:
            return True
        self._times.append(now)
        return False

    async def _odd(self, request: web.Request, odd: web.Response | str) -> web.StreamResponse:
        if isinstance(odd, web.Response):
            return odd
        if odd == "slow":
            await asyncio.sleep(0.5)
            return web.Response()
        assert request.transport is not None
        answer = web.StreamResponse(headers={"Content-Length": "400"})
        await answer.prepare(request)
        await answer.write(b'{"errcode":0,"er')
        request.transport.close()
        return answer


class WeCom(Platform):
    """``/cgi-bin/webhook/send?key=KEY``: 2,048 bytes of text, 20 a minute."""

    key = "693a91f6-7xxx"

    def answer(self, request: web.Request, body: dict[str, Any], raw: bytes) -> web.Response:
        if request.query.get("key") != self.key:
            return said(93000, "invalid webhook url, hint: [1]")
        if body["msgtype"] != "text" or len(body["text"]["content"].encode()) > 2_048:
            return said(40058, "content exceed max length. invalid Request Parameter")
        if self.over(20, 60):
            return said(45009, "api freq out of limit")
        self.told.append(body)
        return said(0, "ok")


class DingTalk(Platform):
    """``/robot/send?access_token=…``: signature or keyword, 20 a minute, then a block."""

    token = "t0ken"
    secret = ""
    keyword = ""
    blocked = 0

    def answer(self, request: web.Request, body: dict[str, Any], raw: bytes) -> web.Response:
        if request.query.get("access_token") != self.token:
            return said(300001, "token is not exist")
        if self.secret and (wrong := self._wrong(request)):
            return said(310000, wrong)
        if self.keyword not in body["text"]["content"]:
            return said(310000, "keywords not in content")
        if len(raw) > 20_000:
            return said(460101, "message too long")
        if self.clock.mono < self.blocked or self.over(20, 60):
            if self.clock.mono >= self.blocked:
                self.blocked = self.clock.mono + 600 * SECOND
            return said(130101, "send too fast, exceed 20 times per minute")
        self.told.append(body)
        return said(0, "ok")

    def _wrong(self, request: web.Request) -> str:
        stamp = request.query.get("timestamp", "")
        if not stamp.isdigit() or abs(int(stamp) * 1_000_000 - self.clock.wall) > HOUR:
            return "invalid timestamp"
        key = self.secret.encode()
        made = hmac.new(key, f"{stamp}\n{self.secret}".encode(), hashlib.sha256).digest()
        right = base64.b64encode(made).decode()
        return "" if request.query.get("sign") == right else "sign not match"


class Feishu(Platform):
    """``/open-apis/bot/v2/hook/TOKEN``: signature in the body, 100 a minute and 5 a second."""

    token = "4f1b"
    secret = ""
    keyword = ""

    def answer(self, request: web.Request, body: dict[str, Any], raw: bytes) -> web.Response:
        if not request.path.endswith(f"/hook/{self.token}") or body.get("msg_type") != "text":
            return said(9499, "Bad Request", status=400, code="code", words="msg")
        if len(raw) > 20_000:
            return said(9499, "Bad Request", status=400, code="code", words="msg")
        if self.secret and not self._right(body):
            words = "sign match fail or timestamp is not within one hour from current time"
            return said(19021, words, code="code", words="msg")
        if self.keyword not in body["content"]["text"]:
            return said(19024, "Key Words Not Found", code="code", words="msg")
        if self.over(5, 1):
            return said(11232, "frequency limited", code="code", words="msg")
        self.told.append(body)
        return web.json_response(
            {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}
        )

    def _right(self, body: dict[str, Any]) -> bool:
        stamp = body.get("timestamp", "")
        if not stamp.isdigit() or abs(int(stamp) * SECOND - self.clock.wall) > HOUR:
            return False
        made = hmac.new(f"{stamp}\n{self.secret}".encode(), b"", hashlib.sha256).digest()
        return bool(body.get("sign") == base64.b64encode(made).decode())


class WeComApp(Platform):
    """``gettoken`` and ``message/send``; a token is good for two hours, or until ``revoke``."""

    corpid = "ww1"
    secret = "s3cret"
    users = ("chenjing", "lintao")

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.tokens: dict[str, int] = {}
        self.given = 0

    def revoke(self) -> None:
        self.tokens.clear()

    def answer(self, request: web.Request, body: dict[str, Any], raw: bytes) -> web.Response:
        if request.path.endswith("/cgi-bin/gettoken"):
            return self._gettoken(request)
        ends = self.tokens.get(request.query.get("access_token", ""))
        if ends is None:
            return said(40014, "invalid access_token")
        if self.clock.mono >= ends:
            return said(42001, "access_token expired")
        if body["touser"] not in self.users:
            return web.json_response(
                {"errcode": 0, "errmsg": "ok", "invaliduser": body["touser"], "msgid": "m1"}
            )
        self.told.append(body)
        return web.json_response({"errcode": 0, "errmsg": "ok", "invaliduser": "", "msgid": "m2"})

    def _gettoken(self, request: web.Request) -> web.Response:
        if request.query.get("corpid") != self.corpid:
            return said(40013, "invalid corpid")
        if request.query.get("corpsecret") != self.secret:
            return said(40001, "invalid credential")
        self.given += 1
        token = f"tok+en/{self.given}=="
        self.tokens[token] = self.clock.mono + 7_200 * SECOND
        return web.json_response(
            {"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": 7_200}
        )


def said(
    number: int, text: str, *, status: int = 200, code: str = "errcode", words: str = "errmsg"
) -> web.Response:
    return web.json_response({code: number, words: text}, status=status)


@contextlib.asynccontextmanager
async def serving(platform: Platform) -> AsyncIterator[str]:
    """The platform's address while entered."""
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", platform.handle)
    async with TestServer(application) as server:
        platform.url = str(server.make_url("")).rstrip("/")
        yield platform.url


def kept(folder: Path, name: str, text: str) -> dict[str, str]:
    """A secret as options name it."""
    (folder / name).write_text(text + "\n", encoding="utf-8")
    return {"file": str(folder / name)}


LINK = "https://desk.example.cn/c/L20260106-0001.chen.1tpqk0.N0mfcm2lLcCpr4V1cbZyYw"
ALARM = Notification(
    key="L20260106-0001/1/chen/robot",
    incident="L20260106-0001",
    purpose="opened",
    person="chen",
    name="陈静",
    phone="138 0000-0001",
    language="zh",
    title="【紧急】烟雾报警：3号楼 3层 301室",
    text=f"地点：3号楼\n编号：L20260106-0001\n请尽快签收并到场查看。\n查看和签收：{LINK}",
    category="life",
    severity="alarm",
    state="open",
    kind="smoke",
    device="s301",
    place="130901010103",
    opened_at=1_767_643_868 * SECOND,
    head="ab" * 32,
    link=LINK,
)
"""A message as the gateway writes it."""
