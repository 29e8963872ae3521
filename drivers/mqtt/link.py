"""One connection to a broker: asyncio moves the bytes, paho-mqtt speaks the protocol.

    broker ── TCP, TLS ──▶ asyncio transport ── chunk ──▶ Cutter ──▶ messages ──▶ received()
                                                             └─ control packets ─▶ paho
    broker ◀── one write ◀── acknowledge(PUBACKs of a batch)
           ◀────────────── paho: CONNECT, SUBSCRIBE, PUBCOMP, PINGREQ, DISCONNECT

paho finds its bytes in ``_Pipe``, which looks like a socket to it. It never sees a PUBLISH, so
it never acknowledges one.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, NamedTuple, TypeVar, cast

import structlog
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from drivers.mqtt.wire import Cutter, Malformed, Message
from gateway.ports import Clock, Unavailable, in_words

_ANSWER_WITHIN: Final = 10.0
"""Seconds for TCP, TLS, CONNACK and SUBACK together: a Pi's TLS handshake takes two."""
_NAP: Final = 0.002
"""Seconds between two reads under load. Mosquitto writes each message by itself, so reading at
once pays a wake-up for every message; 2 ms is below what anybody notices in an alarm."""
_NAP_NS: Final = 2_000_000

_T = TypeVar("_T")
_log = structlog.get_logger("mqtt")


class Address(NamedTuple):
    """Where a broker is and how to log in. ``tls`` None: plain TCP."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    username: str = ""
    password: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return str(self)


class _Pipe:
    """paho's socket: bytes to read lie in ``inbox``, bytes written go to the transport."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.inbox = bytearray()
        self._write = write

    def recv(self, buffer_size: int) -> bytes:
        if not self.inbox:
            raise BlockingIOError
        taken = bytes(self.inbox[:buffer_size])
        del self.inbox[:buffer_size]
        return taken

    def send(self, buffer: bytes | bytearray) -> int:
        self._write(bytes(buffer))
        return len(buffer)

    def close(self) -> None:
        self.inbox.clear()

    def fileno(self) -> int:
        return -1

    def setblocking(self, flag: bool) -> None:
        """Reading never blocks: see ``recv``."""


class _Speaker(paho.Client):
    """paho without a socket of its own."""

    def __init__(self, pipe: _Pipe, client_id: str, clean: bool) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=clean,
            protocol=paho.MQTTv311,
        )
        self._pipe = pipe

    def _create_socket(self) -> _Pipe:
        return self._pipe


class Link(asyncio.Protocol):
    """Connected from ``open`` until ``lost``; then a new one is made.

    ``received`` gets the messages of one read, in order, and must not raise.
    """

    def __init__(
        self,
        address: Address,
        client_id: str,
        received: Callable[[Sequence[Message]], None],
        clock: Clock,
        *,
        max_payload: int,
        keepalive: int = 60,
        clean: bool = False,
    ) -> None:
        self.session_present = False
        self._address = address
        self._received = received
        self._clock = clock
        self._keepalive = keepalive
        self._cutter = Cutter(max_payload)
        self._pipe = _Pipe(self._write)
        self._paho = _Speaker(self._pipe, client_id, clean)
        self._paho.on_connect = self._on_connect
        self._paho.on_subscribe = self._on_subscribe
        self._paho.on_publish = self._on_publish
        if address.username:
            self._paho.username_pw_set(address.username, address.password or None)
        self._transport: asyncio.Transport | None = None
        self._connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._subscribed: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._delivered: dict[int, asyncio.Future[None]] = {}
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._held = False
        self._napping = False
        self._read_at = 0
        self._heard = False
        self._why = ""

    async def open(self) -> None:
        """Connect and log in. Raises ``Unavailable``."""
        address = self._address
        try:
            async with asyncio.timeout(_ANSWER_WITHIN):
                await asyncio.get_running_loop().create_connection(
                    lambda: self, address.host, address.port, ssl=address.tls
                )
                self._paho.connect(address.host, address.port, self._keepalive)
                await self._or_lost(self._connected)
        except TimeoutError:
            raise Unavailable(
                f"the broker at {address} does not answer within {_ANSWER_WITHIN:.0f} s"
            ) from None
        except ssl.SSLError as error:
            reason = getattr(error, "verify_message", "") or error.reason or "TLS failed"
            raise Unavailable(f"the broker at {address}: {reason}; look at tls:") from None
        except OSError as error:
            # by its number: asyncio writes its own call into strerror; a name's errors are negative
            number = error.errno or 0
            why = os.strerror(number) if number > 0 else error.strerror or in_words(error)
            raise Unavailable(f"no broker at {address}: {why}") from None
        self._start(self._keep_alive())

    async def subscribe(self, filters: Sequence[tuple[str, int]]) -> None:
        """Subscribe to every filter with its QoS. Raises ``Unavailable`` where one is refused."""
        if not filters:
            return
        _, number = self._paho.subscribe(list(filters))
        answer: asyncio.Future[list[ReasonCode]] = asyncio.get_running_loop().create_future()
        self._subscribed[number or 0] = answer
        try:
            async with asyncio.timeout(_ANSWER_WITHIN):
                codes = await self._or_lost(answer)
        except TimeoutError:
            raise Unavailable(f"the broker at {self._address} answers no SUBSCRIBE") from None
        finally:
            self._subscribed.pop(number or 0, None)
        refused = [
            topic for (topic, _), code in zip(filters, codes, strict=False) if code.is_failure
        ]
        if refused:
            raise Unavailable(
                f"the broker at {self._address} refuses the subscription to {', '.join(refused)};"
                " look at its access list"
            )

    def also(self, wanted: Sequence[tuple[str, int]]) -> None:
        """Subscribe to more filters, without waiting; a refusal is logged and harms nothing."""
        self._start(self._subscribe_too(wanted))

    def publish(self, topic: str, payload: bytes) -> None:
        """Send one message with QoS 0, if there is a connection."""
        if self._transport is not None and self._paho.is_connected():
            self._paho.publish(topic, payload)

    async def deliver(self, topic: str, payload: bytes, qos: int) -> None:
        """Send one message. Returned: the broker has it (QoS 1), or it is written (QoS 0)."""
        if self._transport is None or not self._paho.is_connected():
            raise Unavailable(f"there is no connection to the broker at {self._address}")
        sent = self._paho.publish(topic, payload, qos)
        if qos == 0:
            return
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._delivered[sent.mid] = answer
        try:
            async with asyncio.timeout(_ANSWER_WITHIN):
                await self._or_lost(answer)
        except TimeoutError:
            raise Unavailable(f"the broker at {self._address} confirms no message") from None
        finally:
            self._delivered.pop(sent.mid, None)

    async def lost(self) -> str:
        """Wait until the connection is gone; the reason."""
        return await asyncio.shield(self._lost)

    async def close(self) -> None:
        """Say goodbye and close; nothing is left behind."""
        if self._transport is not None and not self._lost.done():
            if self._paho.is_connected():
                self._paho.disconnect()
            self._transport.close()
            try:
                async with asyncio.timeout(1.0):
                    await self.lost()
            except TimeoutError:
                self._transport.abort()
                await self.lost()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def acknowledge(self, packets: bytes) -> None:
        """Send PUBACKs in one write; after the connection is lost they are dropped."""
        self._write(packets)

    def hold(self, held: bool) -> None:
        """Stop or go on reading: the broker keeps what is not read."""
        self._held = held
        self._flow()

    # --- asyncio.Protocol ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way out."""
        self._transport = cast("asyncio.Transport", transport)
        self._flow()

    def data_received(self, data: bytes) -> None:
        """One read of up to 256 KiB."""
        self._heard = True
        try:
            messages, control = self._cutter.feed(data)
        except Malformed as error:
            self._abandon(f"the broker at {self._address} sent {error}")
            return
        if control:
            self._hand_to_paho(control)
        if messages:
            self._nap_if_busy(len(messages))
            self._received(messages)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake everybody who waits."""
        self._transport = None
        if not self._lost.done():
            why = self._why or f"the broker at {self._address} closed the connection"
            if exc is not None and not self._why:
                why = f"the connection to {self._address} broke: {exc}"
            self._lost.set_result(why)

    # --- inside -------------------------------------------------------------------------

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _hand_to_paho(self, control: bytes) -> None:
        self._pipe.inbox += control
        while self._pipe.inbox:
            if (code := self._paho.loop_read()) != paho.MQTT_ERR_SUCCESS:
                reason = self._why or paho.error_string(code).rstrip(".").lower()
                self._abandon(f"the broker at {self._address}: {reason}")
                return

    def _abandon(self, why: str) -> None:
        self._why = self._why or why
        if self._transport is not None:
            self._transport.abort()

    def _nap_if_busy(self, count: int) -> None:
        """Under load let messages gather: nap when more than one came within the last nap."""
        now = self._clock.now().mono
        busy = count > 1 or now - self._read_at < _NAP_NS
        self._read_at = now
        if busy and not self._napping:
            self._napping = True
            self._flow()
            self._start(self._nap())

    async def _nap(self) -> None:
        await self._clock.sleep(_NAP)
        self._napping = False
        self._flow()

    def _flow(self) -> None:
        if (transport := self._transport) is None or transport.is_closing():
            return
        wanted = not (self._held or self._napping)
        if wanted and not transport.is_reading():
            transport.resume_reading()
        elif not wanted and transport.is_reading():
            transport.pause_reading()

    async def _keep_alive(self) -> None:
        """Ping at half the keep-alive time; three silent halves in a row end the connection.

        Any byte counts as a sign of life, and while reading is held silence counts for
        nothing: a slow disk must not look like a dead broker.
        """
        silent = 0
        while True:
            await self._clock.sleep(self._keepalive / 2)
            silent = 0 if self._heard or self._held else silent + 1
            self._heard = False
            if silent >= 3:
                self._abandon(f"the broker at {self._address} has been silent")
                return
            self._write(b"\xc0\x00")

    async def _subscribe_too(self, wanted: Sequence[tuple[str, int]]) -> None:
        try:
            await self.subscribe(wanted)
        except Unavailable as error:
            if not self._lost.done():
                _log.warning("subscription_refused", reason=error.reason)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _or_lost(self, future: asyncio.Future[_T]) -> _T:
        either: tuple[asyncio.Future[Any], ...] = (future, self._lost)
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if future.done():
            return future.result()
        raise Unavailable(self._lost.result())

    def _on_connect(
        self,
        client: paho.Client,
        userdata: object,
        flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._why = f"the broker at {self._address} refuses us: {reason}"
        elif not self._connected.done():
            self.session_present = flags.session_present
            self._connected.set_result(None)

    def _on_subscribe(
        self,
        client: paho.Client,
        userdata: object,
        mid: int,
        codes: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        if (answer := self._subscribed.get(mid)) is not None and not answer.done():
            answer.set_result(codes)

    def _on_publish(
        self,
        client: paho.Client,
        userdata: object,
        mid: int,
        reason: ReasonCode,
        properties: Properties,
    ) -> None:
        if (answer := self._delivered.get(mid)) is not None and not answer.done():
            answer.set_result(None)
