"""What every query of every panel has to return, worked out from the simulation.

Keys are (board, English title of the panel, letter of the query). An expectation gives rows; of
each only the columns named here are looked at, but no row may be more and none missing.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gateway.model import Value
from gateway.model.series import Point
from tests.dashboards.week import DAY, END, HOUR, MINUTE, SECOND, START, Case, Week

Row = dict[str, Any]
FIRE = ("smoke", "heat", "gas", "co", "panic", "panel")
SENSORS = ("smoke", "heat", "gas", "co", "infrared", "contact", "manhole", "camera", "water",
           "panic", "climate")  # fmt: skip


@dataclass(frozen=True)
class Look:
    """One look at a board: the week, the panel's time, the place that was chosen."""

    week: Week
    start: int
    width: int
    place: str = ""

    def here(self, place: str) -> bool:
        return place.startswith(self.place)

    def points(self, *measurements: str, anywhere: bool = False) -> Iterator[Point]:
        """Of these measurements, in the panel's time, at the place."""
        for point in self.week.by_measurement(measurements):
            if self.start <= point.at <= END and (anywhere or self.here(point.tags["place"])):
                yield point

    def newest(self, field: str, *measurements: str, by: str, anywhere: bool = False) -> list[Row]:
        """Tags, fields and time of the newest point with ``field`` in each group."""
        found: dict[tuple[str, ...], Point] = {}
        for point in self.points(*measurements, anywhere=anywhere):
            group = tuple(point.tags.get(name, "") for name in by.split())
            if field in point.fields and (group not in found or point.at >= found[group].at):
                found[group] = point
        return [dict(zip(by.split(), g, strict=True)) | dict(p.fields) for g, p in found.items()]

    def extremes(
        self, field: str, fold: Callable[[list[Any]], Any], *measurements: str,
        by: str = "device", anywhere: bool = False,
    ) -> list[Row]:  # fmt: skip
        """``field`` folded in each step of the chart and group."""
        found: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
        for point in self.points(*measurements, anywhere=anywhere):
            if field in point.fields:
                group = tuple(point.tags.get(name, "") for name in by.split())
                found[(*group, point.at // self.width * self.width)].append(point.fields[field])
        names = [*by.split(), "t"]
        return [dict(zip(names, key, strict=True)) | {field: fold(v)} for key, v in found.items()]

    def cases(self, category: str = "") -> list[Case]:
        """Every case at the place."""
        return [
            case
            for case in self.week.cases
            if self.here(case.place) and category in ("", case.category)
        ]

    def opened(self, category: str = "") -> list[Case]:
        return [c for c in self.cases(category) if self.start <= c.opened <= END]

    def closed(self, category: str = "") -> list[Case]:
        return [c for c in self.cases(category) if c.closed and self.start <= c.closed_at <= END]

    def open(self, category: str = "") -> list[Case]:
        """At the gauges' last turn."""
        look = self.week.last_look
        return [c for c in self.cases(category) if c.stage_at(look)[0]]

    def shown(self, category: str = "") -> list[Case]:
        """In the slots of open cases, which are written more often."""
        return [c for c in self.cases(category) if c.stage_at(END - MINUTE)[0]]

    def counted(self, field: str, *measurements: str, by: str) -> list[Row]:
        """How many points say that ``field`` is true."""
        found = Counter(
            tuple(point.tags[name] for name in by.split())
            for point in self.points(*measurements)
            if point.fields.get(field) is True
        )
        return [dict(zip(by.split(), key, strict=True)) | {field: n} for key, n in found.items()]

    def hourly(self, field: str, measurement: str) -> list[Row]:
        """The same for each step, those with none too."""
        found = Counter(
            point.at // self.width * self.width
            for point in self.points(measurement)
            if point.fields.get(field) is True
        )
        if not found:
            return []
        first = self.start // self.width * self.width
        return [{"t": t, field: found[t]} for t in range(first, END + 1, self.width)]


Expected = Callable[[Look], Iterable[Row]]


def day(at: int) -> int:
    """The beginning of a local day."""
    return START + (at - START) // DAY * DAY


def tally(name: str, groups: Iterable[tuple[Any, ...]], *columns: str) -> list[Row]:
    """How often each group comes."""
    return [
        dict(zip(columns, group, strict=True)) | {name: n} for group, n in Counter(groups).items()
    ]


def one(name: str, value: float | None) -> list[Row]:
    """One row, or none where nothing was."""
    return [] if value is None else [{name: value}]


def total(name: str, values: list[float]) -> list[Row]:
    return one(name, sum(values) if values else None)


def count(rows: Iterable[Row]) -> list[Row]:
    found = len(list(rows))
    return one("n", found or None)


def percentile(values: list[float], share: float) -> float | None:
    """As InfluxQL: nearest rank."""
    if not values:
        return None
    return sorted(values)[math.floor(len(values) * share / 100 + 0.5) - 1]


# --- cases ------------------------------------------------------------------------------------


def open_now(category: str = "") -> Expected:
    return lambda look: total("open", [1.0 for _ in look.open(category)]) or zero(look, "open")


def zero(look: Look, name: str) -> list[Row]:
    """A group that emptied within the panel's time is still written as 0."""
    return [{name: 0}] if list(look.points("cases")) else []


def overdue_now(category: str = "") -> Expected:
    def found(look: Look) -> list[Row]:
        at = look.week.last_look
        known = [p for p in look.points("cases") if category in ("", p.tags["category"])]
        late = sum(case.overdue_at(at) for case in look.open(category))
        return [{"overdue": late}] if known else []

    return found


def open_by(per: str) -> Expected:
    def found(look: Look) -> list[Row]:
        at = look.week.last_look
        names = {point.tags[per] for point in look.points("cases")}
        counts = Counter(
            case.stage_at(at)[0] if per == "stage" else getattr(case, per) for case in look.open()
        )
        return [{per: name, "open": counts[name]} for name in names]

    return found


def case_rows(
    *fields: str, category: str = "", which: Callable[[Case], bool] = lambda _: True
) -> Expected:
    return lambda look: [
        {
            "key": case.key, "where": look.week.name(case.place), "place": case.place,
            "deadline": (case.stage_at(END - MINUTE)[1] + case.limit * SECOND) / 1e6,
        }
        | {name: look.week.shown(case, END - MINUTE)[name] for name in fields}
        for case in look.shown(category)
        if which(case)
    ]  # fmt: skip


def opened_days(category: str) -> Expected:
    return lambda look: tally(
        "n", ((c.severity, day(c.opened)) for c in look.opened(category)), "severity", "t"
    )


def false_by_cause(category: str) -> Expected:
    return lambda look: tally(
        "false", ((c.cause,) for c in look.closed(category) if c.cause), "cause"
    )


def recent(category: str) -> Expected:
    return lambda look: [
        {"key": c.key, "severity": c.severity, "kind": c.kind, "device": c.device,
         "place": c.place}
        for c in sorted(look.opened(category), key=lambda c: -c.opened)[:100]
    ]  # fmt: skip


def opened_by(column: str, keep: Callable[[Case], bool] = lambda _: True) -> Expected:
    return lambda look: tally(
        "n", ((getattr(c, column),) for c in look.opened() if keep(c)), column
    )


def names(look: Look) -> list[Row]:
    return [{"place": p.code, "called": p.name} for p in look.week.places if look.here(p.code)]


def labels(look: Look) -> list[Row]:
    found = [place for place in look.week.places if look.here(place.code)]
    return [{"place": place.code, "label": f"{place.code} {place.name}"} for place in found]


def device_names(look: Look) -> list[Row]:
    found = [device for device in look.week.devices if look.here(device.place)]
    return [{"device": device.id, "called": device.name} for device in found]


def device_names_and_places(look: Look) -> list[Row]:
    where = {device.id: look.week.name(device.place) for device in look.week.devices}
    return [row | {"located": where[row["device"]]} for row in device_names(look)]


def person_names(look: Look) -> list[Row]:
    found = {
        (p.tags["place"], p.tags["role"], p.at // (8 * HOUR)): p.fields
        for p in look.points("duty")
    }  # fmt: skip
    return [{"person": fields["person"], "called": fields["name"]} for fields in found.values()]


# --- devices ----------------------------------------------------------------------------------


def high(
    field: str, *kinds: str, fold: Callable[[list[Any]], Any] = max, by: str = "place"
) -> Expected:
    return lambda look: look.extremes(field, fold, *kinds, by=by)


def of_each(expected: Callable[[str, str], Expected], field: str, *kinds: str) -> Expected:
    """A row for each kind of device."""
    return lambda look: [row for kind in kinds for row in expected(field, kind)(look)]


def last_of(values: list[Any]) -> Any:
    return values[-1]


def now_true(field: str, kind: str, *, state: bool = True) -> Expected:
    return lambda look: count(
        row for row in look.newest(field, kind, by="device place") if row[field] is state
    )


def rows_true(field: str, kind: str, *, state: bool = True) -> Expected:
    return lambda look: [
        {"device": row["device"], "place": row["place"], field: state}
        for row in look.newest(field, kind, by="device place")
        if row[field] is state
    ]


def state_rows(look: Look, field: str) -> list[Row]:
    return look.newest(field, "device_state", by="device place kind")


def state_totals(look: Look) -> list[Row]:
    found = state_rows(look, "silent_n")
    silent, dead = (sum(row[name] for row in found) for name in ("silent_n", "dead_n"))
    return [{"registered": len(found), "silent": silent, "dead": dead}] if found else []


def states(keep: Callable[[Row], bool], field: str, *columns: str) -> Expected:
    return lambda look: [
        {name: row.get(name) for name in ("device", "place", "kind", "name", "where", *columns)}
        for row in state_rows(look, field)
        if keep(row)
    ]


def lowest(field: str, *measurements: str) -> Expected:
    return lambda look: [
        {"device": row["device"], field: row[field]}
        for row in look.newest(field, *measurements, by="device")
    ]


def silent_share(look: Look) -> list[Row]:
    rows = look.extremes("silent_n", statistics.mean, "device_state", by="kind")
    return [{"kind": row["kind"], "t": row["t"], "share": row["silent_n"]} for row in rows]


def silent_kinds(look: Look) -> list[Row]:
    found = Counter[str]()
    for row in state_rows(look, "silent_n"):
        found[row["kind"]] += int(row["silent_n"])
    return [{"kind": kind, "n": n} for kind, n in found.items()]


def doubted(look: Look) -> list[Row]:
    flags = ("late", "suspect", "clock_suspect")
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for point in look.points(*SENSORS):
        found[point.tags["device"]].update(flag for flag in flags if flag in point.fields)
    return [
        {"device": device} | {flag: counts[flag] for flag in flags}
        for device, counts in found.items()
        if counts
    ]


# --- gateways ---------------------------------------------------------------------------------


def ledger(look: Look, field: str, *, door: bool) -> list[Row]:
    return [
        row
        for row in look.newest(field, "ledger", by="reader site", anywhere=True)
        if (row["reader"] == "door") is door
    ]


def ledger_total(field: str, *, door: bool) -> Expected:
    return lambda look: total("n", [row[field] for row in ledger(look, field, door=door)])


def grown(field: str, *, door: bool) -> Expected:
    def found(look: Look) -> list[Row]:
        values: dict[tuple[str, str], list[float]] = defaultdict(list)
        for point in look.points("ledger", anywhere=True):
            if (point.tags["reader"] == "door") is door:
                group = point.tags["reader"], point.tags["site"]
                values[group].append(number(point.fields[field]))
        return total("n", [max(each) - min(each) for each in values.values()])

    return found


def rate(field: str) -> Expected:
    def found(look: Look) -> list[Row]:
        last: dict[str, dict[int, float]] = defaultdict(dict)
        for point in look.points("ledger", anywhere=True):
            if point.tags["reader"] == "door":
                last[point.tags["site"]][point.at // look.width * look.width] = number(
                    point.fields[field]
                )
        sums: dict[int, float] = defaultdict(float)
        for series in last.values():
            steps = sorted(series)
            for before, at in pairwise(steps):
                if series[at] >= series[before]:
                    sums[at] += (series[at] - series[before]) / ((at - before) / MINUTE)
        return [{"t": t, "rate": value} for t, value in sums.items()]

    return found


def number(value: Value) -> float:
    assert not isinstance(value, str)
    return float(value)


def worn(look: Look) -> list[Row]:
    last: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for point in look.points("gateway"):
        if "disk_written" in point.fields:
            group = (point.tags["place"], point.tags["site"])
            last[group][point.at // HOUR * HOUR] = number(point.fields["disk_written"])
    sums: dict[tuple[str, str, int], float] = defaultdict(float)
    for (place, site), series in last.items():
        steps = sorted(series)
        for before, at in pairwise(steps):
            if series[at] >= series[before]:
                sums[place, site, day(at)] += series[at] - series[before]
    return [{"place": p, "site": s, "t": t, "written": v} for (p, s, t), v in sums.items()]


def of_gateway(field: str, fold: Callable[[list[Any]], Any] = max) -> Expected:
    return lambda look: look.extremes(field, fold, "gateway", by="device place site")


def parts_down(field: str) -> Expected:
    return lambda look: count(
        row for row in look.newest(field, "gateway", by="place device site") if row[field] is True
    )


# --- people -----------------------------------------------------------------------------------


def stages(look: Look) -> Iterator[tuple[Case, str, int]]:
    """(case, stage, seconds) of every stage that was passed in the panel's time."""
    for case in look.cases():
        for stage, at, seconds in case.passed():
            if look.start <= at <= END:
                yield case, stage, seconds


def on_time(stage: str) -> Expected:
    def found(look: Look) -> list[Row]:
        good = [s <= case.limit for case, name, s in stages(look) if name == stage]
        return one("rate", statistics.mean(good) if good else None)

    return found


def in_time(key: Callable[[Case, str], tuple[str, ...]], *columns: str) -> Expected:
    def found(look: Look) -> list[Row]:
        groups: dict[tuple[str, ...], list[tuple[bool, int]]] = defaultdict(list)
        for case, stage, seconds in stages(look):
            groups[key(case, stage)].append((seconds <= case.limit, seconds))
        return [
            dict(zip(columns, group, strict=True))
            | {
                "n": len(each),
                "rate": statistics.mean(good for good, _ in each),
                "seconds": statistics.mean(seconds for _, seconds in each),
            }
            for group, each in groups.items()
        ]

    return found


def median_receive(look: Look) -> list[Row]:
    found = [s for _, stage, s in stages(look) if stage == "receive"]
    return one("seconds", statistics.median(found) if found else None)


def false_share(look: Look) -> list[Row]:
    found = [case.outcome == "false_alarm" for case in look.closed()]
    return one("rate", statistics.mean(found) if found else None)


def days(look: Look) -> list[Row]:
    found: list[tuple[str, int]] = []
    for case in look.cases():
        found.append(("opened", day(case.opened)))
        found += [("overdue", day(at)) for at in case.missed()]
        found += [("closed", day(case.closed_at))] if case.closed else []
    return tally("n", found, "what", "t")


def transfers(look: Look) -> list[Row]:
    found = Counter[str]()
    for case in look.closed():
        found[case.place] += case.transfers
    return [{"place": place, "transfers": n} for place, n in found.items()]


def repeats(look: Look) -> list[Row]:
    rows = tally(
        "n", ((c.device, c.place, c.category) for c in look.closed()), "device", "place", "category"
    )
    return [row for row in rows if row["n"] >= 3]


def told(look: Look) -> list[Row]:
    found = [
        m.seconds
        for m in look.week.messages
        if m.case.category == "life" and m.end == "told" and look.start <= m.at <= END
    ]
    return one("seconds", percentile(found, 95))


# --- every panel ------------------------------------------------------------------------------


def overdue_case(case: Case) -> bool:
    return case.overdue_at(END - MINUTE)


def _head(board: str, category: str) -> Mapping[tuple[str, str, str], Expected]:
    return {
        (board, "Open", "A"): open_now(category),
        (board, "Overdue", "A"): overdue_now(category),
        (board, "Opened each day", "A"): opened_days(category),
        (board, "Open cases", "A"): case_rows(
            "severity", "stage", "owner_name", "since", category=category
        ),
    }


EXPECTED: dict[tuple[str, str, str], Expected] = {
    ("wall", "Alarm storm: messages merged", "A"): lambda look: total(
        "merged", [row["merged"] for row in look.newest("merged", "storm", by="place site")]
    ),
    ("wall", "Last word of a gateway", "A"): lambda look: [
        {"site": row["site"], "stored": row["stored"]} for row in ledger(look, "stored", door=True)
    ],
    ("wall", "Open, by what is next", "A"): open_by("stage"),
    ("wall", "Overdue", "A"): overdue_now(),
    ("wall", "Open, by severity", "A"): open_by("severity"),
    ("wall", "Overdue: since when", "A"): case_rows(which=overdue_case),
    ("wall", "Running: time that is left", "A"): case_rows(which=lambda c: not overdue_case(c)),
    ("wall", "Map of open cases", "A"): case_rows("severity", "latitude", "longitude"),
    ("wall", "Grids with most open cases", "A"): open_by("place"),
    ("wall", "On duty now", "A"): lambda look: [
        {name: row[name] for name in ("place", "role", "name")}
        for row in look.newest("person", "duty", by="place role")
    ],
    **_head("fire", "life"),
    ("fire", "Time to tell (95 %)", "A"): told,
    ("fire", "Smoke density", "A"): high("density", "smoke"),
    ("fire", "Temperature", "A"): of_each(high, "temperature", "smoke", "heat"),
    ("fire", "Gas", "A"): high("lel", "gas"),
    ("fire", "Carbon monoxide", "A"): of_each(high, "co", "gas", "co"),
    ("fire", "Alarms reported", "A"): lambda look: look.counted("alarm", *FIRE, by="device place"),
    ("fire", "Test button", "A"): lambda look: look.counted("test", *FIRE, by="device place"),
    ("fire", "Causes of false alarms", "A"): false_by_cause("life"),
    ("fire", "Opened last", "A"): recent("life"),
    **_head("intrusion", "intrusion"),
    ("intrusion", "Doors open", "A"): now_true("open", "contact"),
    ("intrusion", "Infrared alarms an hour", "A"): lambda look: look.hourly("alarm", "infrared"),
    ("intrusion", "What opened the cases", "A"): lambda look: tally(
        "n",
        ((c.kind, c.opened // look.width * look.width) for c in look.opened("intrusion")),
        "kind",
        "t",
    ),
    ("intrusion", "Infrared alarms that ring most", "A"): lambda look: look.counted(
        "alarm", "infrared", by="device"
    ),
    ("intrusion", "Which doors are open", "A"): rows_true("open", "contact"),
    ("intrusion", "Causes of false alarms", "A"): false_by_cause("intrusion"),
    ("intrusion", "Opened last", "A"): recent("intrusion"),
    **_head("manholes", "facility"),
    ("manholes", "Covers open", "A"): now_true("open", "manhole"),
    ("manholes", "Leaks", "A"): now_true("leak", "water"),
    ("manholes", "Covers now", "A"): lambda look: [
        {name: row.get(name) for name in ("device", "place", "open", "tilt", "water_level", "lel")}
        for row in look.newest("open", "manhole", by="device place")
    ],
    ("manholes", "Water in wells", "A"): high("water_level", "manhole"),
    ("manholes", "Gas in wells", "A"): high("lel", "manhole"),
    ("manholes", "Tilt of covers", "A"): high("tilt", "manhole"),
    ("manholes", "Hydrant pressure", "A"): high("pressure", "water", fold=min),
    ("manholes", "Tank level", "A"): high("level", "water", fold=min),
    ("cameras", "Online", "A"): now_true("online", "camera"),
    ("cameras", "Offline", "A"): now_true("online", "camera", state=False),
    ("cameras", "Motion seen an hour", "A"): lambda look: look.hourly("motion", "camera"),
    ("cameras", "Online over time", "A"): high("online", "camera", fold=last_of, by="device"),
    ("cameras", "Cameras with most motion", "A"): lambda look: look.counted(
        "motion", "camera", by="device"
    ),
    ("cameras", "Which are offline", "A"): rows_true("online", "camera", state=False),
    ("cameras", "Cases that cameras opened", "A"): opened_by(
        "category", lambda c: c.kind == "camera"
    ),
    ("cameras", "Moving area", "A"): high("area", "camera"),
    ("devices", "All devices", "A"): state_totals,
    ("devices", "Batteries ending", "A"): lambda look: count(
        row for row in state_rows(look, "battery_days") if row["battery_days"] < 30
    ),
    ("devices", "Share that is silent", "A"): silent_share,
    ("devices", "Detectors that are probably dead", "A"): states(
        lambda row: row["dead_n"] > 0, "dead_n"
    ),
    ("devices", "Silent devices", "A"): states(lambda row: row["silent"] is True, "age", "age"),
    ("devices", "Battery forecast", "A"): states(
        lambda row: row["battery_days"] < 365, "battery_days", "battery_days", "battery"
    ),
    ("devices", "Silent, by kind", "A"): silent_kinds,
    ("devices", "Weakest links", "A"): lowest("link", "device_state"),
    ("devices", "Signal strength", "A"): high("rssi", "device_state", fold=min, by="kind"),
    ("devices", "Devices with most trouble", "A"): lambda look: tally(
        "n", ((c.device,) for c in look.closed("trouble")), "device"
    ),
    ("fleet", "Lost", "A"): grown("dropped", door=False),
    ("fleet", "Refused", "A"): grown("refused", door=True),
    ("fleet", "Waiting", "A"): ledger_total("waiting", door=False),
    ("fleet", "Least disk free", "A"): lambda look: one(
        "n",
        min(
            (r["disk_free"] for r in look.newest("disk_free", "gateway", by="place device site")),
            default=None,
        ),
    ),
    ("fleet", "Drivers or sinks down", "A"): parts_down("driver_down"),
    ("fleet", "Drivers or sinks down", "B"): parts_down("sink_down"),
    ("fleet", "Channels down", "A"): lambda look: count(
        row
        for row in look.newest("up", "channel", by="channel site", anywhere=True)
        if row["up"] == 0
    ),
    ("fleet", "Readings received", "A"): rate("received"),
    ("fleet", "Readings received", "B"): rate("refused"),
    ("fleet", "Backlog of each reader", "A"): lambda look: [
        row
        for row in look.extremes("waiting", max, "ledger", by="reader site", anywhere=True)
        if row["reader"] != "door"
    ],
    ("fleet", "The loss ledger", "A"): lambda look: ledger(look, "delivered", door=False),
    ("fleet", "What became of messages", "A"): lambda look: tally(
        "n", ((m.end,) for m in look.week.messages if look.start <= m.at <= END), "end"
    ),
    ("fleet", "Disk free", "A"): of_gateway("disk_free", min),
    ("fleet", "Disk wear", "A"): worn,
    ("fleet", "Processor temperature", "A"): of_gateway("temperature"),
    ("fleet", "CPU", "A"): of_gateway("cpu"),
    ("fleet", "Memory", "A"): of_gateway("memory"),
    ("fleet", "Last report", "A"): lambda look: [
        {name: row[name] for name in ("place", "device", "site", "memory")}
        for row in look.newest("memory", "gateway", by="place device site")
    ],
    ("fleet", "Clock", "A"): of_gateway("clock_trusted", last_of),
    ("fleet", "Messages held", "A"): lambda look: look.extremes(
        "held", max, "channel", by="channel site", anywhere=True
    ),
    ("people", "Received in time", "A"): on_time("receive"),
    ("people", "Closed in time", "A"): on_time("close"),
    ("people", "Time to receive (median)", "A"): median_receive,
    ("people", "False alarms", "A"): false_share,
    ("people", "Opened, closed, overdue each day", "A"): days,
    ("people", "By person", "A"): in_time(lambda c, stage: (c.owner, stage), "person", "stage"),
    ("people", "By grid", "A"): in_time(lambda c, _: (c.place,), "place"),
    ("people", "Grids that pass on most", "A"): transfers,
    ("people", "Grids with most overdue", "A"): lambda look: tally(
        "n", ((c.place,) for c in look.cases() for _ in c.missed()), "place"
    ),
    ("people", "Outcomes", "A"): lambda look: tally(
        "n", ((c.outcome,) for c in look.closed()), "outcome"
    ),
    ("people", "Grids with most cases", "A"): opened_by("place"),
    ("people", "Repeat places", "A"): repeats,
    ("people", "Devices with most false alarms", "A"): lambda look: tally(
        "false", ((c.device,) for c in look.closed() if c.outcome == "false_alarm"), "device"
    ),
    ("installer", "Test button", "A"): lambda look: [
        {"device": row["device"], "place": row["place"]}
        for row in look.counted("test", *FIRE, "infrared", "manhole", "water", by="device place")
    ],
    ("installer", "Registered and heard", "A"): lambda look: count(state_rows(look, "silent_n")),
    ("installer", "Registered and heard", "B"): lambda look: count(state_rows(look, "age")),
    ("installer", "To be accepted", "A"): states(
        lambda row: row["state"] == "installed", "age", "age", "link", "battery"
    ),
    ("installer", "Weakest links", "A"): lowest("link", *SENSORS),
    ("installer", "Link quality", "A"): high("link", "device_state", fold=min),
    ("installer", "Readings in doubt", "A"): doubted,
    ("installer", "Signal strength", "A"): high("rssi", "device_state", fold=min),
}

_CALLED: Mapping[Expected, Mapping[str, Sequence[str]]] = {
    names: {
        "wall": ["Grids with most open cases", "On duty now"],
        "fleet": ["Last report"],
        "people": [
            "By grid", "Grids that pass on most", "Grids with most overdue", "Grids with most cases"
        ],
    },
    labels: {
        "fire": ["Smoke density", "Temperature", "Gas", "Carbon monoxide"],
        "manholes": [
            "Water in wells", "Gas in wells", "Tilt of covers", "Hydrant pressure", "Tank level"
        ],
        "cameras": ["Moving area"],
        "installer": ["Link quality", "Signal strength"],
    },
    device_names: {
        "fire": ["Alarms reported"],
        "intrusion": ["Infrared alarms that ring most"],
        "cameras": ["Cameras with most motion"],
        "devices": ["Weakest links", "Devices with most trouble"],
        "people": ["Devices with most false alarms"],
        "installer": ["Weakest links", "Readings in doubt"],
    },
    device_names_and_places: {
        "fire": ["Test button", "Opened last"],
        "intrusion": ["Which doors are open", "Opened last"],
        "manholes": ["Covers now"],
        "cameras": ["Which are offline"],
        "people": ["Repeat places"],
        "installer": ["Test button"],
    },
    person_names: {"people": ["By person"]},
}  # fmt: skip
"""Panels with names in place of codes: what their second query returns."""
EXPECTED |= {
    (board, title, "B"): expected
    for expected, boards in _CALLED.items()
    for board, titles in boards.items()
    for title in titles
}
