"""``gridwarden replay``: what other rules would have done with what the journal has."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import click
import msgspec

import rules
from gateway.cli._moment import Moment, wall_of
from gateway.cli._past import Stores, fixtures, journal, opened, person_name, rule_files
from gateway.cli._replay_report import print_report
from gateway.cli._say import say
from gateway.cli.check import DEFAULT_FILE
from gateway.clock import SystemClock
from gateway.config import Settings, load
from gateway.incidents.limits import Limits
from gateway.incidents.machine import World
from gateway.model import SECOND, Person, Site
from gateway.options import parse_duration
from gateway.replay.archive import BEGINNING, Archive
from gateway.replay.beside import Beside
from gateway.replay.past import Past
from gateway.replay.run import WARM_UP, Outcome, Played, Side, Span, outcome, play, span
from gateway.replay.shape import as_json

_SHOWN: Final = 40
"""Incidents listed on a terminal; JSON has them all."""

_NICE: Final = 10
"""Alarms of a gateway on the same machine come first."""


class _Span(click.ParamType[float]):
    """A duration in seconds."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        try:
            return parse_duration(str(value))
        except ValueError:
            self.fail(
                say(f"{value!r} 不是时长;请写 7d、12h", f"{value!r} is no duration; write 7d, 12h"),
                param,
                ctx,
            )


@click.command(
    "replay",
    help=say(
        "用另一套规则重放过去的记录,列出会有什么不同:事件、通知、超时。只读,不影响运行中的网关。\n\n"
        "例:gridwarden replay site.yaml --since 30d --rules rules-new/",
        "Play the past through other rules and show what would differ: incidents, people told,"
        " limits missed. Reads only; the gateway may be running.\n\n"
        "Example: gridwarden replay site.yaml --since 30d --rules rules-new/",
    ),
)
@click.argument("file", default=DEFAULT_FILE, type=click.Path(path_type=Path))
@click.option(
    "--since",
    type=Moment(),
    required=True,
    help=say("从何时起计:30d,或当地时间 2026-01-05", "from when on: 30d, or local 2026-01-05"),
)
@click.option(
    "--until",
    type=Moment(),
    help=say("到何时为止(默认:现在)", "up to when (now when left out)"),
)
@click.option(
    "--rules",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help=say("替代本站规则目录;规则包照旧", "in place of the site's own rule folder; packs stay"),
)
@click.option(
    "--roster",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=say("新的人员表(CSV)", "another people.csv"),
)
@click.option(
    "--warm-up",
    type=_Span(),
    default=f"{WARM_UP / 86_400:g}d",
    show_default=True,
    help=say("之前多久的记录只用来热身", "how long before it is played without being counted"),
)
@click.option(
    "--json",
    "target",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help=say("写成 JSON;- 为标准输出,不再列表", "write JSON; - is the output, without the table"),
)
@click.option(
    "--show",
    type=click.IntRange(0),
    default=_SHOWN,
    show_default=True,
    help=say("最多列出几起事件", "how many incidents to list"),
)
@click.option(
    "--fail-on-difference",
    is_flag=True,
    help=say(
        "有任何不同、或没有可比较的记录时退出码为 1",
        "exit code 1 when anything differs, or there is nothing to compare",
    ),
)
def command(
    file: Path,
    since: float | datetime,
    until: float | datetime | None,
    folder: Path,
    roster: Path | None,
    warm_up: float,
    target: Path | None,
    show: int,
    fail_on_difference: bool,
) -> int:
    """See the help text."""
    _check_target(target)
    settings = load(file)
    after = _changed(settings, folder)
    people = _people(settings, roster)
    zone = ZoneInfo(settings.site.zone)
    now = SystemClock().now().wall
    begin = wall_of(since, zone, now)
    end = None if until is None else wall_of(until, zone, now)
    if end is not None and end <= begin:
        raise click.UsageError(
            say("--until 必须晚于 --since", "--until has to be later than --since")
        )
    plan = asyncio.run(_plan(settings, after, people, begin, end, warm_up))
    found = _played(settings, plan)
    site = found.after.site
    if people is not None:
        site = msgspec.structs.replace(site, people=site.people | people)
    before = "editions" if found.knew_rules else "configuration"
    sources = {"before": before, "after": str(folder)}
    if target is not None:
        named = partial(person_name, site)
        text = json.dumps(as_json(found, zone, named, sources), ensure_ascii=False, indent=1)
        _write(target, text)
    if target is None or str(target) != "-":
        print_report(found, site, zone, sources, show)
    return int(fail_on_difference and (found.difference.is_any or plan.over.is_empty))


class _Plan(NamedTuple):
    """Everything that both sides need."""

    over: Span
    past: Past
    sides: tuple[Side, Side]


async def _plan(
    settings: Settings,
    after: rules.Ruleset,
    people: dict[str, Person] | None,
    begin: int,
    end: int | None,
    warm_up: float,
) -> _Plan:
    async with opened(settings.site, settings.imported) as stores:
        past = await stores.cases.past(begin - int(warm_up * SECOND))
        last = await stores.cases.last_arrival()
        over = span(stores.source, begin, end, warm_up, last)
        return _Plan(over, past, _sides(settings, stores, after, people, over.first))


def _played(settings: Settings, plan: _Plan) -> Outcome:
    """One side here, the other beside: each reads the journal for itself."""
    over, past, (before, after) = plan

    def other() -> Played:
        with journal(settings.site.data) as source:
            archive = Archive(source.edition)
            return play(source, archive, past, before, over, lambda _: None)

    os.nice(_NICE)
    gc.collect()
    gc.freeze()  # what is loaded by now stays: the collector need not walk it for every page
    with Beside(other) as beside, journal(settings.site.data) as source:
        with click.progressbar(
            length=max(over.last - over.first + 1, 0),
            label=say("重放", "replaying"),
            file=sys.stderr,
        ) as bar:
            here = play(source, Archive(source.edition), past, after, over, bar.update)
        return outcome(beside.result(), here, past, over, source.axis, knew_rules=before.known)


def _sides(
    settings: Settings,
    stores: Stores,
    after: rules.Ruleset,
    people: dict[str, Person] | None,
    first: int,
) -> tuple[Side, Side]:
    """What is in force at record ``first``, before and after the change."""
    from gateway.app import DUTY

    archive = Archive(stores.source.edition)
    told = stores.source.editions_at(max(first - 1, BEGINNING))
    site = archive.registry(told.get("registry", "")) or stores.site
    known = archive.rules(told.get("rules", ""))
    deadlines, sirens = settings.deadlines.by_category(), fixtures(settings)
    limits = Limits(settings.limits)

    def world(site: Site) -> World:
        return World(site, deadlines, DUTY, sirens, limits)

    def changed(site: Site) -> World:
        return world(site if people is None else msgspec.structs.replace(site, people=people))

    return (
        Side(known or settings.ruleset, site, world, follows_rules=True, known=known is not None),
        Side(after, site, changed, follows_rules=False),
    )


def _changed(settings: Settings, folder: Path) -> rules.Ruleset:
    """The packs as configured with the rule files of ``folder``. Raises ``Problems``."""
    own = rule_files(folder)
    if not own:
        click.echo(
            say(f"{folder} 中没有规则文件,只用规则包", f"{folder} has no rule file: packs alone"),
            err=True,
        )
    files = [*rules.packs(settings.rules.packs), *own]
    return rules.load(files, settings.site.zone)


def _people(settings: Settings, roster: Path | None) -> dict[str, Person] | None:
    """The people of another roster, checked against the site's own places."""
    if roster is None:
        return None
    if settings.registry is None:
        raise click.UsageError(
            say(
                "配置中没有 registry,不能换人员表",
                "the configuration has no registry, so there is no roster to change",
            )
        )
    from gateway.registry import read_csv

    places, devices = settings.registry.places, settings.registry.devices
    return read_csv(places, devices, roster, notifiers=settings.notifiers).people


def _check_target(target: Path | None) -> None:
    """Said now and not after half an hour of work. Raises ``OSError``."""
    if target is not None and str(target) != "-":
        folder = target.absolute().parent
        if not folder.is_dir():
            raise FileNotFoundError(2, say("没有这个目录", "no such folder"), str(folder))
        if not os.access(target if target.exists() else folder, os.W_OK):
            raise PermissionError(13, say("无法写入", "can not be written"), str(target))


def _write(target: Path, text: str) -> None:
    if str(target) == "-":
        click.echo(text)
    else:
        target.write_text(text + "\n", encoding="utf-8")
