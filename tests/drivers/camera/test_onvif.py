"""ONVIF events against a camera that is real HTTP and has the habits of real cameras."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from drivers.camera import events
from drivers.camera.driver import Driver
from drivers.camera.options import Options
from drivers.camera.pullpoint import Account, Camera, Pulled, PullPoint
from gateway.clock import SystemClock
from gateway.model import SECOND, Reading
from gateway.ports import Unavailable
from tests.drivers.camera.clips import draw
from tests.drivers.camera.onvif_camera import PASSWORD, USER, notification, onvif_camera
from tests.drivers.serial_line.door import Door

MOTION = "RuleEngine/CellMotionDetector/Motion"
TAMPER = "RuleEngine/TamperDetector/Tamper"
ON, OFF = {"IsMotion": "true"}, {"IsMotion": "false"}


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMERA_PASSWORD", PASSWORD)


def driver(url: str, **options: object) -> Driver:
    onvif = {"url": url, "user": USER, "password": {"env": "CAMERA_PASSWORD"}, "pull": "2s"}
    chosen = Options.model_validate({"address": "yard", "onvif": onvif | options})
    return Driver("cam", chosen, SystemClock())


@asynccontextmanager
async def running(camera, **options):
    door = Door()
    task = asyncio.create_task(driver(camera.url, **options).run(door))
    try:
        yield door, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def said(door: Door, name: str) -> list[object]:
    return [item.values[name] for item in door.items if name in item.values]


@pytest.mark.parametrize("digest", [False, True], ids=["ws-security", "http-digest"])
async def test_motion_begins_and_ends(secret, digest):
    async with onvif_camera() as camera:
        camera.digest = digest
        async with running(camera) as (door, _):
            await door.has(1)
            assert door.items[0] == Reading("yard", "camera", {"online": True, "motion": False})
            camera.tell(notification(MOTION, ON))
            await door.until(lambda items: said(door, "motion")[-1] is True)
            camera.tell(notification(MOTION, OFF))
            await door.until(lambda items: said(door, "motion")[-1] is False)
            assert said(door, "motion") == [False, True, False]
        assert camera.subscriptions == 0  # given back
        assert camera.asked[-1] == "Unsubscribe"


async def test_state_at_the_start_is_found_and_not_new(secret):
    async with onvif_camera() as camera:
        camera.initial = [notification(MOTION, ON, "Initialized")]
        async with running(camera) as (door, _):
            found = (await door.has(2))[1]
            assert found.values == {"motion": True}
            assert found.retained
            assert found.observed_at is None
            camera.tell(notification(MOTION, ON))
            assert not (await door.has(3))[2].retained


async def test_forgotten_off_ends_by_itself_and_motion_can_begin_again(secret):
    async with onvif_camera() as camera, running(camera, hold="600ms") as (door, _):
        await door.has(1)
        for count in (1, 2):
            camera.tell(notification(MOTION, ON))
            await door.until(
                lambda items, n=count: said(door, "motion") == [False] + [True, False] * n
            )


async def test_crossed_line_is_a_moment(secret):
    line = notification("RuleEngine/LineDetector/Crossed", {"ObjectId": "15"}, Rule="Fence")
    async with onvif_camera() as camera, running(camera, pulse="300ms") as (door, _):
        await door.has(1)
        camera.tell(line)
        items = await door.has(3)
        assert items[1].values == {"motion": True, "extra.line_crossed": True, "zone": "Fence"}
        assert items[2].values == {"motion": False}


async def test_motion_lasts_while_any_detector_sees_it(secret):
    people = "RuleEngine/MyRuleDetector/PeopleDetect"
    async with onvif_camera() as camera, running(camera) as (door, _):
        await door.has(1)
        camera.tell(
            notification(MOTION, ON),
            notification(people, {"State": "true"}, Source="000"),
            notification(MOTION, OFF),
        )
        await door.has(4)
        assert said(door, "motion") == [False, True, True, True]
        camera.tell(notification(people, {"State": "false"}, Source="000"))
        last = (await door.has(5))[4]
        assert last.values == {"motion": False, "extra.person": False}


async def test_time_of_a_camera_whose_clock_is_wrong_is_corrected(secret):
    async with onvif_camera() as camera:
        camera.behind = timedelta(hours=-1, seconds=7)
        async with running(camera) as (door, _):
            await door.has(1)
            camera.tell(notification(MOTION, ON, utc=f"{camera._now():%Y-%m-%dT%H:%M:%SZ}"))
            reading = (await door.has(2))[1]
            now = datetime.now(UTC).timestamp()
            assert reading.observed_at is not None
            assert abs(reading.observed_at / 1e9 - now) < 5


async def test_old_time_is_not_told(secret):
    async with onvif_camera() as camera, running(camera) as (door, _):
        await door.has(1)
        camera.tell(notification(MOTION, ON, utc="2015-05-14T13:57:50.230Z"))
        assert (await door.has(2))[1].observed_at is None


async def test_tamper_that_is_not_repeated_after_a_loss_is_over(secret):
    async with onvif_camera() as camera:
        camera.initial = [notification(TAMPER, {"IsTamper": "true"}, "Initialized")]
        one, door = driver(camera.url), Door()
        task = asyncio.create_task(one.run(door))
        await door.until(lambda items: said(door, "tamper") == [True])
        camera.forget_subscriptions()
        with pytest.raises(Unavailable, match="the subscription is lost"):
            await task
        camera.initial = []
        task = asyncio.create_task(one.run(door))
        await door.until(lambda items: said(door, "tamper") == [True, False])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert said(door, "online") == [True, False, True]


async def test_lost_subscription_ends_motion_and_is_made_anew_by_the_supervisor(secret):
    async with onvif_camera() as camera, running(camera) as (door, task):
        await door.has(1)
        camera.tell(notification(MOTION, ON))
        await door.has(2)
        camera.forget_subscriptions()
        with pytest.raises(Unavailable, match=r"subscription is lost \(no such subscription\)"):
            await task
        assert door.items[-1].values == {"online": False, "motion": False}


async def test_impatient_camera_is_not_asked_a_thousand_times(secret):
    async with onvif_camera() as camera:
        camera.impatient = True
        async with running(camera) as (door, _):
            await door.has(1)
            await asyncio.sleep(1.5)
        assert 1 <= camera.asked.count("PullMessages") <= 4


async def test_camera_that_allows_shorter_waits_only_is_asked_for_shorter_ones(secret):
    async with onvif_camera() as camera:
        camera.max_timeout = 5
        async with running(camera, pull="40s") as (door, _):
            await door.has(1)
            camera.tell(notification(MOTION, ON))
            await door.has(2)


@pytest.mark.parametrize("fails", [False, True])
async def test_subscription_that_would_end_is_renewed_once_if_the_camera_can(secret, fails):
    async with onvif_camera() as camera:
        camera.life, camera.renew_fails = timedelta(seconds=10), fails
        async with running(camera) as (door, _):
            await door.has(1)
            for count in range(2, 5):
                camera.tell(notification(MOTION, ON if count % 2 else OFF))
                await door.has(count)
        renewals = camera.asked.count("Renew")
        assert renewals == 1 if fails else renewals >= 2


async def test_addresses_from_behind_a_nat_are_reached(secret):
    async with onvif_camera() as camera:
        camera.nat = True
        async with running(camera) as (door, _):
            await door.has(1)
            camera.tell(notification(MOTION, ON))
            await door.has(2)


async def test_one_channel_of_a_recorder(secret):
    async with onvif_camera() as camera, running(camera, token="2") as (door, _):
        await door.has(1)
        camera.tell(
            notification(MOTION, ON, VideoSourceToken="1"),
            notification(MOTION, ON, VideoSourceToken="2"),
            notification(MOTION, OFF, VideoSourceToken="2"),
        )
        await door.has(3)
        assert said(door, "motion") == [False, True, False]


@pytest.mark.parametrize("digest", [False, True])
async def test_wrong_password_is_said_and_not_tried_again_soon(monkeypatch, digest):
    monkeypatch.setenv("CAMERA_PASSWORD", "hunter2")
    async with onvif_camera() as camera:
        camera.digest = digest
        with pytest.raises(Unavailable, match="refuses the user name or the password") as error:
            await driver(camera.url).run(Door())
        assert "hunter2" not in str(error.value)
        assert error.value.retry_after == 300
        with pytest.raises(Unavailable, match=r"^camera yard: ONVIF at 127\.0\.0\.1:"):
            await driver(camera.url).check()


async def test_nobody_there_is_said(secret):
    with pytest.raises(Unavailable, match=r"ONVIF at 127.0.0.1:9: can not be reached: .*onvif.url"):
        await driver("http://127.0.0.1:9").check()


async def test_check_subscribes_and_gives_back(secret):
    async with onvif_camera() as camera:
        assert "with user officer" in await driver(camera.url).check()
        assert camera.subscriptions == 0


async def test_camera_with_pictures_and_events_is_one_device(secret, tmp_path):
    clip = draw(tmp_path / "still.avi", [], seconds=20)
    async with onvif_camera() as camera:
        onvif = {"url": camera.url, "user": USER, "password": {"env": "CAMERA_PASSWORD"}}
        options = Options.model_validate({"address": "yard", "source": str(clip), "onvif": onvif})
        door = Door()
        task = asyncio.create_task(Driver("cam", options, SystemClock()).run(door))
        await door.has(1)
        while camera.subscriptions == 0:  # noqa: ASYNC110  # the camera has no event for it
            await asyncio.sleep(0.02)
        camera.tell(notification(MOTION, ON))
        await door.until(lambda items: said(door, "motion")[-1:] == [True])
        with structlog.testing.capture_logs() as logs:
            camera.forget_subscriptions()
            await door.until(lambda items: said(door, "fault") == [True])
        assert not task.done()  # the pictures go on
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert {item.device for item in door.items} == {"yard"}
    assert [log["event"] for log in logs] == ["camera_half_down"]
    assert said(door, "online") == [True]
    assert said(door, "motion")[-1] is False


FIRE = "RuleEngine/Radiometry/TemperatureAlarm"
BURNS, OUT = {"AlarmActive": "true", "State": "true"}, {"State": "false"}


async def test_fire_does_not_end_by_itself_nor_by_a_cable_that_burns(secret):
    async with onvif_camera() as camera:
        one, door = driver(camera.url, hold="200ms"), Door()
        task = asyncio.create_task(one.run(door))
        await door.has(1)
        camera.tell(notification(FIRE, BURNS))
        await door.until(lambda items: said(door, "alarm") == [True])
        await asyncio.sleep(0.5)
        camera.forget_subscriptions()
        with pytest.raises(Unavailable):
            await task
        assert said(door, "alarm") == [True]
        camera.initial = [notification(FIRE, BURNS, "Initialized")]
        task = asyncio.create_task(one.run(door))
        await door.until(lambda items: said(door, "alarm") == [True, True])
        camera.tell(notification(FIRE, OUT))
        await door.until(lambda items: said(door, "alarm")[-1] is False)
        await stopped(task)
        assert said(door, "alarm") == [True, True, False]


async def test_tamper_is_over_although_the_subscription_was_lost_twice(secret, monkeypatch):
    async with onvif_camera() as camera:
        camera.initial = [notification(TAMPER, {"IsTamper": "true"}, "Initialized")]
        one, door = driver(camera.url), Door()
        task = asyncio.create_task(one.run(door))
        await door.until(lambda items: said(door, "tamper") == [True])
        camera.initial = []
        camera.forget_subscriptions()
        with pytest.raises(Unavailable):
            await task

        async def broken(point: PullPoint) -> Pulled:
            raise Unavailable("gone before it has told anything")

        with monkeypatch.context() as patched:
            patched.setattr(PullPoint, "next", broken)
            with pytest.raises(Unavailable, match="before it has"):
                await one.run(door)
        task = asyncio.create_task(one.run(door))
        await door.until(lambda items: said(door, "tamper") == [True, False])
        await stopped(task)


async def test_subscription_that_is_lost_without_a_word_is_noticed(secret, monkeypatch):
    monkeypatch.setattr(events, "_SILENT", SECOND)
    async with onvif_camera() as camera, running(camera, pull="1s") as (door, _):
        await door.has(1)
        camera.tell(notification(MOTION, ON))
        await door.has(2)
        camera.deaf = True
        camera.initial = [notification(MOTION, ON, "Initialized")]
        camera.tell(notification(MOTION, OFF))
        found = (await door.has(3))[2]
        assert found.values == {"motion": True}
        assert found.retained
        assert said(door, "online") == [True]


async def test_redirect_is_not_followed(secret):
    async with onvif_camera() as camera, onvif_camera() as stranger:
        camera.redirect = stranger.url
        with pytest.raises(Unavailable, match="sends us to another address"):
            await driver(camera.url).check()
        assert stranger.asked == []


async def test_camera_that_does_not_tell_the_time_to_strangers_is_asked_all_the_same(secret):
    async with onvif_camera() as camera:
        camera.hides_its_time = True
        assert "with user officer" in await driver(camera.url).check()


async def test_camera_that_always_has_something_to_tell_is_not_asked_a_thousand_times(secret):
    async with onvif_camera() as camera, running(camera) as (door, _):
        await door.has(1)
        for count in range(2, 500):
            if count == 2:
                started = asyncio.get_running_loop().time()
            camera.tell(notification(MOTION, ON))
            await door.has(count)
            if asyncio.get_running_loop().time() - started > 1:
                break
        assert camera.asked.count("PullMessages") <= 9


@pytest.mark.parametrize(
    ("told", "reached"),
    [
        ("http://[fe80::1]:8080/a?b=1", "http://[fe80::1]:8080/a?b=1"),
        ("http://10.9.9.9:8080/a", "http://[fe80::1]/a"),
        ("http://u:p@[fe80::1]:81/", "http://[fe80::1]:81/"),
    ],
)
def test_address_is_reached_where_the_camera_is(told, reached):
    account = Account("http://[fe80::1]/onvif/device_service", "u", "p", True, 30.0)
    assert Camera(account, None, SystemClock()).reached(told) == reached


@pytest.mark.parametrize("told", ["http://[::1", "http://[fe80::1]:99999/"])
def test_address_that_is_none_is_said(told):
    account = Account("http://[fe80::1]/onvif/device_service", "u", "p", True, 30.0)
    with pytest.raises(Unavailable, match="an address that is none"):
        Camera(account, None, SystemClock()).reached(told)


async def test_wrong_password_is_not_tried_again_because_the_pictures_are_gone(
    monkeypatch, tmp_path
):
    monkeypatch.setenv("CAMERA_PASSWORD", "hunter2")
    async with onvif_camera() as camera:
        onvif = {"url": camera.url, "user": USER, "password": {"env": "CAMERA_PASSWORD"}}
        missing = str(tmp_path / "nothing.avi")
        options = Options.model_validate({"address": "yard", "source": missing, "onvif": onvif})
        one = Driver("cam", options, SystemClock())
        with pytest.raises(Unavailable):
            await one.run(Door())
        tried = camera.asked.count("GetCapabilities")
        assert tried == 1
        task = asyncio.create_task(one.run(Door()))
        await asyncio.sleep(1)
        await stopped(task)
        assert camera.asked.count("GetCapabilities") == tried


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
