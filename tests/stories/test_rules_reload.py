"""Rules and registry change while something is going on: pending, standing, clearing, moving."""

from __future__ import annotations

import pytest

from tests.stories.estate import DEVICES, MINUTE, Estate, Line
from tests.stories.house import House

_HOT = """
rules:
  - name: hot
    title: {{zh: 配电间过热, en: Switch room too hot}}
    on: climate
    when: temperature > {limit}
    for: 60s
    keep: 60s
    severity: warning
    category: facility
"""
TAKEN = 9.0
"""Seconds after which a changed file has been seen twice and is in force."""
SMOKE: Line = (10, "s301", {"alarm": True})


def hot(limit: str) -> str:
    return _HOT.format(limit=limit)


@pytest.fixture
def estate(virtual: House) -> Estate:
    estate = Estate(virtual)
    estate.packs = "fire, system"
    estate.files = {"own.yaml": hot("40")}
    return estate


async def test_threshold_raised_above_a_pending_alarm_rings_nobody(estate: Estate) -> None:
    await estate.begin((10, "climate1", {"temperature": 45}))
    await estate.at(30)
    estate.say("own.yaml", hot("50"))
    await estate.at(200)
    assert estate.told() == []
    assert await estate.all() == []


async def test_threshold_changed_below_a_pending_alarm_begins_its_time_anew(
    estate: Estate,
) -> None:
    await estate.begin((10, "climate1", {"temperature": 45}))
    await estate.at(30)
    estate.say("own.yaml", hot("44"))
    await estate.at(89)  # 60 s after the report, not after the change
    assert estate.told() == []
    await estate.at(30 + TAKEN + 61)
    assert estate.told() == [("opened", "chen")]


async def test_threshold_lowered_under_what_is_known_waits_for_the_next_report(
    estate: Estate,
) -> None:
    await estate.begin((10, "climate1", {"temperature": 35}), (300, "climate1", {"battery": 80}),
                       (400, "climate1", {"temperature": 35}))  # fmt: skip
    await estate.at(30)
    estate.say("own.yaml", hot("30"))
    await estate.at(470)
    (incident,) = await estate.all()
    assert incident["why"].startswith("温度 35 °C 高于 30")


async def test_threshold_raised_above_a_standing_alarm_ends_it_after_keep_and_leaves_the_incident(
    estate: Estate,
) -> None:
    await estate.begin((10, "climate1", {"temperature": 45}))
    await estate.at(80)
    assert estate.told() == [("opened", "chen")]
    estate.say("own.yaml", hot("50"))
    await estate.at(80 + 59)
    assert estate.told() == []
    await estate.at(80 + TAKEN + 62)
    assert estate.told() == [("cleared", "chen")]
    incident = await estate.only()
    assert (incident["state"], incident["cleared"]) == ("open", True)


async def test_threshold_changed_while_an_alarm_clears_ends_it_all_the_same(
    estate: Estate,
) -> None:
    await estate.begin((10, "climate1", {"temperature": 45}),
                       (100, "climate1", {"temperature": 38}))  # fmt: skip
    await estate.at(120)
    estate.told()
    estate.say("own.yaml", hot("39"))
    await estate.at(120 + TAKEN + 62)
    assert estate.told() == [("cleared", "chen")]


async def test_threshold_lowered_under_a_value_that_clears_keeps_the_alarm(
    estate: Estate,
) -> None:
    await estate.begin((10, "climate1", {"temperature": 45}),
                       (100, "climate1", {"temperature": 38}))  # fmt: skip
    await estate.at(120)
    estate.told()
    estate.say("own.yaml", hot("37"))
    await estate.at(400)
    assert estate.told() == []
    assert not (await estate.only())["cleared"]


async def test_wrong_unit_leaves_the_old_rules_in_force_until_it_is_mended_and_is_told_once(
    estate: Estate,
) -> None:
    await estate.begin((120, "climate1", {"temperature": 45}))
    await estate.at(10)
    estate.say("own.yaml", hot("40 MPa"))
    await estate.at(10 + TAKEN + 65)
    (message,) = estate.house.phone.messages
    assert (message["purpose"], message["category"]) == ("opened", "system")
    assert "仍用原来的" in message["text"]
    estate.told()
    await estate.at(190)
    assert estate.told() == [("opened", "chen")]  # hot, by the old rules
    estate.say("own.yaml", hot("40"))
    await estate.at(190 + TAKEN + 5)
    assert estate.told() == [("cleared", "sun")]  # who is on duty for the gateway itself
    assert (await estate.only(rule="rules_refused"))["cleared"]


async def test_rule_file_removed_while_its_alarm_stands_says_so_in_the_incident(
    estate: Estate,
) -> None:
    await estate.begin((10, "climate1", {"temperature": 45}))
    await estate.at(80)
    assert estate.told() == [("opened", "chen")]
    estate.say("own.yaml", "")
    await estate.at(80 + TAKEN + 2)
    assert [purpose for purpose, _ in estate.told()] == ["cleared"]
    incident = await estate.only()
    assert incident["state"] == "open"
    assert (await estate.sentences(incident["key"]))[-1] == (
        "cleared", "规则已更改，不再监测该设备",
    )  # fmt: skip


async def test_device_that_moves_to_another_house_ends_in_the_incident_it_began(
    estate: Estate,
) -> None:
    await estate.begin(
        SMOKE,
        (100, "s501", {"alarm": True}),
        (200, "s301", {"alarm": False}),
        (300, "s301", {"alarm": True}),
    )
    await estate.at(20)
    estate.register(DEVICES.replace("301室烟感,990101010101", "301室烟感,990101010102"))
    await estate.at(110)
    first = await estate.only(device="s301")
    other = await estate.only(device="s501")
    assert first["place_name"].endswith("3号楼")
    assert estate.told() == [("opened", "chen"), ("opened", "chen")]
    assert other["severity"] == "alarm"  # what began in house 3 confirms nothing in house 5
    await estate.at(235)
    assert (await estate.only(device="s301"))["cleared"]
    assert not (await estate.only(device="s501"))["cleared"]
    await estate.at(310)  # from now on it is one of house 5
    assert set((await estate.only(device="s501"))["alarming"]) == {"s301", "s501"}
    assert (await estate.only(device="s501"))["severity"] == "critical"


async def test_restart_right_after_a_changed_file_loses_neither_the_change_nor_what_stands(
    estate: Estate,
) -> None:
    await estate.begin((10, "climate1", {"temperature": 45}), (200, "climate1", {"battery": 50}))
    await estate.at(80)
    assert estate.told() == [("opened", "chen")]
    estate.say("own.yaml", hot("44"))
    await estate.restart()  # its first line says 22 °C
    await estate.at(150)
    assert estate.told() == [("cleared", "chen")]
    assert len(await estate.all()) == 1


async def test_stranger_that_is_registered_while_it_alarms_is_one_device_with_an_end(
    estate: Estate,
) -> None:
    await estate.begin(
        (10, "s999", {"kind": "smoke", "alarm": True}),
        (100, "s999", {"kind": "smoke", "alarm": True}),
        (200, "s999", {"kind": "smoke", "alarm": False}),
    )
    await estate.at(20)
    (incident,) = await estate.all()
    assert incident["device"] == "site/s999"
    estate.register(DEVICES + "new1,site,s999,smoke,新烟感,990101010102,9,901,,,\n")
    await estate.at(110)
    await estate.at(10 * MINUTE + 200)
    assert [each["cleared"] for each in await estate.all()] == [True] * len(await estate.all())


async def test_device_that_is_taken_out_of_the_registry_while_it_alarms_still_has_an_end(
    estate: Estate,
) -> None:
    await estate.begin(
        SMOKE,
        (100, "s301", {"kind": "smoke", "alarm": True}),
        (200, "s301", {"kind": "smoke", "alarm": False}),
    )
    await estate.at(20)
    rows = DEVICES.splitlines(keepends=True)
    estate.register("".join(row for row in rows if not row.startswith("s301,")))
    await estate.at(10 * MINUTE + 200)
    assert [each["cleared"] for each in await estate.all()] == [True] * len(await estate.all())


async def test_message_about_refused_rules_names_file_line_and_fault(estate: Estate) -> None:
    await estate.begin()
    await estate.at(10)
    estate.say("own.yaml", hot("40 MPa"))
    await estate.at(10 + TAKEN + 65)
    (message,) = estate.house.phone.messages
    assert "own.yaml:6" in message["text"]
    assert "is in kPa; it can not be compared" in message["text"]
