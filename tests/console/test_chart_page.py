"""The chart in a real browser: opened from a device and from a case, read by mouse and by keys."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import expect

from gateway.model import SECOND, Category, Quality, Reading, Severity, State, Text
from tests.console.memory_view import HOUR, MemoryView, Threshold, make_incident
from tests.console.test_browser import CHINESE, CHROMIUM, a_desk, shoot
from tests.console.test_desk_page import is_nothing_cut

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")

MINUTE = 60 * SECOND
HOLE = range(20 * 60, 23 * 60)
"""Minutes ago in which nothing came."""


async def a_week(view: MemoryView) -> None:
    """A week of a room that is warm in the afternoon, of a cover, and their incidents."""
    now = view.now().wall
    for n in range(7 * 24 * 60, 0, -2):
        if n in HOLE:
            continue
        day = math.sin((n % 1440) / 1440 * 2 * math.pi)
        value = 22 + 6 * day + 1.5 * math.sin(n / 7) * math.cos(n / 31)
        at = now - n * MINUTE
        quality = Quality.suspect if 600 < n < 640 else Quality.good
        view.kept_readings.append(
            Reading("cl-1", "climate", {"temperature": round(value, 2), "co2": 600.0 + n % 90},
                    received_at=at, at=at, late=1000 < n < 1030, quality=quality)
        )  # fmt: skip
    for hours in range(160, 0, -4):
        at = now - hours * HOUR
        opened = hours % 28 == 0
        values = {"open": opened, "tilt": 41.0 if opened else 1.0}
        view.kept_readings.append(Reading("mh-1", "manhole", values, received_at=at, at=at))  # type: ignore[arg-type]
    view.lines_of["temperature"] = (
        Threshold(Text("温度偏高", "Warm"), Severity.warning, ">", 27.5),
        Threshold(Text("过热", "Hot"), Severity.alarm, ">", 90.0),
    )
    warm = Text("温度偏高：值班室环境", "Warm: duty room")
    for n, hours in enumerate((5, 29, 53), 1):
        await view.open(
            make_incident(
                f"T0105-{n:04}", now, category=Category.trouble, severity=Severity.warning,
                kind="climate", device="cl-1", title=warm, opened_at=now - hours * HOUR, deadline=0,
                state=State.closed if n > 1 else State.received,
            )
        )  # fmt: skip


async def test_a_chart_opens_from_the_device_and_is_read_by_mouse_and_keys(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        page, view = desk.page, desk.view
        await a_week(view)
        await page.goto(desk.url)
        await page.locator("tr[data-device='cl-1']").get_by_role("button").click()
        chart, readout = page.locator("#chart"), page.locator("#chart-readout")
        await expect(chart.locator("#chart-heading")).to_have_text("值班室环境")
        await expect(chart.locator("#chart-value option").first).to_have_text("温度")
        await expect(chart.locator(".mean").first).to_be_visible()
        assert await chart.locator("#chart-view .mean").count() == 2, "broken where nothing came"
        assert "最低至最高" not in await chart.inner_text(), "one report in each point"
        await expect(chart.locator("#chart-legend")).to_contain_text("温度偏高 > 27.5 °C")
        await expect(chart.locator("#chart-legend")).to_contain_text("过热 > 90 °C（在图外）")
        assert await chart.locator("#chart-view .marks path").count() == 1
        await shoot(desk, "chart-1366-1d")

        box = await chart.locator("#chart-view").bounding_box()
        assert box is not None
        await page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 100)
        await expect(readout).to_contain_text("次上报")
        by_mouse = await readout.inner_text()
        await page.keyboard.press("ArrowRight")
        await expect(readout).not_to_have_text(by_mouse)
        await page.keyboard.press("End")
        last = view.kept_readings[-1]
        newest = next(r for r in reversed(view.kept_readings) if r.device == "cl-1")
        assert last.device == "mh-1"
        await expect(readout).to_contain_text(f"{newest.values['temperature']} °C")

        await chart.get_by_role("button", name="7 天", exact=True).click()
        await expect(chart.locator("#chart-about")).to_contain_text("每点 15 分钟")
        await expect(chart.locator("#chart-view .marks path")).to_have_count(3)
        await expect(chart.locator("#chart-view")).to_have_attribute("aria-label", CHINESE)
        await page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 100)
        await shoot(desk, "chart-1366-7d")
        await chart.get_by_text("以表格显示").click()
        rows = chart.locator("#chart-table tbody tr")
        await expect(rows).to_have_count(120)
        await expect(chart.locator("#chart-rest")).to_be_visible()
        await shoot(desk, "chart-1366-table")
        await chart.locator("#chart-marks button").first.click()
        await expect(page.locator("#case")).to_contain_text("温度偏高：值班室环境")
        await page.locator("#case-close").click()
        await chart.get_by_role("button", name="1 小时", exact=True).click()
        await expect(chart.locator("#chart-about")).to_contain_text("每点 5 秒")
        await page.keyboard.press("Escape")
        await expect(chart).to_be_hidden()
        assert desk.troubles == []


@pytest.mark.parametrize(
    ("width", "height", "language", "dark"), [(390, 844, "zh", False), (1920, 1080, "en", True)]
)
async def test_a_case_shows_the_past_of_its_device(
    tmp_path: Path, width: int, height: int, language: str, dark: bool
) -> None:
    async with a_desk(tmp_path, width, height) as desk:
        page, view = desk.page, desk.view
        await a_week(view)
        if dark:
            await page.emulate_media(color_scheme="dark")
        await page.goto(f"{desk.url}?lang={language}")
        await page.locator("article[data-key='T0105-0001'] button[data-verb='chart']").click()
        chart = page.locator("#chart")
        await expect(chart.locator("#chart-view .mean").first).to_be_visible()
        shown = await chart.inner_text()
        ours = shown.replace("值班室环境", "").replace(
            "云河区 / 建设街道 / 花园社区 / 第一网格", ""
        )
        assert bool(CHINESE.search(ours)) == (language == "zh"), ours
        box = await chart.locator("#chart-view").bounding_box()
        assert box is not None
        touch = {"pointerType": "touch", "clientX": box["x"] + box["width"] * 0.6, "clientY": 300}
        await chart.locator("#chart-view").dispatch_event("pointerdown", touch)
        await expect(chart.locator(".cursor circle")).to_be_visible()
        await shoot(desk, f"chart-{width}-{language}")
        assert await is_nothing_cut(page)
        assert await chart.evaluate("it => it.scrollWidth <= it.clientWidth + 1")
        await page.locator("#chart-close").click()

        await page.locator("tr[data-device='mh-1']").get_by_role("button").click()
        await chart.locator("#chart-value").select_option("open")
        await chart.locator("[data-range='7d']").click()
        await expect(chart.locator("#chart-view .share").first).to_be_attached()
        await shoot(desk, f"chart-{width}-{language}-open")
        assert desk.troubles == []


async def test_a_chart_that_can_not_be_had_says_so_and_comes_by_itself(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        page, view = desk.page, desk.view
        await a_week(view)
        view.the_latest["cl-1"] = msgspec.structs.replace(
            view.the_latest["cl-1"], values={"extra.lux": 310.0}
        )
        await page.route("**/api/v1/history?*", lambda route: route.fulfill(status=503, json={}))
        await page.goto(desk.url)
        await page.locator("tr[data-device='cl-1']").get_by_role("button").click()
        await expect(page.locator("#chart-failed")).to_be_visible()
        await page.unroute("**/api/v1/history?*")
        await page.locator("[data-range='7d']").click()
        await expect(page.locator("#chart-failed")).to_be_hidden()
        await expect(page.locator("#chart-none")).to_have_text("这段时间没有读数。")
        assert all("503" in each for each in desk.troubles)
