"""A hub whose incidents are on PostgreSQL, and the server goes in the middle of alarms."""

from __future__ import annotations

import contextlib

from gateway.model import Site
from gateway.ports import Unavailable
from gateway.replay.casebook import Casebook
from gateway.store.cases import Cases
from gateway.store.databases import database
from tests.cases.store import OnServer
from tests.servers import Mosquitto, PostgreSQL
from tests.stories.clock import Jumpable
from tests.stories.house import House
from tests.stories.reports import Reports


async def test_a_case_runs_from_the_alarm_to_its_end_on_a_server(
    built: House, clock: Jumpable, mosquitto: Mosquitto, postgresql: str
) -> None:
    built.write(mqtt=mosquitto.port, cases=postgresql)
    await built.start()
    await built.connected()
    async with Reports(mosquitto.port, built, clock) as sensors:
        await sensors.report("s301", alarm=True)
        message = await built.told("opened", "s301")
        key = message["incident"]
        await built.act(key, "receive", "chen", comment="到场")
        await built.act(key, "close", "lin", outcome="real")
        await built.told("closed", "s301")
        await built.stop()
        assert not (built.data / "cases.db").exists()
        await built.start()
        case = await built.get(f"incidents/{key}")
        assert (case["state"], case["owner"]) == ("closed", "chen")
        assert {end for _, _, end in await built.ends(key)} == {"told"}
        await built.all_there()
        async with Casebook(database(built.data, postgresql), clock) as beside:
            file = await beside.file(key)  # as gridwarden explain does
            assert file is not None
            assert file.broken == ""
            assert "到场" in file.texts.values()
    await built.stop()


async def test_gateway_begins_again_when_another_one_has_written_meanwhile(
    built: House,
    clock: Jumpable,
    mosquitto: Mosquitto,
    postgresql: str,
    postgresql_server: PostgreSQL,
) -> None:
    built.write(mqtt=mosquitto.port, cases=postgresql)
    await built.start()
    assert not built.running.damaged.done()
    written = False
    while not written:  # the gateway itself may be quicker than the other one
        OnServer(postgresql_server, postgresql).end_connections()
        with contextlib.suppress(Unavailable):
            async with Cases(database(built.data, postgresql), clock) as other:
                await other.replace_registry(Site(), "another")
                written = True
    await clock.forward(120)
    await built.until(built.running.damaged.done)
    assert built.running.damaged.result().startswith("another gridwarden has written")
    await built.stop()


async def test_server_killed_between_alarms_loses_none_and_tells_each_once(
    built: House,
    clock: Jumpable,
    mosquitto: Mosquitto,
    postgresql: str,
    postgresql_server: PostgreSQL,
) -> None:
    devices = ("s301", "s302", "s501", "ir1", "cover1")
    built.write(mqtt=mosquitto.port, cases=postgresql)
    await built.start()
    await built.connected()
    async with Reports(mosquitto.port, built, clock) as sensors:
        await sensors.report("s301", alarm=True)
        await built.told("opened", "s301")
        postgresql_server.kill()
        await sensors.report("s302", alarm=True)
        await sensors.report("s501", alarm=True)
        await built.all_there()  # the journal takes them all the same
        await built.until(lambda: built.said("cases_failing"))
        assert not (await built.get("health"))["ok"]
        (failing,) = built.said("cases_failing")
        assert failing["reason"].startswith("PostgreSQL 127.0.0.1:")
        await clock.forward(20)
        assert not built.phone.told("opened", "s501")
        postgresql_server.start()
        await clock.forward(60)
        await built.told("opened", "s501")
        await sensors.report("s302", alarm=False)
        await built.all_there()
    assert (await built.get("health"))["stores"]["cases"]["ok"]
    for device in devices:
        heard = [each["key"] for each in built.phone.told("opened", device)]
        assert len(heard) == len(set(heard))
    ends = {end for each in await built.incidents() for _, _, end in await built.ends(each["key"])}
    assert ends <= {"told", ""}
    await built.stop()
