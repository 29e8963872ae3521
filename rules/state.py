"""What the rules remember: the latest values, what is pending, open or clearing, and timers.

Everything is bounded by the number of devices and rules. ``take_dirty`` gives what changed
since it was last called; a state restored from all that was ever given goes on as if the
program had never stopped.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from typing import Final

import msgspec

from gateway.model import SECOND, Evidence, Reading, Record, Site, Text, Value
from rules.groups import Group
from rules.modes import Mode, Said
from rules.rhythm import Rhythm
from rules.ruleset import NOTHING, Cover, Ruleset
from rules.window import Windows

PENDING: Final = 1
OPEN: Final = 2
CLEARING: Final = 3

_CLOCK: Final = "clock"
_DEVICE: Final = "device:"
_GROUP: Final = "group:"
_SAID: Final = "said:"
_MODES: Final = "modes"
_EDITIONS: Final = "editions"
_PAUSE: Final = 1_000_000
"""Nanoseconds by which the wall clock goes ahead of the arrival axis when the gateway was down."""
_MOST_PAUSES: Final = 8
"""Downtimes that are remembered: what a broker or a panel keeps is from the last ones."""
_STRANGERS: Final = 10
"""Devices nobody registered may take a tenth of the room, so that they never crowd out a site."""


class Cost(msgspec.Struct):
    """What a rule took when it was measured, ns."""

    count: int = 0
    total: int = 0
    worst: int = 0


class Watch(msgspec.Struct, array_like=True):
    """One rule for one device while its condition is pending, open or clearing.

    ``since`` (arrival ns) and ``wall`` tell when the present phase began; ``due`` (arrival
    ns) when it ends by itself, 0 for never; ``opened`` (wall ns) and ``why`` are the alarm's.
    """

    digest: str
    phase: int
    since: int
    wall: int
    due: int = 0
    found: str = ""
    evidence: Evidence | None = None
    opened: int = 0
    why: Text | None = None
    doubted: bool = False
    """The device has also said the opposite, and event times can not tell which is newer."""
    alarmed: int = 0
    """Arrival ns of the newest ``alarmed`` change; 0 in what was saved before this was kept, so
    that such an alarm is said again at the device's next word of it."""
    entered: bool = False
    """Pending for its entry delay: only disarming ends it."""
    began: int = 0
    """Arrival ns of the first ``alarmed`` change: from when ``raise`` counts."""
    severity: str = ""
    """As it was said last; "" for what was saved before severities could change."""
    eased: int = 0
    """Arrival ns since when a lower severity would do; 0 while it would not."""
    told: tuple[str, str, str] | None = None
    """Incident word, place and category of the alarm: its end goes where its begin went, also
    when the device has moved or the rule is gone since."""

    @property
    def untold(self) -> bool:
        """Whether it was only recorded; what was saved before that could be has no severity."""
        return self.told is None and bool(self.severity)


class Entry:
    """One device. ``values`` and ``times`` (event time, arrival axis) are the latest by name.

    ``quiet`` names the values that came by a report which could not ring: True for a test's,
    False for those of a retained or late report.
    """

    __slots__ = (
        "active", "below", "cover", "device", "excused", "heard", "heard_wall", "kind", "lag",
        "newest", "quiet", "rhythm", "times", "values", "windows",
    )  # fmt: skip

    def __init__(self, device: str, kind: str, heard: int) -> None:
        self.device = device
        self.kind = kind
        self.newest = 0
        self.heard = heard
        self.heard_wall = 0
        self.values: dict[str, Value] = {}
        self.times: dict[str, int] = {}
        self.quiet: dict[str, bool] = {}
        self.active: dict[str, Watch] = {}
        self.windows = Windows({}, {})
        self.lag = 0
        """Arrival minus event time of the newest report in the windows: they end so far back."""
        self.rhythm = Rhythm()
        self.excused = 0
        """Arrival ns until which its silence had another cause."""
        self.below = False
        self.cover: Cover = NOTHING
        """The rules for this device; ``NOTHING`` until they are looked up."""


class _Saved(msgspec.Struct, array_like=True):
    """An entry on disk; what an earlier version saved lacks those with a default."""

    kind: str
    newest: int
    heard: int
    heard_wall: int
    values: dict[str, Value]
    times: dict[str, int]
    quiet: dict[str, bool]
    active: dict[str, Watch]
    windows: Windows = msgspec.field(default_factory=Windows)
    lag: int = 0
    rhythm: Rhythm = msgspec.field(default_factory=Rhythm)
    excused: int = 0
    below: bool = False


_SAVED: Final = msgspec.msgpack.Decoder(_Saved)
_SAVED_GROUP: Final = msgspec.msgpack.Decoder(Group)
_SAVED_SAID: Final = msgspec.msgpack.Decoder(Said)
_SAVED_MODES: Final = msgspec.msgpack.Decoder(tuple[dict[str, Mode], int, int])
_SAVED_EDITIONS: Final = msgspec.msgpack.Decoder(dict[str, str])


class _Clock(msgspec.Struct, array_like=True):
    """How the axes stood; what an earlier version saved lacks the last ones."""

    now: int
    offset: int
    sure: tuple[int, int] | None = None
    pauses: list[tuple[int, int]] = []
    boot: str = ""
    sure_boot: str = ""


_CLOCK_SAVED: Final = msgspec.msgpack.Decoder(_Clock)
_ENCODE: Final = msgspec.msgpack.Encoder().encode


class State:
    """Updated in place by ``step`` and ``tick``; holds at most ``limit`` devices.

    ``refused`` counts what found no room, by reason: ``devices_full`` and ``strangers_full``
    (readings of devices that are not kept and so not judged), ``unreadable`` (saved blobs).
    """

    def __init__(self, limit: int = 50_000) -> None:
        self.limit = limit
        self.refused: Counter[str] = Counter()
        self.entries: dict[str, Entry] = {}
        self.strangers = 0
        self.now = 0
        self.offset = 0
        """Wall minus arrival at the newest record, ns."""
        self.ruleset: Ruleset | None = None
        self.site: Site | None = None
        self.editions: dict[str, str] = {}
        """What is in force, ``rules`` and ``registry``, by the newest record that said so."""
        self.groups: dict[tuple[str, str], Group] = {}
        """(rule over a place, place) -> what it has seen there."""
        self.said: dict[str, Said] = {}
        """Place code -> the mode that somebody set it to."""
        self.modes: dict[str, Mode] = {}
        """Place code -> its mode now, of the places that a rule asked for."""
        self.modes_due = 0
        """Arrival ns of the next switch; 0 for none."""
        self.modes_offset = 0
        """``offset`` when that was worked out."""
        self.modes_stale = False
        """Whether the modes, or the next switch, are to be worked out again."""
        self.holding_back: dict[tuple[str, str], Counter[str]] = {}
        """(rule, scope) -> where it stands now and holds others back, with how many devices."""
        self.freed: list[tuple[str, str, str]] = []
        """(rule, scope, where) that holds nobody back any more: looked at again within the step."""
        self.costs: dict[str, Cost] = {}
        """What a rule took, as far as it was measured."""
        self.failures: dict[str, tuple[int, str]] = {}
        """Rules that raised: how often, and what they said last."""
        self.tally: Counter[tuple[str, str]] = Counter()
        """(rule, what) -> how often since the program started."""
        self.heap: list[tuple[int, str, str]] = []
        """(due, device, rule): one per device and rule, never later than the real time due."""
        self._queued: dict[tuple[str, str], int] = {}
        self.dirty: set[str] = set()
        self.dirty_groups: set[tuple[str, str]] = set()
        self.dirty_said: set[str] = set()
        self._saved_modes = b""
        self._saved_editions: dict[str, str] = {}
        self._boot = ""
        """Of the newest record."""
        self._sure_boot = ""
        """Of the newest record whose wall clock was trusted."""
        self._sure: tuple[int, int] | None = None
        """Arrival and ``offset`` of the newest record whose wall clock was trusted."""
        self._pauses: list[tuple[int, int]] = []
        """Times that the arrival axis leaves out: (arrival, offset until then), newest last."""
        self._saved_clock = _Clock(0, 0)

    @classmethod
    def restore(cls, saved: Mapping[str, bytes], limit: int = 50_000) -> State:
        """A state from everything ``take_dirty`` gave. An unreadable blob is counted, not used."""
        state = cls(limit)
        for key, blob in saved.items():
            try:
                if key == _CLOCK:
                    clock = state._saved_clock = _CLOCK_SAVED.decode(blob)
                    state.now, state.offset, state._sure = clock.now, clock.offset, clock.sure
                    state._boot, state._sure_boot = clock.boot, clock.sure_boot
                    state._pauses = list(clock.pauses)
                elif key.startswith(_DEVICE):
                    state._restore_device(key.removeprefix(_DEVICE), blob)
                elif key.startswith(_GROUP):
                    rule, _, same = key.removeprefix(_GROUP).partition("|")
                    state.groups[rule, same] = _SAVED_GROUP.decode(blob)
                elif key.startswith(_SAID):
                    state.said[key.removeprefix(_SAID)] = _SAVED_SAID.decode(blob)
                elif key == _MODES:
                    state.modes, state.modes_due, state.modes_offset = _SAVED_MODES.decode(blob)
                    state._saved_modes = blob
                elif key == _EDITIONS:
                    state.editions = _SAVED_EDITIONS.decode(blob)
                    state._saved_editions = dict(state.editions)
            except (msgspec.DecodeError, UnicodeDecodeError):
                state.refused["unreadable"] += 1
        return state

    def _restore_device(self, device: str, blob: bytes) -> None:
        saved = _SAVED.decode(blob)
        entry = Entry(device, saved.kind, saved.heard)
        entry.newest, entry.heard_wall = saved.newest, saved.heard_wall
        entry.values, entry.times, entry.quiet = saved.values, saved.times, saved.quiet
        entry.active, entry.windows, entry.lag = saved.active, saved.windows, saved.lag
        entry.rhythm, entry.excused, entry.below = saved.rhythm, saved.excused, saved.below
        self.entries[device] = entry

    def take_dirty(self) -> dict[str, bytes | None]:
        """What changed since the last call, by key; None: delete the key."""
        taken: dict[str, bytes | None] = {}
        for device in self.dirty:
            e = self.entries.get(device)
            if e is None:
                taken[_DEVICE + device] = None
                continue
            taken[_DEVICE + device] = _ENCODE(
                (
                    e.kind, e.newest, e.heard, e.heard_wall, e.values, e.times, e.quiet, e.active,
                    e.windows, e.lag, e.rhythm, e.excused, e.below,
                )
            )  # fmt: skip
        self.dirty.clear()
        for rule, same in self.dirty_groups:
            group = self.groups.get((rule, same))
            taken[f"{_GROUP}{rule}|{same}"] = None if group is None else _ENCODE(group)
        self.dirty_groups.clear()
        for place in self.dirty_said:
            said = self.said.get(place)
            taken[_SAID + place] = None if said is None else _ENCODE(said)
        self.dirty_said.clear()
        kept = (self.modes, self.modes_due, self.modes_offset)
        modes = _ENCODE(kept) if self.modes or self.modes_due else b""
        if modes != self._saved_modes:
            self._saved_modes = modes
            taken[_MODES] = modes or None
        if self.editions != self._saved_editions:
            self._saved_editions = dict(self.editions)
            taken[_EDITIONS] = _ENCODE(self.editions)
        clock = _Clock(
            self.now, self.offset, self._sure, list(self._pauses), self._boot, self._sure_boot
        )
        if clock != self._saved_clock:
            self._saved_clock = clock
            taken[_CLOCK] = _ENCODE(clock)
        return taken

    def next_due(self) -> int | None:
        """Arrival ns of the next timer, never later than it really is; None without one."""
        return self.heap[0][0] if self.heap else None

    def follow(self, record: Record, now: int) -> None:
        """Take the axes from ``record``: ``now`` is its arrival.

        Where the wall clock went on and the arrival axis did not, the gateway was down.
        """
        offset = record.wall - record.arrival
        if record.boot != self._boot:
            self._boot = record.boot
            self.modes_stale = True
        if record.trusted:
            self._sure_boot = record.boot
            if self._sure is None or abs(offset - self.modes_offset) > SECOND:
                self.modes_stale = True
            if self._sure is not None and offset - self._sure[1] > _PAUSE:
                self._pauses.append(self._sure)
                del self._pauses[:-_MOST_PAUSES]
            self._sure = (now, offset)
        self.now, self.offset = now, offset

    def event_time(self, reading: Reading, now: int) -> int:
        """When ``reading`` happened on the arrival axis.

        A device clock ahead of ours counts as now. What happened while the gateway was down lies
        where the axis stopped, and what happened before lies before it: a restore that a broker
        kept is newer than the alarm that was stored, however long nobody was there.
        """
        age = reading.received_at - reading.at
        if age <= 0:
            return now
        event = now - age
        for arrival, offset in reversed(self._pauses):
            if event >= arrival:
                break
            event = min(arrival, reading.at - offset)
        return event

    def set_mode(self, place: str, mode: Mode | None) -> None:
        """The mode of ``place`` now; None: nobody asks any more."""
        if mode is None:
            self.modes.pop(place, None)
        else:
            self.modes[place] = mode

    def likely_wall(self, now: int) -> int | None:
        """The wall clock at arrival ``now`` as far as it could be trusted; None: not in this boot.

        What it said before a power cut says nothing of now: nobody knows how long the cut was.
        """
        if self._sure is None or self._sure_boot != self._boot:
            return None
        return now + self._sure[1]

    # --- for the engine -----------------------------------------------------------------

    def admit(self, device: str, kind: str, site: Site) -> Entry | None:
        """A new entry counted from ``now``, or None with the reason counted."""
        known = device in site.devices
        if len(self.entries) >= self.limit:
            self.refused["devices_full"] += 1
            return None
        if not known:
            if self.strangers >= self.limit // _STRANGERS:
                self.refused["strangers_full"] += 1
                return None
            self.strangers += 1
        entry = self.entries[device] = Entry(device, kind, self.now)
        self.dirty.add(device)
        return entry

    def schedule(self, due: int, device: str, rule: str) -> None:
        """Make sure that the timer of ``rule`` for ``device`` is looked at by ``due``.

        ``rule`` may also be one of the names of ``rules.timers``, and ``device`` a place then.
        """
        key = (device, rule)
        queued = self._queued.get(key)
        if queued is None or due < queued:
            self._queued[key] = due
            heapq.heappush(self.heap, (due, device, rule))

    def pop_due(self, now: int) -> tuple[int, str, str] | None:
        """The next timer at or before ``now``, taken off; None when there is none."""
        while self.heap and self.heap[0][0] <= now:
            due, device, rule = heapq.heappop(self.heap)
            if self._queued.get((device, rule)) == due:
                del self._queued[device, rule]
                return due, device, rule
        return None

    def forget_timers(self) -> None:
        """Drop every timer; the engine sets them anew."""
        self.heap.clear()
        self._queued.clear()
