"""The last touch before a board leaves: its data source and the tags it is found again by."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from typing import Any, Protocol

from dashboards.grafana.server import TAG
from dashboards.grafana.source import Source

Json = dict[str, Any]


class Board(Protocol):
    """A dashboard as its builders hand it over."""

    @property
    def uid(self) -> str:
        """The same for ever, whatever the title: links and pushes find the board by it."""

    @property
    def title(self) -> str:
        """As people see it."""

    @property
    def folder(self) -> str:
        """The title of the folder that it lies in."""

    @property
    def json(self) -> Json:
        """What Grafana stores."""


def finished(board: Board, source: Source, language: str) -> Json:
    """The dashboard as it is written or pushed: the same for the same arguments, byte by byte."""
    whole = copy.deepcopy(board.json)
    whole.pop("version", None)  # Grafana counts, not we
    whole |= {"id": None, "uid": board.uid, "title": board.title}
    whole["tags"] = sorted({*whole.get("tags", ()), TAG, language})
    for variable in whole.get("templating", {}).get("list", ()):
        if variable.get("type") == "datasource" and variable.get("query") == "influxdb":
            variable["current"] = {"text": source.name, "value": source.uid}
    return whole


def digest(whole: Json) -> str:
    """Short enough for the name of a save, long enough to tell two boards apart."""
    text = json.dumps(whole, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def folders(boards: Sequence[Board], language: str) -> dict[str, str]:
    """Title -> uid of each folder, in the boards' order. Each language has folders of its own."""
    titles = list(dict.fromkeys(board.folder for board in boards))
    return {
        title: f"{TAG}-{language}" + (f"-{number}" if number > 1 else "")
        for number, title in enumerate(titles, 1)
    }
