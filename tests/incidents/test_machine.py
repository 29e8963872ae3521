"""Whatever happens in whatever order, the promises hold; checked on the real store."""

import asyncio
import contextlib
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.incidents.decision import DEADLINE, NotAllowed
from gateway.incidents.fold import fold
from gateway.model import VERBS, Action, Category, End, Evidence, Severity, State, Turn
from gateway.ports import Refused, Unavailable
from tests.cases.build import alarmed, cleared, device, site
from tests.cases.house import House, Phone, StoryClock, living

PEOPLE = ("zhang", "li", "wang")
DEVICES = ("s1", "s2", "s3", "unknown")
WHERE = site(device("s1"), device("s2"), device("s3", state="bypassed"))

changes = st.builds(
    lambda turn, name, same, category, found, severity, rule: alarmed(
        name,
        turn=turn,
        same=same,
        rule=f"{category.value}_{rule}",
        incident=category.value,
        category=category,
        found=found,
        severity=severity,
        evidence=Evidence("image/jpeg", "ab" * 32) if turn is Turn.evidence else None,
    ),
    st.sampled_from(Turn),
    st.sampled_from(DEVICES),
    st.sampled_from(["building:1", "building:2"]),
    st.sampled_from([Category.life, Category.trouble]),
    st.sampled_from(["", "start", "late", "armed"]),
    st.sampled_from([Severity.warning, Severity.alarm, Severity.critical]),
    st.sampled_from(["smoke", "heat"]),
)
deeds = st.tuples(
    st.sampled_from([*VERBS, "receive", "close"]),
    st.sampled_from(PEOPLE),
    st.sampled_from(["real", "test", ""]),
)
answers = st.builds(
    lambda verb, person, text: Action(verb, "", person, text),
    st.sampled_from(["receive", "close", "comment", "delivered"]),
    st.sampled_from(["zhang", "13800000002", "13999999999"]),
    st.sampled_from(["", "2 误报", "L20260105-0001", "人已到"]),
)
moves = st.one_of(
    st.lists(st.one_of(changes, changes, answers), min_size=1, max_size=4),
    deeds,
    st.sampled_from([1.0, 299.0, 300.0, 90_000.0]),
    st.sampled_from(["work", "away", "refuse"]),
    st.sampled_from(["restart", "retain", "li leaves"]),
)
ANSWERS = {"work": None, "away": Unavailable("away"), "refuse": Refused("never")}


async def check(house: House) -> None:
    cases = house.cases
    assert await cases.verify() == []
    seen: set[tuple[str, str]] = set()
    rings = await cases.due_timers(1 << 62, 1_000)
    timers = {timer.incident: timer.due for timer in rings if timer.kind == DEADLINE}
    for incident in await cases.incidents(False, 1_000):
        assert fold(await cases.events(incident.key)) == incident
        assert incident.owner in PEOPLE
        if incident.state is not State.closed:
            assert (incident.group, incident.same) not in seen
            seen.add((incident.group, incident.same))
            assert house.now < incident.deadline == timers.pop(incident.key)
        assert set(incident.alarming) == {name for _, name in incident.holding}
        rows = await cases.outbox(incident.key)
        assert rows
        for row in rows:
            assert row.person in PEOPLE
            assert row.end in {each.value for each in End} or (not row.end and row.due > 0)
    assert timers == {}
    assert house.desk.open_count == len(seen)


async def play(path: Path, story: list[object]) -> None:
    clock, phone = StoryClock(), Phone()
    story = [*story, "restart"]
    while story:
        async with living(path, clock, {"phone": phone}, WHERE) as house:
            while story and (move := story.pop(0)) != "restart":
                await one_move(house, clock, phone, move)
            await house.take(cleared("nobody"))  # has the open incidents read
            await clock.settle()
            await check(house)
    phone.always = None
    async with living(path, clock, {"phone": phone}, WHERE) as house:
        await clock.advance(86_400 * 2)
        for _ in range(50):
            if "waiting" not in await house.cases.outbox_counts():
                break
            await clock.advance(400)
        assert "waiting" not in await house.cases.outbox_counts()
        await house.take(cleared("nobody"))
        await check(house)


async def one_move(house: House, clock: StoryClock, phone: Phone, move: object) -> None:
    if isinstance(move, list):
        await house.take(*move)
    elif isinstance(move, tuple):
        verb, person, outcome = move
        for incident in await house.cases.incidents(False, 2):
            with contextlib.suppress(NotAllowed):
                await house.act(incident.key, verb, person, outcome, "备注", to="li")
    elif move == "retain":
        await house.cases.retain(house.now, texts_kept=1, kept=1)
    elif move == "li leaves":
        left = {name: one for name, one in house.site.people.items() if name != "li"}
        house.site = msgspec.structs.replace(house.site, people=left)
        house.desk.look()
        await clock.settle()
    elif isinstance(move, float):
        await clock.advance(move)
    else:
        phone.always = ANSWERS[str(move)]


@pytest.mark.long
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(moves, max_size=10))
def test_any_sequence_keeps_every_promise(story: list[object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder) / "c.db", story))
