"""Any file of a peer's cases into verdicts; a file of another shape is one that says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from tests.rules.peers import Verdict, alertmanager, machines, promtool, thresholds
from tests.rules.peers.verdict import UNREADABLE

_Reader = Callable[[dict[str, Any]], Iterator[Verdict]]
_SHAPES: Final[tuple[tuple[frozenset[str], _Reader], ...]] = (
    (frozenset({"route_tree"}), alertmanager.verdicts_of_routes),
    (frozenset({"active_alerts"}), alertmanager.verdicts_of_inhibition),
    (frozenset({"contains_cases"}), alertmanager.verdicts_of_times),
    (frozenset({"time_range_parsing"}), alertmanager.verdicts_of_times),
    (frozenset({"rule", "series", "expected"}), machines.verdicts_of_rule),
)
"""What a document has -> who reads it."""
_MOST_BYTES: Final = 20_000_000


def verdicts(path: Path) -> list[Verdict]:
    """What becomes of every case of a file; never an error, always at least one."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            return [Verdict("file", "not expressible", "larger than a file of cases is")]
        text = path.read_text(encoding="utf-8")
        document = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, *UNREADABLE, yaml.YAMLError) as error:
        return [Verdict("file", "not expressible", f"it can not be read: {type(error).__name__}")]
    return verdicts_of(document, path)


def verdicts_of(document: Any, path: Path) -> list[Verdict]:
    """The same for the content of a file; ``path`` is where rules beside it are looked for."""
    try:
        found = list(_of(document, path))
    except UNREADABLE as error:
        reason = f"a file of another shape: {type(error).__name__}"
        return [Verdict("file", "not expressible", reason)]
    return found or [Verdict("file", "not expressible", "there is no case in it")]


def _of(document: Any, path: Path) -> Iterator[Verdict]:
    if promtool.is_test(document):
        yield from promtool.verdicts(document, path)
        return
    if not isinstance(document, dict):
        return
    for keys, reader in _SHAPES:
        if keys <= document.keys():
            yield from reader(document)
            return
    cases = document.get("cases")
    first = cases[0] if isinstance(cases, list) and cases else None
    if isinstance(first, dict) and "samples_per_step" in first:
        yield from machines.verdicts_of_machines(document)
    elif isinstance(first, dict) and "checks" in first:
        yield from thresholds.verdicts(document)
    elif isinstance(cases, list):
        for number, _ in enumerate(cases):
            yield Verdict(f"case {number}", "not expressible", "a case of another shape")
