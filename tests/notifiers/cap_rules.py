"""What a CAP 1.2 document has to keep: the schema's elements, order, words and forms.

Written down from the standard's schema and data dictionary, and independently of what makes our
documents. ``violations`` names every rule that a document breaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from xml.etree import ElementTree

NAMESPACE = "{urn:oasis:names:tc:emergency:cap:1.2}"
MANY = 10**9

# name: (least, most); the order is the schema's
ALERT = {
    "identifier": (1, 1), "sender": (1, 1), "sent": (1, 1), "status": (1, 1), "msgType": (1, 1),
    "source": (0, 1), "scope": (1, 1), "restriction": (0, 1), "addresses": (0, 1),
    "code": (0, MANY), "note": (0, 1), "references": (0, 1), "incidents": (0, 1), "info": (0, MANY),
}  # fmt: skip
INFO = {
    "language": (0, 1), "category": (1, MANY), "event": (1, 1), "responseType": (0, MANY),
    "urgency": (1, 1), "severity": (1, 1), "certainty": (1, 1), "audience": (0, 1),
    "eventCode": (0, MANY), "effective": (0, 1), "onset": (0, 1), "expires": (0, 1),
    "senderName": (0, 1), "headline": (0, 1), "description": (0, 1), "instruction": (0, 1),
    "web": (0, 1), "contact": (0, 1), "parameter": (0, MANY), "resource": (0, MANY),
    "area": (0, MANY),
}  # fmt: skip
AREA = {
    "areaDesc": (1, 1), "polygon": (0, MANY), "circle": (0, MANY), "geocode": (0, MANY),
    "altitude": (0, 1), "ceiling": (0, 1),
}  # fmt: skip
PAIR = {"valueName": (1, 1), "value": (1, 1)}
CHILDREN = {
    "alert": ALERT, "info": INFO, "area": AREA,
    "eventCode": PAIR, "parameter": PAIR, "geocode": PAIR,
}  # fmt: skip
WORDS = {
    "status": "Actual Exercise System Test Draft",
    "msgType": "Alert Update Cancel Ack Error",
    "scope": "Public Restricted Private",
    "category": "Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other",
    "responseType": "Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None",
    "urgency": "Immediate Expected Future Past Unknown",
    "severity": "Extreme Severe Moderate Minor Unknown",
    "certainty": "Observed Likely Possible Unlikely Unknown",
}
TIME = re.compile(r"\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
FORMS = {
    "identifier": re.compile(r"[^\s,<&]+"),
    "sender": re.compile(r"[^\s,<&]+"),
    "sent": TIME, "effective": TIME, "onset": TIME, "expires": TIME,
    "language": re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*"),
    "references": re.compile(r"[^\s,<&]+,[^\s,<&]+,\S+( [^\s,<&]+,[^\s,<&]+,\S+)*"),
    "polygon": re.compile(r"-?\d+(\.\d+)?,-?\d+(\.\d+)?( -?\d+(\.\d+)?,-?\d+(\.\d+)?){3,}"),
    "circle": re.compile(r"-?\d+(\.\d+)?,-?\d+(\.\d+)? \d+(\.\d+)?"),
    "web": re.compile(r"[a-z]+://[!-~]+"),
}  # fmt: skip


def violations(document: bytes) -> list[str]:
    """Every rule that ``document`` breaks."""
    root = ElementTree.fromstring(document)
    if root.tag != NAMESPACE + "alert":
        return [f"the root is {root.tag}"]
    return [*_element(root)] or [*_sense(root)]


def text(parent: ElementTree.Element, name: str) -> str:
    """The text of the first child ``name``; "" without one."""
    return parent.findtext(NAMESPACE + name, "")


def texts(parent: ElementTree.Element, name: str) -> list[str]:
    return [each.text or "" for each in parent.findall(NAMESPACE + name)]


def infos(root: ElementTree.Element) -> list[ElementTree.Element]:
    return root.findall(NAMESPACE + "info")


def _element(element: ElementTree.Element) -> Iterator[str]:
    name = element.tag.removeprefix(NAMESPACE)
    if element.attrib:
        yield f"{name} has attributes"
    if (allowed := CHILDREN.get(name)) is None:
        yield from _leaf(name, element)
        return
    names = [child.tag.removeprefix(NAMESPACE) for child in element]
    order = list(allowed)
    yield from (f"{name} has a {child}" for child in names if child not in allowed)
    places = [order.index(child) for child in names if child in allowed]
    if places != sorted(places):
        yield f"the order within {name} is wrong: {names}"
    for child, (least, most) in allowed.items():
        if not least <= names.count(child) <= most:
            yield f"{name} has {names.count(child)} {child}"
    for inner in element:
        yield from _element(inner)


def _leaf(name: str, element: ElementTree.Element) -> Iterator[str]:
    value = element.text or ""
    if len(element) or not value.strip() or value != value.strip():
        yield f"{name} is no plain text: {value!r}"
    if name in WORDS and value not in WORDS[name].split():
        yield f"{value!r} is no {name}"
    if name in FORMS and not FORMS[name].fullmatch(value):
        yield f"{value!r} has not the form of {name}"


def _sense(root: ElementTree.Element) -> Iterator[str]:
    """What the schema can not say and the data dictionary does."""
    kind, scope = text(root, "msgType"), text(root, "scope")
    if (kind in ("Update", "Cancel", "Ack", "Error")) != bool(text(root, "references")):
        yield f"{kind} and references do not go together"
    if (scope == "Restricted") != bool(text(root, "restriction")):
        yield f"{scope} and restriction do not go together"
    if (scope == "Private") != bool(text(root, "addresses")):
        yield f"{scope} and addresses do not go together"
    if text(root, "status") == "Exercise" and not text(root, "note"):
        yield "an exercise without a note"
    blocks = infos(root)
    if len({tuple(texts(each, "category")) for each in blocks}) > 1:
        yield "the blocks differ in their categories"
    if len({text(each, "language") for each in blocks}) < len(blocks):
        yield "two blocks of one language"
    for each in blocks:
        times = [text(each, name) for name in ("effective", "expires")]
        if all(times) and datetime.fromisoformat(times[0]) > datetime.fromisoformat(times[1]):
            yield "it expires before it is effective"
        if len(text(each, "headline")) > 140:
            yield "the headline is too long"
        for area in each.findall(NAMESPACE + "area"):
            yield from _area(area)


def _area(area: ElementTree.Element) -> Iterator[str]:
    if not any(area.findall(NAMESPACE + name) for name in ("polygon", "circle", "geocode")):
        yield "an area that is nowhere"
    for polygon in texts(area, "polygon"):
        points = polygon.split(" ")
        if points[0] != points[-1] or len(set(points)) < 3:
            yield "a polygon that is not closed, or has no inside"
        for latitude, _, longitude in (each.partition(",") for each in points):
            if abs(float(latitude)) > 90 or abs(float(longitude)) > 180:
                yield f"{latitude},{longitude} is not on earth"
    for circle in texts(area, "circle"):
        point, _, radius = circle.partition(" ")
        latitude, _, longitude = point.partition(",")
        if abs(float(latitude)) > 90 or abs(float(longitude)) > 180 or float(radius) <= 0:
            yield f"{circle} is not on earth"
