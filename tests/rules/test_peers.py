"""What other rule engines promise, in our words: it holds, or the reason says why it can not.

The peers' own files lie in ``shared/data``; two of them are here as well. ``make vectors`` runs all.
"""

from __future__ import annotations

import contextlib
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from tests.rules.peers import NotExpressibleError, Verdict
from tests.rules.peers.alerts import TIMERS_FIRST
from tests.rules.peers.convert import verdicts, verdicts_of
from tests.rules.peers.notation import labels, samples, seconds
from tests.rules.peers.promql import translate
from tests.rules.peers.reference import SIGNS, WINDOWS, firing, holds
from tests.rules.peers.world import LATER, LOOKBACK, Alert, Series, World

PEERS = Path(__file__).parent / "peers"
MACHINES = json.loads((PEERS / "vmalert_state_machine.json").read_text(encoding="utf-8"))
OVER_TIME = json.loads((PEERS / "prometheus_alerting_rule.json").read_text(encoding="utf-8"))
HERE = PEERS / "none.json"

ALERT: dict[str, Any] = {
    "cases": [
        {
            "alert": "Low",
            "rules": [
                {"expr": 'level{pit!="z"} < 1', "for_s": 120, "keep_firing_for_s": 60, "labels": {}}
            ],
            "evaluation_interval_s": 60,
            "series": [
                {
                    "labels": {"__name__": "level", "pit": "a"},
                    "step_s": 60,
                    "values": None,
                    "values_compact": "2 0x3 2x3",
                },
                {
                    "labels": {"__name__": "level", "pit": "b"},
                    "step_s": 60,
                    "values": [2, 0, 2, 2, 2, 2, 2],
                },
                {"labels": {"__name__": "level", "pit": "z"}, "step_s": 60, "values": [0] * 7},
            ],
            "checks": [
                {"time_s": 120, "firing": []},
                {"time_s": 180, "firing": [{"alertname": "Low", "pit": "a"}]},
                {"time_s": 300, "firing": [{"alertname": "Low", "pit": "a"}]},
                {"time_s": 360, "firing": []},
            ],
        }
    ]
}
TIMES: dict[str, Any] = {
    "contains_cases": [
        {
            "interval": {"weekdays": ["sunday"], "days_of_month": ["1:7", "-1"]},
            "contains": ["2026-11-01T00:00:00Z", "2027-01-31T10:00:00Z"],
            "excludes": ["2026-11-08T00:00:00Z", "2026-11-02T00:00:00Z"],
        },
        {
            "interval": {"years": ["2026"], "months": ["november:december"]},
            "contains": ["2026-11-01T00:00:00Z", "2026-12-31T23:59:59Z"],
            "excludes": ["2026-10-31T23:59:59Z", "2025-12-31T12:00:00Z", "2027-01-01T00:00:00Z"],
        },
    ]
}
HELD: dict[str, Any] = {
    "rules": [
        {"source_match": {"s": "1"}, "target_match_re": {"t": "1|2"}, "equal": ["house", "floor"]}
    ],
    "active_alerts": [{"labels": {"s": "1", "house": "3", "floor": "2"}, "active": True}],
    "cases": [
        {"target": {"t": "2", "house": "3", "floor": "2"}, "muted": True},
        {"target": {"t": "2", "house": "3", "floor": "1"}, "muted": False},
        {"target": {"t": "3", "house": "3", "floor": "2"}, "muted": False},
    ],
}
PROMTOOL: dict[str, Any] = {
    "tests": [
        {
            "interval": "30s",
            "input_series": [{"series": 'up{job="a"}', "values": "1x3 0x10"}],
            "alert_rule_test": [
                {
                    "eval_time": "7m",
                    "alertname": "Down",
                    "exp_alerts": [{"exp_labels": {"job": "a"}}],
                }
            ],
            "promql_expr_test": [{"expr": "up"}],
        }
    ]
}
OTHERWISE = {("case 5 for-pending=>firing=>keepfiring=>firing", TIMERS_FIRST)}


def failed(document: Any) -> list[Verdict]:
    return [each for each in verdicts_of(document, HERE) if each.result != "passed"]


@pytest.mark.parametrize(
    "document", [ALERT, TIMES, HELD, OVER_TIME], ids=["alert", "times", "held", "over"]
)
def test_what_both_mean_alike_passes(document: Any) -> None:
    assert failed(document) == []


def test_vmalert_states_step_by_step() -> None:
    left = failed(MACHINES)
    assert {(each.case, each.reason.rpartition("[")[2].rstrip("]")) for each in left} == OTHERWISE


@pytest.mark.parametrize(
    ("document", "path", "value"),
    [
        (ALERT, ("cases", 0, "checks", 0, "firing"), [{"pit": "a"}]),
        (ALERT, ("cases", 0, "checks", 1, "firing"), []),
        (ALERT, ("cases", 0, "checks", 2, "firing", 0, "pit"), "b"),
        (ALERT, ("cases", 0, "checks", 3, "firing"), [{"pit": "a"}]),
        (ALERT, ("cases", 0, "rules", 0, "expr"), "level < 1"),
        (ALERT, ("cases", 0, "rules", 0, "keep_firing_for_s"), 0),
        (ALERT, ("cases", 0, "rules", 0, "for_s"), 60),
        (TIMES, ("contains_cases", 0, "interval", "weekdays"), ["monday"]),
        (TIMES, ("contains_cases", 0, "interval", "days_of_month"), ["1:8"]),
        (TIMES, ("contains_cases", 1, "interval", "years"), ["2025:2026"]),
        (HELD, ("cases", 0, "muted"), False),
        (HELD, ("cases", 1, "muted"), True),
        (HELD, ("active_alerts", 0, "active"), False),
        (OVER_TIME, ("expected", 1, "firing"), ["0"]),
        (OVER_TIME, ("rule", "for_s"), 301),
        (MACHINES, ("cases", 3, "for_ms"), 0),
        (MACHINES, ("cases", 6, "keep_firing_for_ms"), 0),
    ],
)
def test_another_expectation_or_another_rule_fails(
    document: Any, path: tuple[str | int, ...], value: Any
) -> None:
    changed = copy.deepcopy(document)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    before = {each for each in verdicts_of(document, HERE) if each.result == "failed"}
    after = {each for each in verdicts_of(changed, HERE) if each.result == "failed"}
    assert after - before


def test_a_promtool_test_finds_the_rules_beside_it(tmp_path: Path) -> None:
    rules = "groups: [{name: g, rules: [{alert: Down, expr: up == 0, for: 5m}]}]"
    (tmp_path / "peer_rules.yml").write_text(rules, encoding="utf-8")
    (tmp_path / "peer_x-test.yml").write_text(
        json.dumps({**PROMTOOL, "rule_files": ["../rules.yml"]}), encoding="utf-8"
    )
    found = verdicts(tmp_path / "peer_x-test.yml")
    assert [each.result for each in found] == ["passed", "not expressible"]
    assert verdicts(tmp_path / "peer_rules.yml")[0].reason == "there is no case in it"


# --- what is put into our words, and what is not ------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("m > 5", "extra.v0 > 5"),
        ("0.5 <= m{a='b'}", "0.5 <= extra.v0"),
        ("m == 1 and n != 2", "(extra.v0 == 1 and extra.v1 != 2)"),
        ("m > 1 or n > 1 and m < 3", "(extra.v0 > 1 or (extra.v1 > 1 and extra.v0 < 3))"),
        ("(a - b) / 3 > 1e3", "((extra.v0 - extra.v1) / 3) > 1000"),
        ("used / most >= 0.8", "(extra.v0 / extra.v1) >= 0.8"),
        ("-m < -2", "(-extra.v0) < (-2)"),
        ("avg_over_time(m[1h30m]) > 2", "avg(extra.w0, 5400s) > 2"),
        ("min_over_time(m[5m]) == 0 # x", "min(extra.w0, 300s) == 0"),
        ("count_over_time(m[5m]) > 3", "count(extra.w0, 300s) > 3"),
        ("sum_over_time(m[5m]) > 3", "(avg(extra.w0, 300s) * count(extra.w0, 300s)) > 3"),
        ('{__name__="m", a=~"b|c"} > 1', "extra.v0 > 1"),
        ("m > 1 or absent(m)", "(extra.v0 > 1)"),
        ("absent(m)", ""),
    ],
)
def test_a_condition_in_our_words(theirs: str, ours: str) -> None:
    assert translate(theirs).when == ours


@pytest.mark.parametrize(
    ("theirs", "because"),
    [
        ("1", "a number alone always fires"),
        ("m", "fires while there is a value"),
        ("sum(m) > 1", "'sum' over several series"),
        ("avg by (a) (m) > 1", "'avg' over several series"),
        ("rate(m[5m]) > 1", "draws a line"),
        ("increase(m[5m]) > 1", "draws a line"),
        ("m offset 1h > 1", "another time"),
        ("m @ 5 > 1", "another time"),
        ("avg_over_time(sum(m)[1h:]) > 1", "subquery"),
        ("avg_over_time(m[1h:5m]) > 1", "subquery"),
        ("m > 1 and on(a) n > 1", "joined by some of their labels"),
        ("m > bool 1", "makes numbers of comparisons"),
        ("m > 1 unless n > 1", "'unless'"),
        ("m % 2 > 1", "remainders"),
        ("m / (n - 1) > 1", "may be zero"),
        ("(m > 1) + 1 > 2", "used as a number"),
        ("m > time()", "the time of day"),
        ("m > NaN", "infinity or NaN"),
        ("quantile_over_time(0.9, m[5m]) > 1", "no function like"),
        ("m{a=~'(a+)+'} > 1", "a pattern of labels"),
        ("m{a=~'('} > 1", "a pattern of labels"),
        ("(" * 60 + "m > 1" + ")" * 60, "nested"),
        ("m >", "ends too early"),
        ("m > 1 )", "not read here"),
        ("m ! 1", "not read here"),
        ("", "ends too early"),
    ],
)
def test_what_is_no_condition_of_ours_says_why(theirs: str, because: str) -> None:
    with pytest.raises(NotExpressibleError, match=because):
        translate(theirs)


def changed_alert(**changes: Any) -> str:
    """The verdict's reason, or its result, of ``ALERT`` with another rule or series."""
    case = copy.deepcopy(ALERT["cases"][0])
    for key, value in changes.items():
        if key == "values":
            case["series"] = [{**case["series"][0], "values_compact": value}]
        else:
            case["rules"][0][key] = value
    found = verdicts_of({"cases": [case]}, HERE)[0]
    return found.reason if found.result == "not expressible" else found.result


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"values": "2 0x3 stale"}, "not reported any more"),
        ({"values": "0", "for_s": 0}, "not reported any more"),
        ({"values": "2 0x3 2 _x9"}, "passed"),
        ({"expr": "avg_over_time(level[2m]) < 1", "values": "2 0x1 _x9"}, "not reported any more"),
        ({"expr": "avg_over_time(level[90m]) < 1", "values": "2 0x1 _x9", "for_s": 900}, "failed"),
        ({"values": "NaN"}, "infinity or NaN"),
        ({"values": "0+1x999999999"}, "more than 20,000"),
        ({"values": "{{schema:1}}x3"}, "histograms"),
        ({"expr": "5 / level < 1"}, "divided by zero"),
        ({"expr": "absent(level)"}, "without a 'keep'"),
        ({"expr": "absent(level)", "keep_firing_for_s": 0}, "several series at once"),
        ({"expr": "deep < 1"}, "a recording rule"),
    ],
)
def test_what_the_series_make_inexpressible(changes: Any, because: str) -> None:
    assert because in changed_alert(**changes)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("1", [1.0]),
        (0, [0.0]),
        ("1x2", [1.0] * 3),
        ("0+10x2", [0.0, 10.0, 20.0]),
        ("1-2x1 _ _x2 stale", [1.0, -1.0, None, None, None, "stale"]),
        ("-1.5e1+0.5x1", [-15.0, -14.5]),
    ],
)
def test_values_of_a_series(written: Any, found: Any) -> None:
    assert samples(written) == found


def test_times_and_labels_of_promtool() -> None:
    assert [seconds(t) for t in ("1d", "4m59s", "2m59s999ms", 0, "90", None)] == [
        86_400, 299, 179.999, 0, 90, 0,
    ]  # fmt: skip
    assert labels('up{job="a,}", x="\\"" }') == ("up", {"job": "a,}", "x": '"'})
    with pytest.raises(NotExpressibleError, match="without an end"):
        labels('up{job="a"')


# --- against the peer's algorithm -----------------------------------------------------------

VALUES = st.lists(st.none() | st.integers(0, 3).map(float), min_size=3, max_size=40)
TERMS = st.tuples(
    st.sampled_from(["", *WINDOWS]),
    st.sampled_from([90.0, 150.0, 330.0, 3_690.0]),
    st.sampled_from(list(SIGNS)),
    st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0]),
)


@given(
    st.lists(VALUES, min_size=2, max_size=2),
    st.lists(TERMS, min_size=1, max_size=3),
    st.sampled_from(["and", "or"]),
    st.sampled_from([0.0, 60.0, 120.0, 300.0]),
    st.sampled_from([0.0, 60.0, 180.0]),
    st.booleans(),
)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.filter_too_much])
def test_alarms_stand_when_prometheus_says_so(
    values: list[list[float | None]],
    terms: list[tuple[str, float, str, float]],
    word: str,
    hold: float,
    keep: float,
    restart: bool,
) -> None:
    if any(function for function, *_ in terms):
        hold = keep = 0.0  # a window changes between two looks, which the peer does not see
    written, truths = [], [[word == "and"] * len(values[0]) for _ in values]
    for function, length, sign, limit in terms:
        value = f"{function}_over_time(m[{length:g}s])" if function else "m"
        written.append(f"{value} {sign} {limit:g}")
        for series, truth in zip(values, truths, strict=True):
            known = [(60.0 * n, one) for n, one in enumerate(series) if one is not None]
            for n in range(len(truth)):
                back = length if function else LOOKBACK
                true = holds(known, function, back, sign, limit, 60.0 * n)
                truth[n] = (truth[n] and true) if word == "and" else (truth[n] or true)
    for series, truth in zip(values, truths, strict=True):
        for n in range(len(truth)):
            one = series[n] if n < len(series) else None
            # Ours begins with a report; where the peer looks at what only fell out of a window,
            # it goes on as it was, or ends.
            truth[n] = truth[n] and (one is not None or (n > 0 and truth[n - 1]))
    wanted = [firing(truth, 60.0, hold, keep) for truth in truths]
    made = [Series("m", {"n": str(n)}, 60.0, list(one)) for n, one in enumerate(values)]
    moments = [60.0 * n for n in range(len(values[0]))]
    try:
        world = World(Alert(f" {word} ".join(written), hold, keep, {}), made, moments[-1])
        found = world.fire(moments, later=LATER, restart=restart)
    except NotExpressibleError:
        reject()
    ours = [[{"n": str(n)} in now for now in found] for n in range(len(values))]
    assert ours == wanted


# --- files of any shape ---------------------------------------------------------------------

PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 5_000),
    st.floats(width=32),
    st.text(max_size=5),
    st.sampled_from(["0+1x9", "_ stale", "up == 0", "absent(up)", "5m", "monday:friday", "-3:-1"]),
)
ANYTHING = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
)  # fmt: skip


@given(st.data())
@settings(deadline=None, max_examples=250)
def test_a_file_of_any_shape_has_a_verdict(data: st.DataObject) -> None:
    documents = [ALERT, TIMES, HELD, OVER_TIME, PROMTOOL, {"cases": MACHINES["cases"][3:6]}]
    document = copy.deepcopy(data.draw(st.sampled_from(documents)))
    place: Any = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, (dict, list)) or data.draw(st.integers(0, 3)) == 0:
            place[key] = data.draw(ANYTHING)
            break
        place = inner
    found = verdicts_of(document, HERE)
    assert found
    assert [each for each in found if "raised" in each.reason] == []
    assert all(each.reason for each in found if each.result != "passed")


@given(st.text(alphabet="mn01 ()[]{}<>=!~+-*/:,\"'absentorandavg_over_time5mh", max_size=40))
@settings(deadline=None, max_examples=250)
def test_any_promql_is_ours_or_says_why_not(text: str) -> None:
    with contextlib.suppress(NotExpressibleError):
        assert translate(text).when or "absent" in text


def test_bytes_of_any_sort_have_a_verdict(tmp_path: Path) -> None:
    for name, content in (
        ("a.json", b"\xff{"),
        ("b.yml", b"a: [b"),
        ("c.yaml", b""),
        ("d.json", b"[1]"),
    ):
        (tmp_path / name).write_bytes(content)
        assert [each.result for each in verdicts(tmp_path / name)] == ["not expressible"]
    assert verdicts(tmp_path / "none.json")[0].result == "not expressible"
