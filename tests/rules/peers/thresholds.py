"""Cases of alerts in JSON: rules, series with values, and what fires when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.rules.peers import Labels, Verdict
from tests.rules.peers.alerts import Check, judge
from tests.rules.peers.notation import Sample, samples
from tests.rules.peers.verdict import verdict
from tests.rules.peers.world import Alert, Series


def verdicts(document: dict[str, Any]) -> Iterator[Verdict]:
    """One for each of ``cases``."""
    for number, case in enumerate(document["cases"]):
        name = case.get("alert", "") if isinstance(case, dict) else ""
        yield verdict(f"case {number} {name}".strip(), _judged, case)


def _judged(case: dict[str, Any]) -> str:
    every = float(case.get("evaluation_interval_s") or 60.0)
    rules = list(case["rules"])
    checks = [
        Check(float(check["time_s"]), [_labels(one) for one in check["firing"] or ()])
        for check in case["checks"]
    ]
    alerts = [
        Alert(
            str(rule["expr"]),
            float(rule.get("for_s") or 0),
            float(rule.get("keep_firing_for_s") or 0),
            _labels(rule.get("labels") or {}),
        )
        for rule in rules
    ]
    own = {float(rule.get("group_interval_s") or 0) for rule in rules} - {0.0}
    return judge(alerts, [_series(one) for one in case["series"]], max(own, default=every), checks)


def _series(written: dict[str, Any]) -> Series:
    labels = _labels(written["labels"])
    values = written.get("values")
    found: list[Sample] = (
        samples(written["values_compact"])
        if values is None
        else [
            value if value is None or isinstance(value, str) else float(value) for value in values
        ]
    )
    return Series(labels.pop("__name__", ""), labels, float(written["step_s"]), found)


def _labels(written: dict[str, Any]) -> Labels:
    return {str(name): str(value) for name, value in written.items()}
