"""An intrusion at night with no internet: the officer is told by the gateway's own modem, and answers."""

from __future__ import annotations

from functools import partial
from typing import Any

from drivers.sms_modem.simulator import Modem, modem
from gateway.model import Action, Lane
from gateway.simulate import SerialPair, serial_pair
from gateway.store.journal_file import JournalFile
from tests.stories.clock import Jumpable
from tests.stories.house import PEOPLE, House

DRIVER = """
  modem: {{type: sms_modem, port: {port}}}
"""
NOTIFIER = """\
  sms: {type: sms_modem, driver: modem, every: 0s}
"""
CHEN, STRANGER = "+8613800000001", "+8613900139000"


def actions(house: House) -> list[Action]:
    """What people and carriers answered, as the journal has it."""
    file = JournalFile(house.data / "journal.db")
    file.look()
    try:
        chunks = file.chunks(0, Lane.everything, 10**9)
    finally:
        file.reader.close()
    items = [record.item for chunk in chunks for record in chunk.records]
    return [item for item in items if isinstance(item, Action)]


def by_text_message(house: House, port: str, beam: str) -> None:
    house.write(drivers=DRIVER.format(port=port), line=beam, notifiers=NOTIFIER)
    (house.folder / "people.csv").write_text(PEOPLE.replace("zh,phone", "zh,sms"), encoding="utf-8")


def to_chen(made: Modem, purpose: str) -> list[str]:
    return [m.text for m in made.sent if m.number == CHEN and purpose in m.text]


async def test_officer_is_told_by_the_modem_and_answers_it(built: House, clock: Jumpable) -> None:
    with serial_pair() as line, serial_pair() as beam:
        async with modem(line, clock) as made:
            by_text_message(built, line.port, beam.port)
            await built.start()
            await built.has("modem/modem", 1)
            beam.send(b"B7,1,ALARM\r\n")
            await built.until(lambda: built.incidents(device="beam"))
            (incident,) = await built.incidents(device="beam")
            await built.until(partial(to_chen, made, incident["key"]))
            made.receive(CHEN, f"1 {incident['key']}")
            made.receive(STRANGER, "2")
            await built.until(lambda: len(actions(built)) >= 3)
            found = sorted(actions(built), key=lambda action: action.verb)
            assert [(a.verb, a.incident, a.person) for a in found] == [
                ("delivered", incident["key"], ""),
                ("receive", incident["key"], f"tel:{CHEN}"),
                ("unknown", "", f"tel:{STRANGER}"),
            ]
            assert found[0].text == f"{incident['key']}/1/chen/sms"
            assert ("opened", "chen", "told") in await built.ends(incident["key"])
            logged = " ".join(str(entry) for entry in built.log)
            assert CHEN[3:] not in logged
            assert STRANGER[3:] not in logged
            await built.stop()


async def test_modem_whose_card_is_missing_is_an_incident(built: House, clock: Jumpable) -> None:
    with serial_pair() as line:
        async with modem(line, clock) as made:
            made.sim = "10"
            by_text_message(built, line.port, "")
            await built.start()
            reason = "there is no SIM card (+CME ERROR: 10)"
            await built.until(lambda: built.said("task_fell"))
            assert reason in built.said("task_fell")[0]["reason"]

            async def known() -> list[dict[str, Any]]:
                await clock.forward(10)
                return await built.incidents(device="gateway/driver:modem")

            await built.until(known)
            await built.stop()


async def whole(house: House, made: Modem, beam: SerialPair, to: str = CHEN) -> str:
    """An alarm that somebody was told of by text message; its key."""
    await house.start()
    await house.has("modem/modem", 1)
    beam.send(b"B7,1,ALARM\r\n")
    await house.until(lambda: house.incidents(device="beam"))
    (incident,) = await house.incidents(device="beam")
    key = str(incident["key"])
    await house.until(lambda: [m for m in made.sent if m.number == to and key in m.text])
    return key


async def state_of(house: House, key: str, wanted: str) -> dict[str, Any]:
    """The incident, once it is in that state."""

    async def there() -> dict[str, Any]:
        found: dict[str, Any] = await house.get(f"incidents/{key}")
        return found if found["state"] == wanted else {}

    found: dict[str, Any] = await house.until(there)
    return found


async def test_officer_receives_and_closes_by_text_message_and_reads_why_not(
    built: House, clock: Jumpable
) -> None:
    with serial_pair() as line, serial_pair() as beam:
        async with modem(line, clock) as made:
            by_text_message(built, line.port, beam.port)
            key = await whole(built, made, beam)
            made.receive(STRANGER, f"1 {key}")
            made.receive(STRANGER, "1")
            made.receive(CHEN, "2")  # nobody has received it
            await built.until(partial(to_chen, made, "请先签收再办结"))
            assert (await state_of(built, key, "open"))["owner"] == "chen"
            made.receive(CHEN, "1")
            assert (await state_of(built, key, "received"))["owner"] == "chen"
            made.receive(CHEN, "2 误报 炒菜")
            closed = await state_of(built, key, "closed")
            assert (closed["outcome"], closed["cause"]) == ("false_alarm", "cooking")
            made.receive(CHEN, f"1 {key}")
            await built.until(partial(to_chen, made, "已办结,不能再签收"))
            events = (await built.get(f"incidents/{key}"))["events"]
            assert [(e["what"], e["by"]) for e in events if e["what"] != "cleared"] == [
                ("opened", "rule:infrared_intrusion"),
                ("refused", "person:chen"),
                ("received", "person:chen"),
                ("closed", "person:chen"),
                ("refused", "person:chen"),
            ]
            assert {m.number for m in made.sent} == {CHEN}
            await built.stop()


async def test_of_a_shared_phone_the_owner_of_the_incident_answers(
    built: House, clock: Jumpable
) -> None:
    with serial_pair() as line, serial_pair() as beam:
        async with modem(line, clock) as made:
            by_text_message(built, line.port, beam.port)
            file = built.folder / "people.csv"
            shared = file.read_text(encoding="utf-8").replace("13800000002", "13800000001")
            file.write_text(shared, encoding="utf-8")
            key = await whole(built, made, beam)
            await clock.forward(601)  # the ladder goes on to lin, at the same phone
            await built.until(partial(told, built, key, "escalated", "lin"))
            made.receive(CHEN, "1")
            assert (await state_of(built, key, "received"))["owner"] == "lin"
            await built.stop()


async def told(house: House, key: str, purpose: str, person: str) -> bool:
    return (purpose, person, "told") in await house.ends(key)
