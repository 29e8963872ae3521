"""Phone numbers as people write them and as carriers do: one form, so that they can be compared.

Pure. The form is E.164 (``+8613800138000``); a carrier's short number (``10086``) and a sender
that is a word stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from gateway.model import Person, Site

CHINA: Final = "86"
_DECORATION: Final = re.compile(r"[\s().·/-]")
_DIGITS: Final = re.compile(r"\+?[0-9]{2,20}")
_MOBILE: Final = re.compile(r"1[3-9][0-9]{9}")
"""A mobile number of the mainland, without its country."""
_FORM: Final = re.compile(r"\+[1-9][0-9]{1,14}|[0-9]{2,15}")


def dialled(text: str, country: str = CHINA) -> str:
    """``text`` in the one form; ``country`` is whose numbers are written without a country.

    ValueError where it is no number; the text is not repeated, for a number is private.
    """
    number = _DECORATION.sub("", text)
    if not number.isascii() or not _DIGITS.fullmatch(number):
        raise ValueError("this is no phone number")
    if number.startswith("00"):
        number = "+" + number[2:]
    elif number.startswith("0") and len(number) > len("10086"):
        number = f"+{country}{number[1:]}"
    elif country == CHINA and _MOBILE.fullmatch(number.removeprefix(country)):
        number = f"+{country}{number.removeprefix(country)}"
    if not _FORM.fullmatch(number):
        raise ValueError("this is no phone number")
    return number


def people_at(
    site: Site, number: str, channels: Collection[str] = (), country: str = CHINA
) -> tuple[Person, ...]:
    """Everybody whom the registry has at ``number``, in its order; a duty phone has several.

    ``channels`` are those that send text messages: a person's account there is a number too. What
    somebody is called at another channel is none, though it may look like one.
    """
    wanted = _compared(number, country)
    return tuple(
        person
        for person in site.people.values()
        if any(
            written and _compared(written, country) == wanted
            for written in (person.phone, *(person.accounts.get(name, "") for name in channels))
        )
    )


def _compared(text: str, country: str) -> str:
    try:
        return dialled(text, country)
    except ValueError:
        return text
