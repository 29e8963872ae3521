"""Receives alarm panels: each message is stored, and only then answered.

TCP callers ─┐                    ┌─ Undecodable, Reading ─▶ emit ─▶ answer
UDP port ────┼─▶ Cutter ─▶ Receiver
serial port ─┘                    └─ heard ─▶ Attendance ─▶ emit: gone, back
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from drivers._listen import listen
from drivers._port import Inflow, form, gone, open_port
from drivers.alarm_panel import dc09, echo, frame, surgard
from drivers.alarm_panel.attendance import Attendance
from drivers.alarm_panel.datagrams import datagrams
from drivers.alarm_panel.life import Life, first_to_end, hang_up
from drivers.alarm_panel.options import Dc09, Options, SurGard
from drivers.alarm_panel.standing import Standing
from gateway.ports import Clock, Emit, Unavailable

if TYPE_CHECKING:
    from drivers.alarm_panel.cipher import Aes


class Driver:
    """One receiver. ``run`` is one life of its ports; the supervisor makes the next one."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self._name = name
        self._options = options
        self._clock = clock
        if (panels := options.dc09) is not None and panels.tcp_port is not None:
            self.echo = partial(echo.call, panels.host, panels.tcp_port)

    async def run(self, emit: Emit) -> None:
        """Live until cancelled. Unavailable: a port is gone, or a key can not be read."""
        if (lines := self._options.surgard) is None:
            await self._panels(_chosen(self._options), emit)
            return
        limits = {surgard.RECEIVER: lines.heartbeat} if lines.heartbeat else {}
        standing = Standing()
        attendance = Attendance(limits, self._clock, standing)
        receiver = surgard.Receiver(self._name, lines, self._clock, attendance, standing)
        life = Life(receiver, surgard.next_line, attendance, emit, self._clock)
        await (_serial(lines, life) if lines.port else _callers(lines, life))

    async def check(self) -> str:
        """Open the ports and close them again; whether a panel calls is not known by that."""
        lines, panels = self._options.surgard, self._options.dc09
        if lines is not None and lines.port:
            with open_port(lines.serial):
                return f"serial port {lines.port} can be opened at {form(lines.serial)}"
        ports = panels or lines
        tcp, udp = (ports.tcp_port if ports else None), (panels.udp_port if panels else None)
        if panels is not None:
            keys_of(panels)
        async with AsyncExitStack() as opened:
            if ports is not None and tcp is not None:
                await opened.enter_async_context(listen(ports.host, tcp, hang_up, most=1))
            if ports is not None and udp is not None:
                await opened.enter_async_context(datagrams(ports.host, udp))
        names = [f"{kind} port {port}" for kind, port in (("TCP", tcp), ("UDP", udp)) if port]
        return f"{' and '.join(names)} can be opened"

    async def _panels(self, options: Dc09, emit: Emit) -> None:
        limits = {each.address: each.supervise for each in options.accounts if each.supervise}
        standing = Standing()
        attendance = Attendance(limits, self._clock, standing)
        memory = dc09.Memory(keys_of(options), attendance, standing)
        receiver = dc09.Receiver(self._name, options, self._clock, memory)
        life = Life(receiver, frame.next_frame, attendance, emit, self._clock, options.idle)
        lives: list[Callable[[], Coroutine[Any, Any, None]]] = [life.attend]
        async with AsyncExitStack() as ports:
            if options.tcp_port:
                callers = listen(options.host, options.tcp_port, life.caller, most=options.most)
                lives.append((await ports.enter_async_context(callers)).forever)
            if options.udp_port:
                port = await ports.enter_async_context(datagrams(options.host, options.udp_port))
                lives.append(partial(life.datagrams, port))
            try:
                await first_to_end(*lives)
            except OSError as error:
                raise Unavailable(f"UDP port {options.udp_port}: {error}") from None


async def _serial(lines: SurGard, life: Life) -> None:
    options = lines.serial
    with open_port(options) as fd, Inflow(fd) as inflow:
        try:
            await first_to_end(life.attend, partial(life.line, inflow))
        except OSError as error:
            raise gone(options.port, error) from None


async def _callers(lines: SurGard, life: Life) -> None:
    port = lines.tcp_port or 0
    async with listen(lines.host, port, life.caller, most=lines.connections) as listening:
        await first_to_end(life.attend, listening.forever)


def _chosen(options: Options) -> Dc09:
    assert options.dc09 is not None  # noqa: S101  # the options hold one of the two
    return options.dc09


def keys_of(options: Dc09) -> dict[str, Aes]:
    """Device address -> key, of the accounts that have one. Raises ``Unavailable``."""
    keyed = [(each, each.key) for each in options.accounts if each.key is not None]
    if not keyed:
        return {}
    try:
        from drivers.alarm_panel.cipher import Aes, key_bytes  # the library, only where needed
    except ImportError as error:
        raise Unavailable(
            f"encrypted accounts need {error.name}: pip install cryptography"
        ) from None
    keys = {}
    for account, secret in keyed:
        try:
            keys[account.address] = Aes(key_bytes(secret.reveal(), account.key_form))
        except ValueError as error:
            raise Unavailable(f"key of account {account.account}: {error}") from None
    return keys
