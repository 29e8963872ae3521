"""Real servers on loopback for tests: a broker and three databases, killable and restartable.

Each one runs in its own temporary directory on a free port, is waited for until it answers,
is ended by its own process id and leaves nothing behind. A restart keeps port and data::

    with Mosquitto() as broker:
        ...  # broker.host, broker.port
        broker.kill()     # SIGKILL: as a power cut
        broker.start()    # the same port, what it had saved

Nothing is skipped when a server is not installed: the test fails with the package to install.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Self

import psycopg

HOST: Final = "127.0.0.1"
RUNNING: Final[set[int]] = set()
"""Process ids of the servers that run now: the leak check knows them."""

_PORTS: Final = range(20_000, 32_000)
"""Below the ports that the kernel gives to outgoing connections: nothing else takes the port
of a server that is down for a moment, and a client can not end up connected to itself."""
_START_WITHIN: Final = 30.0
_STOP_WITHIN: Final = 20.0


class MissingServerError(RuntimeError):
    """A server's program is not installed; the text names the package."""


def free_port() -> int:
    """A loopback TCP port that nobody listens on, outside the kernel's own range."""
    for port in random.sample(_PORTS, 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port in {_PORTS}")


class Server:
    """One server process. ``start``, ``kill``, ``stop`` and ``restart`` return when it is done."""

    program: ClassVar[str]
    package: ClassVar[str]
    user: str | None = None
    """Who it runs as; None: as we do."""
    host: Final = HOST

    def __init__(self, port: int | None = None) -> None:
        self._chosen = port
        self.port = port or free_port()
        self.directory = Path()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id; RuntimeError while it is down."""
        if self._process is None:
            raise RuntimeError(f"{self.program} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        """What it has written to its log since it was made."""
        return (self.directory / "log").read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> Self:
        self.directory = Path(tempfile.mkdtemp(prefix=f"{self.program}-"))
        try:
            self._first_start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()

    def start(self) -> None:
        """Start it and wait until it answers; nothing when it runs already."""
        if self.running:
            return
        self._forget()
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.executable(), *self.arguments()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,
                user=self.user,
                group=self.user,
            )
        RUNNING.add(self._process.pid)
        deadline = time.monotonic() + _START_WITHIN
        while not self.answers():
            if not self.running:
                raise RuntimeError(f"{self.program} ended at once: {self.log()[-600:]}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.program} does not answer: {self.log()[-600:]}")
            time.sleep(0.01)

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end (SIGTERM); killed when it does not."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """``stop`` and ``start``: the same port and data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """End a ``pause``."""
        os.kill(self.pid, signal.SIGCONT)

    def executable(self) -> str:
        """The program's path; MissingServerError without it."""
        return _program(self.program, self.package)

    def arguments(self) -> list[str]:
        """The command line; writes the configuration first."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether it serves."""
        raise NotImplementedError

    def _first_start(self) -> None:
        try:
            self.start()
        except RuntimeError as error:
            if self._chosen is not None or "in use" not in str(error):
                raise
            self._end(signal.SIGKILL)
            self.port = free_port()  # somebody took it between the look and the start
            self.start()

    def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(how)
            if how is not signal.SIGKILL:
                process.send_signal(signal.SIGCONT)  # a paused server has to hear it
        try:
            process.wait(_STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_STOP_WITHIN)
        self._forget()

    def _forget(self) -> None:
        if self._process is not None:
            RUNNING.discard(self._process.pid)
            self._process = None

    def _remove(self) -> None:
        self._end(signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)


class Mosquitto(Server):
    """An MQTT broker. ``config_extra`` is lines of mosquitto.conf; they win over ours."""

    program = "mosquitto"
    package = "mosquitto"

    def __init__(self, config_extra: str = "", port: int | None = None) -> None:
        super().__init__(port)
        self._extra = config_extra

    def arguments(self) -> list[str]:
        ours = {
            "per_listener_settings": "false",
            "persistence": "true",
            "persistence_location": f"{self.directory}/",
            "max_queued_messages": "1000000",
            "max_inflight_messages": "1000",
            "set_tcp_nodelay": "true",
            "log_dest": "stderr",
            "allow_anonymous": "true",
        }
        if os.geteuid() == 0:
            ours["user"] = "root"  # else it drops to a user that may not enter our directory
        theirs = {line.split()[0] for line in self._extra.splitlines() if line.strip()}
        lines = [f"{key} {value}" for key, value in ours.items() if key not in theirs]
        text = "\n".join([*lines, f"listener {self.port} {HOST}", self._extra, ""])
        path = self.directory / "mosquitto.conf"
        path.write_text(text, encoding="utf-8")
        return ["-c", str(path)]

    def answers(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), 1).close()
        except OSError:
            return False
        return True


class HttpServer(Server):
    """A database that is spoken to by HTTP."""

    probe: ClassVar[str]

    def __init__(self, port: int | None = None) -> None:
        super().__init__(port)
        self.headers: dict[str, str] = {}
        """Sent with every request."""

    @property
    def url(self) -> str:
        """Where it serves, without a path."""
        return f"http://{HOST}:{self.port}"

    def answers(self) -> bool:
        try:
            self.request(self.probe)
        except OSError:
            return False
        return True

    def request(self, path: str, body: bytes | None = None, kind: str = "") -> bytes:
        """GET ``path``, or POST ``body`` of a content type; urllib's HTTPError for 4xx and 5xx."""
        more = {"Content-Type": kind} if kind else {}
        request = urllib.request.Request(self.url + path, body, self.headers | more)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            error.close()
            raise


class InfluxQL(HttpServer):
    """A database that answers InfluxQL at ``/query``."""

    def query(self, text: str, database: str = "") -> list[dict[str, Any]]:
        """InfluxQL; the series of every statement (``name``, ``tags``, ``columns``, ``values``).

        Times are ns. RuntimeError carries the server's own words.
        """
        form = urllib.parse.urlencode({"q": text, "db": database, "epoch": "ns"})
        answer = json.loads(self.request("/query", form.encode()))
        found: list[dict[str, Any]] = []
        for result in answer["results"]:
            if "error" in result:
                raise RuntimeError(result["error"])
            found.extend(result.get("series", []))
        return found

    def databases(self) -> list[str]:
        """Its databases."""
        [series] = self.query("SHOW DATABASES")
        return [row[0] for row in series.get("values", [])]

    def points(self, database: str, measurement: str) -> list[dict[str, Any]]:
        """Every point of a measurement, oldest first, tags as columns, without what is null."""
        text = f'SELECT * FROM "{measurement}" ORDER BY time'
        return [
            {
                name: value
                for name, value in zip(series["columns"], row, strict=True)
                if value is not None
            }
            for series in self.query(text, database)
            for row in series["values"]
        ]

    def count(self, database: str, measurement: str, field: str) -> int:
        """How many points have ``field``."""
        found = self.query(f'SELECT count("{field}") FROM "{measurement}"', database)
        return int(found[0]["values"][0][1]) if found else 0


class InfluxDB(InfluxQL):
    """InfluxDB 1.x. ``http_extra`` is lines for the [http] section of its configuration."""

    program = "influxd"
    package = "influxdb"
    probe = "/ping"

    def __init__(self, http_extra: str = "", port: int | None = None) -> None:
        super().__init__(port)
        self._extra = http_extra
        self._rpc = free_port()

    def arguments(self) -> list[str]:
        self._rpc = free_port()
        path = self.directory / "influxdb.conf"
        path.write_text(
            f"""reporting-disabled = true
bind-address = "{HOST}:{self._rpc}"
[meta]
  dir = "{self.directory}/meta"
[data]
  dir = "{self.directory}/data"
  wal-dir = "{self.directory}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[continuous_queries]
  enabled = false
[logging]
  level = "warn"
  suppress-logo = true
[http]
  bind-address = "{HOST}:{self.port}"
  log-enabled = false
{self._extra}
""",
            encoding="utf-8",
        )
        return ["run", "-config", str(path)]


class VictoriaMetrics(HttpServer):
    """VictoriaMetrics, single node."""

    program = "victoria-metrics"
    package = "victoria-metrics"
    probe = "/health"

    def arguments(self) -> list[str]:
        return [
            f"-httpListenAddr={HOST}:{self.port}",
            f"-storageDataPath={self.directory}/data",
            "-retentionPeriod=100y",
            "-memory.allowedBytes=128MB",
            "-loggerLevel=WARN",
        ]

    def export(self, match: str = '{__name__!=""}') -> list[dict[str, Any]]:
        """Every series that matches (``metric``, ``values``, ``timestamps`` in ms)."""
        self.request("/internal/force_flush")
        query = urllib.parse.urlencode({"match[]": match})
        return [json.loads(line) for line in self.request(f"/api/v1/export?{query}").splitlines()]

    def metric(self, pattern: str) -> float:
        """The sum of its own counters whose line matches ``pattern`` (a regular expression)."""
        found = re.findall(rf"(?m)^{pattern}.* (\S+)$", self.request("/metrics").decode())
        return sum(map(float, found))


class PostgreSQL(Server):
    """A PostgreSQL that trusts everybody on loopback but the user ``locked``.

    ``schema`` gives an empty one to the role ``gridwarden``, which is no superuser. Nothing is
    synced to disk unless it is ``durable``: a killed server loses nothing while the machine lives.
    """

    program = "postgres"
    package = "postgresql"

    def __init__(self, port: int | None = None, *, durable: bool = False) -> None:
        super().__init__(port)
        self._sync = "on" if durable else "off"
        if os.geteuid() == 0:  # it refuses to run as root
            self.user = "postgres"
        self._made = 0

    def arguments(self) -> list[str]:
        settings = {
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            "fsync": self._sync,
            "full_page_writes": self._sync,
            "autovacuum": "off",
            "max_connections": "40",
            "shared_buffers": "16MB",
            "wal_level": "minimal",
            "max_wal_senders": "0",
        }
        words = [word for pair in settings.items() for word in ("-c", "=".join(pair))]
        return ["-D", str(self.directory / "data"), "-p", str(self.port), *words]

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres", "postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def url(self, database: str, user: str = "gridwarden") -> str:
        """Where ``database`` is, without a password."""
        return f"postgresql://{user}@{HOST}:{self.port}/{database}"

    def schema(self) -> str:
        """The URL of a new schema: at once, where a database of its own is 7 MB on disk."""
        self._made += 1
        name = f"grid{self._made}"
        self.sql(f"CREATE SCHEMA {name} AUTHORIZATION gridwarden")
        return f"{self.url('postgres')}?options=-csearch_path%3D{name}"

    def sql(self, statement: str, url: str = "") -> list[tuple[Any, ...]]:
        """The rows that ``statement`` gives to a superuser, where ``url`` leads."""
        where = url.replace("gridwarden@", "postgres@") or self.url("postgres", "postgres")
        with psycopg.connect(where, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def kill(self) -> None:
        """All its processes at once and without a word, as a power cut would."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        """Ask it to end without waiting for who is connected."""
        self._end(signal.SIGINT)

    def pause(self) -> None:
        """Freeze all its processes."""
        for pid in self._processes():
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        """End a ``pause``."""
        for pid in self._processes():
            os.kill(pid, signal.SIGCONT)

    def _processes(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        return [self.pid, *map(int, children.split())]

    def _first_start(self) -> None:
        data = self.directory / "data"
        if self.user is not None:
            shutil.chown(self.directory, self.user, self.user)
        command = [_program("initdb", self.package), "-D", str(data), "-U", "postgres", "-N", "-A"]
        made = subprocess.run(
            [*command, "trust", "-E", "UTF8", "--locale=C", "--no-instructions"],
            cwd=self.directory,
            user=self.user,
            group=self.user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if made.returncode:
            raise RuntimeError(f"initdb ended with {made.returncode}: {made.stderr[-600:]}")
        rules = data / "pg_hba.conf"
        locked = f"host all locked {HOST}/32 scram-sha-256\n"
        rules.write_text(locked + rules.read_text(encoding="utf-8"), encoding="utf-8")
        super()._first_start()
        self.sql("CREATE ROLE gridwarden LOGIN")


def _program(name: str, package: str) -> str:
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin")):  # Debian keeps them there
        path += f":{folder}"
    found = shutil.which(name, path=path)
    if found is None:
        raise MissingServerError(f"{name} is not here: install {package}")
    return found
