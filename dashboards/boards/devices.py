"""Device health (设备健康): silence, batteries, links, and detectors that are probably dead."""

from __future__ import annotations

from typing import Final

from dashboards import palette
from dashboards.boards._shared import ALARMED, DEVICE_ID, KIND, LOOKED_AT, WHERE
from dashboards.links import DEVICE, DEVICES, cases
from dashboards.names import DEVICE as NAME
from dashboards.names import device_names
from dashboards.panels import Panels
from dashboards.queries import lines, newest, rows, within
from dashboards.sheet import Options, Sheet
from dashboards.tile import Column, Size, Sum, Tile, Told
from gateway.model import Text

STATE: Final = '"device_state"'
HOURLY: Final = "3h"
"""The state of every device is written every hour."""
_TREND: Final = "24h"
"""Drawn of every device's every hour: of a week it is half a second of a database's time."""
SOON: Final = 30
"""Days: a battery that will not last them goes on this week's round."""
_TAGS: Final = "device place kind"
_NAME: Final = Column("name", Text("名称", "Name"))


def devices(options: Options) -> Sheet:
    """What to mend, the most urgent first."""
    p = Panels(options.language, tiles=options.tiles)
    return Sheet(
        "devices",
        Text("设备健康", "Device health"),
        Text(
            "失联、电量预测、信号，以及可能已失效的探测器。",
            "Silence, battery forecast, links, and detectors that are probably dead.",
        ),
        [
            [_counts(p), _empty(p), _course(p)],
            [_dead_table(p)],
            [_silent_table(p), _battery_table(p)],
            [_kinds(p), _link(p)],
            [_rssi(p), _trouble(p)],
        ],
    )


def _counts(p: Panels) -> Tile:
    told = Told(
        Text("设备总数", "All devices"),
        Text(
            "登记的、超过最长静默时间的，以及长期失联、电池耗尽、自报故障或从未上报的。",
            "Registered; silent for longer than is normal; silent for very long, battery empty, "
            "a fault of its own, or never heard.",
        ),
        "none", Size(9, 6), DEVICES,
    )  # fmt: skip
    inner = newest("silent_n", STATE, "dead_n", by=_TAGS)
    text = (
        'SELECT count("silent_n") AS "registered", sum("silent_n") AS "silent", '
        f'sum("dead_n") AS "dead" FROM ({inner})'
    )
    calm = ((None, palette.CALM),)
    columns = [
        Sum("registered", Text("登记", "Registered"), calm),
        Sum("silent", Text("失联", "Silent"), LOOKED_AT),
        Sum("dead", Text("可能已失效", "Probably dead"), ALARMED),
    ]
    return p.columns(told, rows(text), columns, since=HOURLY)


def _empty(p: Panels) -> Tile:
    told = Told(
        Text("电池将尽", "Batteries ending"),
        Text("预计 30 天内用完的电池。", "Batteries that are forecast to end within 30 days."),
        "none", Size(3, 6), DEVICES,
    )  # fmt: skip
    inner = newest("battery_days", STATE, by=_TAGS)
    text = f'SELECT count("battery_days") AS "n" FROM ({inner}) WHERE "battery_days" < {SOON}'
    return p.stat(told, [lines(text, "n")], steps=LOOKED_AT, since=HOURLY)


def _course(p: Panels) -> Tile:
    told = Told(
        Text("失联比例", "Share that is silent"),
        Text("每小时失联的设备占比，按类型。", "The share of devices that were silent, by kind."),
        "percentunit", Size(12, 6), DEVICES,
    )  # fmt: skip
    text = (
        f'SELECT mean("silent_n") AS "share" FROM {STATE} WHERE {within()} '
        'GROUP BY time($__interval), "kind" fill(none)'
    )
    return p.chart(told, [lines(text, "$tag_kind")], interval="1h", kinds=True, since=_TREND)


def _dead_table(p: Panels) -> Tile:
    told = Told(
        Text("可能已失效的探测器", "Detectors that are probably dead"),
        Text("及其理由；到现场测试后更换。", "And why; test them on site, then replace them."),
        "string", Size(24, 6), DEVICE,
    )  # fmt: skip
    why = "dead_why" if p.language == "zh" else "dead_why_en"
    names = f'"{why}", "name", "where", "device", "place", "kind"'
    inner = newest("dead_n", STATE, why, "name", "where", by=_TAGS)
    text = f'SELECT "dead_n", {names} FROM ({inner}) WHERE "dead_n" > 0'
    columns = [DEVICE_ID, _NAME, KIND, WHERE, Column(why, Text("理由", "Why"))]
    return p.table(told, [rows(text)], columns, since=HOURLY)


def _silent_table(p: Panels) -> Tile:
    told = Told(
        Text("失联设备", "Silent devices"),
        Text("没有上报的时间，最久的在前。", "For how long nothing was heard, the longest first."),
        "string", Size(12, 9), DEVICE,
    )  # fmt: skip
    inner = newest("age", STATE, "silent", "name", "where", by=_TAGS)
    names = '"name", "where", "device", "place", "kind"'
    text = f'SELECT "age", {names} FROM ({inner}) WHERE "silent" = true'
    columns = [DEVICE_ID, _NAME, KIND, WHERE, Column("age", Text("静默", "Silent for"), "dtdhms")]
    return p.table(told, [rows(text)], columns, order=("age", True), since=HOURLY)


def _battery_table(p: Panels) -> Tile:
    told = Told(
        Text("电量预测", "Battery forecast"),
        Text("预计剩余天数，最少的在前。", "Days that are left by forecast, the fewest first."),
        "string", Size(12, 9), DEVICE,
    )  # fmt: skip
    inner = newest("battery_days", STATE, "battery", "name", "where", by=_TAGS)
    names = '"battery", "name", "where", "device", "place", "kind"'
    text = f'SELECT "battery_days", {names} FROM ({inner}) WHERE "battery_days" < 365'
    columns = [
        DEVICE_ID, _NAME, KIND, WHERE,
        Column("battery", Text("电量", "Battery"), "percent", width=90),
        Column("battery_days", Text("剩余天数", "Days left"), "suffix: d", width=110),
    ]  # fmt: skip
    return p.table(told, [rows(text)], columns, order=("battery_days", False), since=HOURLY)


def _kinds(p: Panels) -> Tile:
    told = Told(
        Text("失联：按类型", "Silent, by kind"),
        Text("各类设备失联的数量。", "How many of each kind are silent."),
        "none", Size(12, 9), DEVICES,
    )  # fmt: skip
    inner = newest("silent_n", STATE, by=_TAGS)
    text = f'SELECT sum("silent_n") AS "n" FROM ({inner}) GROUP BY "kind"'
    return p.bars(told, [rows(text)], value="n", name="kind", words="kind", since=HOURLY)


def _link(p: Panels) -> Tile:
    told = Told(
        Text("信号最弱", "Weakest links"),
        Text("信号质量最低的十个设备。", "The ten devices with the poorest link quality."),
        "percent", Size(12, 9), DEVICE,
    )  # fmt: skip
    text = newest("link", STATE, by="device")
    steps = ((None, palette.ACT), (20.0, palette.LOOK), (50.0, palette.SKY))
    return p.bars(
        told, [rows(text)], value="link", name=NAME, names=device_names("link"),
        steps=steps, since=HOURLY, desc=False,
    )  # fmt: skip


def _rssi(p: Panels) -> Tile:
    told = Told(
        Text("信号强度", "Signal strength"),
        Text("每类设备中最弱的。", "The weakest of each kind."),
        "dBm", Size(14, 8), DEVICES,
    )  # fmt: skip
    text = (
        f'SELECT min("rssi") AS "rssi" FROM {STATE} WHERE {within()} '
        'GROUP BY time($__interval), "kind" fill(none)'
    )
    return p.chart(
        told, [lines(text, "$tag_kind")], interval="1h", least=None, kinds=True, since=_TREND
    )


def _trouble(p: Panels) -> Tile:
    told = Told(
        Text("设备异常最多", "Devices with most trouble"),
        Text(
            "时间范围内设备异常事件最多的设备。",
            "Most cases of device trouble in the time range.",
        ),
        "none", Size(10, 8), cases(category="trouble"),
    )  # fmt: skip
    text = (
        f'SELECT count("key") AS "n" FROM "closing" WHERE {within()} '
        'AND "category" = \'trouble\' GROUP BY "device"'
    )
    return p.bars(told, [rows(text)], value="n", name=NAME, names=device_names("n"))
