"""Functions over a time: what they are worth, when they fall, and what they keep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import SECOND
from rules.syntax import Call
from rules.window import MOST_SAMPLES, Windows, asked, note, worth
from tests.rules.told import Engine, device, load, rule, site

HEAT = site(device("h1", "heat"))


def heat(when: str, more: str = "") -> Engine:
    return Engine(load(rule(f"when: {when}; {more}", on="heat", category="facility")), HEAT)


def warm(e: Engine, minute: float, value: float, **more: object) -> list[str]:
    return e.report(minute * 60, {"temperature": value}, "h1", kind="heat", **more)  # type: ignore[arg-type]


def test_a_rate_is_the_change_per_minute_over_the_whole_time() -> None:
    e = heat("rate(temperature, 3m) >= 10 °C/min")
    assert [warm(e, n, v) for n, v in enumerate([20.0, 20.0, 25.0, 35.0])] == [[]] * 4
    assert warm(e, 4, 50.0) == ["alarmed r h1 @240"]  # from 20 at minute 1


def test_two_reports_close_together_are_no_rate() -> None:
    e = heat("rate(temperature, 3m) > 8 °C/min")
    assert warm(e, 0, 20.0) == []
    assert warm(e, 0.1, 25.0) == []  # 50 °C/min, over six seconds
    assert warm(e, 1.5, 33.0) == ["alarmed r h1 @90"]


def test_two_reports_close_together_become_no_rate_as_time_passes() -> None:
    e = heat("rate(temperature, 5m) > 8 °C/min")
    warm(e, 0, 20.0)
    assert warm(e, 1, 80.0) == []
    assert e.wait(3_600) == []


def test_a_rate_of_long_ago_is_unknown_and_ends_nothing() -> None:
    e = heat("rate(temperature, 3m) > 8 °C/min")
    warm(e, 0, 20.0)
    assert warm(e, 2, 40.0) == ["alarmed r h1 @120"]
    assert e.wait(3600) == []
    assert warm(e, 61, 40.0) == []  # one report in three minutes says nothing
    assert warm(e, 63, 40.0) == ["cleared r h1 @3780"]


def test_a_mean_forgets_what_falls_out_just_when_it_does() -> None:
    e = heat("avg(temperature, 10m) > 30 °C")
    warm(e, 0, 100.0)
    assert warm(e, 1, 20.0) == []
    e = heat("avg(temperature, 10m) > 30 °C")
    assert warm(e, 0, 100.0) == ["alarmed r h1 @0"]
    assert warm(e, 1, 10.0) == []
    assert e.wait(600) == []
    assert e.wait(600.1) == ["cleared r h1 @600"]


@pytest.mark.parametrize(("function", "at"), [("min", 180), ("max", 60)])
def test_the_least_and_the_greatest_are_of_the_reports_within(function: str, at: int) -> None:
    e = heat(f"{function}(temperature, 150s) > 30 °C")
    found = [warm(e, n, v) for n, v in enumerate([20.0, 40.0, 41.0, 42.0])]
    assert [said for said in found if said] == [[f"alarmed r h1 @{at}"]]


def test_a_count_is_of_the_times_it_became_true() -> None:
    e = Engine(load(rule("when: count(alarm, 10m) >= 3")), site(device("s1")))
    for minute in (0, 1):
        assert e.report(minute * 60, {"alarm": True}) == []
        assert e.report(minute * 60 + 5, {"alarm": True}) == []  # still the same alarm
        assert e.report(minute * 60 + 9, {"alarm": False}) == []
    assert e.report(120, {"alarm": True}) == ["alarmed r s1 @120"]
    assert e.wait(600) == []
    assert e.wait(600.1) == ["cleared r s1 @600"]


def test_a_time_as_long_as_the_reports_are_apart_is_never_empty_between_them() -> None:
    e = heat("max(temperature, 1m) > 30 °C", "for: 5m")
    found = [warm(e, n, 40.0) for n in range(7)]
    assert found == [[]] * 5 + [["alarmed r h1 @300"], []]


def test_of_a_device_that_never_says_it_is_over_each_report_counts() -> None:
    e = Engine(load(rule("when: count(alarm, 10m) >= 3")), site(device("s1")))
    assert [e.report(n, {"alarm": True}) for n in range(3)] == [[], [], ["alarmed r s1 @2"]]


def test_what_a_broker_kept_and_what_a_test_said_does_not_count() -> None:
    e = Engine(load(rule("when: count(alarm, 10m) >= 2")), site(device("s1")))
    e.report(0, {"alarm": True}, retained=True)
    e.report(1, {"alarm": True, "test": True})
    assert e.report(2, {"alarm": True}) == []
    assert e.report(3, {"alarm": True}) == ["alarmed r s1 @3"]


def test_changed_is_of_this_report_alone() -> None:
    e = Engine(
        load(rule("when: changed(zone); late: ring", category="facility")), site(device("s1"))
    )
    assert e.report(0, {"zone": "1"}) == []
    assert e.report(1, {"zone": "1"}) == []
    assert e.report(2, {"zone": "2"}) == ["alarmed r s1 @2"]
    assert e.report(3, {"zone": "2"}) == ["cleared r s1 @3"]


def test_a_value_is_stuck_when_it_was_watched_for_so_long() -> None:
    e = heat("not changed(temperature, 2h)")
    found = [said for n in range(13) if (said := warm(e, n * 10, 21.5))]
    assert found == [["alarmed r h1 @7200"]]
    assert warm(e, 140, 21.6) == ["cleared r h1 @8400"]


def test_a_device_that_says_nothing_is_not_stuck() -> None:
    e = heat("not changed(temperature, 2h)")
    warm(e, 0, 21.5)
    assert e.wait(86_400) == []
    assert warm(e, 1_441, 21.5) == []


def test_reports_that_overtook_each_other_are_put_in_order() -> None:
    e = heat("rate(temperature, 3m) >= 10 °C/min")
    warm(e, 0, 20.0)
    e.report(181, {"temperature": 50.0}, "h1", kind="heat")
    # the one from second 160 comes after it: the newest is still the one from second 181
    assert e.report(182, {"temperature": 20.0}, "h1", kind="heat", age=22) == []


def test_a_restart_keeps_the_windows() -> None:
    e = heat("rate(temperature, 3m) >= 10 °C/min")
    warm(e, 0, 20.0)
    e.restart()
    warm(e, 2, 30.0)
    e.restart()
    assert warm(e, 3, 50.0) == ["alarmed r h1 @180"]
    e.restart()
    assert e.wait(239) == []
    assert warm(e, 4, 50.0) == ["cleared r h1 @240"]  # 30 °C in four minutes


def test_the_sentence_tells_the_rate_and_its_time() -> None:
    e = heat("rate(temperature, 3m) > 8.3 °C/min")
    warm(e, 0, 20.0)
    e.report(120, {"temperature": 60.0}, "h1", kind="heat")
    watch = e.state.entries["h1"].active["r"]
    assert watch.why is not None
    assert watch.why.en == "rate of temperature over 3 min 20 °C/min above 8.3 since 16:02:00"
    assert watch.why.zh == "3 分钟内温度变化率 20 °C/min 高于 8.3，自 16:02:00 起"


@given(st.lists(st.tuples(st.integers(0, 10_000), st.floats(-50, 90)), min_size=1, max_size=900))
def test_a_window_is_bounded_and_stays_between_least_and_greatest(
    told: list[tuple[int, float]],
) -> None:
    calls = [Call(0, f, "x", 100 * SECOND) for f in ("avg", "min", "max")]
    wanted = asked({call.key: call for call in calls})
    assert wanted is not None
    windows = Windows({}, {})
    for at, value in told:
        note(windows, wanted, "x", value, at * SECOND)
        assert len(windows.samples["x"]) <= MOST_SAMPLES
    end = windows.samples["x"][-1].at
    mean, low, high = (worth(windows, call, end, end) for call in calls)
    assert isinstance(mean, float)
    assert isinstance(low, float)
    assert isinstance(high, float)
    assert low - 1e-9 <= mean <= high + 1e-9


@given(st.lists(st.floats(-50, 90), min_size=3, max_size=200))
def test_a_window_with_room_is_what_a_list_of_the_reports_gives(values: list[float]) -> None:
    call = Call(0, "avg", "x", 10 * SECOND)
    wanted = asked({call.key: call})
    assert wanted is not None
    windows = Windows({}, {})
    for at, value in enumerate(values):
        note(windows, wanted, "x", value, at * SECOND)
    inside = values[-10:]
    found = worth(windows, call, (len(values) - 1) * SECOND, 0)
    assert found == pytest.approx(sum(inside) / len(inside))


def test_what_nobody_asks_for_any_more_is_forgotten() -> None:
    e = heat("rate(temperature, 3m) > 8 °C/min and not changed(temperature, 1h)")
    warm(e, 0, 20.0)
    windows = e.state.entries["h1"].windows
    assert windows.samples
    assert windows.since
    e.ruleset = load(rule("when: alarm", on="heat"))
    warm(e, 1, 20.0)
    assert not windows.samples
    assert not windows.since
