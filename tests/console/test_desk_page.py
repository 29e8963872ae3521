"""What an operator does besides receiving: hand on, ask, attach, look up, report, keep quiet."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Locator, Page, expect

from gateway.console.telling import Silencing
from gateway.console.view import ActRefused
from gateway.model import (
    SECOND,
    Category,
    CheckIn,
    Deed,
    Duty,
    Happened,
    OutboxRow,
    Person,
    Place,
    Point,
    Severity,
    Silence,
    State,
    Text,
)
from gateway.patrol.report import Line
from gateway.patrol.rounds import Round
from tests.console.memory_view import HOUR, MemoryView, ModeRow, make_incident, png
from tests.console.test_browser import CHINESE, CHROMIUM, a_busy_day, a_desk, shoot

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")

KEY = "F0105-0001"
GRID = "1309010101"


class MemoryTelling:
    """Silences and held messages in memory."""

    def __init__(self) -> None:
        self.kept: list[Silence] = []
        self.waiting: list[OutboxRow] = []
        self.asked: list[tuple[Silencing, float, float]] = []
        self.ended: list[tuple[int, str]] = []

    async def silences(self) -> Sequence[Silence]:
        return self.kept

    async def silence(self, asked: Silencing, begin: float, last: float) -> None:
        self.asked.append((asked, begin, last))
        if asked.category == "life":
            raise ActRefused(Text("生命安全只能静默一台设备。", "Life: one device only."))
        self.kept.insert(0, make_silence(len(self.kept) + 1, int(last), asked))

    async def end_silence(self, id_: int, person: str) -> None:
        self.ended.append((id_, person))
        self.kept = [each for each in self.kept if each.id != id_]

    async def held(self) -> Sequence[OutboxRow]:
        return self.waiting


def make_silence(id_: int, last: int, asked: Silencing) -> Silence:
    return Silence(
        id_, asked.place, asked.device, asked.rule, asked.category, -SECOND, last * SECOND,
        asked.because, f"person:{asked.person}", 0,
    )  # fmt: skip


def on_patrol(view: MemoryView) -> None:
    now = view.now()
    early = Round("早巡", date(2026, 1, 5), now.wall - 4 * HOUR, now.wall - 2 * HOUR)
    late = Round("午巡", date(2026, 1, 5), now.wall - HOUR, now.wall + HOUR)
    gate, pump = Point("p1", "东门", GRID), Point("p2", "泵房", "1309010102")
    done = CheckIn("p1", "zhang", now.wall - 3 * HOUR, now.arrival, True, 320.0)
    view.lines = [Line(early, gate, done), Line(early, pump, None), Line(late, gate, None)]


def with_roster(view: MemoryView) -> None:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    halves = [(0, 720, "li"), (720, 1440, "wang")]
    lines = [Duty(GRID, "officer", people=((who,),), days=days, begin=begin, end=end)
             for begin, end, who in halves]  # fmt: skip
    view.the_site = msgspec.structs.replace(view.the_site, rosters=tuple(lines))


async def pick(box: Locator, typed: str, shown: str) -> None:
    await box.locator("input").fill(typed)
    await box.get_by_role("button").filter(has_text=shown).first.click()


async def is_nothing_cut(page: Page) -> bool:
    return bool(
        await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    )


async def test_a_case_is_handed_on_supervised_and_gets_a_photo(tmp_path: Path) -> None:
    async with a_desk(tmp_path, 1280) as desk:
        page, view = desk.page, desk.view
        await view.open(make_incident(KEY, view.now().wall, state=State.received), "zhang")
        await page.goto(desk.url)
        card = page.locator(f"article[data-key='{KEY}']")
        await card.get_by_role("button", name="转办").click()
        confirm = page.locator("#deed-confirm")
        await pick(page.locator("#deed-to"), "赵", "赵六")
        await expect(confirm).to_be_disabled()
        await page.locator("#deed-comment").fill("在他的网格")
        await shoot(desk, "transfer-1280")
        view.refuses = Text("已由赵六负责。", "Zhao has it already.")
        await confirm.click()
        await expect(page.locator("#deed-error")).to_have_text("已由赵六负责。")
        view.refuses = None
        await confirm.click()
        await expect(page.locator("#toast")).to_have_text(f"{KEY} 已转办。")
        assert view.deeds[-1] == Deed("transfer", "zhang", comment="在他的网格", to="zhao")

        await card.get_by_role("button", name="督办").click()
        await page.locator("#deed-within").select_option("30m")
        await confirm.click()
        await expect(page.locator("#deed")).to_be_hidden()
        assert view.deeds[-1] == Deed("supervise", "zhang", within=1_800 * SECOND)

        await card.get_by_role("button", name="附件").click()
        await expect(confirm).to_be_disabled()
        photo = {"name": "现场.png", "mimeType": "image/png", "buffer": png()}
        await page.locator("#deed-file").set_input_files(photo)  # type: ignore[arg-type]
        await confirm.click()
        await expect(page.locator("#deed")).to_be_hidden()
        assert len(view.deeds[-1].attachment) == 64

        await card.get_by_role("button", name="办结").click()
        await page.get_by_label("误报", exact=True).check()
        await page.locator("#closing-cause").select_option("cooking")
        await page.locator("#closing-confirm").click()
        await expect(page.locator("#closing")).to_be_hidden()
        assert view.deeds[-1] == Deed("close", "zhang", "false_alarm", cause="cooking")
        assert all("409" in each for each in desk.troubles)


async def test_the_history_says_who_has_it_and_why(tmp_path: Path) -> None:
    async with a_desk(tmp_path, 390, 844) as desk:
        page, view = desk.page, desk.view
        await view.open(
            make_incident(KEY, view.now().wall, ladder=("zhang", "li"), early=1), "zhang"
        )
        moved = {"from": "zhang", "owner": "zhao", "charge": "1309010102", "to": "zhao"}
        await view.happened(KEY, Happened.transferred, "person:li", moved)
        shift = {"from": "zhao", "owner": "li", "because": "shift"}
        await view.happened(KEY, Happened.transferred, "timer", shift)
        await view.happened(KEY, Happened.warned, "timer", {"until": "9"})
        await view.happened(
            KEY, Happened.escalated, "timer", {"to": "wang", "owner": "wang", "because": "limit"}
        )
        await page.goto(desk.url)
        card = page.locator(f"article[data-key='{KEY}']")
        await expect(card).to_contain_text("即将超时")
        await expect(card).to_contain_text("张三 → 李四")
        await card.get_by_text("经过").click()
        history = card.locator("ol li")
        await expect(history.nth(1)).to_contain_text("转办 · 李四 张三 → 赵六 · 云河区")
        await expect(history.nth(2)).to_contain_text("转办 · 系统 赵六 → 李四 · 换班")
        await expect(history.nth(3)).to_contain_text("即将超时 · 到时限")
        await expect(history.nth(4)).to_contain_text("上报 · 到时限 超时 → 王五")
        await shoot(desk, "history-390", whole=True)
        assert await is_nothing_cut(page)
        assert desk.troubles == []


async def test_cases_are_found_by_several_criteria_printed_and_taken_away(tmp_path: Path) -> None:
    async with a_desk(tmp_path, 1280) as desk:
        page, view = desk.page, desk.view
        await a_busy_day(view)
        wall = view.now().wall
        for n in range(120):
            await view.open(make_incident(
                f"F0104-{n:04}", wall - n * SECOND - HOUR, state=State.closed, deadline=0,
                category=Category.facility, outcome="false_alarm", cause="dust",
                title=Text(f"=井盖 {n}", f"=cover {n}"), severity=Severity.warning,
                opened_at=wall - n * SECOND - HOUR,
            ))  # fmt: skip
        await page.goto(desk.url)
        await page.get_by_role("button", name="查询与报表").click()
        rows = page.locator("#found tbody tr")
        await expect(rows).to_have_count(100)
        await page.get_by_role("button", name="再显示一些").click()
        await expect(rows).to_have_count(124)
        await expect(page.locator("#found-about")).to_contain_text("共 124 件")
        await page.get_by_role("checkbox", name="已办结").check()
        await page.get_by_role("checkbox", name="设施").check()
        await pick(page.locator("#search-place"), "第一", "第一网格")
        await page.locator("#search-text").fill("井盖 11")
        await page.get_by_role("button", name="查询", exact=True).click()
        await expect(rows).to_have_count(11)
        assert (view.wanted.states, view.wanted.place) == (("closed",), GRID)
        await shoot(desk, "search-1280", whole=True)
        async with page.expect_download() as taken:
            await page.get_by_role("button", name="下载表格").click()
        content = await asyncio.to_thread((await (await taken.value).path()).read_bytes)
        text = content.decode("utf-8-sig")
        table = list(csv.DictReader(io.StringIO(text)))
        assert len(table) == 11
        assert table[0]["事件"] == "'=井盖 11"
        assert table[0]["结果"] == "误报（灰尘）"
        await page.emulate_media(media="print")
        await expect(page.locator(".printed")).to_contain_text("已办结 · 设施")
        await expect(page.locator("#search-form")).to_be_hidden()
        await expect(page.locator("header")).to_be_hidden()
        await shoot(desk, "print", whole=True)
        await page.emulate_media(media="screen")
        await rows.first.get_by_role("button").click()
        case = page.locator("#case")
        await expect(case).to_contain_text("误报（灰尘）")
        await case.get_by_role("button", name="重新打开").click()
        await page.locator("#deed-comment").fill("又松了")
        await page.locator("#deed-confirm").click()
        await expect(page.locator("#toast")).to_contain_text("已重新打开")
        assert view.deeds[-1] == Deed("reopen", "zhang", comment="又松了")
        assert desk.troubles == []


async def test_a_case_is_reported_by_hand(tmp_path: Path) -> None:
    async with a_desk(tmp_path, 390, 844) as desk:
        page, view = desk.page, desk.view
        await page.goto(desk.url)
        await page.get_by_role("button", name="登记事件").click()
        await page.locator("#report-title").fill("路灯倒伏")
        await page.locator("#report-why").fill("居民来电")
        confirm = page.locator("#report-confirm")
        await expect(confirm).to_be_disabled()
        await pick(page.locator("#report-place"), "第二", "第二网格")
        await expect(page.locator("#report-person")).to_have_value("zhao")
        await shoot(desk, "report-390")
        await confirm.click()
        await expect(page.locator("#toast")).to_contain_text("已登记")
        [made] = view.found.values()
        assert (made.title.zh, made.place, made.owner) == ("路灯倒伏", "1309010102", "zhao")
        assert (made.category, made.severity) == (Category.facility, Severity.warning)
        await expect(page.locator(f"article[data-key='{made.key}']")).to_be_visible()
        assert desk.troubles == []


@pytest.mark.parametrize(("width", "language"), [(390, "zh"), (1280, "en"), (1920, "zh")])
async def test_duty_patrol_silences_and_held_messages_have_panels(
    tmp_path: Path, width: int, language: str
) -> None:
    telling = MemoryTelling()
    async with a_desk(tmp_path, width, 900, telling) as desk:
        page, view = desk.page, desk.view
        with_roster(view)
        on_patrol(view)
        await a_busy_day(view)
        telling.waiting = [
            OutboxRow(7, KEY, 1, "opened", "li", view.now().arrival + 60 * SECOND, held="storm")
        ]
        await page.goto(f"{desk.url}?lang={language}")
        await expect(page.locator("#duty > li").first).to_contain_text("王五")
        await expect(page.locator("#patrol > li").first).to_contain_text("早巡")
        await page.locator("#patrol summary").first.click()
        await expect(page.locator("#patrol .done").first).to_contain_text("320")
        await expect(page.locator("#held li")).to_contain_text("李四")
        await page.locator("#silence-add").click()
        await pick(page.locator("#silence-place"), "第一", "第一网格")
        await page.locator("#silence-because").fill("更换电池")
        await page.locator("#silence-for").select_option("4h")
        await page.locator("#silence-category").select_option("life")
        await page.locator("#silence-confirm").click()
        await expect(page.locator("#silence-error")).to_be_visible()
        await shoot(desk, f"silence-{width}-{language}")
        await page.locator("#silence-category").select_option("")
        await page.locator("#silence-confirm").click()
        row = page.locator("#silences li")
        await expect(row).to_contain_text("更换电池")
        asked, begin, last = telling.asked[-1]
        assert (asked.place, asked.person, begin, last) == (GRID, "zhang", 0.0, 14_400.0)
        await shoot(desk, f"panels-{width}-{language}", whole=True)
        assert await is_nothing_cut(page)
        await row.get_by_role("button").click()
        await page.locator("#choosing-confirm").click()
        await expect(row).to_have_count(0)
        assert telling.ended == [(1, "zhang")]
        ours = await page.locator(
            "#patrol-heading, #silences-panel, #held-panel h2"
        ).all_inner_texts()
        assert any(CHINESE.search(each) for each in ours) == (language == "zh")
        assert all("409" in each for each in desk.troubles)


async def with_hazards(view: MemoryView, many: int = 3) -> None:
    """The first 40 days old and overdue, the others a week and fresh in turn."""
    whats = [("楼道电动车充电", "E-bike charging in the stairway"),
             ("消防通道堆放杂物", "Fire lane blocked"), ("井盖松动", "Loose manhole cover")]  # fmt: skip
    for n in range(many):
        days = 40 if not n else (9, 1)[n % 2]
        made = make_incident(
            f"H20260105-{n + 1:04}", view.now().wall - days * 24 * HOUR, title=Text(*whats[n % 3]),
            rule="hazard", category=Category.facility, severity=Severity.notice, device="",
            place=(GRID, "1309010102")[n % 2], overdue=not n, alarming=(), owner="li",
            why=Text("巡查时发现", "seen on a round"),
        )  # fmt: skip
        await view.open(made)


@pytest.mark.parametrize(
    ("width", "language"), [(390, "zh"), (1366, "en"), (1366, "zh"), (1920, "zh")]
)
async def test_the_hazard_register_has_a_panel_from_report_to_close(
    tmp_path: Path, width: int, language: str
) -> None:
    zh = language == "zh"
    async with a_desk(tmp_path, width, 900) as desk:
        page, view = desk.page, desk.view
        await with_hazards(view)
        await page.goto(f"{desk.url}?lang={language}")
        panel, rows = page.locator("#hazards-panel"), page.locator("#hazards > li")
        await expect(rows).to_have_count(3)
        await expect(panel.locator("h2 small")).to_have_text("3 处未办结" if zh else "3 open")
        await expect(rows.first).to_contain_text("已 40 天" if zh else "for 40 d")
        await expect(rows.first.locator(".loud")).to_contain_text("超时" if zh else "overdue")
        ages = await page.locator("#hazards-ages span").all_inner_texts()
        assert [age[-1] for age in ages] == ["1", "1", "1", "1"]
        await page.locator("#hazards-grids summary").click()
        await expect(page.locator("#hazards-by-grid tbody tr")).to_have_count(2)
        await panel.scroll_into_view_if_needed()
        await shoot(desk, f"hazards-{width}-{language}", whole=True)
        assert await is_nothing_cut(page)

        await rows.first.get_by_role("button").last.click()
        await shoot(desk, f"hazards-who-{width}-{language}")
        await page.locator("#choosing-confirm").click()
        await expect(rows.first.locator("[data-verb=handle]")).to_be_visible()
        assert (view.deeds[-1].verb, view.found["H20260105-0001"].state) == (
            "receive", State.received,
        )  # fmt: skip
        await rows.first.locator(".link").click()  # the rest of the deeds are in the case
        await expect(page.locator("#case [data-verb=transfer]")).to_be_visible()
        await page.locator("#case [data-verb=close]").click()
        await page.locator("#closing input[value=real]").check(force=True)
        await page.locator("#closing-confirm").click()
        await page.locator("#case-close").click()
        await expect(rows).to_have_count(2)
        await page.locator("#hazards-closed").check()
        await expect(rows).to_have_count(3)
        await expect(rows.first.locator(".done")).to_be_visible()

        await page.locator("#hazard-add").click()
        await expect(page.locator("#report-heading")).to_have_text(
            "登记隐患" if zh else "New hazard"
        )
        await page.locator("#report-title").fill("配电箱门敞开")
        await page.locator("#report-why").fill("钥匙遗失")
        await pick(page.locator("#report-place"), "第一", "第一网格")
        await shoot(desk, f"hazards-form-{width}-{language}")
        await page.locator("#report-confirm").click()
        await expect(rows).to_have_count(4)
        assert view.found["H20260105-0004"].title.zh == "配电箱门敞开"
        await page.locator("#report-open").click()
        await expect(page.locator("#report-hazard")).to_be_hidden()
        assert desk.troubles == []


async def test_a_register_of_thousands_is_shown_a_few_at_a_time(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        page = desk.page
        await with_hazards(desk.view, 300)
        await page.goto(desk.url)
        rows = page.locator("#hazards > li")
        await expect(rows).to_have_count(8)
        await expect(page.locator("#hazards-rest")).to_have_text("另有 292 处未显示。")
        for shown in (32, 128, 200):
            await page.locator("#hazards-more").click()
            await expect(rows).to_have_count(shown)
        await expect(page.locator("#hazards-more")).to_be_hidden()
        assert desk.troubles == []


async def test_a_district_fills_no_list_with_thousands(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        page, view = desk.page, desk.view
        places = dict(view.the_site.places)
        people = dict(view.the_site.people)
        for n in range(1_400):
            code = f"13090102{n:04}"
            places[code] = Place(code, "130901", "grid", f"新区{n}网格")
            for k in range(3):
                people[f"p{n}-{k}"] = Person(f"p{n}-{k}", f"人员{n}-{k}", code, "officer")
        view.the_site = msgspec.structs.replace(view.the_site, places=places, people=people)
        view.armed = {code: ModeRow(code) for code in places}
        await a_busy_day(view)
        await page.goto(desk.url)
        card = page.locator(f"article[data-key='{KEY}']")
        await expect(card.locator("select")).to_have_value("zhang")
        assert await page.locator("option").count() < 200
        await card.locator("select").select_option("?")
        await pick(page.locator("#choosing-person"), "人员1399-2", "人员1399-2")
        await page.locator("#choosing-confirm").click()
        await expect(card.locator("select")).to_have_value("p1399-2")
        await card.get_by_role("button", name="签收").click()
        await expect(page.locator("#toast")).to_have_text(f"{KEY} 已签收。")
        assert view.found[KEY].owner == "p1399-2"
        await page.locator("#duty-search").fill("新区 1399")
        await expect(page.locator("#duty > li")).to_have_count(1)
        await expect(page.locator("#duty")).to_contain_text("人员1399-0、人员1399-1")
        await expect(page.locator("#duty-more")).to_be_hidden()
        assert desk.troubles == []
