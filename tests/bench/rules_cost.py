"""CPU per reading with 20, 200 and 2,000 rules, beside closures and CEL: python -m tests.bench.rules_cost

A site of 5,000 devices in 20 grids; the rules are spread over its kinds, grids and thresholds
as a site's would be (``Spread``), so that few of them cover one reading; "worst" is 200 rules
that all do. Readings change in value and raise no alarm: what costs every second, not what
costs once. Process CPU time, median of the rounds, one reading a step.

The peers get the conditions that cover the device and the reading's values, nothing else:
no state, no time, no unknown values. The rows without any rule say what that rest costs.
"""

from __future__ import annotations

import argparse
import importlib
import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import rules
from gateway.model import LEVELS, SECOND, Device, Place, Reading, Record, Site, Value

DEVICES: Final = 5_000
GRIDS: Final = 20
BUILDINGS: Final = 10
"""In each grid."""
STEPS: Final = 20_000
LIMIT: Final = 15.0
"""µs of CPU per reading at 200 rules."""
KINDS: Final[dict[str, tuple[str, float, float, int]]] = {
    "smoke": ("density", 0.0, 1.0, 40),
    "contact": ("battery", 60.0, 100.0, 12),
    "infrared": ("battery", 60.0, 100.0, 10),
    "gas": ("lel", 0.0, 2.0, 10),
    "heat": ("temperature", 15.0, 25.0, 8),
    "co": ("co", 0.0, 5.0, 6),
    "manhole": ("water_level", 0.0, 0.3, 4),
    "lamp": ("current", 0.4, 0.6, 4),
    "water": ("pressure", 200.0, 300.0, 3),
    "climate": ("temperature", 15.0, 25.0, 3),
}
"""Kind -> a value that it reports, the least and the most of it, and its share of 100 devices."""
FLAG: Final = {
    "contact": "open",
    "manhole": "open",
    "water": "leak",
    "lamp": "fault",
    "climate": "fault",
}
"""The yes-or-no value of a kind, where it is not ``alarm``."""


class Spread(NamedTuple):
    """How many rules of each kind hold for the whole site, and how many for each grid."""

    everywhere: int
    in_a_grid: int


SPREADS: Final = (Spread(2, 0), Spread(4, 8), Spread(10, 95))
"""20, 200 and 2,000 rules over 10 kinds and 20 grids."""
WORST: Final = Spread(200, 0)
"""200 of one kind."""


class Written(NamedTuple):
    """One rule: its YAML, and its condition in Python and in CEL."""

    name: str
    kind: str
    grid: str
    when: str
    closure: Callable[[dict[str, Any]], bool]
    more: str = ""

    @property
    def cel(self) -> str:
        return self.when.replace(" and ", " && ").replace(" or ", " || ").replace("not ", "!")

    @property
    def yaml(self) -> str:
        grid = f", grid: {self.grid}" if self.grid else ""
        return (
            f"  - {{name: {self.name}, title: T, on: {self.kind}, when: '{self.when}'{grid},"
            f" severity: alarm, category: facility{self.more}}}\n"
        )


# --- the site and what it says ----------------------------------------------------------


def site() -> Site:
    places = {"C": Place("C", "", "community", "community")}
    for grid in range(GRIDS):
        code = f"CG{grid}"
        places[code] = Place(code, "C", "grid", code)
        for building in range(BUILDINGS):
            below = f"{code}B{building}"
            places[below] = Place(below, code, "building", below)
    assert {place.level for place in places.values()} <= set(LEVELS)
    hundred = [kind for kind, (*_, share) in KINDS.items() for _ in range(share)]
    devices = {}
    for number in range(DEVICES):
        place = f"CG{number % GRIDS}B{number // GRIDS % BUILDINGS}"
        kind = hundred[number // GRIDS % 100]
        devices[f"d{number}"] = Device(f"d{number}", "m", f"d{number}", kind, "", place)
    return Site(1, places, devices)


def flag(kind: str) -> str:
    return FLAG.get(kind, "alarm")


def readings(at: Site, kinds: Sequence[str] = tuple(KINDS)) -> list[Record]:
    """``STEPS`` reports of devices in no order, each every 25 s or so, with no alarm."""
    chance = random.Random(4)
    names = [device.id for device in at.devices.values() if device.kind in kinds]
    records = []
    for number in range(STEPS):
        device = at.devices[chance.choice(names)]
        name, low, high, _ = KINDS[device.kind]
        values: dict[str, Value] = {
            flag(device.kind): False,
            "test": False,
            "battery_low": False,
            "battery": round(chance.uniform(60, 100), 1),
            name: round(chance.uniform(low, high), 3),
        }
        offset = number * 25 * SECOND // len(names)
        wall = 1_767_600_000 * SECOND + offset
        reading = Reading(device.id, device.kind, values, received_at=wall, at=wall)
        records.append(Record(number + 1, SECOND + offset, "b", offset, wall, True, reading))
    return records


# --- the rules ----------------------------------------------------------------------------


def _alarm(kind: str) -> tuple[str, Callable[[dict[str, Any]], bool]]:
    name = flag(kind)
    return f"{name} and not test", lambda v: v[name] and not v["test"]


def _above(name: str, limit: float) -> tuple[str, Callable[[dict[str, Any]], bool]]:
    return f"{name} > {limit} and not test", lambda v: v[name] > limit and not v["test"]


def _battery(limit: float) -> tuple[str, Callable[[dict[str, Any]], bool]]:
    return f"battery_low or battery < {limit}", lambda v: v["battery_low"] or v["battery"] < limit


def _rule(number: int, kind: str, grid: str, order: int) -> Written:
    """The ``order``-th rule of a kind in one place: alarm, threshold, battery in turn."""
    name, _, high, _ = KINDS[kind]
    if order % 4 == 0:
        when, closure = _alarm(kind)
    elif order % 4 == 3:
        when, closure = _battery(2 + order % 40 / 4)
    else:  # every grid its own threshold, above what is reported
        when, closure = _above(name, round(high * 1.1 + 1 + number / 100, 2))
    more = (", for: 10s", "", ", keep: 30s")[number % 3]
    return Written(f"r{number}", kind, grid, when, closure, more)


def written(spread: Spread, kinds: Sequence[str] = tuple(KINDS)) -> list[Written]:
    made: list[Written] = []
    for order in range(spread.everywhere):
        made += [_rule(len(made) + n, kind, "", order) for n, kind in enumerate(kinds)]
    for place in [f"CG{grid}" for grid in range(GRIDS)] if spread.in_a_grid else []:
        for order in range(spread.in_a_grid):
            kind = kinds[len(made) % len(kinds)]
            made.append(_rule(len(made), kind, place, order))
    return made


WINDOWS: Final = ("rate({0}, 3m) > 9999", "avg({0}, 10m) > 9999", "count({1}, 10m) > 9")


def windowed(made: Sequence[Written]) -> list[Written]:
    """Every tenth rule asks a function over a window, each of the three in turn."""
    return [
        one._replace(when=WINDOWS[n // 10 % 3].format(KINDS[one.kind][0], flag(one.kind)))
        if n % 10 == 5
        else one
        for n, one in enumerate(made)
    ]


def loaded(made: Sequence[Written]) -> rules.Ruleset:
    text = "rules:\n" + "".join(one.yaml for one in made)
    return rules.load([("site.yaml", text)] if made else [])


# --- measuring -----------------------------------------------------------------------------


def per_reading(work: Callable[[], int], rounds: int) -> float:
    """µs of process CPU time for each of what ``work`` returns, median of the rounds.

    The first round, in which caches fill, is left out.
    """
    work()
    found = []
    for _ in range(rounds):
        start = time.process_time_ns()
        done = work()
        found.append((time.process_time_ns() - start) / done / 1000)
    return statistics.median(found)


def ours(made: Sequence[Written], at: Site, records: Sequence[Record], rounds: int) -> float:
    ruleset, state, step = loaded(made), rules.State(), rules.step
    length = records[-1].arrival - records[0].arrival + SECOND
    # Time goes on from round to round: a record of the past would take another way.
    waiting = iter([[_later(r, n * length) for r in records] for n in range(rounds + 1)])

    def work() -> int:
        changes = 0
        for record in next(waiting):
            changes += len(step(ruleset, at, state, record))
        if changes:
            raise RuntimeError(f"{changes} changes in calm readings")
        return len(records)

    return per_reading(work, rounds)


def _later(record: Record, by: int) -> Record:
    item = record.item
    assert isinstance(item, Reading)
    wall, mono = record.wall + by, record.mono + by
    reading = Reading(item.device, item.kind, item.values, received_at=wall, at=wall)
    return Record(record.n, record.arrival + by, "b", mono, wall, True, reading)


class Peer(NamedTuple):
    """Another way to evaluate conditions; ``readings`` of ours are enough for a figure."""

    name: str
    compile: Callable[[Written], Callable[[Any], Any]]
    bind: Callable[[dict[str, Any]], Any] | None
    """What a reading's values become, once for all its conditions; None: as they are."""
    readings: int = STEPS


def closures() -> Peer:
    return Peer("Python closures", lambda one: one.closure, None)


def cel_rust() -> Peer:
    """``common-expression-language``. ImportError if it is not installed."""
    cel = importlib.import_module("cel")
    return Peer(
        "CEL in Rust",
        lambda one: cel.compile(one.cel).execute,
        lambda values: cel.Context(variables=values),
        4_000,
    )


def cel_python() -> Peer:
    """``cel-python`` with its faster runner. ImportError if it is not installed."""
    celpy = importlib.import_module("celpy")

    def compiled(one: Written) -> Callable[[Any], Any]:
        environment = celpy.Environment(runner_class=celpy.CompiledRunner)
        found: Callable[[Any], Any] = environment.program(environment.compile(one.cel)).evaluate
        return found

    return Peer("CEL in Python", compiled, celpy.json_to_cel, 200)


PEERS: Final = (
    ("", closures),
    ("common-expression-language==0.10.0", cel_rust),
    ("cel-python==0.5.0", cel_python),
)
"""Package, pinned, and the way to it."""


def theirs(
    peer: Peer, made: Sequence[Written], at: Site, records: Sequence[Record], rounds: int
) -> float:
    """The conditions covering each reading's device, evaluated on its values, and no more."""
    programs = {one.name: peer.compile(one) for one in made}
    chosen = {
        device.id: [programs[one.name] for one in made if covers(one, device, at)]
        for device in at.devices.values()
    }
    said = [
        (chosen[record.item.device], record.item.values)
        for record in records[: peer.readings]
        if isinstance(record.item, Reading)
    ]
    bind = peer.bind

    def work() -> int:
        for conditions, values in said:
            bound = bind(values) if bind else values
            for condition in conditions:
                if condition(bound):
                    raise RuntimeError("a condition holds in calm readings")
        return len(said)

    return per_reading(work, rounds)


def covers(one: Written, device: Device, at: Site) -> bool:
    return one.kind == device.kind and one.grid in ("", at.level(device.place, "grid"))


def covering(made: Sequence[Written], at: Site, records: Sequence[Record]) -> str:
    """How many rules cover a reading: least, mean, most."""
    each = {d.id: sum(covers(one, d, at) for one in made) for d in at.devices.values()}
    counts = [each[record.item.device] for record in records if isinstance(record.item, Reading)]
    return f"{min(counts)}-{max(counts)}, mean {statistics.mean(counts):.1f}"


def saving(made: Sequence[Written], at: Site, records: Sequence[Record]) -> float:
    """µs of CPU to save the state of one device."""
    ruleset, state = loaded(made), rules.State()
    for record in records:
        rules.step(ruleset, at, state, record)
    start = time.process_time_ns()
    saved = state.take_dirty()
    return (time.process_time_ns() - start) / len(saved) / 1000


# --- the table -----------------------------------------------------------------------------


def peers() -> list[Peer]:
    """Those that are installed; the others are told of."""
    found = []
    for package, way in PEERS:
        try:
            found.append(way())
        except ImportError:
            print(f"{package} is left out: it is not installed (pip install {package})")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.bench.rules_cost")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one round: a look, not a figure")
    asked = parser.parse_args()
    rounds = 1 if asked.quick else asked.runs
    at = site()
    everything = readings(at)
    smoke = readings(at, ["smoke"])
    few, some, many = (written(spread) for spread in SPREADS)
    beside = peers()
    heads = "".join(f"{peer.name:>17}" for peer in beside)
    print(f"{'µs CPU per reading':32}{'rules covering it':>20}{'ours':>8}{heads}   ours / closures")
    worst = written(WORST, ["smoke"])
    for name, made, records in (
        ("no rule", [], everything),
        ("20 rules", few, everything),
        ("200 rules", some, everything),
        ("  10 % with windows", windowed(some), everything),
        ("2,000 rules", many, everything),
        ("200 rules, all cover it (worst)", worst, smoke),
        ("  10 % with windows", windowed(worst), smoke),
    ):
        row = f"{name:32}{covering(made, at, records):>20}"
        cost = ours(made, at, records, rounds)
        row += f"{cost:8.2f}"
        compared = [] if not made or "windows" in name else beside
        found = [theirs(peer, made, at, records, rounds) for peer in compared]
        row += "".join(f"{figure:17.2f}" for figure in found)
        print(row + (f"{cost / found[0]:18.1f}" if found else ""), flush=True)
    print(
        f"limit at 200 rules: under {LIMIT:g}; the peers know no state, time, windows or unknown values"
    )
    print(f"saving the state of one device at 200 rules: {saving(some, at, everything):.1f} µs")


if __name__ == "__main__":
    main()
