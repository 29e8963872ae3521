"""An application of The Things Stack: a door contact, a water leak sensor, a level in a shaft."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from drivers.mqtt.simulator import Said

OPTIONS: Final[dict[str, Any]] = {"depth": {"shaft-12": 3.2}}
"""What the simulated devices need in the configuration."""

_APPLICATION: Final = "yunhe@tenant"


def _up(name: str, eui: str, model: str, count: int, **more: Any) -> Said:
    ids = {"device_id": name, "dev_eui": eui, "dev_addr": "27000020"}
    heard = [{"gateway_ids": {"gateway_id": "roof"}, "rssi": -104, "snr": 2.5}]
    uplink = {
        "session_key_id": "AXAWYbtxgUllLtJWdZrW0Q==",
        "f_port": 85,
        "f_cnt": count,
        "rx_metadata": heard,
        "received_at": "2026-01-12T08:00:00.234172599Z",
        "version_ids": {"brand_id": "milesight-iot", "model_id": model},
    }
    message = {"end_device_ids": ids, "uplink_message": uplink | more}
    return Said(f"v3/{_APPLICATION}/devices/{name}/up", json.dumps(message))


_DOOR: Final = ("exit-b3", "24E124141C000001", "em300-mcs")
_SHAFT: Final = ("shaft-12", "24E124713C000002", "em400-mud")
_LEAK: Final = ("pump-house", "24E124538C000003", "ws303")

MESSAGES: Final = (
    _up(*_DOOR, 1, decoded_payload={"battery": 92, "magnet_status": "close", "temperature": 21.5}),
    _up(*_SHAFT, 1, decoded_payload={"distance": 2116, "position": "normal", "battery": 95}),
    _up(*_LEAK, 1, normalized_payload=[{"water": {"leak": False}, "battery": 3.1}]),
    _up(*_DOOR, 2, frm_payload=base64.b64encode(bytes.fromhex("01755c03673401060001")).decode()),
    _up(*_LEAK, 2, normalized_payload=[{"water": {"leak": True}, "battery": 3.1}]),
    _up(*_DOOR, 3, decoded_payload={"magnet_status": "close"}),
)
