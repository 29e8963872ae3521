"""A database file is opened whole, or put aside and begun anew; never guessed at."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.ports import Unavailable
from gateway.store import schema
from gateway.store.schema import SchemaError, open_checked, opened

WALL = 1_767_600_000_000_000_000  # 2026-01-05 08:00 UTC


def fill(path: Path, rows: int = 3_000) -> None:
    connection, aside = open_checked(path, "cases", WALL)
    assert aside is None
    with closing(connection):
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO meta VALUES (?, ?)", ((f"k{n}", "x" * 100) for n in range(rows))
        )
        connection.execute("COMMIT")


def zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def zeros_inside(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(bytes(60_000))


def garbage(path: Path) -> None:
    path.write_bytes(b"\x8f not a database \xff" * 5_000)


def truncated(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 3)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def torn_off_with_a_log_left(path: Path) -> None:
    path.rename(f"{path}-wal")


@pytest.mark.parametrize(
    "harm", [zeros, zeros_inside, garbage, truncated, emptied, torn_off_with_a_log_left]
)
def test_broken_file_is_put_aside_and_a_new_one_started(tmp_path: Path, harm) -> None:
    path = tmp_path / "cases.db"
    fill(path)
    harm(path)
    connection, aside = open_checked(path, "cases", WALL)
    with closing(connection):
        assert connection.execute("SELECT count(*) FROM meta").fetchone() == (0,)
    assert aside == tmp_path / "cases-broken-20260105-080000.db"
    assert aside.exists() or Path(f"{aside}-wal").exists()


def test_sound_file_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "cases.db"
    fill(path)
    connection, aside = open_checked(path, "cases", WALL)
    with closing(connection):
        assert aside is None
        assert connection.execute("SELECT count(*) FROM meta").fetchone() == (3_000,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_large_file_is_looked_at_by_size_and_edges(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(schema, "_WHOLE", 1_000)
    path = tmp_path / "cases.db"
    fill(path)
    connection, aside = open_checked(path, "cases", WALL)
    connection.close()
    assert aside is None
    truncated(path)
    connection, aside = open_checked(path, "cases", WALL)
    connection.close()
    assert aside is not None


def test_newer_schema_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "cases.db"
    fill(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 9999")
    with pytest.raises(SchemaError, match=r"cases\.db: written by a newer gridwarden"):
        open_checked(path, "cases", WALL)
    with pytest.raises(Unavailable, match=r"cases\.db: written by a newer .* move the file away"):
        opened(path, "cases", WALL)
    assert [file.name for file in tmp_path.iterdir()] == ["cases.db"]


def test_folder_in_the_way_is_said_not_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "cases.db"
    path.mkdir()
    with pytest.raises(sqlite3.OperationalError):
        open_checked(path, "cases", WALL)
    with pytest.raises(Unavailable, match=r"cases\.db: unable to open database file; the folder"):
        opened(path, "cases", WALL)
    assert path.is_dir()


def test_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    path = tmp_path / "no" / "cases.db"
    with pytest.raises(Unavailable) as caught:
        opened(path, "cases", WALL)
    assert str(caught.value).startswith(f"{path}: unable to open database file; the folder must")


def test_file_in_the_place_of_the_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "no").write_text("")
    with pytest.raises(Unavailable, match=r"cases\.db: .*; the folder must be there"):
        opened(tmp_path / "no" / "cases.db", "cases", WALL)


def test_at_most_three_broken_files_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "cases.db"
    for day in range(5):
        garbage(path)
        connection, aside = open_checked(path, "cases", WALL + day * 86_400_000_000_000)
        connection.close()
        assert aside is not None
    broken = sorted(file.name for file in tmp_path.glob("*-broken-*"))
    assert broken[0] == "cases-broken-20260107-080000.db"
    assert len(broken) == 3


def test_failing_schema_file_leaves_the_version_before_it(tmp_path: Path, monkeypatch) -> None:
    good = schema.files("cases")
    monkeypatch.setattr(
        schema, "files", lambda _name: [*good, (good[-1][0] + 1, "CREATE TABLE meta (x)")]
    )
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as connection:
        with pytest.raises(sqlite3.OperationalError):
            schema.migrate(connection, "cases")
        assert connection.execute("PRAGMA user_version").fetchone() == (good[-1][0],)
        assert not connection.in_transaction
