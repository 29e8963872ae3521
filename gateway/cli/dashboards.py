"""``gridwarden dashboards``: the Grafana dashboards, as files or pushed into a running Grafana."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, cast

import click

from dashboards.grafana import files
from dashboards.grafana.finish import Board
from dashboards.grafana.push import CHANGES, End, Push, Told
from dashboards.grafana.server import Server
from dashboards.grafana.source import NAME, UID, Source
from dashboards.grafana.trouble import TOKEN, Trouble
from gateway.cli._problems import told
from gateway.cli._running import gateway_at, zone_of
from gateway.cli._say import language, say
from gateway.cli.check import DEFAULT_FILE
from gateway.config import plugins
from gateway.config.load import read_document
from gateway.document import Document, Problem
from gateway.model import Text
from gateway.options import Secret
from gateway.ports import Refused
from gateway.web import check_url

READER: Final = "GRIDWARDEN_INFLUX_READER_PASSWORD"
"""Environment variable with the password (1.x) or token (2.x, 3.x) with which Grafana reads;
``influx setup`` makes the user with it."""
_READER: Final = "grafana"
"""The user that ``influx setup`` makes."""

_ENDS: Final = {
    End.created: Text("已新建", "created"),
    End.updated: Text("已更新", "updated"),
    End.unchanged: Text("无变化", "unchanged"),
    End.sent: Text(
        "无变化;密码(令牌)已重新写入", "unchanged; its password or token was sent again"
    ),
    End.beside: Text(
        "有人修改过,保持不动;新版另存在旁边(--overwrite 可换回我们的)",
        "somebody edited it, so it stays; ours is beside it (--overwrite takes it back)",
    ),
    End.beside_unchanged: Text(
        "有人修改过,保持不动;新版已在旁边,无变化",
        "somebody edited it, so it stays; ours is beside it, unchanged",
    ),
    End.both_edited: Text(
        "它和旁边的新版都有人修改过,均保持不动(--overwrite 可换回我们的)",
        "somebody edited it and the copy beside it; both stay (--overwrite takes it back)",
    ),
    End.taken_back: Text(
        "已换回我们的;别人的修改仍在它的版本历史里",
        "taken back; what somebody edited is still among its versions",
    ),
    End.provisioned: Text(
        "来自 Grafana 的配置文件,保持不动;请用 gridwarden dashboards write",
        "comes from a file of Grafana's and stays; use gridwarden dashboards write",
    ),
    End.removed: Text("已不在本版本中,已删除", "no longer part of this version: removed"),
    End.old: Text(
        "已不在本版本中;--prune 可删除", "no longer part of this version; --prune removes it"
    ),
    End.source_edited: Text(
        "数据源有人修改过,保持不动(--overwrite 可换回我们的)",
        "somebody edited the data source, so it stays (--overwrite takes it back)",
    ),
    End.source_provisioned: Text(
        "数据源来自 Grafana 的配置文件,保持不动",
        "the data source comes from a file of Grafana's and stays",
    ),
    End.used: Text("使用已有的数据源", "the data source that is there is used"),
}
_FILES: Final = {
    files.End.written: Text("已写入", "written"),
    files.End.unchanged: Text("无变化", "unchanged"),
    files.End.beside: Text(
        "有人修改过,保持不动;新版写在旁边的 .new 文件里(--overwrite 可换回我们的)",
        "somebody edited it, so it stays; ours is beside it as .new (--overwrite takes it back)",
    ),
    files.End.removed: Text("已不在本版本中,已删除", "no longer part of this version: removed"),
}

_Command = Callable[..., int]


class _Asked(NamedTuple):
    """What both ways are given: the boards, and where Grafana finds the series."""

    boards: list[Board]
    source: Source
    language: str


def _options(command: _Command) -> _Command:
    """What ``write`` and ``push`` share."""
    for option in (
        click.option("--config", type=click.Path(path_type=Path), default=Path(DEFAULT_FILE),
            show_default=True, help=say("配置文件:从中得知数据库和值班台的地址",
                "the configuration: where the database and the console are")),
        click.option("--language", "words", type=click.Choice(["zh", "en"]),
            help=say("看板的语言", "the language of the dashboards")),
        click.option("--console", default="", help=say(
            "浏览器打开值班台的网址,图表由此链接到事件和设备",
            "where browsers reach the console: panels link to cases and devices there")),
        click.option("--tiles", default="", help=say(
            "地图瓦片网址,如 http://maps.example/{z}/{x}/{y}.png(WGS-84)",
            "the map's tiles, like http://maps.example/{z}/{x}/{y}.png (WGS-84)")),
        click.option("--influx", default="", help=say(
            "Grafana 访问 InfluxDB 的网址(默认取自配置中的 sink)",
            "where Grafana reaches InfluxDB (of the configuration's sink unless given)")),
        click.option("--influx-version", type=click.Choice(["1", "2", "3"]),
            help=say("InfluxDB 的大版本", "the major version of InfluxDB")),
        click.option("--database", default="",
            help=say("数据库(2.x:DBRP 映射的库名)", "database (2.x: of the DBRP mapping)")),
        click.option("--reader", default="", help=say(
            f"1.x 的只读用户(有密码时默认 {_READER})",
            f"1.x: the user that reads ({_READER}, where there is a password)")),
        click.option("--overwrite", is_flag=True, help=say(
            "换回别人修改过的", "take back what somebody edited")),
        click.option("--dry-run", "dry", is_flag=True, help=say(
            "只说明会做什么,不做改动", "say what would be done and change nothing")),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group(
    "dashboards",
    help=say(
        "Grafana 看板:write 写成文件,由 Grafana 启动时读取;push 送入正在运行的 Grafana。\n\n"
        "例:gridwarden dashboards push --url http://127.0.0.1:3000 --token-file 令牌文件",
        "The Grafana dashboards: write makes files that Grafana reads when it starts; push sends"
        " them into one that runs.\n\n"
        "Example: gridwarden dashboards push --url http://127.0.0.1:3000 --token-file token",
    ),
)
def command() -> None:
    """See the help text."""


@command.command(
    "write",
    short_help=say("写成 Grafana 启动时读取的文件", "as files that Grafana reads at its start"),
    help=say(
        "写成 Grafana 的配置文件(provisioning):数据源、文件夹和看板。别人改过的文件保持不动,"
        "新版写在旁边的 .new 文件里;只删除我们写的文件。密码不写入任何文件:--reader-secret 是由"
        " Grafana 自己去读的文件。\n\n"
        "例:gridwarden dashboards write /etc/grafana/provisioning"
        " --reader-secret /etc/grafana/influxdb-password",
        "Write the files that provision Grafana: data source, folders and dashboards. A file that"
        " somebody edited stays, with ours beside it as .new; only files of ours are ever removed."
        " No password is written: --reader-secret is a file that Grafana itself reads.\n\n"
        "Example: gridwarden dashboards write /etc/grafana/provisioning"
        " --reader-secret /etc/grafana/influxdb-password",
    ),
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--seen-at",
    default="",
    help=say("Grafana 看到的 DIR(容器中路径不同时)", "DIR as Grafana sees it (in a container)"),
)
@click.option(
    "--reader-secret",
    "secret_at",
    default="",
    help=say(
        "密码(1.x)或令牌(2.x、3.x)文件,按 Grafana 看到的路径",
        "file with the password (1.x) or token (2.x, 3.x), as Grafana sees it",
    ),
)
@_options
def write(
    folder: Path, seen_at: str, secret_at: str, overwrite: bool, dry: bool, **given: Any
) -> int:
    """See the help text."""
    asked = _asked(given, bool(secret_at))
    wanted = files.provisioning(
        asked.boards,
        asked.source,
        asked.language,
        seen_at=seen_at or str(folder.absolute()),
        secret_at=secret_at,
    )
    for wrote in files.write(folder, wanted, overwrite=overwrite, dry=dry):
        _print(wrote.name, _FILES[wrote.end], dry and wrote.end is not files.End.unchanged)
    return 0


@command.command(
    "push",
    short_help=say("送入正在运行的 Grafana", "into a Grafana that runs"),
    help=say(
        "送入正在运行的 Grafana:新建数据源和文件夹,新建或更新看板。可反复运行。别人修改过的看板"
        "保持不动,新版另存在旁边;只删除我们建的。\n\n"
        f"服务帐户的令牌来自 --token-file 或环境变量 {TOKEN};Grafana 读数据库的密码或令牌来自"
        f" --reader-secret 或 {READER}。\n\n"
        "例:gridwarden dashboards push --url http://127.0.0.1:3000 --token-file 令牌文件",
        "Send them into a running Grafana: data source and folder are made, dashboards made or"
        " brought up to date. Run it as often as you like. A dashboard that somebody edited stays,"
        " with ours beside it; nothing is removed that was not made by this.\n\n"
        f"The token of a service account comes from --token-file or the environment variable"
        f" {TOKEN}; the password or token with which Grafana reads the database from"
        f" --reader-secret or {READER}.\n\n"
        "Example: gridwarden dashboards push --url http://127.0.0.1:3000 --token-file token",
    ),
)
@click.option("--url", required=True, help=say("Grafana 的网址", "where Grafana is"))
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    help=say("服务帐户令牌文件", "file with the token of a service account"),
)
@click.option(
    "--reader-secret",
    type=click.Path(path_type=Path),
    help=say("密码(1.x)或令牌(2.x、3.x)文件", "file with the password (1.x) or token (2.x, 3.x)"),
)
@click.option(
    "--ca",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=say(
        "签发 Grafana 证书的机构证书文件", "file of the authority that signed Grafana's certificate"
    ),
)
@click.option(
    "--datasource",
    default="",
    help=say(
        "使用这个 uid 的已有数据源,不新建", "use the data source of this uid instead of making one"
    ),
)
@click.option(
    "--prune",
    is_flag=True,
    help=say(
        "删除我们以前建、现已不用、无人修改过的看板",
        "remove dashboards of an earlier version of ours that nobody edited",
    ),
)
@_options
def push(
    url: str,
    token_file: Path | None,
    reader_secret: Path | None,
    ca: Path | None,
    datasource: str,
    prune: bool,
    overwrite: bool,
    dry: bool,
    **given: Any,
) -> int:
    """See the help text. Exit code 1 when Grafana did not take something."""
    address = _url(url, "--url")
    token = _secret(token_file, TOKEN)
    if not token:
        raise Refused(
            say(f"没有令牌:请用 --token-file 指定文件,或设置环境变量 {TOKEN}",
                f"there is no token: name its file with --token-file, or set {TOKEN}")
        )  # fmt: skip
    secret = "" if datasource else _secret(reader_secret, READER)
    asked = _asked(given, bool(secret), datasource)
    try:
        with _server(address, token, ca) as grafana:
            grafana.version()
            way = Push(grafana, asked.source, language=asked.language, overwrite=overwrite,
                prune=prune, dry=dry)  # fmt: skip
            fine = [_tell(each, dry) for each in way.run(asked.boards, secret, bool(datasource))]
            if not dry and (trouble := grafana.source_trouble(asked.source.uid)) is not None:
                fine.append(False)
                click.echo(f"! {asked.source.name}: {trouble.say(language())}")
    except Trouble as error:
        raise Refused(error.text.say(language())) from None
    return 0 if all(fine) else 1


# --- what is asked for ---------------------------------------------------------------------


def _asked(given: dict[str, Any], has_secret: bool, datasource: str = "") -> _Asked:
    document = read_document(given["config"]) if given["config"].is_file() else None
    words = given["words"] or language()
    zone = zone_of(document) if document is not None else None
    asked: dict[str, str] = {"language": words, "console": _console(given, document)}
    asked |= {"tiles": given["tiles"], "zone": str(zone or "Asia/Shanghai")}
    return _Asked(_boards(asked), _source(given, document, has_secret, datasource), words)


def _boards(asked: dict[str, str]) -> list[Board]:
    """All dashboards. Their library is wanted now and by no other command."""
    try:
        made = importlib.import_module("dashboards").all(**asked)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("grafana_foundation_sdk"):
            raise
        raise Refused(
            say("缺少 grafana-foundation-sdk:pip install 'gridwarden[dashboards]'",
                "grafana-foundation-sdk is missing: pip install 'gridwarden[dashboards]'")
        ) from None  # fmt: skip
    return list(cast("Sequence[Board]", made))


def _source(
    given: dict[str, Any], document: Document | None, has_secret: bool, datasource: str
) -> Source:
    """Of the options, and where they say nothing of the configuration's sink."""
    sink = _sink(document)
    url = given["influx"] or getattr(sink, "url", "")
    if datasource:
        return Source(url, uid=datasource, name=datasource)
    if not url:
        raise Refused(
            say("不知道 InfluxDB 在哪里:请用 --influx 给出网址,或用 --config 指定配置文件",
                "where is InfluxDB? give its address with --influx, or a configuration with"
                " --config")
        )  # fmt: skip
    version = cast("Literal[1, 2, 3]", int(given["influx_version"] or getattr(sink, "version", 1)))
    known = getattr(sink, "database", "") or getattr(sink, "bucket", "")
    database = given["database"] or known or "gridwarden"
    reader = given["reader"] or (_READER if has_secret else "")
    return Source(_url(url, "--influx"), database, version, reader, UID, NAME)


def _sink(document: Document | None) -> object | None:
    """The options of the first sink ``influxdb``; what is wrong elsewhere does not matter."""
    if document is None:
        return None
    ignored: list[Problem] = []
    found = plugins.read(document, "sinks", ignored)
    return next((each.options for each in found.values() if each.type == "influxdb"), None)


def _console(given: dict[str, Any], document: Document | None) -> str:
    """Where browsers reach the console: said, as messages link to it, or where it listens."""
    if given["console"]:
        return _url(given["console"], "--console")
    if document is None:
        return "http://127.0.0.1:8080"
    messages = document.data.get("messages")
    link = messages.get("link") if isinstance(messages, dict) else None
    return str(link).rstrip("/") if link else gateway_at(given["config"], "")[0]


def _url(text: str, option: str) -> str:
    try:
        return check_url(text).rstrip("/")
    except ValueError as error:
        raise click.BadParameter(told(str(error)), param_hint=option) from None


def _server(url: str, token: str, ca: Path | None) -> Server:
    try:
        return Server(url, token, ca=ca)
    except ValueError as error:
        raise Refused(told(str(error))) from None


def _secret(file: Path | None, name: str) -> str:
    """From the file, else from the environment; "" when neither has it."""
    if file is None and name not in os.environ:
        return ""
    try:
        return (Secret("env", name) if file is None else Secret("file", str(file))).reveal()
    except ValueError as error:
        raise Refused(told(str(error))) from None


# --- what is shown -------------------------------------------------------------------------


def _tell(each: Told, dry: bool) -> bool:
    """Whether it went well."""
    if each.because is not None:
        click.echo(f"! {each.name}: {each.because.say(language())}")
        return False
    _print(each.name, _ENDS[each.end], dry and each.end in CHANGES)
    return True


def _print(name: str, text: Text, would: bool) -> None:
    """``+`` before what a dry run would do."""
    mark = "+ " if would else ""
    click.echo(f"{mark}{name}{say(':', ': ')}{text.say(language())}")
