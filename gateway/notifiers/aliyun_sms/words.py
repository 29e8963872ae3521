"""The variables of a template: short, without addresses of the web, never empty. Pure."""

from __future__ import annotations

import re
from typing import Final

from gateway.model import Notification
from gateway.notifiers.aliyun_sms.options import Fact

_ADDRESS: Final = re.compile(
    r"(?:https?://|www\.)[^\s,;。,;]+|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|cn|net|org|io|top)\b\S*",
    re.IGNORECASE,
)
_BRACKETS: Final = str.maketrans({"【": "", "】": " ", "[": "", "]": " "})
"""The signature's own: they may stand nowhere else."""
_ENDS: Final = "…"
_EMPTY: Final = "-"
_APART: Final = re.compile(r"[,,;;›>\s]+")


def variable(fact: Fact, notification: Notification, longest: int) -> str:
    """What is written for ``fact``, 1 to ``longest`` characters on one line."""
    text = _plain(_of(fact, notification))
    if len(text) > longest:
        text = _tail(text, longest) if fact == "place" else text[: longest - 1].rstrip() + _ENDS
    return text or _EMPTY


def _of(fact: Fact, notification: Notification) -> str:
    if fact == "name":
        return notification.name
    if fact == "key":
        return notification.incident
    if fact == "short":
        return notification.short or notification.title
    title = _ADDRESS.sub("", notification.title)
    what, _, place = title.partition(":" if ":" in title else ": ")
    if fact == "place":
        return notification.address or place
    return what if fact == "what" else title


def _plain(text: str) -> str:
    text = _ADDRESS.sub("", text).translate(_BRACKETS)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _tail(text: str, longest: int) -> str:
    """The end of an address counts: everybody knows the city, nobody the flat."""
    kept = text[-(longest - 1) :]
    whole = _APART.split(kept, maxsplit=1)
    if len(whole) == 2 and len(whole[1]) >= longest // 2:
        kept = whole[1]
    return _ENDS + kept.lstrip()
