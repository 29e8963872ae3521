"""The registry by hand in a real browser, over a whole gateway: typed, checked, confirmed, kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.console.test_browser import CHROMIUM, FLAGS, SHOTS
from tests.stories.clock import Jumpable
from tests.stories.house import House
from tests.stories.phone import Phone
from tests.stories.test_registry_import import gridwarden

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")

WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with Phone() as phone:
        house = House(tmp_path, Jumpable(), phone)
        house.write(replay='{"t": 0, "device": "climate1", "values": {"temperature": 21}}\n')
        text = house.file.read_text("utf-8")
        kept = "\n".join(row for row in text.splitlines() if not row.startswith("registry:"))
        house.file.write_text(kept, encoding="utf-8")
        files = [str(tmp_path / f"{table}.csv") for table in ("places", "devices", "people")]
        where = ["--config", str(house.file), "--by", "admin"]
        assert (await gridwarden("import", *files, *where)).code == 0
        await house.start()
        yield house
        await house.stop()


@asynccontextmanager
async def looking(house: House, width: int, language: str) -> AsyncIterator[Page]:
    troubles: list[str] = []
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS) as browser,
    ):
        page = await browser.new_page(viewport={"width": width, "height": 900})
        page.on("pageerror", lambda error: troubles.append(str(error)))
        await page.goto(f"{house.running.console_url}/?lang={language}")
        await expect(page.locator("#registry li").first).to_be_visible()
        yield page
        assert await page.evaluate(WIDE) <= 0
    assert troubles == []


async def shoot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/registry-{name}.png")


async def check(page: Page) -> None:
    await page.locator("#registering-confirm").click()
    dialog = page.locator("#registering")
    assert await dialog.evaluate("(it) => it.scrollWidth - it.clientWidth") <= 0


async def test_a_telephone_is_changed_by_typing_and_somebody_faster_is_named(house: House) -> None:
    async with looking(house, 390, "zh") as page:
        await page.locator("#registry-panel").scroll_into_view_if_needed()
        await page.locator("#registry-table").select_option("people")
        await page.locator("#registry-search").fill("13800000002")
        await expect(page.locator("#registry li")).to_have_count(1)
        await shoot(page, "people-390-zh")
        row = page.locator("#registry li[data-key=lin]")
        await row.get_by_role("button", name="修改").press("Enter")
        await page.locator("#registering-phone").fill("one")
        await check(page)
        await expect(page.locator("#registering-phone-fault")).to_contain_text("phone number")
        await expect(page.locator("#registering-phone")).to_be_focused()
        await shoot(page, "fault-390-zh")
        await page.locator("#registering-phone").fill("13900000002")
        await page.locator("#registering-phone").press("Enter")
        await expect(page.locator("#registering-changes")).to_contain_text(
            "电话：13800000002 → 13900000002"
        )
        await shoot(page, "confirm-390-zh")
        body = {"by": "person:wu", "edition": 1, "key": "zhou", "row": {"name": "周一敏"}}
        async with (
            aiohttp.ClientSession(house.running.console_url) as other,
            other.post("/api/v1/registry/people", json=body) as answer,
        ):
            assert (await answer.json())["ok"]
        await page.locator("#registering-confirm").press("Enter")
        await expect(page.locator("#registering-error")).to_contain_text("吴刚：周一敏")
        await expect(page.locator("#registering-phone")).to_have_value("13900000002")
        await check(page)
        await expect(page.locator("#registering-changes")).to_contain_text("→ 13900000002")
        await page.locator("#registering-confirm").click()
        await expect(page.locator("#registering")).to_be_hidden()
        await page.get_by_text("最近的修改").click()
        newest = page.locator("#registry-editions li").first
        await expect(newest).to_contain_text("第 3 版")
        await expect(newest).to_contain_text("林涛")
        await shoot(page, "editions-390-zh")
    assert house.running.view.site().people["lin"].phone == "13900000002"


async def test_a_detector_is_bypassed_replaced_and_a_new_one_placed_by_name(house: House) -> None:
    async with looking(house, 1366, "en") as page:
        row = page.locator("#registry li[data-key=climate1]")
        await row.get_by_role("button", name="Bypass").click()
        await page.locator("#registering-until").fill("2199-01-09T18:00")
        await page.locator("#registering-because").fill("building work")
        await check(page)
        await expect(page.locator("#registering-changes")).to_contain_text("Bypassed")
        await shoot(page, "bypass-1366-en")
        await page.locator("#registering-confirm").click()
        await row.get_by_role("button", name="End bypass").click()
        await expect(page.locator("#registering-changes")).to_contain_text("→ Accepted")
        await page.locator("#registering-confirm").click()
        await row.get_by_role("button", name="Replace sensor").click()
        await page.locator("#registering-serial").fill("SN9")
        await check(page)
        await page.locator("#registering-confirm").click()
        await expect(page.locator("#registering")).to_be_hidden()
        await page.get_by_role("button", name="Add", exact=True).click()
        for name, value in (("id", "s9"), ("driver", "site"), ("address", "s9"), ("name", "Hall")):
            await page.locator(f"#registering-{name}").fill(value)
        await page.locator("#registering-kind").select_option("smoke")
        await page.locator("#registering-place").fill("5号楼")
        await page.locator("#registering .found button:visible").first.click()
        await shoot(page, "new-1366-en")
        await check(page)
        await expect(page.locator("#registering-changes")).to_contain_text("990101010102")
        await page.locator("#registering-confirm").click()
        await expect(page.locator("#registry li[data-key=s9]")).to_be_visible()
        await expect(page.locator("#registry-verbs button")).to_have_text("Add")
        await shoot(page, "devices-1366-en")
    devices = house.running.view.site().devices
    assert (devices["climate1"].state, devices["climate1"].serial) == ("accepted", "SN9")
    assert devices["s9"].place == "990101010102"


async def test_two_people_swap_a_shift(house: House) -> None:
    async with looking(house, 1920, "zh") as page:
        await page.locator("#registry-table").select_option("rosters")
        await page.locator("#registry-verbs button[data-verb=swap]").wait_for()
        await page.locator("#registry-verbs button[data-verb=row]").click()
        await page.locator("#registering-place").fill("第一网格")
        await page.locator("#registering .found button:visible").first.click()
        await page.locator("#registering-role").select_option("officer")
        for who in ("林涛", "吴刚"):
            await page.get_by_placeholder("输入名称添加").fill(who)
            await page.locator("#registering .found button:visible").first.click()
        await page.locator("#registering-kind").select_option("rotation")
        await page.locator("#registering-since").fill("2026-02-02")
        await check(page)
        await page.locator("#registering-confirm").click()
        await expect(page.locator("#registering")).to_be_hidden()
        await page.get_by_role("button", name="换班").click()
        await page.locator("#registering-place").fill("9901010101")
        await page.locator("#registering-role").select_option("officer")
        await page.locator("#registering-day").fill("2026-02-03")
        for name, who in (("one", "林涛"), ("other", "吴刚")):
            await page.locator(f"#registering-{name}").fill(who)
            await page.locator("#registering .found button:visible").first.click()
        await shoot(page, "swap-1920-zh")
        await check(page)
        await expect(page.locator("#registering-changes")).to_contain_text("替换：lin（林涛）")
        await page.locator("#registering-confirm").click()
        await expect(page.locator("#registry li")).to_have_count(3)
        await expect(page.locator("#registry li").nth(1)).to_contain_text("吴刚 替 林涛")
        await shoot(page, "rosters-1920-zh")
    assert [line.kind for line in house.running.view.site().rosters[1:]] == ["swap", "swap"]
