"""Registries as property tests make them: whatever the tables can hold."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import strategies as st

from gateway.model import SECOND, Border, Device, Duty, Holiday, Person, Place, Site

PLACES = {
    each.code: each
    for each in (
        Place("13", "", "district", "云河区"),
        Place("1301", "13", "community", "云河社区", "云河路 1 号", 38.3, 116.85, "物业 0317-1"),
        Place("130101", "1301", "grid", "第一网格"),
        Place("130102", "1301", "grid", "第二网格"),
        Place("130101A1", "130101", "building", "1 号楼"),
    )
}
PEOPLE = {
    each.id: each
    for each in (
        Person("root", "孙值班", "13", "supervisor"),
        Person("off", "林涛", "13", "officer"),
        Person("ass", "陈静", "13", "assistant"),
        Person("a", "王芳", "130101", "officer"),
        Person("b", "李明", "130101", "officer"),
        Person("c", "赵强", "130101", "officer"),
        Person("d", "周敏", "130101", "assistant"),
    )
}
SQUARE: Border = ((((116.0, 38.0), (117.0, 38.0), (117.0, 39.0), (116.0, 39.0), (116.0, 38.0)),),)


def site(*rosters: Duty, zone: str = "Asia/Shanghai", **more: Any) -> Site:
    kept = {"places": PLACES, "people": PEOPLE} | more
    return Site(rosters=rosters, zone=zone, **kept)


_SIGNS = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cf", "Co", "Cn", "Z"))
_formula = st.sampled_from(["=1+1", "'=1+1", "''-x", "@a", "+86 138", "-", "'", "'x", "=\"'"])
"""What a spreadsheet works out, or what looks as if it had been kept from that."""
_words = st.one_of(st.text(_SIGNS, max_size=12).map(lambda text: " ".join(text.split())), _formula)
_name = st.one_of(st.text(_SIGNS, min_size=1, max_size=12), _formula)
_plain = st.text("abcXYZ019-_", min_size=1, max_size=12).filter(str.isalnum)
_degrees = st.one_of(
    st.none(), st.tuples(st.floats(-90, 90), st.floats(-180, 180)), st.just((38.5, 116.5))
)
_day = st.dates(min_value=date(2025, 1, 1), max_value=date(2027, 1, 1)).map(str)
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday", "workday", "restday")
_role = st.sampled_from(["assistant", "officer", "supervisor"])
_place = st.sampled_from(sorted(PLACES))
_ids = st.sampled_from(sorted(PEOPLE))


@st.composite
def _device(draw: st.DrawFn, number: int) -> Device:
    position = draw(_degrees)
    by_position = position == (38.5, 116.5)
    state = draw(st.sampled_from(["planned", "installed", "accepted", "bypassed", "retired"]))
    ranges = draw(
        st.dictionaries(
            st.sampled_from(["density", "temperature", "extra.lux"]),
            st.tuples(st.floats(-1e6, -1), st.floats(0, 1e6)),
            max_size=2,
        )
    )
    return Device(
        f"d{number}", "zigbee", f"0x{number}", "smoke", draw(_name),
        "130101" if by_position else draw(_place),
        model=draw(_words), floor=draw(_words), flat=draw(_words),
        latitude=position[0] if position else None, longitude=position[1] if position else None,
        max_silence=draw(st.integers(0, 86_400_000)) * SECOND // 1000, ranges=ranges,
        contact=draw(_words), state=state,
        tags=tuple(draw(st.lists(_plain, max_size=3, unique=True))),
        serial=draw(st.sampled_from(["", f"SN{number}"])),
        until=draw(st.integers(1_767_000_000, 1_900_000_000)) * SECOND if state == "bypassed" else 0,
        because=draw(_words), by_position=by_position,
    )  # fmt: skip


@st.composite
def _person(draw: st.DrawFn, number: int) -> Person:
    areas = draw(st.lists(_place, min_size=1, max_size=3, unique=True))
    accounts = draw(st.dictionaries(st.sampled_from(["wecom", "sms"]), _plain, max_size=2))
    return Person(
        f"p{number}", draw(_name), areas[0], draw(_role),
        phone=draw(st.sampled_from(["", "+86 138 0000 0000", "110"])),
        language=draw(st.sampled_from(["zh", "en"])),
        channels=tuple(draw(st.lists(st.sampled_from(["wecom", "sms", "log"]), unique=True))),
        email=draw(st.sampled_from(["", "zhang@example.cn"])), accounts=accounts,
        quiet=draw(st.sampled_from(["", "22:00-06:30"])), areas=tuple(areas[1:]),
    )  # fmt: skip


@st.composite
def duties(draw: st.DrawFn) -> Duty:
    """A line that the roster's checker takes."""
    kind = draw(st.sampled_from(["weekly", "rotation", "exception", "swap"]))
    days = sorted([draw(_day), draw(_day)])
    team = st.lists(_ids, min_size=1, max_size=2, unique=True).map(tuple)
    bounded = kind in ("exception", "swap") or draw(st.booleans())
    minutes = (draw(st.integers(0, 1439)), draw(st.integers(1, 1440)))
    people = {
        "weekly": st.tuples(team),
        "rotation": st.lists(team, min_size=1, max_size=3).map(tuple),
        "exception": st.one_of(st.tuples(team), st.just(((),))),
        "swap": _ids.map(lambda who: ((who,),)),
    }[kind]
    return Duty(
        draw(st.sampled_from(["130101", "130102", "1301"])), draw(_role), kind, draw(people),
        days=tuple(draw(st.lists(st.sampled_from(_WEEK), max_size=3, unique=True))),
        begin=0 if kind == "swap" else minutes[0], end=1440 if kind == "swap" else minutes[1],
        since=days[0] if bounded or kind == "rotation" else "",
        until=days[1] if bounded else "",
        every=draw(st.integers(1, 8)) if kind == "rotation" else 0,
        instead=draw(_ids) if kind == "swap" else "",
        without=tuple(sorted(draw(st.lists(_day, max_size=2, unique=True)))),
    )  # fmt: skip


@st.composite
def sites(draw: st.DrawFn) -> Site:
    """A whole registry that the checkers take."""
    devices = [draw(_device(number)) for number in range(draw(st.integers(0, 3)))]
    people = [*PEOPLE.values(), *(draw(_person(n)) for n in range(draw(st.integers(0, 3))))]
    holidays = draw(st.dictionaries(_day, st.tuples(st.booleans(), _words), max_size=3))
    return site(
        *draw(st.lists(duties(), max_size=4)),
        devices={each.id: each for each in devices},
        people={each.id: each for each in people},
        holidays=tuple(Holiday(day, *said) for day, said in sorted(holidays.items())),
        borders={"130101": SQUARE},
    )
