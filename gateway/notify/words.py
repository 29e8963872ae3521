"""The words of messages, in Chinese and English. Short and plain: many readers are over 50."""

from __future__ import annotations

from typing import Final

from gateway.model import Category, Outcome, Severity, State, Text

PURPOSES: Final = (
    *("opened", "again", "cleared", "closed", "overdue", "warned", "transferred"),
    *("supervised", "escalated", "reopened", "answer", "digest", "trial"),
)
"""What a message may be for."""
ALARMS: Final = ("opened", "again")
RESOLVES: Final = ("cleared", "closed")

HEADS: Final = {
    "again": Text("再次报警", "Alarm again"),
    "cleared": Text("报警解除", "Alarm over"),
    "closed": Text("已办结", "Closed"),
    "supervised": Text("督办", "Supervised"),
    "reopened": Text("重新办理", "Reopened"),
    "answer": Text("回复", "Answer"),
    "trial": Text("通知测试", "Test message"),
}
"""What stands first in the title; of the others, and of no purpose here, the category."""
OVERDUE: Final = {
    State.open: Text("超时未签收", "Overdue, not received"),
    State.received: Text("超时未办理", "Overdue, not handled"),
    State.handling: Text("超时未办结", "Overdue, not closed"),
}
WARNED: Final = {
    State.open: Text("快到时限，请签收", "Time is running out, please receive"),
    State.received: Text("快到时限，请办理", "Time is running out, please handle"),
    State.handling: Text("快到时限，请办结", "Time is running out, please close"),
}
TO_YOU: Final = Text("转办给您", "Transferred to you")
TO_ANOTHER: Final = Text("已转办", "Transferred")
RAISED_TO_YOU: Final = Text("超时升级，请您接手", "Overdue, now yours")
RAISED: Final = Text("超时升级", "Overdue, passed up")
PASSED_ON: Final = Text("多次转办", "Passed on too often")
CATEGORIES: Final = {
    Category.life: Text("紧急", "Emergency"),
    Category.intrusion: Text("入侵", "Intrusion"),
    Category.facility: Text("设施", "Facility"),
    Category.trouble: Text("故障", "Trouble"),
    Category.system: Text("系统", "System"),
}
SEVERITIES: Final = {
    Severity.notice: Text("提示", "notice"),
    Severity.warning: Text("警告", "warning"),
    Severity.alarm: Text("报警", "alarm"),
    Severity.critical: Text("危急", "critical"),
}
STATES: Final = {
    State.open: Text("待签收", "not received"),
    State.received: Text("已签收", "received"),
    State.handling: Text("办理中", "being handled"),
    State.closed: Text("已办结", "closed"),
}
FOUND: Final = {
    "start": Text("（启动时发现）", " (found at start)"),
    "late": Text("（迟到的报告）", " (reported late)"),
    "armed": Text("（布防时已存在）", " (held when armed)"),
}
OUTCOMES: Final = {
    Outcome.real.value: Text("属实", "real"),
    Outcome.false_alarm.value: Text("误报", "false alarm"),
    Outcome.test.value: Text("测试", "test"),
    Outcome.duplicate.value: Text("重复", "duplicate"),
    Outcome.cannot_reproduce.value: Text("无法重现", "can not be reproduced"),
}
ITSELF: Final = Text("网关本身", "the gateway itself")
PARTS: Final = {
    "driver": Text("网关的接入驱动", "the gateway's driver"),
    "sink": Text("网关的数据出口", "the gateway's sink"),
    "channel": Text("网关的通知渠道", "the gateway's channel"),
}
"""What of the gateway ``gateway/WHAT:NAME`` is."""
UNREGISTERED: Final = Text("未登记的设备", "unregistered device")
NORMAL: Final = Text("传感器已恢复正常", "the sensors are back to normal")
ALONE: Final = Text(
    "目前只有 1 个设备报警，请到现场核实", "one device alone so far; please check on the spot"
)
RECEIVE: Final = Text("请尽快签收并到场查看。", "Please receive it and go there.")
SEE_TO_IT: Final = Text("请尽快签收并处理。", "Please receive it and see to it.")
GO_ON: Final = Text("请尽快办理并办结。", "Please handle and close it.")
ASKS: Final = {
    "supervised": Text("请尽快办理，并说明进展。", "Please handle it now and say how it goes."),
    "reopened": Text("请重新到场办理。", "Please see to it again."),
}
EACH: Final = Text(
    "已合并为一条消息，请打开值班台逐件签收。",
    "Merged into one message; please receive each of them on the desk.",
)
STILL: Final = Text("，其中 {n} 起仍在报警", ", {n} still alarming")
NONE_STILL: Final = Text("，都已恢复正常", ", none still alarming")
TO: Final = Text(" 至 ", " to ")
NOT_TAKEN: Final = Text(
    "前面的人没有按时签收，请您签收并处理。",
    "Nobody has received it in time; please receive it and see to it.",
)
URGE_RECEIVING: Final = Text(
    "责任人还没有签收，请您督促。",
    "It has not been received yet; please see that it is.",
)
URGE: Final = Text(
    "责任人没有按时办完，请您督促。",
    "It was not finished in time; please see that it is.",
)
JUST_A_TEST: Final = Text(
    "这是一次测试，看看您能不能收到。不用处理。",
    "This is a test of whether messages reach you. Nothing has to be done.",
)
SAME_FLAT: Final = Text("同户", "same flat")
ON: Final = Text("报警", "ALARM")
LABELS: Final = {
    "where": Text("地点：", "Where: "),
    "map": Text("地图：", "Map: "),
    "what": Text("情况：", "What: "),
    "kinds": Text("共有：", "In all: "),
    "since": Text("时间：", "Since: "),
    "sure": Text("核实：", "How sure: "),
    "severity": Text("级别：", "Severity: "),
    "nearby": Text("附近：", "Nearby: "),
    "state": Text("现状：", "Now: "),
    "outcome": Text("结果：", "Outcome: "),
    "owner": Text("责任人：", "In charge: "),
    "said": Text("说明：", "Note: "),
    "call": Text("联系：", "Call: "),
    "key": Text("编号：", "Number: "),
}
ANCHOR: Final = Text("（存证 {anchor}）", " (record {anchor})")
OPEN_AND_RECEIVE: Final = Text("查看和签收：", "See and receive: ")
OPEN: Final = Text("查看：", "See: ")

VALUES: Final = {
    "alarm": (Text("报警", "ALARM"), Text("无报警", "no alarm")),
    "open": (Text("开着", "open"), Text("关着", "closed")),
    "leak": (Text("漏水", "leak"), Text("无漏水", "no leak")),
    "motion": (Text("有人移动", "motion"), Text("无移动", "no motion")),
    "occupied": (Text("有人", "occupied"), Text("无人", "empty")),
}
"""Yes-or-no values that a neighbour is told by: what true says, and what false says."""
FIGURES: Final = {
    "temperature": (Text("温度", ""), 1, " °C"),
    "density": (Text("烟雾", "smoke"), 2, " %/m"),
    "lel": (Text("燃气", "gas"), 0, " %"),
    "co": (Text("一氧化碳", "CO"), 0, " ppm"),
    "water_level": (Text("水位", "water"), 2, " m"),
}
"""Numbers that a neighbour is told by: what stands before, decimals, unit."""
