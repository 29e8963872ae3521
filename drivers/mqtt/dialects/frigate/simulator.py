"""A camera at a gate: a person comes, enters a zone, and goes."""

from __future__ import annotations

import json
from typing import Any, Final

from drivers.mqtt.simulator import Said


def _review(kind: str, severity: str, **more: Any) -> Said:
    after = {
        "id": "1767600000.5-gate01",
        "camera": "gate",
        "start_time": 1767600000.5,
        "end_time": None,
        "severity": severity,
        "data": {"detections": [], "objects": ["person"], "zones": [], "audio": []},
    }
    message = {"type": kind, "before": after, "after": after | more}
    return Said("frigate/reviews", json.dumps(message))


_IN: Final = {"detections": [], "objects": ["person"], "zones": ["yard"], "audio": []}
MESSAGES: Final = (
    Said("frigate/available", "online", True),
    Said("frigate/gate/status/detect", "online", True),
    _review("new", "detection"),
    _review("update", "alert", data=_IN),
    Said("frigate/gate/person", "1"),
    _review("end", "alert", data=_IN, end_time=1767600030.5),
    Said("frigate/gate/person", "0"),
)
