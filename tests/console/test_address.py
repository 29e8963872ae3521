"""Links from dashboards, in a real browser: a case, a device, a list of cases."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from gateway.model import Category, State
from tests.console.memory_view import make_incident
from tests.console.test_browser import CHROMIUM, a_desk

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")


async def test_address_leads_to_a_case_a_device_or_a_list(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        page, view = desk.page, desk.view
        wall = view.now().wall
        await view.open(make_incident("L1", wall))
        await view.open(make_incident("F1", wall, category=Category.facility))
        await view.open(make_incident("L2", wall, state=State.closed, deadline=0, outcome="real"))
        await page.goto(f"{desk.url}?case=L1")
        await expect(page.locator("#case")).to_be_visible()
        await expect(page.locator("#case-card")).to_contain_text("L1")

        await page.goto(f"{desk.url}?device=sm-1")
        await expect(page.locator("#search")).to_have_value("sm-1")
        await expect(page.locator("#devices tbody tr")).to_have_count(1)

        criteria = "place=.*,1309010101,130901&state=open,received,handling&category=life"
        await page.goto(f"{desk.url}?cases=1&{criteria}")
        await expect(page.locator("#found tbody tr")).to_have_count(1)
        await expect(page.locator("#found tbody tr")).to_contain_text("L1")
        await expect(page.locator("#found-words")).to_contain_text("生命安全")

        await page.goto(f"{desk.url}?case=nowhere&cases=1&place=.*")
        await expect(page.locator("#found tbody tr")).to_have_count(3)
        await expect(page.locator("#case")).not_to_be_visible()
    assert [each for each in desk.troubles if "404" not in each] == []
