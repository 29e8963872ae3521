"""``gridwarden patrol``: the rounds of a day, who was there and what was missed. Reads only."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from gateway.cli._past import local, opened, person_name
from gateway.cli._say import say
from gateway.cli.check import DEFAULT_FILE
from gateway.clock import SystemClock
from gateway.config import Settings, load
from gateway.model import CheckIn, Site
from gateway.patrol.report import FAR, GRACE, Line, lines
from gateway.patrol.rounds import Round, local_day, rounds_of

_FIELDS = ("round", "place", "point", "name", "state", "at", "person", "metres")


@click.command(
    "patrol",
    help=say(
        "某一天的巡查:谁在何时到过哪个巡查点,漏了哪些。只读。\n\n"
        "例:gridwarden patrol site.yaml --day 2026-01-05 --csv > patrol.csv",
        "The rounds of a day: who was at which point, and what was missed. Reads only.\n\n"
        "Example: gridwarden patrol site.yaml --day 2026-01-05 --csv > patrol.csv",
    ),
)
@click.argument("file", default=DEFAULT_FILE, type=click.Path(path_type=Path))
@click.option("--day", default="", help=say("日期,默认今天", "the date; default: today"))
@click.option(
    "--grid", default="", help=say("只看这个网格及其下级", "this place and below it only")
)
@click.option("--csv", "as_csv", is_flag=True, help="CSV")
@click.option("--json", "as_json", is_flag=True, help="JSON")
def command(file: Path, day: str, grid: str, as_csv: bool, as_json: bool) -> int:
    """See the help text. Exit code 1 when a point was missed."""
    settings = load(file)
    if settings.patrol is None:
        raise ValueError(say(f"{file} 没有 patrol: 这一节", f"{file} has no section patrol:"))
    zone = ZoneInfo(settings.site.zone)
    now = SystemClock().now().wall
    chosen = _day(day) if day else local_day(now, zone)
    site, found = asyncio.run(_gather(settings, rounds_of(chosen, settings.patrol.rounds, zone)))
    rows = [
        _row(site, line, now, zone)
        for line in found
        if not grid or any(place.code == grid for place in site.chain(line.point.place))
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, _FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        _print(chosen, rows)
    return 1 if any(row["state"] == "missed" for row in rows) else 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.UsageError(
            say(f"{text!r} 不是日期;写成 2026-01-05", f"{text!r} is no date; write 2026-01-05")
        ) from None


async def _gather(settings: Settings, rounds: Sequence[Round]) -> tuple[Site, list[Line]]:
    async with opened(settings.site, settings.imported) as stores:
        begin = min(each.begins for each in rounds) - GRACE
        end = max(each.ends for each in rounds) + GRACE
        checkins: list[CheckIn] = await stores.cases.checkins(begin, end)
        return stores.site, lines(settings.points, rounds, checkins)


def _row(site: Site, line: Line, now: int, zone: ZoneInfo) -> dict[str, str]:
    done = line.checkin
    state = "done" if done else "missed" if line.round.ends <= now else "due"
    place = site.places.get(line.point.place)
    return {
        "round": line.round.name,
        "place": place.name if place else line.point.place,
        "point": line.point.id,
        "name": line.point.name,
        "state": state,
        "at": local(done.wall, zone, "%H:%M") if done else "",
        "person": person_name(site, done.person) if done else "",
        "metres": "" if done is None or done.metres is None else f"{done.metres:.0f}",
    }


def _print(day: date, rows: Sequence[dict[str, str]]) -> None:
    words = {
        "done": say("已到", "done"),
        "missed": say("漏点", "MISSED"),
        "due": say("未到", "due"),
    }
    click.echo(f"{day}")
    for name in dict.fromkeys(row["round"] for row in rows):
        own = [row for row in rows if row["round"] == name]
        done = sum(row["state"] == "done" for row in own)
        click.echo(f"{name}  {done}/{len(own)}")
        for row in own:
            who = "  ".join(part for part in (row["at"], row["person"]) if part)
            afar = say(f"(距 {row['metres']} 米)", f"({row['metres']} m away)")
            far = afar if row["metres"] and float(row["metres"]) > FAR else ""
            click.echo(
                f"  {words[row['state']]}  {row['place']} {row['name']}  {who} {far}".rstrip()
            )
