"""The servers of the tests themselves: killed, restarted, paused, and gone afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import servers
from tests.influxdb import PROGRAM, InfluxDB2, skip_without
from tests.servers import HttpServer, InfluxDB, MissingServerError, Mosquitto, VictoriaMetrics


@pytest.mark.parametrize("kind", [Mosquitto, InfluxDB, InfluxDB2, VictoriaMetrics])
def test_a_server_comes_back_on_its_port_and_leaves_nothing(
    kind: type[Mosquitto | InfluxDB | InfluxDB2 | VictoriaMetrics],
) -> None:
    if kind is InfluxDB2:
        skip_without()
    others = set(servers.RUNNING)  # what all tests of a process share goes on
    with kind() as server:
        port, pid = server.port, server.pid
        server.kill()
        assert not server.running
        server.start()
        server.restart()
        assert (server.port, server.running) == (port, True)
        assert server.pid != pid
        server.pause()
    assert not server.directory.exists()
    assert not Path(f"/proc/{pid}").exists()
    assert others == servers.RUNNING


def test_a_killed_influxdb_keeps_what_it_had_answered_for(influxdb: InfluxDB) -> None:
    influxdb.query("CREATE DATABASE d")
    influxdb.request("/write?db=d", b"m v=1 1")
    influxdb.kill()
    influxdb.start()
    assert influxdb.points("d", "m") == [{"time": 1, "v": 1}]


def test_a_missing_server_is_named_with_its_package() -> None:
    class Missing(HttpServer):
        program = "no-such-program"
        package = "no-such-package"

        def arguments(self) -> list[str]:
            return []

    with pytest.raises(MissingServerError, match="install no-such-package"), Missing():
        pass


def test_an_influxdb_2x_that_is_named_and_not_there_fails_and_is_no_skip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(PROGRAM, "/no/such/influxd")
    skip_without()
    with pytest.raises(MissingServerError, match="/no/such/influxd is not here"), InfluxDB2():
        pass


def test_a_configuration_it_refuses_is_shown() -> None:
    with pytest.raises(RuntimeError, match="nonsense"), Mosquitto("nonsense true"):
        pass
