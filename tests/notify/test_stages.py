"""Each stage by a table: what it is shown, and the end it names."""

import msgspec
import pytest

from gateway.clock import Arrival
from gateway.incidents.machine import Moment, World, react
from gateway.model import Category, OutboxRow, State
from gateway.notify.stages import STAGES, Facts, channels_of, judge
from tests.cases.build import DEADLINES, DUTY, alarmed, device, site
from tests.virtual import VirtualClock


def facts(purpose="opened", heard=False, where=None, notifiers=("phone",), **changes) -> Facts:
    clock = VirtualClock()
    moment = Moment(clock.now(), Arrival(0, clock.now())(clock.now()))
    where = where or site()
    world = World(where, DEADLINES, DUTY)
    decision = react(alarmed(), None, "L20260105-0001", (), world, moment)
    assert decision is not None
    incident = msgspec.structs.replace(decision.incident, **changes)
    row = OutboxRow(id=1, incident="L1", seq=1, purpose=purpose, person="zhang", due=0)
    return Facts(row, incident, where, where.people["zhang"], heard, notifiers)


TROUBLE = {"category": Category.trouble}
BYPASSED = site(device("s1", state="bypassed"))


@pytest.mark.parametrize(
    ("given", "end"),
    [
        (facts(), None),
        (facts(state=State.closed), "superseded"),
        (facts("again", state=State.closed), "superseded"),
        (facts("closed", heard=True, state=State.closed), None),
        (facts("closed", heard=False, state=State.closed), "superseded"),
        (facts("overdue", warned=1), None),
        (facts("overdue", warned=1, state=State.received), None),
        (facts("overdue", warned=0), "superseded"),
        (facts("overdue", warned=2), "superseded"),
        (facts("cleared", heard=True), "superseded"),
        (facts("cleared", heard=True, alarming=()), None),
        (facts("cleared", heard=False, alarming=()), "cleared_before_sending"),
        (facts(alarming=()), None),
        (facts(alarming=(), **TROUBLE), "cleared_before_sending"),
        (facts("again", alarming=(), **TROUBLE), "cleared_before_sending"),
        (facts("overdue", alarming=(), warned=1, **TROUBLE), None),
        (facts(where=BYPASSED), "silenced"),
        (facts("overdue", where=BYPASSED, warned=1), "silenced"),
        (facts(where=BYPASSED, alarming=("s1", "unknown")), None),
        (facts("cleared", where=BYPASSED, heard=True, alarming=()), None),
        (facts(notifiers=()), "failed_all_channels"),
    ],
)
def test_stage_names_the_end(given: Facts, end: str | None) -> None:
    verdict = judge(given)
    assert (verdict.end.value if verdict else None) == end
    assert verdict is None or verdict.why


def test_stages_stand_in_the_documented_order() -> None:
    assert [stage.__name__ for stage in STAGES] == [
        "superseded", "silenced", "cleared_before_sending", "unheard", "channel",
    ]  # fmt: skip


def test_person_without_a_configured_channel_gets_every_notifier() -> None:
    person = site().people["li"]
    assert channels_of(person, ["paper", "phone", "x"]) == ["phone", "paper"]
    assert channels_of(person, ["x", "y"]) == ["x", "y"]
    assert channels_of(site().people["wang"], ["x", "y"]) == ["x", "y"]
