"""What other rule engines promise, put into our language and run.

Every case ends as passed, failed or not expressible; the last has its reason in words. What is
expected comes from the peer's file alone.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Labels = dict[str, str]


class NotExpressibleError(Exception):
    """Our language does not say this; the text tells why."""


class EngineError(Exception):
    """Our engine did not hold: a failure, whatever the case was."""


class Verdict(NamedTuple):
    """What became of one case of a file."""

    case: str
    result: Literal["passed", "failed", "not expressible"]
    reason: str = ""
