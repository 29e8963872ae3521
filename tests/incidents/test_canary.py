"""The canary's incident: one person, no siren, no time limit to miss, closed by its own end."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from gateway.incidents import machine, times
from gateway.incidents.decision import DEADLINE, TIMERS, Moment, World, due
from gateway.incidents.limits import Limits
from gateway.model import (
    CANARY,
    CANARY_DEVICE,
    SECOND,
    Action,
    Category,
    Change,
    Happened,
    Incident,
    Limit,
    Stamp,
    State,
    TellingLimits,
    Turn,
)
from gateway.ports import Unavailable
from tests.cases.build import DEADLINES, DUTY, alarmed, site
from tests.cases.house import Phone, StoryClock, living
from tests.virtual import START

WORLD = World(site(), DEADLINES, DUTY, {"notifier:siren": frozenset(Category)})


def canary(turn: Turn = Turn.alarmed, device: str = CANARY_DEVICE) -> Change:
    return alarmed(
        device, turn=turn, rule=CANARY, kind="gateway", same=f"device:{device}", place="1301",
        category=Category.system,
    )  # fmt: skip


def at(seconds: float) -> Moment:
    ns = int(seconds * SECOND)
    return Moment(Stamp("b", ns, START + ns, True), ns)


def opened(world: World = WORLD, device: str = CANARY_DEVICE) -> machine.Decision:
    decision = machine.react(canary(device=device), None, "C1", [], world, at(0))
    assert decision is not None
    return decision


def ended(incident: Incident) -> machine.Decision:
    decision = machine.react(canary(Turn.cleared), incident, "", ["li"], WORLD, at(9))
    assert decision is not None
    return decision


def test_it_is_told_to_the_one_whose_turn_it_is_and_to_no_siren() -> None:
    decision = opened(WORLD._replace(turn="li"))
    assert [row.person for row in decision.tell] == ["li"]
    assert decision.incident.owner == "li"
    assert [row.person for row in opened().tell] == ["wang"]  # whoever has duty
    assert [row.person for row in opened(WORLD._replace(turn="gone")).tell] == ["wang"]


def test_no_limit_of_a_site_escalates_it() -> None:
    short = WORLD._replace(limits=Limits([Limit(SECOND, 0), Limit(SECOND, 0, "1301", "system")]))
    incident = opened(short).incident
    assert times.ring(incident, DEADLINE, short, at(3_600)) is None
    assert incident.deadline  # and still it has one, should everything else fail


@pytest.mark.parametrize("state", [State.open, State.received, State.handling])
def test_its_end_closes_it_as_a_test_whatever_somebody_did_and_tells_nobody(state: State) -> None:
    incident = msgspec.structs.replace(opened().incident, state=state)
    decision = ended(incident)
    assert [event.what for event in decision.events] == [Happened.cleared, Happened.closed]
    assert (decision.incident.state, decision.incident.outcome) == (State.closed, "test")
    assert decision.tell == ()
    assert [due(decision.incident, kind) for kind in TIMERS] == [0, 0]


def test_a_rule_of_a_site_that_is_called_so_is_an_alarm_like_any_other() -> None:
    incident = opened(device="s1").incident
    assert "notifier:siren" in [row.person for row in opened(device="s1").tell]
    change = canary(Turn.cleared, "s1")
    decision = machine.react(change, incident, "", ["li"], WORLD, at(9))
    assert decision is not None
    assert decision.incident.state is State.open
    assert [row.purpose for row in decision.tell] == ["cleared"]


async def test_in_the_middle_of_a_storm_it_is_told_at_once_silently_and_counts_for_nothing(
    tmp_path: Path,
) -> None:
    clock, phone = StoryClock(), Phone()
    limits = TellingLimits(first=2)
    async with living(tmp_path / "c.db", clock, {"phone": phone}, limits=limits) as house:
        for n in range(5):
            await house.take(
                alarmed(f"x{n}", same=f"device:x{n}", category=Category.system, rule="away",
                        place="1301"),
                *([canary()] if n == 1 else []),
            )  # fmt: skip
        await clock.advance(1)
        assert [each.silent for each in phone.heard].count(True) == 1
        assert [each.count for each in phone.heard if not each.silent] == [1, 1]
        await clock.advance(60)
        assert [each.count for each in phone.heard if not each.silent] == [1, 1, 3]


async def test_quiet_hours_and_an_answer_by_sms_pass_it_by(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    sleeping = tuple(
        msgspec.structs.replace(each, quiet="00:00-23:59") for each in site().people.values()
    )
    where = site(people=sleeping)
    async with living(tmp_path / "c.db", clock, {"phone": phone}, where) as house:
        await house.take(alarmed("s1", place="1301", same="a"))
        await clock.advance(1)
        await house.take(canary())
        await clock.advance(1)
        assert [each.silent for each in phone.heard] == [False, True]
        await house.take(Action("receive", "", "wang", "1"))
        states = {each.rule: each.state for each in await house.cases.incidents(False, 10)}
        assert states == {CANARY: State.open, "smoke_alarm": State.received}


async def test_a_channel_that_is_away_for_it_is_tried_again_and_not_taken_for_broken(
    tmp_path: Path,
) -> None:
    clock, phone = StoryClock(), Phone()
    phone.answers = [Unavailable("session lost")]
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(canary())
        await clock.advance(2)
        assert [each.silent for each in phone.heard] == [True]
        assert house.noted == []
