"""``gridwarden audit``: whether anything of the record was changed or removed, and what."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import click

from gateway.cli._moment import Moment, wall_of
from gateway.cli._past import casebook, local, plain
from gateway.cli._say import language, say
from gateway.cli.check import DEFAULT_FILE
from gateway.clock import SystemClock
from gateway.config.load import read_site
from gateway.config.settings import SiteSection
from gateway.record import verify
from gateway.record.audit import audit
from gateway.record.findings import Finding
from gateway.record.key import FILE, fingerprint, read
from gateway.record.sought import Match, seek
from gateway.record.terms import Report, Terms
from gateway.store.chain import short, short_typed

_EVERY: Final = 500
"""Things looked at between two lines of progress."""


@click.command(
    "audit",
    help=say(
        "核查事件记录:环节链、签名、锚点、文字和图像的摘要、编号。可在网关运行时进行,只读。"
        "FILE 是配置文件,或 export incident 导出的 zip。有任何不符,退出码为 1。\n\n"
        "例:gridwarden audit site.yaml --against /mnt/usb/anchors.log\n\n"
        "例:gridwarden audit site.yaml --head K7QF-2MXA-P3TD --incident L20260105-0001",
        "Look at the whole record: chains, signatures, anchors, digests of texts and pictures,"
        " numbers. Reads only; the gateway may be running. FILE is the configuration, or a zip of"
        " export incident. Exit code 1 when anything does not hold.\n\n"
        "Example: gridwarden audit site.yaml --against /mnt/usb/anchors.log\n\n"
        "Example: gridwarden audit site.yaml --head K7QF-2MXA-P3TD --incident L20260105-0001",
    ),
)
@click.argument("file", default=DEFAULT_FILE, type=click.Path(path_type=Path))
@click.option(
    "--since",
    type=Moment(),
    help=say("只看此后发生的事件:30d,或当地时间", "incidents opened since: 30d, or local time"),
)
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=say("站外保存的锚点文件", "a copy of anchors.log from outside"),
)
@click.option(
    "--trust",
    multiple=True,
    metavar="FINGERPRINT",
    help=say("可信密钥的指纹(默认:本机密钥)", "keys that are ours (this machine's, if not given)"),
)
@click.option("--key", "show_key", is_flag=True, help=say("显示公钥和指纹", "show the public key"))
@click.option(
    "--head",
    metavar="CODE",
    help=say("查找消息中显示的校验码", "look for the code that a message showed"),
)
@click.option("--incident", metavar="KEY", help=say("在哪起事件中查找", "the incident to look in"))
@click.option("--json", "as_text", is_flag=True, help="JSON")
def command(
    file: Path,
    since: float | datetime | None,
    against: Path | None,
    trust: tuple[str, ...],
    show_key: bool,
    head: str | None,
    incident: str | None,
    as_text: bool,
) -> int:
    """See the help text."""
    if incident and not head:
        raise click.UsageError(say("--incident 要与 --head 同用", "--incident belongs to --head"))
    if file.suffix == ".zip":
        return _case_file(file, trust, as_text)
    site = read_site(file)
    if show_key:
        return _show_key(site.data)
    if head:
        return _look_for(site, head, incident or "")
    zone = ZoneInfo(site.zone)
    wall = wall_of(since, zone, SystemClock().now().wall) if since is not None else 0
    trusted = frozenset(map(short_typed, trust)) or _own(site.data)
    report = asyncio.run(_audited(site, Terms(site.data, trusted, against, since=wall)))
    if as_text:
        click.echo(json.dumps(_as_json(report, zone), ensure_ascii=False, indent=1))
    else:
        _print(report, zone)
    return 1 if report.findings else 0


async def _audited(site: SiteSection, terms: Terms) -> Report:
    async with casebook(site) as cases:
        return await audit(cases.read, terms, _Progress())


class _Progress:
    """One line that is written over, on a terminal alone."""

    def __init__(self) -> None:
        self._shown = 0
        self._on = sys.stderr.isatty()

    def __call__(self, what: str, done: int) -> None:
        if self._on and done // _EVERY != self._shown // _EVERY:
            name = {"anchors": say("锚点", "anchors"), "incidents": say("事件", "incidents")}[what]
            click.echo(f"\r{name} {done:,} ", nl=False, err=True)
        self._shown = done


def _own(data: Path) -> frozenset[str]:
    """This gateway's key, where this user may read it."""
    try:
        key = read(data / FILE)
    except PermissionError:
        return frozenset()
    return frozenset([fingerprint(key.public)]) if key is not None else frozenset()


def _print(report: Report, zone: tzinfo) -> None:
    for finding in report.findings:
        click.echo(f"✗ {plain(finding.text.say(language()))}")
    if report.more:
        click.echo(say(f"… 另有 {report.more:,} 处", f"… {report.more:,} more"))
    click.echo(_looked_at(report))
    for line in _remarks(report, zone):
        click.echo(f"  {line}")
    count = len(report.findings) + report.more
    if count:
        click.echo(say(f"共 {count:,} 处不符", f"{count:,} things do not hold"))
    else:
        click.echo(say("记录完整,未被改动", "the record is whole"))


def _looked_at(report: Report) -> str:
    return say(
        f"{report.incidents:,} 起事件,{report.events:,} 个环节,{report.anchors:,} 个锚点,"
        f"{report.evidence:,} 个图像文件",
        f"{report.incidents:,} incidents, {report.events:,} events, {report.anchors:,} anchors,"
        f" {report.evidence:,} pictures and clips",
    )


def _remarks(report: Report, zone: tzinfo) -> list[str]:
    """What is no fault and still worth knowing."""
    found = []
    if report.newest:
        at = local(report.newest, zone)
        found.append(
            say(
                f"最新锚点 {at},校验码 {short(report.newest_hash)}",
                f"newest anchor {at}, code {short(report.newest_hash)}",
            )
        )
    else:
        found.append(
            say(
                "还没有锚点:此前的改动无从发现",
                "there is no anchor yet: what was changed before one is not seen",
            )
        )
    found += [f"{say('密钥', 'key')} {fingerprint(key)}" for key in report.keys]
    if report.unsigned:
        found.append(
            say(
                f"{report.unsigned:,} 起事件有尚未签署的环节(每分钟签署一次)",
                f"{report.unsigned:,} incidents have events that are not signed yet",
            )
        )
    if report.texts_gone:
        found.append(
            say(
                f"{report.texts_gone:,} 段文字已按期删除",
                f"{report.texts_gone:,} texts were deleted in time",
            )
        )
    if report.evidence_gone:
        found.append(
            say(
                f"{report.evidence_gone:,} 个图像文件因空间不足已清理",
                f"{report.evidence_gone:,} pictures went for want of room",
            )
        )
    return found


def _as_json(report: Report, zone: tzinfo) -> dict[str, Any]:
    """The keys are a promise: ``gateway/record/README.md`` lists them."""
    newest = datetime.fromtimestamp(report.newest / 1e9, UTC).astimezone(zone)
    return {
        "sound": not report.findings,
        "findings": [
            {**each._asdict(), "zh": each.text.zh, "en": each.text.en} for each in report.findings
        ],
        "more": report.more,
        "incidents": report.incidents,
        "events": report.events,
        "anchors": report.anchors,
        "newest_anchor": newest.isoformat(timespec="seconds") if report.newest else None,
        "newest_code": short(report.newest_hash) if report.newest_hash else None,
        "keys": [fingerprint(key) for key in report.keys],
        "unsigned": report.unsigned,
        "texts_gone": report.texts_gone,
        "evidence": report.evidence,
        "evidence_gone": report.evidence_gone,
    }


def _show_key(data: Path) -> int:
    key = read(data / FILE)
    if key is None:
        raise FileNotFoundError(
            2, say("没有密钥;网关运行过吗?", "no key; has the gateway run?"), str(data / FILE)
        )
    click.echo(f"{say('指纹', 'fingerprint')} {fingerprint(key.public)}")
    click.echo(f"{say('公钥', 'public key')} {key.public}")
    click.echo(
        say(
            "请另处抄存指纹:密钥丢失后会自动换新,核查时要用 --trust 给出旧指纹。",
            "Write the fingerprint down elsewhere: a lost key is replaced by a new one, and"
            " an audit then has to be told the old one with --trust.",
        )
    )
    return 0


def _look_for(site: SiteSection, typed: str, incident: str) -> int:
    code = short_typed(typed)

    async def look() -> list[Match]:
        async with casebook(site) as cases:
            return await seek(cases.read, code, incident.strip().upper())

    found = asyncio.run(look())
    zone = ZoneInfo(site.zone)
    for match in found:
        at = local(match.wall, zone)
        if match.incident:
            click.echo(
                say(
                    f"✓ {code}:事件 {match.incident} 第 {match.seq} 个环节,{at}",
                    f"✓ {code}: incident {match.incident}, event {match.seq}, {at}",
                )
            )
        else:
            click.echo(
                say(f"✓ {code}:锚点 {match.seq},{at}", f"✓ {code}: anchor {match.seq}, {at}")
            )
        if match.broken:
            click.echo(f"✗ {match.broken.say(language())}")
    if not found:
        text = Finding("head_unknown", incident, detail=code).text
        click.echo(f"✗ {plain(text.say(language()))}")
    return 0 if found and not any(match.broken for match in found) else 1


def _case_file(file: Path, trust: tuple[str, ...], as_text: bool) -> int:
    """The same as its own ``verify.py`` does."""
    if len(trust) > 1:
        raise click.UsageError(say("zip 只能对照一个指纹", "a zip is held against one fingerprint"))
    try:
        said = verify.check(file, short_typed("".join(trust)))
    except verify.Broken as error:
        raise ValueError(f"{file}: {say(error.zh, error.en)}") from None
    well = all(each.ok for each in said)
    if as_text:
        lines = [each._asdict() for each in said]
        click.echo(json.dumps({"sound": well, "said": lines}, ensure_ascii=False, indent=1))
        return 0 if well else 1
    for each in said:
        click.echo(f"{'✓' if each.ok else '✗'} {plain(say(each.zh, each.en))}")
    click.echo(
        say("档案完整,未被改动", "the case file is whole")
        if well
        else say("档案不可信", "the case file does NOT hold")
    )
    return 0 if well else 1
