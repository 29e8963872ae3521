"""What other rule engines promise, put into our language: alerts, silence, times, inhibition."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.rules.peers.convert import verdicts
from tests.vectors import Outcome

FILES: Final = (
    "alert_rules/behaviour_json/*.json",
    "alert_rules/promtool/*.yml",
    "alert_rules/promtool/*.yaml",
)
KNOWN: Final[dict[tuple[str, str], str]] = {
    (
        "alert_rules/behaviour_json/vmalert_state_machine.json",
        "case 5 for-pending=>firing=>keepfiring=>firing",
    ): "the end of a 'keep' and the next report fall on one nanosecond: here timers come first",
}


def outcomes(data: Path) -> Iterator[Outcome]:
    """One for each case of each file."""
    for path in sorted(path for glob in FILES for path in data.glob(glob)):
        source = path.relative_to(data).as_posix()
        for found in verdicts(path):
            if found.result == "not expressible":
                reason = f"not expressible: {found.reason}"
                yield Outcome(source, found.case, "not claimed", reason)
            else:
                yield Outcome(source, found.case, found.result, found.reason)
