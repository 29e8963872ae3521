"""Publishes numbered QoS 1 readings as fast as asked for, and alarms whose moment is noted."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator

_OUTSTANDING = 2_000


class Publisher:
    """One raw connection: a packet costs a microsecond, so the load does not eat the machine."""

    def __init__(self, port: int, name: bytes = b"load") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connect = b"\x00\x04MQTT\x04\x02\x00\x3c" + struct.pack(">H", len(name)) + name
        self._socket.sendall(bytes([0x10, len(connect)]) + connect)
        self._socket.recv(4)
        self._sent = self._acknowledged = 0

    def __enter__(self) -> Publisher:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def flood(self, count: int, sensors: int = 100) -> float:
        """``count`` readings as fast as the broker takes them; the moment of the first."""
        began = time.monotonic()
        for first in range(0, count, 250):
            numbers = range(first, min(count, first + 250))
            self._socket.sendall(b"".join([reading(n, sensors) for n in numbers]))
            self._sent += len(numbers)
            self._collect(_OUTSTANDING)
        self._collect(0)
        return began

    def steady(
        self,
        rate: float,
        seconds: float,
        *,
        start: int = 0,
        sensors: int = 100,
        each: Callable[[int], bytes | None] = lambda _n: None,
        stream: Iterator[bytes] | None = None,
    ) -> int:
        """``rate`` readings a second, evenly; ``each`` may add a packet. How many were sent.

        ``stream``: these packets instead of readings.
        """
        began, sent = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            due = int(passed * rate) + 1
            while sent < due:
                one = next(stream) if stream else reading(start + sent, sensors)
                self._socket.sendall(one)
                self._sent += 1
                sent += 1
                if extra := each(sent):
                    self._socket.sendall(extra)
                    self._sent += 1
            self._collect(_OUTSTANDING)
            time.sleep(max(0.0, began + sent / rate - time.monotonic()))
        self._collect(0)
        return sent

    def send(self, packet: bytes) -> None:
        """One packet, and its PUBACK."""
        self._socket.sendall(packet)
        self._sent += 1
        self._collect(0)

    def _collect(self, outstanding: int) -> None:
        if outstanding:
            self._socket.setblocking(False)
            try:
                self._acknowledged += len(self._socket.recv(1 << 20))
            except BlockingIOError:
                pass
            finally:
                self._socket.setblocking(True)
        while self._sent - self._acknowledged // 4 > outstanding:
            self._acknowledged += len(self._socket.recv(1 << 20))


def reading(number: int, sensors: int) -> bytes:
    """A telemetry report of 114 bytes; its number is its key."""
    text = (
        f'{{"n":{number + 1_000_000},"temperature":21.5,"humidity":43.2,"smoke":false,'
        f'"battery":97,"tamper":false,"linkquality":120,"v":2'
    )
    return packet(
        b"bench/%04d/reading" % (number % sensors), text.encode().ljust(113) + b"}", number
    )


def alarm(name: str, number: int, on: bool = True) -> bytes:
    """An alarm of detector ``name``."""
    state = "true" if on else "false"
    text = f'{{"n":{number + 500_000_000},"smoke":{state}}}'
    return packet(f"bench/{name}/reading".encode(), text.encode(), number)


def packet(topic: bytes, payload: bytes, number: int) -> bytes:
    """PUBLISH at QoS 1."""
    body = struct.pack(">H", len(topic)) + topic
    body += struct.pack(">H", number % 65_000 + 1) + payload
    length = len(body)
    head = b"\x32"
    while length > 127:
        head += bytes([length & 127 | 128])
        length >>= 7
    return head + bytes([length]) + body
