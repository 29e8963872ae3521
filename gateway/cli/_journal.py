"""Opening a gateway's journal to look at, for the commands that do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gateway.cli._say import say
from gateway.config import load
from gateway.store.journal_file import JournalFile, Start


@contextmanager
def look(config: Path) -> Iterator[tuple[Start, JournalFile]]:
    """The journal that ``config`` names, read only, in one snapshot. Raises ``OSError``."""
    path = load(config).site.data / "journal.db"
    if not path.exists():
        raise FileNotFoundError(
            2, say("还没有日志库;网关运行过吗?", "no journal yet; has the gateway run?"), str(path)
        )
    file = JournalFile(path)
    with ExitStack() as stack:
        try:
            start = file.look()
            stack.callback(file.reader.close)
            yield start, file
        except sqlite3.Error as error:
            said = say(f"日志库无法读取:{error}", f"can not be read: {error}")
            raise OSError(5, said, str(path)) from None
