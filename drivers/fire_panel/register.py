"""The site's own register of components, for panels that never send theirs: one CSV file.

Columns ``address`` (地址), ``kind`` (类别), ``name`` (名称), ``place`` (位置); UTF-8 or GBK, as
spreadsheets write it. What is wrong is told with all its rows; sound rows count regardless.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from drivers._fields import known_kind
from drivers.fire_panel.address import Address, read_address
from gateway.model import DeviceSeen

MOST: Final = 20_000
"""Rows; the largest panels have some ten thousand points."""
MAX_BYTES: Final = 8_000_000
_MAX_CELL: Final = 100
_MAX_PROBLEMS: Final = 50
_COLUMNS: Final = {
    "address": "address",
    "地址": "address",
    "kind": "kind",
    "类别": "kind",
    "类型": "kind",
    "name": "name",
    "名称": "name",
    "place": "place",
    "位置": "place",
}


class Row(NamedTuple):
    """One component, system or transmission device of the site."""

    address: Address
    kind: str
    name: str


class Register(NamedTuple):
    """What the file says, by device address; ``problems`` in the order of its rows."""

    rows: dict[str, Row]
    problems: tuple[str, ...] = ()

    def seen(self) -> list[DeviceSeen]:
        """All of it as announcements."""
        return [DeviceSeen(device, row.kind, "", row.name) for device, row in self.rows.items()]

    def of(self, unit: str) -> list[Address]:
        """The addresses below one transmission device."""
        return [row.address for row in self.rows.values() if row.address.unit == unit]


def load(path: Path) -> Register:
    """The register in ``path``; a file that can not be read is one problem."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        return Register({}, (f"can not be read: {error.strerror}",))
    if len(raw) > MAX_BYTES:
        return Register({}, (f"larger than {MAX_BYTES:,} bytes; split the site",))
    return read(raw)


def read(raw: bytes) -> Register:
    """From the file's bytes. Pure; never raises."""
    text = _text(raw)
    if text is None:
        return Register({}, ("neither UTF-8 nor GBK; save it as CSV UTF-8",))
    rows: dict[str, Row] = {}
    problems: list[str] = []
    try:
        for number, cells in _table(text, problems):
            if len(rows) >= MOST:
                problems.append(f"row {number}: more than {MOST:,} rows")
                break
            _take(number, cells, rows, problems)
    except csv.Error as error:
        problems.append(f"not CSV: {error}")
    if (more := len(problems) - _MAX_PROBLEMS) > 0:
        problems[_MAX_PROBLEMS:] = [f"and {more} more"]
    return Register(rows, tuple(problems))


def _text(raw: bytes) -> str | None:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _table(text: str, problems: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Row number, as a spreadsheet counts, and its cells by column."""
    header: list[str] | None = None
    for number, cells in enumerate(csv.reader(io.StringIO(text, newline="")), 1):
        words = [" ".join(cell.split()) for cell in cells]
        if not any(words):
            continue
        if header is not None:
            yield number, {name: word for name, word in zip(header, words, strict=False) if name}
            continue
        header = [_COLUMNS.get(word.lower(), "") for word in words]
        for word, name in zip(words, header, strict=True):
            if word and not name:
                problems.append(f"row {number}: unknown column {word[:_MAX_CELL]!r}")
        if "address" not in header:
            problems.append(f"row {number}: there is no column address (地址)")
            return
    if header is None:
        problems.append("empty; the first row names the columns address,kind,name,place")


def _take(number: int, cells: dict[str, str], rows: dict[str, Row], problems: list[str]) -> None:
    wrong: list[str] = []
    address = Address("")
    try:
        address = read_address(cells.get("address", ""))
    except ValueError as error:
        wrong.append(str(error))
    kind = cells.get("kind", "")
    try:
        known_kind(kind)
    except ValueError as error:
        wrong.append(str(error))
    texts = [cells.get("place", ""), cells.get("name", "")]
    if any(len(text) > _MAX_CELL or not text.isprintable() for text in texts):
        wrong.append(f"a name or place that is no printable text of {_MAX_CELL} characters")
    if not wrong and str(address) in rows:
        wrong.append(f"{address} stands there twice")
    if wrong:
        problems.extend(f"row {number}: {each}" for each in wrong)
        return
    rows[str(address)] = Row(address, kind, " ".join(filter(None, texts)))
