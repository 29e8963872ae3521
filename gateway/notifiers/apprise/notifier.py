"""The notifier ``apprise``: the catch-all. A thread asks the library, which says yes or no.

yes                     told, as far as apprise can know
no, an error, too long  Unavailable: it does not say which of them would pass
no such service, a robot that has a type of ours, a person without account   Refused
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, Self

import apprise
from apprise.exception import AppriseException

from gateway.model import Notification, Receipt
from gateway.notifiers.apprise.address import blanks, check_service, filled
from gateway.notifiers.apprise.options import Options
from gateway.ports import Clock, Refused, Unavailable
from gateway.web import one_line

_AT_ONCE: Final = 4
_MOST: Final = 16
"""Messages under way, those that hang included: a thread can not be ended from outside."""
_MOST_CODES: Final = 4
_LONGEST: Final = 4_000
_FAILURES: Final = (
    *(AppriseException, OSError, ValueError, TypeError),
    *(LookupError, AttributeError, RuntimeError),
)
"""What the library's services raise when something is not as they expect."""
_CODE: Final = re.compile(r"error=(\d{3,6})\b")


class _Codes(logging.Filter):
    """Lets nothing through of what apprise logs, for it repeats addresses; keeps the numbers."""

    def __init__(self) -> None:
        super().__init__()
        self._mine = threading.local()

    def begin(self) -> None:
        """Listen to this thread."""
        self._mine.found = []

    def heard(self) -> list[str]:
        """The codes since ``begin``."""
        return list(dict.fromkeys(self._mine.found))

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep a code of a failure; the line goes nowhere."""
        found: list[str] = getattr(self._mine, "found", [])
        if record.levelno >= logging.WARNING and len(found) < _MOST_CODES:
            found += _CODE.findall(record.getMessage())[:1]
        return False


_codes: Final = _Codes()


class _Answer(NamedTuple):
    """What became of one message."""

    service: str
    """"" where there is no such service."""
    taken: bool
    why: str = ""


class Notifier:
    """Enter it before use; it may be told several messages at once."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self.name = name
        self.quotas = tuple(each.quota for each in options.quotas)
        self._options = options
        self._asset = apprise.AppriseAsset(
            app_id="Gridwarden",
            app_desc="Gridwarden",
            http_redirects=False,  # it would carry a token elsewhere
            secure_logging=True,
        )
        self._threads: ThreadPoolExecutor | None = None
        self._under_way = 0

    async def __aenter__(self) -> Self:
        _keep_quiet()
        self._threads = ThreadPoolExecutor(_AT_ONCE, f"apprise-{self.name}")
        return self

    async def __aexit__(self, *_: object) -> None:
        """What hangs ends by its own time limits."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def tell(self, notification: Notification) -> Receipt:
        """Return when apprise says that the service took it; the two errors else."""
        try:
            url = filled(self._url(), notification)
        except ValueError as missing:
            raise Refused(f"{notification.name} has no {missing} for {self.name}") from None
        if notification.silent:
            return Receipt(await self._trial(url))
        answer = await self._asked(url, notification)
        if not answer.taken:
            why = f": {answer.why}" if answer.why else " and does not say why"
            raise Unavailable(f"apprise did not get it to {answer.service}{why}")
        return Receipt(f"apprise got it to {answer.service}")

    async def check(self) -> str:
        """Say that the URL is one. Nothing is sent: no service can be asked without telling."""
        url = self._url()
        if blanks(url):
            return "the URL wants a person's name; the service is asked with a message only"
        return await self._trial(url)

    async def _trial(self, url: str) -> str:
        answer = await self._asked(url, None)
        return f"the URL is one of {answer.service}; the service is asked with a message only"

    async def _asked(self, url: str, notification: Notification | None) -> _Answer:
        """What a thread got out of the library, in time."""
        if self._threads is None:
            raise RuntimeError(f"notifier {self.name} is used before it is entered")
        if self._under_way >= _MOST:
            raise Unavailable(f"{_MOST} messages through apprise hang")
        self._under_way += 1
        loop = asyncio.get_running_loop()
        job = loop.run_in_executor(self._threads, self._ask, url, notification)
        job.add_done_callback(self._ended)
        try:
            async with asyncio.timeout(self._options.timeout):
                answer = await asyncio.shield(job)
        except TimeoutError:
            seconds = self._options.timeout
            raise Unavailable(f"apprise got no answer within {seconds:g} s") from None
        if not answer.service:
            raise Refused("apprise knows no such service, or its URL is not complete")
        return answer

    def _ended(self, job: asyncio.Future[_Answer]) -> None:
        self._under_way -= 1

    def _url(self) -> str:
        """Read at every message: a new secret counts without a restart."""
        try:
            url = self._options.url.reveal()
        except ValueError as error:
            raise Unavailable(f"notifier {self.name}: {error}") from None
        try:
            return check_service(url)
        except ValueError as error:
            raise Refused(str(error)) from None

    def _ask(self, url: str, notification: Notification | None) -> _Answer:
        """In a thread. Raises nothing, so that what hung and then failed leaves no trace."""
        _codes.begin()
        try:
            service = apprise.Apprise.instantiate(url, asset=self._asset)
            if service is None:
                return _Answer("", taken=False)
            check_service(f"{service.secure_protocol or service.protocol}://")
            name = one_line(str(service.service_name), 40)
            if notification is None:
                return _Answer(name, taken=True)
            limit = self._options.timeout / 2
            service.socket_connect_timeout = min(service.socket_connect_timeout, limit)
            service.socket_read_timeout = min(service.socket_read_timeout, limit)
            taken = service.notify(**_message(notification))
        except _FAILURES as error:
            return _Answer("the service", taken=False, why=type(error).__name__)
        return _Answer(name, bool(taken), ", ".join(_codes.heard()))


def _message(notification: Notification) -> dict[str, str]:
    text = notification.text[:_LONGEST]
    if notification.link and notification.link not in text:
        text += f"\n{notification.link}"
    how = "success" if notification.purpose in ("cleared", "closed") else "warning"
    return {
        "title": one_line(notification.title),
        "body": text,
        "notify_type": "failure" if notification.category == "life" and how != "success" else how,
        "body_format": "text",
    }


def _keep_quiet() -> None:
    """Nothing of what the library and its HTTP client log comes out: it holds addresses."""
    logging.getLogger("apprise").addFilter(_codes)
    logging.getLogger("urllib3").setLevel(logging.ERROR)
