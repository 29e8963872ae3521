"""``gridwarden demo``: everything on one machine, no server needed."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import click

from gateway.app import Running, configure_log, gateway
from gateway.cli._problems import in_chinese, told
from gateway.cli._say import say
from gateway.config import Settings
from gateway.demo.run import run
from gateway.options import parse_duration


@click.command(
    "demo",
    help=say(
        "在一台机器上演示全部功能:内置代理、真实录制数据、控制台;找到 influxd 时也写入时序库。\n\n"
        "例:gridwarden demo --for 30s",
        "Everything on one machine: embedded broker, real recordings, console; streams to an"
        " influxd of its own where one is installed.\n\n"
        "Example: gridwarden demo --for 30s",
    ),
)
@click.option(
    "--for", "span", default=None, help=say("时长,如 30s;默认直到 Ctrl-C", "how long, like 30s")
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    help=say("控制台端口;0 为任意空闲端口", "the console's port; 0: any free one"),
)
def command(span: str | None, port: int) -> int:
    """See the help text."""
    try:
        seconds = parse_duration(span) if span is not None else None
    except ValueError as error:
        raise click.BadParameter(told(str(error)), param_hint="--for") from None
    return asyncio.run(run(_start, seconds, click.echo, port))


def _start(settings: Settings) -> AbstractAsyncContextManager[Running]:
    configure_log("warning")  # the story says the rest
    return gateway(settings, chinese=in_chinese)
