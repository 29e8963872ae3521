"""An edge node with a smoke detector: births, an alarm and its end, the device's death."""

from __future__ import annotations

from typing import Any, Final

from drivers.mqtt.simulator import Said
from gateway.sparkplug import BOOLEAN, FLOAT, INT64, Metric, Payload, encode


def _said(kind: str, device: str, seq: int | None, *metrics: Metric) -> Said:
    topic = f"spBv1.0/community/{kind}/edge-01" + (f"/{device}" if device else "")
    return Said(topic, encode(Payload(None, metrics, seq)))


def _smoke(seq: int, kind: str = "DDATA", **alarm: Any) -> Said:
    named = {"Alarm/Smoke": alarm["alarm"], "Alarm/Tamper": False}
    metrics = [Metric(name, BOOLEAN, value) for name, value in named.items()]
    return _said(kind, "hall-smoke", seq, *metrics, Metric("Battery/Percent", FLOAT, 88.0))


MESSAGES: Final = (
    _said(
        "NBIRTH", "", 0, Metric("bdSeq", INT64, 0), Metric("Node Control/Rebirth", BOOLEAN, False)
    ),
    _smoke(1, "DBIRTH", alarm=False),
    _smoke(2, alarm=True),
    _smoke(3, alarm=False),
    _said("DDEATH", "hall-smoke", 4),
    _said("NDEATH", "", None, Metric("bdSeq", INT64, 0)),
)
