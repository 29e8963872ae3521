"""A driver that this platform has no library for says so in one line, and the rest runs."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from gateway.app import gateway
from gateway.config import load
from gateway.console.words import WORDS

CONFIGURATION = """
site: {{name: 云河社区, data: {data}}}
drivers:
  radio: {{type: mqtt, port: 1, dialects: [{{zigbee2mqtt: {{}}}}]}}
  drill: {{type: replay, path: {recording}, loop: true}}
notifiers: {{book: {{type: log}}}}
console: {{port: 0}}
"""
LINE = '{"t": 0, "device": "s1", "kind": "smoke", "values": {"alarm": false}}\n'


async def test_the_others_run_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording, file = tmp_path / "drill.ndjson", tmp_path / "gridwarden.yaml"
    recording.write_text(LINE, encoding="utf-8")
    text = CONFIGURATION.format(data=tmp_path / "data", recording=recording)
    file.write_text(text, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "drivers.mqtt.driver", raising=False)
    monkeypatch.delitem(sys.modules, "drivers.mqtt.link", raising=False)
    monkeypatch.setitem(sys.modules, "paho", None)
    monkeypatch.setitem(sys.modules, "paho.mqtt", None)
    async with gateway(load(file)) as running:
        async with asyncio.timeout(10):
            while "drill/s1" not in running.view.latest():  # noqa: ASYNC110 - it knows no event
                await asyncio.sleep(0.01)
        tasks = {task["name"]: task for task in running.view.health()["tasks"]}
    assert tasks["driver drill"]["up"]
    parts = {name.split(" ")[0] for name in tasks}
    unnamed = [part for part in parts if f"part.{part}" not in WORDS]
    assert unnamed == [], "every running part has its name in both languages"
    assert not tasks["driver radio"]["up"]
    assert "pip install paho-mqtt" in tasks["driver radio"]["reason"]
