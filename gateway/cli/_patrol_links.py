"""The links of ``gridwarden patrol link``: made from the gateway's own key and its registry."""

from __future__ import annotations

import asyncio
import csv
import os
import secrets
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.cli._past import casebook, local
from gateway.cli._running import PATIENCE, Who, ask, gateway_at, person_id
from gateway.cli._say import say
from gateway.clock import SystemClock
from gateway.config import Settings
from gateway.links import load_key, patrol_link
from gateway.model import SECOND, Person, Site
from gateway.patrol.beat import Beats
from gateway.ports import Refused, Unavailable
from gateway.store import patrol
from gateway.store.cases import Cases
from gateway.store.databases import database
from gateway.store.lock import sole_user

_DAY = 86_400 * SECOND


class Line(NamedTuple):
    """One person's link."""

    person: str
    name: str
    points: int
    until: str
    """Local."""
    link: str


def links(settings: Settings, person: str, days: int | None) -> list[Line]:
    """The link of ``person`` (id or name), or of everybody who has points.

    Raises ``Refused`` with one line, ``OSError`` and ``Unavailable``.
    """
    asked, base = settings.patrol, settings.messages.link
    if asked is None:
        raise Refused(
            say(f"{settings.file} 没有 patrol: 这一节", f"{settings.file} has no section patrol:")
        )
    if not base:
        raise Refused(
            say(f"{settings.file} 没有写 messages.link:手机能打开的网址,如 https://desk.example.cn",
                f"{settings.file} lacks messages.link: the address that phones reach, like"
                " https://desk.example.cn")
        )  # fmt: skip
    key = _key(settings.site.data / "link.key")
    site, ended = asyncio.run(_known(settings))
    wall = SystemClock().now().wall
    until = wall + (days or asked.link_days) * _DAY
    people = [site.people[_id(site, person)]] if person else list(site.people.values())
    beats = Beats(settings.points, site)
    own = [(each, len(beats.of(each, wall))) for each in people]
    zone = ZoneInfo(settings.site.zone)
    return [
        Line(
            each.id,
            each.name,
            count,
            local(until, zone, "%Y-%m-%d %H:%M"),
            patrol_link(base, key, each.id, until, ended.get(each.id, 0)),
        )
        for each, count in own
        if count or person
    ]


def written(path: Path, found: list[Line]) -> None:
    """As CSV, for its owner alone: whoever reads it can check in for everybody."""
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(handle, "w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, lineterminator="\r\n")
            writer.writerows([Line._fields, *found])
        half.rename(path)
    except BaseException:
        half.unlink(missing_ok=True)
        raise


def _key(path: Path) -> bytes:
    """The gateway's; one that this command made would belong to another user."""
    if not path.exists():
        raise Refused(
            say(f"{path} 还没有;请先写好 messages.link 并启动一次网关",
                f"{path} does not exist yet; start the gateway once with messages.link set")
        )  # fmt: skip
    return load_key(path)


async def _known(settings: Settings) -> tuple[Site, dict[str, int]]:
    """The registry, and how often the links of each person were ended."""
    async with casebook(settings.site) as cases:
        site, ended = await cases.site(), await cases.read(patrol.ended)
    return site if site.version else settings.imported, ended


def end(settings: Settings, person: str) -> Person:
    """No link of ``person`` (id or name) opens anything any more; whose they were.

    The running gateway does it; where none runs, it is written into ``cases.db``. Raises as
    ``links`` does.
    """
    site, _ = asyncio.run(_known(settings))
    found = site.people[_id(site, person)]
    asyncio.run(_ended(settings, found.id))
    return found


async def _ended(settings: Settings, person: str) -> None:
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=PATIENCE, sock_connect=5)
    try:
        with sole_user(settings.site.data):
            where = database(settings.site.data, settings.site.cases.reveal())
            async with Cases(where, SystemClock()) as cases:
                await cases.write(patrol.end_links, person)
            return
    except Unavailable as error:  # a gateway has the folder: it has to know
        taken = error
    if not settings.console.port:
        raise taken
    address, _ = gateway_at(settings.file, "")
    async with aiohttp.ClientSession(timeout=timeout) as session:
        url = f"{address}/api/v1/patrol/links/end"
        await ask(session, "POST", url, dict, {"person": person})


def _id(site: Site, wanted: str) -> str:
    return person_id([_who(each) for each in site.people.values()], wanted)


def _who(person: Person) -> Who:
    return Who(id=person.id, name=person.name)
