"""The report of a case file: how the case ran, in Chinese and English, on paper if need be."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Final

import jinja2

from gateway.console.words import WORDS
from gateway.model import SECOND, Arming, IncidentEvent, OutboxRow, Reading, Site, Text
from gateway.record.events import event
from gateway.record.gather import Contents
from gateway.record.verify import fingerprint
from gateway.replay.account import rule_text
from gateway.store.chain import short
from rules.words import flag, noun, quantity, unit

_MOST_ROWS: Final = 200
"""Of readings, nearest to the opening; ``readings.jsonl`` has them all."""
_MOST_WORDS: Final = 300
_PICTURES: Final = (".jpg", ".png")
_TEMPLATE: Final = Path(__file__).with_name("report.html")

Row = dict[str, Any]


def page(contents: Contents, zone: tzinfo, signer: str) -> str:
    """The whole page; it stands beside the folder ``evidence``. ``signer``: public key, hex."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    incident, site = contents.incident, contents.site
    written, settings = rule_text(contents.rules, incident.rule)
    return template.render(
        incident=incident,
        facts=_facts(contents, zone),
        events=[_event(contents, event(link), zone) for link in contents.links],
        messages=[_message(row, site, zone) for row in contents.outbox],
        readings=_readings(contents, zone),
        more=max(len(contents.records) - _MOST_ROWS, 0),
        rule=written,
        settings=settings,
        pictures=[p.name for p in contents.evidence.values() if p.suffix in _PICTURES],
        others=[p.name for p in contents.evidence.values() if p.suffix not in _PICTURES],
        anchors=[
            {
                "n": each.anchor.n,
                "at": _local(each.anchor.wall, zone),
                "events": max(h.events for h in each.anchor.heads if h.incident == incident.key),
                "key": fingerprint(each.anchor.key),
            }
            for each in contents.anchors
            if any(head.incident == incident.key for head in each.anchor.heads)
        ],
        head=short(incident.head),
        signer=fingerprint(signer) if signer else "",
        zone=str(zone),
    )


def _facts(contents: Contents, zone: tzinfo) -> list[tuple[Text, Text]]:
    incident, site = contents.incident, contents.site
    state = _word("state", incident.state.value)
    if incident.outcome:
        outcome = _word("outcome", incident.outcome)
        state = Text(f"{state.zh}({outcome.zh})", f"{state.en} ({outcome.en})")
    severity = _word("severity", incident.severity.value)
    category = _word("category", incident.category.value)
    return [
        (Text("状态", "State"), state),
        (
            Text("级别", "Severity"),
            Text(f"{severity.zh} · {category.zh}", f"{severity.en} · {category.en}"),
        ),
        (Text("发生", "Opened"), _same(_local(incident.opened_at, zone))),
        (Text("地点", "Place"), _where(contents)),
        (Text("设备", "Device"), _same(_device(site, incident.device))),
        (Text("情况", "What"), incident.why),
        (Text("责任人", "Owner"), _person(site, incident.owner)),
    ]


def _where(contents: Contents) -> Text:
    """Places from the largest to the flat."""
    incident, site = contents.incident, contents.site
    chain = site.chain(incident.place)
    path = " › ".join(place.name for place in reversed(chain)) or incident.place
    address = next((place.address for place in chain if place.address), "")
    device = site.devices.get(incident.device)
    floor, flat = (device.floor, device.flat) if device is not None else ("", "")
    zh = " ".join(filter(None, (floor and f"{floor}层", flat and f"{flat}室")))
    en = " ".join(filter(None, (floor and f"floor {floor}", flat and f"flat {flat}")))
    return Text(
        ",".join(filter(None, (path, address, zh))), ", ".join(filter(None, (path, address, en)))
    )


def _event(contents: Contents, happened: IncidentEvent, zone: tzinfo) -> Row:
    """One event as a sentence in each language."""
    site, data = contents.site, {name: str(value) for name, value in happened.data.items()}
    comment = contents.texts.get(data.get("comment", ""), "")
    if data.get("comment") and not comment:
        said = Text("(文字已按期删除)", "(its text was deleted in time)")
    else:
        said = _same(comment)
    actor = happened.by.partition(":")
    who = _person(site, actor[2]) if actor[0] == "person" else _same("")
    parts = [_word("happened", happened.what.value), who]
    if data.get("device"):
        parts.append(_same(_device(site, data["device"])))
    parts += [_word(group, data[group]) for group in ("severity", "outcome") if data.get(group)]
    if data.get("to"):
        parts.append(_target(site, data["to"]))
    parts += [Text(data.get("why_zh", ""), data.get("why_en", "")), said]
    return {
        "seq": happened.seq,
        "at": _local(happened.wall, zone) + ("" if happened.trusted else " ?"),
        "zh": " · ".join(part.zh for part in parts if part.zh),
        "en": " · ".join(part.en for part in parts if part.en),
        "hash": happened.hash[:12],
    }


def _target(site: Site, to: str) -> Text:
    """Who or where a case was handed to."""
    name = site.places[to].name if to in site.places else ""
    who = _same(name) if name else _person(site, to)
    return Text(f"→ {who.zh}", f"→ {who.en}")


def _message(row: OutboxRow, site: Site, zone: tzinfo) -> Row:
    detail = " ".join(row.detail.split())[:_MOST_WORDS]
    named = detail.startswith(f"{row.channel}:")
    return {
        "seq": row.seq,
        "at": _local(row.ended_at, zone) if row.ended_at else "–",
        "who": _person(site, row.person),
        "purpose": _word("purpose", row.purpose),
        "end": _word("end", row.end),
        "receipt": detail if named else f"{row.channel} {detail}",
        "attempts": row.attempts,
    }


def _readings(contents: Contents, zone: tzinfo) -> list[Row]:
    """Those nearest to the opening, in their order; what opened it is marked."""
    opening = event(contents.links[0])
    said = str(opening.data.get("record", ""))
    trigger = int(said) if said.isdecimal() else 0
    nearest = sorted(contents.records, key=lambda each: abs(each.arrival - opening.arrival))
    rows = []
    for each in sorted(nearest[:_MOST_ROWS], key=lambda each: each.n):
        item = each.item
        if isinstance(item, Reading):
            name, values = _device(contents.site, item.device), _values(item)
        elif isinstance(item, Arming):
            name, values = item.place or "*", _word("mode", item.mode)
        else:
            continue
        own = isinstance(item, Reading) and item.device == contents.incident.device
        rows.append(
            {
                "at": _local(contents.wall(each), zone),
                "device": name,
                "said": values,
                "own": own,
                "trigger": own and each.n == trigger,
            }
        )
    return rows


def _values(reading: Reading) -> Text:
    said = []
    for name, value in reading.values.items():
        if isinstance(value, bool):
            said.append(flag(name, value))
        else:
            number = quantity(value) if isinstance(value, float) else str(value)
            label = noun(name)
            said.append(
                Text(f"{label.zh} {number}{unit(name)}", f"{label.en} {number}{unit(name)}")
            )
    return Text("、".join(each.zh for each in said), ", ".join(each.en for each in said))


def _word(group: str, name: str) -> Text:
    return Text(*WORDS.get(f"{group}.{name}", (name, name)))


def _person(site: Site, person: str) -> Text:
    known = site.people.get(person)
    if known is None:
        plain = person.removeprefix("notifier:")
        return Text(*WORDS.get(f"person.{plain}", (plain, plain)))
    role = _word("role", known.role)
    return Text(f"{known.name}({role.zh})", f"{known.name} ({role.en})")


def _device(site: Site, device: str) -> str:
    known = site.devices.get(device)
    return f"{known.name} ({device})" if known is not None else device


def _same(text: str) -> Text:
    return Text(text, text)


def _local(wall: int, zone: tzinfo) -> str:
    return (
        datetime.fromtimestamp(wall // SECOND, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    )
