"""Officers and grids (人员与网格考核): in time or not, passed on, repeated, false."""

from __future__ import annotations

from typing import Final

from dashboards import palette
from dashboards.boards._shared import CATEGORY, DEVICE_NAME, PLACE
from dashboards.links import DEVICE, OPEN, cases
from dashboards.names import DEVICE as NAME
from dashboards.names import PERSON, device_names, person_names, place_names
from dashboards.names import PLACE as GRID
from dashboards.panels import Panels
from dashboards.queries import lines, rows, within
from dashboards.sheet import Options, Sheet
from dashboards.tile import Column, Size, Tile, Told
from gateway.model import Text

_STAGE: Final = '"stage"'
_GOOD: Final = ((None, palette.ACT), (0.8, palette.LOOK), (0.95, palette.CALM))
_WHAT: Final = {"opened": palette.SKY, "closed": palette.GREEN, "overdue": palette.VERMILLION}


def people(options: Options) -> Sheet:
    """Rates above, who and where below."""
    p = Panels(options.language, tiles=options.tiles)
    return Sheet(
        "people",
        Text("人员与网格", "Officers and grids"),
        Text(
            "按时签收与办结、转办、超时、重复地点和误报设备。",
            "In time or not, transfers, overdue cases, repeat places, false alarms.",
        ),
        [
            [
                _rate(p, "receive"),
                _rate(p, "close"),
                _first(p),
                _false(p),
                _course(p, options.zone),
            ],
            [_people(p), _grids(p)],
            [_transfers(p), _overdue(p), _outcomes(p)],
            [_places(p), _repeats(p), _false_devices(p)],
        ],
        span="now-30d",
        marks=False,
    )


def _rate(p: Panels, stage: str) -> Tile:
    title = {
        "receive": Text("按时签收率", "Received in time"),
        "close": Text("按时办结率", "Closed in time"),
    }[stage]
    told = Told(
        title, Text("在时限内完成的比例。", "The share that was done within the limit."),
        "percentunit", Size(4, 6), cases("closed"),
    )  # fmt: skip
    text = (
        f'SELECT mean("on_time_n") AS "rate" FROM {_STAGE} WHERE {within()} '
        f"AND \"stage\" = '{stage}'"
    )
    return p.stat(told, [lines(text, "rate")], steps=_GOOD, since="")


def _first(p: Panels) -> Tile:
    told = Told(
        Text("签收用时（中位数）", "Time to receive (median)"),
        Text("从发生到签收；一半的事件更快。", "From opened to received; half were faster."),
        "dthms", Size(4, 6), cases("closed"),
    )  # fmt: skip
    text = (
        f'SELECT median("seconds") AS "seconds" FROM {_STAGE} WHERE {within()} '
        "AND \"stage\" = 'receive'"
    )
    return p.stat(told, [lines(text, "seconds")], since="")


def _false(p: Panels) -> Tile:
    told = Told(
        Text("误报率", "False alarms"),
        Text("办结事件中误报的比例。", "The share of closed cases that were false alarms."),
        "percentunit", Size(4, 6), cases("closed"),
    )  # fmt: skip
    text = f'SELECT mean("false") AS "rate" FROM "closing" WHERE {within()}'
    steps = ((None, palette.CALM), (0.3, palette.LOOK), (0.6, palette.ACT))
    return p.stat(told, [lines(text, "rate")], steps=steps, since="")


def _course(p: Panels, zone: str) -> Tile:
    told = Told(
        Text("每日发生、办结、超时", "Opened, closed, overdue each day"),
        Text("每天的事件数。", "Cases of each day."),
        "none", Size(8, 6), cases(),
    )  # fmt: skip
    text = (
        f'SELECT sum("n") AS "n" FROM "incident" WHERE {within()} '
        'AND "what" =~ /^(opened|closed|overdue)$/ '
        f"GROUP BY time(1d), \"what\" fill(none) tz('{zone}')"
    )
    return p.chart(told, [lines(text, "$tag_what")], series=("happened", _WHAT))


def _on_time(by: str) -> str:
    return (
        'SELECT sum("n") AS "n", mean("on_time_n") AS "rate", mean("seconds") AS "seconds" '
        f"FROM {_STAGE} WHERE {within()} GROUP BY {by}"
    )


_RATES: Final = [
    Column("n", Text("次数", "Stages"), "none", width=90),
    Column("rate", Text("按时", "In time"), "percentunit", width=100),
    Column("seconds", Text("平均用时", "Mean time"), "dthms", width=150),
]


def _people(p: Panels) -> Tile:
    told = Told(
        Text("按人员", "By person"),
        Text("每人负责的各环节：次数、按时率、平均用时。",
             "Of each person and stage: how many, in time, mean time."),
        "string", Size(12, 10), cases("closed"),
    )  # fmt: skip
    columns = [
        Column(PERSON, Text("人员", "Person")),
        Column("stage", Text("环节", "Stage"), words="stage", width=130),
        *_RATES,
    ]
    return p.table(
        told, [rows(_on_time('"person", "stage"'))], columns,
        order=("rate", False), names=person_names("n"),
    )  # fmt: skip


def _grids(p: Panels) -> Tile:
    told = Told(
        Text("按网格", "By grid"),
        Text("每个网格的各环节，按时率最低的在前。", "Of each grid, the least in time first."),
        "string", Size(12, 10), cases("closed"),
    )  # fmt: skip
    columns = [Column(GRID, Text("网格", "Grid")), *_RATES]
    query = rows(_on_time('"place"'))
    return p.table(told, [query], columns, order=("rate", False), names=place_names("n"))


def _transfers(p: Panels) -> Tile:
    told = Told(
        Text("转办最多的网格", "Grids that pass on most"),
        Text("办结事件的转办次数。", "Transfers of the cases that were closed."),
        "none", Size(8, 9), cases("closed"),
    )  # fmt: skip
    text = (
        f'SELECT sum("transfers") AS "transfers" FROM "closing" WHERE {within()} GROUP BY "place"'
    )
    called = place_names("transfers")
    return p.bars(told, [rows(text)], value="transfers", name=GRID, names=called)


def _overdue(p: Panels) -> Tile:
    told = Told(
        Text("超时最多的网格", "Grids with most overdue"),
        Text("时间范围内超时的次数。", "How often a limit was missed in the time range."),
        "none", Size(8, 9), cases(OPEN, overdue="1"),
    )  # fmt: skip
    text = (
        f'SELECT sum("n") AS "n" FROM "incident" WHERE {within()} AND "what" = \'overdue\' '
        'GROUP BY "place"'
    )
    return p.bars(told, [rows(text)], value="n", name=GRID, names=place_names("n"))


def _outcomes(p: Panels) -> Tile:
    told = Told(
        Text("办结结果", "Outcomes"),
        Text("办结事件的结果。", "How closed cases ended."),
        "none", Size(8, 9), cases("closed"),
    )  # fmt: skip
    text = f'SELECT sum("n") AS "n" FROM "closing" WHERE {within()} GROUP BY "outcome"'
    return p.bars(told, [rows(text)], value="n", name="outcome", words="outcome")


def _places(p: Panels) -> Tile:
    told = Told(
        Text("事件最多的网格", "Grids with most cases"),
        Text("时间范围内发生的事件。", "Cases opened in the time range."),
        "none", Size(8, 9), cases(),
    )  # fmt: skip
    text = (
        f'SELECT sum("n") AS "n" FROM "incident" WHERE {within()} AND "what" = \'opened\' '
        'GROUP BY "place"'
    )
    return p.bars(told, [rows(text)], value="n", name=GRID, names=place_names("n"))


def _repeats(p: Panels) -> Tile:
    told = Told(
        Text("重复地点", "Repeat places"),
        Text("同一设备已办结三次以上，隐患没有消除。",
             "Closed three times or more at one device: the hazard is still there."),
        "none", Size(8, 9), DEVICE,
    )  # fmt: skip
    counted = (
        f'SELECT sum("n") AS "n" FROM "closing" WHERE {within()} '
        'GROUP BY "device", "place", "category"'
    )
    text = f'SELECT "n", "device", "place", "category" FROM ({counted}) WHERE "n" >= 3'
    columns = [
        *DEVICE_NAME,
        PLACE,
        CATEGORY,
        Column("n", Text("次数", "Times"), "none", width=70),
    ]
    called = device_names("n", place=True)
    return p.table(told, [rows(text)], columns, order=("n", True), names=called)


def _false_devices(p: Panels) -> Tile:
    told = Told(
        Text("误报最多的设备", "Devices with most false alarms"),
        Text("清洁、移位或更换。", "Clean, move or replace them."),
        "none", Size(8, 9), DEVICE,
    )  # fmt: skip
    text = (
        f'SELECT sum("false") AS "false" FROM "closing" WHERE {within()} '
        'AND "outcome" = \'false_alarm\' GROUP BY "device"'
    )
    return p.bars(told, [rows(text)], value="false", name=NAME, names=device_names("false"))
