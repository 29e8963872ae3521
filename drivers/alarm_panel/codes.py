"""What the event codes of SIA DC-03 (two letters) and Contact ID (three digits) mean. Pure.

The tables are ``sia_codes.csv`` and ``contact_id_codes.csv``. A row: code, class, kind, values
(``alarm=1``; ``test=always``: whatever the qualifier says), what the address counts, names.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from gateway.model import Text

NEW: Final = "1"
RESTORED: Final = "3"
PRESENT: Final = "6"
"""Qualifiers of Contact ID (DC-05): new event or opening; restore or closing; still present."""


class Meaning(NamedTuple):
    """``values`` are those of the event itself; of a Contact ID restore they are the opposite."""

    group: str
    """fire, medical, panic, burglary, gas, tamper, battery, arming, test …; finer than a kind."""
    kind: str
    values: tuple[tuple[str, bool], ...]
    always: bool
    """The values hold whatever the qualifier."""
    about: str
    """What the address counts: zone, user, area, module, door …; "" for the panel itself."""
    name: Text


_FIRST: Final = "BFGHKMPQSUWZ"
_SECOND: Final = "AHRTJBUSX"
"""Letters of the DC-03 families: the second means the same in each; B's table has them all."""
_BY_PREFIX: Final = {
    "10": "100", "11": "110", "12": "120", "13": "130", "14": "140", "15": "150", "16": "150",
    "20": "200", "21": "200", "30": "300", "31": "300", "32": "320", "33": "330", "34": "330",
    "35": "350", "36": "350", "37": "370", "38": "380", "40": "400", "44": "441", "45": "453",
    "57": "570", "60": "601", "61": "611",
}  # fmt: skip
"""First two digits of a code that no table has -> the code that stands for its class."""


def sia(code: str) -> Meaning:
    """The meaning of a DC-03 code; by its two letters where the table does not have it."""
    table = _table("sia_codes.csv")
    if (found := table.get(code)) is not None:
        return found
    same, family = table.get("B" + code[1:]), table.get(code[:1] + "A")
    if same is None or family is None or code[:1] not in _FIRST or code[1:] not in _SECOND:
        return _nothing(code)
    group = family.group if same.group == "burglary" else same.group
    kind = "panel" if same.group == "bypass" else family.kind
    leak = "leak" if family.kind == "water" else "alarm"
    values = tuple((leak if name == "alarm" else name, on) for name, on in same.values)
    return Meaning(group, kind, values, False, same.about, _unnamed(code))


def contact_id(code: str) -> Meaning:
    """The meaning of a DC-05 code; by its first two digits where the table does not have it."""
    table = _table("contact_id_codes.csv")
    if (found := table.get(code)) is not None:
        return found
    typical = table.get(_BY_PREFIX.get(code[:2], ""))
    return _nothing(code) if typical is None else typical._replace(name=_unnamed(code))


def is_known(code: str) -> bool:
    """Whether one of the tables has ``code``."""
    return code in _table("sia_codes.csv") or code in _table("contact_id_codes.csv")


def describe(code: str, qualifier: str = "") -> Text:
    """The name of a code of either table, for people; "" stands for a new event."""
    meaning = contact_id(code) if code.isdigit() else sia(code)
    name = meaning.name
    if qualifier != RESTORED or not code.isdigit():
        return name
    if meaning.group == "arming":
        return Text(f"{name.zh}:布防", f"{name.en}: closing")
    return Text(f"{name.zh}:恢复", f"{name.en}: restored")


@cache
def _table(file: str) -> dict[str, Meaning]:
    with Path(__file__).with_name(file).open(encoding="utf-8", newline="") as lines:
        return {row["code"]: _meaning(row) for row in csv.DictReader(lines)}


def _meaning(row: dict[str, str]) -> Meaning:
    pairs = [pair.split("=") for pair in row["values"].split()]
    return Meaning(
        row["class"],
        row["kind"],
        tuple((name, word != "0") for name, word in pairs),
        any(word == "always" for _, word in pairs),
        row["about"],
        Text(row["zh"], row["en"]),
    )


def _nothing(code: str) -> Meaning:
    """A code that says nothing to us is kept, and rings nobody."""
    return Meaning("unknown", "panel", (), False, "zone", _unnamed(code))


def _unnamed(code: str) -> Text:
    return Text(f"未知代码 {code}", f"unknown code {code}")
