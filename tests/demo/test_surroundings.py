"""What the demo starts around the gateway starts, works and ends cleanly."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from gateway.clock import SystemClock
from gateway.demo import player, recording, scene
from gateway.demo.influx import influx
from gateway.demo.phone import phone
from gateway.embedded import broker
from gateway.model import Text
from gateway.simulate import free_port, serial_pair
from tests.virtual import VirtualClock


def listening(port: int) -> list[str]:
    """The addresses (hexadecimal, as Linux shows them) that listen on ``port``."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[1][:8] for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")]


async def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until ``condition()`` holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # paho calls back in its own thread
            await asyncio.sleep(0.02)


async def test_broker_delivers_what_the_player_publishes() -> None:
    got: list[tuple[str, bytes]] = []
    async with broker() as port, player.publisher(port) as client:
        client.on_message = lambda _c, _u, message: got.append((message.topic, message.payload))
        subscribed: list[int] = []
        client.on_subscribe = lambda *_: subscribed.append(1)
        await until(client.is_connected)
        client.subscribe("lora/#", 1)
        await until(lambda: subscribed)
        sent = recording.messages("smoke")
        for message in sent:
            player.publish(client, message)
        await until(lambda: len(got) == len(sent))
    assert got == [(message.topic, message.payload) for message in sent]


async def test_broker_listens_on_loopback_alone_and_is_gone_afterwards() -> None:
    for _ in range(2):
        async with broker() as port:
            assert listening(port) == ["0100007F"]
        assert listening(port) == []


async def test_influx_of_its_own_takes_points_and_is_gone_afterwards(tmp_path: Path) -> None:
    said: list[Text] = []
    async with influx(tmp_path, SystemClock(), said.append) as url:
        assert url.startswith("http://127.0.0.1:")
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{url}/query", params={"q": "CREATE DATABASE demo"}) as made:
                assert made.status == 200
            async with session.post(f"{url}/write?db=demo", data="smoke value=1") as written:
                assert written.status == 204
    assert listening(int(url.rsplit(":", 1)[1])) == []
    assert said == []


@pytest.mark.parametrize(
    ("script", "word"),
    [
        (None, "no influxd found"),
        ("echo InfluxDB v2.7.1", "not a 1.x"),
        ('[ "$1" = version ] && echo InfluxDB v1.6.7 && exit 0; exit 1', "did not start"),
    ],
)
async def test_without_influx_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, word: str
) -> None:
    if script is not None:
        program = tmp_path / "influxd"
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[Text] = []
    async with influx(tmp_path, SystemClock(), said.append) as url:
        assert url == ""
    assert len(said) == 1
    assert word in said[0].en


async def test_phone_shows_each_message_once() -> None:
    said: list[Text] = []
    message = {"person": "zhang-wei", "name": "张伟", "title": "烟感报警", "text": "302室\n请核实"}
    async with phone(said.append) as url, aiohttp.ClientSession() as session:
        for key in ("a", "a", "b"):
            headers = {"Idempotency-Key": key}
            async with session.post(url, json=message, headers=headers) as answer:
                assert answer.status == 200
    english = "on the phone of zhang-wei:\n  | 烟感报警\n  | 302室\n  | 请核实"
    assert said == [Text("张伟的手机收到:", english)] * 2


def test_serial_pair_carries_lines_and_no_echo() -> None:
    with serial_pair() as pair:
        end = os.open(pair.port, os.O_RDWR | os.O_NOCTTY)
        try:
            assert pair.send(b"PIR living-door 1\n")
            assert os.read(end, 100) == b"PIR living-door 1\n"
        finally:
            os.close(end)
        assert pair.send(b"PIR living-door 0\n")


def test_serial_pair_that_nobody_reads_never_blocks() -> None:
    with serial_pair() as pair:
        taken = [pair.send(b"x" * 1000) for _ in range(1000)]
    assert taken[0]
    assert not taken[-1]


def test_scene_is_a_configuration_that_check_accepts(tmp_path: Path) -> None:
    config = pytest.importorskip("gateway.config")
    far = scene.Far(
        mqtt=free_port(),
        serial="/dev/pts/0",
        phone="http://127.0.0.1:1/",
        influx="http://127.0.0.1:2",
    )
    settings = config.load(scene.write(tmp_path, far, 0))
    assert set(settings.drivers) == {"sensors", "alarm_panel", "gate_camera"}
    assert set(settings.sinks) == {"series"}
    assert set(settings.notifiers) == {"phone"}
    assert settings.warnings == ()


def test_scene_without_influx_has_no_sink(tmp_path: Path) -> None:
    far = scene.Far(mqtt=1, serial="/dev/pts/0", phone="http://127.0.0.1:1/", influx="")
    assert "influxdb" not in scene.write(tmp_path, far, 0).read_text(encoding="utf-8")


async def test_player_sends_each_event_at_its_time() -> None:
    clock = VirtualClock()
    began = clock.now().mono
    sent: list[tuple[float, float]] = []

    def send(line: recording.Line) -> None:
        sent.append((line.t, (clock.now().mono - began) / 1e9))

    lines = recording.lines(recording.SERIAL)
    playing = asyncio.create_task(player.play_once(lines, send, clock))
    await clock.advance(lines[-1].t + 1)
    await playing
    assert [at for at, _ in sent] == [line.t for line in lines]
    assert all(abs(at - when) < 0.001 for at, when in sent)
