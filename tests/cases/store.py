"""What ``cases.db`` is kept in for one test, and a look at it past the program."""

from __future__ import annotations

import importlib
import pkgutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import MetaData

import gateway.store
from gateway.store.cases_tables import TABLES
from gateway.store.databases import Database, SqliteFile, database
from tests.servers import PostgreSQL


def tables() -> MetaData:
    """Those of every module of the store."""
    for module in pkgutil.iter_modules(gateway.store.__path__, "gateway.store."):
        importlib.import_module(module.name)
    return TABLES


class Store(Protocol):
    """One database, empty at first."""

    @property
    def where(self) -> Database:
        """To open it with, as a program that has just started does."""

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows that ``statement`` gives to somebody else who is allowed everything."""


class InFile:
    """A file of SQLite."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def where(self) -> Database:
        return SqliteFile(self._path)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._path)) as connection, connection:
            return connection.execute(statement).fetchall()


class OnServer:
    """A schema of a PostgreSQL."""

    def __init__(self, server: PostgreSQL, url: str) -> None:
        self._server = server
        self.url = url

    @property
    def where(self) -> Database:
        return database(Path(), self.url)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        return self._server.sql(statement, self.url)

    def end_connections(self) -> None:
        """Everybody else's, as a cut network or an administrator does; returns when they are gone."""
        others = (
            "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        self.sql(f"SELECT pg_terminate_backend(pid, 5000) {others}")
