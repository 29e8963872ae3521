"""``gridwarden run``: the program itself, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import click

# structlog imports these wherever they are installed (the demo's broker brings rich, the tests'
# browser greenlet), for what this program does not use: 5 and 1 MB on a board with little.
for _name in ("greenlet", "rich"):
    sys.modules.setdefault(_name, None)  # type: ignore[arg-type]

from gateway.app import configure_log, gateway  # noqa: E402
from gateway.cli._problems import in_chinese, sentence  # noqa: E402
from gateway.cli._say import say  # noqa: E402
from gateway.cli.check import DEFAULT_FILE  # noqa: E402
from gateway.config import Settings, load  # noqa: E402
from gateway.document import Problems  # noqa: E402


@click.command(
    "run",
    help=say(
        "运行网关,直到收到 SIGTERM 或 Ctrl-C。SIGHUP:立即重新读取规则和登记表"
        "(文件改动后几秒内也会自动读取)。\n\n"
        "例:gridwarden run /etc/gridwarden/gridwarden.yaml",
        "Run the gateway until SIGTERM or Ctrl-C. On SIGHUP it reads rules and registry again at"
        " once (a few seconds after they have changed it does so by itself).\n\n"
        "Example: gridwarden run /etc/gridwarden/gridwarden.yaml",
    ),
)
@click.argument("file", type=click.Path(path_type=Path), default=Path(DEFAULT_FILE))
def command(file: Path) -> int:
    """See the help text."""
    settings = _settings(file)
    configure_log(settings.log.level)
    asyncio.run(_run(settings))
    return 0


def _settings(file: Path) -> Settings:
    """What the files say; where rules or registry are wrong, what was in force before.

    Somebody's slip in a rule file must not be the end of every alarm at the next power cut.
    """
    try:
        return load(file)
    except Problems as error:
        from gateway.cli._last import last_rules  # late: it brings half of the commands along

        files = last_rules(file)
        if files is None:
            raise
        try:
            settings = load(file, files)
        except Problems:  # something else is wrong, too, or these rules are of another time
            raise error from None
        for problem in error.problems:
            click.echo(sentence(problem), err=True)
        begun = say(
            "以上有错;先用上次生效的规则和登记表启动",
            "starting with the rules and registry that were last in force",
        )
        click.echo(begun, err=True)
        return settings.model_copy(update={"refused": tuple(map(str, error.problems))})


async def _run(settings: Settings) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    while not stopped.is_set():
        async with gateway(settings, chinese=in_chinese) as running:
            loop.add_signal_handler(signal.SIGHUP, running.reload)
            click.echo(f"console: {running.console_url}")
            stopping = asyncio.ensure_future(stopped.wait())
            either: tuple[asyncio.Future[Any], ...] = (stopping, running.damaged)
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if running.damaged.done():
                reason = running.damaged.result()
                click.echo(say(f"{reason};重新启动", f"{reason}; starting again"), err=True)
