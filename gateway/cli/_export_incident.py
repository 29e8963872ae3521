"""``gridwarden export incident``: all about an incident in one file, verifiable offline."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

import click

from gateway.cli._past import opened
from gateway.cli._say import say
from gateway.cli.check import DEFAULT_FILE
from gateway.config.load import read_site
from gateway.config.settings import SiteSection
from gateway.model import Site
from gateway.record.box import Written, pack
from gateway.record.gather import Contents, Unknown, gather
from gateway.record.key import FILE, Key, read
from gateway.record.page import page


@click.command(
    "incident",
    short_help=say("一起事件的档案,可离线核验", "all about an incident, to be verified offline"),
    help=say(
        "导出一起事件的档案(zip):经过、通知与回执、前后的读数、当时的规则、图像、签名,"
        "附可打印的报告和离线验证程序。只读。\n\n"
        "例:gridwarden export incident L20260105-0001 site.yaml -o 档案.zip",
        "Write the case file of an incident (zip): what happened, messages with receipts, readings"
        " around it, the rules of that time, pictures, signatures, a report to print and a"
        " verifier that works offline. Reads only.\n\n"
        "Example: gridwarden export incident L20260105-0001 site.yaml -o case.zip",
    ),
)
@click.argument("key")
@click.argument("file", default=DEFAULT_FILE, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help=say("写到哪个文件(默认 incident-编号.zip)", "the file to write (incident-KEY.zip)"),
)
def incident(key: str, file: Path, target: Path | None) -> int:
    """See the help text."""
    key = key.strip().upper()
    site = read_site(file)
    target = target or Path(f"incident-{key}.zip")
    contents = asyncio.run(_gathered(key, site))
    private = _key(site.data / FILE)
    public = private.public if private is not None else _signer(contents)
    report = page(contents, ZoneInfo(site.zone), public)
    done = _write(target, contents, report, private, public)
    size = done.size / 1e6
    click.echo(
        say(
            f"{target}:{done.files} 个文件,{size:.1f} MB",
            f"{target}: {done.files} files, {size:.1f} MB",
        )
    )
    for line in _remarks(contents, done):
        click.echo(f"{say('注意', 'note')}: {line}", err=True)
    return 0


async def _gathered(key: str, site: SiteSection) -> Contents:
    """Raises ``ValueError`` with the nearest keys when there is no such incident."""
    async with opened(site, Site()) as stores:
        try:
            return await gather(key, stores.cases, stores.source, stores.site, site.data)
        except Unknown:
            near = ", ".join(await stores.cases.near(key))
            hint = say(f";相近的有 {near}", f"; the nearest are {near}") if near else ""
            raise ValueError(
                say(f"没有事件 {key[:40]}{hint}", f"there is no incident {key[:40]}{hint}")
            ) from None


def _key(path: Path) -> Key | None:
    """None where this user may not read it: the export is made all the same, unsigned."""
    try:
        return read(path)
    except PermissionError:
        return None


def _signer(contents: Contents) -> str:
    return contents.anchors[-1].anchor.key if contents.anchors else ""


def _write(target: Path, contents: Contents, report: str, key: Key | None, public: str) -> Written:
    """Under another name first: who finds the file finds all of it."""
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("wb") as file:
            done = _packed(file, contents, report, key, public)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return done


def _packed(
    file: IO[bytes], contents: Contents, report: str, key: Key | None, public: str
) -> Written:
    done = pack(file, contents, report, key, public)
    file.flush()
    os.fsync(file.fileno())
    return done


def _remarks(contents: Contents, done: Written) -> list[str]:
    """What the file lacks."""
    found = []
    if not done.signed:
        found.append(
            say(
                "读不到密钥 record.key,清单没有签名;请以网关的用户运行",
                "record.key can not be read, so the manifest is not signed; run it as"
                " the gateway's user",
            )
        )
    signed = [
        head.events
        for each in contents.anchors
        for head in each.anchor.heads
        if head.incident == contents.incident.key
    ]
    if max(signed, default=0) < contents.incident.events:
        found.append(
            say(
                "最新的环节尚未签署:网关每分钟签署一次",
                "the newest events are not signed yet: the gateway signs once a minute",
            )
        )
    if contents.cut:
        found.append(
            say(
                "读数过多,只收入离发生最近的",
                "there are too many readings: those nearest to the opening are in it",
            )
        )
    if not contents.records:
        found.append(say("日志中已没有那时的读数", "the journal has no readings of that time"))
    if done.left_out:
        found.append(
            say(
                f"{done.left_out} 个图像文件过大,未收入",
                f"{done.left_out} pictures or clips were too large and left out",
            )
        )
    return found
