"""A smoke, a flood and a gas detector, a door and an input module of several generations."""

from __future__ import annotations

import json
from typing import Any, Final

from drivers.mqtt.simulator import Said

OPTIONS: Final[dict[str, Any]] = {
    "inputs": {
        "shellyplusi4-a8032ab12345": {
            "input:0": {"value": "alarm", "kind": "smoke", "invert": True},
            "input:2": {
                "value": "alarm",
                "kind": "panic",
                "device": "help",
                "true": ["long_push"],
                "hold": "1m",
            },
        }
    }
}
"""What the simulated devices need in the configuration."""
_I4: Final = "shellyplusi4-a8032ab12345"
_SMOKE: Final = "shellyplussmoke-80646fc0ffee"


def _notified(device: str, ts: float, **components: Any) -> Said:
    params = {"ts": ts, **components}
    frame = {"src": device, "dst": f"{device}/events", "method": "NotifyStatus", "params": params}
    return Said(f"{device}/events/rpc", json.dumps(frame))


def _smoke(ts: float, *, alarm: bool, mute: bool = False, percent: int = 100) -> Said:
    state = {"id": 0, "alarm": alarm, "mute": mute}
    power = {"id": 0, "battery": {"V": 3.0, "percent": percent}}
    return _notified(_SMOKE, ts, **{"smoke:0": state, "devicepower:0": power})


_PRESS: Final = {"component": "input:2", "id": 2, "event": "long_push", "ts": 1795300012.0}
MESSAGES: Final = (
    Said(
        "shellies/announce",
        '{"id":"shellysmoke-68C63AF1A2B3","model":"SHSM-01","mac":"68C63AF1A2B3"}',
    ),
    Said("shellies/shellysmoke-68C63AF1A2B3/online", "true", True),
    Said("shellies/shellysmoke-68C63AF1A2B3/sensor/smoke", "false"),
    Said("shellies/shellysmoke-68C63AF1A2B3/sensor/temperature", "21.5"),
    Said("shellies/shellydw2-483FDA81D2F0/sensor/state", "open"),
    Said("shellies/shellydw2-483FDA81D2F0/sensor/state", "close"),
    Said("shellies/shellyflood-ABE866/sensor/flood", "true"),
    Said("shellies/shellyflood-ABE866/sensor/flood", "false"),
    Said("shellies/shellygas-1A2B3C/sensor/gas", "test"),
    Said("shellies/shellygas-1A2B3C/sensor/gas", "none"),
    Said(f"{_SMOKE}/online", "true", True),
    _smoke(1795300000.0, alarm=False),
    _smoke(1795300005.0, alarm=True),
    _smoke(1795300007.0, alarm=True, mute=True),
    _smoke(1795300009.0, alarm=False, percent=8),
    Said(f"{_I4}/status/input:0", '{"id":0,"state":true}'),
    Said(f"{_I4}/status/input:0", '{"id":0,"state":false}'),
    Said(
        f"{_I4}/events/rpc",
        json.dumps({"method": "NotifyEvent", "params": {"ts": 1795300012.0, "events": [_PRESS]}}),
    ),
)
