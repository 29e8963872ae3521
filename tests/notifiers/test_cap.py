"""CAP documents: valid whatever they are about, referenced rightly, on disk, and posted."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model import KINDS, Category, Notification, Place, Ring, Severity, Site
from gateway.notifiers.cap.document import MOST_REFERENCES, Sent, document, identifier
from gateway.notifiers.cap.notifier import Notifier
from gateway.notifiers.cap.options import Options
from gateway.notifiers.cap.outline import MOST_POINTS, MOST_POLYGONS, polygons, simplified
from gateway.notifiers.cap.shelf import Shelf
from gateway.ports import Refused, Unavailable
from tests.notifiers.cap_rules import NAMESPACE, infos, text, texts, violations
from tests.notifiers.test_webhook import NOTIFICATION, Receiver, receiver
from tests.servers import free_port
from tests.virtual import START, VirtualClock

ANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""On a machine that is busy with other tests an example may take its time."""

__all__ = ["receiver"]
SENDER = "gateway@s1.example.org"
OPTIONS = Options.model_validate({"folder": "cap", "sender": SENDER})
FIRE = msgspec.structs.replace(
    NOTIFICATION,
    incident="F20260105-0007",
    key="F20260105-0007/1/notifier:cap/cap",
    since=START - 7_000_000_000,
    text="地点:云河社区 3号楼\n情况:烟雾 0.31 %/m\n联系:王五 138-0013-8000",
    address="云河社区,3号楼,2层 201室",
    latitude=26.5809,
    longitude=106.7135,
    link="https://s1.example.org/c/F20260105-0007?t=1",
)


def told(seq: int, purpose: str, **more: Any) -> Notification:
    given = {"key": f"F20260105-0007/{seq}/notifier:cap/cap", "purpose": purpose} | more
    return msgspec.structs.replace(FIRE, **given)


def given_options(folder: Path, **more: Any) -> Options:
    return Options.model_validate({"folder": str(folder), "sender": SENDER} | more)


def cap(folder: Path, clock: VirtualClock | None = None, **more: Any) -> Notifier:
    return Notifier("cap", given_options(folder, **more), clock or VirtualClock())


def files(folder: Path, pattern: str = "*") -> list[Path]:
    return sorted(folder.glob(pattern))


def shelf(folder: Path) -> dict[str, ElementTree.Element]:
    """Every document in the folder, each valid, by the number at its end."""
    found = {}
    for path in files(folder, "*.cap.xml"):
        content = path.read_bytes()
        assert violations(content) == []
        found[path.name.removesuffix(".cap.xml").rpartition("-")[2]] = ElementTree.fromstring(
            content
        )
    return found


# --- one incident from its beginning to its end -------------------------------------------


async def test_an_incident_is_an_alert_its_updates_and_a_cancel(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with cap(tmp_path, clock) as notifier:
        for seq, purpose in ((1, "opened"), (3, "again"), (10, "cleared"), (11, "closed")):
            await notifier.tell(told(seq, purpose))
            await clock.advance(60)
    made = shelf(tmp_path)
    assert {n: text(each, "msgType") for n, each in made.items()} == {
        "1": "Alert", "3": "Update", "10": "Update", "11": "Cancel",
    }  # fmt: skip
    assert {text(each, "incidents") for each in made.values()} == {"F20260105-0007"}
    ids = {n: text(each, "identifier") for n, each in made.items()}
    sent = {n: text(each, "sent") for n, each in made.items()}
    assert sent["1"] == "2026-01-05T16:00:00+08:00"
    assert text(made["11"], "references") == " ".join(
        f"{SENDER},{ids[n]},{sent[n]}" for n in ("1", "3", "10")
    )
    over = infos(made["10"])[0]
    assert (text(over, "urgency"), texts(over, "responseType")) == ("Past", ["AllClear"])


async def test_both_languages_stand_in_a_document(tmp_path: Path) -> None:
    async with cap(tmp_path, sender_name="云河社区", contact="0855-1234567") as notifier:
        receipt = await notifier.tell(FIRE)
    [root] = shelf(tmp_path).values()
    chinese, english = infos(root)
    assert text(chinese, "language") == "zh-CN"
    assert text(chinese, "event") == "烟雾报警"
    assert text(chinese, "headline") == FIRE.title
    assert text(chinese, "description").startswith(
        "地点:云河社区 3号楼\n情况:烟雾 0.31 %/m\n联系:王五"
    )
    assert text(english, "event") == "Smoke alarm"
    assert text(english, "headline") == "Smoke alarm: 云河社区,3号楼,2层 201室"
    assert "State: open" in text(english, "description")
    for block in (chinese, english):
        assert text(block, "onset") == "2026-01-05T15:59:53+08:00"
        assert text(block, "expires") == "2026-01-05T17:00:00+08:00"
        assert text(block, "senderName") == "云河社区"
        assert text(block, "web") == FIRE.link
        area = block.find(NAMESPACE + "area")
        assert area is not None
        assert text(area, "circle") == "26.580900,106.713500 0.050"
        assert text(area, "areaDesc") == FIRE.address
    assert receipt.detail == f"{identifier(FIRE)}.cap.xml is in {tmp_path}"


async def test_phone_numbers_stay_at_home_unless_they_are_wanted(tmp_path: Path) -> None:
    for folder, phones in (("without", False), ("with", True)):
        async with cap(tmp_path / folder, phones=phones) as notifier:
            await notifier.tell(FIRE)
        [root] = shelf(tmp_path / folder).values()
        description = text(infos(root)[0], "description")
        assert ("138-0013-8000" in description) is phones
        assert "0.31 %/m" in description


@pytest.mark.parametrize(
    ("kind", "severity", "words"),
    [
        ("smoke", "alarm", ("Fire", "Immediate", "Moderate", "Possible")),
        ("smoke", "critical", ("Fire", "Immediate", "Severe", "Likely")),
        ("gas", "alarm", ("Safety CBRNE", "Immediate", "Severe", "Likely")),
        ("infrared", "alarm", ("Security", "Immediate", "Minor", "Possible")),
        ("infrared", "critical", ("Security", "Immediate", "Moderate", "Likely")),
        ("manhole", "alarm", ("Safety Infra", "Expected", "Moderate", "Likely")),
        ("water", "warning", ("Infra", "Expected", "Minor", "Observed")),
        ("nosuch", "alarm", ("Safety", "Expected", "Moderate", "Possible")),
    ],
)
def test_kind_and_severity_decide_the_words(
    tmp_path: Path, kind: str, severity: str, words: tuple[str, ...]
) -> None:
    made = document(
        told(1, "opened", kind=kind, severity=severity), given_options(tmp_path), START, []
    )
    block = infos(ElementTree.fromstring(made))[0]
    found = [text(block, name) for name in ("urgency", "severity", "certainty")]
    assert (" ".join(texts(block, "category")), *found) == words


async def test_trouble_is_no_fire_though_a_smoke_detector_has_it(tmp_path: Path) -> None:
    async with cap(tmp_path, categories=["trouble"]) as notifier:
        await notifier.tell(told(1, "opened", category="trouble"))
        with pytest.raises(Refused, match="cap cap is not for category life"):
            await notifier.tell(FIRE)
    [root] = shelf(tmp_path).values()
    assert texts(infos(root)[0], "category") == ["Infra"]


@pytest.mark.parametrize(
    ("more", "found"),
    [
        (
            {"status": "Exercise", "note": "消防演练 7"},
            {"status": "Exercise", "note": "消防演练 7"},
        ),
        ({"status": "Test"}, {"status": "Test", "scope": "Restricted"}),
        (
            {"scope": "Private", "addresses": ["a@x.org", "fire station"]},
            {"scope": "Private", "addresses": 'a@x.org "fire station"', "restriction": ""},
        ),
        ({"zone": "-00:30"}, {"sent": "2026-01-05T07:30:00-00:30"}),
        ({"zone": "+00:00"}, {"sent": "2026-01-05T08:00:00+00:00"}),
    ],
)
def test_options_stand_in_the_document(
    tmp_path: Path, more: dict[str, Any], found: dict[str, str]
) -> None:
    made = document(FIRE, given_options(tmp_path, **more), START, [])
    assert violations(made) == []
    root = ElementTree.fromstring(made)
    assert {name: text(root, name) for name in found} == found


# --- any text at all ----------------------------------------------------------------------

ODD = st.text(max_size=200) | st.sampled_from(
    ["", "]]>", "<info/>", "&amp;", "\x00\x1b", "\udcff", "\ufffe", "\r\n ", "火" * 400, " , < & "]
)


@ANY
@given(
    st.builds(
        msgspec.structs.replace,
        st.just(FIRE),
        incident=ODD, key=ODD, title=ODD, text=ODD, device=ODD, place=ODD,
        address=ODD, head=ODD, link=ODD, state=ODD,
        language=st.sampled_from(["zh", "en", ""]),
        kind=st.sampled_from([*KINDS, "x"]),
        category=st.sampled_from([each.value for each in Category]),
        severity=st.sampled_from([each.value for each in Severity]),
        purpose=st.sampled_from(["opened", "again", "overdue", "cleared", "closed", "escalated"]),
        latitude=st.none() | st.floats(-90, 90), longitude=st.none() | st.floats(-180, 180),
        since=st.integers(0, 2**63), opened_at=st.integers(0, 2**63), count=st.integers(1, 999),
    ),
    st.integers(0, 2),
)  # fmt: skip
def test_every_document_keeps_the_rules(notification: Notification, before: int) -> None:
    earlier = [Sent(f"i-{n}", "2026-01-05T15:00:00+08:00") for n in range(before)]
    assert violations(document(notification, OPTIONS, START, earlier)) == []
    word = identifier(notification)
    assert word == identifier(notification)
    assert Path(word).name == word
    assert not word.startswith(".")


def test_the_rules_find_what_is_wrong() -> None:
    made = document(FIRE, OPTIONS, START, [])
    assert violations(made) == []
    for find, put, words in (
        (b"+08:00</sent>", b"Z</sent>", "form of sent"),
        (b"<status>Actual", b"<status>Real", "is no status"),
        (b"<msgType>Alert", b"<msgType>Update", "references do not go together"),
        (b"<severity>Moderate</severity>", b"", "has 0 severity"),
        (b"<event>", b"<expires>x</expires><event>", "order within info"),
        (b"26.580900", b"126.580900", "not on earth"),
    ):
        assert any(words in each for each in violations(made.replace(find, put))), words


def test_references_are_bounded() -> None:
    earlier = [Sent(f"i-{n}", "2026-01-05T15:00:00+08:00") for n in range(50)]
    root = ElementTree.fromstring(document(told(99, "again"), OPTIONS, START, earlier))
    named = text(root, "references").split(" ")
    assert len(named) == MOST_REFERENCES
    assert named[-1] == f"{SENDER},i-49,2026-01-05T15:00:00+08:00"


# --- the border -------------------------------------------------------------------------------

SQUARE = ((106.71, 26.57), (106.72, 26.57), (106.72, 26.59), (106.71, 26.59), (106.71, 26.57))


def with_border(*rings: Ring, place: str = "9901010101") -> Site:
    places = [Place("9901010101", "", "grid", "一网格"), Place(FIRE.place, "9901010101", "", "楼")]
    return Site(
        places={each.code: each for each in places},
        borders={place: tuple((ring,) for ring in rings)},
    )


async def test_the_border_of_the_grid_stands_in_the_area_latitude_first(tmp_path: Path) -> None:
    async with cap(tmp_path) as notifier:
        notifier.follow(lambda: with_border(SQUARE))
        await notifier.tell(FIRE)
    [root] = shelf(tmp_path).values()
    for block in infos(root):
        area = block.find(NAMESPACE + "area")
        assert area is not None
        assert texts(area, "polygon") == [
            "26.570000,106.710000 26.570000,106.720000 26.590000,106.720000 "
            "26.590000,106.710000 26.570000,106.710000"
        ]
        assert text(area, "circle") == "26.580900,106.713500 0.050"


def around(count: int, rough: float = 0.0) -> Ring:
    """A ring of ``count`` points on a circle, every second one nearer by ``rough``."""
    turns = [2 * math.pi * n / count for n in range(count)]
    radii = [0.01 * (1 - rough * (n % 2)) for n in range(count)]
    ring = [
        (106.7 + r * math.cos(t), 26.5 + r * math.sin(t)) for r, t in zip(radii, turns, strict=True)
    ]
    return (*ring, ring[0])


def size(points: Sequence[tuple[float, float]]) -> float:
    pairs = itertools.pairwise(points)
    return abs(sum(x * b - a * y for (x, y), (a, b) in pairs)) / 2


def test_fine_border_is_simplified_and_keeps_its_size() -> None:
    for ring in (around(3_000), around(12_000), around(2_000, rough=0.01)):
        points = simplified(ring, MOST_POINTS)
        assert len(points) == MOST_POINTS
        assert points[0] == points[-1]
        assert size(points) == pytest.approx(size(ring), rel=0.02)


def test_only_the_largest_parts_of_a_border_are_named() -> None:
    islands = [tuple((x + n, y) for x, y in SQUARE) for n in range(MOST_POLYGONS + 5)]
    land = tuple((50 + 10 * (x - 106), 10 * (y - 26)) for x, y in SQUARE)
    found = polygons(with_border(*islands, land), FIRE.place)
    assert len(found) == MOST_POLYGONS
    assert found[0].startswith("5.700000,57.1")
    assert polygons(with_border(SQUARE, place="elsewhere"), FIRE.place) == []
    line = ((106.71, 26.57), (106.72, 26.57), (106.71, 26.57), (106.71, 26.57))
    assert polygons(with_border(line), FIRE.place) == []


def test_border_that_crosses_itself_becomes_the_rectangle_around_it() -> None:
    turns = [2 * math.pi * n / 400 for n in range(400)]
    eight = [(round(106 + math.cos(t), 6), round(26 + math.sin(2 * t), 6)) for t in turns]
    points = simplified((*eight, eight[0]), MOST_POINTS)
    assert points[:4] == [(105, 25), (107, 25), (107, 27), (105, 27)]


@ANY
@given(
    st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), min_size=3, max_size=300).map(
        lambda points: (*points, points[0])
    )
)
def test_any_border_gives_polygons_that_keep_the_rules(ring: Ring) -> None:
    found = polygons(with_border(ring), FIRE.place)
    assert violations(document(FIRE, OPTIONS, START, [], found)) == []
    assert all(len(each.split(" ")) <= MOST_POINTS for each in found)


# --- the folder ---------------------------------------------------------------------------


async def test_a_repeat_sends_the_same_bytes_after_a_restart_too(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with cap(tmp_path, clock) as notifier:
        await notifier.tell(FIRE)
        [path] = files(tmp_path)
        before = path.read_bytes()
    await clock.advance(3_600)
    async with cap(tmp_path, clock) as notifier:
        await notifier.tell(msgspec.structs.replace(FIRE, state="received"))
        assert path.read_bytes() == before
        await notifier.tell(told(2, "again"))
    made = shelf(tmp_path)
    assert text(made["2"], "references").endswith(text(made["1"], "sent"))


async def test_a_store_that_counts_anew_is_another_incident(tmp_path: Path) -> None:
    async with cap(tmp_path) as notifier:
        await notifier.tell(FIRE)
        await notifier.tell(told(2, "again", opened_at=FIRE.opened_at + 1))
    assert text(shelf(tmp_path)["2"], "msgType") == "Alert"


@pytest.mark.parametrize("purpose", ["cleared", "closed"])
async def test_the_end_of_what_was_never_sent_is_not_sent(tmp_path: Path, purpose: str) -> None:
    async with cap(tmp_path) as notifier:
        receipt = await notifier.tell(told(2, purpose))
    assert receipt.detail == "nothing was sent of this incident, so there is nothing to end"
    assert files(tmp_path) == []


async def test_the_folder_holds_so_many_documents_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / ".F1-1.cap.tmp").write_text("half")
    async with cap(tmp_path, files=10) as notifier:
        for number in range(15):
            message = told(1, "opened", incident=f"F20260105-{number:04}")
            await notifier.tell(message)
            os.utime(tmp_path / f"{identifier(message)}.cap.xml", ns=(START + number,) * 2)
    left = [path.name[:14] for path in files(tmp_path, "*.cap.xml")]
    assert left == [f"F20260105-{number:04}" for number in range(5, 15)]
    assert (tmp_path / "notes.txt").exists()
    assert not (tmp_path / ".F1-1.cap.tmp").exists()


async def test_what_is_too_old_goes(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with cap(tmp_path, clock, keep="1d") as notifier:
        await notifier.tell(told(1, "opened", incident="F20260105-0001"))
        [old] = files(tmp_path)
        os.utime(old, ns=(START, START))
        await clock.advance(86_401)
        await notifier.tell(told(1, "opened", incident="F20260106-0001"))
    assert [path.name[:14] for path in files(tmp_path)] == ["F20260106-0001"]


async def test_strange_files_between_ours_harm_nothing(tmp_path: Path) -> None:
    async with cap(tmp_path) as notifier:
        await notifier.tell(FIRE)
        name = identifier(FIRE).rpartition("-")[0]
        (tmp_path / f"{name}-2.cap.xml").write_bytes(b"\xff\x00")
        (tmp_path / f"{name}-x.cap.xml").write_bytes(b"<sent>9999-99-99T99:99:99+99:99</sent>")
        (tmp_path / f"{name}-3.cap.xml").write_bytes(b"")
        await notifier.tell(told(4, "again"))
        root = ElementTree.fromstring((tmp_path / f"{name}-4.cap.xml").read_bytes())
    assert text(root, "references").count(SENDER) == 1


@ANY
@given(st.binary(max_size=300))
def test_no_content_of_a_file_stops_the_next_document(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("cap")
    (folder / "i.abc-1.cap.xml").write_bytes(b"<sent>" + content + b"</sent>")
    assert len(Shelf(folder, 10, 3_600.0).earlier("i.abc")) <= 1


async def test_a_folder_that_can_not_be_written_is_for_later(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with cap(tmp_path / "file") as notifier:
        for call in (notifier.tell(FIRE), notifier.check()):
            with pytest.raises(
                Unavailable, match=r"notifier cap: .*file: (Not a directory|File ex)"
            ):
                await call


async def test_without_a_believable_clock_nothing_is_sent(tmp_path: Path) -> None:
    async with cap(tmp_path, VirtualClock(trusted=False)) as notifier:
        with pytest.raises(Unavailable, match="the clock can not be believed yet"):
            await notifier.tell(FIRE)
    assert files(tmp_path) == []


# --- posting ------------------------------------------------------------------------------


@pytest.fixture
async def posting(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Notifier]:
    monkeypatch.setenv("PLATFORM", "Bearer t0ken")
    more = {"url": receiver.url, "headers": {"Authorization": {"env": "PLATFORM"}}}
    async with cap(tmp_path / "cap", **more) as notifier:
        yield notifier


async def test_it_is_posted_as_it_stands_in_the_folder(
    posting: Notifier, receiver: Receiver, tmp_path: Path
) -> None:
    receipt = await posting.tell(FIRE)
    [(request, body)] = receiver.told
    [path] = files(tmp_path / "cap")
    assert body == path.read_bytes()
    assert request.headers["Content-Type"] == "application/cap+xml; charset=utf-8"
    assert request.headers["Authorization"] == "Bearer t0ken"
    assert "; 200 OK from http://127.0.0.1:" in receipt.detail
    assert "s3cret" not in receipt.detail


async def test_what_passes_is_posted_again_and_is_the_same(
    posting: Notifier, receiver: Receiver
) -> None:
    receiver.status, receiver.headers = 503, {"Retry-After": "9"}
    with pytest.raises(Unavailable, match="answers 503") as caught:
        await posting.tell(FIRE)
    assert caught.value.retry_after == 9.0
    receiver.status = 200
    await posting.tell(FIRE)
    assert receiver.told[0][1] == receiver.told[1][1]


@pytest.mark.parametrize("status", [302, 400, 401, 404])
async def test_what_does_not_pass_is_refused(
    posting: Notifier, receiver: Receiver, status: int
) -> None:
    receiver.status, receiver.text = status, "no\nsuch profile"
    with pytest.raises(Refused, match=f"answers {status} .*: no such profile") as caught:
        await posting.tell(FIRE)
    assert "s3cret" not in str(caught.value)


async def test_a_platform_that_is_away_is_for_later(tmp_path: Path) -> None:
    async with cap(tmp_path, url=f"http://127.0.0.1:{free_port()}/s3cret") as notifier:
        with pytest.raises(Unavailable, match="can not be reached") as caught:
            await notifier.tell(FIRE)
        assert "s3cret" not in str(caught.value)


async def test_a_trial_sends_and_keeps_nothing(
    posting: Notifier, receiver: Receiver, tmp_path: Path
) -> None:
    receipt = await posting.tell(msgspec.structs.replace(FIRE, silent=True))
    assert receipt.detail.startswith(f"{tmp_path / 'cap'} can be written; http://127.0.0.1:")
    assert [request.method for request, _ in receiver.told] == ["HEAD"]
    assert files(tmp_path / "cap") == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sender": "two words"}, "a sender is one word"),
        ({"sender": "a,b"}, "a sender is one word"),
        ({"status": "Exercise"}, "needs a note"),
        ({"scope": "Private"}, "belong together"),
        ({"addresses": ["a"]}, "belong together"),
        ({"scope": "Private", "addresses": ['a"b']}, "no quotation marks"),
        ({"headers": {"X": {"env": "Y"}}}, "headers are for a url"),
        ({"url": "ftp://x/"}, "begins with http"),
        ({"url": "http://x/", "headers": {"Host": {"env": "Y"}}}, "can not be set as a header"),
        ({"zone": "CST"}, "match pattern"),
        ({"zone": "+15:00"}, "match pattern"),
        ({"contact": "a\nb"}, "a text that can be shown"),
    ],
)
def test_wrong_options_are_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Options.model_validate({"folder": "cap", "sender": SENDER} | given)
