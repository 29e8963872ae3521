"""Stage ``inhibit``: the root cause is known, so that its consequences need not be told. Pure.

The rules hold most of them back before there is an incident. What was opened first, and had to
wait since, ends here: a silent sensor need not be told once its gateway is known to be down.
"""

from __future__ import annotations

from gateway.model import Category, End
from gateway.notify.facts import ANSWER, RESOLVES, Facts, Verdict


def inhibit(facts: Facts) -> Verdict | None:
    """Life safety, resolves and answers are never inhibited."""
    if not facts.cause or facts.incident.category is Category.life:
        return None
    if facts.row.purpose in (*RESOLVES, ANSWER):
        return None
    return Verdict(End.inhibited, f"because of {facts.cause}")
