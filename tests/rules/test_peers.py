"""Where another alerting engine and ours mean the same, they say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rules.state import PENDING
from tests.rules.told import Engine, load, rule, site

PEERS = Path(__file__).parent / "peers"
MACHINES = json.loads((PEERS / "vmalert_state_machine.json").read_text(encoding="utf-8"))["cases"]
OTHERWISE = {
    "for-pending=>firing=>keepfiring=>firing": "a keep that ends at the moment of a report ends"
    " before it: timers due come first",
    "for-pending=>firing=>keepfiring=>keepfiring=>inactive=>pending=>firing": "same",
}


def state_of(engine: Engine, device: str) -> str:
    watch = engine.state.entries[device].active.get("r")
    if watch is None:
        return "inactive"
    return "pending" if watch.phase == PENDING else "firing"


@pytest.mark.parametrize("case", MACHINES, ids=[case["name"] for case in MACHINES])
def test_vmalert_states_step_by_step(case: dict[str, Any]) -> None:
    if case["name"] in OTHERWISE:
        pytest.skip(OTHERWISE[case["name"]])
    times = f"for: {case['for_ms']}ms; keep: {case['keep_firing_for_ms']}ms"
    engine = Engine(load(rule(f"when: alarm; {times}")), site())
    seen: set[str] = set()
    for number, samples in enumerate(case["samples_per_step"]):
        present = {json.dumps(labels) for labels in samples}
        seen |= present
        for name in sorted(seen):
            engine.report(number * case["step_ms"] / 1000, {"alarm": name in present}, name)
        for expected in case["expected_per_step"].get(str(number), []):
            assert state_of(engine, json.dumps(expected["labels"])) == expected["state"]


def test_prometheus_alerts_over_time() -> None:
    case = json.loads((PEERS / "prometheus_alerting_rule.json").read_text(encoding="utf-8"))
    engine = Engine(load(rule("when: extra.requests < 100; for: 60s")), site())
    for number, expected in enumerate(case["expected"]):
        engine.wait(expected["time_s"])
        for series in case["series"]:
            value = float(series["values"][number])
            name = series["labels"]["instance"]
            engine.report(expected["time_s"], {"extra.requests": value}, name)
        for phase in ("pending", "firing"):
            names = [series["labels"]["instance"] for series in case["series"]]
            assert [n for n in names if state_of(engine, n) == phase] == expected[phase]
