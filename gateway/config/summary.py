"""What a checked configuration will do, in a few lines a person can compare with the wish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from gateway.config.settings import Configured, Settings
from gateway.model import Text
from gateway.registry.words import KIND_NAMES


def summary(settings: Settings, language: str = "zh") -> list[str]:
    """The lines that ``gridwarden check`` prints when all is well; no secret is in them."""
    return [text.say(language) for text in _texts(settings)]


def _texts(settings: Settings) -> list[Text]:
    site, journal = settings.imported, settings.journal
    kinds = Counter(device.kind for device in site.devices.values())
    by_kind = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())) or "–"
    in_chinese = "、".join(f"{KIND_NAMES[kind]} {count}" for kind, count in sorted(kinds.items()))
    size = f"{journal.max_size / 1e9:g} GB"
    host = f"[{settings.console.host}]" if ":" in settings.console.host else settings.console.host
    address = f"{host}:{settings.console.port}"
    packs = ", ".join(settings.rules.packs) or "–"
    return [
        Text(
            f"站点 {settings.site.name},数据目录 {settings.site.data}",
            f"site {settings.site.name}, data in {settings.site.data}",
        ),
        Text(
            f"登记:{len(site.places)} 个地点,{len(site.devices)} 台设备,{len(site.people)} 名人员",
            f"registry: {len(site.places)} places, {len(site.devices)} devices, "
            f"{len(site.people)} people",
        ),
        Text(f"设备种类:{in_chinese or '–'}", f"devices by kind: {by_kind}"),
        Text(f"规则包:{packs}", f"rule packs: {packs}"),
        _rules(settings),
        _plugins("驱动", "drivers", settings.drivers),
        _plugins("数据出口", "sinks", settings.sinks),
        _plugins("通知渠道", "notifiers", settings.notifiers),
        _messages(settings),
        Text(
            f"日志库保留 {_days(journal.keep)} 天,最多 {size}",
            f"journal kept for {_days(journal.keep)} days, at most {size}",
        ),
        Text(f"控制台 http://{address}", f"console http://{address}"),
    ]


def _rules(settings: Settings) -> Text:
    ruleset = settings.ruleset
    parts = (ruleset.rules, ruleset.settings, ruleset.plans, ruleset.keypads)
    counts = [len(each) for each in parts]
    return Text(
        "规则 {} 条,设置 {} 项,布防计划 {} 项,布防键盘 {} 个".format(*counts),
        "{} rules, {} settings, {} plans of arming, {} keypads".format(*counts),
    )


def _messages(settings: Settings) -> Text:
    link, own = settings.messages.link, settings.templates
    count = len(own) if own is not None else 0
    return Text(
        f"消息:{f'链接到 {link}' if link else '不带链接'},自定模板 {count} 个",
        f"messages: {f'link to {link}' if link else 'no link'}, {count} templates of the site",
    )


def _plugins(zh: str, en: str, configured: Mapping[str, Configured]) -> Text:
    listed = ", ".join(f"{name} ({entry.type})" for name, entry in configured.items()) or "–"
    return Text(f"{zh}:{listed}", f"{en}: {listed}")


def _days(seconds: float) -> str:
    return f"{seconds / 86400:g}"
