"""The words of the tables: column names and cell values, in English and as users write them.

Adding a word is adding an entry; the first Chinese word of a column is the one templates use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.model import KINDS, LEVELS, ROLES

Columns = Mapping[str, tuple[str, ...]]
"""Column -> its other names."""

PLACE_COLUMNS: Final[Columns] = {
    "code": ("编码", "代码", "地点编码", "网格编码"),
    "parent": ("上级", "上级编码"),
    "level": ("级别", "层级"),
    "name": ("名称", "地点名称"),
    "address": ("地址", "详细地址"),
    "latitude": ("纬度",),
    "longitude": ("经度",),
    "contact": ("联系人", "联系方式", "联系电话"),
}
DEVICE_COLUMNS: Final[Columns] = {
    "id": ("编号", "设备编号"),
    "driver": ("驱动", "接入"),
    "address": ("地址", "设备地址", "通信地址"),
    "kind": ("种类", "类型", "设备类型"),
    "name": ("名称", "设备名称"),
    "place": ("地点", "位置", "网格", "地点编码"),
    "model": ("型号",),
    "floor": ("楼层",),
    "flat": ("房号", "户号", "房间"),
    "latitude": ("纬度",),
    "longitude": ("经度",),
    "max_silence": ("最长静默", "静默时限"),
    "ranges": ("合理范围", "量程"),
    "contact": ("联系人", "联系方式", "联系电话"),
    "state": ("状态",),
    "tags": ("标签",),
    "serial": ("序列号", "出厂编号"),
    "until": ("旁路至", "截止"),
    "because": ("原因", "事由"),
}
PEOPLE_COLUMNS: Final[Columns] = {
    "id": ("编号", "工号", "人员编号"),
    "name": ("姓名", "名称"),
    "grid": ("网格", "网格编码", "地点"),
    "role": ("角色", "岗位", "职务"),
    "phone": ("电话", "手机", "手机号"),
    "language": ("语言",),
    "channels": ("通知渠道", "渠道"),
    "email": ("邮箱", "电子邮件"),
    "accounts": ("账号", "帐号"),
    "quiet": ("免打扰", "免打扰时段"),
}
ROSTER_COLUMNS: Final[Columns] = {
    "place": ("地点", "网格", "地点编码"),
    "role": ("角色", "岗位", "职务"),
    "people": ("人员", "值班人员", "值班员"),
    "kind": ("方式", "类别"),
    "days": ("星期", "日子"),
    "hours": ("时段", "时间"),
    "since": ("起", "起始日期", "日期"),
    "until": ("止", "截止日期"),
    "every": ("每班天数", "轮换天数"),
    "instead": ("替换", "原值班人"),
    "without": ("除外", "除外日期"),
}
HOLIDAY_COLUMNS: Final[Columns] = {
    "day": ("日期",),
    "kind": ("类别", "方式"),
    "name": ("名称", "节日"),
}

PLACE_REQUIRED: Final = ("code", "parent", "level", "name")
DEVICE_REQUIRED: Final = ("id", "driver", "address", "kind", "name", "place")
PEOPLE_REQUIRED: Final = ("id", "name", "grid", "role")
ROSTER_REQUIRED: Final = ("place", "role", "people")
HOLIDAY_REQUIRED: Final = ("day",)

TITLES: Final[Mapping[str, tuple[str, ...]]] = {
    "places": ("places", "地点"),
    "devices": ("devices", "设备"),
    "people": ("people", "人员"),
    "rosters": ("rosters", "值班", "值班表"),
    "holidays": ("holidays", "节假日"),
}
"""Table -> what a sheet or a file of it is called."""
COLUMNS: Final[Mapping[str, Columns]] = {
    "places": PLACE_COLUMNS,
    "devices": DEVICE_COLUMNS,
    "people": PEOPLE_COLUMNS,
    "rosters": ROSTER_COLUMNS,
    "holidays": HOLIDAY_COLUMNS,
}
REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "places": PLACE_REQUIRED,
    "devices": DEVICE_REQUIRED,
    "people": PEOPLE_REQUIRED,
    "rosters": ROSTER_REQUIRED,
    "holidays": HOLIDAY_REQUIRED,
}


def _words(own: tuple[str, ...], others: Mapping[str, str]) -> dict[str, str]:
    return {word: word for word in own} | dict(others)


LEVEL_WORDS: Final = _words(
    LEVELS,
    {
        "市": "city",
        "区": "district",
        "县": "district",
        "区县": "district",
        "街道": "street",
        "镇": "street",
        "乡": "street",
        "乡镇": "street",
        "社区": "community",
        "村": "community",
        "网格": "grid",
        "楼栋": "building",
        "楼": "building",
        "楼宇": "building",
    },
)
ROLE_WORDS: Final = _words(
    ROLES,
    {
        "协管员": "assistant",
        "网格协管员": "assistant",
        "网格员": "officer",
        "管理员": "officer",
        "网格管理员": "officer",
        "督导员": "supervisor",
        "网格督导员": "supervisor",
    },
)
KIND_WORDS: Final = _words(
    tuple(KINDS),
    {
        "烟感": "smoke",
        "感烟": "smoke",
        "烟雾": "smoke",
        "温感": "heat",
        "感温": "heat",
        "燃气": "gas",
        "可燃气体": "gas",
        "一氧化碳": "co",
        "红外": "infrared",
        "红外报警器": "infrared",
        "门磁": "contact",
        "井盖": "manhole",
        "摄像头": "camera",
        "摄像机": "camera",
        "水浸": "water",
        "水压": "water",
        "消火栓": "water",
        "水务": "water",
        "紧急按钮": "panic",
        "手动报警按钮": "panic",
        "报警主机": "panel",
        "路灯": "lamp",
        "电力": "power",
        "环境": "climate",
        "温湿度": "climate",
        "网关": "gateway",
    },
)
KIND_NAMES: Final[Mapping[str, str]] = {
    kind: next(word for word, meaning in KIND_WORDS.items() if meaning == kind and word != kind)
    for kind in KINDS
}
"""Kind -> what users call it."""
STATE_WORDS: Final = _words(
    ("planned", "installed", "accepted", "bypassed", "retired"),
    {
        "计划": "planned",
        "计划中": "planned",
        "已安装": "installed",
        "已验收": "accepted",
        "正常": "accepted",
        "旁路": "bypassed",
        "已旁路": "bypassed",
        "停用": "retired",
        "已停用": "retired",
        "报废": "retired",
    },
)
LANGUAGE_WORDS: Final = _words(("zh", "en"), {"中文": "zh", "英文": "en"})
DUTY_WORDS: Final = _words(
    ("weekly", "rotation", "exception", "swap"),
    {
        "每周": "weekly",
        "固定": "weekly",
        "轮班": "rotation",
        "轮流": "rotation",
        "例外": "exception",
        "临时": "exception",
        "换班": "swap",
        "替班": "swap",
    },
)
HOLIDAY_WORDS: Final = _words(
    ("holiday", "workday"),
    {
        "节假日": "holiday",
        "放假": "holiday",
        "休": "holiday",
        "班": "workday",
        "调休上班": "workday",
    },
)
DAY_WORDS: Final = _words(
    ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday", "workday", "restday"),
    {
        **dict(
            pair
            for before in ("周", "星期", "礼拜")
            for pair in zip(
                (before + number for number in "一二三四五六日"),
                ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
                strict=True,
            )
        ),
        "周天": "sun",
        "星期天": "sun",
        "节假日": "holiday",
        "工作日": "workday",
        "休息日": "restday",
    },
)
