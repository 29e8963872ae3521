"""The small server that stands in for an InfluxDB 2.x, held to the answers of a real one."""

from __future__ import annotations

import re
import time
from typing import Any

from tests.influxdb import Api, InfluxDB2
from tests.sinks.influx2 import SmallInflux2


def alike(small: Any, real: Any, at: str = "") -> list[str]:
    """Where the small server's answer is not a part of the real one's: names, types, lengths."""
    if isinstance(small, dict) and isinstance(real, dict):
        missing = [f"{at}.{name} is not there" for name in small.keys() - real.keys()]
        both = small.keys() & real.keys()
        return missing + [odd for name in both for odd in alike(small[name], real[name], name)]
    if isinstance(small, list) and isinstance(real, list):
        if len(small) != len(real):
            return [f"{at} has {len(small)}, not {len(real)}"]
        return [odd for each in zip(small, real, strict=True) for odd in alike(*each, at)]
    return [] if type(small) is type(real) else [f"{at}: {small!r} is not like {real!r}"]


def told(server: Api) -> list[tuple[str, int, Any]]:
    """What a server answers to one course of requests: status, and words or what was asked for."""
    found: list[tuple[str, int, Any]] = []

    def ask(path: str, body: Any = None, method: str = "") -> Any:
        status, said = server.send(path, body, method)
        where = f"{method} {path}".replace(name, "NAME")
        found.append((re.sub("[0-9a-f]{16}", "ID", where), status, said))
        return said

    name = f"t{time.monotonic_ns()}"
    org = ask("/api/v2/orgs", {"name": name})["id"]
    ask("/api/v2/orgs?org=nobody")
    ask(f"/api/v2/orgs?org={name}")
    ask(f"/api/v2/buckets?name=t&orgID={org}")
    ask("/api/v2/buckets?name=no-such")
    rule = {"type": "expire", "everySeconds": 90 * 86_400}
    wanted = {"orgID": org, "name": "t", "retentionRules": [rule]}
    bucket = ask("/api/v2/buckets", wanted)["id"]
    ask("/api/v2/buckets", wanted)
    ask("/api/v2/buckets", wanted | {"name": "_t"})
    ask("/api/v2/buckets", wanted | {"name": "u", "retentionRules": [rule | {"everySeconds": 60}]})
    ask("/api/v2/buckets", wanted | {"orgID": "0000000000000001"})
    ask(f"/api/v2/buckets?name=t&orgID={org}")
    short = rule | {"everySeconds": 7_200}
    ask(f"/api/v2/buckets/{bucket}", {"retentionRules": [short]}, "PATCH")
    shards = short | {"shardGroupDurationSeconds": 3_600}
    ask(f"/api/v2/buckets/{bucket}", {"retentionRules": [shards]}, "PATCH")
    flux = 'option task = {name: "n", every: 1h, offset: 5m}\n\nfrom(bucket: "t")'
    flux += ' |> range(start: -1h) |> to(bucket: "t")'
    ask("/api/v2/tasks", {"orgID": org, "flux": flux, "status": "active"})
    ask(f"/api/v2/tasks?name=n&orgID={org}")
    ask(f"/api/v2/tasks?name=m&orgID={org}")
    ask(f"/api/v2/dbrps?orgID={org}&db=t")
    mapping = {"orgID": org, "bucketID": bucket, "database": "t", "retention_policy": "raw"}
    for each in (mapping, mapping, mapping | {"bucketID": "0000000000000001"}):
        ask("/api/v2/dbrps", each | {"default": False})
    mapped = ask(f"/api/v2/dbrps?orgID={org}&db=t")["content"]
    found += [(m["retention_policy"], m["default"], m["virtual"]) for m in mapped]
    resource = {"type": "buckets", "id": bucket, "orgID": org}
    asked = {"orgID": org, "permissions": [{"action": "write", "resource": resource}]}
    ask("/api/v2/authorizations", asked | {"description": "d"})
    ask(f"/api/v2/authorizations?orgID={org}")
    ask(f"/api/v2/buckets/{bucket}", method="DELETE")
    ask(f"/api/v2/dbrps?orgID={org}&db=t")
    right, server.token = server.token, "wrong"
    ask("/api/v2/buckets")
    server.token = right
    return found


def test_small_server_answers_as_the_real_one(influxdb2: InfluxDB2) -> None:
    with SmallInflux2() as server:
        small = told(server)
    real = told(influxdb2)
    for (asked, status, said), (same, wanted, answer) in zip(small, real, strict=True):
        assert (asked, status) == (same, wanted)
        if isinstance(said, dict) and "message" in said:
            assert said == answer, asked
        assert alike(said, answer) == [], asked
