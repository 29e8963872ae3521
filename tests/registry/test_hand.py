"""A row that is changed by hand: the same registry as importing the table with that row changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gateway.cli._problems import in_chinese
from gateway.document import Problems
from gateway.model import SECOND, Device, Duty, Holiday, Site
from gateway.registry import forms, write
from gateway.registry.bring import bring
from gateway.registry.duty import on_duty
from gateway.registry.hand import VERBS, Bounds, Edit, Edited, Faults, edited
from gateway.registry.lookup import Wish, rows
from gateway.registry.table import Source
from gateway.registry.words import COLUMNS
from tests.registry.made import PEOPLE, PLACES, site, sites

ZONE = ZoneInfo("Asia/Shanghai")
NOW = int(datetime(2026, 1, 5, 12, tzinfo=ZONE).timestamp()) * SECOND
BOUNDS = Bounds(NOW, "Asia/Shanghai", ("wecom", "sms", "log"))
KEYS = {"places": "code", "devices": "id", "people": "id", "holidays": "day"}
SMOKE = Device("s1", "zigbee", "0x1", "smoke", "301 烟感", "130101A1", serial="SN1")


def house(*rosters: Duty, **device: Any) -> Site:
    """Two smoke detectors, of which the first is as ``device`` says."""
    one = msgspec.structs.replace(SMOKE, **device)
    other = msgspec.structs.replace(SMOKE, id="s2", address="0x2", serial="SN2")
    return site(*rosters, devices={"s1": one, "s2": other})


def by_hand(where: Site, table: str, verb: str, key: str = "", **row: str) -> Edited:
    return edited(where, Edit(table, verb, key, row), BOUNDS)


def wrong(where: Site, table: str, verb: str, key: str = "", **row: str) -> dict[str, str]:
    """Column -> what is wrong in it, and in Chinese too."""
    with pytest.raises(Faults) as raised:
        by_hand(where, table, verb, key, **row)
    for fault in raised.value.faults:
        assert in_chinese(fault.message) != fault.message, fault
    return {fault.column: fault.message for fault in raised.value.faults}


def imported(where: Site, table: str, lines: list[list[str]]) -> Site | None:
    """What an import of ``lines`` makes of ``where``; None if it is refused."""
    source = Source(f"{table}.csv", content=write.as_csv(lines))
    try:
        return bring(where, [source], wall=NOW, notifiers=BOUNDS.notifiers).site
    except Problems:
        return None


_CELLS = ("", "x", "=1+1", "'=1", "-", "烟感 3", "130101", "1301", "accepted", "retired", "officer",
          "网格员", "2026-01-07", "22:00-06:30", "38.5", "a", "b;c", "wecom", "26h", "+86 138")  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), sites(), st.sampled_from(sorted(COLUMNS)), st.sampled_from(["row", "remove"]))
def test_a_row_by_hand_makes_what_importing_the_table_with_it_makes(
    data: st.DataObject, where: Site, table: str, verb: str
) -> None:
    lines = write.tables(where).get(table, [list(COLUMNS[table])])
    number = data.draw(st.integers(0 if verb == "row" else 1, len(lines) - 1)) if lines[1:] else 0
    assume(number or verb == "row")
    changed = data.draw(
        st.dictionaries(st.sampled_from(lines[0]), st.sampled_from(_CELLS), max_size=2)
    ) if verb == "row" else {}  # fmt: skip
    key = str(number) if table == "rosters" else lines[number][0]
    old = dict(zip(lines[0], lines[number], strict=True)) if number else dict.fromkeys(lines[0], "")
    line = [changed.get(column, old[column]) for column in lines[0]]
    lines[number or len(lines) : number + 1 if number else len(lines)] = [line][verb == "remove" :]
    wanted = imported(where, table, lines)
    try:
        found: Site | None = edited(
            where, Edit(table, verb, key if number else "", changed), BOUNDS
        ).site
    except Faults:
        found = None
    if found is not None and wanted is None:
        assert where.rosters  # a gap that stood before keeps a file out, but not one row
    else:
        assert found == wanted


def test_one_officer_gets_another_telephone_and_nothing_else_changes() -> None:
    before = site()
    made = by_hand(before, "people", "row", "a", phone="+86 139 0000 0001")
    assert made.site.people["a"].phone == "+86 139 0000 0001"
    assert [(each.key, each.before["phone"], each.after["phone"]) for each in made.rows] == [
        ("a", "", "+86 139 0000 0001")
    ]
    assert list(made.site.people) == list(before.people)
    assert wrong(before, "people", "row", "a", phone="x", role="chief").keys() == {"phone", "role"}
    again = {"id": "a", "name": "n", "grid": "13", "role": "officer"}
    assert wrong(before, "people", "row", "", **again).keys() == {"id"}
    assert wrong(before, "people", "row", "nobody", phone="110").keys() == {""}
    nowhere = wrong(before, "people", "row", "a", grid="77")
    assert nowhere == {"grid": "there is no place '77'"}
    assert "unknown column" in wrong(before, "people", "row", "a", fone="110")[""]


def test_a_channel_that_is_configured_no_more_is_the_fault_of_the_row_that_names_it() -> None:
    old = msgspec.structs.replace(PEOPLE["b"], channels=("pager",))
    before = site(people=PEOPLE | {"b": old})
    assert by_hand(before, "people", "row", "a", phone="110").site.people["b"] == old
    assert wrong(before, "people", "row", "a", channels="pager").keys() == {"channels"}
    assert wrong(before, "people", "row", "b", phone="110").keys() == {"channels"}


def test_a_sensor_is_replaced_under_its_id() -> None:
    made = by_hand(house(), "devices", "replace", "s1", address="0x9", serial="SN9")
    assert made.site.devices["s1"] == msgspec.structs.replace(SMOKE, address="0x9", serial="SN9")
    assert made.changes.replaced == ["s1"]
    assert wrong(house(), "devices", "replace", "s1", address="0x2").keys() == {"address"}
    assert wrong(house(), "devices", "replace", "s1", address="0x1").keys() == {"address"}
    assert wrong(house(), "devices", "replace", "s1", model="x").keys() == {"address"}
    assert wrong(house(), "devices", "replace", "s1", address="0x9", serial="SN2") == {
        "serial": "'SN2' is already that of 's2'"
    }


def test_a_bypass_begins_with_an_end_and_a_reason_and_can_end_early() -> None:
    bypass = {"until": "2026-01-09 18:00", "because": "装修"}
    made = by_hand(house(), "devices", "bypass", "s1", **bypass).site.devices["s1"]
    until = int(datetime(2026, 1, 9, 18, tzinfo=ZONE).timestamp()) * SECOND
    assert (made.state, made.until, made.because) == ("bypassed", until, "装修")
    standing = house(state="bypassed", until=until, because="装修")
    assert by_hand(standing, "devices", "restore", "s1").site == house()
    assert wrong(house(), "devices", "bypass", "s1", until="2026-01-09").keys() == {"because"}
    assert wrong(house(), "devices", "bypass", "s1", until="soon", because="x").keys() == {"until"}
    late = wrong(house(), "devices", "bypass", "s1", until="2026-01-04", because="x")
    assert late == {"until": "that time is over already"}
    assert wrong(house(), "devices", "restore", "s1").keys() == {"state"}


def test_what_is_retired_says_why_and_does_not_come_back_at_once() -> None:
    retired = by_hand(house(), "devices", "retire", "s1", because="坏了").site
    assert retired.devices["s1"].state == "retired"
    bypass = {"until": "2026-01-09", "because": "x"}
    assert wrong(retired, "devices", "bypass", "s1", **bypass).keys() == {"state"}
    assert wrong(house(), "devices", "retire", "s1").keys() == {"because"}


DAY = Duty("130101", "officer", people=(("a",),), begin=480, end=1200)
NIGHT = Duty("130101", "officer", people=(("b",),), begin=1200, end=480)
SWAP = {"place": "130101", "role": "officer", "day": "2026-01-06", "one": "a", "other": "b"}


def at(where: Site, day: int, hour: int) -> str:
    wall = int(datetime(2026, 1, day, hour, tzinfo=ZONE).timestamp()) * SECOND
    return "".join(person.id for person in on_duty(where, "130101", "officer", wall))


def test_two_people_swap_their_shifts_of_a_day() -> None:
    made = by_hand(house(DAY, NIGHT), "rosters", "swap", **SWAP)
    assert [at(made.site, 6, 9), at(made.site, 6, 21), at(made.site, 7, 9)] == ["b", "a", "a"]
    assert len(made.rows) == 2
    later = by_hand(house(DAY, NIGHT), "rosters", "swap", **SWAP, back="2026-01-08").site
    assert [at(later, 6, 9), at(later, 6, 21), at(later, 8, 21)] == ["b", "b", "a"]
    nothing = wrong(house(DAY), "rosters", "swap", **(SWAP | {"one": "c", "other": "d"}))
    assert nothing.keys() == {"day"}
    both = wrong(house(DAY), "rosters", "swap", **(SWAP | {"other": "nobody", "day": "x"}))
    assert both.keys() == {"other", "day", "back"}


def test_somebody_stands_in_for_a_day() -> None:
    row = {"place": "130101", "role": "officer", "day": "2026-01-06", "people": "c"}
    made = by_hand(house(DAY, NIGHT), "rosters", "standin", **row, hours="08:00-12:00").site
    assert [at(made, 6, 9), at(made, 6, 13), at(made, 7, 9)] == ["c", "a", "a"]
    assert wrong(house(DAY), "rosters", "standin", **(row | {"people": "a"}),
                 hours="9:00-10:00").keys() == {"day"}  # fmt: skip
    assert wrong(house(DAY), "rosters", "standin", place="130101").keys() == {
        "role", "day", "people",
    }  # fmt: skip


def test_a_roster_that_runs_out_already_keeps_nobody_from_another_change() -> None:
    """Whole, the same table is refused: a file has all of the roster, a row has not."""
    nobody = Duty("13", "officer", "exception", ((),), since="2026-01-01", until="2027-01-01")
    off = [msgspec.structs.replace(nobody, role=role) for role in ("assistant", "supervisor")]
    ending = msgspec.structs.replace(DAY, begin=0, end=1440, until="2026-01-20")
    only = {id_: each for id_, each in PEOPLE.items() if id_ != "d"}
    before = site(ending, nobody, *off, people=only)
    assert imported(before, "rosters", write.tables(before)["rosters"]) is None
    longer = by_hand(before, "rosters", "row", "1", until="2026-01-25").site
    assert longer.rosters[0].until == "2026-01-25"
    assert by_hand(before, "people", "row", "a", phone="110").site.people["a"].phone == "110"
    assert "without anybody" in wrong(before, "rosters", "row", "1", until="2026-01-08")[""]


def test_what_names_no_row_does_nothing_to_any() -> None:
    where = house(DAY)
    for table, verb in (("rosters", "remove"), ("devices", "restore"), ("people", "remove")):
        assert wrong(where, table, verb).keys() == {""}
    gone = by_hand(where, "rosters", "remove", "1")
    assert (gone.site.rosters, [each.after for each in gone.rows]) == ((), [{}])


def test_rows_are_found_by_words_of_them_and_of_their_place() -> None:
    where = site(DAY, holidays=(Holiday("2026-10-01", name="国庆"),))
    found, shown = rows(where, "people", Wish("officer 第一网格"), 2)
    assert (found, list(shown)) == (3, ["a", "b"])
    assert list(rows(where, "people", Wish(place="130101"), 9)[1]) == ["a", "b", "c", "d"]
    assert list(rows(where, "rosters", Wish("王芳"), 9)[1]) == ["1"]
    assert list(rows(where, "holidays", Wish("国庆"), 9)[1]) == ["2026-10-01"]
    assert rows(where, "devices", Wish("nothing like it"), 9) == (0, {})


def test_every_column_has_a_label_in_both_languages_and_every_choice_can_be_written() -> None:
    for table in VERBS:
        for column in forms.columns(table):
            assert column.label.zh != column.label.en
            assert all(text.zh and text.en for text in column.words.values())
    kinds = next(each for each in forms.columns("devices") if each.name == "kind")
    assert kinds.words["smoke"].zh == "烟感"
    assert set(PLACES) == set(site().places)
