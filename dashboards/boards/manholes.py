"""Manholes and water (井盖与水务)."""

from __future__ import annotations

from typing import Final

from dashboards import palette
from dashboards.boards._shared import (
    DEVICE_NAME,
    PLACE,
    WHEN,
    case_table,
    highest,
    now_true,
    open_stat,
    opened_chart,
    overdue_stat,
)
from dashboards.links import DEVICE, DEVICES
from dashboards.names import device_names
from dashboards.panels import Panels
from dashboards.queries import lines, newest, rows
from dashboards.sheet import Options, Sheet
from dashboards.tile import Column, Size, Tile, Told
from gateway.model import Text

_FACILITY: Final = "facility"
_METRES: Final = "suffix: m"
"""Of water: Grafana's own unit would turn to millimetres from one row to the next."""
_LOOK: Final = ((None, palette.CALM), (1.0, palette.LOOK))
_LEL: Final = ((None, palette.SKY), (5.0, palette.YELLOW), (10.0, palette.VERMILLION))
_TILT: Final = ((None, palette.SKY), (15.0, palette.VERMILLION))


def manholes(options: Options) -> Sheet:
    """Facilities: covers, wells, leaks, hydrants."""
    p = Panels(options.language, tiles=options.tiles)
    size = Size(4, 6)
    return Sheet(
        "manholes",
        Text("井盖与水务", "Manholes and water"),
        Text("井盖、井下水位与可燃气、漏水、消火栓。", "Covers, wells, leaks and hydrants."),
        [
            [open_stat(p, _FACILITY, size), overdue_stat(p, _FACILITY, size), _open(p, size),
             _leaks(p, size), opened_chart(p, _FACILITY, options.zone, Size(8, 6))],
            [case_table(p, _FACILITY, Size(24, 7))],
            [_covers(p)],
            [_water(p), _gas(p)],
            [_tilt(p), _pressure(p), _level(p)],
        ],
    )  # fmt: skip


def _open(p: Panels, size: Size) -> Tile:
    told = Told(
        Text("打开的井盖", "Covers open"),
        Text("最近一次报告为打开的井盖。", "Covers whose newest report says open."),
        "none", size, DEVICES,
    )  # fmt: skip
    return p.stat(told, [lines(now_true("open", '"manhole"'), "n")], steps=_LOOK, since="")


def _leaks(p: Panels, size: Size) -> Tile:
    told = Told(
        Text("漏水点", "Leaks"),
        Text("最近一次报告为漏水的探头。", "Sensors whose newest report says leak."),
        "none", size, DEVICES,
    )  # fmt: skip
    return p.stat(told, [lines(now_true("leak", '"water"'), "n")], steps=_LOOK, since="")


def _covers(p: Panels) -> Tile:
    told = Told(
        Text("井盖现状", "Covers now"),
        Text("每个井盖最近一次报告。", "The newest report of every cover."),
        "string", Size(24, 8), DEVICE,
    )  # fmt: skip
    inner = newest("open", '"manhole"', "tilt", "water_level", "lel", by="device place")
    text = f'SELECT "open", "tilt", "water_level", "lel", "device", "place" FROM ({inner})'
    columns = [
        *DEVICE_NAME, PLACE,
        Column("open", Text("井盖", "Cover"), truth="open"),
        Column("tilt", Text("倾角", "Tilt"), "degree"),
        Column("water_level", Text("水位", "Water level"), _METRES),
        Column("lel", Text("可燃气", "Gas (LEL)"), "percent"),
        WHEN,
    ]  # fmt: skip
    called = device_names("open", place=True)
    return p.table(told, [rows(text)], columns, order=("water_level", True), names=called)


def _water(p: Panels) -> Tile:
    told = Told(
        Text("井下水位", "Water in wells"),
        Text("每个网格的最高水位。", "The highest of each grid."),
        _METRES, Size(12, 8), DEVICES,
    )  # fmt: skip
    return highest(p, told, "water_level", "manhole", interval="1h")


def _gas(p: Panels) -> Tile:
    told = Told(
        Text("井下可燃气", "Gas in wells"),
        Text("爆炸下限的百分比。", "Per cent of the lower explosive limit."),
        "percent", Size(12, 8), DEVICES,
    )  # fmt: skip
    return highest(p, told, "lel", "manhole", interval="1h", limits=_LEL)


def _tilt(p: Panels) -> Tile:
    told = Told(
        Text("井盖倾角", "Tilt of covers"),
        Text("每个网格的最大倾角。", "The largest of each grid."),
        "degree", Size(8, 8), DEVICES,
    )  # fmt: skip
    return highest(p, told, "tilt", "manhole", interval="1h", limits=_TILT)


def _pressure(p: Panels) -> Tile:
    told = Told(
        Text("消火栓压力", "Hydrant pressure"),
        Text("每个网格的最低压力。", "The lowest of each grid."),
        "pressurekpa", Size(8, 8), DEVICES,
    )  # fmt: skip
    return highest(p, told, "pressure", "water", of="min", interval="1h")


def _level(p: Panels) -> Tile:
    told = Told(
        Text("水池水位", "Tank level"),
        Text("每个网格的最低水位。", "The lowest of each grid."),
        _METRES, Size(8, 8), DEVICES,
    )  # fmt: skip
    return highest(p, told, "level", "water", of="min", interval="1h")
