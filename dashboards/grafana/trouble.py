"""What can go wrong with Grafana, each as one sentence in both languages.

Trouble
├── Away       Grafana can not be asked now, or not with this token: nothing further is tried
└── Declined   it does not take this one thing: the others go on
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.model import Text
from gateway.web import one_line

TOKEN: Final = "GRIDWARDEN_GRAFANA_TOKEN"  # noqa: S105 - the name of a variable
"""Environment variable with the token of a service account."""


class Trouble(Exception):
    """Something about Grafana; ``text`` is for the person at the terminal."""

    def __init__(self, text: Text, status: str = "", said: str = "") -> None:
        super().__init__(text.en)
        self.text = text
        self.status = status
        """The word of Grafana's answer, like ``version-mismatch``; "" without one."""
        self.said = said
        """Grafana's own words."""


class Away(Trouble):
    """Grafana can not be reached, is ill, or does not know us."""


class Declined(Trouble):
    """Grafana answered that it does not take this."""


_PRECONDITIONS: Final = {
    "name-exists": Text(
        "同一文件夹里已有同名的其他看板,请先给它改名",
        "another dashboard in that folder has this title; rename it first",
    ),
    "version-mismatch": Text(
        "刚刚有人修改了它,请重新运行", "somebody has just changed it; run this again"
    ),
    "plugin-dashboard": Text(
        "它属于某个 Grafana 插件,不能改写",
        "it belongs to a plugin of Grafana and can not be replaced",
    ),
}
"""The documented words of an answer 412 -> what to do."""


def silent(where: str, seconds: float) -> Away:
    """No answer in time: what was sent may have been taken, and a second run finds out."""
    return Away(
        Text(
            f"{where} 的 Grafana 在 {seconds:g} 秒内没有应答;请再运行一次,已写入的会被认出",
            f"Grafana at {where} gave no answer within {seconds:g} s; run this again: what it has"
            " taken is recognised",
        )
    )


def unreachable(where: str, reason: str) -> Away:
    """No connection."""
    said = one_line(reason)
    return Away(
        Text(
            f"{where} 没有 Grafana 应答;地址对吗?Grafana 运行了吗?({said})",
            f"no Grafana answers at {where}; is the address right, and does it run? ({said})",
        )
    )


def moved(where: str) -> Away:
    """It redirects: the token goes nowhere but where the person said."""
    return Away(
        Text(
            f"{where} 把请求转到了别处;请用 --url 写 Grafana 实际的地址(https?路径?)",
            f"{where} sends us elsewhere; give Grafana's own address with --url (https? a path?)",
        )
    )


def foreign(where: str) -> Away:
    """What answers speaks no API of Grafana."""
    return Away(
        Text(
            f"{where} 的应答不是 Grafana 的;--url 里的路径对吗?",
            f"what answers at {where} is no Grafana; is the path in --url right?",
        )
    )


def endless(where: str, most: int) -> Away:
    """It sends more bytes than a Grafana does."""
    size = f"{most // 1_000_000} MB"
    return Away(
        Text(
            f"{where} 的应答超过 {size},不像是 Grafana 的;--url 里的地址和路径对吗?",
            f"what answers at {where} sends more than {size}, as no Grafana does; are address and"
            " path in --url right?",
        )
    )


def unbelievable(file: str, reason: str) -> Away:
    """The file of the authority is of no use."""
    said = one_line(reason)
    return Away(
        Text(
            f"--ca 的文件 {file} 里读不到 PEM 证书({said});请换成签发 Grafana 证书的机构的证书",
            f"no PEM certificate can be read from {file} of --ca ({said}); give that of the"
            " authority that signed Grafana's",
        )
    )


def refusal(status: int, body: object, what: Text) -> Trouble:
    """The sentence for an answer ``status`` of 400 or more, given to the attempt ``what``."""
    said = _message(body)
    if status == 401:
        return Away(
            Text(
                "Grafana 不接受这个令牌;请新建服务帐户令牌,写入 --token-file 的文件"
                f"或环境变量 {TOKEN}",
                "Grafana does not accept the token; make one for a service account and put it into"
                f" the file of --token-file or the environment variable {TOKEN}",
            )
        )
    if status == 403:
        return Declined(
            Text(
                f"该令牌无权{what.zh};服务帐户需要 Admin 角色(已有数据源并用 --datasource 时"
                " Editor 即可)",
                f"the token may not {what.en}; its service account needs the role Admin (Editor"
                " will do with --datasource)",
            )
        )
    if status == 412 and (word := _word(body)) in _PRECONDITIONS:
        text = _PRECONDITIONS[word]
        return Declined(text, word)
    if status >= 500:
        return Away(
            Text(
                f"Grafana 内部出错(HTTP {status}:{said});请看 Grafana 的日志,然后再运行一次",
                f"Grafana has a fault (HTTP {status}: {said}); look at its log, then run this"
                " again",
            )
        )
    return Declined(
        Text(
            f"Grafana 没能{what.zh}(HTTP {status}:{said})",
            f"Grafana did not {what.en} (HTTP {status}: {said})",
        ),
        _word(body),
        said,
    )


def _message(body: object) -> str:
    text = body.get("message", "") if isinstance(body, Mapping) else body
    return one_line(str(text)) or "-"


def _word(body: object) -> str:
    found: Any = body.get("status", "") if isinstance(body, Mapping) else ""
    return str(found)
