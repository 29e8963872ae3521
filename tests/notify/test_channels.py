"""Which channel a message goes by, what follows when nobody looks, and a channel in trouble."""

from __future__ import annotations

from pathlib import Path

from gateway.model import Category, TellingLimits
from gateway.ports import Refused, Unavailable
from tests.cases.build import alarmed, cleared, site
from tests.cases.house import House, Phone, StoryClock, living

KEY = "L20260105-0001"
USUAL = TellingLimits()
OWN_TROUBLE = {"rule": "channel_down", "kind": "gateway", "category": Category.system}


class Checked(Phone):
    """A channel that can be looked at without a message."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    async def check(self) -> str:
        self.looks += 1
        if self.always is not None:
            raise self.always
        return "all right"


def only_li(house: House) -> None:
    """The officer alone, whose channels are phone and paper."""
    house.site = site(people=tuple(p for p in house.site.people.values() if p.id == "li"))


async def test_alarm_not_received_in_time_goes_by_the_next_channel(tmp_path: Path) -> None:
    clock, phone, paper = StoryClock(), Phone(), Phone()
    notifiers = {"phone": phone, "paper": paper}
    async with living(tmp_path / "c.db", clock, notifiers, limits=USUAL) as house:
        only_li(house)
        await house.take(alarmed(), alarmed(rule="low", category=Category.trouble))
        await clock.advance(59)
        assert [m.category for m in phone.heard] == ["life", "trouble"]
        assert paper.heard == []
        await clock.advance(1)
        assert [(m.category, m.key) for m in paper.heard] == [("life", f"{KEY}/1/li/paper")]
        await clock.advance(239)
        assert len([m for m in paper.heard if m.purpose == "opened"]) == 1
        await clock.advance(1)
        opened = [m.category for m in paper.heard if m.purpose == "opened"]
        assert opened == ["life", "trouble"]


async def test_alarm_that_somebody_has_received_goes_no_further(tmp_path: Path) -> None:
    clock, phone, paper = StoryClock(), Phone(), Phone()
    notifiers = {"phone": phone, "paper": paper}
    async with living(tmp_path / "c.db", clock, notifiers, limits=USUAL) as house:
        only_li(house)
        await house.take(alarmed())
        await clock.advance(30)
        await house.act(KEY, "receive", "li")
        await clock.advance(60)
        assert paper.heard == []
        assert await house.ends(KEY) == [
            ("opened", "li", "told"), ("opened", "li", "superseded"),
        ]  # fmt: skip


async def test_the_wait_for_somebody_to_look_survives_a_restart(tmp_path: Path) -> None:
    clock, phone, paper = StoryClock(), Phone(), Phone()
    notifiers = {"phone": phone, "paper": paper}
    async with living(tmp_path / "c.db", clock, notifiers, limits=USUAL) as house:
        only_li(house)
        await house.take(alarmed())
        await clock.advance(1)
    clock.jump(14 * 86_400)
    async with living(tmp_path / "c.db", clock, notifiers, limits=USUAL) as house:
        only_li(house)
        await clock.advance(59)
        assert paper.heard == []
        await clock.advance(2)
        assert [m.purpose for m in paper.heard] == ["opened"]


async def test_the_end_goes_by_the_channel_that_brought_the_alarm(tmp_path: Path) -> None:
    clock, phone, paper = StoryClock(), Phone(), Phone()
    notifiers = {"phone": phone, "paper": paper}
    async with living(tmp_path / "c.db", clock, notifiers, limits=USUAL) as house:
        only_li(house)
        phone.answers = [Unavailable("busy")]
        await house.take(alarmed())
        await clock.advance(1)
        await house.take(cleared())
        await clock.settle()
        assert [m.purpose for m in paper.heard] == ["opened", "cleared"]
        assert phone.heard == []


async def test_channel_away_for_long_is_tried_last_and_noticed_when_it_is_back(
    tmp_path: Path,
) -> None:
    clock, phone, paper = StoryClock(), Checked(), Phone()
    notifiers = {"phone": phone, "paper": paper}
    async with living(tmp_path / "c.db", clock, notifiers) as house:
        only_li(house)
        phone.always = Unavailable("no carrier")
        await house.take(alarmed())
        await clock.settle()
        assert house.noted == [
            ("channel:phone", {
                "channel_down": True, "channel_refuses": False, "extra.reason": "no carrier",
            }),
        ]  # fmt: skip
        await clock.advance(61)
        await house.take(alarmed(same="b"))
        await clock.settle()
        assert (len(phone.asked), phone.looks) == (1, 1)  # not asked again, only looked at
        phone.always = None
        await clock.advance(60)
        assert house.noted[1:] == [
            ("channel:phone", {"channel_down": False, "channel_refuses": False})
        ]
        await house.take(alarmed(same="c"))
        await clock.settle()
        assert len(phone.heard) == 1


async def test_one_number_that_is_refused_is_no_trouble_of_the_channel(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    alone = site(people=(site().people["zhang"],))
    async with living(tmp_path / "c.db", clock, {"phone": phone}, alone) as house:
        await house.take(alarmed())
        await clock.settle()
        phone.answers = [Refused("no such number")]
        await house.take(alarmed(same="b"))
        await clock.settle()
        assert house.noted == []
        phone.answers = [Refused("no such number")]
        await house.take(alarmed(same="c"))
        await clock.settle()
        assert [values["channel_refuses"] for _, values in house.noted] == [True]
        await house.take(alarmed(same="d"))
        await clock.settle()
        assert [values["channel_refuses"] for _, values in house.noted] == [True, False]


async def test_channel_that_never_took_anything_and_refuses_is_wrong_at_once(
    tmp_path: Path,
) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        phone.always = Refused("errcode 93000: unknown webhook")
        await house.take(alarmed())
        await clock.settle()
        [(part, values)] = house.noted
        assert (part, values["channel_refuses"]) == ("channel:phone", True)
        assert values["extra.reason"] == "errcode 93000: unknown webhook"


async def test_trouble_of_a_channel_is_told_by_the_others(tmp_path: Path) -> None:
    clock, phone, paper = StoryClock(), Phone(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone, "paper": paper}) as house:
        await house.take(alarmed("gateway/channel:phone", **OWN_TROUBLE))
        await clock.settle()
        assert phone.asked == []
        assert [m.person for m in paper.heard] == ["zhang"]  # though phone is her only channel


async def test_an_end_that_was_reported_before_a_restart_is_taken_back(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Checked()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        house.teller.channels.resume(lambda part: {"channel_down": True, "channel_refuses": True})
        await house.take(alarmed())
        await clock.settle()
        values = {"channel_down": False, "channel_refuses": False}
        assert house.noted == [("channel:phone", values)]
