"""What an answer by SMS means: whose it is, and which deed. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from gateway.model import VERBS, Action, Cause, Deed, Incident, Outcome, Person, Site, State
from gateway.phones import people_at
from gateway.replies import understood

_NUMBER: Final = "tel:"
"""Begins whose place a telephone number takes."""
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


def authors(
    action: Action, site: Site, fallback: Person, texting: Collection[str] = ()
) -> tuple[Person, ...]:
    """Who may have answered: a person's id, or everybody at a telephone number.

    ``texting``: the channels that send text messages, the only ones with an account to compare.
    """
    if action.person == fallback.id:
        return (fallback,)
    if (known := site.people.get(action.person)) is not None:
        return (known,)
    number = action.person.removeprefix(_NUMBER)
    return people_at(site, number, texting) if number else ()


def likely(
    found: Sequence[tuple[Person, list[Incident]]], named: str
) -> tuple[Person | None, list[Incident]]:
    """Of the people at a phone, with what each was told of, who it is that answers.

    Who was told of the incident it names, else of the newest; of several its owner.
    """

    def fits(each: tuple[Person, list[Incident]]) -> tuple[bool, int, bool]:
        person, lately = each
        about = next((one for one in lately if one.key == named), None) or next(iter(lately), None)
        if about is None:
            return False, 0, False
        return about.key == named, about.opened_at, about.owner == person.id

    return max(found, key=fits, default=(None, []))


def key_in(action: Action) -> str:
    """The incident it names, or ""."""
    return action.incident.strip() or understood(action.text).incident


def is_deed(action: Action) -> bool:
    """Delivery receipts and strangers' texts are none."""
    return action.verb in VERBS


def deed_of(action: Action, person: str) -> Deed:
    """The deed that ``person`` means. Closing without a word more says that it was real."""
    said = understood(action.text)
    comment = said.comment if said.verb == action.verb else action.text.strip()
    if action.verb != "close":
        return Deed(action.verb, person, comment=comment)
    cause = _first(action.text, _CAUSES)
    outcome = said.outcome or (Outcome.false_alarm.value if cause else Outcome.real.value)
    if outcome != Outcome.false_alarm.value:
        cause = ""
    return Deed(action.verb, person, outcome=outcome, comment=comment, cause=cause)


def meant(verb: str, lately: Sequence[Incident]) -> str:
    """The key of the incident that an answer without a number is about; "" if there is none.

    Of ``lately``, what the person was told of, newest first: what can still be received, else
    what is not closed.
    """
    waiting = [one.key for one in lately if verb == "receive" and one.state is State.open]
    not_closed = [one.key for one in lately if one.state is not State.closed]
    return next(iter([*waiting, *not_closed]), "")


def _first(text: str, words: Iterable[tuple[str, Cause]]) -> str:
    return next((meant.value for word, meant in words if word in text.lower()), "")
