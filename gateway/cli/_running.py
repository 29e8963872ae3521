"""Where the running gateway is, and what it answers: for the commands that talk to it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import tzinfo
from pathlib import Path
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
import msgspec

from gateway.cli._problems import told
from gateway.cli._say import language, say
from gateway.config.load import read_document
from gateway.config.settings import ConsoleSection
from gateway.document import Document, validate
from gateway.ports import Refused, Unavailable, in_words
from gateway.web import check_url, one_line

_T = TypeVar("_T")
PATIENCE: Final = 10.0
"""Seconds: a gateway of this machine answers at once, even while it writes."""
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


class Who(msgspec.Struct):
    """What the gateway answers of a person."""

    id: str
    name: str


async def ask(session: Any, method: str, url: str, type_: type[_T], body: Any = None) -> list[_T]:
    """The rows that the gateway answers. ``Unavailable`` or ``Refused`` with one line."""
    rows: list[_T] = await answer_of(session, method, url, list[type_], body)  # type: ignore[valid-type]
    return rows


async def answer_of(session: Any, method: str, url: str, type_: Any, body: Any = None) -> Any:
    """What the gateway answers, as ``type_``. ``Unavailable`` or ``Refused`` with one line."""
    import aiohttp

    try:
        async with session.request(method, url, json=body) as answer:
            status, raw = answer.status, await whole(answer.content)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        late = say(f"{PATIENCE:g} 秒内没有应答", f"no answer within {PATIENCE:g} s")
        reason = late if isinstance(error, TimeoutError) else one_line(in_words(error))
        where = url.split("/api/")[0]
        raise Unavailable(
            say(f"{where} 没有网关应答;网关运行了吗?(gridwarden run)({reason})",
                f"no gateway answers at {where}; is it running (gridwarden run)? ({reason})")
        ) from None  # fmt: skip
    found = decoded(raw, type_)
    if status == 200 and found is not None:
        return found
    said = (status != 200 and decoded(raw, dict[str, Any])) or {}
    reason = str(said.get(language()) or told(str(said.get("error", ""))))
    if not reason:
        raise Refused(
            say(f"{url} 的应答不是 gridwarden 网关的(HTTP {status})",
                f"what answers at {url} is no gridwarden gateway (HTTP {status})")
        )  # fmt: skip
    raise Refused(one_line(reason))


def person_id(people: list[Who], wanted: str) -> str:
    """The id of whoever has the id or the name ``wanted``."""
    found = [each.id for each in people if each.id == wanted]
    found = found or [each.id for each in people if each.name == wanted]
    if len(found) > 1:
        which = ", ".join(found[:5])
        raise Refused(
            say(f"有 {len(found)} 人叫 {wanted},请用编号:{which}",
                f"{len(found)} people are called {wanted}; use the id: {which}")
        )  # fmt: skip
    if not found:
        near = like(wanted, [word for each in people for word in (each.id, each.name)])
        raise Refused(say(f"名单上没有 {wanted}{near}",
                          f"the registry knows no person {wanted}{near}"))  # fmt: skip
    return found[0]


def like(word: str, known: Iterable[str]) -> str:
    """A question for what ``word`` may have been meant to be; "" where nothing is like it."""
    found = difflib.get_close_matches(word, list(known), 1, 0.5)
    return say(f";是不是想写 {found[0]}?", f"; did you mean {found[0]}?") if found else ""
