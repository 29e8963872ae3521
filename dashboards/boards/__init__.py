"""The boards, one file each, in the order of the menu."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dashboards import Board
from dashboards.boards.cameras import cameras
from dashboards.boards.devices import devices
from dashboards.boards.fire import fire
from dashboards.boards.fleet import fleet
from dashboards.boards.installer import installer
from dashboards.boards.intrusion import intrusion
from dashboards.boards.manholes import manholes
from dashboards.boards.people import people
from dashboards.boards.wall import wall
from dashboards.sheet import Options, Sheet, made, uid
from gateway.model import Text

SHEETS: Final[tuple[Callable[[Options], Sheet], ...]] = (
    wall, fire, intrusion, manholes, cameras, devices, fleet, people, installer,
)  # fmt: skip
_FOLDER: Final = Text("网格守望", "Gridwarden")


def boards(options: Options) -> list[Board]:
    """Every board in one language."""
    found = []
    for sheet in (make(options) for make in SHEETS):
        title, folder = sheet.title.say(options.language), _FOLDER.say(options.language)
        address = uid(sheet.name, options.language)
        found.append(Board(address, title, folder, made(sheet, options)))
    return found
