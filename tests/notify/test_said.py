"""What somebody wrote when closing a case reaches those who are told of it."""

from pathlib import Path

from gateway.notify.said import said_with
from gateway.ports import Unavailable
from tests.cases.build import alarmed
from tests.cases.house import Phone, StoryClock, living
from tests.notify.wording import row

KEY = "L20260105-0001"


async def test_closing_comment_is_in_the_message(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone, "paper": phone}) as house:
        await house.take(alarmed())
        await clock.advance(300)
        assert {each.person for each in phone.heard} >= {"zhang", "li"}
        await house.act(KEY, "receive")
        await house.act(KEY, "handle", comment="到场了")
        phone.heard.clear()
        await house.act(KEY, "close", outcome="false_alarm", comment="做饭油烟")
        await clock.advance(0)
        [told] = [each for each in phone.heard if each.person == "li"]
    assert told.purpose == "closed"
    assert "结果：误报\n说明：做饭油烟\n" in told.text


class Broken:
    async def said(self, key: str, seq: int) -> str:
        raise Unavailable("disk full")


async def test_store_that_can_not_be_read_costs_the_words_and_not_the_message() -> None:
    assert await said_with(row("closed"), Broken()) == ""
    assert await said_with(row("opened"), Broken()) == ""
