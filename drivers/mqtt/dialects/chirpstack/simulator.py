"""A ChirpStack application: a manhole cover, a smoke detector, a leak rope, a panic button."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from drivers.mqtt.simulator import Said

OPTIONS: Final[dict[str, Any]] = {"models": {"24e124538c000002": "Milesight EM300-ZLD"}}
"""What the simulated devices need in the configuration."""

_APPLICATION: Final = "17c82e96-be03-4f38-aef3-f83d48582d97"
_FIRST: Final = "2026-01-12T08:00:00.000000000+00:00"


def _said(eui: str, name: str, profile: str, event: str = "up", **more: Any) -> Said:
    info = {
        "applicationId": _APPLICATION,
        "deviceProfileName": profile,
        "deviceName": name,
        "devEui": eui,
    }
    message = {"time": _FIRST, "deviceInfo": info} | more
    topic = f"application/{_APPLICATION}/device/{eui}/event/{event}"
    return Said(topic, json.dumps(message, ensure_ascii=False))


def _up(eui: str, name: str, profile: str, count: int, **more: Any) -> Said:
    heard = [{"gatewayId": "0016c001f153a14c", "rssi": -97, "snr": 6.2}]
    return _said(eui, name, profile, devAddr="00189440", fCnt=count, fPort=85, rxInfo=heard, **more)


_COVER: Final = ("24e124713c000001", "云和里 3 号井盖", "Milesight EM310-TILT")
_ROPE: Final = ("24e124538c000002", "泵房水浸", "LoRaWAN Class A")
_BUTTON: Final = ("24e124535c000003", "门岗紧急按钮", "Milesight WS101")

MESSAGES: Final = (
    _said(*_COVER, "join", devAddr="00189440"),
    _up(
        *_COVER,
        1,
        object={"battery": 98, "angle_x": 0.4, "angle_y": -0.2, "threshold_x": "normal"},
    ),
    _up(*_ROPE, 1, data=base64.b64encode(bytes.fromhex("01755c03673401046865050000")).decode()),
    _up(*_COVER, 2, object={"angle_x": 41.5, "angle_y": 3.0, "threshold_x": "trigger"}),
    _up(*_BUTTON, 1, object={"button_event": {"status": "short press"}}),
    _up(*_COVER, 3, object={"angle_x": 0.5, "angle_y": -0.1, "threshold_x": "normal"}),
    _said(*_COVER, "status", margin=10, batteryLevel=88.3),
)
