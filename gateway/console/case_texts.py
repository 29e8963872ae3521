"""The texts of the page behind a message's link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.console.words import WORDS
from gateway.model import Text

TEXTS: Final[Mapping[str, Text]] = {
    "page": Text("事件 {key}", "Case {key}"),
    "where": Text("地点", "Where"),
    "what": Text("情况", "What"),
    "since": Text("时间", "Since"),
    "state": Text("状态", "State"),
    "owner": Text("责任人", "Owner"),
    "left": Text("请在 {minutes} 分钟内{stage}", "{stage} within {minutes} min"),
    "over": Text("已超时 {minutes} 分钟，请立即{stage}", "Overdue by {minutes} min: {stage} now"),
    "stage.receive": Text("签收", "receive"),
    "stage.handle": Text("办理", "handle"),
    "stage.close": Text("办结", "close"),
    "call": Text("拨打 {who}", "Call {who}"),
    "map": Text("打开地图", "Open the map"),
    "cleared": Text("报警已解除", "The alarm is over"),
    "alarming": Text("仍在报警", "Still alarming"),
    "receive": Text("签收", "Receive"),
    "receive.hint": Text("签收后由您负责，请到现场查看。", "Then it is yours: please go there."),
    "handle": Text("开始办理", "Begin to handle"),
    "take": Text("由我办理", "I take it on"),
    "close": Text("办结", "Close"),
    "outcome": Text("处理结果", "Outcome"),
    "cause": Text("误报原因", "Cause of the false alarm"),
    "comment": Text("说明", "Comment"),
    "comment.add": Text("添加备注", "Add a comment"),
    "transfer": Text("转办", "Transfer"),
    "transfer.to": Text("转给谁", "To whom"),
    "transfer.why": Text("转办理由(必填)", "Why (required)"),
    "history": Text("经过", "What happened"),
    "pictures": Text("现场图像", "Pictures"),
    "attach": Text("添加照片或文件", "Add a photo or file"),
    "photo": Text("拍照", "Take a photo"),
    "file": Text("或选择图片、视频、PDF", "Or choose a picture, clip or PDF"),
    "file.hint": Text("每个文件不超过 20 MB，会保存在事件记录里。",
                      "20 MB each at most; kept with the record."),
    "look": Text("查看", "Look"),
    "closed": Text("已办结，结果：{outcome}", "Closed. Outcome: {outcome}"),
    "refresh": Text("刷新", "Refresh"),
    "you": Text("{name}，您好", "Hello {name}"),
    "incomplete": Text("还有必填项没有填写。", "Something that is needed was left out."),
    "later": Text("现在无法保存，请稍后再试。", "It can not be saved now; please try again soon."),
    "wrong": Text("链接无效", "This link is not valid"),
    "wrong.do": Text("请打开最新的通知消息。", "Please open the newest message."),
    "expired": Text("链接已过期", "This link has expired"),
    "expired.do": Text("请打开最新的通知消息，或联系值班室。",
                       "Open the newest message, or call the desk."),
    "gone": Text("没有这个事件", "There is no such case"),
    "gone.do": Text("它可能已按规定删除。", "It may have been deleted as the rules want it."),
    "left_registry": Text("您已不在名单上", "You are not in the registry any more"),
    "left.do": Text("请联系值班室。", "Please call the desk."),
    "later.do": Text("网关正忙或存储故障，请稍后再试；紧急情况请打电话。",
                     "The gateway can not answer now; try again, and in an emergency call."),
    **{name: Text(*pair) for name, pair in WORDS.items()
       if name.partition(".")[0] in ("state", "severity", "category", "outcome", "cause",
                                     "happened", "role")},
}  # fmt: skip
"""Key -> sentence; ``{name}`` is filled in where it is shown."""
