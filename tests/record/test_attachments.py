"""What a person attaches is kept bit by bit, or refused; nothing half stays behind."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from gateway.clock import SystemClock
from gateway.model import Evidence
from gateway.ports import Refused
from gateway.store import evidence
from gateway.store.evidence import EvidenceStore, TooLarge, find, let_go
from tests.cases.build import alarmed
from tests.record.house import audited, found, signed
from tests.stories.house import House
from tests.stories.phone import Phone

JPEG = b"\xff\xd8\xff\xe1\x00\x20Exif\x00\x00 GPS" + b"\x00" * 400_000
FILES = {
    "image/jpeg": JPEG,
    "image/png": b"\x89PNG\r\n\x1a\n" + b"x" * 50,
    "video/mp4": b"\x00\x00\x00\x18ftypmp42" + b"y" * 50,
    "application/pdf": b"%PDF-1.7\n" + b"z" * 50,
}


async def blocks(content: bytes, size: int = 7_000) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("size", [1, 3, 7_000])
@pytest.mark.parametrize("media", FILES)
async def test_each_kind_is_known_by_its_first_bytes_however_it_comes(
    tmp_path: Path, media: str, size: int
) -> None:
    content = FILES[media][:4_000]
    async with EvidenceStore(tmp_path) as store:
        done = await store.take(blocks(content, size))
        assert (done.media_type, done.size) == (media, len(content))
        assert done.sha256 == hashlib.sha256(content).hexdigest()
        path = store.path(done.sha256)
        assert path is not None
        assert path.read_bytes() == content
        assert await store.take(blocks(content)) == done  # once more is the same file
        assert left(tmp_path) == [path.name]


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8", b"<html>", b"MZ\x90", b"%PDX-1", b"\x89PNG\r\n\x1b\n"]
)
async def test_anything_else_is_refused_and_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    async with EvidenceStore(tmp_path) as store:
        with pytest.raises(Refused, match="attach a JPEG"):
            await store.take(blocks(content + b" " * 10 if content else b""))
        assert left(tmp_path) == []


async def test_a_file_that_is_too_large_or_breaks_off_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "MOST_ATTACHED", 100_000)

    async def broken() -> AsyncIterator[bytes]:
        yield JPEG[:50_000]
        raise ConnectionResetError("the telephone went into a tunnel")

    async with EvidenceStore(tmp_path) as store:
        with pytest.raises(TooLarge):
            await store.take(blocks(JPEG))
        with pytest.raises(ConnectionResetError):
            await store.take(broken())
        begun = asyncio.Event()
        task = asyncio.create_task(store.take(_for_ever(begun)))
        await begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert left(tmp_path) == []


async def _for_ever(begun: asyncio.Event) -> AsyncIterator[bytes]:
    yield JPEG[:1_000]
    begun.set()
    await asyncio.Event().wait()


async def test_what_goes_for_want_of_room_is_noted_and_told_apart(tmp_path: Path) -> None:
    data = tmp_path / "data"
    pictures = [Evidence("image/jpeg", content=JPEG[:90_000] + bytes([n])) for n in range(4)]
    async with signed(data) as record, EvidenceStore(data / "evidence", 300_000) as store:
        kept = [await store.keep(each) for each in pictures]
        for number, each in enumerate(kept):
            await record.house.take(alarmed(same=f"device:{number}", evidence=each))
        await record.anchorer.anchor()
    gone = let_go(data / "evidence")
    assert gone == {each.sha256 for each in kept} - {
        each.sha256 for each in kept if find(data / "evidence", each.sha256)
    }
    report = await audited(data)
    assert (found(report), report.evidence, report.evidence_gone) == (set(), 4, len(gone))
    last = find(data / "evidence", kept[3].sha256)
    assert last is not None
    last.write_bytes(last.read_bytes()[:-1] + b"!")
    assert found(await audited(data)) == {"evidence_changed"}
    last.unlink()
    (wrong,) = (await audited(data)).findings
    assert (wrong.what, wrong.incident) == ("evidence_gone", "L20260105-0004")


async def test_the_api_takes_a_file_and_says_what_it_does_not_take(tmp_path: Path) -> None:
    async with Phone() as phone:
        house = House(tmp_path, SystemClock(), phone)
        house.write(replay='{"t": 0, "device": "climate1", "values": {"temperature": 20}}\n')
        await house.start()
        try:
            where = f"{house.running.console_url}/api/v1"
            async with aiohttp.ClientSession() as session:
                for content, media, status in (
                    (JPEG, "image/jpeg", 201),
                    (JPEG, "image/png", 201),  # what the sender calls it counts for nothing
                    (JPEG, "text/plain", 415),
                    (b"<html>", "image/jpeg", 400),
                ):
                    headers = {"Content-Type": media}
                    url = f"{where}/attachments"
                    async with session.post(url, data=content, headers=headers) as answer:
                        said = await answer.json()
                        assert (answer.status, "sha256" in said) == (status, status == 201)
                foreign = {"Content-Type": "image/jpeg", "Origin": "http://elsewhere.example"}
                async with session.post(
                    f"{where}/attachments", data=JPEG, headers=foreign
                ) as answer:
                    assert answer.status == 403
                digest = hashlib.sha256(JPEG).hexdigest()
                async with session.get(f"{where}/evidence/{digest}") as answer:
                    assert await answer.read() == JPEG
                    assert answer.headers["Content-Type"] == "image/jpeg"
        finally:
            await house.stop()
