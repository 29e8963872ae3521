"""``gridwarden ledger``: where every reading went, from the files, beside a running gateway."""

from __future__ import annotations

import json
from pathlib import Path

import click

from gateway.cli._journal import look
from gateway.cli._say import say
from gateway.cli.check import DEFAULT_FILE
from gateway.store.journal_file import ledger


@click.command(
    "ledger",
    help=say(
        "显示每条读数的去向:接收 = 入库 + 拒收;入库 = 已送达 + 待送 + 丢弃。\n\n"
        "例:gridwarden ledger /etc/gridwarden/gridwarden.yaml --json",
        "Where every reading went: received = stored + refused, and for each reader"
        " stored = delivered + waiting + dropped. Bookmarks on disk lag by 5 s at most.\n\n"
        "Example: gridwarden ledger /etc/gridwarden/gridwarden.yaml --json",
    ),
)
@click.argument("file", type=click.Path(path_type=Path), default=Path(DEFAULT_FILE))
@click.option("--json", "as_json", is_flag=True, help="JSON")
def command(file: Path, as_json: bool) -> int:
    """See the help text. Exit code 1 when a sum does not hold."""
    with look(file) as (start, _):
        book = ledger(start.totals, start.bookmarks)
    refused = sum(book["refused"].values())
    holds = book["received"] == book["stored"] + refused and all(
        reader["waiting"] >= 0 for reader in book["readers"].values()
    )
    if as_json:
        click.echo(json.dumps(book, ensure_ascii=False))
        return 0 if holds else 1
    click.echo(
        f"{say('接收', 'received')} {book['received']:,} = {say('入库', 'stored')} "
        f"{book['stored']:,} + {say('拒收', 'refused')} {refused:,}{_reasons(book['refused'])}"
    )
    for name, reader in sorted(book["readers"].items()):
        dropped = sum(reader["dropped"].values())
        click.echo(
            f"  {name}: {say('已送达', 'delivered')} {reader['delivered']:,} + "
            f"{say('待送', 'waiting')} {reader['waiting']:,} + "
            f"{say('丢弃', 'dropped')} {dropped:,}{_reasons(reader['dropped'])}"
        )
    click.echo(say("账目相符", "it adds up") if holds else say("账目不符!", "IT DOES NOT ADD UP"))
    return 0 if holds else 1


def _reasons(counts: dict[str, int]) -> str:
    if not counts:
        return ""
    return " (" + ", ".join(f"{reason} {count:,}" for reason, count in counts.items()) + ")"
