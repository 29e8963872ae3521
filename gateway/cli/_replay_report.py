"""A replay's outcome for people: totals, incidents, who was called, limits missed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import tzinfo
from typing import Final

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text as Line

from gateway.cli._past import device_name, local, person_name, plain, span, word
from gateway.cli._say import language, say
from gateway.model import SECOND, Site
from gateway.replay.difference import Pair
from gateway.replay.past import NEVER, Pace
from gateway.replay.run import Outcome
from gateway.replay.shape import assumed, place_name

WIDTH: Final = 100
_SIGN: Final = {"only_before": "-", "only_after": "+", "differs": "~"}
_COLOUR: Final = {"only_before": "red", "only_after": "green", "differs": "yellow"}


@contextmanager
def console() -> Iterator[Console]:
    """As wide as the terminal but no wider than is good to read; printed on leaving."""
    width = shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout.isatty() else WIDTH
    out = Console(
        file=sys.stdout, width=min(width, WIDTH), highlight=False, markup=False, emoji=False
    )
    with out.capture() as captured:
        yield out
    for line in captured.get().splitlines():
        click.echo(line.rstrip())  # tables fill their last column with blanks


def print_report(
    outcome: Outcome, site: Site, zone: tzinfo, sources: Mapping[str, str], show: int
) -> None:
    """Everything, ``show`` incidents at most."""
    with console() as out:
        _head(out, outcome, zone, sources)
        _totals(out, outcome)
        _incidents(out, outcome, site, zone, show)
        _people(out, outcome, site)
        _missed(out, outcome)
        _assumptions(out, outcome)
        if not outcome.difference.is_any:
            out.print(say("\n没有任何差别。", "\nNo difference."))


def _incidents(out: Console, outcome: Outcome, site: Site, zone: tzinfo, show: int) -> None:
    pairs = outcome.difference.pairs
    if pairs:
        heading = say("事件(- 不再发生  + 新增  ~ 有变化)",
                      "Incidents (- no more  + new  ~ changed)")  # fmt: skip
        out.print(Line(f"\n{heading}", style="bold"))
    for pair in pairs[:show]:
        _incident(out, pair, site, zone)
    if len(pairs) > show:
        more = len(pairs) - show
        out.print(say(f"  另有 {more:,} 起;--show 或 --json 可看全部",
                      f"  {more:,} more; --show or --json has them all"))  # fmt: skip


def _head(out: Console, outcome: Outcome, zone: tzinfo, sources: Mapping[str, str]) -> None:
    over, wall = outcome.span, outcome.axis.wall
    began, ended = local(wall(over.since), zone), local(wall(over.end), zone)
    out.print(f"{began} – {ended} ({zone})", style="bold")
    out.print(say("原规则:", "before: ") + _source(sources["before"]))
    out.print(say("新规则:", "after:  ") + sources["after"])
    warm = over.warm_up
    played, start = f"{outcome.records:,}", local(wall(over.start), zone)
    out.print(say(
        f"重放了 {played} 条记录,其中 {warm:,} 条为热身(自 {start})",
        f"{played} records played, {warm:,} of them to warm up (from {start})",
    ))  # fmt: skip
    out.print(say(
        f"这段时间实有事件 {outcome.recorded:,} 起,按原规则重放得到其中 {outcome.reproduced:,} 起",
        f"{outcome.recorded:,} real incidents in this time;"
        f" the rules as they were give {outcome.reproduced:,} of them again",
    ))  # fmt: skip
    for line in _warnings(outcome):
        out.print(f"! {line}", style="yellow")


def _source(source: str) -> str:
    if source == "editions":
        return say("日志中当时生效的规则", "as the journal says, each in its time")
    return say("现在的配置(日志中没有当时的规则)",
               "as configured now (the journal does not say what they were)")  # fmt: skip


def _warnings(outcome: Outcome) -> list[str]:
    found = []
    lost, before, after = outcome.lost, outcome.before, outcome.after
    if outcome.span.is_empty:
        found.append(say("这段时间没有记录:什么也没有比较",
                         "no record lies in this time: nothing was compared"))  # fmt: skip
    elif outcome.span.begins_later:
        found.append(say("日志中更早的记录已过保存期限,只从上面的时间算起",
                         "older records are past retention: it begins only then"))  # fmt: skip
    if unreadable := outcome.past.unreadable:
        found.append(say(f"{unreadable:,} 起实有事件的记录已损坏,未计入",
                         f"{unreadable:,} real incidents are damaged and left out"))  # fmt: skip
    if lost.damaged:
        found.append(say(f"{lost.damaged:,} 条记录已损坏,无法重放",
                         f"{lost.damaged:,} records are damaged and were not played"))  # fmt: skip
    if lost.gone:
        found.append(say(f"{lost.gone:,} 条记录已不在日志中",
                         f"{lost.gone:,} records are no longer in the journal"))  # fmt: skip
    if before.records != after.records:
        found.append(say("日志在重放期间又删去了旧记录,两边所见不同;请用更晚的 --since 再试",
                         "the journal let records go meanwhile and the two sides saw different"
                         " ones; try a later --since"))  # fmt: skip
    if before.unknown_editions:
        found.append(say(
            f"{before.unknown_editions} 个当时的规则或名册版本已无法读取,沿用其前一版",
            f"{before.unknown_editions} editions of rules or registry can not be read;"
            " the one before each went on",
        ))  # fmt: skip
    refused = max(before.refused, after.refused)
    if refused:
        found.append(say(f"规则引擎因设备过多放弃了 {refused:,} 条读数",
                         f"the engine had no room for {refused:,} readings"))  # fmt: skip
    found += [
        say(f"新规则 {name} 有 {count:,} 次出错", f"new rule {name} failed {count:,} times")
        for name, count in after.failures.items()
    ]
    if over := max(before.over_limit, after.over_limit):
        found.append(say(f"事件过多,{over:,} 起只计数、不比较",
                         f"too many incidents: {over:,} are counted and not compared"))  # fmt: skip
    return found


def _totals(out: Console, outcome: Outcome) -> None:
    before, after = outcome.before.totals, outcome.after.totals
    table = _table(say("合计", "Totals"))
    for name, old, new in (
        (say("事件", "incidents"), before.incidents, after.incidents),
        (say("通知(人次)", "messages to people"), before.told.total(), after.told.total()),
        (say("超时", "limits missed"), before.missed.total(), after.missed.total()),
    ):
        table.add_row(name, f"{old:,}", f"{new:,}", _sign(new - old))
    out.print()
    out.print(table)


def _table(first: str) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(first, overflow="fold")
    for heading in (say("原规则", "before"), say("新规则", "after"), say("差", "change")):
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _sign(change: int) -> str:
    return f"{change:+,}" if change else "="


def _incident(out: Console, pair: Pair, site: Site, zone: tzinfo) -> None:
    case = pair.shown
    head = Line(f"{_SIGN[pair.change]} ", style=_COLOUR[pair.change])
    key = f"  {case.real.key}" if case.real is not None else ""
    severity = word("severity", case.severity.value)
    if pair.before is not None and pair.after is not None and "severity" in pair.differs:
        severity = f"{word('severity', pair.before.severity.value)} → {severity}"
    title = plain(case.title.say(language()))
    head.append(f"{local(case.wall, zone)}{key}  {severity}  {title}")
    out.print(head)
    where = f"{place_name(site, case.place)}  {device_name(site, case.device)}"
    rule = case.rule
    if pair.before is not None and "rule" in pair.differs:
        rule = f"{pair.before.rule} → {rule}"
    lines = [where, f"{rule}: {case.why.say(language())}", *_changes(pair, site)]
    for line in lines:
        out.print(Padding(Line(plain(line)), (0, 0, 0, 4), expand=False))


def _changes(pair: Pair, site: Site) -> list[str]:
    """What is otherwise, of an incident in both."""
    before, after = pair.before, pair.after
    if before is None or after is None:
        return []
    found = []
    if "opened" in pair.differs:
        long = span(_whole(abs(pair.later)))
        found.append(say(f"晚 {long}", f"{long} later") if pair.later > 0
                     else say(f"早 {long}", f"{long} earlier"))  # fmt: skip
    if "told" in pair.differs:
        people = dict.fromkeys([*before.told, *after.told])
        moved = [
            f"{person_name(site, one)} {before.told[one]} → {after.told[one]}"
            for one in people
            if before.told[one] != after.told[one]
        ]
        found.append(say("通知 ", "messages: ") + say(",", ", ").join(moved))
    if "missed" in pair.differs:
        found.append(say(f"超时 {before.missed} → {after.missed}",
                         f"limits missed: {before.missed} → {after.missed}"))  # fmt: skip
    return [say(";", "; ").join(found)] if found else []


def _people(out: Console, outcome: Outcome, site: Site) -> None:
    changed = [row for row in outcome.difference.people if row[1] != row[2]]
    if not changed:
        return
    table = _table(say("通知到人", "Messages by person"))
    for person, before, after in changed:
        name = person_name(site, person)
        table.add_row(Line(plain(name)), f"{before:,}", f"{after:,}", _sign(after - before))
    out.print()
    out.print(table)


def _missed(out: Console, outcome: Outcome) -> None:
    if not outcome.difference.missed:
        return
    table = _table(say("超时", "Limits missed"))
    for category, before, after in outcome.difference.missed:
        name = word("category", category.value)
        table.add_row(name, f"{before:,}", f"{after:,}", _sign(after - before))
    out.print()
    out.print(table)


def _assumptions(out: Console, outcome: Outcome) -> None:
    found = assumed(outcome)
    if not found:
        return
    heading = say("假设(从未发生过的事件,人会怎样做)",
                  "Assumed (what people do about incidents that never were)")  # fmt: skip
    out.print(Line(f"\n{heading}", style="bold"))
    for category, (pace, count) in found.items():
        name = word("category", category.value)
        out.print(Padding(Line(f"{name} × {count:,}: {_pace(pace)}"), (0, 0, 0, 2), expand=False))


def _whole(time: int) -> int:
    """To the second: nobody reads more of it."""
    return round(time / SECOND) * SECOND


def _pace(pace: Pace) -> str:
    if not pace.of:
        return say("没有同类的真实事件可参照:一直无人签收",
                   "no real incident of that category to go by: never received")  # fmt: skip
    steps = [
        f"{span(_whole(time))}{say('后', ' until ')}{verb}"
        for time, verb in (
            (pace.received, say("签收", "received")),
            (pace.handling, say("办理", "handled")),
            (pace.closed, say("办结", "closed")),
        )
        if time != NEVER
    ]
    said = say("、", ", ").join(steps) or say("一直无人签收", "never received")
    return said + say(f"({pace.of:,} 起真实事件的中位数)", f" (median of {pace.of:,} real ones)")
