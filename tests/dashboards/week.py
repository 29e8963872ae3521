"""A week of a community, simulated: what happened, and the same as points of the agreed series.

``Week`` is the truth; ``points`` is what two gateways would have streamed, each under its own tag
``site``. Expectations are worked out from the truth, never from InfluxDB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.model import Value
from gateway.model.series import Point

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
ZONE = "Asia/Shanghai"
START = int(datetime(2026, 3, 2, tzinfo=ZoneInfo(ZONE)).timestamp()) * SECOND
END = START + 7 * DAY


@dataclass(frozen=True)
class Place:
    code: str
    level: str
    name: str
    site: str = "yunhe"
    latitude: float | None = None


@dataclass(frozen=True)
class Device:
    id: str
    kind: str
    place: str
    site: str
    state: str = "accepted"
    silent_since: int = 0
    dead: bool = False
    never: bool = False

    @property
    def name(self) -> str:
        return f"{self.id} 号"


STAGES = ("receive", "handle", "close")
LIMITS = {"life": 300, "intrusion": 600, "facility": 7_200, "trouble": 86_400, "system": 86_400}
PASSED = {"receive": "received", "handle": "handling", "close": "closed"}


@dataclass(frozen=True)
class Case:
    key: str
    category: str
    severity: str
    kind: str
    device: str
    place: str
    site: str
    opened: int
    owner: str
    took: tuple[int, ...]
    """Seconds of each stage that was passed."""
    transfers: int = 0
    outcome: str = ""
    cause: str = ""

    @property
    def limit(self) -> int:
        return LIMITS[self.category]

    @property
    def closed(self) -> bool:
        return len(self.took) == 3

    @property
    def closed_at(self) -> int:
        return self.opened + sum(self.took) * SECOND

    def passed(self) -> Iterator[tuple[str, int, int]]:
        """(stage, when it ended, seconds)."""
        at = self.opened
        for stage, seconds in zip(STAGES, self.took, strict=False):
            at += seconds * SECOND
            yield stage, at, seconds

    def begun(self) -> list[tuple[str, int]]:
        """(stage, when it began), the one it is in included."""
        found = [("receive", self.opened)]
        for (_, at, _), stage in zip(self.passed(), ("handle", "close", ""), strict=False):
            found.append((stage, at))
        return found

    def stage_at(self, at: int) -> tuple[str, int]:
        """What it waits for at ``at``, and since when; "" before and after."""
        since, now = self.opened, ("", 0)
        for stage, seconds in zip((*STAGES, ""), (*self.took, 0), strict=False):
            if since > at:
                break
            now = (stage, since)
            since += seconds * SECOND
        return now

    def overdue_at(self, at: int) -> bool:
        stage, since = self.stage_at(at)
        return bool(stage) and at - since > self.limit * SECOND

    def missed(self) -> list[int]:
        """When a limit ran out."""
        begun = self.begun()
        ends = [at for _, at in begun[1:]] + [END + 1]
        return [
            since + self.limit * SECOND
            for (stage, since), end in zip(begun, ends, strict=True)
            if stage and since + self.limit * SECOND < min(end, END)
        ]


class Message(NamedTuple):
    case: Case
    channel: str
    end: str
    at: int
    seconds: float


_KINDS = {
    "smoke": 3, "heat": 1, "gas": 1, "co": 1, "panic": 1, "infrared": 2, "contact": 2,
    "manhole": 2, "water": 2, "camera": 2, "climate": 1,
}  # fmt: skip
_CATEGORY = {
    "smoke": "life", "heat": "life", "gas": "life", "co": "life", "panic": "life",
    "infrared": "intrusion", "contact": "intrusion", "manhole": "facility", "water": "facility",
    "camera": "intrusion", "climate": "trouble",
}  # fmt: skip
_CAUSES = ("cooking", "steam", "dust", "insect", "fault")
READERS = ("influx:alarms", "influx:rest", "rules")


@dataclass
class Week:
    """The community of ``grids`` grids; ``dense`` writes every gauge as often as the gateway."""

    grids: int = 4
    scale: int = 1
    dense: bool = False
    rng: Random = field(default_factory=lambda: Random(20260302))

    def __post_init__(self) -> None:
        self.places = self._places()
        self.devices = self._devices()
        self.cases = self._cases()
        self.messages = self._messages()
        self.readings = list(self._readings())
        self.samples = list(self._samples())

    # --- the truth ---

    @property
    def grid_places(self) -> list[Place]:
        return [place for place in self.places if place.level == "grid"]

    def name(self, code: str) -> str:
        return next(place.name for place in self.places if place.code == code)

    def _places(self) -> list[Place]:
        found = [
            Place("1309", "city", "沧州市"),
            Place("130903", "district", "运河区"),
            Place("130903001", "street", "水月寺街道"),
            Place("130903002", "street", "东环街道"),
            Place("130903001007", "community", "云河社区"),
            Place("130903002001", "community", "东环社区", "donghuan"),
        ]
        for n in range(self.grids):
            east = n % 2 == 1
            community = "130903002001" if east else "130903001007"
            site = "donghuan" if east else "yunhe"
            code = f"{community}{n + 1:02d}"
            found.append(Place(code, "grid", f"第{n + 1}网格", site, 38.3 + n / 100))
        return found

    def _devices(self) -> list[Device]:
        found: list[Device] = []
        for grid in self.grid_places:
            for kind, count in _KINDS.items():
                for n in range(count * self.scale):
                    number = len(found)
                    last = n == count * self.scale - 1
                    found.append(
                        Device(
                            f"{kind}-{grid.code[-2:]}-{n + 1}",
                            kind,
                            grid.code,
                            grid.site,
                            state="installed" if kind == "smoke" and last else "accepted",
                            silent_since=END - 30 * HOUR if number % 17 == 3 else 0,
                            dead=kind == "smoke" and n == 1,
                            never=kind == "climate" and n == 0 and grid.code.endswith("02"),
                        )
                    )
        return found

    def _cases(self) -> list[Case]:
        rng = self.rng
        found: list[Case] = []
        at = START + HOUR
        watched = [device for device in self.devices if not device.never]
        noisy = [d for d in watched if d.kind in ("smoke", "infrared") and d.id.endswith("-1")]
        while at < END - 10 * MINUTE:
            device = rng.choice(noisy if rng.random() < 0.4 else watched)
            trouble = rng.random() < 0.2
            category = "trouble" if trouble else _CATEGORY[device.kind]
            limit = LIMITS[category]
            took = tuple(int(limit * rng.uniform(0.05, 1.3)) for _ in STAGES)
            found.append(self._case(len(found), device, category, at, took))
            at += int(rng.uniform(20, 100)) * MINUTE // self.scale
        for n, device in enumerate(watched[:: max(1, len(watched) // 24)]):
            # these are open at the end, in every stage, some past their limit
            category = _CATEGORY[device.kind]
            limit = LIMITS[category]
            age = limit * (0.4 if n % 3 else 1.5)
            before = tuple(60 for _ in range(n % 3))
            opened = END - int(age + sum(before)) * SECOND
            found.append(self._case(len(found), device, category, opened, before))
        return sorted(found, key=lambda case: case.opened)

    def _case(
        self, n: int, device: Device, category: str, opened: int, took: tuple[int, ...]
    ) -> Case:
        rng = self.rng
        passed, at = [], opened
        for seconds in took:
            at += seconds * SECOND
            if at >= END:
                break
            passed.append(seconds)
        false = rng.random() < 0.5
        closed = len(passed) == 3
        return Case(
            key=f"{category[0].upper()}202603-{n:04d}",
            category=category,
            severity=rng.choice(("notice", "warning", "alarm", "critical")),
            kind=device.kind,
            device=device.id,
            place=device.place,
            site=device.site,
            opened=opened + n,
            owner=f"{device.place[-2:]}-{rng.choice(('assistant', 'officer'))}",
            took=tuple(passed),
            transfers=rng.choice((0, 0, 0, 1, 2)) if passed else 0,
            outcome=("false_alarm" if false else "real") if closed else "",
            cause=rng.choice(_CAUSES) if closed and false else "",
        )

    def _messages(self) -> list[Message]:
        found = []
        for n, case in enumerate(self.cases):
            took = 0.5 + n % 9
            at = case.opened + int(took * SECOND) + n
            if at < END:
                end = "told" if n % 7 else "failed_all_channels"
                found.append(Message(case, ("wecom", "sms")[n % 2], end, at, took))
        return found

    def alarm_of(self, case: Case) -> Point | None:
        """The reading that opened it."""
        flags = {"smoke": "alarm", "heat": "alarm", "gas": "alarm", "co": "alarm", "panic": "alarm",
                 "infrared": "alarm", "contact": "open", "manhole": "open", "water": "leak",
                 "camera": "motion"}  # fmt: skip
        name = flags.get(case.kind, "")
        if not name or case.category == "trouble":
            return None
        tags = {"device": case.device, "place": case.place, "site": case.site}
        return Point(case.kind, tags, {name: True}, case.opened - MINUTE)

    def _readings(self) -> Iterator[Point]:
        """What the devices reported."""
        rng = self.rng
        for device in self.devices:
            if device.never:
                continue
            tags = {"device": device.id, "place": device.place, "site": device.site}
            battery = rng.uniform(5, 100)
            end = device.silent_since or END
            for n, at in enumerate(range(START + rng.randrange(HOUR), end, HOUR)):
                values = self._values(device.kind, n)
                values |= {"battery": round(battery, 1), "link": float(rng.randrange(10, 100))}
                values["rssi"] = -float(rng.randrange(50, 110))
                if device.kind in ("smoke", "gas", "infrared") and n == 150:
                    values["test"] = True
                if n % 23 == 5:
                    values["late"] = True
                if n % 29 == 7:
                    values["suspect"] = True
                if n % 31 == 9:
                    values["clock_suspect"] = True
                yield Point(device.kind, tags, values, at)
        for case in self.cases:
            if (point := self.alarm_of(case)) is not None:
                yield point

    def _values(self, kind: str, n: int) -> dict[str, Value]:
        u = self.rng.uniform
        made: dict[str, Callable[[], dict[str, Value]]] = {
            "smoke": lambda: {"alarm": False, "density": u(0, 0.2), "temperature": u(5, 30)},
            "heat": lambda: {"alarm": False, "temperature": u(5, 40)},
            "gas": lambda: {"alarm": False, "lel": u(0, 4), "co": u(0, 9)},
            "co": lambda: {"alarm": False, "co": u(0, 20)},
            "panic": lambda: {"alarm": False},
            "infrared": lambda: {"alarm": False, "armed": n % 2 == 0},
            "contact": lambda: {"open": u(0, 1) < 0.3},
            "manhole": lambda: {
                "open": u(0, 1) < 0.4, "tilt": u(0, 9), "water_level": u(0, 2), "lel": u(0, 3)
            },
            "water": lambda: {"leak": u(0, 1) < 0.2, "pressure": u(100, 400), "level": u(1, 3)},
            "camera": lambda: {"online": u(0, 1) < 0.8, "motion": False, "area": u(0, 0.3)},
            "climate": lambda: {"temperature": u(5, 30), "humidity": u(20, 90)},
        }  # fmt: skip
        return {k: v if isinstance(v, bool) else round(v, 3) for k, v in made[kind]().items()}

    @property
    def _turn(self) -> int:
        return MINUTE if self.dense else 10 * MINUTE

    def _samples(self) -> Iterator[Point]:
        """Gauges that only time and chance make."""
        yield from self._gateways()
        yield from self._storms()
        yield from self._states()
        began = START if self.dense else END - DAY
        for at in range(began, END, 15 * MINUTE):
            for grid in self.grid_places:
                for role in ("assistant", "officer"):
                    person = f"{grid.code[-2:]}-{role}"
                    tags = {"place": grid.code, "role": role, "site": grid.site}
                    fields = {"person": person, "name": f"张{person}", "more": 0.0, "until": 0.0}
                    yield Point("duty", tags, fields, at)
        for at in range(began, END, HOUR):
            for place in self.places:
                tags = {"place": place.code, "level": place.level, "site": place.site}
                fields = {"name": place.name, "label": f"{place.code} {place.name}", "n": 1.0}
                yield Point("place", tags, fields, at)

    def _gateways(self) -> Iterator[Point]:
        rng = self.rng
        for site, place in (("yunhe", "130903001007"), ("donghuan", "130903002001")):
            received, dropped, written = 0.0, 40.0, 0.0  # 40 were before its readers
            for n, at in enumerate(range(START, END, self._turn)):
                received += rng.randrange(200)
                dropped += n == 300
                written = 0.0 if n == 400 else written + rng.randrange(20)
                refused = float(int(received) // 50)
                waiting = float(rng.randrange(2_000)) if n % 40 == 3 else 0.0
                door = {"received": received, "stored": received - refused, "refused": refused}
                yield Point("ledger", {"reader": "door", "site": site}, door, at)
                for reader in READERS:
                    done = received - refused - waiting - dropped
                    fields = {"delivered": done, "waiting": waiting, "dropped": dropped}
                    yield Point("ledger", {"reader": reader, "site": site}, fields, at)
                for channel in ("wecom", "sms"):
                    down = channel == "sms" and site == "donghuan" and at > END - HOUR
                    fields = {"up": float(not down), "held": float(rng.randrange(3))}
                    yield Point("channel", {"channel": channel, "site": site}, fields, at)
                tags = {"device": "gateway/self", "place": place, "site": site}
                own: dict[str, Value] = {
                    "memory": 60.0 + rng.randrange(5), "cpu": float(rng.randrange(40)),
                    "disk_free": 50.0 - n / 1000, "backlog": waiting, "disk_written": written,
                    "temperature": 45.0 + rng.randrange(20), "clock_trusted": n % 500 > 3,
                }  # fmt: skip
                yield Point("gateway", tags, own, at)
            for what, field_ in (("driver:mqtt", "driver_down"), ("sink:influx", "sink_down")):
                tags = {"device": f"gateway/{what}", "place": place, "site": site}
                yield Point("gateway", tags, {field_: False}, START + MINUTE)
                yield Point("gateway", tags, {field_: site == "yunhe"}, END - 2 * HOUR)

    def _storms(self) -> Iterator[Point]:
        for grid, ended in ((self.grid_places[0], False), (self.grid_places[1], True)):
            tags = {"place": grid.code, "site": grid.site}
            for n in range(10):
                yield Point("storm", tags, {"merged": 3.0 + n}, END - HOUR + n * MINUTE)
            if ended:
                yield Point("storm", tags, {"merged": 0.0}, END - 40 * MINUTE)

    def _states(self) -> Iterator[Point]:
        rng = self.rng
        for device in self.devices:
            tags = {"device": device.id, "place": device.place, "kind": device.kind,
                    "site": device.site}  # fmt: skip
            days = rng.uniform(5, 300)
            battery = round(rng.uniform(5, 100), 1)
            for at in range(START + HOUR // 2, END, HOUR):
                silent = bool(device.silent_since) and at - device.silent_since > 26 * HOUR
                fields: dict[str, Value] = {
                    "silent": silent, "silent_n": float(silent), "dead_n": float(device.dead),
                    "name": device.name, "state": device.state, "where": self.name(device.place),
                }  # fmt: skip
                if not device.never:
                    heard = min(device.silent_since or at, at)
                    fields |= {
                        "age": (at - heard) / SECOND, "battery": battery,
                        "battery_days": round(days - (at - START) / DAY, 3),
                        "link": float(rng.randrange(10, 100)),
                        "rssi": -float(rng.randrange(50, 110)),
                    }  # fmt: skip
                if device.dead:
                    fields |= {"dead_why": "读数一周不变", "dead_why_en": "no change for a week"}
                yield Point("device_state", tags, fields, at)

    # --- what the gateway makes of the cases ---

    @cached_property
    def streamed(self) -> list[Point]:
        """Every point, made once."""
        return list(self.points())

    def by_measurement(self, names: Iterable[str]) -> Iterator[Point]:
        """The points of these measurements, oldest first in each."""
        for name in names:
            yield from self._by_measurement.get(name, ())

    @cached_property
    def _by_measurement(self) -> dict[str, list[Point]]:
        found: dict[str, list[Point]] = {}
        for point in sorted(self.streamed, key=lambda point: point.at):
            found.setdefault(point.measurement, []).append(point)
        return found

    def points(self) -> Iterator[Point]:
        """Everything, as it is streamed."""
        yield from self.readings
        yield from self.samples
        for n, case in enumerate(self.cases):
            yield from _events(case, n)
        for n, each in enumerate(self.messages):
            tags = {"channel": each.channel, "purpose": "opened", "end": each.end,
                    "category": each.case.category, "site": each.case.site}  # fmt: skip
            fields: dict[str, Value] = {"key": each.case.key, "person": each.case.owner,
                                        "seconds": each.seconds, "attempts": 1.0, "n": 1.0}  # fmt: skip
            yield Point("message", tags, fields, each.at + n)
        yield from self._gauges()

    def _gauges(self) -> Iterator[Point]:
        """``cases`` every 5 minutes and ``open_case`` every minute."""
        known: set[tuple[str, ...]] = set()
        for at in range(START, END, 5 * MINUTE):
            groups: dict[tuple[str, ...], list[Case]] = {}
            for case in self.open_at(at):
                stage = case.stage_at(at)[0]
                group = (case.place, case.category, case.severity, stage, case.site)
                groups.setdefault(group, []).append(case)
            for group in known | set(groups):
                found = groups.get(group, [])
                tags = dict(
                    zip(("place", "category", "severity", "stage", "site"), group, strict=True)
                )
                late = sum(case.overdue_at(at) for case in found)
                oldest = max(((at - case.opened) / SECOND for case in found), default=0.0)
                fields = {"open": float(len(found)), "overdue": float(late), "oldest": oldest}
                yield Point("cases", tags, fields, at)
            known = set(groups)
        began = START if self.dense else END - HOUR
        for at in range(began, END, MINUTE):
            yield from self._slots(at)

    def _slots(self, at: int) -> Iterator[Point]:
        for site in ("yunhe", "donghuan"):
            found = [case for case in self.open_at(at) if case.site == site]
            for n in range(40):
                tags = {"slot": f"{n:02d}", "site": site}
                if n < len(found):
                    yield Point("open_case", tags, self.shown(found[n], at), at)
                elif n < len(found) + 2:
                    yield Point("open_case", tags, {"key": ""}, at)

    def shown(self, case: Case, at: int) -> dict[str, Value]:
        stage, since = case.stage_at(at)
        return {
            "key": case.key, "title": f"{case.kind}报警", "title_en": f"{case.kind} alarm",
            "place": case.place, "where": self.name(case.place), "category": case.category,
            "severity": case.severity, "stage": stage, "owner": case.owner,
            "owner_name": f"张{case.owner}", "since": case.opened / 1e6,
            "deadline": (since + case.limit * SECOND) / 1e6, "overdue": case.overdue_at(at),
            "latitude": 38.3, "longitude": 116.8,
        }  # fmt: skip

    def open_at(self, at: int) -> list[Case]:
        return [case for case in self.cases if case.opened <= at and case.stage_at(at)[0]]

    @cached_property
    def last_look(self) -> int:
        """When the gauges were written last: what the boards say at the end is of then."""
        return END - 5 * MINUTE


def _events(case: Case, n: int) -> Iterator[Point]:
    """As events, stages passed and closing."""
    tags = {"place": case.place, "category": case.category, "site": case.site}
    more = tags | {"severity": case.severity, "kind": case.kind}
    fields: dict[str, Value] = {
        "key": case.key, "title": f"{case.kind}报警", "title_en": f"{case.kind} alarm",
        "device": case.device, "owner": case.owner, "by": "rule:x", "n": 1.0,
    }  # fmt: skip
    happened = [("opened", case.opened), *(("overdue", at) for at in case.missed())]
    happened += [(PASSED[stage], at) for stage, at, _ in case.passed()]
    happened += [("transferred", case.opened + (i + 1) * SECOND) for i in range(case.transfers)]
    for what, at in happened:
        yield Point("incident", more | {"what": what}, fields, at + n)
    for stage, at, seconds in case.passed():
        good = seconds <= case.limit
        own: dict[str, Value] = {
            "key": case.key, "seconds": float(seconds), "limit": float(case.limit),
            "on_time": good, "on_time_n": float(good), "n": 1.0,
        }  # fmt: skip
        yield Point("stage", tags | {"stage": stage, "person": case.owner}, own, at + n)
    if case.closed:
        how = tags | {"kind": case.kind, "device": case.device, "outcome": case.outcome}
        end: dict[str, Value] = {
            "key": case.key, "seconds": float(sum(case.took)), "to_receive": float(case.took[0]),
            "transfers": float(case.transfers), "false": float(case.outcome == "false_alarm"),
            "n": 1.0,
        }  # fmt: skip
        yield Point("closing", how | ({"cause": case.cause} if case.cause else {}), end,
                    case.closed_at + n)  # fmt: skip
