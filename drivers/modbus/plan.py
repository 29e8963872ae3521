"""Which questions to ask: points grouped into as few reads as the device allows. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from drivers.modbus.points import BITS, TABLES, Point, Table


class Block(NamedTuple):
    """One read: ``size`` places of ``table`` from ``address`` on, and the points in them."""

    table: Table
    address: int
    size: int
    points: tuple[Point, ...]

    @property
    def key(self) -> tuple[str, int, int]:
        """Names it among the reads of a device."""
        return self.table, self.address, self.size

    @property
    def names(self) -> str:
        """Its points, for people."""
        told = [point.name for point in self.points[:4]]
        more = len(self.points) - len(told)
        return ", ".join(told) + (f" and {more} more" if more else "")


def blocks(
    points: Iterable[Point], *, max_registers: int, max_bits: int, bridge: int
) -> list[Block]:
    """The fewest reads in which neighbours are at most ``bridge`` unused places apart."""
    found: list[Block] = []
    for table in TABLES:
        most = max_bits if table in BITS else max_registers
        own = sorted((p for p in points if p.table == table), key=lambda p: (p.address, p.size))
        group: list[Point] = []
        end = 0
        for point in own:
            after = max(end, point.address + point.size)
            if group and (point.address - end > bridge or after - group[0].address > most):
                found.append(_block(table, group))
                group, after = [], point.address + point.size
            group.append(point)
            end = after
        if group:
            found.append(_block(table, group))
    return found


def halves(block: Block) -> list[Block]:
    """Two blocks for one that the device does not read whole: cut at the widest gap."""
    points = block.points
    gaps = [b.address - (a.address + a.size) for a, b in itertools.pairwise(points)]
    widest = max(gaps, default=0)
    cut = gaps.index(widest) + 1 if widest > 0 else len(points) // 2
    return [_block(block.table, part) for part in (points[:cut], points[cut:]) if part]


def _block(table: Table, points: Sequence[Point]) -> Block:
    first = points[0].address
    end = max(point.address + point.size for point in points)
    return Block(table, first, end - first, tuple(points))
