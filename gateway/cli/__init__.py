"""The command ``gridwarden``: one file per subcommand, imported only when it is asked for.

Exit codes: 0 done, 1 something is wrong (said in one line), 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import keyword
import os
import sqlite3
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Final

import click

from gateway.cli._lazy import Lazy
from gateway.cli._problems import sentence
from gateway.cli._say import choose, say
from gateway.document import Problems
from gateway.model import Text
from gateway.ports import Refused, Unavailable

COMMANDS: Final = {
    "demo": Text(
        "在一台机器上演示全部功能,无需服务器", "everything on one machine, no server needed"
    ),
    "run": Text("运行网关", "the program"),
    "check": Text(
        "检查配置,一次列出全部错误", "all errors of a configuration at once, or a summary"
    ),
    "drivers": Text("全部驱动、质量等级和样例", "every driver with its level and a sample"),
    "try": Text("试运行一个驱动:显示读数,不保存", "print a driver's readings, store nothing"),
    "test": Text("在虚拟时间里测试规则", "test rules in virtual time"),
    "replay": Text(
        "用另一套规则重放过去,看会有什么不同", "what other rules would have done with the past"
    ),
    "explain": Text(
        "一起事件的来龙去脉:为何发生、通知了谁", "why an incident opened and who was told"
    ),
    "audit": Text(
        "核查记录:有无改动、删除,锚点和签名是否相符", "whether anything of the record was changed"
    ),
    "export": Text(
        "导出登记表、一起事件的全部记录,或一段时间的数据",
        "the registry, all about an incident, or a period, as files",
    ),
    "arm": Text("布防、撤防,或显示各处的布防状态", "arm or disarm a place, or show what is armed"),
    "silence": Text("检修静默:列出、新增、结束", "maintenance silences: list, begin or end one"),
    "dashboards": Text(
        "Grafana 看板:写成文件,或送入 Grafana", "the Grafana dashboards, as files or pushed"
    ),
    "hazards": Text("隐患台账", "the hazard register"),
    "patrol": Text("某一天的巡查和漏点", "the rounds of a day and what was missed"),
    "import": Text(
        "导入登记表:网格、设备、人员、值班表", "import places, devices, people and rosters"
    ),
    "influx": Text("时序数据库:准备、补写", "prepare a time-series database, backfill it"),
    "journal": Text("日志库:深度、完整性、隔离区", "the journal: depth, integrity, quarantine"),
    "ledger": Text("每条读数的去向", "where every reading went"),
}
"""Subcommand -> what it does; the module of ``module_of`` has its ``command``."""

_debug = False


def module_of(name: str) -> str:
    """The module of a subcommand: ``import_`` for ``import``, a word that Python keeps."""
    return f"{name}_" if keyword.iskeyword(name) else name


def _expected() -> tuple[type[BaseException], ...]:
    """Errors that are no bugs. Asked for when there is one: the store takes its time to import."""
    from gateway.store.schema import SchemaError

    return (Problems, Unavailable, Refused, ValueError, OSError, sqlite3.Error, SchemaError)


class _Commands(Lazy):
    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_usage(ctx, formatter)
        formatter.write_paragraph()
        formatter.write_text(
            say(
                "Gridwarden:社区安全的边缘网关与传感器中心。",
                "An edge gateway for community safety.",
            )
        )
        formatter.write_paragraph()
        formatter.write_text(say("例:", "Example: ") + "gridwarden check site.yaml")
        self.format_options(ctx, formatter)


def _lang(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value:
        choose(value)


def _set_debug(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    global _debug
    _debug = value


@click.group(
    cls=_Commands,
    texts=COMMANDS,
    module=lambda name: f"gateway.cli.{module_of(name)}",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--lang",
    type=click.Choice(["zh", "en"]),
    is_eager=True,
    expose_value=False,
    callback=_lang,
    help="zh / en (LANG)",
)
@click.option(
    "--debug",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_set_debug,
    help="traceback",
)
@click.version_option(package_name="gridwarden")
def group() -> None:
    """See ``format_help``."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; every expected error is one line and no traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a GBK terminal lacks some of our signs
            stream.reconfigure(errors="backslashreplace")
    sys.excepthook = _unexpected
    try:
        result = group.main(arguments, prog_name="gridwarden", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except BrokenPipeError:  # the reader of a pipe went away: nobody is left to be told
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except _expected() as error:
        if _debug:
            raise
        _complain(error)
        sys.exit(1)
    except BaseExceptionGroup as error:  # of a task group: expected when each of its errors is
        _, interrupted_or_bug = error.split(_expected())
        if interrupted_or_bug is not None and interrupted_or_bug.subgroup(KeyboardInterrupt):
            sys.exit(130)
        if interrupted_or_bug is not None or _debug:
            raise
        _complain(error)
        sys.exit(1)
    sys.exit(result if isinstance(result, int) else 0)


def _complain(error: BaseException) -> None:
    """Say what is wrong on the error stream, one line for each thing."""
    for line in lines(error):
        click.echo(line, err=True)


def lines(error: BaseException) -> list[str]:
    """What is wrong: a line for every problem of a file, else one line."""
    if isinstance(error, BaseExceptionGroup):
        return [line for inner in error.exceptions for line in lines(inner)]
    if isinstance(error, Problems):
        count = len(error.problems)
        last = say(f"共 {count} 处错误", f"{count} error{'s' if count != 1 else ''}")
        return [*map(sentence, error.problems), last]
    if isinstance(error, Unavailable | Refused):
        return [_one_line(error.reason)]
    if isinstance(error, OSError) and error.strerror:
        where = f" {error.filename}" if error.filename else ""
        return [_one_line(f"{error.strerror}{where}")]
    if isinstance(error, sqlite3.Error):
        where = say("数据库文件在 site.data 目录下", "the databases lie in the folder site.data")
        return [_one_line(f"{say('数据库', 'database')}: {error}; {where}")]
    return [_one_line(str(error))]


def _one_line(text: str) -> str:
    return f"{say('错误', 'error')}: {' '.join(text.split())}"


def _unexpected(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """One line for a bug, too; the interpreter exits with 1 after it."""
    if _debug:
        sys.__excepthook__(kind, error, trace)
        return
    hint = say(
        "(程序缺陷;gridwarden --debug … 显示详情)", "(a bug; gridwarden --debug … shows where)"
    )
    for line in lines(error):
        click.echo(f"{line} [{type(error).__name__}] {hint}", err=True)
