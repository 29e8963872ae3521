"""An InfluxDB of the demo's own: started on a free port with its data in a temporary folder."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp

from gateway.model import Text
from gateway.ports import Clock
from gateway.simulate import free_port

_TRIES: Final = 100
_BETWEEN: Final = 0.1
"""Seconds; ten in all. influxd 1.6 answers after half a second on a small machine."""
_STOPS_WITHIN: Final = 5.0
"""Seconds until a polite end becomes a kill: its data is thrown away anyway."""

_ABSENT = Text(
    "没有找到 influxd:演示不写时序库 (apt-get install influxdb 后重试)",
    "no influxd found: the demo stores no series (try apt-get install influxdb)",
)
_OTHER = Text(
    "找到的 influxd 不是 1.x:演示不写时序库",
    "the influxd found is not a 1.x: the demo stores no series",
)
_SILENT = Text(
    "influxd 没有启动成功:演示不写时序库",
    "influxd did not start: the demo stores no series",
)


@asynccontextmanager
async def influx(folder: Path, clock: Clock, say: Callable[[Text], None]) -> AsyncIterator[str]:
    """A running InfluxDB; yields its URL, or "" after ``say`` told in one sentence why not."""
    program = shutil.which("influxd")
    if program is None or not await _is_first_generation(program):
        say(_ABSENT if program is None else _OTHER)
        yield ""
        return
    port = free_port()
    config = folder / "influxdb.conf"
    config.write_text(_config(folder / "influxdb", port), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        program,
        *("-config", str(config)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        if not await _answers(url, process, clock):
            say(_SILENT)
            url = ""
        yield url
    finally:
        await _end(process)


async def _is_first_generation(program: str) -> bool:
    """Whether ``influxd version`` says 1.x: later ones want an account to be set up first."""
    process = await asyncio.create_subprocess_exec(
        program, "version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    answer, _ = await process.communicate()
    return b"v1." in answer or b" 1." in answer


def _config(folder: Path, port: int) -> str:
    return f"""reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[monitor]
  store-enabled = false
"""


async def _answers(url: str, process: asyncio.subprocess.Process, clock: Clock) -> bool:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        for _ in range(_TRIES):
            if process.returncode is not None:
                return False
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(f"{url}/ping") as answer:
                    if answer.status == 204:
                        return True
            await clock.sleep(_BETWEEN)
    return False


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(_STOPS_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
    await process.wait()
