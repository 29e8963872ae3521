"""The notifier ``email``: one message to one person, over a connection of its own.

connect ─▶ TLS ─▶ log in ─▶ MAIL FROM ─▶ RCPT TO ─▶ DATA ─▶ 250: told

4xx, network, time     Unavailable: again later, with the same Message-ID
5xx, no STARTTLS       Refused: this address, this sender, this message, or the login
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import aiosmtplib

from gateway.model import Category, Notification, Receipt
from gateway.notifiers.email.letter import is_address, letter
from gateway.notifiers.email.options import Options
from gateway.ports import Clock, Refused, Unavailable
from gateway.web import one_line

_AT_ONCE: Final = 4
"""Connections at once, and as many again for life safety: providers allow about ten."""
_FOR_GOOD: Final = 500
_BYE: Final = 1.0
"""Seconds for a polite end: by then the message is taken or it is not."""


class Notifier:
    """It may be told several messages at once."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self.name = name
        self.quotas = tuple(each.quota for each in options.quotas)
        self._options = options
        self._clock = clock
        self._lanes = {life: asyncio.Semaphore(_AT_ONCE) for life in (True, False)}

    async def tell(self, notification: Notification) -> Receipt:
        """Return when the server took the message for this person; the two errors else."""
        to = self._address(notification)
        if notification.silent:
            return Receipt(await self.check())
        stamp = self._clock.now()
        options = self._options
        wall = stamp.wall if stamp.trusted else None
        message = letter(notification, to, options.sender, options.sender_name, wall)
        lane = self._lanes[notification.category == Category.life.value]
        async with lane, self._connected() as server:
            _, said = await server.sendmail(options.sender, [to], message.as_bytes())
        return Receipt(f"{self._where} took it: {one_line(_without(said, to))}")

    async def check(self) -> str:
        """Connect, log in, NOOP: everything but a message."""
        async with self._connected() as server:
            await server.noop()
            logged_in = " and lets us in" if self._options.username else ""
            return f"{self._where} answers{logged_in}"

    def _address(self, notification: Notification) -> str:
        to = notification.account or notification.email
        if not to:
            raise Refused(f"{notification.name} has no e-mail address in the registry")
        if not is_address(to):
            raise Refused(f"what the registry has for {notification.name} is no e-mail address")
        return to

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A connection that is logged in; what goes wrong in it becomes one of the two errors."""
        server = self._server()
        try:
            async with asyncio.timeout(self._options.timeout):
                await self._open(server)
                yield server
        except TimeoutError:  # asyncio's and the library's are one
            seconds = self._options.timeout
            raise Unavailable(f"{self._where} does not answer within {seconds:g} s") from None
        except aiosmtplib.SMTPException as error:
            raise self._as_ours(error) from None
        except ssl.SSLError as error:
            raise self._no_tls(error) from None
        except OSError as error:
            raise Unavailable(f"{self._where}: {one_line(error.strerror or 'broken')}") from None
        else:  # outside the time limit: it must not make a failure of what the server took
            await _bye(server)
        finally:
            server.close()

    def _server(self) -> aiosmtplib.SMTP:
        options = self._options
        context = None
        if options.tls != "none":
            try:
                context = ssl.create_default_context()
                if options.ca is not None:
                    context.load_verify_locations(options.ca)
            except OSError as error:
                tls = isinstance(error, ssl.SSLError)
                why = "no certificate in it" if tls else error.strerror
                raise Unavailable(f"notifier {self.name}: {options.ca}: {why}") from None
        return aiosmtplib.SMTP(
            hostname=options.host,
            port=options.at,
            use_tls=options.tls == "ssl",
            start_tls=False,
            tls_context=context,
            timeout=options.timeout,
            local_hostname=options.sender.rpartition("@")[2],
        )

    async def _open(self, server: aiosmtplib.SMTP) -> None:
        await server.connect()
        await server.ehlo()
        if self._options.tls == "starttls":
            if not server.supports_extension("starttls"):
                raise Refused(f"{self._where} offers no STARTTLS; look at tls: and port:")
            await server.starttls()
            await server.ehlo()
        if self._options.password is not None:
            try:
                password = self._options.password.reveal()
            except ValueError as error:
                raise Unavailable(f"notifier {self.name}: {error}") from None
            await server.login(self._options.username, password)

    def _as_ours(self, error: aiosmtplib.SMTPException) -> Unavailable | Refused:
        """The library's error as one of the two, with the server's own words."""
        if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
            error = error.recipients[0]  # each message has one
        if isinstance(error, aiosmtplib.SMTPResponseException):
            said = self._said(error)
            return Refused(said) if error.code >= _FOR_GOOD else Unavailable(said)
        if isinstance(error, aiosmtplib.SMTPNotSupported):
            return Refused(f"{self._where} offers no login that we know; look at tls: and port:")
        cause = error.__cause__ or error
        if isinstance(cause, ssl.SSLError):
            return self._no_tls(cause)
        if isinstance(error, aiosmtplib.SMTPServerDisconnected):
            return Unavailable(f"{self._where} closed the connection")
        why = cause.strerror if isinstance(cause, OSError) and cause.strerror else ""
        return Unavailable(
            f"no connection to {self._where}" + (f": {one_line(why)}" if why else "")
        )

    def _said(self, error: aiosmtplib.SMTPResponseException) -> str:
        """What the server refuses, and its words without the addresses it repeats."""
        words = error.message
        what, hint = "does not take the message", ""
        if isinstance(error, aiosmtplib.SMTPAuthenticationError):
            what, hint, words = "does not let us in", "; look at username: and password:", ""
        elif isinstance(error, aiosmtplib.SMTPSenderRefused):
            what, hint = "does not take our address", "; look at sender:"
        elif isinstance(error, aiosmtplib.SMTPRecipientRefused):
            what, words = "does not take this person's address", _without(words, error.recipient)
        line = one_line(words)
        return f"{self._where} {what} ({error.code}{f': {line}' if line else ''}){hint}"

    def _no_tls(self, error: ssl.SSLError) -> Unavailable:
        why = getattr(error, "verify_message", "") or error.reason or "TLS failed"
        return Unavailable(f"{self._where}: {one_line(why)}; look at tls: and ca:")

    @property
    def _where(self) -> str:
        return f"{self._options.host}:{self._options.at}"


async def _bye(server: aiosmtplib.SMTP) -> None:
    """A polite end. What goes wrong with it changes nothing."""
    with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
        await server.quit(timeout=_BYE)


def _without(words: str, address: str) -> str:
    """``words`` without the person's address: errors are logged and shown."""
    return words.replace(address, "…")
