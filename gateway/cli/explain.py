"""``gridwarden explain``: why an incident opened, what became of it, and who was told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import click

from gateway.cli._explain_report import print_account
from gateway.cli._explain_shape import Account, as_json
from gateway.cli._past import Stores, opened
from gateway.cli._say import say
from gateway.cli.check import DEFAULT_FILE
from gateway.config import load
from gateway.config.load import read_site
from gateway.config.settings import SiteSection
from gateway.document import Problems
from gateway.model import Site
from gateway.replay.account import around, limits, record_of, rule_text
from gateway.replay.archive import BEGINNING, Archive
from gateway.replay.casebook import File


@click.command(
    "explain",
    help=say(
        "一起事件的来龙去脉:为何发生、当时的规则和读数、通知了谁、是否守时、记录是否完整。只读。\n\n"
        "例:gridwarden explain L20260105-0001 site.yaml",
        "Why an incident opened, the rule and the readings of that time, who was told, whether"
        " time limits were kept and the record is whole. Reads only.\n\n"
        "Example: gridwarden explain L20260105-0001 site.yaml",
    ),
)
@click.argument("incident")
@click.argument("file", default=DEFAULT_FILE, type=click.Path(path_type=Path))
@click.option("--json", "as_text", is_flag=True, help="JSON")
def command(incident: str, file: Path, as_text: bool) -> int:
    """See the help text. Exit code 1 when there is no such incident or its record is broken."""
    known = _known(file)
    account = asyncio.run(_gather(known, incident.strip()))
    zone = ZoneInfo(known.site.zone)
    if as_text:
        click.echo(json.dumps(as_json(account, zone), ensure_ascii=False, indent=1))
    else:
        print_account(account, zone)
    return 1 if account.file.broken else 0


class _Known(NamedTuple):
    """What the configuration says, as far as it can be read."""

    site: SiteSection
    imported: Site
    rule_files: Sequence[tuple[str, str]]


def _known(file: Path) -> _Known:
    """A wrong rule file may be the very thing to explain: where the stores lie is enough."""
    try:
        settings = load(file)
    except Problems as error:
        try:
            site = read_site(file)
        except Problems:
            raise error from None
        said = say("配置有误(gridwarden check 可列出),只按已存的记录说明",
                   "the configuration has errors (gridwarden check lists them);"
                   " this goes by the stores alone")  # fmt: skip
        click.echo(said, err=True)
        return _Known(site, Site(), ())
    return _Known(settings.site, settings.imported, settings.rule_files)


async def _gather(known: _Known, key: str) -> Account:
    """Raises ``ValueError`` with the nearest keys when there is no such incident."""
    async with opened(known.site, known.imported) as stores:
        file = await stores.cases.file(key) or await stores.cases.file(key.upper())
        if file is None or not file.events:
            near = ", ".join(await stores.cases.near(key))
            hint = say(f";相近的有 {near}", f"; the nearest are {near}") if near else ""
            raise ValueError(say(f"没有事件 {key[:40]}{hint}",
                                 f"there is no incident {key[:40]}{hint}"))  # fmt: skip
        return _account(known, stores, file)


def _account(known: _Known, stores: Stores, file: File) -> Account:
    opening, source = file.events[0], stores.source
    seen = around(source, opening)
    archive = Archive(source.edition)
    n = max(record_of(source, opening), BEGINNING)
    told = {} if seen.gone else source.editions_at(n)
    texts = archive.texts(told.get("rules", ""))
    rule = file.incident.rule
    written, overrides = rule_text(known.rule_files if texts is None else texts, rule)
    return Account(
        file=file,
        site=archive.registry(told.get("registry", "")) or stores.site,
        around=seen,
        rule=written,
        settings=overrides,
        rule_known=texts is not None,
        limits=limits(file.events),
        wall=source.axis.wall_of,
    )
