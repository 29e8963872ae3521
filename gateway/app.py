"""The composition root: settings become objects, objects become tasks in one group.

The only file that imports everything. It wires and decides nothing:

    drivers ─▶ doors ─▶ journal ─┬▶ detector ─▶ desk ─▶ teller ─▶ notifiers
                                 └▶ pumps ─▶ sinks          └▶ console
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import structlog

from gateway.by_hand import StoreHand
from gateway.clock import Arrival, Signal, SystemClock
from gateway.config import Configured, Settings
from gateway.console.app import Bound, create_app, create_case_app, serve
from gateway.console.view import View
from gateway.detect import Detector
from gateway.editions import Editions
from gateway.health import DRIVER, Vitals
from gateway.history.keeper import Keeper
from gateway.incidents.desk import Desk
from gateway.incidents.people import FIXTURE
from gateway.intake import Intake
from gateway.links import load_key
from gateway.model import Category, Lane, Person, Reading, Site, Value
from gateway.notify.about import Wording
from gateway.notify.canary import Canary
from gateway.notify.nearby import Neighbourhood
from gateway.notify.roster_check import RosterCheck
from gateway.notify.silences import Silences
from gateway.notify.teller import Teller
from gateway.notify.writer import Linker, Writer
from gateway.options import SinkOptions
from gateway.patrol.keeper import Patrol
from gateway.plugins import make, notifier
from gateway.ports import Clock, Driver, Sink, Unavailable
from gateway.pump import pump
from gateway.record.anchorer import Anchorer
from gateway.record.inspector import Inspector
from gateway.record.outside import Outside, place_of
from gateway.reload import Reloader
from gateway.series.sampler import Sampler
from gateway.series.stream import Stream
from gateway.store.cases import Cases
from gateway.store.chain import short
from gateway.store.databases import database
from gateway.store.evidence import EvidenceStore
from gateway.store.group import Limits
from gateway.store.journal import Journal
from gateway.store.lock import sole_user
from gateway.store.step import Step
from gateway.supervise import Changed, Health, Live, keep_running
from gateway.telling import StoreTelling
from gateway.view import StoreView
from gateway.watch import Watch

DUTY: Final = Person("duty", "值班员", "", "assistant")
"""Who owns an incident while the registry is empty: told by every notifier there is."""
_SWITCH: Final = 0.001
"""Seconds until a busy thread gives way: a commit's thread needs the interpreter five times, and
the usual 5 ms each time would be most of an alarm's way."""
_M_ARENA_MAX: Final = -8
"""glibc's ``mallopt``: how many threads may allocate at once, each from an arena of its own."""

log = structlog.get_logger("gateway")


Life = tuple[Health, Live, Changed]
"""What is kept running: its health, what runs, who hears of its state."""


class Running(NamedTuple):
    """A gateway that runs."""

    console_url: str
    view: View
    damaged: asyncio.Future[str]
    """Done when a store was written from outside: start again, and go by what it holds."""
    reload: Callable[[], None]
    """Look at the files of rules and registry now; what comes of it is logged and a reading."""
    case_url: Callable[[], str]
    """Where the cases behind links are served apart from the console; "" when they are not."""


class Around:
    """What the sampler of series looks at."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.site = house._site
        self.states = house.teller.channels.states

    def latest(self) -> Mapping[str, Reading]:
        """See ``gateway.series.sampler``."""
        return self._house.intake.latest

    def heard(self) -> Mapping[str, int]:
        """See ``gateway.series.sampler``."""
        return self._house.intake.heard

    def ledger(self) -> Mapping[str, Any]:
        """The journal's, and what became of the points of each stream."""
        book = self._house.journal.ledger()
        ours = {f"{each.name} series": each.account() for each in self._house.streams}
        return book | {"readers": book["readers"] | ours}


class House:
    """The objects of one gateway and the tasks that keep them alive."""

    def __init__(self, settings: Settings, clock: Clock, chinese: Callable[[str], str]) -> None:
        self.settings = settings
        self.clock = clock
        self.chinese = chinese
        self.tasks: list[Health] = []
        self.streams: list[Stream] = []
        """Of the sinks that take points of series."""
        self.notifiers: dict[str, Any] = {}
        self.switches: dict[str, Any] = {}
        """Drivers whose far end can be switched: handed to the notifiers that ask for them."""
        self.texters: dict[str, Any] = {}
        """Drivers with a modem: handed on in the same way."""
        self.echoes: dict[str, Any] = {}
        """Drivers that can send the canary's report to themselves."""
        self.site = Site()
        self.link_key = b""
        """What the links of messages are signed with; empty where there are none."""
        self.case_url = ""
        """Where the cases are served, if apart."""
        self.console_url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.journal: Journal
        self.cases: Cases
        self.evidence: EvidenceStore
        self.intake: Intake
        self.arrival: Arrival
        self.vitals: Vitals
        self.silences: Silences
        self.teller: Teller
        self.desk: Desk
        self.editions: Editions
        self.reloader: Reloader
        self.detector: Detector
        self.watch: Watch
        self.patrol: Patrol
        self.history: Keeper
        self.roster_check: RosterCheck
        self.canary: Canary
        self.anchorer: Anchorer
        self.outside: Outside | None = None
        self.view: StoreView

    async def open(self, stack: AsyncExitStack) -> None:
        """Open the stores and build what stands on them."""
        settings, clock = self.settings, self.clock
        data = settings.site.data
        try:
            data.mkdir(parents=True, exist_ok=True, mode=0o750)
        except OSError as error:
            raise Unavailable(
                f"{data}: {error.strerror}; set site.data to a folder of ours"
            ) from None
        stack.enter_context(sole_user(data))
        kept = settings.journal
        limits = Limits(kept.group, kept.rows, kept.keep, kept.max_size)
        enter = stack.enter_async_context
        self.journal = await enter(Journal(data / "journal.db", limits, clock))
        kept_in = database(data, settings.site.cases.reveal())
        self.cases = await enter(Cases(kept_in, clock))
        self.evidence = await enter(EvidenceStore(data / "evidence"))
        stamp = clock.now()
        resumed = max(self.journal.arrival, self.cases.last_arrival) or stamp.wall
        self.arrival = Arrival(resumed, stamp)
        self.intake = Intake(self.journal, self.evidence, clock, self.arrival, kept.recent_keys)
        self.vitals = Vitals(self.journal, clock, data)
        self.history = Keeper(data / "history.db", self.journal, clock, kept.keep, kept.max_size)
        threads = stack.enter_context(ThreadPoolExecutor(1, "files"))
        self.editions = Editions(self.journal, clock, self.arrival, threads)
        self.reloader = Reloader(
            settings, self.journal, self.cases, self.editions, clock, threads,
            self._follow, self.vitals.note, self.cases.news.notify,
        )  # fmt: skip
        await self.reloader.open()
        await self.intake.resume()
        await self._build(stack)
        self.watch.say_what_was_put_aside()

    def _follow(self, site: Site) -> None:
        """From now on doors, desk, teller and console go by ``site``."""
        self.site = site
        self.intake.follow(site)
        if hasattr(self, "desk"):
            self.desk.look()

    async def _build(self, stack: AsyncExitStack) -> None:
        self.notifiers = {
            name: await self._entered(stack, notifier(name, configured, self.clock))
            for name, configured in self.settings.notifiers.items()
        }
        zone = ZoneInfo(self.settings.site.zone)
        self.silences = Silences(
            self.cases.read, self.cases.write, self._site,
            self.clock, self.arrival, self._silences_turned,
        )  # fmt: skip
        await self.silences.load()
        self.teller = Teller(
            self.cases,
            self.notifiers,
            self._site,
            self.clock,
            self.arrival,
            fallback=DUTY,
            zone=zone,
            write=self._writer(zone),
            limits=self.settings.telling.limits(),
            note=self.vitals.note,
            silences=self.silences.standing,
            cause=lambda incident: self.detector.cause(incident),
        )
        self.teller.channels.resume(self._said)
        self.desk = Desk(
            self.cases,
            self.teller.offer,
            self._site,
            deadlines=self.settings.deadlines.by_category(),
            limits=self.settings.limits,
            fallback=DUTY,
            fixtures=self._fixtures(),
            zone=zone,
            turn=lambda: self.canary.turn,
            texting=self._texting(),
        )
        self.detector = Detector(
            self.journal, self.cases, self.desk, self.editions,
            self.clock, self.arrival, self.vitals.note,
        )  # fmt: skip
        asked = self.settings.patrol
        self.roster_check = RosterCheck(
            self.teller.channels, self._site, self.clock, self.vitals.note, self._said,
            self._parts,
        )  # fmt: skip
        tries = self.settings.canary
        self.canary = Canary(
            self.cases, self.intake.door(DRIVER), self.detector, lambda: self.journal.last,
            self._site, self.clock, self.arrival, self._said, self.echoes,
            every=tries.every, within=tries.within,
        )  # fmt: skip
        self.intake.canary = self.canary
        self.patrol = Patrol(
            self.cases, self.desk, self.settings.points, asked.rounds if asked else {}, zone,
            self._site, self.clock, self.arrival, tell=asked is not None and asked.missed == "tell",
        )  # fmt: skip
        self.watch = Watch(
            self.journal, self.cases, self.desk, self.vitals.note,
            self.clock, self.arrival, self._site, self.silences.count_time_off,
        )  # fmt: skip
        self.anchorer = Anchorer(
            self.cases, self.settings.site.data, self.clock, self.arrival, self.vitals.note
        )
        if (place := place_of(self.settings.record.anchors, self.cases)) is not None:
            self.outside = Outside(self.cases, place, self.anchorer.news, self.clock)
        self.detector.care.resume(self.intake.latest, f"{DRIVER}/")
        self.view = StoreView(
            self.journal, self.cases, self.intake, self.evidence, self.desk, self._site,
            self.tasks, self.clock, self.arrival, self.cases.news,
            self.editions, self.reloader, self.detector, self.patrol, self.teller.channels,
            self.history, self.streams,
        )  # fmt: skip

    def _silences_turned(self) -> None:
        """What one of them kept may be due by now."""
        self.cases.news.notify()
        self.teller.offer((), ())

    def _writer(self, zone: ZoneInfo) -> Writer:
        """What words the messages; ``link.key`` is made at the first start that needs it."""
        kept = self.settings.messages
        linked: dict[str, Any] = {}
        if kept.link:
            try:
                self.link_key = load_key(self.settings.site.data / "link.key")
                linked = {"linked": Linker(kept.link, self.link_key, kept.expires, self.clock)}
            except (OSError, ValueError) as error:  # an alarm without a link is still an alarm
                log.error("messages_without_links", reason=str(error))
        return Writer(
            zone,
            wording=Wording(kept.map, kept.datum == "gcj02", kept.call),
            templates=self.settings.templates,
            announced=self.intake.announced_name,
            neighbours=Neighbourhood(lambda: self.intake.latest),
            anchor=short,
            **linked,
        )

    def _fixtures(self) -> dict[str, frozenset[Category]]:
        """Notifiers that are told besides people, and of what."""
        return {
            FIXTURE + name: frozenset(
                getattr(self.settings.notifiers[name].options, "categories", ())
            )
            for name, each in self.notifiers.items()
            if getattr(each, "is_fixture", False)
        }

    def _texting(self) -> list[str]:
        """Notifiers that send text messages through a driver: what people answer comes there."""
        return [name for name, each in self.notifiers.items() if hasattr(each, "text_by")]

    def _site(self) -> Site:
        return self.site

    def _said(self, part: str) -> Mapping[str, Value]:
        """What was reported last of a part of the gateway."""
        latest = self.intake.latest.get(f"{DRIVER}/{part}")
        return latest.values if latest is not None else {}

    def _parts(self) -> list[str]:
        """Parts of the gateway that something was reported of."""
        prefix = f"{DRIVER}/"
        named = (each for each in self.intake.latest if each.startswith(prefix))
        return [each.removeprefix(prefix) for each in named]

    async def _entered(self, stack: AsyncExitStack, plugin: Any) -> Any:
        """Plugins that hold a session say so by being context managers."""
        if hasattr(plugin, "__aenter__"):
            await stack.enter_async_context(plugin)
        if hasattr(plugin, "follow"):
            plugin.follow(self._site)
        return plugin

    async def leave_sign_of_life(self) -> None:
        """Where the arrival axis stands: the next start's time limits go on from here."""
        try:
            await self.cases.commit(Step(arrival=self.arrival(self.clock.now())))
        except Unavailable as error:
            log.warning("sign_of_life_not_saved", reason=error.reason)

    async def seal(self) -> None:
        """The last anchor: what is not signed now would wait for the next start."""
        await self.anchorer.last()
        if self.outside is not None:
            await self.outside.last()

    async def lives(self, stack: AsyncExitStack) -> list[Life]:
        """Everything that must be kept running, the journal first: the others write to it."""
        own: dict[str, Live] = {
            "journal": self.journal.run,
            "rules": self.detector.run,
            "files": self.reloader.run,
            "incidents": partial(self.desk.run, self.clock, self.arrival),
            "telling": self.teller.run,
            "channels": self.teller.channels.run,
            "health": partial(self.vitals.run, self.intake.door(DRIVER)),
            "clock": self.watch.clock,
            "stores": self.watch.stores,
            "retention": self.watch.retention,
            "patrol": self.patrol.run,
            "history": self.history.run,
            "roster": self.roster_check.run,
            "canary": self.canary.run,
            "record": self.anchorer.run,
            "audit": Inspector(
                self.cases, self.settings.site.data, self.clock, self.vitals.note
            ).run,
            "console": self._serve,
        }
        if self.settings.console.case_host and self.link_key:
            own["cases"] = self._serve_cases
        if self.outside is not None:
            own["anchors"] = self.outside.run
        lives: list[Life] = [(Health(name), live, self._part_changed) for name, live in own.items()]
        for name, configured in self.settings.sinks.items():
            sink: Any = await self._entered(stack, make("sinks", name, configured, self.clock))
            lives += self._pumps(name, sink, configured.options)
            if hasattr(sink, "write_points"):
                self.streams.append(self._stream(name, sink))
        lives += self._sampled()
        for name, configured in self.settings.drivers.items():
            live = await self._driver(stack, name, configured)
            changed = partial(self._plugin_changed, "driver", name)
            lives.append((Health(f"driver {name}"), live, changed))
        for each in self.notifiers.values():
            if hasattr(each, "use"):
                each.use(self.switches)
            if hasattr(each, "text_by"):
                each.text_by(self.texters)
        self.tasks += [health for health, _, _ in lives]
        return lives

    async def _driver(self, stack: AsyncExitStack, name: str, configured: Configured) -> Live:
        """What runs the driver. Where its library is missing it says so, and the rest runs."""
        try:
            made = make("drivers", name, configured, self.clock)
        except Unavailable as error:
            return partial(_not_here, error.reason)
        driver: Driver = await self._entered(stack, made)
        if hasattr(driver, "switch"):
            self.switches[name] = driver
        if hasattr(driver, "answered_by"):
            driver.answered_by(self._texting())
        if hasattr(driver, "text"):
            self.texters[name] = driver
        if hasattr(driver, "echo"):
            self.echoes[name] = driver
        return partial(driver.run, self.intake.door(name, configured.options.window))

    def _pumps(self, name: str, sink: Sink, options: Any) -> list[Life]:
        """Two bookmarks, two loops: alarms overtake telemetry."""
        batching = options if isinstance(options, SinkOptions) else SinkOptions()
        changed = partial(self._plugin_changed, "sink", name)
        found: list[Life] = []
        for lane in (Lane.alarms, Lane.rest):
            self.journal.lane(name, lane)
            proof = Signal()
            live = partial(
                pump, self.journal, name, lane, sink, self.clock,
                batch=batching.batch, flush=batching.flush, proof=proof,
            )  # fmt: skip
            found.append((Health(f"sink {name} {lane.value}", proof), live, changed))
        return found

    def _stream(self, name: str, sink: Any) -> Stream:
        """The record and what is sampled, for a sink that takes points."""
        put_aside = self.journal.set_aside
        return Stream(self.cases, name, sink, self._site, self.clock, put_aside)

    def _sampled(self) -> list[Life]:
        """What keeps the streams running, and what looks around for them."""
        if not self.streams:
            return []
        around, to = Around(self), [stream.samples for stream in self.streams]
        sampler = Sampler(around, self.cases.read, self.cases.note, to, self.clock, self.arrival)
        found: list[Life] = [(Health("series"), sampler.run, self._part_changed)]
        for stream in self.streams:
            changed = partial(self._plugin_changed, "sink", stream.name)
            health = Health(f"sink {stream.name} series", stream.proof)
            found.append((health, stream.run, changed))
        return found

    def _part_changed(self, health: Health) -> None:
        self.cases.news.notify()

    def _plugin_changed(self, what: str, name: str, health: Health) -> None:
        """A driver or sink that falls is a reading of the gateway's own, and so an incident."""
        prefix = f"{what} {name}"
        down = [h for h in self.tasks if h.name.split(" ")[:2] == prefix.split(" ") and not h.up]
        values: dict[str, Value] = {f"{what}_down": bool(down)}
        if down:
            values["extra.reason"] = down[0].reason[:200]
        self.vitals.note(f"{what}:{name}", values)
        self.cases.news.notify()

    async def _serve(self) -> None:
        """The console; a port that is taken must not keep alarms from ringing."""
        where, shown = self.settings.console, self._shown()
        key = b"" if where.case_host else self.link_key
        telling = StoreTelling(self.cases, self.silences)
        hand = StoreHand(self.cases, self.reloader)
        app = create_app(
            self.view, clock=self.clock, link_key=key, telling=telling, hand=hand, **shown
        )
        async with serve(app, where.host, where.port) as bound:
            if not self.console_url.done():
                self.console_url.set_result(_address(bound))
            await asyncio.get_running_loop().create_future()

    async def _serve_cases(self) -> None:
        """The pages behind links, for phones."""
        where = self.settings.console
        app = create_case_app(self.view, self.link_key, **self._shown())
        async with serve(app, where.case_host, where.case_port) as bound:
            self.case_url = _address(bound)
            await asyncio.get_running_loop().create_future()

    def _shown(self) -> dict[str, Any]:
        """What both pages need; a link may name this machine in its own way."""
        host = urlsplit(self.settings.messages.link).hostname
        hosts = [host] if host else []
        return {"zone": self.settings.site.zone, "hosts": hosts, "chinese": self.chinese}


def _address(bound: Bound) -> str:
    host = f"[{bound.host}]" if ":" in bound.host else bound.host
    return f"http://{host}:{bound.port}"


@asynccontextmanager
async def gateway(
    settings: Settings, clock: Clock | None = None, chinese: Callable[[str], str] = str
) -> AsyncIterator[Running]:
    """Run a gateway while entered. The console serves when this yields.

    ``chinese`` puts a problem of a file into Chinese, for the console.
    Leaving stops the drivers first: what they had not acknowledged will be sent again.
    """
    clock = clock or SystemClock(settings.clock.trust)
    sys.setswitchinterval(_SWITCH)
    _share_memory()
    async with AsyncExitStack() as stack:
        house = House(settings, clock, chinese)
        await house.open(stack)
        lives = await house.lives(stack)
        tasks: list[asyncio.Task[None]] = []
        stack.push_async_callback(house.seal)
        stack.push_async_callback(house.leave_sign_of_life)
        stack.push_async_callback(_stop, tasks)
        tasks.append(_started(lives[0], clock))
        await house.reloader.record()  # before any reading: it says what the rules are for it
        tasks += [_started(life, clock) for life in lives[1:]]
        _settle_memory()
        console = await _console_or_reason(house, clock)
        yield Running(
            console, house.view, house.watch.damaged, house.reloader.ask, lambda: house.case_url
        )


def _started(life: Life, clock: Clock) -> asyncio.Task[None]:
    health, live, changed = life
    return asyncio.create_task(keep_running(live, clock, health, changed), name=health.name)


async def _not_here(reason: str) -> None:
    """Stands for a driver whose library this platform lacks."""
    raise Unavailable(reason)


def _share_memory() -> None:
    """One heap for all threads: each would keep what another could use, and they hardly compete."""
    if hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_M_ARENA_MAX, 1)


def _settle_memory() -> None:
    """What has been imported by now stays: the collector need not walk it for every alarm.

    A full collection over it takes 30 ms and more on a small board.
    """
    gc.collect()
    gc.freeze()
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)  # what start-up used and gave back goes back to the system


async def _console_or_reason(house: House, clock: Clock) -> str:
    """The console's address; "" when it can not serve now (its task goes on trying)."""
    while not house.console_url.done():
        down = next((h for h in house.tasks if h.name == "console" and not h.up), None)
        if down is not None:
            log.error("console_down", reason=down.reason)
            return ""
        await clock.sleep(0.01)
    return house.console_url.result()


async def _stop(tasks: list[asyncio.Task[None]]) -> None:
    """Drivers first, then the others, each group awaited."""
    drivers = [task for task in tasks if task.get_name().startswith("driver ")]
    for group in (drivers, [task for task in tasks if task not in drivers]):
        for task in group:
            task.cancel()
        await asyncio.gather(*group, return_exceptions=True)


def configure_log(level: str) -> None:
    """One line for each event on the error stream; the journal of the system adds the time."""
    logging.basicConfig(stream=sys.stderr, level=level.upper(), format="%(message)s")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
