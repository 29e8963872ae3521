"""``gridwarden arm`` against a console, and against a whole gateway."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.app import gateway
from gateway.clock import SystemClock
from gateway.config import load
from gateway.console.app import create_app, serve
from gateway.model import SECOND, Place, Text
from tests.console.memory_view import HOUR, MemoryView, ModeRow
from tests.servers import free_port
from tests.stories.house import DEVICES, PEOPLE, PLACES
from tests.virtual import START, VirtualClock

_ROOT = Path(__file__).parents[2]
GRID = "1309010101"


class Said(NamedTuple):
    code: int
    out: str
    err: str


async def arm(*arguments: str, language: str = "zh") -> Said:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "TZ"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "--lang", language, "arm", *arguments,
        cwd=_ROOT, env=kept | {"PYTHONUTF8": "1", "TZ": "UTC"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    assert b"Traceback" not in err
    return Said(process.returncode, out.decode(), err.decode())


class Desk(NamedTuple):
    view: MemoryView
    url: str


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    view = MemoryView(VirtualClock())
    async with serve(create_app(view), "127.0.0.1", 0) as bound:
        yield Desk(view, f"http://{bound.host}:{bound.port}")


async def test_the_modes_of_all_places_are_listed_as_a_tree(desk: Desk) -> None:
    desk.view.armed[GRID] = ModeRow(
        GRID, "home", "person:li", START - HOUR, "offices", START + HOUR, START + 2 * HOUR
    )
    said = await arm("--url", desk.url)
    assert said == Said(
        0,
        "云河区 (1309): 外出布防\n"
        "  建设街道 (130901): 外出布防\n"
        "    花园社区 (13090101): 外出布防\n"
        "      第一网格 (1309010101): 在家布防, 自 01-05 07:00, 李四, 到 01-05 10:00,"
        " 计划“办公区夜间布防”于 01-05 09:00 切换\n"
        "      第二网格 (1309010102): 外出布防\n",
        "",
    )
    said = await arm("花园社区", "--url", desk.url, language="en")
    assert said.out.splitlines()[:2] == [
        "花园社区 (13090101): away",
        "  第一网格 (1309010101): home, since 01-05 07:00, 李四, until 01-05 10:00,"
        ' plan "Offices at night" switches at 01-05 09:00',
    ]


async def test_a_person_arms_a_place_by_its_name(desk: Desk) -> None:
    said = await arm("第二网格", "撤防", "--by", "赵六", "--for", "2h", "--url", desk.url)
    assert said.err == ""
    assert said.out == "第二网格 (1309010102): 撤防, 自 01-05 08:00, 赵六, 到 01-05 10:00\n"
    row = desk.view.armed["1309010102"]
    assert (row.mode, row.by, row.until - START) == ("disarmed", "person:zhao", 7_200 * SECOND)
    said = await arm("all", "home", "--by", "wang", "--url", desk.url)
    assert said.out.count("在家布防") == 5
    assert {each.by for each in await desk.view.modes()} == {"person:wang"}


@pytest.mark.parametrize(
    ("arguments", "zh", "en"),
    [
        (["第二网各", "home", "--by", "li"], "错误: 没有地点 第二网各;是不是想写 第二网格?\n",
         "error: there is no place 第二网各; did you mean 第二网格?\n"),
        (["1310", "home", "--by", "li"], "错误: 没有地点 1310;是不是想写 1309?\n",
         "error: there is no place 1310; did you mean 1309?\n"),
        ([GRID, "home", "--by", "zhnag"], "错误: 名单上没有 zhnag;是不是想写 zhang?\n",
         "error: the registry knows no person zhnag; did you mean zhang?\n"),
    ],
)  # fmt: skip
async def test_what_the_gateway_does_not_know_is_one_line_with_the_nearest(
    desk: Desk, arguments: list[str], zh: str, en: str
) -> None:
    before = await desk.view.modes()
    assert await arm(*arguments, "--url", desk.url, language="en") == Said(1, "", en)
    assert await arm(*arguments, "--url", desk.url) == Said(1, "", zh)
    assert await desk.view.modes() == before


async def test_a_name_that_two_places_have_needs_the_code(desk: Desk) -> None:
    site = desk.view.the_site
    site.places["130902"] = Place("130902", "1309", "street", "第一网格")
    desk.view.armed["130902"] = ModeRow("130902")
    said = await arm("第一网格", "home", "--by", "li", "--url", desk.url, language="en")
    assert said.code == 1
    assert said.err.startswith("error: 2 places are called 第一网格; use the code: 130")
    assert said.err.count("\n") == 1


async def test_a_refusal_is_said_in_the_readers_language(desk: Desk) -> None:
    desk.view.refuses_arming = Text("现在不行。", "Not now.")
    said = await arm(GRID, "home", "--by", "li", "--url", desk.url)
    assert said == Said(1, "", "错误: 现在不行。\n")


@pytest.mark.parametrize(
    "arguments",
    [
        [GRID, "hoem", "--by", "li"],
        [GRID, "home"],
        [GRID, "--by", "li"],
        [GRID, "home", "--by", "li", "--for", "soon"],
        [GRID, "home", "--by", "li", "--for", "0s"],
        [GRID, "home", "--by", "li", "--for", "400d"],
        [GRID, "plan", "--by", "li", "--for", "2h"],
        ["--url", "ftp://gateway"],
    ],
    ids=" ".join,
)
async def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    said = await arm(*arguments, language="en")
    assert (said.code, said.out) == (2, "")


async def test_a_gateway_that_does_not_run_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    port = free_port()
    file.write_text(f"console: {{port: {port}}}\nrules: [broken\n", encoding="utf-8")
    said = await arm("--config", str(file), language="en")
    assert said.code == 1, "a file that is no YAML"
    file.write_text(f"console: {{port: {port}, host: 0.0.0.0}}\nrules: broken\n", encoding="utf-8")
    said = await arm("--config", str(file), language="en")
    assert said.code == 1
    assert said.err.startswith(
        f"error: no gateway answers at http://127.0.0.1:{port}; is it running"
    )
    assert said.err.count("\n") == 1
    file.write_text("console: {port: 0}\n", encoding="utf-8")
    assert "--url" in (await arm("--config", str(file))).err
    missing = await arm("--config", str(tmp_path / "no.yaml"), language="en")
    assert (missing.code, "no such file" in missing.err) == (1, True)


async def test_what_is_no_gateway_is_one_line() -> None:
    async def hello(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(hello, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        said = await arm("--url", f"http://127.0.0.1:{port}", language="en")
    assert said.code == 1
    assert "is no gridwarden gateway (HTTP 200)" in said.err


async def test_a_place_of_a_running_gateway_is_disarmed_and_stays_so(tmp_path: Path) -> None:
    rows = DEVICES.splitlines()
    people = PEOPLE.replace(",phone\n", ",\n")
    for name, text in (("places", PLACES), ("people", people), ("devices", rows[0] + "\n")):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    file = tmp_path / "site.yaml"
    file.write_text(
        f"site: {{name: 云河社区, data: {tmp_path / 'data'}}}\n"
        "registry: {places: places.csv, devices: devices.csv, people: people.csv}\n"
        f"console: {{port: {free_port()}}}\n",
        encoding="utf-8",
    )
    where = ("--config", str(file))
    async with gateway(load(file), SystemClock()):
        said = await arm("第一网格", "disarmed", "--by", "陈静", *where)
        assert (said.code, said.err) == (0, "")
        assert said.out.startswith("第一网格 (9901010101): 撤防, ")
        assert "陈静" in said.out
    async with gateway(load(file), SystemClock()):
        listed = (await arm(*where)).out.splitlines()
        assert "第一网格 (9901010101): 撤防" in listed[3]
        assert "3号楼 (990101010101): 撤防" in listed[4]
        assert "第二网格 (9901010102): 外出布防" in listed[6]


async def test_a_district_of_1_400_grids_is_listed_whole(desk: Desk) -> None:
    grids = [Place(f"g{n:04}", GRID, "grid", f"网格 {n:04} " + "长" * 40) for n in range(1_400)]
    desk.view.the_site.places.update({each.code: each for each in grids})
    desk.view.armed |= {each.code: ModeRow(each.code) for each in grids}
    said = await arm("--url", desk.url)
    assert (said.code, said.err) == (0, "")
    assert len(said.out.splitlines()) == 1_405
    said = await arm("g1399", "home", "--by", "li", "--url", desk.url)
    assert (said.code, said.err) == (0, "")


@pytest.mark.parametrize(
    "body", [b"[1]", b'[{"a": 1}]', b"{}", b'"x"', b"\xff", b'[{"place": 1, "name": 2}]']
)
async def test_json_of_another_program_is_no_gateways(body: bytes) -> None:
    async def other(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(other, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        said = await arm("--url", f"http://127.0.0.1:{port}", language="en")
    assert said.code == 1
    assert "is no gridwarden gateway (HTTP 200)" in said.err
    assert said.err.count("\n") == 1


async def test_a_plan_is_called_by_its_title(desk: Desk) -> None:
    desk.view.armed[GRID] = ModeRow(
        GRID, "away", "plan:offices", START - HOUR, "offices", START + HOUR
    )
    said = await arm(GRID, "--url", desk.url)
    assert said.out.endswith("计划“办公区夜间布防”, 计划“办公区夜间布防”于 01-05 09:00 切换\n")
    said = await arm(GRID, "--url", desk.url, language="en")
    assert said.out.endswith(
        'plan "Offices at night", plan "Offices at night" switches at 01-05 09:00\n'
    )


async def test_everywhere_has_a_chinese_name_too(desk: Desk) -> None:
    said = await arm("全部", "撤防", "--by", "wang", "--url", desk.url)
    assert (said.code, said.out.count("撤防")) == (0, 5)


async def test_a_gateway_that_listens_on_ipv6_is_found(tmp_path: Path) -> None:
    view = MemoryView(VirtualClock())
    async with serve(create_app(view), "::1", 0) as bound:
        file = tmp_path / "site.yaml"
        file.write_text(f"console: {{host: '::1', port: {bound.port}}}\n", encoding="utf-8")
        said = await arm(GRID, "home", "--by", "li", "--config", str(file))
        assert (said.code, said.err) == (0, "")
        said = await arm(GRID, "--url", f"http://[::1]:{bound.port}/")
        assert (said.code, said.err) == (0, "")


async def test_without_a_configuration_it_says_how_to_give_the_address(tmp_path: Path) -> None:
    for language in ("zh", "en"):
        said = await arm("--config", str(tmp_path / "no.yaml"), language=language)
        assert (said.code, "--url" in said.err, said.err.count("\n")) == (1, True, 1)
