"""Which message a delivery report is about."""

from __future__ import annotations

import pytest

from drivers.sms_modem.pdu import Report
from drivers.sms_modem.reports import MOST, Message, Reports
from gateway.model import Action
from tests.drivers.sms_modem.rig import NEIGHBOUR, OFFICER


def sent(reports: Reports, *given: int, number: str = OFFICER, key: str = "L1/3/p-1/sms") -> None:
    message = Message(key, "L1", len(given))
    for each in given:
        reports.sent(message, each, number)


def test_message_in_parts_is_delivered_with_its_last_part() -> None:
    reports = Reports()
    sent(reports, 17, 18)
    reports.take(Report(18, OFFICER, 0))
    assert list(reports.ready) == []
    reports.take(Report(17, OFFICER, 0))
    assert list(reports.ready) == [Action("delivered", "L1", "", "L1/3/p-1/sms")]
    assert reports.waiting == 0


@pytest.mark.parametrize(
    ("status", "word"),
    [(0x46, "expired"), (0x43, "unknown_number"), (0x41, "rejected"), (0x7F, "failed")],
)
def test_failure_of_any_part_is_said_once_with_its_name(status: int, word: str) -> None:
    reports = Reports()
    sent(reports, 17, 18)
    for given in (18, 17):
        reports.take(Report(given, OFFICER, status))
    assert list(reports.ready) == [Action("undelivered", "L1", "", f"L1/3/p-1/sms\n{word}")]


def test_carrier_that_still_tries_has_said_nothing() -> None:
    reports = Reports()
    sent(reports, 17)
    reports.take(Report(17, OFFICER, 0x30))
    assert (len(reports.ready), reports.waiting) == (0, 1)
    reports.take(Report(17, OFFICER, 0))
    assert len(reports.ready) == 1


def test_report_that_overtakes_the_number_is_kept() -> None:
    reports = Reports()
    reports.take(Report(17, OFFICER, 0))
    sent(reports, 17)
    assert [action.verb for action in reports.ready] == ["delivered"]


def test_number_that_begins_again_means_the_newer_message() -> None:
    reports = Reports()
    sent(reports, 17, key="old")
    sent(reports, 17, key="new")
    reports.take(Report(17, "13800138000", 0))
    assert [action.text for action in reports.ready] == ["new"]


def test_report_of_another_number_is_of_another_message() -> None:
    reports = Reports()
    sent(reports, 17)
    reports.take(Report(17, NEIGHBOUR, 0))
    assert (len(reports.ready), reports.waiting) == (0, 1)


def test_memory_is_bounded() -> None:
    reports = Reports()
    for n in range(MOST + 50):
        sent(reports, n % 256, number=f"+861{n:010}")
        reports.take(Report(n % 256, f"+862{n:09}1", 0))
    assert reports.waiting == MOST
