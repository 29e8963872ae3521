"""What a person's short answer to a message means: 1 签收, 2 办结, with or without a number. Pure.

    1 · １ · 签收 · 1 L20260105-0007      receive
    2 · 办结 · 2 误报 · L20260105-0007 2   close, with the outcome where one is written
    everything else                        comment

Only what can not be meant otherwise is an order: "2号楼没事" closes nothing.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

from gateway.model import Outcome

RECEIVE: Final = "receive"
HANDLE: Final = "handle"
CLOSE: Final = "close"
COMMENT: Final = "comment"

_WORDS: Final = {
    "1": RECEIVE, "签收": RECEIVE, "已签收": RECEIVE, "签收了": RECEIVE, "收到": RECEIVE,
    "收到了": RECEIVE, "received": RECEIVE, "receive": RECEIVE,
    "办理": HANDLE, "办理中": HANDLE, "handling": HANDLE, "handle": HANDLE,
    "2": CLOSE, "办结": CLOSE, "已办结": CLOSE, "办结了": CLOSE,
    "closed": CLOSE, "close": CLOSE,
}  # fmt: skip
_OUTCOMES: Final = {
    "属实": Outcome.real, "真实": Outcome.real, "real": Outcome.real,
    "误报": Outcome.false_alarm, "false alarm": Outcome.false_alarm, "false": Outcome.false_alarm,
    "测试": Outcome.test, "test": Outcome.test,
    "重复": Outcome.duplicate, "duplicate": Outcome.duplicate,
    "无法重现": Outcome.cannot_reproduce, "无法复现": Outcome.cannot_reproduce,
    "cannot reproduce": Outcome.cannot_reproduce,
}  # fmt: skip
_KEY: Final = r"(?P<{name}>[a-z][0-9]{{8}}-[0-9]{{4,9}})"
_GAP: Final = r"[\s,.;:!。、；：，！#-]*"
_WORD: Final = "|".join(sorted(map(re.escape, _WORDS), key=len, reverse=True))
_OUTCOME: Final = "|".join(sorted(map(re.escape, _OUTCOMES), key=len, reverse=True))
_ORDER: Final = re.compile(
    rf"{_GAP}(?:{_KEY.format(name='before')}{_GAP})?"
    rf"(?:(?P<word>{_WORD})(?![0-9a-z]))(?:{_GAP}(?P<same>{_WORD})(?![0-9a-z]))?"
    rf"{_GAP}(?:{_KEY.format(name='after')}{_GAP})?"
    rf"(?P<outcome>{_OUTCOME})?(?P<rest>.*)",
    re.DOTALL,
)
_ANY_KEY: Final = re.compile(rf"(?<![0-9a-z]){_KEY.format(name='key')}(?![0-9])")
_LONGEST: Final = 2_000
"""Characters that are looked at: no order is longer."""


class Reply(NamedTuple):
    """``incident`` "": none was named; ``outcome`` "": none was written."""

    verb: str
    incident: str = ""
    outcome: str = ""
    comment: str = ""


def understood(text: str) -> Reply:
    """What ``text`` orders; where it is not certain that it does, a comment."""
    plain = unicodedata.normalize("NFKC", text[:_LONGEST]).strip().casefold()
    comment = text.strip()
    named = _ANY_KEY.search(plain)
    other = Reply(COMMENT, named["key"].upper() if named else "", "", comment)
    found = _ORDER.fullmatch(plain)
    if found is None:
        return other
    verb = _WORDS[found["word"]]
    if found["same"] and _WORDS[found["same"]] != verb:
        return other
    outcome, rest = found["outcome"] or "", found["rest"].strip()
    named_twice = found["before"] and found["after"] and found["before"] != found["after"]
    if named_twice or (outcome and verb != CLOSE):
        return other
    if rest and not _may_follow(found):
        return other
    key = (found["before"] or found["after"] or "").upper()
    known = _OUTCOMES[outcome].value if outcome else ""
    return Reply(verb, key, known, comment if rest else "")


def _may_follow(found: re.Match[str]) -> bool:
    """Whether free text may stand there: set apart, and not after a bare digit or English word.

    A digit with a text is a text about building 2, "closed door" one about a door.
    """
    at = found.start("rest")
    if found.string[at].isalnum() and found.string[at - 1].isalnum():
        return False
    ordered = found["outcome"] or found["before"] or found["after"]
    return bool(ordered) or not found["word"].isascii()
