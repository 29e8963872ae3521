"""How a serial port is set. Needs no library."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.options import PluginOptions


class PortOptions(PluginOptions):
    """One serial port. ``port`` is best a name of /dev/serial/by-id: it survives a restart."""

    port: str = Field(min_length=1, max_length=256)
    baud: int = Field(9600, ge=50, le=4_000_000)
    bytesize: Literal[5, 6, 7, 8] = 8
    parity: Literal["none", "even", "odd", "mark", "space"] = "none"
    stopbits: Literal[1, 2] = 1
