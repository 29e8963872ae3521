"""The service's URL: which ones are not for apprise, and whose name is filled in. Pure."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlsplit

from gateway.model import Notification

_OURS: Final = {
    "wecombot": "wecom",
    "dingtalk": "dingtalk",
    "feishu": "feishu",
    "lark": "feishu",
}
"""Scheme -> our own type. Of these, apprise reports success on every HTTP 200: the robots answer
200 to what they refuse; it signs DingTalk wrongly and Feishu not at all."""
_HOSTS: Final = {
    "qyapi.weixin.qq.com": "wecombot",
    "oapi.dingtalk.com": "dingtalk",
    "open.feishu.cn": "feishu",
    "open.larksuite.com": "lark",
}
"""A robot's own address, which apprise takes as well."""
_BLANKS: Final = ("account", "phone", "email")


def check_service(url: str) -> str:
    """``url`` if it can be one for apprise; ValueError says what is not, and repeats no secret."""
    scheme, found, _ = url.partition("://")
    if not found or not scheme.isascii() or not scheme.replace("+", "").isalnum():
        raise ValueError("a URL of apprise begins with the service, like tgram://")
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        host = ""  # many services write their tokens where a host would be
    word = _HOSTS.get(host, "") if scheme.lower() in ("http", "https") else scheme.lower()
    if own := _OURS.get(word):
        raise ValueError(
            f"apprise takes every answer of a {word} robot for success; write type: {own}"
        )
    return url


def blanks(url: str) -> list[str]:
    """Which of ``{account}``, ``{phone}`` and ``{email}`` stand in ``url``."""
    return [name for name in _BLANKS if "{" + name + "}" in url]


def filled(url: str, notification: Notification) -> str:
    """``url`` with this person's names in its blanks, written as a URL has to have them.

    ValueError names what the registry does not say of the person.
    """
    for name in blanks(url):
        value = str(getattr(notification, name))
        if not value:
            raise ValueError(name)
        url = url.replace("{" + name + "}", quote(value, safe=""))
    return url
