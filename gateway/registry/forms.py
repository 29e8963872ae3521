"""What a form calls the columns of the tables, in both languages, and what may be written there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from gateway.model import Text
from gateway.registry import words

_LONG: Final = 200
_LISTS: Final = {
    ("people", "grid"): 2_100,
    ("people", "accounts"): 1_000,
    ("rosters", "people"): 8_000,
    ("rosters", "without"): 8_000,
    ("devices", "tags"): 672,
}
"""Cells that hold lists, and how long their readers let them be."""
_ROSTER_TEAM: Final = Text(
    "人员编号；几人同班写 a;b，不留人写 -", "ids; a;b together, - for nobody"
)
_POSITION: Final = Text("WGS-84 坐标，经纬度都填或都不填", "degrees, WGS-84; both or neither")
_HINTS: Final[Mapping[str, Text]] = {
    "places.code": Text("以上级编码开头，如 130901", "begins with the parent's code"),
    "places.parent": Text("只有最上一级留空", "empty for the topmost place alone"),
    "places.latitude": _POSITION,
    "devices.id": Text("自定，更换传感器后也不变", "yours; stays when the sensor is replaced"),
    "devices.driver": Text(
        "配置文件 drivers 中的名称", "its name under drivers in the configuration"
    ),
    "devices.address": Text("在该驱动中的地址，如 0x00158d", "its address there, like 0x00158d"),
    "devices.latitude": _POSITION,
    "devices.max_silence": Text("如 26h 或 26小时；空为不检查", "like 26h; empty: not watched"),
    "devices.ranges": Text("如 temperature:-40..85", "like temperature:-40..85"),
    "devices.state": Text("空为已验收", "empty: accepted"),
    "devices.tags": Text("分号隔开，如 closed_area;kitchen", "like closed_area;kitchen"),
    "devices.until": Text("到时自动恢复，如 2026-01-05 18:00", "then it ends by itself"),
    "people.grid": Text("地点编码，多个用分号隔开", "codes of places, several with ;"),
    "people.phone": Text("如 +86 138 0000 0000", "like +86 138 0000 0000"),
    "people.language": Text("空为中文", "empty: Chinese"),
    "people.channels": Text(
        "按尝试顺序，如 phone;log；空为全部", "in order, like phone;log; empty: all"
    ),
    "people.accounts": Text("如 wecom:zhangwei;feishu:ou_1", "like wecom:zhangwei;feishu:ou_1"),
    "people.quiet": Text("如 22:00-06:30，其间只响生命安全", "like 22:00-06:30; life safety rings"),
    "rosters.people": _ROSTER_TEAM,
    "rosters.kind": Text("空为每周", "empty: weekly"),
    "rosters.days": Text("如 周一至周五；空为每天", "like mon-fri; empty: every day"),
    "rosters.hours": Text("如 20:00-08:00；空为全天", "like 20:00-08:00; empty: the whole day"),
    "rosters.since": Text("如 2026-01-05", "like 2026-01-05"),
    "rosters.until": Text("如 2026-01-05", "like 2026-01-05"),
    "rosters.every": Text("仅轮班，如 1 或 1w", "of a rotation, like 1 or 1w"),
    "rosters.instead": Text("仅换班：原值班人的编号", "of a swap: the id of who had it"),
    "rosters.without": Text("不值班的日子，分号隔开", "days left out, with ;"),
    "holidays.day": Text("如 2026-10-01", "like 2026-10-01"),
    "holidays.kind": Text("空为节假日", "empty: a holiday"),
}
_ENGLISH: Final[Mapping[str, str]] = {
    "devices.max_silence": "Longest silence",
    "devices.serial": "Serial number",
    "devices.until": "Bypassed until",
    "devices.because": "Reason",
    "people.quiet": "Quiet hours",
    "rosters.since": "From",
    "rosters.until": "To",
    "rosters.every": "Days of a turn",
    "rosters.instead": "Instead of",
    "rosters.without": "Except on",
}
"""What a column is called where its name alone says too little."""
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "places.level": words.LEVEL_WORDS,
    "devices.kind": words.KIND_WORDS,
    "devices.state": words.STATE_WORDS,
    "people.role": words.ROLE_WORDS,
    "people.language": words.LANGUAGE_WORDS,
    "rosters.role": words.ROLE_WORDS,
    "rosters.kind": words.DUTY_WORDS,
    "holidays.kind": words.HOLIDAY_WORDS,
}


class Column(NamedTuple):
    """One field of a form."""

    name: str
    label: Text
    required: bool
    longest: int
    """Characters."""
    hint: Text | None
    words: dict[str, Text]
    """What may be chosen, by how the tables write it; empty: a text."""


def columns(table: str) -> list[Column]:
    """The fields of ``table`` in their order."""
    return [_column(table, name, others[0]) for name, others in words.COLUMNS[table].items()]


def _column(table: str, name: str, chinese: str) -> Column:
    both = f"{table}.{name}"
    return Column(
        name,
        Text(chinese, _ENGLISH.get(both, name.capitalize())),
        name in words.REQUIRED[table] and both not in ("places.parent", "devices.place"),
        _LISTS.get((table, name), _LONG),
        _HINTS.get(both),
        _choices(_WORDS.get(both, {})),
    )


def _choices(known: Mapping[str, str]) -> dict[str, Text]:
    """Each meaning with the first word that users have for it."""
    found: dict[str, Text] = {}
    for word, meaning in known.items():
        if word != meaning:
            found.setdefault(meaning, Text(word, meaning.capitalize()))
    return found
