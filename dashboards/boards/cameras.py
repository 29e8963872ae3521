"""Cameras (摄像头)."""

from __future__ import annotations

from dashboards import palette
from dashboards.boards._shared import DEVICE_NAME, PLACE, WHEN, highest, now_true
from dashboards.links import DEVICE, DEVICES, LINE, cases
from dashboards.names import DEVICE as NAME
from dashboards.names import device_names
from dashboards.panels import Panels
from dashboards.queries import lines, newest, rows, within
from dashboards.sheet import Options, Sheet
from dashboards.tile import TIME, Size, Tile, Told
from gateway.model import Text


def cameras(options: Options) -> Sheet:
    """Which are there, and what they see."""
    p = Panels(options.language, tiles=options.tiles)
    return Sheet(
        "cameras",
        Text("摄像头", "Cameras"),
        Text("在线情况和移动侦测。", "Which are online, and the motion that they see."),
        [
            [_online(p), _offline(p), _motions(p)],
            [_timeline(p)],
            [_most(p), _list(p), _opened(p)],
            [_area(p)],
        ],
    )


def _online(p: Panels) -> Tile:
    told = Told(
        Text("在线", "Online"),
        Text("最近一次报告为在线的摄像头。", "Cameras whose newest report says online."),
        "none", Size(4, 7), DEVICES,
    )  # fmt: skip
    return p.stat(told, [lines(now_true("online", '"camera"'), "n")], since="")


def _offline(p: Panels) -> Tile:
    told = Told(
        Text("离线", "Offline"),
        Text("最近一次报告为离线的摄像头。", "Cameras whose newest report says offline."),
        "none", Size(4, 7), DEVICES,
    )  # fmt: skip
    steps = ((None, palette.CALM), (1.0, palette.ACT))
    query = lines(now_true("online", '"camera"', "false"), "n")
    return p.stat(told, [query], steps=steps, since="", filled=True)


def _motions(p: Panels) -> Tile:
    told = Told(
        Text("移动侦测（每小时）", "Motion seen an hour"),
        Text("所有摄像头报告“有移动”的次数。", "How often any camera said motion."),
        "none", Size(16, 7), cases(category="intrusion"),
    )  # fmt: skip
    text = (
        f'SELECT count("motion") AS "motion" FROM "camera" WHERE {within()} AND "motion" = true '
        "GROUP BY time($__interval) fill(0)"
    )
    return p.chart(told, [lines(text, p.word("value", "motion"))], bars=True, interval="1h")


def _timeline(p: Panels) -> Tile:
    told = Told(
        Text("在线记录", "Online over time"),
        Text("每台摄像头何时在线、何时离线。", "When each camera was online and when not."),
        "bool", Size(24, 9), LINE,
    )  # fmt: skip
    text = (
        f'SELECT last("online") AS "online" FROM "camera" WHERE {within()} '
        'GROUP BY time($__interval), "device" fill(none)'
    )
    return p.states(told, [lines(text, "$tag_device")], "online", bad=False, interval="1h")


def _most(p: Panels) -> Tile:
    told = Told(
        Text("移动最多的摄像头", "Cameras with most motion"),
        Text("次数特别多的要检查画面和区域设置。", "Very many: look at the picture and its zones."),
        "none", Size(8, 9), DEVICE,
    )  # fmt: skip
    text = (
        f'SELECT count("motion") AS "motion" FROM "camera" WHERE {within()} AND "motion" = true '
        'GROUP BY "device"'
    )
    return p.bars(told, [rows(text)], value="motion", name=NAME, names=device_names("motion"))


def _list(p: Panels) -> Tile:
    told = Told(
        Text("离线清单", "Which are offline"),
        Text("离线的摄像头和最近一次报告的时间。", "Cameras that are offline, and since when."),
        "string", Size(8, 9), DEVICE,
    )  # fmt: skip
    inner = newest("online", '"camera"', by="device place")
    text = f'SELECT "online", "device", "place" FROM ({inner}) WHERE "online" = false'
    columns = [*DEVICE_NAME, PLACE, WHEN]
    called = device_names("online", place=True)
    return p.table(told, [rows(text)], columns, order=(TIME, False), names=called)


def _opened(p: Panels) -> Tile:
    told = Told(
        Text("由摄像头引起的事件", "Cases that cameras opened"),
        Text("按类别。", "By category."),
        "none", Size(8, 9), cases(),
    )  # fmt: skip
    text = (
        f'SELECT sum("n") AS "n" FROM "incident" WHERE {within()} AND "what" = \'opened\' '
        'AND "kind" = \'camera\' GROUP BY "category"'
    )
    return p.bars(told, [rows(text)], value="n", name="category", words="category")


def _area(p: Panels) -> Tile:
    told = Told(
        Text("移动面积", "Moving area"),
        Text("各网格画面中移动部分的最大比例。", "The largest part of a picture that moved."),
        "percentunit", Size(24, 7), DEVICES,
    )  # fmt: skip
    return highest(p, told, "area", "camera", interval="1h")
