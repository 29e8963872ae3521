"""One incident's account for people, top to bottom in the order in which one asks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text as Line

from gateway.cli._explain_shape import Account, broken_at, moment, outcome_of
from gateway.cli._past import device_name, local, person_name, plain, word
from gateway.cli._replay_report import console
from gateway.cli._say import language, say
from gateway.model import Happened, IncidentEvent, OutboxRow, Reading, Record
from gateway.replay.account import Written
from gateway.replay.shape import place_name
from rules.words import flag, noun, quantity, unit

_TIME: Final = "%m-%d %H:%M:%S"
_LONGEST_DETAIL: Final = 200
_MOST_ROWS: Final = 60
"""Of one section: a device that flaps for a night has hundreds of events; JSON has them all."""
_DEEDS: Final = (
    Happened.received,
    Happened.handling,
    Happened.closed,
    Happened.supervised,
    Happened.commented,
    Happened.attached,
    Happened.reopened,
    Happened.refused,
)
"""What people do that names nobody else."""


def print_account(account: Account, zone: tzinfo) -> None:
    """Head, events, readings, rule, messages, limits, record."""
    with console() as out:
        _head(out, account, zone)
        _events(out, account, zone)
        _readings(out, account, zone)
        _rule(out, account)
        _messages(out, account, zone)
        _limits(out, account, zone)
        _record(out, account)


def _section(out: Console, zh: str, en: str) -> None:
    out.print()
    out.print(Line(plain(say(zh, en)), style="bold"))


def _rows(out: Console, rows: Sequence[tuple[str, ...]]) -> None:
    """A table without lines, its middle left out where it is long; the last column wraps."""
    if (more := len(rows) - _MOST_ROWS) > 0:
        said = say(f"… 另有 {more:,} 行;--json 可看全部", f"… {more:,} more; --json has them all")
        half = _MOST_ROWS // 2
        rows = [*rows[:half], (*[""] * (len(rows[0]) - 1), said), *rows[-half:]]
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    for _ in rows[0][:-1]:
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*(Line(plain(cell)) for cell in row))
    out.print(Padding(table, (0, 0, 0, 2), expand=False))


def _head(out: Console, account: Account, zone: tzinfo) -> None:
    incident, site = account.file.incident, account.site
    state = word("state", incident.state.value)
    if incident.outcome:
        state += f" ({word('outcome', incident.outcome)})"
    title = incident.title.say(language())
    out.print(Line(plain(f"{incident.key}  {title}"), style="bold"))
    category = word("category", incident.category.value)
    _rows(
        out,
        [
            (say("级别", "severity"), f"{word('severity', incident.severity.value)} · {category}"),
            (say("状态", "state"), state),
            (say("发生", "opened"), f"{local(incident.opened_at, zone)} ({zone})"),
            (say("地点", "place"), place_name(site, incident.place)),
            (say("设备", "device"), device_name(site, incident.device)),
            (say("责任人", "owner"), person_name(site, incident.owner)),
        ],
    )


def _events(out: Console, account: Account, zone: tzinfo) -> None:
    _section(out, "经过", "What happened")
    _rows(
        out,
        [
            (str(event.seq), local(event.wall, zone, _TIME), _sentence(account, event, zone))
            for event in account.file.events
        ],
    )


def _sentence(account: Account, event: IncidentEvent, zone: tzinfo) -> str:
    data, what = event.data, word("happened", event.what.value)
    who = event.by.removeprefix("person:")
    if event.what in (Happened.transferred, Happened.escalated):
        return _handed(account, event, what)
    if event.what in _DEEDS:
        said = f"{what}: {person_name(account.site, who)}"
        if event.what is Happened.closed:
            said += f" — {word('outcome', str(data.get('outcome', '')))}"
            said += f" ({word('cause', str(data['cause']))})" if data.get("cause") else ""
        return said + _comment(account, event)
    if event.what is Happened.warned:
        return what
    if event.what is Happened.overdue and "deadline" in data:
        due = event.wall + int(str(data["deadline"])) - event.arrival
        return f"{what}; {say('下一时限', 'the next limit is')} {local(due, zone, _TIME)}"
    rule = event.by.removeprefix("rule:")
    parts = [f"{what}: {device_name(account.site, str(data.get('device', '')))}"]
    if event.what is Happened.severity:
        before, after = str(data.get("from", "")), str(data.get("severity", ""))
        parts.append(f"{word('severity', before)} → {word('severity', after)}")
    elif "raised_from" in data:
        parts.append(f"{say('升级为', 'raised to')} {word('severity', str(data['severity']))}")
    if found := str(data.get("found", "")):
        parts.append(word("found", found))
    if why := str(data.get(f"why_{language()}", "")):
        parts.append(f"{rule}: {why}")
    return say(";", "; ").join(parts)


def _handed(account: Account, event: IncidentEvent, what: str) -> str:
    """Who had it, who has it or was told, and why."""
    data, site = event.data, account.site
    to = person_name(site, str(data.get("to" if event.what is Happened.escalated else "owner", "")))
    before = f"{person_name(site, str(data['from']))} → " if "from" in data else ""
    because = f" ({word('because', str(data['because']))})" if "because" in data else ""
    return f"{what}: {before}{to}{because}{_comment(account, event)}"


def _comment(account: Account, event: IncidentEvent) -> str:
    comment = account.file.texts.get(str(event.data.get("comment", "")), "")
    return f" — {comment}" if comment else ""


def _readings(out: Console, account: Account, zone: tzinfo) -> None:
    seen = account.around
    device = device_name(account.site, account.file.incident.device)
    _section(out, f"前后的读数:{device}", f"Readings around it: {device}")
    if seen.gone:
        line = say(
            "日志中已没有那时的读数(超过保存期限,或日志已更换)。",
            "The journal no longer has them (past retention, or it is a new journal).",
        )
        out.print(f"  {line}")
        return
    rows = [("", *_reading(account, record, zone)) for record in seen.before]
    if seen.trigger is not None:
        rows.append((">", *_reading(account, seen.trigger, zone)))
    else:
        opening = account.file.events[0]
        rows.append((">", local(opening.wall, zone, _TIME), _without_reading(account)))
    rows += [("", *_reading(account, record, zone)) for record in seen.after]
    _rows(out, rows)


def _without_reading(account: Account) -> str:
    if account.rule is None and account.rule_known:
        return say("不是读数触发的:由网关自己发现", "no reading opened it: the gateway itself did")
    return say("时间到:没有新的读数,是计时触发的", "a time ran out: no reading opened it")


def _reading(account: Account, record: Record, zone: tzinfo) -> tuple[str, str]:
    reading = record.item
    if not isinstance(reading, Reading):
        return local(account.wall(record), zone, _TIME), ""
    said = [_value(name, value) for name, value in reading.values.items()]
    said += [say("补发", "late")] * reading.late + [say("保留消息", "retained")] * reading.retained
    return local(account.wall(record), zone, _TIME), say("、", ", ").join(said)


def _value(name: str, value: float | bool | str) -> str:
    if isinstance(value, bool):
        return flag(name, value).say(language())
    number = quantity(value) if isinstance(value, float) else value
    return f"{noun(name).say(language())} {number}{unit(name)}"


def _rule(out: Console, account: Account) -> None:
    rule = account.file.incident.rule
    if account.rule_known:
        _section(out, f"当时的规则:{rule}", f"The rule as it was then: {rule}")
    else:
        _section(
            out,
            f"规则(现在的文本,日志中没有当时的):{rule}",
            f"The rule (as it is now; the journal does not have it of then): {rule}",
        )
    if account.rule is None:
        line = say(
            "规则文件中没有它:由程序自己发出,或已被删除。",
            "No rule file has it: the program's own, or it was removed.",
        )
        out.print(f"  {line}")
        return
    for written in (account.rule, *account.settings):
        _text(out, written)


def _text(out: Console, written: Written) -> None:
    out.print(Padding(Line(f"{written.file}:{written.line}", style="dim"), (0, 0, 0, 2),
                      expand=False))  # fmt: skip
    for line in written.text.splitlines():
        shown = plain(line.expandtabs(2))
        out.print(Padding(Line(shown), (0, 0, 0, 4), expand=False))


def _messages(out: Console, account: Account, zone: tzinfo) -> None:
    _section(out, "通知", "Who was told")
    if not account.file.outbox:
        out.print(say("  没有通知任何人。", "  Nobody."))
        return
    _rows(out, [_message(account, row, zone) for row in account.file.outbox])


def _message(account: Account, row: OutboxRow, zone: tzinfo) -> tuple[str, ...]:
    when = local(row.ended_at, zone, _TIME) if row.ended_at else "–"
    end = word("end", row.end)
    parts = [end]
    if row.attempts > 1:
        parts.append(say(f"第 {row.attempts} 次尝试", f"attempt {row.attempts}"))
    detail = " ".join(row.detail.split())
    if row.channel and not detail.startswith(f"{row.channel}:"):
        parts.append(row.channel)
    if detail:
        parts.append(detail.replace(": told ", ": ", 1)[:_LONGEST_DETAIL])
    return (
        f"#{row.seq}",
        when,
        person_name(account.site, row.person),
        word("purpose", row.purpose),
        say(";", "; ").join(parts),
    )


def _limits(out: Console, account: Account, zone: tzinfo) -> None:
    _section(out, "时限", "Time limits")
    names = {
        "received": ("签收", "to be received"),
        "handling": ("办理", "to be handled"),
        "closed": ("办结", "to be closed"),
    }
    ends = {
        "kept": ("守时", "kept"),
        "missed": ("超时", "missed"),
        "running": ("还在计时", "running"),
    }
    rows = []
    for limit in account.limits:
        due = local(moment(account, limit), zone, _TIME)
        until = say(f"应在 {due} 前{names[limit.until.value][0]}",
                    f"{names[limit.until.value][1]} by {due}")  # fmt: skip
        rows.append((f"#{limit.event}", until, say(*ends[outcome_of(limit)])))
    if rows:
        _rows(out, rows)


def _record(out: Console, account: Account) -> None:
    _section(out, "记录", "The record")
    count = len(account.file.events)
    if not account.file.broken:
        line = say(f"完整:{count} 个环节的哈希链相符", f"sound: a chain of {count} links holds")
        out.print(f"  {line}")
        return
    at = broken_at(account)
    out.print(Line(say(f"  已损坏:自第 {at} 个环节起与记录不符",
                       f"  BROKEN at event {at}: {account.file.broken}"), style="red"))  # fmt: skip
