"""What the grown tables say: every column, every error by row, and what only shows together."""

from __future__ import annotations

import msgspec
import pytest

from gateway.document import Problems
from gateway.model import SECOND, Border, Device, Duty, Holiday, Place, Site
from gateway.registry import write
from gateway.registry.borders import Borders, geojson, grid_at
from gateway.registry.bring import bring
from gateway.registry.life import lapsed, next_end
from gateway.registry.table import Source
from tests.registry.made import PEOPLE, PLACES, SQUARE, site

WALL = 1_767_600_000 * SECOND
"""2026-01-05 16:00 in Shanghai, a Monday."""


def table(name: str, header: str, *rows: str) -> Source:
    return Source(f"{name}.csv", content="\n".join([header, *rows, ""]).encode())


def taken(*sources: Source, before: Site | None = None) -> Site:
    return bring(before or site(), sources, wall=WALL, notifiers=["wecom", "sms"]).site


def said(*sources: Source, before: Site | None = None) -> list[str]:
    with pytest.raises(Problems) as caught:
        taken(*sources, before=before)
    return [str(each) for each in caught.value.problems]


# --- people ------------------------------------------------------------------------------

_PEOPLE = "id,name,grid,role,email,accounts,quiet"
_EVERYBODY = (
    "x,甲,13,supervisor,,,", "y,乙,13,officer,,,", "z,丙,13,assistant,,,",
)  # fmt: skip


def test_more_ways_to_reach_a_person_are_read() -> None:
    row = "w,丁,130101;130102,officer,ding@example.cn,wecom:ding；sms：D1,22:00～6:30"
    person = taken(table("people", _PEOPLE, *_EVERYBODY, row)).people["w"]
    assert (person.grid, person.areas) == ("130101", ("130102",))
    assert person.accounts == {"wecom": "ding", "sms": "D1"}
    assert (person.email, person.quiet) == ("ding@example.cn", "22:00-06:30")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("w,丁,130101;99,officer,,,", "3: there is no place '99'; places.csv has all codes"),
        ("w,丁,;,officer,,,", "3: grid is empty"),
        ("w,丁,13,officer,ding at home,,", "5: no mail address; write it like zhang@example.cn"),
        ("w,丁,13,officer,,ding,", "6: no account; write it like wecom:zhangwei"),
        ("w,丁,13,officer,,wecom:a;wecom:b,", "6: 'wecom' has two accounts"),
        ("w,丁,13,officer,,wechat:a,", "6: there is no notifier 'wechat'; did you mean 'wecom'?"),
        ("w,丁,13,officer,,,22-6", "7: '22-6' is no span of hours; write it like 22:00-06:30"),
        ("w,丁,13,officer,,,25:00-06:00", "7: '25:00-06:00' is no span of hours; write it like"),
    ],
)
def test_a_wrong_person_is_named_by_row_and_column(row: str, message: str) -> None:
    (found,) = said(table("people", _PEOPLE, *_EVERYBODY, row))
    assert found.startswith(f"people.csv:5:{message}")
    assert "ding at home" not in found


# --- devices -----------------------------------------------------------------------------

_DEVICES = "id,driver,address,kind,name,place,latitude,longitude,state,serial,until,because"


def test_a_devices_life_is_read() -> None:
    found = taken(
        table(
            "devices", _DEVICES,
            "a,d,1,smoke,甲,13,,,bypassed,SN1,2026-01-05 18:00,装修",
            "b,d,2,smoke,乙,13,,,bypassed,,2026/1/5,",
            "c,d,3,smoke,丙,13,,,bypassed,,2026-01-05T18:00:00+00:00,",
        )
    ).devices  # fmt: skip
    assert (found["a"].serial, found["a"].because) == ("SN1", "装修")
    assert [(found[id_].until - WALL) // (3_600 * SECOND) for id_ in "abc"] == [2, 8, 10]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("b,d,2,smoke,乙,13,,,,SN1,,", "10: serial number 'SN1' is already in row 2"),
        ("b,d,1,smoke,乙,13,,,,,,", "3: d '1' is already in row 2"),
        ("b,d,2,smoke,乙,13,,,accepted,,2026-01-05,", "11: until is the end of a bypass, but"),
        ("b,d,2,smoke,乙,13,,,bypassed,,soon,", "11: 'soon' is no time; write it like 2026-01-05"),
        ("b,d,2,smoke,乙,13,,,bypassed,,1999-01-01,", "11: '1999-01-01' is no time"),
        ("b,d,2,smoke,乙,,,,,,,", "6: place is empty"),
        ("b,d,2,smoke,乙,,10,10,,,,", "6: place is empty, and no border holds this position"),
    ],
)
def test_a_wrong_device_is_named_by_row_and_column(row: str, message: str) -> None:
    source = table("devices", _DEVICES, "a,d,1,smoke,甲,13,,,,SN1,,", row)
    (found,) = said(source, before=site(borders={"130101": SQUARE}))
    assert found.startswith(f"devices.csv:3:{message}")


def test_a_retired_device_leaves_its_address_and_its_number_to_another() -> None:
    rows = ("a,d,1,smoke,甲,13,,,retired,SN1,,坏了", "b,d,1,smoke,乙,13,,,,SN1,,")
    assert set(taken(table("devices", _DEVICES, *rows)).devices) == {"a", "b"}


def _device(state: str, until: int = 0) -> Device:
    return Device("a", "d", "1", "smoke", "甲", "13", state=state, until=until)


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        ("planned", "installed", True), ("planned", "accepted", False),
        ("planned", "bypassed", False), ("planned", "retired", True),
        ("installed", "accepted", True), ("installed", "bypassed", False),
        ("accepted", "bypassed", True), ("accepted", "installed", True),
        ("accepted", "planned", False), ("bypassed", "accepted", True),
        ("bypassed", "planned", False), ("retired", "accepted", False),
        ("retired", "installed", True), ("retired", "retired", True),
    ],
)  # fmt: skip
def test_a_device_takes_only_the_steps_of_its_life(
    before: str, after: str, *, allowed: bool
) -> None:
    known = site(devices={"a": _device(before)})
    source = table("devices", _DEVICES, f"a,d,1,smoke,甲,13,,,{after},,,")
    if allowed:
        assert taken(source, before=known).devices["a"].state == after
    else:
        (found,) = said(source, before=known)
        assert found.startswith(
            f"devices.csv:2:1: device 'a' is {before} and can not become {after};"
        )


def test_a_bypass_ends_at_its_time_and_not_before() -> None:
    known = site(devices={"a": _device("bypassed", WALL)})
    assert next_end(known) == WALL
    assert lapsed(known, WALL - 1) is known
    over = lapsed(known, WALL)
    assert (over.devices["a"].state, over.devices["a"].until, next_end(over)) == ("accepted", 0, 0)
    assert lapsed(site(devices={"a": _device("bypassed")}), 2**62).devices["a"].state == "bypassed"


# --- borders -----------------------------------------------------------------------------


def test_a_position_belongs_to_the_deepest_place_whose_border_holds_it() -> None:
    hole = ((116.4, 38.4), (116.6, 38.4), (116.6, 38.6), (116.4, 38.6), (116.4, 38.4))
    island: Border = (
        (SQUARE[0][0], hole),
        (tuple((x + 2, y) for x, y in SQUARE[0][0]),),
    )
    where = site(borders={"13": SQUARE, "130101": island})
    assert grid_at(where, 38.2, 116.2) == "130101"
    assert grid_at(where, 38.5, 116.5) == "13", "in the hole"
    assert grid_at(where, 38.5, 118.5) == "130101", "the second polygon"
    assert grid_at(where, 38.5, 117.5) == ""
    assert grid_at(site(), 38.5, 116.5) == ""
    assert not Borders({}, PLACES)


def test_a_device_without_a_place_moves_when_the_border_does() -> None:
    row = "a,d,1,smoke,甲,,38.5,116.5,,,,"
    before = taken(table("devices", _DEVICES, row), before=site(borders={"130101": SQUARE}))
    assert (before.devices["a"].place, before.devices["a"].by_position) == ("130101", True)
    moved = geojson(site(borders={"130102": SQUARE}))
    after = taken(Source("borders.geojson", content=moved), before=before)
    assert after.devices["a"].place == "130102"
    far: Border = ((tuple((x + 9, y) for x, y in SQUARE[0][0]),),)
    away = Source("b.geojson", content=geojson(site(borders={"130102": far})))
    (lost,) = said(away, before=before)
    assert lost == "b.geojson:1:1: no border holds device 'a' any more"


# --- rosters and holidays ----------------------------------------------------------------

_ROSTER = "地点,角色,人员,方式,星期,时段,起,止,每班天数,替换,除外"


def test_a_roster_is_read_in_chinese_and_in_english() -> None:
    found = taken(
        table(
            "rosters", _ROSTER,
            "130101,网格员,a;b,,周一至周五;节假日,08:00-20:00,,,,,2026年1月7日",
            "130101,网格员,a;b+c;-,轮班,,20：00～8：00,2026-01-05,,1周,,",
            "130101,网格员,-,例外,,,2026-02-01,2026-02-03,,,",
            "130101,网格员,c,换班,,,2026-02-05,2026-02-05,,a,",
        )
    ).rosters  # fmt: skip
    week = ("mon", "tue", "wed", "thu", "fri", "holiday")
    assert list(found) == [
        Duty("130101", "officer", "weekly", (("a", "b"),), week, 480, 1200, without=("2026-01-07",)),
        Duty("130101", "officer", "rotation", (("a",), ("b", "c"), ()), (), 1200, 480,
             "2026-01-05", every=7),
        Duty("130101", "officer", "exception", ((),), since="2026-02-01", until="2026-02-03"),
        Duty("130101", "officer", "swap", (("c",),), since="2026-02-05", until="2026-02-05",
             instead="a"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("99,officer,a,,,,,,,,", "1: there is no place '99'; places.csv has all codes"),
        ("130101,boss,a,,,,,,,,", "2: unknown role 'boss'"),
        ("130101,officer,,,,,,,,,", "3: people is empty"),
        ("130101,officer,a;zz,,,,,,,,", "3: nobody has the id 'zz'; people.csv has all ids"),
        ("130101,officer,a,often,,,,,,,", "4: unknown kind 'often'"),
        ("130101,officer,a,,moon,,,,,,", "5: unknown day 'moon'; did you mean 'mon'?"),
        ("130101,officer,a,,mon-holiday,,,,,,", "5: 'mon-holiday' is no span of days; write it"),
        ("130101,officer,a,,,24:00-08:00,,,,,", "6: '24:00-08:00' is no span of hours; write it"),
        ("130101,officer,a,,,,05.13.2026,,,,", "7: '05.13.2026' is no day; write it like 2026-01"),
        ("130101,officer,a,,,,2026-02-30,,,,", "7: '2026-02-30' is no day"),
        ("130101,officer,a,,,,2026-02-02,2026-02-01,,,", "8: 2026-02-01 is before 2026-02-02"),
        ("130101,officer,a,rotation,,,,,,,", "7: a rotation needs the day on which its first"),
        (
            "130101,officer,a,rotation,,,2026-01-01,,0,,",
            "9: '0' is no number of days within 1..366",
        ),
        ("130101,officer,a,,,,,,2,,", "9: every is for a rotation, not for weekly"),
        ("130101,officer,a,exception,,,2026-01-01,,,,", "7: an exception needs its days"),
        ("130101,officer,a,swap,,,2026-01-01,,,b,", "7: a swap needs its days"),
        ("130101,officer,a,swap,,,2026-01-01,2026-01-01,,,", "3: a swap is one person in people"),
        ("130101,officer,a,swap,,1:00-2:00,2026-01-01,2026-01-01,,b,", "6: a swap has no hours"),
        ("130101,officer,a,,,,,,,b,", "10: instead is for a swap, not for weekly"),
        ("130101,officer,a,,,,,,,,soon", "11: 'soon' is no day; write it like 2026-01-05"),
        ("130101,officer," + "+".join(f"p{n}" for n in range(21)) + ",,,,,,,,", "3: more than 20"),
    ],
)
def test_a_wrong_line_is_named_by_row_and_column(row: str, message: str) -> None:
    found = said(table("rosters", _ROSTER, row))
    assert len(found) == 1
    assert found[0].startswith(f"rosters.csv:2:{message}")


def test_holidays_are_read_once_each_in_their_order() -> None:
    header = "日期,类别,名称"
    found = taken(table("holidays", header, "2026-10-02,,国庆节", "2026-9-27,班,"))
    assert found.holidays == (
        Holiday("2026-09-27", working=True),
        Holiday("2026-10-02", name="国庆节"),
    )
    assert said(table("holidays", header, "2026-10-01,,", "2026-10-01,,", "never,,", ",x,")) == [
        "holidays.csv:3:1: day '2026-10-01' is already in row 2",
        "holidays.csv:4:1: 'never' is no day; write it like 2026-01-05",
        "holidays.csv:5:1: day is empty",
        "holidays.csv:5:2: unknown kind 'x'; known: holiday, workday",
    ]


def test_a_roster_that_leaves_a_grid_without_anybody_is_refused_at_its_row() -> None:
    alone = {id_: person for id_, person in PEOPLE.items() if id_ in ("root", "off", "ass")}
    rows = [f"13,{role},{who},,mon-fri,08:00-20:00" for role, who in
            (("supervisor", "root"), ("officer", "off"), ("assistant", "ass"))]  # fmt: skip
    header = "place,role,people,kind,days,hours"
    before = site(people=alone)
    assert said(table("rosters", header, *rows), before=before) == [
        "rosters.csv:2:1: the roster leaves '13' without anybody from 2026-01-05 20:00 on, and"
        " above it too"
    ]
    whole = [*rows, "13,supervisor,root,,,20:00-08:00", "13,supervisor,root,,sat;sun,"]
    assert len(taken(table("rosters", header, *whole), before=before).rosters) == 5
    assert len(taken(table("rosters", header, *rows[:2]), before=before).rosters) == 2


# --- what only shows together ------------------------------------------------------------


def test_tables_that_stayed_must_still_fit_to_the_new_ones() -> None:
    before = site(
        Duty("130102", "officer", people=(("a",),)),
        devices={"x": Device("x", "d", "1", "smoke", "甲", "130102")},
        people=PEOPLE | {"v": msgspec.structs.replace(PEOPLE["a"], id="v", areas=("130102",))},
    )
    fewer = {code: place for code, place in PLACES.items() if code != "130102"}
    places = write.as_csv(write.tables(site(places=fewer))["places"])
    assert said(Source("places.csv", content=places), before=before) == [
        "places.csv:1:1: a roster is of '130102', which is gone",
        "places.csv:1:1: device 'x' lies in '130102', which is gone",
        "places.csv:1:1: person 'v' has '130102', which is gone",
    ]
    people = write.as_csv(write.tables(site(people={k: v for k, v in PEOPLE.items() if k != "a"}))["people"])  # fmt: skip
    assert said(Source("people.csv", content=people), before=before) == [
        "people.csv:1:1: the roster of '130102' names 'a', who is gone"
    ]


def test_a_new_grid_needs_its_three_roles_also_when_people_stay() -> None:
    lone = {id_: person for id_, person in PEOPLE.items() if id_ != "off"}
    known = site(people=lone)
    rows = write.tables(site(places=PLACES | {"130103": Place("130103", "1301", "grid", "新")}))
    found = said(Source("places.csv", content=write.as_csv(rows["places"])), before=known)
    assert found == [
        "places.csv:5:1: grid '130102' (第二网格) has no officer, nor has a place above it",
        "places.csv:7:1: grid '130103' (新) has no officer, nor has a place above it",
    ]
