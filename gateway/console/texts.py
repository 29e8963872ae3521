"""Every text of the page in one table: its own sentences here, the model's names in ``words``.

``{name}`` is filled in where the text is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.console.words import WORDS
from gateway.model import Text

LANGUAGES: Final = ("zh", "en")

_PAGE: Final[Mapping[str, tuple[str, str]]] = {
    "page.title": ("社区安全值班台", "Community safety desk"),
    "page.no_script": (
        "请在浏览器中启用 JavaScript，否则看不到事件。",
        "Please enable JavaScript in the browser; without it no incidents can be shown.",
    ),
    "page.language": ("English", "中文"),
    "page.updated": ("更新于 {time}", "Updated {time}"),
    "page.loading": ("正在读取……", "Loading…"),
    "page.lost": (
        "与网关的连接已断开，正在重试。下面显示的是 {time} 的情况。",
        "The connection to the gateway is lost; trying again. What you see is from {time}.",
    ),
    "page.lost_never": (
        "连不上网关，正在重试。",
        "The gateway can not be reached; trying again.",
    ),
    "strip.label": ("未办结事件数", "Incidents not closed"),
    "strip.filter": ("只看：{category}", "Show only: {category}"),
    "incidents.heading": ("未办结事件", "Incidents not closed"),
    "incidents.none": ("现在没有未办结的事件。", "There is no incident to handle now."),
    "incidents.none_here": (
        "这一类现在没有未办结的事件。",
        "There is no incident of this category now.",
    ),
    "incidents.more": ("另有 {n} 件未显示。", "{n} more are not shown."),
    "card.since": ("已发生", "Open for"),
    "card.left": ("距时限", "Time left"),
    "card.over": ("已超时", "Overdue by"),
    "card.no_limit": ("无时限", "no limit"),
    "card.place": ("地点", "Place"),
    "card.floor": ("{floor} 层", "floor {floor}"),
    "card.flat": ("{flat} 室", "flat {flat}"),
    "card.contact": ("联系人", "Call"),
    "card.owner": ("责任人", "Owner"),
    "card.sensor": ("传感器", "Sensor"),
    "card.cleared": ("已恢复正常", "Back to normal"),
    "card.alarming": ("仍在报警", "Still alarming"),
    "card.alarming_n": ("{n} 个仍在报警", "{n} still alarming"),
    "card.overdue": ("超时", "Overdue"),
    "card.clip": ("现场录像（含事发前数秒）", "Clip (begins seconds before)"),
    "card.snapshot": ("现场照片（点开看大图）", "Snapshot (open to enlarge)"),
    "card.messages": ("通知情况", "Messages"),
    "card.no_messages": ("还没有通知任何人。", "Nobody has been told yet."),
    "card.attempts": ("已试 {n} 次", "{n} attempts"),
    "card.more_messages": ("另有 {n} 条", "{n} more"),
    "card.history": ("经过", "History"),
    "card.by_rule": ("规则 {name}", "rule {name}"),
    "card.by_timer": ("到时限", "time limit"),
    "card.untrusted": ("时钟未校准", "clock not set"),
    "card.person": ("由谁处理", "Handled by"),
    "card.people_here": ("本网格及上级", "In charge here"),
    "card.people_other": ("其他人员", "Others"),
    "card.person_role": ("{name}（{role}）", "{name} ({role})"),
    "act.receive": ("签收", "Receive"),
    "act.handle": ("办理", "Handle"),
    "act.close": ("办结", "Close"),
    "act.done_receive": ("{key} 已签收。", "{key} is received."),
    "act.done_handle": ("{key} 开始办理。", "{key} is being handled."),
    "act.done_close": ("{key} 已办结。", "{key} is closed."),
    "act.failed": (
        "没有成功，请再试一次。（{reason}）",
        "That did not work; please try again. ({reason})",
    ),
    "act.code": ("代码 {n}", "code {n}"),
    "act.offline": ("连不上网关", "the gateway can not be reached"),
    "close.heading": ("办结事件", "Close the incident"),
    "close.outcome": ("结果", "Outcome"),
    "close.comment": ("说明（可不填）", "Comment (optional)"),
    "close.confirm": ("确认办结", "Close it"),
    "close.cancel": ("返回", "Back"),
    "devices.heading": ("设备", "Devices"),
    "devices.search": ("按名称、地点查找", "Find by name or place"),
    "devices.kind": ("类型", "Kind"),
    "devices.any_kind": ("全部类型", "All kinds"),
    "devices.only": ("只看异常", "Only those in trouble"),
    "devices.name": ("名称", "Name"),
    "devices.place": ("地点", "Place"),
    "devices.values": ("最新数值", "Newest values"),
    "devices.age": ("多久以前", "Age"),
    "devices.never": ("从未收到", "never heard"),
    "devices.silent": ("失联", "silent"),
    "devices.unknown": ("未登记", "not registered"),
    "devices.late": ("迟到的报告", "late report"),
    "devices.extra": ("另有 {n} 项", "{n} more"),
    "devices.none": ("还没有设备。", "There are no devices yet."),
    "devices.none_found": ("没有符合条件的设备。", "No device matches."),
    "devices.more": (
        "另有 {n} 台未显示，请用上面的查找。",
        "{n} more are not shown; use the search above.",
    ),
    "devices.count": ("共 {n} 台", "{n} in all"),
    "ledger.heading": ("数据去向", "Where every reading went"),
    "ledger.explain": (
        "每一条收到的数据都要有去向，等号两边必须相等。",
        "Every reading that came in has a destination; both sides must be equal.",
    ),
    "ledger.who": ("环节", "Step"),
    "ledger.sum": ("合计", "Sum"),
    "ledger.parts": ("去向", "Destinations"),
    "ledger.check": ("核对", "Check"),
    "ledger.intake": ("接收", "Received"),
    "ledger.stored": ("入库", "stored"),
    "ledger.refused": ("拒收", "refused"),
    "ledger.delivered": ("已送达", "delivered"),
    "ledger.waiting": ("待送", "waiting"),
    "ledger.dropped": ("丢弃", "dropped"),
    "ledger.right": ("相符", "adds up"),
    "ledger.wrong": ("差 {n}", "off by {n}"),
    "ledger.in_flight": ("正在入库 {n} 条", "{n} being stored"),
    "ledger.reasons": ("{what}原因：{list}", "Reasons for {what}: {list}"),
    "ledger.reason_n": ("{reason} {n}", "{reason} {n}"),
    "tasks.heading": ("运行状况", "Running parts"),
    "tasks.name": ("名称", "Name"),
    "tasks.state": ("状态", "State"),
    "tasks.up": ("运行中", "running"),
    "tasks.down": ("已中断", "down"),
    "tasks.since": ("自", "Since"),
    "tasks.falls": ("中断次数", "Falls"),
    "tasks.none": ("没有运行中的部分。", "Nothing is running."),
    "health.good": ("网关正常", "Gateway is well"),
    "health.bad": ("网关有问题", "Gateway has trouble"),
    "health.down": ("{names} 已中断", "{names} down"),
    "health.store": ("{name}写不进去", "{name} can not be written"),
    "health.put_aside": (
        "{name}损坏，已另存为 {file}，现用新的",
        "{name} was broken, is kept as {file}, and a new one is in use",
    ),
    "health.clock": ("时钟未校准", "clock not set"),
    "health.memory": ("内存 {n} MiB", "{n} MiB memory"),
    "health.version": ("版本 {version}", "version {version}"),
    "health.lost": ("网关状况不明", "State of the gateway unknown"),
    "health.unknown": ("正在了解网关状况", "Asking the gateway"),
    "span.day": ("{n} 天", "{n} d"),
    "span.hour": ("{n} 小时", "{n} h"),
    "span.minute": ("{n} 分钟", "{n} min"),
    "span.second": ("{n} 秒", "{n} s"),
    "list.separator": ("、", ", "),
    "list.colon": ("：", ": "),
}

TEXTS: Final[Mapping[str, Text]] = MappingProxyType(
    {key: Text(zh, en) for key, (zh, en) in (*_PAGE.items(), *WORDS.items())}
)


def texts_in(language: str) -> dict[str, str]:
    """The whole table in one language, as the page's script gets it."""
    return {key: text.say(language) for key, text in TEXTS.items()}
