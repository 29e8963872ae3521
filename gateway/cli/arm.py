"""``gridwarden arm``: which places are armed, and arming or disarming one, at a running gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final, NamedTuple

import click
import msgspec

from gateway.cli._problems import told
from gateway.cli._running import PATIENCE, Who, ask, gateway_at, like, person_id
from gateway.cli._say import language, say
from gateway.cli.check import DEFAULT_FILE
from gateway.console.query import MAX_ARMING
from gateway.model import MODES, Text
from gateway.options import parse_duration
from gateway.ports import Refused

_MODES: Final[Mapping[str, Text]] = {
    "disarmed": Text("撤防", "disarmed"),
    "home": Text("在家布防", "home"),
    "away": Text("外出布防", "away"),
    "plan": Text("按计划", "as planned"),
}
_EVERYWHERE: Final = ("all", "全部")


class _Row(msgspec.Struct, kw_only=True):
    """What the gateway answers of a place, as far as it is shown."""

    place: str
    name: str
    parent: str
    depth: int
    mode: str
    by: str
    by_name: str
    by_name_en: str
    since: datetime | None
    plan_title: str
    plan_title_en: str
    next: datetime | None
    until: datetime | None


class _Wish(NamedTuple):
    """What the command line asks for; names are not looked up yet."""

    place: str
    mode: str
    by: str
    span: str


@click.command(
    "arm",
    help=say(
        "显示各处的布防状态,或布防、撤防一处。PLACE 是地点编码或名称(all 为全部地点);"
        "MODE 为 away(外出布防)、home(在家布防)、disarmed(撤防)或 plan(按计划)。\n\n"
        "例:gridwarden arm 第一网格 disarmed --by 张三 --for 2h",
        "Show how each place is armed, or arm one. PLACE is a code or a name of the registry"
        " (all: everywhere); MODE is away, home, disarmed, or plan (as the plan says again).\n\n"
        "Example: gridwarden arm 1309010101 disarmed --by zhang --for 2h",
    ),
)
@click.argument("place", default="")
@click.argument("mode", default="")
@click.option("--by", default="", help=say("由谁设置:人员编号或姓名", "who: a person's id or name"))
@click.option("--for", "span", default="", help=say("持续多久,如 2h", "how long, like 2h"))
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path(DEFAULT_FILE),
    show_default=True,
    help=say("配置文件,其中有网关地址", "the configuration that says where the gateway is"),
)
@click.option("--url", default="", help=say("网关地址", "the gateway's address"))
def command(place: str, mode: str, by: str, span: str, config: Path, url: str) -> int:
    """See the help text. Exit code 1 when the gateway does not run or does not take it."""
    wish = _checked(place, mode, by, span)
    address, zone = gateway_at(config, url)
    asyncio.run(_run(address, zone, wish))
    return 0


def _checked(place: str, mode: str, by: str, span: str) -> _Wish:
    """The wish, or wrong usage."""
    if not mode:
        if by or span:
            raise click.UsageError(
                say("缺少布防方式 MODE", "MODE is missing; give PLACE, MODE and --by")
            )
        return _Wish(place, "", "", "")
    chinese = {text.zh: name for name, text in _MODES.items()}
    named = chinese.get(mode, mode)
    if named not in _MODES:
        near = like(mode, [*_MODES, *chinese])
        known = say("、".join(f"{k}({t.zh})" for k, t in _MODES.items()), ", ".join(_MODES))
        raise click.BadParameter(
            say(f"没有布防方式 {mode}{near};可用的有 {known}",
                f"there is no mode {mode}{near}; there are {known}"),
            param_hint="MODE",
        )  # fmt: skip
    if not by:
        raise click.UsageError(say("请用 --by 说明由谁设置", "say with --by who sets it"))
    if span and named not in MODES:
        raise click.UsageError(
            say("按计划不能加 --for", "--for can not go with plan: a plan has its own times")
        )
    if span:
        _check_span(span)
    return _Wish(place, named, by, span)


def _check_span(span: str) -> None:
    try:
        seconds = parse_duration(span)
    except ValueError as error:
        raise click.BadParameter(told(str(error)), param_hint="--for") from None
    if not 0 < seconds <= MAX_ARMING:
        days = MAX_ARMING / 86_400
        raise click.BadParameter(
            say(f"必须大于 0,最多 {days:g}d", f"must be more than 0 and at most {days:g}d"),
            param_hint="--for",
        )


# --- what is asked of it -----------------------------------------------------------------


async def _run(address: str, zone: tzinfo | None, wish: _Wish) -> None:
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        rows = await ask(session, "GET", f"{address}/api/v1/arming", _Row)
        places = _pick(rows, wish.place) if wish.place else rows
        if not wish.mode:
            _show(places, zone)
            return
        people = await ask(session, "GET", f"{address}/api/v1/people", Who)
        everywhere = _is_everywhere(rows, wish.place)
        body = {
            "place": "" if everywhere else places[0].place,
            "mode": wish.mode,
            "person": person_id(people, wish.by),
            "for": wish.span,
        }
        rows = await ask(session, "POST", f"{address}/api/v1/arming", _Row, body)
        _show([row for row in rows if everywhere or row.place == body["place"]], zone)


def _is_everywhere(rows: list[_Row], wanted: str) -> bool:
    """Whether all places are meant, and not one that is called so."""
    return wanted in _EVERYWHERE and all(wanted not in (row.place, row.name) for row in rows)


def _pick(rows: list[_Row], wanted: str) -> list[_Row]:
    """The place called ``wanted`` by code or name, then what lies in it."""
    if _is_everywhere(rows, wanted):
        return rows
    found = [row for row in rows if row.place == wanted]
    found = found or [row for row in rows if row.name == wanted]
    if len(found) > 1:
        which = ", ".join(row.place for row in found[:5])
        raise Refused(
            say(f"有 {len(found)} 处叫 {wanted},请用编码:{which}",
                f"{len(found)} places are called {wanted}; use the code: {which}")
        )  # fmt: skip
    if not found:
        near = like(wanted, [each for row in rows for each in (row.place, row.name)])
        raise Refused(say(f"没有地点 {wanted}{near}", f"there is no place {wanted}{near}"))
    inside = {found[0].place}
    for row in rows:  # a place comes before what lies in it
        if row.parent in inside:
            inside.add(row.place)
    return [row for row in rows if row.place in inside]


# --- what is shown -----------------------------------------------------------------------


def _show(rows: list[_Row], zone: tzinfo | None) -> None:
    if not rows:
        click.echo(say("登记簿里没有地点", "the registry has no places"))
    top = min((row.depth for row in rows), default=0)
    for row in rows:
        click.echo("  " * (row.depth - top) + _line(row, zone))


def _line(row: _Row, zone: tzinfo | None) -> str:
    """As ``第一网格 (1309010101): 在家布防,自 01-05 16:00,张三,到 01-05 18:00``."""
    mode = _MODES.get(row.mode)
    facts = [mode.say(language()) if mode is not None else row.mode]
    named, plan = say(row.by_name, row.by_name_en), say(row.plan_title, row.plan_title_en)
    who = {
        "person": named,
        "device": say(f"设备“{named}”", f'device "{named}"'),
        "plan": say(f"计划“{named}”", f'plan "{named}"'),
    }
    if row.since:
        facts.append(say(f"自 {_time(row.since, zone)}", f"since {_time(row.since, zone)}"))
    if said := who.get(row.by.partition(":")[0]):
        facts.append(said)
    if row.until:
        facts.append(say(f"到 {_time(row.until, zone)}", f"until {_time(row.until, zone)}"))
    if row.next:
        at = _time(row.next, zone)
        facts.append(say(f"计划“{plan}”于 {at} 切换", f'plan "{plan}" switches at {at}'))
    return f"{row.name} ({row.place}): {', '.join(facts)}"


def _time(moment: datetime, zone: tzinfo | None) -> str:
    return f"{moment.astimezone(zone):%m-%d %H:%M}"
