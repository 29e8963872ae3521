"""What devices should not send: intake goes on, the ledger adds up, the reason is one line.

After every story the fixture proves that each good report is in the journal once and in
InfluxDB.
"""

from __future__ import annotations

import json
import os
import tty
from itertools import pairwise
from typing import Any

import pytest

from gateway.model import SECOND
from tests.servers import InfluxDB, Mosquitto
from tests.stories.clock import Jumpable
from tests.stories.house import House, clear
from tests.stories.phone import Phone
from tests.stories.reports import Reports


async def rings(house: House, sensors: Reports, device: str = "s301") -> dict[str, Any]:
    """Intake goes on: an alarm that comes now still reaches the person in charge."""
    await sensors.report(device, alarm=True)
    message = await house.told("opened", device)
    assert message["person"] == "chen"
    return message


def reasons(house: House) -> list[str]:
    """Why things lie in quarantine, oldest first; every reason is one clear line."""
    found = [row.reason for row in reversed(house.quarantine())]
    assert all(map(clear, found)), found
    return found


async def test_malformed_json_is_set_aside_with_the_place_where_it_breaks(
    house: House, sensors: Reports
) -> None:
    for payload in (b'{"n": 1, "alarm": tru', b"\xff\xfe\x00\x01", b"[1, 2]", b"OK", b"{}}"):
        await sensors.raw("s301", payload)
    await house.refused("undecodable", 5)
    assert len(reasons(house)) == 5
    assert [row.source for row in house.quarantine()] == ["site site/s301/report"] * 5
    assert house.quarantine()[-1].raw == b'{"n": 1, "alarm": tru'
    await rings(house, sensors)


async def test_numbers_and_truths_as_strings_are_taken_for_what_they_mean(
    house: House, sensors: Reports
) -> None:
    await sensors.report("s301", temperature="21.5", battery=" 97 ", alarm="false")
    (reading,) = await house.has("s301", 1)
    assert reading["values"] == {"temperature": 21.5, "battery": 97.0, "alarm": False}
    await sensors.report("s301", alarm="true")
    await house.told("opened", "s301")
    assert (await house.ledger())["refused"] == {}


async def test_word_for_a_number_costs_only_that_value(house: House, sensors: Reports) -> None:
    await sensors.report("s301", temperature="warm", alarm=True)
    await house.told("opened", "s301")
    (reading,) = await house.readings("s301")
    assert reading["values"] == {"alarm": True}
    assert reasons(house) == ["temperature: 'warm' is no number"]


async def test_null_is_absent_and_not_zero(house: House, sensors: Reports) -> None:
    await sensors.report("s301", alarm=None, temperature=20, battery=None)
    (reading,) = await house.has("s301", 1)
    assert reading["values"] == {"temperature": 20.0}
    await sensors.raw("s301", {"n": 900, "alarm": None})
    await house.refused("undecodable", 1)
    assert reasons(house) == ["none of the declared fields is in it"]
    await rings(house, sensors)


async def test_missing_fields_are_no_fault_and_extra_ones_are_kept(
    house: House, sensors: Reports
) -> None:
    await sensors.report("s301", temperature=20, firmware="1.4", nested={"a": [1]}, up=True)
    (reading,) = await house.has("s301", 1)
    assert reading["values"] == {"temperature": 20.0, "extra.firmware": "1.4", "extra.up": True}
    assert (await house.ledger())["refused"] == {}
    await rings(house, sensors)


async def test_not_a_number_is_never_stored(
    house: House, sensors: Reports, influxdb: InfluxDB
) -> None:
    await sensors.raw("climate1", b'{"n": 900, "temperature": NaN, "battery": 50}')
    await sensors.raw("climate1", b'{"n": 901, "temperature": "NaN", "battery": 51}')
    await sensors.raw("climate1", b'{"n": 902, "temperature": 1e999, "battery": 52}')
    await house.refused("undecodable", 2)  # the bare NaN is "not connected", and no fault
    readings = await house.has("climate1", 3)
    assert [each["values"] for each in readings] == [
        {"battery": 50.0}, {"battery": 51.0}, {"battery": 52.0},
    ]  # fmt: skip
    assert all(reason.startswith("temperature: ") for reason in reasons(house))
    await rings(house, sensors)
    await house.delivered()
    assert influxdb.count("yunhe", "climate", "battery") == 3


async def test_ten_megabytes_are_thrown_away_and_the_next_alarm_rings(
    house: House, sensors: Reports
) -> None:
    await sensors.raw("s302", b'{"alarm": "' + b"x" * 10_000_000 + b'"}')
    await rings(house, sensors)
    await house.refused("undecodable", 1)
    (row,) = house.quarantine()
    assert clear(row.reason)
    assert "10,000,0" in row.reason
    assert len(row.raw) == 4096
    assert (await house.task("driver site"))["falls"] == 0


async def test_binary_garbage_on_a_serial_line_is_set_aside_and_the_next_report_is_read(
    built: House, mosquitto: Mosquitto, influxdb: InfluxDB, phone: Phone
) -> None:
    device, port = os.openpty()
    tty.setraw(port)
    try:
        built.write(mqtt=mosquitto.port, line=os.ttyname(port), influx=influxdb.url)
        await built.start()
        await built.until(lambda: built.get("health"))
        os.write(device, b"B7,1,OK\n")
        await built.has("beam", 1)
        os.write(device, bytes(range(256)) * 4 + b"\n\x00\xff\xfe\n" + b"B7,2,ALARM\n")
        message = await built.told("opened", "beam")
        assert message["person"] == "chen"
        assert [each["key"] for each in await built.readings("beam")] == ["1", "2"]
        refused = (await built.ledger())["refused"]
        assert set(refused) == {"undecodable"}
        assert len(reasons(built)) == refused["undecodable"] >= 2
        assert (await built.task("driver line"))["falls"] == 0
        await built.stop()
    finally:
        os.close(device)
        os.close(port)


async def test_unknown_device_is_shown_and_counted_and_its_alarm_rings(
    house: House, sensors: Reports
) -> None:
    await sensors.report("stranger", temperature=20)
    await house.has("site/stranger", 1)
    shown = await house.device("site/stranger")
    assert shown["unknown"]
    assert shown["values"] == {"temperature": 20.0}
    ledger = await house.ledger()
    assert ledger["received"] == ledger["stored"]  # counted, not refused
    # where the topic or the bridge says what it is, it rings, registered or not
    await sensors.send("fire/new-7/report", {"n": 1, "alarm": True})
    await sensors.send("zigbee2mqtt/新烟感", {"smoke": True, "battery": 90})
    for device in ("site/new-7", "zigbee/新烟感"):
        message = await house.told("opened", device)
        assert message["person"] == "sun"  # in charge of the root: nobody knows where it hangs
        assert clear(message["title"])


@pytest.mark.parametrize(("name", "seconds"), [("1970", 0), ("2099", 4_070_908_800)])
async def test_impossible_device_time_is_marked_and_our_own_taken(
    house: House, sensors: Reports, clock: Jumpable, name: str, seconds: int
) -> None:
    before = clock.wall
    await sensors.report("s301", alarm=True, ts=seconds * 1000)
    message = await house.told("opened", "s301")
    (reading,) = await house.readings("s301")
    assert reading["quality"] == "clock_suspect"
    assert not reading["late"]
    assert reading["at"] == reading["received_at"]
    assert before <= message["opened_at"] <= clock.wall
    assert clear(message["title"])


async def test_device_time_beyond_the_calendar_costs_only_the_time(
    house: House, sensors: Reports
) -> None:
    await sensors.report("s301", alarm=True, ts=10**18)
    await house.told("opened", "s301")
    (reading,) = await house.readings("s301")
    assert reading["observed_at"] is None
    assert reading["at"] == reading["received_at"]
    assert reasons(house) == ["time: '1000000000000000000' lies outside 1970 to 2262"]


async def test_duplicate_is_refused_and_rings_once(house: House, sensors: Reports) -> None:
    key = await sensors.report("s301", alarm=True)
    again = {"n": int(key), "alarm": True}
    for _ in range(3):
        await sensors.raw("s301", again)
    await house.refused("duplicate", 3)
    await house.told("opened", "s301")
    assert len(await house.incidents(device="s301")) == 1
    assert len(house.phone.told("opened", "s301")) == 1
    assert house.quarantine() == []


async def test_out_of_order_reports_are_stored_at_their_own_times_and_undo_nothing(
    house: House, sensors: Reports, influxdb: InfluxDB
) -> None:
    await sensors.report("s301", age=10, alarm=True)
    await house.told("opened", "s301")
    await sensors.report("s301", age=60, alarm=False)  # from before the fire
    await sensors.report("s301", age=30, alarm=False)
    readings = await house.has("s301", 3)
    assert sorted(readings, key=lambda each: str(each["at"])) == [
        readings[1], readings[2], readings[0],
    ]  # fmt: skip
    (incident,) = await house.incidents(device="s301")
    assert not incident["cleared"]
    await house.delivered()
    points = influxdb.points("yunhe", "smoke")
    assert [point["alarm"] for point in points] == [False, False, True]
    assert [round((b["time"] - a["time"]) / SECOND) for a, b in pairwise(points)] == [30, 20]


async def test_burst_of_every_kind_of_rubbish_leaves_the_books_in_order(
    house: House, sensors: Reports
) -> None:
    rubbish = [b"", b"\x00" * 50, b"{", b'{"n": {}}', b"[" * 5000, json.dumps("x" * 2000).encode()]
    for number in range(60):
        await sensors.raw(f"s30{number % 3}", rubbish[number % len(rubbish)])
        if number % 6 == 0:
            await sensors.report("climate1", temperature=number)
    await rings(house, sensors)
    await house.until(lambda: len(house.quarantine()) >= 50)
    assert reasons(house)
    ledger = await house.ledger()
    assert ledger["refused"] == {"undecodable": 50}  # an empty payload is nothing
