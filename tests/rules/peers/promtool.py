"""Unit tests of promtool and of vmalert (YAML): each expected alert, and each query."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from tests.rules.peers import Labels, NotExpressibleError, Verdict
from tests.rules.peers.alerts import Check, judge
from tests.rules.peers.notation import Sample, labels, samples, seconds
from tests.rules.peers.verdict import UNREADABLE, verdict
from tests.rules.peers.world import Alert, Series

_EVERY: Final = 60.0
_QUERIES: Final = ("promql_expr_test", "metricsql_expr_test")


def is_test(document: Any) -> bool:
    """Whether it holds unit tests."""
    return isinstance(document, dict) and isinstance(document.get("tests"), list)


def verdicts(document: dict[str, Any], path: Path) -> Iterator[Verdict]:
    """One for each line of ``alert_rule_test`` and of the tests of queries."""
    every = document.get("evaluation_interval")
    for number, test in enumerate(document["tests"]):
        found = list(
            _of_test(
                test if isinstance(test, dict) else {}, f"test {number}", every, document, path
            )
        )
        yield from found or [
            Verdict(f"test {number}", "not expressible", "there is nothing in it that is expected")
        ]


def _of_test(
    test: dict[str, Any], case: str, every: Any, document: dict[str, Any], path: Path
) -> Iterator[Verdict]:
    for number, line in enumerate(test.get("alert_rule_test") or ()):
        name = line.get("alertname", "") if isinstance(line, dict) else ""
        what = f"{case} alert {number} {name}".strip()
        yield verdict(what, _judged, test, line, every, document, path)
    for key in _QUERIES:
        for number, _ in enumerate(test.get(key) or ()):
            reason = "a query for numbers; rules here answer with alarms"
            yield Verdict(f"{case} query {number}", "not expressible", reason)


def _judged(
    test: dict[str, Any], line: dict[str, Any], every: Any, document: dict[str, Any], path: Path
) -> str:
    if "fail" in path.stem:
        raise NotExpressibleError(
            "the peer's own run is meant to fail here; it is not marked by what"
        )
    look = seconds(every) if every else _EVERY
    step = seconds(test["interval"]) if test.get("interval") else look
    series = [_series(one, step) for one in test.get("input_series") or ()]
    expected = [_strings((one or {}).get("exp_labels")) for one in line.get("exp_alerts") or ()]
    alerts, recorded, own = _alerts(document, line, path)
    used = {one for one in recorded for alert in alerts if one in alert.expression}
    if used:
        raise NotExpressibleError(
            "its value is what another rule works out (a recording rule); here conditions ask reports"
        )
    check = Check(seconds(line.get("eval_time")), expected)
    return judge(alerts, series, own or look, [check])


def _series(written: dict[str, Any], step: float) -> Series:
    name, found = labels(str(written["series"]))
    values: list[Sample] = samples(written["values"])
    return Series(name, found, step, values)


def _alerts(
    document: dict[str, Any], line: dict[str, Any], path: Path
) -> tuple[list[Alert], set[str], float]:
    """The alerting rules of that name, the names that other rules make, the group's interval."""
    alerts: list[Alert] = []
    recorded: set[str] = set()
    own = 0.0
    for group in _groups(document, path):
        for rule in group.get("rules") or ():
            if "record" in rule:
                recorded.add(str(rule["record"]))
            elif rule.get("alert") == line.get("alertname") and line.get("groupname") in (
                None,
                group.get("name"),
            ):
                own = seconds(group["interval"]) if group.get("interval") else 0.0
                alerts.append(
                    Alert(
                        str(rule["expr"]),
                        seconds(rule.get("for")),
                        seconds(rule.get("keep_firing_for")),
                        _strings(rule.get("labels")),
                    )
                )
    return alerts, recorded, own


def _groups(document: dict[str, Any], path: Path) -> Iterator[dict[str, Any]]:
    for named in document.get("rule_files") or ():
        found = _beside(path, Path(str(named)).name)
        if found is None:
            raise NotExpressibleError("the peer's rules are not in the set")
        try:
            rules = yaml.safe_load(found.read_text(encoding="utf-8"))
        except (OSError, *UNREADABLE, yaml.YAMLError):
            raise NotExpressibleError("the peer's rules can not be read") from None
        yield from (rules or {}).get("groups") or ()


def _beside(path: Path, name: str) -> Path | None:
    """A rule file of the set: there its name has the project's before it."""
    words = path.stem.split("_")
    prefixes = ["_".join(words[:count]) + "_" for count in range(len(words), 0, -1)]
    for prefix in (*prefixes, ""):
        for ending in (".yml", ".yaml"):
            found = path.parent / (prefix + Path(name).stem + ending)
            if found.is_file() and found != path:
                return found
    return None


def _strings(written: Any) -> Labels:
    return {str(name): str(value) for name, value in (written or {}).items()}
