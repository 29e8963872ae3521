"""Wall clocks that jump, and zones that change: every message comes at the moment of a calm night.

A night in Berlin in which at 60 s everything is under way at once: a limit, its early warning, an
unseen wait, a merged message, a quota, quiet hours and a silence.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from gateway.model import Quota
from gateway.notifiers.webhook.notifier import Notifier
from tests.stories.estate import DEVICES, ZONE, Estate, Line
from tests.stories.house import House

BERLIN: Final = ZoneInfo("Europe/Berlin")
DAY: Final = 86_400.0
RULES = "\n".join(
    ["pack: night", "rules:"]
    + [
        f"  - {{name: {kind}_now, title: {{zh: {kind}, en: {kind}}}, on: {kind}, when: {when}, "
        f"same: device, severity: alarm, category: {category}}}"
        for kind, when, category in (
            ("smoke", "alarm", "life"),
            ("infrared", "alarm", "intrusion"),
            ("manhole", "open", "facility"),
        )
    ]
)
PEOPLE = """id,name,grid,role,phone,language,channels,quiet
chen,陈静,9901010101,assistant,13800000001,zh,"phone;other",
lin,林涛,9901010101,officer,13800000002,zh,phone,
du,杜鹃,9901010102,assistant,13800000005,zh,phone,
sun,孙值班,9901,assistant,13800000007,zh,phone,22:00-03:05
wu,吴刚,9901,officer,13800000008,zh,phone,
zhao,赵敏,9901,supervisor,13800000009,zh,phone,
"""
MORE = "\n".join(
    [f"ir{n},site,ir{n},infrared,红外{n},9901010101,,,,,," for n in range(8)]
    + ["cover1,site,cover1,manhole,井盖1,9901010102,,,,,,", "cover2,site,cover2,manhole,井盖2,99010101,,,,,,"]
)  # fmt: skip
LIMITS = """
limits:
  - {category: life, stage: receive, within: 4m, warn: 1m}
  - {category: life, stage: handle, within: 24h}
  - {category: intrusion, stage: receive, within: 2h}
  - {category: facility, stage: receive, within: 2h}
"""
LINES: Final[list[Line]] = [
    (10, "s301", {"alarm": True}),
    *((30 + n / 10, f"ir{n}", {"alarm": True}) for n in range(6)),
    (35, "cover2", {"open": True}),
    (40, "cover1", {"open": True}),
    (200, "ir6", {"alarm": True}),
    (420, "ir7", {"alarm": True}),
]
Moment = tuple[float, str, str, int]
"""Seconds, purpose, person, count."""


class Stamped(list[dict[str, Any]]):
    """Messages with the moment at which they came."""

    def __init__(self, estate: Estate) -> None:
        super().__init__()
        self.estate = estate

    def append(self, message: dict[str, Any]) -> None:
        super().append({**message, "came": round(self.estate.now, 6)})


async def silence(house: House, device: str) -> None:
    url = f"{house.running.console_url}/api/v1/silences"
    body = {"person": "lin", "because": "换电池", "device": device, "for": "5m"}
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
        assert answer.status == 200, await answer.text()


async def night(
    house: House, start: str, jump: float = 0.0, until: float = 1_000.0
) -> list[Moment]:
    """What was told when; the wall clock jumps at 60 s."""
    estate = Estate(house)
    estate.packs, estate.limits, estate.files = "", LIMITS, {"night.yaml": RULES}
    estate.devices = f"{DEVICES}{MORE}\n"
    (house.folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    write, messages = house.write, Stamped(estate)
    house.phone.messages = messages

    def written(**given: Any) -> None:
        write(**given, notifiers=f'  other: {{type: webhook, url: "{house.phone.url}"}}\n')
        text = house.file.read_text(encoding="utf-8")
        house.file.write_text(text.replace("site: {", "site: {zone: Europe/Berlin, ", 1), "utf-8")

    house.write = written  # type: ignore[method-assign]
    local = datetime.fromisoformat(start).replace(tzinfo=BERLIN)
    await estate.begin(*LINES, at=local.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S"))
    await silence(house, "ir6")
    await estate.at(60)
    held = (await house.get("health"))["telling"]["held"]
    assert held == {"unseen": 4, "storm": 1, "quota": 1, "quiet": 1}
    estate.clock.jump(jump)
    await estate.at(500)
    (fire,) = await house.incidents(device="s301")
    await house.act(fire["key"], "receive", "sun")
    await estate.at(650)
    if until > 1_000:
        await estate.skip(until - 70, 60)
    await estate.at(until)
    return sorted((m["came"], m["purpose"], m["person"], m["count"]) for m in messages)


@pytest.fixture(autouse=True)
def _few_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Notifier, "quotas", (Quota(20, 280.0, spare=16),), raising=False)


CALM: Final[list[Moment]] = [
    (10.0, "opened", "chen", 1),
    (30.0, "opened", "chen", 1),
    (30.1, "opened", "chen", 1),
    (30.2, "opened", "chen", 1),
    (70.0, "opened", "chen", 1),
    (90.3, "opened", "chen", 3),
    (190.0, "warned", "chen", 1),
    (250.0, "overdue", "chen", 1),
    (250.0, "escalated", "lin", 1),
    (310.2, "opened", "du", 1),
    (330.0, "opened", "chen", 1),
    (330.1, "opened", "chen", 1),
    (350.0, "opened", "chen", 1),
    (390.3, "opened", "chen", 1),  # the silence is over, and it still stands
    (430.0, "warned", "lin", 1),
    (490.0, "overdue", "lin", 1),
    (490.0, "overdue", "chen", 1),
    (490.0, "escalated", "sun", 1),
    (610.0, "opened", "chen", 1),
]


@pytest.mark.parametrize("jump", [0.0, 14 * DAY, -14 * DAY, DAY, 1.0, -1.0])
async def test_a_jump_of_the_wall_clock_moves_no_message(virtual: House, jump: float) -> None:
    told = await night(virtual, "2026-06-10 02:50", jump)
    ends = 901.0 if jump == -1.0 else 900.0  # quiet hours end when the wall says so
    assert told == [*sorted(CALM), (ends, "opened", "sun", 1)]


@pytest.mark.parametrize(
    ("start", "until"), [("2026-03-29 01:50", 900.0), ("2026-10-25 02:50", 4_500.0)]
)
async def test_a_change_of_summer_time_moves_only_the_end_of_quiet_hours(
    virtual: House, start: str, until: float
) -> None:
    told = await night(virtual, start, until=until + 60)
    assert told == [*sorted(CALM), (until, "opened", "sun", 1)]


async def test_silence_that_ended_while_the_gateway_was_off_lets_go_once_the_clock_is_right(
    virtual: House,
) -> None:
    estate = Estate(virtual)
    estate.packs, estate.files = "", {"night.yaml": RULES}
    estate.devices = f"{DEVICES}{MORE}\n"
    await estate.begin((10, "ir6", {"alarm": True}))
    await silence(virtual, "ir6")
    await estate.at(60)
    await virtual.stop()
    estate.clock.trusted = False
    estate.clock.jump(DAY)
    await virtual.start()
    await estate.clock.advance(60)
    assert estate.told() == []
    estate.clock.trusted = True
    await estate.clock.advance(10)
    assert estate.told() == [("opened", "chen")]
