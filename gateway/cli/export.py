"""``gridwarden export``: what a site has, as files that other systems read."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import click

from gateway.cli._export_incident import incident
from gateway.cli._export_period import period
from gateway.cli._past import casebook, local, plain
from gateway.cli._say import say
from gateway.cli._tables import KINDS, counted
from gateway.cli.check import DEFAULT_FILE
from gateway.clock import SystemClock
from gateway.config import load
from gateway.config.load import read_document, read_site
from gateway.config.settings import SiteSection
from gateway.model import SECOND, Site
from gateway.ports import Refused
from gateway.registry import write
from gateway.registry.borders import geojson
from gateway.registry.duty import MAX_SPAN
from gateway.store.registry import Edition

_FORMATS: Final = ("csv", "xlsx", "ics", "geojson")
_DAY: Final = 86_400 * SECOND
_DAYS: Final = 92


@click.group(
    "export",
    help=say(
        "导出:registry 为登记表,editions 列出它的历次版本,incident 为一起事件的全部记录,"
        "period 为一段时间的读数和事件。\n\n"
        "例:gridwarden export registry 登记表.xlsx",
        "Export: registry is the registry, editions lists what changed it, incident all there is"
        " about one incident, period the readings and cases of a stretch of time.\n\n"
        "Example: gridwarden export registry registry.xlsx",
    ),
)
def command() -> None:
    """See the help text."""


@command.command(
    "registry",
    short_help=say("登记表,也可导出过去某天的", "the registry, also as it was on a day past"),
    help=say(
        "导出登记表。csv:TARGET 为文件夹,每张表一个文件;xlsx:一个工作簿;ics:今后的班次;"
        "geojson:边界。--at 导出过去某天的登记表。导出的文件可再导入。\n\n"
        "例:gridwarden export registry 去年 --at 2025-06-30",
        "Export the registry. csv: TARGET is a folder, a file for each table; xlsx: one workbook;"
        " ics: the shifts to come; geojson: the borders. --at exports it as it was on a day. What"
        " is exported can be imported.\n\n"
        "Example: gridwarden export registry last-year --at 2025-06-30",
    ),
)
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), help=say("格式(缺省看后缀)", "the format")
)
@click.option("--at", default="", help=say("哪一天,如 2025-06-30", "on which day or at what time"))
@click.option("--from", "first", default="", help=say("班次从哪天起", "first day of the shifts"))
@click.option(
    "--days",
    type=click.IntRange(1, MAX_SPAN // _DAY),
    default=_DAYS,
    show_default=True,
    help=say("导出多少天的班次", "days of shifts"),
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path(DEFAULT_FILE),
    show_default=True,
    help=say("配置文件", "the configuration"),
)
def registry(target: Path, form: str, at: str, first: str, days: int, config: Path) -> int:
    """See the help text."""
    zone = ZoneInfo(read_site(config).zone)
    moment = _moment(at, zone, "--at", end=True) if at else 0
    now = SystemClock().now().wall
    begin = _moment(first, zone, "--from", end=False) if first else now // _DAY * _DAY
    site = asyncio.run(_site(config, moment, zone))
    for path, content in _files(site, target, form or _form(target), (begin, days, now)):
        _put(path, content)
        click.echo(str(path))
    return 0


@command.command(
    "editions",
    short_help=say("登记表的历次版本", "when and by whom the registry was changed"),
    help=say(
        "列出登记表的历次版本:何时、由谁、变了什么。\n\n例:gridwarden export editions",
        "List the editions of the registry: when, by whom, what changed.\n\n"
        "Example: gridwarden export editions",
    ),
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path(DEFAULT_FILE),
    show_default=True,
    help=say("配置文件", "the configuration"),
)
def editions(config: Path) -> int:
    """See the help text."""
    site = read_site(config)
    for each in asyncio.run(_editions(site)):
        facts = [
            counted(table, dict(zip(KINDS, counts, strict=True)))
            for table, counts in each.counts.items()
        ]
        moment = local(each.wall, ZoneInfo(site.zone))
        click.echo(f"{each.number}  {moment}  {plain(each.by)}  {say(';', '; ').join(facts)}")
    return 0


async def _editions(site: SiteSection) -> list[Edition]:
    async with casebook(site) as cases:
        return await cases.editions()


def _form(target: Path) -> str:
    ending = target.suffix.lower().removeprefix(".")
    return ending if ending in _FORMATS and ending != "csv" else "csv"


def _moment(text: str, zone: tzinfo, option: str, *, end: bool) -> int:
    """Wall ns of a local day (its end or its begin) or time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            say(
                f"{text} 不是日期,请写成 2025-06-30", f"{text} is no day; write it like 2025-06-30"
            ),
            param_hint=option,
        ) from None
    if end and len(text) <= len("2025-06-30"):
        moment += timedelta(days=1, microseconds=-1)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000


async def _site(config: Path, moment: int, zone: tzinfo) -> Site:
    """The registry as it is, or as it was at ``moment``."""
    if not moment and read_document(config).data.get("registry") is not None:
        return load(config).imported
    async with casebook(read_site(config)) as cases:
        if not moment:
            return await cases.site()
        found = await cases.site_at(moment)
        if found is not None:
            return found
        kept = await cases.editions()
    oldest = local(kept[0].wall, zone) if kept else say("没有", "none")
    raise Refused(
        say(f"那时还没有登记表,或当时的内容已不再保留;最早一版:{oldest}",
            f"there was no registry then, or it is not kept any more; first edition: {oldest}")
    )  # fmt: skip


def _files(
    site: Site, target: Path, form: str, when: tuple[int, int, int]
) -> list[tuple[Path, bytes]]:
    begin, days, now = when
    if form == "xlsx":
        return [(target, write.as_xlsx(site))]
    if form == "ics":
        return [(target, write.as_ics(site, begin, begin + days * _DAY, now))]
    if form == "geojson":
        return [(target, geojson(site))]
    found = [
        (target / f"{name}.csv", write.as_csv(lines)) for name, lines in write.tables(site).items()
    ]
    if site.borders:
        found.append((target / "borders.geojson", geojson(site)))
    return found


def _put(path: Path, content: bytes) -> None:
    """Whole or not at all; for its owner alone, for it holds telephone numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


command.add_command(incident)
command.add_command(period)
