"""``gridwarden silence`` against a whole gateway, and wrong usage."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.app import gateway
from gateway.clock import SystemClock
from gateway.config import load
from tests.servers import free_port
from tests.stories.house import DEVICES, PEOPLE, PLACES

_ROOT = Path(__file__).parents[2]
SPAN = r"\d\d-\d\d \d\d:\d\d – \d\d-\d\d \d\d:\d\d"


class Said(NamedTuple):
    code: int
    out: str
    err: str


async def silence(*arguments: str, language: str = "zh") -> Said:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "TZ"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "--lang", language, "silence", *arguments,
        cwd=_ROOT, env=kept | {"PYTHONUTF8": "1", "TZ": "UTC"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    assert b"Traceback" not in err
    return Said(process.returncode, out.decode(), err.decode())


@pytest.fixture
async def where(tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """The options that lead to a running gateway."""
    people = PEOPLE.replace(",phone\n", ",\n")
    for name, text in (("places", PLACES), ("people", people), ("devices", DEVICES)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    file = tmp_path / "site.yaml"
    file.write_text(
        f"site: {{name: 云河社区, data: {tmp_path / 'data'}}}\n"
        "registry: {places: places.csv, devices: devices.csv, people: people.csv}\n"
        f"console: {{port: {free_port()}}}\n",
        encoding="utf-8",
    )
    async with gateway(load(file), SystemClock()):
        yield "--config", str(file)


async def test_one_is_begun_listed_and_ended(where: tuple[str, str]) -> None:
    assert (await silence("list", *where)).out == "没有静默\n"
    made = await silence(
        "add", "--place", "990101010101", "--category", "trouble", "--for", "2h",
        "--by", "陈静", "--because", "更换烟感", *where,
    )  # fmt: skip
    line = rf"1  .* 3号楼 \(990101010101\)、设备异常  {SPAN}  正在静默  陈静:更换烟感\n"
    assert (made.code, made.err) == (0, "")
    assert re.fullmatch(line, made.out), made.out
    assert (await silence("list", *where)).out == made.out
    later = await silence(
        "add", "--device", "s301", "--for", "1h", "--begin", "30m", "--by", "lin",
        "--because", "test", *where, language="en",
    )  # fmt: skip
    assert re.fullmatch(rf"2  301室烟感 \(s301\)  {SPAN}  to come  林涛: test\n", later.out)
    ended = await silence("end", "1", "--by", "chen", *where)
    assert (ended.code, "已结束" in ended.out) == (0, True)
    assert (await silence("list", *where)).out.count("\n") == 1
    assert (await silence("list", "--all", *where)).out.count("\n") == 2


async def test_what_the_gateway_refuses_is_one_line_in_the_readers_language(
    where: tuple[str, str],
) -> None:
    asked = ("add", "--category", "life", "--for", "2h", "--because", "x")
    said = await silence(*asked, "--by", "chen", *where)
    assert said == Said(1, "", "错误: 生命安全类报警只能按设备或楼栋静默,最长 24 小时。\n")
    said = await silence(*asked, "--by", "chenn", *where, language="en")
    assert said.err == "error: the registry knows no person chenn; did you mean chen?\n"
    said = await silence("end", "7", "--by", "chen", *where, language="en")
    assert said == Said(1, "", "error: There is no such silence, or it is over.\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "--for", "2h", "--by", "li"],
        ["add", "--for", "soon", "--by", "li", "--because", "x"],
        ["add", "--for", "2h", "--because", "x"],
        ["add", "--for", "2h", "--by", "li", "--because", "x", "--category", "lief"],
        ["end", "x", "--by", "li"],
        ["end", "1"],
    ],
    ids=" ".join,
)
async def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    said = await silence(*arguments, language="en")
    assert (said.code, said.out) == (2, "")


async def test_a_gateway_that_does_not_run_is_one_line() -> None:
    said = await silence("list", "--url", f"http://127.0.0.1:{free_port()}", language="en")
    assert said.code == 1
    assert said.err.startswith("error: no gateway answers at http://127.0.0.1:")
    assert said.err.count("\n") == 1
