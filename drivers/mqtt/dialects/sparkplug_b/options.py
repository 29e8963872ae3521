"""What can be configured for Sparkplug B nodes."""

from __future__ import annotations

from pydantic import Field, field_validator

from drivers._fields import Short, known_kind, known_values
from gateway.options import PluginOptions


class DeviceOptions(PluginOptions):
    """What the metrics of some devices are."""

    match: str = Field("*", min_length=1, max_length=200)
    """Of the address GROUP/NODE/DEVICE; * is any text."""
    kind: str = ""
    values: dict[str, Short] = Field(default_factory=dict)
    """NAME: METRIC, or {field: METRIC, true, false, invert, scale, offset}."""

    _kind = field_validator("kind")(known_kind)
    _values = field_validator("values")(known_values)


class Options(PluginOptions):
    """Which nodes are read."""

    group: str = Field("+", min_length=1, max_length=200, pattern=r"^(\+|[^+/#]+)$")
    devices: tuple[DeviceOptions, ...] = ()
    rebirth: bool = True
    """Whether a node is asked for its birth after a gap."""
