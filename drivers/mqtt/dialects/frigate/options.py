"""What can be configured for a Frigate server."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from drivers.mqtt.topics import PlainTopic
from gateway.options import Duration, PluginOptions


class Options(PluginOptions):
    """Which of Frigate's sightings are motion before a camera."""

    base: PlainTopic = "frigate"
    sources: tuple[Literal["events", "reviews", "motion"], ...] = Field(
        ("events", "reviews"), min_length=1
    )
    labels: tuple[str, ...] = ()
    """Objects that count, like person; none named: every object."""
    zones: tuple[str, ...] = ()
    """Zones that count; none named: the whole picture."""
    severity: Literal["detection", "alert"] = "detection"
    """The least that a review must be."""
    alarm_sounds: tuple[str, ...] = ("fire_alarm", "smoke_detector", "smoke_alarm")
    """Sounds that are an alarm; others are kept as extra."""
    forget: Duration = Field(600.0, ge=10)
    """An object of which nothing more is heard is taken to be gone."""
