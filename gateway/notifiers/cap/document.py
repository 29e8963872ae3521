"""A notification as a CAP 1.2 document: what follows what, in which words, escaped. Pure.

Source: OASIS Common Alerting Protocol 1.2 (1 July 2010), its schema and data dictionary. The
order of the elements is fixed. Times have seconds and an offset, never ``Z``, never a fraction.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, NamedTuple
from xml.etree import ElementTree

from gateway.model import SECOND, Notification, Text
from gateway.notifiers.cap.options import Options
from gateway.notifiers.cap.words import Meaning, meaning
from gateway.web import one_line

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE: Final = "application/cap+xml"
LANGUAGES: Final = {"zh": "zh-CN", "en": "en-US"}
MOST_REFERENCES: Final = 20
_HEADLINE: Final = 139
"""Characters: the standard asks for at most 160, one large reader for less than 140."""
_DESCRIPTION: Final = 4_000
_VOCABULARY: Final = "OET:v1.2"
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_NOT_XML: Final = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PHONE: Final = re.compile(
    r"(?<![\d.])(?:\+?86[- ]?)?(?:1[3-9]\d[- ]?\d{4}[- ]?\d{4}|0\d{2,3}[- ]?\d{7,8})(?![\d.])"
)
_OVER: Final = ("cleared", "closed")


class Sent(NamedTuple):
    """A document that is known to have been made."""

    identifier: str
    sent: str


def identifier(notification: Notification) -> str:
    """The same for every attempt, and another for every event of an incident.

    A key is ``INCIDENT/SEQ/PERSON/CHANNEL``; of a key of another form, a digest.
    """
    parts = notification.key.split("/")
    number = parts[1] if len(parts) > 2 and parts[1].isascii() and parts[1].isdigit() else ""
    if not number or len(number) > 9:
        number = hashlib.sha256(notification.key.encode("utf-8", "replace")).hexdigest()[:12]
    return f"{stem(notification)}-{number}"


def stem(notification: Notification) -> str:
    """What the identifiers of one incident have in common.

    With a mark of when it began: a store that was lost begins to count anew.
    """
    began = hashlib.sha256(str(notification.opened_at).encode()).hexdigest()[:6]
    return f"{_word(notification.incident)}.{began}"


def _word(incident: str) -> str:
    """``incident`` as one word that may stand in a file's name and in a list of words."""
    return _UNSAFE.sub("_", incident).strip(".")[:60] or "incident"


def document(
    notification: Notification,
    options: Options,
    wall: int,
    earlier: Sequence[Sent],
    outlines: Sequence[str] = (),
) -> bytes:
    """The document; ``wall`` is now in ns, ``earlier`` what was sent of it, oldest first.

    ``outlines``: the border around the place, see ``outline``.

    Whoever has not sent the beginning (it was too old to be kept) sends a beginning.
    """
    root = ElementTree.Element("alert", {"xmlns": NAMESPACE})
    sent = moment(wall, options.offset)
    kind = _message_type(notification, bool(earlier))
    _add(root, "identifier", identifier(notification))
    _add(root, "sender", options.sender)
    _add(root, "sent", sent)
    _add(root, "status", options.status)
    _add(root, "msgType", kind)
    _add(root, "source", f"gridwarden {notification.kind} {notification.device}")
    _add(root, "scope", options.scope)
    if options.scope == "Restricted":
        _add(root, "restriction", options.restriction)
    _add(root, "addresses", " ".join(_quoted(each) for each in options.addresses))
    _add(root, "note", options.note)
    if kind != "Alert":
        followed = earlier[-MOST_REFERENCES:]
        _add(root, "references", " ".join(f"{options.sender},{e[0]},{e[1]}" for e in followed))
    _add(root, "incidents", _word(notification.incident))
    for language in LANGUAGES:
        root.append(_info(notification, options, wall, language, outlines))
    ElementTree.indent(root)
    made: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return made + b"\n"


def moment(wall: int, offset: int) -> str:
    """``2026-11-24T09:01:05+08:00``; what no calendar holds is the beginning of 1970."""
    zone = timezone(timedelta(seconds=offset))
    try:
        local = datetime.fromtimestamp(wall // SECOND, UTC).astimezone(zone)
    except (OverflowError, ValueError, OSError):
        local = datetime.fromtimestamp(0, UTC).astimezone(zone)
    return local.isoformat(timespec="seconds")


def _message_type(notification: Notification, follows: bool) -> str:
    if not follows:
        return "Alert"
    return "Cancel" if notification.purpose == "closed" else "Update"


def _info(
    notification: Notification,
    options: Options,
    wall: int,
    language: str,
    outlines: Sequence[str],
) -> ElementTree.Element:
    """The block of one language. What people wrote stands in both as they wrote it."""
    words = meaning(
        notification.kind,
        notification.category,
        notification.severity,
        over=notification.purpose in _OVER,
    )
    info = ElementTree.Element("info")
    _add(info, "language", LANGUAGES[language])
    _each(info, "category", words.categories)
    _add(info, "event", words.event.say(language))
    _each(info, "responseType", words.responses)
    _add(info, "urgency", words.urgency)
    _add(info, "severity", words.severity)
    _add(info, "certainty", words.certainty)
    _pair(info, "eventCode", _VOCABULARY, words.code)
    now = moment(wall, options.offset)
    _add(info, "effective", now)
    if since := notification.since or notification.opened_at:
        _add(info, "onset", moment(since, options.offset))
    _add(info, "expires", moment(wall + int(options.expires * SECOND), options.offset))
    _add(info, "senderName", options.sender_name or options.sender)
    _tell(info, notification, words, language, options)
    for name, value in _parameters(notification):
        _pair(info, "parameter", name, value)
    info.append(_area(notification, options, outlines))
    return info


def _tell(
    info: ElementTree.Element,
    notification: Notification,
    words: Meaning,
    language: str,
    options: Options,
) -> None:
    """What people read: in the message's language its own words, else those of the table."""
    own = (notification.language == "en") == (language == "en")
    where = notification.address or notification.place
    headline = notification.title if own else f"{words.event.say(language)}: {where}"
    text = notification.text if own else _facts(notification, words, language, options)
    if not options.phones:
        headline, text = (_PHONE.sub("…", each) for each in (headline, text))
    _add(info, "headline", one_line(headline, _HEADLINE))
    _add(info, "description", text[:_DESCRIPTION])
    _add(info, "instruction", words.instruction.say(language))
    link = notification.link
    if link.startswith(("http://", "https://")) and re.fullmatch(r"[!-~]{1,2000}", link):
        _add(info, "web", link)
    _add(info, "contact", options.contact)


_LABELS: Final = (
    Text("地点:", "Where: "),
    Text("时间:", "Since: "),
    Text("现状:", "State: "),
    Text("编号:", "Number: "),
)


def _facts(notification: Notification, words: Meaning, language: str, options: Options) -> str:
    """The plain facts, for the language that the message is not in."""
    since = notification.since or notification.opened_at
    facts = (
        notification.address or notification.place,
        moment(since, options.offset) if since else "",
        notification.state,
        notification.incident,
    )
    lines = [f"{words.event.say(language)} ({notification.severity})"]
    lines += [
        f"{label.say(language)}{fact}" for label, fact in zip(_LABELS, facts, strict=True) if fact
    ]
    return "\n".join(lines)


def _parameters(notification: Notification) -> Iterable[tuple[str, str]]:
    yield "deviceId", notification.device
    yield "kind", notification.kind
    yield "category", notification.category
    yield "severity", notification.severity
    yield "state", notification.state
    yield "purpose", notification.purpose
    if notification.count > 1:
        yield "incidents", str(notification.count)
    yield "recordHead", notification.head


def _area(
    notification: Notification, options: Options, outlines: Sequence[str]
) -> ElementTree.Element:
    """The border, a circle where a point is known, and always the place's own code."""
    area = ElementTree.Element("area")
    place = _clean(notification.place) or "unknown"
    _add(area, "areaDesc", _clean(notification.address) or place)
    _each(area, "polygon", outlines)
    latitude, longitude = notification.latitude, notification.longitude
    if latitude is not None and longitude is not None and _on_earth(latitude, longitude):
        _add(area, "circle", f"{latitude:.6f},{longitude:.6f} {options.radius:.3f}")
    _pair(area, "geocode", "gridwarden:place", place)
    return area


def _on_earth(latitude: float, longitude: float) -> bool:
    return -90 <= latitude <= 90 and -180 <= longitude <= 180


def _quoted(address: str) -> str:
    return f'"{address}"' if " " in address else address


def _clean(text: str) -> str:
    """``text`` without what XML can not hold, and without space around it."""
    return _NOT_XML.sub("", text).strip()


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    """An element with ``text``; nothing for no text."""
    if text := _clean(text):
        ElementTree.SubElement(parent, name).text = text


def _each(parent: ElementTree.Element, name: str, texts: Iterable[str]) -> None:
    for text in texts:
        _add(parent, name, text)


def _pair(parent: ElementTree.Element, name: str, key: str, value: str) -> None:
    """``<name><valueName/><value/></name>``; nothing without a value, for both are needed."""
    if _clean(value):
        pair = ElementTree.SubElement(parent, name)
        _add(pair, "valueName", key)
        _add(pair, "value", value)
