"""Our engine, driven in seconds, also with a restart before every call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import yaml

import rules
from gateway.document import Problems
from gateway.model import SECOND, Change, Reading, Record, Site, Value
from rules.state import PENDING, Watch
from tests.rules.peers import EngineError, NotExpressibleError

_ARRIVAL: Final = 10_000_000 * SECOND
_WALL: Final = 1_767_600_000 * SECOND
_RAISED: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def ruleset(written: list[dict[str, Any]]) -> rules.Ruleset:
    """Rules from their written form. Raises ``NotExpressibleError`` where it is refused."""
    text = yaml.safe_dump({"rules": written}, sort_keys=False, allow_unicode=True)
    try:
        return rules.load([("peer.yaml", text)])
    except Problems as error:
        message = error.problems[0].message
        raise NotExpressibleError(f"the rule is refused: {message[:120]}") from None


def duration(seconds: float) -> str:
    """``seconds`` as a rule file says it, to the nanosecond."""
    return f"{seconds:.9f}s"


class Engine:
    """A ruleset, a site and a state. Raises ``EngineError`` where ours does not hold."""

    def __init__(self, ruleset: rules.Ruleset, site: Site, *, restart: bool = False) -> None:
        self.site = site
        self.state = rules.State()
        self._ruleset = ruleset
        self._saved: dict[str, bytes] | None = {} if restart else None
        self._number = 0

    def report(self, at: float, device: str, values: Mapping[str, Value]) -> list[Change]:
        """A report of a registered device at ``at`` (s)."""
        now = round(at * SECOND)
        kind = self.site.devices[device].kind if device in self.site.devices else "unknown"
        reading = Reading(device, kind, dict(values), received_at=_WALL + now, at=_WALL + now)
        self._number += 1
        record = Record(self._number, _ARRIVAL + now, "b", now, _WALL + now, True, reading)
        return self._do(lambda: rules.step(self._ruleset, self.site, self.state, record))

    def tick(self, at: float) -> list[Change]:
        """Let time pass up to ``at`` (s)."""
        now = _ARRIVAL + round(at * SECOND)
        return self._do(lambda: rules.tick(self._ruleset, self.site, self.state, now))

    def watches(self, device: str) -> Mapping[str, Watch]:
        """What is pending, open or clearing, by the rule's name."""
        entry = self.state.entries.get(device)
        return entry.active if entry is not None else {}

    def state_of(self, device: str, rule: str) -> str:
        """``inactive``, ``pending`` or ``firing``."""
        watch = self.watches(device).get(rule)
        if watch is None:
            return "inactive"
        return "pending" if watch.phase == PENDING else "firing"

    def _do(self, act: Callable[[], list[Change]]) -> list[Change]:
        try:
            if self._saved is not None:
                self._restart(self._saved)
            changes = act()
        except _RAISED as error:
            raise EngineError(f"the engine raised {type(error).__name__}: {error}") from error
        if self.state.failures:
            raise EngineError(f"a rule raised: {dict(self.state.failures)}")
        return changes

    def _restart(self, saved: dict[str, bytes]) -> None:
        for key, blob in self.state.take_dirty().items():
            if blob is None:
                saved.pop(key, None)
            else:
                saved[key] = blob
        self.state = rules.State.restore(saved)
