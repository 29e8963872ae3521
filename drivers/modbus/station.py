"""One slave: its reads, what is known of it, and what is worth saying of what it answers."""

from __future__ import annotations

from collections import Counter
from typing import Final

from drivers.modbus.decode import Fault, read
from drivers.modbus.link import Denied, Link, NoAnswer
from drivers.modbus.options import Options, Slave
from drivers.modbus.plan import Block, blocks, halves
from drivers.modbus.presence import Presence
from gateway.model import EXTRA, SECOND, Item, Reading, Undecodable, Value
from gateway.ports import Clock

ONLINE: Final = EXTRA + "online"
_REST: Final = 600 * SECOND
"""Ns until something that a device does not have is asked for again."""
_READS: Final = {"coil": 1, "discrete": 2, "register": 3, "input": 4}

Values = dict[tuple[str, str], Value]


class Station:
    """Lives as long as the driver: what has been said once is not said again after a reconnect."""

    def __init__(self, name: str, options: Options, slave: Slave, clock: Clock) -> None:
        self._name = name
        self._slave = slave
        self._clock = clock
        self._every = int(slave.every * SECOND)
        self._repeat = int(slave.repeat * SECOND)
        self._blocks = blocks(
            slave.points,
            max_registers=slave.max_registers,
            max_bits=slave.max_bits,
            bridge=slave.bridge,
        )
        self._kinds: dict[str, str] = {}
        for point in slave.points:
            if point.value:
                known = self._kinds.get(point.part, "")
                self._kinds[point.part] = known or point.kind or slave.kind or slave.map.kind
        self._resting: dict[tuple[str, int, int], int] = {}
        self._read: set[tuple[str, int, int]] = set()
        """What it has answered before: it exists, whatever is said of it now."""
        self._foreign = False
        """Another model of device answers there: nothing that it holds is what the map says."""
        self._mute: Counter[tuple[str, int, int]] = Counter()
        """Questions in a row that a slave which answers others has left open."""
        self._retries = options.retries
        self._backoff = int(options.backoff * SECOND)
        self._complained: set[tuple[str, str, str, int]] = set()
        self._said: dict[str, tuple[dict[str, Value], int]] = {}
        self.presence = Presence(options.retries, options.timeout, options.backoff)
        self.due = 0
        """Mono ns of the next poll."""

    def connected(self) -> None:
        """A new connection: ask at once, say everything, believe nothing from before."""
        self.due = 0
        self.presence.failures = 0
        self._said.clear()
        self._resting.clear()

    async def poll(self, link: Link) -> list[Item]:
        """Ask everything once; what came of it, and ``due`` set for the next time."""
        items: list[Item] = []
        values: Values = {}
        started = self._clock.now().mono
        answered = split = False
        for block in self._awake(started):
            try:
                answer = await link.ask(self._slave.unit, block.table, block.address, block.size)
            except NoAnswer:
                # whatever is asked first next time tells whether it is the slave or this question
                self._blocks.remove(block)
                self._blocks.append(block)
                if answered:
                    return items + self._unanswered(block, values)
                return items + self._silent()
            except Denied as denied:
                answered = True
                split |= self._denied(block, denied, items)
                continue
            answered = True
            self._read.add(block.key)
            self._mute.pop(block.key, None)
            found = read(block, answer)
            values |= found.values
            foreign = self._note(block, found.faults, items)
            if any(point.expect for point in block.points):
                self._foreign = foreign
        now = self._clock.now().mono
        if split:  # asked at once in smaller pieces: what it has is said together
            self.due = now
            return items
        came = answered and self.presence.answered()
        self.due = max(self.due + self._every, now)
        return items + self._readings(values, now, came=came)

    async def answers(self, link: Link) -> bool:
        """Whether it answers at all, an exception included."""
        block = self._blocks[0]
        try:
            await link.ask(self._slave.unit, block.table, block.address, block.size)
        except NoAnswer:
            return False
        except Denied:
            return True
        return True

    @property
    def unit(self) -> int:
        """Its address on the line."""
        return self._slave.unit

    def _awake(self, now: int) -> list[Block]:
        """Without what it denied for good a short while ago."""
        self._resting = {key: until for key, until in self._resting.items() if until > now}
        return [block for block in self._blocks if block.key not in self._resting]

    def _unanswered(self, block: Block, values: Values) -> list[Item]:
        """It lives, but leaves one question open. What came is good; the rest is asked again.

        Many devices say nothing at all where the standard wants an exception: such a question
        rests after a while, and never makes a slave that tells of smoke count as gone.
        """
        now = self._clock.now().mono
        came = self.presence.answered()
        self.due = now + int(self.presence.pause() * SECOND)
        self._mute[block.key] += 1
        items = self._readings(values, now, came=came)
        if self._mute[block.key] <= self._retries:
            return items
        self._resting[block.key] = now + self._backoff
        return items + self._complain(block, b"", "no answer, though others are answered")

    def _silent(self) -> list[Item]:
        """Nothing was answered: again after a while, or it is gone."""
        gone = self.presence.silent()
        self.due = self._clock.now().mono + int(self.presence.pause() * SECOND)
        if not gone:
            return []
        self._said.clear()
        self._resting.clear()
        return [self._reading(part, {ONLINE: False}) for part in self._kinds]

    def _denied(self, block: Block, denied: Denied, items: list[Item]) -> bool:
        """Whether the block was cut in two, to find out which point it is."""
        exists = block.key in self._read
        if denied.for_good and denied.code != 1 and len(block.points) > 1 and not exists:
            at = self._blocks.index(block)
            self._blocks[at : at + 1] = halves(block)
            return True
        if denied.for_good and not exists:
            self._resting[block.key] = self._clock.now().mono + _REST
        raw = bytes((_READS[block.table] | 0x80, denied.code))
        items += self._complain(block, raw, str(denied))
        return False

    def _complain(self, block: Block, raw: bytes, reason: str) -> list[Item]:
        """Once, until a point of the block is well again."""
        keys = {point.key for point in block.points}
        if self._complained.issuperset(keys):
            return []
        self._complained |= keys
        return [self._undecodable(raw, f"{block.names}: {reason}")]

    def _note(self, block: Block, faults: tuple[Fault, ...], items: list[Item]) -> bool:
        """Say each fault once until the point is well again; whether it is another device."""
        news = [fault for fault in faults if fault.point.key not in self._complained]
        items += [self._undecodable(fault.raw, fault.reason) for fault in news]
        self._complained.difference_update(point.key for point in block.points)
        self._complained.update(fault.point.key for fault in faults)
        return any(fault.point.expect for fault in faults)

    def _readings(self, values: Values, now: int, *, came: bool) -> list[Item]:
        """One for each device of the slave that has news."""
        found: list[Item] = []
        known = {} if self._foreign else values
        for part in self._kinds:
            own = {name: value for (where, name), value in known.items() if where == part}
            said, at = self._said.get(part, ({}, 0))
            if own and (own != said or came or now - at >= self._repeat):
                self._said[part] = (own, now)
            elif not came:
                continue
            found.append(self._reading(part, own | {ONLINE: True} if came else own))
        return found

    def _reading(self, part: str, values: dict[str, Value]) -> Reading:
        device = f"{self._slave.device}/{part}" if part else self._slave.device
        return Reading(device, self._kinds[part], values)

    def _undecodable(self, raw: bytes, reason: str) -> Undecodable:
        where = f"unit {self._slave.unit} ({self._slave.device})"
        return Undecodable(self._name, raw, f"{where}: {reason}")
