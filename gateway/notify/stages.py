"""The stages a due row passes before it becomes a message, in order. Pure.

    due row ▸ superseded ▸ silence ▸ inhibit ▸ cleared_before_sending ▸ unheard     is it worth it
            ▸ storm ▸ duty ▸ quota ▸ channel ▸ message                              when, who, how

Each is one file. It gives the named end that it puts to the row and why, or holds it to a time
under its own name, or gives None to let it pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from gateway.notify.channel import channel
from gateway.notify.cleared import cleared_before_sending, unheard
from gateway.notify.duty import duty
from gateway.notify.facts import Facts, Verdict
from gateway.notify.inhibit import inhibit
from gateway.notify.quota import quota
from gateway.notify.silence import silence
from gateway.notify.storm import storm
from gateway.notify.superseded import superseded

Stage = Callable[[Facts], Verdict | None]

WORTH: Final[tuple[Stage, ...]] = (superseded, silence, inhibit, cleared_before_sending, unheard)
"""Whether it is to be told at all."""
WHEN: Final[tuple[Stage, ...]] = (storm, duty, quota, channel)
"""When, to whom and how."""
STAGES: Final[tuple[Stage, ...]] = (*WORTH, *WHEN)
SILENT: Final[tuple[Stage, ...]] = (superseded, channel)
"""For the canary, which rings nobody: no silence, storm, quiet hour or quota is about it, and the
way has to be known to be there in the middle of each of them."""


def judge(facts: Facts, stages: Sequence[Stage] = STAGES) -> Verdict | None:
    """The first stage's verdict; None: tell."""
    for stage in stages:
        if (verdict := stage(facts)) is not None:
            return verdict
    return None
