"""Real recordings that may not be shipped: they lie in ``shared/data`` beside the repository."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(*names: str, folders: tuple[Path, ...] = ()) -> Path:
    """The first of ``names`` (below ``shared/data``) that is there; ``folders`` are searched first.

    A file of ``folders`` goes by its last name alone. Without any the test is skipped.
    """
    found = [folder / Path(name).name for folder in folders for name in names]
    for path in (*found, *(DATA / name for name in names)):
        if path.exists():
            return path
    pytest.skip(f"{names[0]} is not in {DATA}")
