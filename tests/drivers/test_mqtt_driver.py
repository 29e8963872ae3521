"""The driver on a real broker: acknowledged after the commit, whatever happens in between."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from drivers.mqtt.driver import Driver
from drivers.mqtt.drops import TOPIC, Drops
from drivers.mqtt.link import Address, Link
from drivers.mqtt.options import Options
from drivers.mqtt.wire import Message
from gateway.clock import SystemClock
from gateway.model import Item, Reading, Undecodable
from gateway.ports import Unavailable
from tests.servers import Mosquitto, free_port
from tests.virtual import VirtualClock

MAPPED = {
    "topics": [
        {
            "topic": "s/+",
            "device": "{1}",
            "kind": "smoke",
            "values": {"alarm": "smoke", "temperature": "temp"},
            "key": "n",
        }
    ]
}


_PUBLISHED_WITHIN = 60.0


async def until(true: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for knows no event
            await asyncio.sleep(0.005)


class Store:
    """Stands for the journal: takes items, at once or when it is told to."""

    def __init__(self, *, slow: bool = False) -> None:
        self.items: list[Item] = []
        self.offered = 0
        self.open = asyncio.Event()
        if not slow:
            self.open.set()

    async def emit(self, items: Sequence[Item]) -> None:
        self.offered += len(items)
        await self.open.wait()
        self.items.extend(items)

    @property
    def keys(self) -> list[str]:
        return [item.key for item in self.items if isinstance(item, Reading)]

    async def holds(self, count: int, seconds: float = 30) -> None:
        await until(lambda: len(self.items) >= count, seconds)

    async def is_offered(self, count: int) -> None:
        await until(lambda: self.offered >= count)


async def stands_still(store: Store) -> None:
    """Until a second has passed in which nothing more was offered."""
    before = -1
    while store.offered != before or not before:
        before = store.offered
        await asyncio.sleep(1.0)


def driver(port: int, **more: Any) -> Driver:
    options = {"port": port, "dialects": [{"json": MAPPED}], "watch_drops": False} | more
    return Driver("mqtt", Options.model_validate(options), SystemClock())


@asynccontextmanager
async def running(which: Driver, store: Store) -> AsyncIterator[asyncio.Task[None]]:
    """Until it is subscribed: what is published before that, the broker keeps for nobody."""
    task = asyncio.create_task(which.run(store.emit))
    try:
        if which._options.is_trial:
            await asyncio.sleep(0.5)
        else:
            await until(lambda: task.done() or which._echo._link is not None)
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Unavailable):
            await task


async def publish(
    broker: Mosquitto, *messages: tuple[str, bytes], qos: int = 1, retain: bool = False
) -> None:
    """Publish and wait until the broker has everything."""
    from paho.mqtt import client as paho
    from paho.mqtt.enums import CallbackAPIVersion

    def work() -> None:
        client = paho.Client(CallbackAPIVersion.VERSION2)
        client.connect(broker.host, broker.port)
        client.loop_start()
        until = time.monotonic() + _PUBLISHED_WITHIN
        for sent in [client.publish(topic, raw, qos, retain) for topic, raw in messages]:
            sent.wait_for_publish(max(0.0, until - time.monotonic()))
            assert sent.is_published()
        client.disconnect()
        client.loop_stop()

    await asyncio.to_thread(work)


def numbered(start: int, stop: int) -> list[tuple[str, bytes]]:
    return [(f"s/{n % 7}", json.dumps({"n": n, "temp": n}).encode()) for n in range(start, stop)]


async def test_readings_arrive_in_order(mosquitto: Mosquitto) -> None:
    store = Store()
    async with running(driver(mosquitto.port), store):
        await publish(mosquitto, *numbered(0, 500))
        await store.holds(500)
    assert store.keys == [str(n) for n in range(500)]


async def test_what_was_not_committed_comes_again_and_the_rest_does_not(
    mosquitto: Mosquitto,
) -> None:
    first, stuck, after = Store(), Store(slow=True), Store()
    async with running(driver(mosquitto.port), first):
        await publish(mosquitto, *numbered(0, 10))
        await first.holds(10)
    async with running(driver(mosquitto.port), stuck):
        await publish(mosquitto, *numbered(10, 20))
        await stuck.is_offered(10)
    assert stuck.items == []
    async with running(driver(mosquitto.port), after):
        await after.holds(10)
        await asyncio.sleep(0.1)
    assert after.keys == [str(n) for n in range(10, 20)]


async def test_the_session_keeps_what_came_while_away(mosquitto: Mosquitto) -> None:
    store = Store()
    async with running(driver(mosquitto.port), store):
        pass
    await publish(mosquitto, *numbered(0, 30))
    async with running(driver(mosquitto.port), store):
        await store.holds(30)
    assert store.keys == [str(n) for n in range(30)]


async def test_acknowledgements_go_in_order_of_arrival(mosquitto: Mosquitto) -> None:
    gates: list[asyncio.Event] = []

    async def emit(items: Sequence[Item]) -> None:
        gates.append(asyncio.Event())
        await gates[-1].wait()

    which = driver(mosquitto.port)
    task = asyncio.create_task(which.run(emit))
    await asyncio.sleep(0.1)
    for n in range(3):
        await publish(mosquitto, *numbered(n, n + 1))
        await until(lambda wanted=n + 1: len(gates) >= wanted)
    gates[2].set()
    gates[1].set()
    await asyncio.sleep(0.05)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    store = Store()
    async with running(driver(mosquitto.port), store):
        await store.holds(3)  # 1 and 2 were stored, but 0 was not: none is acknowledged
    assert store.keys == ["0", "1", "2"]


async def test_a_broker_that_is_not_there_is_unavailable() -> None:
    port = free_port()
    with pytest.raises(Unavailable, match=rf"no broker at 127.0.0.1:{port}"):
        await driver(port).run(Store().emit)


async def test_a_killed_broker_is_unavailable_and_its_session_goes_on(
    mosquitto: Mosquitto,
) -> None:
    store, which = Store(), driver(mosquitto.port)
    async with running(which, store) as task:
        await publish(mosquitto, *numbered(0, 5))
        await store.holds(5)
        mosquitto.kill()
        with pytest.raises(Unavailable, match=r"closed the connection|broke"):
            await task
    mosquitto.start()
    async with running(which, store):
        await publish(mosquitto, *numbered(5, 10))
        await store.holds(10)
    assert store.keys[-5:] == [str(n) for n in range(5, 10)]


async def test_after_a_lost_connection_stores_finish_and_their_acks_are_dropped(
    mosquitto: Mosquitto,
) -> None:
    store = Store(slow=True)
    async with running(driver(mosquitto.port), store) as task:
        await publish(mosquitto, *numbered(0, 5))
        await store.is_offered(5)
        mosquitto.kill()
        await asyncio.sleep(0.05)
        assert not task.done()
        store.open.set()
        with pytest.raises(Unavailable):
            await task
    assert store.keys == [str(n) for n in range(5)]


async def test_what_emit_raises_ends_the_run_unacknowledged(mosquitto: Mosquitto) -> None:
    async def full(items: Sequence[Item]) -> None:
        raise OSError("disk full")

    task = asyncio.create_task(driver(mosquitto.port).run(full))
    await asyncio.sleep(0.1)
    await publish(mosquitto, *numbered(0, 1))
    with pytest.raises(OSError, match="disk full"):
        await task
    store = Store()
    async with running(driver(mosquitto.port), store):
        await store.holds(1)


async def test_bad_payloads_go_to_quarantine_and_never_stop_intake(mosquitto: Mosquitto) -> None:
    bad = [
        b"{",
        b"\x00\xff" * 50,
        b'{"temp":"hot"}',
        b'{"n":1,"temp":1e999}',
        b"7" * 10_000_000,
        b"[]",
        b"null",
    ]
    good = [
        b'{"n":"a","temp":"21.5"}',
        b'{"n":"b","temp":null,"smoke":true}',
        b'{"n":"c","smoke":0}',
    ]
    good.append(b'{"n":"d","smoke":true,"temp":NaN,"more":[1]}')
    store = Store()
    async with running(driver(mosquitto.port), store):
        await publish(
            mosquitto, *(("s/1", raw) for pair in zip(bad, bad, strict=True) for raw in pair)
        )
        await publish(mosquitto, *(("s/1", raw) for raw in good))
        await store.holds(18)
        await publish(mosquitto, ("s/1", b'{"n":"e","smoke":false}'))
        await store.holds(19)
    assert store.keys == ["a", "b", "c", "d", "e"]
    refused = [item for item in store.items if isinstance(item, Undecodable)]
    assert len(refused) == 14
    assert max(len(item.raw) for item in refused) <= 4096
    async with running(driver(mosquitto.port), again := Store()):
        await asyncio.sleep(0.1)
    assert again.keys in ([], ["e"])  # whose acknowledgement may not have left before the end


async def test_retained_is_said_and_an_empty_retained_payload_is_nothing(
    mosquitto: Mosquitto,
) -> None:
    await publish(mosquitto, ("s/1", b'{"smoke":true}'), ("s/2", b'{"smoke":true}'), retain=True)
    await publish(mosquitto, ("s/2", b""), retain=True)
    store = Store()
    async with running(driver(mosquitto.port), store):
        await store.holds(1)
        await publish(mosquitto, ("s/1", b'{"smoke":false}'), ("s/1", b""))
        await store.holds(2)
        await asyncio.sleep(0.05)
    assert [(i.retained, i.values["alarm"]) for i in store.items if isinstance(i, Reading)] == [
        (True, True),
        (False, False),
    ]


def board(topic: str) -> tuple[str, bytes]:
    about = {"t": topic, "ft": "site/%topic%/%prefix%/", "tp": ["cmnd", "stat", "tele"]}
    return f"tasmota/discovery/{abs(hash(topic)):X}/config", json.dumps(about).encode()


async def test_announced_topics_that_no_broker_takes_end_no_connection(
    mosquitto: Mosquitto,
) -> None:
    """One device must not close the way of all the others, now or at the next connection."""
    announced = [board(topic) for topic in ("bad\x07bell", "nul\x00", "good")]
    await publish(mosquitto, *announced, retain=True)
    store = Store()
    which = driver(mosquitto.port, dialects=[{"json": MAPPED}, {"tasmota": {"topics": [LAYOUT]}}])
    for _connection in range(2):
        store.items.clear()
        async with running(which, store) as task:
            await asyncio.sleep(0.3)
            said = ("site/good/tele/SENSOR", b'{"Switch1":"ON"}')
            await publish(mosquitto, *numbered(0, 1), said)
            await until(lambda: {"0", "good"} <= set(known(store)))
            assert not task.done()


async def test_learned_topic_that_is_refused_ends_no_connection(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = Link.subscribe

    async def choosy(link: Link, filters: Sequence[tuple[str, int]]) -> None:
        if any("secret" in topic for topic, _ in filters):
            raise Unavailable("refused")
        await allowed(link, filters)

    monkeypatch.setattr(Link, "subscribe", choosy)
    await publish(mosquitto, board("secret"), retain=True)
    store = Store()
    which = driver(mosquitto.port, dialects=[{"json": MAPPED}, {"tasmota": {"topics": [LAYOUT]}}])
    for _connection in range(2):
        store.items.clear()
        async with running(which, store) as task:
            await publish(mosquitto, *numbered(0, 1))
            await until(lambda: "0" in known(store))
            assert not task.done()


LAYOUT = "elsewhere/%topic%/%prefix%/"


def known(store: Store) -> list[str]:
    """Devices that have said something."""
    return [item.device for item in store.items if isinstance(item, Reading)]


@pytest.mark.parametrize(("sent", "granted"), [(0, 1), (2, 1), (2, 0)])
async def test_every_quality_of_service_arrives(
    mosquitto: Mosquitto, sent: int, granted: int
) -> None:
    store = Store()
    async with running(driver(mosquitto.port, qos=granted), store):
        await publish(mosquitto, *numbered(0, 20), qos=sent)
        await store.holds(20)
    assert store.keys == [str(n) for n in range(20)]


async def test_an_old_subscription_of_quality_two_is_acknowledged_to_its_end(
    mosquitto: Mosquitto,
) -> None:
    link = Link(
        Address(mosquitto.host, mosquitto.port),
        "gridwarden-mqtt",
        lambda messages: None,
        SystemClock(),
        max_payload=1_000,
    )
    await link.open()
    await link.subscribe([("t/+", 2)])
    await link.close()
    mapped = {"topics": [MAPPED["topics"][0] | {"topic": "t/#"}]}
    which = driver(mosquitto.port, dialects=[{"json": mapped}])
    await publish(mosquitto, *((f"t/{n}", b'{"temp":1}') for n in range(50)), qos=2)
    store = Store()
    async with running(which, store):
        await store.holds(50)
        await asyncio.sleep(1.0)
    async with running(which, again := Store()):
        await asyncio.sleep(0.2)
    assert len(store.items) == 50
    assert again.items == []


async def test_a_slow_disk_stops_the_reading_and_loses_nothing(mosquitto: Mosquitto) -> None:
    store = Store(slow=True)
    async with running(driver(mosquitto.port, qos=0), store):
        publishing = asyncio.create_task(publish(mosquitto, *numbered(0, 20_000), qos=1))
        try:
            await stands_still(store)
            assert 4_000 <= store.offered < 15_000
        finally:
            store.open.set()
            await publishing
        await store.holds(20_000, 60)
    assert store.keys == [str(n) for n in range(20_000)]


async def test_wrong_passwords_are_said_in_one_line(tmp_path: Any, monkeypatch: Any) -> None:
    (tmp_path / "passwords").write_text("")
    monkeypatch.setenv("MQTT_PASSWORD", "s3cret")
    with Mosquitto(f"allow_anonymous false\npassword_file {tmp_path}/passwords") as broker:
        which = driver(broker.port, username="u", password={"env": "MQTT_PASSWORD"})
        with pytest.raises(Unavailable, match="refuses us: Not authorized") as error:
            await which.run(Store().emit)
        assert "s3cret" not in str(error.value)
        monkeypatch.delenv("MQTT_PASSWORD")
        with pytest.raises(Unavailable, match="the environment has no MQTT_PASSWORD"):
            await which.run(Store().emit)


async def test_check_says_that_the_broker_lets_us_in_beside_the_running_driver(
    mosquitto: Mosquitto,
) -> None:
    which, store = driver(mosquitto.port), Store()
    async with running(which, store) as task:
        assert "lets us in" in await which.check()
        assert not task.done()
    with pytest.raises(Unavailable):
        await driver(free_port()).check()


OVERFLOWING = "sys_interval 1\nmax_queued_messages 1\nmax_inflight_messages 1"


def drops(store: Store) -> list[tuple[float, float]]:
    """(since the last report, in all) of every report."""
    found = [i.values for i in store.items if isinstance(i, Reading) and i.device == "broker"]
    return [(float(v["broker_drops"]), float(v["extra.total"])) for v in found]


async def overflow(broker: Mosquitto, count: int) -> None:
    """Make a queue overflow, and wait until the broker has counted it."""
    before = await counted(broker)
    await publish(broker, *numbered(0, count))
    async with asyncio.timeout(10):
        while await counted(broker) < before + count - 10:  # noqa: ASYNC110 - another program's count
            await asyncio.sleep(0.1)
    await asyncio.sleep(1.2)  # it counts once a second: the next count has them all


async def counted(broker: Mosquitto) -> int:
    """What the broker itself says."""
    from paho.mqtt.subscribe import simple

    message = await asyncio.to_thread(
        simple, TOPIC.decode(), hostname="127.0.0.1", port=broker.port
    )
    return int(message.payload)


async def test_drops_are_reported_as_what_came_since_the_last_report() -> None:
    with Mosquitto(OVERFLOWING) as broker:
        which, store = driver(broker.port, watch_drops=True), Store()
        async with running(which, store):
            await until(lambda: len(drops(store)) >= 1)
        assert drops(store) == [(0, 0)]  # with a new session nothing of ours was dropped
        await overflow(broker, 50)
        async with running(which, store):
            await until(lambda: len(drops(store)) >= 2)
        first = await counted(broker)
        assert first > 40
        await overflow(broker, 30)
        async with running(which, store):
            await until(lambda: len(drops(store)) >= 3)
        second = await counted(broker)
        assert drops(store)[1:] == [(first, first), (second - first, second)]
        assert not any(i.retained for i in store.items if isinstance(i, Reading))


async def test_an_overflow_while_the_program_was_not_running_is_reported_by_the_next_one() -> None:
    with Mosquitto(OVERFLOWING) as broker:
        async with running(driver(broker.port, watch_drops=True), Store()):
            pass
        await overflow(broker, 50)
        store = Store()
        async with running(driver(broker.port, watch_drops=True), store):
            await until(lambda: len(drops(store)) >= 1)
        count = await counted(broker)
        assert drops(store) == [(count, count)]


async def test_drops_that_could_not_be_stored_are_reported_by_the_next_connection() -> None:
    async def full(items: Sequence[Item]) -> None:
        raise OSError("disk full")

    with Mosquitto(OVERFLOWING) as broker:
        which = driver(broker.port, watch_drops=True)
        with pytest.raises(OSError, match="disk full"):
            await asyncio.wait_for(which.run(full), 5)
        await overflow(broker, 50)
        with pytest.raises(OSError, match="disk full"):
            await asyncio.wait_for(which.run(full), 5)
        store = Store()
        async with running(which, store):
            await until(lambda: len(drops(store)) >= 1)
        count = await counted(broker)
        assert drops(store) == [(count, count)]


async def test_ten_quiet_minutes_after_drops_are_a_reading_of_none() -> None:
    clock, store = VirtualClock(), Store()
    about = Drops(clock)
    task = asyncio.create_task(about.report(store.emit))

    async def count(payload: bytes) -> None:
        message = Message(TOPIC, payload, True, b"", len(payload))
        store.items += about.note(message, session_present=True)
        await clock.advance(0)

    await count(b"7")
    await clock.advance(500)
    await count(b"9")
    await clock.advance(599)
    assert drops(store) == [(7, 7), (2, 9)]
    await clock.advance(2)
    assert drops(store)[2:] == [(0, 9)]
    await clock.advance(10_000)
    await count(b"9")
    await count(b"4")  # the broker began anew
    await clock.advance(700)
    assert drops(store)[3:] == [(4, 4), (0, 4)]
    await count(b"many")
    await count(b"-1")
    assert [type(item) for item in store.items[-2:]] == [Undecodable, Undecodable]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_trial_leaves_no_session_on_the_broker(mosquitto: Mosquitto) -> None:
    options = {"port": mosquitto.port, "client_id": "gateway-1", "dialects": [{"json": MAPPED}]}
    trial = Options.model_validate(options).for_trial()
    assert trial.client_id != "gateway-1"
    store = Store()
    async with running(Driver("mqtt", trial, SystemClock()), store):
        await publish(mosquitto, *numbered(0, 3))
        await store.holds(3)
    for name in (trial.client_id, "gateway-1"):
        link = Link(
            Address(mosquitto.host, mosquitto.port),
            name,
            lambda messages: None,
            SystemClock(),
            max_payload=1_000,
        )
        await link.open()
        assert not link.session_present
        await link.close()


async def test_a_silent_broker_is_given_up() -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"\x20\x02\x00\x00")
        await reader.read(100)
        writer.write(b"\x90\x03\x00\x01\x01")
        with suppress(ConnectionError):
            while await reader.read(100):
                pass
        writer.close()

    class Fast(SystemClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(seconds / 100)

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        options = {"port": server.sockets[0].getsockname()[1], "dialects": [{"json": MAPPED}]}
        which = Driver("mqtt", Options.model_validate(options | {"watch_drops": False}), Fast())
        with pytest.raises(Unavailable, match="has been silent"):
            async with asyncio.timeout(30):
                await which.run(Store().emit)


async def test_bytes_that_are_no_mqtt_end_the_connection_with_a_reason() -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        with pytest.raises(Unavailable):
            await driver(server.sockets[0].getsockname()[1]).run(Store().emit)


SHIPPED = Path(__file__).parents[2] / "deploy" / "mosquitto.conf"


async def test_the_shipped_broker_configuration_is_accepted() -> None:
    lines = SHIPPED.read_text("utf-8").splitlines()
    extra = "\n".join(line for line in lines if not line.startswith(("listener", "#")))
    with Mosquitto(extra) as broker:
        store = Store()
        async with running(driver(broker.port, inflight=1000), store):
            await publish(broker, *numbered(0, 2_000))
            await store.holds(2_000)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of its own authority, for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=127.0.0.1",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


async def test_tls_is_spoken_and_a_strangers_certificate_is_refused(certificates: Path) -> None:
    port = free_port()
    secure = f"listener {port} 127.0.0.1\ncertfile {certificates}/cert.pem\n"
    with Mosquitto(secure + f"keyfile {certificates}/key.pem") as broker:
        store = Store()
        which = driver(port, tls={"ca": str(certificates / "cert.pem")})
        async with running(which, store):
            await publish(broker, *numbered(0, 3_000))
            await store.holds(3_000)
        with pytest.raises(Unavailable, match=r"self.signed certificate; look at tls:"):
            await driver(port, tls={}).run(store.emit)
        with pytest.raises(Unavailable, match=r"look at password: and tls:"):
            await driver(port, tls={"ca": "/nowhere.pem"}).run(store.emit)
