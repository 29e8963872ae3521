"""Who is kept out, and the headers that every answer carries."""

from __future__ import annotations

import pytest

from gateway.console.guard import Hosts
from gateway.model import State
from gateway.ports import Unavailable
from tests.console.conftest import Client
from tests.console.memory_view import MemoryView, make_incident
from tests.virtual import START

RECEIVE = "/api/v1/incidents/F1/receive"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Host": "evil.example"},
        {"Host": "evil.example:80", "Origin": "http://evil.example:80"},
        {"Host": "192.168.1.7"},
        {"Host": ""},
        {"Host": "[::1"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
async def test_another_site_can_neither_read_nor_act(
    client: Client, view: MemoryView, headers: dict[str, str]
) -> None:
    await view.open(make_incident("F1", START))
    async with client.post(RECEIVE, json={"person": "li"}, headers=headers) as answer:
        assert answer.status == 403
        assert "error" in await answer.json()
    async with client.get("/api/v1/incidents", headers=headers) as answer:
        assert answer.status == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert view.found["F1"].state is State.open


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"],
)
async def test_an_action_must_be_json(client: Client, view: MemoryView, content_type: str) -> None:
    await view.open(make_incident("F1", START))
    headers = {"Content-Type": content_type}
    async with client.post(RECEIVE, data=b'{"person": "li"}', headers=headers) as answer:
        assert answer.status == 415
    assert view.found["F1"].state is State.open


async def test_the_console_itself_may_act(client: Client, view: MemoryView) -> None:
    await view.open(make_incident("F1", START))
    origin = str(client.make_url("/")).rstrip("/")
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    async with client.post(RECEIVE, json={"person": "li"}, headers=headers) as answer:
        assert answer.status == 200


async def test_every_answer_carries_the_security_headers(client: Client) -> None:
    for path in ("/", "/metrics", "/static/main.js", "/api/v1/devices", "/nonsense"):
        async with client.get(path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_store_that_is_away_is_one_line_and_503(client: Client, view: MemoryView) -> None:
    async def away(*_: object, **__: object) -> None:
        raise Unavailable("/data/cases.db: database disk image is malformed; start again")

    await view.open(make_incident("F1", START))
    view.incidents = view.search = view.act = away  # type: ignore[assignment,method-assign]
    async with client.get("/api/v1/incidents") as answer:
        assert answer.status == 503
        assert (await answer.json())["error"].startswith("/data/cases.db: ")
    async with client.post(RECEIVE, json={"person": "li"}) as answer:
        assert answer.status == 503


def test_bound_to_loopback_only_its_own_names_are_answered() -> None:
    hosts = Hosts()
    hosts.bind("127.0.0.1")
    for good in ("127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "localhost."):
        assert hosts.allow(good), good
    for bad in ("10.0.0.5", "evil.example", "localhost.evil.example", "127.0.0.1.nip.io", ""):
        assert not hosts.allow(bad), bad


def test_bound_wider_addresses_and_the_machines_names_are_answered() -> None:
    hosts = Hosts(["gateway.yunhe.example"])
    hosts.bind("0.0.0.0")
    for good in ("192.168.1.7:8080", "[fe80::1]:8080", "gateway.yunhe.example", "localhost"):
        assert hosts.allow(good), good
    assert not hosts.allow("evil.example"), "a rebound name is still a foreign name"


@pytest.mark.parametrize("path", [RECEIVE, "/api/v1/registry", "/api/v1/attachments"])
async def test_a_body_that_is_not_packed_as_it_says_is_one_line(
    client: Client, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    media = "image/jpeg" if "attachments" in path else "application/json"
    headers = {"Content-Type": media, "Content-Encoding": "deflate"}
    async with client.post(path, data=b"not packed", headers=headers) as answer:
        assert answer.status == 400
        assert (await answer.json())["en"] == "the body can not be read"
    async with client.get("/api/v1/people") as answer:
        assert answer.status == 200
    assert not caplog.records
