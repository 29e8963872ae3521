"""The data source through which the dashboards read: InfluxQL, whichever InfluxDB answers it.

1.x is asked with user and password; 2.x (over a DBRP mapping of the bucket) and 3.x with a token
in the header ``Authorization``, as Grafana documents it. Neither is ever part of what is shown,
compared or written into a file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

UID: Final = "gridwarden-influxdb"
NAME: Final = "Gridwarden InfluxDB"
MARK: Final = "gridwarden"
"""Key in ``jsonData`` under which a pushed data source keeps the digest of what we set: where it
no longer fits, a person changed it."""
_HEADER: Final = "Authorization"
_FIELDS: Final = ("type", "access", "url", "user")

Json = dict[str, Any]


class Source(NamedTuple):
    """Where Grafana finds the series."""

    url: str
    """As Grafana's own machine reaches it."""
    database: str = "gridwarden"
    """1.x and 3.x: the database; 2.x: the database of the DBRP mapping."""
    version: Literal[1, 2, 3] = 1
    user: str = ""
    """1.x only."""
    uid: str = UID
    name: str = NAME


def described(source: Source) -> Json:
    """The data source as Grafana wants it, without its secret."""
    # POST: the queries of a district are longer than a URL may be.
    settings: Json = {"dbName": source.database, "httpMode": "POST"}
    if source.version != 1:
        settings["httpHeaderName1"] = _HEADER
    return {
        "uid": source.uid,
        "name": source.name,
        "type": "influxdb",
        "access": "proxy",
        "url": source.url,
        "user": source.user if source.version == 1 else "",
        "jsonData": settings,
    }


def secured(source: Source, secret: str) -> Json:
    """``secureJsonData`` for a password (1.x) or a token; empty without one."""
    if not secret:
        return {}
    if source.version == 1:
        return {"password": secret}
    return {"httpHeaderValue1": f"Token {secret}"}


def marked(source: Source, secret: str) -> Json:
    """What is pushed: with its digest, and its secret if there is one."""
    body = described(source)
    body["jsonData"] = body["jsonData"] | {MARK: _digest(body)}
    return body | ({"secureJsonData": found} if (found := secured(source, secret)) else {})


def is_edited(stored: Mapping[str, Any]) -> bool:
    """Whether a person changed (or made) the data source that Grafana has."""
    settings: Mapping[str, Any] = stored.get("jsonData") or {}
    return settings.get(MARK) != _digest(stored)


def is_same(source: Source, stored: Mapping[str, Any]) -> bool:
    """Whether Grafana has it as it would be pushed; secrets can not be compared."""
    return not is_edited(stored) and _digest(stored) == _digest(described(source))


def _digest(body: Mapping[str, Any]) -> str:
    """Of what we set; Grafana adds fields of its own, and the name is the site's to choose."""
    settings: Mapping[str, Any] = body.get("jsonData") or {}
    kept = {key: value for key, value in settings.items() if key != MARK}
    parts = [*(str(body.get(name) or "") for name in _FIELDS), kept]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
