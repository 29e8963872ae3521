"""``gridwarden check``: every error of a configuration at once, or a summary."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import click

from gateway.cli._problems import sentence
from gateway.cli._say import language, say
from gateway.clock import SystemClock
from gateway.config import Configured, Settings, load, plugins, summary
from gateway.plugins import make
from gateway.ports import Clock, Refused, Unavailable

DEFAULT_FILE: Final = "/etc/gridwarden/gridwarden.yaml"
_PATIENCE: Final = 10.0
"""Seconds for one far end: a broker across a slow link answers within a few."""


@click.command(
    "check",
    help=say(
        "检查配置文件:一次列出全部错误(文件:行:列),没有错误则给出摘要。\n\n"
        "例:gridwarden check site.yaml --connect",
        "Show every error of a configuration at once (file:line:column), or a summary.\n\n"
        "Example: gridwarden check site.yaml --connect",
    ),
)
@click.argument("file", default=DEFAULT_FILE, type=click.Path(path_type=Path))
@click.option(
    "--connect",
    is_flag=True,
    help=say("逐个尝试连接各设备与服务器", "try to reach every far end"),
)
def command(file: Path, connect: bool) -> int:
    """See the help text."""
    settings = load(file)
    if settings.registry is None:
        settings = asyncio.run(_with_registry(settings))
    for line in summary(settings, language()):
        click.echo(line)
    for warning in settings.warnings:
        click.echo(f"{say('注意', 'warning')}: {sentence(warning)}")
    click.echo(say(f"{file}:配置正确", f"{file}: the configuration is right"))
    if not connect:
        return 0
    return 0 if asyncio.run(_reach_all(settings)) else 1


async def _with_registry(settings: Settings) -> Settings:
    """With what ``gridwarden import`` has brought, so that it is looked over, too.

    A database that can not be read now says so with ``--connect`` and at the start.
    """
    from gateway.cli._past import casebook  # late: most sites keep theirs in files

    try:
        async with casebook(settings.site) as cases:
            return settings.model_copy(update={"imported": await cases.site()})
    except (OSError, Unavailable):
        return settings


async def _reach_all(settings: Settings) -> bool:
    """Try every far end, one after the other; whether all could be reached."""
    clock = SystemClock(settings.clock.trust)
    well = not settings.site.cases.url or await _reach_cases(settings, clock)
    for section in plugins.PACKAGES:
        entries: dict[str, Configured] = getattr(settings, section)
        for name, configured in entries.items():
            try:
                said = await _reach(section, name, configured, clock)
                click.echo(f"+ {section}.{name}: {said}")
            except (Unavailable, Refused) as error:
                well = False
                click.echo(f"! {section}.{name}: {error.reason}")
            except ValueError as error:  # a secret that is not there
                well = False
                click.echo(f"! {section}.{name}: {error}")
    return well


async def _reach_cases(settings: Settings, clock: Clock) -> bool:
    """Whether the database that holds ``cases.db`` answers; nothing is changed in it."""
    from gateway.store.cases_side import Side  # late: most sites keep it in a file
    from gateway.store.databases import database

    try:
        kept_in = database(settings.site.data, settings.site.cases.reveal())
        side = Side(kept_in, clock, writes=False, turned=lambda: None)
        try:
            await side.open()
            version = await side.run(kept_in.version)
        finally:
            await side.close()
    except Unavailable as error:
        click.echo(f"! site.cases: {error.reason}")
        return False
    said = say(f"可连接,表结构 {version}", f"can be reached, schema {version}")
    click.echo(f"+ site.cases: {kept_in.name}: {said}")
    return True


async def _reach(section: str, name: str, configured: Configured, clock: Clock) -> str:
    """One sentence on the far end; ``Unavailable`` when it can not be reached."""
    plugin = make(section, name, configured, clock)
    if not hasattr(plugin, "check"):
        return say("没有可连接的对象", "has nothing to be reached")
    try:
        async with asyncio.timeout(_PATIENCE), AsyncExitStack() as stack:
            if hasattr(plugin, "__aenter__"):
                await stack.enter_async_context(plugin)
            return str(await plugin.check())
    except TimeoutError:
        raise Unavailable(
            say(f"{_PATIENCE:g} 秒内没有应答", f"no answer within {_PATIENCE:g} s")
        ) from None
