"""Starts the demo's surroundings, then the gateway as ``gridwarden run`` would, then the play.

broker, serial pair, phone, influxd ──▶ configuration ──▶ gateway ──▶ recordings play
                                                            └──▶ story ──▶ the terminal
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
import textwrap
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from gateway.clock import SystemClock
from gateway.config import Settings, load
from gateway.demo import player, scene
from gateway.demo.influx import influx
from gateway.demo.phone import phone
from gateway.demo.story import Story, Told
from gateway.embedded import broker
from gateway.model import SECOND, Text
from gateway.ports import Clock
from gateway.simulate import SerialPair, serial_pair


class Running(Protocol):
    """A gateway that runs, as far as the demo looks at it."""

    @property
    def console_url(self) -> str:
        """Where the console serves."""

    @property
    def view(self) -> Told:
        """What the console reads."""


_TERMINATED: Final = 128 + signal.SIGTERM
"""What a shell reports for a program that SIGTERM ended."""

Start = Callable[[Settings], AbstractAsyncContextManager[Running]]


async def run(
    start: Start, seconds: float | None, out: Callable[[str], None], console_port: int = 0
) -> int:
    """Play for ``seconds``, or until cancelled; ``start`` runs the gateway. The exit code.

    ``out`` gets one line at a time, Chinese and English. Everything is kept in a temporary
    folder and gone afterwards, also when SIGTERM ends the demo.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101  # a coroutine runs in a task
    terminated = asyncio.Event()

    def terminate() -> None:
        terminated.set()
        task.cancel()

    loop.add_signal_handler(signal.SIGTERM, terminate)
    try:
        with tempfile.TemporaryDirectory(prefix="gridwarden-demo-") as folder:
            await _perform(start, seconds, out, console_port, Path(folder))
    except asyncio.CancelledError:
        if not terminated.is_set():
            raise
        task.uncancel()
        return _TERMINATED
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
    return 0


async def _perform(
    start: Start,
    seconds: float | None,
    out: Callable[[str], None],
    console_port: int,
    folder: Path,
) -> None:
    """The demo, with its files in ``folder``."""
    clock = SystemClock("always")
    began = clock.now().mono

    def say(text: Text) -> None:
        elapsed = (clock.now().mono - began) / SECOND
        out(f"[{elapsed:5.1f} s] {text.zh}")
        out(textwrap.indent(text.en, " " * 10))

    async with AsyncExitStack() as stack:
        around = await _surroundings(stack, folder, clock, say, console_port)
        running = await stack.enter_async_context(start(load(around.config)))
        out(f"console: {running.console_url}")
        story = Story(running.view, clock, say)
        client = await stack.enter_async_context(player.publisher(around.mqtt))
        async with asyncio.TaskGroup() as tasks:
            playing = [
                tasks.create_task(player.play(client, around.line, clock)),
                tasks.create_task(story.run()),
            ]
            await (clock.sleep(seconds) if seconds is not None else asyncio.Event().wait())
            for task in playing:
                task.cancel()
        for text in await story.summary():
            say(text)


class _Surroundings(NamedTuple):
    config: Path
    mqtt: int
    line: SerialPair


async def _surroundings(
    stack: AsyncExitStack,
    folder: Path,
    clock: Clock,
    say: Callable[[Text], None],
    console_port: int,
) -> _Surroundings:
    """Start what the gateway will talk to and write its configuration."""
    mqtt = await stack.enter_async_context(broker())
    line = stack.enter_context(serial_pair())
    far = scene.Far(
        mqtt=mqtt,
        serial=line.port,
        phone=await stack.enter_async_context(phone(say)),
        influx=await stack.enter_async_context(influx(folder, clock, say)),
    )
    return _Surroundings(scene.write(folder, far, console_port), mqtt, line)
