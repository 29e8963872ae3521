"""ONVIF captures: notifications through the camera's decoder, replies through its SOAP reader.

What is expected is read from the files by this module alone: a notification of a topic and item
that ONVIF or the peer's test names, with its state, is that state of the camera.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from drivers.camera.decode import Notice, decode
from drivers.camera.soap import fault, parse
from tests.vectors import Outcome

FILES: Final = ("protocols/onvif/*.xml", "protocols/onvif/*.json")
KNOWN: Final[dict[tuple[str, str], str]] = {}

_WRAP: Final = (
    '<w:Wrap xmlns:w="urn:wrap" xmlns:wsnt="urn:n" xmlns:tt="urn:t" xmlns:xs="urn:x" '
    'xmlns:tns1="urn:1" xmlns:tnsaxis="urn:a" xmlns:tet="urn:e" xmlns:wsa="urn:s">{}</w:Wrap>'
)
_TRUE: Final = ("true", "1")
_STATES: Final = {
    # topic (last two parts) -> the item that ONVIF's own texts give it, and our value
    "CellMotionDetector/Motion": ("IsMotion", "motion"),
    "VideoSource/MotionAlarm": ("State", "motion"),
    "MotionRegionDetector/Motion": ("State", "motion"),
    "FieldDetector/ObjectsInside": ("IsInside", "motion"),
    "TamperDetector/Tamper": ("IsTamper", "tamper"),
}


def outcomes(data: Path) -> Iterator[Outcome]:
    """One for each notification, and one for each file that holds something else."""
    for path in sorted((data / "protocols/onvif").iterdir()):
        source = path.relative_to(data).as_posix()
        if path.suffix == ".json":
            yield from _listed(source, json.loads(path.read_text(encoding="utf-8")))
        elif path.suffix == ".xml":
            yield from _document(source, path.read_bytes())


# --- documents ----------------------------------------------------------------------------


def _document(source: str, body: bytes) -> Iterator[Outcome]:
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", body.decode())
    try:
        root = ElementTree.fromstring(_WRAP.format(text))
    except ElementTree.ParseError:
        yield Outcome(source, "file", "not claimed", "the file is no XML")
        return
    notices = [each for each in root.iter() if _local(each) == "NotificationMessage"]
    if notices and len(notices) == len(_decoded(body)):
        for number, (notice, found) in enumerate(zip(notices, _decoded(body), strict=True)):
            yield _notification(source, f"notification {number}", notice, [found])
    elif notices:
        for number, notice in enumerate(notices):
            one = ElementTree.tostring(notice)
            yield _notification(source, f"notification {number}", notice, _decoded(one))
    else:
        yield _reply(source, body, root)


def _reply(source: str, body: bytes, root: ElementTree.Element) -> Outcome:
    """A reply that our subscription reads: it has to hold what it holds."""
    names = {_local(each) for each in root.iter()}
    if "Fault" in names:
        passed = fault(parse(body)) is not None
        return _outcome(source, "fault", passed, "the fault is not seen")
    if "CreatePullPointSubscriptionResponse" in names:
        address = next(each.text or "" for each in root.iter() if _local(each) == "Address")
        reference = parse(body).find("SubscriptionReference")
        found = reference.text_of("Address") if reference is not None else ""
        return _outcome(source, "address", found == address.strip(), f"the address is {found!r}")
    if "UnsubscribeResponse" in names:
        return _outcome(source, "reply", fault(parse(body)) is None, "it is taken for a fault")
    if "GetEventPropertiesResponse" in names:
        return Outcome(source, "reply", "not claimed", "the driver does not ask which topics exist")
    return Outcome(source, "file", "not claimed", "a schema, not a message")


def _notification(
    source: str, case: str, notice: ElementTree.Element, found: list[Notice]
) -> Outcome:
    topic = next(
        ("".join((e.text or "").split()) for e in notice.iter() if _local(e) == "Topic"), ""
    )
    wanted = _STATES.get("/".join(re.sub(r"\w+:", "", topic).split("/")[-2:]))
    if wanted is None:
        unknown = f"no value for the topic {topic}"
        return Outcome(source, case, "not claimed", unknown)
    item, name = wanted
    stated = [
        each.get("Value", "")
        for each in notice.iter()
        if _local(each) == "SimpleItem" and each.get("Name") == item
    ]
    deleted = any(each.get("PropertyOperation") == "Deleted" for each in notice.iter())
    state = False if deleted else bool(stated) and stated[0].lower() in _TRUE
    return _is(source, case, found, {name: state})


# --- lists ----------------------------------------------------------------------------------


def _listed(source: str, content: Any) -> Iterator[Outcome]:
    if isinstance(content, dict):
        for number, vector in enumerate(content.get("vectors", [])):
            yield _peers(source, f"{number} {vector['test']}", vector)
        return
    for number, vector in enumerate(content):
        case = f"{number} {vector['camera']}"
        expect = vector["expect"]
        state = expect.get("motion", expect.get("active"))
        if state is None:
            yield Outcome(source, case, "not claimed", "the vector names no state")
        else:
            yield _is(source, case, _decoded(vector["xml"].encode()), {"motion": state})


def _peers(source: str, case: str, vector: dict[str, Any]) -> Outcome:
    """What the peer's test asserts, said with our names."""
    claims = vector["expectations_as_text"]
    try:
        found = _decoded(_as_xml(vector["message"]))
    except (KeyError, TypeError, AttributeError):
        return Outcome(source, case, "not claimed", "the vector holds no whole notification")
    text = "\n".join(claims)
    if not claims or "not events" in claims or "events is None" in claims:
        return _outcome(source, case, not found, f"values from what nobody knows: {found}")
    topic = vector["message"]["Topic"]["_value_1"]
    if "== 'sensor'" in text and "LineDetector" not in topic:
        return Outcome(source, case, "not claimed", "a measurement of the camera's own health")
    state = "is True" in text or not re.search(r"value is False|not event\.value", text)
    if "device_class == 'problem'" in text:
        stated = {name: value for each in found for name, value in each.values.items()}
        name = "tamper" if "tamper" in stated else "fault"
        return _is(source, case, found, {name: state})
    return _is(source, case, found, _wanted(text, state))


def _wanted(text: str, state: bool) -> dict[str, object]:
    """The peer's words for what it saw, with our names for them."""
    if "device_class == 'occupancy'" in text or "device_class == 'sound'" in text:
        label = re.search(r"name == '(?:Detected )?(\w+)", text)
        return {f"extra.{label[1].lower()}": state} if label else {}
    if "Tamper" in text:
        return {"tamper": state}
    wanted: dict[str, object] = {"motion": state}
    for word, name in (("human", "person"), ("vehicle", "vehicle"), ("animal", "animal")):
        if f"{word}_event.value is True" in text:
            wanted[f"extra.{name}"] = True
    for word, name in (("Person", "person"), ("Vehicle", "vehicle"), ("Pet", "animal")):
        if f"event.name == '{word} Detection'" in text:
            wanted[f"extra.{name}"] = state
    return wanted


def _as_xml(message: dict[str, Any]) -> bytes:
    """The notification as it came, from what the peer's SOAP library made of it."""
    inner = message["Message"]["_value_1"]
    groups = ""
    for group in ("Source", "Key", "Data"):
        part = inner.get(group)
        if part:
            items = "".join(
                f"<tt:SimpleItem Name={quoteattr(i['Name'])} Value={quoteattr(i['Value'])}/>"
                for i in part["SimpleItem"]
            )
            groups += f"<tt:{group}>{items}</tt:{group}>"
    operation = inner.get("PropertyOperation")
    attributes = f" PropertyOperation={quoteattr(operation)}" if operation else ""
    utc = quoteattr(inner.get("UtcTime") or "2026-01-01T00:00:00Z")
    return (
        f"<wsnt:NotificationMessage><wsnt:Topic>{message['Topic']['_value_1']}</wsnt:Topic>"
        f"<wsnt:Message><tt:Message UtcTime={utc}{attributes}>{groups}</tt:Message>"
        "</wsnt:Message></wsnt:NotificationMessage>"
    ).encode()


# --- both -----------------------------------------------------------------------------------


def _decoded(body: bytes) -> list[Notice]:
    return [each for each in decode(body) if isinstance(each, Notice)]


def _is(source: str, case: str, found: list[Notice], wanted: dict[str, object]) -> Outcome:
    values = {name: value for each in found for name, value in each.values.items()}
    wrong = {name: values.get(name) for name, value in wanted.items() if values.get(name) != value}
    return _outcome(source, case, not wrong and bool(wanted), f"{wanted} wanted, {values} found")


def _outcome(source: str, case: str, passed: bool, reason: str) -> Outcome:
    return Outcome(source, case, "passed" if passed else "failed", "" if passed else reason)


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
