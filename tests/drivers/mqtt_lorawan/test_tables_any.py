"""Any bytes on any port for any model: an object or a reason, soon, and never much."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.mqtt.lorawan import tables
from drivers.mqtt.lorawan.tables import decentlab, dingtek, dragino, mclimate, milesight, netvox
from tests.drivers.mqtt_lorawan.test_tables import REAL

TABLES = {
    "aquascope": ("aqs", "kfr", "wwd", "bvs"),
    "bosch": ("tps110", "tps110-0392"),
    "decentlab": tuple(f"dl-{name}" for name in decentlab.MODELS),
    "dingtek": tuple(dingtek.MODELS),
    "dragino": tuple(dragino.MODELS),
    "ellenex": ("pts2-l",),
    "mclimate": tuple(mclimate.MODELS),
    "milesight": tuple(milesight.MODELS),
    "moirelabs": ("p1a",),
    "noah": ("trashbin-sensor",),
    "nwave": ("nps310sm",),
    "talkpool": ("oy1110", "oy1200", "oy1700"),
    "tekzitel": ("tekzipark",),
    "terabee": ("lora-lm-xl", "people-flow-counting"),
}
MODELS = sorted(
    {(maker, model) for maker, model, *_ in REAL.values()}
    | {(maker, model) for maker, models in TABLES.items() for model in models}
)
PORTS = (1, 2, 3, 5, 6, 7, 10, 13, 14, 15, 16, 85, 100, 102, 106, 120, 127, 147)
BEGINNINGS = (
    b"",
    *(bytes.fromhex("".join(data.split())) for _, _, _, data, _ in REAL.values()),
    *(bytes((1, number, kind)) for number in netvox.DEVICES for kind in (1, 2, 13)),
    *(bytes((kind, number)) for number in netvox.DEVICES for kind in (0x81, 0x82, 0x84)),
    bytes.fromhex("0203ed000f"),
    bytes.fromhex("020001005f"),
)
LARGEST = 64 * 1024
SECONDS_PER_KB = 0.02
"""1 ms per kilobyte is promised; the machine of the test may be twenty times slower."""


def plain(value: Any) -> bool:
    """Only what JSON has, and no number that it has not."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and plain(each) for key, each in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    return value is None or isinstance(value, str | int) or math.isfinite(value)


@settings(max_examples=1_500, deadline=None)
@given(
    device=st.sampled_from(MODELS),
    port=st.sampled_from(PORTS) | st.integers(0, 255),
    begin=st.sampled_from(BEGINNINGS),
    rest=st.binary(max_size=60),
    cut=st.integers(0, 80),
)
def test_any_bytes_give_an_object_or_a_reason(
    device: tuple[str, str], port: int, begin: bytes, rest: bytes, cut: int
) -> None:
    found: dict[str, Any] | None
    try:
        found = tables.decode(*device, port, (begin + rest)[: cut or None])
    except ValueError as error:
        found = {"refused": str(error)}
        reason = str(error)
    else:
        reason = "none"
    assert reason.isprintable()
    assert 0 < len(reason) < 200
    assert found is None or plain(found)


@settings(max_examples=300, deadline=None)
@given(maker=st.text(max_size=20), model=st.text(max_size=40), data=st.binary(max_size=40))
def test_any_names_are_survived(maker: str, model: str, data: bytes) -> None:
    try:
        found = tables.decode(maker, model, 1, data)
    except ValueError:
        return
    assert found is None or isinstance(found, dict)


@pytest.mark.parametrize("device", MODELS, ids=lambda device: " ".join(device))
def test_the_largest_payload_costs_little_and_gives_little(device: tuple[str, str]) -> None:
    for begin in (b"", *(row for row in BEGINNINGS if len(row) > 8)):
        whole = (begin * tables.LONGEST)[: tables.LONGEST] if begin else bytes(tables.LONGEST)
        for port in (1, 2, 10, 85):
            began = time.process_time()
            try:
                found = tables.decode(*device, port, whole)
            except ValueError:
                found = None
            assert time.process_time() - began < SECONDS_PER_KB * tables.LONGEST / 1024
            assert len(json.dumps(found)) < LARGEST


def test_a_payload_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="1 to"):
        tables.decode("netvox", "", 6, bytes(tables.LONGEST + 1))


def test_every_maker_has_its_module() -> None:
    for maker in tables.MAKERS:
        try:
            assert tables.decode(maker, "", 250, b"\xfe\xfe\xfe") is None
        except ValueError:
            continue
