"""Files from anywhere give a registry or problems by row, and nothing else."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from gateway.document import Problem, Problems
from gateway.registry import ical, sheets, write
from gateway.registry.bring import bring, sorted_out
from gateway.registry.read import Files, read
from gateway.registry.table import Source
from tests.registry.made import site

WALL = 1_767_600_000_000_000_000


def said(sources: list[Source]) -> list[str]:
    with pytest.raises(Problems) as caught:
        bring(site(), sources, wall=WALL, notifiers=[])
    return [str(each) for each in caught.value.problems]


def survives(files: Files) -> None:
    """A registry or problems, each one line."""
    try:
        read(files, before=site(), notifiers=[])
        problems = [Problem("", 1, 1, "none")]
    except Problems as error:
        problems = error.problems
    assert problems
    assert all(problem.line >= 1 and str(problem).isprintable() for problem in problems)


def workbook(fill: Callable[[Workbook], None], title: str = "people") -> bytes:
    book = Workbook()
    assert book.active is not None
    book.active.title = title
    fill(book)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def repacked(raw: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """The workbook with some parts changed."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(raw)) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for part in old.infolist():
            new.writestr(part.filename, change(part.filename, old.read(part)))
    return target.getvalue()


_GOOD = write.as_xlsx(site())


# --- workbooks ---------------------------------------------------------------------------


def test_a_formula_is_refused_at_its_cell() -> None:
    def fill(book: Workbook) -> None:
        book.active.append(["id", "name", "grid", "role"])
        book.active.append(["x", "=CONCAT(A1,B1)", "13", "officer"])

    assert said([Source("people.xlsx", content=workbook(fill))]) == [
        "people.xlsx:2:2: a formula; replace it by its value (copy, paste values only)"
    ]


def test_numbers_dates_and_rounded_codes_read_as_they_are_shown() -> None:
    def fill(book: Workbook) -> None:
        book.active.append(["id", "name", "grid", "role", "phone"])
        book.active.append([17, "甲", 13, "officer", 13800000001.0])
        book.active.append([True, "乙", 1309030010070112345, "officer", None])

    rows = list(sheets.rows("p.xlsx", workbook(fill), ("people",)))
    assert rows[1] == ["17", "甲", "13", "officer", "13800000001"]
    assert rows[2][:3] == ["true", "乙", "1.30903E+18"]
    found = said([Source("people.xlsx", content=workbook(fill))])
    assert any("people.xlsx:3:3: there is no place '1.30903E+18'" in line for line in found)


def test_a_workbook_that_swells_is_refused_before_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sheets, "MAX_UNPACKED", 1_000_000)
    bomb = repacked(_GOOD, lambda name, raw: raw + b" " * (2_000_000 * name.endswith("sheet1.xml")))
    assert len(bomb) < 30_000
    assert said([Source("s.xlsx", content=bomb)]) == [
        "s.xlsx:1:1: larger than 1,000,000 bytes unpacked; split it"
    ]


def test_entities_are_refused() -> None:
    evil = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>'
    raw = repacked(_GOOD, lambda name, old: evil + old if name == "xl/workbook.xml" else old)
    assert said([Source("s.xlsx", content=raw)]) == [
        "s.xlsx:1:1: the file defines entities; save it again"
    ]


def test_too_many_columns_rows_parts_and_sheets_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wide = workbook(lambda book: book.active.append(["x"] * 61))
    assert said([Source("people.xlsx", content=wide)]) == ["people.xlsx:1:61: more than 60 columns"]
    monkeypatch.setattr(sheets, "MAX_SHEETS", 2)
    monkeypatch.setattr(sheets, "_MOST_EMPTY", 3)
    assert "between 1 and 2 sheets" in said([Source("s.xlsx", content=_GOOD)])[0]

    def far(book: Workbook) -> None:
        book.active.append(["id", "name", "grid", "role"])
        book.active["A900"] = "x"

    assert len(list(sheets.rows("p.xlsx", workbook(far), ("people",)))) < 10
    monkeypatch.setattr(sheets, "MAX_PARTS", 3)
    assert "more than 3 parts" in said([Source("s.xlsx", content=_GOOD)])[0]


@pytest.mark.parametrize("raw", [b"", b"PK\3\4", b"no zip at all", _GOOD[:-40], _GOOD[:500]])
def test_what_is_no_workbook_is_one_line(raw: bytes) -> None:
    assert said([Source("s.xlsx", content=raw)]) == [
        "s.xlsx:1:1: no XLSX workbook, or a damaged one; save it again"
    ]


def lying(raw: bytes, name: str) -> bytes:
    """The workbook, whose part ``name`` now says that it unpacks to 100 bytes."""
    with zipfile.ZipFile(io.BytesIO(raw)) as book:
        part, start = book.getinfo(name), book.read(name)[:100]
    sizes = struct.pack("<III", part.CRC, part.compress_size, part.file_size)
    assert raw.count(sizes) == 2
    said = struct.pack("<III", zlib.crc32(start), part.compress_size, len(start))
    return raw.replace(sizes, said)


def test_a_workbook_that_lies_of_its_size_is_refused_before_it_is_unpacked() -> None:
    sheet = "xl/worksheets/sheet1.xml"
    bomb = repacked(_GOOD, lambda name, raw: raw + b" " * (60_000_000 * (name == sheet)))
    source = Source("s.xlsx", content=lying(bomb, sheet))
    tracemalloc.start()
    try:
        assert said([source]) == ["s.xlsx:1:1: no XLSX workbook, or a damaged one; save it again"]
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_ways_to_pack_that_have_no_bound_are_refused(method: int) -> None:
    target = io.BytesIO(_GOOD)
    with zipfile.ZipFile(target, "a", method) as book:
        book.writestr("xl/media/x.bin", bytes(20_000_000))
    tracemalloc.start()
    try:
        assert said([Source("s.xlsx", content=target.getvalue())]) == [
            "s.xlsx:1:1: no XLSX workbook, or a damaged one; save it again"
        ]
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("code", ["utf-16", "utf-16-le", "utf-16-be"])
def test_entities_are_found_in_every_encoding_that_the_library_reads(code: str) -> None:
    evil = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY b "c">]><a/>'.encode(code)
    raw = repacked(_GOOD, lambda name, old: evil if name == "xl/styles.xml" else old)
    assert said([Source("s.xlsx", content=raw)]) == [
        "s.xlsx:1:1: the file defines entities; save it again"
    ]


_PARTS = [part.filename for part in zipfile.ZipFile(io.BytesIO(_GOOD)).infolist()]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(_PARTS), st.integers(0, 3_000), st.binary(max_size=12), st.booleans())
def test_a_workbook_with_any_bytes_in_any_part_is_read_or_refused(
    part: str, at: int, bytes_: bytes, cut: bool
) -> None:
    def spoilt(name: str, raw: bytes) -> bytes:
        if name != part:
            return raw
        where = at % (len(raw) + 1)
        return raw[:where] + bytes_ + (b"" if cut else raw[where + len(bytes_) :])

    source = Source("s.xlsx", content=repacked(_GOOD, spoilt))
    survives(Files(source, source, source))


# --- calendars ---------------------------------------------------------------------------


def calendar(*lines: str) -> Source:
    text = ["BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR", ""]
    return Source("duty.ics", content="\r\n".join(text).encode())


_START = "DTSTART:20260105T080000"
_END = "DTEND:20260105T200000"
_WHO = "SUMMARY:王芳"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([_WHO], "2:1: this entry has no DTSTART that can be read"),
        (["DTSTART:yesterday", _WHO], "2:1: this entry has no DTSTART that can be read"),
        ([_START, _END, "SUMMARY:谁"], "2:1: the summary '谁' names nobody of people.csv"),
        ([_START, _END, _WHO, "LOCATION:月球"], "2:1: there is no place '月球'"),
        ([_START, _START, _END, _WHO], "2:1: this entry has no DTSTART that can be read"),
        ([_START, "DTEND:20260104T080000", _WHO], "2:1: a shift is longer than nothing and at"),
        ([_START, "DTEND:20280105T080000", _WHO], "2:1: a shift is longer than nothing and at"),
        (["DTSTART:01010105T080000", _WHO], "2:1: a shift lies between the years 2000 and 2200"),
        ([_START, _END, _WHO, "RRULE:FREQ=SECONDLY"], "2:1: this repetition is not understood"),
        ([_START, _END, _WHO, "RRULE:FREQ=MONTHLY"], "2:1: this repetition has no end"),
        ([_START, _END, "ATTENDEE:urn:gridwarden:person:x"], "2:1: nobody has the id 'x'"),
        ([_START, _END, _WHO, "X-GRIDWARDEN-ROLE:boss"], "2:1: unknown role 'boss'"),
    ],
)
def test_a_wrong_entry_is_named_by_its_line(lines: list[str], message: str) -> None:
    (found,) = said([calendar(*lines)])
    assert found.startswith(f"duty.ics:{message}")


def test_repetitions_become_lines_of_the_roster() -> None:
    where, _ = bring(
        site(),
        [
            calendar(
                _START, _END, "SUMMARY:林涛 白班", "LOCATION:第一网格", "UID:1", "CATEGORIES:网格员",
                "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260301", "EXDATE:20260107T080000",
                "END:VEVENT", "BEGIN:VEVENT",  # the twelfth is somebody else's, and earlier
                "UID:1", "RECURRENCE-ID:20260112T080000", "DTSTART:20260112T060000",
                "DTEND:20260112T100000", "SUMMARY:a", "LOCATION:130101",
                "END:VEVENT", "BEGIN:VEVENT",  # every second Friday, three times
                "DTSTART:20260109T200000", "DTEND:20260110T080000", "SUMMARY:李明",
                "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=3",
            )
        ],
        wall=WALL,
    )  # fmt: skip
    weekly, moved, *fridays = where.rosters
    assert (weekly.place, weekly.role, weekly.people) == ("130101", "officer", (("off",),))
    assert (weekly.days, weekly.begin, weekly.end) == (("mon", "wed"), 480, 1200)
    assert (weekly.since, weekly.until) == ("2026-01-05", "2026-03-01")
    assert weekly.without == ("2026-01-07", "2026-01-12")
    assert (moved.people, moved.since, moved.begin) == ((("a",),), "2026-01-12", 360)
    assert [line.since for line in fridays] == ["2026-01-09", "2026-01-23", "2026-02-06"]
    assert {(line.begin, line.end) for line in fridays} == {(1200, 480)}


def test_repetitions_that_come_to_nothing_do_not_keep_the_reader_for_hours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[Any] = []
    whole = ical._written_out
    monkeypatch.setattr(ical, "_written_out", lambda *a: looked.append(a) or whole(*a))
    never = [_START, _END, _WHO, "RRULE:FREQ=YEARLY;INTERVAL=400;BYMONTH=2;BYMONTHDAY=30;COUNT=2"]
    lines = [*never, *(["END:VEVENT", "BEGIN:VEVENT", *never] * 60)]
    assert said([calendar(*lines)]) == ["duty.ics:122:1: more than 20 repetitions come to nothing"]
    assert len(looked) == 21


def test_a_repetition_does_not_hold_more_exceptions_than_it_may_have_dates() -> None:
    days = [f"{date(2026, 1, 5) + timedelta(n):%Y%m%d}" for n in range(401)]
    moved = [
        line
        for day in days
        for line in (
            *("END:VEVENT", "BEGIN:VEVENT", "UID:1", f"RECURRENCE-ID:{day}T080000"),
            *(f"DTSTART:{day}T090000", f"DTEND:{day}T100000", _WHO),
        )
    ]
    assert said([calendar("UID:1", _START, _END, _WHO, "RRULE:FREQ=DAILY", *moved)]) == [
        "duty.ics:2:1: more than 400 single dates"
    ]


@pytest.mark.parametrize("name", ["X-GRIDWARDEN-PLACE", "LOCATION"])
def test_an_endless_name_is_shortened_before_it_is_compared_and_shown(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    monkeypatch.setattr(ical, "nearest", lambda word, known: compared.append(word) or "")
    (found,) = said([calendar(_START, _END, _WHO, f"{name}:{'x' * 100_000}")])
    assert len(found) < 120
    assert compared == ["x" * 60]


_LINES = st.sampled_from(
    [
        *(_START, _END, _WHO, "SUMMARY:a", "UID:1", "BEGIN:VALARM", "END:VALARM", "END:VEVENT"),
        *("BEGIN:VEVENT", "DURATION:PT8H", "DURATION:-P1D", "DURATION:P99999999D", "RRULE:", " x"),
        *("RRULE:FREQ=DAILY", "RRULE:FREQ=DAILY;INTERVAL=0", "RRULE:FREQ=WEEKLY;BYDAY=XX"),
        *("RRULE:FREQ=YEARLY;COUNT=999999999", "RRULE:FREQ=DAILY;INTERVAL=-1;COUNT=3"),
        *("RRULE:FREQ=DAILY;UNTIL=99999999", "RRULE:FREQ=MONTHLY;BYMONTHDAY=31;COUNT=400"),
        *("EXDATE:20260105T080000", "EXDATE:x", "RDATE:20260107T080000", "RDATE;VALUE=PERIOD:x/y"),
        *("RECURRENCE-ID:20260105T080000", "RECURRENCE-ID:", "STATUS:CANCELLED", "ATTENDEE:"),
        *("DTSTART;TZID=Mars/Base:20260105T080000", "DTSTART;VALUE=DATE:20260105", "DTEND:x"),
        *("DTSTART;TZID=America/New_York:20260105T080000", "DTEND;VALUE=DATE:20260107"),
        *("LOCATION:第一网格", "CATEGORIES:officer,网格员", "X-GRIDWARDEN-PLACE:13", "DTSTART:0"),
        *("RRULE:FREQ=WEEKLY;UNTIL=20260301T000000Z", "SUMMARY;ENCODING=BASE64:x", "\x00:\x00"),
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_LINES, max_size=9))
@example([_START, "DTEND:20260105T080000", _WHO, "RRULE:FREQ=YEARLY;COUNT=999999999"])
def test_any_calendar_is_read_or_refused(lines: list[str]) -> None:
    survives(Files(rosters=(calendar(*lines),)))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_in_the_place_of_a_file_are_read_or_refused(raw: bytes) -> None:
    for name in ("r.ics", "r.csv", "r.xlsx"):
        survives(Files(rosters=(Source(name, content=raw),)))
    survives(Files(borders=Source("b.geojson", content=raw)))
    survives(Files(holidays=Source("h.csv", content=raw)))


# --- borders -----------------------------------------------------------------------------


def border(geometry: str, code: str = "130101") -> Source:
    text = (
        '{"type": "FeatureCollection", "features": [{"type": "Feature",'
        f'"properties": {{"code": "{code}"}}, "geometry": {geometry}}}]}}'
    )
    return Source("borders.geojson", content=text.encode())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Source("b.json", content=b"{"), "b.json:1:1: not JSON: Input data was truncated"),
        (Source("b.json", content=b"[]"), "b.json:1:1: no GeoJSON FeatureCollection"),
        (Source("b.json", content=b"[" * 100_000), "b.json:1:1: n"),
        (border("null"), "borders.geojson:1:1: the border is no Polygon and no MultiPolygon"),
        (border('{"type": "Point", "coordinates": [1, 2]}'), "borders.geojson:1:1: the border is"),
        (border('{"type": "Polygon", "coordinates": 1}'), "borders.geojson:1:1: the border has no"),
        (
            border('{"type": "Polygon", "coordinates": [[[0,0],[1,0],[1,1],[0,1]]]}'),
            "borders.geojson:1:1: a ring of the border is not closed",
        ),
        (
            border('{"type": "Polygon", "coordinates": [[[0,0],[1,0],[1,1e400],[0,0]]]}'),
            "borders.geojson:1:1: ",
        ),
        (
            border(f'{{"type": "Polygon", "coordinates": [[[0,0],[1,0],[1,{"9" * 400}],[0,0]]]}}'),
            "borders.geojson:1:1: ",
        ),
        (
            border('{"type": "Polygon", "coordinates": [[[0,0],[1,0],[1,1],[0,0]]]}', "99"),
            "borders.geojson:1:1: there is no place '99'",
        ),
    ],
    ids=range(10),
)
def test_a_wrong_border_is_named_by_its_feature(source: Source, message: str) -> None:
    assert said([source])[0].startswith(message)


_JSON = st.recursive(
    st.one_of(st.none(), st.floats(), st.integers(), st.sampled_from(["Polygon", "MultiPolygon"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["type", "coordinates", "code"]), inner, max_size=3),
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(_JSON)
def test_any_json_in_the_place_of_a_geometry_is_read_or_refused(value: object) -> None:
    survives(Files(borders=border(json.dumps(value))))


# --- which table is which ----------------------------------------------------------------


def test_tables_are_known_by_name_sheet_or_columns() -> None:
    tables = {name: write.as_csv(lines) for name, lines in write.tables(site()).items()}
    found = sorted_out(
        [
            Source("地点.csv", content=tables["places"]),
            Source("export (3).csv", content=tables["people"]),
            Source("night.ics", content=b""),
        ]
    )
    assert (found.places is not None, found.people is not None, len(found.rosters)) == (1, 1, 1)
    assert found.devices is None
    by_sheet = sorted_out([Source("anything.xlsx", content=_GOOD)])
    assert by_sheet.places == by_sheet.people == by_sheet.devices is not None


def test_what_is_no_table_and_what_comes_twice_is_said() -> None:
    people = write.as_csv(write.tables(site())["people"])
    found = said(
        [
            Source("people.csv", content=people),
            Source("more/people.csv", content=people),
            Source("photo.jpg", content=b""),
            Source("x.csv", content=b"a,b\n1,2\n"),
        ]
    )
    assert found == [
        "more/people.csv:1:1: a second file with people, after people.csv",
        "photo.jpg:1:1: what kind of file is '.jpg'? There are csv, xlsx, ics, geojson",
        "x.csv:1:1: the columns are those of no table; call the file by what is in it: places,"
        " devices, people, rosters, holidays",
    ]
