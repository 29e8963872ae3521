"""What the tables of the registry, and what happens to their rows, are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.cli._say import language, say
from gateway.model import Text

TABLES: Final[Mapping[str, Text]] = {
    "places": Text("地点", "places"),
    "devices": Text("设备", "devices"),
    "people": Text("人员", "people"),
    "rosters": Text("值班表", "rosters"),
    "holidays": Text("节假日", "holidays"),
    "borders": Text("边界", "borders"),
}
KINDS: Final[Mapping[str, Text]] = {
    "added": Text("新增", "added"),
    "changed": Text("变更", "changed"),
    "retired": Text("停用", "retired"),
}


def counted(table: str, counts: Mapping[str, int]) -> str:
    """As ``people: added 1, retired 2``."""
    facts = [f"{KINDS[kind].say(language())} {count}" for kind, count in counts.items() if count]
    return f"{TABLES[table].say(language())}{say(':', ': ')}{say(',', ', ').join(facts)}"
