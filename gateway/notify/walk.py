"""One walk of the canary: its hops, whose turn it is, and what is said of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.model import CANARY, SECOND, Site, Text, Value
from gateway.registry.duty import on_duty

HEARD: Final = "heard"
"""The hop through a driver; a gateway with no driver that can has it not."""
HOPS: Final = (HEARD, "stored", "decided", "opened", "told")
"""Came in at its driver's door; on the journal's disk; decided on by the rules; its incident on
disk; a channel was reached."""
_WORDS: Final = {
    HEARD: Text("驱动接收", "heard"),
    "stored": Text("写入日志", "stored"),
    "decided": Text("规则判断", "decided"),
    "opened": Text("生成事件", "opened"),
    "told": Text("通知到人", "told"),
}
_REASON: Final = 200


class Walk:
    """How far one of them has come, and when. Mono ns."""

    def __init__(self, began: int, driver: str = "", token: str = "") -> None:
        self.began = began
        self.driver = driver
        """Through which it goes; "": it begins at the gateway's own door."""
        self.token = token
        """What its report carries; nobody else knows it before it is sent."""
        self.passed: dict[str, int] = {}
        """Hop -> when it was behind it."""
        self.record = 0
        """Of its report, once that is on disk."""
        self.reason = ""
        """What was in the way last."""

    @property
    def hops(self) -> Sequence[str]:
        """Those it has to pass."""
        return HOPS if self.driver else HOPS[1:]

    @property
    def stopped(self) -> str:
        """The hop that it did not pass; "" when it arrived."""
        return next((hop for hop in self.hops if hop not in self.passed), "")

    def move(self, hop: str, mono: int) -> None:
        """It has passed ``hop``; no hop ends before the one that went before it."""
        self.passed[hop] = max(mono, *self.passed.values(), self.began)


def report(walk: Walk, person: str) -> dict[str, Value]:
    """The reading about a walk that is over: ms of each hop, and of all when it arrived."""
    values: dict[str, Value] = {CANARY: False, "extra.person": person, "extra.through": walk.driver}
    values |= verdict(walk.stopped, walk.driver, walk.reason)
    before = walk.began
    for hop in walk.hops:
        if hop in walk.passed:
            values[f"extra.{hop}"] = _ms(walk.passed[hop] - before)
            before = walk.passed[hop]
    if not walk.stopped:
        values["extra.total"] = _ms(before - walk.began)
    return values


def verdict(stopped: str, driver: str, reason: str) -> dict[str, Value]:
    """That it arrived (``stopped`` is "") or where it was lost, in words for people too."""
    reason = reason[:_REASON] if stopped else ""
    said = Text("", "")
    if stopped:
        hop, way = _WORDS[stopped], Text("", "")
        if driver:
            way = Text(f"（驱动 {driver}）", f" (driver {driver})")
        said = Text(f"停在“{hop.zh}”{way.zh}：{reason}", f"stopped at {hop.en}{way.en}: {reason}")
    return {
        "canary_lost": bool(stopped),
        "extra.hop": stopped,
        "extra.driver": driver,
        "extra.reason": reason,
        "extra.reason_zh": said.zh,
        "extra.reason_en": said.en,
    }


def next_after(names: Sequence[str], last: str) -> list[str]:
    """``names`` from the one after ``last`` on; ``last`` itself comes last."""
    start = names.index(last) + 1 if last in names else 0
    return [*names[start:], *names[:start]]


def whose_turn(site: Site, last: str, wall: int) -> str:
    """The next person after ``last`` who has duty at ``wall`` ns; "" where nobody has.

    ``wall`` 0: nobody knows what time it is, and everybody has.
    """
    for one in next_after(list(site.people), last):
        person = site.people[one]
        if not wall or person in on_duty(site, person.grid, person.role, wall):
            return one
    return ""


def _ms(ns: int) -> float:
    return round(ns * 1_000 / SECOND, 1)
