"""``python -m tests.vectors [FOLDER]``: passed, failed and not claimed per source, as a table.

FOLDER holds ``mqtt``, ``lorawan``, ``protocols`` and ``frigate``; without one it is
``shared/data`` beside the repository. Exit code 1 when less than 97 % of what is claimed passes.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Final

from tests.shared import DATA
from tests.vectors import Outcome, every, known

WANTED: Final = 0.97


def main(arguments: list[str]) -> int:
    """Print the table; the exit code."""
    words = [word for word in arguments if not word.startswith("-")]
    data = Path(words[0]) if words else DATA
    if not data.is_dir():
        print(f"{data} is no folder; give the one that holds mqtt, lorawan, protocols and frigate")
        return 1
    outcomes = list(every(data))
    table(outcomes)
    return details(outcomes, everything="-v" in arguments)


def table(outcomes: list[Outcome]) -> None:
    """One line for each source."""
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        counts.setdefault(outcome.source, Counter())[outcome.result] += 1
    print(f"{'source':<72} {'passed':>7} {'failed':>7} {'not claimed':>12}")
    for source, count in sorted(counts.items()):
        print(
            f"{source[-72:]:<72} {count['passed']:>7} {count['failed']:>7} {count['not claimed']:>12}"
        )
    total = Counter(outcome.result for outcome in outcomes)
    print(f"{'all':<72} {total['passed']:>7} {total['failed']:>7} {total['not claimed']:>12}")


def details(outcomes: list[Outcome], *, everything: bool) -> int:
    """What failed and why, the reasons for not claiming, and the share that passed."""
    reasons = known()
    failed = [each for each in outcomes if each.result == "failed"]
    for each in failed:
        why = reasons.get((each.source, each.case))
        print(f"failed: {each.source} {each.case}: {each.reason}" + (f" [{why}]" if why else ""))
    spared = [each for each in outcomes if each.result == "not claimed"]
    for reason, count in Counter(each.reason for each in spared).most_common():
        print(f"not claimed, {count}: {reason}")
    if everything:
        for each in spared:
            print(f"not claimed: {each.source} {each.case}: {each.reason}")
    claimed = sum(each.result != "not claimed" for each in outcomes)
    share = 1 - len(failed) / claimed if claimed else 0.0
    print(f"{claimed - len(failed)} of {claimed} claimed vectors pass: {share:.2%}")
    return 0 if share >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
