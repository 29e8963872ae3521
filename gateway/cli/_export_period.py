"""``gridwarden export period``: readings and cases of a stretch of time in one file."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

import click

from gateway.cli._moment import Moment, wall_of
from gateway.cli._past import Stores, local, opened
from gateway.cli._say import say
from gateway.cli.check import DEFAULT_FILE
from gateway.clock import SystemClock
from gateway.config import Settings, load
from gateway.replay.source import Source
from gateway.series import extract
from gateway.series.period import FORMAT, End, Period, Writer
from gateway.series.story import ROOM
from gateway.store import series


@click.command(
    "period",
    short_help=say("一段时间的读数和事件", "the readings and cases of a stretch of time"),
    help=say(
        "把一段时间的读数和事件导出为一个文件(每行一个 JSON,gzip 压缩,末行为校验和),"
        "供 gridwarden influx backfill --from 补写,或供其他系统读取。"
        "不含姓名、电话、备注和图像。只读,不影响运行中的网关。\n\n"
        "例:gridwarden export period site.yaml --since 2026-01-01 --until 2026-02-01"
        " -o 一月.jsonl.gz",
        "Export the readings and cases of a period into one file (a JSON object a line, gzip, the"
        " checksum in the last line), for gridwarden influx backfill --from and for other systems."
        " Names of people, telephone numbers, comments and pictures are not in it. Reads only; the"
        " gateway may be running.\n\n"
        "Example: gridwarden export period site.yaml --since 2026-01-01 --until 2026-02-01"
        " -o january.jsonl.gz",
    ),
)
@click.argument("file", default=DEFAULT_FILE, type=click.Path(path_type=Path))
@click.option(
    "--since",
    type=Moment(),
    required=True,
    help=say("从何时起:30d,或当地时间 2026-01-05", "from when on: 30d, or local 2026-01-05"),
)
@click.option(
    "--until",
    type=Moment(),
    help=say("到何时为止(默认:现在)", "up to when (now when left out)"),
)
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help=say(
        "写到哪个文件(默认 period-始-止.jsonl.gz)",
        "the file to write (period-BEGIN-END.jsonl.gz)",
    ),
)
def period(
    file: Path, since: float | datetime, until: float | datetime | None, target: Path | None
) -> int:
    """See the help text."""
    settings = load(file)
    zone = ZoneInfo(settings.site.zone)
    now = SystemClock().now().wall
    begin, end = wall_of(since, zone, now), now if until is None else wall_of(until, zone, now)
    if end <= begin:
        raise click.UsageError(
            say("--until 必须晚于 --since", "--until has to be later than --since")
        )
    days = "-".join(local(wall, zone, "%Y%m%d") for wall in (begin, end - 1))
    target = target or Path(f"period-{days}.jsonl.gz")
    done = _write(target, settings, Period(FORMAT, settings.site.name, begin, end, now))
    size = target.stat().st_size / 1e6
    click.echo(
        say(
            f"{target}:{done.readings:,} 条读数,共 {done.lines:,} 行,{size:.1f} MB",
            f"{target}: {done.readings:,} readings, {done.lines:,} lines in all, {size:.1f} MB",
        )
    )
    return 0


def _write(target: Path, settings: Settings, stretch: Period) -> End:
    """Under another name first, and for its owner alone: who finds the file finds all of it."""
    part = target.with_name(f"{target.name}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            done = asyncio.run(_extracted(file, settings, stretch))
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return done


async def _extracted(file: IO[bytes], settings: Settings, stretch: Period) -> End:
    async with opened(settings.site, settings.imported) as stores:
        writer = Writer(file)
        writer.begin(stretch, stores.site)
        await _record(writer, stores, stretch)
        _journal(writer, stores.source, stretch)
        return writer.end()


async def _record(writer: Writer, stores: Stores, stretch: Period) -> None:
    read, since = stores.cases.read, stretch.since
    numbers = await read(series.last) - await read(series.before, since - ROOM)
    label = say("导出事件", "cases")
    with click.progressbar(length=max(numbers, 0), label=label, file=sys.stderr) as bar:
        await extract.record(writer, read, lambda: stores.site, (since, stretch.until), bar.update)


def _journal(writer: Writer, source: Source, stretch: Period) -> None:
    first, last = source.first_since(stretch.since), source.first_since(stretch.until) - 1
    label = say("导出读数", "readings")
    with click.progressbar(length=max(last - first + 1, 0), label=label, file=sys.stderr) as bar:
        extract.journal(writer, source.pages(first, last), source.offsets, bar.update)
    if any(source.lost):
        lost = sum(source.lost)
        click.echo(say(f"{lost:,} 条记录读不出来", f"{lost:,} records can not be read"), err=True)
