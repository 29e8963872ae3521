"""``gridwarden import``: tables of the registry, checked whole, then taken over at once."""

from __future__ import annotations

import asyncio
import base64
import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import msgspec

from gateway.cli._problems import told
from gateway.cli._running import decoded, gateway_at, whole
from gateway.cli._say import language, say
from gateway.cli._tables import KINDS, counted
from gateway.cli.check import DEFAULT_FILE
from gateway.clock import SystemClock
from gateway.config.holidays import holidays
from gateway.config.load import read_document, read_site
from gateway.document import Document, Problems
from gateway.ports import Refused, Unavailable, in_words
from gateway.registry.bring import bring
from gateway.registry.table import Source, on_disk
from gateway.store.cases import Cases
from gateway.store.databases import database
from gateway.store.lock import sole_user
from gateway.web import one_line

_PATIENCE: Final = 300.0
"""Seconds: a district's tables take a small board half a minute."""
_SHOWN: Final = 5
"""Ids of each kind that are named."""


class _Fault(msgspec.Struct):
    """A problem, of which the Chinese is made here."""

    en: str


class _Answer(msgspec.Struct):
    """What the gateway answers."""

    ok: bool
    edition: int
    faults: list[_Fault]
    counts: dict[str, dict[str, int]]
    named: dict[str, list[str]]
    replaced: list[str]


class _Wish(NamedTuple):
    """What is to be imported, from whom, and whether really."""

    sources: Sequence[Source]
    by: str
    dry: bool


@click.command(
    "import",
    help=say(
        "导入登记表。FILES 为地点、设备、人员、值班表、节假日(CSV 或 XLSX)、值班日历(ICS)、"
        "边界(GeoJSON);给出的表整张替换,没有给出的保持不变,表中不再出现的停用。"
        "先检查全部内容,有错则逐行列出,什么也不改。网关在运行时由它接手,立即生效。\n\n"
        "例:gridwarden import people.xlsx rosters.csv --dry-run",
        "Import tables of the registry. FILES are places, devices, people, rosters, holidays (CSV"
        " or XLSX), duty (iCalendar), borders (GeoJSON); a table that is given replaces the whole"
        " table, one that is not stays, what is not in it any more is retired. Everything is"
        " checked first: errors are listed by row, and nothing changes. A running gateway takes"
        " it over at once.\n\n"
        "Example: gridwarden import people.xlsx rosters.csv --dry-run",
    ),
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help=say("只检查并显示变化", "only say what would change"))
@click.option("--by", default="", help=say("由谁导入(缺省为登录名)", "who imports (the login)"))
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path(DEFAULT_FILE),
    show_default=True,
    help=say("配置文件", "the configuration"),
)
@click.option("--url", default="", help=say("网关地址", "the gateway's address"))
def command(files: tuple[Path, ...], dry_run: bool, by: str, config: Path, url: str) -> int:
    """See the help text. Exit code 1 when something is wrong with the files."""
    document = read_document(config)
    if document.data.get("registry") is not None:
        raise Refused(
            say(f"{config} 有 registry 部分,登记表以其中的文件为准;请直接修改那些文件",
                f"{config} has a section registry: its files are the registry; change those")
        )  # fmt: skip
    wish = _Wish([_loaded(path) for path in files], by or _login(), dry_run)
    answer = asyncio.run(_brought(wish, config, url, document))
    if answer.faults:
        for fault in answer.faults:
            click.echo(told(fault.en), err=True)
        count = len(answer.faults)
        click.echo(
            say(f"共 {count} 处错误,没有导入", f"{count} errors; nothing is imported"), err=True
        )
        return 1
    _show(answer, dry_run)
    return 0


def _loaded(path: Path) -> Source:
    """The file as it is now. Raises ``Problems``."""
    return Source(str(path), content=on_disk(path).raw())


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "cli"


async def _brought(wish: _Wish, config: Path, url: str, document: Document) -> _Answer:
    """Through the running gateway, or into the database of one that does not run."""
    console = document.data.get("console")
    anywhere = bool(url) or not (isinstance(console, dict) and console.get("port") == 0)
    if anywhere:
        address, _ = gateway_at(config, url)
        if (answer := await _sent(address, wish)) is not None:
            return answer
        if url:
            raise Unavailable(say(f"{url} 没有网关应答", f"no gateway answers at {url}"))
    return await _stored(wish, config, document)


async def _sent(address: str, wish: _Wish) -> _Answer | None:
    """What the gateway at ``address`` makes of it; None where none runs."""
    import aiohttp

    files = [
        {"name": source.name[-200:], "content": base64.b64encode(source.content).decode()}
        for source in wish.sources
    ]
    body = {"files": files, "by": wish.by, "dry": wish.dry}
    timeout = aiohttp.ClientTimeout(total=_PATIENCE, sock_connect=5)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(f"{address}/api/v1/registry", json=body) as answer,
        ):
            status, raw = answer.status, await whole(answer.content)
    except aiohttp.ClientConnectorError:
        return None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unavailable(
            say(f"网关没有应答完:{one_line(in_words(error))}",
                f"the gateway did not finish its answer: {one_line(in_words(error))}")
        ) from None  # fmt: skip
    found: _Answer | None = decoded(raw, _Answer)
    if status == 200 and found is not None:
        return found
    said: dict[str, Any] = decoded(raw, dict[str, Any]) or {}
    reason = str(said.get(language()) or told(str(said.get("error", ""))))
    raise Refused(one_line(reason) or f"HTTP {status}")


async def _stored(wish: _Wish, config: Path, document: Document) -> _Answer:
    """The same without a gateway. Raises ``Unavailable`` when one holds the folder after all."""
    site = read_site(config)
    clock = SystemClock()
    notifiers = document.data.get("notifiers")
    data = site.data
    data.mkdir(parents=True, exist_ok=True, mode=0o750)
    with sole_user(data):
        async with Cases(database(data, site.cases.reveal()), clock) as cases:
            before = await cases.load_site()
            try:
                after, changes = bring(
                    before,
                    wish.sources,
                    wall=clock.now().wall,
                    notifiers=notifiers if isinstance(notifiers, dict) else {},
                    zone=site.zone,
                    calendar=holidays,
                )
            except Problems as error:
                faults = [_Fault(str(each)) for each in error.problems]
                return _Answer(False, 0, faults, {}, {}, [])
            edition = 0
            if not (wish.dry or changes.nothing):
                edition = (await cases.replace_registry(after, "", wish.by)).version
    counts = {table: count._asdict() for table, count in changes.counts.items()}
    return _Answer(True, edition, [], counts, changes.named, changes.replaced)


def _show(answer: _Answer, dry: bool) -> None:
    """A line for each table, and below it the first ids."""
    for table, counts in answer.counts.items():
        click.echo(counted(table, counts))
        for kind in KINDS:
            ids = answer.named.get(f"{table}.{kind}", [])
            if ids:
                more = " …" if counts[kind] > _SHOWN else ""
                click.echo(f"  {KINDS[kind].say(language())}: {', '.join(ids[:_SHOWN])}{more}")
    if answer.replaced:
        more = " …" if len(answer.replaced) > _SHOWN else ""
        named = ", ".join(answer.replaced[:_SHOWN]) + more
        click.echo(say(f"更换传感器(编号不变):{named}", f"sensor replaced, same id: {named}"))
    if not answer.counts:
        click.echo(say("没有任何变化", "nothing changes"))
    elif dry:
        click.echo(say("仅检查,没有导入", "checked only; nothing is imported"))
    else:
        edition = answer.edition
        click.echo(say(f"已导入,登记表第 {edition} 版", f"imported: edition {edition}"))
