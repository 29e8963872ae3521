"""``gridwarden journal``: depth per reader, integrity and quarantine, beside a running gateway."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.cli._journal import look
from gateway.cli._say import say
from gateway.cli.check import DEFAULT_FILE
from gateway.model import SECOND
from gateway.store.journal_file import JournalFile, Start


@click.command(
    "journal",
    help=say(
        "显示日志库的大小、每个读取者的积压、隔离区;--verify 检查完整性。\n\n"
        "例:gridwarden journal /etc/gridwarden/gridwarden.yaml --verify --quarantine 20",
        "Size of the journal, depth of each reader, quarantine; --verify checks the file.\n\n"
        "Example: gridwarden journal /etc/gridwarden/gridwarden.yaml --verify --quarantine 20",
    ),
)
@click.argument("file", type=click.Path(path_type=Path), default=Path(DEFAULT_FILE))
@click.option("--verify", is_flag=True, help=say("检查完整性", "check integrity and numbering"))
@click.option(
    "--quarantine",
    "most",
    type=click.IntRange(0, 10_000),
    default=5,
    show_default=True,
    help=say("显示隔离区最近几条", "how many of the newest quarantined to show"),
)
def command(file: Path, verify: bool, most: int) -> int:
    """See the help text. Exit code 1 when the file is damaged."""
    with look(file) as (start, journal):
        _depth(start, journal)
        _quarantine(journal, most)
        wrong = journal.verify() if verify else []
    for line in wrong:
        click.echo(f"{say('损坏', 'damaged')}: {line}", err=True)
    if verify and not wrong:
        click.echo(say("完整", "sound"))
    return 1 if wrong else 0


def _depth(start: Start, journal: JournalFile) -> None:
    size = journal.size() / 1e6
    click.echo(
        f"{say('日志库', 'journal')} {start.journal_id}: {start.totals.stored:,} "
        f"{say('条', 'records')}, {size:.1f} MB"
    )
    for (name, lane), mark in sorted(start.bookmarks.items()):
        urgent, rest = journal.between(mark.n, start.totals.stored)
        behind = {"alarms": urgent, "rest": rest}.get(lane.value, urgent + rest)
        click.echo(f"  {name} {lane.value}: {say('待送', 'waiting')} {behind:,} (n {mark.n:,})")


def _quarantine(journal: JournalFile, most: int) -> None:
    for row in journal.quarantined(most):
        when = datetime.fromtimestamp(row.wall / SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")
        what = f"n {row.n}" if row.n else repr(row.raw[:60])
        click.echo(f"  {say('隔离', 'quarantined')} {when} {row.source}: {row.reason} {what}")
