"""What drivers there are: each folder says of itself what it reads and how good it is."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Final, NamedTuple

from gateway.config.plugins import PACKAGES, types
from gateway.model import Text

LEVELS: Final = {
    "works": Text("可用", "works"),
    "sturdy": Text("可靠", "sturdy"),
    "finished": Text("完善", "finished"),
}
"""Rising: reads what it should; stands every fault that could be made; proven in the field."""


class Entry(NamedTuple):
    """A driver, or a dialect of one (``mqtt/tasmota``)."""

    name: str
    about: Text
    level: str
    folder: Path

    @property
    def sample(self) -> str:
        """A configuration that the tests load."""
        return (self.folder / "sample.yaml").read_text(encoding="utf-8")


def drivers() -> list[Entry]:
    """Every driver, sorted by name, each followed by its dialects."""
    package = PACKAGES["drivers"]
    found: list[Entry] = []
    for name in types("drivers"):
        found.append(_entry(name, f"{package}.{name}"))
        dialects = found[-1].folder / "dialects"
        if dialects.is_dir():
            found += [
                _entry(f"{name}/{module.name}", f"{package}.{name}.dialects.{module.name}")
                for module in pkgutil.iter_modules([str(dialects)])
                if module.ispkg and not module.name.startswith("_")
            ]
    return found


def _entry(name: str, package: str) -> Entry:
    module = importlib.import_module(package)
    return Entry(name, module.ABOUT, module.LEVEL, Path(module.__path__[0]))
