"""What polling costs: 200 registers a second on 4 buses in one process, and ten times as many.

Run ``python -m tests.bench.modbus [SECONDS]``. The buses are Modbus TCP servers (pymodbus) in a
process of their own; each bus has 5 slaves of 10 registers that change with every read, in one read
each. ``bare`` asks the same with pymodbus alone and throws the answers away; ``driver`` is the whole
way to readings at the door. CPU (user and system) is this process's, less what idling costs.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.server import ModbusTcpServer

from drivers.modbus.driver import Driver
from drivers.modbus.options import Options
from drivers.modbus.simulator import device
from gateway.clock import SystemClock
from gateway.model import Item, Reading
from tests.servers import free_port

BUSES: Final = 4
SLAVES: Final = 5
REGISTERS: Final = 10


class Row(NamedTuple):
    """Of one run: polls of 10 registers each, and the CPU for each of them."""

    what: str
    polls: int
    seconds: float
    cpu: float

    def __str__(self) -> str:
        rate = self.polls / self.seconds
        each = self.cpu / self.polls * 1e6
        share = self.cpu / self.seconds
        return (
            f"{self.what:28} {rate:8.1f} {rate * REGISTERS:12.0f} {each:9.0f} "
            f"{each / REGISTERS:13.1f} {share:9.2%}"
        )


def options(port: int, every: float) -> Options:
    """One bus: temperatures, scaled and checked."""
    points = [
        {"value": f"extra.t{n}", "register": n, "type": "i16", "scale": 0.1, "range": [-4000, 4000]}
        for n in range(REGISTERS)
    ]
    slaves = [
        {
            "unit": unit,
            "device": f"d{unit}",
            "every": f"{every * 1000:.0f}ms",
            "repeat": "0s",
            "map": {"kind": "climate", "points": points},
        }
        for unit in range(1, SLAVES + 1)
    ]
    return Options.model_validate(
        {"bus": {"tcp": {"host": "127.0.0.1", "port": port}}, "slaves": slaves}
    )


async def driver(ports: Sequence[int], every: float, seconds: float) -> Row:
    """The drivers as they are configured; every reading is counted at the door."""
    count = 0

    async def emit(items: Sequence[Item]) -> None:
        nonlocal count
        count += sum(isinstance(item, Reading) for item in items)

    clock = SystemClock()
    drivers = [Driver(f"bus{port}", options(port, every), clock) for port in ports]
    tasks = [asyncio.create_task(each.run(emit)) for each in drivers]
    await asyncio.sleep(1)
    begun, cpu, before = time.perf_counter(), time.process_time(), count
    await asyncio.sleep(seconds)
    row = Row(
        f"driver, every {every:g} s",
        count - before,
        time.perf_counter() - begun,
        time.process_time() - cpu,
    )
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return row


async def bare(ports: Sequence[int], every: float, seconds: float) -> Row:
    """The same questions by pymodbus alone."""
    count = 0

    async def poll(port: int) -> None:
        nonlocal count
        client = AsyncModbusTcpClient("127.0.0.1", port=port, reconnect_delay=0)
        await client.connect()
        due = time.perf_counter()
        try:
            while True:
                for unit in range(1, SLAVES + 1):
                    await client.read_holding_registers(0, count=REGISTERS, device_id=unit)
                    count += 1
                due += every
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
        finally:
            client.close()

    tasks = [asyncio.create_task(poll(port)) for port in ports]
    await asyncio.sleep(1)
    begun, cpu, before = time.perf_counter(), time.process_time(), count
    await asyncio.sleep(seconds)
    row = Row(
        f"bare pymodbus, every {every:g} s",
        count - before,
        time.perf_counter() - begun,
        time.process_time() - cpu,
    )
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return row


async def serve(ports: Sequence[int]) -> None:
    """The buses: every read finds other values."""

    async def change(
        function: int, start: int, address: int, count: int, memory: list[int], put: object
    ) -> None:
        memory[0] = (memory[0] + 1) % 30_000

    servers = [
        ModbusTcpServer(
            [device(unit, registers=tuple(range(REGISTERS)), act=change) for unit in range(1, 6)],
            address=("127.0.0.1", port),
        )
        for port in ports
    ]
    for server in servers:
        await server.serve_forever(background=True)
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for server in servers:
        await server.shutdown()


async def measure(ports: Sequence[int], seconds: float) -> None:
    print(
        f"{'':28} {'polls/s':>8} {'registers/s':>12} {'us/poll':>9} {'us/register':>13} {'one core':>9}"
    )
    for every in (1.0, 0.1):
        for run in (bare, driver):
            print(await run(ports, every, seconds), flush=True)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    ports = [free_port() for _ in range(BUSES)]
    command = [sys.executable, "-m", "tests.bench.modbus", "--serve", *map(str, ports)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as far:
        assert far.stdout is not None
        if far.stdout.readline().strip() != "ready":
            raise RuntimeError("the servers did not start")
        asyncio.run(measure(ports, seconds))
        far.communicate()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(serve([int(word) for word in sys.argv[2:]]))
    else:
        main()
