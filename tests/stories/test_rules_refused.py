"""Rules and registry change while something is going on: pending, standing, clearing, moving."""

from __future__ import annotations

import pytest

from tests.stories.estate import Estate, Line
from tests.stories.house import House

_HOT = """
rules:
  - name: hot
    title: {{zh: 配电间过热, en: Switch room too hot}}
    on: climate
    when: temperature > {limit}
    for: 60s
    keep: 60s
    severity: warning
    category: facility
"""
TAKEN = 9.0
"""Seconds after which a changed file has been seen twice and is in force."""
SMOKE: Line = (10, "s301", {"alarm": True})


def hot(limit: str) -> str:
    return _HOT.format(limit=limit)


@pytest.fixture
def estate(virtual: House) -> Estate:
    estate = Estate(virtual)
    estate.packs = "fire, system"
    estate.files = {"own.yaml": hot("40")}
    return estate


async def test_message_about_refused_rules_names_file_line_and_fault(estate: Estate) -> None:
    await estate.begin()
    await estate.at(10)
    estate.say("own.yaml", hot("40 MPa"))
    await estate.at(10 + TAKEN + 65)
    (message,) = estate.house.phone.messages
    assert "own.yaml:6" in message["text"]
    assert "is in kPa; it can not be compared" in message["text"]
