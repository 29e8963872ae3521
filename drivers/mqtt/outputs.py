"""Sirens and strobes that a message switches, and the topics that say how they are.

switch ──▶ publish ──▶ PUBACK ──▶ done           without ``state``: the broker has it
                          └──▶ state topic ──▶ done, or Unavailable when it does not come
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, Final

import msgspec

from drivers._outputs import Outputs as Limited
from drivers.mqtt.decode import Filter, fields_of
from drivers.mqtt.link import Link
from drivers.mqtt.options import Options, Output
from drivers.mqtt.wire import Message
from gateway.clock import Signal, at_most
from gateway.ports import Clock, Emit, Unavailable

_LONGEST: Final = 65_536
"""Bytes of a state that are looked at."""


class Outputs:
    """The outputs behind one broker; lives through all connections."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self._options = options.outputs
        self._where = f"{options.host}:{options.port}"
        self._clock = clock
        self._link: Link | None = None
        self._limited = Limited(self._where, options.outputs, self._put, clock)
        self._known: dict[str, bool] = {}
        """What the state topics have said over this connection."""
        self._news = Signal()
        self._topics: dict[bytes, list[str]] = {}
        for name, output in options.outputs.items():
            if output.state is not None:
                self._topics.setdefault(output.state.encode(), []).append(name)

    def filters(self) -> list[Filter]:
        """What to subscribe to."""
        return [Filter(topic.decode(), 1) for topic in self._topics]

    def hears(self, topic: bytes) -> bool:
        """Whether this topic is a state of ours."""
        return topic in self._topics

    def heard(self, message: Message) -> None:
        """A state topic has spoken; what it says that is neither on nor off changes nothing."""
        for name in self._topics[message.topic]:
            on = state_of(self._options[name], message.payload)
            if on is not None:
                self._known[name] = on
                self._limited.found(name, on)
        self._news.notify()

    def connected(self, link: Link, emit: Emit) -> Sequence[Coroutine[Any, Any, None]]:
        """From now on they can be switched; what has to run while that is so."""
        self._link = link
        if not self._options:
            return ()
        self._limited.begin()
        return (self._limited.end_in_time(), self._limited.report(emit))

    def disconnected(self) -> None:
        """The connection is gone."""
        self._link = None
        self._known.clear()
        self._news.notify()

    async def switch(self, name: str, on: bool) -> None:
        """Returned: the broker has it, or the device says so. The two errors else."""
        await self._limited.switch(name, on)

    async def _put(self, name: str, on: bool) -> None:
        link, output = self._link, self._options[name]
        if link is None:
            raise Unavailable(f"{name}: there is no connection to the broker at {self._where}")
        payload = output.on if on else output.off
        await link.deliver(output.topic, payload.encode(), output.qos)
        if output.state is None:
            return
        if not await at_most(output.within, self._clock, self._says(name, on)):
            wanted = "on" if on else "off"
            raise Unavailable(
                f"{name}: sent, but {output.state} does not say {wanted} within {output.within:g} s"
            )
        if self._link is not link:
            raise Unavailable(f"{name}: the connection to the broker was lost meanwhile")

    async def _says(self, name: str, on: bool) -> None:
        """Wait until the state topic says so; also when the connection is gone."""
        link = self._link
        while self._known.get(name) is not on and self._link is link:
            await self._news.wait(self._news.count)


def state_of(output: Output, payload: bytes) -> bool | None:
    """On, off, or None for what is neither."""
    if len(payload) > _LONGEST:
        return None
    said: object
    if output.field:
        try:
            said = fields_of(payload)
        except ValueError:
            return None
        for step in output.field.split("."):
            said = said.get(step) if isinstance(said, dict) else None
    else:
        said = payload.decode("utf-8", "replace")
    word = _word(said)
    for on, meant in (
        (True, output.state_on or output.on),
        (False, output.state_off or output.off),
    ):
        if word == _word(meant):
            return on
    return None


def _word(said: object) -> str | None:
    """``ON``, ``on`` and `` on`` are one; true is the word "true", 1.0 is "1"."""
    if isinstance(said, str):
        return said.strip().lower()
    if isinstance(said, bool):
        return str(said).lower()
    if isinstance(said, (int, float)):
        return f"{said:g}"
    return msgspec.json.encode(said).decode() if isinstance(said, (dict, list)) else None
