"""A slip in a rule file and then a power cut: the gateway begins with what was in force before."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.crash.test_reload_crash import _CONFIG, _RULE


def test_wrong_rules_at_a_start_are_told_of_and_those_of_before_go_on(tmp_path: Path) -> None:
    file, own = tmp_path / "gridwarden.yaml", tmp_path / "rules" / "own.yaml"
    own.parent.mkdir()
    file.write_text(_CONFIG, encoding="utf-8")
    line = '{"t": %d, "device": "c1", "kind": "climate", "values": {"temperature": 30}}\n'
    (tmp_path / "recording.ndjson").write_text(line % 0 + line % 1, encoding="utf-8")
    own.write_text(_RULE.format(10), encoding="utf-8")
    first, _ = _runs(file)
    own.write_text(_RULE.format("10 MPa"), encoding="utf-8")
    rules, errors = _runs(file)
    assert [row["name"] for row in rules["rules"]] == [row["name"] for row in first["rules"]]
    assert "own.yaml:3:" in errors
    assert "starting with the rules and registry that were last in force" in errors
    assert "own.yaml" in str(rules)  # the page shows why


def test_wrong_rules_at_the_very_first_start_are_errors(tmp_path: Path) -> None:
    file, own = tmp_path / "gridwarden.yaml", tmp_path / "rules" / "own.yaml"
    own.parent.mkdir()
    file.write_text(_CONFIG, encoding="utf-8")
    (tmp_path / "recording.ndjson").write_text("", encoding="utf-8")
    own.write_text(_RULE.format("10 MPa"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "run", str(file)],
        capture_output=True, text=True, check=False, timeout=60, env=_environment(),
    )  # fmt: skip
    assert done.returncode == 1
    assert "own.yaml:3:" in done.stderr
    assert "Traceback" not in done.stderr


def _environment() -> dict[str, str]:
    return os.environ | {"LANG": "C.UTF-8"}


def _runs(file: Path) -> tuple[dict[str, Any], str]:
    """What the console says of the rules, and the error stream, of one run."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "run", str(file)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment(),
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        ready, _, _ = select.select([process.stdout], [], [], 60)
        assert ready
        url = process.stdout.readline().removeprefix("console: ").strip()
        found: dict[str, Any] = {}
        for _ in range(100):  # the console serves before the rules run
            with urllib.request.urlopen(f"{url}/api/v1/rules", timeout=10) as answer:
                found = json.load(answer)
            if found["rules"]:
                break
            time.sleep(0.1)
    finally:
        process.terminate()
        process.wait(30)
        errors = process.stderr.read()
        process.stdout.close()
        process.stderr.close()
    return found, errors
