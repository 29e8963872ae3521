"""Pushing, provisioning and every query, in a real Grafana before a real InfluxDB."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import dashboards
from dashboards.grafana.files import End as Wrote
from dashboards.grafana.files import provisioning, write
from dashboards.grafana.push import End, Push
from dashboards.grafana.server import Server
from dashboards.grafana.source import Source
from dashboards.grafana.trouble import Away
from tests.dashboards.filled import DATABASE, Filled
from tests.dashboards.grafana import EVERYWHERE, queries, span
from tests.dashboards.week import END, Week
from tests.grafana import real
from tests.grafana.real import RealGrafana
from tests.servers import InfluxDB

pytestmark = real.needed

BOARDS: Final = {language: dashboards.all(language) for language in ("zh", "en")}


@pytest.fixture(scope="module", autouse=True)
def program() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{real.HOME / 'bin'}:{os.environ['PATH']}")
        yield


@pytest.fixture(scope="module")
def influxdb(program: None) -> Iterator[Filled]:
    with InfluxDB() as server:
        yield Filled(server, Week())


@pytest.fixture
def grafana(program: None) -> Iterator[RealGrafana]:
    with RealGrafana() as started:
        yield started


def push(grafana: RealGrafana, source: Source, token: str, **options: Any) -> dict[str, End]:
    with Server(grafana.url, token) as server:
        way = Push(server, source, language="zh", **options)
        return {each.name: each.end for each in way.run(BOARDS["zh"], "", ready=False)}


def source(influxdb: Filled) -> Source:
    return Source(influxdb.server.url, DATABASE)


def test_what_people_edit_stays_and_a_second_push_changes_nothing(
    grafana: RealGrafana, influxdb: Filled
) -> None:
    token = grafana.token("Admin")
    first = push(grafana, source(influxdb), token)
    assert set(first.values()) <= {End.sent, End.created}
    again = push(grafana, source(influxdb), token)
    assert set(again.values()) == {End.unchanged}

    uid, title = BOARDS["zh"][0].uid, BOARDS["zh"][0].title
    board = grafana.admin("GET", f"/dashboards/uid/{uid}")
    theirs = {"dashboard": board["dashboard"] | {"refresh": "5m"}}
    grafana.admin("POST", "/dashboards/db", theirs | {"folderUid": board["meta"]["folderUid"]})
    mine = {"dashboard": {"title": "mine", "uid": "mine", "panels": []}}
    grafana.admin("POST", "/dashboards/db", mine)
    edited = push(grafana, source(influxdb), token, prune=True)
    assert edited.pop(title) is End.beside
    assert set(edited.values()) == {End.unchanged}
    assert grafana.admin("GET", f"/dashboards/uid/{uid}")["dashboard"]["refresh"] == "5m"

    back = push(grafana, source(influxdb), token, overwrite=True)
    assert back[title] is End.taken_back
    found = {row["uid"] for row in grafana.boards()}
    assert found == {"mine"} | {each.uid for each in BOARDS["zh"]}


def test_who_may_not_is_told(grafana: RealGrafana, influxdb: Filled) -> None:
    with pytest.raises(Away):
        push(grafana, source(influxdb), "glsa_of_nobody")
    refused = push(grafana, source(influxdb), grafana.token("Viewer"))
    assert set(refused.values()) == {End.declined}
    assert grafana.boards() == []


@pytest.mark.parametrize("language", BOARDS)
def test_files_are_taken_when_it_starts(tmp_path: Path, influxdb: Filled, language: str) -> None:
    boards = BOARDS[language]
    files = provisioning(boards, source(influxdb), language, seen_at=str(tmp_path), secret_at="")
    assert {each.end for each in write(tmp_path, files)} == {Wrote.written}
    with RealGrafana(tmp_path) as grafana:
        found = grafana.boards(len(boards))
        assert {row["uid"] for row in found} == {each.uid for each in boards}
        assert {row["folderTitle"] for row in found} == {each.folder for each in boards}
        health = grafana.admin("GET", f"/datasources/uid/{source(influxdb).uid}/health")
        assert health["status"] == "OK"
        assert grafana.faults() == []


@pytest.mark.parametrize("language", BOARDS)
def test_every_query_is_answered_through_grafana(
    grafana: RealGrafana, influxdb: Filled, language: str
) -> None:
    push(grafana, source(influxdb), grafana.token("Admin"))
    empty = []
    for board in BOARDS[language]:
        for query in queries(board.json):
            frames = asked(grafana, influxdb, query.text, query.table, END - query.start)
            if not any(frame["data"]["values"] for frame in frames):
                empty.append((board.uid, query.panel, query.ref))
        for mark in board.json.get("annotations", {}).get("list", ()):
            week = span("7d")
            frames = asked(grafana, influxdb, mark["target"]["query"], False, week)
            names = [frame["schema"]["name"] for frame in frames]
            assert mark["target"]["titleColumn"] in names
    assert empty == []


def asked(
    grafana: RealGrafana, influxdb: Filled, text: str, table: bool, back: int
) -> list[dict[str, Any]]:
    """The frames; Grafana itself fills in time and interval."""
    text = text.replace("now()", f"{END}")
    text = re.sub(
        r"\$\{?(city|district|street|community|grid)\}?", lambda found: EVERYWHERE[found[1]], text
    )
    query = {
        "refId": "A",
        "datasource": {"type": "influxdb", "uid": source(influxdb).uid},
        "rawQuery": True,
        "query": text,
        "resultFormat": "table" if table else "time_series",
        "intervalMs": 3_600_000,
        "maxDataPoints": 200,
    }
    ms = 1_000_000
    time = {"from": str((END - back) // ms), "to": str(END // ms)}
    found = grafana.admin("POST", "/ds/query", time | {"queries": [query]})["results"]["A"]
    assert found.get("status", 200) == 200, found
    return list(found["frames"])
