"""``gridwarden try``: one driver's readings as they come; nothing is stored."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gateway import document as yaml_document
from gateway.cli._problems import told
from gateway.cli._say import say
from gateway.cli.check import DEFAULT_FILE
from gateway.clock import SystemClock
from gateway.config import Configured, plugins
from gateway.config.catalogue import drivers
from gateway.config.load import read_document
from gateway.document import Document, Problem, Problems, nearest
from gateway.model import SECOND, Action, Arming, DeviceSeen, Item, Reading, Undecodable, Value
from gateway.options import parse_duration
from gateway.plugins import make
from gateway.ports import Clock, Unavailable


@click.command(
    "try",
    help=say(
        "运行一个驱动并显示收到的读数,不保存任何内容。DRIVER 是配置中的名称,或驱动类型;"
        "--simulator 连接模拟设备。\n\n"
        "例:gridwarden try mqtt --option host=127.0.0.1 --for 30s",
        "Run one driver and print what comes; store nothing. DRIVER is a name of the"
        " configuration, or a type; with --simulator, against a simulated device.\n\n"
        "Example: gridwarden try mqtt --option host=127.0.0.1 --for 30s",
    ),
)
@click.argument("driver")
@click.option(
    "--config", type=click.Path(path_type=Path), help=say("配置文件", "configuration file")
)
@click.option("--for", "span", default="10s", help=say("时长,如 10s、5m", "how long, like 10s, 5m"))
@click.option(
    "--option", "options", multiple=True, help=say("选项 名称=值", "an option, NAME=VALUE")
)
@click.option(
    "--simulator", "simulated", is_flag=True, help=say("使用模拟设备", "against a simulated device")
)
def command(
    driver: str, config: Path | None, span: str, options: tuple[str, ...], simulated: bool
) -> int:
    """See the help text."""
    try:
        seconds = parse_duration(span)
    except ValueError as error:
        raise click.BadParameter(told(str(error)), param_hint="--for") from None
    given = dict(map(_option, options))
    if simulated:
        asyncio.run(_simulated(driver, given, seconds))
    else:
        configured = _configured(_document(driver, config), driver, given)
        asyncio.run(_run(driver, configured, seconds))
    return 0


async def _simulated(kind: str, given: dict[str, Any], seconds: float) -> None:
    """Run a driver against its own simulated device."""
    known = {entry.name for entry in drivers()}
    if kind not in known:
        raise click.BadParameter(told(f"there is no driver {kind!r}{nearest(kind, known)}"))
    kind, _, dialect = kind.partition("/")
    if dialect:
        given = {"dialects": [{dialect: None}]} | given
    try:
        module = importlib.import_module(f"{plugins.PACKAGES['drivers']}.{kind}.simulator")
    except ModuleNotFoundError as error:
        raise Unavailable(
            f"the simulated device needs {error.name}; run pip install 'gridwarden[demo]'"
        ) from None
    async with module.simulator(given, SystemClock()) as reached:
        configured = _configured(Document("--option", {}, {}, {}), kind, given | reached)
        await _run(kind, configured, seconds)


def _document(driver: str, config: Path | None) -> Document:
    """The configuration that names ``driver``, or an empty one for a driver type."""
    if config is not None or Path(DEFAULT_FILE).is_file():
        document = read_document(config or DEFAULT_FILE)
        named = document.data.get("drivers")
        if config is not None or (isinstance(named, dict) and driver in named):
            return document
    return Document("--option", {}, {}, {})


def _configured(document: Document, name: str, options: dict[str, Any]) -> Configured:
    """Driver ``name`` of ``document``, with ``options`` set over its own. Raises ``Problems``."""
    entries = document.data.get("drivers")
    named = entries if isinstance(entries, dict) else {}
    types = plugins.types("drivers")
    if document.data and name not in named:
        message = f"there is no driver {name!r}{nearest(name, named)}"
        raise Problems([document.problem(("drivers",), message)])
    if not document.data and name not in types:
        raise click.BadParameter(told(f"there is no driver {name!r}{nearest(name, types)}"))
    entry = named.get(name, {"type": name})
    if isinstance(entry, dict):
        entry = entry | options
    problems: list[Problem] = []
    alone = document._replace(data={"drivers": {name: entry}})
    good = plugins.read(alone, "drivers", problems)
    if problems:
        raise Problems(problems)
    return good[name]


def _option(text: str) -> tuple[str, Any]:
    """``NAME=VALUE``, the value written as in the configuration file."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(
            say(f"{text!r} 不是 名称=值", f"{text!r} is not NAME=VALUE"), param_hint="--option"
        )
    return name, yaml_document.parse(f"--option {name}", value).data


async def _run(name: str, configured: Configured, seconds: float) -> None:
    clock = SystemClock()
    printer = _Printer(clock)
    async with AsyncExitStack() as stack:
        trial = configured.model_copy(update={"options": configured.options.for_trial()})
        driver = make("drivers", name, trial, clock)
        if hasattr(driver, "__aenter__"):
            await stack.enter_async_context(driver)
        living = asyncio.ensure_future(driver.run(printer.emit))
        waiting = asyncio.ensure_future(clock.sleep(seconds))
        try:
            await asyncio.wait({living, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if living.done():
                living.result()
        finally:
            living.cancel()
            waiting.cancel()
            await asyncio.gather(living, waiting, return_exceptions=True)
            click.echo(printer.total())


class _Printer:
    """A door that leads nowhere: prints each item and counts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._good = 0
        self._bad = 0

    async def emit(self, items: Sequence[Item]) -> None:
        """As ``Emit``; nothing is stored."""
        moment = datetime.fromtimestamp(self._clock.now().wall // SECOND, UTC).astimezone()
        for item in items:
            self._good += not isinstance(item, Undecodable)
            self._bad += isinstance(item, Undecodable)
            click.echo(f"{moment:%H:%M:%S} {line(item)}")

    def total(self) -> str:
        """The closing line."""
        return say(
            f"共 {self._good} 条,无法解码 {self._bad} 条;未保存任何内容",
            f"{self._good} items, {self._bad} undecodable; nothing was stored",
        )


def line(item: Item) -> str:
    """One item on one line."""
    match item:
        case Reading():
            values = " ".join(f"{name}={_shown(value)}" for name, value in item.values.items())
            marks = say(" (保留消息)", " (retained)") if item.retained else ""
            if item.evidence is not None:
                marks += f" [{item.evidence.media_type}, {len(item.evidence.content)} B]"
            return f"{item.device} {item.kind or '-'} {values}{marks}"
        case Undecodable():
            size = len(item.raw)
            return say(
                f"{item.source} 无法解码({size} 字节):{item.reason}",
                f"{item.source} undecodable ({size} bytes): {item.reason}",
            )
        case DeviceSeen():
            about = " ".join(word for word in (item.kind, item.model, item.name) if word)
            return say(f"{item.device} 发现设备 {about}", f"{item.device} device seen: {about}")
        case Action():
            return f"{item.incident} {item.verb} {item.person} {item.text}".rstrip()
        case Arming():
            return f"{item.place} {item.mode} {item.by}".strip()


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else value
