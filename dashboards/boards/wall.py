"""The command wall (值班大屏): what is open, whose clock runs out, where, who is there."""

from __future__ import annotations

from dashboards import palette
from dashboards.boards._shared import ALARMED, CASE_KEY, SEVERITY, WHERE, open_cases, title_column
from dashboards.links import CASE, OPEN, cases
from dashboards.names import PLACE, place_names
from dashboards.panels import Panels
from dashboards.queries import gauge_sum, lines, newest, rows
from dashboards.sheet import Options, Sheet
from dashboards.tile import NOW, TIME, WALL_TITLE, Column, Size, Tile, Told
from gateway.model import Text

_GAUGE = "place category severity stage"
_LIMIT = Column("deadline", Text("时限", "Limit"), "dateTimeFromNow")


def wall(options: Options) -> Sheet:
    """Everything in numbers and blocks that are read from five metres; no table."""
    p = Panels(options.language, far=True, tiles=options.tiles)
    return Sheet(
        "wall",
        Text("值班大屏", "Command wall"),
        Text(
            "未办结事件、计时、地图和值班人员；挂在指挥中心墙上。",
            "Open cases, running clocks, map and who has duty; for the wall of a command centre.",
        ),
        [
            [_storm(p), _picture(p)],
            [_stages(p), _overdue(p), _severities(p)],
            [_late(p), _running(p)],
            [_where(p), _grids(p), _duty(p)],
        ],
        span="now-24h",
        refresh="10s",
        marks=False,
    )


def _storm(p: Panels) -> Tile:
    told = Told(
        Text("报警风暴：合并发送的消息", "Alarm storm: messages merged"),
        Text(
            "短时间内报警过多时，消息合并发送；数字是现在合并的条数。",
            "When too many alarms come at once their messages are merged; how many are now.",
        ),
        "none", Size(15, 3), cases(OPEN),
    )  # fmt: skip
    text = gauge_sum("merged", '"storm"', by="place site")
    return p.stat(told, [lines(text, "merged")], steps=ALARMED, since="", filled=True, low=True)


def _picture(p: Panels) -> Tile:
    told = Told(
        Text("网关最近上报", "Last word of a gateway"),
        Text(
            "最久没有上报的网关，和它最近一次上报的时间；超过几分钟，说明大屏上的数据是旧的。",
            "The gateway that is silent longest: minutes ago means that the wall is old.",
        ),
        "dateTimeFromNow", Size(9, 3), cases(OPEN),
    )  # fmt: skip
    text = (
        'SELECT last("stored") AS "stored" FROM "ledger" WHERE $timeFilter '
        'AND "reader" = \'door\' GROUP BY "site"'
    )
    tile = p.texts(
        told, rows(text), value=TIME, texts=["site"], most=1, since="", order=(TIME, False)
    )  # fmt: skip
    tile.override("site", {"mappings": [p.unnamed(Text("网关", "Gateway"))]})
    return tile


def _stages(p: Panels) -> Tile:
    told = Told(
        Text("未办结：待办环节", "Open, by what is next"),
        Text("等待签收、办理、办结的事件数。", "Cases to be received, handled and closed."),
        "none", Size(9, 5), cases(OPEN),
    )  # fmt: skip
    text = gauge_sum("open", '"cases"', by=_GAUGE, per="stage")
    return p.stat(told, [lines(text, "$tag_stage")], series=("stage", palette.STAGES))


def _overdue(p: Panels) -> Tile:
    told = Told(
        Text("超时", "Overdue"),
        Text("已超过办理时限的事件数。", "Cases past their time limit."),
        "none", Size(5, 5), cases(OPEN, overdue="1"),
    )  # fmt: skip
    text = gauge_sum("overdue", '"cases"', by=_GAUGE)
    return p.stat(told, [lines(text, "overdue")], steps=ALARMED, filled=True)


def _severities(p: Panels) -> Tile:
    told = Told(
        Text("未办结：级别", "Open, by severity"),
        Text("各级别的未办结事件数。", "Open cases of each severity."),
        "none", Size(10, 5), cases(OPEN),
    )  # fmt: skip
    text = gauge_sum("open", '"cases"', by=_GAUGE, per="severity")
    series = ("severity", palette.SEVERITIES)
    return p.stat(told, [lines(text, "$tag_severity")], series=series)


def _late(p: Panels) -> Tile:
    told = Told(
        Text("已超时：超过多久", "Overdue: since when"),
        Text("时限过去最久的在前。", "The one that missed its limit first stands first."),
        "dateTimeFromNow", Size(12, 8), CASE,
    )  # fmt: skip
    return p.each(
        told,
        open_cases(p, "overdue", where=' AND "overdue" = true'),
        value="deadline", name=_name(p), most=5, color=palette.ACT, order=("deadline", False),
    )  # fmt: skip


def _running(p: Panels) -> Tile:
    told = Told(
        Text("计时中：离时限还有", "Running: time that is left"),
        Text("时限最近的在前。", "The nearest limit stands first."),
        "dateTimeFromNow", Size(12, 8), CASE,
    )  # fmt: skip
    return p.each(
        told,
        open_cases(p, "overdue", where=' AND "overdue" = false AND "deadline" > 0'),
        value="deadline", name=_name(p), most=5, order=("deadline", False),
    )  # fmt: skip


def _name(p: Panels) -> str:
    return f"${{__data.fields.where}} · ${{__data.fields.{title_column(p)}}}"


def _where(p: Panels) -> Tile:
    told = Told(
        Text("事件地图", "Map of open cases"),
        Text(
            "颜色是级别；点一个点打开事件。",
            "The colour is the severity; press a dot to open it.",
        ),
        "string", Size(8, 12), CASE,
    )  # fmt: skip
    title = Text("事件", "What")
    columns = [CASE_KEY, WHERE, Column(title_column(p), title), SEVERITY, _LIMIT]
    return p.map(told, open_cases(p, "severity", "latitude", "longitude"), columns=columns, size=20)


def _grids(p: Panels) -> Tile:
    told = Told(
        Text("未办结最多的网格", "Grids with most open cases"),
        Text("前五个网格。", "The first five."),
        "none", Size(7, 12), cases(OPEN),
    )  # fmt: skip
    counts = rows(gauge_sum("open", '"cases"', by=_GAUGE, per="place"))
    called = place_names("open")
    return p.bars(told, [counts], value="open", name=PLACE, names=called, most=5, since=NOW)


def _duty(p: Panels) -> Tile:
    told = Told(
        Text("现在值班", "On duty now"),
        Text(
            "所选地点各岗位的第一责任人。",
            "Who is responsible in each role at the chosen place.",
        ),
        "string", Size(9, 12), cases(OPEN),
    )  # fmt: skip
    inner = newest("person", '"duty"', "name", by="place role")
    text = f'SELECT "name", "role", "place" FROM ({inner}) WHERE "person" != \'\''
    tile = p.texts(
        told, rows(text), value="name", texts=[PLACE, "role"],
        most=8, size=WALL_TITLE, since="40m",
        order=("place", False), names=place_names("name"),
    )  # fmt: skip
    tile.override("role", {"mappings": [p.mapping("role", {})]})
    return tile
