"""The shipped recordings are small, sourced, and say what the demo needs them to say."""

from __future__ import annotations

import json
import re

import pytest

from gateway.demo import recording
from gateway.demo.recording import FOLDER

MEGABYTE = 1_000_000


def test_recordings_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert sum(sizes.values()) < 5 * MEGABYTE
    assert max(sizes.values()) < 2.1 * MEGABYTE


def test_every_recording_has_its_source_and_licence() -> None:
    table = (FOLDER / "SOURCES.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:-1] for line in table.splitlines() if line.startswith("| `")]
    named = {re.findall(r"`([^`]+)`", row[0])[0] for row in rows}
    shipped = {path.name for path in FOLDER.iterdir()} - {"SOURCES.md"}
    assert named == shipped
    for file, repository, path, licence, what in rows:
        assert repository.strip(), file
        assert re.search(r"[0-9a-f]{7,40}", path), file
        assert re.match(r" (Apache-2.0|MIT|BSD-2-Clause|CC BY 4.0)", licence), file
        assert what.strip(), file


@pytest.mark.parametrize("name", recording.MQTT)
def test_mqtt_recording_is_in_order_and_json(name: str) -> None:
    messages = recording.messages(name)
    assert messages
    assert [m.t for m in messages] == sorted(m.t for m in messages)
    assert all(json.loads(m.payload) and m.topic for m in messages)


def test_every_recording_is_played() -> None:
    files = {path.stem for path in FOLDER.glob("*.ndjson")}
    assert files == {*recording.MQTT, recording.SERIAL}
    assert recording.CAMERA.is_file()


def test_serial_recording_is_lines_of_the_declared_form() -> None:
    lines = recording.lines(recording.SERIAL)
    assert lines
    assert all(re.fullmatch(rb"PIR [a-z-]+ [01]\n", line.content) for line in lines)


def test_alarms_come_within_fifteen_seconds() -> None:
    """Life, facility and intrusion each have time to be told within 30 s of serving."""
    wanted = {"FireAlarm": "Alarm", "position": "tilt", "leakage_status": "leak"}
    found = {
        name
        for recorded in recording.MQTT
        for message in recording.messages(recorded)
        for name, value in wanted.items()
        if message.t <= 15 and json.loads(message.payload).get(name) == value
    }
    assert found == set(wanted)
    assert recording.lines(recording.SERIAL)[0].t <= 15


def test_every_recording_ends_before_it_begins_again() -> None:
    ends = [recording.messages(name)[-1].t for name in recording.MQTT]
    ends.append(recording.lines(recording.SERIAL)[-1].t)
    assert max(ends) < recording.PERIOD
