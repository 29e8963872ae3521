"""A period in one file: the same points as from the stores, and nothing of a damaged one."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gateway.model import SECOND, Evidence, Quality, Reading, Record, TellingLimits
from gateway.model.series import Point
from gateway.ports import Refused
from gateway.series import extract
from gateway.series.backfill import Backfill
from gateway.series.export import Export
from gateway.series.period import FORMAT, LONGEST, Period, Writer
from gateway.sinks.influxdb.lines import Encoder, UnencodableError
from gateway.store import series
from gateway.store.cases import Cases
from gateway.store.databases import SqliteFile
from gateway.store.lanes import put_right
from tests.cases.build import alarmed, cleared, device, site
from tests.cases.house import StoryClock
from tests.cases.store import Store
from tests.series.house import Kept, Told, Watched, told, watched
from tests.virtual import START

DEVICES = [device(f"d{n}") for n in range(12)]


class Taken:
    """A sink in memory that makes lines of everything, as a real one does."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.records: list[Record] = []
        self.lines: list[str] = []
        self._encoder = Encoder()

    async def write_points(self, points: Sequence[Point]) -> None:
        self.points += points
        self._write([lambda p=p: self._encoder.point(p) for p in points])

    async def write(self, batch: Sequence[Record]) -> None:
        self.records += batch
        self._write([lambda r=r: self._encoder.line(r.item, r.trusted) for r in batch])

    def _write(self, made: Sequence[Any]) -> None:
        refused = {}
        for index, line in enumerate(made):
            try:
                self.lines.append(line())
            except UnencodableError as error:
                refused[index] = str(error)
        if refused:
            raise Refused("no line", refused)

    def follow(self, export: Export) -> None:
        self._encoder.follow(export.site)


async def a_life(house: Watched, clock: StoryClock) -> None:
    """Cases that overlap, a storm, a clock that nobody believes, one reopened, one left open."""
    house.site = site(*DEVICES)
    await house.take(alarmed("d0", same="long ago"))
    await clock.advance(5_000)
    await house.take(alarmed())
    key = (await house.one()).key
    await clock.advance(70)
    await house.act(key, "receive")
    await house.take(*(alarmed(d.id, same=f"device:{d.id}") for d in DEVICES))
    await clock.advance(500)
    clock.trusted = False
    clock.jump(-1_000_000)
    await house.take(alarmed("s2", same="device:s2"))
    await clock.advance(10)
    clock.jump(1_000_000)
    clock.trusted = True
    await house.act(key, "handle")
    await house.take(cleared())
    await house.act(key, "close", outcome="false_alarm", cause="cooking")
    await clock.advance(400)
    await house.act(key, "reopen", comment="again")
    await house.act(key, "transfer", comment="yours", to="li")
    await clock.advance(30)
    await house.act(key, "receive", "li")
    await house.act(key, "close", "li", outcome="real")
    await clock.advance(3)


async def exported(cases: Cases, since: int, until: int, records: Sequence[Record] = ()) -> bytes:
    """The file of a stretch."""
    file = io.BytesIO()
    writer = Writer(file)
    writer.begin(Period(FORMAT, "云河", since, until, until), site(*DEVICES))
    await extract.record(writer, cases.read, site, (since, until), lambda _: None)
    extract.journal(writer, [records], OFFSETS, lambda _: None)
    writer.end()
    return file.getvalue()


async def points(clock: StoryClock, since: int, until: int, of: Cases | Path) -> list[Told]:
    """What a backfill of a stretch writes."""
    taken = Taken()
    work = Backfill(taken, clock, since, until, 0.0)
    if isinstance(of, Path):
        with Export(of) as export:
            await work.export(export)
    else:
        await work.record(of.read, site)
    return told(taken.points)


async def test_a_file_gives_the_points_that_the_record_gives(store: Store, tmp_path: Path) -> None:
    clock, path = StoryClock(), tmp_path / "period.jsonl.gz"
    limits = TellingLimits(first=3)
    async with watched(store.where, clock, Kept(), limits=limits) as house:
        await a_life(house, clock)
        end, found = clock.wall, set()
        whole = tmp_path / "whole.jsonl.gz"
        whole.write_bytes(await exported(house.cases, START, end))
        everything = await points(clock, START, end, house.cases)
        moments = sorted({each[2] for each in everything if each[0] in ("message", "cases")})
        for since in (START, *moments[7::41], *(at - SECOND // 2 for at in moments[20::60])):
            for until in (end, since + 200 * SECOND):
                path.write_bytes(await exported(house.cases, since, until))
                of_record = await points(clock, since, until, house.cases)
                assert await points(clock, since, until, path) == of_record
                part = await points(clock, since, until, whole)
                assert sorted(part) == sorted(of_record)
                found |= {each[0] for each in of_record}
        assert found == {"incident", "stage", "closing", "cases", "message", "storm"}
        assert await house.cases.read(series.last) > 50


async def test_a_message_that_ended_after_the_last_event_before_is_looked_at(store: Store) -> None:
    clock = StoryClock()
    async with watched(store.where, clock, Kept()) as house:
        await house.take(alarmed())
        await clock.advance(10)
        later = clock.wall
        await clock.advance(10)
        await house.take(alarmed("s2", same="device:s2"))
        read = house.cases.read
        (first, *_), _ = await read(series.page, 0, 1)
        assert await read(series.before, later) == first.n == 1
        assert await read(series.before, START) == 0
        assert await read(series.before, clock.wall + 1) > 1


OFFSETS = {"c": START + 40}
"""Of a clock that was put right later."""
RECORDS = [
    Record(7, 1, "b", 5, START + 10, True, Reading(
        "s1", "smoke", {"alarm": True, "density": 0.1, "extra.a b": "x\"\\\n"}, START + 3, "k", True,
        Evidence("image/jpeg", "ab" * 32, 9), ("g1",), START + 10, START + 3, Quality.suspect, True,
    )),
    Record(9, 2, "b", 6, START + 20, False, Reading(
        "云", "", {"temperature": -0.0, "n": 1e300}, received_at=START + 20, at=START + 20,
        quality=Quality.clock_suspect,
    )),
    Record(11, 3, "c", 6, 30, False, Reading(
        "s2", "smoke", {"alarm": False}, received_at=30, at=30, quality=Quality.clock_suspect,
    )),
]  # fmt: skip


def lines_of(body: bytes) -> list[bytes]:
    """Without the last, which seals them."""
    return gzip.decompress(body).splitlines(keepends=True)[:-1]


def sealed(lines: Sequence[bytes], path: Path) -> Path:
    """A file whose checksum fits."""
    body = b"".join(lines)
    readings = sum(b'"what":"reading"' in line for line in lines)
    end = {"what": "end", "lines": len(lines), "readings": readings,
           "sha256": hashlib.sha256(body).hexdigest()}  # fmt: skip
    path.write_bytes(gzip.compress(body + json.dumps(end).encode() + b"\n", 1))
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Of half of a life, with readings."""
    clock, folder = StoryClock(), tmp_path_factory.mktemp("life")

    async def lived() -> bytes:
        async with watched(SqliteFile(folder / "cases.db"), clock, Kept()) as house:
            await a_life(house, clock)
            return await exported(house.cases, START + 5_200 * SECOND, clock.wall, RECORDS)

    with asyncio.Runner() as runner:
        return runner.run(lived())


async def taken_of(path: Path) -> Taken:
    taken = Taken()
    with Export(path) as export:
        taken.follow(export)
        until = export.period.until
        work = Backfill(taken, StoryClock(), export.period.since, until, 0.0)
        await work.export(export)
        await work.journal(export.journal(0, until), {}, lambda _: None)
        assert work.refused + len(taken.lines) == len(taken.points) + len(taken.records)
    return taken


async def test_readings_keep_their_marks(file: bytes, tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl.gz"
    path.write_bytes(file)
    with Export(path) as export:
        (page,) = export.journal(0, 2**62)
        assert next(export.journal(START + 15, START + 30))[0].n == 9
    encoder = Encoder()
    stored = [put_right(each, OFFSETS) for each in RECORDS]
    assert [encoder.line(each.item, each.trusted) for each in page] == [  # type: ignore[arg-type]
        encoder.line(each.item, each.trusted)  # type: ignore[arg-type]
        for each in stored
    ]
    assert page[2].wall == START + 46
    assert b"late=t" in encoder.line(page[0].item).encode()  # type: ignore[arg-type]
    assert (page[0].n, page[0].wall, page[1].trusted) == (7, START + 10, False)


def test_cases_from_before_are_known(file: bytes) -> None:
    whats = [json.loads(line)["what"] for line in lines_of(file)]
    begun = whats.index("begin")
    assert whats[begun - 1] == "known"
    assert "known" not in whats[begun:]


def test_the_checksum_can_be_had_without_this_program(file: bytes) -> None:
    *lines, last = gzip.decompress(file).splitlines(keepends=True)
    assert json.loads(last)["sha256"] == hashlib.sha256(b"".join(lines)).hexdigest()
    assert [json.loads(line)["what"] for line in lines[:2]] == ["period", "place"]
    people = [text for person in site().people.values() for text in (person.name, person.phone)]
    assert not [each for each in people if each and each.encode() in b"".join(lines)]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no export of a period"),
        (b"PK\x03\x04 a case file", "no export of a period"),
        (gzip.compress(b""), "no export of a period"),
        (gzip.compress(b"\x00" * 9_000_000), "no export of a period"),
        (gzip.compress(b'{"what":"reading"}\n'), "no export of a period"),
        (gzip.compress(b'{"what":"end","lines":0,"readings":0,"sha256":""}\n'), "no export of"),
        (gzip.compress(b"[" * 3_000_000 + b"\n"), "no export of a period"),
        (gzip.compress(b'{"what":"period","format":2,"site":"","since":1,"until":2,"made":3}\n'),
         "written by a newer gridwarden"),
        (gzip.compress(b'{"what":"period","format":1,"site":"","since":2,"until":2,"made":3}\n'),
         "line 1: there is no such period"),
    ],
    ids=range(9),
)  # fmt: skip
def test_what_is_no_export_is_refused_in_one_line(body: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl.gz"
    path.write_bytes(body)
    with pytest.raises(Refused, match=said) as refused, Export(path):
        pass
    assert "\n" not in refused.value.reason


def test_damage_is_found_before_anything_is_taken(file: bytes, tmp_path: Path) -> None:
    path, lines = tmp_path / "f.jsonl.gz", lines_of(file)
    whole = gzip.decompress(file)
    for damaged, said in (
        (file[: len(file) // 2], "it is cut off"),
        (gzip.compress(b"".join(lines)), "it is cut off"),
        (gzip.compress(b"".join(lines)[:-1]), "it is cut off"),
        (gzip.compress(whole.replace(b'"d3"', b'"d4"', 1)), "the checksum does not fit"),
        (gzip.compress(whole.replace(b'"readings":3', b'"readings":2')), "the checksum"),
        (file + file, "this line does not belong here"),
        (file + b"more", "it can not be unpacked"),
        (
            gzip.compress(whole.replace(b'"alarm":true', b'"alarm":null')),
            "it can not be understood: Expected",
        ),
        (gzip.compress(lines[0] + b'{"what":"place","code":"' + b"9" * LONGEST), "longer than"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(Refused, match=f"damaged in line [0-9]+: {said}"), Export(path):
            pass


_FUZZED = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_FUZZED
@given(at=st.floats(0, 1, exclude_max=True), by=st.binary(min_size=1, max_size=8))
async def test_a_file_with_other_bytes_is_refused_or_the_same(
    at: float, by: bytes, file: bytes, tmp_path: Path
) -> None:
    start = int(at * len(file))
    path = tmp_path / "f.jsonl.gz"
    path.write_bytes(file[:start] + by + file[start + len(by) :])
    try:
        with Export(path) as export:
            lines = list(export._lines())
    except Refused:
        return
    path.write_bytes(file)
    with Export(path) as export:
        assert list(export._lines()) == lines


NASTY: Sequence[Any] = (
    None, True, -1, 2**62, 2**63, 10**400, -(2**62), 1e308, 0.5, "", "9" * 5_000, "a\nb c,=\"\\",
    "x" * 70_000, "\x00", "-", [], {}, {"": ""}, {"deadline": "9" * 400, "limit": "9" * 400}, [[1]],
    {"rule": "r"}, "critical", "closed", "reopened", "opened",
)  # fmt: skip


async def test_a_number_beyond_all_measure_is_refused_with_its_line(
    file: bytes, tmp_path: Path
) -> None:
    lines = lines_of(file)
    at = next(n for n, line in enumerate(lines) if b'"event"' in line and b'"opened"' in line)
    event = json.loads(lines[at])
    event["data"]["limit"] = "9" * 400
    lines[at] = json.dumps(event).encode() + b"\n"
    with pytest.raises(Refused, match=r"damaged in line \d+: it makes no sense"):
        await taken_of(sealed(lines, tmp_path / "f.jsonl.gz"))


@_FUZZED
@given(data=st.data())
async def test_a_hostile_file_is_refused_or_taken(
    data: st.DataObject, file: bytes, tmp_path: Path
) -> None:
    """Every checksum fits, and what is in it is what somebody with bad intentions likes."""
    lines = lines_of(file)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["field", "deep", "drop", "twice", "move", "cut"])):
            case "drop":
                del lines[at]
                assume(lines)
            case "twice":
                lines.insert(data.draw(st.integers(0, len(lines))), lines[at])
            case "move":
                lines.insert(data.draw(st.integers(0, len(lines) - 1)), lines.pop(at))
            case "cut":
                lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at]) - 1))] + b"\n"
            case how:
                lines[at] = _spoilt(lines[at], how, data)
    said = ""
    try:
        await taken_of(sealed(lines, tmp_path / "f.jsonl.gz"))
    except Refused as refused:
        said = refused.reason
    assert len(said.splitlines()) <= 1
    assert len(said) < 600


def _spoilt(line: bytes, how: str, data: st.DataObject) -> bytes:
    try:
        fields = json.loads(line)
    except ValueError:
        return line
    inner = [key for key, value in fields.items() if isinstance(value, dict) and value]
    if how == "deep" and inner:
        inside = fields[inner[0]]
        inside[data.draw(st.sampled_from(sorted(inside)))] = data.draw(st.sampled_from(NASTY))
    elif fields:
        name = data.draw(st.sampled_from(sorted(fields)))
        fields[name] = data.draw(st.sampled_from(NASTY))
    return json.dumps(fields).encode() + b"\n"
