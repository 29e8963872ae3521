"""From an outbox row to the message: title, text and short form, in Chinese or English. Pure.

    row, incident, registry ─▶ facts ─┬▶ the site's template for (purpose, language), if it has one
                                      └▶ the wording here: one fact a line

What a template can not say is said by the wording here: no alarm is lost to a template.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from gateway.model import Notification, OutboxRow
from gateway.notify import words
from gateway.notify.about import About
from gateway.notify.whereabouts import address, nearest, nearest_parts, point, scope
from gateway.notify.wording import Fact, facts, head, may_receive, said

if TYPE_CHECKING:  # it brings Jinja, which only a site with a wording of its own needs
    from gateway.notify.templates import Templates

SHORT: Final = 70
"""UCS-2 units of one SMS in Chinese."""
_WHAT: Final = ("where", "what", "since")
_THERE: Final = ("nearby", "map")
"""What helps on the way; the first to go where a channel takes only so much."""
_LINES: Final[Mapping[str, tuple[str, ...]]] = {
    "opened": (*_WHAT, "sure", "state", "call", *_THERE),
    "again": (*_WHAT, "sure", "severity", "state", "call", *_THERE),
    "cleared": (*_WHAT, "state", "call"),
    "closed": (*_WHAT, "state", "outcome", "said"),
    "overdue": (*_WHAT, "sure", "state", "owner", "call", *_THERE),
    "warned": (*_WHAT, "sure", "state", "owner", "call", "map"),
    "transferred": (*_WHAT, "sure", "state", "owner", "said", "call", *_THERE),
    "supervised": (*_WHAT, "state", "owner", "said", "call"),
    "escalated": (*_WHAT, "sure", "state", "owner", "call", *_THERE),
    "reopened": (*_WHAT, "state", "owner", "said", "call", "map"),
}
"""Purpose -> its facts in order; behind them stand the number, what is asked and the link."""
_OF_MANY: Final = ("kinds", "where", "since")
_BULLET: Final = "\n· "
_LEAST: Final = ((2, 6), (0, 4), (2, 0), (0, 0), (1, 0))
"""How a short form shrinks, step by step: which of place, rooms and what, and to how many units."""


def notification(
    row: OutboxRow, about: About, channel: str, templates: Templates | None = None
) -> Notification:
    """The message that ``row`` stands for; its key stays the same for every attempt."""
    incident, person = about.incident, about.person
    where = point(about)
    own_title, own_text, own_short = worded(about)
    title, text, short = own_title, own_text, own_short
    if templates is not None and templates.has(row.purpose, person.language):
        said = facts(about) | {"title": own_title, "text": own_text, "short": own_short}
        title, text, short = templates.say(row.purpose, person.language, said)
    return Notification(
        key=f"{row.incident}/{row.seq}/{row.person}/{channel}",
        incident=incident.key,
        purpose=row.purpose,
        person=person.id,
        name=person.name,
        phone=person.phone,
        language=person.language,
        title=title,
        text=text,
        category=incident.category.value,
        severity=incident.severity.value,
        state=incident.state.value,
        kind=incident.kind,
        device=incident.device,
        place=incident.place,
        opened_at=min((each.opened_at for each in about.many), default=incident.opened_at),
        head=incident.head,
        email=person.email,
        account=person.accounts.get(channel, ""),
        short=cut(short, SHORT),
        link=about.link,
        since=min((each.since for each in about.many), default=incident.since),
        latitude=where[0] if where else None,
        longitude=where[1] if where else None,
        address=address(about),
        count=max(len(about.many), 1),
        silent=row.purpose == "trial",
    )


def worded(about: About) -> tuple[str, str, str]:
    """Title, text and short form in the wording of this program."""
    made = title(about)
    if about.purpose == "trial":
        return made, about.say(words.JUST_A_TEST), cut(made, SHORT)
    known = facts(about)
    return made, _text(about, known), _short(about)


def title(about: About) -> str:
    """As 【紧急】烟感报警:3号楼 2层 201室."""
    if about.purpose == "trial":
        return _headed(about, about.person.name)
    if about.is_digest:
        what, place = _so_many(about), scope(about)
        return _headed(about, _near(about, place, what))
    return _headed(about, _near(about, about.say(about.incident.title), nearest(about)))


def cut(text: str, most: int) -> str:
    """``text`` in at most ``most`` UCS-2 units; a character of two is never halved."""
    if len(text) <= most and units(text) <= most:
        return text
    if most <= 0:
        return ""
    kept = text[: most - 1]
    while units(kept) > most - 1:
        kept = kept[:-1]
    return kept + "…"


def units(text: str) -> int:
    """UCS-2 units: what an SMS in Chinese counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _headed(about: About, rest: str) -> str:
    if about.english:
        return f"[{head(about)}] {rest}".rstrip()
    return f"【{head(about)}】{rest}"


def _so_many(about: About) -> str:
    alarms = about.purpose in (*words.ALARMS, "digest")
    count = max(len(about.many), 1)
    if about.english:
        return f"{count} {'alarms' if alarms else 'cases'}"
    return f"共 {count} 起{'报警' if alarms else ''}"


def _near(about: About, one: str, other: str) -> str:
    """As 烟感报警:3号楼."""
    return (": " if about.english else "：").join(part for part in (one, other) if part)


def _text(about: About, known: Mapping[str, Fact]) -> str:
    """One fact a line; a line without a fact is left out."""
    if about.purpose == "answer":
        lines = [said(about)]
    else:
        order = _LINES.get(about.purpose, _LINES["opened"])
        lines = [_line(about, name, known) for name in (_OF_MANY if about.is_digest else order)]
    anchor = about.say(words.ANCHOR).format(anchor=about.anchor) if about.anchor else ""
    lines.append(_line(about, "key", known) + anchor)
    lines.append(str(known["ask"]))
    if about.link:
        label = words.OPEN_AND_RECEIVE if may_receive(about) else words.OPEN
        lines.append(about.say(label) + about.link)
    return "\n".join(line for line in lines if line)


def _line(about: About, name: str, known: Mapping[str, Fact]) -> str:
    fact = known["why" if name == "what" else name]
    if not fact:
        return ""
    label = about.say(words.LABELS[name])
    if isinstance(fact, str):
        return label + fact
    if len(fact) == 1:
        return label + fact[0]
    return _BULLET.join((label.rstrip(), *fact))


def _short(about: About) -> str:
    """Head, place, rooms, what, number, and whom to call if there is room.

    The two ends are never cut for the middle's sake: the head says how urgent it is, and the
    number is what an answer by SMS names.
    """
    key = about.incident.key
    begin = _headed(about, "") + (" " if about.english else "")
    place, rooms = nearest_parts(about)
    parts = [place, rooms if about.english else rooms.replace(" ", ""), ""]
    parts[2] = about.say(about.incident.title)
    if about.purpose == "answer":
        parts = [said(about).replace(key, "").replace("  ", " "), "", ""]
    elif about.is_digest:
        parts = [scope(about), "", _so_many(about)]
    middle = _fitted(parts, SHORT - units(begin) - units(key) - 1)
    short = f"{begin}{middle} {key}"
    contact = about.device.contact if about.purpose in words.ALARMS else ""
    fits = contact and units(short) + 1 + units(contact) <= SHORT
    return f"{short} {contact}" if fits and not about.is_digest else short


def _fitted(parts: list[str], room: int) -> str:
    """Place, rooms and what in at most ``room`` units: the words for it give way first."""
    for index, least in _LEAST:
        over = units(_spaced(parts)) - room
        if over <= 0:
            break
        keep = max(units(parts[index]) - over, least)
        parts[index] = cut(parts[index], keep if keep > 1 else 0)
    return _spaced(parts)


def _spaced(parts: list[str]) -> str:
    return " ".join(part for part in parts if part)
