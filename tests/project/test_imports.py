"""Imports point one way, and a plugin's library is imported only when it is configured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.tree import ROOT, module_name, plugins

LIBRARIES = {
    "aiomqtt",
    "amqtt",
    "av",
    "cv2",
    "gmqtt",
    "google",
    "grafana_foundation_sdk",
    "icalendar",
    "influxdb_client",
    "jinja2",
    "numpy",
    "openpyxl",
    "paho",
    "prometheus_client",
    "pymodbus",
    "quickjs",
    "recurring_ical_events",
    "serial",
}
"""Top-level modules that belong to one plugin, to the demo, or to what a site may never ask for."""
UNUSED = {"greenlet", "rich"}
"""What other libraries import only because it is installed: memory that nothing here uses."""


def imported_after(code: str, *arguments: str, among: set[str] = LIBRARIES) -> set[str]:
    """Which of ``among`` a fresh interpreter has loaded after running ``code``."""
    loaded = "{name for name, module in sys.modules.items() if module is not None}"
    report = f"\nimport json, sys\nprint(json.dumps(sorted({loaded} & {among!r})))"
    run = subprocess.run(
        [sys.executable, "-c", code + report, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout.splitlines()[-1]))


def test_imports_point_one_way() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run(
        [lint, "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-1000:]


def test_composition_root_imports_no_plugin_library() -> None:
    assert imported_after("import gateway.app, gateway.cli, gateway.config") == set()


def test_the_program_loads_nothing_for_a_renderer_it_does_not_use() -> None:
    assert imported_after("import gateway.cli.run", among=UNUSED) == set()


RUN = """
import asyncio, sys
from gateway.app import gateway
from gateway.config import load

async def main():
    async with gateway(load(sys.argv[1])):
        pass

asyncio.run(main())
"""
MQTT = """
drivers:
  sensors:
    type: mqtt
    port: 1
    dialects: [{zigbee2mqtt: {base: zigbee2mqtt}}]
"""
INFLUX = "sinks: {series: {type: influxdb, url: 'http://127.0.0.1:1', database: gridwarden}}\n"


@pytest.mark.parametrize(
    ("plugins_configured", "libraries"),
    [("", set()), (MQTT, {"paho"}), (INFLUX, set())],
    ids=["log", "mqtt", "influxdb 1.x"],
)
def test_running_gateway_imports_the_libraries_of_its_own_plugins(
    tmp_path: Path, plugins_configured: str, libraries: set[str]
) -> None:
    file = tmp_path / "gridwarden.yaml"
    file.write_text(
        f"site: {{name: 云河社区, data: {tmp_path}/data}}\n"
        "notifiers: {book: {type: log}}\n"
        "console: {port: 0}\n" + plugins_configured,
        encoding="utf-8",
    )
    assert (
        imported_after("import sys, gateway.config\ngateway.config.load(sys.argv[1])", str(file))
        == set()
    )
    assert imported_after(RUN, str(file)) == libraries


@pytest.mark.parametrize("plugin", plugins(), ids=lambda plugin: module_name(plugin[1]))
def test_options_import_no_plugin_library(plugin: tuple[str, Path]) -> None:
    assert imported_after(f"import {module_name(plugin[1])}.options") == set()
