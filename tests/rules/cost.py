"""What one step costs: ``python -m tests.rules.cost``. A figure to read, not a test.

Twenty rules are loaded, five of them for the reading's kind; nothing changes.
"""

from __future__ import annotations

import statistics
import sys

import rules
from gateway.clock import spin_ns
from tests.rules.told import device, load, record, rule, site

DEVICES = 200
STEPS = 20_000


def main() -> None:
    """Print the median of seven rounds, and what saving costs."""
    mine = [
        rule(f"when: alarm and not test or density > {n}.5; for: {n}s", name=f"s{n}")
        for n in range(5)
    ]
    others = [rule("when: alarm and not test", name=f"o{n}", on="heat") for n in range(15)]
    ruleset = load(*mine, *others)
    at = site(*(device(f"d{n}") for n in range(DEVICES)))
    state = rules.State()
    records = [
        record(
            n / 100,
            {"alarm": False, "density": n % 7 / 100, "temperature": 20.0, "battery": 90.0},
            f"d{n % DEVICES}",
            n=n,
        )
        for n in range(STEPS)
    ]
    rounds = []
    for _ in range(7):
        start = spin_ns()
        for one in records:
            rules.step(ruleset, at, state, one)
        rounds.append((spin_ns() - start) / STEPS / 1000)
    start = spin_ns()
    saved = state.take_dirty()
    each = (spin_ns() - start) / len(saved) / 1000
    sys.stdout.write(f"step: {statistics.median(rounds):.2f} us; saving: {each:.2f} us a device\n")


if __name__ == "__main__":
    main()
