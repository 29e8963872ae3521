"""Payloads that are a row of items, each with a channel and a type in front."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from drivers.mqtt.lorawan.tables._layout import Kinds, Layout, layout

ITEMS: Final = 128
"""More items than that no payload has: LoRaWAN carries at most 242 bytes."""

Own = Callable[[bytes, int, dict[str, Any]], int]
"""Reads an item at an offset into the object and gives the offset after it."""


class Channel(NamedTuple):
    """One item's content; ``group``: a list in the object that it is appended to."""

    content: Layout
    group: str = ""


Channels = Mapping[bytes, Channel | Own]


def channels(
    rows: Mapping[str, str | Own], *, little: bool = False, kinds: Kinds | None = None
) -> dict[bytes, Channel | Own]:
    """Rows of hexadecimal channel and type -> layout; "history: ..." appends to that list."""
    found: dict[bytes, Channel | Own] = {}
    for key, row in rows.items():
        if not isinstance(row, str):
            found[bytes.fromhex(key)] = row
            continue
        head, colon, rest = row.partition(": ")
        grouped = bool(colon) and head.isidentifier()
        text = rest if grouped else row
        content = layout(text, little=little, kinds=kinds or {})
        found[bytes.fromhex(key)] = Channel(content, head if grouped else "")
    return found


def read(data: bytes, table: Channels, *, width: int = 2) -> dict[str, Any]:
    """The object of a whole payload; ``width``: bytes of channel and type together.

    An item that the table does not have ends it: its length is unknown, what came before it
    stands. ValueError: nothing stands, an item is cut off, or there are too many.
    """
    found: dict[str, Any] = {}
    at = 0
    for _ in range(ITEMS):
        if at >= len(data):
            return found
        key = data[at : at + width]
        channel = table.get(key)
        if channel is None:
            if at:
                return found
            raise ValueError(f"begins with item {key.hex(' ')}, which this device is not known for")
        at = _item(data, at + width, channel, found, key)
    raise ValueError(f"more than {ITEMS} items")


def _item(data: bytes, at: int, channel: Channel | Own, found: dict[str, Any], key: bytes) -> int:
    try:
        if not isinstance(channel, Channel):
            return channel(data, at, found)
        values = channel.content.read(data, at)
    except (ValueError, IndexError) as error:
        raise ValueError(f"item {key.hex(' ')} is cut off: {error}") from None
    if channel.group:
        found.setdefault(channel.group, []).append(values)
    else:
        found.update(values)
    return at + channel.content.size
