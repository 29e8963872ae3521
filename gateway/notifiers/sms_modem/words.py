"""What is written into a text message. Pure."""

from __future__ import annotations

from typing import Final

from gateway.model import Notification, Text

ONE: Final = 70
"""Characters of one message in Chinese."""
OF_SEVERAL: Final = 67
_ASKING: Final = ("opened", "again", "warned", "overdue", "escalated", "transferred", "reopened")
_HOW: Final = {
    "open": Text("回1签收 再回2办结", "Reply 1 receive, then 2 close"),
    "received": Text("回2办结", "Reply 2 close"),
    "handling": Text("回2办结", "Reply 2 close"),
}


def body(notification: Notification, *, full: bool, parts: int, replies: bool) -> str:
    """The message, as long as ``parts`` messages may be; a cut shows.

    The short form keeps to one message where it can: its hint is the first to go.
    """
    long = full or not notification.short
    text = f"{notification.title}\n{notification.text}" if long else notification.short
    most = ONE if parts == 1 else OF_SEVERAL * parts
    text = cut(_with_key(text, notification.incident), most)
    hint = _hint(notification) if replies else ""
    room = most if full else ONE
    return f"{text}\n{hint}" if hint and units(text) + 1 + units(hint) <= room else text


def cut(text: str, most: int) -> str:
    """``text`` in at most ``most`` UTF-16 units, never within a character; a cut ends with …."""
    if units(text) <= most:
        return text
    kept = text[: most - 1]
    while units(kept) > most - 1:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def units(text: str) -> int:
    """What a text message counts: an emoji is two."""
    return len(text.encode("utf-16-be", "replace")) // 2


def _with_key(text: str, key: str) -> str:
    """An answer may name the incident only when the message does."""
    if not key or key in text:
        return text
    first, _, rest = text.partition("\n")
    return f"{first} {key}" + (f"\n{rest}" if rest else "")


def _hint(notification: Notification) -> str:
    if notification.purpose not in _ASKING:
        return ""
    how = _HOW.get(notification.state)
    return how.say(notification.language) if how is not None else ""
