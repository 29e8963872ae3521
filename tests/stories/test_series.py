"""From a detector to a time-series database and back again: what a dashboard will find there."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.cli.conftest import Inside, inside
from tests.conftest import MakeDatabase
from tests.influxdb import Database
from tests.servers import Mosquitto
from tests.stories.clock import Jumpable
from tests.stories.house import House
from tests.stories.reports import Reports

__all__ = ["inside"]
_SAMPLED = {"ledger", "channel", "duty", "device_state", "open_case", "cases", "place"}
"""Not in a backfill; ``cases`` is, but this clock leaps over seconds in the middle of a commit:
``tests/series`` compares it in virtual time."""


@pytest.fixture
async def house(built: House, mosquitto: Mosquitto, database: Database) -> House:
    """As every story's, on each version of the database."""
    built.write(mqtt=mosquitto.port, influx=database.options)
    await built.start()
    await built.connected()
    return built


async def test_a_case_is_in_the_database_with_everything_around_it(
    house: House, sensors: Reports, clock: Jumpable, database: Database,
    make_database: MakeDatabase, mosquitto: Mosquitto, inside: Inside,
) -> None:  # fmt: skip
    await sensors.report("climate1", temperature=20)
    await sensors.report("s301", alarm=True, battery=80)
    await house.told("opened", "s301")
    key = (await house.incidents(device="s301"))[0]["key"]
    await clock.forward(30)
    await house.act(key, "receive", "chen")
    await house.act(key, "handle", "chen")
    await sensors.report("s301", alarm=False)
    await clock.forward(240)
    await house.told("cleared", "s301")
    await house.act(key, "close", "chen", outcome="false_alarm", cause="cooking")
    for _ in range(70):
        await clock.forward(60, step=10)

    def there() -> bool:
        return {"closing", "duty", "device_state"} <= set(database.measurements())

    await house.until(there)
    closings = database.points("closing")
    assert [(each["key"], each["cause"], each["false"]) for each in closings] == [
        (key, "cooking", 1)
    ]
    whats = [each["what"] for each in database.points("incident") if each["key"] == key]
    assert whats == ["opened", "received", "handling", "cleared", "closed"]
    people = {(each["place"], each["role"]): each for each in database.points("duty")}
    assert people["9901010101", "assistant"]["name"] == "陈静"
    door = [each for each in database.points("ledger") if each["reader"] == "door"]
    assert door[-1]["received"] == door[-1]["stored"] + door[-1]["refused"]
    assert {each["reader"] for each in database.points("ledger")} >= {
        "rules", "influx", "influx series",
    }  # fmt: skip
    states = {each["device"]: each for each in database.points("device_state")}
    assert states["s301"]["battery"] == 80
    assert states["s301"]["silent_n"] == 0
    assert database.points("channel")[-1]["channel"] == "phone"
    assert database.points("cases")[-1]["open"] >= 0
    await house.delivered()
    await house.stop()
    other = make_database()
    house.write(mqtt=mosquitto.port, influx=other.options)
    await _same_in_a_backfill(house, database, other, inside)


async def test_points_that_a_dead_sink_never_got_are_in_every_ledger(
    built: House, clock: Jumpable, mosquitto: Mosquitto, inside: Inside,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("gateway.series.stream.MOST_SAMPLES", 5)
    built.write(mqtt=mosquitto.port, influx="http://127.0.0.1:1")
    await built.start()

    async def lost() -> int:
        found = (await built.ledger())["series"]["influx"]
        return int(found["dropped"].get("too_old", 0))

    while not await lost():
        await clock.forward(60)
    console = f"console: {{port: {built.running.console_url.rpartition(':')[2]}}}"
    text = built.file.read_text(encoding="utf-8").replace("console: {port: 0}", console)
    asks, alone = built.file.with_name("asks.yaml"), built.file
    asks.write_text(text, encoding="utf-8")
    done = await asyncio.to_thread(inside, "--lang", "zh", "ledger", str(asks))
    (line,) = [each for each in done.stdout.splitlines() if "事件与状态" in each]
    assert line.startswith("  influx(事件与状态的数据点,自启动起): 已送达 0 + 待送 ")
    assert f"(too_old {await lost()})" in line
    done = await asyncio.to_thread(inside, "ledger", "--json", str(asks))
    assert json.loads(done.stdout)["series"]["influx"]["dropped"] == {"too_old": await lost()}
    done = await asyncio.to_thread(inside, "ledger", "--json", str(alone))
    assert (done.returncode, json.loads(done.stdout)["series"]) == (0, None)


async def _same_in_a_backfill(
    house: House, database: Database, other: Database, inside: Inside
) -> None:
    """Into another database: point by point what the gateway wrote live."""
    arguments = ("influx", "backfill", str(house.file), "--since", "2026-01-01", "--until",
                 "2026-01-09")  # fmt: skip
    done = await asyncio.to_thread(inside, *arguments)
    assert done.returncode == 0, done.stderr
    for name in sorted(set(database.measurements()) - _SAMPLED):
        live, again = (
            {_place(each): each for each in base.points(name)} for base in (database, other)
        )
        lost = {at: each for at, each in live.items() if again.get(at) != each}
        assert lost == {}, (name, {at: again.get(at) for at in lost})


def _place(point: dict[str, Any]) -> tuple[Any, ...]:
    tags = ("device", "place", "category", "severity", "stage", "what", "channel", "purpose")
    return (point["time"], *(point.get(tag) for tag in tags))
