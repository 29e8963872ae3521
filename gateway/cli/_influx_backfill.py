"""``gridwarden influx backfill``: a stretch of the past to a sink, from the stores or an export."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import click

from gateway.cli._moment import Moment, wall_of
from gateway.cli._past import casebook, journal, local
from gateway.cli._problems import told
from gateway.cli._say import say
from gateway.cli._sinks import chosen, in_our_words
from gateway.cli.check import DEFAULT_FILE
from gateway.clock import SystemClock
from gateway.config import Settings, load
from gateway.config.settings import SiteSection
from gateway.model import Site
from gateway.plugins import make
from gateway.ports import Refused, Unavailable
from gateway.replay.casebook import Casebook
from gateway.replay.source import Source
from gateway.series.backfill import Backfill
from gateway.series.export import Export

_NICE: Final = 10
"""Alarms of a gateway on the same machine come first."""
_PATIENCE: Final = 300.0
"""Seconds that a database may be away in the middle of it."""


sink_option: Final = click.option("--sink", default="", help=say("哪一个 sink", "which sink"))


@click.command(
    "backfill",
    help=say(
        "把过去的一段时间补写进时序数据库:读数来自日志库,事件来自记录。只读,不影响运行中的网关;"
        "写入的点与网关实时写入的完全相同,可随时中断、重来。每分钟采样的状态"
        "(账目、渠道、值班、设备状态)不在其中。--from 也接受 gridwarden export period 的文件。\n\n"
        "例:gridwarden influx backfill site.yaml --since 30d --until 2026-01-05\n\n"
        "例:gridwarden influx backfill site.yaml --from 一月.jsonl.gz",
        "Bring a stretch of the past to the time-series database: readings from the journal, cases"
        " from the record. Reads only; the gateway may be running. The points are those that the"
        " gateway itself writes, so that it may be broken off and begun again at any time. What is"
        " sampled every minute (ledger, channels, duty, devices) is not among them. --from takes a"
        " file of gridwarden export period, too.\n\n"
        "Example: gridwarden influx backfill site.yaml --since 30d --until 2026-01-05\n\n"
        "Example: gridwarden influx backfill site.yaml --from january.jsonl.gz",
    ),
)
@click.argument("file", default=DEFAULT_FILE, type=click.Path(path_type=Path))
@click.option(
    "--since",
    type=Moment(),
    help=say(
        "从何时起:30d,或当地时间 2026-01-05(导出文件可省略:整个文件)",
        "from when on: 30d, or local 2026-01-05 (all of an exported file when left out)",
    ),
)
@click.option(
    "--until",
    type=Moment(),
    help=say("到何时为止(默认:现在)", "up to when (now when left out)"),
)
@sink_option
@click.option(
    "--from",
    "place",
    type=click.Path(exists=True, path_type=Path),
    help=say(
        "导出的文件,或数据目录的副本(journal.db、cases.db,可缺其一),代替本站的",
        "an exported file, or a copy of a data folder (journal.db, cases.db, or one of them), in"
        " place of the site's own",
    ),
)
def command(
    file: Path,
    since: float | datetime | None,
    until: float | datetime | None,
    sink: str,
    place: Path | None,
) -> int:
    """See the help text. Exit code 1 when points were refused."""
    is_export = place is not None and not place.is_dir()
    if since is None and not is_export:
        raise click.UsageError(say("请用 --since 说明从何时起", "say from when on with --since"))
    settings = load(file)
    zone, now = ZoneInfo(settings.site.zone), SystemClock().now().wall
    stretch = _Stretch(
        0 if since is None else wall_of(since, zone, now),
        now if until is None else wall_of(until, zone, now),
    )
    if stretch.end <= stretch.begin:
        raise click.UsageError(
            say("--until 必须晚于 --since", "--until has to be later than --since")
        )
    os.nice(_NICE)
    with in_our_words():
        if place is not None and is_export:
            done = _from_export(settings, sink, place, stretch, asked=since is not None)
        else:
            done = asyncio.run(_from_stores(settings, sink, place, stretch))
    return _told(done)


def _told(done: Backfill) -> int:
    click.echo(
        say(f"已写入 {done.readings:,} 条读数、{done.points:,} 个事件点",
            f"{done.readings:,} readings and {done.points:,} points of cases written")
    )  # fmt: skip
    if done.refused:
        reasons = "; ".join(done.reasons)
        click.echo(
            say(f"{done.refused:,} 个点被拒绝:{reasons}",
                f"{done.refused:,} points were refused: {reasons}"),
            err=True,
        )  # fmt: skip
    return 1 if done.refused else 0


class _Stretch(NamedTuple):
    """Wall ns."""

    begin: int
    end: int


class _Past(NamedTuple):
    source: Source | None
    cases: Casebook | None
    site: Site


@asynccontextmanager
async def _past(settings: Settings, folder: Path | None) -> AsyncIterator[_Past]:
    where = settings.site
    if folder is not None:
        where = SiteSection(name=where.name, data=folder)
    has = {name: folder is None or (folder / name).exists() for name in ("journal.db", "cases.db")}
    if not any(has.values()):
        said = say("其中没有 journal.db 和 cases.db", "has neither journal.db nor cases.db")
        raise FileNotFoundError(2, said, str(folder))
    async with AsyncExitStack() as stack:
        source = stack.enter_context(journal(where.data)) if has["journal.db"] else None
        cases, site = None, settings.imported
        if has["cases.db"]:
            cases = await stack.enter_async_context(casebook(where))
            kept = await cases.site()
            site = kept if kept.version else site
        yield _Past(source, cases, site)


async def _from_stores(
    settings: Settings, sink: str, folder: Path | None, stretch: _Stretch
) -> Backfill:
    async with _past(settings, folder) as past:
        async with _working(settings, sink, past.site, stretch) as work:
            if past.cases is not None:
                await work.record(past.cases.read, lambda: past.site)
            if past.source is not None:
                await _journal(work, past.source)
        return work


def _from_export(
    settings: Settings, sink: str, path: Path, asked_for: _Stretch, *, asked: bool
) -> Backfill:
    size = path.stat().st_size
    with ExitStack() as stack:
        with click.progressbar(length=size, label=say("核对", "checking"), file=sys.stderr) as bar:
            export = stack.enter_context(Export(path, bar.update))
        stretch = _Stretch(
            max(asked_for.begin, export.period.since), min(asked_for.end, export.period.until)
        )
        zone = ZoneInfo(settings.site.zone)
        ends = [local(wall, zone) for wall in (export.period.since, export.period.until)]
        if stretch.end <= stretch.begin:
            raise Refused(
                say(f"{path} 只有 {ends[0]} 到 {ends[1]} 的数据",
                    f"{path} has only what was from {ends[0]} to {ends[1]}")
            )  # fmt: skip
        if asked and stretch != asked_for:
            click.echo(
                say(f"文件只有 {ends[0]} 到 {ends[1]} 的数据",
                    f"the file has only what was from {ends[0]} to {ends[1]}"),
                err=True,
            )  # fmt: skip
        return asyncio.run(_exported(settings, sink, export, stretch))


async def _exported(settings: Settings, sink: str, export: Export, stretch: _Stretch) -> Backfill:
    size = export.path.stat().st_size
    async with _working(settings, sink, export.site, stretch) as work:
        await work.export(export)
        with click.progressbar(
            length=size, label=say("补写", "backfilling"), file=sys.stderr
        ) as bar:
            export.progress = bar.update
            await work.journal(export.journal(*stretch), {}, lambda _records: None)
    return work


@asynccontextmanager
async def _working(
    settings: Settings, name: str, site: Site, stretch: _Stretch
) -> AsyncIterator[Backfill]:
    """Says where to go on when it is broken off."""
    name, configured = chosen(settings, name)
    clock = SystemClock(settings.clock.trust)
    async with _entered(name, configured, clock) as sink:
        sink.follow(lambda: site)
        work = Backfill(sink, clock, *stretch, _PATIENCE, _waits)
        try:
            yield work
        except (Unavailable, asyncio.CancelledError):
            at = local(work.reached, ZoneInfo(settings.site.zone), "%Y-%m-%dT%H:%M:%S")
            click.echo(say(f"未完成;从这里继续:--since {at}", f"go on with --since {at}"), err=True)
            raise


async def _journal(work: Backfill, source: Source) -> None:
    first, last = source.first_since(work.since), source.first_since(work.until) - 1
    with click.progressbar(
        length=max(last - first + 1, 0), label=say("补写", "backfilling"), file=sys.stderr
    ) as bar:
        await work.journal(source.pages(first, last), source.offsets, bar.update)
    if any(source.lost):
        lost = sum(source.lost)
        click.echo(say(f"{lost:,} 条记录读不出来", f"{lost:,} records can not be read"), err=True)


@asynccontextmanager
async def _entered(name: str, configured: Any, clock: SystemClock) -> AsyncIterator[Any]:
    async with make("sinks", name, configured, clock) as sink:
        yield sink


def _waits(reason: str) -> None:
    click.echo(say(f"等待数据库:{told(reason)}", f"waiting for the database: {reason}"), err=True)
