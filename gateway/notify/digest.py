"""One message about many incidents: how many of what, how many still, where, when. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final

from gateway.model import (
    SECOND,
    Category,
    Incident,
    Notification,
    OutboxRow,
    Person,
    Severity,
    Site,
    State,
    Text,
)
from gateway.notify.storm import kind_of

_CATEGORIES: Final = {
    Category.life: Text("紧急", "Emergency"),
    Category.intrusion: Text("入侵", "Intrusion"),
    Category.facility: Text("设施", "Facility"),
    Category.trouble: Text("故障", "Trouble"),
    Category.system: Text("系统", "System"),
}
_KINDS: Final = {
    "alarm": Text("{n} 起报警", "{n} alarms"),
    "resolve": Text("{n} 起已解除或办结", "{n} over or closed"),
    "overdue": Text("{n} 起超时", "{n} overdue"),
}
_OTHER: Final = Text("{n} 起事件有新情况", "{n} incidents have changed")
_STILL: Final = Text(
    "{what} {n} 起,其中 {still} 起仍在报警", "{what}: {n}, {still} of them still alarming"
)
_PLACES: Final = Text("地点:{where}", "Where: {where}")
_MORE: Final = Text(" 等 {n} 处", " and others, {n} in all")
_TIME: Final = Text("时间:{first} 至 {last}", "Time: {first} to {last}")
_KEYS: Final = Text("编号:{first} 至 {last}", "Numbers: {first} to {last}")
_ASK: Final = Text(
    "已合并为一条。请打开值班页面逐一签收。",
    "Merged into one. Please receive each on the console.",
)
_LINES: Final = 8
"""Kinds of incident, and places, that are named."""
_SHORT: Final = 70


def digest(
    row: OutboxRow,
    incidents: Sequence[Incident],
    site: Site,
    person: Person,
    channel: str,
    zone: tzinfo,
) -> Notification:
    """The message about ``incidents`` (at least one); its key stays the same for every attempt."""
    language = person.language
    worst = max(incidents, key=_urgency)
    where = site.places.get(_common(incidents, site))
    title = _title(row, incidents, worst, where.name if where is not None else "", language)
    return Notification(
        key=f"{row.incident}/{row.seq}/{row.person}/{channel}",
        incident=row.incident,
        purpose=row.purpose,
        person=person.id,
        name=person.name,
        phone=person.phone,
        language=language,
        title=title,
        text=_text(row, incidents, site, zone, language),
        category=worst.category.value,
        severity=worst.severity.value,
        state=worst.state.value,
        kind=worst.kind,
        device=worst.device,
        place=where.code if where is not None else worst.place,
        opened_at=min(each.opened_at for each in incidents),
        head=worst.head,
        email=person.email,
        account=person.accounts.get(channel, ""),
        short=title[:_SHORT],
        since=min(each.since for each in incidents),
        latitude=where.latitude if where is not None else None,
        longitude=where.longitude if where is not None else None,
        address=where.address or where.name if where is not None else "",
        count=len(incidents),
    )


def _urgency(incident: Incident) -> tuple[bool, int, int]:
    """Life first, then the most severe, then the newest."""
    life = incident.category is Category.life
    return life, list(Severity).index(incident.severity), incident.opened_at


def _common(incidents: Sequence[Incident], site: Site) -> str:
    """The smallest place in which all of them are; "" for none."""
    chains = [[place.code for place in site.chain(each.place)] for each in incidents]
    return next((code for code in chains[0] if all(code in chain for chain in chains)), "")


def _title(
    row: OutboxRow, incidents: Sequence[Incident], worst: Incident, where: str, language: str
) -> str:
    """As 【入侵】第一网格:97 起报警."""
    kind = _KINDS.get(kind_of(row.purpose), _OTHER).say(language).format(n=len(incidents))
    head = _CATEGORIES[worst.category].say(language)
    if language == "en":
        return f"[{head}] {where}: {kind}" if where else f"[{head}] {kind}"
    return f"【{head}】{where}:{kind}" if where else f"【{head}】{kind}"


def _text(
    row: OutboxRow, incidents: Sequence[Incident], site: Site, zone: tzinfo, language: str
) -> str:
    kinds = Counter(each.title.say(language) for each in incidents)
    still = Counter(each.title.say(language) for each in incidents if each.alarming)
    lines = [
        _STILL.say(language).format(what=what, n=n, still=still[what])
        for what, n in kinds.most_common(_LINES)
    ]
    lines.append(_where(incidents, site, language))
    moments = sorted(each.since for each in incidents)
    first, last = (_local(moment, zone) for moment in (moments[0], moments[-1]))
    lines.append(_TIME.say(language).format(first=first, last=last))
    keys = sorted(each.key for each in incidents)
    lines.append(_KEYS.say(language).format(first=keys[0], last=keys[-1]))
    if any(each.state is State.open for each in incidents) and kind_of(row.purpose) != "resolve":
        lines.append(_ASK.say(language))
    return "\n".join(lines)


def _where(incidents: Sequence[Incident], site: Site, language: str) -> str:
    """The first few devices by name."""
    names: dict[str, None] = {}
    for each in incidents:
        known = site.devices.get(each.device)
        names[known.name if known is not None else each.device] = None
    comma = ", " if language == "en" else "、"
    where = comma.join(list(names)[:_LINES])
    if len(names) > _LINES:
        where += _MORE.say(language).format(n=len(names))
    return _PLACES.say(language).format(where=where)


def _local(moment: int, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(moment // SECOND, UTC).astimezone(zone):%Y-%m-%d %H:%M:%S}"
