"""A camera for tests: real HTTP, ONVIF as captured from cameras, with their bad habits on order."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from aiohttp import web

USER, PASSWORD = "officer", "geheim"
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope '
    'xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:wsa5="http://www.w3.org/2005/08/addressing" '
    'xmlns:tt="http://www.onvif.org/ver10/schema" '
    'xmlns:tds="http://www.onvif.org/ver10/device/wsdl" '
    'xmlns:tev="http://www.onvif.org/ver10/events/wsdl" '
    'xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" '
    'xmlns:ter="http://www.onvif.org/ver10/error" '
    'xmlns:tns1="http://www.onvif.org/ver10/topics"><SOAP-ENV:Body>'
)
_TAIL = "</SOAP-ENV:Body></SOAP-ENV:Envelope>"


def notification(
    topic: str, data: dict[str, str], operation: str = "Changed", utc: str = "", **source: str
) -> str:
    """One as cameras write it; ``source`` are Source items."""

    def items(group: dict[str, str]) -> str:
        return "".join(f'<tt:SimpleItem Name="{n}" Value="{v}"/>' for n, v in group.items())

    return (
        "<wsnt:NotificationMessage><wsnt:Topic "
        'Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">\n  '
        f"tns1:{topic}\n</wsnt:Topic><wsnt:Message>"
        f'<tt:Message UtcTime="{utc or "2026-01-05T08:00:00Z"}" PropertyOperation="{operation}">'
        f"<tt:Source>{items(source or {'VideoSourceConfigurationToken': '000'})}</tt:Source>"
        f"<tt:Data>{items(data)}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>"
    )


class OnvifCamera:
    """Serves one account. ``tell`` notifications; the flags are habits of real cameras."""

    def __init__(self) -> None:
        self.port = 0
        self.host = "127.0.0.1"
        self.behind = timedelta()
        """How far its clock is behind."""
        self.digest = False
        """HTTP Digest only: WS-Security is not looked at."""
        self.impatient = False
        """Answers a pull at once, with nothing."""
        self.renew_fails = False
        self.max_timeout = 60
        self.initial: list[str] = []
        """What a new subscription is told at once."""
        self.lost = False
        """Forgets its subscriptions."""
        self.deaf = False
        """Answers a pull of a subscription that it has forgotten, with nothing."""
        self.redirect = ""
        """Sends whoever asks for its capabilities there."""
        self.hides_its_time = False
        self.nat = False
        """Tells addresses that nobody can reach."""
        self.life = timedelta(seconds=120)
        self.asked: list[str] = []
        self.subscriptions = 0
        self._waiting: list[str] = []
        self._news = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/onvif/device_service"

    def tell(self, *notifications: str) -> None:
        self._waiting.extend(notifications)
        self._news.set()

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.text()
        found = re.search(r"Body>\s*<(?:\w+:)?(\w+)", body)
        assert found is not None
        what = found[1]
        self.asked.append(what)
        if what == "GetSystemDateAndTime":
            if self.hides_its_time:
                return web.Response(status=401)
            return self._answer(self._time())
        if self.redirect:
            raise web.HTTPTemporaryRedirect(self.redirect)
        if self.digest:
            if not self._digest_is_right(request):
                challenge = 'Digest realm="camera", nonce="abc123", qop="auth", algorithm=MD5'
                return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        elif not self._token_is_right(body):
            return self._fault("ter:NotAuthorized", "Sender not authorized", 400)
        return await getattr(self, f"_{what.lower()}")(request, body)

    async def _getcapabilities(self, request: web.Request, body: str) -> web.Response:
        return self._answer(
            "<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Device><tt:XAddr>x</tt:XAddr>"
            f"</tt:Device><tt:Events><tt:XAddr>{self._at('/onvif/events')}</tt:XAddr></tt:Events>"
            "</tds:Capabilities></tds:GetCapabilitiesResponse>"
        )

    async def _createpullpointsubscription(self, request: web.Request, body: str) -> web.Response:
        self.subscriptions += 1
        self.lost = self.deaf = False
        self._waiting = list(self.initial)
        self._news.set()
        address = self._at(f"/onvif/subscription?Idx={self.subscriptions}")
        return self._answer(
            "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>"
            f"<wsa5:Address>{address}</wsa5:Address></tev:SubscriptionReference>"
            f"{self._lifetime('wsnt')}</tev:CreatePullPointSubscriptionResponse>"
        )

    async def _setsynchronizationpoint(self, request: web.Request, body: str) -> web.Response:
        return self._fault("ter:ActionNotSupported", "Optional action", 500)

    async def _pullmessages(self, request: web.Request, body: str) -> web.Response:
        found = re.search(r"<Timeout>PT(\d+)S", body)
        assert found is not None
        if int(found[1]) > self.max_timeout:
            detail = "<tev:PullMessagesFaultResponse/>"
            return self._fault("ter:PullMessagesFault", "too long", 400, detail)
        if not self.impatient:
            try:
                async with asyncio.timeout(int(found[1])):
                    await self._news.wait()
            except TimeoutError:
                pass
        if self.lost:
            return self._fault("ter:InvalidArgVal", "no such subscription", 400)
        self._news.clear()
        if self.deaf:
            self._waiting = []
        told, self._waiting = "".join(self._waiting), []
        return self._answer(
            f"<tev:PullMessagesResponse>{self._lifetime('tev')}{told}</tev:PullMessagesResponse>"
        )

    async def _renew(self, request: web.Request, body: str) -> web.Response:
        if self.renew_fails:
            return self._fault("ter:ActionNotSupported", "no Renew", 500)
        return self._answer(f"<wsnt:RenewResponse>{self._lifetime('wsnt')}</wsnt:RenewResponse>")

    async def _unsubscribe(self, request: web.Request, body: str) -> web.Response:
        self.subscriptions -= 1
        return self._answer("<wsnt:UnsubscribeResponse/>")

    def forget_subscriptions(self) -> None:
        self.lost = True
        self._news.set()

    def _now(self) -> datetime:
        return datetime.now(UTC) - self.behind

    def _time(self) -> str:
        now = self._now()
        return (
            "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:UTCDateTime>"
            f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute>"
            f"<tt:Second>{now.second}</tt:Second></tt:Time><tt:Date><tt:Year>{now.year}</tt:Year>"
            f"<tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date>"
            "</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
        )

    def _lifetime(self, prefix: str) -> str:
        now = self._now()
        end = (now + self.life).strftime("%Y-%m-%dT%H:%M:%SZ")
        return (
            f"<{prefix}:CurrentTime>{now:%Y-%m-%dT%H:%M:%SZ}</{prefix}:CurrentTime>"
            f"<{prefix}:TerminationTime>{end}</{prefix}:TerminationTime>"
        )

    def _at(self, path: str) -> str:
        return (
            f"http://192.0.2.10:80{path}" if self.nat else f"http://{self.host}:{self.port}{path}"
        )

    def _token_is_right(self, body: str) -> bool:
        """WS-UsernameToken as ONVIF Core 5.12.1 has it, the time within five seconds."""
        parts = [
            re.search(rf"<\w+:{name}\b[^>]*>([^<]*)<", body)
            for name in ("Username", "Password", "Nonce", "Created")
        ]
        if not all(parts):
            return False
        user, digest, nonce, created = (part[1] for part in parts if part)
        right = hashlib.sha1(base64.b64decode(nonce) + created.encode() + PASSWORD.encode())
        said = datetime.fromisoformat(created)
        close = abs(said - self._now()) < timedelta(seconds=5)
        return user == USER and digest == base64.b64encode(right.digest()).decode() and close

    def _digest_is_right(self, request: web.Request) -> bool:
        said = dict(re.findall(r'(\w+)="?([^",]+)', request.headers.get("Authorization", "")))
        if said.get("username") != USER:
            return False

        def md5(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        one = md5(f"{USER}:camera:{PASSWORD}")
        two = md5(f"POST:{said['uri']}")
        right = md5(f"{one}:abc123:{said['nc']}:{said['cnonce']}:auth:{two}")
        return said["response"] == right

    def _answer(self, content: str) -> web.Response:
        return web.Response(text=_HEAD + content + _TAIL, content_type="application/soap+xml")

    def _fault(self, code: str, reason: str, status: int, detail: str = "") -> web.Response:
        content = (
            "<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value>"
            f"<SOAP-ENV:Subcode><SOAP-ENV:Value>{code}</SOAP-ENV:Value></SOAP-ENV:Subcode>"
            f'</SOAP-ENV:Code><SOAP-ENV:Reason><SOAP-ENV:Text xml:lang="en">{reason}'
            "</SOAP-ENV:Text></SOAP-ENV:Reason>"
            f"<SOAP-ENV:Detail>{detail}</SOAP-ENV:Detail></SOAP-ENV:Fault>"
        )
        return web.Response(
            text=_HEAD + content + _TAIL, status=status, content_type="application/soap+xml"
        )


@asynccontextmanager
async def onvif_camera() -> AsyncIterator[OnvifCamera]:
    """A camera on a free port."""
    camera = OnvifCamera()
    app = web.Application()
    app.router.add_post("/{path:.*}", camera.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, camera.host, 0)
    await site.start()
    camera.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        yield camera
    finally:
        camera._news.set()
        await runner.cleanup()
