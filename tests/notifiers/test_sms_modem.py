"""Text messages through a modem: what is written, and a real driver on a simulated modem."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.sms_modem.pdu import parts_of
from gateway.model import Quota
from gateway.notifiers.sms_modem.notifier import Notifier
from gateway.notifiers.sms_modem.options import Options
from gateway.notifiers.sms_modem.words import body, cut, units
from gateway.ports import Refused, Unavailable
from tests.drivers.sms_modem.rig import OFFICER, rig
from tests.notifiers.test_webhook import NOTIFICATION
from tests.virtual import VirtualClock

KEY = "L20260105-0007"
MESSAGE = msgspec.structs.replace(
    NOTIFICATION,
    key=f"{KEY}/3/p-1/phone",
    incident=KEY,
    title="【紧急】烟感报警:3号楼 2层 201",
    text="地点:云河社区 › 3号楼\n情况:烟雾浓度 0.31 %/m\n编号:" + KEY,
    short=f"【紧急】烟感报警:3号楼2层201 04:11 {KEY}",
    phone="138 0013 8000",
)


def sms(**options: Any) -> Notifier:
    return Notifier("phone", Options.model_validate({"driver": "modem"} | options), VirtualClock())


def written(notification: Any = MESSAGE, **options: Any) -> str:
    return body(notification, **({"full": False, "parts": 3, "replies": True} | options))


def test_short_form_is_one_message_that_says_how_to_answer() -> None:
    text = written()
    assert text == f"【紧急】烟感报警:3号楼2层201 04:11 {KEY}\n回1签收 再回2办结"
    assert parts_of(text) == 1


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"state": "received"}, "回2办结"),
        ({"state": "closed"}, ""),
        ({"purpose": "cleared"}, ""),
        ({"language": "en"}, "Reply 1 receive, then 2 close"),
    ],
)
def test_hint_fits_the_state(changes: dict[str, str], hint: str) -> None:
    text = written(msgspec.structs.replace(MESSAGE, **changes))
    assert text.partition("\n")[2] == hint


def test_hint_goes_where_it_would_cost_a_second_message() -> None:
    short = "火" * 52 + " " + KEY
    text = written(msgspec.structs.replace(MESSAGE, short=short))
    assert (text, parts_of(text)) == (short, 1)


def test_key_is_always_written_for_an_answer_may_name_it() -> None:
    assert KEY in written(msgspec.structs.replace(MESSAGE, short="烟感报警 3号楼"))
    assert KEY in written(msgspec.structs.replace(MESSAGE, short="", text="火" * 500))
    assert written(replies=False) == MESSAGE.short


def test_full_form_keeps_to_its_parts() -> None:
    long = msgspec.structs.replace(MESSAGE, text="火" * 500)
    for parts in range(1, 6):
        text = written(long, full=True, parts=parts)
        assert parts_of(text) <= parts
        assert text.startswith("【紧急】烟感报警")
        assert KEY in text


@given(st.text(max_size=400), st.text(max_size=400), st.booleans(), st.integers(1, 4))
def test_any_message_keeps_to_its_parts(title: str, text: str, full: bool, parts: int) -> None:
    message = msgspec.structs.replace(MESSAGE, title=title, text=text, short=text)
    assert parts_of(written(message, full=full, parts=parts)) <= parts


@given(st.text(st.sampled_from("火😀a \n"), max_size=40), st.integers(1, 30))
def test_cut_is_never_within_a_character(text: str, most: int) -> None:
    made = cut(text, most)
    assert units(made) <= most
    assert made == text or (made.endswith("…") and text.startswith(made[:-1]))


def test_quota_is_one_message_in_its_time() -> None:
    assert sms().quotas == (Quota(1, 6.0),)
    assert sms(every="30s", form="full", parts=2).quotas == (Quota(1, 60.0),)
    assert sms(every="0s").quotas == ()


async def test_message_reaches_the_phone_and_its_repeat_does_not() -> None:
    async with rig() as bench:
        await bench.ready()
        notifier = sms()
        notifier.text_by({"modem": bench.driver})
        receipt = await bench.done(notifier.tell(MESSAGE))
        assert receipt.detail == "CHINA MOBILE took it as 12"
        assert await bench.done(notifier.tell(MESSAGE)) == receipt
        [sent] = bench.modem.sent
        assert (sent.number, sent.text) == (OFFICER, written())
        await bench.until(lambda: bool(bench.actions))
        assert [(a.verb, a.incident, a.text) for a in bench.actions] == [
            ("delivered", KEY, MESSAGE.key)
        ]


async def test_trial_says_how_the_modem_stands_and_rings_nobody() -> None:
    async with rig() as bench:
        await bench.ready()
        notifier = sms()
        notifier.text_by({"modem": bench.driver})
        silent = msgspec.structs.replace(MESSAGE, silent=True)
        receipt = await notifier.tell(silent)
        assert re.fullmatch(
            r"nothing was sent; modem on /dev/pts/\d+: registered.*", receipt.detail
        )
        assert bench.modem.sent == []
        bench.modem.sim = "10"
        await bench.falls()
        with pytest.raises(Unavailable, match="there is no SIM card"):
            await notifier.tell(silent)


async def test_modem_that_does_not_run_is_for_later() -> None:
    async with rig(lambda modem: modem.silent.add("AT")) as bench:
        notifier = sms()
        notifier.text_by({"modem": bench.driver})
        with pytest.raises(Unavailable, match="not connected"):
            await notifier.tell(MESSAGE)


async def test_account_of_the_person_goes_before_the_phone() -> None:
    async with rig() as bench:
        await bench.ready()
        notifier = sms()
        notifier.text_by({"modem": bench.driver})
        other = msgspec.structs.replace(MESSAGE, account="+8613900139000")
        await bench.done(notifier.tell(other))
        assert bench.modem.sent[0].number == "+8613900139000"


@pytest.mark.parametrize(("phone", "words"), [("", "李明 has no phone number"), ("no", "is none$")])
async def test_person_without_a_number_is_refused(phone: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        await sms().tell(msgspec.structs.replace(MESSAGE, phone=phone))


async def test_driver_that_is_not_there_is_named() -> None:
    notifier = sms()
    assert "checked by itself" in await notifier.check()
    notifier.text_by({"other": object()})  # type: ignore[dict-item]
    for call in (notifier.tell(MESSAGE), notifier.check()):
        with pytest.raises(
            Refused, match="no driver 'modem' runs here that has a modem; there is other"
        ):
            await call


@pytest.mark.parametrize(
    ("given_options", "words"),
    [
        ({"form": "long"}, "'short' or 'full'"),
        ({"parts": 0}, "greater than"),
        ({"driver": ""}, "at least 1"),
    ],
)
def test_wrong_options_are_named(given_options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        sms(**given_options)
