"""Whatever is done to the record before its last anchor is found; an untouched one passes."""

from __future__ import annotations

from pathlib import Path

from tests.record.house import audited, found


async def test_an_untouched_record_passes(data: Path) -> None:
    report = await audited(data)
    assert [finding.text.en for finding in report.findings] == []
    assert (report.incidents, report.anchors, report.unsigned) == (4, 3, 0)
    assert found(report) == set()
