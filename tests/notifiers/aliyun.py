"""A small server that behaves as Aliyun's text message service says it does.

It checks the signature by its own means, the template's variables, the limit of one number, and
takes the same message twice, as the service does.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote_plus

from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.model import SECOND
from tests.virtual import VirtualClock

KEY_ID, SECRET = "LTAI5tTESTKEYID", "t3stS3cret"
CONTENT = "${name}您好,${place}发生${what},编号${key},请尽快处理。"
_CHINA = timedelta(hours=8)
_SKEW = 15 * 60


class Aliyun:
    """Set its attributes to make it refuse."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.url = ""
        self.sent: list[dict[str, str]] = []
        self.calls: list[str] = []
        self.code: dict[str, str] = {}
        """Action -> the code that it answers instead."""
        self.lose = 0
        """Answers of SendSms that are lost on their way."""
        self.hang = False
        """Answers of SendSms do not come."""
        self.lag = False
        """What was sent is not to be found yet."""
        self.hidden = False
        """The number of messages is told, and none is shown."""
        self.status = "1"
        self.most = 50
        self.template_status = 1
        self.content = CONTENT
        self.body: str | None = None
        self.http = 200
        self.held = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.method != "POST" or request.path != "/":
            return web.Response(status=404)
        wrong = self._wrong(request)
        action = request.headers.get("x-acs-action", "")
        self.calls.append(action)
        if wrong:
            return self._answer(wrong, 400)
        if action in self.code:
            return self._answer(self.code[action])
        if self.body is not None:
            return web.Response(text=self.body, status=self.http)
        answer: web.Response = getattr(self, action)(request.query)
        if action == "SendSms" and self.lose:
            self.lose -= 1
            assert request.transport is not None
            request.transport.close()
        if action == "SendSms" and self.hang:
            await self.held.wait()
        return answer

    def SendSms(self, query: Any) -> web.Response:  # noqa: N802 - the service's name
        given = json.loads(query["TemplateParam"])
        if not re.fullmatch(r"1[3-9][0-9]{9}", query["PhoneNumbers"]):
            return self._answer("isv.MOBILE_NUMBER_ILLEGAL")
        if set(re.findall(r"\$\{(\w+)\}", self.content)) - set(given):
            return self._answer("isv.TEMPLATE_MISSING_PARAMETERS")
        if any(not isinstance(v, str) or not 1 <= len(v) <= 35 for v in given.values()):
            return self._answer("isv.PARAM_LENGTH_LIMIT")
        if any("http" in value or "www." in value for value in given.values()):
            return self._answer("isv.PARAM_NOT_SUPPORT_URL")
        mine = [each for each in self.sent if each["PhoneNumbers"] == query["PhoneNumbers"]]
        if len(mine) >= self.most:
            return self._answer("isv.BUSINESS_LIMIT_CONTROL")
        self.sent.append(dict(query))
        return web.json_response(
            {"Code": "OK", "Message": "OK", "BizId": f"90061919^{len(self.sent)}"}
        )

    def QuerySendDetails(self, query: Any) -> web.Response:  # noqa: N802
        day = f"{datetime.fromtimestamp(self.clock.wall // SECOND, UTC) + _CHINA:%Y%m%d}"
        mine = [each for each in self.sent if each["PhoneNumbers"] == query["PhoneNumber"]]
        if self.lag or query["SendDate"] != day:
            mine = []
        size, page = int(query["PageSize"]), int(query["CurrentPage"])
        rows = [
            {
                "OutId": each["OutId"],
                "PhoneNum": each["PhoneNumbers"],
                "SendStatus": int(self.status),
            }
            for each in mine[::-1][size * (page - 1) : size * page]
        ]
        shown = [] if self.hidden else rows
        held = {"SmsSendDetailDTO": shown}
        return web.json_response({"Code": "OK", "TotalCount": len(mine), "SmsSendDetailDTOs": held})

    def GetSmsTemplate(self, query: Any) -> web.Response:  # noqa: N802
        told = {"TemplateStatus": self.template_status, "TemplateContent": self.content}
        return web.json_response({"Code": "OK", "TemplateCode": query["TemplateCode"]} | told)

    def _wrong(self, request: web.Request) -> str:
        """The code of what is wrong with the request as such."""
        when = datetime.strptime(request.headers["x-acs-date"], "%Y-%m-%dT%H:%M:%S%z")
        off = when.timestamp() - self.clock.wall / SECOND
        if abs(off) > _SKEW:
            return "InvalidTimeStamp.Expired"
        if request.headers["x-acs-version"] != "2017-05-25":
            return "InvalidVersion"
        match = re.fullmatch(
            r"ACS3-HMAC-SHA256 Credential=(\w+),SignedHeaders=([a-z0-9;-]+),Signature=([0-9a-f]{64})",
            request.headers.get("Authorization", ""),
        )
        if match is None:
            return "IncompleteSignature"
        if match[1] != KEY_ID:
            return "InvalidAccessKeyId.NotFound"
        if not {"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date"} <= set(
            match[2].split(";")
        ):
            return "IncompleteSignature"
        return (
            ""
            if hmac.compare_digest(_signature(request, match[2]), match[3])
            else "SignatureDoesNotMatch"
        )

    def _answer(self, code: str, status: int = 200) -> web.Response:
        message = f"about {code}, RequestId 1"
        return web.json_response({"Code": code, "Message": message}, status=status)


def _signature(request: web.Request, signed: str) -> str:
    """As the service makes it of the raw request: decoded, sorted and escaped anew."""
    raw = request.rel_url.raw_query_string
    pairs = [tuple(map(unquote_plus, pair.split("=", 1))) for pair in raw.split("&") if pair]
    query = "&".join(f"{quote(a, safe='~')}={quote(b, safe='~')}" for a, b in sorted(pairs))
    headers = "".join(f"{name}:{request.headers[name]}\n" for name in signed.split(";"))
    body = hashlib.sha256(b"").hexdigest()
    assert request.headers["x-acs-content-sha256"] == body
    text = f"POST\n/\n{query}\n{headers}\n{signed}\n{body}"
    to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(text.encode()).hexdigest()
    return hmac.new(SECRET.encode(), to_sign.encode(), hashlib.sha256).hexdigest()


@asynccontextmanager
async def aliyun(clock: VirtualClock) -> AsyncIterator[Aliyun]:
    """The service on a free port."""
    made = Aliyun(clock)
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", made.handle)
    async with TestServer(application) as server:
        made.url = str(server.make_url("")).rstrip("/")
        yield made
        made.held.set()
