"""The signed link: what it grants, what is told apart, and what nobody can make of it."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.links import (
    KEY_BYTES,
    LONGEST,
    Changed,
    Ended,
    Expired,
    Granted,
    Walker,
    Wrong,
    link,
    load_key,
    patrol_link,
    token,
    verify,
    verify_patrol,
)
from gateway.model import SECOND

KEY = bytes(range(32))
NOW = 1_767_643_867 * SECOND
UNTIL = NOW + 86_400 * SECOND
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def test_link_is_what_it_was_when_it_was_sent() -> None:
    """A changed format would lock everybody out who holds a message from before an upgrade.

    The signature was made with openssl.
    """
    assert link("https://desk.example.cn/", KEY, "L20260106-0001", "chen", UNTIL) == (
        "https://desk.example.cn/c/L20260106-0001.chen.hjh5o.j7kLroHkldEvr4SoDnzENw"
    )


def test_good_link_grants_one_case_to_one_person() -> None:
    granted = verify(KEY, token(KEY, "L20260106-0001", "chen", UNTIL), NOW)
    assert granted[:2] == ("L20260106-0001", "chen")
    assert UNTIL <= granted.until < UNTIL + 60 * SECOND


@given(NAMES, NAMES, st.integers(0, 2**62), st.binary(min_size=32, max_size=32))
def test_any_names_come_back_and_the_token_needs_no_quoting(
    incident: str, person: str, until: int, key: bytes
) -> None:
    made = token(key, incident, person, until)
    assert re.fullmatch(r"[A-Za-z0-9_.~-]+", made)
    granted = verify(key, made, 0)
    assert granted == Granted(incident, person, -(-until // (60 * SECOND)) * 60 * SECOND)


def test_usual_link_is_short() -> None:
    assert len(token(KEY, "L20260106-0001", "chen", UNTIL)) == 48


def test_expired_is_told_apart_and_says_since_when() -> None:
    made = token(KEY, "L1", "chen", UNTIL)
    ends = verify(KEY, made, NOW).until
    verify(KEY, made, ends - 1)
    with pytest.raises(Expired) as caught:
        verify(KEY, made, ends)
    assert caught.value.until == ends


def test_link_without_an_end_does_not_expire() -> None:
    made = token(KEY, "L1", "chen", 0)
    assert verify(KEY, made, 2**62).until == 0


@given(st.integers(0, 60), st.characters(codec="ascii"))
def test_changed_link_grants_nothing(at: int, character: str) -> None:
    made = token(KEY, "L20260106-0001", "chen", UNTIL)
    at %= len(made)
    assume(made[at] != character)
    with pytest.raises(Wrong):
        verify(KEY, made[:at] + character + made[at + 1 :], NOW)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0001", "0002"),
        (".chen.", ".lin."),
        (".hjh5o.", ".zzzzz."),
        (".hjh5o.", ".0."),
        ("j7k", "k7k"),
    ],
)
def test_other_incident_person_or_end_is_called_changed(old: str, new: str) -> None:
    made = token(KEY, "L20260106-0001", "chen", UNTIL)
    assert old in made
    with pytest.raises(Changed):
        verify(KEY, made.replace(old, new), NOW)


def test_another_gateways_link_is_called_changed() -> None:
    with pytest.raises(Changed):
        verify(b"other" * 7, token(KEY, "L1", "chen", UNTIL), NOW)


@pytest.mark.parametrize(
    "text",
    ["", ".", "a.b.c", "a.b.0.c.d", "..0.", "a.b.-1.c", "a.b.00.c", "a.b.A.c", "a.b.0.é", "~.b.0.c",
     "~YQ.b.0.c", "~_w.b.0.c", "a b.c.0.d", "a.b.0." + "c" * 600],
)  # fmt: skip
def test_what_is_no_link_is_not_called_changed(text: str) -> None:
    with pytest.raises(Wrong) as caught:
        verify(KEY, text, NOW)
    assert type(caught.value) is Wrong


@given(
    st.text(max_size=600) | st.from_regex(r"~?[\w-]{0,9}\.~?[\w-]{0,9}\.[0-9a-z]{1,4}\.\w{0,30}")
)
def test_no_text_breaks_the_check(text: str) -> None:
    with contextlib.suppress(Wrong, Expired):
        raise AssertionError(verify(KEY, text, NOW))


@pytest.mark.parametrize(("incident", "person"), [("", "a"), ("a", ""), ("a", "x" * LONGEST)])
def test_names_that_no_token_holds_are_refused(incident: str, person: str) -> None:
    with pytest.raises(ValueError, match="link"):
        token(KEY, incident, person, UNTIL)


def rounds(person: str, until: int = UNTIL, key: bytes = KEY) -> str:
    return patrol_link("https://desk.example.cn", key, person, until).rpartition("/")[2]


def test_link_to_rounds_is_what_it_was_when_it_was_sent() -> None:
    """The signature was made with openssl."""
    assert patrol_link("https://desk.example.cn/", KEY, "chen", UNTIL) == (
        "https://desk.example.cn/p/chen.hjh5o.LTW9vCMSjlics2VVWes-fQ"
    )


@given(NAMES, st.integers(1, 2**62), st.binary(min_size=32, max_size=32))
def test_rounds_open_to_whom_they_are_made_for_until_their_end(
    person: str, until: int, key: bytes
) -> None:
    made = rounds(person, until, key)
    assert re.fullmatch(r"[A-Za-z0-9_.~-]+", made)
    ends = -(-until // (60 * SECOND)) * 60 * SECOND
    assert verify_patrol(key, made, ends - 1) == Walker(person, ends)
    with pytest.raises(Expired):
        verify_patrol(key, made, ends)


@given(NAMES, NAMES, st.sampled_from([0, UNTIL]))
def test_neither_kind_of_link_opens_what_the_other_does(
    incident: str, person: str, until: int
) -> None:
    case = token(KEY, incident, person, until)
    walk = rounds(person)
    for text in (case, case.partition(".")[2], f"{person}.{'.'.join(case.split('.')[2:])}"):
        with pytest.raises(Wrong):
            verify_patrol(KEY, text, NOW)
    for text in (walk, f"{incident}.{walk}", f"{walk.partition('.')[0]}.{walk}"):
        with pytest.raises(Wrong):
            verify(KEY, text, NOW)


@given(st.integers(0, 40), st.characters(codec="ascii"))
def test_changed_link_to_rounds_opens_nothing(at: int, character: str) -> None:
    made = rounds("chen")
    at %= len(made)
    assume(made[at] != character)
    with pytest.raises(Wrong):
        verify_patrol(KEY, made[:at] + character + made[at + 1 :], NOW)


@given(NAMES, st.integers(0, 60), st.integers(0, 60))
def test_links_from_before_an_end_are_ended_and_the_others_go_on(
    person: str, made: int, ended: int
) -> None:
    text = patrol_link("https://d", KEY, person, UNTIL, made).rpartition("/")[2]
    if made == ended:
        assert verify_patrol(KEY, text, NOW, {person: ended}).person == person
    elif ended - 50 <= made < ended:
        with pytest.raises(Ended):
            verify_patrol(KEY, text, NOW, {person: ended})
        with pytest.raises(Ended):  # which it stays after its own time
            verify_patrol(KEY, text, UNTIL + 60 * SECOND, {person: ended})
    else:
        with pytest.raises(Changed):
            verify_patrol(KEY, text, NOW, {person: ended})
    other = person + "x"
    assert verify_patrol(KEY, rounds(other), NOW, {person: ended}).person == other


@given(st.text(max_size=600) | st.from_regex(r"~?[\w-]{0,9}\.[0-9a-z]{1,4}\.\w{0,30}"))
def test_no_text_breaks_the_check_of_rounds(text: str) -> None:
    with contextlib.suppress(Wrong, Expired):
        raise AssertionError(verify_patrol(KEY, text, NOW))


@pytest.mark.parametrize(("person", "until"), [("", UNTIL), ("chen", 0), ("x" * LONGEST, UNTIL)])
def test_rounds_of_nobody_or_without_an_end_are_refused(person: str, until: int) -> None:
    with pytest.raises(ValueError, match="link"):
        rounds(person, until)


def test_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "link.key"
    old = os.umask(0)
    try:
        key = load_key(path)
    finally:
        os.umask(old)
    assert len(key) == KEY_BYTES
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key(path) == key
    assert [each.name for each in tmp_path.iterdir()] == ["link.key"]
    assert load_key(tmp_path / "other.key") != key


def test_key_file_of_another_length_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "link.key"
    path.write_bytes(b"short")
    with pytest.raises(ValueError, match=r"link\.key: not 32 bytes; remove it"):
        load_key(path)


def test_folder_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        load_key(tmp_path / "none" / "link.key")
