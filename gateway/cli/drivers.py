"""``gridwarden drivers``: what can be read, how well, and what to write for it."""

from __future__ import annotations

import click

from gateway.cli._problems import told
from gateway.cli._say import language, say
from gateway.config.catalogue import LEVELS, Entry, drivers
from gateway.document import nearest


@click.command(
    "drivers",
    help=say(
        "列出全部驱动及其质量等级;给出名称时显示配置样例。\n\n例:gridwarden drivers mqtt/tasmota",
        "Every driver with its quality level; with a NAME, its sample configuration.\n\n"
        "Example: gridwarden drivers mqtt/tasmota",
    ),
)
@click.argument("name", required=False)
def command(name: str | None) -> int:
    """See the help text."""
    found = drivers()
    if name is None:
        for entry in found:
            click.echo(_line(entry))
        click.echo(
            say(
                "样例:gridwarden drivers 名称;用模拟设备试用:gridwarden try 驱动 --simulator",
                "A sample: gridwarden drivers NAME; with a simulated device:"
                " gridwarden try DRIVER --simulator",
            )
        )
        return 0
    entries = {entry.name: entry for entry in found}
    if name not in entries:
        raise click.BadParameter(told(f"there is no driver {name!r}{nearest(name, entries)}"))
    entry = entries[name]
    click.echo(f"# {_line(entry)}")
    click.echo(f"# {say('说明', 'more')}: {entry.folder / 'README.md'}")
    click.echo(entry.sample.rstrip())
    return 0


def _line(entry: Entry) -> str:
    level = LEVELS[entry.level].say(language())
    return f"{entry.name:<24} {level:<9} {entry.about.say(language())}"
