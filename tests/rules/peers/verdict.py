"""One case judged, whatever its file holds: it never ends the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.rules.peers import EngineError, NotExpressibleError, Verdict

UNREADABLE: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What reading a file of another shape than the known ones can raise."""


def verdict(case: str, judged: Callable[..., str], *arguments: Any) -> Verdict:
    """``judged`` says what is wrong, or raises ``NotExpressibleError``."""
    try:
        wrong = judged(*arguments)
    except NotExpressibleError as reason:
        return Verdict(case, "not expressible", str(reason))
    except EngineError as error:
        return Verdict(case, "failed", str(error))
    except UNREADABLE as error:
        return Verdict(case, "not expressible", f"a case of another shape: {type(error).__name__}")
    return Verdict(case, "failed" if wrong else "passed", wrong)
