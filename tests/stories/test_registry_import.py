"""The registry of a running gateway: brought by command, followed at once, remembered as it was."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from gateway.cli import group, lines
from gateway.cli._say import choose
from gateway.model import SECOND, Edition, Lane
from gateway.store.journal_file import JournalFile
from tests.stories.house import DEVICES, PEOPLE, PLACES, House
from tests.virtual import VirtualClock

_ZONE = ZoneInfo("Asia/Shanghai")
LOOK = 3.0
Line = tuple[float, str, dict[str, Any]]


class Said(NamedTuple):
    code: int
    out: str
    err: str


def _invoked(arguments: Sequence[str], language: str) -> Said:
    try:
        done = CliRunner().invoke(group, ["--lang", language, *arguments], standalone_mode=False)
    finally:
        choose("")
    if done.exception is None:
        return Said(int(done.return_value or 0), done.stdout, done.stderr)
    return Said(1, done.stdout, "\n".join(lines(done.exception)))


async def gridwarden(*arguments: str, language: str = "en") -> Said:
    """The command in a thread, for the gateway that it talks to runs in this one."""
    return await asyncio.to_thread(_invoked, arguments, language)


class Story:
    """A house whose registry comes by command, or from its files; ``at`` goes to a moment."""

    def __init__(self, house: House) -> None:
        self.house = house
        assert isinstance(house.clock, VirtualClock)
        self.clock = house.clock
        self._began = house.clock.mono
        rows = [row for row in DEVICES.splitlines() if ",site," in row]
        self.devices = "\n".join([DEVICES.splitlines()[0], *rows, ""])

    def write(self, *lines: Line, files: bool = False) -> None:
        self.house.write(
            replay="".join(
                json.dumps({"t": at, "device": device, "values": values, "key": f"{device}@{at}"})
                + "\n"
                for at, device, values in ((0.0, "climate1", {"temperature": 20}), *lines)
            )
        )
        text = self.house.file.read_text("utf-8")
        if not files:
            text = "\n".join(row for row in text.splitlines() if not row.startswith("registry:"))
        self.house.file.write_text(f"{text}\nrules: {{packs: [fire]}}\n", "utf-8")
        self.say("places", PLACES)
        self.say("people", PEOPLE)
        self.say("devices", self.devices)

    def say(self, table: str, text: str) -> str:
        file = self.house.folder / f"{table}.csv"
        file.write_text(text, encoding="utf-8")
        return str(file)

    async def at(self, seconds: float) -> None:
        left = seconds - (self.clock.mono - self._began) / SECOND
        assert left > 0
        await self.clock.advance(left)

    async def bring(
        self, *tables: str, files: Sequence[str] = (), more: Sequence[str] = ()
    ) -> Said:
        """``gridwarden import`` of these tables, at the gateway if it runs."""
        paths = [str(self.house.folder / f"{table}.csv") for table in tables]
        where = ["--config", str(self.house.file), "--by", "admin", *more]
        if self.house.is_running:
            where += ["--url", self.house.running.console_url]
        return await gridwarden("import", *paths, *files, *where)

    async def export(self, target: str, *more: str) -> Said:
        path = str(self.house.folder / target)
        return await gridwarden("export", "registry", path, "--config", str(self.house.file), *more)

    def told(self) -> list[str]:
        return [each["person"] for each in self.house.phone.told("opened")]


@pytest.fixture
def story(virtual: House) -> Story:
    return Story(virtual)


def editions(folder: Path) -> list[str]:
    """What came into force, in order."""
    file = JournalFile(folder / "data" / "journal.db")
    file.look()
    try:
        chunks = file.chunks(0, Lane.everything, 10**9)
    finally:
        file.reader.close()
    items = [record.item for chunk in chunks for record in chunk.records]
    return [item.what for item in items if isinstance(item, Edition)]


async def test_import_into_a_running_gateway_moves_alarms_to_the_new_officer(story: Story) -> None:
    story.write((10, "s301", {"alarm": True}), (100, "s501", {"alarm": True}))
    said = await story.bring("places", "devices", "people")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[-1] == "imported: edition 1"
    await story.house.start()
    await story.at(11)
    assert story.told() == ["chen"]
    story.say("people", PEOPLE.replace("chen,陈静", "qian,钱新"))
    dry = await story.bring("people", more=["--dry-run"])
    assert dry.out.splitlines() == [
        "people: added 1, retired 1", "  added: qian", "  retired: chen",
        "checked only; nothing is imported",
    ]  # fmt: skip
    assert "chen" in story.house.running.view.site().people
    assert (await story.bring("people")).out.endswith("imported: edition 2\n")
    await story.at(101)
    assert story.told() == ["chen", "qian"]
    assert editions(story.house.folder) == ["registry", "rules", "registry"]
    assert (await story.bring("people")).out == "nothing changes\n"
    await story.house.stop()
    await story.house.start()
    assert "qian" in story.house.running.view.site().people
    assert editions(story.house.folder) == ["registry", "rules", "registry"]


async def test_wrong_rows_are_all_named_and_nothing_is_taken(story: Story) -> None:
    story.write()
    await story.bring("places", "devices", "people")
    await story.house.start()
    story.say("people", PEOPLE.replace("lin,林涛,9901010101", "lin,林涛,9901010109"))
    rosters = "place,role,people,hours\n9901010101,officer,lin;ghost,8-20\n"
    story.say("rosters", rosters)
    said = await story.bring("people", "rosters")
    assert said.code == 1
    found = [line.rpartition("/")[2] for line in said.err.splitlines()]
    assert found == [
        "people.csv:3:3: there is no place '9901010109'; did you mean '9901010102'?",
        "rosters.csv:2:4: '8-20' is no span of hours; write it like 08:00-20:00 or 20:00-08:00",
        "2 errors; nothing is imported",
    ]
    assert story.house.running.view.site().version == 1
    zh = await gridwarden(
        "import", str(story.house.folder / "rosters.csv"), "--config", str(story.house.file),
        "--url", story.house.running.console_url, language="zh",
    )  # fmt: skip
    assert "没有编号为 ghost 的人" in zh.err


async def test_roster_of_a_running_gateway_decides_who_has_duty(story: Story) -> None:
    story.write((10, "s301", {"alarm": True}))
    await story.bring("places", "devices", "people")
    await story.house.start()
    zhou = "9901010101,supervisor,zhou,weekly,08:00-20:00\n"
    story.say("rosters", f"place,role,people,kind,hours\n{zhou}")
    assert (await story.bring("rosters")).code == 0
    site = story.house.running.view.site()
    assert [line.people for line in site.rosters] == [(("zhou",),)]
    shifts = await story.export("duty.ics", "--days", "3", "--from", "2026-01-05")
    assert (shifts.code, shifts.err) == (0, "")
    text = (story.house.folder / "duty.ics").read_text("utf-8")
    assert text.count("BEGIN:VEVENT") >= 3
    assert "urn:gridwarden:person:zhou" in text.replace("\r\n ", "")


async def test_bypass_ends_by_itself_when_its_time_is_over(story: Story) -> None:
    end = datetime.fromtimestamp(story.clock.wall / SECOND, _ZONE) + timedelta(minutes=1)
    story.devices = _with(story.devices, "s301", state="bypassed", until=f"{end:%Y-%m-%d %H:%M}")
    story.write((10, "s301", {"alarm": True}), (70, "s301", {"alarm": False}),
                (150, "s301", {"alarm": True}), files=True)  # fmt: skip
    await story.house.start()
    await story.at(11)
    assert story.told() == []
    (incident,) = await story.house.incidents("smoke_alarm")
    assert {end for _, _, end in await story.house.ends(incident["key"])} == {"silenced"}
    await story.at(60 + LOOK)
    device = story.house.running.view.site().devices["s301"]
    assert (device.state, device.until, device.because) == ("accepted", 0, "")
    await story.at(71)
    for verb, more in (("receive", {}), ("handle", {}), ("close", {"outcome": "test"})):
        await story.house.act(incident["key"], verb, "chen", **more)
    await story.at(151)
    assert story.told() == ["chen"]
    assert editions(story.house.folder).count("registry") == 2
    await story.house.stop()
    await story.house.start()
    assert story.house.running.view.site().devices["s301"].state == "accepted"
    assert editions(story.house.folder).count("registry") == 2


async def test_bypass_waits_for_a_clock_that_can_be_trusted(story: Story) -> None:
    story.clock.trusted = False
    story.devices = _with(story.devices, "s301", state="bypassed", until="2026-01-01")
    story.write(files=True)
    await story.house.start()
    await story.at(5 * LOOK)
    assert story.house.running.view.site().devices["s301"].state == "bypassed"
    story.clock.trusted = True
    await story.at(7 * LOOK)
    assert story.house.running.view.site().devices["s301"].state == "accepted"


async def test_replaced_sensor_keeps_its_id_and_its_past_is_known(story: Story) -> None:
    story.write((10, "s301", {"alarm": False}), (60, "new-one", {"alarm": True}))
    story.devices = _with(story.devices, "s301", serial="SN-1")
    story.say("devices", story.devices)
    await story.bring("places", "devices", "people")
    await story.house.start()
    await story.at(11)
    await story.clock.advance(1)
    broken = story.devices
    story.say("devices", _with(broken, "s301", serial="SN-2", address="new-one"))
    said = await story.bring("devices")
    assert said.out.splitlines()[-2:] == ["sensor replaced, same id: s301", "imported: edition 2"]
    await story.at(61)
    (incident,) = await story.house.incidents("smoke_alarm")
    assert incident["device"] == "s301"
    assert [each["values"] for each in await story.house.readings("s301")] == [
        {"alarm": False}, {"alarm": True},
    ]  # fmt: skip
    then = "2026-01-05T16:00:05+08:00"
    assert (await story.export("then", "--at", then)).code == 1, "imported later than that"


def _border(code: str) -> str:
    ring = [[116.8, 38.3], [116.9, 38.3], [116.9, 38.4], [116.8, 38.4], [116.8, 38.3]]
    feature = {
        "type": "Feature",
        "properties": {"code": code},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    return json.dumps({"type": "FeatureCollection", "features": [feature]})


async def test_device_follows_its_border_and_the_incident_stays_where_it_happened(
    story: Story,
) -> None:
    story.write((10, "s301", {"alarm": True}), (100, "s302", {"alarm": True}))
    for id_ in ("s301", "s302"):
        story.devices = _with(story.devices, id_, place="", latitude="38.35", longitude="116.85")
    story.say("devices", story.devices)
    borders = story.house.folder / "borders.geojson"
    borders.write_text(_border("9901010101"), encoding="utf-8")
    assert (await story.bring("places", "devices", "people", files=[str(borders)])).code == 0
    await story.house.start()
    await story.at(11)
    borders.write_text(_border("9901010102"), encoding="utf-8")
    moved = await story.bring(files=[str(borders)])
    assert moved.out.splitlines()[:2] == ["devices: changed 2", "  changed: s301, s302"]
    await story.at(101)
    found = {each["device"]: each["place_codes"][0] for each in await story.house.incidents()}
    assert found == {"s301": "9901010101", "s302": "9901010102"}


async def test_registry_of_a_day_past_can_be_exported(story: Story) -> None:
    """Real time: each import is now, and what was before is asked for by its moment."""
    story.write()
    await story.bring("places", "devices", "people")
    between = f"{datetime.now(_ZONE):%Y-%m-%dT%H:%M:%S.%f%z}"
    story.say("people", PEOPLE.replace("chen,陈静", "qian,钱新"))
    assert (await story.bring("people")).out.endswith("imported: edition 2\n")
    assert (await story.export("then", "--at", between)).code == 0
    assert (await story.export("now")).code == 0
    found = {
        name: (story.house.folder / name / "people.csv").read_text("utf-8-sig")
        for name in ("then", "now")
    }
    assert ("chen," in found["then"], "qian," in found["then"]) == (True, False)
    assert ("chen," in found["now"], "qian," in found["now"]) == (False, True)
    listed = await gridwarden("export", "editions", "--config", str(story.house.file))
    assert [line.partition("  admin  ")[2] for line in listed.out.splitlines()] == [
        "places: added 7; devices: added 7; people: added 6", "people: added 1, retired 1",
    ]  # fmt: skip
    early = await story.export("early", "--at", "2020-01-01")
    assert early.code == 1
    assert "there was no registry then" in early.err
    again = await story.bring(files=[str(story.house.folder / "now" / "people.csv")])
    assert again.out == "nothing changes\n"


async def test_step_that_a_device_can_not_take_is_refused_with_its_row(story: Story) -> None:
    story.devices = _with(story.devices, "s301", state="planned")
    story.write(files=True)
    await story.house.start()
    story.say("devices", _with(story.devices, "s301", state="bypassed"))
    await story.at(3 * LOOK)
    (problem,) = story.house.running.view.rules_edition().problems
    assert problem.endswith(
        "devices.csv:2:1: device 's301' is planned and can not become bypassed; from there it goes"
        " to installed, retired"
    )
    await story.house.stop()
    await story.house.start()  # at a start the old registry goes on, too
    assert story.house.running.view.site().devices["s301"].state == "planned"
    story.say("devices", _with(story.devices, "s301", state="installed"))
    await story.at(3 * LOOK + 3 * LOOK)
    assert story.house.running.view.site().devices["s301"].state == "installed"


async def test_site_with_its_registry_in_files_takes_no_import(story: Story) -> None:
    story.write(files=True)
    said = await story.bring("people")
    assert said.code == 1
    assert "has a section registry" in said.err
    await story.house.start()
    view = story.house.running.view
    outcome = await view.import_registry([("people.csv", PEOPLE.encode())], "x", dry=False)
    assert list(outcome.problems) == [
        "the registry is in the files of the section registry; change those"
    ]


def _with(table: str, id_: str, **cells: str) -> str:
    """``table`` with these cells of one row changed; columns are added as they are needed."""
    rows = list(csv.DictReader(io.StringIO(table)))
    names = [*rows[0], *(name for name in cells if name not in rows[0])]
    target = io.StringIO()
    writer = csv.DictWriter(target, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(row | cells if row["id"] == id_ else row for row in rows)
    return target.getvalue()
