"""The demo as a stranger sees it: the real gateway, everything around it, the console's API."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from gateway.app import gateway
from gateway.demo.run import run

WITHIN = 30.0
"""Seconds of serving: what the project promises."""


def adds_up(ledger: dict[str, Any]) -> bool:
    return ledger["received"] == ledger["stored"] + sum(ledger["refused"].values()) and all(
        ledger["stored"]
        == reader["delivered"] + reader["waiting"] + sum(reader["dropped"].values())
        for reader in ledger["readers"].values()
    )


@pytest.mark.long
async def test_within_thirty_seconds_every_kind_of_incident_reached_a_person() -> None:
    lines: list[str] = []
    console: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def out(line: str) -> None:
        lines.append(line)
        if line.startswith("console: ") and not console.done():
            console.set_result(line.removeprefix("console: "))

    demo = asyncio.create_task(run(gateway, None, out))
    await asyncio.wait({demo, console}, timeout=WITHIN, return_when=asyncio.FIRST_COMPLETED)
    assert console.done(), lines
    async with aiohttp.ClientSession(f"{console.result()}/api/v1/") as api:

        async def get(path: str) -> Any:
            async with api.get(path) as answer:
                assert answer.status == 200, path
                return await answer.json()

        async with asyncio.timeout(WITHIN):
            while not await all_is_there(get):
                assert adds_up(await get("ledger"))
                await asyncio.sleep(0.25)
        ledger = await get("ledger")
        health = await get("health")
    demo.cancel()
    await asyncio.gather(demo, return_exceptions=True)

    assert adds_up(ledger)
    assert ledger["refused"] == {}
    assert health["ok"]
    assert any("的手机收到" in line for line in lines)
    assert any("井盖" in line for line in lines)


async def all_is_there(get: Any) -> bool:
    """Life, intrusion, facility and camera, and for each somebody who was told."""
    incidents = await get("incidents")
    told = set()
    for incident in incidents:
        messages = (await get(f"incidents/{incident['key']}"))["messages"]
        if any(message["end"] == "told" for message in messages):
            told |= {incident["category"], incident["kind"]}
    return told >= {"life", "intrusion", "facility", "smoke", "infrared", "manhole", "camera"}
