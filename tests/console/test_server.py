"""The server, its event streams, the metrics, and how it ends."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

import gateway.console
from gateway.console.app import create_app, serve
from gateway.console.events import MAX_STREAMS
from gateway.console.metrics import MAX_PLACES, MAX_RULES
from gateway.model import End
from gateway.ports import Unavailable
from tests.console.conftest import Client
from tests.console.memory_view import MemoryView, ModeRow, make_incident
from tests.virtual import START, VirtualClock, settle

README = (Path(gateway.console.__file__).parent / "README.md").read_text(encoding="utf-8")


async def line(answer: aiohttp.ClientResponse, start: bytes) -> bytes:
    async with asyncio.timeout(30):
        while not (read := await answer.content.readline()).startswith(start):
            assert read, "the stream ended"
        return read


async def test_the_stream_tells_of_changes_and_that_it_is_alive(
    client: Client, view: MemoryView, clock: VirtualClock
) -> None:
    async with client.get("/api/v1/events") as answer:
        assert answer.content_type == "text/event-stream"
        await view.touch()
        assert await line(answer, b"data:") == b"data: 1\n"
        for _ in range(50):
            await view.touch()
        await clock.advance(0.2)
        assert await line(answer, b"data:") == b"data: 51\n", "a storm is one event"
        await clock.advance(0.2)
        await clock.advance(15)
        assert await line(answer, b": ") == b": still here\n"


async def test_the_stream_ends_when_the_server_does_and_leaves_no_task(view: MemoryView) -> None:
    app = create_app(view)
    async with aiohttp.ClientSession() as session:
        async with serve(app, "127.0.0.1", 0) as (host, port):
            answer = await session.get(f"http://{host}:{port}/api/v1/events")
            await line(answer, b"retry:")
        assert await answer.content.read() == b"\n"
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"http://{host}:{port}/")


async def test_streams_are_bounded_and_given_back(view: MemoryView, clock: VirtualClock) -> None:
    app = create_app(view, clock=clock)
    async with TestClient(TestServer(app), connector=aiohttp.TCPConnector(limit=0)) as client:
        streams = [await client.get("/api/v1/events") for _ in range(MAX_STREAMS)]
        async with client.get("/api/v1/events") as refused:
            assert refused.status == 503
        for stream in streams:
            stream.close()
        await settle()
        await view.touch()
        await settle()
        await clock.advance(0.2)
        await view.touch()
        await settle()
        async with client.get("/api/v1/events") as answer:
            assert answer.status == 200


async def test_a_taken_port_is_said_in_one_line(view: MemoryView) -> None:
    async with serve(create_app(view), "127.0.0.1", 0) as bound:
        assert bound.port > 0
        with pytest.raises(Unavailable, match=r"choose another console\.port"):
            async with serve(create_app(view), "127.0.0.1", bound.port):
                pass


async def test_metrics_speak_of_everything_and_each_is_in_the_readme(
    client: Client, view: MemoryView
) -> None:
    await view.open(make_incident("F1", START), "zhang", "li")
    await view.end("F1", "zhang", End.told)
    await view.arm("1309", "disarmed", "person:li", 0)
    view.canary = {"lost": False, "hops": {"stored": 12.0}}
    async with client.get("/metrics") as answer:
        text = await answer.text()
        assert answer.content_type == "text/plain"
    for expected in (
        "gridwarden_readings_received_total 12840.0",
        'gridwarden_readings_refused_total{reason="duplicate"} 37.0',
        'gridwarden_reader_waiting{reader="hub"} 3780.0',
        'gridwarden_reader_dropped_total{reader="hub",reason="before_start"} 5.0',
        'gridwarden_incidents_open{category="life",state="open"} 1.0',
        'gridwarden_messages{end="told"} 1.0',
        'gridwarden_messages{end="waiting"} 1.0',
        'gridwarden_messages_held{reason="quota"} 3.0',
        "gridwarden_messages_oldest_seconds 42.5",
        'gridwarden_channel_up{channel="robot"} 0.0',
        "gridwarden_record_anchor_age_seconds 61.0",
        "gridwarden_record_unsigned 2.0",
        'gridwarden_devices{which="silent"} 1.0',
        "gridwarden_canary_lost 0.0",
        'gridwarden_canary_seconds{hop="stored"} 0.012',
        'gridwarden_arming_places{mode="away"} 4.0',
        'gridwarden_arming_mode{place="1309"} 0.0',
        'gridwarden_rule_alarms_total{rule="smoke_alarm"} 12345.0',
        'gridwarden_rule_errors_total{rule="hydrant_low"} 3.0',
        'gridwarden_rule_inhibited_total{rule="device_silent"} 31.0',
        'gridwarden_rule_seconds{rule="smoke_alarm"} 1.5e-06',
        "gridwarden_rule_reload_refused 0.0",
        'gridwarden_task_up{task="driver mqtt"} 1.0',
        'gridwarden_store{figure="bytes",store="journal"} 1.048576e+06',
        'gridwarden_build_info{version="0.1.0"} 1.0',
    ):
        assert expected in text, expected
    names = set(re.findall(r"^(gridwarden_\w+)", text, flags=re.MULTILINE))
    documented = set(re.findall(r"^\| `(gridwarden_\w+)`", README, flags=re.MULTILINE))
    assert names == documented


async def test_series_of_places_and_rules_are_bounded(client: Client, view: MemoryView) -> None:
    root = view.the_site.places["1309"]
    places = {
        f"1309{n:04}": msgspec.structs.replace(root, code=f"1309{n:04}", parent="1309")
        for n in range(1_000)
    }
    view.the_site = msgspec.structs.replace(view.the_site, places=places | {"1309": root})
    view.armed = {code: ModeRow(code) for code in view.the_site.places}
    view.rules = tuple(view.rules[0]._replace(name=f"r{n}") for n in range(2_000))
    async with client.get("/metrics") as answer:
        text = await answer.text()
    assert text.count("\ngridwarden_arming_mode{") == MAX_PLACES
    assert 'gridwarden_arming_mode{place="1309"}' in text
    assert 'gridwarden_arming_places{mode="away"} 1001.0' in text
    assert text.count("\ngridwarden_rule_open{") == MAX_RULES


async def test_every_path_of_the_api_is_in_the_readme(view: MemoryView) -> None:
    paths = {resource.canonical for resource in create_app(view).router.resources()}
    for path in paths - {"/static", "/api/v1/incidents/{key}/{verb}"}:
        assert any(f"`{verb}{path}" in README for verb in ("GET ", "POST ", "")), path


async def test_parallel_readers_get_whole_answers(client: Client, view: MemoryView) -> None:
    await view.open(make_incident("F1", START))

    async def read() -> int:
        async with client.get("/api/v1/incidents") as answer:
            return len(await answer.json())

    assert await asyncio.gather(*(read() for _ in range(50))) == [1] * 50


async def test_metrics_with_hostile_names_can_be_read_by_prometheus(
    client: Client, view: MemoryView
) -> None:
    code = 'a"b\\c\n{}'
    root = msgspec.structs.replace(view.the_site.places["1309"], code=code)
    view.the_site = msgspec.structs.replace(view.the_site, places={code: root})
    view.armed = {code: ModeRow(code, "home"), "gone": ModeRow("gone", "other")}
    async with client.get("/metrics") as answer:
        text = await answer.text()
    found = {family.name: family for family in text_string_to_metric_families(text)}
    [sample] = found["gridwarden_arming_mode"].samples
    assert (sample.labels, sample.value) == ({"place": code}, 1.0)
    assert all(family.documentation for family in found.values())
