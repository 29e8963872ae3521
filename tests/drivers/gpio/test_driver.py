"""The driver over lines: a bench of pins in virtual time, files, and the real library's errors."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from drivers.gpio.driver import Driver
from drivers.gpio.lines import Lines, gone
from drivers.gpio.options import Options
from gateway.clock import SystemClock
from gateway.model import Item, Reading
from gateway.notifiers.siren.notifier import Notifier
from gateway.notifiers.siren.options import Options as SirenOptions
from gateway.ports import Clock, Refused, Unavailable
from tests.drivers.test_mqtt_driver import until
from tests.notifiers.test_webhook import NOTIFICATION
from tests.virtual import VirtualClock

DOOR = {"line": 17, "device": "door"}
HORN = {"line": 22, "at_most": "60s"}
BOTH = {"inputs": [DOOR], "outputs": {"horn": HORN}}


class Pins:
    """A board: levels that a test sets, edges that wake through a real descriptor."""

    def __init__(self) -> None:
        self.levels = {"17": False, "22": True}
        self.broken: OSError | None = None
        self.stuck = False
        self.opened = 0
        self.fd: int | None
        self._moved: set[str] = set()
        self.fd, self._bell = os.pipe()

    def open_lines(self, options: Options) -> Lines:
        self.opened += 1
        self.levels |= dict.fromkeys([o.line for o in options.outputs.values()], False)
        return self

    def turn(self, line: str, level: bool) -> None:
        """Somebody moves a contact."""
        self.levels[line] = level
        self._moved.add(line)
        os.write(self._bell, b"!")

    def read(self) -> Mapping[str, bool]:
        if self.broken is not None:
            raise self.broken
        return dict(self.levels)

    def moved(self) -> set[str]:
        assert self.fd is not None
        os.read(self.fd, 100)
        if self.broken is not None:
            raise self.broken
        moved, self._moved = self._moved, set()
        return moved

    def write(self, line: str, on: bool) -> None:
        if self.broken is not None:
            raise self.broken
        if not self.stuck:
            self.levels[line] = on

    def close(self) -> None:
        """The board stays."""

    def away(self) -> None:
        assert self.fd is not None
        os.close(self.fd)
        os.close(self._bell)


@pytest.fixture
async def pins() -> AsyncIterator[Pins]:
    made = Pins()
    yield made
    made.away()


class Door:
    def __init__(self) -> None:
        self.items: list[Reading] = []
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, items: Sequence[Item]) -> None:
        await self.open.wait()
        self.items += [item for item in items if isinstance(item, Reading)]

    def said(self, device: str) -> list[object]:
        return [value for r in self.items if r.device == device for value in r.values.values()]


@asynccontextmanager
async def running(driver: Driver, door: Door) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(driver.run(door))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Unavailable):
            await task


def on_bench(pins: Pins, clock: Clock, given: Mapping[str, Any] = BOTH) -> Driver:
    return Driver("pins", Options.model_validate(given), clock, pins.open_lines)


# --- the bench, in virtual time -----------------------------------------------------------


async def test_a_contact_that_holds_is_a_reading(pins: Pins) -> None:
    clock, door = VirtualClock(), Door()
    async with running(on_bench(pins, clock), door):
        await clock.advance(1)
        assert door.said("door") == [False]
        pins.turn("17", True)
        await clock.advance(0.04)
        assert door.said("door") == [False]
        await clock.advance(0.02)
        assert door.said("door") == [False, True]
        await clock.advance(61)
        assert door.said("door") == [False, True, True]


async def test_a_contact_that_bounces_is_none(pins: Pins) -> None:
    clock, door = VirtualClock(), Door()
    async with running(on_bench(pins, clock), door):
        await clock.advance(1)
        for _ in range(20):
            pins.turn("17", True)
            await clock.advance(0.02)
            pins.turn("17", False)
            await clock.advance(0.02)
        await clock.advance(1)
        assert door.said("door") == [False]
        for _ in range(5):  # it bounces and then holds
            pins.turn("17", False)
            pins.turn("17", True)
            await clock.advance(0.01)
        await clock.advance(0.04)
        assert door.said("door") == [False, True]


async def test_an_output_is_off_at_the_start_and_off_again_in_time(pins: Pins) -> None:
    clock, door = VirtualClock(), Door()
    driver = on_bench(pins, clock)
    async with running(driver, door):
        await clock.advance(1)
        assert pins.levels["22"] is False
        await driver.switch("horn", True)
        assert pins.levels["22"] is True
        await clock.advance(59)
        assert pins.levels["22"] is True
        await clock.advance(2)
        assert pins.levels["22"] is False
        assert door.said("horn")[:3] == [False, True, False]


async def test_a_disk_that_takes_nothing_keeps_no_siren_on(pins: Pins) -> None:
    clock, door = VirtualClock(), Door()
    driver = on_bench(pins, clock)
    async with running(driver, door):
        await clock.advance(1)
        door.open.clear()
        pins.turn("17", True)
        await driver.switch("horn", True)
        await clock.advance(61)
        assert pins.levels["22"] is False
        assert door.said("door") == [False]
        door.open.set()
        await clock.advance(1)
        assert door.said("door")[:2] == [False, True]


async def test_a_line_that_does_not_read_back_is_for_later(pins: Pins) -> None:
    clock = VirtualClock()
    driver = on_bench(pins, clock)
    async with running(driver, Door()):
        await clock.advance(1)
        pins.stuck = True
        with pytest.raises(Unavailable, match="horn: line 22 was written, and reads back as off"):
            await driver.switch("horn", True)
        with pytest.raises(Refused, match="no output 'bell' on /dev/gpiochip0; there is horn"):
            await driver.switch("bell", True)


@pytest.mark.parametrize("edge", [True, False])
async def test_a_chip_that_goes_away_is_for_later_and_comes_back(pins: Pins, edge: bool) -> None:
    clock, door = VirtualClock(), Door()
    driver = on_bench(pins, clock)
    async with running(driver, door) as task:
        await clock.advance(1)
        pins.broken = OSError(errno.ENODEV, "No such device")
        with pytest.raises(Unavailable, match="horn: /dev/gpiochip0: this is no GPIO chip"):
            await driver.switch("horn", True)
        if edge:
            pins.turn("17", True)
        await clock.advance(11)
        with pytest.raises(Unavailable, match="/dev/gpiochip0: this is no GPIO chip"):
            await task
    with pytest.raises(Unavailable, match="horn: the lines of /dev/gpiochip0 are not open"):
        await driver.switch("horn", True)
    pins.broken = None
    async with running(driver, door):
        await clock.advance(1)
        await driver.switch("horn", True)
        assert pins.levels["22"] is True


# --- files --------------------------------------------------------------------------------


def board(folder: Path, **more: Any) -> dict[str, Any]:
    """A folder with a plain file, an exported line and a relay that is a LED to the kernel."""
    (folder / "door").write_text("0\n")
    (folder / "gpio27").mkdir()
    (folder / "gpio27" / "value").write_text("1\n")
    (folder / "relay1").mkdir()
    (folder / "relay1" / "brightness").write_text("255\n")
    given = {
        "chip": str(folder),
        "every": "10ms",
        "inputs": [
            {"line": "door", "device": "door", "debounce": "20ms"},
            {
                "line": "gpio27",
                "device": "flow",
                "kind": "panel",
                "value": "alarm",
                "active_low": True,
            },
        ],
        "outputs": {"horn": {"line": "relay1"}},
    }
    return given | more


def level(path: Path, text: str | None = None) -> str:
    if text is not None:
        path.write_text(text)
    return path.read_text()


async def test_lines_may_be_files(tmp_path: Path) -> None:
    driver, door = Driver("pins", Options.model_validate(board(tmp_path)), SystemClock()), Door()
    assert await driver.check() == f"{tmp_path} is a folder with our 3 lines"
    assert level(tmp_path / "relay1" / "brightness") == "255\n"  # checking switches nothing
    async with running(driver, door):
        await until(lambda: door.said("flow") == [False] and door.said("door") == [False])
        assert level(tmp_path / "relay1" / "brightness") == "0\n"
        level(tmp_path / "door", "1\n")
        level(tmp_path / "gpio27" / "value", "0\n")
        await until(lambda: door.said("flow") == [False, True] and door.said("door")[-1:] == [True])
        given = SirenOptions.model_validate({"driver": "pins", "output": "horn"})
        async with Notifier("siren", given, SystemClock()) as siren:
            siren.use({"pins": driver})
            await siren.tell(NOTIFICATION)
            assert level(tmp_path / "relay1" / "brightness") == "1\n"
            await siren.tell(msgspec.structs.replace(NOTIFICATION, purpose="closed"))
            assert level(tmp_path / "relay1" / "brightness") == "0\n"


async def test_a_line_that_is_no_file_or_holds_no_number_is_named(tmp_path: Path) -> None:
    given = board(tmp_path)
    missing = given | {"inputs": [{"line": "gpio99", "device": "x"}]}
    driver = Driver("pins", Options.model_validate(missing), SystemClock())
    for call in (driver.check(), driver.run(Door())):
        with pytest.raises(Unavailable, match="has no line 'gpio99'; ls shows those it has"):
            await call
    level(tmp_path / "door", "no\n")
    driver = Driver("pins", Options.model_validate(given), SystemClock())
    for call in (driver.check(), driver.run(Door())):
        with pytest.raises(Unavailable, match="door holds no number"):
            await call


async def test_a_trial_leaves_the_outputs_alone(tmp_path: Path) -> None:
    options = Options.model_validate(board(tmp_path)).for_trial()
    door = Door()
    async with running(Driver("pins", options, SystemClock()), door):
        await until(lambda: door.said("door") == [False])
    assert level(tmp_path / "relay1" / "brightness") == "255\n"


# --- the character device -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("chip", "words"),
    [
        ("/dev/gpiochip-none", r"there is no such chip here; ls /dev/gpiochip\* shows"),
        ("/dev/null", "this is no GPIO chip"),
        ("/etc/passwd", "this is no GPIO chip"),
    ],
)
async def test_the_real_library_s_errors_are_one_sentence(chip: str, words: str) -> None:
    driver = Driver("pins", Options.model_validate(BOTH | {"chip": chip}), SystemClock())
    for call in (driver.run(Door()), driver.check()):
        with pytest.raises(Unavailable, match=f"{chip}: {words}"):
            await call


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "put the user of this program into the group gpio"),
        (errno.EBUSY, "another program holds one of the lines"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_what_helps_is_said(number: int, words: str) -> None:
    error = gone("/dev/gpiochip0", OSError(number, os.strerror(number)))
    assert error.reason.startswith("/dev/gpiochip0: ")
    assert words in error.reason


_SIMULATED = Path("/sys/kernel/config/gpio-sim")


@pytest.mark.skipif(not _SIMULATED.is_dir(), reason="the kernel has no gpio-sim, or it is not ours")
async def test_the_kernel_s_simulated_chip() -> None:
    chip = await asyncio.to_thread(simulated_chip)
    try:
        given = {
            "chip": f"/dev/{chip.name}",
            "inputs": [{"line": 1, "device": "door", "debounce": "10ms", "bias": "pull_down"}],
            "outputs": {"horn": {"line": "horn"}},
        }
        driver, door = Driver("pins", Options.model_validate(given), SystemClock()), Door()
        assert "with 4 lines, ours among them" in await driver.check()
        async with running(driver, door):
            await until(lambda: door.said("door") == [False])
            chip.pull(1, "pull-up")
            await until(lambda: door.said("door") == [False, True])
            await driver.switch("horn", True)
            assert chip.value(2) == "1"
            other = Driver("pins", Options.model_validate(given), SystemClock())
            with pytest.raises(Unavailable, match="another program holds one of the lines"):
                await other.run(Door())
    finally:
        await asyncio.to_thread(chip.remove)


class simulated_chip:  # noqa: N801 - made by calling it
    """Four lines of gpio-sim, through configfs."""

    def __init__(self) -> None:
        self._home = _SIMULATED / f"gridwarden-{os.getpid()}"
        (self._home / "bank0" / "line2").mkdir(parents=True)
        (self._home / "bank0" / "num_lines").write_text("4")
        (self._home / "bank0" / "line2" / "name").write_text("horn")
        (self._home / "live").write_text("1")
        self.name = (self._home / "bank0" / "chip_name").read_text().strip()
        device = (self._home / "dev_name").read_text().strip()
        self._lines = Path("/sys/devices/platform", device, self.name)

    def pull(self, line: int, how: str) -> None:
        (self._lines / f"sim_gpio{line}" / "pull").write_text(how)

    def value(self, line: int) -> str:
        return (self._lines / f"sim_gpio{line}" / "value").read_text().strip()

    def remove(self) -> None:
        (self._home / "live").write_text("0")
        for folder in ("bank0/line2", "bank0", "."):
            (self._home / folder).rmdir()
