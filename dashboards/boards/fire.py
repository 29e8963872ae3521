"""Fire and gas (消防)."""

from __future__ import annotations

from typing import Final

from dashboards import palette
from dashboards.boards._shared import (
    DEVICE_NAME,
    PLACE,
    case_table,
    false_causes,
    highest,
    open_stat,
    opened_chart,
    overdue_stat,
    recent,
)
from dashboards.links import DEVICE, DEVICES, cases
from dashboards.names import DEVICE as NAME
from dashboards.names import device_names
from dashboards.panels import Panels
from dashboards.queries import FIRE, lines, rows, within
from dashboards.sheet import Options, Sheet
from dashboards.tile import Column, Size, Tile, Told
from gateway.model import Text

_LIFE: Final = "life"
_LEL: Final = ((None, palette.SKY), (5.0, palette.YELLOW), (10.0, palette.VERMILLION))
_CO: Final = ((None, palette.SKY), (24.0, palette.YELLOW), (80.0, palette.VERMILLION))
_HEAT: Final = ((None, palette.SKY), (54.0, palette.VERMILLION))
"""°C: the static response temperature of the most sensitive heat detectors (class A1)."""


def fire(options: Options) -> Sheet:
    """Cases of life safety above, what detectors measure below."""
    p = Panels(options.language, tiles=options.tiles)
    return Sheet(
        "fire",
        Text("消防", "Fire and gas"),
        Text(
            "烟感、温感、燃气、一氧化碳、紧急按钮和消防主机。",
            "Smoke, heat, gas, carbon monoxide, panic buttons and panels.",
        ),
        [
            [open_stat(p, _LIFE, Size(4, 6)), overdue_stat(p, _LIFE, Size(4, 6)), _told(p),
             opened_chart(p, _LIFE, options.zone, Size(12, 6))],
            [case_table(p, _LIFE, Size(24, 8))],
            [_density(p), _heat(p)],
            [_gas(p), _co(p)],
            [_alarms(p), _tests(p), false_causes(p, _LIFE, Size(8, 9))],
            [recent(p, _LIFE, Size(24, 10))],
        ],
    )  # fmt: skip


def _told(p: Panels) -> Tile:
    told = Told(
        Text("通知用时（95%）", "Time to tell (95 %)"),
        Text(
            "生命安全消息从产生到送达，95% 不超过此值。",
            "From written to told: 95 % of the messages about life safety took no longer.",
        ),
        "s", Size(4, 6), cases(category=_LIFE),
    )  # fmt: skip
    text = (
        'SELECT percentile("seconds", 95) AS "seconds" FROM "message" '
        "WHERE $timeFilter AND \"category\" = 'life' AND \"end\" = 'told'"
    )
    steps = ((None, palette.CALM), (10.0, palette.LOOK), (60.0, palette.ACT))
    return p.stat(told, [lines(text, "seconds")], steps=steps, since="")


def _density(p: Panels) -> Tile:
    told = Told(
        Text("烟雾浓度", "Smoke density"),
        Text("每个网格的最大值。", "The highest of each grid."),
        "suffix:%/m", Size(12, 8), DEVICES,
    )  # fmt: skip
    return highest(p, told, "density", "smoke")


def _heat(p: Panels) -> Tile:
    told = Told(
        Text("温度", "Temperature"),
        Text("各网格烟感和温感处的最高温度；虚线是温感动作温度。",
             "The highest at smoke and heat detectors; dashed: where heat detectors act."),
        "celsius", Size(12, 8), DEVICES,
    )  # fmt: skip
    return highest(p, told, "temperature", "smoke", "heat", limits=_HEAT, least=None)


def _gas(p: Panels) -> Tile:
    told = Told(
        Text("可燃气浓度", "Gas"),
        Text("爆炸下限的百分比；虚线是预警和报警值。",
             "Per cent of the lower explosive limit; dashed: warning and alarm."),
        "percent", Size(12, 8), DEVICES,
    )  # fmt: skip
    return highest(p, told, "lel", "gas", limits=_LEL)


def _co(p: Panels) -> Tile:
    told = Told(
        Text("一氧化碳", "Carbon monoxide"),
        Text("每个网格的最大值。", "The highest of each grid."),
        "ppm", Size(12, 8), DEVICES,
    )  # fmt: skip
    return highest(p, told, "co", "gas", "co", limits=_CO)


def _alarms(p: Panels) -> Tile:
    told = Told(
        Text("报警次数", "Alarms reported"),
        Text(
            "各设备报告“报警”的次数，最多的在前。",
            "How often each device said alarm, most first.",
        ),
        "none", Size(8, 9), DEVICE,
    )  # fmt: skip
    called = device_names("alarm")
    return p.bars(told, [rows(_counted("alarm"))], value="alarm", name=NAME, names=called)


def _tests(p: Panels) -> Tile:
    told = Told(
        Text("测试键", "Test button"),
        Text("按过测试键的设备和次数；没有出现的设备从未测试过。",
             "Devices whose test button was pressed; one that is missing was never tested."),
        "none", Size(8, 9), DEVICE,
    )  # fmt: skip
    columns = [*DEVICE_NAME, PLACE, Column("test", Text("次数", "Times"), "none", width=80)]
    called = device_names("test", place=True)
    return p.table(told, [rows(_counted("test"))], columns, order=("test", True), names=called)


def _counted(field: str) -> str:
    return (
        f'SELECT count("{field}") AS "{field}" FROM {FIRE} WHERE {within()} '
        f'AND "{field}" = true GROUP BY "device", "place"'
    )
