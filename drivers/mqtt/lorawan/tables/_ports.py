"""Payloads that are one fixed layout for each port."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from drivers.mqtt.lorawan.tables._layout import Kinds, Layout, layout

Own = Callable[[bytes], dict[str, Any]]


class Fixed(NamedTuple):
    """What a port carries; ``least``: so many bytes are enough, missing ones count as zero."""

    content: Layout
    least: int | None = None


Ports = Mapping[int, Fixed | Own]


def ports(
    rows: Mapping[int, str | Own], *, little: bool = False, kinds: Kinds | None = None
) -> Ports:
    """Port -> layout as text, or a function of the bytes."""
    return {
        port: Fixed(layout(row, little=little, kinds=kinds or {})) if isinstance(row, str) else row
        for port, row in rows.items()
    }


def read(port: int, data: bytes, table: Ports) -> dict[str, Any]:
    """The object. ValueError: nothing is sent on this port, or the bytes are too few."""
    row = table.get(port)
    if row is None:
        raise ValueError(f"nothing is sent on port {port}")
    if not isinstance(row, Fixed):
        return row(data)
    return row.content.read(data, least=row.least)
