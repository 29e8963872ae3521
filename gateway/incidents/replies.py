"""What an answer by SMS means: whose it is, and which deed. Pure.

People answer in a hurry and with whatever their telephone offers: ``1``, ``２``, ``签收``,
``2 误报 炒菜``, ``1 L20260105-0007``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from gateway.model import VERBS, Action, Cause, Deed, Incident, Outcome, Person, Site, State

_DIGITS: Final = 11
"""Of a telephone number in China, without its country."""
_SHORTEST: Final = 5
"""Digits below which a number is nobody's: a carrier's service numbers."""
_NUMBER: Final = re.compile(r"\b[LIFTS]\d{8}-\d{4,6}\b", re.IGNORECASE)
_COMMAND: Final = re.compile(
    r"^[\s12１２一二]*(签收|收到|办结|办理|完成|关闭|receive|close|handle)?", re.IGNORECASE
)
_BETWEEN: Final = " \t\r\n,.;:,。;:、!!"
"""Signs that stand between a command and what is said besides."""
_OUTCOMES: Final[tuple[tuple[str, Outcome], ...]] = (
    ("误报", Outcome.false_alarm),
    ("false", Outcome.false_alarm),
    ("测试", Outcome.test),
    ("test", Outcome.test),
    ("重复", Outcome.duplicate),
    ("duplicate", Outcome.duplicate),
    ("无法重现", Outcome.cannot_reproduce),
    ("没有发现", Outcome.cannot_reproduce),
)
_CAUSES: Final[tuple[tuple[str, Cause], ...]] = (
    ("油烟", Cause.cooking),
    ("炒菜", Cause.cooking),
    ("做饭", Cause.cooking),
    ("cooking", Cause.cooking),
    ("蒸汽", Cause.steam),
    ("水汽", Cause.steam),
    ("steam", Cause.steam),
    ("灰尘", Cause.dust),
    ("dust", Cause.dust),
    ("虫", Cause.insect),
    ("insect", Cause.insect),
)


def author(action: Action, site: Site, fallback: Person) -> Person | None:
    """Who answered: a person's id, or a telephone number of the registry."""
    if action.person == fallback.id:
        return fallback
    if (known := site.people.get(action.person)) is not None:
        return known
    number = _number(action.person)
    if not number:
        return None
    return next((one for one in site.people.values() if _number(one.phone) == number), None)


def key_in(action: Action) -> str:
    """The incident it names, or ""."""
    found = _NUMBER.search(action.incident) or _NUMBER.search(action.text)
    return found[0].upper() if found else action.incident.strip()


def is_deed(action: Action) -> bool:
    """Delivery receipts and strangers' texts are none."""
    return action.verb in VERBS


def deed_of(action: Action, person: str) -> Deed:
    """The deed that ``person`` means. Closing without a word more says that it was real."""
    text = _NUMBER.sub("", action.text)
    said = text.strip() if action.verb == "comment" else _COMMAND.sub("", text)
    said = said.strip(_BETWEEN)
    if action.verb != "close":
        return Deed(action.verb, person, comment=said)
    cause = _first(text, _CAUSES)
    outcome = _first(text, _OUTCOMES)
    outcome = outcome or (Outcome.false_alarm.value if cause else Outcome.real.value)
    if outcome != Outcome.false_alarm.value:
        cause = ""
    return Deed(action.verb, person, outcome=outcome, comment=said, cause=cause)


def meant(verb: str, lately: Sequence[Incident]) -> str:
    """The key of the incident that an answer without a number is about; "" if there is none.

    Of ``lately``, what the person was told of, newest first: what can still be received, else
    what is not closed.
    """
    waiting = [one.key for one in lately if verb == "receive" and one.state is State.open]
    not_closed = [one.key for one in lately if one.state is not State.closed]
    return next(iter([*waiting, *not_closed]), "")


def _first(text: str, words: Iterable[tuple[str, Outcome | Cause]]) -> str:
    return next((meant.value for word, meant in words if word in text.lower()), "")


def _number(text: str) -> str:
    """The last digits of a telephone number, however it is written; "" for what is none."""
    digits = "".join(sign for sign in text if sign.isdigit() and sign.isascii())
    strange = any(sign not in "+-() 0123456789" for sign in text)
    return "" if strange or len(digits) < _SHORTEST else digits[-_DIGITS:]
