"""Tables of the registry over the API: what is handed on, and what is refused before that."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from gateway.console import registry
from gateway.console.app import create_app, serve
from gateway.registry.changes import Changes, Counts
from tests.console.memory_view import Imported, MemoryView
from tests.virtual import VirtualClock


@pytest.fixture
async def asked() -> AsyncIterator[tuple[MemoryView, aiohttp.ClientSession]]:
    view = MemoryView(VirtualClock())
    app = create_app(view, chinese=lambda line: line.replace("row", "行"))
    async with (
        serve(app, "127.0.0.1", 0) as bound,
        aiohttp.ClientSession(f"http://{bound.host}:{bound.port}") as session,
    ):
        yield view, session


def body(**more: Any) -> dict[str, Any]:
    content = base64.b64encode(b"id\n" * 10_000).decode()  # more than an action may have
    return {"files": [{"name": "people.csv", "content": content}], "by": "admin"} | more


async def post(session: aiohttp.ClientSession, sent: Any) -> tuple[int, Any]:
    async with session.post("/api/v1/registry", json=sent) as answer:
        return answer.status, await answer.json()


Asked = tuple[MemoryView, aiohttp.ClientSession]


async def test_files_are_handed_on_and_what_changed_comes_back(asked: Asked) -> None:
    view, session = asked
    made = Changes({"people": Counts(1, 0, 2)}, {"people.added": ["x"]}, ["s1"])
    view.imported = Imported((), made, 7)
    assert await post(session, body(dry=True)) == (
        200,
        {
            "ok": True, "edition": 7, "faults": [],
            "counts": {"people": {"added": 1, "changed": 0, "retired": 2}},
            "named": {"people.added": ["x"]}, "replaced": ["s1"],
        },
    )  # fmt: skip
    assert view.imports == [([("people.csv", b"id\n" * 10_000)], "admin", True)]


async def test_faults_come_in_both_languages(asked: Asked) -> None:
    view, session = asked
    view.imported = Imported(("a row is wrong",))
    status, answer = await post(session, body())
    assert (status, answer["ok"], answer["edition"]) == (200, False, 0)
    assert answer["faults"] == [{"zh": "a 行 is wrong", "en": "a row is wrong"}]


@pytest.mark.parametrize(
    "sent",
    [
        *([], {}, body(by=""), body(by=" "), body(by="a\nb"), body(by="x" * 201), body(files=[])),
        *(body(files=[{"name": "", "content": ""}]), body(files=[{"name": "a", "content": "!"}])),
        *(body(files=[{"name": "a\0", "content": ""}] * 2), body(more=1)),
        body(files=[{"name": "a", "content": ""}] * 21),
    ],
    ids=range(12),
)
async def test_what_is_no_import_is_refused(asked: Asked, sent: Any) -> None:
    view, session = asked
    status, answer = await post(session, sent)
    assert (status, view.imports) == (400, [])
    assert answer["error"]


async def test_a_form_of_another_site_and_an_endless_body_are_refused(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, session = asked
    async with session.post("/api/v1/registry", data=b"{}") as answer:
        assert answer.status == 415
    monkeypatch.setattr(registry, "MAX_BODY", 1_000)
    assert (await post(session, body()))[0] == 413
    assert view.imports == []


async def test_files_that_never_come_keep_no_place(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, session = asked
    monkeypatch.setattr(registry, "_WITHIN", 0.0)
    base = session._base_url
    assert base is not None
    reader, writer = await asyncio.open_connection(base.host, base.port)
    head = f"Host: {base.authority}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
    writer.write(f"POST /api/v1/registry HTTP/1.1\r\n{head}\r\n{{".encode())
    answer = await reader.readuntil(b"within 0 s")
    assert answer.startswith(b"HTTP/1.1 408 ")
    writer.write(b"}")
    writer.close()
    await writer.wait_closed()
    monkeypatch.undo()
    assert (await post(session, body()))[0] == 200
    assert len(view.imports) == 1
