"""Names and texts as makers write them: numbers with a unit, words for yes and no. Pure."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final, NamedTuple

from drivers._values import number
from drivers.mqtt.lorawan.names import LIMITS, MAGNETS, TEXTS, words_of
from gateway.model import EXTRA, Value

TILT_ALARM: Final = EXTRA + "tilt_alarm"

_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[0-9])(?=[A-Z][a-z])|(?<=[A-Z])(?=[A-Z][a-z])")
_UNIT: Final = re.compile(r"(?<![A-Za-z])(?:m[VAW]|[kh]Pa|kW)(?![a-z])")
_OTHER: Final = re.compile(r"[^\w]+|_+")
_MEASURED: Final = re.compile(r"\s*([-+]?\d{1,12}(?:\.\d{1,12})?)\s*(.{0,20}?)\s*")
_WORDS: Final = re.compile(r"[^\W\d_]+|\d+")
PLAIN: Final = frozenset({"yes", "no", "true", "false", "on", "off", "1", "0"})
"""Words that do not say of what."""
_NUMBER: Final = re.compile(r"[-+]?(?:0|[1-9]\d{0,11})(?:\.\d{1,12})?")
_GASES: Final = words_of("gas methane ch4 lpg co")
_HUGE: Final = 1e300
_LONGEST: Final = 80
"""Characters of a text that is looked at for its meaning."""

ABSENT: Final = frozenset(
    {"no sensor", "nosensor", "invalid reading", "invalid", "n/a", "na", "nan", "null", "none"}
    | {"unknown", "error", "--", "-"}
)
"""Texts that stand where a number should be and mean that there is none."""
NO: Final = words_of(
    "no not non normal release released recover recovered recovery restore restored clear cleared"
    " none off false closed close idle ok good installed install vacant free unoccupied safe dry"
    " inactive untriggered noleak end ended absent deactivated resolved 0 正常 恢复 关闭 关"
)
YES: Final = words_of(
    "alarm alert alarming trigger triggered leak leaking leakage open opened occupied motion"
    " detected detect yes true on tilt tilted fault failure uninstalled dismantled removed"
    " tampered pressed press active flooded wet low critical vibration shock smoke fire movement"
    " occupy trespass error fail failed abnormal warning short long double single click held"
    " flood flooding overflow overheat overheated fallen sos emergency panic 1"
    " 报警 告警 打开 开 故障 倾斜"
)


class Measured(NamedTuple):
    """A number and what was written behind it, in lower case."""

    number: float
    unit: str


def snake(name: str) -> str:
    """``BatV`` as ``bat_v``, ``DOOR_OPEN`` as ``door_open``, ``CO2Raw`` as ``co2_raw``."""
    name = _UNIT.sub(lambda found: found[0].lower(), name)
    return _OTHER.sub("_", _HUMP.sub("_", name)).strip("_").lower()


def measured(raw: object) -> Measured | None:
    """A number, or a text that begins with one; None where nothing was measured.

    ValueError where it is neither.
    """
    if type(raw) is float and -_HUGE < raw < _HUGE:
        return Measured(raw, "")
    if isinstance(raw, str):
        found = _MEASURED.fullmatch(raw)
        if found is not None:
            return Measured(float(found[1]), found[2].lower())
        if raw.strip().lower() in ABSENT:
            return None
    value = number(raw)
    return None if value is None else Measured(value, "")


def in_words(raw: object) -> bool:
    """Whether a text says something, and not how much."""
    if not isinstance(raw, str) or raw.strip().lower() in ABSENT:
        return False
    return _MEASURED.fullmatch(raw) is None and bool(raw.strip())


def opposite(raw: object) -> bool | None:
    """``polarity`` of a field that is named after the opposite: ``closed: 1`` is not open.

    A word that says which it is, ``closed: closed``, speaks for itself.
    """
    found = polarity(raw)
    if found is None or (isinstance(raw, str) and raw.strip().lower() not in PLAIN):
        return found
    return not found


def polarity(raw: object, *, counts: bool = False) -> bool | None:
    """What a field says, whatever it is called; None where that can not be told.

    With ``counts`` a number above 1 is how often it happened.
    """
    if raw is True or raw is False:
        return raw
    if isinstance(raw, (int, float)):
        if raw in (0, 1) or (counts and raw > 1):
            return raw != 0
        return None
    if isinstance(raw, str):
        row = _WORDS.findall(raw[:_LONGEST].lower())
        if any(a == "not" and b in NO for a, b in pairwise(row)):
            return True  # "not closed", "not installed"
        words = frozenset(row)
        if words & NO or any(word[:2] == "no" and word[2:] in YES for word in words):
            return False
        if words & YES:
            return True
    return None


def plain(raw: str, name: str) -> Value | None:
    """A text as the number or truth value that it writes; None for "no sensor" and its like.

    Versions and serial numbers stay texts, or they would change their type one day.
    """
    word = raw.strip().lower()
    if word in ABSENT:
        return None
    if word in ("true", "false"):
        return word == "true"
    if _NUMBER.fullmatch(word) and not TEXTS.intersection(re.split(r"[_.]", name)):
        return float(word)
    return raw


def of_a_limit(raw: object) -> bool:
    """Whether a text tells that a limit was passed which somebody set."""
    return isinstance(raw, str) and bool(
        LIMITS.intersection(_WORDS.findall(raw.lower()[:_LONGEST]))
    )


def of_a_magnet(raw: str, other: bool | None) -> bool | None:
    """Whether what a magnet is at is open; ``other`` where the text says nothing of a magnet."""
    words = _WORDS.findall(raw[:_LONGEST].lower())
    return next((MAGNETS[word] for word in words if word in MAGNETS), other)


def of_a_press(raw: object) -> bool:
    """Whether a text tells that somebody pressed a button."""
    words = _WORDS.findall(raw[:_LONGEST].lower()) if isinstance(raw, str) else []
    return bool({"sos", "panic", "emergency"}.intersection(words)) or (
        "button" in words and any(word.startswith(("press", "push", "click")) for word in words)
    )


def said(raw: str) -> dict[str, bool]:
    """What a text of several words reports, each under the name of its value.

    ``testing alarm with normal battery`` is a test and no alarm, and the battery is well.
    """
    words = _WORDS.findall(raw[:_LONGEST].lower())
    found: dict[str, bool] = {}
    if words in (["battery"], ["power"]):
        return found
    rest = frozenset(words)
    if rest & {"battery", "voltage", "batt"}:
        if rest & {"low", "critical", "under", "empty", "weak"}:
            found["battery_low"] = not rest & {"recovered", "recover", "release", "released"}
            rest -= {"low", "critical", "under", "empty", "weak"}
        elif rest & {"normal", "good", "ok", "full"}:
            found["battery_low"] = False
            rest -= {"normal", "good", "ok", "full"}
    on = not rest & NO
    if rest & {"test", "testing", "tested"}:
        found["test"] = on
        return found
    if rest & {
        "tamper",
        "tampered",
        "tampering",
        "dismantled",
        "dismantle",
        "removed",
        "disassembled",
    }:
        found["tamper"] = on
    elif rest & {"fault", "failure", "failover", "malfunction", "expire", "expired"}:
        found["fault"] = on
    elif rest & {"mute", "muted", "silence", "silenced", "silent", "hush"}:
        found["muted"] = on
    elif rest & LIMITS:
        return found
    elif rest & {"leak", "leakage", "leaking", "flood", "flooding"} and not rest & _GASES:
        found["leak"] = on
    elif rest & {"tilt", "tilted"}:
        found[TILT_ALARM] = on
    elif rest & {"cover", "lid", "door", "manhole"} and rest & {
        "open",
        "opened",
        "close",
        "closed",
    }:
        found["open"] = on
    elif rest & {"alarm", "alert", "fire"} or (rest & {"smoke", "gas"} and "detected" in rest):
        found["alarm"] = on
    elif rest == {"installed"}:
        found["tamper"] = False
    elif rest == {"normal"}:
        found["alarm"] = False
    return found
