"""A gateway as a real process between a real broker, a real InfluxDB and a webhook, to measure and to kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.phone import Phone
from tests.servers import InfluxDB, Mosquitto

BROKER = "max_queued_messages 0\nmax_inflight_messages 2000\nset_tcp_nodelay true\n"
"""As deploy/mosquitto.conf, without a bound on the queue, so that a flood measures the gateway."""
_TICKS = os.sysconf("SC_CLK_TCK")
_CONFIG = """
site: {{name: 测速, data: {folder}/data}}
clock: {{trust: always}}
journal: {{group: {group}}}
drivers:
  bench:
    type: mqtt
    host: 127.0.0.1
    port: {mqtt}
    inflight: 2000
    dialects: {dialects}
sinks:
  influx: {{type: influxdb, url: "http://127.0.0.1:{influx}", database: bench, flush: {flush}}}
notifiers:
  phone: {{type: webhook, url: "http://127.0.0.1:{phone}/"}}
console: {{port: 0}}
log: {{level: warning}}
{telling}"""
ONE_BY_ONE = "telling: {storm: {first: 100, within: 10ms}}\n"
"""Nothing is merged: each alarm has a message of its own."""
_VALUES = {"alarm": "smoke", "temperature": "temperature", "battery": "battery", "tamper": "tamper"}
_TOPIC = {
    "topic": "bench/+/reading",
    "device": "{1}",
    "kind": "smoke",
    "key": "n",
    "values": _VALUES,
}
_JSON = [{"json": {"topics": [_TOPIC]}}]


class House:
    """What runs; figures are read from /proc and from the API."""

    def __init__(self, config: Path, broker: Mosquitto, influx: InfluxDB, phone: Phone) -> None:
        self.config = config
        self.broker = broker
        self.influx = influx
        self.phone = phone
        self.url = ""
        self.started_in = 0.0
        self._process: subprocess.Popen[str] | None = None

    def start_without_waiting(self) -> None:
        """Start the gateway."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "run", str(self.config)],
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self) -> None:
        """Start the gateway and wait for its console."""
        began = time.monotonic()
        self.start_without_waiting()
        self.started_again()
        self.started_in = time.monotonic() - began

    def started_again(self) -> None:
        """Wait for the line that names the console: at each start, also within one process."""
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        self.url = line.removeprefix("console: ").strip()
        if not self.url:
            raise RuntimeError("the gateway did not start; its own line above says why")

    def stop(self) -> None:
        """SIGTERM, and wait."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process.stdout.close()  # type: ignore[union-attr]
            self._process = None

    def kill(self) -> None:
        """SIGKILL: as a power cut for this process."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)
        self._process.stdout.close()  # type: ignore[union-attr]
        self._process = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def get(self, path: str) -> Any:
        """A GET of the API as JSON."""
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}", timeout=30) as answer:
            return json.load(answer)

    def cpu(self) -> float:
        """CPU seconds of the gateway so far, user and system, its threads included."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory(self) -> float:
        """Resident MB (10^6 bytes)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def written(self) -> int:
        """Bytes this process has caused to be written to disk."""
        lines = Path(f"/proc/{self.pid}/io").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))

    def wait_delivered(self, count: int, timeout: float) -> float:
        """Wait until the journal holds ``count`` of the driver's readings and the sink has all.

        The moment it was seen, on the monotonic clock. RuntimeError when something was lost.
        """
        deadline = time.monotonic() + timeout
        ledger: dict[str, Any] = {}
        while time.monotonic() < deadline:
            ledger = self.get("ledger")
            sink = ledger["readers"]["influx"]
            if ledger["stored"] >= count and sink["waiting"] == 0:
                return time.monotonic()
            time.sleep(0.05)
        raise RuntimeError(f"not all of {count} were delivered: {ledger}")


@contextmanager
def house(
    group: str = "200ms",
    *,
    flush: str = "2s",
    start: bool = True,
    dialects: list[dict[str, Any]] = _JSON,
    telling: str = ONE_BY_ONE,
) -> Iterator[House]:
    """Everything on free loopback ports, in a temporary folder."""
    with (
        tempfile.TemporaryDirectory(prefix="gridwarden-bench-") as folder,
        Mosquitto(BROKER) as broker,
        InfluxDB() as influx,
        Phone() as phone,
    ):
        config = Path(folder) / "gridwarden.yaml"
        ports = {"mqtt": broker.port, "influx": influx.port, "phone": phone.port}
        text = _CONFIG.format(
            folder=folder,
            group=group,
            flush=flush,
            dialects=json.dumps(dialects),
            telling=telling,
            **ports,
        )
        config.write_text(text, encoding="utf-8")
        made = House(config, broker, influx, phone)
        try:
            if start:
                made.start()
            yield made
        finally:
            made.stop()
