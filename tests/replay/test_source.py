"""A journal read in pages: what is damaged or gone is counted, and moments are found."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.model import SECOND, Reading, Record
from gateway.replay import source as module
from gateway.replay.source import Source
from gateway.store.journal_file import JournalFile
from tests.virtual import START

Open = Callable[[], Source]


def report(n: int, *, trusted: bool = True, wall: int | None = None) -> Record:
    at = START + n * SECOND
    item = Reading(f"d{n % 3}", "smoke", {"alarm": False}, received_at=at, at=at)
    return Record(n, at, "boot-1", n * SECOND, at if wall is None else wall, trusted, item)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Records 1 to 60 in commits of five."""
    file = JournalFile(tmp_path / "journal.db")
    file.open(START, "j1")
    for first in range(1, 61, 5):
        file.append([report(n) for n in range(first, first + 5)], first + 4, None, (), {})
    file.close()
    return tmp_path / "journal.db"


@pytest.fixture
def look(path: Path) -> Iterator[Open]:
    files: list[JournalFile] = []

    def open_it() -> Source:
        file = JournalFile(path)
        files.append(file)
        return Source(file, file.look())

    yield open_it
    for file in files:
        file.reader.close()


def spoil(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


def numbers(source: Source, first: int, last: int) -> list[int]:
    return [record.n for page in source.pages(first, last) for record in page]


@pytest.mark.parametrize("most", [1, 7, 5_000])
@pytest.mark.parametrize(("first", "last"), [(1, 60), (3, 58), (6, 10), (7, 7), (60, 60)])
def test_pages_hold_each_record_once(
    look: Open, monkeypatch: pytest.MonkeyPatch, most: int, first: int, last: int
) -> None:
    monkeypatch.setattr(module, "PAGE", most)
    source = look()
    assert numbers(source, first, last) == list(range(first, last + 1))
    assert source.lost == (0, 0)


def test_a_damaged_commit_is_counted_and_its_neighbours_are_played(look: Open, path: Path) -> None:
    spoil(path, "UPDATE chunk SET body = x'00' WHERE first = 21")
    source = look()
    assert numbers(source, 1, 60) == [*range(1, 21), *range(26, 61)]
    assert source.lost == (5, 0)


def test_what_retention_took_is_gone(look: Open, path: Path) -> None:
    source = look()
    spoil(path, "DELETE FROM chunk WHERE first < 21")
    assert numbers(source, 1, 60) == list(range(21, 61))
    assert source.lost == (0, 20)


def test_what_comes_later_is_not_read(look: Open, path: Path) -> None:
    source = look()
    file = JournalFile(path)
    file.open(START, "")
    file.append([report(61)], 61, None, (), {})
    file.close()
    assert numbers(source, 58, source.upto) == [58, 59, 60]


def test_a_moment_is_found_by_both_axes(look: Open) -> None:
    source = look()
    for n in (1, 2, 21, 31, 60):
        assert source.first_since(START + n * SECOND) == n
        assert source.first_arrived(START + n * SECOND - 1) == n
    assert source.first_since(START + 61 * SECOND) == 61
    assert source.first_since(0) == 1


def test_a_moment_behind_damaged_records_begins_with_them(look: Open, path: Path) -> None:
    spoil(path, "UPDATE chunk SET body = x'00' WHERE first = 26")
    source = look()
    for n, found in ((25, 25), (28, 26), (31, 26), (32, 32)):
        assert source.first_since(START + n * SECOND) == found
        assert source.first_arrived(START + n * SECOND) == found


def test_the_device_is_followed_to_both_sides(look: Open) -> None:
    source = look()
    assert [record.n for record in source.before("d1", 31, 3)] == [22, 25, 28]
    assert [record.n for record in source.after("d1", 31, 3)] == [34, 37, 40]
    assert [record.n for record in source.before("d1", 4, 3)] == [1]
    assert source.after("d0", 60, 3) == []


def test_a_record_is_there_or_it_is_not(look: Open, path: Path) -> None:
    spoil(path, "UPDATE chunk SET body = x'00' WHERE first = 21")
    source = look()
    found = source.record(20)
    assert found is not None
    assert found.n == 20
    assert source.record(22) is None
    assert source.record(61) is None


def test_a_boot_without_a_clock_is_dated_by_what_was_learnt_later(path: Path, look: Open) -> None:
    file = JournalFile(path)
    file.open(START, "")
    blind = [report(n, trusted=False, wall=n) for n in range(61, 66)]
    file.append(blind, 65, None, (), {})
    file.set_offset("boot-1", START)
    file.close()
    source = look()
    assert source.first_since(START + 63 * SECOND) == 63
    assert numbers(source, 61, 65) == [61, 62, 63, 64, 65]
    assert source.axis.wall(START + 64 * SECOND) == START + 64 * SECOND


def test_time_that_was_switched_off_is_on_the_wall_and_not_on_the_axis(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "journal.db")
    file.open(START, "j1")
    file.append([report(1), report(2)], 2, None, (), {})
    later = report(3, wall=START + 3600 * SECOND)
    file.append([later], 3, None, (), {})
    file.close()
    file = JournalFile(tmp_path / "journal.db")
    source = Source(file, file.look())
    assert numbers(source, 1, 3) == [1, 2, 3]
    wall = source.axis.wall
    assert wall(START + 2 * SECOND) == START + 2 * SECOND
    assert wall(START + 3 * SECOND) == START + 3600 * SECOND
    assert source.first_since(START + 60 * SECOND) == 3
    file.reader.close()
