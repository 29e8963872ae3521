"""The siren: what holds it, what ends it, and a real coil."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import yaml

from drivers.modbus.driver import Driver
from drivers.modbus.simulator import device
from gateway.clock import SystemClock
from gateway.model import Notification
from gateway.notifiers.siren.notifier import Notifier
from gateway.notifiers.siren.options import Options
from gateway.ports import Refused, Unavailable
from tests.drivers.modbus.rig import options as modbus
from tests.drivers.modbus.rig import running, tcp_bus
from tests.notifiers.test_webhook import NOTIFICATION
from tests.virtual import VirtualClock

FOLDER = Path(__file__).parents[2] / "gateway" / "notifiers" / "siren"


class Horn:
    """A driver whose far end is one horn."""

    def __init__(self) -> None:
        self.on = False
        self.said: list[bool] = []
        self.away = False

    async def switch(self, output: str, on: bool) -> None:
        if output != "horn":
            raise Refused(f"there is no output {output!r}")
        if self.away:
            raise Unavailable("the relay does not answer")
        self.on = on
        self.said.append(on)


def message(purpose: str, incident: str = "i-1", category: str = "life") -> Notification:
    return msgspec.structs.replace(
        NOTIFICATION, purpose=purpose, incident=incident, category=category
    )


@pytest.fixture
def horn() -> Horn:
    return Horn()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def siren(horn: Horn, clock: VirtualClock) -> AsyncIterator[Notifier]:
    given = Options.model_validate({"driver": "bus", "output": "horn", "on_for": "1m"})
    async with Notifier("siren", given, clock) as made:
        made.use({"bus": horn})
        yield made


@pytest.mark.parametrize("end", ["cleared", "closed"])
async def test_incident_switches_it_on_and_its_end_off(siren, horn, end) -> None:
    receipt = await siren.tell(message("opened"))
    assert horn.on
    assert receipt.detail == "horn of bus on for 60 s"
    receipt = await siren.tell(message(end))
    assert not horn.on
    assert receipt.detail == "horn of bus off"


async def test_it_stays_on_while_another_incident_holds_it(siren, horn) -> None:
    await siren.tell(message("opened", "i-1"))
    await siren.tell(message("opened", "i-2"))
    receipt = await siren.tell(message("cleared", "i-1"))
    assert horn.on
    assert receipt.detail == "horn of bus stays on for 1 other incident(s)"
    await siren.tell(message("closed", "i-2"))
    assert not horn.on


async def test_several_people_of_one_incident_hold_it_once(siren, horn) -> None:
    for _ in range(3):
        await siren.tell(message("opened"))
    await siren.tell(message("closed"))
    assert not horn.on


async def test_it_ends_by_itself_and_again_begins_anew(siren, horn, clock) -> None:
    await siren.tell(message("opened"))
    await clock.advance(50)
    await siren.tell(message("again"))
    await clock.advance(50)
    assert horn.on
    await clock.advance(11)
    assert not horn.on
    assert horn.said == [True, True, False]


async def test_it_ends_with_the_last_incident_that_holds_it(siren, horn, clock) -> None:
    await siren.tell(message("opened", "i-1"))
    await clock.advance(30)
    await siren.tell(message("opened", "i-2"))
    await clock.advance(40)
    assert horn.on
    await clock.advance(21)
    assert not horn.on


async def test_what_can_not_be_switched_off_is_tried_until_it_is(siren, horn, clock) -> None:
    await siren.tell(message("opened"))
    horn.away = True
    await clock.advance(200)
    assert horn.on
    with pytest.raises(Unavailable, match="the relay does not answer"):
        await siren.tell(message("closed"))
    horn.away = False
    await clock.advance(6)
    assert not horn.on


async def test_what_was_not_switched_on_holds_nothing(siren, horn) -> None:
    horn.away = True
    with pytest.raises(Unavailable):
        await siren.tell(message("opened", "i-1"))
    horn.away = False
    await siren.tell(message("opened", "i-2"))
    await siren.tell(message("closed", "i-2"))
    assert not horn.on


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (message("overdue"), "is not for overdue"),
        (message("opened", category="trouble"), "is not for category trouble"),
    ],
)
async def test_what_it_is_not_for_goes_to_the_next_channel(siren, horn, told, reason) -> None:
    with pytest.raises(Refused, match=reason):
        await siren.tell(told)
    assert horn.said == []


async def test_unknown_driver_or_output_is_refused_and_the_known_named(siren) -> None:
    siren.use({"cellar": Horn()})
    for asked in (siren.tell(message("opened")), siren.check()):
        with pytest.raises(Refused, match="no driver 'bus' runs here that can switch; there is c"):
            await asked
    other = Options.model_validate({"driver": "bus", "output": "lamp"})
    notifier = Notifier("siren", other, VirtualClock())
    notifier.use({"bus": Horn()})
    with pytest.raises(Refused, match="there is no output 'lamp'"):
        await notifier.tell(message("opened"))


async def test_check_makes_no_noise(siren, horn) -> None:
    assert await siren.check() == "horn of bus; the driver is checked by itself"
    assert horn.said == []


async def test_a_trial_makes_no_noise(siren, horn) -> None:
    silent = msgspec.structs.replace(message("opened"), silent=True)
    assert (await siren.tell(silent)).detail == await siren.check()
    assert horn.said == []


async def test_what_is_on_since_before_the_start_ends_in_time(siren, horn, clock) -> None:
    horn.on = True
    await clock.advance(59)
    assert horn.on
    await clock.advance(2)
    assert not horn.on
    await clock.advance(600)
    assert horn.said == [False]


async def test_what_is_on_since_before_ends_once_its_driver_is_there(siren, horn, clock) -> None:
    horn.on = horn.away = True
    await clock.advance(300)
    assert horn.on
    horn.away = False
    await clock.advance(61)
    assert not horn.on


async def test_what_is_on_since_before_ends_with_the_first_incident_that_ends(siren, horn) -> None:
    horn.on = True
    receipt = await siren.tell(message("closed"))
    assert receipt.detail == "horn of bus off"
    assert not horn.on


async def test_an_incident_after_the_start_has_its_whole_time(siren, horn, clock) -> None:
    await clock.advance(50)
    await siren.tell(message("opened"))
    await clock.advance(55)
    assert horn.said == [True]
    await clock.advance(6)
    assert horn.said == [True, False]


async def test_leaving_it_keeps_it_as_it_is(horn, clock) -> None:
    given = Options.model_validate({"driver": "bus", "output": "horn"})
    async with Notifier("siren", given, clock) as notifier:
        notifier.use({"bus": horn})
        await notifier.tell(message("opened"))
    assert horn.on


async def test_a_real_coil_moves_through_the_modbus_driver() -> None:
    coils: list[bool] = []

    async def act(function, start, address, count, memory, put) -> None:
        if put is not None:
            coils.append(bool(put[0]))

    outputs = {"horn": {"unit": 9, "coil": 2, "invert": True}}
    given = Options.model_validate({"driver": "bus", "output": "horn", "on_for": "300ms"})
    async with tcp_bus(device(9, coils=(1,) * 16, act=act)) as port:
        bus = modbus(port, outputs=outputs)
        async with running(bus) as (driver, door):
            await door.has(1)
            async with Notifier("siren", given, SystemClock()) as notifier:
                notifier.use({"bus": driver})
                receipt = await notifier.tell(message("opened"))
                assert receipt.detail == "horn of bus on for 0.3 s"
                assert coils == [False]
                async with asyncio.timeout(30):
                    while coils != [False, True]:  # noqa: ASYNC110  # a relay has no event
                        await asyncio.sleep(0.02)
                await notifier.tell(message("opened"))
                await notifier.tell(message("closed"))
                assert coils == [False, True, False, True]
            assert isinstance(driver, Driver)


async def test_relay_that_is_away_is_for_later() -> None:
    async with tcp_bus(silent={9}) as port:
        bus = modbus(port, outputs={"horn": {"unit": 9, "coil": 0}}, timeout="50ms", retries=0)
        async with running(bus) as (driver, door):
            await door.has(1)
            given = Options.model_validate({"driver": "bus", "output": "horn"})
            notifier = Notifier("siren", given, VirtualClock())
            notifier.use({"bus": driver})
            with pytest.raises(Unavailable, match=r"horn \(coil 0 of unit 9\): no answer within"):
                await notifier.tell(message("opened"))


def test_the_sample_is_valid_and_stands_in_the_readme() -> None:
    sample = (FOLDER / "sample.yaml").read_text(encoding="utf-8")
    [given] = yaml.safe_load(sample)["notifiers"].values()
    assert given.pop("type") == "siren"
    Options.model_validate(given)
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert sample in readme
    assert set(Options.model_fields) <= set(re.findall(r"(?m)^\| `(\w+)` \|", readme))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"on_for": "0s"}, "greater than 0"),
        ({"purposes": ["closed"]}, "'opened', 'again' or 'overdue'"),
        ({"categories": ["fire"]}, "'life'"),
        ({"purposes": []}, "at least 1 item"),
    ],
)
def test_wrong_options_are_named(given, words) -> None:
    with pytest.raises(ValueError, match=words):
        Options.model_validate({"driver": "d", "output": "o"} | given)
