"""A running gateway holds memory once for all its threads."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.tree import ROOT

RUN = """
import asyncio, ctypes, sys
from gateway.app import gateway
from gateway.config import load

async def main():
    async with gateway(load(sys.argv[1])):
        ctypes.CDLL(None).malloc_stats()

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="a heap of glibc's")
def test_all_threads_of_a_gateway_share_one_heap(tmp_path: Path) -> None:
    file = tmp_path / "gridwarden.yaml"
    file.write_text(
        f"site: {{name: 云河社区, data: {tmp_path}/data}}\n"
        "notifiers: {book: {type: log}}\n"
        "console: {port: 0}\n",
        encoding="utf-8",
    )
    run = subprocess.run(
        [sys.executable, "-c", RUN, str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr.count("Arena ") == 1
