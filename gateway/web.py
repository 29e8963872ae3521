"""What sinks and notifiers that speak HTTP share: reading an answer without trusting it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol
from urllib.parse import urlsplit

_LONGEST_WAIT: Final = 3600.0
"""Seconds: a server that asks for more is asked again within the hour all the same."""


class _Stream(Protocol):
    async def read(self, n: int = -1) -> bytes: ...


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from ``Retry-After``, at most an hour; None without one.

    Its other form, a date, is passed over: it would count on two wall clocks agreeing.
    """
    text = headers.get("Retry-After", "").strip()
    return min(float(text), _LONGEST_WAIT) if text.isascii() and text.isdigit() else None


async def read_start(stream: _Stream, most: int) -> str:
    """The first ``most`` bytes of an answer's body as text; the rest is never read."""
    parts: list[bytes] = []
    room = most
    while room > 0 and (part := await stream.read(room)):
        parts.append(part)
        room -= len(part)
    return b"".join(parts).decode("utf-8", "replace")


def one_line(text: str, most: int = 200) -> str:
    """``text`` on one printable line of at most ``most`` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * most]).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def origin(url: str) -> str:
    """Scheme, host and port: what of a URL may be shown, for the rest may be a secret."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def check_url(url: str) -> str:
    """``url`` when it is http or https with a host and no password; ValueError says what is not.

    The text is not repeated: a part of it may be a secret.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("this is no URL; write it like http://host:8086") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("a URL begins with http:// or https:// and a host")
    if parts.username or parts.password:
        raise ValueError("no user or password in a URL; they are options of their own")
    return url
