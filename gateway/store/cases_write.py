"""The writing half of ``cases.db``: plain functions over one connection, each one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import (
    Connection,
    Table,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from gateway.model import Incident, OutboxRow, Position
from gateway.store import chain
from gateway.store.cases_search import incident_values
from gateway.store.cases_tables import (
    COMMIT_ORDER,
    EVENT,
    INCIDENT,
    META,
    MOVED,
    OUTBOX,
    REMOVED,
    RULE_STATE,
    RULE_STEP,
    SENT,
    SERIES_BOOKMARK,
    TEXT,
    TIMER,
)
from gateway.store.step import Step

encode_state = msgspec.msgpack.Encoder().encode
decode_state = msgspec.msgpack.Decoder(dict[str, bytes | None]).decode

_INCIDENT: Final = msgspec.json.Decoder(Incident).decode
_BLANK: Final = INCIDENT.c.severity == literal_column("''")
"""Written out, not bound: SQLite uses a partial index only for a condition that it can read."""

_FOLD_WHEN_CALM: Final = 32
_FOLD_AT_LAST: Final = 512
"""Steps on top of the rules' state before they are folded into it."""
_GIVEN_BACK_AT_ONCE: Final = 2_000
"""Pages: an alarm's transaction waits for no more; the rest follows with the next removal."""

ARRIVAL: Final = "arrival"
BOOKMARK: Final = "rules_bookmark"


def _upsert(table: Table, *keys: str) -> Any:
    """Insert, or overwrite the row that has these keys."""
    statement = insert(table)
    rest = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in keys}
    return statement.on_conflict_do_update(index_elements=list(keys), set_=rest)


_PUT_META: Final = _upsert(META, "key")
_PUT_INCIDENT: Final = _upsert(INCIDENT, "key")
_PUT_TIMER: Final = _upsert(TIMER, "incident", "kind")
_PUT_REMOVED: Final = _upsert(REMOVED, "prefix")
_PUT_MOVED: Final = insert(MOVED).on_conflict_do_nothing()
_PUT_STATE: Final = _upsert(RULE_STATE, "key")
_NEW_TEXT: Final = insert(TEXT)
_PUT_TEXT: Final = _NEW_TEXT.on_conflict_do_update(
    index_elements=["sha256"],
    set_={
        "arrival": case(
            (TEXT.c.arrival < _NEW_TEXT.excluded.arrival, _NEW_TEXT.excluded.arrival),
            else_=TEXT.c.arrival,
        )
    },
)
_FURTHER_ROW: Final = insert(OUTBOX).on_conflict_do_nothing()
_ADD_STATE: Final = (
    insert(RULE_STEP)
    .from_select(
        ["seq", "body"],
        select(
            func.coalesce(func.max(RULE_STEP.c.seq), 0) + 1,
            bindparam("state", type_=RULE_STEP.c.body.type),
        ),
    )
    .returning(RULE_STEP.c.seq)
)
"""Numbered from 1 on again after each folding: no sequence of a database does that."""
_DROP_STATE: Final = delete(RULE_STATE).where(RULE_STATE.c.key == bindparam("gone"))
_DROP_INCIDENT: Final = [
    delete(table).where(column == bindparam("gone"))
    for table, column in (
        (EVENT, EVENT.c.incident),
        (OUTBOX, OUTBOX.c.incident),
        (TIMER, TIMER.c.incident),
        (COMMIT_ORDER, COMMIT_ORDER.c.incident),
        (INCIDENT, INCIDENT.c.key),
    )
]
_DROP_TIMER: Final = delete(TIMER).where(
    TIMER.c.incident == bindparam("of"), TIMER.c.kind == bindparam("named")
)
_TURN_ROW: Final = (
    update(OUTBOX)
    .where(OUTBOX.c.id == bindparam("row"))
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in (
                "due",
                "attempts",
                "channel",
                "ended",
                "detail",
                "ended_at",
                "held",
                "rung",
                "digest",
            )
        }
    )
)


def last_row(connection: Connection) -> int:
    """The highest outbox id there is."""
    with connection.begin():
        highest = connection.execute(select(func.max(OUTBOX.c.id))).scalar()
    return int(highest or 0)


def last_commit(connection: Connection) -> int:
    """The highest number ever given in ``commit_order``: retention may have taken its row."""
    with connection.begin():
        known = [
            connection.execute(select(func.max(column))).scalar() or 0
            for column in (COMMIT_ORDER.c.n, SERIES_BOOKMARK.c.n)
        ]
    return int(max(known))


def commits(step: Step) -> int:
    """How many numbers of ``commit_order`` the step takes."""
    turned = (*step.ended_rows, *step.outbox, *step.further_rows)
    return len(step.events) + sum(1 for row in turned if row.end)


def write_step(
    connection: Connection, step: Step, last_id: int, last_commit: int
) -> list[OutboxRow]:
    """All of ``step`` or nothing; the new outbox rows with their ids, counted from ``last_id``.

    The further ones stand behind; an id of one that was there already is left out for ever.
    Events, then ends of messages, are numbered from ``last_commit`` on.
    """
    rows = [
        msgspec.structs.replace(row, id=number)
        for number, row in enumerate([*step.outbox, *step.further_rows], last_id + 1)
    ]
    with connection.begin():
        _write(connection, step, rows, last_commit)
    return rows


def rehearse(connection: Connection, step: Step) -> None:
    """Write ``step`` and take it back: the first alarm need not wait for statements to compile."""
    with connection.begin() as transaction:
        _write(connection, step, [*step.outbox, *step.further_rows], -1 - commits(step))
        transaction.rollback()


def _write(connection: Connection, step: Step, rows: Sequence[OutboxRow], last_commit: int) -> None:
    _write_record(connection, step)
    _many(connection, insert(COMMIT_ORDER), _ordered(step, rows, last_commit))
    new = len(step.outbox)
    _many(connection, insert(OUTBOX), [outbox_values(row) for row in rows[:new]])
    _many(connection, _FURTHER_ROW, [outbox_values(row) for row in rows[new:]])
    _many(connection, _TURN_ROW, [_turned_values(row) for row in step.ended_rows])
    _many(
        connection,
        _DROP_TIMER,
        [{"of": incident, "named": kind} for incident, kind in step.timers_cleared],
    )
    _many(connection, _PUT_TIMER, [timer._asdict() for timer in step.timers_set])
    _many(connection, insert(SENT), [each._asdict() for each in step.sent])
    _write_rules(connection, step)


def _ordered(step: Step, rows: Sequence[OutboxRow], last_commit: int) -> list[dict[str, Any]]:
    """The rows of ``commit_order``; ``rows`` are the new ones of the outbox."""
    found = [(event.incident, event.seq, 0) for event in step.events]
    found += [(row.incident, 0, row.id) for row in (*step.ended_rows, *rows) if row.end]
    return [
        {"n": n, "incident": incident, "seq": seq, "message": message}
        for n, (incident, seq, message) in enumerate(found, last_commit + 1)
    ]


def _write_record(connection: Connection, step: Step) -> None:
    events = [chain.stored(event)._asdict() for event in step.events]
    _many(connection, insert(EVENT), events)
    texts = [
        {"sha256": sha256, "body": body, "arrival": step.arrival}
        for sha256, body in step.texts.items()
    ]
    _many(connection, _PUT_TEXT, texts)
    _many(connection, _PUT_INCIDENT, [incident_values(incident) for incident in step.incidents])
    _many(connection, _PUT_MOVED, [{"incident": incident.key} for incident in step.incidents])


def _write_rules(connection: Connection, step: Step) -> None:
    if step.state:
        row = {"state": encode_state(dict(step.state))}
        steps = connection.execute(_ADD_STATE, row).scalar_one()
        # Folding takes a statement for each device: not while an alarm waits, if it can be helped.
        if steps >= (_FOLD_AT_LAST if step.events else _FOLD_WHEN_CALM):
            fold_state(connection)
    meta = [{"key": ARRIVAL, "value": str(step.arrival)}]
    if step.bookmark is not None:
        meta.append({"key": BOOKMARK, "value": bookmark_text(step.bookmark)})
    _many(connection, _PUT_META, meta)


def fold_state(connection: Connection) -> None:
    """Bring the rows by key up to date with what later steps changed."""
    changed: dict[str, bytes | None] = {}
    for body in connection.execute(select(RULE_STEP.c.body).order_by(RULE_STEP.c.seq)).scalars():
        changed.update(decode_state(body))
    kept = [{"key": key, "body": body} for key, body in changed.items() if body is not None]
    _many(connection, _PUT_STATE, kept)
    _many(connection, _DROP_STATE, [{"gone": key} for key, body in changed.items() if body is None])
    connection.execute(delete(RULE_STEP))


def fill_in(connection: Connection, limit: int) -> int:
    """Give up to ``limit`` incidents of an earlier version what they are looked for by; how many.

    Written out from ``body`` here: the schema files know no JSON.
    """
    with connection.begin():
        blank = select(INCIDENT.c.body).where(_BLANK).order_by(INCIDENT.c.key).limit(limit)
        bodies = connection.execute(blank).scalars().all()
        _many(connection, _PUT_INCIDENT, [incident_values(_INCIDENT(body)) for body in bodies])
    return len(bodies)


def delete_texts(connection: Connection, before: int) -> int:
    """Forget personal texts last used before arrival ``before``; how many."""
    with connection.begin():
        statement = delete(TEXT).where(TEXT.c.arrival < before)
        gone = int(connection.execute(statement).rowcount)
    if gone:
        _give_back(connection)
    return gone


def remove_incidents(connection: Connection, keys: Sequence[str]) -> int:
    """Remove those of ``keys`` (in order) that follow the last removed one of their day; how many.

    Without gaps, one number for each day tells apart what retention removed and what somebody
    else did.
    """
    gone: list[dict[str, Any]] = []
    removed: list[dict[str, Any]] = []
    with connection.begin():
        prefixes = {key.rpartition("-")[0] for key in keys}
        known = connection.execute(select(REMOVED).where(REMOVED.c.prefix.in_(prefixes)))
        numbers = {row.prefix: row.number for row in known}
        for key in keys:
            prefix, _, number = key.rpartition("-")
            if number.isdigit() and int(number) == numbers.get(prefix, 0) + 1:
                numbers[prefix] = int(number)
                gone.append({"gone": key})
                removed.append({"prefix": prefix, "number": int(number)})
        for statement in _DROP_INCIDENT:
            _many(connection, statement, gone)
        _many(connection, _PUT_REMOVED, removed)
        _many(connection, _PUT_MOVED, [{"incident": each["gone"]} for each in gone])
    if gone:
        _give_back(connection)
    return len(gone)


def _give_back(connection: Connection) -> None:
    """Return freed pages to the file system, and leave nothing of them in the log beside it.

    A server does that by itself.
    """
    raw = connection.connection.dbapi_connection
    if not isinstance(raw, sqlite3.Connection):
        return
    # As a script: a statement without columns is stepped once, and each step frees one page.
    raw.executescript(f"PRAGMA incremental_vacuum({_GIVEN_BACK_AT_ONCE})")
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def bookmark_text(position: Position) -> str:
    """A position as ``meta`` holds it."""
    return f"{position.n} {position.journal}"


def _many(connection: Connection, statement: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)


def outbox_values(row: OutboxRow) -> dict[str, Any]:
    """The row of a message."""
    values = msgspec.structs.asdict(row)
    values["ended"] = values.pop("end")
    return values


def _turned_values(row: OutboxRow) -> dict[str, Any]:
    return {
        "row": row.id,
        "new_due": row.due,
        "new_attempts": row.attempts,
        "new_channel": row.channel,
        "new_ended": row.end,
        "new_detail": row.detail,
        "new_ended_at": row.ended_at,
        "new_held": row.held,
        "new_rung": row.rung,
        "new_digest": row.digest,
    }
