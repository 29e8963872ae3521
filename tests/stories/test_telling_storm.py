"""800 infrared alarms in a minute, and a fire in the middle of it, in virtual time."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from gateway.model import SECOND, Notification, Quota, Receipt
from gateway.notifiers.webhook.notifier import Notifier
from tests.stories.estate import Estate, Line
from tests.stories.house import House

GRIDS, EACH = 8, 100
ROBOT = Quota(20, 60.0, spare=3)
"""As a group robot has it: 20 a minute; we keep three for life safety."""
RULES = """pack: yard
rules:
  - name: beam
    title: {zh: 红外报警, en: Infrared alarm}
    on: infrared
    when: alarm
    same: device
    severity: alarm
    category: intrusion
"""


def write_registry(house: House) -> str:
    """Grids with an officer each, and the rows of their devices."""
    places = ["code,parent,level,name,address", "9901,,district,云河区,"]
    people = [
        "id,name,grid,role,phone,language,channels",
        "sun,孙值班,9901,assistant,13900000001,zh,phone",
        "wu,吴刚,9901,officer,13900000002,zh,phone",
        "zhao,赵敏,9901,supervisor,13900000003,zh,phone",
    ]
    devices = ["id,driver,address,kind,name,place", "climate1,site,climate1,climate,气候,9901"]
    for grid in range(GRIDS):
        code = f"99010101{grid:02}"
        places.append(f"{code},9901,grid,第{grid + 1}网格,")
        people.append(f"g{grid},网格员{grid},{code},assistant,1380000000{grid},zh,phone")
        for number in range(EACH):
            name = f"ir{grid}-{number}"
            devices.append(f"{name},site,{name},infrared,{name},{code}")
    devices.append("s1,site,s1,smoke,烟感,9901010100")
    for name, rows in (("places", places), ("people", people)):
        (house.folder / f"{name}.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")
    return "\n".join([*devices, ""])


def alarms() -> list[Line]:
    """All 800 within a minute, the grids taking turns."""
    numbers = [(number, grid) for number in range(EACH) for grid in range(GRIDS)]
    return [
        (1.0 + index * 60 // len(numbers), f"ir{grid}-{number}", {"alarm": True})
        for index, (number, grid) in enumerate(numbers)
    ]


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch, virtual: House) -> list[int]:
    """When the robot was asked, on the virtual clock."""
    found: list[int] = []
    tell = Notifier.tell

    async def noted(notifier: Notifier, notification: Notification) -> Receipt:
        if not notification.silent:  # the roster check's trials send nothing
            found.append(virtual.clock.now().mono)
        return await tell(notifier, notification)

    monkeypatch.setattr(Notifier, "tell", noted)
    monkeypatch.setattr(Notifier, "quotas", (ROBOT,), raising=False)
    return found


async def ends(house: House) -> Counter[str]:
    """How many people's alarm messages ended in each way."""
    found: Counter[str] = Counter()
    for incident in await house.get("incidents?limit=1000"):
        for purpose, _, end in await house.ends(incident["key"]):
            found[f"{purpose} {end}"] += 1
    return found


async def test_eight_hundred_alarms_in_a_minute_are_one_message_a_grid_and_the_fire_comes_first(
    virtual: House, moments: list[int]
) -> None:
    estate = Estate(virtual)
    estate.packs = "fire"
    estate.files = {"yard.yaml": RULES}
    estate.devices = write_registry(virtual)
    await estate.begin(*alarms(), (30.0, "s1", {"alarm": True}))
    await estate.at(29.5)
    before = len(virtual.phone.messages)
    assert before <= ROBOT.most - ROBOT.spare  # the robot has no room left but for life
    held = await virtual.get("held")
    assert {each["held"] for each in held} == {"storm", "quota"}
    assert all(each["until"] for each in held)
    await estate.at(31)
    fire = [m for m in virtual.phone.messages[before:] if m["category"] == "life"]
    assert [(m["person"], m["device"]) for m in fire] == [("g0", "s1")]
    await estate.at(240)
    told: dict[str, list[dict[str, Any]]] = {}
    for message in virtual.phone.messages:
        if message["category"] == "intrusion" and message["purpose"] == "opened":
            told.setdefault(message["person"], []).append(message)
    assert len(told) == GRIDS
    for grid, messages in enumerate(told[f"g{n}"] for n in range(GRIDS)):
        counts = [each["count"] for each in messages]
        assert sum(counts) == EACH, "nobody is left without a message"
        assert sum(count > 1 for count in counts) <= 2, counts
        assert len(counts) <= 5
        assert f"第{grid + 1}网格" in max(messages, key=lambda m: m["count"])["title"]
    found = await ends(virtual)
    assert set(found) == {"opened told", "opened merged"}
    assert sum(found.values()) == GRIDS * EACH + 1
    assert await virtual.get("held") == []
    windows = [sum(t <= other < t + 60 * SECOND for other in moments) for t in moments]
    assert max(windows) <= ROBOT.most
    assert all(a <= b for a, b in pairwise(moments))
