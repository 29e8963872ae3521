"""One ONVIF PullPoint subscription: made, kept alive, pulled, and given back at the end.

    GetSystemDateAndTime   no password; how wrong the camera's clock is
    GetCapabilities        where its event service is
    CreatePullPointSubscription ─▶ an address of its own
      SetSynchronizationPoint       say the state of everything again
      PullMessages, again and again (Renew while the camera does not count a pull as one)
    Unsubscribe            cameras allow few, and an old one lingers until it dies

aiohttp and expat do it: onvif-zeep-async brings 17 packages, 29 MB of memory and half a second of
start, reads WSDL files for four requests that never change, and retries behind our back.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from drivers._times import iso_ns
from drivers.camera.decode import Notice, read
from drivers.camera.soap import MOST_BYTES, Element, Fault, Login, envelope, fault, parse, seconds
from gateway.model import SECOND, Undecodable
from gateway.ports import Clock, Unavailable

_EVENTS: Final = "http://www.onvif.org/ver10/events/wsdl"
_DEVICE: Final = "http://www.onvif.org/ver10/device/wsdl"
_NOTIFY: Final = "http://docs.oasis-open.org/wsn/b-2"
_MANAGE: Final = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager"
_LIFETIME: Final = 120
"""Seconds that a subscription lives without us: a crash blocks one of a camera's few places."""
_ANSWER: Final = 10.0
"""Seconds for an answer, beyond what the camera was asked to wait."""
_FAREWELL: Final = 2.0
"""Seconds for the answer to the last request: a gateway that stops does not wait for cameras."""
_CALM: Final = 1.0
"""Seconds between two pulls of a camera that answers at once although nothing happened."""
_MARGIN: Final = 15.0
"""Seconds of life beyond the next pull below which the subscription is renewed."""
_LOCKED_OUT: Final = 300.0
"""Seconds to wait with a wrong password: cameras lock the account after five."""
_BREATH: Final = 0.2
"""The same of one that always has something to tell."""
_PULL_LIMIT: Final = 100
_REDIRECTS: Final = range(300, 400)
_CLOCK_PARTS: Final = ("Year", "Month", "Day", "Hour", "Minute", "Second")


class Account(NamedTuple):
    """Where the camera is and who asks."""

    url: str
    user: str
    password: str
    verify_tls: bool
    pull: float
    """Seconds that the camera may wait for something to happen."""


class Pulled(NamedTuple):
    """What one pull brought. ``offset``: ns to add to the camera's times to have ours."""

    items: list[Notice | Undecodable]
    offset: int | None


class _RefusedError(Exception):
    """The camera answered with a fault."""

    def __init__(self, found: Fault, status: int) -> None:
        super().__init__(found.reason or found.code)
        self.fault = found
        self.status = status


class Camera:
    """Asks one camera, with both ways to prove who asks: WS-Security and HTTP Digest."""

    def __init__(self, account: Account, web: aiohttp.ClientSession, clock: Clock) -> None:
        self._account = account
        self._web = web
        self._clock = clock
        self._where = urlsplit(account.url).netloc.rpartition("@")[2]
        self.offset: int | None = None
        """Ns that the camera's clock is behind ours; None: it did not tell the time."""

    async def measure_clock(self) -> None:
        """Learn the offset: a digest made at another time is refused. Not every camera tells."""
        content = f'<GetSystemDateAndTime xmlns="{_DEVICE}"/>'
        action = f"{_DEVICE}/GetSystemDateAndTime"
        try:
            answer = await self.ask(self._account.url, action, content, login=False)
        except _RefusedError:
            return
        theirs = _time_of(answer)
        self.offset = None if theirs is None else self._clock.now().wall - theirs

    async def event_service(self) -> str:
        """The address of its event service."""
        content = f'<GetCapabilities xmlns="{_DEVICE}"><Category>All</Category></GetCapabilities>'
        address = ""
        with suppress(_RefusedError):  # out of date in the standard
            answer = await self.ask(self._account.url, f"{_DEVICE}/GetCapabilities", content)
            events = answer.find("Events")
            address = events.text_of("XAddr") if events is not None else ""
        if not address:
            address = await self._in_services()
        if not address:
            raise self.unavailable("it has no event service: look for ONVIF in its settings")
        return self.reached(address)

    async def _in_services(self) -> str:
        inside = "<IncludeCapability>false</IncludeCapability>"
        content = f'<GetServices xmlns="{_DEVICE}">{inside}</GetServices>'
        answer = await self.ask(self._account.url, f"{_DEVICE}/GetServices", content)
        services = (each for each in answer.walk() if each.name == "Service")
        wanted = (each for each in services if each.text_of("Namespace") == _EVENTS)
        return next((each.text_of("XAddr") for each in wanted), "")

    def reached(self, address: str) -> str:
        """``address`` as we reach the camera: behind a NAT it tells a host that nobody knows."""
        ours = urlsplit(self._account.url)
        try:
            theirs = urlsplit(address)
            same = theirs.hostname == ours.hostname and theirs.port is not None
        except ValueError:
            raise self.unavailable(f"it tells an address that is none: {address[:80]!r}") from None
        place = theirs.netloc.rpartition("@")[2] if same else self._where
        return urlunsplit((ours.scheme, place, theirs.path or "/", theirs.query, ""))

    async def ask(
        self,
        url: str,
        action: str,
        content: str,
        *,
        within: float = _ANSWER,
        login: bool = True,
    ) -> Element:
        """One request. Raises _RefusedError for a fault, Unavailable for everything else."""
        account, who = self._account, None
        if login and account.user:
            created = self._clock.now().wall - (self.offset or 0)
            who = Login(account.user, account.password, secrets.token_bytes(16), created)
        status, body = await self._post(url, action, envelope(action, content, url, who), within)
        if not login and status in (401, 403):
            raise _RefusedError(Fault("NotAuthorized", ""), status)
        try:
            answer = parse(body)
        except ValueError as error:
            if status in (401, 403):
                raise self._not_let_in() from None
            raise self.unavailable(f"HTTP {status}, {error}; is ONVIF switched on?") from None
        found = fault(answer)
        if status in (401, 403) or (found is not None and found.is_about_the_password and login):
            raise self._not_let_in()
        if found is not None:
            raise _RefusedError(found, status)
        if status >= 400:
            raise self.unavailable(f"HTTP {status}; check the path of the address")
        return answer

    def unavailable(self, reason: str, retry_after: float | None = None) -> Unavailable:
        """The error with the camera's name and without its password."""
        return Unavailable(f"ONVIF at {self._where}: {reason}", retry_after)

    def _not_let_in(self) -> Unavailable:
        return self.unavailable(
            "it refuses the user name or the password; check onvif.user, onvif.password, and "
            "that this user may use ONVIF",
            _LOCKED_OUT,
        )

    async def _post(self, url: str, action: str, body: bytes, within: float) -> tuple[int, bytes]:
        headers = {
            "Content-Type": f'application/soap+xml; charset=utf-8; action="{action}"',
            "Accept-Encoding": "identity",
        }
        limit = aiohttp.ClientTimeout(total=within)
        # no redirects: they would carry our proof of who we are to another host
        post = self._web.post(url, data=body, headers=headers, timeout=limit, allow_redirects=False)
        try:
            async with post as answer:
                if answer.status in _REDIRECTS:
                    raise self.unavailable("it sends us to another address; write that one")
                content = bytearray()
                async for piece in answer.content.iter_chunked(65_536):
                    content += piece
                    if len(content) > MOST_BYTES:
                        raise self.unavailable(f"an answer of more than {MOST_BYTES:,} bytes")
                return answer.status, bytes(content)
        except TimeoutError:
            raise self.unavailable(f"no answer within {within:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            raise self.unavailable(f"can not be reached: {why}; check onvif.url") from None


class PullPoint:
    """An open subscription."""

    def __init__(self, camera: Camera, address: str, pull: float, clock: Clock) -> None:
        self._camera = camera
        self._address = address
        self._pull = pull
        self._clock = clock
        self._not_before = 0
        """Mono ns of the next pull."""
        self._renews = True
        self._left = float(_LIFETIME)
        """Seconds that the subscription lived at the last answer, by the camera's own word."""

    async def synchronise(self) -> None:
        """Ask for the state of everything; a camera that can not has told it by itself."""
        content = f'<SetSynchronizationPoint xmlns="{_EVENTS}"/>'
        action = f"{_EVENTS}/PullPointSubscription/SetSynchronizationPointRequest"
        with suppress(_RefusedError):
            await self._camera.ask(self._address, action, content)

    async def next(self) -> Pulled:
        """What happened since; empty when the camera waited in vain. Unavailable: it is lost."""
        if (early := self._not_before - self._clock.now().mono) > 0:
            await self._clock.sleep(early / SECOND)
        content = (
            f'<PullMessages xmlns="{_EVENTS}"><Timeout>PT{self._pull:.0f}S</Timeout>'
            f"<MessageLimit>{_PULL_LIMIT}</MessageLimit></PullMessages>"
        )
        action = f"{_EVENTS}/PullPointSubscription/PullMessagesRequest"
        asked = self._clock.now().mono
        try:
            answer = await self._camera.ask(
                self._address, action, content, within=self._pull + _ANSWER
            )
        except _RefusedError as error:
            if not self._shorter(error):
                raise self._lost(error) from None
            return Pulled([], self._camera.offset)
        items = read(answer)
        # it should have waited until something happened, cheap ones do not
        self._not_before = asked + int((_BREATH if items else _CALM) * SECOND)
        await self._stay_alive(answer)
        return Pulled(items, self._camera.offset)

    async def close(self) -> None:
        """Give the place back."""
        content = f'<Unsubscribe xmlns="{_NOTIFY}"/>'
        with suppress(_RefusedError, Unavailable):
            action = f"{_MANAGE}/UnsubscribeRequest"
            await self._camera.ask(self._address, action, content, within=_FAREWELL)

    def _shorter(self, error: _RefusedError) -> bool:
        """Whether a shorter wait may please the camera: some allow less than the standard."""
        if "PullMessagesFault" not in error.fault.code and error.fault.code != "Timeout":
            return False
        if self._pull <= _CALM:
            return False
        self._pull = max(_CALM, self._pull / 4)
        return True

    async def _stay_alive(self, answer: Element) -> None:
        """By the standard a pull keeps the subscription; older cameras want to be asked."""
        left = _life(answer)
        self._left = self._left - self._pull if left is None else left
        if not self._renews or self._left > self._pull + _MARGIN:
            return
        content = (
            f'<Renew xmlns="{_NOTIFY}"><TerminationTime>PT{_LIFETIME}S</TerminationTime></Renew>'
        )
        try:
            await self._camera.ask(self._address, f"{_MANAGE}/RenewRequest", content)
        except _RefusedError:
            self._renews = False  # gone from the standard since 25.06
        self._left = float(_LIFETIME)

    def _lost(self, error: _RefusedError) -> Unavailable:
        return self._camera.unavailable(f"the subscription is lost ({error}); it is made anew")


@asynccontextmanager
async def subscribed(account: Account, clock: Clock) -> AsyncIterator[PullPoint]:
    """A subscription while entered; Unavailable says why there is none."""
    digest = aiohttp.DigestAuthMiddleware(account.user, account.password)
    async with aiohttp.ClientSession(
        middlewares=(digest,) if account.user else (),
        connector=aiohttp.TCPConnector(limit=2, ssl=account.verify_tls),
        auto_decompress=False,  # a kilobyte may be a gigabyte
    ) as web:
        camera = Camera(account, web, clock)
        await camera.measure_clock()
        try:
            point = await _subscribe(camera, account.pull, clock)
        except _RefusedError as error:
            raise camera.unavailable(f"it refuses a subscription: {error}") from None
        try:
            await point.synchronise()
            yield point
        finally:
            await point.close()


async def _subscribe(camera: Camera, pull: float, clock: Clock) -> PullPoint:
    service = await camera.event_service()
    action = f"{_EVENTS}/EventPortType/CreatePullPointSubscriptionRequest"
    life = f"<InitialTerminationTime>PT{_LIFETIME}S</InitialTerminationTime>"
    try:
        answer = await camera.ask(service, action, _create(life))
    except _RefusedError:
        answer = await camera.ask(service, action, _create(""))  # its own idea of a lifetime
    reference = answer.find("SubscriptionReference")
    address = reference.text_of("Address") if reference is not None else ""
    point = PullPoint(camera, camera.reached(address or service), pull, clock)
    point._left = _life(answer) or float(_LIFETIME)
    return point


def _create(inside: str) -> str:
    return f'<CreatePullPointSubscription xmlns="{_EVENTS}">{inside}</CreatePullPointSubscription>'


def _life(answer: Element) -> float | None:
    """Seconds until the subscription ends, both times by the camera's clock; None: unknown."""
    try:
        now, end = iso_ns(answer.text_of("CurrentTime")), iso_ns(answer.text_of("TerminationTime"))
    except ValueError:
        return seconds(answer.text_of("TerminationTime"))
    return (end - now) / SECOND if end > now else None


def _time_of(answer: Element) -> int | None:
    """The camera's UTC time, ns."""
    utc = answer.find("UTCDateTime")
    if utc is None:
        return None
    try:
        parts = [int(utc.text_of(name)) for name in _CLOCK_PARTS]
        year, month, day, hour, minute, second = parts
        return iso_ns(f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    except ValueError:
        return None
