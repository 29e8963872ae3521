"""The log notifier."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from gateway.clock import SystemClock
from gateway.notifiers.log.notifier import Notifier
from gateway.notifiers.log.options import Options
from gateway.ports import Unavailable
from tests.notifiers.test_webhook import NOTIFICATION


def notifier(file: Path | None = None) -> Notifier:
    given = {} if file is None else {"file": str(file)}
    return Notifier("screen", Options.model_validate(given), SystemClock())


async def test_one_line_says_who_was_told_what() -> None:
    with capture_logs() as lines:
        receipt = await notifier().tell(NOTIFICATION)
    [line] = lines
    assert (line["event"], line["person"], line["title"]) == ("person_told", "李明", "烟雾报警")
    assert NOTIFICATION.phone not in str(line)
    assert receipt.detail == "written to the log"
    assert await notifier().check() == "the log is always there"


async def test_the_file_grows_by_one_json_line_per_message(tmp_path: Path) -> None:
    file = tmp_path / "told.jsonl"
    to = notifier(file)
    assert await to.check() == f"{file} can be written"
    for _ in range(3):
        await to.tell(NOTIFICATION)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["key"] for line in lines] == [NOTIFICATION.key] * 3


async def test_a_trial_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "told.jsonl"
    with capture_logs() as lines:
        receipt = await notifier(file).tell(msgspec.structs.replace(NOTIFICATION, silent=True))
    assert receipt.detail == f"{file} can be written"
    assert (lines, file.read_text()) == ([], "")


async def test_a_file_that_can_not_be_written_is_unavailable(tmp_path: Path) -> None:
    to = notifier(tmp_path / "none" / "told.jsonl")
    for call in (to.tell(NOTIFICATION), to.check()):
        with pytest.raises(Unavailable, match=r"notifier screen: .*No such file or directory"):
            await call


async def test_a_full_disk_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="No space left on device"):
        await notifier(Path("/dev/full")).tell(NOTIFICATION)
