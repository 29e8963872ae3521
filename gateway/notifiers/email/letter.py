"""A notification as an e-mail: headers that nothing can be slipped into, text and HTML. Pure."""

from __future__ import annotations

import hashlib
import html
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Final

from gateway.model import SECOND, Category, Notification, Text
from gateway.web import one_line

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_LONGEST_ADDRESS: Final = 254
_LONGEST_TEXT: Final = 20_000
_OPEN: Final = Text("打开工单", "Open the case")


def is_address(text: str) -> bool:
    """Whether ``text`` is an address that every mail server understands: ASCII, one line."""
    return len(text) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(text) is not None


def letter(
    notification: Notification, to: str, sender: str, sender_name: str, wall: int | None
) -> EmailMessage:
    """The message to ``to``; ``wall`` is now in ns, None where the clock is not to be believed.

    A message without a date gets one from the server that takes it.
    """
    message = EmailMessage(policy=SMTP)
    message["Subject"] = one_line(notification.title) or "Gridwarden"
    message["From"] = _named(sender_name, sender)
    message["To"] = _named(notification.name, to)
    if wall is not None:
        message["Date"] = formatdate(wall // SECOND)
    _about(message, notification, sender.rpartition("@")[2])
    text = _body(notification)
    message.set_content(text, charset="utf-8", cte="base64")
    message.add_alternative(_page(notification, text), "html", charset="utf-8", cte="base64")
    return message


def message_id(key: str, domain: str) -> str:
    """The same for every attempt: a repeat is recognised as one by mail programs."""
    return f"<{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:40]}@{domain}>"


def _about(message: EmailMessage, notification: Notification, domain: str) -> None:
    """What other programs go by: repeats, threads, holiday replies, the record."""
    thread = message_id(notification.incident, domain)
    message["Message-ID"] = message_id(notification.key, domain)
    message["References"] = thread
    message["In-Reply-To"] = thread
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["List-Id"] = f"Gridwarden <gridwarden.{domain}>"
    message["Content-Language"] = _language(notification)
    if notification.category == Category.life.value:
        message["Importance"] = "high"
        message["X-Priority"] = "1"
    message["X-Gridwarden-Incident"] = one_line(notification.incident, 60)
    message["X-Gridwarden-Head"] = one_line(notification.head, 80)


def _named(name: str, address: str) -> Address:
    user, _, domain = address.rpartition("@")
    return Address(one_line(name, 60), user, domain)


def _language(notification: Notification) -> str:
    return "en" if notification.language == "en" else "zh-CN"


def _body(notification: Notification) -> str:
    """The text, and the link where the text does not have it."""
    text = _storable(notification.text)[:_LONGEST_TEXT]
    link = _link(notification)
    if link and link not in text:
        text += f"\n{_OPEN.say(notification.language)}: {link}"
    return text + "\n"


def _page(notification: Notification, text: str) -> str:
    """The same for programs that show HTML: large type, one thing to touch."""
    link = _link(notification)
    lines = [line for line in text.splitlines() if not (link and link in line)]
    body = "<br>\n".join(html.escape(line) for line in lines)
    title = html.escape(one_line(notification.title))
    opened = ""
    if link:
        says = _OPEN.say(notification.language)
        opened = f'\n<p><a href="{html.escape(link)}">{says}</a></p>'
    return (
        f'<!DOCTYPE html>\n<html lang="{_language(notification)}"><body style="font-size:18px">\n'
        f"<h2>{title}</h2>\n<p>{body}</p>{opened}\n</body></html>\n"
    )


def _link(notification: Notification) -> str:
    """An address that may be touched: http and https only."""
    link = notification.link
    fit = link.startswith(("http://", "https://")) and link.isprintable() and " " not in link
    return link if fit else ""


def _storable(text: str) -> str:
    """Lines that are printable, without half surrogate pairs."""
    lines = text.encode("utf-8", "replace").decode().splitlines()
    return "\n".join("".join(c if c.isprintable() else " " for c in line) for line in lines)
