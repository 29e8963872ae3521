"""A fire, told by a whole gateway through the group robot: in the site's words, with a good link."""

from __future__ import annotations

import asyncio
import re
import stat
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from gateway.app import gateway
from gateway.clock import SystemClock
from gateway.config import load
from gateway.links import load_key, verify
from tests.notifiers.china import WeCom, serving
from tests.virtual import VirtualClock

FILE = """
site: {name: 云河社区, data: data}
registry: {places: places.csv, devices: devices.csv, people: people.csv}
drivers: {drill: {type: replay, path: drill.ndjson, speed: max}}
notifiers: {group: {type: wecom, url: {file: url}}}
messages: {link: "https://desk.example.cn", templates: words, call: {life: 消防 119}}
console: {port: 0}
"""
PLACES = """code,parent,level,name,address,latitude,longitude
1309,,grid,第一网格,,,
130903,1309,building,3号楼,云河路3号,38.30412,116.83871
"""
DEVICES = """id,driver,address,kind,name,place,floor,flat,contact
h301,drill,h301,heat,厨房温感,130903,3,301,
s301,drill,s301,smoke,客厅烟感,130903,3,301,户主周先生 13800000011
"""
PEOPLE = """id,name,grid,role,phone,channels
chen,陈静,1309,assistant,13800000001,group
lin,林涛,1309,officer,13800000002,group
zhou,周敏,1309,supervisor,13800000003,group
"""
DRILL = """{"t": 0, "device": "h301", "kind": "heat", "values": {"temperature": 41.5}}
{"t": 1, "device": "s301", "kind": "smoke", "values": {"alarm": true}}
"""


class Group(WeCom):
    """Says when the first message is in."""

    def __init__(self) -> None:
        super().__init__(VirtualClock())
        self.heard = asyncio.Event()

    def answer(self, request: web.Request, body: dict[str, Any], raw: bytes) -> web.Response:
        answer = super().answer(request, body, raw)
        self.heard.set()
        return answer


def write(folder: Path, url: str, template: str) -> Path:
    (folder / "words").mkdir()
    files = {
        "gridwarden.yaml": FILE,
        "places.csv": PLACES,
        "devices.csv": DEVICES,
        "people.csv": PEOPLE,
        "drill.ndjson": DRILL,
        "url": f"{url}/cgi-bin/webhook/send?key={WeCom.key}",
        "words/opened.zh.txt": template,
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "gridwarden.yaml"


async def told(file: Path, group: Group, clock: SystemClock) -> str:
    """What the group read first."""
    async with gateway(load(file), clock), asyncio.timeout(10):
        await group.heard.wait()
    return str(group.told[0]["text"]["content"])


async def test_fire_is_told_in_the_sites_words_with_a_link_that_opens(tmp_path: Path) -> None:
    group, clock = Group(), SystemClock("always")
    async with serving(group) as url:
        own = "着火 {{ place }}\n{% for line in nearby %}\n{{ line }}\n{% endfor %}\n{{ call|join('、') }}\n{{ link }}\n{{ map }}"
        content = await told(write(tmp_path, url, own), group, clock)
    title, nearby, call, link, at = content.split("\n")
    assert title == "着火 3号楼 3层 301室"
    assert re.fullmatch(r"同户 厨房温感：温度 41.5 °C（\d\d:\d\d）", nearby)
    assert call == "户主周先生 13800000011、消防 119"
    assert at.startswith("https://uri.amap.com/marker?position=116.844500,38.304679&name=3")
    assert group.told[0]["text"]["mentioned_mobile_list"] == ["13800000001"]
    key = tmp_path / "data" / "link.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    granted = verify(load_key(key), link.rpartition("/")[2], clock.now().wall)
    assert granted.person == "chen"
    assert link.startswith("https://desk.example.cn/c/L")


async def test_key_that_can_not_be_used_costs_the_link_and_not_the_alarm(tmp_path: Path) -> None:
    group = Group()
    async with serving(group) as url:
        file = write(tmp_path, url, "{{ head }} {{ key }}\n{{ where }}{{ link }}")
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "link.key").write_bytes(b"half")
        with structlog.testing.capture_logs() as log:
            content = await told(file, group, SystemClock("always"))
    assert content.endswith("3号楼，云河路3号，3层 301室，客厅烟感")
    [entry] = [entry for entry in log if entry["event"] == "messages_without_links"]
    assert entry["reason"].endswith("link.key: not 32 bytes; remove it, and a new one is made")
