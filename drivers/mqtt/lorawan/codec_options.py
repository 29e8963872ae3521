"""What every LoRaWAN network server's dialect lets its owner say about the devices behind it."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, field_validator

from drivers.mqtt.lorawan.names import UNITS
from gateway.document import nearest
from gateway.model import every_value_name
from gateway.options import Duration, PluginOptions, SitePath

_UNITS: Final = frozenset(unit for units in UNITS.values() for unit in units)


class CodecOptions(PluginOptions):
    """How payloads are read. A key is a DevEUI, a device profile's or a device's name."""

    codecs: SitePath | None = None
    """The folder with the makers' codecs (``decodeUplink`` in a ``.js`` file)."""
    models: dict[str, Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default_factory=dict
    )
    """Maker and model, or the file of a codec."""
    depth: dict[str, Annotated[float, Field(gt=0, le=1000)]] = Field(default_factory=dict)
    """Metres from a distance sensor down to the ground: ``water_level`` is what is left of it."""
    invert: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Truth values that a device reports the other way round."""
    units: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Field -> unit, where a decoder leaves it out."""
    hold: Duration = Field(60.0, ge=1, le=86_400)
    """How long a button's press is an alarm."""

    @field_validator("invert")
    @classmethod
    def _truths(cls, invert: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        known = {name for name, each in every_value_name().items() if each.type is bool}
        for names in invert.values():
            for name in names:
                if name not in known:
                    raise ValueError(f"{name!r} is no truth value{nearest(name, known)}")
        return invert

    @field_validator("units")
    @classmethod
    def _known(cls, units: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        for fields in units.values():
            for name, unit in fields.items():
                if unit.lower() not in _UNITS:
                    raise ValueError(f"{name}: unknown unit {unit!r}{nearest(unit, _UNITS)}")
        return units
