"""What the gateway measures of itself."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.health import written_mib


def test_what_was_written_to_storage_grows_with_what_is_synced(tmp_path: Path) -> None:
    before = written_mib()
    with (tmp_path / "file").open("wb") as file:
        file.write(os.urandom(3 * 2**20))
        os.fsync(file.fileno())
    after = written_mib()
    assert before is not None
    assert after is not None
    assert after - before >= 2.9 or after == before == 0.0  # a kernel without accounting says 0
