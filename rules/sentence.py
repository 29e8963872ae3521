"""Why a condition holds, said in Chinese and English where the decision is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from gateway.model import SECOND, Text, Value
from rules import words
from rules.expression import (
    ABSENT_MEANS,
    Condition,
    evaluate,
    evaluate_pair,
    pair_type,
    worth_of,
)
from rules.rule import Raise
from rules.syntax import Arithmetic, Call, Compare, Junction, Literal, Name, Negative, Node, Not

_MIRROR: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
REASON: Final = "extra.reason"
"""Of the gateway's own reports: why a part of it fell. People are told it with the alarm. ``_zh``
and ``_en`` behind it are its words in one language."""
_EPOCH_YEARS: Final = 200 * 366 * 86_400


def why(condition: Condition, values: Mapping[str, Value], since: int, zone: tzinfo) -> Text:
    """What in ``values`` makes ``condition`` hold, since wall time ``since`` (ns)."""
    found = _reasons(condition.tree, values, condition.wanted)
    telling = [text for text, plain in found if not plain] or [text for text, _ in found]
    unique = dict.fromkeys((text.zh, text.en) for text in telling)
    at = local_time(since, zone)
    if not unique:
        unique = {("条件不再成立", "the condition no longer holds"): None}
    zh, en = "，".join(zh for zh, _ in unique), ", ".join(en for _, en in unique)
    return Text(f"{zh}，自 {at} 起", f"{en} since {at}")


def because(said: Text, values: Mapping[str, Value]) -> Text:
    """What was said, with the reason that came with the report, in its own words where it has."""
    plain = values.get(REASON)
    zh, en = (values.get(f"{REASON}_{language}") or plain for language in ("zh", "en"))
    if not (isinstance(zh, str) and isinstance(en, str) and zh and en):
        return said
    return Text(f"{said.zh}：{zh}", f"{said.en}: {en}")


def silent(heard: int, silence: int, zone: tzinfo) -> Text:
    """No report for ``silence`` ns; ``heard`` (wall ns) is 0 for a device never heard."""
    length = words.duration(silence)
    if not heard:
        return Text(
            f"从未收到上报，已超过 {length.zh}", f"never reported, for longer than {length.en}"
        )
    at = local_time(heard, zone, dated=silence >= 12 * 3_600 * SECOND)
    return Text(
        f"自 {at} 起无上报，已超过 {length.zh}",
        f"no report since {at}, longer than {length.en}",
    )


def heard_again(at: int, zone: tzinfo) -> Text:
    """A silent device reported at wall time ``at`` (ns)."""
    text = local_time(at, zone)
    return Text(f"{text} 恢复上报", f"reported again at {text}")


def graded(
    line: Raise | None,
    before: str,
    severity: str,
    values: Mapping[str, Value],
    at: int,
    zone: tzinfo,
    stands: Text | None,
) -> Text:
    """Why an alarm that stands became more or less severe."""
    old, new = words.SEVERITIES[before], words.SEVERITIES[severity]
    said = Text(f"级别由{old.zh}变为{new.zh}", f"severity from {old.en} to {new.en}")
    if line is None:
        reason = Text("升级条件不再成立", "what had raised it no longer holds")
    elif line.when is not None:
        reason = why(line.when, values, at, zone)
    else:
        length = words.duration(line.after)
        reason = Text(f"已持续 {length.zh}", f"it has lasted {length.en}")
        if stands is not None:
            reason = Text(f"{reason.zh}（{stands.zh}）", f"{reason.en} ({stands.en})")
    return Text(f"{said.zh}：{reason.zh}", f"{said.en}: {reason.en}")


def disarmed(mode: str, who: Text, at: int, zone: tzinfo) -> Text:
    """An alarm is over because ``who`` set its place to another mode at wall ns ``at``."""
    name, clock = words.MODES[mode], local_time(at, zone)
    return Text(f"{who.zh} {clock} {name.zh}".strip(), f"{name.en} at {clock} {who.en}".strip())


def registered(name: str) -> Text:
    """A stranger is the device ``name`` now."""
    return Text(f"该设备已登记为“{name}”", f"the device is registered as {name} now")


def confirmed(members: Sequence[tuple[Text, str]], at: int, zone: tzinfo) -> Text:
    """Several alarms of one place; ``members`` are (title, device name)."""
    shown = [(title.zh, title.en, name) for title, name in members[:_MOST_NAMED]]
    more = len(members) - len(shown)
    zh = "、".join(f"{name}（{title}）" for title, _, name in shown)
    en = ", ".join(f"{name} ({title})" for _, title, name in shown)
    if more > 0:
        zh, en = f"{zh}等 {len(members)} 项", f"{en} and {more} more"
    clock = local_time(at, zone)
    return Text(f"同一处所多个报警：{zh}，{clock}", f"several alarms in one place: {en} at {clock}")


_MOST_NAMED: Final = 4
NOT_CONFIRMED: Final = Text(
    "同一处所内的报警已不足以确认", "the alarms in this place no longer confirm it"
)
STILL_CONFIRMED: Final = Text(
    "同一处所内的报警仍相互印证", "the alarms in this place still confirm each other"
)
NO_RULE: Final = Text(
    "规则已更改，不再监测该设备", "the rules changed; this device is no longer watched by this one"
)
TAKEN_OUT: Final = Text("该设备已从登记表删除", "the device was taken out of the registry")
PICTURED: Final = Text("补充了图像", "a picture or a clip was added")
NOT_WATCHED: Final = Text("该设备不再监测是否静默", "the device is no longer watched for silence")


def local_time(wall: int, zone: tzinfo, *, dated: bool = False) -> str:
    """Wall ns as a local time of day, with the date when ``dated``."""
    seconds = max(-_EPOCH_YEARS, min(wall // SECOND, _EPOCH_YEARS))
    local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return local.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S" if dated else "%H:%M:%S")


def _reasons(node: Node, values: Mapping[str, Value], wanted: bool) -> list[tuple[Text, bool]]:
    """Facts that made ``node`` be ``wanted``; the flag marks those that are always so."""
    if isinstance(node, Not):
        return _reasons(node.of, values, not wanted)
    if isinstance(node, Junction):
        parts = [part for part in node.parts if evaluate(part, values) is wanted]
        return [reason for part in parts for reason in _reasons(part, values, wanted)]
    if isinstance(node, Compare):
        return [
            _comparison(*pair, values, wanted)
            for pair in node.pairs()
            if evaluate_pair(*pair, values) is wanted
        ]
    if isinstance(node, Call):
        noun, length = words.noun(node.name), words.duration(node.length)
        span = Text(f"{length.zh}内", f" within {length.en}") if node.length else Text("", "")
        verb = Text("有变化" if wanted else "无变化", "changed" if wanted else "has not changed")
        return [(Text(f"{noun.zh}{span.zh}{verb.zh}", f"{noun.en} {verb.en}{span.en}"), False)]
    return [_flag(node.name, wanted)] if isinstance(node, Name) else []


def _flag(name: str, value: bool) -> tuple[Text, bool]:
    return words.flag(name, value), ABSENT_MEANS.get(name) is value


def _comparison(
    left: Node, sign: str, right: Node, values: Mapping[str, Value], wanted: bool
) -> tuple[Text, bool]:
    if isinstance(left, Literal):
        left, sign, right = right, _MIRROR[sign], left
    if isinstance(left, Name) and isinstance(right, Literal) and isinstance(right.value, bool):
        value = worth_of(left, values)
        if isinstance(value, bool):
            return _flag(left.name, value)
    says = words.SIGNS[sign if wanted else _OPPOSITE[sign]]
    number = pair_type(left, sign, right) is float
    a, b = _side(left, values, number), _side(right, values, False)
    value = worth_of(left, values)
    if not number and isinstance(left, Name) and isinstance(value, str) and sign == "!=":
        a = Text(f"{a.zh} {value}", f"{a.en} {value}")
    return Text(f"{a.zh} {says.zh} {b.zh}", f"{a.en} {says.en} {b.en}"), False


def _side(node: Node, values: Mapping[str, Value], told: bool) -> Text:
    """One side of a comparison; ``told`` adds what it was worth."""
    text = _written(node, values)
    value = worth_of(node, values)
    if isinstance(node, Literal) or not isinstance(value, float):
        return text
    if told or isinstance(node, Name | Call):
        amount = words.quantity(value) + _unit(node)
        return Text(f"{text.zh} {amount}", f"{text.en} {amount}")
    return text


def _unit(node: Node) -> str:
    """The unit of a value or of what a function makes of it, with a space before it."""
    if isinstance(node, Name):
        return words.unit(node.name)
    if not isinstance(node, Call) or node.function in ("count", "changed"):
        return ""
    unit = words.unit(node.name)
    return f"{unit or ' '}/min" if node.function == "rate" else unit


def _written(node: Node, values: Mapping[str, Value]) -> Text:
    if isinstance(node, Name):
        return words.noun(node.name)
    if isinstance(node, Call):
        noun, length = words.noun(node.name), words.duration(node.length)
        says = words.FUNCTIONS[node.function]
        return Text(f"{length.zh}内{noun.zh}{says.zh}", f"{says.en} {noun.en} over {length.en}")
    if isinstance(node, Literal):
        value = node.value
        said = words.quantity(value) if isinstance(value, float) else str(value)
        return Text(said, said)
    if isinstance(node, Negative):
        inner = _written(node.of, values)
        return Text(f"-{inner.zh}", f"-{inner.en}")
    if isinstance(node, Arithmetic):
        a, b = _written(node.left, values), _written(node.right, values)
        return Text(f"({a.zh} {node.sign} {b.zh})", f"({a.en} {node.sign} {b.en})")
    return Text("", "")
