"""Points to reads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus.plan import Block, blocks, halves
from drivers.modbus.points import Point


def point(address: int, table: str = "register", kind: str = "u16") -> Point:
    more = {} if table in ("coil", "discrete") else {"type": kind}
    return Point.model_validate({"value": f"extra.{table}{address}{kind}", table: address} | more)


def shape(found: list[Block]) -> list[tuple[str, int, int, int]]:
    return [(block.table, block.address, block.size, len(block.points)) for block in found]


def plan(*points: Point, registers: int = 125, bits: int = 2000, bridge: int = 4) -> list[Block]:
    return blocks(points, max_registers=registers, max_bits=bits, bridge=bridge)


def test_neighbours_come_in_one_read_and_tables_do_not_mix() -> None:
    found = plan(point(3), point(0), point(1, kind="u32"), point(0, "input"), point(7, "coil"))
    assert shape(found) == [("register", 0, 4, 3), ("input", 0, 1, 1), ("coil", 7, 1, 1)]


def test_gap_is_bridged_as_far_as_allowed() -> None:
    assert shape(plan(point(0), point(5))) == [("register", 0, 6, 2)]
    assert shape(plan(point(0), point(6))) == [("register", 0, 1, 1), ("register", 6, 1, 1)]
    assert len(plan(point(0), point(2), bridge=0)) == 2


def test_read_is_never_longer_than_the_device_allows() -> None:
    assert shape(plan(*map(point, range(5)), registers=2)) == [
        ("register", 0, 2, 2),
        ("register", 2, 2, 2),
        ("register", 4, 1, 1),
    ]


def test_several_points_may_lie_in_one_register() -> None:
    high, low = (
        Point.model_validate({"value": f"extra.{n}", "register": 4, "bit": n, "bits": 4})
        for n in (8, 0)
    )
    assert shape(plan(high, low, point(4, kind="u32"))) == [("register", 4, 2, 3)]


def test_refused_read_is_cut_at_its_widest_gap() -> None:
    [block] = plan(point(0), point(1), point(4), point(6))
    assert shape(halves(block)) == [("register", 0, 2, 2), ("register", 4, 3, 2)]
    [block] = plan(point(0), point(1), point(2))
    assert shape(halves(block)) == [("register", 0, 1, 1), ("register", 1, 2, 2)]


POINTS = st.lists(
    st.builds(
        point,
        st.integers(0, 300),
        st.sampled_from(["register", "input", "coil", "discrete"]),
        st.sampled_from(["u16", "u32", "f64"]),
    ),
    max_size=30,
)


@given(
    points=POINTS,
    registers=st.integers(4, 125),
    bits=st.integers(1, 2000),
    bridge=st.integers(0, 20),
)
def test_every_point_is_in_one_read_that_holds_it(points, registers, bits, bridge) -> None:
    found = blocks(points, max_registers=registers, max_bits=bits, bridge=bridge)
    assert sorted(p.name for b in found for p in b.points) == sorted(p.name for p in points)
    for block in found:
        assert block.size <= (bits if block.table in ("coil", "discrete") else registers)
        for each in block.points:
            assert block.address <= each.address
            assert each.address + each.size <= block.address + block.size
        while len(block.points) > 1:
            parts = halves(block)
            assert sum(len(part.points) for part in parts) == len(block.points)
            block = parts[0]
