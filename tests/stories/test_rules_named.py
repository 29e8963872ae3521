"""What is written to people is true, and somebody of 55 who never saw a rule understands it."""

from __future__ import annotations

import re

import pytest

from tests.stories.estate import Estate
from tests.stories.house import House

_RULE_WORDS = re.compile(r"gateway/|site/|\b[a-z]+_[a-z_]+\b|\bTrue\b|\bFalse\b")
"""What only we call so: devices of the gateway itself, rules, value names."""


_MAINS = """
rules:
  - name: mains
    title: {zh: 供电电压越限, en: Mains out of range}
    on: power
    when: 235.4 < voltage < 300
    severity: warning
    category: facility
"""


@pytest.fixture
def estate(virtual: House) -> Estate:
    estate = Estate(virtual)
    estate.packs = "fire, intrusion, cameras, trouble, system"
    return estate


async def test_device_nobody_registered_is_called_that(estate: Estate) -> None:
    await estate.begin((10, "s999", {"kind": "smoke", "alarm": True}))
    await estate.at(20)
    (message,) = estate.house.phone.told("opened")
    assert "未登记" in message["text"]


async def test_gateway_that_lost_its_rules_is_no_place_to_go_to(estate: Estate) -> None:
    estate.files = {"mains.yaml": _MAINS}
    await estate.begin()
    await estate.at(10)
    estate.say("mains.yaml", _MAINS.replace("300", "300 MPa"))
    await estate.at(90)
    (message,) = estate.house.phone.told("opened")
    assert not _RULE_WORDS.search(message["title"]), message["title"]
    assert "到场查看" not in message["text"]
