"""A smoke detector of no known make, and the mapping that reads it."""

from __future__ import annotations

from typing import Any, Final

from drivers.mqtt.simulator import Said

OPTIONS: Final[dict[str, Any]] = {
    "topics": [
        {
            "topic": "fire/+/smoke/+/report",
            "device": "{1}-{2}",
            "kind": "smoke",
            "values": {
                "alarm": {"field": "FireAlarm", "true": ["Alarm"], "false": ["Normal"]},
                "temperature": "env.Temp",
                "density": {"field": "dens", "scale": 0.01},
            },
            "key": "seq",
        }
    ]
}
"""What the simulated devices need in the configuration."""

_TOPIC: Final = "fire/b3/smoke/07/report"
MESSAGES: Final = (
    Said(_TOPIC, '{"FireAlarm":"Normal","env":{"Temp":21.5},"dens":1,"seq":1}'),
    Said(_TOPIC, '{"FireAlarm":"Alarm","env":{"Temp":34.0},"dens":31,"seq":2}'),
    Said(_TOPIC, '{"FireAlarm":"Normal","env":{"Temp":22.0},"dens":2,"seq":3}'),
)
