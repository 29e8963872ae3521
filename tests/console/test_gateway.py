"""The page of a whole gateway: what is tapped there is on disk, and what is on disk is shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.console.test_browser import CHROMIUM, FLAGS
from tests.stories.clock import Jumpable
from tests.stories.house import House
from tests.stories.phone import Phone

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")

RULE = """
rules:
  - name: warm
    title: {zh: 温度偏高, en: Warm}
    on: climate
    when: temperature > 30
    severity: warning
    category: trouble
"""
PLAN = """
plans:
  - name: nights
    title: {zh: 夜间布防, en: At night}
    grid: ["9901010102"]
    week: {mon-sun: ["00:00-24:00"]}
"""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with Phone() as phone:
        house = House(tmp_path, Jumpable(), phone)
        house.write(replay='{"t": 0, "device": "climate1", "values": {"temperature": 41}}\n')
        (tmp_path / "rules").mkdir()
        (tmp_path / "rules" / "site.yaml").write_text(RULE + PLAN, encoding="utf-8")
        with house.file.open("a", encoding="utf-8") as file:
            file.write("rules: {dir: rules, packs: []}\n")
        yield house
        await house.stop()


@asynccontextmanager
async def looking(house: House) -> AsyncIterator[Page]:
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS) as browser,
    ):
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        await page.goto(house.running.console_url)
        yield page


async def test_a_place_is_disarmed_by_two_taps_and_stays_so_over_a_restart(house: House) -> None:
    await house.start()
    async with looking(house) as page:
        grid = page.locator("button[data-place='9901010101']")
        await expect(grid).to_contain_text("外出布防")
        planned = page.locator("button[data-place='9901010102']")
        await expect(planned).to_contain_text("计划“夜间布防”")
        await grid.click()
        await page.locator("#modes button[data-mode=disarmed]").click()
        await expect(page.locator("#toast")).to_have_text("第一网格：撤防")
        await expect(grid).to_contain_text("陈静")
        building = page.locator("button[data-place='990101010101']")
        await expect(building).to_contain_text("撤防")
    await house.stop()
    await house.start()
    rows = {row["place"]: row for row in await house.get("arming")}
    assert (rows["9901010101"]["mode"], rows["9901010101"]["by"]) == ("disarmed", "person:chen")
    assert rows["9901010102"]["mode"] == "away"


async def test_rules_are_read_again_by_a_tap_and_faults_are_shown(house: House) -> None:
    await house.start()
    async with looking(house) as page:
        await house.until(lambda: house.incidents("warm"))
        await page.get_by_text("逐条查看").click()
        row = page.locator("#rules tr[data-rule=warm]")
        await expect(row).to_contain_text("温度偏高", timeout=20_000)
        await expect(row.locator("td").nth(0)).to_have_text("1", timeout=20_000)
        before = await page.locator("#rules-edition").get_attribute("title")
        file = house.folder / "rules" / "site.yaml"
        file.write_text(RULE.replace("temperature", "temprature"), encoding="utf-8")
        await page.get_by_role("button", name="重新读取").click()
        await expect(page.locator("#toast")).to_contain_text("没有换用")
        await expect(page.locator("#rules-problems")).to_contain_text("temprature")
        assert await page.locator("#rules-edition").get_attribute("title") == before
        file.write_text(RULE.replace("30", "50"), encoding="utf-8")
        await page.get_by_role("button", name="重新读取").click()
        await expect(page.locator("#toast")).to_have_text("规则已重新读取。", timeout=20_000)
        await expect(page.locator("#rules-refused")).to_be_hidden()
        await expect(page.locator("#rules-edition")).not_to_have_attribute("title", before or "")


async def test_a_reported_case_is_handed_on_closed_and_found_again(house: House) -> None:
    await house.start()
    async with looking(house) as page:
        await page.get_by_role("button", name="登记事件").click()
        await page.locator("#report-title").fill("楼道堆物")
        await page.locator("#report-why").fill("居民来电，堵住通道")
        await page.locator("#report-place input").fill("第一网格")
        await page.locator("#report-place .found button").first.click()
        await page.locator("#report-confirm").click()
        card = page.locator("article", has_text="楼道堆物")
        await expect(card).to_contain_text("陈静")
        await card.get_by_role("button", name="转办").click()
        await page.locator("#deed-to input").fill("林涛")
        await page.locator("#deed-to .found button").first.click()
        await page.locator("#deed-comment").fill("他在现场")
        await page.locator("#deed-confirm").click()
        await expect(page.locator("#deed")).to_be_hidden()
        await card.get_by_text("经过").click()
        await expect(card.locator("ol")).to_contain_text("陈静 → 林涛")
        await expect(card.locator("ol")).to_contain_text("他在现场")
        for verb in ("receive", "close"):
            await card.locator("select").select_option("lin")
            await card.locator(f"button[data-verb={verb}]").click()
        await page.get_by_label("误报", exact=True).check()
        await page.locator("#closing-cause").select_option("other")
        await page.locator("#closing-confirm").click()
        await expect(card).to_have_count(0)
        await page.locator("#silence-add").click()
        await page.locator("#silence-category").select_option("facility")
        await page.locator("#silence-because").fill("检修")
        await page.locator("#silence-confirm").click()
        await expect(page.locator("#silences li")).to_contain_text("设施")
        await page.get_by_role("button", name="查询与报表").click()
        await page.get_by_role("checkbox", name="已办结").check()
        await page.locator("#search-text").fill("楼道")
        await page.locator("#search-from").fill("2020-01-01")
        await page.get_by_role("button", name="查询", exact=True).click()
        await expect(page.locator("#found tbody tr")).to_have_count(1)
        await expect(page.locator("#found tbody tr")).to_contain_text("误报（其他）")
        await expect(page.locator("#duty")).to_contain_text("林涛")
