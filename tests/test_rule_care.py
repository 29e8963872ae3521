"""A rule that fails or is too slow is said once, and once when it is well again."""

from __future__ import annotations

from typing import Any

import pytest

import rules
from gateway.model import SECOND, Reading, Text, Value
from gateway.rule_care import RuleCare, report

LOOK = 10 * SECOND
SLOW = 2_000_000
FAST = 5_000
WELL: dict[str, Value] = {"rule_failing": False}


class Care:
    """A state that a story fills, and what was said of it."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.care = RuleCare(lambda part, values: self.said.append((part, values)))
        self.state = rules.State()
        self.now = 10**18

    def sample(self, name: str, ns: int, count: int = 32) -> None:
        cost = self.state.costs.setdefault(name, rules.Cost())
        cost.count += count
        cost.total += ns * count

    def fail(self, name: str, said: str = "ZeroDivisionError: division by zero") -> None:
        count, _ = self.state.failures.get(name, (0, ""))
        self.state.failures[name] = (count + 1, said)

    def look(self, after: int = LOOK) -> list[tuple[str, bool]]:
        """What is said ``after`` ns."""
        self.now += after
        self.care.look(self.state, self.now)
        found = [(part, bool(values["rule_failing"])) for part, values in self.said]
        self.said.clear()
        return found


@pytest.fixture
def care() -> Care:
    return Care()


def test_slow_rule_is_said_once_and_once_when_it_is_fast_again(care: Care) -> None:
    care.sample("slow", SLOW)
    care.sample("fast", FAST)
    assert care.look() == [("rule:slow", True)]
    care.sample("slow", SLOW)
    assert care.look() == []
    care.sample("slow", FAST)  # of all its samples the mean is still above the limit
    assert care.look() == [("rule:slow", False)]


def test_few_samples_are_no_verdict(care: Care) -> None:
    care.sample("slow", SLOW, 31)
    assert care.look() == []
    care.sample("slow", SLOW, 1)
    assert care.look() == [("rule:slow", True)]


def test_rule_that_raised_is_failing_until_ten_minutes_have_passed_without(care: Care) -> None:
    care.fail("odd")
    care.now += LOOK
    care.care.look(care.state, care.now)
    assert care.said == [
        ("rule:odd", {"rule_failing": True,
                      "extra.reason": "rule odd fails: ZeroDivisionError: division by zero"})
    ]  # fmt: skip
    care.said.clear()
    assert care.look(300 * SECOND) == []
    care.fail("odd")
    assert care.look(299 * SECOND) == []
    assert care.look(599 * SECOND) == []
    assert care.look(2 * SECOND) == []  # looked a moment ago
    assert care.look() == [("rule:odd", False)]


def test_other_rules_end_every_verdict(care: Care) -> None:
    care.sample("slow", SLOW)
    care.fail("odd")
    assert sorted(care.look()) == [("rule:odd", True), ("rule:slow", True)]
    care.care.begin_anew(care.state)
    assert sorted(care.look()) == [("rule:odd", False), ("rule:slow", False)]


def test_what_an_earlier_run_said_stands_until_the_rule_is_judged_again(care: Care) -> None:
    failing: dict[str, Value] = {"rule_failing": True, "extra.reason": "slow"}
    latest = {
        f"gateway/rule:{name}": Reading(f"gateway/rule:{name}", "gateway", values)
        for name, values in (("slow", failing), ("mended", failing), ("well", WELL))
    }
    care.care.resume(latest, "gateway/")
    care.care.count_from(care.state)
    assert care.look() == []
    care.sample("slow", SLOW)
    care.sample("mended", FAST)
    assert care.look() == [("rule:mended", False)]
    care.sample("slow", FAST)
    assert care.look() == [("rule:slow", False)]


def test_report_has_a_row_for_each_rule_in_force_with_its_counters() -> None:
    text = """
rules:
  - {name: hot, title: 热, on: climate, when: temperature > 40, severity: alarm, category: life}
  - {name: cold, title: 冷, on: climate, when: temperature < 0, severity: alarm, category: life}
"""
    care = Care()
    care.sample("hot", 3_000)
    care.sample("gone", 9_000)
    care.state.tally["hot", "alarmed"] = 3
    care.state.tally["gone", "alarmed"] = 3
    care.fail("hot")
    hot, cold = report(rules.load([("own.yaml", text)]), care.state)
    assert (hot.name, hot.title, hot.mean) == ("hot", Text("热", "热"), 3_000)
    assert hot.counters == {"alarmed": 3, "failed": 1}
    assert (cold.name, cold.counters, cold.mean) == ("cold", {}, 0)
