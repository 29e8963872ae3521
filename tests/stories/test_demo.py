"""``gridwarden demo --for 30s`` as a stranger runs it: a process, its lines, its API."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import aiohttp
import pytest

from tests.stories.house import adds_up

WITHIN = 30.0
"""Seconds of serving in which everything has to have happened."""
_TO_START = 30.0
_EVERYTHING = {"life", "intrusion", "facility", "smoke", "infrared", "manhole", "camera"}
"""Categories and kinds of device of which somebody must have been told."""


@pytest.mark.long
async def test_demo_tells_people_every_kind_of_incident_within_thirty_seconds_and_ends_well() -> (
    None
):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "demo", "--for", "30s",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    lines: list[str] = []
    try:
        async with asyncio.timeout(_TO_START):
            while not lines or not lines[-1].startswith("console: "):
                lines.append((await process.stdout.readline()).decode().rstrip())
                assert not process.stdout.at_eof(), lines
        url = lines[-1].removeprefix("console: ")
        rest = asyncio.ensure_future(process.stdout.read())
        async with aiohttp.ClientSession(f"{url}/api/v1/") as api:
            async with asyncio.timeout(WITHIN):
                looks = await _look_until_all_is_there(api)
        assert looks > 1
        async with asyncio.timeout(WITHIN + 15):
            lines += (await rest).decode().splitlines()
            assert await process.wait() == 0, lines
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert not any("Traceback" in line for line in lines), lines
    assert any("的手机收到" in line for line in lines), lines
    assert any("井盖" in line for line in lines), lines


async def _look_until_all_is_there(api: aiohttp.ClientSession) -> int:
    """How many looks it took; the ledger added up at each."""
    looks = 0
    while True:
        looks += 1
        ledger = await _get(api, "ledger")
        assert adds_up(ledger), ledger
        if await _told(api) >= _EVERYTHING:
            assert (await _get(api, "health"))["ok"]
            assert (await _get(api, "ledger"))["refused"] == {}
            return looks
        await asyncio.sleep(0.2)


async def _told(api: aiohttp.ClientSession) -> set[str]:
    """Categories and kinds of the incidents that somebody was told of."""
    told: set[str] = set()
    for each in await _get(api, "incidents"):
        messages = (await _get(api, f"incidents/{each['key']}"))["messages"]
        if any(message["end"] == "told" for message in messages):
            told |= {each["category"], each["kind"]}
    return told


async def _get(api: aiohttp.ClientSession, path: str) -> Any:
    async with api.get(path) as answer:
        assert answer.status == 200
        return await answer.json()
