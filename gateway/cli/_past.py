"""What ``replay`` and ``explain`` share: the stores of a configuration, opened to read only."""

from __future__ import annotations

import importlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import NamedTuple

from gateway.cli._say import language, say
from gateway.config import Settings
from gateway.config.watched import calendar_paths, rule_paths
from gateway.console.words import WORDS
from gateway.document import Problem, Problems
from gateway.model import SECOND, Category, Site
from gateway.replay.casebook import Casebook
from gateway.replay.source import Source
from gateway.store.journal_file import JournalFile


class Stores(NamedTuple):
    """Both stores of one gateway."""

    source: Source
    cases: Casebook
    site: Site
    """The registry as it is now."""


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Stores]:
    """Nothing is locked and nothing written. Raises ``OSError`` and ``Unavailable``."""
    data = settings.site.data
    _there(data / "cases.db")
    with journal(settings) as source:
        async with Casebook(data / "cases.db") as cases:
            site = await cases.site()
            yield Stores(source, cases, site if site.version else settings.imported)


@contextmanager
def journal(settings: Settings) -> Iterator[Source]:
    """The journal alone. Raises ``OSError``."""
    path = settings.site.data / "journal.db"
    _there(path)
    file = JournalFile(path)
    try:
        start = file.look()
    except sqlite3.Error as error:
        raise _unreadable(path, error) from None
    try:
        yield Source(file, start)
    except sqlite3.Error as error:
        raise _unreadable(path, error) from None
    finally:
        file.reader.close()


def _there(path: Path) -> None:
    if not path.exists():
        said = say("还没有数据库;网关运行过吗?", "no such file yet; has the gateway run?")
        raise FileNotFoundError(2, said, str(path))


def _unreadable(path: Path, error: sqlite3.Error) -> OSError:
    return OSError(5, say(f"日志库无法读取:{error}", f"can not be read: {error}"), str(path))


def rule_files(folder: Path) -> list[tuple[str, str]]:
    """Name and text of the rule files and calendars of ``folder``. Raises ``Problems``."""
    return [(str(path), _text(path)) for path in (*rule_paths(folder), *calendar_paths(folder))]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        message = "not UTF-8; save the file with encoding UTF-8"
        raise Problems([Problem(str(path), line, 1, message)]) from None


def fixtures(settings: Settings) -> dict[str, frozenset[Category]]:
    """The sirens that are told besides people, and of what; nothing is connected for it."""
    from gateway.incidents.people import FIXTURE

    found = {}
    for name, configured in settings.notifiers.items():
        module = importlib.import_module(f"gateway.notifiers.{configured.type}.notifier")
        if getattr(module.Notifier, "is_fixture", False):
            categories = getattr(configured.options, "categories", ())
            found[FIXTURE + name] = frozenset(categories)
    return found


def word(group: str, name: str) -> str:
    """The console's word for one of the model's names, as ``severity`` ``alarm``."""
    pair = WORDS.get(f"{group}.{name}")
    return name if pair is None else say(*pair)


def local(wall: int, zone: tzinfo, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A wall time, ns UTC, as the people of the site read it."""
    return datetime.fromtimestamp(wall // SECOND, UTC).astimezone(zone).strftime(form)


def person_name(site: Site, person: str) -> str:
    """``陈静 (chen)``; the id alone of somebody the registry does not know."""
    known = site.people.get(person)
    name = known.name if known is not None else WORDS.get(f"person.{person}", ("", ""))
    said = name if isinstance(name, str) else say(*name)
    plain = person.removeprefix("notifier:")
    return f"{said} ({plain})" if said else plain


def device_name(site: Site, device: str) -> str:
    """``301室烟感 (s301)``; the id alone of a device the registry does not know."""
    known = site.devices.get(device)
    return device if known is None else f"{known.name} ({device})"


def span(nanoseconds: int) -> str:
    """How long, in words."""
    from rules.words import duration

    return duration(nanoseconds).say(language())
