"""Nodes are followed through births, gaps and deaths; hostile bytes are refused with a reason."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mqtt.decode import Publish, Router
from drivers.mqtt.dialects.sparkplug_b.dialect import Dialect
from drivers.mqtt.dialects.sparkplug_b.options import Options
from drivers.mqtt.wire import Message
from gateway.model import DeviceSeen, Reading, Undecodable
from gateway.sparkplug import (
    BOOLEAN,
    DOUBLE,
    FLOAT,
    INT32,
    INT64,
    STRING,
    Metric,
    Payload,
    decode,
    encode,
)
from tests.shared import shared

AT = 1_795_250_000_000
HALL = "community/edge-01/hall"


class Plant:
    def __init__(self, **options: Any) -> None:
        self.router = Router([Dialect(Options.model_validate(options))])

    def raw(self, kind: str, device: str, payload: bytes) -> list[Any]:
        topic = f"spBv1.0/community/{kind}/edge-01" + (f"/{device}" if device else "")
        return list(self.router.decode(Message(topic.encode(), payload, False, b"", len(payload))))

    def says(
        self, kind: str, device: str, seq: int | None, *metrics: Metric, at: int | None = AT
    ) -> list[Any]:
        return self.raw(kind, device, encode(Payload(at, metrics, seq)))

    def born(self, *metrics: Metric, session: int = 3) -> list[Any]:
        self.says("NBIRTH", "", 0, Metric("bdSeq", INT64, session))
        return self.says("DBIRTH", "hall", 1, *metrics)


SMOKE = Metric("Alarm/Smoke", BOOLEAN, False, alias=1)


def values(found: list[Any]) -> list[dict[str, object]]:
    return [dict(each.values) for each in found if isinstance(each, Reading)]


def test_a_birth_announces_the_device_and_its_values() -> None:
    seen, reading = Plant().born(SMOKE, Metric("Battery/Percent", FLOAT, 88.1))
    assert seen == DeviceSeen(HALL, "smoke")
    assert (reading.device, reading.kind) == (HALL, "smoke")
    assert reading.values == {"extra.online": True, "alarm": False, "battery": 88.1}
    assert reading.observed_at == AT * 1_000_000


def test_data_by_alias_is_named_by_the_birth() -> None:
    plant = Plant()
    plant.born(SMOKE)
    assert values(plant.says("DDATA", "hall", 2, Metric("", BOOLEAN, True, alias=1))) == [
        {"alarm": True}
    ]


def test_a_gap_asks_for_one_rebirth_and_what_is_read_counts() -> None:
    plant = Plant()
    plant.born(SMOKE)
    first = plant.says("DDATA", "hall", 7, Metric("", BOOLEAN, True, alias=1))
    assert values(first) == [{"alarm": True}]
    (asked,) = [each for each in first if isinstance(each, Publish)]
    assert asked.topic == "spBv1.0/community/NCMD/edge-01"
    assert decode(asked.payload).metrics == [Metric("Node Control/Rebirth", BOOLEAN, True)]
    again = plant.says("DDATA", "hall", 9, SMOKE)
    assert not [each for each in again if isinstance(each, Publish)]
    plant.born(SMOKE)
    third = plant.says("DDATA", "hall", 9, SMOKE, at=AT + 31_000)
    assert [type(each) for each in third] == [Publish, Reading]


def test_seq_goes_round() -> None:
    plant = Plant()
    plant.born(SMOKE)
    for seq in [*range(2, 256), 0, 1]:
        assert [type(each) for each in plant.says("DDATA", "hall", seq, SMOKE)] == [Reading]


def test_data_before_a_birth_and_unknown_aliases_are_said() -> None:
    found = Plant().says("DDATA", "hall", 5, Metric("", BOOLEAN, True, alias=77), SMOKE)
    assert values(found) == [{"alarm": False}]
    assert sum(isinstance(each, Publish) for each in found) == 1
    (refused,) = [each for each in found if isinstance(each, Undecodable)]
    assert "aliases" in refused.reason
    quiet = Plant(rebirth=False).says("DDATA", "hall", 5, SMOKE)
    assert [type(each) for each in quiet] == [Reading]


def test_a_nodes_death_takes_its_devices_and_an_older_will_means_nothing() -> None:
    plant = Plant()
    plant.born(SMOKE, session=4)
    assert plant.says("NDEATH", "", None, Metric("bdSeq", INT64, 3)) == []
    gone = plant.says("NDEATH", "", None, Metric("bdSeq", INT64, 4))
    assert [(each.device, each.values) for each in gone] == [
        ("community/edge-01", {"extra.online": False}),
        (HALL, {"extra.online": False}),
    ]


def test_a_devices_death_is_its_own() -> None:
    plant = Plant()
    plant.born(SMOKE)
    assert values(plant.says("DDEATH", "hall", 2)) == [{"extra.online": False}]


def test_historical_metrics_keep_their_own_time() -> None:
    plant = Plant()
    plant.born(SMOKE)
    old = Metric("Temperature", FLOAT, -12.3, at=AT - 60_000, historical=True)
    found = plant.says("DDATA", "hall", 2, old, SMOKE)
    times = {each.observed_at: each.values for each in found}
    assert times == {
        (AT - 60_000) * 1_000_000: {"temperature": -12.3},
        AT * 1_000_000: {"alarm": False},
    }


def test_declared_metrics_are_read_as_declared() -> None:
    declared = {"alarm": {"field": "In/1", "invert": True}, "lel": {"field": "Gas", "scale": 0.1}}
    plant = Plant(devices=[{"match": "*/hall", "kind": "gas", "values": declared}])
    _, reading = plant.born(Metric("In/1", BOOLEAN, False), Metric("Gas", INT32, 25))
    assert (reading.kind, reading.values) == (
        "gas",
        {"extra.online": True, "alarm": True, "lel": 2.5},
    )
    wrong = plant.says("DDATA", "hall", 2, Metric("Gas", STRING, "much"))
    assert [type(each) for each in wrong] == [Undecodable]
    assert "Gas" in wrong[0].reason


def test_a_name_of_ours_with_another_unit_or_type_is_extra() -> None:
    found = Plant().born(
        Metric("Temperature", FLOAT, 300.0, unit="K"), Metric("Fault", STRING, "E7")
    )
    assert values(found) == [
        {"extra.online": True, "extra.temperature": 300.0, "extra.fault": "E7"}
    ]


def test_commands_and_states_are_no_readings() -> None:
    dialect = Dialect(Options())
    for topic in ("spBv1.0/STATE/host", "spBv1.0/g/NCMD/n", "spBv1.0/g/DCMD/n/d", "x/g/NDATA/n"):
        assert dialect.plan(topic) is None


def test_published_payloads_come_out_as_the_bytes_they_were() -> None:
    vectors = json.loads(shared("protocols/sparkplug/spec_payloads.json").read_text())["vectors"]
    for vector in vectors:
        if "hex" in vector:
            raw = bytes.fromhex(vector["hex"])
            assert encode(decode(raw)) == raw


@given(st.binary(max_size=300))
def test_any_bytes_are_a_payload_or_refused(raw: bytes) -> None:
    with contextlib.suppress(ValueError):
        decode(raw)


metrics = st.builds(
    Metric,
    st.sampled_from(["", "a", "Alarm/Smoke", "Temperature", "bdSeq", "Node Control/x", "Ü/é"]),
    st.sampled_from([1, 2, 3, 4, 5, 7, 8, FLOAT, DOUBLE, BOOLEAN, STRING, 99]),
    st.none(),
    st.none() | st.integers(0, 2**64 - 1),
    st.none() | st.integers(0, 2**64 - 1),
    st.booleans(),
)
valued = st.one_of(
    metrics,
    st.builds(lambda m, v: m._replace(datatype=FLOAT, value=v), metrics, st.floats(width=32)),
    st.builds(
        lambda m, v: m._replace(datatype=INT64, value=v), metrics, st.integers(-(2**63), 2**63 - 1)
    ),
    st.builds(
        lambda m, v: m._replace(datatype=STRING, value=v),
        metrics,
        st.text(st.characters(codec="utf-8"), max_size=9),
    ),
    st.builds(lambda m, v: m._replace(datatype=BOOLEAN, value=v), metrics, st.booleans()),
)
messages = st.tuples(
    st.sampled_from(["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH"]),
    st.none() | st.integers(0, 2**64 - 1),
    st.lists(valued, max_size=4),
)


@given(st.lists(messages | st.binary(max_size=40), max_size=8))
def test_any_sequence_gives_items_and_never_an_exception(said: list[Any]) -> None:
    plant = Plant()
    for each in said:
        if isinstance(each, bytes):
            found = plant.raw("DDATA", "hall", each)
        else:
            kind, seq, some = each
            found = plant.says(kind, "hall" if kind[0] == "D" else "", seq, *some)
        for item in found:
            assert isinstance(item, (Reading, DeviceSeen, Undecodable, Publish))


@pytest.mark.parametrize("group", ["a/b", "#", ""])
def test_a_group_is_one_level(group: str) -> None:
    with pytest.raises(ValueError, match="group"):
        Options(group=group)


def asked(found: list[Any]) -> int:
    return sum(isinstance(each, Publish) for each in found)


def test_two_detectors_of_one_device_are_an_alarm_while_either_is() -> None:
    plant = Plant()
    zones = [Metric(f"Zone {n}/Smoke", BOOLEAN, n == 1, alias=n) for n in (1, 2)]
    assert values(plant.born(*zones))[-1]["alarm"] is True
    assert values(plant.says("DDATA", "hall", 2, zones[1]))[-1]["alarm"] is True
    quiet = zones[0]._replace(value=False)
    assert values(plant.says("DDATA", "hall", 3, quiet))[-1]["alarm"] is False


def test_a_rebirth_ends_what_the_birth_before_it_said() -> None:
    plant = Plant()
    plant.born(Metric("Zone 1/Smoke", BOOLEAN, True), Metric("Zone 2/Smoke", BOOLEAN, False))
    born = plant.born(Metric("Zone 2/Smoke", BOOLEAN, False), session=4)
    assert values(born)[-1]["alarm"] is False


def test_a_second_thermometer_of_a_device_is_an_extra() -> None:
    plant = Plant()
    both = [
        Metric(f"{name}/Temperature", DOUBLE, at) for name, at in (("Room", 21.0), ("Oil", 70.0))
    ]
    said = values(plant.born(*both))[-1]
    assert said["temperature"] == 21.0
    assert said["extra.oil_temperature"] == 70.0


def test_aliases_of_a_node_that_was_born_again_wait_for_its_devices_births() -> None:
    plant = Plant()
    plant.born(Metric("Temperature", DOUBLE, 20.0, alias=1))
    plant.says("NBIRTH", "", 0, Metric("bdSeq", INT64, 4))
    found = plant.says("DDATA", "hall", 1, Metric("", DOUBLE, 1.0, alias=1))
    assert values(found) == []
    assert asked(found) == 1


def test_a_request_that_was_lost_is_made_again() -> None:
    plant = Plant()
    data = Metric("", BOOLEAN, True, alias=9)
    asks = [asked(plant.says("DDATA", "hall", n, data, at=AT + n * 1_000)) for n in range(100)]
    assert asks[0] == 1
    assert 2 <= sum(asks) <= 5


def test_a_node_whose_clock_stands_still_is_asked_again_too() -> None:
    plant = Plant()
    data = Metric("", BOOLEAN, True, alias=9)
    asks = [asked(plant.says("DDATA", "hall", n % 256, data)) for n in range(500)]
    assert 2 <= sum(asks) <= 10


def test_a_node_that_never_counts_is_not_asked_for_ever() -> None:
    plant = Plant()
    plant.born(SMOKE)
    for number in range(50):
        found = plant.says("DDATA", "hall", None, SMOKE, at=AT + number * 1_000)
        assert asked(found) == 0
        assert values(found)


def test_a_node_that_counts_wrongly_is_not_asked_at_every_message() -> None:
    plant = Plant()
    total = 0
    plant.born(SMOKE)
    for number in range(60):
        found = plant.says("DDATA", "hall", 77, SMOKE, at=AT + number * 1_000)
        total += asked(found)
        if asked(found):
            plant.born(SMOKE)
    assert 1 <= total <= 4


def test_history_does_not_undo_what_is_now() -> None:
    plant = Plant()
    plant.born(SMOKE._replace(value=True))
    past = SMOKE._replace(value=False, historical=True, at=AT - 60_000)
    battery = Metric("Battery", DOUBLE, 80.0)
    assert values(plant.says("DDATA", "hall", 2, past))[-1]["alarm"] is False  # as it was then
    found = plant.says("DDATA", "hall", 3, battery, Metric("Zone 2/Smoke", BOOLEAN, False))
    assert values(found)[-1]["alarm"] is True


def test_names_that_are_no_text_are_refused() -> None:
    raw = encode(Payload(AT, [Metric("abcd", DOUBLE, 1.0)], 2)).replace(
        b"abcd", b"\xff\xfe\xfd\xfc"
    )
    plant = Plant()
    plant.born(SMOKE)
    found = plant.raw("DDATA", "hall", raw)
    assert found
