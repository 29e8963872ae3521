"""Uplinks on their whole way: a real broker, the real driver, a codec from a folder."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from drivers.mqtt.dialects.chirpstack.dialect import Dialect as ChirpStack
from drivers.mqtt.dialects.chirpstack.options import Options as ChirpStackOptions
from drivers.mqtt.lorawan.uplink import best, eui_of, payload_of, time_of
from gateway.model import DeviceSeen, Item, Reading, Undecodable
from gateway.ports import Unavailable
from tests.drivers.test_mqtt_driver import Store, driver, publish, running, until
from tests.servers import Mosquitto
from tests.shared import DATA
from tests.vectors import claim_lorawan_envelopes as claim

EUI = "24e124713c000001"
CODEC = """
function decodeUplink(input) {
  if (input.bytes.length !== 3) { return { errors: ["three bytes, please"] }; }
  return { data: { angle: input.bytes[1], cover: input.bytes[2] ? "open" : "closed" } };
}
"""


def up(data: str, count: int = 1, profile: str = "Cover X1") -> bytes:
    info = {"deviceName": "3号井盖", "deviceProfileName": profile, "devEui": EUI}
    heard = [{"rssi": -97, "snr": 6.2}]
    message = {
        "deduplicationId": f"3ac7e3c4-{count}",
        "time": "2026-01-12T08:00:00.123456789+00:00",
        "deviceInfo": info,
        "devAddr": "00189440",
        "fCnt": count,
        "fPort": 2,
        "data": data,
        "rxInfo": heard,
    }
    return json.dumps(message).encode()


async def through_a_broker(options: dict[str, Any], *payloads: bytes) -> list[Item]:
    """What the driver stores of messages that a real Mosquitto brings."""
    store = Store()
    with Mosquitto() as broker:
        made = driver(broker.port, dialects=[{"chirpstack": options}])
        async with running(made, store):
            await asyncio.sleep(0.2)
            topic = f"application/a1/device/{EUI}/event/up"
            await publish(broker, *((topic, payload) for payload in payloads))
            await until(lambda: len(readings(store.items)) >= len(payloads))
    for dialect in made._router._dialects:
        getattr(dialect, "close", int)()
    return store.items


def readings(items: Sequence[Item]) -> list[Reading]:
    return [each for each in items if isinstance(each, Reading)]


async def test_an_uplink_becomes_a_reading_through_a_real_broker() -> None:
    options = {"models": {EUI: "Milesight EM300-MCS"}}
    seen, reading = await through_a_broker(options, up("AXVcA2c0AQRoZQYAAQ=="))
    assert isinstance(seen, DeviceSeen)
    assert (seen.device, seen.name, seen.model) == (EUI, "3号井盖", "Milesight EM300-MCS")
    assert isinstance(reading, Reading)
    assert (reading.device, reading.kind, reading.values["open"]) == (EUI, "contact", True)
    assert reading.key == "00189440-1-3ac7e3c4-1"


@pytest.mark.parametrize("models", [{}, {EUI: "cover-x1.js"}, {"Cover X1": "cover-x1.js"}], ids=str)
async def test_a_codec_of_a_folder_decodes_through_a_real_broker(
    tmp_path: Path, models: dict[str, str]
) -> None:
    pytest.importorskip("drivers.mqtt.lorawan.script")
    (tmp_path / "cover-x1.js").write_text(CODEC, encoding="utf-8")
    options = {"codecs": str(tmp_path), "models": models}
    items = await through_a_broker(options, up("ASgB"), up("AQ==", 2))
    opened, unknown = readings(items)
    assert opened.kind == "manhole"
    assert opened.values["open"] is True
    assert opened.values["tilt"] == 40.0
    assert unknown.values["extra.raw"] == "01"
    (refused,) = (each for each in items if isinstance(each, Undecodable))
    assert "three bytes, please" in refused.reason


def test_a_codec_that_is_not_there_is_said_and_the_bytes_are_kept(tmp_path: Path) -> None:
    pytest.importorskip("drivers.mqtt.lorawan.script")
    raw = {"codecs": str(tmp_path), "models": {EUI: "gone.js"}}
    decode = ChirpStack(ChirpStackOptions.model_validate(raw)).plan(
        f"application/a1/device/{EUI}/event/up"
    )
    assert decode is not None
    *_, reading, refused = decode(up("ASgB"), False)
    assert isinstance(reading, Reading)
    assert reading.values["extra.raw"] == "012801"
    assert isinstance(refused, Undecodable)
    assert "gone.js" in refused.reason


def test_a_closed_dialect_leaves_no_process_and_starts_one_when_it_must(tmp_path: Path) -> None:
    pytest.importorskip("drivers.mqtt.lorawan.script")
    (tmp_path / "cover-x1.js").write_text(CODEC, encoding="utf-8")
    dialect = ChirpStack(ChirpStackOptions.model_validate({"codecs": str(tmp_path)}))
    decode = dialect.plan(f"application/a1/device/{EUI}/event/up")
    assert decode is not None
    for _ in range(2):
        (reading,) = readings(
            [each for each in decode(up("ASgB"), False) if isinstance(each, Reading)]
        )
        assert reading.values["open"] is True
        dialect.close()


def test_without_the_engine_codecs_are_refused_and_all_else_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "drivers.mqtt.lorawan.script", None)
    with pytest.raises(Unavailable, match="without codecs: the built-in tables decode"):
        ChirpStack(ChirpStackOptions.model_validate({"codecs": str(tmp_path)}))
    ChirpStack(ChirpStackOptions())


def test_a_codec_that_is_dropped_in_later_is_found(tmp_path: Path) -> None:
    pytest.importorskip("drivers.mqtt.lorawan.script")
    dialect = ChirpStack(ChirpStackOptions.model_validate({"codecs": str(tmp_path)}))
    decode = dialect.plan(f"application/a1/device/{EUI}/event/up")
    assert decode is not None
    reading = decode(up("ASgB"), False)[-1]
    assert isinstance(reading, Reading)
    assert "extra.raw" in reading.values
    (tmp_path / "cover-x1.js").write_text(CODEC, encoding="utf-8")
    reading = decode(up("ASgB"), False)[-1]
    assert isinstance(reading, Reading)
    assert reading.values["open"] is True
    dialect.close()


# --- what all network servers write alike -----------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("24E124713C000001", EUI),
        ("24-e1-24-71-3c-00-00-01", EUI),
        ("AgICAgICAgI=", "0202020202020202"),
        ("eui-24e124713c000001", ""),
        (7, ""),
        ("", ""),
    ],
    ids=str,
)
def test_an_eui_has_one_form(raw: object, expected: str) -> None:
    assert eui_of(raw) == expected


def test_a_payload_without_padding_is_one() -> None:
    wrong: list[str] = []
    assert payload_of("AQ", "data", wrong) == b"\x01"
    assert wrong == []
    assert payload_of("A" * 2_000, "data", wrong) == b""
    assert wrong


def test_the_first_time_that_is_one_counts() -> None:
    wrong: list[str] = []
    at = time_of((None, "", "soon", "2022-07-18T09:34:15.775023242+00:00"), "time", wrong)
    assert at == 1_658_136_855_775_023_000
    assert wrong == ["time: 'soon' is no ISO 8601 time"]


@pytest.mark.parametrize("gateways", [None, [], "x", [None, 3], [{"rssi": "loud"}]], ids=str)
def test_without_a_gateway_there_is_no_signal(gateways: object) -> None:
    assert best(gateways, "snr", None).rssi is None


# --- other people's messages ------------------------------------------------------------------------


def test_messages_of_other_networks_are_not_claimed_and_the_rest_pass() -> None:
    if not (DATA / "lorawan").is_dir():
        pytest.skip(f"the vectors are not in {DATA}")
    outcomes = list(claim.outcomes(DATA))
    failed = [each for each in outcomes if each.result == "failed"]
    assert [each for each in failed if each[:2] not in claim.KNOWN] == []
    spared = {each.reason for each in outcomes if each.result == "not claimed"}
    assert all(reason.startswith("another network server") for reason in spared)
