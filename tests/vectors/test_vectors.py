"""Every vector that a driver claims passes, or is listed with the reason why it does not."""

from __future__ import annotations

import pytest

from tests.shared import DATA
from tests.vectors import FOLDERS, Outcome, every, known
from tests.vectors.__main__ import WANTED


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    if not all((DATA / folder).is_dir() for folder in FOLDERS):
        pytest.skip(f"the vectors are not in {DATA}")
    return list(every(DATA))


def test_nothing_fails_that_is_not_listed_with_its_reason(outcomes: list[Outcome]) -> None:
    reasons = known()
    unlisted = [each for each in outcomes if each.result == "failed" and each[:2] not in reasons]
    assert unlisted == []


def test_what_is_listed_does_fail(outcomes: list[Outcome]) -> None:
    failed = {each[:2] for each in outcomes if each.result == "failed"}
    there = {each.source for each in outcomes}
    assert [case for case in known() if case not in failed and case[0] in there] == []


def test_nearly_all_claimed_vectors_pass(outcomes: list[Outcome]) -> None:
    claimed = [each for each in outcomes if each.result != "not claimed"]
    passed = [each for each in claimed if each.result == "passed"]
    assert len(passed) >= WANTED * len(claimed) > 0


def test_every_vector_has_one_outcome(outcomes: list[Outcome]) -> None:
    names = [each[:2] for each in outcomes]
    assert len(names) == len(set(names))


def test_what_is_not_claimed_says_why(outcomes: list[Outcome]) -> None:
    assert [each for each in outcomes if each.result != "passed" and not each.reason] == []
