"""A camera has motion while a sighting that counts lasts, whatever Frigate forgets to say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers._momentary import Momentary
from drivers.mqtt.decode import Router
from drivers.mqtt.dialects.frigate.dialect import Dialect
from drivers.mqtt.dialects.frigate.options import Options
from drivers.mqtt.wire import Message
from gateway.model import SECOND, Reading, Undecodable

START = 1_767_600_000.0


class Server:
    def __init__(self, **options: Any) -> None:
        self.router = Router([Dialect(Options.model_validate(options))])

    def says(self, topic: str, payload: object, *, retained: bool = False) -> list[Any]:
        raw = payload if isinstance(payload, bytes) else str(payload).encode()
        if isinstance(payload, dict):
            raw = json.dumps(payload).encode()
        message = Message(f"frigate/{topic}".encode(), raw, retained, b"", len(raw))
        return list(self.router.decode(message))

    def event(self, kind: str, number: int = 1, at: float = 0.0, **more: Any) -> list[Any]:
        after = {
            "id": f"1.5-{number}",
            "camera": "gate",
            "label": "person",
            "frame_time": START + at,
            "start_time": START,
            "end_time": START + at if kind == "end" else None,
            "score": 0.8,
            "false_positive": False,
            "current_zones": [],
        }
        return self.says("events", {"type": kind, "before": {}, "after": after | more})

    def review(self, kind: str, number: int = 1, **more: Any) -> list[Any]:
        data = {"objects": ["person"], "zones": [], "audio": []} | more.pop("data", {})
        after = {
            "id": f"r{number}",
            "camera": "gate",
            "start_time": START,
            "end_time": START + 9 if kind == "end" else None,
            "severity": "alert",
            "data": data,
        }
        return self.says("reviews", {"type": kind, "before": {}, "after": after | more})


def motion(found: Sequence[Any]) -> list[object]:
    readings = [each.reading if isinstance(each, Momentary) else each for each in found]
    return [reading.values["motion"] for reading in readings if "motion" in reading.values]


def test_motion_lasts_from_the_first_sighting_to_the_end_of_the_last() -> None:
    server = Server()
    assert motion(server.event("new", 1)) == [True]
    assert motion(server.event("new", 2, at=1)) == [True]
    assert motion(server.event("update", 1, at=2)) == []
    assert motion(server.event("end", 1, at=3)) == []
    assert motion(server.event("end", 2, at=4)) == [False]


def test_a_sighting_says_where_what_and_when() -> None:
    (found,) = Server().event("new", at=2.5, current_zones=["yard", "drive"], sub_label=["周", 0.9])
    assert isinstance(found, Momentary)
    assert (found.names, found.hold) == (("motion",), 600.0)
    assert found.reading.device == "gate"
    assert found.reading.observed_at == int((START + 2.5) * SECOND)
    assert found.reading.values == {
        "motion": True,
        "zone": "yard, drive",
        "extra.label": "person, 周",
        "extra.score": 0.8,
    }


def test_what_does_not_count_is_no_motion() -> None:
    assert Server().event("new", false_positive=True) == []
    assert Server(labels=["car"]).event("new") == []
    assert Server(zones=["yard"]).event("new") == []
    assert Server(sources=["reviews"]).event("new") == []
    assert Server(severity="alert").review("new", severity="detection") == []
    assert motion(Server(zones=["yard"]).event("new", current_zones=["yard"])) == [True]
    assert motion(Server(severity="alert").review("new")) == [True]


def test_an_object_that_turns_out_false_ends_its_motion() -> None:
    server = Server()
    server.event("new")
    assert motion(server.event("update", at=1, false_positive=True)) == [False]


def test_a_review_that_grows_says_so_and_its_repeat_does_not() -> None:
    server = Server()
    server.review("new", severity="detection")
    (grown,) = server.review("update", data={"zones": ["yard"]})
    assert grown.reading.values["zone"] == "yard"
    assert grown.reading.observed_at is None
    assert server.review("update", data={"zones": ["yard"]}) == []
    (ended,) = server.review("end")
    assert ended.values == {"motion": False}


def test_a_new_sighting_is_told_though_an_old_ones_end_was_lost() -> None:
    server = Server()
    server.review("new", 1)
    assert motion(server.review("new", 2)) == [True]
    later = START + 3600
    server.event("new", 7, at=3600)
    assert motion(server.event("end", 7, at=3601)) == [False], "both reviews are long forgotten"
    assert later > START


def test_when_frigate_goes_its_cameras_go() -> None:
    server = Server()
    server.event("new")
    gone = server.says("available", "offline")
    assert [(each.device, each.values) for each in gone] == [
        ("frigate", {"extra.online": False}),
        ("gate", {"online": False, "motion": False}),
    ]
    assert motion(server.event("new", at=60)) == [True]


@pytest.mark.parametrize(
    ("topic", "payload", "values"),
    [
        ("gate/person", "2", {"extra.person": 2.0}),
        ("gate/person/active", "1", {"extra.person_active": 1.0}),
        ("gate/status/detect", "offline", {"online": False, "extra.status": "offline"}),
        ("gate/audio/speech", "ON", {"extra.audio_speech": True}),
        ("gate/audio/fire_alarm", "ON", {"alarm": True, "extra.sound": "fire_alarm"}),
        ("gate/audio/fire_alarm", "OFF", {"alarm": False, "extra.sound": "fire_alarm"}),
        ("gate/audio/dBFS", "-42.5", {"extra.audio_dBFS": -42.5}),
        ("gate/review_status", "ALERT", {"extra.review": "alert"}),
    ],
)
def test_a_cameras_own_topics(topic: str, payload: str, values: dict[str, object]) -> None:
    (reading,) = Server().says(topic, payload)
    assert (reading.device, reading.kind, reading.values) == ("gate", "camera", values)


@pytest.mark.parametrize(
    "topic", ["gate/detect/set", "gate/motion", "gate/detect/state", "restart", "gate/ptz"]
)
def test_commands_settings_and_bare_motion_are_no_readings(topic: str) -> None:
    assert Server().says(topic, "ON" if "ptz" not in topic else "") == []


def test_bare_motion_counts_where_it_is_asked_for() -> None:
    server = Server(sources=["motion"])
    assert motion(server.says("gate/motion", "ON")) == [True]
    assert motion(server.says("gate/motion", "OFF")) == [False]


def test_a_picture_rate_of_nothing_is_a_camera_that_is_gone() -> None:
    server = Server()
    stats = {"cameras": {"gate": {"camera_fps": 5.1}, "hall": {"camera_fps": 0.0}, "odd": 3}}
    said = {each.device: each.values for each in server.says("stats", stats)}
    assert said == {"gate": {"online": True}, "hall": {"online": False}}
    assert server.says("stats", stats) == []


def test_a_snapshot_is_evidence_unless_it_is_of_an_earlier_day() -> None:
    jpeg = b"\xff\xd8\xff\xe0" + bytes(100)
    (reading,) = Server().says("gate/person/snapshot", jpeg)
    assert reading.evidence is not None
    assert reading.evidence.content == jpeg
    assert Server().says("gate/person/snapshot", jpeg, retained=True) == []
    assert Server().says("gate/person/snapshot", b"GIF89a") == []


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("events", b"{"),
        ("events", {"type": "new"}),
        ("events", {"after": {"id": 5, "camera": "gate"}}),
        ("reviews", {"after": {"id": "r", "camera": "gate", "severity": "alert"}}),
        ("available", "maybe"),
        ("gate/person", "many"),
        ("gate/audio/speech", "loud"),
    ],
)
def test_what_can_not_be_read_goes_to_quarantine_with_a_reason(topic: str, payload: object) -> None:
    (refused,) = Server().says(topic, payload)
    assert isinstance(refused, Undecodable)
    assert refused.reason


_WHOLE = "events reviews stats available tracked_object_update gate/person gate/motion"
_PARTS = "gate/person/snapshot gate/audio/x gate/status/detect a/b/c/d /x"
TOPICS = st.sampled_from(f"{_WHOLE} {_PARTS}".split())
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["after", "type", "id", "camera", "data", "zones", "cameras", "end_time"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(st.lists(st.tuples(TOPICS, st.binary(max_size=40) | JSON.map(json.dumps)), max_size=5))
def test_anything_gives_items_or_a_reason(messages: list[tuple[str, bytes | str]]) -> None:
    server = Server(sources=["events", "reviews", "motion"])
    for topic, payload in messages:
        raw = payload if isinstance(payload, bytes) else payload.encode("utf-8", "replace")
        for each in server.says(topic, raw):
            assert isinstance(each, (Reading, Undecodable, Momentary))
            if isinstance(each, Undecodable):
                assert each.reason


def told(found: list[Any]) -> list[dict[str, Any]]:
    readings = [each.reading if isinstance(each, Momentary) else each for each in found]
    return [dict(each.values) for each in readings]


def test_a_sighting_that_goes_on_renews_its_motion_before_it_is_forgotten() -> None:
    server = Server(forget="60s")
    server.event("new")
    renewed = [at for at in range(5, 200, 5) if server.event("update", at=at)]
    assert renewed
    assert max(later - at for at, later in zip([0, *renewed], renewed, strict=False)) < 60


def test_what_does_not_count_says_nothing_of_what_does() -> None:
    server = Server(labels=["person"])
    server.event("new", 1)
    assert server.event("new", 2, label="car", current_zones=["road"]) == []
    assert server.event("update", 2, label="car", current_zones=["yard"]) == []


def test_the_end_of_one_sighting_does_not_rename_the_other() -> None:
    server = Server()
    server.event("new", 1)
    server.event("new", 2, label="car", current_zones=["road"])
    assert server.event("end", 1, at=5) == []


def test_an_alarm_lasts_while_any_of_its_sounds_does() -> None:
    server = Server()
    assert told(server.says("gate/audio/fire_alarm", "ON"))[0]["alarm"] is True
    assert told(server.says("gate/audio/smoke_detector", "ON"))[0]["alarm"] is True
    assert told(server.says("gate/audio/smoke_detector", "OFF"))[0]["alarm"] is True
    assert told(server.says("gate/audio/fire_alarm", "OFF"))[0]["alarm"] is False


def test_an_alarm_that_sounds_ends_with_the_server_that_heard_it() -> None:
    server = Server()
    server.says("gate/audio/fire_alarm", "ON")
    gone = server.says("available", "offline")
    assert [each.values for each in gone if each.device == "gate"] == [
        {"online": False, "motion": False, "alarm": False}
    ]
    assert told(server.says("gate/audio/smoke_alarm", "OFF"))[0]["alarm"] is False


def test_what_the_broker_remembers_of_the_server_is_marked_so() -> None:
    (said,) = Server().says("available", "offline", retained=True)
    assert said.retained


def test_what_the_disk_refused_counts_when_the_broker_says_it_again() -> None:
    server = Server()
    begun = [told(server.event("new")) for _ in range(2)]
    assert begun[0] == begun[1]
    assert begun[0][0]["motion"] is True
    ended = [server.event("end", at=5) for _ in range(2)]
    assert ended[0] == ended[1]
    assert told(ended[0]) == [{"motion": False}]
