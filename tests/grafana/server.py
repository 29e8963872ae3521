"""A small Grafana: the documented HTTP API as far as pushing needs it, over real HTTP.

Follows Grafana's reference (HTTP API: health, folders, data sources, dashboards, dashboard
versions, search) and what Grafana was seen to do beyond it: a history as a list in an object; a
provisioned dashboard that can not be saved; a restored version that becomes the newest. It runs in
a thread with its own loop, for what is tested blocks.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

TOKEN: Final = "glsa_K3hVyc7Lw0000000000000000000000_5f2c9b10"
Json = dict[str, Any]


@dataclass
class Board:
    """A dashboard with its history, the newest last."""

    id: int
    folder: str
    history: list[tuple[Json, str]]
    """What was saved, and what the save was called."""
    provisioned: bool = False
    plugin: bool = False

    @property
    def version(self) -> int:
        return len(self.history)

    @property
    def json(self) -> Json:
        return self.history[-1][0]


@dataclass
class Grafana:
    """What is stored, and how it answers."""

    version: str = "11.6.0"
    paged: bool = True
    """Histories in an object, or as a list, as the reference still says."""
    boards: dict[str, Board] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    sources: dict[str, Json] = field(default_factory=dict)
    secrets: dict[str, Json] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of every request, in order."""
    role: str = "Admin"
    unique_titles: bool = False
    """As older ones: one title once in a folder."""
    wordless: bool = False
    """As the newest ones: 409 and no word where another version is stored than was looked at."""
    database: str = "ok"
    influx: str = "OK"
    faults: dict[tuple[str, str], web.Response | str] = field(default_factory=dict)
    """(method, beginning of the path) -> what is answered in place; ``silence`` for nothing, ``endless`` for an
    answer that never ends, ``broken`` for one that breaks off."""
    before_save: Callable[[str], None] | None = None
    """Called with the uid before a dashboard is saved: somebody else is faster."""
    url: str = ""
    hung: asyncio.Event | None = None

    @property
    def changed(self) -> list[tuple[str, str]]:
        """The requests that change something."""
        return [each for each in self.asked if each[0] != "GET"]

    # --- what people do in Grafana --------------------------------------------------------

    def edit(self, uid: str, message: str = "", **changes: Any) -> None:
        """A person saves the board."""
        board = self.boards[uid]
        board.history.append((board.json | changes, message))

    def restore(self, uid: str, version: int) -> None:
        """A person goes back to ``version``, which becomes the newest."""
        board = self.boards[uid]
        board.history.append((board.history[version - 1][0], f"Restored from version {version}"))

    def save_as(self, uid: str, new: str, title: str) -> None:
        """A person saves a copy."""
        copy = self.boards[uid].json | {"uid": new, "title": title}
        self.boards[new] = Board(len(self.boards) + 1, "", [(copy, "")])

    def move(self, uid: str, folder: str) -> None:
        """A person moves the board: Grafana's page saves it, unchanged, with no message."""
        self.folders.setdefault(folder, folder)
        board = self.boards[uid]
        board.folder = folder
        board.history.append((board.json, ""))

    # --- HTTP -----------------------------------------------------------------------------

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/api/health", self._health),
                web.get("/api/folders/{uid}", self._folder),
                web.post("/api/folders", self._create_folder),
                web.get("/api/datasources/uid/{uid}", self._source),
                web.get("/api/datasources/uid/{uid}/health", self._source_health),
                web.post("/api/datasources", self._create_source),
                web.put("/api/datasources/uid/{uid}", self._update_source),
                web.get("/api/dashboards/uid/{uid}", self._board),
                web.get("/api/dashboards/uid/{uid}/versions", self._versions),
                web.get("/api/dashboards/uid/{uid}/versions/{number}", self._old_version),
                web.delete("/api/dashboards/uid/{uid}", self._delete),
                web.post("/api/dashboards/db", self._save),
                web.get("/api/search", self._search),
            ]
        )
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append((request.method, request.path))
        for (method, path), fault in self.faults.items():
            if method == request.method and request.path.startswith(path):
                if fault == "silence":
                    self.hung = asyncio.Event()
                    await self.hung.wait()
                if fault == "endless":
                    return await endless(request)
                if fault == "broken":
                    return await broken(request)
                assert isinstance(fault, web.Response)
                return again(fault)
        if request.path != "/api/health":
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                return said(401, "Invalid API key")
            if self._may_not(request):
                return said(403, "You'll need additional permissions to perform this action.")
        try:
            answer: web.StreamResponse = await handler(request)
        except web.HTTPNotFound:
            return said(404, "Not found")
        return answer

    def _may_not(self, request: web.Request) -> bool:
        if self.role == "Viewer":
            return request.method != "GET" or request.path.endswith("/versions")
        is_source = request.path.startswith("/api/datasources")
        return self.role == "Editor" and is_source and not request.path.endswith("/health")

    async def _health(self, request: web.Request) -> web.Response:
        body = {"commit": "d94d597d84", "database": self.database, "version": self.version}
        return web.json_response(body, status=200 if self.database == "ok" else 503)

    async def _folder(self, request: web.Request) -> web.Response:
        uid = request.match_info["uid"]
        if uid not in self.folders:
            return said(404, "folder not found")
        return web.json_response({"id": 1, "uid": uid, "title": self.folders[uid], "version": 1})

    async def _create_folder(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["uid"] in self.folders:
            return said(409, "the folder has been changed by someone else")
        if self.unique_titles and body["title"] in self.folders.values():
            return said(409, "a folder with the same name already exists in the current location")
        self.folders[body["uid"]] = body["title"]
        return web.json_response({"id": len(self.folders), **body, "version": 1})

    async def _source(self, request: web.Request) -> web.Response:
        found = self.sources.get(request.match_info["uid"])
        return web.json_response(found) if found else said(404, "Data source not found")

    async def _source_health(self, request: web.Request) -> web.Response:
        if request.match_info["uid"] not in self.sources:
            return said(404, "Data source not found")
        if self.influx != "OK":
            return web.json_response({"status": "ERROR", "message": self.influx}, status=400)
        return web.json_response(
            {"status": "OK", "message": "datasource is working. 9 measurements"}
        )

    async def _create_source(self, request: web.Request) -> web.Response:
        body = await request.json()
        if any(each["name"] == body["name"] for each in self.sources.values()):
            return said(409, "data source with the same name already exists")
        return self._keep_source(body, "Datasource added")

    async def _update_source(self, request: web.Request) -> web.Response:
        old = self.sources.get(request.match_info["uid"])
        if old is None:
            return said(404, "Data source not found")
        if old.get("readOnly"):
            return said(403, "Cannot update read-only data source")
        return self._keep_source(await request.json(), "Datasource updated")

    def _keep_source(self, body: Json, message: str) -> web.Response:
        secret = body.pop("secureJsonData", {})
        self.secrets[body["uid"]] = self.secrets.get(body["uid"], {}) | secret
        fields = dict.fromkeys(self.secrets[body["uid"]], True)
        old = self.sources.get(body["uid"], {"id": len(self.sources) + 1, "version": 0})
        extra = {"orgId": 1, "basicAuth": False, "isDefault": False, "readOnly": False}
        stored = extra | body | {"id": old["id"], "version": old["version"] + 1}
        self.sources[body["uid"]] = stored | {"secureJsonFields": fields}
        answer = {"datasource": self.sources[body["uid"]], "message": message}
        return web.json_response(answer | {"id": old["id"], "name": body["name"]})

    async def _board(self, request: web.Request) -> web.Response:
        uid = request.match_info["uid"]
        board = self.boards.get(uid)
        if board is None:
            return said(404, "Dashboard not found")
        meta = {"folderUid": board.folder, "provisioned": board.provisioned, "slug": uid}
        stored = board.json | {"id": board.id, "uid": uid, "version": board.version}
        return web.json_response({"dashboard": stored, "meta": meta | {"version": board.version}})

    async def _versions(self, request: web.Request) -> web.Response:
        board = self.boards.get(request.match_info["uid"])
        if board is None:
            return said(404, "Dashboard not found")
        rows = [
            {"id": number, "dashboardId": board.id, "version": number, "message": message}
            for number, (_, message) in enumerate(board.history, 1)
        ][::-1]
        rows = rows[: int(request.query.get("limit", "0")) or None]
        return web.json_response({"continueToken": "", "versions": rows} if self.paged else rows)

    async def _old_version(self, request: web.Request) -> web.Response:
        board = self.boards.get(request.match_info["uid"])
        number = int(request.match_info["number"])
        if board is None or not 1 <= number <= board.version:
            return said(404, "Dashboard version not found")
        data, message = board.history[number - 1]
        stored = data | {"id": board.id, "version": number}
        return web.json_response({"version": number, "message": message, "data": stored})

    async def _delete(self, request: web.Request) -> web.Response:
        uid = request.match_info["uid"]
        board = self.boards.get(uid)
        if board is None:
            return said(404, "Dashboard not found")
        if board.provisioned:
            return said(400, "provisioned dashboard cannot be deleted")
        del self.boards[uid]
        return web.json_response({"title": board.json["title"], "uid": uid, "id": board.id})

    async def _save(self, request: web.Request) -> web.Response:
        body = await request.json()
        wanted = body["dashboard"]
        uid = wanted["uid"]
        if self.before_save is not None:
            self.before_save(uid)
        board = self.boards.get(uid)
        overwrite = body.get("overwrite", False)
        if board is not None and board.provisioned:
            return said(400, "Cannot save provisioned dashboard")
        if board is not None and board.plugin:
            return said(412, "The dashboard belongs to plugin Sirens.", "plugin-dashboard")
        if board is not None and board.version != wanted.get("version", 0) and not overwrite:
            if self.wordless:
                return said(409, "Dashboard already exists. Use overwrite flag to update.")
            said_ = "The dashboard has been changed by someone else"
            return said(412, said_, "version-mismatch")
        folder = body.get("folderUid", "")
        if folder and folder not in self.folders:
            return said(400, "folder not found")
        if self.unique_titles and any(
            other != uid and each.folder == folder and each.json["title"] == wanted["title"]
            for other, each in self.boards.items()
        ):
            text = "A dashboard with the same name in the folder already exists"
            return said(412, text, "name-exists")
        board = self.boards.setdefault(uid, Board(len(self.boards) + 1, folder, []))
        board.folder = folder
        stored = {key: value for key, value in wanted.items() if key not in ("id", "version")}
        board.history.append((stored, body.get("message", "")))
        answer = {"id": board.id, "uid": uid, "url": f"/d/{uid}/x", "status": "success"}
        return web.json_response(answer | {"version": board.version, "slug": "x"})

    async def _search(self, request: web.Request) -> web.Response:
        tags = set(request.query.getall("tag", []))
        return web.json_response(
            [
                {"id": board.id, "uid": uid, "title": board.json["title"], "type": "dash-db"}
                for uid, board in self.boards.items()
                if tags <= set(board.json.get("tags", ()))
            ]
        )


def said(status: int, message: str, word: str = "") -> web.Response:
    """An error in Grafana's form."""
    body = {"message": message} | ({"status": word} if word else {})
    return web.json_response(body, status=status)


def again(answer: web.Response) -> web.Response:
    """The same answer for another request: an answer is sent once."""
    assert isinstance(answer.body, bytes | None)
    kept = ("Content-Type", "Content-Encoding", "Location")
    headers = {k: v for k, v in answer.headers.items() if k in kept}
    return web.Response(status=answer.status, body=answer.body, headers=headers)


async def endless(request: web.Request) -> web.StreamResponse:
    """Well-formed as far as it goes, and it goes on until nobody reads."""
    answer = web.StreamResponse(headers={"Content-Type": "application/json"})
    await answer.prepare(request)
    await answer.write(b'{"version": "11.6.0", "database": "ok"')
    while request.transport is not None and not request.transport.is_closing():
        await answer.write(b" " * 65_536)
        await asyncio.sleep(0)  # over TLS nothing waits, and nobody would hear that the reader left
    return answer


async def broken(request: web.Request) -> web.StreamResponse:
    """Half of what was announced, and then nothing is there any more."""
    answer = web.StreamResponse(headers={"Content-Length": "100"})
    await answer.prepare(request)
    await answer.write(b'{"version"')
    assert request.transport is not None
    request.transport.abort()
    return answer


@contextmanager
def running(
    grafana: Grafana, prefix: str = "", tls: ssl.SSLContext | None = None
) -> Iterator[Grafana]:
    """``grafana`` on a free port of loopback, below ``prefix``; ``url`` says where."""
    started = threading.Event()
    ended: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def live() -> None:
        app = grafana.app()
        if prefix:
            outer = web.Application()
            outer.add_subapp(prefix, app)
            app = outer
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = runner.addresses[0][1]
        grafana.url = f"http{'s' if tls else ''}://127.0.0.1:{port}{prefix}"
        stop = asyncio.Event()
        ended.append((asyncio.get_running_loop(), stop))
        started.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(live()))
    thread.start()
    assert started.wait(10)
    try:
        yield grafana
    finally:
        loop, stop = ended[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        assert not thread.is_alive()
