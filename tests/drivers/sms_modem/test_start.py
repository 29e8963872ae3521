"""The card and its PIN: tried once, and never while a try is missing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drivers.sms_modem.simulator import Modem
from tests.drivers.sms_modem.rig import Rig, rig


def locked(modem: Modem) -> None:
    modem.sim = "SIM PIN"


def tries_of(bench: Rig) -> int:
    return sum(command.startswith('AT+CPIN="') for command in bench.modem.commands)


async def again(bench: Rig) -> str:
    """Why the driver falls when the supervisor starts it once more."""
    running = asyncio.ensure_future(bench.driver.run(bench.door))
    try:
        return await bench._replace(running=running).falls()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def unlocked(bench: Rig) -> None:
    """The supervisor starts it once more, and it takes up its work."""
    count = len(bench.readings)
    running = asyncio.ensure_future(bench.driver.run(bench.door))
    try:
        await bench.until(lambda: len(bench.readings) > count or running.done())
        assert not running.done(), running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class Secret:
    """The file that ``pin:`` names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("1234\n")

    def write(self, text: str) -> None:
        self.path.write_text(text)

    def __str__(self) -> str:
        return str(self.path)


@pytest.fixture
def pin(tmp_path: Path) -> Secret:
    return Secret(tmp_path / "pin")


async def test_card_is_unlocked_with_its_pin(pin: Secret) -> None:
    async with rig(locked, pin={"file": str(pin)}) as bench:
        await bench.ready()
        assert tries_of(bench) == 1


async def test_card_that_is_slow_to_unlock_is_given_time(pin: Secret) -> None:
    def slow(modem: Modem) -> None:
        locked(modem)
        modem.unlocks_after = 2

    async with rig(slow, pin={"file": str(pin)}) as bench:
        await bench.ready()
        assert tries_of(bench) == 1


async def test_right_pin_is_given_again_after_the_modem_was_switched_off(pin: Secret) -> None:
    async with rig(locked, pin={"file": str(pin)}) as bench:
        await bench.ready()
        bench.modem.restart()
        locked(bench.modem)
        assert "the SIM card is no longer ready" in await bench.falls()
        await unlocked(bench)
        assert tries_of(bench) == 2


async def test_wrong_pin_is_tried_once_however_often_it_starts(pin: Secret) -> None:
    pin.write("9999")
    async with rig(locked, pin={"file": str(pin)}) as bench:
        reason = await bench.falls()
        assert "did not take its PIN" in reason
        assert "9999" not in reason
        for _ in range(3):
            assert "it is not tried again" in await again(bench)
        assert (tries_of(bench), bench.modem.tries) == (1, 2)
        pin.write("1234")  # corrected: but a try is missing
        assert "has 2 tries left; they are not used up here" in await again(bench)
        assert tries_of(bench) == 1
        bench.modem.tries = 3
        assert not bench.modem.stored
        await unlocked(bench)


@pytest.mark.parametrize("tries", [1, 2])
async def test_card_that_misses_a_try_is_left_alone(pin: Secret, tries: int) -> None:
    def worn(modem: Modem) -> None:
        locked(modem)
        modem.tries = tries

    async with rig(worn, pin={"file": str(pin)}) as bench:
        assert f"has {tries} tries left" in await bench.falls()
        assert tries_of(bench) == 0


async def test_modem_that_can_not_count_tries_is_given_no_pin(pin: Secret) -> None:
    def vague(modem: Modem) -> None:
        locked(modem)
        modem.tries = None

    async with rig(vague, pin={"file": str(pin)}) as bench:
        assert "turn the PIN off in a phone" in await bench.falls()
        assert tries_of(bench) == 0


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("SIM PIN", "the SIM card wants its PIN; set pin:, or turn it off in a phone"),
        ("SIM PUK", "the SIM card is locked (SIM PUK); put the card into a phone"),
        ("PH-SIM PIN", "the SIM card is not ready (PH-SIM PIN)"),
        ("10", "there is no SIM card (+CME ERROR: 10)"),
        ("13", "the SIM card fails (+CME ERROR: 13)"),
        ("11", "the SIM card wants its PIN; set pin:"),
    ],
)
async def test_card_that_is_not_ready_is_told_in_words(state: str, words: str) -> None:
    async with rig(lambda modem: setattr(modem, "sim", state)) as bench:
        assert words in await bench.falls()


async def test_card_that_is_busy_is_given_time() -> None:
    async with rig(lambda modem: setattr(modem, "sim", "14")) as bench:
        await bench.until(lambda: bench.modem.commands.count("AT+CPIN?") == 3)
        bench.modem.sim = "READY"
        await bench.ready()


async def test_card_that_stays_busy_is_told() -> None:
    async with rig(lambda modem: setattr(modem, "sim", "14")) as bench:
        assert "the SIM card is busy" in await bench.falls()


@pytest.mark.parametrize(("text", "words"), [("12a4", "pin: is no PIN"), ("123", "pin: is no PIN")])
async def test_secret_that_is_no_pin_is_not_tried(pin: Secret, text: str, words: str) -> None:
    pin.write(text)
    async with rig(locked, pin={"file": str(pin)}) as bench:
        reason = await bench.falls()
        assert words in reason
        assert text not in reason
        assert tries_of(bench) == 0


async def test_missing_secret_is_named(tmp_path: Path) -> None:
    async with rig(locked, pin={"file": str(tmp_path / "none")}) as bench:
        assert "secret file" in await bench.falls()
