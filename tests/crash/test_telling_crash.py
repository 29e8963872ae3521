"""SIGKILL before and after each write of the telling path; every promise holds afterwards.

GRIDWARDEN_KILLS, as for the whole gateway, asks for more rounds: from 450 on for every one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

_ROUNDS = 90
"""About as many as there are moments to kill at."""


def test_killed_between_any_two_writes_everybody_is_told_or_the_row_says_why(
    tmp_path: Path,
) -> None:
    kills = int(os.environ.get("GRIDWARDEN_KILLS", "40"))
    every = max(1, _ROUNDS * 5 // kills)
    command = [sys.executable, "-m", "tests.crash.telling_rounds", str(tmp_path), str(every)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    rounds = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rounds) >= 3
    assert {at: found for at, found in rounds if found} == {}
