"""``gridwarden ledger``: where every reading went, from the files, beside a running gateway."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from gateway.cli._journal import look
from gateway.cli._running import answer_of, gateway_at
from gateway.cli._say import say
from gateway.cli.check import DEFAULT_FILE
from gateway.ports import Refused, Unavailable
from gateway.store.journal_file import ledger

_PATIENCE: Final = 3.0
"""Seconds: the rest of the ledger needs no gateway."""


class _Reader(msgspec.Struct):
    delivered: int
    waiting: int
    dropped: dict[str, int]


class _Series(msgspec.Struct):
    """Of the gateway's answer what the files do not have."""

    series: dict[str, _Reader]


@click.command(
    "ledger",
    help=say(
        "显示每条读数的去向:接收 = 入库 + 拒收;入库 = 已送达 + 待送 + 丢弃。"
        "网关运行时还显示事件与状态的数据点(自启动起),包括因 sink 中断而丢弃的。\n\n"
        "例:gridwarden ledger /etc/gridwarden/gridwarden.yaml --json",
        "Where every reading went: received = stored + refused, and for each reader"
        " stored = delivered + waiting + dropped. Bookmarks on disk lag by 5 s at most. Of a"
        " running gateway also the points of cases and states since its start, with those that"
        " were dropped while a sink was away.\n\n"
        "Example: gridwarden ledger /etc/gridwarden/gridwarden.yaml --json",
    ),
)
@click.argument("file", type=click.Path(path_type=Path), default=Path(DEFAULT_FILE))
@click.option("--json", "as_json", is_flag=True, help="JSON")
def command(file: Path, as_json: bool) -> int:
    """See the help text. Exit code 1 when a sum does not hold."""
    with look(file) as (start, _):
        book = ledger(start.totals, start.bookmarks)
    series = _series(file)
    refused = sum(book["refused"].values())
    holds = book["received"] == book["stored"] + refused and all(
        reader["waiting"] >= 0 for reader in book["readers"].values()
    )
    if as_json:
        click.echo(json.dumps(book | {"series": series}, ensure_ascii=False))
        return 0 if holds else 1
    click.echo(
        f"{say('接收', 'received')} {book['received']:,} = {say('入库', 'stored')} "
        f"{book['stored']:,} + {say('拒收', 'refused')} {refused:,}{_reasons(book['refused'])}"
    )
    for name, reader in sorted(book["readers"].items()):
        click.echo(f"  {name}: {_shares(reader)}")
    for name, reader in sorted((series or {}).items()):
        points = say(
            "(事件与状态的数据点,自启动起)", " (points of cases and states, since the start)"
        )
        click.echo(f"  {name}{points}: {_shares(reader)}")
    click.echo(say("账目相符", "it adds up") if holds else say("账目不符!", "IT DOES NOT ADD UP"))
    return 0 if holds else 1


def _series(file: Path) -> dict[str, Any] | None:
    """What became of points of series: only a running gateway knows. None where none answers."""
    import aiohttp

    async def go() -> Any:
        address, _ = gateway_at(file, "")
        timeout = aiohttp.ClientTimeout(total=_PATIENCE)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            return await answer_of(session, "GET", f"{address}/api/v1/ledger", _Series)

    try:
        found: _Series = asyncio.run(go())
    except (Unavailable, Refused, ValueError):
        return None
    series: dict[str, Any] = msgspec.to_builtins(found.series)
    return series


def _shares(reader: dict[str, Any]) -> str:
    dropped = sum(reader["dropped"].values())
    return (
        f"{say('已送达', 'delivered')} {reader['delivered']:,} + "
        f"{say('待送', 'waiting')} {reader['waiting']:,} + "
        f"{say('丢弃', 'dropped')} {dropped:,}{_reasons(reader['dropped'])}"
    )


def _reasons(counts: dict[str, int]) -> str:
    if not counts:
        return ""
    return " (" + ", ".join(f"{reason} {count:,}" for reason, count in counts.items()) + ")"
