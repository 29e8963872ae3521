"""Alertmanager: mute times as plans, inhibition as ``inhibit``, and what becomes of routes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from gateway.model import SECOND, Device, Place, Site, Turn
from rules.calendar import YEARS
from rules.plan import Plan, PlanFault, PlanSpec, compile_plan
from tests.rules.peers import Labels, NotExpressibleError, Verdict
from tests.rules.peers.engine import Engine, ruleset
from tests.rules.peers.promql import like
from tests.rules.peers.verdict import verdict

_DATES: Final = ("days_of_month", "months", "years")
_WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_FIRST: Final = 1970
_MINUTE: Final = 60 * SECOND
_MONDAY: Final = "2026-11-23T00:00+00:00"


# --- times -------------------------------------------------------------------------------


def verdicts_of_times(document: dict[str, Any]) -> Iterator[Verdict]:
    """One for each interval with moments inside and outside, and one for each range of times."""
    for number, case in enumerate(document.get("contains_cases") or ()):
        yield verdict(f"interval {number}", _contains, case)
    for number, case in enumerate(document.get("time_range_parsing") or ()):
        yield verdict(f"range {number}", _range, case)


def _plan(location: str, calendar: str = "", **written: Any) -> Plan:
    try:
        zone = ZoneInfo(location)
    except (ValueError, OSError, KeyError):
        raise NotExpressibleError("a zone that nobody knows") from None
    named = {"holidays": "days.ics"} if calendar else {}
    spec = PlanSpec.model_validate({"name": "p", "title": "P", **named, **written})
    return compile_plan(spec, zone, {"days.ics": calendar} if calendar else {})


def _contains(case: dict[str, Any]) -> str:
    interval = dict(case["interval"])
    times = [_times(one) for one in interval.pop("times", None) or ()] or ["00:00-24:00"]
    days = [_days(one) for one in interval.pop("weekdays", None) or ()]
    zone = str(interval.pop("location", None) or "UTC")
    dates = {key: interval.pop(key, None) or [] for key in _DATES}
    if interval:
        raise NotExpressibleError(f"an interval by {', '.join(sorted(interval))}")
    if any(dates.values()):
        calendar = _calendar(dates, days)
        plan = _plan(zone, calendar, week={"mon": []}, on_holidays=times)
    else:
        plan = _plan(zone, week={", ".join(days) or "daily": times})
    for key, wanted in (("contains", "away"), ("excludes", "disarmed")):
        for moment in case.get(key) or ():
            mode = plan.mode_at(_moment(moment))
            if mode != wanted:
                return f"{mode} at {moment}, not {wanted}"
    return ""


def _calendar(dates: dict[str, list[Any]], days: list[str]) -> str:
    """The dates as holidays: an entry for each year, repeated by months, days and weekdays."""
    parts = ["FREQ=MONTHLY"]
    if months := [n for one in dates["months"] for n in _numbers(one, 1, 12)]:
        parts.append("BYMONTH=" + ",".join(map(str, months)))
    if numbers := [n for one in dates["days_of_month"] for n in _numbers(one, 1, 31)]:
        parts.append("BYMONTHDAY=" + ",".join(map(str, numbers)))
    weekdays = [day[:2].upper() for one in days for day in _each(one)]
    if weekdays or not numbers:
        parts.append("BYDAY=" + ",".join(weekdays or [day[:2].upper() for day in _WEEK]))
    years = [n for one in dates["years"] for n in _numbers(one, *YEARS)]
    entries = []
    for begin, end in [(n, n) for n in years] or [(_FIRST, YEARS[1] - 1)]:
        # An entry's own first day always counts, so it is the day before and taken away.
        eve = f"{begin - 1}1231"
        rule = ";".join([*parts, f"UNTIL={end}1231"])
        lines = (f"DTSTART;VALUE=DATE:{eve}", f"EXDATE;VALUE=DATE:{eve}", f"RRULE:{rule}")
        entries += ["BEGIN:VEVENT", *lines, "END:VEVENT"]
    return "\n".join(["BEGIN:VCALENDAR", *entries, "END:VCALENDAR", ""])


def _numbers(written: Any, first: int, last: int) -> range:
    """``4:6``, ``-3:-1``, ``20:-1``, ``april``, ``january:march``: from one to the other."""
    ends = [_number(word.strip()) for word in str(written).split(":")]
    begin, end = ends[0], ends[-1]
    if begin > 0 > end:
        if end != -1:
            raise NotExpressibleError("from a day of the month to one that is counted from its end")
        end = last
    if begin > end or max(abs(begin), abs(end)) > last or (begin > 0 and begin < first):
        raise NotExpressibleError("a range of dates that is not read here")
    return range(begin, end + 1)


def _number(word: str) -> int:
    return _MONTHS.index(word[:3].lower()) + 1 if word[:3].lower() in _MONTHS else int(word)


def _each(days: str) -> list[str]:
    """Each weekday of ``mon-fri``."""
    ends = [_WEEK.index(day) for day in days.split("-")]
    return [_WEEK[(ends[0] + n) % 7] for n in range((ends[-1] - ends[0]) % 7 + 1)]


def _range(case: dict[str, Any]) -> str:
    times = f"{case['start']}-{case['end']}"
    try:
        plan = _plan("UTC", week={"mon": times})
    except PlanFault as fault:
        return "" if case.get("error") else f"refused: {fault.message}"
    if case.get("error"):
        return f"{times} is taken"
    monday = _moment(_MONDAY)
    begin = plan.next_switch(monday - 1)
    end = plan.next_switch(begin) if begin is not None else None
    found = [(at - monday) // _MINUTE for at in (begin, end) if at is not None]
    return "" if found == list(case["minutes"]) else f"{found}, not {case['minutes']}"


def _times(written: Any) -> str:
    if isinstance(written, dict):
        return f"{written['start_time']}-{written['end_time']}"
    start, end = written
    return f"{start}-{end}"


def _days(written: str) -> str:
    return "-".join(word.strip()[:3].lower() for word in str(written).split(":"))


def _moment(written: str) -> int:
    moment = datetime.fromisoformat(str(written))
    if moment.tzinfo is None:
        raise NotExpressibleError("a moment without a zone")
    return int(moment.timestamp()) * SECOND


# --- inhibition --------------------------------------------------------------------------


def verdicts_of_inhibition(document: dict[str, Any]) -> Iterator[Verdict]:
    """One for each target, and one for each notification of the acceptance test."""
    for number, case in enumerate(document.get("cases") or ()):
        yield verdict(f"target {number}", _muted, document, case)
    acceptance = document.get("acceptance")
    told = acceptance.get("notifications") if isinstance(acceptance, dict) else None
    for number, _ in enumerate(told or ()):
        reason = (
            "what is told again at each interval: here an alarm is told once, and one that stands"
            " goes on when its cause comes later"
        )
        yield Verdict(f"notification {number}", "not expressible", reason)


def _muted(document: dict[str, Any], case: dict[str, Any]) -> str:
    """The place of an alarm is what ``equal`` names; a rule stands for each set of labels."""
    target: Labels = case["target"]
    active = [one for one in document.get("active_alerts") or () if one.get("active", True)]
    held = [one for one in document["rules"] if _fits(one, "target", target)]
    equals = {tuple(sorted(one.get("equal") or ())) for one in held}
    if len(equals) > 1:
        raise NotExpressibleError("held back within two sorts of places at once")
    equal = next(iter(equals), ())
    causes: list[str] = []
    for number, alert in enumerate(active):
        labels = alert["labels"]
        for rule in held:
            if not _fits(rule, "source", labels):
                continue
            if _fits(rule, "target", labels) and _fits(rule, "source", target):
                raise NotExpressibleError(
                    "an alarm that would hold back others of its own sort; a rule here names others"
                )
            causes.append(f"cause_{number}")
    found = _begins(active, target, equal, sorted(set(causes)))
    return "" if found is not case["muted"] else f"it is {'told' if found else 'held back'}"


def _begins(
    active: list[dict[str, Any]], target: Labels, equal: tuple[str, ...], causes: list[str]
) -> bool:
    """Whether the target's alarm begins while the active ones stand."""
    common = {"title": "T", "when": "alarm", "severity": "alarm", "category": "trouble"}
    written: list[dict[str, Any]] = [
        {**common, "name": f"cause_{number}", "on": "panel", "device": [f"s{number}"]}
        for number in range(len(active))
    ]
    held = {"inhibit": causes, "inhibit_in": "building" if equal else "site"} if causes else {}
    written.append({**common, "name": "target", "on": "smoke", "device": ["t"], **held})
    places = {"C": Place("C", "", "community", "C")}
    devices = {}
    labelled = [*((f"s{n}", one["labels"]) for n, one in enumerate(active)), ("t", target)]
    for name, labels in labelled:
        code = f"C{json.dumps([labels.get(one, '') for one in equal])}"
        places[code] = Place(code, "C", "building", code)
        kind = "smoke" if name == "t" else "panel"
        devices[name] = Device(name, "d", name, kind, name, code)
    engine = Engine(ruleset(written), Site(1, places, devices))
    told = [
        change
        for number, name in enumerate(devices)
        for change in engine.report(float(number), name, {"alarm": True})
    ]
    return any(change.rule == "target" and change.turn is Turn.alarmed for change in told)


def _fits(rule: dict[str, Any], side: str, labels: Labels) -> bool:
    """Whether ``labels`` are of the ``source`` or the ``target`` of a rule."""
    known = {f"{side}_match", f"{side}_match_re", f"{side}_matchers"}
    if not known & rule.keys():
        raise NotExpressibleError("a rule of inhibition without a source or a target")
    equal = all(
        labels.get(name, "") == text for name, text in (rule.get(f"{side}_match") or {}).items()
    )
    alike = all(
        like(str(text), labels.get(name, ""))
        for name, text in (rule.get(f"{side}_match_re") or {}).items()
    )
    return (
        equal
        and alike
        and all(_matched(str(one), labels) for one in rule.get(f"{side}_matchers") or ())
    )


def _matched(written: str, labels: Labels) -> bool:
    found = re.fullmatch(r"\s*([\w]+)\s*(=~|!~|!=|=)\s*\"?(.*?)\"?\s*", written)
    if found is None:
        raise NotExpressibleError("labels that are not read here")
    value = labels.get(found[1], "")
    same = value == found[3] if "~" not in found[2] else like(found[3], value)
    return same is not found[2].startswith("!")


# --- routes ------------------------------------------------------------------------------


def verdicts_of_routes(document: dict[str, Any]) -> Iterator[Verdict]:
    """One for each of ``cases``; all for the same reason."""
    reason = (
        "who is told follows from the place of the device, its grid's duty and role, not from labels"
        " of the alarm; when is up to the person's channels"
    )
    for number, _ in enumerate(document.get("cases") or ()):
        yield Verdict(f"route {number}", "not expressible", reason)
