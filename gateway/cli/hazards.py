"""``gridwarden hazards``: the hazard register 隐患台账. Reads only."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import click

from gateway.cli._past import casebook, local, person_name, plain, word
from gateway.cli._problems import told
from gateway.cli._say import language, say
from gateway.cli.check import DEFAULT_FILE
from gateway.clock import SystemClock
from gateway.config.load import read_site
from gateway.config.settings import SiteSection
from gateway.model import SECOND, Hazard, Site, Text
from gateway.options import parse_duration
from gateway.patrol.hazards import Count, counts, days, grid_of, within

_COLUMNS: Final = {
    "key": Text("编号", "key"),
    "grid": Text("网格", "grid"),
    "place": Text("地点", "place"),
    "title": Text("隐患", "hazard"),
    "why": Text("情况", "what is the matter"),
    "category": Text("类别", "category"),
    "severity": Text("级别", "severity"),
    "state": Text("状态", "state"),
    "opened": Text("发现时间", "opened"),
    "days": Text("天数", "days"),
    "owner": Text("负责人", "owner"),
    "overdue": Text("超期", "overdue"),
    "closed": Text("办结时间", "closed"),
    "outcome": Text("处理结果", "outcome"),
}


class _Register(NamedTuple):
    site: Site
    found: Sequence[Hazard]


@click.command(
    "hazards",
    help=say(
        "隐患台账:未办结的隐患,时间最早的在前,并按网格和天数统计。只读。\n\n"
        "例:gridwarden hazards --since 30d --xlsx 台账.xlsx",
        "The hazard register: what is open, the oldest first, counted by grid and age. Reads only."
        "\n\nExample: gridwarden hazards --since 30d --xlsx register.xlsx",
    ),
)
@click.argument("file", default=DEFAULT_FILE, type=click.Path(path_type=Path))
@click.option(
    "--since",
    default="",
    help=say("也列出这段时间内办结的,如 30d", "those closed since then too, like 30d"),
)
@click.option(
    "--grid", default="", help=say("只看这个网格及其下级", "this place and below it only")
)
@click.option("--csv", "as_csv", is_flag=True, help="CSV")
@click.option("--json", "as_json", is_flag=True, help="JSON")
@click.option(
    "--xlsx", type=click.Path(path_type=Path), help=say("写入这个工作簿", "write this workbook")
)
def command(
    file: Path, since: str, grid: str, as_csv: bool, as_json: bool, xlsx: Path | None
) -> int:
    """See the help text."""
    where, now = read_site(file), SystemClock().now().wall
    begin = now - _span(since) if since else None
    site, found = asyncio.run(_gather(where, begin))
    found = within(found, site, grid)
    zone = ZoneInfo(where.zone)
    rows = [_row(site, hazard, now, zone) for hazard in found]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, list(_COLUMNS), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    elif xlsx is not None:
        xlsx.write_bytes(_workbook(rows, counts(found, site, now)))
        click.echo(say(f"{xlsx}:{len(rows)} 条隐患", f"{xlsx}: {len(rows)} hazards"))
    else:
        _print(rows, counts(found, site, now))
    return 0


def _span(text: str) -> int:
    """Ns."""
    try:
        return int(parse_duration(text) * SECOND)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(told(str(error)), param_hint="--since") from None


async def _gather(where: SiteSection, since: int | None) -> _Register:
    async with casebook(where) as cases:
        return _Register(await cases.site(), await cases.hazards(since))


def _row(site: Site, hazard: Hazard, now: int, zone: ZoneInfo) -> dict[str, str]:
    incident = hazard.incident
    yes = say("是", "yes")
    return {
        "key": incident.key,
        "grid": _place(site, grid_of(hazard, site)),
        "place": _place(site, incident.place),
        "title": incident.title.say(language()),
        "why": incident.why.say(language()),
        "category": word("category", incident.category.value),
        "severity": word("severity", incident.severity.value),
        "state": word("state", incident.state.value),
        "opened": local(incident.opened_at, zone, "%Y-%m-%d %H:%M"),
        "days": str(days(hazard, now)),
        "owner": person_name(site, incident.owner),
        "overdue": yes if incident.overdue else "",
        "closed": local(hazard.closed_at, zone, "%Y-%m-%d %H:%M") if hazard.closed_at else "",
        "outcome": word("outcome", incident.outcome) if incident.outcome else "",
    }


def _place(site: Site, code: str) -> str:
    known = site.places.get(code)
    return f"{known.name} ({code})" if known is not None else code


def _workbook(rows: Sequence[dict[str, str]], lines: Sequence[Count]) -> bytes:
    from gateway.registry.sheets import written

    heads = [text.say(language()) for text in _COLUMNS.values()]
    grids = [
        [line.name, *map(str, line[2:5]), str(line.total), str(line.overdue)] for line in lines
    ]
    return written(
        {
            say("隐患台账", "hazards"): [
                heads,
                *([row[name] for name in _COLUMNS] for row in rows),
            ],
            say("按网格统计", "by grid"): [_counted(), *grids],
        }
    )


def _counted() -> list[str]:
    return [
        say("网格", "grid"),
        say("7 天内", "< 7 days"),
        say("7 至 30 天", "7-30 days"),
        say("30 天以上", "> 30 days"),
        say("合计", "open"),
        say("超期", "overdue"),
    ]


def _print(rows: Sequence[dict[str, str]], lines: Sequence[Count]) -> None:
    if not rows:
        click.echo(say("没有隐患", "there are no hazards"))
        return
    for row in rows:
        age = say(f"{row['days']} 天", f"{row['days']} d")
        parts = (row["key"], row["state"], age, row["place"], row["title"], row["owner"])
        late = say("超期", "overdue") if row["overdue"] else ""
        click.echo(plain("  ".join(part for part in (*parts, late) if part)))
    click.echo("")
    for line in lines:
        pairs = zip(_counted()[1:], (*line[2:5], line.total, line.overdue), strict=True)
        figures = say("、", ", ").join(f"{head} {figure}" for head, figure in pairs if figure)
        click.echo(plain(f"{line.name}: {figures}"))
