"""XLSX workbooks, in and out: sheets as rows of text.

A workbook comes from somewhere else and is a zip of XML. What could keep a reader busy or make
it large is refused before the library sees it: size unpacked, entities, sheets; rows and columns
are counted while they are read, formulas are not worked out but refused.
"""

from __future__ import annotations

import io
import math
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from gateway.document import Problem, Problems

if TYPE_CHECKING:
    from openpyxl.workbook.workbook import Workbook

MAX_UNPACKED: Final = 200_000_000
"""Bytes of all parts together: 100,000 rows of 20 cells are 120 MB of XML."""
MAX_PARTS: Final = 200
MAX_SHEETS: Final = 20
MAX_COLUMNS: Final = 60
_CHUNK: Final = 1_000_000
_PACKED: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What spreadsheets write. The others unpack a few bytes to gigabytes in one step."""
_ENTITIES: Final = tuple(
    word.encode(code)
    for word in ("<!DOCTYPE", "<!ENTITY")
    for code in ("utf-8", "utf-16-le", "utf-16-be")
)
_TAIL: Final = max(map(len, _ENTITIES))
_ROUNDED: Final = 1e15
"""A spreadsheet keeps fifteen digits of a number: what is longer has been rounded."""
_MOST_EMPTY: Final = 1_000
"""Empty rows on end, after which nothing more is expected."""
_BROKEN: Final = (
    *(zipfile.BadZipFile, zlib.error, struct.error, SyntaxError, ValueError, LookupError),
    *(TypeError, AttributeError, ArithmeticError, EOFError, OSError, RuntimeError, MemoryError),
)
"""What the library raises for a workbook that is none (``SyntaxError``: broken XML)."""


def rows(name: str, raw: bytes, titles: Sequence[str]) -> Iterator[list[str]]:
    """The cells of one sheet, row by row: the one called like one of ``titles``, else the first.

    Raises ``Problems``, each at its row and column.
    """
    book = _opened(name, raw)
    try:
        sheet = next((each for each in book.worksheets if each.title in titles), None)
        if sheet is None:
            sheet = book.worksheets[0]
        yield from _rows(name, sheet)
    except _BROKEN:
        raise _no_workbook(name) from None
    finally:
        book.close()


def titles_in(name: str, raw: bytes) -> list[str]:
    """What the sheets of a workbook are called. Raises ``Problems``."""
    book = _opened(name, raw)
    try:
        return [str(each.title) for each in book.worksheets]
    finally:
        book.close()


def written(sheets: Mapping[str, Iterable[Sequence[str]]]) -> bytes:
    """A workbook of these sheets. Every cell is text: no code loses its zeros, and none counts."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    for title, lines in sheets.items():
        sheet = book.create_sheet(title)
        for line in lines:
            cells = []
            for text in line:
                cell = WriteOnlyCell(sheet, value=text)
                cell.data_type = "s"
                cell.number_format = "@"
                cells.append(cell)
            sheet.append(cells)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _opened(name: str, raw: bytes) -> Workbook:
    import openpyxl

    _check(name, raw)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that nobody asks for
            book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, keep_links=False)
    except _BROKEN:
        raise _no_workbook(name) from None
    if not 0 < len(book.worksheets) <= MAX_SHEETS:
        book.close()
        raise Problems([Problem(name, 1, 1, f"between 1 and {MAX_SHEETS} sheets are expected")])
    return book


def _check(name: str, raw: bytes) -> None:
    """Refuse what is too large unpacked, whatever the archive says of its sizes.

    Each part is read to its true end: the library would unpack all of it at once, and keep only
    as much as the archive says.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            parts = archive.infolist()
            if len(parts) > MAX_PARTS:
                raise Problems([Problem(name, 1, 1, f"more than {MAX_PARTS} parts in the file")])
            left = MAX_UNPACKED
            for part in parts:
                said, part.file_size = part.file_size, left + _CHUNK + 1
                if part.compress_type not in _PACKED:
                    raise _no_workbook(name)
                with archive.open(part) as stream:
                    size = _measured(name, stream, left)
                if size != said:
                    raise _no_workbook(name)
                left -= size
    except _BROKEN:
        raise _no_workbook(name) from None


def _measured(name: str, stream: Any, most: int) -> int:
    size, end = 0, b""
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if size > most:
            message = f"larger than {MAX_UNPACKED:,} bytes unpacked; split it"
            raise Problems([Problem(name, 1, 1, message)])
        if any(word in end + chunk for word in _ENTITIES):
            raise Problems([Problem(name, 1, 1, "the file defines entities; save it again")])
        end = chunk[-_TAIL:]
    return size


def _rows(name: str, sheet: Any) -> Iterator[list[str]]:
    empty = 0
    for number, cells in enumerate(_quietly(sheet.iter_rows()), 1):
        found = [
            _text(name, number, column, cell)
            for column, cell in enumerate(cells[: MAX_COLUMNS + 1], 1)
        ]
        while found and not found[-1]:
            found.pop()
        if len(found) > MAX_COLUMNS:
            message = f"more than {MAX_COLUMNS} columns"
            raise Problems([Problem(name, number, MAX_COLUMNS + 1, message)])
        empty = 0 if found else empty + 1
        if empty > _MOST_EMPTY:
            return
        yield found


def _quietly(cells: Iterator[Any]) -> Iterator[Any]:
    """Row by row, without the library's remarks on dates that are none."""
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            row = next(cells, None)
        if row is None:
            return
        yield row


def _text(name: str, row: int, column: int, cell: Any) -> str:
    """What a cell shows, as somebody would have typed it into CSV."""
    value = cell.value
    if cell.data_type == "f":
        message = "a formula; replace it by its value (copy, paste values only)"
        raise Problems([Problem(name, row, column, message)])
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number(value)
        case datetime():
            plain = (value.hour, value.minute, value.second) == (0, 0, 0)
            return f"{value:%Y-%m-%d}" if plain else f"{value:%Y-%m-%d %H:%M}"
        case date():
            return value.isoformat()
        case time():
            return f"{value:%H:%M}"
        case _:
            return str(value)


def _number(value: float) -> str:
    """Whole numbers without a point; long ones as the spreadsheet shows what it has rounded."""
    if math.isfinite(value) and abs(value) >= _ROUNDED:
        return f"{value:.5E}"
    if math.isfinite(value) and value == int(value):
        return str(int(value))
    return repr(value)


def _no_workbook(name: str) -> Problems:
    return Problems([Problem(name, 1, 1, "no XLSX workbook, or a damaged one; save it again")])
