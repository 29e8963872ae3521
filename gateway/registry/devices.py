"""Rows of the device table as devices."""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from gateway.document import nearest
from gateway.model import EXTRA, SECOND, Device, vocabulary
from gateway.options import parse_duration
from gateway.registry import words
from gateway.registry.borders import Borders
from gateway.registry.table import FULL_WIDTH, Row, Table
from gateway.registry.texts import ID, check_place, day

MAX_TAGS: Final = 16
MAX_TAG: Final = 40
"""Characters of one tag."""
_CHINESE_UNITS: Final = (("小时", "h"), ("分钟", "m"), ("分", "m"), ("秒", "s"), ("天", "d"))


def read_devices(
    table: Table, places: Collection[str] | None, borders: Borders, zone: str
) -> dict[str, tuple[int, Device]]:
    """Id -> row number and device; rows that are wrong are noted in ``table`` and left out.

    ``places`` are the known codes; None: nothing can be said of them.
    """
    found: dict[str, tuple[int, Device]] = {}
    numbers: dict[str, int] = {}
    taken: dict[tuple[str, ...], int] = {}
    for row in table.rows():
        device = _device(row, borders, zone, places)
        if device.id in numbers:
            row.wrong("id", f"id {device.id!r} is already in row {numbers[device.id]}")
        numbers.setdefault(device.id, row.number)
        if device.state != "retired":
            _check_alone(row, device, taken)
        if row.sound:
            found[device.id] = (row.number, device)
    return found


def _check_alone(row: Row, device: Device, taken: dict[tuple[str, ...], int]) -> None:
    """No other device in use may have its address or its serial number."""
    where = (device.driver, device.address)
    if all(where) and (other := taken.setdefault(where, row.number)) != row.number:
        row.wrong("address", f"{device.driver} {device.address!r} is already in row {other}")
    number = device.serial
    if number and (other := taken.setdefault((number,), row.number)) != row.number:
        row.wrong("serial", f"serial number {number!r} is already in row {other}")


def _device(row: Row, borders: Borders, zone: str, places: Collection[str] | None) -> Device:
    kind = row.word("kind", words.KIND_WORDS)
    latitude, longitude = row.position()
    place, by_position = row.text("place"), False
    if not place and latitude is not None and longitude is not None and borders:
        place, by_position = borders.grid_at(latitude, longitude), True
        if not place:
            row.wrong("place", "place is empty, and no border holds this position")
    elif not place:
        row.wrong("place", "place is empty")
    elif places is not None:
        check_place(row, "place", place, places)
    state = row.word("state", words.STATE_WORDS, default="accepted")
    return Device(
        id=row.code("id", ID),
        driver=row.required("driver"),
        address=row.required("address"),
        kind=kind,
        name=row.required("name"),
        place=place,
        model=row.text("model"),
        floor=row.text("floor"),
        flat=row.text("flat"),
        latitude=latitude,
        longitude=longitude,
        max_silence=_silence(row),
        ranges=_ranges(row, kind),
        contact=row.text("contact"),
        state=state,
        tags=_tags(row),
        serial=row.text("serial"),
        until=_until(row, state, zone),
        because=row.text("because"),
        by_position=by_position,
    )


def _until(row: Row, state: str, zone: str) -> int:
    """Wall ns at which a bypass ends; 0 for an empty cell."""
    text = row.text("until")
    if not text:
        return 0
    if state and state != "bypassed":
        row.wrong("until", f"until is the end of a bypass, but the state is {state}")
        return 0
    if (moment := _moment(text)) is None:
        row.wrong("until", f"{text!r} is no time; write it like 2026-01-05 18:00")
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return int(moment.timestamp()) * SECOND


def _moment(text: str) -> datetime | None:
    """The end of a day, or a time of it; None for what is neither."""
    begin, _, rest = text.replace("T", " ").partition(" ")
    date = day(begin)
    try:
        moment = datetime.fromisoformat(f"{date} {rest}".strip())
    except ValueError:
        return None
    return moment if rest else moment + timedelta(days=1)


def _silence(row: Row) -> int:
    """Nanoseconds; 0 for an empty cell."""
    text = row.text("max_silence")
    if not text:
        return 0
    for chinese, unit in _CHINESE_UNITS:
        text = text.replace(chinese, unit)
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        row.wrong("max_silence", str(error))
        return 0
    if not 0 < seconds <= 366 * 86400:
        row.wrong("max_silence", f"{text} is not within 1ms..366d")
        return 0
    return round(seconds * SECOND)


def _ranges(row: Row, kind: str) -> dict[str, tuple[float, float]]:
    """``temperature:-40..125;density:0..30`` by value name."""
    found: dict[str, tuple[float, float]] = {}
    for part in row.text("ranges").translate(FULL_WIDTH).split(";"):
        name, _, span = (piece.strip() for piece in part.partition(":"))
        if not part.strip():
            continue
        low, _, high = span.partition("..")
        try:
            bounds = (float(low), float(high))
        except ValueError:
            bounds = (math.nan, math.nan)
        if not -math.inf < bounds[0] < bounds[1] < math.inf:
            row.wrong("ranges", f"{part.strip()!r} is no range; write name:low..high")
        elif (message := _range_name(name, kind)) != "":
            row.wrong("ranges", message)
        elif name in found:
            row.wrong("ranges", f"{name!r} has two ranges")
        else:
            found[name] = bounds
    return found


def _range_name(name: str, kind: str) -> str:
    """What is wrong with a range for ``name``, or ""; nothing is said about an unknown kind."""
    numbers = [word for word, value in vocabulary(kind).items() if value.type is float]
    if not kind or name in numbers or (name.startswith(EXTRA) and len(name) > len(EXTRA)):
        return ""
    return f"{kind} has no number {name!r}{nearest(name, numbers)}"


def _tags(row: Row) -> tuple[str, ...]:
    """``closed_area;kitchen``, in the order in which they are written."""
    cell = row.text("tags", MAX_TAGS * (MAX_TAG + 2)).translate(FULL_WIDTH)
    found = [tag for part in cell.split(";") if (tag := part.strip())]
    if len(found) > MAX_TAGS:
        row.wrong("tags", f"more than {MAX_TAGS} tags")
    for tag in found:
        if len(tag) > MAX_TAG:
            row.wrong("tags", f"a tag longer than {MAX_TAG} characters")
        elif found.count(tag) > 1:
            row.wrong("tags", f"tag {tag!r} stands there twice")
            break
    return tuple(found)
