"""``gridwarden influx``: prepares a time-series database, and brings the past to it."""

from __future__ import annotations

import click

from gateway.cli._lazy import Lazy
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


@click.group(
    "influx",
    cls=Lazy,
    texts=COMMANDS,
    module=lambda name: f"gateway.cli._influx_{name}",
    help=say(
        "时序数据库(InfluxDB、VictoriaMetrics):准备与补写。\n\n"
        "例:gridwarden influx setup site.yaml --print",
        "A time-series database (InfluxDB, VictoriaMetrics): prepare it, bring the past to it.\n\n"
        "Example: gridwarden influx setup site.yaml --print",
    ),
)
def command() -> None:
    """See the help text."""
