"""Rows of the table of people as persons."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from gateway.document import nearest
from gateway.model import Person
from gateway.registry import words
from gateway.registry.table import FULL_WIDTH, Row, Table
from gateway.registry.texts import ID, check_place

MAX_AREAS: Final = 50
_PHONE: Final = re.compile(r"\+?[0-9][0-9 -]{1,19}")
_EMAIL: Final = re.compile(r"[^\s@;,<>\"()]{1,64}@[A-Za-z0-9.-]{1,190}")
_QUIET: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*[-~—–]\s*([01]?\d|2[0-3]):([0-5]\d)")


def read_people(
    table: Table, places: Collection[str] | None, notifiers: Collection[str] | None
) -> dict[str, tuple[int, Person]]:
    """Id -> row number and person; rows that are wrong are noted in ``table`` and left out.

    ``places`` are the known codes and ``notifiers`` the channels; None: unchecked.
    """
    found: dict[str, tuple[int, Person]] = {}
    numbers: dict[str, int] = {}
    for row in table.rows():
        person = _person(row, notifiers)
        for code in (person.grid, *person.areas) if places is not None else ():
            check_place(row, "grid", code, places or ())
        if person.id in numbers:
            row.wrong("id", f"id {person.id!r} is already in row {numbers[person.id]}")
        numbers.setdefault(person.id, row.number)
        if row.sound:
            found[person.id] = (row.number, person)
    return found


def _person(row: Row, notifiers: Collection[str] | None) -> Person:
    grids = _areas(row)
    return Person(
        id=row.code("id", ID),
        name=row.required("name"),
        grid=grids[0] if grids else "",
        role=row.word("role", words.ROLE_WORDS),
        phone=_phone(row),
        language=row.word("language", words.LANGUAGE_WORDS, default="zh"),
        channels=_channels(row, notifiers),
        email=_email(row),
        accounts=_accounts(row, notifiers),
        quiet=_quiet(row),
        areas=tuple(grids[1:]),
    )


def _areas(row: Row) -> list[str]:
    """The person's own grid, then the others that have to do with the person."""
    found = list(dict.fromkeys(row.listed("grid", MAX_AREAS * 42)))
    if not found and row.sound:
        row.wrong("grid", "grid is empty")
    if len(found) > MAX_AREAS:
        row.wrong("grid", f"more than {MAX_AREAS} grids")
    return found


def _phone(row: Row) -> str:
    text = row.text("phone")
    if text and not _PHONE.fullmatch(text):
        # The number itself is not repeated: what is printed may be kept in a log.
        row.wrong("phone", "no phone number; write digits, like +86 138 0000 0000")
        return ""
    return text


def _email(row: Row) -> str:
    text = row.text("email", 255)
    if text and not _EMAIL.fullmatch(text):
        row.wrong("email", "no mail address; write it like zhang@example.cn")
        return ""
    return text


def _quiet(row: Row) -> str:
    """``22:00-06:30``, as it is kept."""
    text = row.text("quiet").translate(FULL_WIDTH)
    found = _QUIET.fullmatch(text)
    if text and not found:
        row.wrong("quiet", f"{text!r} is no span of hours; write it like 22:00-06:30")
    if found is None:
        return ""
    begin_hour, begin, end_hour, end = found.groups()
    return f"{int(begin_hour):02}:{begin}-{int(end_hour):02}:{end}"


def _channels(row: Row, notifiers: Collection[str] | None) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(row.listed("channels")))
    for name in found:
        _check_notifier(row, "channels", name, notifiers)
    return found


def _accounts(row: Row, notifiers: Collection[str] | None) -> dict[str, str]:
    """``wecom:zhangwei;feishu:ou_x`` by notifier."""
    found: dict[str, str] = {}
    for part in row.listed("accounts", 1_000):
        name, _, account = (piece.strip() for piece in part.partition(":"))
        if not name or not account:
            row.wrong("accounts", "no account; write it like wecom:zhangwei")
        elif name in found:
            row.wrong("accounts", f"{name!r} has two accounts")
        else:
            _check_notifier(row, "accounts", name, notifiers)
            found[name] = account
    return found


def _check_notifier(row: Row, column: str, name: str, notifiers: Collection[str] | None) -> None:
    if notifiers is not None and name not in notifiers:
        hint = nearest(name, notifiers) if notifiers else "; none is configured"
        row.wrong(column, f"there is no notifier {name!r}{hint}")
