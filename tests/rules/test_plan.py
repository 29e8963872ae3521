"""When a plan arms: days, times, holidays, clocks put forward and back, calendars that lie."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.model import SECOND
from rules import calendar
from rules.calendar import CalendarFault
from rules.plan import HORIZON, Plan, PlanFault, PlanSpec, compile_plan
from tests.shared import shared

CHINA = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
DAY = 86_400 * SECOND


def ics(*entries: str) -> str:
    """An iCalendar text; an entry is its lines, separated by ``;;``."""
    events = "".join(f"BEGIN:VEVENT\n{e}\nEND:VEVENT\n" for e in entries).replace(";;", "\n")
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{events}END:VCALENDAR\n"


def plan(week: Any, *, zone: ZoneInfo = CHINA, days: str | None = None, **more: Any) -> Plan:
    named = {"holidays": "days.ics"} if days is not None else {}
    spec = PlanSpec.model_validate({"name": "p", "title": "P", "week": week, **named, **more})
    return compile_plan(spec, zone, {"days.ics": days} if days is not None else {})


def wall(text: str, zone: ZoneInfo = CHINA, fold: int = 0) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()) * SECOND


def armed(plan: Plan, text: str, zone: ZoneInfo = CHINA) -> bool:
    return plan.mode_at(wall(text, zone)) != "disarmed"


def switches(plan: Plan, start: str, end: str, zone: ZoneInfo = CHINA) -> list[str]:
    """Every switch after ``start`` up to ``end``, as local time and the mode from then on."""
    now: int | None = wall(start, zone)
    found = []
    while now is not None and (now := plan.next_switch(now)) is not None and now <= wall(end, zone):
        local = datetime.fromtimestamp(now // SECOND, zone)
        found.append(f"{local:%m-%d %H:%M} {plan.mode_at(now)}")
    return found


OFFICE = {"mon-fri": "19:00-07:30", "sat-sun": ["00:00-24:00", "19:00-07:30"]}
NATIONAL = "DTSTART;VALUE=DATE:20261001;;DTEND;VALUE=DATE:20261008;;SUMMARY:国庆节"


# --- the week ------------------------------------------------------------------------------


def test_a_range_that_crosses_midnight_ends_the_next_morning() -> None:
    office = plan({"mon-fri": "19:00-07:30"})
    assert not armed(office, "2026-11-23T18:59:59")
    assert armed(office, "2026-11-23T19:00:00")
    assert armed(office, "2026-11-24T07:29:59")
    assert not armed(office, "2026-11-24T07:30:00")
    assert armed(office, "2026-11-28T07:00:00"), "Friday's night ends on Saturday"
    assert not armed(office, "2026-11-30T07:00:00"), "Sunday has none, so Monday's morning is free"


def test_ranges_that_touch_are_one() -> None:
    assert switches(plan(OFFICE), "2026-11-27T12:00", "2026-12-01T12:00") == [
        "11-27 19:00 away",
        "11-30 07:30 disarmed",
        "11-30 19:00 away",
        "12-01 07:30 disarmed",
    ]


def test_the_mode_is_the_plan_s_own() -> None:
    home = plan({"daily": "22:00-06:00"}, mode="home", grid="CG1")
    assert home.mode_at(wall("2026-11-23T23:00")) == "home"
    assert home.grids == frozenset({"CG1"})


@pytest.mark.parametrize(
    ("key", "days"),
    [
        ("mon-fri", "01234"),
        ("Sat-Mon", "560"),
        ("mon, wed,fri", "024"),
        ("周一至周五", "01234"),
        ("周六,周日", "56"),
        ("星期天", "6"),
        ("周五-周一", "4560"),
        ("tuesday", "1"),
        ("daily", "0123456"),
        ("每天", "0123456"),
    ],
)
def test_days_can_be_written_so(key: str, days: str) -> None:
    monday = datetime(2026, 11, 23, 12, tzinfo=CHINA)
    made = plan({key: "11:00-13:00"})
    found = [n for n in range(7) if armed(made, f"{monday + timedelta(days=n):%Y-%m-%dT%H:%M}")]
    assert found == sorted(int(day) for day in days)


def test_always_and_never_do_not_switch() -> None:
    now = wall("2026-11-23T12:00")
    for times, mode in (("00:00-24:00", "away"), ([], "disarmed")):
        made = plan({"daily": times})
        assert made.mode_at(now) == mode
        assert made.next_switch(now) is made.last_switch(now) is None


def test_the_turn_of_the_year_is_no_switch() -> None:
    office = plan({"daily": "19:00-07:30"})
    assert switches(office, "2026-12-31T12:00", "2027-01-01T12:00") == [
        "12-31 19:00 away",
        "01-01 07:30 disarmed",
    ]
    assert office.last_switch(wall("2027-01-01T03:00")) == wall("2026-12-31T19:00")


def test_a_plan_that_ends_with_the_year_switches_there() -> None:
    made = plan({"thu": "20:00-24:00"})
    assert switches(made, "2026-12-31T12:00", "2027-01-05T00:00") == [
        "12-31 20:00 away",
        "01-01 00:00 disarmed",
    ]
    assert made.last_switch(wall("2027-01-01T00:00")) == wall("2027-01-01T00:00")


@pytest.mark.parametrize("now", [-1, 0, 1, 2**63 - 1, 2**80])
def test_an_impossible_clock_is_answered(now: int) -> None:
    office = plan(OFFICE, days=ics(NATIONAL))
    assert office.mode_at(now) in ("away", "disarmed")
    assert office.next_switch(now) is None
    assert office.last_switch(now) is None


def test_the_night_into_the_year_is_that_of_the_day_it_begins_on() -> None:
    made = plan({"daily": "19:00-07:30"}, days=ics("DTSTART:20261231"), on_holidays=[])
    assert not armed(made, "2027-01-01T03:00")
    assert armed(made, "2027-01-02T03:00")


# --- clocks put forward and back -----------------------------------------------------------


def test_a_time_that_is_left_out_is_the_moment_at_which_it_is() -> None:
    night = plan({"daily": "02:30-05:00"}, zone=BERLIN)
    found = switches(night, "2026-03-28T12:00", "2026-03-29T12:00", BERLIN)
    assert found == ["03-29 03:00 away", "03-29 05:00 disarmed"]
    inside = plan({"daily": "02:10-02:50"}, zone=BERLIN)
    assert switches(inside, "2026-03-28T12:00", "2026-03-29T12:00", BERLIN) == []


def test_an_hour_that_comes_twice_is_armed_rather_than_not() -> None:
    night = plan({"daily": "02:30-05:00"}, zone=BERLIN)
    assert night.next_switch(wall("2026-10-24T12:00", BERLIN)) == wall("2026-10-25T02:30", BERLIN)
    ends = plan({"daily": "22:00-02:30"}, zone=BERLIN)
    begun = wall("2026-10-24T22:00", BERLIN)
    assert ends.next_switch(begun) == wall("2026-10-25T02:30", BERLIN, fold=1)


def test_a_day_that_never_was_is_not_armed() -> None:
    samoa = ZoneInfo("Pacific/Apia")  # went from 29 to 31 December 2011
    made = plan({"fri": "00:00-24:00"}, zone=samoa)
    assert switches(made, "2011-12-28T00:00", "2012-01-05T00:00", samoa) == []


# --- holidays ------------------------------------------------------------------------------


def test_a_holiday_is_armed_all_day_and_the_night_after_it() -> None:
    office = plan({"mon-fri": "19:00-07:30"}, days=ics("DTSTART;VALUE=DATE:20261125;;SUMMARY:x"))
    assert switches(office, "2026-11-24T12:00", "2026-11-26T12:00") == [
        "11-24 19:00 away",
        "11-26 07:30 disarmed",
    ]


def test_on_holidays_replaces_what_begins_on_the_day_and_not_the_night_into_it() -> None:
    hall = plan(
        {"daily": "19:00-07:30"},
        days=ics("DTSTART;VALUE=DATE:20261125;;SUMMARY:x"),
        on_holidays="12:00-13:00",
    )
    assert switches(hall, "2026-11-24T12:00", "2026-11-26T20:00") == [
        "11-24 19:00 away",
        "11-25 07:30 disarmed",
        "11-25 12:00 away",
        "11-25 13:00 disarmed",
        "11-26 19:00 away",
    ]


def test_a_holiday_may_be_open() -> None:
    office = plan(OFFICE, days=ics(NATIONAL), on_holidays=[])
    assert not armed(office, "2026-10-03T12:00"), "a Saturday within the holidays"
    assert armed(office, "2026-10-10T12:00")


@pytest.mark.parametrize(
    "line",
    ["SUMMARY:国庆节（班）", "SUMMARY:x;;CATEGORIES:A,workday", "SUMMARY:Special working day"],
)
def test_a_weekend_that_is_worked_has_monday_s_times(line: str) -> None:
    days = ics(NATIONAL, f"DTSTART;VALUE=DATE:20261010;;{line}")
    office = plan(OFFICE, days=days)
    assert not armed(office, "2026-10-10T12:00"), "a Saturday"
    assert armed(office, "2026-10-10T20:00")
    assert armed(office, "2026-10-11T12:00")
    assert armed(plan(OFFICE, days=days, on_workdays="12:00-13:00"), "2026-10-10T12:30")


def test_a_working_day_within_the_holidays_is_one() -> None:
    office = plan(OFFICE, days=ics(NATIONAL, "DTSTART;VALUE=DATE:20261002;;SUMMARY:补班"))
    assert [armed(office, f"2026-10-0{n}T12:00") for n in (1, 2, 3)] == [True, False, True]
    assert "10-02" not in holidays(NATIONAL, "DTSTART;VALUE=DATE:20261002;;SUMMARY:补班")


def holidays(*entries: str, year: int = 2026, zone: ZoneInfo = CHINA) -> list[str]:
    found = calendar.read(ics(*entries), zone).days(year).holidays
    return sorted(f"{day:%m-%d}" for day in found)


@pytest.mark.parametrize(
    ("entry", "days"),
    [
        ("DTSTART;VALUE=DATE:20260101", ["01-01"]),
        ("DTSTART;VALUE=DATE:20260101;;DTEND;VALUE=DATE:20260104", ["01-01", "01-02", "01-03"]),
        ("DTSTART;VALUE=DATE:20260101;;DURATION:P2D", ["01-01", "01-02"]),
        ("DTSTART;VALUE=DATE:20251230;;DTEND;VALUE=DATE:20260103", ["01-01", "01-02"]),
        ("DTSTART;TZID=Asia/Shanghai:20260101T090000;;DTEND:20260102T020000Z", ["01-01", "01-02"]),
        ("DTSTART:20260101T160000Z;;DTEND:20260102T160000Z", ["01-02"]),
        ("DTSTART:20260101T090000", ["01-01"]),
        ("DTSTART;TZID=Nowhere/At All:20260101T090000;;DTEND:20260101T160000Z", ["01-01"]),
        ("DTSTART;VALUE=DATE:20200101;;RRULE:FREQ=YEARLY", ["01-01"]),
        ("DTSTART;VALUE=DATE:20200101;;RRULE:FREQ=YEARLY;UNTIL=20251231", []),
        ("DTSTART;VALUE=DATE:20200101;;RRULE:FREQ=YEARLY;UNTIL=20260101T000000Z", ["01-01"]),
        ("DTSTART;VALUE=DATE:20200101;;RRULE:FREQ=YEARLY;COUNT=6", []),
        ("DTSTART;VALUE=DATE:20200101;;RRULE:FREQ=YEARLY;;EXDATE;VALUE=DATE:20260101", []),
        ("DTSTART;VALUE=DATE:20200101;;RDATE;VALUE=DATE:20260505,20270505", ["05-05"]),
        ("DTSTART;VALUE=DATE:20260501;;RRULE:FREQ=DAILY;COUNT=3", ["05-01", "05-02", "05-03"]),
        ("DTSTART;VALUE=DATE:20201126;;RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", ["11-26"]),
        ("DTSTART;VALUE=DATE:20200131;;RRULE:FREQ=YEARLY;INTERVAL=2", ["01-31"]),
        ("DTSTART;VALUE=DATE:20260101;;STATUS:CANCELLED", []),
        ("DTSTART;VALUE=DATE:20260101;;GEO:nowhere;;no property at all", ["01-01"]),
        (
            "DTSTART;VALUE=DATE:20260101;;BEGIN:VALARM;;TRIGGER:-PT1H;;DTSTART:x;;END:VALARM",
            ["01-01"],
        ),
        ("DTSTART;VALUE=DATE:20260101;;DTEND;VALUE=DATE:20251201", ["01-01"]),
    ],
)
def test_the_days_of_an_entry(entry: str, days: list[str]) -> None:
    assert holidays(entry) == days


def test_two_entries_with_one_uid_are_both_holidays() -> None:
    one = "UID:a;;DTSTART;VALUE=DATE:20260101"
    assert holidays(one, one.replace("0101", "0505")) == ["01-01", "05-05"]


def test_one_repetition_that_was_moved_is_moved() -> None:
    series = "UID:a;;DTSTART;VALUE=DATE:20200101;;RRULE:FREQ=YEARLY"
    moved = "UID:a;;RECURRENCE-ID;VALUE=DATE:20260101;;DTSTART;VALUE=DATE:20260102"
    assert holidays(series, moved) == ["01-02"]
    assert holidays(series, moved, year=2027) == ["01-01"]


def test_a_folded_line_is_read_as_one() -> None:
    assert holidays("DTSTART;VALUE=D\n ATE:2026\n\t0101;;SUMMARY:元\n 旦") == ["01-01"]


def test_times_of_a_zone_in_the_calendar_itself_do_not_matter() -> None:
    zone = "BEGIN:VTIMEZONE\nTZID:Asia/Shanghai\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
    zone += "TZOFFSETFROM:+0800\nTZOFFSETTO:-0500\nRRULE:FREQ=SECONDLY\nEND:STANDARD\n"
    text = ics("DTSTART;TZID=Asia/Shanghai:20260101T230000").replace(
        "BEGIN:VEVENT", f"{zone}END:VTIMEZONE\nBEGIN:VEVENT"
    )
    assert len(calendar.read(text, CHINA).days(2026).holidays) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "1: no calendar entry"),
        ("/etc/hostname", "1: no calendar entry"),
        ("a;b\n" * 300_000, "1: larger than 1,000,000 bytes"),
        (ics(*["DTSTART:20260101T000000"] * 5_001), "15003: more than 5,000 entries"),
        (ics("SUMMARY:x"), "3: this entry has no DTSTART"),
        (ics("DTSTART:yesterday"), "3: its DTSTART can not be read"),
        (ics("DTSTART:PT5M"), "3: this entry can not be read"),
        (ics("DTSTART;VALUE=DATE:18000101"), "3: an entry lasts at most 366 days"),
        (ics("DTSTART:20200101T000000;;DURATION:P9999D"), "3: an entry lasts at most 366 days"),
        (ics("DTSTART:20200101T000000;;RRULE:FREQ=SECONDLY"), "3: this repetition is not"),
        (ics("DTSTART:20200101T000000;;RRULE:FREQ=YEARLY;BYSECOND=1,2"), "3: this repetition"),
        (ics("DTSTART:20200101T000000;;RRULE:FREQ=YEARLY;INTERVAL=0"), "3: this repetition"),
        (ics("DTSTART:20200101T000000;;RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "3: this rep"),
        (ics("DTSTART:20200101T000000;;RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29"), "3: this rep"),
        (ics("DTSTART:20200101T000000;;RRULE:FREQ=MONTHLY;BYDAY=6MO"), "3: this repetition"),
        (
            ics("DTSTART:20200101T000000;;RRULE:FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=24"),
            "3: this rep",
        ),
        (ics(*["DTSTART:19500101T000000;;RRULE:FREQ=DAILY"] * 3), "3: more than 20,000 rep"),
        (ics("DTSTART:20200101T000000;;EXDATE:" + ",".join(["20200101"] * 5_001)), "3: more than"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\n", "2: 'BEGIN:VEVENT' never ends"),
        ("BEGIN:VCALENDAR\nEND:VEVENT\n", "2: 'END:VEVENT' ends what did not begin"),
    ],
)
def test_a_calendar_that_can_not_be_used_is_refused_with_its_line(text: str, says: str) -> None:
    with pytest.raises(PlanFault) as caught:
        plan(OFFICE, days=text)
    assert caught.value.path == ("holidays",)
    assert caught.value.message.startswith(f"days.ics:{says}")


# --- what is wrong with a plan --------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "path", "says"),
    [
        ({"week": {"mno": "1:00-2:00"}}, ("week", "mno"), "there is no day 'mno'; did you mean 'm"),
        ({"week": {"周八": "1:00-2:00"}}, ("week", "周八"), "there is no day '周八'; known: "),
        ({"week": {"mon-": "1:00-2:00"}}, ("week", "mon-"), "there is no day ''; known: "),
        (
            {"week": {"mon-fri": "1:00-2:00", "fri": "3:00-4:00"}},
            ("week", "fri"),
            "fri is already in 'mon-fri'; name each day once",
        ),
        ({"week": {"mon": "19-7"}}, ("week", "mon", 0), "'19-7' is no range of times; write it "),
        (
            {"week": {"mon": ["1:00-2:00", "12:30-24:01"]}},
            ("week", "mon", 1),
            "'12:30-24:01': times of a day go from 00:00 to 24:00",
        ),
        ({"week": {"mon": "24:00-01:00"}}, ("week", "mon", 0), "'24:00-01:00': times of a day"),
        (
            {"week": {"mon": "17:31-17:31"}},
            ("week", "mon", 0),
            "'17:31-17:31' begins and ends at the same minute; the whole day is '00:00-24:00'",
        ),
        ({"on_holidays": "1:00-2:00"}, ("on_holidays",), "'on_holidays' needs 'holidays'"),
        ({"on_workdays": "1:00-2:00"}, ("on_workdays",), "'on_workdays' needs 'holidays'"),
        ({"holidays": "a.ics"}, ("holidays",), "there is no calendar 'a.ics'; lay the file"),
    ],
)
def test_a_wrong_plan_says_where_and_what(
    written: dict[str, Any], path: tuple[str | int, ...], says: str
) -> None:
    with pytest.raises(PlanFault) as caught:
        plan(written.pop("week", {"mon": "19:00-07:30"}), **written)
    assert caught.value.path == path
    assert caught.value.message.startswith(says)


def test_a_calendar_s_name_is_guessed() -> None:
    spec = PlanSpec.model_validate(
        {"name": "p", "title": "P", "week": {"mon": "1:00-2:00"}, "holidays": "holiday.ics"}
    )
    with pytest.raises(PlanFault, match=r"did you mean .holidays[.]ics"):
        compile_plan(spec, CHINA, {"holidays.ics": "", "rest.ics": ""})


@pytest.mark.parametrize(
    "written",
    [
        {"week": {}},
        {"week": {"mon": 19}},
        {"week": {"mon": ["1:00-2:00"] * 25}},
        {"week": {"mon": "1:00-2:00"}, "mode": "disarmed"},
        {"week": {"mon": "1:00-2:00"}, "grid": []},
        {"week": {"mon": "1:00-2:00"}, "name": "a b"},
        {"week": {"mon": "1:00-2:00"}, "weak": 1},
    ],
)
def test_a_plan_is_strict(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PlanSpec.model_validate({"name": "p", "title": "P", **written})


def test_the_digest_follows_what_is_armed_and_when() -> None:
    same = plan(OFFICE, title="other words").digest
    assert plan(OFFICE).digest == same
    others = [
        plan(OFFICE, mode="home"),
        plan(OFFICE, grid="G1"),
        plan(OFFICE, zone=BERLIN),
        plan({"mon": "19:00-07:30"}),
        plan(OFFICE, days=ics(NATIONAL)),
        plan(OFFICE, days=ics(NATIONAL), on_holidays=[]),
    ]
    assert len({same, *(other.digest for other in others)}) == 7


# --- properties ----------------------------------------------------------------------------

TIMES = st.builds(
    lambda a, b: f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}",
    st.integers(0, 1439),
    st.integers(0, 1440),
).filter(lambda text: text[:5] != text[6:])
WEEKS = st.dictionaries(
    st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
    st.lists(TIMES, max_size=3),
    min_size=1,
)
ZONES = st.sampled_from(
    [
        "Asia/Shanghai",
        "Europe/Berlin",
        "America/St_Johns",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Africa/Casablanca",
        "Asia/Kathmandu",
    ]
).map(ZoneInfo)
WALLS = st.integers(wall("2009-01-01T00:00") // SECOND, wall("2030-01-01T00:00") // SECOND)
SPECIAL = ics(
    NATIONAL,
    "DTSTART;VALUE=DATE:20000101;;RRULE:FREQ=YEARLY",
    "DTSTART;VALUE=DATE:20001231;;RRULE:FREQ=YEARLY;;SUMMARY:班",
)


@given(WEEKS, ZONES, WALLS, st.booleans())
@settings(deadline=None, max_examples=150)
def test_switches_and_modes_agree(week: Any, zone: ZoneInfo, second: int, special: bool) -> None:
    made = plan(week, zone=zone, days=SPECIAL if special else None)
    now = second * SECOND
    before, after = made.last_switch(now), made.next_switch(now)
    mode = made.mode_at(now)
    begin, end = before or now - HORIZON, after or now + HORIZON
    assert begin <= now < end
    assert {made.mode_at(begin + (end - begin) * n // 97) for n in range(97)} == {mode}
    if before is not None:
        assert made.mode_at(before - 1) != mode
        assert made.next_switch(before - 1) == before
    if after is not None:
        assert made.mode_at(after) != mode
        assert made.last_switch(after) == after


@given(WEEKS, WALLS)
@settings(deadline=None, max_examples=150)
def test_where_no_clock_changes_a_plan_is_what_is_written(week: Any, second: int) -> None:
    local = datetime.fromtimestamp(second, UTC).astimezone(ZoneInfo("Asia/Kathmandu"))
    names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    minute = local.hour * 60 + local.minute
    expected = False
    for back in (0, 1):
        for text in week.get(names[(local.weekday() - back) % 7], ()):
            begin, end = (int(t[:2]) * 60 + int(t[3:]) for t in text.split("-"))
            end += 1440 if end <= begin else 0
            expected = expected or begin <= minute + back * 1440 < end
    made = plan(week, zone=ZoneInfo("Asia/Kathmandu"))
    assert (made.mode_at(second * SECOND) == "away") is expected


LINES = st.sampled_from(
    [
        "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VALARM", "END:VALARM", "BEGIN:VTIMEZONE",
        "DTSTART:20200101T000000Z", "DTSTART;VALUE=DATE:20200229", "DTSTART:99991231T235959",
        "DTSTART;TZID=../../x:20200101T000000", "DTSTART:00010101", "DTSTART;VALUE=PERIOD:x/y",
        "DTEND:99991231", "DTEND:20200102T000000", "DTEND;TZID=UTC:00010101T000000",
        "DURATION:-P1D", "DURATION:P99999999999D", "DURATION:PT1S", "EXDATE:,", "RDATE:",
        "EXDATE:20200101,x", "RDATE;VALUE=PERIOD:20200101T000000Z/PT1H", "UID:a", "UID:", "SEQUENCE:x",
        "RECURRENCE-ID:20200101", "RECURRENCE-ID;RANGE=THISANDFUTURE:20210101T000000Z",
        "RRULE:FREQ=SECONDLY", "RRULE:FREQ=YEARLY", "RRULE:FREQ=DAILY;COUNT=-1", "RRULE:", "RRULE:x",
        "RRULE:FREQ=DAILY;UNTIL=99991231", "RRULE:FREQ=WEEKLY;BYDAY=XX", "RRULE:FREQ=YEARLY;BYMONTH=5L",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=0", "RRULE:FREQ=MONTHLY;BYDAY=-5SU;WKST=XX", "RRULE:COUNT=1",
        "RRULE:FREQ=YEARLY;COUNT=x", "RRULE:FREQ=YEARLY;UNTIL=", "RRULE:FREQ=YEARLY;WKST=",
        "SUMMARY:班", "CATEGORIES:", "CATEGORIES:WORKDAY", "STATUS:CANCELLED", " folded", "no colon",
        "DTSTART", ":", "X;Y=\"", "\x00:\x00", "SUMMARY;X=\udcff:1",
    ]
)  # fmt: skip


@given(st.lists(st.lists(LINES, max_size=5), max_size=4), st.integers(1990, 2040))
@settings(deadline=None, max_examples=400)
def test_any_calendar_is_read_or_refused(entries: list[list[str]], year: int) -> None:
    text = ics(*("DTSTART:20200101;;" * (n % 2) + ";;".join(e) for n, e in enumerate(entries)))
    try:
        days = calendar.read(text, CHINA).days(year)
    except CalendarFault:
        return
    assert all(day.year == year for day in days.holidays | days.working)


# --- what another engine says of times ------------------------------------------------------


def test_time_ranges_of_alertmanager_are_read_alike() -> None:
    path = shared("alert_rules/behaviour_json/alertmanager_time_intervals.json")
    for case in json.loads(path.read_text(encoding="utf-8"))["time_range_parsing"]:
        times = f"{case['start']}-{case['end']}"
        if case.get("error"):
            with pytest.raises(PlanFault):
                plan({"daily": times})
            continue
        made = plan({"mon": times})
        monday = wall("2026-11-23T00:00")
        assert made.next_switch(monday - 1) == monday + case["minutes"][0] * 60 * SECOND
        end = made.next_switch(monday + case["minutes"][0] * 60 * SECOND)
        assert end == monday + case["minutes"][1] * 60 * SECOND
