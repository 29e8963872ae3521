"""The wording of a message, in Chinese and English: where, what, since when, whom to call. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Final

from gateway.model import (
    SECOND,
    Category,
    Device,
    Incident,
    Notification,
    OutboxRow,
    Outcome,
    Person,
    Place,
    Severity,
    Site,
    State,
    Text,
)

_HEADS: Final = {
    "again": Text("再次报警", "Alarm again"),
    "cleared": Text("报警解除", "Alarm over"),
    "closed": Text("已办结", "Closed"),
}
_OVERDUE: Final = {
    State.open: Text("超时未签收", "Overdue, not received"),
    State.received: Text("超时未办理", "Overdue, not handled"),
    State.handling: Text("超时未办结", "Overdue, not closed"),
}
_CATEGORIES: Final = {
    Category.life: Text("紧急", "Emergency"),
    Category.intrusion: Text("入侵", "Intrusion"),
    Category.facility: Text("设施", "Facility"),
    Category.trouble: Text("故障", "Trouble"),
    Category.system: Text("系统", "System"),
}
_SEVERITIES: Final = {
    Severity.notice: Text("提示", "notice"),
    Severity.warning: Text("警告", "warning"),
    Severity.alarm: Text("报警", "alarm"),
    Severity.critical: Text("危急", "critical"),
}
_FOUND: Final = {
    "start": Text("(启动时发现)", " (found at start)"),
    "late": Text("(迟到的报告)", " (reported late)"),
    "armed": Text("(布防时已存在)", " (held when armed)"),
}
_OUTCOMES: Final = {
    Outcome.real.value: Text("属实", "real"),
    Outcome.false_alarm.value: Text("误报", "false alarm"),
    Outcome.test.value: Text("测试", "test"),
    Outcome.duplicate.value: Text("重复", "duplicate"),
    Outcome.cannot_reproduce.value: Text("无法重现", "can not be reproduced"),
}
_GATEWAY: Final = "gateway/"
_ITSELF: Final = Text("网关本身", "the gateway itself")
_PARTS: Final = {
    "driver": Text("网关的接入驱动", "the gateway's driver"),
    "sink": Text("网关的数据出口", "the gateway's sink"),
}
_UNREGISTERED: Final = Text("未登记的设备", "unregistered device")
_NORMAL: Final = Text("传感器已恢复正常", "the sensors are back to normal")
_RECEIVE: Final = Text("请尽快签收并到场查看。", "Please receive it and go there.")
_SEE_TO_IT: Final = Text("请尽快签收并处理。", "Please receive it and see to it.")
_GO_ON: Final = Text("请尽快办理并办结。", "Please handle and close it.")
_LABELS: Final = {
    "where": Text("地点:", "Where: "),
    "what": Text("情况:", "What: "),
    "since": Text("时间:", "Since: "),
    "severity": Text("级别:", "Severity: "),
    "state": Text("现状:", "Now: "),
    "call": Text("联系:", "Call: "),
    "key": Text("编号:", "Number: "),
    "outcome": Text("结果:", "Outcome: "),
}


def notification(
    row: OutboxRow,
    incident: Incident,
    site: Site,
    person: Person,
    channel: str,
    zone: tzinfo,
    announced: str = "",
) -> Notification:
    """The message for ``person`` by ``channel``; its key stays the same for every attempt.

    ``announced``: what its bridge or panel calls a device that nobody registered.
    """
    device = site.devices.get(incident.device) or _stranger(incident, announced, person.language)
    return Notification(
        key=f"{row.incident}/{row.seq}/{row.person}/{channel}",
        incident=incident.key,
        purpose=row.purpose,
        person=person.id,
        name=person.name,
        phone=person.phone,
        language=person.language,
        title=title(row.purpose, incident, site, device, person.language),
        text=text(row.purpose, incident, site, device, person.language, zone),
        category=incident.category.value,
        severity=incident.severity.value,
        state=incident.state.value,
        kind=incident.kind,
        device=incident.device,
        place=incident.place,
        opened_at=incident.opened_at,
        head=incident.head,
    )


def title(purpose: str, incident: Incident, site: Site, device: Device, language: str) -> str:
    """As 【紧急】烟感报警:3号楼 2层 201."""
    head = _head(purpose, incident).say(language)
    what = incident.title.say(language)
    near = _nearest(incident, site, device, language)
    if language == "en":
        return f"[{head}] {what}" + (f": {near}" if near else "")
    return f"【{head}】{what}" + (f":{near}" if near else "")


def text(
    purpose: str, incident: Incident, site: Site, device: Device, language: str, zone: tzinfo
) -> str:
    """One fact a line; a line without a fact is left out."""
    facts = {
        "where": _where(incident, site, device, language),
        "what": incident.why.say(language),
        "since": _since(incident, zone, language),
        "severity": _SEVERITIES[incident.severity].say(language) if purpose == "again" else "",
        "state": "" if incident.alarming else (incident.over or _NORMAL).say(language),
        "outcome": _outcome(incident, language),
        "call": device.contact,
        "key": incident.key,
    }
    lines = [f"{_LABELS[name].say(language)}{fact}" for name, fact in facts.items() if fact]
    if purpose in ("opened", "again", "overdue"):
        ask = _RECEIVE if incident.state is State.open else _GO_ON
        if ask is _RECEIVE and (incident.category is Category.system or not incident.alarming):
            ask = _SEE_TO_IT  # nowhere to go to, or nothing left to see
        lines.append(ask.say(language))
    return "\n".join(lines)


def _head(purpose: str, incident: Incident) -> Text:
    usual = _CATEGORIES[incident.category]
    if purpose == "overdue":
        return _OVERDUE.get(incident.state, usual)
    return _HEADS.get(purpose, usual)


def _where(incident: Incident, site: Site, device: Device, language: str) -> str:
    chain = site.chain(incident.place)
    path = " › ".join(place.name for place in reversed(chain))
    address = next((place.address for place in chain if place.address), "")
    parts = [path, address, _inside(device, language), device.name]
    point = _point(device, incident, site)
    return (", " if language == "en" else ",").join(part for part in [*parts, point] if part)


def _nearest(incident: Incident, site: Site, device: Device, language: str) -> str:
    """The few words that fit into a title: the place and the rooms within it."""
    chain = site.chain(incident.place)
    inside = _inside(device, language) or device.name
    return " ".join(part for part in (chain[0].name if chain else "", inside) if part)


def _inside(device: Device, language: str) -> str:
    floor, flat = device.floor, device.flat
    if language == "en":
        named = (floor and f"floor {floor}", flat and f"flat {flat}")
    else:
        named = (floor and f"{floor}层", flat and f"{flat}室")
    return " ".join(part for part in named if part)


def _point(device: Device, incident: Incident, site: Site) -> str:
    things: list[Device | Place] = [device, *site.chain(incident.place)]
    for thing in things:
        if thing.latitude is not None and thing.longitude is not None:
            return f"{thing.latitude:.5f} {thing.longitude:.5f}"
    return ""


def _since(incident: Incident, zone: tzinfo, language: str) -> str:
    local = datetime.fromtimestamp(incident.since // SECOND, UTC).astimezone(zone)
    found = _FOUND.get(incident.found)
    return f"{local:%Y-%m-%d %H:%M:%S}" + (found.say(language) if found is not None else "")


def _outcome(incident: Incident, language: str) -> str:
    outcome = _OUTCOMES.get(incident.outcome)
    return outcome.say(language) if outcome is not None else ""


def _stranger(incident: Incident, announced: str, language: str) -> Device:
    """A device that the registry does not know: a part of the gateway, or one nobody registered."""
    part = incident.device.removeprefix(_GATEWAY)
    if part != incident.device:
        what, _, which = part.partition(":")
        name = _PARTS.get(what, _ITSELF).say(language) + (f" {which}" if what in _PARTS else "")
    elif announced:
        name = f"{announced} ({incident.device})"
    else:
        name = f"{_UNREGISTERED.say(language)} {incident.device}"
    return Device(incident.device, "", "", incident.kind, name, incident.place)
