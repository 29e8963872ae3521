"""A fire on the third floor, told in every way a message can be for."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from gateway.model import (
    SECOND,
    Category,
    Device,
    Incident,
    Notification,
    OutboxRow,
    Person,
    Place,
    Reading,
    Severity,
    Site,
    State,
    Text,
)
from gateway.notify.about import Wording
from gateway.notify.nearby import Neighbourhood
from gateway.notify.templates import Templates
from gateway.notify.writer import Writer

ZONE = ZoneInfo("Asia/Shanghai")
SINCE = 1_767_643_867 * SECOND
"""2026-01-06 04:11:07 in Shanghai."""
WORDING = Wording(
    map="https://uri.amap.com/marker?position={lon},{lat}&name={name}",
    call={Category.life: "消防 119"},
)
PLACES = (
    Place("1309", "", "district", "云河区"),
    Place("130901", "1309", "street", "建设街道"),
    Place("13090101", "130901", "community", "云河社区", address="云河路1号"),
    Place("1309010101", "13090101", "grid", "第一网格", contact="网格长 刘芳 13800000020"),
    Place(
        "130901010103", "1309010101", "building", "3号楼", address="云河路3号",
        latitude=38.30412, longitude=116.83871, contact="楼长 马建国 13800000021",
    ),
)  # fmt: skip
DEVICES = (
    Device("s301", "m", "s301", "smoke", "客厅烟感", "130901010103", floor="3", flat="301",
           contact="户主周先生 13800000011"),
    Device("h301", "m", "h301", "heat", "厨房温感", "130901010103", floor="3", flat="301"),
    Device("s302", "m", "s302", "smoke", "302室烟感", "130901010103", floor="3", flat="302"),
    Device("s401", "m", "s401", "smoke", "客厅烟感", "130901010103", floor="4", flat="401"),
    Device("s501", "m", "s501", "smoke", "客厅烟感", "130901010103", floor="5", flat="501"),
    Device("ir7", "m", "ir7", "infrared", "仓库红外", "1309010101"),
)  # fmt: skip
PEOPLE = (
    Person(
        "chen", "陈静", "1309010101", "assistant", "13800000001", accounts={"wecom": "chenjing"}
    ),
    Person("lin", "林涛", "1309010101", "officer", "13800000002", email="lin@example.cn"),
    Person("amy", "Amy Wood", "1309010101", "supervisor", "13800000003", language="en"),
)
SITE = Site(
    1,
    {place.code: place for place in PLACES},
    {device.id: device for device in DEVICES},
    {person.id: person for person in PEOPLE},
)
LATEST = {
    "s301": Reading("s301", "smoke", {"alarm": True}, at=SINCE),
    "h301": Reading("h301", "heat", {"alarm": True, "temperature": 61.4}, at=SINCE + 9 * SECOND),
    "s302": Reading("s302", "smoke", {"alarm": False, "density": 0.031}, at=SINCE - 60 * SECOND),
    "s401": Reading("s401", "smoke", {"alarm": False}, at=SINCE - 5 * 3600 * SECOND),
    "s501": Reading("s501", "smoke", {"alarm": False}, at=SINCE - 30 * 3600 * SECOND),
}
FIRE = Incident(
    key="L20260106-0001",
    rule="smoke_alarm",
    same="building:130901010103",
    title=Text("烟雾报警", "Smoke alarm"),
    category=Category.life,
    severity=Severity.alarm,
    kind="smoke",
    device="s301",
    place="130901010103",
    owner="chen",
    state=State.open,
    opened_at=SINCE + SECOND,
    deadline=300 * SECOND,
    why=Text(
        "烟雾浓度 0.31 %/m 高于 0.15，自 04:11:07 起", "density 0.31 %/m above 0.15 since 04:11:07"
    ),
    alarming=("s301",),
    since=SINCE,
    head="ab" * 32,
)


def changed(incident: Incident = FIRE, **changes: Any) -> Incident:
    return msgspec.structs.replace(incident, **changes)


def linked(incident: str, person: str) -> str:
    return f"https://desk.example.cn/c/{incident}.{person}.1tpqk0.N0mfcm2lLcCpr4V1cbZyYw"


def writer(wording: Wording = WORDING, templates: Templates | None = None) -> Writer:
    return Writer(
        ZONE,
        wording=wording,
        templates=templates,
        neighbours=Neighbourhood(lambda: LATEST),
        linked=linked,
    )


def row(purpose: str, person: str = "chen", incident: Incident = FIRE) -> OutboxRow:
    return OutboxRow(id=1, incident=incident.key, seq=1, purpose=purpose, person=person, due=0)


def written(
    purpose: str = "opened",
    incident: Incident = FIRE,
    person: str = "chen",
    site: Site = SITE,
    by: Writer | None = None,
    **more: Any,
) -> Notification:
    return (by or writer())(
        row(purpose, person, incident), incident, site, site.people[person], "wecom", **more
    )


MOVED = changed(
    category=Category.intrusion,
    device="ir7",
    kind="infrared",
    place="1309010101",
    title=Text("布防时有人活动", "Movement while armed"),
    alarming=("ir7",),
    key="I20260106-0001",
)
CROWD = tuple(
    changed(
        MOVED,
        key=f"I20260106-{n:04}",
        since=SINCE + n * SECOND,
        alarming=() if n % 3 else ("ir7",),
        title=MOVED.title if n < 30 else Text("围墙有人翻越", "Somebody climbs the wall"),
    )
    for n in range(1, 38)
)
FLATS = tuple(
    changed(
        key=f"L20260106-{n:04}",
        since=SINCE + n * SECOND,
        device=("s301", "s302", "s401", "s501")[n % 4] if n < 9 else f"x{n}",
    )
    for n in range(1, 60)
)
CLOSED = {"state": State.closed, "outcome": "false_alarm", "alarming": ()}
STORIES: list[tuple[str, str, Incident, dict[str, Any]]] = [
    ("opened", "chen", FIRE, {}),
    ("opened, two devices, found at start", "chen", changed(
        alarming=("s301", "h301"), severity=Severity.critical, found="start"), {}),
    ("again", "chen", changed(alarming=("s301", "h301"), severity=Severity.critical), {}),
    ("cleared", "chen", changed(alarming=()), {}),
    ("closed", "lin", changed(**CLOSED), {"said": "做饭油烟，已开窗通风"}),
    ("overdue", "chen", FIRE, {}),
    ("overdue, to another", "lin", changed(state=State.received), {}),
    ("warned", "chen", FIRE, {}),
    ("warned, to another", "lin", changed(state=State.handling), {}),
    ("transferred", "lin", changed(owner="lin", state=State.received), {"said": "我在外地，请林涛接手"}),
    ("transferred, to another", "lin", changed(state=State.received), {"said": "我在外地"}),
    ("supervised", "chen", changed(state=State.handling), {"said": "领导过问，今天务必办完"}),
    ("escalated", "lin", changed(owner="lin"), {}),
    ("escalated, to another", "lin", changed(state=State.handling), {}),
    ("reopened", "chen", changed(state=State.handling), {"said": "又冒烟了"}),
    ("answer", "lin", FIRE, {"said": "事件 L20260106-0001 已由陈静签收，不能重复签收。"}),
    ("digest", "chen", MOVED, {"many": CROWD}),
    ("opened, many", "lin", FIRE, {"many": FLATS}),
    ("cleared, many", "chen", MOVED, {
        "many": tuple(changed(each, alarming=()) for each in CROWD)}),
    ("trial", "chen", FIRE, {}),
]  # fmt: skip
"""Purpose (and what is special), reader, incident, what else is given."""
