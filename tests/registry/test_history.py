"""Every edition of the registry stays known: what it changed, and what was before."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model import SECOND, Device, Duty, Person, Place, Site
from gateway.store import registry
from gateway.store.cases import KEPT, Cases
from gateway.store.schema import files
from gateway.store.step import Step
from tests.registry.made import PEOPLE, site, sites
from tests.virtual import START, VirtualClock

HOUR = 3_600 * SECOND


def same(one: Site | None, other: Site) -> bool:
    """Whether both say the same; undone rows come back at the end of their table."""
    return one is not None and (one.tables(), one.zone) == (other.tables(), other.zone)


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(sites(), min_size=1, max_size=3))
async def test_whatever_was_imported_when_every_moment_has_its_registry(
    tmp_path_factory: pytest.TempPathFactory, editions: list[Site]
) -> None:
    folder = tmp_path_factory.mktemp("cases")
    clock = VirtualClock()
    async with Cases(folder / "cases.db", clock) as cases:
        for edition in editions:
            kept = await cases.replace_registry(edition, "", "admin")
            assert same(await cases.load_site(), edition)
            assert list((await cases.load_site()).people) == list(edition.people)
            assert kept.version == len(await cases.read(registry.editions))
            clock.jump(3600)
        assert await cases.read(registry.site_at, START - 1) is None
        for number, edition in enumerate(editions):
            found = await cases.read(registry.site_at, START + number * HOUR + 1)
            assert same(found, edition)
            assert found is not None
            assert found.version == number + 1


async def test_a_row_that_changed_twice_is_what_it_was_at_each_moment(tmp_path: Path) -> None:
    clock = VirtualClock()
    names = ["王芳", "钱新", "孙丽"]
    async with Cases(tmp_path / "cases.db", clock) as cases:
        for name in names:
            person = msgspec.structs.replace(PEOPLE["a"], name=name)
            await cases.replace_registry(site(people=PEOPLE | {"a": person}), "")
            clock.jump(60)
        found = [
            await cases.read(registry.site_at, START + 60 * number * SECOND) for number in range(3)
        ]
        assert [each.people["a"].name for each in found if each is not None] == names


async def test_an_edition_says_when_by_whom_and_what_changed(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with Cases(tmp_path / "cases.db", clock) as cases:
        await cases.replace_registry(site(), "")
        clock.jump(60)
        people = {id_: person for id_, person in PEOPLE.items() if id_ != "d"}
        people["a"] = msgspec.structs.replace(people["a"], name="钱新")
        people["new"] = Person("new", "新人", "130101", "assistant")
        later = site(Duty("130101", "officer", people=(("a",),)), people=people)
        await cases.replace_registry(later, "", "admin")
        first, second = await cases.read(registry.editions)
        assert (first.by, first.number, first.trusted) == ("files", 1, True)
        assert first.counts == {"places": (5, 0, 0), "people": (7, 0, 0)}
        assert (second.by, second.wall) == ("admin", START + 60 * SECOND)
        assert second.counts == {"people": (1, 1, 1), "rosters": (1, 0, 0)}


async def test_who_somebody_was_last_year_is_known_for_as_long_as_incidents_are_kept(
    tmp_path: Path,
) -> None:
    clock = VirtualClock()
    async with Cases(tmp_path / "cases.db", clock) as cases:
        await cases.replace_registry(site(), "")
        clock.jump(60)
        await cases.replace_registry(site(people={k: v for k, v in PEOPLE.items() if k != "a"}), "")
        clock.jump(60)
        gone = await cases.read(registry.site_at, START + SECOND)
        assert gone is not None
        assert gone.people["a"] == PEOPLE["a"]
        await cases.commit(Step(arrival=START))
        await cases.retain(START + int(KEPT - 1) * SECOND)
        assert same(await cases.read(registry.site_at, START + SECOND), site())
        await cases.retain(START + int(KEPT + 61) * SECOND)
        assert await cases.read(registry.site_at, START + SECOND) is None
        now = await cases.read(registry.site_at, clock.wall)
        assert now is not None
        assert "a" not in now.people
        assert len(await cases.read(registry.editions)) == 2


async def test_a_registry_of_the_schema_before_is_read_and_its_next_edition_kept(
    tmp_path: Path,
) -> None:
    path = tmp_path / "cases.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for number, text in files("cases")[:3]:
            connection.executescript(f"{text};PRAGMA user_version = {number};")
        connection.execute(
            "INSERT INTO place (code, parent, level, name, address)"
            " VALUES ('1', '', 'community', '甲', '')"
        )
        connection.execute(
            "INSERT INTO person (id, name, grid, role, phone, language, channels)"
            " VALUES ('p', '李', '1', 'officer', '', 'zh', '[\"log\"]')"
        )
        connection.execute(
            "INSERT INTO device (id, driver, address, kind, name, place, model, floor, flat,"
            " max_silence, ranges, contact, state)"
            " VALUES ('d', 'x', '1', 'smoke', 'n', '1', '', '', '', 0, '{}', '', 'accepted')"
        )
        connection.execute("INSERT INTO meta VALUES ('registry_version', '7')")
    clock = VirtualClock()
    async with Cases(path, clock) as cases:
        before = await cases.load_site()
        assert before == Site(
            7,
            {"1": Place("1", "", "community", "甲")},
            {"d": Device("d", "x", "1", "smoke", "n", "1")},
            {"p": Person("p", "李", "1", "officer", channels=("log",))},
        )
        assert (await cases.replace_registry(site(), "")).version == 8
        assert await cases.read(registry.site_at, START - 1) is None
        (edition,) = await cases.read(registry.editions)
        assert edition.counts["people"] == (7, 0, 1)
