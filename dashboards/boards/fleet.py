"""Gateways and hubs (网关与平台): losses, backlogs, disks, clocks, channels."""

from __future__ import annotations

from typing import Final

from dashboards import palette
from dashboards.boards._shared import ALARMED, WHEN
from dashboards.links import DEVICE, DEVICES, LINE, cases
from dashboards.names import PLACE, place_names
from dashboards.panels import Panels
from dashboards.queries import lines, newest, rows, within
from dashboards.sheet import Options, Sheet
from dashboards.tile import TIME, Column, Size, Tile, Told
from gateway.model import Text

_OURS: Final = '"gateway"'
_LEDGER: Final = '"ledger"'
_DOOR: Final = "\"reader\" = 'door'"
_READERS: Final = "\"reader\" != 'door'"
_HOT: Final = ((None, palette.SKY), (70.0, palette.YELLOW), (80.0, palette.VERMILLION))
"""°C: a Raspberry Pi slows down at 80."""
_GATEWAY: Final = Text("网关", "Gateway")
_PARTS: Final = ("driver_down", "sink_down", "channel_down")


def fleet(options: Options) -> Sheet:
    """The ledger adds up, nothing piles up, nothing wears out."""
    p = Panels(options.language, tiles=options.tiles)
    return Sheet(
        "fleet",
        Text("网关与平台", "Gateways and hubs"),
        Text(
            "读数账目、积压、磁盘、温度、时钟和通知渠道。",
            "The loss ledger, backlog, disk, temperature, clock and channels.",
        ),
        [
            [_lost(p), _refused(p), _waiting(p), _free(p), _down(p), _channels(p)],
            [_received(p), _backlog(p)],
            [_ledger(p), _messages(p)],
            [_disk(p), _wear(p, options.zone), _heat(p)],
            [_cpu(p), _memory(p), _age(p)],
            [_clock(p), _held(p)],
        ],
    )


def _lost(p: Panels) -> Tile:
    told = Told(
        Text("丢失", "Lost"),
        Text(
            "时间范围内各读者丢弃的读数（账目中的 dropped），应为零。",
            "Readings that a reader lost in the time range (dropped in the ledger): zero is right.",
        ),
        "short", Size(4, 5), DEVICES,
    )  # fmt: skip
    query = lines(_grown("dropped", _READERS), "n")
    return p.stat(told, [query], steps=ALARMED, since="", filled=True)


def _refused(p: Panels) -> Tile:
    told = Told(
        Text("拒收", "Refused"),
        Text(
            "时间范围内入口拒收的读数（重复、无法解析等），有原因可查。",
            "Refused at the door in the time range (repeats, unreadable): the reason is kept.",
        ),
        "short", Size(4, 5), DEVICES,
    )  # fmt: skip
    return p.stat(told, [lines(_grown("refused", _DOOR), "n")], since="")


def _grown(field: str, where: str) -> str:
    """By how much a counter grew: where it began says what was before a reader was there."""
    return (
        f'SELECT sum("{field}") AS "n" FROM (SELECT spread("{field}") AS "{field}" '
        f'FROM {_LEDGER} WHERE $timeFilter AND {where} GROUP BY "reader", "site")'
    )


def _waiting(p: Panels) -> Tile:
    told = Told(
        Text("积压", "Waiting"),
        Text("还没有交给读者的读数。", "Readings that a reader has still before it."),
        "short", Size(4, 5), DEVICES,
    )  # fmt: skip
    text = (
        f'SELECT sum("waiting") AS "n" FROM (SELECT last("waiting") AS "waiting" FROM {_LEDGER} '
        f'WHERE $timeFilter AND {_READERS} GROUP BY "reader", "site")'
    )
    steps = ((None, palette.CALM), (1_000.0, palette.LOOK), (100_000.0, palette.ACT))
    return p.stat(told, [lines(text, "n")], steps=steps)


def _free(p: Panels) -> Tile:
    told = Told(
        Text("磁盘剩余最少", "Least disk free"),
        Text("所有网关中最少的。", "The least of all gateways."),
        "percent", Size(4, 5), DEVICES,
    )  # fmt: skip
    inner = newest("disk_free", _OURS, by="place device site")
    text = f'SELECT min("disk_free") AS "n" FROM ({inner})'
    steps = ((None, palette.ACT), (10.0, palette.LOOK), (20.0, palette.CALM))
    return p.stat(told, [lines(text, "n")], steps=steps)


def _down(p: Panels) -> Tile:
    told = Told(
        Text("采集或上传中断", "Drivers or sinks down"),
        Text(
            "最近一次报告为中断的采集和上传。",
            "Drivers and sinks whose newest report says down.",
        ),
        "none", Size(4, 5), DEVICES,
    )  # fmt: skip
    queries = [lines(_down_count(field), p.word("value", field)) for field in _PARTS[:2]]
    return p.stat(told, queries, series=None, steps=ALARMED, since="", filled=True, named=True)


def _down_count(field: str) -> str:
    inner = newest(field, _OURS, by="place device site")
    return f'SELECT count("{field}") AS "n" FROM ({inner}) WHERE "{field}" = true'


def _channels(p: Panels) -> Tile:
    told = Told(
        Text("通知渠道中断", "Channels down"),
        Text("不可用的通知渠道数。", "Channels that can not tell anybody."),
        "none", Size(4, 5), cases(category="system"),
    )  # fmt: skip
    text = (
        'SELECT count("up") AS "n" FROM (SELECT last("up") AS "up" FROM "channel" '
        'WHERE $timeFilter GROUP BY "channel", "site") WHERE "up" = 0'
    )
    return p.stat(told, [lines(text, "n")], steps=ALARMED, filled=True)


def _received(p: Panels) -> Tile:
    told = Told(
        Text("收到读数", "Readings received"),
        Text("每分钟收到、拒收的读数。", "Readings received and refused a minute."),
        "short", Size(12, 8), DEVICES,
    )  # fmt: skip
    named = (("received", Text("收到", "received")), ("refused", Text("拒收", "refused")))
    queries = [lines(_rate(field), p.say(text)) for field, text in named]
    return p.chart(told, queries, interval="10m")


def _rate(field: str) -> str:
    """Of all gateways; a counter that began anew gives no negative rate."""
    return (
        f'SELECT sum("rate") AS "rate" FROM (SELECT non_negative_derivative(last("{field}"), 1m) '
        f'AS "rate" FROM {_LEDGER} WHERE $timeFilter AND {_DOOR} '
        'GROUP BY time($__interval), "site" fill(none)) '
        "WHERE $timeFilter GROUP BY time($__interval) fill(none)"
    )


def _backlog(p: Panels) -> Tile:
    told = Told(
        Text("各读者积压", "Backlog of each reader"),
        Text("规则、上传各有一个读者；回到零说明已补齐。",
             "Rules and sinks are readers; back at zero means that it has caught up."),
        "short", Size(12, 8), DEVICES,
    )  # fmt: skip
    text = (
        f'SELECT max("waiting") AS "waiting" FROM {_LEDGER} WHERE $timeFilter AND {_READERS} '
        'GROUP BY time($__interval), "reader", "site" fill(none)'
    )
    return p.chart(told, [lines(text, "$tag_site $tag_reader")], interval="10m")


def _ledger(p: Panels) -> Tile:
    told = Told(
        Text("读数账目", "The loss ledger"),
        Text("每个读者：已交付、等待、丢失。", "Of each reader: delivered, waiting, lost."),
        "short", Size(12, 8), DEVICES,
    )  # fmt: skip
    text = (
        'SELECT last("delivered") AS "delivered", "waiting" AS "waiting", "dropped" AS "dropped" '
        f'FROM {_LEDGER} WHERE $timeFilter AND {_READERS} GROUP BY "reader", "site"'
    )
    columns = [
        Column("site", _GATEWAY),
        Column("reader", Text("读者", "Reader")),
        Column("delivered", Text("已交付", "Delivered"), "none"),
        Column("waiting", Text("等待", "Waiting"), "none"),
        Column("dropped", Text("丢失", "Lost"), "none"),
    ]
    return p.table(told, [rows(text)], columns, since="15m")


def _messages(p: Panels) -> Tile:
    told = Told(
        Text("消息去向", "What became of messages"),
        Text("时间范围内的消息，按结果。", "Messages of the time range, by how they ended."),
        "none", Size(12, 8), cases(),
    )  # fmt: skip
    text = 'SELECT sum("n") AS "n" FROM "message" WHERE $timeFilter GROUP BY "end"'
    return p.bars(told, [rows(text)], value="n", name="end", words="end")


def _of_gateway(
    p: Panels, told: Told, field: str, *,
    limits: tuple[tuple[float | None, str], ...] = (), of: str = "max",
) -> Tile:  # fmt: skip
    text = (
        f'SELECT {of}("{field}") AS "{field}" FROM {_OURS} WHERE {within()} '
        'GROUP BY time($__interval), "device", "place", "site" fill(none)'
    )
    return p.chart(told, [lines(text, _line(p))], interval="10m", limits=limits)


def _line(p: Panels) -> str:
    """What a gateway's line is called: its own name is the tag that tells gateways apart."""
    return f"{p.say(_GATEWAY)} $tag_site"


def _disk(p: Panels) -> Tile:
    told = Told(
        Text("磁盘剩余", "Disk free"),
        Text("低于 3% 时最旧的数据会被删除。", "Below 3 % the oldest data are let go."),
        "percent", Size(8, 8), LINE,
    )  # fmt: skip
    return _of_gateway(p, told, "disk_free", of="min")


def _wear(p: Panels, zone: str) -> Tile:
    told = Told(
        Text("写盘量", "Disk wear"),
        Text("每天写入存储卡的数据量；一张卡能写的总量有限。",
             "Written to the card each day: what a card can take is limited."),
        "mbytes", Size(8, 8), LINE,
    )  # fmt: skip
    text = (
        'SELECT sum("written") AS "written" FROM '
        '(SELECT non_negative_difference(last("disk_written")) '
        f'AS "written" FROM {_OURS} WHERE {within()} '
        'GROUP BY time(1h), "device", "place", "site" fill(none)) '
        'WHERE $timeFilter GROUP BY time(1d), "device", "place", "site" '
        f"fill(none) tz('{zone}')"
    )
    return p.chart(told, [lines(text, _line(p))], bars=True)


def _heat(p: Panels) -> Tile:
    told = Told(
        Text("处理器温度", "Processor temperature"),
        Text("树莓派在 80 °C 时降速。", "A Raspberry Pi slows down at 80 °C."),
        "celsius", Size(8, 8), LINE,
    )  # fmt: skip
    return _of_gateway(p, told, "temperature", limits=_HOT)


def _cpu(p: Panels) -> Tile:
    told = Told(
        Text("处理器占用", "CPU"),
        Text("网关程序占用一个核的百分比。", "Per cent of one core that the program uses."),
        "percent", Size(8, 7), LINE,
    )  # fmt: skip
    return _of_gateway(p, told, "cpu")


def _memory(p: Panels) -> Tile:
    told = Told(
        Text("内存", "Memory"),
        Text("网关程序的常驻内存。", "Resident memory of the program."),
        "mbytes", Size(8, 7), LINE,
    )  # fmt: skip
    return _of_gateway(p, told, "memory")


def _age(p: Panels) -> Tile:
    told = Told(
        Text("最近一次上报", "Last report"),
        Text("每个网关最近一次上报的时间。", "When each gateway said something last."),
        "string", Size(8, 7), DEVICE,
    )  # fmt: skip
    text = newest("memory", _OURS, by="place device site")
    columns = [
        Column("site", _GATEWAY),
        Column(PLACE, Text("地点", "Place")),
        Column("device", Text("设备", "Device"), link=DEVICE),
        WHEN,
    ]
    called = place_names("memory")
    return p.table(told, [rows(text)], columns, order=(TIME, False), names=called)


def _clock(p: Panels) -> Tile:
    told = Told(
        Text("时钟", "Clock"),
        Text(
            "时钟是否可信；不可信时数据带有标记。",
            "Whether it can be trusted; data are marked if not.",
        ),
        "bool", Size(14, 6), LINE,
    )  # fmt: skip
    text = (
        f'SELECT last("clock_trusted") AS "clock_trusted" FROM {_OURS} WHERE {within()} '
        'GROUP BY time($__interval), "device", "place", "site" fill(none)'
    )
    query = lines(text, _line(p))
    return p.states(told, [query], "clock_trusted", bad=False, interval="10m")


def _held(p: Panels) -> Tile:
    told = Told(
        Text("暂缓的消息", "Messages held"),
        Text(
            "因限额或免打扰而等待的消息，按渠道。",
            "Waiting for a quota or quiet hours, by channel.",
        ),
        "none", Size(10, 6), cases(),
    )  # fmt: skip
    text = (
        'SELECT max("held") AS "held" FROM "channel" WHERE $timeFilter '
        'GROUP BY time($__interval), "channel", "site" fill(none)'
    )
    return p.chart(told, [lines(text, "$tag_site $tag_channel")], interval="10m")
