"""A problem in the reader's language."""

from __future__ import annotations

from gateway.document import Problem


def sentence(problem: Problem) -> str:
    """``file:line:column: message``."""
    return str(problem)
