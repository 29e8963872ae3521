"""One gateway for each data folder: two would give out the same numbers."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.ports import Unavailable


@contextmanager
def sole_user(folder: Path) -> Iterator[None]:
    """Hold ``folder`` while entered; ``Unavailable`` when another process holds it.

    The kernel lets go of the lock when the process ends, however it ends.
    """
    path = folder / "gateway.lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}; the folder must be writable") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise Unavailable(
            f"{folder}: another gridwarden uses this folder; stop it or set another site.data"
        ) from None
    try:
        yield
    finally:
        os.close(handle)
