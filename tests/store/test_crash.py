"""SIGKILL at every commit point: 50 points, each some ten times. GRIDWARDEN_CRASH_ROUNDS asks for more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.long
def test_whatever_was_acknowledged_is_there_once_after_a_kill_at_any_commit_point(
    tmp_path: Path,
) -> None:
    rounds = int(os.environ.get("GRIDWARDEN_CRASH_ROUNDS", "500"))
    command = [sys.executable, "-m", "tests.store.crash_rounds", str(tmp_path), str(rounds), "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    assert result["rounds"] == rounds
    assert result["stored"] >= result["acknowledged"] > rounds
    assert result["repeats"] > 0, "no round died between commit and acknowledgement"
