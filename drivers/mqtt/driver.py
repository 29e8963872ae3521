"""The MQTT driver: one emit() for each read of the socket, PUBACKs after it returned, in order.

Link.received ─▶ Router.decode ─▶ emit(items) ─▶ on disk ─▶ acknowledge ─▶ PUBACKs
                                    └ many at once, bounded; at the bound reading stops
"""

from __future__ import annotations

import asyncio
import importlib
import ssl
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import Any, Final, Protocol

import structlog
from paho.mqtt.client import topic_matches_sub

from drivers._momentary import Holds, Momentary
from drivers.mqtt.decode import Dialect, Filter, Out, Publish, Router
from drivers.mqtt.drops import TOPIC as DROPS
from drivers.mqtt.drops import Drops
from drivers.mqtt.echo import Echo
from drivers.mqtt.echo import item as canary_of
from drivers.mqtt.link import Address, Link
from drivers.mqtt.options import PACKAGE, Chosen, Options
from drivers.mqtt.outputs import Outputs
from drivers.mqtt.topics import is_safe
from drivers.mqtt.wire import Message
from gateway.model import Item, Reading
from gateway.ports import Clock, Emit, Unavailable

_MOST_WAITING: Final = 4_000
"""Messages that may wait for the disk; QoS 0 has no window that would bound them."""
_MOST_BYTES: Final = 8_000_000
"""Payload bytes that may wait for the disk."""
_MOST_FILTERS: Final = 5_000
"""Subscriptions that decoders may ask for while a connection lasts."""
_AT_ONCE: Final = 50
"""Of those, how many one packet names: a refusal concerns no more."""


class Driver:
    """Readings from one broker. ``run`` is one connection; the supervisor makes the next one."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self._name = name
        self._options = options
        self._clock = clock
        self._client_id = options.client_id or f"gridwarden-{name}"
        self._router = Router(_dialect(each.chosen) for each in options.dialects)
        self._declared = self._router.filters(options.qos)
        """What the options name, before any device has announced topics of its own."""
        self._drops = Drops(clock)
        self._holds = Holds(clock)
        self._outputs = Outputs(options, clock)
        self._echo = Echo(options.canary, self._client_id, self._declared)
        if options.canary is not None:
            self.echo = self._echo.send
        self._asked = 0
        self._latest: Link | None = None
        self._log = structlog.get_logger(name)

    async def run(self, emit: Emit) -> None:
        """Live until cancelled or the broker is gone, which raises ``Unavailable``."""
        options = self._options
        intake = _Intake(emit, self._items)
        link = self._link(self._client_id, intake, clean=options.is_trial)
        intake.link = self._latest = link
        try:
            await link.open()
            self._asked = 0
            if not link.session_present:
                self._log.info("session_is_new", client_id=self._client_id)
            await link.subscribe(self._filters())
            self._go_on(link)
            self._log.info("connected", broker=f"{options.host}:{options.port}")
            if options.watch_drops:
                intake.beside(self._drops.report(emit))
            intake.beside(self._holds.run(emit))
            if not options.is_trial:
                self._echo.connected(link)
                for work in self._outputs.connected(link, emit):
                    intake.beside(work)
            reason = await intake.failed_or(link)
        except asyncio.CancelledError:
            intake.cancel()
            raise
        finally:
            self._outputs.disconnected()
            self._echo.connected(None)
            await link.close()
            await intake.finish()
            self._router.close()
        raise Unavailable(reason)

    async def switch(self, output: str, on: bool) -> None:
        """Switch ``output``. Returned: the broker has it, or the device says that it is so.

        Refused: there is no such output. Else Unavailable.
        """
        await self._outputs.switch(output, on)

    async def check(self) -> str:
        """Connect beside the running driver (own client id, no session), and leave again."""
        link = self._link(f"{self._client_id}-check", _Intake(_nobody, self._items), clean=True)
        try:
            await link.open()
            return f"the broker at {self._options.host}:{self._options.port} lets us in"
        finally:
            await link.close()

    def _link(self, client_id: str, intake: _Intake, *, clean: bool) -> Link:
        return Link(
            self._address(),
            client_id,
            intake.received,
            self._clock,
            max_payload=self._options.max_payload,
            keepalive=round(self._options.keepalive),
            clean=clean,
        )

    def _address(self) -> Address:
        options = self._options
        try:
            password = options.password.reveal() if options.password else ""
            context = None
            if (tls := options.tls) is not None:
                context = ssl.create_default_context(cafile=tls.ca)
                if tls.cert is not None:
                    context.load_cert_chain(tls.cert, tls.key)
        except (OSError, ValueError) as error:
            raise Unavailable(f"{self._name}: {error}; look at password: and tls:") from None
        return Address(options.host, options.port, context, options.username, password)

    def _filters(self) -> list[Filter]:
        states = [
            state
            for state in self._outputs.filters()  # twice subscribed may be twice delivered
            if not any(topic_matches_sub(each.topic, state.topic) for each in self._declared)
        ]
        drops = [Filter(DROPS.decode(), 0)] if self._options.watch_drops else []
        return [*self._declared, *states, *drops]

    def _go_on(self, link: Link) -> None:
        """What devices announced to earlier connections: its refusal must not end this one."""
        declared = frozenset(self._declared)
        learned = [
            wanted
            for wanted in self._router.filters(self._options.qos)
            if wanted not in declared and is_safe(wanted.topic)
        ][:_MOST_FILTERS]
        for start in range(0, len(learned), _AT_ONCE):
            link.also(learned[start : start + _AT_ONCE])

    def _items(self, messages: Sequence[Message]) -> list[Item]:
        """Every item of ``messages``, in order."""
        items: list[Item] = []
        decode = self._router.decode
        for message in messages:
            if message.topic == DROPS and self._options.watch_drops:
                present = self._latest is not None and self._latest.session_present
                items += self._drops.note(message, session_present=present)
            elif self._echo.hears(message.topic):
                items += canary_of(message)
            elif not self._is_state(message):
                for each in decode(message):
                    if isinstance(each, Reading):
                        self._holds.note(each)
                        items.append(each)
                    else:
                        self._rarer(each, items)
        return items

    def _is_state(self, message: Message) -> bool:
        """Whether it was about an output, and is nothing that a dialect reads besides."""
        if not self._outputs.hears(message.topic):
            return False
        self._outputs.heard(message)
        return not self._router.reads(message.topic)

    def _rarer(self, each: Out, items: list[Item]) -> None:
        """What is no reading: other items, and what a decoder asks for."""
        if isinstance(each, Momentary):
            items += self._holds.take(each)
        elif isinstance(each, Filter):
            self._want(each)
        elif isinstance(each, Publish):
            plain = is_safe(each.topic) and not {"+", "#"} & set(each.topic)
            if plain and self._latest is not None and not self._options.is_trial:
                self._latest.publish(each.topic, each.payload)
        else:
            items.append(each)

    def _want(self, wanted: Filter) -> None:
        if self._latest is None or self._asked >= _MOST_FILTERS or not is_safe(wanted.topic):
            return
        self._asked += 1
        self._latest.also([wanted])


class _ItemsOf(Protocol):
    def __call__(self, messages: Sequence[Message]) -> list[Item]: ...


class _Batch:
    """What one read brought, until it is acknowledged."""

    __slots__ = ("acks", "count", "done", "size")

    def __init__(self, messages: Sequence[Message]) -> None:
        self.acks = b"".join([message.ack for message in messages])
        self.count = len(messages)
        self.size = sum([len(message.payload) for message in messages])
        self.done = False


class _Intake:
    """Hands batches to ``emit``, each in a task of its own, and acknowledges them in order."""

    def __init__(self, emit: Emit, items: _ItemsOf) -> None:
        self.link: Link | None = None
        self._emit = emit
        self._items = items
        self._waiting: deque[_Batch] = deque()
        self._messages = self._bytes = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._beside: list[asyncio.Task[None]] = []
        self._failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    def received(self, messages: Sequence[Message]) -> None:
        """Take what one read brought; at the bound, stop reading."""
        batch = _Batch(messages)
        self._waiting.append(batch)
        self._messages += batch.count
        self._bytes += batch.size
        if items := self._items(messages):
            self._start(self._take(batch, items))
        else:
            self._done(batch)
        if self._full and self.link is not None:
            self.link.hold(True)

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Work that lasts as long as the connection; its failure ends that."""
        self._beside.append(self._start(work))

    async def failed_or(self, link: Link) -> str:
        """Wait for the end of the connection: the reason. What emit raised is raised here."""
        lost = asyncio.ensure_future(link.lost())
        either: tuple[asyncio.Future[Any], ...] = (lost, self._failed)
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
        if self._failed.done():
            raise self._failed.result()
        return lost.result()

    def cancel(self) -> None:
        """Give up what is not stored yet: it is not acknowledged and will come again."""
        for task in self._tasks:
            task.cancel()

    async def finish(self) -> None:
        """After the connection: let what is being stored be stored; its PUBACKs are dropped."""
        self.link = None
        for task in self._beside:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def _full(self) -> bool:
        return self._messages >= _MOST_WAITING or self._bytes >= _MOST_BYTES

    async def _take(self, batch: _Batch, items: list[Item]) -> None:
        await self._emit(items)
        self._done(batch)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if not self._failed.done():
            self._failed.set_result(error)

    def _done(self, batch: _Batch) -> None:
        """Acknowledge from the oldest on, as far as all is stored (MQTT-4.6.0-2)."""
        batch.done = True
        acks = []
        while self._waiting and self._waiting[0].done:
            first = self._waiting.popleft()
            self._messages -= first.count
            self._bytes -= first.size
            acks.append(first.acks)
        if acks and self.link is not None:
            self.link.acknowledge(b"".join(acks))
            if not self._full:
                self.link.hold(False)


def _dialect(chosen: Chosen) -> Dialect:
    """The dialect's object; what it needs is imported only now."""
    try:
        module = importlib.import_module(f"{PACKAGE}.{chosen.name}.dialect")
    except ModuleNotFoundError as error:
        raise Unavailable(
            f"the dialect {chosen.name} needs the Python package {error.name}, which is not "
            f"installed here; run pip install {error.name}"
        ) from None
    found: Dialect = module.Dialect(chosen.options)
    return found


async def _nobody(items: Sequence[Item]) -> None:
    """Takes what a check might receive."""
