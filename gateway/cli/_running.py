"""Where the running gateway is, and what it answers: for the commands that talk to it."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
import msgspec

from gateway.cli._problems import told
from gateway.cli._say import say
from gateway.config.load import read_document
from gateway.config.settings import ConsoleSection
from gateway.document import Document, validate
from gateway.web import check_url

_MOST: Final = 8_000_000
"""Bytes of an answer: a district's places."""
_ANY: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound


def gateway_at(config: Path, url: str) -> tuple[str, tzinfo | None]:
    """Its address, and the zone of its site (None: this machine's).

    Only the part about the console has to be right: a fault in a rule keeps nobody from disarming.
    """
    if url and not config.is_file():
        return _checked_url(url), None
    if not config.is_file():
        raise ValueError(
            say(f"{config}:没有这个文件;请用 --config 指定,或用 --url 给出网关地址",
                f"{config}: no such file; name it with --config,"
                " or give the gateway's address with --url")
        )  # fmt: skip
    document = read_document(config)
    zone = zone_of(document)
    if url:
        return _checked_url(url), zone
    section = document.data.get("console")
    alone = document._replace(data={"console": {} if section is None else section})
    console = validate(alone, ConsoleSection, ("console",))
    if not console.port:
        raise ValueError(
            say(f"{config} 中 console.port 为 0,请用 --url 给出网关地址",
                f"{config}: console.port is 0; give the gateway's address with --url")
        )  # fmt: skip
    host = _ANY.get(console.host, console.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{console.port}", zone


def _checked_url(url: str) -> str:
    try:
        return check_url(url).rstrip("/")
    except ValueError as error:
        raise click.BadParameter(told(str(error)), param_hint="--url") from None


def zone_of(document: Document) -> tzinfo | None:
    """The zone of its site; None where it is not to be had."""
    site = document.data.get("site")
    name = site.get("zone", "Asia/Shanghai") if isinstance(site, dict) else "Asia/Shanghai"
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


async def whole(stream: Any) -> bytes:
    """All of an answer, up to ``_MOST`` bytes: one read gives what has come so far."""
    parts = []
    room = _MOST
    while room > 0 and (part := await stream.read(room)):
        parts.append(part)
        room -= len(part)
    return b"".join(parts)


def decoded(raw: bytes, type_: Any) -> Any:
    """None for what is not ``type_`` as JSON."""
    try:
        return msgspec.json.decode(raw, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
