"""A small server that answers ``gridwarden influx setup`` as a real InfluxDB 2.7 does.

Where a real one is, ``test_influxdb_two`` runs the same tests on both and ``test_influx2`` compares
their answers; where there is none this one stands alone. Points it does not take.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.influxdb import ORG, Api

_Answer = tuple[int, Any]
_HOUR = 3_600
_DAY = 86_400
_PLURAL = {"orgs": "orgs", "buckets": "buckets", "tasks": "tasks", "dbrps": "content",
           "authorizations": "authorizations"}  # fmt: skip


def _no(status: int, code: str, message: str) -> _Answer:
    return status, {"code": code, "message": message}


def _shard(seconds: int) -> int:
    """How long a shard group lasts that the server chooses for a retention."""
    if seconds and seconds < 2 * _DAY:
        return _HOUR
    return _DAY if seconds and seconds < 180 * _DAY else 7 * _DAY


class SmallInflux2(Api):
    """To be entered; ``token`` may do everything, any other nothing."""

    def __init__(self) -> None:
        self.token = self._operator = "the-0perator=="
        self.failing = False
        self._ids = count(0x1ACCE191AACAED44)
        self._kept: dict[str, list[dict[str, Any]]] = {name: [] for name in _PLURAL}
        self.org_id = self._post_orgs({"name": ORG})[1]["id"]

    def __enter__(self) -> Self:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else {}
                login = self.headers.get("Authorization", "")
                status, said = answer(self.command, self.path, login, body)
                raw = b"" if said is None else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_PATCH = do_DELETE = _do  # noqa: N815 - as the library calls them

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        loop = {"poll_interval": 0.01}
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs=loop)
        self._thread.start()
        return self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, method: str, path: str, login: str, body: dict[str, Any]) -> _Answer:
        if login != f"Token {self._operator}":
            return _no(401, "unauthorized", "unauthorized access")
        if self.failing:
            return _no(500, "internal error", "An internal error has occurred - check server logs")
        parts = urlsplit(path)
        kind, _, of = parts.path.removeprefix("/api/v2/").partition("/")
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match method:
            case "GET":
                return self._get(kind, asked)
            case "POST":
                return getattr(self, f"_post_{kind}")(body)  # type: ignore[no-any-return]
            case "PATCH":
                return self._patch_bucket(of, body)
        return self._delete(kind, unquote(of))

    def _get(self, kind: str, asked: dict[str, str]) -> _Answer:
        found = [*self._kept[kind], *(self._virtual() if kind == "dbrps" else ())]
        org, name = asked.get("orgID"), asked.get("name", asked.get("org"))
        if org:
            found = [each for each in found if each["orgID"] == org]
        if "db" in asked:
            found = [each for each in found if each["database"] == asked["db"]]
        if name is not None:
            found = [each for each in found if each["name"] == name]
        if not found and kind == "orgs":
            return _no(404, "not found", f'organization name "{name}" not found')
        if not found and kind == "buckets" and org and name is not None:
            return _no(404, "not found", f'bucket "{name}" not found')
        return 200, {_PLURAL[kind]: found}

    def _virtual(self) -> Iterator[dict[str, Any]]:
        """Every bucket is a database of its own name; the default until another mapping is."""
        for each in self._kept["buckets"]:
            taken = any(m["database"] == each["name"] and m["default"] for m in self._kept["dbrps"])
            yield {
                "id": each["id"], "database": each["name"], "retention_policy": "autogen",
                "default": not taken, "virtual": True, "orgID": each["orgID"],
                "bucketID": each["id"],
            }  # fmt: skip

    def _post_orgs(self, body: dict[str, Any]) -> _Answer:
        made = self._keep("orgs", {"name": body["name"], "description": ""})
        for name, days in (("_tasks", 3), ("_monitoring", 7)):
            rule = {"type": "expire", "everySeconds": days * _DAY}
            self._bucket({"orgID": made["id"], "name": name, "retentionRules": [rule]}, "system")
        return 201, made

    def _post_buckets(self, body: dict[str, Any]) -> _Answer:
        org, name = body["orgID"], body["name"]
        if all(each["id"] != org for each in self._kept["orgs"]):
            return _no(404, "not found", "organization not found")
        if name.startswith("_"):
            words = f"bucket name {name} is invalid. Buckets may not start with underscore"
            return _no(400, "invalid", words)
        if any(each["name"] == name and each["orgID"] == org for each in self._kept["buckets"]):
            return _no(422, "conflict", f"bucket with name {name} already exists")
        if any(rule["everySeconds"] < _HOUR for rule in body["retentionRules"]):
            words = "retention policy duration must be at least 1h0m0s"
            return _no(500, "internal error", words)
        return 201, self._bucket(body, "user")

    def _bucket(self, body: dict[str, Any], kind: str) -> dict[str, Any]:
        seconds = next((rule["everySeconds"] for rule in body["retentionRules"]), 0)
        rule = {"type": "expire", "everySeconds": seconds}
        rule["shardGroupDurationSeconds"] = _shard(seconds)
        return self._keep(
            "buckets",
            {"orgID": body["orgID"], "type": kind, "name": body["name"],
             "retentionRules": [rule], "labels": []},
        )  # fmt: skip

    def _patch_bucket(self, of: str, body: dict[str, Any]) -> _Answer:
        (bucket,) = (each for each in self._kept["buckets"] if each["id"] == of)
        (rule,) = bucket["retentionRules"]
        wanted = rule | body["retentionRules"][0]
        if wanted["everySeconds"] < wanted["shardGroupDurationSeconds"]:
            words = "shard-group duration must also be updated to be smaller than new retention"
            return _no(422, "unprocessable entity", f"{words} duration")
        rule |= wanted
        return 200, bucket

    def _post_tasks(self, body: dict[str, Any]) -> _Answer:
        name = re.search(r'option task = \{name: "((?:[^"\\]|\\.)+)"', body["flux"])
        if name is None:
            return _no(400, "invalid", "invalid options: no task options defined")
        mine = {"orgID": body["orgID"], "name": name[1], "flux": body["flux"], "labels": []}
        return 201, self._keep("tasks", {"status": "active", "every": "1h", "offset": "5m"} | mine)

    def _post_dbrps(self, body: dict[str, Any]) -> _Answer:
        if all(each["id"] != body["bucketID"] for each in self._kept["buckets"]):
            return _no(404, "not found", "bucket not found")
        same = [each for each in self._kept["dbrps"] if each["database"] == body["database"]]
        if any(each["retention_policy"] == body["retention_policy"] for each in same):
            words = "another DBRP mapping with same orgID, db, and rp exists"
            return _no(422, "conflict", words)
        default = body["default"] or not same
        for each in same if default else ():
            each["default"] = False
        return 201, self._keep("dbrps", body | {"default": default, "virtual": False})

    def _post_authorizations(self, body: dict[str, Any]) -> _Answer:
        made = self._keep("authorizations", {"description": ""} | body | {"status": "active"})
        made["token"] = f"token-of-{made['id']}=="
        return 201, made

    def _delete(self, kind: str, of: str) -> _Answer:
        """With its mappings, as far as it is a bucket; tokens stay."""
        self._kept[kind] = [each for each in self._kept[kind] if each["id"] != of]
        left = [each for each in self._kept["dbrps"] if each["bucketID"] != of]
        self._kept["dbrps"] = left
        return 204, None

    def _keep(self, kind: str, what: dict[str, Any]) -> dict[str, Any]:
        made = {"id": f"{next(self._ids):016x}", **what}
        self._kept[kind].append(made)
        return made
