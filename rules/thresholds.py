"""Which numbers a device's values are compared with: the lines that a chart of them can show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from gateway.model import Severity, Site, Text
from rules.ruleset import Ruleset
from rules.syntax import Compare, Junction, Literal, Name, Negative, Node

_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""A sign as it is read from the right."""


class Threshold(NamedTuple):
    """While the value is above or below ``number``, the rule's condition holds, or may."""

    rule: str
    title: Text
    severity: Severity
    sign: str
    """One of < <= > >=."""
    number: float


def thresholds(
    ruleset: Ruleset, site: Site, device: str, kind: str, value: str
) -> tuple[Threshold, ...]:
    """The lines of one value of one device, as the site's settings have them, in the files' order.

    Only what stands in a condition as a plain comparison with a number: what is calculated or
    negated has no line of its own, nor what is asked together with the past.
    """
    found = (
        Threshold(rule.name, rule.title, rule.severity, sign, number)
        for rule in ruleset.cover_of(device, kind, site).conditions
        if not rule.when.calls
        for sign, number in _lines(rule.when.tree, value)
    )
    return tuple(dict.fromkeys(found))


def _lines(node: Node, value: str) -> Iterator[tuple[str, float]]:
    if isinstance(node, Junction):
        for part in node.parts:
            yield from _lines(part, value)
    elif isinstance(node, Compare):
        left = node.first
        for sign, right in node.rest:
            yield from _line(left, sign, right, value)
            left = right


def _line(left: Node, sign: str, right: Node, value: str) -> Iterator[tuple[str, float]]:
    if sign not in _TURNED:
        return
    if isinstance(left, Name) and left.name == value and (worth := _number(right)) is not None:
        yield sign, worth
    elif isinstance(right, Name) and right.name == value and (worth := _number(left)) is not None:
        yield _TURNED[sign], worth


def _number(node: Node) -> float | None:
    if isinstance(node, Negative):
        worth = _number(node.of)
        return None if worth is None else -worth
    if isinstance(node, Literal) and isinstance(node.value, float):
        return node.value
    return None
