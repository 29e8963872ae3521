"""Fields of rtl_433 to values, by their names (its DATA_FORMAT.md) and old names. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from drivers._values import Coerce, coercer, number, shown, truth
from drivers.mqtt._common import Found, celsius, negated, times


class Row(NamedTuple):
    """The value that a field is. ``event``: only a 1 is ever sent, or none for long."""

    value: str
    convert: Coerce
    kind: str = ""
    event: bool = False


def _flag(raw: object) -> bool | None:
    """0 and 1 or words; -1 is rtl_433's "not known"."""
    if isinstance(raw, (int, float)) and raw == -1:
        return None
    return truth(raw)


def _low(raw: object) -> bool | None:
    """Old schema: ``"battery": "OK"`` or ``"LOW"``."""
    if isinstance(raw, str):
        word = raw.strip().upper()
        if word in ("OK", "GOOD", "NORMAL"):
            return False
        if word in ("LOW", "EMPTY", "BAD"):
            return True
    raise ValueError(f"{shown(raw)} is neither OK nor LOW")


ROWS: Final[Mapping[str, Row]] = {
    "motion": Row("occupied", _flag, "infrared", event=True),
    "alarm": Row("alarm", _flag),
    "smoke": Row("alarm", _flag, "smoke"),
    "fire": Row("alarm", _flag, "smoke"),
    "smoke_alarm": Row("alarm", _flag, "smoke"),
    "heat_alarm": Row("alarm", _flag, "heat"),
    "co_alarm": Row("alarm", _flag, "co"),
    "gas_alarm": Row("alarm", _flag, "gas"),
    "panic": Row("alarm", _flag, "panic", event=True),
    "contact_open": Row("open", _flag, "contact"),
    "open": Row("open", _flag, "contact"),
    "opened": Row("open", _flag, "contact"),
    "closed": Row("open", negated(_flag), "contact"),
    "leak": Row("leak", _flag, "water"),
    "leaking": Row("leak", _flag, "water"),
    "wet": Row("leak", _flag, "water"),
    "detect_wet": Row("leak", _flag, "water"),
    "water_leak": Row("leak", _flag, "water"),
    "water": Row("leak", _flag, "water", event=True),
    "tamper": Row("tamper", _flag),
    "tampered": Row("tamper", _flag),
    "battery_low": Row("battery_low", _flag),
    "battery": Row("battery_low", _low),
    "fault": Row("fault", _flag),
    "test": Row("test", _flag),
    "temperature_C": Row("temperature", coercer("temperature"), "climate"),
    "temperature_F": Row("temperature", celsius, "climate"),
    "humidity": Row("humidity", coercer("humidity"), "climate"),
    "co2_ppm": Row("co2", coercer("co2"), "climate"),
    "pm2_5_ug_m3": Row("pm2_5", coercer("pm2_5"), "climate"),
    "pm25_ug_m3": Row("pm2_5", coercer("pm2_5"), "climate"),
    "tvoc_ppb": Row("tvoc", coercer("tvoc"), "climate"),
    "power_W": Row("power", coercer("power"), "power"),
    "voltage_V": Row("voltage", coercer("voltage"), "power"),
    "current_A": Row("current", coercer("current"), "power"),
}
EXTRAS: Final[Mapping[str, tuple[str, Coerce]]] = {
    "battery_V": ("battery_voltage", number),
    "battery_mV": ("battery_voltage", times(0.001)),
    "rssi": ("rssi_dB", number),
}
"""Kept beside the tables: rtl_433's rssi counts from full scale, not from a milliwatt."""
WORDS: Final = ("state", "event", "cmd", "extradata", "text", "remarks", "status")
"""Fields that hold words, or a number that only their model explains."""
IDENTIFICATION: Final = frozenset(
    {
        "time",
        "type",
        "model",
        "subtype",
        "device_type",
        "id",
        "device",
        "dev_id",
        "senderid",
        "channel",
        "unit",
        "code",
        "mic",
        "mod",
        "protocol",
        "freq",
        "freq1",
        "freq2",
        "noise",
        "snr",
        "rssi",
        "duration",
        "tag",
        "raw_message",
        "raw_msg",
        "data",
        "device_raw_message",
    }
)
"""Who speaks and how it was received: no state of the device."""


_ON_MAINS: Final = 1.2


def battery_ok(raw: object, found: Found) -> None:
    """1 is good and 0 is low; between them it is a level, and some say 1.2 when on mains."""
    try:
        value = number(raw) if not isinstance(raw, bool) else float(raw)
    except ValueError as error:
        found.complain("battery_ok", str(error))
        return
    if value is None:
        return
    if value in (0.0, 1.0):
        found.values["battery_low"] = value == 0.0
    elif 0 < value <= _ON_MAINS:
        found.values["battery"] = round(min(value, 1.0) * 100, 1)
    else:
        found.complain("battery_ok", f"{shown(raw)} lies outside 0 to 1")
