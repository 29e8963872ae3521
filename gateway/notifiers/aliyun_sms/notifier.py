"""The notifier ``aliyun_sms``: one text message through Aliyun's SendSms.

    tell ──▶ was it sent before, and the answer lost? ── QuerySendDetails by OutId ──▶ told
      └────▶ SendSms ──▶ Code OK: told · a code of CODES: Refused or Unavailable
                 └ no answer: Unavailable, and the next attempt asks first

SendSms takes the same message twice. HTTP's status says nothing: the body's ``Code`` does.
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import msgspec
import structlog
from yarl import URL

from gateway.model import SECOND, Notification, Quota, Receipt
from gateway.notifiers.aliyun_sms.codes import meaning
from gateway.notifiers.aliyun_sms.options import Options
from gateway.notifiers.aliyun_sms.signature import EMPTY, authorization, query_of
from gateway.notifiers.aliyun_sms.words import variable
from gateway.options import Secret
from gateway.phones import dialled
from gateway.ports import Clock, Refused, Unavailable
from gateway.web import one_line, origin, read_start

_VERSION: Final = "2017-05-25"
_CHINA: Final = timedelta(hours=8)
_DAY: Final = 86_400.0
_MOST_OF_AN_ANSWER: Final = 262_144
"""Bytes: fifty messages of a number in one page."""
_PAGE: Final = 50
_PAGES: Final = 3
_MOST_UNSURE: Final = 1_000
_ASK_AGAIN: Final = 10.0
"""Seconds until the service knows of a message whose answer was lost."""
_FAILED: Final = "2"
_APPROVED: Final = "1"
_IN_TEMPLATE: Final = re.compile(r"\$\{([^}]{1,40})\}")


class Lost(Unavailable):
    """The request may have been heard."""


class Notifier:
    """Enter it before use; it may be told several messages at once."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self.name = name
        self._options = options
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._unsure: dict[str, str] = {}
        """Key -> the day in China on which it may have been sent."""
        self._log = structlog.get_logger("notify")
        spare = min(options.spare, options.per_day - 1)
        self.quotas = (Quota(options.per_day, _DAY, spare, each=True),)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._options.timeout),
            connector=aiohttp.TCPConnector(limit=20, keepalive_timeout=30),
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

    async def tell(self, notification: Notification) -> Receipt:
        """Return when the service took it; the two errors else."""
        number = self._number(notification)
        if notification.silent:
            await self._sent_before("", number, self._today())
            return Receipt("nothing was sent; the account answers")
        day = self._unsure.get(notification.key)
        if day is not None:
            before = await self._asked_after(notification.key, number, day)
            self._unsure.pop(notification.key, None)
            if before is not None:
                return before
        try:
            answer = await self._call("SendSms", self._parameters(notification, number))
        except Lost:
            self._unsure[notification.key] = self._today()
            if len(self._unsure) > _MOST_UNSURE:
                del self._unsure[next(iter(self._unsure))]
            raise
        return Receipt(one_line(f"OK, BizId {answer.get('BizId', '-')}"))

    async def check(self) -> str:
        """Say that the template is approved and has no variable that is not given."""
        wanted = (self._options.template, *self._options.templates.values())
        for code in dict.fromkeys(wanted):
            answer = await self._call("GetSmsTemplate", {"TemplateCode": code})
            if str(answer.get("TemplateStatus")) != _APPROVED:
                raise Unavailable(f"{self._where}: template {code} is not approved yet")
            written = set(_IN_TEMPLATE.findall(str(answer.get("TemplateContent", ""))))
            if missing := sorted(written - set(self._options.variables)):
                said = one_line(", ".join(missing))
                raise Unavailable(f"{self._where}: template {code} has {said}; add to variables")
        return f"{self._where} answers; {', '.join(dict.fromkeys(wanted))} approved"

    @property
    def _where(self) -> str:
        return origin(self._options.url)

    def _today(self) -> str:
        wall = self._clock.now().wall // SECOND
        return f"{datetime.fromtimestamp(wall, UTC) + _CHINA:%Y%m%d}"

    def _number(self, notification: Notification) -> str:
        """As the service wants it: mainland numbers without a country, others without a plus."""
        written = notification.account or notification.phone
        if not written:
            raise Refused(f"{notification.name} has no phone number in the registry")
        try:
            number = dialled(written)
        except ValueError:
            raise Refused(f"the phone number of {notification.name} is none") from None
        return number.removeprefix("+86").removeprefix("+")

    def _parameters(self, notification: Notification, number: str) -> dict[str, str]:
        options = self._options
        values = {
            name: variable(fact, notification, options.longest)
            for name, fact in options.variables.items()
        }
        return {
            "PhoneNumbers": number,
            "SignName": options.sign_name,
            "TemplateCode": options.templates.get(notification.purpose, options.template),
            "TemplateParam": msgspec.json.encode(values).decode(),
            "OutId": notification.key,
        }

    async def _asked_after(self, key: str, number: str, day: str) -> Receipt | None:
        """As ``_sent_before``; a key that may send and not ask sends again: twice beats never."""
        try:
            return await self._sent_before(key, number, day)
        except Refused as error:
            self._log.warning("sent_before_not_known", notifier=self.name, reason=error.reason)
            return None

    async def _sent_before(self, key: str, number: str, day: str) -> Receipt | None:
        """The receipt of a message whose answer was lost; None: it was not sent, or it failed."""
        for page in range(1, _PAGES + 1):
            answer = await self._call(
                "QuerySendDetails",
                {
                    "PhoneNumber": number,
                    "SendDate": day,
                    "PageSize": str(_PAGE),
                    "CurrentPage": str(page),
                },
            )
            found = _details(answer)
            for each in found:
                if key and each.get("OutId") == key and str(each.get("SendStatus")) != _FAILED:
                    return Receipt("OK, found among what was sent: the first answer was lost")
            if len(found) < _PAGE:
                break
        return None

    async def _call(self, action: str, parameters: dict[str, str]) -> dict[str, Any]:
        """The answer when its ``Code`` is OK. ``Lost``: it is not known whether it was heard."""
        url, headers = self._signed(action, parameters)
        try:
            async with self._opened().post(url, headers=headers, allow_redirects=False) as answer:
                text = await read_start(answer.content, _MOST_OF_AN_ANSWER)
        except aiohttp.ClientConnectorCertificateError:
            raise Unavailable(f"{self._where}: its certificate is not trusted") from None
        except aiohttp.ClientConnectorError as error:
            said = one_line(error.os_error.strerror or "no connection")
            raise Unavailable(f"{self._where} can not be reached: {said}") from None
        except (aiohttp.ClientError, OSError) as error:
            # from None and by its class: aiohttp repeats the URL, which holds the number
            said = "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
            raise Lost(f"{self._where}: {said}", _ASK_AGAIN) from None
        body = _decoded(text)
        code = body.get("Code")
        if code == "OK":
            return body
        if not isinstance(code, str):
            raise Lost(f"{self._where} answers {answer.status} without a code", _ASK_AGAIN)
        known = meaning(code)
        said = f"{self._where}: {action}: {known.words} ({one_line(code, 80)})"
        if known.again is None:
            raise Refused(said)
        raise Unavailable(said, known.again)

    def _signed(self, action: str, parameters: dict[str, str]) -> tuple[URL, dict[str, str]]:
        base = URL(self._options.url)
        when = datetime.fromtimestamp(self._clock.now().wall // SECOND, UTC)
        headers = {
            "host": base.raw_authority,
            "x-acs-action": action,
            "x-acs-content-sha256": EMPTY,
            "x-acs-date": f"{when:%Y-%m-%dT%H:%M:%SZ}",
            "x-acs-signature-nonce": secrets.token_hex(16),
            "x-acs-version": _VERSION,
        }
        query = query_of(parameters)
        key_id = self._reveal(self._options.access_key_id)
        secret = self._reveal(self._options.access_key_secret)
        signed = authorization("POST", "/", query, headers, key_id, secret)
        url = URL(f"{origin(self._options.url)}/?{query}", encoded=True)
        return url, headers | {"Authorization": signed, "Accept": "application/json"}

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError(f"notifier {self.name} is used before it is entered")
        return self._session

    def _reveal(self, value: Secret) -> str:
        """Read at every message: a new key counts without a restart."""
        try:
            text = value.reveal()
        except ValueError as error:
            raise Unavailable(f"notifier {self.name}: {error}") from None
        if not text or not text.isprintable():
            raise Unavailable(f"notifier {self.name}: a secret is not one printable line")
        return text


def _decoded(text: str) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _details(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of one page. Some answers count messages and show none."""
    holder = answer.get("SmsSendDetailDTOs")
    rows = holder.get("SmsSendDetailDTO") if isinstance(holder, dict) else holder
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
