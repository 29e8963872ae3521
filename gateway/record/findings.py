"""What an audit can find, each with its name, its sentence and what to do about it."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.model import Text


class Finding(NamedTuple):
    """One thing that is not as it was written."""

    what: str
    """A key of ``SENTENCES``."""
    incident: str = ""
    seq: int = 0
    """The event, where it is about one."""
    anchor: int = 0
    """The anchor that shows it, or that is wrong itself."""
    detail: str = ""

    @property
    def text(self) -> Text:
        """One line: what it is, of what, and what to do."""
        said, advice = SENTENCES[self.what], _ADVICE[_ADVISED.get(self.what, "compare")]
        named = self._asdict()
        return Text(
            f"{said.zh.format(**named)};{advice.zh}", f"{said.en.format(**named)}; {advice.en}"
        )


SENTENCES: Final = {
    # --- events and their incidents
    "missing": Text(
        "事件 {incident}:第 {seq} 个环节缺失", "incident {incident}: event {seq} is missing"
    ),
    "unlinked": Text(
        "事件 {incident}:第 {seq} 个环节与前一环节不衔接",
        "incident {incident}: event {seq} does not follow the one before it",
    ),
    "changed": Text(
        "事件 {incident}:第 {seq} 个环节被改动", "incident {incident}: event {seq} was changed"
    ),
    "unlisted": Text(
        "事件 {incident}:有 {seq} 个环节,事件表里却没有它",
        "incident {incident}: has {seq} events and no row among the incidents",
    ),
    "head": Text(
        "事件 {incident}:最后的第 {seq} 个环节与事件表所记不符",
        "incident {incident}: event {seq} is not the last one that its row names",
    ),
    "row": Text(
        "事件 {incident}:事件表与各环节不符({detail})",
        "incident {incident}: its row does not say what its events say ({detail})",
    ),
    "gap": Text(
        "事件 {incident}:编号不连续,整起事件缺失",
        "incident {incident}: the numbers have a gap here, the whole incident is missing",
    ),
    # --- against the anchors
    "signed_missing": Text(
        "事件 {incident}:锚点 {anchor} 签署过的第 {seq} 个环节缺失",
        "incident {incident}: event {seq}, which anchor {anchor} signed, is missing",
    ),
    "signed_other": Text(
        "事件 {incident}:第 {seq} 个环节不是锚点 {anchor} 签署的那一个",
        "incident {incident}: event {seq} is not the one that anchor {anchor} signed",
    ),
    "removed": Text(
        "事件 {incident}:未到保存期限就整起删除(锚点 {anchor} 曾签署)",
        "incident {incident}: removed as a whole before its time (anchor {anchor} signed it)",
    ),
    "signed_gone": Text(
        "事件 {incident}:整起缺失,锚点 {anchor} 曾签署到第 {seq} 个环节",
        "incident {incident}: it is gone; anchor {anchor} signed its events up to {seq}",
    ),
    # --- the anchors themselves
    "anchor_gone": Text("数据库缺少锚点 {detail}", "the database lacks anchor {detail}"),
    "anchor_changed": Text(
        "锚点 {anchor} 被改动:签名不符", "anchor {anchor} was changed: its signature does not hold"
    ),
    "anchor_unlinked": Text(
        "锚点 {anchor} 与前一锚点不衔接", "anchor {anchor} does not follow the one before it"
    ),
    "anchor_stranger": Text(
        "从锚点 {anchor} 起由另一密钥签署:{detail}",
        "from anchor {anchor} on another key signs: {detail}",
    ),
    "log_gone": Text(
        "没有 anchors.log:数据库若被换成旧副本,将无从发现",
        "there is no anchors.log: an older copy in the place of the database would not be seen",
    ),
    "log_line": Text("{detail} 第 {seq} 行不是锚点", "{detail}, line {seq}: this is no anchor"),
    "log_lacks": Text("{detail} 缺少锚点 {anchor}", "{detail} lacks anchor {anchor}"),
    "log_other": Text(
        "锚点 {anchor} 与 {detail} 里的不同", "anchor {anchor} is not the one that {detail} has"
    ),
    "older": Text(
        "数据库止于锚点 {seq},{detail} 已到 {anchor}:它被换成了旧副本",
        "the database ends at anchor {seq} and {detail} at {anchor}: an older copy took its place",
    ),
    # --- what events name by digest
    "text_changed": Text(
        "文字 {detail} 被改动:与摘要不符", "text {detail} was changed: it is not of its digest"
    ),
    "text_gone": Text(
        "事件 {incident}:第 {seq} 个环节的文字不见了,而保存期限未到",
        "incident {incident}: the text of event {seq} is gone before its time",
    ),
    "evidence_changed": Text(
        "事件 {incident}:第 {seq} 个环节的图像 {detail} 被改动",
        "incident {incident}: picture {detail} of event {seq} was changed",
    ),
    "evidence_gone": Text(
        "事件 {incident}:第 {seq} 个环节的图像 {detail} 不见了,并非因空间不足清理",
        "incident {incident}: picture {detail} of event {seq} is gone, and not for want of room",
    ),
    # --- asked for
    "head_unknown": Text(
        "记录里没有与 {detail} 相符的环节或锚点",
        "no event and no anchor of the record has the short form {detail}",
    ),
}  # fmt: skip
"""Name -> what is said."""

_ADVICE: Final = {
    "compare": Text(
        "请保留现状,与备份、站外锚点和收到的消息核对",
        "touch nothing and compare with a backup, the anchors outside and the messages people got",
    ),
    "key": Text(
        "若密钥是你们自己换的,加 --trust 和它的指纹再查;否则锚点出自他人",
        "if you replaced the key yourselves, say --trust FINGERPRINT; else somebody else made them",
    ),
    "log": Text(
        "网关启动时会从数据库补写;请与站外副本核对(--against)",
        "the gateway writes it anew when it starts; compare with the copy outside (--against)",
    ),
    "restored": Text(
        "若刚恢复过备份,这是缺口的记录;否则请保留现状并查明谁换了文件",
        "if a backup was restored, this is the record of the gap; else find out who replaced it",
    ),
    "typed": Text(
        "请核对抄写;若无误,那一环节已被删除或改动",
        "check what was typed; if it is right, that event was removed or changed",
    ),
}
_ADVISED: Final = {
    "anchor_stranger": "key",
    "log_gone": "log",
    "older": "restored",
    "head_unknown": "typed",
}
"""Finding -> which advice, where it is not the usual one."""
