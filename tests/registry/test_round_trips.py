"""What is exported and imported again changes nothing, in every format."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model import SECOND, Duty, Holiday, Site
from gateway.registry import write
from gateway.registry.borders import geojson
from gateway.registry.bring import bring, sorted_out
from gateway.registry.changes import changes
from gateway.registry.duty import shifts, with_rosters
from gateway.registry.read import Files, read
from gateway.registry.table import Source
from tests.registry.made import PEOPLE, duties, site, sites

_SLOW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # a whole registry each
_DAY = 86_400 * SECOND


def as_files(where: Site) -> list[Source]:
    found = [
        Source(f"{name}.csv", content=write.as_csv(lines))
        for name, lines in write.tables(where).items()
    ]
    return [*found, Source("borders.geojson", content=geojson(where))]


def plain(where: Site) -> Site:
    return msgspec.structs.replace(where, version=0)


@_SLOW
@given(sites())
def test_tables_as_csv_make_the_same_registry(where: Site) -> None:
    found = read(sorted_out(as_files(where)))
    assert found.site == plain(where)
    assert changes(where, found.site).nothing


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sites())
def test_no_cell_of_a_csv_is_taken_for_a_formula(where: Site) -> None:
    for lines in write.tables(where).values():
        text = write.as_csv(lines).decode("utf-8-sig")
        cells = [cell for line in csv.reader(io.StringIO(text, newline="")) for cell in line]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sites())
def test_a_workbook_makes_the_same_registry(where: Site) -> None:
    sources = [
        Source("site.xlsx", content=write.as_xlsx(where)),
        Source("b.geojson", content=geojson(where)),
    ]
    assert read(sorted_out(sources)).site == plain(where)


def test_a_text_that_looks_like_a_formula_or_a_number_stays_a_text() -> None:
    person = msgspec.structs.replace(PEOPLE["a"], name="=1+1", phone="+86 138", areas=("1301",))
    place = msgspec.structs.replace(site().places["13"], name="007")
    where = site(people=PEOPLE | {"a": person}, places=site().places | {"13": place})
    found = read(sorted_out([Source("s.xlsx", content=write.as_xlsx(where))])).site
    assert found.people["a"] == person
    assert found.places["13"].name == "007"


_BEGIN = int(datetime(2026, 3, 16, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * SECOND


def told(where: Site, end: int) -> list[tuple[str, str, int, int, tuple[str, ...]]]:
    """Who has duty from when to when, whatever the lines are; gaps left out."""
    found: list[tuple[str, str, int, int, tuple[str, ...]]] = []
    for place, role in sorted(with_rosters(where)):
        for shift in shifts(where, place, role, _BEGIN, end):
            people = tuple(person.id for person in shift.people)
            begin, until = max(shift.begin, _BEGIN), min(shift.end, end)
            if found and found[-1][:2] == (place, role) and found[-1][3:] == (begin, people):
                found[-1] = (*found[-1][:3], until, people)
            elif people:
                found.append((place, role, begin, until, people))
    return found


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(duties(), min_size=1, max_size=4), st.sampled_from(["Europe/Berlin", "Asia/Shanghai"])
)
def test_a_calendar_of_shifts_says_the_same_duty(lines: list[Duty], zone: str) -> None:
    """Also over the night when the clock is put."""
    where = site(*lines, zone=zone, holidays=(Holiday("2026-03-20"),))
    end = _BEGIN + 20 * _DAY
    raw = write.as_ics(where, _BEGIN, end, _BEGIN)
    before = told(where, end)
    if not before:
        return
    known = msgspec.structs.replace(where, rosters=())
    source = Source("duty.ics", content=raw)
    found = read(Files(rosters=(source,)), before=known, zone=zone).site
    after = [each for each in told(found, end) if each[:2] in {one[:2] for one in before}]
    assert after == before
    # What nobody had is a roster no more: a calendar has no entry for it.
    again = write.as_ics(found, _BEGIN, end, _BEGIN)
    assert (
        told(
            read(Files(rosters=(Source("d.ics", content=again),)), before=known, zone=zone).site,
            end,
        )
        == after
    )


def test_a_table_that_is_not_given_stays_as_it_was() -> None:
    where = site(Duty("130101", "officer", people=(("a",),)))
    people = write.tables(where)["people"]
    people[4][1] = "钱新"
    found, changed = bring(where, [Source("people.csv", content=write.as_csv(people))], wall=_BEGIN)
    assert (found.places, found.rosters) == (where.places, where.rosters)
    assert {table: tuple(count) for table, count in changed.counts.items()} == {"people": (0, 1, 0)}
    assert changed.named == {"people.changed": ["a"]}
