"""The page behind a message's link: one person, one case, on a phone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from playwright.async_api import Page, async_playwright, expect

from gateway.console.case_shape import numbers
from gateway.console.case_texts import TEXTS
from gateway.console.phone_forms import MOST_FILES
from gateway.links import load_key, token
from gateway.model import SECOND
from tests.console.test_browser import CHROMIUM, FLAGS
from tests.stories.clock import Jumpable
from tests.stories.house import House
from tests.stories.phone import Phone

ALARM = '{"t": 0, "device": "s301", "values": {"alarm": true}}\n'
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(300)
PDF = b"%PDF-1.4\n" + bytes(300)
COLD = '{"t": 0.2, "device": "climate1", "values": {"temperature": 41}}\n'


def part(name: str) -> bytes:
    return f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with Phone() as phone:
        house = House(tmp_path, Jumpable(), phone)
        house.write(replay=ALARM + COLD)
        with house.file.open("a", encoding="utf-8") as file:
            file.write("messages: {link: 'https://desk.example.cn'}\n")
        await house.start()
        yield house
        await house.stop()


async def link(house: House) -> str:
    """The newest message's, on this machine."""
    message = await house.told("opened", "s301")
    assert message["link"].startswith("https://desk.example.cn/c/")
    return house.running.console_url + str(urlsplit(message["link"]).path)


async def answer(url: str, **form: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session:
        asked = session.post(url, data=form) if form else session.get(url)
        async with asked as found:
            return found.status, await found.text()


async def upload(url: str, *files: bytes, **words: str) -> tuple[int, str]:
    """As a browser sends a form with files."""
    form = aiohttp.FormData(words)
    for content in files:
        form.add_field("file", BytesIO(content), filename="x.jpg" if content else "")
    async with aiohttp.ClientSession() as session, session.post(url, data=form) as found:
        return found.status, await found.text()


@asynccontextmanager
async def phone_page(url: str) -> AsyncIterator[Page]:
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS) as browser,
    ):
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        await page.goto(url)
        yield page


@pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
async def test_two_taps_lead_from_the_message_to_received_and_a_few_more_to_closed(
    house: House,
) -> None:
    async with phone_page(await link(house)) as page:  # the first tap
        await expect(page.locator("h1")).to_have_text("烟感报警")
        await expect(
            page.get_by_role("link", name="拨打 户主周先生 13800000011")
        ).to_have_attribute("href", "tel:13800000011")
        await page.get_by_role("button", name="签收").click()  # the second one
        await expect(page.get_by_role("button", name="开始办理")).to_be_visible()
        (incident,) = await house.incidents(device="s301")
        assert (incident["state"], incident["owner"]) == ("received", "chen")
        await page.get_by_role("button", name="开始办理").click()
        await page.get_by_label("误报", exact=True).check()
        await page.get_by_label("误报原因").select_option("cooking")
        await page.locator("form[action$=close] textarea").fill("炒菜油烟")
        await page.locator("form[action$=close] button").click()
        await expect(page.locator(".clock")).to_have_text("已办结，结果：误报")
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390
    (incident,) = await house.incidents(device="s301")
    assert (incident["outcome"], incident["cause"]) == ("false_alarm", "cooking")


async def test_it_works_without_scripts_and_says_why_a_deed_is_refused(house: House) -> None:
    url = await link(house)
    status, page = await answer(url)
    assert status == 200
    assert "<script" not in page
    status, page = await answer(f"{url}/close", outcome="real")
    assert (status, "请先签收再办结。" in page) == (409, True)
    status, page = await answer(f"{url}/transfer", to="lin", comment=" ")
    assert (status, str(TEXTS["incomplete"].zh) in page) == (400, True)
    status, page = await answer(f"{url}/receive", x="")
    assert (status, "已签收" in page) == (200, True)
    status, page = await answer(f"{url}/transfer", to="lin", comment="我在外面")
    assert (status, "林涛" in page) == (200, True)


async def test_a_changed_an_expired_and_another_gateways_link_show_nothing_of_the_case(
    house: House,
) -> None:
    url = await link(house)
    base, _, good = url.rpartition("/")
    changed = good.replace(".chen.", ".lin.")
    key = load_key(house.data / "link.key")
    now = house.clock.now().wall
    incident = good.split(".")[0]
    cases = {
        404: [changed, token(b"x" * 32, incident, "chen", now + SECOND * 600), "x" * 600, "a.b.c"],
        410: [token(key, incident, "chen", now - SECOND * 120)],
        403: [token(key, incident, "nobody", now + SECOND * 600)],
    }
    for status, texts in cases.items():
        for text in texts:
            found, page = await answer(f"{base}/{text}")
            assert (found, "烟感" in page) == (status, False)
            assert (await answer(f"{base}/{text}/receive", x=""))[0] == status
    (one,) = await house.incidents(device="s301")
    assert one["state"] == "open"


async def test_a_link_without_an_end_is_good_for_nothing_once_the_case_is_closed(
    house: House,
) -> None:
    url = await link(house)
    base, _, good = url.rpartition("/")
    incident = good.split(".")[0]
    url = f"{base}/{token(load_key(house.data / 'link.key'), incident, 'chen', 0)}"
    assert (await answer(f"{url}/receive", x=""))[0] == 200
    assert (await answer(f"{url}/handle", x=""))[0] == 200
    status, page = await answer(f"{url}/close", outcome="real", comment="已处理")
    assert (status, "烟感" in page) == (410, False), "closed, and the page after it is another"
    assert (await answer(f"{url}/comment", comment="afterwards"))[0] == 410
    shown = f"{house.running.console_url}/api/v1/incidents/{incident}"
    async with aiohttp.ClientSession() as session, session.get(shown) as found:
        events = [event["what"] for event in (await found.json())["events"]]
    assert (events[-1], "commented" in events) == ("closed", False)


@pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
async def test_a_photo_goes_along_with_the_closing_and_a_document_afterwards(
    house: House, tmp_path: Path
) -> None:
    photo, report = tmp_path / "现场.jpg", tmp_path / "report.pdf"
    photo.write_bytes(JPEG)
    report.write_bytes(PDF)
    url = await link(house)
    assert (await answer(f"{url}/receive", x=""))[0] == 200
    async with phone_page(url) as page:
        await page.get_by_role("button", name="开始办理").click()
        closing = page.locator("form[action$=close]")
        await closing.get_by_label("属实", exact=True).check()
        await closing.get_by_label("拍照").set_input_files(photo)
        await closing.locator("button").click()
        await expect(page.locator(".clock")).to_have_text("已办结，结果：属实")
        await expect(page.locator("section img")).to_have_count(1)
        await page.get_by_text("添加照片或文件", exact=True).first.click()
        adding = page.locator("form[action$=attach]")
        await adding.get_by_label("或选择").set_input_files(report)
        await adding.get_by_label("说明").fill("消防出具")
        await adding.locator("button").click()
        await expect(page.get_by_role("link", name="查看")).to_have_count(2)
        hrefs = [
            await each.get_attribute("href")
            for each in await page.get_by_role("link", name="查看").all()
        ]
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    (incident,) = await house.incidents(device="s301")
    seen = await house.get(f"incidents/{incident['key']}")
    assert [e["what"] for e in seen["events"]][-3:] == ["attached", "closed", "attached"]
    async with aiohttp.ClientSession(house.running.console_url) as session:
        async with session.get(str(hrefs[0])) as found:
            assert (found.content_type, await found.read()) == ("image/jpeg", JPEG)
        async with session.get(str(hrefs[1])) as found:
            assert (found.content_type, await found.read()) == ("application/pdf", PDF)
            assert found.headers["Content-Disposition"] == 'attachment; filename="evidence.pdf"'


async def test_what_is_no_picture_is_too_large_or_comes_too_often_is_refused_in_words(
    house: House,
) -> None:
    url = await link(house)
    await answer(f"{url}/receive", x="")
    kept = house.data / "evidence"
    refusals = {
        "附件只能是": [b"<script>alert(1)</script>"],
        "附件不能超过 20 MB": [JPEG + bytes(20_000_000)],
        "还有必填项": [b""],
    }
    for said, files in refusals.items():
        status, page = await upload(f"{url}/attach", *files)
        assert (status, said in page) == (400, True), said
    status, page = await upload(f"{url}/close", b"MZ", outcome="real")
    assert (status, "附件只能是" in page) == (400, True), "not closed without its photo"
    for number in range(MOST_FILES - 3):
        assert (await upload(f"{url}/attach", JPEG + bytes([number])))[0] == 200
    status, page = await upload(f"{url}/attach", JPEG + b"one more")
    assert (status, "上传过于频繁" in page) == (400, True)
    (incident,) = await house.incidents(device="s301")
    assert incident["state"] == "received"
    assert len([each for each in kept.rglob("*") if each.is_file()]) == MOST_FILES - 3


async def half_an_upload(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """600 kB, of which the last 400 do not come."""
    parts = urlsplit(url)
    head = (
        f"POST {parts.path}/attach HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 600000\r\n"
    )
    media = "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write((head + media).encode() + (part("file") + JPEG).ljust(200_000, b"\0"))
    await writer.drain()
    return reader, writer


async def test_who_breaks_off_leaves_no_half_file(house: House) -> None:
    _, writer = await half_an_upload(await link(house))
    kept = house.data / "evidence"
    await house.until(lambda: [*kept.glob("*.part")])
    writer.transport.abort()
    await house.until(lambda: not [*kept.rglob("*.*")])


async def test_who_is_too_slow_is_told_so_and_makes_room(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await link(house)
    monkeypatch.setattr("gateway.console.phone_forms.WITHIN", 0.05)
    reader, writer = await half_an_upload(url)
    page = (await reader.readuntil(b"</header>") + await reader.readuntil(b"</p>")).decode()
    assert page.startswith("HTTP/1.1 400")
    assert "网络太慢" in page
    assert not [*(house.data / "evidence").rglob("*.*")]
    writer.write(bytes(400_000))
    await writer.drain()
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"comment=\xff\xfe"),
        ("application/x-www-form-urlencoded; charset=bogus", b"comment=a"),
        ("application/x-www-form-urlencoded; charset=hex", b"comment=a"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"x"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\na"),
        ("text/plain", b"comment=a"),
    ],
    ids=str,
)
async def test_what_is_no_form_is_said_on_the_page(
    house: House, content_type: str, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    url = await link(house)
    async with (
        aiohttp.ClientSession(headers={"Content-Type": content_type}) as session,
        session.post(f"{url}/comment", data=body) as found,
    ):
        assert (found.status, found.content_type) == (400, "text/html")
        assert TEXTS["incomplete"].zh in await found.text()
    assert not caplog.records


async def test_parts_that_no_form_of_ours_has_are_said_on_the_page(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    comment = part("comment")
    bodies = {
        "long": comment + b"a" * 9_000 + b"\r\n--x--\r\n",
        "many": (comment + b"a\r\n") * 17 + b"--x--\r\n",
        "bytes": comment + b"\xff\r\n--x--\r\n",
        "no header": b"--x\r\nno header\r\n\r\na\r\n--x--\r\n",
        "no boundary": b"a" * 500_000,
        "nested": b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y--\r\n--x--\r\n",
        "charset": part("_charset_") + b"u" * 40 + b"\r\n--x--\r\n",
        "cut": part("file") + JPEG,
    }
    url = await link(house)
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for name, body in bodies.items():
            async with session.post(f"{url}/attach", data=body) as found:
                assert (found.status, found.content_type) == (400, "text/html"), name
                assert TEXTS["incomplete"].zh in await found.text(), name
    assert not caplog.records
    assert not [*(house.data / "evidence").rglob("*.*")]


async def test_the_link_opens_one_case_and_nothing_else_of_the_console_apart(
    tmp_path: Path,
) -> None:
    async with Phone() as phone:
        house = House(tmp_path, Jumpable(), phone)
        house.write(replay=ALARM)
        text = house.file.read_text(encoding="utf-8")
        text = text.replace(
            "console: {port: 0}", "console: {port: 0, case_host: 127.0.0.1, case_port: 0}"
        )
        house.file.write_text(
            text + "messages: {link: 'https://desk.example.cn'}\n", encoding="utf-8"
        )
        await house.start()
        try:
            path = urlsplit(await link(house)).path
            assert (await answer(house.running.console_url + path))[0] == 404
            apart = await house.until(lambda: house.running.case_url())
            assert (await answer(apart + path))[0] == 200
            status, page = await answer(f"{apart}/p/{path.removeprefix('/c/')}")
            assert (status, "链接无效" in page) == (404, True)
            for other in ("/", "/api/v1/incidents", "/metrics", "/api/v1/people"):
                assert (await answer(apart + other))[0] == 404
        finally:
            await house.stop()


@pytest.mark.parametrize(
    ("contact", "found"),
    [
        ("户主周先生 13800000011", [("户主周先生 13800000011", "13800000011")]),
        (
            "物业 0317-0000001；张三 +86138",
            [("物业 0317-0000001", "03170000001"), ("张三 +86138", "+86138")],
        ),
        ("119", [("119", "119")]),
        ("找门卫", []),
        ("", []),
        ("x 1234abc", []),
    ],
)
def test_what_can_be_dialled_is_found_in_a_contact(
    contact: str, found: list[tuple[str, str]]
) -> None:
    assert numbers(contact) == found


def test_every_text_is_in_both_languages_with_the_same_holes() -> None:
    for key, text in TEXTS.items():
        assert text.zh, key
        assert text.en, key
        for hole in ("{minutes}", "{stage}", "{who}", "{name}", "{key}", "{outcome}"):
            assert (hole in text.zh) == (hole in text.en), key
