"""``gridwarden influx setup``: a time-series database to where sink and dashboards want it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import click

from gateway.cli._influx_backfill import sink_option
from gateway.cli._say import language, say
from gateway.cli._sinks import chosen, in_our_words
from gateway.cli.check import DEFAULT_FILE
from gateway.clock import SystemClock
from gateway.config import load
from gateway.model import SECOND, Text
from gateway.options import parse_duration
from gateway.ports import Refused
from gateway.sinks.influxdb import setup1
from gateway.sinks.influxdb.options import Options
from gateway.sinks.influxdb.ready import Admin, Ready1, is_victoria
from gateway.sinks.influxdb.setup1 import User, Wanted

ADMIN: Final = "GRIDWARDEN_INFLUX_ADMIN_PASSWORD"
ADMIN_TOKEN: Final = "GRIDWARDEN_INFLUX_ADMIN_TOKEN"  # noqa: S105 - the name of a variable
READER: Final = "GRIDWARDEN_INFLUX_READER_PASSWORD"
"""Where secrets come from when no file is named; else they are asked for."""
_HOUR: Final = 3_600
_SMALL: Final = 0o600


class _Keep(click.ParamType[int]):
    """A duration of whole hours, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        try:
            seconds = parse_duration(str(value))
        except ValueError:
            seconds = 0.0
        if seconds < _HOUR:
            self.fail(
                say(f"{value!r} 不是一小时以上的时长;请写 90d",
                    f"{value!r} is no duration of an hour or more; write 90d"),
                param,
                ctx,
            )  # fmt: skip
        return int(seconds)


_SECRET: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    "setup",
    help=say(
        "准备 sink 所写的数据库。1.x:数据库、保留策略(90 天与 5 年)、按小时的连续查询、"
        "只写与只读的用户;2.x:桶、任务、映射、令牌;3.x:数据库;VictoriaMetrics:无需准备。"
        "已有的保持不变,可重复执行。密码和令牌来自环境变量"
        f"({ADMIN}、{ADMIN_TOKEN}、{READER})或文件,否则询问,从不显示。\n\n"
        "例:gridwarden influx setup site.yaml --admin root",
        "Prepare the database that the sink writes to. 1.x: database, retention policies (90 days"
        " and 5 years), an hourly continuous query, a user that writes and one that reads; 2.x:"
        " buckets, a task, mappings, tokens; 3.x: the database; VictoriaMetrics: nothing. What is"
        " there stays; it may be run again. Passwords and tokens come from the environment"
        f" ({ADMIN}, {ADMIN_TOKEN}, {READER}) or from files, else they are asked for, and are never"
        " shown.\n\n"
        "Example: gridwarden influx setup site.yaml --admin root",
    ),
)
@click.argument("file", default=DEFAULT_FILE, type=click.Path(path_type=Path))
@sink_option
@click.option(
    "--print",
    "only_print",
    is_flag=True,
    help=say("只显示要执行的语句,不连接", "only show what would be stated; connect to nothing"),
)
@click.option("--admin", default="", help=say("1.x 的管理员", "the administrator of a 1.x"))
@click.option(
    "--admin-secret",
    type=_SECRET,
    help=say("管理员密码或令牌的文件", "a file with the administrator's password or token"),
)
@click.option(
    "--reader",
    default="grafana",
    show_default=True,
    help=say("1.x 的只读用户", "the user of a 1.x that reads"),
)
@click.option(
    "--reader-secret",
    type=_SECRET,
    help=say("只读用户密码的文件", "a file with that user's password"),
)
@click.option(
    "--keep",
    type=_Keep(),
    help=say("原始数据保留多久(新建时 90d)", "how long everything is kept (new: 90d)"),
)
@click.option(
    "--keep-hourly",
    "years",
    type=_Keep(),
    help=say("每小时值保留多久(新建时 1825d)", "how long hourly values are kept (new: 1825d)"),
)
@click.option(
    "--tokens",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help=say("2.x 的新令牌写入哪个目录", "the folder that new tokens of a 2.x are written to"),
)
@click.option(
    "--hourly-since",
    type=_Keep(),
    help=say(
        "1.x、2.x:再把过去这段时间算成每小时值(补写之后)",
        "1.x, 2.x: also draw so much of the past together, hour by hour (after a backfill)",
    ),
)
def command(
    file: Path,
    sink: str,
    only_print: bool,
    admin: str,
    admin_secret: Path | None,
    reader: str,
    reader_secret: Path | None,
    keep: int | None,
    years: int | None,
    tokens: Path,
    hourly_since: int | None,
) -> int:
    """See the help text."""
    _, configured = chosen(load(file), sink)
    options = configured.options
    assert isinstance(options, Options)  # noqa: S101 - the type was asked for
    if options.version == 1:
        secret = "" if only_print else _secret(READER, reader_secret, f"--reader {reader}")
        wanted = Wanted(
            options.database,
            options.retention_policy or setup1.RAW,
            keep,
            years,
            _users(options, reader, secret or "?" * only_print),
        )
        if only_print:
            return _shown(wanted)
        who = None
        if admin:
            who = Admin(admin, _required(ADMIN, admin_secret, f"--admin {admin}"))
        with in_our_words():
            made = asyncio.run(_first(options, wanted, who, hourly_since))
    elif only_print:
        made = _shown_later(options)
    else:
        token = _required(ADMIN_TOKEN, admin_secret, "--admin-secret")
        with in_our_words():
            made = _later(options, token, keep, years, tokens, hourly_since)
    if not made and not only_print:
        click.echo(say("一切就绪,没有改动", "everything is there, nothing was changed"))
    return 0


def _users(options: Options, reader: str, secret: str) -> tuple[User, ...]:
    """Of a server without passwords nobody needs to be known."""
    found: list[User] = []
    if options.password is not None:
        found.append(User(options.username, "WRITE", options.password.reveal()))
    else:
        _note(
            Text(
                "sink 没有 username 和 password:不建写入用户",
                "the sink has no username and password: no user that writes is made",
            )
        )
    if secret:
        found.append(User(reader, "READ", secret))
    else:
        _note(
            Text(
                f"没有 {reader} 的密码({READER}):不建只读用户",
                f"no password for {reader} ({READER}): no user that reads is made",
            )
        )
    return tuple(found)


def _shown(wanted: Wanted) -> int:
    for statement in setup1.statements(wanted, setup1.There()):
        click.echo(statement.shown)
    return 0


def _shown_later(options: Options) -> int:
    if options.version == 2:
        from gateway.sinks.influxdb.ready2 import flux

        click.echo(flux(options.bucket))
    else:
        click.echo(f"POST /api/v3/configure/database {options.database}")
    return 0


async def _first(
    options: Options, wanted: Wanted, admin: Admin | None, hourly_since: int | None
) -> int:
    if await is_victoria(options):
        _note(
            Text(
                "这是 VictoriaMetrics:无需准备;保留期由 -retentionPeriod 决定",
                "this is VictoriaMetrics: nothing to prepare; -retentionPeriod says how long it"
                " keeps",
            )
        )
        return 1
    async with Ready1(options, admin, _note) as server:
        made = await server.prepare(wanted)
        for begin, end in _days(hourly_since):
            await server.draw_together(wanted, begin, end)
            made += 1
        return made


def _days(since: int | None) -> Iterator[tuple[int, int]]:
    """Begin and end (wall ns) of each day of the last ``since`` seconds, with a bar beside.

    Day by day: a whole month at once would be one long statement.
    """
    if since is None:
        return
    now = SystemClock().now().wall
    day = int(timedelta(days=1).total_seconds()) * SECOND
    begin = (now - since * SECOND) // day * day
    days = range(begin, now, day)
    with click.progressbar(days, label=say("按小时汇总", "hourly values"), file=sys.stderr) as bar:
        for at in bar:
            yield at, at + day


def _later(
    options: Options,
    token: str,
    keep: int | None,
    years: int | None,
    tokens: Path,
    hourly_since: int | None,
) -> int:
    """2.x and 3.x."""
    if options.version == 3:
        from gateway.sinks.influxdb.ready3 import prepare

        made = asyncio.run(prepare(options, token, keep, _note))
        _note(
            Text(
                "3.x 没有连续查询;令牌请用 influxdb3 create token 建立",
                "3.x has no continuous queries; make tokens with influxdb3 create token",
            )
        )
        return made
    try:
        from gateway.sinks.influxdb.ready2 import Ready2
    except ImportError:
        raise Refused(
            say("2.x 需要:pip install gridwarden[influxdb2]",
                "2.x needs: pip install gridwarden[influxdb2]")
        ) from None  # fmt: skip
    server = Ready2(options, token, _note)
    try:
        made = server.prepare(keep, years, _kept_in(tokens, options.bucket))
        for begin, end in _days(hourly_since):
            server.draw_together(begin, end)
            made += 1
        return made
    finally:
        server.close()


def _kept_in(folder: Path, bucket: str) -> Callable[[str, str], None]:
    """Under the bucket's name: an installer may make several sites ready from one folder."""
    name = bucket.replace("/", "_")

    def keep(what: str, token: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.{what}.token"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _SMALL)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(token + "\n")
        _note(Text(f"令牌已写入 {path}", f"the token is in {path}"))

    return keep


def _secret(name: str, file: Path | None, what: str) -> str:
    """From the file, the environment, or whoever sits there; "" when nobody does."""
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    if name in os.environ:
        return os.environ[name]
    if not sys.stdin.isatty():
        return ""
    asked: str = click.prompt(
        say(f"{what} 的密码或令牌(回车跳过)", f"password or token of {what} (Enter: none)"),
        hide_input=True,
        default="",
        show_default=False,
        err=True,
    )
    return asked


def _required(name: str, file: Path | None, what: str) -> str:
    found = _secret(name, file, what)
    if not found:
        raise Refused(
            say(f"{what}:没有密码或令牌;请设置环境变量 {name},或用 --admin-secret 指定文件",
                f"{what}: no password or token; set {name} in the environment, or name a file with"
                " --admin-secret")
        )  # fmt: skip
    return found


def _note(text: Text) -> None:
    click.echo(text.say(language()))
