"""``gridwarden influx``: prepares a time-series database, and brings the past to it."""

from __future__ import annotations

import importlib

import click

from gateway.cli._say import say
from gateway.model import Text

COMMANDS = {
    "setup": Text(
        "准备数据库:保留期、降采样、最小权限的用户或令牌",
        "prepare the database: retention, downsampling, least-privilege users or tokens",
    ),
    "backfill": Text(
        "把过去的一段补写进数据库,不影响运行中的网关",
        "bring a stretch of the past to it, beside a running gateway",
    ),
}
"""Subcommand -> what it does; the module ``_influx_NAME`` has its ``command``."""


class _Commands(click.Group):
    """The help of one needs no imports of the other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"gateway.cli._influx_{cmd_name}")
        found: click.Command = module.command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(say("命令", "Commands")):
            formatter.write_dl([(name, say(text.zh, text.en)) for name, text in COMMANDS.items()])


@click.group(
    "influx",
    cls=_Commands,
    help=say(
        "时序数据库(InfluxDB、VictoriaMetrics):准备与补写。\n\n"
        "例:gridwarden influx setup site.yaml --print",
        "A time-series database (InfluxDB, VictoriaMetrics): prepare it, bring the past to it.\n\n"
        "Example: gridwarden influx setup site.yaml --print",
    ),
)
def command() -> None:
    """See the help text."""
