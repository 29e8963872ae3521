"""ONVIF notifications: the forms of makers, damage, and malice."""

from __future__ import annotations

import base64
import re
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.camera import decode as module
from drivers.camera.decode import Notice, decode
from drivers.camera.soap import Login, envelope, fault, parse, seconds
from gateway.model import Undecodable
from tests.drivers.camera.onvif_camera import notification
from tests.shared import shared

WRAP = "<a><b>{}</b></a>"


def values(topic: str, data: dict[str, str], **more: str) -> dict[str, object]:
    (notice,) = decode(notification(topic, data, **more).encode())
    assert isinstance(notice, Notice)
    return notice.values


@pytest.mark.parametrize(
    ("topic", "data", "wanted"),
    [
        ("RuleEngine/CellMotionDetector/Motion", {"IsMotion": "true"}, {"motion": True}),
        ("RuleEngine/CellMotionDetector/Motion", {"IsMotion": "0"}, {"motion": False}),
        ("VideoSource/MotionAlarm", {"State": "1"}, {"motion": True}),
        ("VideoAnalytics/tnsaxis:MotionDetection", {"motion": "1"}, {"motion": True}),
        ("RuleEngine/MotionRegionDetector/Motion", {"State": "True"}, {"motion": True}),
        ("RuleEngine/FieldDetector/ObjectsInside", {"IsInside": "true"}, {"motion": True}),
        ("RuleEngine/TamperDetector/Tamper", {"IsTamper": "false"}, {"tamper": False}),
        ("RuleEngine/CellMotionDetector/Tamper", {"IsTamper": "1"}, {"tamper": True, "extra.reason": "tamper"}),
        ("VideoSource/GlobalSceneChange/ImagingService", {"State": "true"}, {"tamper": True, "extra.reason": "scene_changed"}),
        ("VideoSource/ImageTooDark/AnalyticsService", {"State": "true"}, {"fault": True, "extra.reason": "too_dark"}),
        ("VideoSource/ImageTooBlurry", {"State": "false"}, {"fault": False}),
        ("VideoSource/SignalLoss", {"State": "true"}, {"fault": True, "extra.reason": "signal_loss"}),
        ("Device/HardwareFailure/StorageFailure", {"Failed": "true"}, {"fault": True, "extra.reason": "storage_failure"}),
        ("Device/Trigger/Relay", {"LogicalState": "inactive"}, {"extra.relay_000": False}),
        ("Device/Trigger/DigitalInput", {"LogicalState": "true"}, {"extra.input_000": True}),
        ("Device/tnsaxis:IO/Port", {"state": "1"}, {"extra.input_000": True}),
        ("AudioAnalytics/Audio/DetectedSound", {"State": "true"}, {"extra.sound": True}),
        ("VideoSource/ImpairedVisibility", {"State": "true"}, {"extra.impaired_visibility": True}),
        ("VideoSource/RadiometryAlarm", {"State": "true"}, {"alarm": True, "extra.reason": "temperature"}),
        ("RuleEngine/MyRuleDetector/VehicleDetect", {"State": "true"}, {"motion": True, "extra.vehicle": True}),
        ("RuleEngine/MyRuleDetector/DogCatDetect", {"State": "false"}, {"motion": False, "extra.animal": False}),
        ("RuleEngine/MyRuleDetector/Visitor", {"State": "true"}, {"extra.visitor": True}),
        ("UserAlarm/IVA/HumanShapeDetect", {"State": "true"}, {"motion": True, "extra.person": True}),
        ("RuleEngine/TPSmartEventDetector/TPSmartEvent", {"IsTPSmartEvent": "true"}, {"motion": True}),
        ("RuleEngine/X", {"IsVehicle": "true", "IsPeople": "false"}, {"motion": True, "extra.vehicle": True, "extra.person": False}),
        ("RuleEngine/ObjectDetection/Object", {"ClassTypes": ""}, {"motion": False}),
        ("Monitoring/ProcessorUsage", {"Value": "14.5"}, {"extra.processor": 14.5}),
        ("VideoAnalytics/Radiometry/SpotTemperatureReading", {"Temperature": "301.5"}, {"extra.spot_temperature_k": 301.5}),
    ],
)  # fmt: skip
def test_forms_of_makers(topic, data, wanted):
    assert values(topic, data) == wanted


@pytest.mark.parametrize(
    ("topic", "data"),
    [
        ("RecordingConfig/JobState", {"State": "Active"}),
        ("Device/Network/Interface", {"State": "true"}),
        ("Device/Firewall", {"State": "true"}),
        ("PTZController/PTZPreset/Reached", {"PresetToken": "5"}),
        ("RuleEngine/PeopleDetector/People", {"IsNotPerson": "true"}),
        ("Monitoring/OperatingTime/LastReboot", {"Status": "2026-01-05T08:00:00Z"}),
        ("RuleEngine/CellMotionDetector/Motion", {}),
    ],
)
def test_what_nobody_knows_brings_nothing(topic, data):
    assert decode(notification(topic, data).encode()) == []


def test_zone_is_the_name_that_somebody_gave():
    assert (
        values("RuleEngine/FieldDetector/ObjectsInside", {"IsInside": "1"}, Rule="东门")["zone"]
        == "东门"
    )
    assert "zone" not in values(
        "RuleEngine/FieldDetector/ObjectsInside", {"IsInside": "1"}, Rule="000"
    )


def test_deleted_property_is_over():
    topic = "RuleEngine/FieldDetector/ObjectsInside"
    assert values(topic, {}, operation="Deleted") == {"motion": False}


def test_wrong_item_is_named_and_hides_nothing():
    body = notification("RuleEngine/X", {"IsMotion": "maybe", "IsPeople": "true"}).encode()
    wrong, notice = decode(body)
    assert isinstance(wrong, Undecodable)
    assert wrong.reason == "IsMotion is neither true nor false: 'maybe'"
    assert notice.values == {"motion": True, "extra.person": True}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no XML: nothing in it|no element found"),
        (b"<a><b></a>", "mismatched tag"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "a document type, which SOAP forbids"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "a document type"),
        ('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><a/>'.encode("utf-16"), "document type"),
        (b"<a>" * 100 + b"</a>" * 100, "in each other"),
        (b"<a>" + b"<b/>" * 30_000 + b"</a>", "more than 20,000 elements"),
        (b"<a>" + b"x" * 1_000_000 + b"</a>", "1,000,000 are the limit"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "encoding"),
        (b"\xff\xfe\x00", "no XML"),
    ],
)  # fmt: skip
def test_damage_and_malice_are_refused_with_the_reason(body, reason):
    (refused,) = decode(body)
    assert isinstance(refused, Undecodable)
    assert re.search(reason, refused.reason)
    assert len(refused.raw) <= 4_096


def test_crowd_of_notifications_is_cut():
    one = notification("VideoSource/MotionAlarm", {"State": "1"})
    found = decode(WRAP.format(one * 600).encode())
    assert len(found) == module.MOST_NOTICES + 1
    assert "more than 500" in found[-1].reason


MESSAGE = notification(
    "RuleEngine/MyRuleDetector/PeopleDetect", {"State": "true", "ClassTypes": "Human"}, Rule="gate"
).encode()


@given(st.binary(max_size=2_000))
def test_any_bytes_are_refused_or_read(body):
    for item in decode(body):
        assert isinstance(item, (Notice, Undecodable))


@settings(max_examples=300)
@given(st.data())
def test_mutated_message_is_refused_or_read(data):
    body = bytearray(MESSAGE)
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(body) - 1))
        cut = data.draw(st.integers(0, 12))
        body[at : at + cut] = data.draw(st.binary(max_size=6))
    for item in decode(bytes(body)):
        if isinstance(item, Notice):
            assert len(item.values) <= 40
            assert all(len(str(value)) <= 256 for value in item.values.values())
        else:
            assert item.reason


def test_message_takes_less_than_a_millisecond_per_kilobyte():
    body = WRAP.format(MESSAGE.decode() * 100).encode()
    started = perf_counter()
    assert len(decode(body)) == 100
    per_kilobyte = (perf_counter() - started) / (len(body) / 1000) * 1000
    print(
        f"{per_kilobyte * 1000:.0f} us per kB, {per_kilobyte * len(body) / 1000 * 10:.0f} us each"
    )
    assert per_kilobyte < 20


def test_captured_replies_are_read():
    body = shared("protocols/onvif/agsh_PullMessages.xml").read_bytes()
    assert [each.values for each in decode(body)] == [{"motion": True}] * 2
    assert decode(body)[0].utc == 1431611870230000000


def test_password_is_only_in_its_digest():
    """The worked example of ONVIF's guide for application programmers."""
    nonce = base64.b64decode("LKqI6G/AikKCQrN0zqZFlg==")
    login = Login("us&er", "userpassword", nonce, 1_284_623_445 * 10**9)
    body = envelope("urn:x", "<x/>", "http://cam/", login)
    assert b"userpassword" not in body
    assert parse(body).text_of("Username") == "us&er"
    assert parse(body).text_of("Created") == "2010-09-16T07:50:45Z"
    assert parse(body).text_of("Password") == "tuOSpGlFlIXsozq4HFNeeGeFLEI="


def test_old_faults_are_faults():
    found = fault(parse(b"<Envelope><Body><Fault><faultcode>ter:NotAuthorized</faultcode>"
                        b"<faultstring>no</faultstring></Fault></Body></Envelope>"))  # fmt: skip
    assert found is not None
    assert found.is_about_the_password


@pytest.mark.parametrize(
    ("text", "wanted"), [("PT60S", 60), ("PT1M", 60), ("P1DT1H", 90_000), ("P", None), ("x", None)]
)
def test_durations(text, wanted):
    assert seconds(text) == wanted
