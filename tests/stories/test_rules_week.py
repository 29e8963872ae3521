"""A week of a quiet community of sixty devices: who is told, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tests.stories.estate import DEVICES, HOUR, MINUTE, SHOP, Estate, Line
from tests.stories.house import House

DAY = 24 * HOUR
WEEK = 7 * DAY
_NIGHTS = """
plans:
  - name: nights
    title: {zh: 夜间, en: Nights}
    week: {daily: ["22:00-06:00"]}
"""
_MACHINE = "settings:\n" + "".join(
    f"  - {{rule: {rule}, set: {{off: true}}, because: the tests' machine is not the gateway's}}\n"
    for rule in ("memory_high", "cpu_high", "disk_low", "disk_full", "gateway_hot")
)
COUNTS = {
    "smoke": 20, "infrared": 10, "contact": 10, "climate": 8, "manhole": 6, "lamp": 4, "camera": 2,
}  # fmt: skip
_MOST_MESSAGES = 0
"""Nothing happens in the quiet week for which a person could do anything: each message is one too
many, and one a week of sixty devices would be three a day of a district of a thousand."""


def registry() -> str:
    rows = [DEVICES.splitlines()[0]]
    rows.append("climate1,site,climate1,climate,配电间环境,990101010101,,,,,")
    for kind, count in COUNTS.items():
        rows += [
            f"{kind}{n},site,{kind}{n},{kind},{kind}{n},{SHOP},1,{n},,,"
            for n in range(10, 10 + count)
        ]
    return "\n".join(rows) + "\n"


def by_day(at: float) -> bool:
    """The story begins at 16:00; people are up from 7 to 21."""
    return 7 <= (at / HOUR + 16) % 24 < 21


def every(random: Random, seconds: float, lost: float = 0.02) -> Iterator[float]:
    """About every ``seconds``, a little late or early; some are lost on the way."""
    at = random.uniform(0, seconds)
    while at < WEEK:
        if random.random() > lost:
            yield at
        at += seconds * random.uniform(0.9, 1.1)


def radio(random: Random) -> dict[str, Any]:
    return {"battery": random.choice([81, 82, 83]), "rssi": random.gauss(-95, 6)}


def smoke(random: Random, id_: str) -> Iterator[Line]:
    for at in every(random, 6 * HOUR):
        yield at, id_, {"alarm": False, "temperature": random.gauss(21, 2),
                        "density": abs(random.gauss(0, 0.5)), **radio(random)}  # fmt: skip
    at = random.uniform(0, WEEK)  # somebody presses its button
    yield at, id_, {"alarm": True, "test": True}
    yield at + 10, id_, {"alarm": False, "test": False}


def passers(random: Random, id_: str, name: str) -> Iterator[Line]:
    for at in every(random, 25 * MINUTE):
        if by_day(at):
            yield at, id_, {name: True}
            yield at + random.uniform(3, 50), id_, {name: False}


def climate(random: Random, id_: str) -> Iterator[Line]:
    for at in every(random, 20 * MINUTE):
        yield at, id_, {"temperature": round(random.gauss(20, 1), 1),
                        "humidity": round(random.gauss(45, 3)), **radio(random)}  # fmt: skip


def manhole(random: Random, id_: str) -> Iterator[Line]:
    for at in every(random, 2 * HOUR):
        yield at, id_, {"open": False, "tilt": abs(random.gauss(0, 1)),
                        "water_level": abs(random.gauss(0.2, 0.05)), **radio(random)}  # fmt: skip


def lamp(random: Random, id_: str) -> Iterator[Line]:
    for at in every(random, HOUR):
        on = not by_day(at)
        yield at, id_, {"on": on, "voltage": random.gauss(224, 3), "power": 60.0 if on else 0.5,
                        "current": 0.27 if on else 0.0}  # fmt: skip


def camera(random: Random, id_: str) -> Iterator[Line]:
    for at in every(random, HOUR):
        yield at, id_, {"online": True}
    yield from passers(random, id_, "motion")


def week(seed: int) -> list[Line]:
    random, lines = Random(seed), list[Line]()
    for kind, count in COUNTS.items():
        for id_ in (f"{kind}{n}" for n in range(10, 10 + count)):
            if kind in ("infrared", "contact"):
                lines += passers(random, id_, "alarm" if kind == "infrared" else "open")
            else:
                made = {"smoke": smoke, "climate": climate, "manhole": manhole, "lamp": lamp}
                lines += made.get(kind, camera)(random, id_)
    return sorted((line for line in lines if line[0] < WEEK), key=lambda line: line[0])


@pytest.fixture
def estate(virtual: House) -> Estate:
    estate = Estate(virtual)
    estate.packs = "fire, intrusion, manholes, lamps, cameras, trouble, system"
    estate.files = {"plan.yaml": _NIGHTS, "machine.yaml": _MACHINE}
    estate.devices = registry()
    return estate


def heard(estate: Estate) -> Counter[tuple[str, str]]:
    """(purpose, device) of every message so far."""
    return Counter((m["purpose"], m["device"]) for m in estate.house.phone.messages)


@pytest.mark.long
async def test_quiet_week_of_sixty_devices_rings_nobody(estate: Estate) -> None:
    lines = week(1)
    await estate.begin(*lines)
    await estate.skip(WEEK)
    told = heard(estate)
    print(f"{len(lines)} reports, {told.total()} messages")
    assert (await estate.house.ledger())["stored"] > len(lines)
    assert told.total() <= _MOST_MESSAGES


@pytest.mark.long
async def test_quiet_week_with_a_restart_every_night_rings_nobody_either(estate: Estate) -> None:
    await estate.begin(*week(3))
    for day in range(7):
        await estate.skip(day * DAY + 11.2 * HOUR)
        await estate.restart()
    await estate.skip(WEEK)
    assert heard(estate) == {}
    assert await estate.all() == []


def troubled(since: float = 2.5 * DAY) -> list[Line]:
    """The same week with five devices that need a hand from then on."""
    lines = list[Line]()
    random = Random(2)
    for at, device, values in week(1):
        said = dict(values)
        if at > since:
            if device == "manhole10":
                continue  # it died
            if device == "climate10" and "humidity" in said:
                said |= {"temperature": 19.5, "humidity": 44}
            if device == "smoke11":
                said["battery"] = random.choice([7, 8, 9])
            if device == "manhole12":
                said["rssi"] = random.gauss(-127, 1)
            if device == "camera10" and "online" in said:
                said["online"] = False
        lines.append((at, device, said))
    return lines


TROUBLES = {
    "manhole10": "silent", "climate10": "stuck_climate", "smoke11": "battery_flat",
    "manhole12": "link_weak", "camera10": "camera_offline",
}  # fmt: skip


async def test_what_needs_a_hand_is_told_once_and_not_every_day(estate: Estate) -> None:
    await estate.begin(*troubled())
    await estate.skip(WEEK, 900)
    told = heard(estate)
    print(dict(told), Counter(p for p, _ in told.elements()))
    rang = {device: n for (purpose, device), n in told.items() if purpose in ("opened", "again")}
    assert rang == dict.fromkeys(TROUBLES, 1)
    assert {each["device"]: each["rule"] for each in await estate.all()} == TROUBLES
    assert not {purpose for purpose, _ in told} & {"cleared", "closed"}


async def test_low_battery_that_somebody_closed_as_known_is_told_again_at_most_daily(
    estate: Estate,
) -> None:
    await estate.begin(*(line for line in troubled(0) if line[1] == "smoke11"))
    await estate.skip(1.6 * DAY, 900)
    (incident,) = await estate.all()
    await estate.done(incident["key"])
    await estate.skip(WEEK, 900)
    again = sum(n for (purpose, _), n in heard(estate).items() if purpose in ("opened", "again"))
    print(f"told again {again} times in five days")
    assert 0 < again <= 5
