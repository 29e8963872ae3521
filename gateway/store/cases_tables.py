"""The tables of ``cases.db`` as SQLAlchemy statements know them; ``schema/`` creates them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    REAL,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

TABLES: Final = MetaData()
COMPILED: Final = 100
"""Of an engine's statement cache: about as many as there are statements about these tables."""


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=key)


def _number(name: str, *, key: bool = False) -> Column[int]:
    return Column(name, Integer, primary_key=key, nullable=False)


META: Final = Table("meta", TABLES, _text("key", key=True), _text("value"))

PLACE: Final = Table(
    "place",
    TABLES,
    Column("row", Integer, primary_key=True),
    *map(_text, ("code", "parent", "level", "name", "address")),
    Column("latitude", REAL),
    Column("longitude", REAL),
    _text("contact"),
    UniqueConstraint("code"),
)

DEVICE: Final = Table(
    "device",
    TABLES,
    Column("row", Integer, primary_key=True),
    *map(_text, ("id", "driver", "address", "kind", "name", "place", "model", "floor", "flat")),
    Column("latitude", REAL),
    Column("longitude", REAL),
    _number("max_silence"),
    *map(_text, ("ranges", "contact", "state", "tags", "serial")),
    _number("until"),
    _text("because"),
    _number("by_position"),
    UniqueConstraint("id"),
)

PERSON: Final = Table(
    "person",
    TABLES,
    Column("row", Integer, primary_key=True),
    *map(_text, ("id", "name", "grid", "role", "phone", "language", "channels")),
    *map(_text, ("email", "accounts", "quiet", "areas")),
    UniqueConstraint("id"),
)

ROSTER: Final = Table("roster", TABLES, Column("row", Integer, primary_key=True), _text("body"))

HOLIDAY: Final = Table("holiday", TABLES, _text("day", key=True), _text("body"))

BORDER: Final = Table("border", TABLES, _text("code", key=True), _text("body"))

REGISTRY_EDITION: Final = Table(
    "registry_edition",
    TABLES,
    Column("number", Integer, primary_key=True),
    *map(_number, ("wall", "trusted", "arrival")),
    *map(_text, ("by", "counts")),
)

REGISTRY_PAST: Final = Table(
    "registry_past",
    TABLES,
    Column("edition", Integer, primary_key=True, nullable=False),
    Column("what", Text, primary_key=True, nullable=False),
    Column("id", Text, primary_key=True, nullable=False),
    Column("body", Text),
)

EVENT: Final = Table(
    "event",
    TABLES,
    Column("incident", Text, primary_key=True, nullable=False),
    _number("seq", key=True),
    _text("what"),
    *map(_number, ("wall", "arrival", "trusted")),
    *map(_text, ("by", "data", "previous", "hash")),
    Index("event_closed", "incident", "arrival", sqlite_where=text("what = 'closed'")),
)

TEXT: Final = Table(
    "text",
    TABLES,
    _text("sha256", key=True),
    _text("body"),
    _number("arrival"),
    Index("text_arrival", "arrival"),
)

_ASKED: Final = (
    *("opened_at", "key", "state", "category", "severity", "place", "owner", "overdue"),
)
"""What incidents are looked for by."""
INCIDENT: Final = Table(
    "incident",
    TABLES,
    _text("key", key=True),
    *map(_text, ("group", "same", "category", "state")),
    _number("opened_at"),
    Column("body", LargeBinary, nullable=False),
    *map(_text, ("severity", "owner", "place")),
    _number("overdue"),
    _text("words"),
    Index(
        "incident_one_open", "group", "same", unique=True, sqlite_where=text("state != 'closed'")
    ),
    Index("incident_blank", "key", sqlite_where=text("severity = ''")),
    Index("incident_open", *_ASKED, sqlite_where=text("state != 'closed'")),
    Index("incident_found", *_ASKED),
    Index("incident_words", *_ASKED, "words"),
)

REMOVED: Final = Table("removed", TABLES, _text("prefix", key=True), _number("number"))

OUTBOX: Final = Table(
    "outbox",
    TABLES,
    Column("id", Integer, primary_key=True),
    _text("incident"),
    _number("seq"),
    *map(_text, ("purpose", "person")),
    *map(_number, ("due", "since", "attempts")),
    *map(_text, ("channel", "ended", "detail")),
    _number("ended_at"),
    _text("held"),
    *map(_number, ("rung", "digest")),
    UniqueConstraint("incident", "seq", "person", "rung"),
    Index("outbox_waiting", "due", sqlite_where=text("ended = ''")),
    Index("outbox_ended", "ended"),
    Index("outbox_digest", "digest", sqlite_where=text("digest > 0")),
)

SENT: Final = Table(
    "sent",
    TABLES,
    Column("row", Integer, primary_key=True),
    *map(_text, ("channel", "person")),
    _number("at"),
    Index("sent_at", "at"),
)

SILENCE: Final = Table(
    "silence",
    TABLES,
    Column("id", Integer, primary_key=True),
    *map(_text, ("place", "device", "rule", "category")),
    *map(_number, ("since", "until")),
    *map(_text, ("because", "by")),
    _number("made"),
    _text("ended_by"),
    _number("ends"),
    Index("silence_until", "until"),
)

TIMER: Final = Table(
    "timer",
    TABLES,
    Column("incident", Text, primary_key=True, nullable=False),
    Column("kind", Text, primary_key=True, nullable=False),
    _number("due"),
    Index("timer_due", "due"),
)

RULE_STATE: Final = Table(
    "rule_state",
    TABLES,
    _text("key", key=True),
    Column("body", LargeBinary, nullable=False),
)

RULE_STEP: Final = Table(
    "rule_step",
    TABLES,
    _number("seq", key=True),
    Column("body", LargeBinary, nullable=False),
)

MOVED: Final = Table("moved", TABLES, _text("incident", key=True))

COMMIT_ORDER: Final = Table(
    "commit_order",
    TABLES,
    Column("n", Integer, primary_key=True),
    _text("incident"),
    *map(_number, ("seq", "message")),
    Index("commit_order_incident", "incident"),
)

SERIES_BOOKMARK: Final = Table(
    "series_bookmark", TABLES, _text("reader", key=True), *map(_number, ("n", "wall"))
)

BATTERY_PAST: Final = Table(
    "battery_past",
    TABLES,
    Column("device", Text, primary_key=True, nullable=False),
    _number("day", key=True),
    Column("percent", REAL, nullable=False),
)
