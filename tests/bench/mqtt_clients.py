"""How fast Python can take QoS 1 messages from a real Mosquitto: the clients side by side.

Run ``python -m tests.bench.mqtt_clients [MESSAGES] [RUNS]``. Each client runs in a process of its own,
one publisher floods 114-byte JSON payloads on 100 topics, and every message is acknowledged
after a simulated commit: batches of what came within 2 ms. The runs are interleaved and the
medians are printed. ``us`` is CPU (user and system) of the client's process per message.

    paho          paho-mqtt, its socket watched by asyncio, acknowledged by ``Client.ack``
    paho batched  the same, read 256 KiB at a time into memory, acknowledged in one write
    gmqtt         gmqtt 0.8 (where installed), its read loop as it is, acknowledged in one write
    link          the mqtt driver's own: paho for the session, messages cut out of whole reads
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers import Mosquitto

TOPICS = 100
_COMMIT = 0.002
_OUTSTANDING = 2_000
_CHILD = (sys.executable, "-m", "tests.bench.mqtt_clients", "--child")


def bare(client: str, count: int) -> float:
    """Messages per second that the bare ``client`` takes and acknowledges, doing nothing else."""
    return measure(client, count)["rate"]


def measure(client: str, count: int, rate: int = 0) -> dict[str, float]:
    """One run on a broker of its own: ``rate`` (messages/s) and ``us`` (CPU per message).

    ``rate`` 0: a flood. Raises RuntimeError where a message was lost.
    """
    with Mosquitto("max_queued_messages 0\nmax_inflight_messages 1000\n") as broker:
        process = subprocess.Popen(
            [*_CHILD, client, str(broker.port), str(count)],
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout is not None
            if process.stdout.readline().strip() != "ready":
                raise RuntimeError(f"{client} did not start")
            publish(broker.port, count, rate)
            found: dict[str, float] = json.loads(process.stdout.readline())
    return found


def payload(number: int) -> bytes:
    """A reading of 114 bytes, numbered."""
    text = (
        f'{{"n":{number + 1_000_000},"temperature":21.5,"humidity":43.2,"smoke":false,'
        f'"battery":97,"tamper":false,"linkquality":120,"v":2'
    )
    return text.encode().ljust(113) + b"}"


def publish(port: int, count: int, rate: int = 0) -> None:
    """Publish ``count`` messages at QoS 1, as fast as the broker takes them or at ``rate`` per s."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05bench")
        sock.recv(4)
        acknowledged, step = 0, 1 if rate else 250
        started = time.perf_counter()
        for first in range(0, count, step):
            if rate:
                time.sleep(max(0.0, started + first / rate - time.perf_counter()))
            sock.sendall(b"".join(_packet(n) for n in range(first, min(count, first + step))))
            while first + step - acknowledged // 4 > _OUTSTANDING:
                acknowledged += len(sock.recv(65_536))
        while acknowledged < count * 4:
            acknowledged += len(sock.recv(65_536))


def _packet(number: int) -> bytes:
    topic = b"bench/%04d/reading" % (number % TOPICS)
    body = struct.pack(">H", len(topic)) + topic + struct.pack(">H", number % 65_000 + 1)
    body += payload(number)
    return bytes([0x32, (len(body) & 127) | 128, len(body) >> 7]) + body


class Count:
    """Notes the first and the last message, and the CPU time between."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.count = count
        self.done = asyncio.Event()
        self.first = self.cpu = 0.0

    def took(self, number: int) -> None:
        if self.left == self.count:
            self.first, self.cpu = time.perf_counter(), time.process_time()
        self.left -= number
        if self.left <= 0:
            self.done.set()

    def result(self) -> dict[str, float]:
        seconds = time.perf_counter() - self.first
        return {
            "rate": self.count / seconds,
            "us": (time.process_time() - self.cpu) / self.count * 1e6,
        }


class Commits:
    """A simulated journal: what gathered within 2 ms is acknowledged together."""

    def __init__(self, acknowledge: Callable[[Sequence[Any]], None]) -> None:
        self._acknowledge = acknowledge
        self._waiting: list[Any] = []

    def add(self, message: Any) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_later(_COMMIT, self._commit)
        self._waiting.append(message)

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._acknowledge(waiting)


async def _run_paho(port: int, count: Count, batched: bool) -> None:
    loop = asyncio.get_running_loop()
    client: Any = (_Batched if batched else paho.Client)(
        CallbackAPIVersion.VERSION2, client_id="bench-in", clean_session=False, manual_ack=True
    )

    def acknowledge(mids: Sequence[int]) -> None:
        if batched:
            client.socket().send(b"".join(struct.pack(">BBH", 0x40, 2, mid) for mid in mids))
            return
        for mid in mids:
            client.ack(mid, 1)

    commits = Commits(acknowledge)

    def on_message(_client: Any, _userdata: object, message: paho.MQTTMessage) -> None:
        count.took(1)
        commits.add(message.mid)

    client.on_message = on_message
    client.on_connect = lambda *_: client.subscribe("bench/#", 1)
    client.on_subscribe = lambda *_: print("ready", flush=True)
    client.connect("127.0.0.1", port)
    sock = client.socket()

    def readable() -> None:
        if batched and sock.fill() > 1_000:
            loop.remove_reader(sock)
            loop.call_later(0.002, loop.add_reader, sock, readable)
        client.loop_read()
        while batched and sock.inbox:
            client.loop_read()
        if client.want_write():
            client.loop_write()  # what a callback sent

    loop.add_reader(sock, readable)
    await count.done.wait()
    await asyncio.sleep(0.05)
    loop.remove_reader(sock)


class _Batched(paho.Client):
    """paho on a socket that is read 256 KiB at a time."""

    def _create_socket(self) -> Any:
        return _Buffered(socket.create_connection((self._host, self._port)))


class _Buffered:
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.inbox = b""
        self._at = 0
        self.fileno, self.setblocking = sock.fileno, sock.setblocking
        self.send, self.close = sock.send, sock.close

    def fill(self) -> int:
        chunk = self._sock.recv(262_144)
        self.inbox = self.inbox[self._at :] + chunk
        self._at = 0
        return len(chunk)

    def recv(self, size: int) -> bytes:
        taken = self.inbox[self._at : self._at + size]
        self._at += len(taken)
        if not taken:
            self.inbox, self._at = b"", 0
            raise BlockingIOError
        return taken


async def _run_gmqtt(port: int, count: Count) -> None:
    import gmqtt

    client = gmqtt.Client("bench-in", clean_session=False)
    ready = asyncio.Event()

    def acknowledge(mids: Sequence[int]) -> None:
        packets = b"".join(struct.pack(">BBH", 0x40, 2, mid) for mid in mids)
        client._connection._transport.write(packets)

    commits = Commits(acknowledge)
    # MQTT 3.1.1 has no reason codes, so gmqtt insists on acknowledging by itself: step in before
    client._send_puback = lambda mid, reason_code=0: commits.add(mid)

    def on_message(_client: Any, _topic: str, _payload: bytes, _qos: int, _properties: Any) -> int:
        count.took(1)
        return 0

    client.on_message = on_message
    client.on_connect = lambda *_: client.subscribe("bench/#", 1)
    client.on_subscribe = lambda *_: ready.set()
    await client.connect("127.0.0.1", port, version=gmqtt.constants.MQTTv311)
    await ready.wait()
    print("ready", flush=True)
    await count.done.wait()
    await asyncio.sleep(0.05)
    await client.disconnect()


async def _run_link(port: int, count: Count) -> None:
    from drivers.mqtt.link import Address, Link
    from drivers.mqtt.wire import Message
    from gateway.clock import SystemClock

    commits = Commits(lambda acks: link.acknowledge(b"".join(acks)))

    def received(messages: Sequence[Message]) -> None:
        count.took(len(messages))
        commits.add(b"".join([message.ack for message in messages]))

    address = Address("127.0.0.1", port)
    link = Link(address, "bench-in", received, SystemClock(), max_payload=1_000_000)
    await link.open()
    await link.subscribe([("bench/#", 1)])
    print("ready", flush=True)
    await count.done.wait()
    await asyncio.sleep(0.05)
    await link.close()


def _child(client: str, port: int, number: int) -> None:
    async def run() -> None:
        count = Count(number)
        if client == "gmqtt":
            await _run_gmqtt(port, count)
        elif client == "link":
            await _run_link(port, count)
        else:
            await _run_paho(port, count, client == "paho batched")
        print(json.dumps(count.result()), flush=True)

    asyncio.run(run())


def clients() -> list[str]:
    """What can be measured here."""
    return ["paho", "paho batched", *(["gmqtt"] if find_spec("gmqtt") else []), "link"]


def table(count: int, runs: int) -> str:
    """The figures, medians of interleaved runs: a flood, then 2,000 messages a second."""
    found: dict[str, list[tuple[dict[str, float], dict[str, float]]]] = {}
    for _ in range(runs):
        for client in clients():
            pair = measure(client, count), measure(client, min(count, 10_000), 2_000)
            found.setdefault(client, []).append(pair)
    lines = ["client         flood msg/s   us/msg   us/msg at 2,000/s"]
    for client, pairs in found.items():
        rate = statistics.median(flood["rate"] for flood, _ in pairs)
        busy = statistics.median(flood["us"] for flood, _ in pairs)
        calm = statistics.median(steady["us"] for _, steady in pairs)
        lines.append(f"{client:13} {rate:12,.0f} {busy:8.1f} {calm:19.1f}")
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _child(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
        os._exit(0)
    arguments = [int(word.replace(",", "")) for word in sys.argv[1:]]
    print(table(*(arguments + [60_000, 3][len(arguments) :])))
