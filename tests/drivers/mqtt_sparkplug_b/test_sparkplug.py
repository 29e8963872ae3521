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
    third = plant.says("DDATA", "hall", 9, SMOKE)
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
