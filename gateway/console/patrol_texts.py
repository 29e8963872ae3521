"""The texts of the page for rounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.console.case_texts import TEXTS as CASE
from gateway.model import Text

TEXTS: Final[Mapping[str, Text]] = {
    "page": Text("巡查签到", "My rounds"),
    "you": Text("{name}，您好", "Hello {name}"),
    "round": Text("{name}巡查", "Round {name}"),
    "until": Text("请在 {time} 前走完", "Please finish by {time}"),
    "late": Text("{time} 已过，{last} 前签到仍然算数",
                 "{time} has passed; a check-in counts until {last}"),
    "next": Text("现在没有巡查。下一班：{name}，{time} 开始",
                 "No round now. The next one: {name}, from {time}"),
    "none": Text("今天没有要走的巡查了。", "There is no round left today."),
    "no_points": Text("您的网格还没有巡查点，请联系值班室。",
                      "Your grid has no points yet; please call the desk."),
    "all_done": Text("这一班已全部走完，谢谢！", "All of this round is done. Thank you!"),
    "count": Text("已到 {done} / {of}", "{done} of {of} done"),
    "check_in": Text("我到了，签到", "I am here: check in"),
    "locating": Text("正在定位……", "Finding where you are …"),
    "done": Text("{time} 已到 · {name}", "Done at {time} · {name}"),
    "afar": Text("签到时离巡查点 {metres} 米", "{metres} m away when checking in"),
    "missed": Text("漏点", "Missed"),
    "due": Text("未到", "Not yet"),
    "checked": Text("已签到：{name}", "Checked in: {name}"),
    "today": Text("今天其他班次", "Other rounds today"),
    "planned": Text("{begins}–{ends}，还没开始", "{begins}–{ends}, not begun"),
    "over": Text("{begins}–{ends}，已到 {done} / {of}", "{begins}–{ends}, {done} of {of} done"),
    "more": Text("另有 {count} 个巡查点没有列出。", "{count} more points are not shown."),
    "position": Text("请允许定位：只保存您离巡查点多少米，不保存位置。没有定位也能签到。",
                     "Please allow the position: only how many metres you are from the point is "
                     "kept. You can check in without it, too."),
    "hazard": Text("上报隐患", "Report a hazard"),
    "hazard.urgent": Text("着火、有人受伤、闻到燃气味：先撤到安全处，再打 119、120。",
                          "Fire, somebody hurt, smell of gas: get to safety and call 119 or 120."),
    "hazard.what": Text("发现了什么(必填)", "What is it (required)"),
    "hazard.example": Text("例：电动车在楼道内充电", "As: an e-bike is charging in the stairway"),
    "hazard.more": Text("补充说明", "More about it"),
    "hazard.where": Text("在哪里", "Where"),
    "hazard.elsewhere": Text("本网格其他位置", "Elsewhere in my grid"),
    "hazard.severity": Text("严重程度", "How bad is it"),
    "severity.notice": Text("一般", "Can wait"),
    "severity.warning": Text("较重", "Should be mended soon"),
    "severity.alarm": Text("危险，需马上处理", "Dangerous, needs doing now"),
    "hazard.send": Text("上报", "Report it"),
    "hazard.done": Text("已登记，编号 {key}，已通知负责人。谢谢！",
                        "On record as {key}; whoever is in charge is told. Thank you!"),
    "hazard.no_photo": Text("已登记，编号 {key}，但照片没有保存。",
                            "On record as {key}, but the photo was not kept."),
    "not_yours": Text("这不是您的巡查点。", "This is not one of your points."),
    "not_now": Text("现在不是巡查时间，没有签到。",
                    "There is no round now; you were not checked in."),
    "too_often": Text("操作过于频繁，请稍后再试，或联系值班室。",
                      "Too many in an hour; try again later, or call the desk."),
    "ends": Text("此链接有效至 {day}，请勿转发。",
                 "This link is good until {day}. Do not pass it on."),
    "wrong.do": Text("请向值班室要新的巡查链接。", "Please ask the desk for a new link."),
    "ended": Text("链接已停用", "This link was ended"),
    "ended.do": Text("请向值班室要新的巡查链接。", "Please ask the desk for a new link."),
    "expired.do": Text("请向值班室要新的巡查链接。", "Please ask the desk for a new link."),
    **{name: CASE[name]
       for name in ("wrong", "expired", "later", "later.do", "left_registry", "left.do",
                    "incomplete", "photo", "file", "file.hint", "refresh")},
}  # fmt: skip
"""Key -> sentence; ``{name}`` is filled in where it is shown."""
