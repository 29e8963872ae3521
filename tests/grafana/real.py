"""A real Grafana, where one is installed: ``GRIDWARDEN_GRAFANA`` names its home folder.

The folder with ``bin/grafana``, ``conf`` and ``public``: of Grafana's archive, or
``/usr/share/grafana`` of its package. It is in no distribution that the tests run on.
"""

from __future__ import annotations

import base64
import json
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final

import pytest

from tests.servers import HttpServer

NAME: Final = "GRIDWARDEN_GRAFANA"
HOME: Final = Path(os.environ.get(NAME, ""))
needed = pytest.mark.skipif(
    NAME not in os.environ, reason=f"{NAME} does not name the home folder of a Grafana"
)
_ADMIN: Final = "admin:a-password-of-the-tests"
_READ_WITHIN: Final = 30.0
Json = dict[str, Any]


class RealGrafana(HttpServer):
    """Grafana with a database of its own; ``provisioning`` is its folder of files."""

    program = "grafana"
    package = "grafana"
    probe = "/api/health"

    def __init__(self, provisioning: Path | None = None) -> None:
        super().__init__()
        self._provisioning = provisioning

    def arguments(self) -> list[str]:
        (self.directory / "none").mkdir(exist_ok=True)
        settings = {
            "paths.data": self.directory / "data",
            "paths.logs": self.directory / "logs",
            "paths.plugins": self.directory / "plugins",
            "paths.provisioning": self._provisioning or self.directory / "none",
            "server.http_addr": self.host,
            "server.http_port": self.port,
            "security.admin_password": _ADMIN.partition(":")[2],
            "analytics.reporting_enabled": "false",
            "analytics.check_for_updates": "false",
            "analytics.check_for_plugin_updates": "false",
            "plugins.preinstall_disabled": "true",
            "log.mode": "console",
        }
        chosen = [f"cfg:{name}={value}" for name, value in settings.items()]
        return ["server", "--homepath", str(HOME), *chosen]

    def admin(self, method: str, path: str, body: Json | None = None) -> Any:
        """What a person does in Grafana; the answer's JSON, RuntimeError for 400 and more."""
        request = urllib.request.Request(f"{self.url}/api{path}", method=method)
        password = base64.b64encode(_ADMIN.encode()).decode()
        request.add_header("Authorization", f"Basic {password}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise RuntimeError(f"{error.code}: {error.read()[:500]!r}") from None

    def boards(self, least: int = 0) -> list[Json]:
        """What its search finds; files are read beside its start, so ``least`` are waited for."""
        until = time.monotonic() + _READ_WITHIN
        while True:
            found: list[Json] = self.admin("GET", "/search?type=dash-db&limit=100")
            if len(found) >= least or time.monotonic() > until:
                return found
            time.sleep(0.1)

    def token(self, role: str) -> str:
        """Of a new service account."""
        account = self.admin("POST", "/serviceaccounts", {"name": role, "role": role})
        path = f"/serviceaccounts/{account['id']}/tokens"
        return str(self.admin("POST", path, {"name": role})["key"])

    def faults(self) -> list[str]:
        """What its log calls an error."""
        return [line for line in self.log().splitlines() if "level=error" in line]
