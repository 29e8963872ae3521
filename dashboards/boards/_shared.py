"""What several boards show in the same way."""

from __future__ import annotations

from typing import Final

from dashboards import names, palette
from dashboards.links import CASE, DEVICE, OPEN, cases
from dashboards.names import device_names, place_labels
from dashboards.panels import Panels
from dashboards.queries import Query, gauge_sum, here, lines, newest, rows, within
from dashboards.tile import NOW, TIME, Column, Size, Tile, Told
from gateway.model import Text

ALARMED: Final = ((None, palette.CALM), (1.0, palette.ACT))
"""Nothing, or something to be done."""
LOOKED_AT: Final = ((None, palette.CALM), (1.0, palette.LOOK))
CASE_KEY: Final = Column("key", Text("编号", "Case"), link=CASE, width=150)
PLACE: Final = Column(names.PLACE, Text("地点", "Place"))
"""Where a query is joined with the names of places."""
WHEN: Final = Column(TIME, Text("时间", "When"), "dateTimeAsLocal", width=170)
WHERE: Final = Column("where", Text("地点", "Where"))
"""The names of places, where a series has them."""
DEVICE_ID: Final = Column("device", Text("设备", "Device"), link=DEVICE, width=190)
DEVICE_NAME: Final = (
    Column(names.DEVICE, Text("设备", "Device"), link=DEVICE),
    Column("device", Text("设备编号", "Number"), hidden=True),
)
"""Where a query is joined with the names of devices."""
KIND: Final = Column("kind", Text("类型", "Kind"), words="kind", width=120)
SEVERITY: Final = Column(
    "severity", Text("级别", "Severity"), words="severity", colors=palette.SEVERITIES, width=90
)
CATEGORY: Final = Column("category", Text("类别", "Category"), words="category", width=110)


def also(**tags: str) -> str:
    """Further conditions on tags."""
    return "".join(f" AND \"{name}\" = '{value}'" for name, value in tags.items() if value)


def title_column(panels: Panels) -> str:
    """The field that has an incident's title in the board's language."""
    return "title" if panels.language == "zh" else "title_en"


def open_cases(panels: Panels, *fields: str, where: str = "") -> Query:
    """The most urgent open cases as rows, from the newest point of each slot.

    Only ``fields`` are read besides where and what: each is a walk through every slot's series.
    """
    read = ("where", title_column(panels), "deadline", "place", *fields)
    picked = ", ".join(f'"{name}"' for name in read)
    inner = ", ".join(f'"{name}" AS "{name}"' for name in read)
    return rows(
        f'SELECT "key", {picked} FROM (SELECT last("key") AS "key", {inner} FROM "open_case" '
        f'WHERE $timeFilter GROUP BY "slot", "site") '
        f"WHERE \"key\" != '' AND {here()}{where}"
    )


def case_table(panels: Panels, category: str, size: Size) -> Tile:
    """Open cases of a category with who has them and since when."""
    told = Told(
        Text("未办结事件", "Open cases"),
        Text(
            "最紧急的在前；点编号打开事件。",
            "The most urgent first; press the number to open it.",
        ),
        "string", size, CASE,
    )  # fmt: skip
    columns = [
        SEVERITY,
        WHERE,
        Column(title_column(panels), Text("事件", "What")),
        Column("stage", Text("待办", "Next"), words="stage", colors=palette.STAGES, width=120),
        Column("owner_name", Text("责任人", "Owner"), width=110),
        Column("since", Text("始于", "Since"), "dateTimeAsLocal", width=170),
        Column("deadline", Text("时限", "Limit"), "dateTimeFromNow", width=140),
        CASE_KEY,
    ]
    where = f" AND \"category\" = '{category}'"
    fields = ("severity", "stage", "owner_name", "since", "category")
    query = open_cases(panels, *fields, where=where)
    return panels.table(told, [query], columns, order=("deadline", False), since=NOW)


def open_stat(panels: Panels, category: str, size: Size) -> Tile:
    """How many are open, and of them overdue."""
    told = Told(
        Text("未办结", "Open"),
        Text("现在未办结的事件数。", "Cases that are not closed now."),
        "none", size, cases(OPEN, category=category),
    )  # fmt: skip
    text = gauge_sum("open", '"cases"', by=_GAUGE, where=_category(category))
    return panels.stat(told, [lines(text, "open")], steps=LOOKED_AT)


def overdue_stat(panels: Panels, category: str, size: Size) -> Tile:
    """How many missed their limit."""
    told = Told(
        Text("超时", "Overdue"),
        Text("其中已超过办理时限的。", "Of them past their time limit."),
        "none", size, cases(OPEN, category=category, overdue="1"),
    )  # fmt: skip
    text = gauge_sum("overdue", '"cases"', by=_GAUGE, where=_category(category))
    return panels.stat(told, [lines(text, "overdue")], steps=ALARMED, filled=True)


def opened_chart(panels: Panels, category: str, zone: str, size: Size) -> Tile:
    """Cases opened on each day, by severity."""
    told = Told(
        Text("每日发生", "Opened each day"),
        Text("每天发生的事件，按级别。", "Cases that were opened, by severity."),
        "none", size, cases(category=category),
    )  # fmt: skip
    text = (
        f'SELECT sum("n") AS "n" FROM "incident" WHERE {within()} AND "what" = \'opened\''
        f"{also(category=category)} GROUP BY time(1d), \"severity\" fill(none) tz('{zone}')"
    )
    return panels.chart(
        told, [lines(text, "$tag_severity")], series=("severity", palette.SEVERITIES), bars=True
    )


def false_causes(panels: Panels, category: str, size: Size) -> Tile:
    """Why alarms were false."""
    told = Told(
        Text("误报原因", "Causes of false alarms"),
        Text("办结为误报的事件，按原因。", "Cases closed as false alarms, by cause."),
        "none", size, cases("closed", category=category),
    )  # fmt: skip
    text = (
        f'SELECT sum("false") AS "false" FROM "closing" WHERE {within()}{also(category=category)} '
        'AND "outcome" = \'false_alarm\' GROUP BY "cause"'
    )
    return panels.bars(told, [rows(text)], value="false", name="cause", words="cause")


def recent(panels: Panels, category: str, size: Size) -> Tile:
    """What was opened last."""
    told = Told(
        Text("最近发生", "Opened last"),
        Text("时间范围内最近的 100 起事件。", "The last 100 cases of the time range."),
        "string", size, CASE,
    )  # fmt: skip
    title = title_column(panels)
    text = (
        f'SELECT "key", "{title}", "severity", "kind", "device", "place" FROM "incident" '
        f"WHERE {within()} AND \"what\" = 'opened'{also(category=category)} "
        "ORDER BY time DESC LIMIT 100"
    )
    columns = [
        WHEN,
        SEVERITY,
        Column(title, Text("事件", "What")),
        KIND,
        *DEVICE_NAME,
        PLACE,
        CASE_KEY,
    ]
    called = device_names("key", place=True)
    return panels.table(told, [rows(text)], columns, names=called)


def highest(
    panels: Panels,
    told: Told,
    field: str,
    *kinds: str,
    of: str = "max",
    interval: str = "10m",
    limits: tuple[tuple[float | None, str], ...] = (),
    least: float | None = 0,
) -> Tile:
    """A value over time: its extreme in each grid and step, of all ``kinds`` of device.

    A line for each device would be a thousand lines; one device's own history is in the console.
    """
    read = f"/^({'|'.join(kinds)})$/" if kinds[1:] else f'"{kinds[0]}"'
    text = (
        f'SELECT {of}("{field}") AS "{field}" FROM {read} WHERE {within()} '
        'GROUP BY time($__interval), "place" fill(none)'
    )
    called = place_labels(field)
    return panels.chart(
        told, [rows(text)], interval=interval, limits=limits, least=least, names=called, fold=of
    )


def now_true(field: str, measurement: str, state: str = "true") -> str:
    """How many devices last said that ``field`` is true (or false)."""
    inner = newest(field, measurement, by="device place")
    return f'SELECT count("{field}") AS "n" FROM ({inner}) WHERE "{field}" = {state}'


_GAUGE: Final = "place category severity stage"


def _category(category: str) -> str:
    return f"\"category\" = '{category}'" if category else ""
