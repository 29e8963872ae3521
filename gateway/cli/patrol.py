"""``gridwarden patrol``: the rounds of a day, and the links by which officers walk them.

What names no subcommand is about a day: ``patrol site.yaml`` is ``patrol day site.yaml``.
"""

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
from gateway.store import patrol as table

_FIELDS = ("round", "place", "point", "name", "state", "at", "person", "metres")


class _Group(click.Group):
    """What names no subcommand is about a day."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["day", *args]
        return super().parse_args(ctx, args)


@click.group(
    "patrol",
    cls=_Group,
    help=say(
        "巡查。day 某一天谁到过哪个巡查点、漏了哪些(day 可省略);link 生成手机签到链接。\n\n"
        "例:gridwarden patrol site.yaml --day 2026-01-05 --csv > patrol.csv",
        "The rounds. day shows who was at which point on a day and what was missed (the word may be"
        " left out); link makes the links by which officers check in on their phones.\n\n"
        "Example: gridwarden patrol site.yaml --day 2026-01-05 --csv > patrol.csv",
    ),
)
def command() -> None:
    """See the help text."""


@command.command(
    "day",
    short_help=say("某一天的巡查和漏点", "the rounds of a day and what was missed"),
    help=say(
        "某一天的巡查:谁在何时到过哪个巡查点,漏了哪些。只读。\n\n"
        "例:gridwarden patrol day site.yaml --day 2026-01-05 --csv > patrol.csv",
        "The rounds of a day: who was at which point, and what was missed. Reads only.\n\n"
        "Example: gridwarden patrol day site.yaml --day 2026-01-05 --csv > patrol.csv",
    ),
)
@click.argument("file", default=DEFAULT_FILE, type=click.Path(path_type=Path))
@click.option("--day", default="", help=say("日期,默认今天", "the date; default: today"))
@click.option(
    "--grid", default="", help=say("只看这个网格及其下级", "this place and below it only")
)
@click.option("--csv", "as_csv", is_flag=True, help="CSV")
@click.option("--json", "as_json", is_flag=True, help="JSON")
def show(file: Path, day: str, grid: str, as_csv: bool, as_json: bool) -> int:
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


@command.command(
    "link",
    short_help=say("生成手机签到链接", "the links by which officers check in on their phones"),
    help=say(
        "生成签到链接:本人在手机上打开,看到自己的巡查点,一键签到,上报隐患。链接只属于本人,"
        "到期失效(patrol.link_days);人员从登记表删除后立即失效;--end 停用一个人的全部链接。"
        "需要 messages.link。"
        "请以网关的用户身份运行。\n\n"
        "例:gridwarden patrol link 张三\n\n"
        "例:gridwarden patrol link 张三 --end\n\n"
        "例:gridwarden patrol link --all --out links.csv",
        "Make the link by which a person sees their points on a phone, checks in with one tap and"
        " reports hazards. It is for that person alone, ends by itself (patrol.link_days), and at"
        " once when the person leaves the registry; --end ends all links of one"
        " person. Needs messages.link. Run it as the gateway's user.\n\n"
        "Example: gridwarden patrol link zhang\n\n"
        "Example: gridwarden patrol link zhang --end\n\n"
        "Example: gridwarden patrol link --all --out links.csv",
    ),
)
@click.argument("person", default="")
@click.option(
    "--days",
    type=click.IntRange(1, 366),
    help=say("有效天数,默认 patrol.link_days", "days it is good; default: patrol.link_days"),
)
@click.option(
    "--all", "every", is_flag=True, help=say("所有有巡查点的人", "everybody who has points")
)
@click.option(
    "--end",
    is_flag=True,
    help=say("停用此人的全部签到链接(如手机遗失)", "end all links of this person (a lost phone)"),
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help=say("写入 CSV 文件,只有本用户可读", "a CSV file that only this user can read"),
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path(DEFAULT_FILE),
    show_default=True,
    help=say("配置文件", "the configuration"),
)
def link(
    person: str, days: int | None, every: bool, end: bool, out: Path | None, config: Path
) -> int:
    """See the help text."""
    if end and (days or every or out or not person):
        raise click.UsageError(
            say("--end 只与一个人的编号或姓名同用", "--end goes with one person and nothing else")
        )
    if end:
        return _end(person, config)
    if every == bool(person) or every != (out is not None):
        raise click.UsageError(
            say("写一个人的编号或姓名,或者 --all --out 文件.csv",
                "name one person, or write --all --out FILE.csv")
        )  # fmt: skip
    from gateway.cli._patrol_links import links, written

    found = links(load(config), person, days)
    if out is not None:
        written(out, found)
        click.echo(
            say(
                f"{out}:{len(found)} 个链接,请逐个发给本人,不要群发",
                f"{out}: {len(found)} links; send each to its person, and to nobody else",
            )
        )
        return 0
    for each in found:
        click.echo(each.link)
        about = say(
            f"{each.name},{each.points} 个巡查点,有效至 {each.until}",
            f"{each.name}, {each.points} points, until {each.until}",
        )
        click.echo(about, err=True)
    return 0


def _end(person: str, config: Path) -> int:
    from gateway.cli._patrol_links import end

    whose = end(load(config), person)
    click.echo(
        say(
            f"{whose.name} 的签到链接已全部停用;新的:gridwarden patrol link {whose.id}",
            f"no link of {whose.name} opens anything; a new one: gridwarden patrol link {whose.id}",
        )
    )
    return 0


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
        since = await stores.cases.read(table.since)
        now = SystemClock().now().wall
        return stores.site, lines(settings.points, rounds, checkins, since, now)


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
