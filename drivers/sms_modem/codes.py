"""What a modem's error numbers mean, and whether trying again can help (27.005, 27.007, 24.011)."""

from __future__ import annotations

from typing import Final, NamedTuple


class Meaning(NamedTuple):
    """``for_good``: the same message will never be taken."""

    words: str
    for_good: bool = False


CMS: Final[dict[int, Meaning]] = {
    1: Meaning("no phone has this number", for_good=True),
    8: Meaning("the carrier bars this card from sending; is there credit?"),
    10: Meaning("the carrier bars this card"),
    21: Meaning("the network turns the message down"),
    27: Meaning("the receiver's phone can not be reached"),
    28: Meaning("the network does not know this number", for_good=True),
    30: Meaning("the network does not know this number", for_good=True),
    38: Meaning("the network is out of order"),
    41: Meaning("the network has a passing fault"),
    42: Meaning("the network is congested"),
    47: Meaning("the network has no room now"),
    50: Meaning("the card has no contract for text messages"),
    69: Meaning("the network has no text messages here"),
    302: Meaning("the modem does not allow it now"),
    304: Meaning("the modem says that the message is malformed", for_good=True),
    305: Meaning("the modem says that the message is malformed", for_good=True),
    310: Meaning("there is no SIM card"),
    311: Meaning("the SIM card wants its PIN"),
    312: Meaning("the modem is locked to another SIM card"),
    313: Meaning("the SIM card fails"),
    314: Meaning("the SIM card is busy"),
    315: Meaning("this is the wrong SIM card"),
    316: Meaning("the SIM card wants its PUK: put it into a phone"),
    322: Meaning("the memory for messages is full"),
    330: Meaning("the message centre is not known; set it with AT+CSCA in a terminal"),
    331: Meaning("there is no network"),
    332: Meaning("the network does not answer"),
    500: Meaning("no reason given; often no credit, no network or no message centre"),
}
"""By the number of ``+CMS ERROR``."""

CME: Final[dict[int, Meaning]] = {
    3: Meaning("the modem does not allow it now"),
    4: Meaning("the modem does not know this"),
    10: Meaning("there is no SIM card"),
    11: Meaning("the SIM card wants its PIN"),
    12: Meaning("the SIM card wants its PUK: put it into a phone"),
    13: Meaning("the SIM card fails"),
    14: Meaning("the SIM card is busy"),
    15: Meaning("this is the wrong SIM card"),
    16: Meaning("the PIN is wrong"),
    30: Meaning("there is no network"),
    31: Meaning("the network does not answer"),
    32: Meaning("the network allows emergency calls only"),
}
"""By the number of ``+CME ERROR``."""


class AtError(Exception):
    """The modem said no. ``command`` is its name alone: what follows may be a PIN or a number."""

    def __init__(self, command: str, kind: str, code: int | None) -> None:
        self.command = command
        self.kind = kind
        self.code = code
        known = (CMS if kind == "CMS" else CME).get(code) if code is not None else None
        self.for_good = known is not None and known.for_good
        number = "ERROR" if code is None else f"+{kind} ERROR: {code}"
        words = f"{known.words} ({number})" if known is not None else number
        super().__init__(f"{command}: {words}")


class NoAnswer(Exception):
    """The modem said nothing in time."""
