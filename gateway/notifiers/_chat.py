"""What the chat platforms of China share: their answers, their size limits, their manners.

They answer HTTP 200 also to what they refused. What counts is the code in the body:

    0                 told
    a rate code       Unavailable, with the time the platform wants
    a refusal         Refused: the same message would be refused again
    any other         Unavailable: nobody documented it, and an alarm is tried again
    no JSON at all    Unavailable: a proxy or a login page answered in the platform's place
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import aiohttp
import msgspec
from yarl import URL

from gateway.model import SECOND, Notification, Receipt, Stamp
from gateway.notifiers._chat_options import RobotOptions
from gateway.notifiers._http import AGAIN, kind_of
from gateway.options import Secret
from gateway.ports import Clock, Refused, Unavailable
from gateway.web import check_url, one_line, origin, read_start, retry_after

MOST_OF_AN_ANSWER: Final = 16_384
"""Bytes that are read of an answer; the platforms' own are a hundred or two."""
UNDOCUMENTED: Final = 60.0
"""Seconds until a code that nobody documented is tried again."""
_PHONE: Final = re.compile(r"(?:\+?86)?(1[0-9]{10})")
_OF_TIME: Final = ("timestamp", "sign", "19021")
"""What a platform says of a signature that is wrong or of another time."""
_CODES: Final = ("errcode", "code", "StatusCode")
_WORDS: Final = ("errmsg", "msg", "StatusMessage")


class Answer(NamedTuple):
    """The body of an answer."""

    code: int
    words: str
    body: Mapping[str, Any]


class Codes(NamedTuple):
    """What a platform's codes mean."""

    later: Mapping[int, float]
    """Code -> seconds until the next attempt makes sense."""
    never: Mapping[int, str]
    """Code -> what to do about it."""


def parse(raw: bytes) -> Answer:
    """The platform's own answer. ValueError: it is something else."""
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise ValueError("the answer is no JSON") from None
    if not isinstance(body, dict):
        raise ValueError("the answer is no JSON object")
    code = next((body[name] for name in _CODES if name in body), None)
    if isinstance(code, bool) or not isinstance(code, int):
        raise ValueError("the answer has no code")
    words = next((body[name] for name in _WORDS if isinstance(body.get(name), str)), "")
    return Answer(code, one_line(words), body)


def wants_everybody(notification: Notification) -> bool:
    """Whether it is an alarm for which a whole group is worth waking."""
    return (
        notification.category == "life"
        and notification.severity == "critical"
        and notification.purpose in ("opened", "again")
    )


def mobile(phone: str) -> str:
    """The eleven digits of a Chinese mobile number; "" where it is none."""
    found = _PHONE.fullmatch(re.sub(r"[\s()-]", "", phone))
    return found[1] if found else ""


def content(notification: Notification, keyword: str = "") -> str:
    """Title and text, with the link if the text has none, and the robot's keyword."""
    parts = [notification.title, notification.text]
    if notification.link and notification.link not in notification.text:
        parts.append(notification.link)
    if keyword and not any(keyword in part for part in parts):
        parts.append(keyword)
    text = "\n".join(part for part in parts if part)
    return text.encode("utf-8", "replace").decode()  # half a character can not be sent


def fit(text: str, must: tuple[str, ...], most: int, size: Callable[[str], int]) -> str:
    """``text`` in at most ``most`` of ``size``; lines that hold one of ``must`` stay whole.

    The others give way from the last on, and the cut is between two characters. The first line,
    the title, goes last of all.
    """
    if size(text) <= most:
        return text
    lines = text.split("\n")
    kept = {
        number for number, line in enumerate(lines) if any(each and each in line for each in must)
    }
    tail = "".join("\n" + line for number, line in enumerate(lines) if number in kept and number)
    head = "\n".join(line for number, line in enumerate(lines) if number not in kept or not number)
    room = most - size(tail) - size("…")
    if room <= 0:  # nothing but a link longer than a message may be
        return _cut(tail.strip("\n"), most, size)
    return _cut(head, room, size).rstrip("\n") + "…" + tail


def utf8(text: str) -> int:
    """Bytes on the wire."""
    return len(text.encode("utf-8", "replace"))


def encoded(text: str) -> int:
    """Bytes of a text within a JSON body."""
    return len(msgspec.json.encode(text)) - 2


def time_refused(error: Refused, stamp: Stamp, *, signed: bool) -> Refused | Unavailable:
    """``error``; a signature refused while nobody here knows the time is a matter of time."""
    told = error.reason.lower()
    if not signed or stamp.trusted or not any(word in told for word in _OF_TIME):
        return error
    return Unavailable(
        f"{error.reason} (this gateway's clock is not set yet; the signature holds the time)",
        UNDOCUMENTED,
    )


def _cut(text: str, most: int, size: Callable[[str], int]) -> str:
    """The longest beginning of at most ``most``; ``size`` grows with the text."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(text[:middle]) <= most else (low, middle - 1)
    return text[:low]


class Client:
    """Posts JSON to one platform and reads its answers; nothing it says holds a secret."""

    def __init__(self, name: str, timeout: float, codes: Codes, clock: Clock) -> None:
        self._name = name
        self._timeout = timeout
        self._codes = codes
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._blocked = 0
        """Monotonic ns until which the platform takes nothing: asking would make it longer."""
        self._because = ""

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            connector=aiohttp.TCPConnector(limit=20, keepalive_timeout=60),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    def reveal(self, secret: Secret) -> str:
        """Read at every message: a new secret counts without a restart."""
        try:
            text = secret.reveal()
        except ValueError as error:
            raise Unavailable(f"notifier {self._name}: {error}") from None
        if not text or not text.isprintable():
            raise Unavailable(f"notifier {self._name}: a secret is one printable line")
        return text

    def address(self, secret: Secret) -> str:
        """The robot's URL."""
        text = self.reveal(secret)
        try:
            if not text.isascii():
                raise ValueError("an address holds no Chinese")
            return check_url(text)
        except ValueError as error:
            raise Unavailable(f"notifier {self._name}: {error}") from None

    async def tell(self, url: str, body: Mapping[str, Any]) -> Receipt:
        """Post a message. Returned: the platform took it. Else one of the two errors."""
        self.keep_away()
        self.judge(await self.ask("POST", url, body), origin(url))
        return Receipt(f"taken by {origin(url)}")

    async def ask(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Answer:
        """The platform's answer, whatever its code. Raises when there is none."""
        where = origin(url)
        data = None if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        try:
            async with self._opened().request(
                method, URL(url, encoded=True), data=data, headers=headers, allow_redirects=False
            ) as reply:
                raw = (await read_start(reply.content, MOST_OF_AN_ANSWER)).encode()
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, ValueError):
            raise Unavailable(f"notifier {self._name}: its url can not be used") from None
        except (aiohttp.ClientError, OSError) as error:
            # from None and by its class: aiohttp repeats the URL in some of its errors
            raise Unavailable(f"{where} can not be reached: {kind_of(error)}") from None
        try:
            answer = parse(raw)
        except ValueError as error:
            raise _by_status(reply, where, str(error)) from None
        if answer.code == 0 and not 200 <= reply.status < 300:
            raise _by_status(reply, where, "the answer contradicts itself")
        return answer

    def judge(self, answer: Answer, where: str) -> None:
        """Nothing for code 0; else the error that it stands for."""
        code = answer.code
        if code == 0:
            return
        said = f"{where} answers {code}" + (f": {answer.words}" if answer.words else "")
        if (seconds := self._codes.later.get(code)) is not None:
            self._blocked = self._clock.now().mono + int(seconds * SECOND)
            self._because = said
            raise Unavailable(said, seconds)
        if (advice := self._codes.never.get(code)) is not None:
            raise Refused(f"{said}; {advice}")
        raise Unavailable(said, UNDOCUMENTED)

    async def reach(self, url: str) -> str:
        """That the host takes a connection; nothing is posted, for somebody would be told."""
        where = origin(url)
        try:
            async with self._opened().head(where, allow_redirects=False):
                return f"{where} answers"
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"{where} can not be reached: {kind_of(error)}") from None

    def keep_away(self) -> None:
        """``Unavailable`` while the platform has said to wait: asking would make it longer."""
        left = (self._blocked - self._clock.now().mono) / SECOND
        if left > 0:
            raise Unavailable(f"{self._because}; not asked again for {left:.0f} s", left)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError(f"notifier {self._name} is used before it is entered")
        return self._session


class Robot:
    """A group robot: the half that does not depend on the platform."""

    def __init__(self, name: str, options: RobotOptions, clock: Clock, codes: Codes) -> None:
        self.name = name
        self.client = Client(name, options.timeout, codes, clock)
        self._clock = clock
        self._url = options.url

    async def __aenter__(self) -> Self:
        await self.client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.client.__aexit__(kind, error, trace)

    async def check(self) -> str:
        """Say that the address can be read and its host reached; nothing is posted."""
        return await self.client.reach(self.client.address(self._url))

    async def silently(self) -> Receipt:
        """What can be tried without ringing anybody."""
        return Receipt(f"tried without a message: {await self.check()}")


def _by_status(reply: aiohttp.ClientResponse, where: str, why: str) -> Unavailable | Refused:
    status = f"{reply.status} {reply.reason or ''}".strip()
    if 200 <= reply.status < 300:
        return Unavailable(f"{where}: {why}; is there a proxy or a login page in between?")
    if reply.status in AGAIN or reply.status >= 500:
        return Unavailable(f"{where} answers {status}", retry_after(reply.headers))
    return Refused(f"{where} answers {status}; check the address")
