"""Whatever is done to the record before its last anchor is found; an untouched one passes."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.record import anchor as anchors
from gateway.record import key as keys
from gateway.record.audit import audit
from gateway.record.key import fingerprint
from gateway.record.log import FILE
from gateway.record.terms import Terms
from gateway.replay.casebook import Casebook
from gateway.store.chain import Link, link_hash, short, short_typed
from gateway.store.record import AnchorRow
from gateway.store.step import Step
from tests.cases.build import alarmed
from tests.cases.house import StoryClock
from tests.record.house import FIRST, a_record, audited, copied, found, signed, spoil

SECOND = "L20260105-0002"
NEWEST = "L20260105-0004"


def rows(data: Path, statement: str) -> list[Any]:
    connection = sqlite3.connect(data / "cases.db")
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


async def test_an_untouched_record_passes(data: Path) -> None:
    report = await audited(data)
    assert [finding.text.en for finding in report.findings] == []
    assert (report.incidents, report.anchors, report.unsigned) == (4, 3, 0)
    assert report.events == len(rows(data, "SELECT 1 FROM event"))
    assert len(report.keys) == 1


# --- one thing at a time ----------------------------------------------------------------------

TABLES = ("event", "anchor", "incident", "text")


def changed(value: Any, place: int) -> Any:
    """``value`` with one bit of one character, or of the number, turned."""
    if isinstance(value, int):
        return value ^ 1
    if isinstance(value, bytes):
        return json.dumps(json.loads(value) | {"owner": "somebody"}).encode()
    at = place % len(value) if value else 0
    return f"{value[:at]}{chr(ord(value[at]) ^ 1)}{value[at + 1 :]}" if value else "x"


def tampered(data: Path, draw: st.DataObject) -> str:
    """Change one field of one row, remove a row, or put a row in the place of another."""
    connection = sqlite3.connect(data / "cases.db")
    table = draw.draw(st.sampled_from(TABLES))
    names = [column[1] for column in connection.execute(f"PRAGMA table_info({table})")]
    every = connection.execute(f"SELECT rowid, * FROM {table} ORDER BY 1").fetchall()
    rowid, *values = draw.draw(st.sampled_from(every))
    how = draw.draw(st.sampled_from(("change", "remove", "copy")))
    with connection:
        if how == "change":
            column = draw.draw(st.integers(0, len(names) - 1))
            if (table, names[column]) in UNSIGNED:
                column = 0
            new = changed(values[column], draw.draw(st.integers(0, 300)))
            connection.execute(
                f'UPDATE OR REPLACE {table} SET "{names[column]}" = ? WHERE rowid = ?', (new, rowid)
            )
            how += f" {names[column]} of"
        elif how == "remove":
            connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (rowid,))
        else:
            _, *others = draw.draw(st.sampled_from([e for e in every if e[0] != rowid] or every))
            body = ", ".join(f'"{name}" = ?' for name in names[2:])
            statement = f"UPDATE OR IGNORE {table} SET {body} WHERE rowid = ?"
            done = connection.execute(statement, (*others[2:], rowid)).rowcount
            if not done or others[2:] == values[2:]:
                connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (rowid,))
    connection.close()
    return f"{how} {table} {values[:2]}"


UNSIGNED = {("text", "arrival"), ("incident", "group")}
"""What the record does not promise: when a text was used last, and what an open one is found by."""


@given(draw=st.data())
@settings(max_examples=60, deadline=None)
def test_any_single_change_removal_or_exchange_is_found(lived: Path, draw: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = copied(lived, Path(folder) / "data")
        done = tampered(data, draw)
        report = asyncio.run(audited(data))
        assert report.findings, done


# --- what a forger with a shell would do -----------------------------------------------------


def forge(data: Path, incident: str, seq: int, **fields: Any) -> None:
    """Change an event and compute every later hash, and the incident's row, anew."""
    connection = sqlite3.connect(data / "cases.db")
    statement = "SELECT * FROM event WHERE incident = ? ORDER BY seq"
    previous = ""
    with connection:
        for link in [Link(*row) for row in connection.execute(statement, (incident,))]:
            if link.seq == seq:
                link = link._replace(**fields)
            link = link._replace(previous=previous)
            previous = link_hash(link)
            connection.execute(
                'UPDATE event SET wall = ?, "by" = ?, data = ?, previous = ?, hash = ?'
                " WHERE incident = ? AND seq = ?",
                (link.wall, link.by, link.data, link.previous, previous, incident, link.seq),
            )
        (body,) = connection.execute(
            "SELECT body FROM incident WHERE key = ?", (incident,)
        ).fetchone()
        body = json.dumps(json.loads(body) | {"head": previous}).encode()
        connection.execute("UPDATE incident SET body = ? WHERE key = ?", (body, incident))
    connection.close()


async def test_a_forged_event_with_all_later_hashes_is_found(data: Path) -> None:
    forge(data, SECOND, 3, wall=5)
    report = await audited(data)
    assert found(report) == {"signed_other"}
    lines = [finding.text.en for finding in report.findings]
    assert any(f"incident {SECOND}: event 3 is not the one that anchor" in each for each in lines)


async def test_the_newest_incident_removed_with_all_about_it_is_found(data: Path) -> None:
    spoil(
        data,
        f"DELETE FROM event WHERE incident = '{NEWEST}'",
        f"DELETE FROM incident WHERE key = '{NEWEST}'",
        f"DELETE FROM outbox WHERE incident = '{NEWEST}'",
    )
    report = await audited(data)
    assert [(each.what, each.incident) for each in report.findings] == [("signed_gone", NEWEST)]


async def test_the_newest_events_of_an_incident_taken_back_are_found(data: Path) -> None:
    last = rows(data, f"SELECT max(seq) FROM event WHERE incident = '{SECOND}'")[0][0]
    ((head,),) = rows(
        data, f"SELECT hash FROM event WHERE incident = '{SECOND}' AND seq = {last - 1}"
    )
    spoil(data, f"DELETE FROM event WHERE incident = '{SECOND}' AND seq = {last}")
    ((body,),) = rows(data, f"SELECT body FROM incident WHERE key = '{SECOND}'")
    fold = json.loads(body) | {"events": last - 1, "head": head, "state": "received", "outcome": ""}
    connection = sqlite3.connect(data / "cases.db")
    with connection:
        connection.execute(
            "UPDATE incident SET body = ?, state = 'received' WHERE key = ?",
            (json.dumps(fold).encode(), SECOND),
        )
    connection.close()
    report = await audited(data)
    assert [(each.what, each.incident, each.seq) for each in report.findings] == [
        ("signed_missing", SECOND, last)
    ]


async def test_a_removal_that_claims_to_be_retention_is_found(data: Path) -> None:
    spoil(
        data,
        f"DELETE FROM event WHERE incident = '{FIRST}'",
        f"DELETE FROM incident WHERE key = '{FIRST}'",
        "INSERT INTO removed VALUES ('L20260105', 1)",
    )
    report = await audited(data)
    assert [(each.what, each.incident) for each in report.findings] == [("removed", FIRST)]


async def test_retention_itself_is_no_finding(tmp_path: Path) -> None:
    clock = StoryClock()
    async with signed(tmp_path, clock) as record:
        house = record.house
        await clock.advance(1)
        for number in range(3):
            await house.take(alarmed(same=f"device:{number}"))
            key = f"L20260105-{number + 1:04}"
            await house.act(key, "receive", comment=f"秘密 {number}")
            await house.act(key, "close", outcome="test")
        await record.anchorer.anchor()
        await clock.advance(8_000)
        await house.cases.commit(Step(arrival=house.now))  # a sign of life
        assert (await house.cases.retain(house.now, texts_kept=4_000, kept=4_000)) == (3, 3)
        terms = {"kept": 4_000.0, "texts_kept": 4_000.0}
        assert found(await record.report(**terms)) == set()  # and nothing has signed it yet
        await record.anchorer.anchor()
        report = await record.report(**terms)
        assert (found(report), report.anchors) == (set(), 2)
        assert found(await record.report()) == {"removed"}


async def test_the_database_replaced_by_an_older_copy_is_found_and_said(tmp_path: Path) -> None:
    data, older = tmp_path / "data", tmp_path / "older.db"
    await a_record(data)
    shutil.copy(data / "cases.db", older)
    async with signed(data, StoryClock(boot="boot-2")) as record:
        await record.house.take(alarmed(same="device:77"))
        await record.anchorer.anchor()
    shutil.copy(older, data / "cases.db")
    report = await audited(data)
    assert found(report) == {"older", "signed_gone"}
    async with signed(data, StoryClock(boot="boot-3")) as record:
        await record.house.take(alarmed(same="device:78"))
        await record.anchorer.anchor()
        (said,) = record.notes
        assert said["record_broken"] is True
        assert "an older copy took its place" in str(said["extra.reason"])
        report = await record.report()
        assert "anchor_gone" in found(report)  # and going on does not heal it
        assert any(each.incident == "L20260105-0005" for each in report.findings)


async def test_the_whole_folder_replaced_by_an_older_copy_is_found_from_outside(
    tmp_path: Path,
) -> None:
    data, older = tmp_path / "data", tmp_path / "older"
    await a_record(data)
    copied(data, older)
    async with signed(data, StoryClock(boot="boot-2")) as record:
        await record.house.take(alarmed(same="device:77"))
        await record.anchorer.anchor()
    outside = tmp_path / "outside.log"
    shutil.copy(data / FILE, outside)
    assert found(await audited(data, against=outside)) == set()
    assert found(await audited(older)) == set()
    assert found(await audited(older, against=outside)) == {"older", "signed_gone"}


async def test_anchors_signed_anew_with_another_key_are_found(data: Path, tmp_path: Path) -> None:
    ours = (await audited(data)).keys[0]
    mine = keys.opened(tmp_path / "mine.key").key
    forge(data, SECOND, 3, wall=5)
    heads = {
        (incident, seq): digest
        for incident, seq, digest in rows(data, "SELECT incident, seq, hash FROM event")
    }
    connection = sqlite3.connect(data / "cases.db")
    newest: AnchorRow | None = None
    with connection:
        for row in [AnchorRow(*each) for each in connection.execute("SELECT * FROM anchor")]:
            body = json.loads(row.body) | {
                "key": mine.public,
                "previous": newest.hash if newest else "",
            }
            body["heads"] = [[k, n, heads[k, n], closed] for k, n, _, closed in body["heads"]]
            text = json.dumps(body, separators=(",", ":"))
            newest = AnchorRow(
                row.n, anchors.digest(text), text, mine.sign(anchors.DOMAIN + text.encode())
            )
            connection.execute(
                "UPDATE anchor SET hash = ?, body = ?, signature = ? WHERE n = ?",
                (*newest[1:], newest.n),
            )
    connection.close()
    assert found(await audited(data)) == {"log_other"}
    (data / FILE).unlink()
    assert found(await audited(data)) == {"log_gone"}  # all of it is forged alike
    trusted = frozenset([fingerprint(ours)])
    report = await audited(data, trusted=trusted)
    assert found(report) == {"log_gone", "anchor_stranger"}


async def test_a_lost_key_is_said_and_its_successor_named(data: Path) -> None:
    (data / keys.FILE).write_text("no key", encoding="utf-8")
    async with signed(data, StoryClock(boot="boot-2")) as record:
        await record.house.take(alarmed(same="device:77"))
        await record.anchorer.anchor()
        (said,) = record.notes
        assert "the record's key was lost" in str(said["extra.reason"])
        assert (data / "record.key.broken").read_text(encoding="utf-8") == "no key"
        report = await record.report()
        assert found(report) == {"anchor_stranger"}
        both = frozenset(map(fingerprint, report.keys))
        assert found(await record.report(trusted=both)) == set()


async def test_an_anchor_with_another_body_or_signature_is_found_without_the_log(
    data: Path,
) -> None:
    (data / FILE).unlink()
    ((body, digest),) = rows(data, "SELECT body, hash FROM anchor WHERE n = 3")
    spoil(
        data, "UPDATE anchor SET signature = (SELECT signature FROM anchor WHERE n = 2) WHERE n = 3"
    )
    assert found(await audited(data)) == {"log_gone", "anchor_changed"}
    later = body.replace('"trusted":true', '"trusted":false')
    assert digest == anchors.digest(body)
    spoil(
        data,
        f"UPDATE anchor SET body = '{later}', hash = '{anchors.digest(later)}' WHERE n = 3",
    )
    assert found(await audited(data)) == {"log_gone", "anchor_changed"}


async def test_lines_of_the_log_are_held_against_the_database(data: Path) -> None:
    log = data / FILE
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    log.write_text(lines[0] + "nonsense\n" + lines[2], encoding="utf-8")
    assert found(await audited(data)) == {"log_line", "log_lacks"}
    log.write_text("".join(lines[1:]), encoding="utf-8")
    assert found(await audited(data)) == set()  # begun later, as after a full file


# --- texts and files -------------------------------------------------------------------------


async def test_a_changed_text_and_a_text_gone_too_early_are_told_apart(data: Path) -> None:
    spoil(data, "UPDATE text SET body = '李家 302'")
    assert found(await audited(data)) == {"text_changed"}
    spoil(data, "DELETE FROM text")
    report = await audited(data)
    assert [(each.what, each.incident) for each in report.findings] == [("text_gone", SECOND)]


async def test_incidents_from_before_a_date_are_left_out(data: Path) -> None:
    spoil(data, "DELETE FROM text")
    assert found(await audited(data, since=1 << 60)) == {"text_gone"}
    assert found(await audited(data, since=1 << 62)) == set()


# --- the short form --------------------------------------------------------------------------


def test_the_short_form_is_read_back_however_it_is_typed() -> None:
    assert short("00" * 32) == "AAAA-AAAA-AAAA"
    form = short("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
    assert form == "T6DN-BAMI-JR6W"
    for typed in (
        form.lower(),
        form.replace("-", " "),
        form.replace("I", "1"),
        form.replace("B", "8"),
    ):
        assert short_typed(typed) == form


def test_an_anchor_says_who_signed_it(tmp_path: Path) -> None:
    opened = keys.opened(tmp_path / keys.FILE)
    assert opened.made
    assert (tmp_path / keys.FILE).stat().st_mode & 0o777 == 0o600
    assert keys.opened(tmp_path / keys.FILE).key.public == opened.key.public
    assert opened.key.public not in repr(opened)
    assert repr(opened.key) == f"Key({fingerprint(opened.key.public)})"


async def test_it_reads_beside_a_gateway_that_writes(tmp_path: Path) -> None:
    async with signed(tmp_path) as record:
        house = record.house
        for number in range(60):
            await house.take(alarmed(same=f"device:{number}"))
        await record.anchorer.anchor()

        async def write() -> None:
            for number in range(60, 120):
                await house.take(alarmed(same=f"device:{number}"))
                await record.anchorer.anchor()

        async with Casebook(tmp_path / "cases.db", StoryClock()) as beside:
            writing = asyncio.create_task(write())
            reports = [await audit(beside.read, Terms(tmp_path)) for _ in range(3)]
            await writing
        assert [found(report) for report in reports] == [set(), set(), set()]


@pytest.mark.parametrize("name", ["zh", "en"])
async def test_every_finding_says_the_incident_and_what_to_do(data: Path, name: str) -> None:
    forge(data, SECOND, 3, wall=5)
    (finding, *_) = (await audited(data)).findings
    line = getattr(finding.text, name)
    assert SECOND in line
    assert ";" in line or ";" in line
    assert "\n" not in line
