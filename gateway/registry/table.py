"""One CSV file or sheet as rows of named cells, and all that is wrong with it by row and column.

Excel in China writes GBK unless told otherwise and turns long codes into 1.3E+11, so both are
expected here. Rows and columns count from 1, as the spreadsheet shows them; the header is row 1.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from gateway.document import Problem, Problems, nearest
from gateway.registry import sheets
from gateway.registry.words import Columns

MAX_BYTES: Final = 20_000_000
MAX_ROWS: Final = 100_000
_MAX_CELL: Final = 200
_MAX_PROBLEMS: Final = 100
"""Per file: a wrong separator would otherwise fill the screen a hundred thousand times."""
FULL_WIDTH: Final = str.maketrans({"：": ":", "；": ";", "，": ",", "、": ";", "～": "~"})
_GUARDED: Final = re.compile(r"'+[=+\-@\t\r]")
_SPREADSHEET_NUMBER: Final = re.compile(r"\d(\.\d+)?E\+\d+", re.IGNORECASE)


class Source(NamedTuple):
    """A file on disk, or one that somebody has sent."""

    name: str
    """What messages call it; its ending says what it is."""
    path: Path | None = None
    content: bytes = b""

    @property
    def is_sheet(self) -> bool:
        """Whether it is a workbook."""
        return self.name.lower().endswith(".xlsx")

    def raw(self) -> bytes:
        """Its bytes. Raises ``Problems`` for one that can not be read or is too large."""
        if self.path is None:
            return _small_enough(self.name, self.content)
        return _bytes(self.name, self.path)

    def text(self) -> str:
        """UTF-8 with or without its mark, or GBK. Raises ``Problems``."""
        return _decode(self.name, self.raw())


def guarded(cell: str, *, sheet: bool = False) -> str:
    """``cell`` as no spreadsheet takes it for a formula: ``'+86`` for ``+86``.

    A ``sheet`` of a workbook has texts that are no formulas; what looks guarded is guarded once
    more there too, so that ``unguarded`` gives back every cell as it was.
    """
    risky = _GUARDED.match(cell if sheet else f"'{cell}")
    return f"'{cell}" if risky else cell


def unguarded(cell: str) -> str:
    """The cell that ``guarded`` was given."""
    return cell[1:] if _GUARDED.match(cell) else cell


def on_disk(path: Path) -> Source:
    """The file at ``path``, named as the user named it."""
    return Source(str(path), path)


class Table:
    """The rows of a file. Its problems are collected; the caller raises them together.

    ``titles`` are the names of the sheet that is meant in a workbook.
    """

    def __init__(
        self,
        source: Source,
        columns: Columns,
        required: tuple[str, ...],
        titles: tuple[str, ...] = (),
    ) -> None:
        self.file = source.name
        self._source = source
        self._titles = titles
        self._names = {name: name for name in columns} | {
            other: name for name, others in columns.items() for other in others
        }
        self._columns = columns
        self._required = required
        self._problems: list[Problem] = []
        self._more = 0
        self.complete = True
        """Whether every row could be read; without it nothing can be said to be missing."""

    def wrong(self, row: int, column: int, message: str) -> None:
        """Note a problem; after the hundredth only their number."""
        self.complete = False
        if len(self._problems) < _MAX_PROBLEMS:
            self._problems.append(Problem(self.file, row, column, message))
        else:
            self._more += 1

    def problems(self) -> list[Problem]:
        """What was found; the last one says how many more there are."""
        if not self._more:
            return self._problems
        last = Problem(self.file, MAX_ROWS + 1, 1, f"… and {self._more} more problems")
        return [*self._problems, last]

    def rows(self) -> Iterator[Row]:
        """Every row that is not empty."""
        header: dict[str, int] | None = None
        number = 0
        try:
            for number, cells in enumerate(self._cells(), 1):
                if number > MAX_ROWS:
                    self.wrong(number, 1, f"more than {MAX_ROWS:,} rows; split the registry")
                    return
                if not any(cell.strip() for cell in cells):
                    continue
                if header is None:
                    header = self._header(number, cells)
                    if header is None:
                        return
                else:
                    yield self._row(number, header, cells)
        except csv.Error as error:
            self.wrong(number + 1, 1, f"not CSV: {error}")
        except Problems as error:
            self.complete = False
            self._problems.extend(error.problems)
        if header is None and self.complete:
            self.wrong(1, 1, f"empty; the first row names the columns {', '.join(self._required)}")

    def _cells(self) -> Iterator[list[str]]:
        """The cells of each row. Raises ``Problems`` and ``csv.Error``."""
        rows: Iterator[list[str]]
        if self._source.is_sheet:
            rows = sheets.rows(self.file, self._source.raw(), self._titles)
        else:
            rows = csv.reader(io.StringIO(self._source.text(), newline=""), strict=True)
        return ([unguarded(cell) for cell in cells] for cells in rows)

    def _header(self, number: int, cells: list[str]) -> dict[str, int] | None:
        """Column -> index; None when the rows below could not be understood."""
        if len(cells) == 1 and any(mark in cells[0] for mark in ";\t，"):
            self.wrong(number, 1, "the columns must be separated by commas (save as CSV UTF-8)")
            return None
        header: dict[str, int] = {}
        for index, cell in enumerate(cells):
            word = cell.strip()
            name = self._names.get(word) or self._names.get(word.lower())
            if not word:
                continue
            if name is None:
                hint = nearest(word[:_MAX_CELL], self._columns)
                self.wrong(number, index + 1, f"unknown column {word[:_MAX_CELL]!r}{hint}")
            elif name in header:
                self.wrong(
                    number, index + 1, f"column {name!r} is already column {header[name] + 1}"
                )
            else:
                header[name] = index
        missing = [name for name in self._required if name not in header]
        for name in missing:
            self.wrong(number, 1, f"column {name!r} ({self._columns[name][0]}) is missing")
        return None if missing else header

    def _row(self, number: int, header: Mapping[str, int], cells: list[str]) -> Row:
        if len(cells) > max(header.values()) + 1 and any(
            cell.strip() for index, cell in enumerate(cells) if index not in header.values()
        ):
            beyond = next(i for i, cell in enumerate(cells) if i not in header.values() and cell)
            self.wrong(number, beyond + 1, "a cell without a column name above it")
        return Row(self, number, header, cells)


class Row:
    """The cells of one row by column name; a cell that is wrong is noted and reads as empty."""

    def __init__(
        self, table: Table, number: int, header: Mapping[str, int], cells: list[str]
    ) -> None:
        self._table = table
        self.number = number
        self._header = header
        self._cells = cells
        self.sound = True

    def wrong(self, column: str, message: str) -> None:
        """Note a problem in ``column`` of this row."""
        self.sound = False
        self._table.wrong(self.number, self._header.get(column, 0) + 1, message)

    def text(self, column: str, longest: int = _MAX_CELL) -> str:
        """The cell, with its white space evened out; "" when there is none."""
        cell = self._cell(column)
        if len(cell) > longest:
            self.wrong(column, f"longer than {longest} characters")
            return ""
        if not cell.isprintable():
            self.wrong(column, "holds characters that can not be printed")
            return ""
        return cell

    def required(self, column: str, longest: int = _MAX_CELL) -> str:
        """The cell, which must not be empty."""
        if not self._cell(column):
            self.wrong(column, f"{column} is empty")
        return self.text(column, longest)

    def listed(self, column: str, longest: int = _MAX_CELL) -> list[str]:
        """The words of a cell such as ``phone;log``; a comma of either script does as well."""
        cell = self.text(column, longest).translate(FULL_WIDTH).replace(",", ";")
        return [word for part in cell.split(";") if (word := part.strip())]

    def _cell(self, column: str) -> str:
        index = self._header.get(column)
        if index is None or index >= len(self._cells):
            return ""
        return " ".join(self._cells[index].split())

    def code(self, column: str, pattern: re.Pattern[str]) -> str:
        """An identifier of the form ``pattern``; what a spreadsheet has rounded is refused."""
        cell = self.required(column)
        if _SPREADSHEET_NUMBER.fullmatch(cell):
            self.wrong(
                column, f"the spreadsheet has rounded it to {cell}; format the column as text"
            )
        elif cell and not pattern.fullmatch(cell):
            self.wrong(column, f"{cell!r} is no {column}: letters, digits and '_', '-' are allowed")
        return cell

    def word(self, column: str, words: Mapping[str, str], default: str = "") -> str:
        """One of ``words`` as the program calls it; ``default`` for an empty cell."""
        if default and not self._cell(column):
            return default
        cell = self.required(column)
        if (found := words.get(cell) or words.get(cell.lower())) is not None:
            return found
        if cell:
            same_script = [word for word in words if word.isascii() == cell.isascii()]
            self.wrong(column, f"unknown {column} {cell!r}{nearest(cell, same_script)}")
        return ""

    def number_in(self, column: str, low: float, high: float) -> float | None:
        """A number from ``low`` to ``high``; None for an empty cell."""
        cell = self.text(column)
        if not cell:
            return None
        try:
            number = float(cell)
        except ValueError:
            self.wrong(column, f"{cell!r} is no number")
            return None
        if not low <= number <= high:
            self.wrong(column, f"{cell} is not within {low:g}..{high:g}")
            return None
        return number

    def position(self) -> tuple[float | None, float | None]:
        """Latitude and longitude, both or neither."""
        latitude = self.number_in("latitude", -90, 90)
        longitude = self.number_in("longitude", -180, 180)
        if (latitude is None) != (longitude is None) and self.sound:
            missing = "latitude" if latitude is None else "longitude"
            self.wrong(missing, f"{missing} is missing; give both or neither")
        return latitude, longitude


def _bytes(name: str, path: Path) -> bytes:
    try:
        if not path.is_file():
            raise Problems([Problem(name, 1, 1, "no such file")])
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such file"
        raise Problems([Problem(name, 1, 1, f"can not be read: {reason}")]) from None
    return _small_enough(name, raw)


def _small_enough(name: str, raw: bytes) -> bytes:
    if len(raw) > MAX_BYTES:
        raise Problems([Problem(name, 1, 1, f"larger than {MAX_BYTES:,} bytes; split it")])
    return raw


def _decode(name: str, raw: bytes) -> str:
    """UTF-8 with or without its mark, or GB 18030, which holds GBK."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Problems([Problem(name, 1, 1, "UTF-16; save it as CSV UTF-8")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) + 1
    try:
        return raw.decode("gb18030")
    except UnicodeDecodeError:
        raise Problems(
            [Problem(name, row, 1, "neither UTF-8 nor GBK; save it as CSV UTF-8")]
        ) from None
