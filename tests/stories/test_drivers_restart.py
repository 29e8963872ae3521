"""A gateway that is stopped in the middle of something: what happened meanwhile is not lost."""

from __future__ import annotations

from gateway.model import SECOND
from tests.servers import Mosquitto, free_port
from tests.stories.bridge import again, listening
from tests.stories.clock import Jumpable
from tests.stories.house import House
from tests.stories.panel import Panel
from tests.stories.reports import Reports
from tests.stories.sender import Sender
from tests.stories.test_drivers_alarm_panel import DEVICES as PANELS
from tests.stories.test_drivers_alarm_panel import DRIVER, FIRE, FIRE_OVER, KEY
from tests.stories.test_drivers_cameras import DEVICES as CAMERAS
from tests.stories.test_drivers_cameras import FRIGATE, is_moving, review
from tests.stories.test_drivers_radio import BOARD, TASMOTA
from tests.stories.test_drivers_radio import DEVICES as BOARDS


async def test_review_that_ends_after_a_restart_ends_the_incident(
    built: House, mosquitto: Mosquitto, clock: Jumpable
) -> None:
    await listening(built, mosquitto.port, FRIGATE, CAMERAS)
    async with Sender(mosquitto.port) as frigate:
        await frigate.send("frigate/reviews", review("new"))
        await built.until(lambda: is_moving(built, "front", True))
        await clock.forward(2.1, step=0.7)
        await built.told("opened", "front")
        await built.stop()
        await again(built)
        await frigate.send("frigate/reviews", review("end", end_time=clock.wall / SECOND))
        await built.until(lambda: is_moving(built, "front", False))
        await clock.forward(22, step=4)
        await built.told("cleared", "front")


async def test_alarm_of_a_board_while_the_gateway_was_stopped_is_told(
    built: House, mosquitto: Mosquitto
) -> None:
    await listening(built, mosquitto.port, TASMOTA, BOARDS)
    async with Sender(mosquitto.port) as board:
        await board.send(f"tele/{BOARD}/LWT", b"Online", retain=True)
        await built.has("board", 1)
        await built.stop()
        await board.send(f"stat/{BOARD}/RESULT", {"Switch1": {"Action": "OFF"}})
        await again(built)
        message = await built.told("opened", "board")
        assert (message["person"], message["category"]) == ("chen", "life")


async def test_end_that_the_broker_kept_over_a_downtime_clears_the_incident(
    built: House, mosquitto: Mosquitto, clock: Jumpable
) -> None:
    built.write(mqtt=mosquitto.port)
    await built.start()
    await built.connected()
    async with Reports(mosquitto.port, built, clock) as sensors:
        await sensors.report("s301", alarm=True, age=0)
        await built.told("opened", "s301")
        await clock.forward(10)
        await built.stop()
        await clock.forward(100)
        await sensors.report("s301", alarm=False, age=0)
        await clock.forward(100)
        await built.start()
        await built.connected()
        await built.has("s301", 2)
        await clock.forward(32, step=8)
        await built.told("cleared", "s301")


async def test_restore_in_the_second_of_its_alarm_clears_over_a_restart(
    built: House, clock: Jumpable
) -> None:
    port = free_port()
    (built.folder / "panel.key").write_text(KEY.hex(), encoding="ascii")
    built.write(drivers=DRIVER.format(port=port), devices=PANELS)
    await built.start()
    panel = Panel(port, clock)
    await panel.tell(FIRE)
    await built.told("opened", "shop3")
    await built.stop()
    await built.start()
    await panel.tell(FIRE_OVER)
    await clock.forward(32, step=8)
    await built.told("cleared", "shop3")
