"""Numbers in one form, and whose they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Person, Site
from gateway.phones import dialled, people_at


@pytest.mark.parametrize(
    "written",
    [
        "13800138000",
        "+8613800138000",
        "8613800138000",
        "008613800138000",
        "+86 138 0013 8000",
        "(+86) 138-0013-8000",
    ],
)
def test_mobile_number_has_one_form(written: str) -> None:
    assert dialled(written) == "+8613800138000"


@pytest.mark.parametrize(
    ("written", "country", "number"),
    [
        ("010-6552 9988", "86", "+861065529988"),
        ("10086", "86", "10086"),
        ("12345", "86", "12345"),
        ("+852 2345 6789", "86", "+85223456789"),
        ("0171 1234567", "49", "+491711234567"),
        ("13800138000", "49", "13800138000"),
    ],
)
def test_other_numbers_keep_what_they_say(written: str, country: str, number: str) -> None:
    assert dialled(written, country) == number


@pytest.mark.parametrize(
    "written", ["", "+", "Bank", "138 0013 800x", "１３８００１３８０００", "1" * 16]
)
def test_what_is_no_number_is_not_repeated(written: str) -> None:
    with pytest.raises(ValueError, match=r"^this is no phone number$"):
        dialled(written)


@given(st.text("0123456789+- ()x", max_size=24), st.sampled_from(["86", "49", "1"]))
def test_form_is_its_own_form(written: str, country: str) -> None:
    try:
        number = dialled(written, country)
    except ValueError:
        return
    assert dialled(number, country) == number


def test_people_are_found_however_their_number_is_written() -> None:
    people = {
        "a": Person("a", "甲", "1", "officer", "138 0013 8000"),
        "b": Person("b", "乙", "1", "officer", "+8613800138000"),
        "c": Person("c", "丙", "1", "officer", "13900139000"),
        "d": Person("d", "丁", "1", "officer"),
        "e": Person("e", "戊", "1", "officer", "?"),
        "f": Person("f", "己", "1", "officer", accounts={"sms": "137 0000 0000"}),
    }
    site = Site(people=people)
    assert [p.id for p in people_at(site, "8613800138000")] == ["a", "b"]
    assert [p.id for p in people_at(site, "+8613700137000")] == []
    assert [p.id for p in people_at(site, "+8613700000000", ["sms"])] == ["f"]
    assert [p.id for p in people_at(site, "")] == []


def test_account_of_a_channel_that_texts_nobody_is_no_number() -> None:
    accounts = {"dingtalk": "13700000000", "sms": "13800138000"}
    site = Site(people={"a": Person("a", "甲", "1", "officer", accounts=accounts)})
    assert people_at(site, "+8613700000000", ["sms"]) == ()
    assert [p.id for p in people_at(site, "+8613800138000", ["sms"])] == ["a"]
    assert people_at(site, "+8613800138000") == ()
