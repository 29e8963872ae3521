"""What a board says of itself on ``tasmota/discovery/MAC/config``. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from drivers.mqtt.decode import LONGEST_NAME

_PREFIXES: Final = ("cmnd", "stat", "tele")
_ON, _OFF = 1, 0


class Board(NamedTuple):
    """A board, its topics and its words."""

    device: str
    name: str
    model: str
    tele: str
    """The beginning of its telemetry topics, with the slash at the end."""
    stat: str
    cmnd: str
    online: bytes
    offline: bytes
    on: str
    off: str
    sleeps: bool
    """It leaves the network between reports."""


def board_of(fields: Mapping[str, Any], mac: str) -> Board:
    """From the members of the announcement. ValueError: the topic can not be known from it."""
    device = _text(fields, "t")
    full = _text(fields, "ft")
    if not device or "%prefix%" not in full:
        raise ValueError("no t (topic) or no ft (full topic) with %prefix% in it")
    prefixes = fields.get("tp")
    words = prefixes if isinstance(prefixes, list) and len(prefixes) == 3 else _PREFIXES
    cmnd, stat, tele = (_topic(full, str(word), device, fields, mac) for word in words)
    state = fields.get("state")
    texts = state if isinstance(state, list) else []
    version = _text(fields, "sw")
    model = _text(fields, "md") + (f" ({version})" if version else "")
    return Board(
        device[:LONGEST_NAME],
        _text(fields, "dn")[:LONGEST_NAME],
        model[:LONGEST_NAME],
        tele,
        stat,
        cmnd,
        _text(fields, "onln").lower().encode("utf-8", "replace"),
        _text(fields, "ofln").lower().encode("utf-8", "replace"),
        _word(texts, _ON, "on"),
        _word(texts, _OFF, "off"),
        fields.get("dslp") not in (None, 0, False),
    )


def _topic(full: str, prefix: str, device: str, fields: Mapping[str, Any], mac: str) -> str:
    topic = full.replace("%prefix%", prefix).replace("%topic%", device)
    topic = topic.replace("%hostname%", _text(fields, "hn")).replace("%id%", mac[-6:])
    topic = topic.rstrip("/") + "/"
    wild = "+" in topic or "#" in topic or topic.startswith(("/", "$"))
    if len(topic) > LONGEST_NAME or wild or not topic.isprintable():
        raise ValueError("ft (full topic) makes no topic")
    return topic


def _text(fields: Mapping[str, Any], name: str) -> str:
    raw = fields.get(name)
    return raw if isinstance(raw, str) else ""


def _word(texts: list[Any], index: int, usual: str) -> str:
    word = texts[index] if len(texts) > index else None
    return word.lower() if isinstance(word, str) and word else usual
