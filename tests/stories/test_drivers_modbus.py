"""A smoke detector and a siren on one bus, and a slave that dies on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from drivers.modbus.simulator import device
from tests.drivers.modbus.rig import tcp_bus
from tests.servers import Mosquitto, free_port
from tests.stories.clock import MINUTE, Jumpable
from tests.stories.house import House
from tests.stories.reports import Reports

DRIVER = """
  bus:
    type: modbus
    bus: {{tcp: {{host: 127.0.0.1, port: {port}}}}}
    timeout: 100ms
    gap: 2ms
    slaves:
      - unit: 1
        device: stairs
        every: 50ms
        map:
          kind: smoke
          points:
            - {{value: alarm, discrete: 0}}
            - {{value: fault, discrete: 1}}
      - unit: 2
        device: tank
        every: 50ms
        map:
          kind: water
          points: [{{value: level, register: 0, scale: 0.01}}]
    outputs:
      horn: {{unit: 9, coil: 0, at_most: 20m, every: 1s}}
"""
SIREN = """\
  siren: {type: siren, driver: bus, output: horn, on_for: 10m}
"""
DEVICES = """\
stairs5,bus,stairs,smoke,5号楼楼梯烟感,990101010102,1,,,
tank5,bus,tank,water,5号楼水箱,990101010102,,,,
"""


class Bus:
    """What hangs on the line, seen from the devices."""

    def __init__(self) -> None:
        self.smoke = self.fault = False
        self.asked = 0
        """How often the smoke detector was asked."""
        self.written: list[bool] = []
        """What was written to the siren's coil."""
        self.dead = {99}
        """Units that hear and say nothing; nobody asks this one."""

    @asynccontextmanager
    async def running(self, port: int | None = None) -> AsyncIterator[int]:
        """The server's port."""
        units = (
            device(1, inputs=(0,) * 16, act=self._detector),
            device(2, registers=(312,)),
            device(9, coils=(0,) * 16, act=self._horn),
        )
        async with tcp_bus(*units, silent=self.dead, port=port) as chosen:
            yield chosen

    def asked_since(self, count: int) -> bool:
        """Whether the smoke detector was asked more often than ``count`` times."""
        return self.asked > count

    async def _detector(
        self, function: int, start: int, address: int, count: int, memory: list[int], put: object
    ) -> None:
        memory[0] = self.smoke | self.fault << 1
        self.asked += 1

    async def _horn(
        self, function: int, start: int, address: int, count: int, memory: list[int], put: Any
    ) -> None:
        if put is not None:
            self.written.append(bool(put[0]))


async def _passes(seconds: float, house: House, clock: Jumpable, bus: Bus) -> None:
    """Let time pass while the bus is polled: not all of it between two questions."""
    while seconds > 0:
        await clock.forward(min(MINUTE, seconds), step=MINUTE)
        seconds -= MINUTE
        await house.until(partial(bus.asked_since, bus.asked + 1))


async def test_fire_switches_the_siren_on_the_same_bus_and_its_end_switches_it_off(
    built: House, clock: Jumpable
) -> None:
    bus = Bus()
    async with bus.running() as port:
        built.write(drivers=DRIVER.format(port=port), devices=DEVICES, notifiers=SIREN)
        await built.start()
        await built.has("stairs5", 1)
        assert bus.written == []
        bus.smoke = True
        await built.until(lambda: bus.written == [True])
        (incident,) = await built.incidents()
        assert (incident["rule"], incident["device"]) == ("smoke_alarm", "stairs5")
        message = await built.told("opened", "stairs5")  # besides the siren, not instead
        assert message["person"] == "chen"
        assert "5号楼" in message["title"]
        await built.until(partial(_all_told, built, incident["key"], "opened"))
        await built.until(lambda: _is_on(built))  # and the bus says so itself
        bus.smoke = False
        await built.until(lambda: _is_quiet(built))
        await _passes(40, built, clock, bus)
        await built.told("cleared", "stairs5")
        await built.until(lambda: bus.written == [True, False])
        await built.stop()


async def _all_told(house: House, key: str, purpose: str) -> bool:
    """The person in charge and the siren, each by a row of its own."""
    ends = await house.ends(key)
    return {(purpose, each, "told") for each in ("chen", "notifier:siren")} <= set(ends)


async def _is_on(house: House) -> bool:
    found = [each for each in await house.get("devices") if each["id"] == "bus/horn"]
    return bool(found and found[0]["values"].get("on") is True)


async def _is_quiet(house: House) -> bool:
    return bool((await house.device("stairs5"))["values"]["alarm"] is False)


async def test_fire_of_a_slave_is_told_and_its_fault_is_no_fire(
    built: House, clock: Jumpable
) -> None:
    bus = Bus()
    async with bus.running() as port:
        built.write(drivers=DRIVER.format(port=port), devices=DEVICES)
        await built.start()
        await built.has("stairs5", 1)
        bus.fault = True
        await built.has("stairs5", 2)
        await _passes(65, built, clock, bus)
        message = await built.told("opened", "stairs5")
        assert message["category"] == "trouble"
        bus.smoke = True
        await built.until(
            lambda: [m for m in built.phone.told("opened") if m["category"] == "life"]
        )
        await built.stop()


async def test_dead_slave_is_trouble_and_the_others_go_on(built: House, clock: Jumpable) -> None:
    bus = Bus()
    async with bus.running() as port:
        built.write(drivers=DRIVER.format(port=port), devices=DEVICES)
        await built.start()
        await built.has("tank5", 1)
        bus.dead.add(2)
        await built.until(lambda: _is_offline(built))
        await _passes(9 * MINUTE, built, clock, bus)
        assert built.phone.messages == []  # longer than a restart
        await _passes(2 * MINUTE, built, clock, bus)
        message = await built.told("opened", "tank5")
        assert message["category"] == "trouble"
        assert [each["rule"] for each in await built.incidents()] == ["offline"]
        bus.smoke = True
        await built.told("opened", "stairs5")
        bus.dead.remove(2)
        await _passes(2 * MINUTE, built, clock, bus)
        await built.told("cleared", "tank5")
        assert (await built.task("driver bus"))["falls"] == 0
        await built.stop()


async def _is_offline(house: House) -> bool:
    return bool((await house.device("tank5"))["values"]["extra.online"] is False)


async def test_siren_left_on_by_a_gateway_that_died_ends_in_time(
    built: House, clock: Jumpable
) -> None:
    bus = Bus()
    async with bus.running() as port:
        built.write(drivers=DRIVER.format(port=port), devices=DEVICES, notifiers=SIREN)
        await built.start()
        await built.has("stairs5", 1)
        bus.smoke = True
        await built.until(lambda: bus.written == [True])
        await built.stop()
        assert bus.written == [True]  # a restart in a fire does not silence it
        await built.start()
        await built.until(lambda: _is_on(built))
        await _passes(21 * MINUTE, built, clock, bus)
        await built.until(lambda: bus.written[-1] is False)
        await built.stop()


async def test_siren_whose_bus_is_away_sounds_when_it_is_back(
    built: House, clock: Jumpable, mosquitto: Mosquitto
) -> None:
    bus, port = Bus(), free_port()
    drivers = DRIVER.format(port=port)
    built.write(mqtt=mosquitto.port, drivers=drivers, devices=DEVICES, notifiers=SIREN)
    await built.start()
    await built.connected()
    async with Reports(mosquitto.port, built, clock) as sensors:
        await sensors.report("s301", alarm=True)
        message = await built.told("opened", "s301")
        assert message["person"] == "chen"  # who is not kept waiting for it
        assert not (await built.task("driver bus"))["up"]
        async with bus.running(port):
            await clock.forward(40, step=2)
            await built.until(lambda: bus.written == [True])
            await sensors.report("s301", alarm=False)
            await built.has("s301", 2)
            await clock.forward(32, step=8)
            await built.told("cleared", "s301")
            await built.until(lambda: bus.written == [True, False])
            await built.stop()
