"""Aliyun's text messages on a small server that behaves as the service says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Quota
from gateway.notifiers.aliyun_sms.codes import CODES, meaning
from gateway.notifiers.aliyun_sms.notifier import Notifier
from gateway.notifiers.aliyun_sms.options import Options
from gateway.notifiers.aliyun_sms.signature import authorization, query_of
from gateway.notifiers.aliyun_sms.words import variable
from gateway.ports import Refused, Unavailable
from tests.notifiers.aliyun import KEY_ID, SECRET, Aliyun, aliyun
from tests.notifiers.test_webhook import NOTIFICATION
from tests.servers import free_port
from tests.virtual import VirtualClock

MESSAGE = msgspec.structs.replace(
    NOTIFICATION,
    key="L20260105-0007/3/p-1/aliyun",
    incident="L20260105-0007",
    title="【紧急】烟感报警:3号楼 2层 201",
    address="云河社区 › 3号楼,云河路 12 号,2层 201室",
    phone="+86 138 0013 8000",
)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def service(clock: VirtualClock) -> AsyncIterator[Aliyun]:
    async with aliyun(clock) as made:
        yield made


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "id").write_text(KEY_ID)
    (tmp_path / "secret").write_text(SECRET + "\n")
    return {
        "access_key_id": {"file": str(tmp_path / "id")},
        "access_key_secret": {"file": str(tmp_path / "secret")},
    }


@pytest.fixture
async def notifier(
    service: Aliyun, keys: dict[str, Any], clock: VirtualClock
) -> AsyncIterator[Notifier]:
    async with Notifier("aliyun", options(keys, service.url), clock) as made:
        yield made


def options(keys: dict[str, Any], url: str, **more: Any) -> Options:
    given = {"sign_name": "云河社区", "template": "SMS_1", "url": url, "timeout": "1s"}
    return Options.model_validate(keys | given | more)


def test_signature_is_that_of_the_documentation() -> None:
    parameters = {
        "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
        "RegionId": "cn-shanghai",
    }
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-version": "2014-05-26",
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    }
    made = authorization(
        "POST", "/", query_of(parameters), headers, "YourAccessKeyId", "YourAccessKeySecret"
    )
    assert made.endswith(
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


async def test_message_is_sent_with_the_template_of_its_purpose(
    service: Aliyun, keys: dict[str, Any], clock: VirtualClock
) -> None:
    given = options(keys, service.url, templates={"cleared": "SMS_2"})
    async with Notifier("aliyun", given, clock) as notifier:
        receipt = await notifier.tell(MESSAGE)
        assert receipt.detail == "OK, BizId 90061919^1"
        cleared = msgspec.structs.replace(MESSAGE, purpose="cleared", key="other")
        await notifier.tell(cleared)
    first, second = service.sent
    assert msgspec.json.decode(first.pop("TemplateParam")) == {
        "name": "李明",
        "place": "云河社区 › 3号楼,云河路 12 号,2层 201室",
        "what": "紧急 烟感报警",
        "key": "L20260105-0007",
    }
    assert first == {
        "PhoneNumbers": "13800138000",
        "SignName": "云河社区",
        "TemplateCode": "SMS_1",
        "OutId": "L20260105-0007/3/p-1/aliyun",
    }
    assert second["TemplateCode"] == "SMS_2"


async def test_lost_answer_is_asked_after_before_anything_is_sent_again(
    service: Aliyun, notifier: Notifier
) -> None:
    service.lose = 1
    with pytest.raises(Unavailable, match="ServerDisconnectedError") as caught:
        await notifier.tell(MESSAGE)
    assert caught.value.retry_after == 10.0
    receipt = await notifier.tell(MESSAGE)
    assert "the first answer was lost" in receipt.detail
    assert len(service.sent) == 1
    assert service.calls == ["SendSms", "QuerySendDetails"]


async def test_answer_that_does_not_come_counts_as_lost(
    service: Aliyun, notifier: Notifier
) -> None:
    service.hang = True
    with pytest.raises(Unavailable, match="no answer in time"):
        await notifier.tell(MESSAGE)
    service.hang = False
    assert "the first answer was lost" in (await notifier.tell(MESSAGE)).detail
    assert len(service.sent) == 1


async def test_message_that_was_lost_itself_is_sent_again(
    service: Aliyun, notifier: Notifier
) -> None:
    service.lose, service.lag = 1, True
    with pytest.raises(Unavailable):
        await notifier.tell(MESSAGE)
    assert "BizId" in (await notifier.tell(MESSAGE)).detail
    assert len(service.sent) == 2  # twice beats never


async def test_message_that_failed_at_the_carrier_is_sent_again(
    service: Aliyun, notifier: Notifier
) -> None:
    service.lose, service.status = 1, "2"
    with pytest.raises(Unavailable):
        await notifier.tell(MESSAGE)
    assert "BizId" in (await notifier.tell(MESSAGE)).detail


@pytest.mark.parametrize("hidden", [True, False])
async def test_key_that_may_not_ask_sends_again(
    service: Aliyun, notifier: Notifier, hidden: bool
) -> None:
    service.lose, service.hidden = 1, hidden
    if not hidden:
        service.code["QuerySendDetails"] = "isp.RAM_PERMISSION_DENY"
    with pytest.raises(Unavailable):
        await notifier.tell(MESSAGE)
    await notifier.tell(MESSAGE)
    assert len(service.sent) == 2


async def test_while_it_can_not_be_asked_after_nothing_is_sent(
    service: Aliyun, notifier: Notifier
) -> None:
    service.lose = 1
    with pytest.raises(Unavailable):
        await notifier.tell(MESSAGE)
    service.code["QuerySendDetails"] = "isp.SYSTEM_ERROR"
    with pytest.raises(Unavailable, match="a fault of the service"):
        await notifier.tell(MESSAGE)
    del service.code["QuerySendDetails"]
    await notifier.tell(MESSAGE)
    assert len(service.sent) == 1


async def test_message_is_found_among_a_hundred_of_the_same_day(
    service: Aliyun, notifier: Notifier
) -> None:
    service.most, service.lose = 200, 1
    with pytest.raises(Unavailable):
        await notifier.tell(MESSAGE)
    for n in range(120):
        await notifier.tell(msgspec.structs.replace(MESSAGE, key=f"k{n}"))
    assert "lost" in (await notifier.tell(MESSAGE)).detail


async def test_share_of_one_number_is_a_quota_and_its_end_is_for_later(
    service: Aliyun, notifier: Notifier
) -> None:
    assert notifier.quotas == (Quota(50, 86_400.0, 10, each=True),)
    service.most = 1
    await notifier.tell(MESSAGE)
    with pytest.raises(Unavailable, match=r"its share .* \(isv.BUSINESS_LIMIT_CONTROL\)") as caught:
        await notifier.tell(msgspec.structs.replace(MESSAGE, key="k2"))
    assert caught.value.retry_after == 3_600.0


@pytest.mark.parametrize("code", [*CODES, "Throttling.User", "isv.NEW", "InvalidNew", "Odd"])
async def test_every_code_is_told_with_its_meaning(
    service: Aliyun, notifier: Notifier, code: str
) -> None:
    service.code["SendSms"] = code
    known = meaning(code)
    with pytest.raises(Refused if known.again is None else Unavailable) as caught:
        await notifier.tell(MESSAGE)
    text = str(caught.value)
    assert f"{known.words} ({code})" in text
    assert "13800138000" not in text
    assert SECRET not in text


@pytest.mark.parametrize(
    ("code", "again"),
    [
        ("Throttling.Api", True),
        ("isv.SMS_SIGNATURE_ILLEGAL", False),
        ("isv.DENY_IP_RANGE", False),
        ("isv.OUT_OF_SERVICE", True),
        ("isv.SOMETHING_NEW", False),
        ("SomethingNew", True),
    ],
)
def test_code_says_whether_it_may_pass_later(code: str, again: bool) -> None:
    assert (meaning(code).again is not None) is again


async def test_wrong_clock_and_wrong_secret_are_told(
    service: Aliyun, keys: dict[str, Any], clock: VirtualClock, tmp_path: Path
) -> None:
    elsewhere = VirtualClock(clock.wall + 3_600 * 10**9)
    async with Notifier("aliyun", options(keys, service.url), elsewhere) as notifier:
        with pytest.raises(Unavailable, match="this machine's clock is wrong"):
            await notifier.tell(MESSAGE)
    (tmp_path / "secret").write_text("another")
    async with Notifier("aliyun", options(keys, service.url), clock) as notifier:
        with pytest.raises(Refused, match="the access key's secret is wrong"):
            await notifier.tell(MESSAGE)
    (tmp_path / "secret").unlink()
    async with Notifier("aliyun", options(keys, service.url), clock) as notifier:
        with pytest.raises(Unavailable, match="notifier aliyun: secret file"):
            await notifier.tell(MESSAGE)
    assert service.sent == []


@pytest.mark.parametrize("body", ["", "<html>", "[]", "null", '{"Code": 1}'])
@pytest.mark.parametrize("http", [200, 502])
async def test_answer_that_is_none_is_for_later(
    service: Aliyun, notifier: Notifier, body: str, http: int
) -> None:
    service.body, service.http = body, http
    with pytest.raises(Unavailable, match=f"answers {http} without a code"):
        await notifier.tell(MESSAGE)


async def test_trial_rings_nobody(service: Aliyun, notifier: Notifier) -> None:
    silent = msgspec.structs.replace(MESSAGE, silent=True)
    assert "nothing was sent" in (await notifier.tell(silent)).detail
    assert (service.sent, service.calls) == ([], ["QuerySendDetails"])
    service.code["QuerySendDetails"] = "isv.OUT_OF_SERVICE"
    with pytest.raises(Unavailable, match="suspended"):
        await notifier.tell(silent)


@pytest.mark.parametrize(("phone", "words"), [("", "has no phone number"), ("none", "is none$")])
async def test_person_without_a_number_is_refused(
    notifier: Notifier, service: Aliyun, phone: str, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        await notifier.tell(msgspec.structs.replace(MESSAGE, phone=phone))
    assert service.calls == []


async def test_check_reads_the_template_and_names_what_is_missing(
    service: Aliyun, notifier: Notifier
) -> None:
    assert await notifier.check() == f"{service.url} answers; SMS_1 approved"
    service.content = "${name},${floor} 层${place}"
    with pytest.raises(Unavailable, match="template SMS_1 has floor; add to variables"):
        await notifier.check()
    service.template_status = 0
    with pytest.raises(Unavailable, match="template SMS_1 is not approved yet"):
        await notifier.check()
    assert service.sent == []


async def test_nobody_there_is_unavailable_without_the_number(
    keys: dict[str, Any], clock: VirtualClock
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with Notifier("aliyun", options(keys, url), clock) as notifier:
        with pytest.raises(
            Unavailable, match=r"^http://127\.0\.0\.1:\d+ can not be reached"
        ) as caught:
            await notifier.tell(MESSAGE)
        assert "138" not in str(caught.value)
        with pytest.raises(Unavailable):  # and it is sure that nothing was sent: no asking
            await notifier.tell(MESSAGE)


async def test_it_has_to_be_entered_first(keys: dict[str, Any], clock: VirtualClock) -> None:
    with pytest.raises(RuntimeError, match="before it is entered"):
        await Notifier("aliyun", options(keys, "http://127.0.0.1:1"), clock).tell(MESSAGE)


# --- the variables --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "what", "place"),
    [
        ("【紧急】烟感报警:3号楼 2层 201", "紧急 烟感报警", "3号楼 2层 201"),
        (
            "[Emergency] Smoke alarm: Building 3, flat 201",
            "Emergency Smoke alarm",
            "Building 3, flat 201",
        ),
        ("烟感报警", "烟感报警", "-"),
        ("详见 https://x.example/a?b=c 立即", "详见 立即", "-"),
        ("打开 gw.example.com/x 查看", "打开 查看", "-"),
        ("a\nb\x1b", "a b", "-"),
        ("", "-", "-"),
    ],
)
def test_variables_are_plain_and_never_empty(title: str, what: str, place: str) -> None:
    message = msgspec.structs.replace(MESSAGE, title=title, address="")
    assert (variable("what", message, 35), variable("place", message, 35)) == (what, place)


def test_of_a_long_address_the_end_is_kept() -> None:
    address = "浙江省杭州市西湖区文三路街道云河社区第三网格,云河路 12 号,3号楼 2单元 5层 501室"
    message = msgspec.structs.replace(MESSAGE, address=address)
    kept = variable("place", message, 35)
    assert kept == "…云河路 12 号,3号楼 2单元 5层 501室"
    assert len(kept) <= 35


@given(
    st.text(max_size=120),
    st.integers(5, 60),
    st.sampled_from(["name", "place", "what", "key", "title", "short"]),
)
def test_any_variable_fits(text: str, longest: int, fact: Any) -> None:
    message = msgspec.structs.replace(
        MESSAGE, name=text, title=text, address=text, incident=text, short=text
    )
    made = variable(fact, message, longest)
    assert 1 <= len(made) <= longest
    assert made.isprintable()
    assert "http://" not in made.lower()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"template": "154950909"}, "should match pattern"),
        ({"variables": {"code": "number"}}, "'name', 'place'"),
        ({"access_key_secret": "plain"}, "a secret is written"),
        ({"timeout": "60s"}, "less than or equal to 25"),
        ({"url": "dysmsapi.aliyuncs.com"}, "begins with http"),
    ],
)
def test_wrong_options_are_named(keys: dict[str, Any], more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        options(keys, **({"url": "http://127.0.0.1:1"} | more))
