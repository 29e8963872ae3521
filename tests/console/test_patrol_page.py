"""The page for rounds: one person's points on a phone, by a link that opens nothing else."""

from __future__ import annotations

import asyncio
import csv
import re
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from playwright.async_api import Page, async_playwright, expect

from gateway.cli import main
from gateway.console.patrol_page import MOST_HAZARDS
from gateway.console.patrol_texts import TEXTS
from gateway.links import load_key, patrol_link, token
from gateway.model import SECOND
from tests.console.test_browser import CHROMIUM, FLAGS, SHOTS
from tests.console.test_case_page import JPEG, answer, upload
from tests.console.test_texts import check_pair
from tests.stories.house import PEOPLE, House
from tests.stories.phone import Phone
from tests.stories.test_patrol import Beat
from tests.virtual import VirtualClock

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
ENGLISH = "smith,Ann Smith,9901010101,officer,13800000012,en,phone\n"
STREET = "li,李街道,99010101,supervisor,13800000013,zh,phone\n"
FOREIGN = "far,远方,9901010102,officer,13800000014,zh,phone\n"


@pytest.fixture
async def beat(tmp_path: Path) -> AsyncIterator[Beat]:
    """At eight in the morning of a Monday, in the round 早 (07:00 to 09:00)."""
    async with Phone() as phone:
        house = House(tmp_path, VirtualClock(), phone)
        beat = Beat(house)
        write = house.write

        def with_links(**more: str) -> None:
            write(**more)  # type: ignore[arg-type]
            with house.file.open("a", encoding="utf-8") as file:
                file.write("messages: {link: 'https://desk.example.cn'}\n")

        house.write = with_links  # type: ignore[method-assign, assignment]
        people(house, PEOPLE + ENGLISH + STREET + FOREIGN)
        await beat.estate.begin(at="2026-01-05 06:50")
        beat.estate.clock.wall += 70 * MINUTE
        yield beat
        await house.stop()


def people(house: House, text: str) -> None:
    (house.folder / "people.csv").write_text(text, encoding="utf-8")


def url_of(beat: Beat, person: str, until: int = 30 * DAY, key: bytes = b"") -> str:
    key = key or load_key(beat.house.data / "link.key")
    base = beat.house.running.console_url
    return patrol_link(base, key, person, beat.estate.clock.wall + until)


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


async def test_the_points_of_the_round_that_is_due_are_checked_in_at_without_scripts(
    beat: Beat,
) -> None:
    url = url_of(beat, "chen")
    status, page = await answer(url)
    assert status == 200
    said = words(page)
    assert "早巡查" in said
    assert "请在 09:00 前走完" in said
    assert "北门 云河社区 / 第一网格" in said
    assert "已到 0 / 1" in said
    assert "晚 18:00–20:00，还没开始" in said
    assert page.count("/checkin") == 1, "neither another grid's point nor another round's"
    status, page = await answer(f"{url}/checkin", point="gate", latitude="38.31", longitude="116.8")
    said = words(page)
    assert status == 200
    assert "已签到：北门" in said
    assert "✓ 08:00 已到 · 陈静" in said
    assert "签到时离巡查点 1112 米" in said
    assert "这一班已全部走完" in said
    assert (await beat.seen())["早"] == {"gate": "done", "market": "due"}


async def test_who_is_late_is_told_so_and_what_was_missed_is_shown(beat: Beat) -> None:
    url = url_of(beat, "chen")
    beat.estate.clock.wall += 61 * MINUTE
    assert "09:00 已过，09:15 前签到仍然算数" in words((await answer(url))[1])
    beat.estate.clock.wall += 14 * MINUTE
    said = words((await answer(url))[1])
    assert "现在没有巡查。下一班：晚，18:00 开始" in said
    assert "漏点 北门" in said
    status, page = await answer(f"{url}/checkin", point="gate")
    assert (status, "现在不是巡查时间" in page) == (409, True)
    beat.estate.clock.wall += 13 * HOUR
    said = words((await answer(url))[1])
    assert "今天没有要走的巡查了" in said
    assert "漏点 地下室" in said


async def test_only_own_points_and_only_real_ones_are_taken(beat: Beat) -> None:
    url = url_of(beat, "chen")
    for point in ("market", "nowhere", "gate' OR 1=1"):
        status, page = await answer(f"{url}/checkin", point=point)
        assert (status, "这不是您的巡查点" in page) == (409, True), point
    status, page = await answer(f"{url}/checkin", x="")
    assert (status, TEXTS["incomplete"].zh in page) == (400, True)
    for where in ("91", "nan", "inf", "here", ""):
        form = {"point": "gate", "latitude": where, "longitude": "116.8"}
        assert (await answer(f"{url}/checkin", **form))[0] == 200, where
    assert (await answer(url_of(beat, "far")))[1].count("/checkin") == 1
    assert (await answer(url_of(beat, "li")))[1].count("/checkin") == 2 - 1, "gate is done"


async def test_a_link_that_is_expired_forged_foreign_or_of_another_kind_says_what_to_do(
    beat: Beat,
) -> None:
    key = load_key(beat.house.data / "link.key")
    good = url_of(beat, "chen")
    base, _, text = good.rpartition("/")
    wall = beat.estate.clock.wall
    case = token(key, "L20260105-0001", "chen", wall + DAY)
    cases = {
        404: [
            good.replace("/chen.", "/lin."), url_of(beat, "chen", key=b"x" * 32), f"{base}/{case}",
            f"{base}/chen.0.{text.split('.')[2]}", f"{base}/x", f"{base}/{'x' * 600}",
        ],
        410: [url_of(beat, "chen", -DAY)],
        403: [url_of(beat, "nobody")],
    }  # fmt: skip
    todo = {404: "请向值班室要新的巡查链接", 410: "请向值班室要新的巡查链接", 403: "请联系值班室"}
    for expected, urls in cases.items():
        for url in urls:
            for status, page in (
                await answer(url),
                await answer(f"{url}/checkin", point="gate"),
                await answer(f"{url}/hazard", what="x", severity="notice"),
            ):
                assert (status, todo[expected] in page, "北门" in page) == (expected, True, False)
    assert (await answer(f"{base.removesuffix('/p')}/c/{text}"))[0] == 404, "opens no case either"
    assert (await beat.seen())["早"]["gate"] == "due"


async def test_who_leaves_the_registry_loses_the_right_at_once(beat: Beat) -> None:
    url = url_of(beat, "chen")
    assert (await answer(url))[0] == 200
    people(beat.house, PEOPLE.replace("chen,", "ding,"))
    beat.house.running.reload()
    for _ in range(200):
        await beat.estate.clock.advance(0.1)
        if (await answer(url))[0] == 403:
            break
        await asyncio.sleep(0.01)
    assert (await answer(f"{url}/checkin", point="gate"))[0] == 403


async def test_a_hazard_goes_into_the_register_with_its_photo_and_once(beat: Beat) -> None:
    url = url_of(beat, "chen")
    once = re.findall(r'name="once" value="(\w+)"', (await answer(url))[1])[0]
    form = {"what": "电动车进楼", "severity": "warning", "point": "gate", "once": once}
    status, page = await upload(f"{url}/hazard", JPEG, b"", **form)
    assert (status, "已登记，编号 H20260105-0001，已通知负责人" in page) == (200, True)
    status, page = await upload(f"{url}/hazard", JPEG, **form)
    assert (status, "H20260105-0001" in page) == (409, True), "the same form, sent again"
    (hazard,) = (await beat.house.get("hazards"))["hazards"]
    assert (hazard["title"], hazard["why"]) == ("电动车进楼", "北门:电动车进楼")
    assert (hazard["place"], hazard["severity"]) == ("9901010101", "warning")
    seen = await beat.house.get(f"incidents/{hazard['key']}")
    assert [event["what"] for event in seen["events"]] == ["opened", "attached"]
    assert seen["events"][0]["by"] == "person:chen"
    wrong = [{"what": ""}, {"what": "x" * 101}, {"severity": "critical"}, {"point": "market"}]
    for each in wrong:
        status, page = await upload(f"{url}/hazard", **form | each)
        assert (status, TEXTS["incomplete"].zh in page) == (400, True), each
    status, page = await upload(f"{url}/hazard", b"MZ", **form)
    assert (status, "附件只能是" in page) == (400, True)
    for _ in range(MOST_HAZARDS - 2):
        assert (await upload(f"{url}/hazard", **form | {"once": "", "point": ""}))[0] == 200
    status, page = await upload(f"{url}/hazard", **form | {"once": ""})
    assert (status, "操作过于频繁" in page) == (429, True)


async def test_the_page_is_closed_to_frames_caches_search_engines_and_foreign_names(
    beat: Beat,
) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(url_of(beat, "chen")) as found:
            assert found.headers["Cache-Control"] == "no-store"
            assert found.headers["Referrer-Policy"] == "no-referrer"
            assert found.headers["X-Frame-Options"] == "DENY"
            assert found.headers["X-Robots-Tag"] == "noindex, nofollow"
            assert "default-src 'self'" in found.headers["Content-Security-Policy"]
        async with session.get(url_of(beat, "chen"), headers={"Host": "evil.example"}) as found:
            assert found.status == 403
        said = {"Origin": "null", "Sec-Fetch-Site": "cross-site"}  # as a page without referrer
        posting = session.post(
            f"{url_of(beat, 'chen')}/checkin", data={"point": "gate"}, headers=said
        )
        async with posting as found:
            assert found.status == 200


async def shot(page: Page, name: str) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
async def test_one_tap_checks_in_where_the_phone_is_and_a_photo_goes_with_the_hazard(
    beat: Beat, tmp_path: Path
) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(JPEG)
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS) as browser,
    ):
        context = await browser.new_context(
            viewport={"width": 390, "height": 844}, permissions=["geolocation"],
            geolocation={"latitude": 38.3, "longitude": 116.8009},
        )  # fmt: skip
        page = await context.new_page()
        troubles: list[str] = []
        page.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
        await page.goto(url_of(beat, "li"))
        await shot(page, "patrol-zh")
        await page.locator(".point", has_text="北门").get_by_role("button").click()
        await expect(page.locator(".said")).to_have_text("已签到：北门")
        await page.get_by_text("上报隐患").click()
        await page.get_by_label("发现了什么").fill("电动车在楼道内充电")
        await expect(page.get_by_label("在哪里")).to_have_value("gate")
        await page.get_by_label("较重").check()
        await page.get_by_label("拍照").set_input_files(photo)
        await shot(page, "patrol-zh-hazard")
        await page.get_by_role("button", name="上报", exact=True).click()
        await expect(page.locator(".said")).to_contain_text("H20260105-0001")
        assert not troubles
        await page.goto(url_of(beat, "smith"))
        await page.get_by_text("Report a hazard").click()
        await expect(page.locator("h1")).to_have_text("Round 早")
        await shot(page, "patrol-en")
        await page.goto(url_of(beat, "chen", -DAY))
        await expect(page.locator("h1")).to_have_text("链接已过期")
        await shot(page, "patrol-expired")
    day = (await beat.house.get("patrol"))["rounds"][0]["points"]
    (gate,) = [point["checkin"] for point in day if point["id"] == "gate"]
    assert gate["person"] == "li"
    assert 75 < gate["metres"] < 82


def test_every_text_says_the_same_in_both_languages() -> None:
    for key, text in TEXTS.items():
        check_pair(key, text)


async def command(*asked: str) -> int:
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(main, ["--lang", "zh", "patrol", "link", *asked])
    return int(ended.value.code or 0)


async def test_the_command_makes_the_link_of_one_person_or_of_everybody_with_points(
    beat: Beat, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = ["--config", str(beat.house.file)]
    assert await command("陈静", "--days", "7", *config) == 0
    said = capsys.readouterr()
    assert said.out.startswith("https://desk.example.cn/p/chen.")
    assert "陈静,2 个巡查点,有效至 " in said.err
    path = urlsplit(said.out.strip()).path
    assert (await answer(beat.house.running.console_url + path))[0] == 200
    out = tmp_path / "links.csv"
    assert await command("--all", "--out", str(out), *config) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    rows = list(csv.DictReader(out.read_text(encoding="utf-8-sig").splitlines()))
    assert {row["person"]: row["points"] for row in rows}["far"] == "1"
    for row in rows:
        link = beat.house.running.console_url + urlsplit(row["link"]).path
        assert (await answer(link))[0] == 200, row


async def test_the_links_of_one_person_are_ended_and_nobody_elses(
    beat: Beat, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    base, port = beat.house.running.console_url, beat.house.running.console_url.rpartition(":")[2]
    config = tmp_path / "here.yaml"
    text = beat.house.file.read_text(encoding="utf-8").replace("port: 0", f"port: {port}")
    for name in ("places", "devices", "people", "points"):
        text = text.replace(f"{name}.csv", str(beat.house.folder / f"{name}.csv"))
    config.write_text(text, encoding="utf-8")
    old, other = url_of(beat, "chen"), url_of(beat, "li")

    async def new() -> str:
        assert await command("chen", "--config", str(config)) == 0
        return base + urlsplit(capsys.readouterr().out.strip()).path

    assert (await answer(old))[0] == 200
    assert await command("陈静", "--end", "--config", str(config)) == 0
    assert "陈静 的签到链接已全部停用;新的:gridwarden patrol link chen" in capsys.readouterr().out
    status, page = await answer(old)
    assert status == 410
    assert "链接已停用" in page
    assert "This link was ended. Please ask the desk for a new link." in words(page)
    assert (await answer(f"{old}/checkin", point="gate"))[0] == 410
    assert (await answer(other))[0] == 200
    second = await new()
    assert (await answer(second))[0] == 200
    await beat.house.stop()
    assert await command("chen", "--end", "--config", str(config)) == 0  # into the file itself
    capsys.readouterr()
    third = await new()
    await beat.house.start()
    base_now = beat.house.running.console_url
    here = {each: await answer(base_now + urlsplit(each).path) for each in (old, second, third)}
    assert [status for status, _ in here.values()] == [410, 410, 200]
    assert await command("chan", "--end", "--config", str(config)) == 1
    assert "名单上没有 chan;是不是想写 chen?" in capsys.readouterr().err
    assert await command("chen", "--end", "--days", "3", "--config", str(config)) == 2


async def test_ending_links_is_asked_for_in_the_right_form(beat: Beat) -> None:
    url = f"{beat.house.running.console_url}/api/v1/patrol/links/end"
    async with aiohttp.ClientSession() as session:
        for body, status in (
            ({"person": "nobody"}, 409), ({"person": ""}, 400), ({"who": "chen"}, 400), ([], 400),
        ):  # fmt: skip
            async with session.post(url, json=body) as found:
                assert found.status == status, body
        async with session.post(url, data={"person": "chen"}) as found:
            assert found.status == 415


async def test_the_command_says_in_one_line_what_it_lacks(
    beat: Beat, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = beat.house.file
    text = config.read_text(encoding="utf-8")
    bare, keyless, plain = (tmp_path / f"{name}.yaml" for name in ("bare", "keyless", "plain"))
    bare.write_text(re.sub(r"messages: .*", "", text), encoding="utf-8")
    plain.write_text(re.sub(r"patrol: .*", "", text), encoding="utf-8")
    keyless.write_text(text.replace(str(beat.house.data), str(tmp_path / "new")), encoding="utf-8")
    for said, asked in {
        "没有写 messages.link": ["chen", "--config", str(bare)],
        "没有 patrol: 这一节": ["chen", "--config", str(plain)],
        "link.key 还没有": ["chen", "--config", str(keyless)],
        "名单上没有 chan;是不是想写 chen?": ["chan", "--config", str(config)],
    }.items():
        assert await command(*asked) == 1
        shown = capsys.readouterr()
        assert (shown.out, said in shown.err, shown.err.count("\n")) == ("", True, 1), shown
    assert not (tmp_path / "new").exists()
    for wrong in (
        [],
        ["chen", "--all"],
        ["--all"],
        ["chen", "--days", "0"],
        ["chen", "--days", "367"],
    ):
        assert await command(*wrong, "--config", str(config)) == 2
