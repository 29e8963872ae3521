"""The report of a case file as people see it: in a browser, on a telephone."""

from __future__ import annotations

import asyncio
import os
import zipfile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import async_playwright

from gateway.model import SECOND, Evidence, Reading, Record
from gateway.record import verify
from gateway.record.anchor import parsed
from gateway.record.box import pack
from gateway.record.gather import Contents
from gateway.record.page import page
from gateway.store import record as stored
from gateway.store.chain import digest_of
from gateway.store.evidence import EvidenceStore
from tests.cases.build import alarmed, site
from tests.console.memory_view import png
from tests.console.test_browser import CHROMIUM, FLAGS
from tests.record.house import FIRST, signed

HOSTILE = "<script>document.title='x'</script><img src=http://127.0.0.1:9/x onerror=alert(1)>"
SHOTS = os.environ.get("GRIDWARDEN_SCREENSHOTS", "")


def reading(n: int, wall: int, **values: float | bool) -> Record:
    item = Reading("s1" if n == 7 else "s2", "smoke", {**values})
    return Record(n, wall, "boot", n, wall, True, item)


async def case_file(folder: Path) -> Path:
    """Of an incident with a picture, a clip and a hostile comment; unpacked."""
    data = folder / "data"
    async with signed(data) as record, EvidenceStore(data / "evidence") as store:
        cases = record.house.cases
        kept = [
            await store.keep(Evidence("image/png", content=png(320, 240))),
            await store.keep(Evidence("video/mp4", content=b"\x00\x00\x00\x18ftypmp42")),
        ]
        await record.house.take(
            *(alarmed(f"s{n}", evidence=each) for n, each in enumerate(kept, 1))
        )
        await record.house.act(FIRST, "receive", comment=HOSTILE)
        await record.house.act(FIRST, "close", "zhang", outcome="false_alarm", comment="油烟")
        await record.anchorer.anchor()
        incident = await cases.incident(FIRST)
        assert incident is not None
        wall = incident.opened_at
        contents = Contents(
            incident=incident,
            links=await cases.read(stored.chain_of, FIRST),
            outbox=await cases.outbox(FIRST),
            texts=await cases.texts([digest_of(HOSTILE), digest_of("油烟")]),
            anchors=[parsed(row) for row in await cases.read(stored.anchors_of, FIRST)],
            records=[
                reading(6, wall - 9 * SECOND, density=0.02),
                reading(7, wall, density=0.31, alarm=True),
                reading(8, wall + 20 * SECOND, density=0.07),
            ],
            cut=False,
            wall=lambda each: each.wall,
            site=site(),
            rules=[("site.yaml", "rules:\n  - name: smoke_alarm\n    when: density > 0.15\n")],
            evidence={each.sha256: path for each in kept if (path := store.path(each.sha256))},
        )
    await asyncio.to_thread(packed, contents, folder)
    return folder / "case"


def packed(contents: Contents, folder: Path) -> None:
    public = contents.anchors[-1].anchor.key
    with (folder / "case.zip").open("wb") as file:
        pack(file, contents, page(contents, ZoneInfo("Asia/Shanghai"), public), None, public)
    with zipfile.ZipFile(folder / "case.zip") as box:
        box.extractall(folder / "case")


async def test_pictures_and_clips_are_verified_with_the_rest(tmp_path: Path) -> None:
    case = await case_file(tmp_path)
    said = verify.check(case)
    assert [each.en for each in said if not each.ok] == []
    assert any("2 pictures are of their digests" in each.en for each in said)
    (clip,) = (case / "evidence").glob("*.mp4")
    clip.write_bytes(b"another")
    assert any("was changed" in each.en for each in verify.check(case) if not each.ok)


@pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
async def test_the_report_shows_all_of_it_and_runs_nothing(tmp_path: Path) -> None:
    case = await case_file(tmp_path)
    troubles: list[str] = []
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS) as browser,
    ):
        shown = await browser.new_page(viewport={"width": 1000, "height": 900})
        shown.on("console", lambda m: troubles.append(m.text))
        shown.on("dialog", lambda dialog: troubles.append(dialog.message))
        shown.on("request", lambda r: troubles.append(r.url) if r.url.startswith("http") else None)
        await shown.goto(f"file://{case}/report.html")
        assert await shown.title() == f"{FIRST} 烟感报警"
        text = await shown.inner_text("body")
        for words in (
            "云河社区 › 一网格 › 3号楼", "张三(网格协管员)", HOSTILE, "误报", "油烟", "False alarm",
            "density > 0.15", "环节 1-4 已签署", "烟雾浓度 0.31", "已通知",
        ):  # fmt: skip
            assert words in text, words
        assert await shown.locator("tr.trigger").count() == 1
        assert await shown.evaluate("document.images[0].naturalWidth") == 320
        if SHOTS:
            await shown.screenshot(path=f"{SHOTS}/report.png", full_page=True)
        await shown.set_viewport_size({"width": 390, "height": 800})
        assert await shown.evaluate("document.documentElement.scrollWidth") <= 390
        if SHOTS:
            await shown.screenshot(path=f"{SHOTS}/report-phone.png", full_page=True)
    assert troubles == []
