"""The three CSV files as one ``Site``, or every error of all of them at once."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from gateway.document import Problems, nearest
from gateway.model import EXTRA, LEVELS, ROLES, SECOND, Device, Person, Place, Site, vocabulary
from gateway.options import parse_duration
from gateway.registry import words
from gateway.registry.table import MAX_BYTES, Row, Table

_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_ID: Final = re.compile(r"\w[\w.:-]{0,63}")
_PHONE: Final = re.compile(r"\+?[0-9][0-9 -]{1,19}")
MAX_TAGS: Final = 16
MAX_TAG: Final = 40
"""Characters of one tag."""
_MOST_TO_COMPARE: Final = 2_000
"""Names; looking for the nearest of more, for each of a hundred errors, takes minutes."""
_FULL_WIDTH: Final = str.maketrans({"：": ":", "；": ";", "，": ",", "、": ";", "～": "~"})
_CHINESE_UNITS: Final = (("小时", "h"), ("分钟", "m"), ("分", "m"), ("秒", "s"), ("天", "d"))


def digest(paths: Iterable[Path]) -> str:
    """SHA-256 over the files as they are: changed when any byte of any of them has changed.

    Raises ``OSError``.
    """
    whole = hashlib.sha256(b"gridwarden registry 1")
    for path in paths:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        whole.update(len(content).to_bytes(8, "big") + content)
    return whole.hexdigest()


def read_csv(
    places: Path, devices: Path, people: Path, *, notifiers: Collection[str] | None = None
) -> Site:
    """The registry in three CSV files, version 0. Raises ``Problems`` with every error.

    ``notifiers`` are the channels that people may name; None leaves them unchecked.
    """
    tables = (
        Table(places, words.PLACE_COLUMNS, words.PLACE_REQUIRED),
        Table(devices, words.DEVICE_COLUMNS, words.DEVICE_REQUIRED),
        Table(people, words.PEOPLE_COLUMNS, words.PEOPLE_REQUIRED),
    )
    place_rows = _read_places(tables[0])
    known = {code: place for code, (_, place) in place_rows.items()}
    # A code that stands in a faulty row is still no unknown code in the other files.
    anything_goes = not tables[0].complete
    site = Site(
        places=known,
        devices=_read_devices(tables[1], known, anything_goes),
        people=_read_people(tables[2], known, anything_goes, notifiers),
    )
    if tables[0].complete and tables[2].complete:
        _check_roles(site, place_rows, tables)
    found = [problem for table in tables for problem in table.problems()]
    if found:
        raise Problems(found)
    return site


# --- places ---------------------------------------------------------------------------


def _read_places(table: Table) -> dict[str, tuple[int, Place]]:
    """Code -> row number and place."""
    rows: dict[str, tuple[Row, Place]] = {}
    for row in table.rows():
        latitude, longitude = row.position()
        place = Place(
            code=row.code("code", _CODE),
            parent=row.text("parent"),
            level=row.word("level", words.LEVEL_WORDS),
            name=row.required("name"),
            address=row.text("address"),
            latitude=latitude,
            longitude=longitude,
        )
        if place.code in rows:
            row.wrong("code", f"code {place.code!r} is already in row {rows[place.code][0].number}")
        elif place.code:
            rows[place.code] = (row, place)
    places = {code: place for code, (_, place) in rows.items()}
    for row, place in rows.values():
        _check_parent(row, place, places)
    roots = [(row, place) for row, place in rows.values() if not place.parent]
    for row, place in roots[1:]:
        row.wrong("parent", f"{place.code!r} has no parent, but {roots[0][1].code!r} is the root")
    if not roots and table.complete:
        table.wrong(1, 1, "no place is the root: one row must have an empty parent")
    return {code: (row.number, place) for code, (row, place) in rows.items()}


def _check_parent(row: Row, place: Place, places: dict[str, Place]) -> None:
    if not place.parent:
        return
    parent = places.get(place.parent)
    if parent is None:
        row.wrong("parent", f"there is no place {place.parent!r}{_near(place.parent, places)}")
        return
    if not place.code.startswith(parent.code) or place.code == parent.code:
        row.wrong("code", f"{place.code!r} does not extend its parent's code {parent.code!r}")
    if place.level and parent.level and _rank(place) <= _rank(parent):
        row.wrong("level", f"a {place.level} can not lie below a {parent.level}")


def _rank(place: Place) -> int:
    return LEVELS.index(place.level)


# --- devices --------------------------------------------------------------------------


def _read_devices(table: Table, places: dict[str, Place], anything_goes: bool) -> dict[str, Device]:
    devices: dict[str, Device] = {}
    rows: dict[str, int] = {}
    addresses: dict[tuple[str, str], int] = {}
    for row in table.rows():
        device = _device(row)
        _check_place(row, "place", device.place, places, anything_goes)
        if device.id in rows:
            row.wrong("id", f"id {device.id!r} is already in row {rows[device.id]}")
        where = (device.driver, device.address)
        if where in addresses and all(where):
            message = f"{device.driver} {device.address!r} is already in row {addresses[where]}"
            row.wrong("address", message)
        rows.setdefault(device.id, row.number)
        addresses.setdefault(where, row.number)
        if row.sound:
            devices[device.id] = device
    return devices


def _device(row: Row) -> Device:
    kind = row.word("kind", words.KIND_WORDS)
    latitude, longitude = row.position()
    return Device(
        id=row.code("id", _ID),
        driver=row.required("driver"),
        address=row.required("address"),
        kind=kind,
        name=row.required("name"),
        place=row.required("place"),
        model=row.text("model"),
        floor=row.text("floor"),
        flat=row.text("flat"),
        latitude=latitude,
        longitude=longitude,
        max_silence=_silence(row),
        ranges=_ranges(row, kind),
        contact=row.text("contact"),
        state=row.word("state", words.STATE_WORDS, default="accepted"),
        tags=_tags(row),
    )


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
    for part in row.text("ranges").translate(_FULL_WIDTH).split(";"):
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


def _tags(row: Row) -> tuple[str, ...]:
    """``closed_area;kitchen``, in the order in which they are written."""
    cell = row.text("tags", MAX_TAGS * (MAX_TAG + 2)).translate(_FULL_WIDTH)
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


def _range_name(name: str, kind: str) -> str:
    """What is wrong with a range for ``name``, or ""; nothing is said about an unknown kind."""
    numbers = [word for word, value in vocabulary(kind).items() if value.type is float]
    if not kind or name in numbers or (name.startswith(EXTRA) and len(name) > len(EXTRA)):
        return ""
    return f"{kind} has no number {name!r}{nearest(name, numbers)}"


def _check_place(
    row: Row, column: str, code: str, places: dict[str, Place], anything_goes: bool
) -> None:
    if code and code not in places and not anything_goes:
        row.wrong(column, f"there is no place {code!r}{_near(code, places)}")


def _near(code: str, places: Collection[str]) -> str:
    """The nearest code, but no list of a thousand others."""
    hint = nearest(code, places) if len(places) <= _MOST_TO_COMPARE else ""
    return hint if "did you mean" in hint else "; places.csv has all codes"


# --- people ---------------------------------------------------------------------------


def _read_people(
    table: Table,
    places: dict[str, Place],
    anything_goes: bool,
    notifiers: Collection[str] | None,
) -> dict[str, Person]:
    people: dict[str, Person] = {}
    rows: dict[str, int] = {}
    for row in table.rows():
        person = Person(
            id=row.code("id", _ID),
            name=row.required("name"),
            grid=row.required("grid"),
            role=row.word("role", words.ROLE_WORDS),
            phone=_phone(row),
            language=row.word("language", words.LANGUAGE_WORDS, default="zh"),
            channels=_channels(row, notifiers),
        )
        _check_place(row, "grid", person.grid, places, anything_goes)
        if person.id in rows:
            row.wrong("id", f"id {person.id!r} is already in row {rows[person.id]}")
        rows.setdefault(person.id, row.number)
        if row.sound:
            people[person.id] = person
    return people


def _phone(row: Row) -> str:
    text = row.text("phone")
    if text and not _PHONE.fullmatch(text):
        # The number itself is not repeated: what is printed may be kept in a log.
        row.wrong("phone", "no phone number; write digits, like +86 138 0000 0000")
        return ""
    return text


def _channels(row: Row, notifiers: Collection[str] | None) -> tuple[str, ...]:
    names = [name.strip() for name in row.text("channels").translate(_FULL_WIDTH).split(";")]
    found = tuple(dict.fromkeys(name for name in names if name))
    for name in found:
        if notifiers is not None and name not in notifiers:
            hint = nearest(name, notifiers) if notifiers else "; none is configured"
            row.wrong("channels", f"there is no notifier {name!r}{hint}")
    return found


def _check_roles(
    site: Site, rows: dict[str, tuple[int, Place]], tables: tuple[Table, Table, Table]
) -> None:
    """No device may stand where an incident would have no owner."""
    root = site.places[site.root()]
    if not any(person.grid == root.code for person in site.people.values()):
        message = f"nobody is named for {root.code!r} ({root.name}), the root: one person must be"
        tables[2].wrong(1, 1, message)
    named = {(person.grid, person.role) for person in site.people.values()}
    for number, place in rows.values():
        if place.level != "grid":
            continue
        above = [one.code for one in site.chain(place.code)]
        missing = [role for role in ROLES if not any((code, role) in named for code in above)]
        if missing:
            message = f"grid {place.code!r} ({place.name}) has no {' and no '.join(missing)}"
            tables[0].wrong(number, 1, f"{message}, nor has a place above it")
