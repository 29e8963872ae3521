"""The record on a file and on a server, as in ``tests/cases``."""

from __future__ import annotations

from tests.cases.conftest import on_server, store

__all__ = ["on_server", "store"]
