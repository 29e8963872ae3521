"""Intrusion (入侵防范): infrared alarms, doors, and what cameras confirm."""

from __future__ import annotations

from typing import Final

from dashboards import palette
from dashboards.boards._shared import (
    DEVICE_NAME,
    PLACE,
    WHEN,
    case_table,
    false_causes,
    now_true,
    open_stat,
    opened_chart,
    overdue_stat,
    recent,
)
from dashboards.links import DEVICE, DEVICES, cases
from dashboards.names import DEVICE as NAME
from dashboards.names import device_names
from dashboards.panels import Panels
from dashboards.queries import lines, newest, rows, within
from dashboards.sheet import Options, Sheet
from dashboards.tile import TIME, Size, Tile, Told
from gateway.model import Text

_INTRUSION: Final = "intrusion"
_KINDS: Final = {
    "infrared": palette.VERMILLION, "camera": palette.SKY, "contact": palette.YELLOW,
    "panel": palette.PURPLE,
}  # fmt: skip


def intrusion(options: Options) -> Sheet:
    """Cases above, what the sensors said below."""
    p = Panels(options.language, tiles=options.tiles)
    size = Size(4, 6)
    return Sheet(
        "intrusion",
        Text("入侵防范", "Intrusion"),
        Text("红外报警器、门磁和摄像头移动。", "Infrared alarms, doors and motion at cameras."),
        [
            [open_stat(p, _INTRUSION, size), overdue_stat(p, _INTRUSION, size), _doors(p, size),
             opened_chart(p, _INTRUSION, options.zone, Size(12, 6))],
            [case_table(p, _INTRUSION, Size(24, 8))],
            [_infrared(p), _kinds(p)],
            [_often(p), _open_doors(p), false_causes(p, _INTRUSION, Size(8, 9))],
            [recent(p, _INTRUSION, Size(24, 10))],
        ],
    )  # fmt: skip


def _doors(p: Panels, size: Size) -> Tile:
    told = Told(
        Text("开着的门", "Doors open"),
        Text("最近一次报告为打开的门磁。", "Contacts whose newest report says open."),
        "none", size, DEVICES,
    )  # fmt: skip
    steps = ((None, palette.CALM), (1.0, palette.LOOK))
    return p.stat(told, [lines(now_true("open", '"contact"'), "n")], steps=steps, since="")


def _infrared(p: Panels) -> Tile:
    told = Told(
        Text("红外报警（每小时）", "Infrared alarms an hour"),
        Text("红外报警器报告“报警”的次数。", "How often infrared alarms said alarm."),
        "none", Size(12, 8), cases(category=_INTRUSION),
    )  # fmt: skip
    text = (
        f'SELECT count("alarm") AS "alarm" FROM "infrared" WHERE {within()} AND "alarm" = true '
        "GROUP BY time($__interval) fill(0)"
    )
    name = p.word("kind", "infrared")
    return p.chart(told, [lines(text, name)], bars=True, interval="1h")


def _kinds(p: Panels) -> Tile:
    told = Told(
        Text("事件来源", "What opened the cases"),
        Text("按最先报警的设备类型，每 6 小时。", "By the kind of the first device, every 6 h."),
        "none", Size(12, 8), cases(category=_INTRUSION),
    )  # fmt: skip
    text = (
        f'SELECT sum("n") AS "n" FROM "incident" WHERE {within()} AND "what" = \'opened\' '
        'AND "category" = \'intrusion\' GROUP BY time($__interval), "kind" fill(none)'
    )
    queries = [lines(text, "$tag_kind")]
    return p.chart(told, queries, series=("kind", _KINDS), bars=True, interval="6h")


def _often(p: Panels) -> Tile:
    told = Told(
        Text("报警最多的红外", "Infrared alarms that ring most"),
        Text(
            "次数多而属实少的要调整位置或灵敏度。",
            "Many alarms and few real ones: move or mend it.",
        ),
        "none", Size(8, 9), DEVICE,
    )  # fmt: skip
    text = (
        f'SELECT count("alarm") AS "alarm" FROM "infrared" WHERE {within()} AND "alarm" = true '
        'GROUP BY "device"'
    )
    return p.bars(told, [rows(text)], value="alarm", name=NAME, names=device_names("alarm"))


def _open_doors(p: Panels) -> Tile:
    told = Told(
        Text("开着的门（清单）", "Which doors are open"),
        Text("最近一次报告为打开的，及其时间。", "Those whose newest report says open, and when."),
        "string", Size(8, 9), DEVICE,
    )  # fmt: skip
    inner = newest("open", '"contact"', by="device place")
    text = f'SELECT "open", "device", "place" FROM ({inner}) WHERE "open" = true'
    columns = [*DEVICE_NAME, PLACE, WHEN]
    called = device_names("open", place=True)
    return p.table(told, [rows(text)], columns, order=(TIME, True), names=called)
