"""What ``replay`` and ``explain`` share: the stores of a configuration, opened to read only."""

from __future__ import annotations

import importlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final, NamedTuple

from gateway.cli._say import language, say
from gateway.clock import SystemClock
from gateway.config import Settings
from gateway.config.load import rule_texts
from gateway.config.settings import SiteSection
from gateway.console.words import WORDS
from gateway.document import Problem, Problems
from gateway.model import SECOND, Category, Site
from gateway.replay.casebook import Casebook
from gateway.replay.source import Source
from gateway.store.databases import database
from gateway.store.journal_file import JournalFile
from gateway.store.schema import files

_RIGHTS: Final = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY})


class Stores(NamedTuple):
    """Both stores of one gateway."""

    source: Source
    cases: Casebook
    site: Site
    """The registry as it is now."""


@asynccontextmanager
async def opened(where: SiteSection, imported: Site) -> AsyncIterator[Stores]:
    """The stores of ``where``; the registry is ``imported`` where they have none.

    Nothing is locked and nothing written. Raises ``OSError`` and ``Unavailable``.
    """
    with journal(where.data) as source:
        async with casebook(where) as cases:
            site = await cases.site()
            yield Stores(source, cases, site if site.version else imported)


def casebook(where: SiteSection) -> Casebook:
    """The incidents of ``where``, to be entered. Raises ``OSError`` and ``Unavailable``."""
    url = where.cases.reveal()
    if not url:
        _there(where.data / "cases.db")
    return Casebook(database(where.data, url), SystemClock())


@contextmanager
def journal(data: Path) -> Iterator[Source]:
    """The journal alone. Raises ``OSError``."""
    path = data / "journal.db"
    _there(path)
    file = JournalFile(path)
    try:
        start = file.look()
        (version,) = file.reader.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        raise _unreadable(path, error) from None
    if version > max(number for number, _ in files("journal")):
        file.reader.close()
        raise OSError(
            5,
            say("由更新版本的 gridwarden 写入;请安装那个版本",
                "written by a newer gridwarden; install that version"),
            str(path),
        )  # fmt: skip
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
    hint = ""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _RIGHTS:
        hint = say(";请以网关的用户身份运行", "; run it as the gateway's user")
    said = say(f"日志库无法读取:{error}", f"can not be read: {error}")
    return OSError(5, said + hint, str(path))


def rule_files(folder: Path) -> list[tuple[str, str]]:
    """Name and text of the rule files and calendars of ``folder``. Raises ``Problems``."""
    found: list[Problem] = []
    texts = rule_texts(folder, found, lambda wrong: found.append(Problem(str(folder), 1, 1, wrong)))
    if found:
        raise Problems(found)
    return texts


def fixtures(settings: Settings) -> dict[str, frozenset[Category]]:
    """The sirens that are told besides people, and of what; nothing is connected for it."""
    from gateway.incidents.people import FIXTURE

    found = {}
    for name, configured in settings.notifiers.items():
        try:
            module = importlib.import_module(f"gateway.notifiers.{configured.type}.notifier")
        except ModuleNotFoundError:  # its library is not installed here; no fixture needs one
            continue
        if getattr(module.Notifier, "is_fixture", False):
            categories = getattr(configured.options, "categories", ())
            found[FIXTURE + name] = frozenset(categories)
    return found


def plain(text: str) -> str:
    """On one line and without signs that a terminal obeys: devices and people may send any."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


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
