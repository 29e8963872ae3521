"""The page in a real browser: loaded in both languages, watched live, acted on by clicking."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Page, async_playwright, expect

from gateway.clock import SystemClock
from gateway.console.app import create_app, serve
from gateway.console.telling import TellingView
from gateway.model import SECOND, Category, End, Happened, Place, Severity, State, Text
from tests.console.memory_view import HOUR, MemoryView, ModeRow, make_incident
from tests.virtual import START

CHROMIUM = shutil.which("chromium") or ""
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SHOTS = os.environ.get("GRIDWARDEN_SCREENSHOTS", "")
CHINESE = re.compile(r"[一-鿿]")

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")


@dataclass
class Desk:
    page: Page
    view: MemoryView
    url: str
    troubles: list[str] = field(default_factory=list)


@asynccontextmanager
async def a_desk(
    folder: Path, width: int = 1366, height: int = 768, telling: TellingView | None = None
) -> AsyncIterator[Desk]:
    view = MemoryView(SystemClock(), folder)
    async with (
        serve(create_app(view, chinese=in_chinese, telling=telling), "127.0.0.1", 0) as bound,
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS) as browser,
    ):
        page = await browser.new_page(viewport={"width": width, "height": height})
        desk = Desk(page, view, f"http://{bound.host}:{bound.port}/")
        page.on("console", lambda m: desk.troubles.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: desk.troubles.append(str(error)))
        yield desk


async def a_busy_day(view: MemoryView) -> None:
    wall = view.now().wall
    await view.open(make_incident("F0105-0001", wall, alarming=("sm-1", "sm-2")), "zhang", "li")
    await view.end("F0105-0001", "zhang", End.told)
    await view.open(
        make_incident(
            "S0105-0002", wall, category=Category.facility, severity=Severity.alarm, kind="manhole",
            device="mh-1", place="1309010102", owner="zhao", opened_at=wall - 4_000 * SECOND,
            title=Text("井盖打开：花园路 3 号井盖", "Manhole open: Garden Road 3"), overdue=True,
            deadline=-400 * SECOND, state=State.received,
        ), "zhao", "wang",
    )  # fmt: skip
    await view.end("S0105-0002", "zhao", End.told)
    await view.end("S0105-0002", "wang", End.failed_all_channels)
    await view.open(
        make_incident(
            "I0105-0003", wall, category=Category.intrusion, severity=Severity.alarm, kind="camera",
            device="cam-1", opened_at=wall - 30 * SECOND, evidence=(view.keep_picture(),),
            title=Text("夜间移动：东门摄像头", "Motion at night: east gate"), alarming=(),
            state=State.handling, found="start", deadline=1_800 * SECOND,
        ), "zhang",
    )  # fmt: skip
    await view.open(
        make_incident(
            "T0105-0004", wall, category=Category.trouble, severity=Severity.notice, kind="smoke",
            device="sm-2", opened_at=wall - 190_000 * SECOND, deadline=0, owner="duty",
            title=Text("设备失联：3 号楼 8 层烟感", "Device silent: building 3, floor 8"),
        )
    )  # fmt: skip


def in_chinese(line: str) -> str:
    return line.replace("unknown name", "没有名为") + " 的选项"


async def shoot(desk: Desk, name: str, *, whole: bool = False) -> None:
    if SHOTS:
        await desk.page.screenshot(path=f"{SHOTS}/{name}.png", full_page=whole)


async def test_an_incident_appears_live_and_is_received_and_closed_by_clicking(
    tmp_path: Path,
) -> None:
    async with a_desk(tmp_path) as desk:
        page, view = desk.page, desk.view
        await page.goto(desk.url)
        await expect(page.locator("#incidents-none")).to_have_text("现在没有未办结的事件。")
        await shoot(desk, "empty")
        await view.open(make_incident("F0105-0001", view.now().wall), "zhang", "li")
        card = page.locator("article[data-key='F0105-0001']")
        await expect(card).to_contain_text("烟雾报警：3 号楼 7 层烟感", timeout=20_000)
        await expect(card).to_contain_text("待签收")
        await expect(card).to_contain_text("等待发送 张三")
        await expect(page.locator("[data-count=life]")).to_have_text("1")
        await view.end("F0105-0001", "zhang", End.told)
        await expect(card).to_contain_text("已通知 张三", timeout=20_000)
        [row, _] = view.rows["F0105-0001"]
        told_at = datetime.fromtimestamp(row.ended_at // SECOND, timezone(timedelta(hours=8)))
        await expect(card.locator(".told")).to_contain_text(told_at.strftime("%H:%M:%S"))

        await expect(card.locator("select")).to_have_value("zhang")
        await card.locator("select").select_option("li")
        await card.get_by_role("button", name="签收").click()
        await expect(card).to_contain_text("已签收")
        await expect(page.locator("#toast")).to_have_text("F0105-0001 已签收。")
        assert view.found["F0105-0001"].owner == "li"

        await card.get_by_role("button", name="办结").click()
        confirm = page.get_by_role("button", name="确认办结")
        await expect(confirm).to_be_disabled()
        await page.get_by_text("误报", exact=True).click()
        await page.locator("#comment").fill("炒菜油烟")
        await shoot(desk, "closing")
        await confirm.click()
        await expect(card).to_have_count(0)
        closed = view.found["F0105-0001"]
        assert (closed.state, closed.outcome) == (State.closed, "false_alarm")
        assert "炒菜油烟" in view.kept_texts.values()
        assert desk.troubles == []


@pytest.mark.parametrize(
    ("width", "height"), [(1920, 1080), (1366, 768), (390, 844)], ids=lambda size: str(size)
)
async def test_the_page_fits_the_screen_and_says_everything_in_words(
    tmp_path: Path, width: int, height: int
) -> None:
    async with a_desk(tmp_path, width, height) as desk:
        page = desk.page
        await a_busy_day(desk.view)
        await page.goto(desk.url)
        await expect(page.locator("article")).to_have_count(4)
        await expect(page.locator("article").first).to_contain_text("烟雾报警")
        await expect(page.locator("#ledger")).to_contain_text("12,840")
        await expect(page.locator("#ledger .right")).to_have_count(4)
        await expect(page.locator("#ledger tr").last).to_contain_text("中断期间积压超限 320")
        await expect(page.locator(".messages .failed")).to_contain_text("未送达")
        await expect(page.locator("article img")).to_have_js_property("naturalWidth", 64)
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await page.evaluate(overflow) <= 0
        await shoot(desk, f"zh-{width}", whole=width < 500)
        seen = await page.locator("body").inner_text()
        assert not re.search(
            r"\b(card|devices|ledger|tasks|health|state|value|arming|rules|mode|arm)\.\w+", seen
        )
        assert not re.search(r"undefined|null|NaN|\[object", seen)
        assert desk.troubles == []


async def test_a_place_is_armed_by_two_taps(tmp_path: Path) -> None:
    async with a_desk(tmp_path, 390, 844) as desk:
        page, view = desk.page, desk.view
        wall = view.now().wall
        view.armed["1309010102"] = ModeRow(
            "1309010102", "disarmed", "plan:offices", wall - 9_000 * SECOND, "offices", wall + HOUR
        )
        await page.goto(desk.url)
        grid = page.locator("button[data-place='1309010102']")
        await expect(grid).to_contain_text("撤防")
        await expect(grid).to_contain_text("计划“办公区夜间布防”")
        await expect(page.locator("button[data-place='1309']")).to_contain_text("一直如此")

        await grid.click()
        await expect(page.locator("#arming-person")).to_have_value("zhao")
        dialog = page.locator("#arming-dialog")
        assert await dialog.evaluate("(it) => it.scrollWidth - it.clientWidth") <= 0
        await shoot(desk, "arming-dialog-390")
        await page.get_by_role("button", name="外出布防", exact=True).last.click()

        await expect(page.locator("#toast")).to_have_text("第二网格：外出布防")
        await expect(page.locator("#arming-dialog")).to_be_hidden()
        await expect(grid).to_contain_text("赵六")
        await expect(grid).to_have_attribute("data-mode", "away")
        assert view.armed["1309010102"][1:3] == ("away", "person:zhao")
        assert desk.troubles == []


async def test_arming_is_seen_live_and_by_whom_and_until_when(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        page, view = desk.page, desk.view
        await page.goto(desk.url)
        root = page.locator("button[data-place='1309']")
        await expect(root).to_contain_text("外出布防")
        await view.arm("1309", "home", "person:wang", view.now().wall + HOUR)
        await expect(root).to_contain_text("在家布防", timeout=20_000)
        await expect(root).to_contain_text("王五")
        await expect(root).to_contain_text("为止")
        await root.click()
        plan = page.locator("#modes button[data-mode=plan]")
        await expect(plan).to_be_disabled()
        await page.locator("#arming-person").select_option("li")
        await page.locator("#arming-for").select_option("2h")
        view.refuses_arming = Text("存储写不进去。", "The store takes nothing.")
        await page.locator("#modes button[data-mode=disarmed]").click()
        await expect(page.locator("#arming-error")).to_have_text("存储写不进去。")
        view.refuses_arming = None
        await page.locator("#modes button[data-mode=disarmed]").click()
        await expect(root).to_contain_text("撤防")
        assert view.armed["1309"].until - view.armed["1309"].since == pytest.approx(
            2 * HOUR, abs=SECOND
        )
        await root.click()
        await expect(page.locator("#arming-person")).to_have_value("li")
        # The API's 409 is an answer; the browser logs it all the same.
        assert all("409" in each for each in desk.troubles)


async def test_several_districts_have_a_choice_for_everywhere(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        page, view = desk.page, desk.view
        await page.goto(desk.url)
        await expect(page.locator("#places button")).to_have_count(5)
        whole = page.locator("button[data-place='']")
        await expect(whole).to_have_count(0)
        hostile = "<img src=x onerror=document.title='taken'>"
        places = view.the_site.places | {"1310": Place("1310", "", "district", hostile)}
        view.the_site = msgspec.structs.replace(view.the_site, places=places)
        view.armed["1310"] = ModeRow("1310", "home", "person:li", view.now().wall)
        await view.touch()
        await expect(whole).to_contain_text("不一致", timeout=20_000)
        await expect(page.locator("button[data-place='1310']")).to_contain_text(hostile)
        await whole.focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Enter")  # a key that is held down arms nothing
        await expect(page.locator("#arming-place")).to_have_text("全部地点")
        assert view.armed["1309"].by == ""
        await page.locator("#modes button[data-mode=disarmed]").click()
        await expect(page.locator("#toast")).to_have_text("全部地点：撤防")
        await expect(whole).to_have_attribute("data-mode", "disarmed")
        assert {row.mode for row in await view.modes()} == {"disarmed"}
        assert await page.locator("#places img").count() == 0
        assert "taken" not in await page.title()
        assert desk.troubles == []


async def test_the_dialog_says_what_somebody_else_does_meanwhile(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        page, view = desk.page, desk.view
        view.the_site.people.clear()
        await page.goto(desk.url)
        await page.locator("button[data-place='1309010101']").click()
        await expect(page.locator("#arming-person")).to_have_value("duty")
        await expect(page.locator("#arming-person option")).to_have_text("值班员（网格协管员）")
        away = page.locator("#modes button[data-mode=away]")
        await expect(away).to_have_attribute("aria-pressed", "true")
        await page.locator("#arming-for").select_option("2h")
        await view.arm("1309010101", "home", "person:duty", 0)
        await expect(page.locator("#arming-now")).to_contain_text("在家布防", timeout=20_000)
        await expect(page.locator("#arming-now")).to_contain_text("值班员")
        await expect(away).to_have_attribute("aria-pressed", "false")
        await expect(page.locator("#arming-for")).to_have_value("2h")
        del view.armed["1309010101"]
        await view.touch()
        await expect(page.locator("#arming-dialog")).to_be_hidden(timeout=20_000)
        assert desk.troubles == []


async def test_buildings_that_are_as_their_grid_is_stay_out_of_the_way(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        page, view = desk.page, desk.view
        grid = "1309010102"
        buildings = [Place(f"{grid}{n:02}", grid, "building", f"{n} 号楼") for n in range(1, 81)]
        places = view.the_site.places | {each.code: each for each in buildings}
        view.the_site = msgspec.structs.replace(view.the_site, places=places)
        view.armed = {code: ModeRow(code) for code in places}
        await view.arm(f"{grid}07", "disarmed", "person:zhao", 0)
        await page.goto(desk.url)
        rows = page.locator("#places button")
        await expect(rows).to_have_count(6)
        await expect(rows.last).to_contain_text("7 号楼")
        await page.get_by_role("button", name="显示全部 85 处").click()
        await expect(rows).to_have_count(60)
        await expect(page.locator("#places-more")).to_contain_text("另有 25 处未显示")
        await page.locator("#place-search").fill("77 号")
        await expect(rows).to_have_count(1)
        await rows.click()
        await expect(page.locator("#arming-place")).to_contain_text("第二网格 / 77 号楼")
        assert desk.troubles == []


async def test_rules_show_what_they_did_and_the_faults_of_new_ones(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        page, view = desk.page, desk.view
        await page.goto(desk.url)
        await expect(page.locator("#rules-edition")).to_contain_text("5f3c5f3c5f3c")
        await page.get_by_text("逐条查看").click()
        rows = page.locator("#rules tbody tr")
        await expect(rows).to_have_count(4)
        await expect(rows.nth(0)).to_contain_text("消火栓压力不足")
        await expect(rows.nth(1)).to_contain_text("设备失联")
        await expect(rows.nth(2)).to_contain_text("12,345")
        view.faults = ("site.yaml:4:9: unknown name 'hihg'",) * 3
        await page.get_by_role("button", name="重新读取").click()
        await expect(page.locator("#toast")).to_have_text("没有换用：新规则有 3 处错误。")
        await expect(page.locator("#rules-problems li")).to_have_count(3)
        await expect(page.locator("#rules-problems")).to_contain_text("没有名为 'hihg' 的选项")
        await shoot(desk, "rules-refused", whole=True)
        view.faults = ()
        await page.get_by_role("button", name="重新读取").click()
        await expect(page.locator("#toast")).to_have_text("规则已重新读取。")
        await expect(page.locator("#rules-refused")).to_be_hidden()
        assert view.reloads == 2
        assert desk.troubles == []


async def test_an_incident_says_that_it_became_more_severe(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        page, view = desk.page, desk.view
        await view.open(make_incident("F1", view.now().wall, found="armed"), "zhang")
        await view.happened("F1", Happened.severity, "rule:smoke_alarm", {
            "device": "sm-1", "severity": "critical", "from": "alarm", "raised_from": "alarm",
            "why_zh": "温度 61 °C，高于 57", "why_en": "temperature 61 °C above 57",
        })  # fmt: skip
        await page.goto(desk.url)
        card = page.locator("article[data-key='F1']")
        await expect(card).to_contain_text("布防时已存在")
        await card.get_by_text("经过").click()
        history = card.locator("ol li").last
        await expect(history).to_contain_text("级别变化")
        await expect(history).to_contain_text("报警 → 危急 温度 61 °C，高于 57")
        assert desk.troubles == []


async def test_english_is_remembered_and_leaves_no_chinese_of_ours(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        page = desk.page
        await page.goto(desk.url + "?lang=en")
        await page.goto(desk.url)
        await expect(page.locator("#incidents-none")).to_contain_text("no incident")
        await expect(page.locator("#health")).to_contain_text("Gateway is well")
        site = desk.view.the_site
        ours = await page.locator("body").inner_text()
        names = [p.name for p in site.places.values()] + [d.name for d in site.devices.values()]
        names += [person.name for person in site.people.values()]
        for name in sorted([*names, "中文"], key=len, reverse=True):
            ours = ours.replace(name, "")
        assert not CHINESE.search(ours), ours
        await a_busy_day(desk.view)
        await expect(page.locator("article").first).to_contain_text("Told")
        await shoot(desk, "en-1366")
        assert desk.troubles == []


async def test_a_category_and_a_search_narrow_what_is_shown(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        page = desk.page
        await a_busy_day(desk.view)
        await page.goto(desk.url)
        await page.get_by_role("button", name="设施").click()
        await expect(page.locator("article")).to_have_count(1)
        await expect(page.locator("article")).to_contain_text("井盖打开")
        await page.locator("#kind").select_option("smoke")
        await expect(page.locator("#devices tbody tr")).to_have_count(2)
        await page.locator("#search").fill("8 层")
        await expect(page.locator("#devices tbody tr")).to_have_count(1)
        await expect(page.locator("#devices")).to_contain_text("失联")
        await page.locator("#search").fill("没有这个")
        await expect(page.locator("#devices-none")).to_have_text("没有符合条件的设备。")


@pytest.mark.long
async def test_a_lost_gateway_is_said_in_words_and_forgotten_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with a_desk(tmp_path) as desk:
        page = desk.page
        await page.goto(desk.url)
        await expect(page.locator("#updated")).to_contain_text("更新于")
        await page.context.set_offline(True)
        await expect(page.locator("#lost")).to_contain_text("与网关的连接已断开", timeout=20_000)
        await shoot(desk, "lost")
        await page.context.set_offline(False)
        await expect(page.locator("#lost")).to_be_hidden(timeout=20_000)


TRIAL = {
    "at": START, "lost": False, "hop": "", "driver": "site", "reason": "", "person": "li",
    "hops": {"heard": 20.0, "stored": 1.0, "decided": 4.0, "opened": 6.0, "told": 100.0, "total": 131.0},
}  # fmt: skip


async def test_trouble_of_the_gateway_is_said_in_words(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        page = desk.page
        desk.view.well = False
        desk.view.broken = "journal-broken-20260105-080000.db"
        await page.goto(desk.url)
        health = page.locator("#health")
        await expect(health).to_contain_text("网关有问题")
        await expect(health).to_contain_text("上传 influxdb 其余数据 已中断")
        await expect(health).to_contain_text("数据日志损坏，已另存为 journal-broken")
        await expect(page.locator("#tasks .wrong")).to_contain_text("connection refused")
        await expect(page.locator("#canary")).to_be_hidden()
        desk.view.canary = TRIAL
        await page.reload()
        line = page.locator("#canary")
        await expect(line).to_contain_text(
            "经驱动 site 已到达 li，131 毫秒（驱动接收 20、写入日志 1"
        )
        desk.view.canary = TRIAL | {"lost": True, "hop": "heard", "reason": "no broker", "hops": {}}
        await page.reload()
        await expect(line).to_contain_text("经驱动 site 停在“驱动接收”：no broker")
        await shoot(desk, "trouble")
        # The API's 503 is an answer; the browser logs it all the same.
        assert all("503" in each for each in desk.troubles)


async def test_a_name_from_outside_is_shown_as_text_and_never_run(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        page, view = desk.page, desk.view
        evil = "<img src=x onerror=alert(1)>"
        await view.open(make_incident("F1", view.now().wall, title=Text(evil, evil)), "zhang")
        reading = view.the_latest["cl-1"]
        view.the_latest[evil] = type(reading)(
            evil, "smoke", {"zone": evil, "alarm": True}, received_at=reading.at, at=reading.at
        )
        await page.goto(desk.url)
        await expect(page.locator("article h3")).to_have_text(evil)
        await expect(page.locator("#devices")).to_contain_text(evil)
        assert await page.locator("img[src=x]").count() == 0
        assert desk.troubles == []
