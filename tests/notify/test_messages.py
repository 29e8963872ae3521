"""What people read: every purpose in both languages, short forms, links, maps, neighbours."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import Arrival
from gateway.incidents.machine import Moment, World, react
from gateway.links import verify
from gateway.model import (
    SECOND,
    Category,
    OutboxRow,
    Quality,
    Severity,
    Site,
    State,
    Text,
)
from gateway.notify.about import Wording
from gateway.notify.messages import SHORT, cut, units
from gateway.notify.words import PURPOSES
from gateway.notify.writer import Linker, Writer
from tests.cases import build
from tests.notify.wording import (
    CROWD,
    DEVICES,
    FIRE,
    FLATS,
    LATEST,
    PLACES,
    SINCE,
    SITE,
    STORIES,
    WORDING,
    ZONE,
    changed,
    row,
    writer,
    written,
)
from tests.virtual import VirtualClock

APPROVED = Path(__file__).with_name("messages.approved.txt")


def in_language(language: str) -> Site:
    people = {k: msgspec.structs.replace(p, language=language) for k, p in SITE.people.items()}
    return msgspec.structs.replace(SITE, people=people)


def every_story() -> str:
    parts = []
    for language in ("zh", "en"):
        for name, person, incident, more in STORIES:
            said = written(name.partition(",")[0], incident, person, in_language(language), **more)
            parts.append(f"=== {name} · {language}\n{said.title}\n{said.text}\nSMS {said.short}\n")
    return "\n".join(parts)


def test_every_message_reads_as_it_was_approved() -> None:
    assert every_story() == APPROVED.read_text(encoding="utf-8")


def test_every_purpose_is_among_the_approved_messages() -> None:
    assert {name.partition(",")[0] for name, *_ in STORIES} == set(PURPOSES)


def test_message_carries_what_channels_need_as_fields() -> None:
    said = written(person="chen")
    assert said.key == f"{FIRE.key}/1/chen/wecom"
    assert (said.account, said.phone, said.email) == ("chenjing", "13800000001", "")
    assert (said.latitude, said.longitude) == (38.30412, 116.83871)
    assert said.address == ("云河区 › 建设街道 › 云河社区 › 第一网格 › 3号楼，云河路3号，3层 301室")
    assert (said.since, said.opened_at, said.count) == (SINCE, SINCE + SECOND, 1)
    assert said.link in said.text
    assert not said.silent
    assert written("trial").silent
    assert written(person="lin").email == "lin@example.cn"


def test_place_path_begins_at_the_readers_own_place() -> None:
    district = msgspec.structs.replace(SITE.people["lin"], grid="1309")
    elsewhere = msgspec.structs.replace(SITE.people["lin"], grid="77")
    for person, begins in ((district, "云河区 › 建设街道"), (elsewhere, "云河区 › 建设街道")):
        site = msgspec.structs.replace(SITE, people={"lin": person})
        assert f"地点：{begins}" in written(person="lin", site=site).text
    assert "地点：第一网格 › 3号楼" in written(person="lin").text


def test_without_a_map_the_coordinates_are_said() -> None:
    said = written(by=writer(Wording()))
    assert "38.30412 116.83871" in said.text
    assert "地图" not in said.text


def test_map_in_china_is_moved_and_others_are_not() -> None:
    plain = Wording(map="https://osm.example/?at={lat}/{lon}", gcj02=False)
    assert "https://osm.example/?at=38.304120/116.838710\n" in written(by=writer(plain)).text
    assert "position=116.844500,38.304679&" in written().text


def test_map_name_can_not_break_out_of_the_address() -> None:
    place = msgspec.structs.replace(PLACES[4], name="A&B #1\n/../{lat}?\ud800")
    site = msgspec.structs.replace(SITE, places=SITE.places | {place.code: place})
    [line] = [line for line in written(site=site).text.split("\n") if line.startswith("地图")]
    assert line.endswith("name=A%26B%20%231%0A%2F..%2F%7Blat%7D%3F%3F%203%E5%B1%82%20301%E5%AE%A4")


def test_merged_message_is_about_the_worst_and_says_where_all_are() -> None:
    worst = changed(FLATS[7], severity=Severity.critical)
    many = (*FLATS, worst, *CROWD)
    said = written(many=many)
    assert (said.count, said.severity, said.incident) == (97, "critical", worst.key)
    assert said.title == "【紧急】第一网格：共 97 起报警"
    assert said.since == min(each.since for each in many)
    assert written(many=FLATS).title == "【紧急】3号楼：共 59 起报警"
    elsewhere = changed(place="77")
    assert written(many=(*FLATS, elsewhere)).title == "【紧急】共 60 起报警"
    assert "地点：3号楼 3层 302室、" in said.text
    assert "地点：3层 302室、" in written(many=FLATS).text
    over = tuple(changed(each, alarming=()) for each in FLATS)
    assert "烟雾报警 59 起，都已恢复正常" in written(many=over).text
    assert "恢复正常" not in written("cleared", many=over).text
    assert written("closed", many=over).title.startswith("【报警解除】")
    closed = tuple(changed(each, alarming=(), state=State.closed) for each in FLATS)
    assert written("cleared", many=closed).title.startswith("【已办结】")
    assert written(many=FLATS[:1]).text == written(incident=FLATS[0]).text


# --- whom to call, how sure, neighbours --------------------------------------------------------


def test_calls_go_from_the_household_up_and_to_the_fire_station() -> None:
    text = written().text
    order = ["户主周先生 13800000011", "楼长 马建国", "网格长 刘芳", "消防 119"]
    assert [text.index(each) for each in order] == sorted(text.index(each) for each in order)
    assert "消防 119" not in written("cleared", changed(alarming=())).text
    assert "消防 119" not in written(incident=changed(category=Category.facility)).text


def test_contacts_are_bounded_and_said_once() -> None:
    places = {
        code: msgspec.structs.replace(place, contact=f"某人 {n // 2}")
        for n, (code, place) in enumerate(SITE.places.items())
    }
    text = written(site=msgspec.structs.replace(SITE, places=places)).text
    assert text.count("某人") == 2
    assert text.count("消防 119") == 1


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "核实：目前只有 1 个设备报警，请到现场核实"),
        ({"alarming": ("s301", "h301", "s302")}, "核实：3 个设备同时报警"),
        ({"kind": "panic"}, ""),
        ({"alarming": ()}, ""),
        ({"category": Category.trouble}, ""),
        ({"category": Category.intrusion, "kind": "infrared"}, "核实：目前只有 1 个"),
    ],
)
def test_how_sure_it_is_counts_devices(changes: dict[str, object], line: str) -> None:
    text = written(incident=changed(**changes)).text
    assert (line in text) if line else ("核实" not in text)


def test_neighbours_that_alarm_come_first_then_the_nearest() -> None:
    names = [line for line in written().text.split("\n") if "（04:" in line or "（01-05" in line]
    assert names == [
        "· 同户 厨房温感：报警，温度 61.4 °C（04:11）",
        "· 302室烟感：无报警，烟雾 0.03 %/m（04:10）",
        "· 4层 401室 客厅烟感：无报警（01-05 23:11）",
    ]


def test_neighbours_that_say_nothing_useful_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    replace = msgspec.structs.replace
    monkeypatch.setitem(LATEST, "h301", replace(LATEST["h301"], values={"battery": 90.0}))
    monkeypatch.setitem(LATEST, "s302", replace(LATEST["s302"], quality=Quality.stale))
    bypassed = replace(DEVICES[3], state="bypassed")
    site = replace(SITE, devices=SITE.devices | {"s401": bypassed})
    assert "附近" not in written(site=site).text


def test_neighbours_are_told_for_people_in_buildings_only() -> None:
    assert "附近" not in written(incident=changed(category=Category.trouble)).text
    assert "附近" not in written(incident=changed(place="1309010101", device="ir7")).text


# --- the short form ----------------------------------------------------------------------------


def test_short_form_says_whom_to_call_where_there_is_room() -> None:
    assert written().short.endswith("L20260106-0001 户主周先生 13800000011")


@given(
    st.text(max_size=90),
    st.text(max_size=30),
    st.text(max_size=30),
    st.text(max_size=120),
    st.sampled_from(PURPOSES),
    st.sampled_from(["zh", "en"]),
    st.integers(0, 90),
)
def test_short_form_fits_one_sms_and_keeps_head_and_number(
    place: str, flat: str, name: str, what: str, purpose: str, language: str, count: int
) -> None:
    replace = msgspec.structs.replace
    places = SITE.places | {PLACES[4].code: replace(PLACES[4], name=place)}
    devices = SITE.devices | {"s301": replace(DEVICES[0], flat=flat, name=name)}
    site = replace(in_language(language), places=places, devices=devices)
    incident = changed(title=Text(what, what))
    said = written(purpose, incident, site=site, many=(incident,) * count, said=what).short
    assert units(said) <= SHORT
    assert said.startswith("[" if language == "en" else "【")
    if purpose != "trial":
        assert "]" in said or "】" in said
        assert FIRE.key in said


@given(st.text(), st.integers(0, 40))
def test_cut_never_halves_a_character(text: str, most: int) -> None:
    short = cut(text, most)
    assert units(short) <= most
    assert short == text or text.startswith(short.removesuffix("…"))


# --- who is told what --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("purpose", "person", "changes", "asked"),
    [
        ("opened", "chen", {}, "请尽快签收并到场查看。"),
        ("opened", "chen", {"state": State.received}, "请尽快办理并办结。"),
        ("opened", "chen", {"category": Category.system}, "请尽快签收并处理。"),
        ("overdue", "lin", {}, "请尽快签收并到场查看。"),
        ("overdue", "lin", {"state": State.handling}, "责任人没有按时办完，请您督促。"),
        ("escalated", "lin", {}, "责任人还没有签收，请您督促。"),
        ("escalated", "chen", {}, "前面的人没有按时签收，请您签收并处理。"),
        ("transferred", "lin", {}, ""),
        ("closed", "chen", {"state": State.closed}, ""),
    ],
)
def test_what_is_asked_depends_on_whose_case_it_is(
    purpose: str, person: str, changes: dict[str, object], asked: str
) -> None:
    lines = written(purpose, changed(**changes), person).text.split("\n")
    asks = [line for line in lines if line.startswith(("请", "责任人没", "责任人还", "前面"))]
    assert asks == ([asked] if asked else [])


def test_supervisor_reads_that_a_case_is_passed_on_and_not_that_a_limit_was_missed() -> None:
    assert "多次转办" in written("escalated", changed(raised=9), "lin").title
    assert "超时升级" in written("escalated", changed(raised=9, warned=10), "lin").title


def test_owner_is_named_to_others_and_not_to_himself() -> None:
    assert "责任人：陈静 13800000001" in written("overdue", person="lin").text
    assert "责任人：" not in written("overdue", person="chen").text


def test_device_nobody_knows_is_told_by_its_address_or_its_bridges_name() -> None:
    incident = changed(device="mystery", place="nowhere")
    assert written(incident=incident).title == "【紧急】烟雾报警：未登记的设备 mystery"
    named = Writer(ZONE, announced=lambda device: "3号楼2层楼梯口")
    said = written(incident=incident, by=named)
    assert said.title == "【紧急】烟雾报警：3号楼2层楼梯口 (mystery)"
    part = changed(device="gateway/driver:zigbee", place="nowhere")
    assert "网关的接入驱动 zigbee" in written(incident=part).title


def test_incident_that_the_machine_made_can_be_told_of() -> None:
    clock = VirtualClock()
    moment = Moment(clock.now(), Arrival(0, clock.now())(clock.now()))
    where = build.site()
    world = World(where, build.DEADLINES, build.DUTY)
    decision = react(build.alarmed(), None, "L20260105-0001", (), world, moment)
    assert decision is not None
    given = OutboxRow(id=1, incident="L1", seq=1, purpose="opened", person="wang", due=0)
    said = Writer(ZONE)(given, decision.incident, where, where.people["wang"], "phone")
    assert said.title == "[Emergency] Smoke alarm: 3号楼 floor 2 flat 201"
    assert "38.30000 116.80000" in said.text


def test_short_form_of_the_records_head_stands_behind_the_number() -> None:
    by = Writer(ZONE, anchor=lambda head: f"K7-{head[:2]}")
    said = by(row("opened"), FIRE, SITE, SITE.people["chen"], "wecom")
    assert "编号：L20260106-0001（存证 K7-ab）\n" in said.text


# --- the link ----------------------------------------------------------------------------------


def test_link_is_the_persons_own_and_expires() -> None:
    clock, key = VirtualClock(), b"k" * 32
    by = Writer(ZONE, linked=Linker("https://desk.example.cn/", key, 3600.0, clock))
    said = by(row("opened"), FIRE, SITE, SITE.people["chen"], "wecom")
    assert said.link.startswith("https://desk.example.cn/c/")
    granted = verify(key, said.link.rpartition("/")[2], clock.wall)
    assert (granted.incident, granted.person) == (FIRE.key, "chen")
    assert 3600 * SECOND <= granted.until - clock.wall < 3660 * SECOND


def test_link_made_without_knowing_the_time_does_not_expire_by_it() -> None:
    clock, key = VirtualClock(trusted=False), b"k" * 32
    link = Linker("https://desk.example.cn", key, 3600.0, clock)(FIRE.key, "chen")
    assert verify(key, link.rpartition("/")[2], clock.wall + 10**18).until == 0


def test_sirens_and_trials_get_no_link() -> None:
    siren = msgspec.structs.replace(SITE.people["chen"], id="notifier:siren")
    assert writer()(row("opened"), FIRE, SITE, siren, "siren").link == ""
    assert written("trial").link == ""


def test_name_that_no_link_can_hold_leaves_the_message_without() -> None:
    linked = Linker("https://desk.example.cn", b"k" * 32, 3600.0, VirtualClock())
    assert linked(FIRE.key, "x" * 600) == ""


def test_map_of_the_samples_is_the_one_of_the_configuration() -> None:
    from gateway.config.settings import AMAP

    assert WORDING.map == AMAP
