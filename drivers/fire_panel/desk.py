"""What all callers of one fire panel driver share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from drivers.fire_panel.decode import Decoder
from drivers.fire_panel.memory import Memory
from drivers.fire_panel.options import Options
from drivers.fire_panel.register import Register
from gateway.ports import Clock, Emit


class Desk(NamedTuple):
    """One for the driver, handed to every connection."""

    options: Options
    clock: Clock
    decoder: Decoder
    memory: Memory
    register: Register
    heard: Callable[[str], bool]
    """Notes a sign of life of a unit; whether it was silent before."""
    emit: Emit
    log: Any
