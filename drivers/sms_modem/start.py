"""From an open port to a modem that sends and receives, in the order that modems want."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from drivers.sms_modem.codes import AtError, NoAnswer
from drivers.sms_modem.engine import Engine
from drivers.sms_modem.options import Options
from gateway.ports import Clock, Unavailable

BUSY: Final = 14
"""+CME ERROR of a card that has something else to do."""
_PIN_WANTED: Final = 11
_WHOLE: Final = 3
"""Tries that a card has before it wants its PUK."""
_SIM_TRIES: Final = 10
_SIM_PAUSE: Final = 2.0
_SLOW: Final = 30.0
"""Seconds: a card that is being unlocked, a storage that is being looked up."""
_COUNTERS: Final = (
    ("AT+CPINR", re.compile(r'\+CPINR: ?"?SIM PIN"?,(\d)')),
    ('AT+QPINC="SC"', re.compile(r'\+QPINC: ?"SC",(\d)')),
    ("AT+SPIC", re.compile(r"\+SPIC: ?(\d)")),
    ("AT#PCT", re.compile(r"#PCT: ?(\d)")),
)
"""How makers tell the tries that are left: 27.007, Quectel, SIMCom, Telit."""
_NEXT_PUK: Final = "put the card into a phone and unlock it with its PUK"


class Pin:
    """The PIN, and whether it was tried: a third wrong try locks the card for good."""

    def __init__(self, options: Options) -> None:
        self._secret = options.pin
        self._tried = ""

    def to_try(self, left: int | None) -> str:
        """The PIN. Unavailable: it must not be tried, with what to do."""
        if self._secret is None:
            raise Unavailable("the SIM card wants its PIN; set pin:, or turn it off in a phone")
        try:
            pin = self._secret.reveal()
        except ValueError as error:
            raise Unavailable(f"the SIM card wants its PIN: {error}") from None
        if not re.fullmatch(r"[0-9]{4,8}", pin):
            raise Unavailable("pin: is no PIN; it has 4 to 8 digits")
        if pin == self._tried:
            raise Unavailable("the PIN is wrong; it is not tried again: correct the secret of pin:")
        if left is None:
            raise Unavailable(
                "the SIM card wants its PIN, and the modem does not say how many tries are left;"
                " turn the PIN off in a phone"
            )
        if left < _WHOLE:
            raise Unavailable(
                f"the SIM card wants its PIN and has {left} tries left; they are not used up here:"
                " unlock it in a phone, which gives all of them back"
            )
        self._tried = pin
        return pin

    def was_right(self) -> None:
        """The card took it: it may be given again after the modem was switched off."""
        self._tried = ""


class Found(NamedTuple):
    """What the modem is."""

    model: str
    urgent_reports: bool
    """Whether delivery reports come by themselves."""


async def start(engine: Engine, options: Options, clock: Clock, pin: Pin) -> Found:
    """Returned: it takes messages and announces those that come. Unavailable says what is wrong."""
    where = f"modem on {options.port}"
    try:
        await engine.wake()
        await attempt(engine, "ATZ")
        await engine.ask("ATE0")
        await engine.ask("AT+CMEE=1")
        await _unlock(engine, clock, pin)
        await engine.ask("AT+CMGF=0")
        named = f'"{options.storage}"'
        await attempt(engine, f"AT+CPMS={named},{named},{named}", _SLOW)
        announced = await attempt(engine, "AT+CNMI=2,1,0,1,0")
        if announced is None and await attempt(engine, "AT+CNMI=2,1,0,0,0") is None:
            await attempt(engine, "AT+CNMI=0,0,0,0,0")
        model = await attempt(engine, "ATI") or []
    except NoAnswer as error:
        raise Unavailable(
            f"{where}: {error} at {options.baud} baud; a modem has several ports and only one or"
            " two take commands, and ModemManager may hold it"
        ) from None
    except AtError as error:
        raise Unavailable(f"{where}: {error}") from None
    except Unavailable as error:
        raise Unavailable(f"{where}: {error.reason}", error.retry_after) from None
    return Found(" ".join(model[:3])[:60], announced is not None)


async def attempt(engine: Engine, command: str, within: float = 5.0) -> list[str] | None:
    """The answer; None from a modem that does not know the command."""
    try:
        return await engine.ask(command, within)
    except AtError:
        return None


async def _unlock(engine: Engine, clock: Clock, pin: Pin) -> None:
    state = await _sim_state(engine, clock)
    if state == "SIM PIN":
        code = pin.to_try(await _tries_left(engine))
        try:
            await engine.ask(f'AT+CPIN="{code}"', _SLOW)
        except AtError as error:
            raise Unavailable(
                f"the SIM card did not take its PIN ({error}); it is not tried again"
            ) from None
        pin.was_right()
        state = await _sim_state(engine, clock, unlocking=True)
    if state == "READY":
        return
    if "PUK" in state:
        raise Unavailable(f"the SIM card is locked ({state}); {_NEXT_PUK}")
    raise Unavailable(f"the SIM card is not ready ({state or 'no answer'})")


async def _sim_state(engine: Engine, clock: Clock, *, unlocking: bool = False) -> str:
    """The word after ``+CPIN:``; a card that is busy, or not yet unlocked, is given time."""
    state = ""
    for left in reversed(range(_SIM_TRIES)):
        try:
            lines = await engine.ask("AT+CPIN?")
        except AtError as error:
            if error.code == _PIN_WANTED:
                return "SIM PIN"
            if error.code != BUSY or not left:
                raise
            lines = []
        state = next((line[6:].strip() for line in lines if line.startswith("+CPIN:")), "")
        if state and not (unlocking and state == "SIM PIN"):
            return state
        await clock.sleep(_SIM_PAUSE)
    return state


async def _tries_left(engine: Engine) -> int | None:
    for command, form in _COUNTERS:
        for line in await attempt(engine, command) or []:
            if found := form.match(line):
                return int(found[1])
    return None
