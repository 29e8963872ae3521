"""How ``make bench-rules`` counts: hand-made events and alarms, and small recordings."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice, pairwise
from math import ceil, floor
from pathlib import Path
from types import ModuleType

import pytest

import rules
from gateway.model import Value
from tests.bench.recordings import home, machine, office, wells
from tests.bench.recordings import smoke as smoke_room
from tests.bench.recordings.case import Case, run, seconds
from tests.bench.recordings.play import Armed, Report, device, play, ruleset, site
from tests.bench.recordings.score import Alarm, Event, covered, quantile, runs, score
from tests.bench.rules_quality import span
from tests.shared import shared

FIRE, FLOOD = Event(100, 200, "fire"), Event(500, 600, "flood")


def test_first_alarm_within_an_event_finds_it_and_the_others_there_are_not_false() -> None:
    found = score([FIRE, FLOOD], [Alarm(150, "b"), Alarm(110, "a"), Alarm(199, "a")])
    assert [(one.event, one.delay, one.alarm.rule) for one in found.found] == [(FIRE, 10, "a")]
    assert found.missed == (FLOOD,)
    assert found.false == ()


def test_alarm_outside_of_every_event_is_false_each_for_itself() -> None:
    found = score([FIRE], [Alarm(99, "a"), Alarm(201, "a"), Alarm(300, "b")])
    assert found.missed == (FIRE,)
    assert found.by_rule == {"a": 2, "b": 1}
    assert (found.median, found.worst) == (None, None)


def test_event_is_widened_on_both_sides_and_its_bounds_belong_to_it() -> None:
    alarms = [Alarm(90, "a"), Alarm(260, "a"), Alarm(89, "a"), Alarm(261, "a")]
    found = score([FIRE], alarms, before=10, after=60)
    assert found.found[0].delay == -10
    assert [alarm.at for alarm in found.false] == [89, 261]


def test_one_alarm_finds_both_events_that_it_lies_in() -> None:
    both = [Event(0, 50), Event(40, 90)]
    found = score(both, [Alarm(45, "a")])
    assert [one.delay for one in found.found] == [45, 5]
    assert found.false == ()


def test_alarm_said_once_more_neither_finds_nor_is_false_and_is_counted() -> None:
    found = score([FIRE], [Alarm(150, "a", again=True), Alarm(300, "a", again=True)])
    assert (found.found, found.false, found.again) == ((), (), 2)


def test_events_of_other_names_are_left_out_and_their_alarms_are_not_false() -> None:
    found = score([FIRE, FLOOD], [Alarm(150, "a"), Alarm(300, "a")]).of("flood")
    assert (found.found, found.missed) == ((), (FLOOD,))
    assert [alarm.at for alarm in found.false] == [300]


def test_median_and_worst_are_of_the_events_found() -> None:
    events = [Event(start, start + 99) for start in (0, 1_000, 2_000, 3_000)]
    found = score(events, [Alarm(1, "a"), Alarm(1_003, "a"), Alarm(2_050, "a")])
    assert (found.median, found.worst) == (3, 50)
    assert len(found.missed) == 1


def test_labels_become_one_event_for_each_stretch() -> None:
    times = [0.0, 10.0, 20.0, 30.0, 40.0]
    assert runs(times, [True, True, False, False, True], step=10) == [Event(0, 20), Event(40, 50)]
    assert runs(times, [False] * 5) == []


def test_holes_of_a_recording_are_not_covered() -> None:
    assert covered([0, 10, 20, 500, 510], 60) == 30


@pytest.mark.parametrize(("share", "value"), [(0, 1), (0.5, 2), (0.75, 3), (0.76, 4), (1, 4)])
def test_quantile_is_a_value_that_was_there(share: float, value: float) -> None:
    assert quantile([4, 1, 3, 2], share) == value


def test_times_of_the_recordings_are_taken_as_they_stand() -> None:
    assert seconds("1970-01-02T00:00:01.5") == 86_401
    assert seconds("1970-01-02 00:00:01") == 86_401


def smoke(*alarming: tuple[float, bool]) -> list[Report]:
    return [Report(at, "s", dict[str, Value](alarm=alarm)) for at, alarm in alarming]


def test_recording_is_told_to_the_shipped_packs_and_held_against_its_labels() -> None:
    told = smoke((0, False), (110, True), (180, False), (300, True), (1_500, True), (1_600, False))
    case = Case("two", site(device("s", "smoke")), told, frozenset({"life"}), 12.0, [FIRE])
    row = run(case)
    assert [(one.delay, one.alarm.rule) for one in row.score.found] == [(10, "smoke_alarm")]
    assert [(alarm.at, alarm.rule) for alarm in row.score.false] == [(300, "smoke_alarm")]
    assert row.score.again == 1  # at 1,500 s the alarm of 300 s stands
    assert row.false_per_day == 2
    assert row.readings == 6


def test_alarms_of_rules_that_are_not_judged_are_counted_beside() -> None:
    told = [Report(0, "s", {"alarm": True, "tamper": True})]
    case = Case("b", site(device("s", "smoke")), told, frozenset({"life"}), 1.0, [Event(0, 9)])
    row = run(case)
    assert len(row.score.found) == 1
    assert row.others == {"tamper": 1}


def test_what_is_not_watched_does_not_count() -> None:
    told = smoke((10, True), (20, False), (110, True))
    case = Case(
        "w",
        site(device("s", "smoke")),
        told,
        frozenset({"smoke_alarm"}),
        1.0,
        [Event(0, 15), FIRE],
        watched=[Event(100, 1_000)],
    )
    row = run(case)
    assert [one.event for one in row.score.found] == [FIRE]
    assert (row.score.missed, row.score.false, row.readings) == ((), (), 1)


def test_what_waits_at_the_end_still_comes_and_the_end_is_no_silence() -> None:
    head = "on: smoke, title: T, severity: notice, category: trouble"
    loaded = rules.load(
        [
            (
                "own.yaml",
                f"rules:\n  - {{name: waits, when: alarm, for: 60s, {head}}}\n"
                f"  - {{name: silent_soon, absent: 61s, {head}}}\n",
            )
        ]
    )
    told = [Report(0, "s", {"alarm": True})]
    alarms = play(loaded, site(device("s", "smoke")), told)
    assert alarms == [Alarm(60, "waits", "s")]


def test_judged_rule_that_does_not_exist_is_told_of() -> None:
    case = Case("x", site(device("s", "smoke")), smoke((0, True)), frozenset({"smoky"}), 1.0)
    with pytest.raises(ValueError, match="no rule or category is called smoky"):
        run(case)


def test_home_is_armed_while_nobody_is_there_and_disarmed_after() -> None:
    away = home.Interval(1_000, 2_000, "Leaving")
    assert home.arming([away])[1:] == [Armed(1_000, "away"), Armed(2_000, "disarmed")]
    assert home.between([Event(10, 20), Event(15, 30)], 0, 50) == [Event(0, 10), Event(30, 50)]


def test_absence_ends_a_little_after_the_door_opened_in_its_last_minutes() -> None:
    away, asleep = home.Interval(1_000, 2_000, "Leaving"), home.Interval(1_000, 2_000, "Sleeping")
    assert home.disarmed_inside(away, [1_005, 1_950, 1_990]).end == 1_970
    assert home.disarmed_inside(away, [1_005]) == away
    assert home.disarmed_inside(asleep, [1_950]) == asleep


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "-"),
        (0, "0 s"),
        (119, "119 s"),
        (150, "2.5 min"),
        (4_000, "67 min"),
        (9_000, "2.5 h"),
    ],
)
def test_spans_are_said_in_one_unit(seconds: float | None, said: str) -> None:
    assert span(seconds) == said


def test_recordings_that_are_not_there_are_named_and_left_out(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.rules_quality", "--json", "--data", str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == []
    assert done.stderr.count("left out:") == 6
    assert max(map(len, done.stderr.splitlines())) <= 110 + len(str(tmp_path))


# --- thresholds of the sites ---------------------------------------------------------------


def threshold(file: str, rule: str, name: str, of: str, kind: str) -> float:
    """What ``name`` of ``rule`` is for device ``of`` by the rule file of a site."""
    cover = ruleset(file).cover(of, kind, site(device(of, kind)))
    return float(str(cover.by_name[rule].thresholds[name]).split()[0])


def told(recording: ModuleType, name: str, number: int = 0) -> list[tuple[float, float]]:
    """Time and value ``name`` of each report of a recording's ``number``-th run."""
    folder = shared(f"timeseries/{recording.FILES[0]}").parent
    case = next(islice(recording.cases(folder), number, None))
    return [(one.at, float(one.values[name])) for one in case.told if isinstance(one, Report)]


@pytest.mark.parametrize("number", range(3))
def test_thresholds_of_a_well_are_from_the_first_fifth_of_its_series(number: int) -> None:
    well = wells.WELLS[number]
    rows = told(wells, "water_level", 3 * number)
    first = rows[: int(len(rows) * wells.LEARNT)]
    high = threshold("wells.yaml", "manhole_flooding", "high", well, "manhole")
    assert 0 <= high - quantile([level for _, level in first], 0.999) < 0.01
    steps = [abs(b - a) / (u - t) * 43_200 for (t, a), (u, b) in pairwise(first) if u - t > 40_000]
    jump = threshold("wells.yaml", "level_jump", "jump", well, "manhole")
    assert 0 <= jump - quantile(steps, 0.999) < 0.01


def test_thresholds_of_the_machine_are_from_its_first_week() -> None:
    week = [value for at, value in told(machine, "temperature") if at < machine.LEARNT]
    assert threshold("machine.yaml", "heat_high", "hot", "machine", "heat") == ceil(max(week))
    assert threshold("machine.yaml", "machine_cold", "cold", "machine", "heat") == floor(min(week))


def test_threshold_of_the_office_is_from_the_days_before() -> None:
    path = shared(f"timeseries/{office.FILES[0]}")
    in_use = [
        float(row.split(",")[4])
        for row in path.read_text(encoding="utf-8").splitlines()[1:]
        if row.endswith(",1") and seconds(row.split(",")[1].strip('"')) < office.LEARNT
    ]
    light = threshold("office.yaml", "room_in_use", "light", "office", "climate")
    assert 0 <= quantile(in_use, 0.01) - light < 10


def test_threshold_of_the_smoke_room_is_from_the_minutes_before_the_fire() -> None:
    before = [value for at, value in told(smoke_room, "humidity") if at < smoke_room.TRAINED]
    rise = max(b - a for a, b in zip(before, before[60:], strict=False))
    sudden = threshold("smoke_room.yaml", "humid_suddenly", "sudden", "room", "climate")
    assert abs(sudden - 1.5 * rise) < 0.1
