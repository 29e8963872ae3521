"""The plugin as a folder: its sample, its README, and what it imports."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

from gateway.sinks.influxdb.options import Options

FOLDER = Path(__file__).parents[2] / "gateway" / "sinks" / "influxdb"


def test_the_sample_is_valid_and_stands_in_the_readme() -> None:
    sample = (FOLDER / "sample.yaml").read_text(encoding="utf-8")
    given = yaml.safe_load(sample)["sinks"]["influx"]
    assert given.pop("type") == FOLDER.name
    Options.model_validate(given)
    assert sample in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_every_option_is_in_the_readme() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = {
        name
        for row in re.findall(r"(?m)^\| (`.*?) \|", readme)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert set(Options.model_fields) <= rows


def test_version_1_never_imports_the_library_of_version_2() -> None:
    code = (
        "import asyncio, sys\n"
        "from gateway.clock import SystemClock\n"
        "from gateway.sinks.influxdb.options import Options\n"
        "from gateway.sinks.influxdb.sink import Sink\n"
        "async def main():\n"
        "    given = {'url': 'http://127.0.0.1:1', 'database': 'd'}\n"
        "    async with Sink('i', Options.model_validate(given), SystemClock()): pass\n"
        "asyncio.run(main())\n"
        "print('influxdb_client' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
