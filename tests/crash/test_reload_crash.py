"""The whole gateway as a process whose rules change, killed at random moments around it."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.config import load
from gateway.editions import RULES, pack_rules, unpack_rules
from gateway.model import Edition, Lane
from gateway.store.journal_file import JournalFile

KILLS = 8
_CONFIG = """
site: {name: 换规则, data: data}
clock: {trust: always}
drivers:
  site: {type: replay, path: recording.ndjson, loop: true}
rules: {dir: rules}
console: {port: 0}
log: {level: warning}
"""
_RULE = """
rules:
  - {{name: hot, title: 热, on: climate, when: temperature > {}, severity: alarm, category: facility}}
"""


@pytest.mark.long
def test_killed_around_a_reload_the_journal_has_what_every_edition_says(tmp_path: Path) -> None:
    chance = random.Random(20260105)
    file, own = tmp_path / "gridwarden.yaml", tmp_path / "rules" / "own.yaml"
    own.parent.mkdir()
    file.write_text(_CONFIG, encoding="utf-8")
    line = '{"t": %d, "device": "c1", "kind": "climate", "values": {"temperature": 30}}\n'
    (tmp_path / "recording.ndjson").write_text(line % 0 + line % 1, encoding="utf-8")
    for number in range(KILLS):
        own.write_text(_RULE.format(number * 10), encoding="utf-8")
        process = _started(file)
        try:
            own.write_text(_RULE.format(number * 10 + 1), encoding="utf-8")
            process.send_signal(signal.SIGHUP)
            time.sleep(chance.random() * 0.6)
        finally:
            process.kill()
            process.wait(30)
            assert process.stdout is not None
            process.stdout.close()
    settings = load(file)
    process = _started(file)
    process.terminate()
    assert process.wait(30) == 0
    assert process.stdout is not None
    process.stdout.close()
    named = _editions(tmp_path / "data" / "journal.db")
    assert named[-1] == pack_rules(settings.rule_files, settings.site.zone).digest
    assert len(set(named)) > KILLS


def _started(file: Path) -> subprocess.Popen[str]:
    """The gateway, once its console serves."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "run", str(file)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"LANG": "C.UTF-8"},
    )
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], 60)
    assert ready
    assert process.stdout.readline().startswith("console: ")
    return process


def _editions(path: Path) -> list[str]:
    """The digests of the rules' editions in their order; what each says can be read."""
    file = JournalFile(path)
    file.look()
    try:
        assert file.verify() == []
        chunks = file.chunks(0, Lane.everything, 10**9)
        found = [r.item for chunk in chunks for r in chunk.records if isinstance(r.item, Edition)]
        for item in found:
            body = file.edition(item.digest)
            assert body is not None
            if item.what == RULES:
                assert "hot" in unpack_rules(item.digest, body).by_name
        return [item.digest for item in found if item.what == RULES]
    finally:
        file.reader.close()
