"""``gridwarden silence``: the maintenance silences of a running gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import click
import msgspec

from gateway.cli._past import plain, word
from gateway.cli._problems import told
from gateway.cli._running import PATIENCE, Who, ask, gateway_at, person_id
from gateway.cli._say import say
from gateway.cli.check import DEFAULT_FILE
from gateway.model import Category
from gateway.options import parse_duration

_URL: Final = "/api/v1/silences"


class _Row(msgspec.Struct, kw_only=True):
    """What the gateway answers of a silence, as far as it is shown."""

    id: int
    place: str
    place_name: str
    device: str
    device_name: str
    rule: str
    category: str
    since: datetime
    until: datetime
    stands: bool
    over: bool
    because: str
    by_name: str
    ended_by: str


Way = Callable[[Any, str], Coroutine[Any, Any, list[_Row]]]
"""What is asked of the gateway: given a session and its address."""


def _where(function: Callable[..., int]) -> Callable[..., int]:
    """The options that say which gateway is meant."""
    config = click.option(
        "--config",
        type=click.Path(path_type=Path),
        default=Path(DEFAULT_FILE),
        show_default=True,
        help=say("配置文件,其中有网关地址", "the configuration that says where the gateway is"),
    )
    url = click.option("--url", default="", help=say("网关地址", "the gateway's address"))
    return config(url(function))


_by = click.option(
    "--by", required=True, help=say("由谁设置:人员编号或姓名", "who: a person's id or name")
)


@click.group(
    "silence",
    help=say(
        "检修静默:有人在现场检修,报警照常记录,但不通知。list 列出,add 新增,end 提前结束。\n\n"
        "例:gridwarden silence add --place 990101010101 --for 2h --by 张三 --because 更换烟感",
        "Maintenance silences: somebody works there; alarms are recorded, and nobody is told. list"
        " shows them, add begins one, end ends one early.\n\n"
        "Example: gridwarden silence add --place 990101010101 --for 2h --by zhang"
        " --because 'new detectors'",
    ),
)
def command() -> None:
    """See the help text."""


@command.command(
    "list",
    short_help=say("列出正在进行和将要开始的静默", "those that stand or are to come"),
    help=say(
        "列出正在进行和将要开始的静默;--all 也列出最近结束的。\n\n例:gridwarden silence list",
        "Those that stand or are to come; --all shows those that ended lately too.\n\n"
        "Example: gridwarden silence list",
    ),
)
@click.option("--all", "every", is_flag=True, help=say("也列出已结束的", "ended ones as well"))
@_where
def show(every: bool, config: Path, url: str) -> int:
    """See the help text. Exit code 1 when the gateway does not run."""

    async def way(session: Any, address: str) -> list[_Row]:
        return await ask(session, "GET", address + _URL, _Row)

    rows, zone = _asked(config, url, way)
    _print([row for row in rows if every or not row.over], zone)
    return 0


@command.command(
    "add",
    short_help=say("新增一条静默", "begin one, of a place, a device, a rule or a category"),
    help=say(
        "新增一条静默:按地点(含其下级)、设备、规则或类别,写明的都须符合。最长 30 天;生命安全类"
        "只能按设备或楼栋,最长 24 小时。\n\n"
        "例:gridwarden silence add --device s301 --for 90m --by 张三 --because 更换烟感",
        "Silence a place (with all in it), a device, a rule or a category; all that are given have"
        " to fit. Up to 30 days; life safety only of a device or a building, up to 24 h.\n\n"
        "Example: gridwarden silence add --device s301 --for 90m --by zhang --because 'new"
        " detector'",
    ),
)
@click.option("--place", default="", help=say("地点编码", "the code of a place"))
@click.option("--device", default="", help=say("设备编号", "the id of a device"))
@click.option("--rule", default="", help=say("规则名", "the name of a rule"))
@click.option(
    "--category",
    default="",
    type=click.Choice(["", *(each.value for each in Category)]),
    help=say("类别", "a category"),
)
@click.option("--for", "span", required=True, help=say("持续多久,如 2h", "how long, like 2h"))
@click.option("--begin", default="", help=say("多久以后开始,如 30m", "in how long, like 30m"))
@click.option("--because", required=True, help=say("理由", "the reason"))
@_by
@_where
def add(config: Path, url: str, by: str, **asked: str) -> int:
    """See the help text. Exit code 1 when the gateway does not run or does not take it."""
    for option, name in (("for", "span"), ("begin", "begin")):
        if asked[name]:
            _check_span(option, asked[name])
    body = {"for": asked.pop("span"), **asked}
    before: set[int] = set()

    async def way(session: Any, address: str) -> list[_Row]:
        people = await ask(session, "GET", f"{address}/api/v1/people", Who)
        before.update(row.id for row in await ask(session, "GET", address + _URL, _Row))
        wanted = {**body, "person": person_id(people, by)}
        return await ask(session, "POST", address + _URL, _Row, wanted)

    rows, zone = _asked(config, url, way)
    _print([row for row in rows if row.id not in before], zone)
    return 0


@command.command(
    "end",
    short_help=say("提前结束一条静默", "end one early"),
    help=say(
        "提前结束一条静默;NUMBER 见 list。\n\n例:gridwarden silence end 12 --by 张三",
        "End a silence early; list shows its NUMBER.\n\n"
        "Example: gridwarden silence end 12 --by zhang",
    ),
)
@click.argument("number", type=click.IntRange(1))
@_by
@_where
def end(number: int, by: str, config: Path, url: str) -> int:
    """See the help text. Exit code 1 when the gateway does not run or has no such silence."""

    async def way(session: Any, address: str) -> list[_Row]:
        people = await ask(session, "GET", f"{address}/api/v1/people", Who)
        person = quote(person_id(people, by), safe="")
        return await ask(session, "DELETE", f"{address}{_URL}/{number}?person={person}", _Row)

    rows, zone = _asked(config, url, way)
    _print([row for row in rows if row.id == number], zone)
    return 0


def _check_span(option: str, text: str) -> None:
    try:
        parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(told(str(error)), param_hint=f"--{option}") from None


def _asked(config: Path, url: str, way: Way) -> tuple[list[_Row], tzinfo | None]:
    address, zone = gateway_at(config, url)

    async def go() -> list[_Row]:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            return await way(session, address)

    return asyncio.run(go()), zone


# --- what is shown -----------------------------------------------------------------------


def _print(rows: list[_Row], zone: tzinfo | None) -> None:
    if not rows:
        click.echo(say("没有静默", "there are no silences"))
    for row in rows:
        click.echo(_line(row, zone))


def _line(row: _Row, zone: tzinfo | None) -> str:
    """As ``12  3号楼  01-05 16:00 – 01-05 18:00  正在静默  张三:更换烟感``."""
    state = say("正在静默", "stands") if row.stands else say("未开始", "to come")
    if row.over:
        state = say("已结束", "over")
    span = f"{_time(row.since, zone)} – {_time(row.until, zone)}"
    who = f"{row.by_name}{say(':', ': ')}{row.because}"
    return plain("  ".join((str(row.id), _about(row), span, state, who)))


def _about(row: _Row) -> str:
    parts = [
        f"{row.place_name} ({row.place})" if row.place else "",
        f"{row.device_name} ({row.device})" if row.device else "",
        say(f"规则 {row.rule}", f"rule {row.rule}") if row.rule else "",
        word("category", row.category) if row.category else "",
    ]
    return say("、", ", ").join(part for part in parts if part)


def _time(moment: datetime, zone: tzinfo | None) -> str:
    return f"{moment.astimezone(zone):%m-%d %H:%M}"
