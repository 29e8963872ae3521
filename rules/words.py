"""The value names in the words of officers and operators, Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from gateway.model import EXTRA, Text, every_value_name


class Says(NamedTuple):
    """How a yes-or-no value is said when it is true and when it is false."""

    yes: Text
    no: Text


def _says(zh: str, en: str, zh_no: str, en_no: str) -> Says:
    return Says(Text(zh, en), Text(zh_no, en_no))


FLAGS: Final[Mapping[str, Says]] = MappingProxyType(
    {
        "alarm": _says("探测器报警", "alarm", "探测器不再报警", "no alarm"),
        "armed": _says("已布防", "armed", "已撤防", "disarmed"),
        "battery_low": _says("电量低", "battery low", "电量正常", "battery normal"),
        "clock_trusted": _says("时钟可信", "clock trusted", "时钟不可信", "clock not trusted"),
        "disk_full": _says("磁盘已满", "disk full", "磁盘有空间", "disk has room"),
        "driver_down": _says("驱动中断", "driver down", "驱动正常", "drivers running"),
        "fault": _says("故障", "fault", "无故障", "no fault"),
        "leak": _says("漏水", "leak", "不再漏水", "no leak"),
        "motion": _says("画面有移动", "motion", "画面无移动", "no motion"),
        "muted": _says("已消音", "muted", "未消音", "not muted"),
        "occupied": _says("有人", "occupied", "无人", "not occupied"),
        "on": _says("开启", "on", "关闭", "off"),
        "online": _says("在线", "online", "离线", "offline"),
        "channel_down": _says("通知渠道中断", "channel down", "通知渠道正常", "channel running"),
        "channel_refuses": _says(
            "通知渠道拒收消息", "channel refuses", "通知渠道不再拒收", "channel takes messages"
        ),
        "open": _says("被打开", "open", "已关闭", "closed"),
        "roster_gap": _says("值班表有空缺", "roster gap", "值班表已补齐", "no roster gap"),
        "unreachable": _says("联系不上", "can not be reached", "已能联系上", "can be reached"),
        "canary": _says("巡检报警", "canary", "巡检结束", "canary over"),
        "canary_lost": _says("巡检报警未送达", "canary lost", "巡检报警已送达", "canary arrived"),
        "rule_failing": _says("规则出错或过慢", "rule failing", "规则正常", "rule working"),
        "rules_refused": _says(
            "改动的规则或登记表有错，仍用原来的",
            "changed rules or registry refused, the old ones go on",
            "规则和登记表正常",
            "rules and registry in order",
        ),
        "shielded": _says("已屏蔽", "shielded", "未屏蔽", "not shielded"),
        "sink_down": _says("数据上送中断", "sink down", "数据上送正常", "sinks running"),
        "started": _says("已启动", "started", "未启动", "not started"),
        "record_broken": _says(
            "记录与签名不符", "record does not hold", "记录完整", "record sound"
        ),
        "store_damaged": _says("存储文件有损坏", "store damaged", "存储文件无损坏", "store sound"),
        "store_replaced": _says(
            "存储文件损坏，已更换", "store replaced", "存储文件正常", "store in order"
        ),
        "tamper": _says("被拆动", "tampered with", "未被拆动", "not tampered with"),
        "test": _says("测试中", "being tested", "非测试", "not being tested"),
        "vibration": _says("有振动", "vibration", "无振动", "no vibration"),
    }
)

NOUNS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "area": Text("移动面积占比", "moving area"),
        "backlog": Text("积压", "backlog"),
        "battery": Text("电量", "battery"),
        "broker_drops": Text("消息服务器丢弃数", "messages dropped by the broker"),
        "co": Text("一氧化碳浓度", "carbon monoxide"),
        "co2": Text("二氧化碳浓度", "carbon dioxide"),
        "code": Text("代码", "code"),
        "cpu": Text("处理器占用", "CPU load"),
        "current": Text("电流", "current"),
        "density": Text("烟雾浓度", "density"),
        "disk_free": Text("磁盘剩余", "free disk"),
        "humidity": Text("湿度", "humidity"),
        "lel": Text("可燃气体浓度(爆炸下限)", "combustible gas (LEL)"),
        "level": Text("液位", "level"),
        "link": Text("信号质量", "link quality"),
        "memory": Text("内存占用", "memory"),
        "pm2_5": Text("PM2.5", "PM2.5"),
        "power": Text("功率", "power"),
        "pressure": Text("水压", "pressure"),
        "rssi": Text("信号强度", "signal strength"),
        "temperature": Text("温度", "temperature"),
        "tilt": Text("倾角", "tilt"),
        "tvoc": Text("挥发性有机物浓度", "TVOC"),
        "voltage": Text("电压", "voltage"),
        "water_level": Text("水位", "water level"),
        "disk_written": Text("写盘量", "written to disk"),
        "zone": Text("分区", "zone"),
    }
)

FUNCTIONS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "rate": Text("变化率", "rate of"),
        "avg": Text("平均值", "mean"),
        "min": Text("最小值", "least"),
        "max": Text("最大值", "greatest"),
        "count": Text("次数", "count of"),
        "changed": Text("变化", "change of"),
    }
)

MODES: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "disarmed": Text("撤防", "disarmed"),
        "home": Text("在家布防", "armed at home"),
        "away": Text("外出布防", "armed"),
    }
)

SEVERITIES: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "notice": Text("提示", "notice"),
        "warning": Text("警告", "warning"),
        "alarm": Text("报警", "alarm"),
        "critical": Text("危急", "critical"),
    }
)

SIGNS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "<": Text("低于", "below"),
        "<=": Text("不高于", "at or below"),
        ">": Text("高于", "above"),
        ">=": Text("不低于", "at or above"),
        "==": Text("为", "is"),
        "!=": Text("不为", "is not"),
    }
)


def flag(name: str, value: bool) -> Text:
    """A yes-or-no value said as a fact."""
    known = FLAGS.get(name)
    if known is not None:
        return known.yes if value else known.no
    own = name.removeprefix(EXTRA)
    return Text(f"{own} 为{'是' if value else '否'}", f"{own} is {'true' if value else 'false'}")


def noun(name: str) -> Text:
    """The name of a number or a text."""
    own = name.removeprefix(EXTRA)
    return NOUNS.get(name, Text(own, own))


def unit(name: str) -> str:
    """The unit of a value name with a space before it; "" for none."""
    known = every_value_name().get(name)
    return f" {known.unit}" if known is not None and known.unit not in ("", "1") else ""


def quantity(value: float) -> str:
    """A number as people write it: at most three decimals, or three digits when tiny."""
    if value and abs(value) < 0.001:
        return f"{value:.3g}"
    return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else f"{value:.3g}"


def duration(nanoseconds: int) -> Text:
    """A length of time in its largest fitting unit."""
    seconds = nanoseconds / 1e9
    for size, zh, en in ((86_400, "天", "d"), (3_600, "小时", "h"), (60, "分钟", "min")):
        if seconds >= 2 * size or seconds == size:
            number = quantity(round(seconds / size, 1))
            return Text(f"{number} {zh}", f"{number} {en}")
    return Text(f"{quantity(seconds)} 秒", f"{quantity(seconds)} s")
