"""``/metrics`` for Prometheus, made from the view at each scrape; names are in the README.

prometheus-client is imported with the first scrape: a gateway that nobody scrapes does
not carry it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from aiohttp import web

from gateway.console import shapes
from gateway.console.query import MAX_INCIDENTS
from gateway.console.view import (
    Health,
    Ledger,
    ModeRow,
    Reader,
    RuleRow,
    RulesEdition,
    Telling,
    View,
)
from gateway.model import MODES, Incident, Site

if TYPE_CHECKING:
    from prometheus_client import Metric


MAX_PLACES: Final = 200
"""Places with a series of their own, the topmost first; all of them are counted by mode."""
MAX_RULES: Final = 500


class Metrics:
    """The handler; ``streams`` says how many event streams are open."""

    def __init__(self, view: View, streams: Callable[[], int]) -> None:
        self._view = view
        self._streams = streams

    async def handle(self, _request: web.Request) -> web.Response:
        """``GET /metrics``."""
        import prometheus_client as prometheus

        families = _Families()
        families.ledger(await self._view.ledger())
        families.incidents(await self._view.incidents(open_only=True, limit=MAX_INCIDENTS))
        families.messages(await self._view.outbox_counts())
        families.telling(await self._view.telling())
        families.devices(self._view)
        modes = await self._view.modes()
        families.arming(self._view.site(), modes)
        families.rules(self._view.rules_edition(), self._view.rules_report())
        families.health(self._view.health())
        families.gauge("console_streams", "Open event streams", {(): self._streams()})
        registry = prometheus.CollectorRegistry(auto_describe=False)
        registry.register(families)
        body = prometheus.generate_latest(registry)
        return web.Response(body=body, headers={"Content-Type": prometheus.CONTENT_TYPE_LATEST})


_Values = dict[tuple[str, ...], float]
"""Label values -> the figure."""


class _Families:
    """A collector of what one scrape found; each method adds the metrics of one subject."""

    def __init__(self) -> None:
        self._found: list[Metric] = []

    def collect(self) -> Iterable[Metric]:
        return self._found

    def gauge(self, name: str, help_: str, values: _Values, labels: str = "") -> None:
        from prometheus_client.core import GaugeMetricFamily

        family = GaugeMetricFamily(f"gridwarden_{name}", help_, labels=labels.split())
        for key, value in values.items():
            family.add_metric(list(key), value)
        self._found.append(family)

    def counter(self, name: str, help_: str, values: _Values, labels: str = "") -> None:
        from prometheus_client.core import CounterMetricFamily

        family = CounterMetricFamily(f"gridwarden_{name}", help_, labels=labels.split())
        for key, value in values.items():
            family.add_metric(list(key), value)
        self._found.append(family)

    def ledger(self, ledger: Ledger) -> None:
        readers = ledger["readers"]
        refused: _Values = {(reason,): float(n) for reason, n in ledger["refused"].items()}
        delivered: _Values = {(name,): float(r["delivered"]) for name, r in readers.items()}
        waiting: _Values = {(name,): float(r["waiting"]) for name, r in readers.items()}
        dropped: _Values = {
            (name, why): float(n) for name, r in readers.items() for why, n in r["dropped"].items()
        }
        self.counter("readings_received", "Readings that came in", {(): ledger["received"]})
        self.counter("readings_refused", "Readings refused, by reason", refused, "reason")
        self.counter("readings_stored", "Readings in the journal", {(): ledger["stored"]})
        self.gauge(
            "readings_in_flight", "Readings in an unfinished commit", {(): ledger["in_flight"]}
        )
        self.counter("reader_delivered", "Records a reader has done", delivered, "reader")
        self.gauge("reader_waiting", "Records a reader still has before it", waiting, "reader")
        self.counter("reader_dropped", "Records a reader lost, by reason", dropped, "reader reason")
        self._series(ledger["series"])

    def _series(self, series: dict[str, Reader]) -> None:
        delivered: _Values = {(name,): float(r["delivered"]) for name, r in series.items()}
        waiting: _Values = {(name,): float(r["waiting"]) for name, r in series.items()}
        dropped: _Values = {
            (name, why): float(n) for name, r in series.items() for why, n in r["dropped"].items()
        }
        self.counter("series_delivered", "Points of series a sink took", delivered, "sink")
        self.gauge("series_waiting", "Points in memory for a sink", waiting, "sink")
        self.counter("series_dropped", "Points lost, by reason", dropped, "sink reason")

    def incidents(self, found: list[Incident]) -> None:
        counts = Counter((i.category.value, i.state.value) for i in found)
        values: _Values = {key: float(n) for key, n in counts.items()}
        self.gauge(
            "incidents_open", "Incidents not closed (at most 1000)", values, "category state"
        )
        self.gauge(
            "incidents_overdue",
            "Of them past their time limit",
            {(): sum(i.overdue for i in found)},
        )

    def messages(self, counts: dict[str, int]) -> None:
        self.gauge(
            "messages", "Messages by how they ended", {(e,): n for e, n in counts.items()}, "end"
        )

    def telling(self, telling: Telling) -> None:
        held: _Values = {(reason,): n for reason, n in telling["held"].items()}
        self.gauge("messages_held", "Messages that wait, by what holds them", held, "reason")
        self.gauge(
            "messages_oldest_seconds",
            "Age of the oldest message that is to be told",
            {(): telling["oldest"]},
        )
        channels = telling["channels"].items()
        up: _Values = {(name,): state == "ok" for name, state in channels}
        self.gauge("channel_up", "0 while a channel is away or refuses", up, "channel")
        age = telling["anchor_age"]
        ages: _Values = {} if age is None else {(): age}
        self.gauge("record_anchor_age_seconds", "Time since the newest anchor", ages)
        unsigned: _Values = {(): telling["unsigned"]}
        self.gauge("record_unsigned", "Incidents that moved since their anchor", unsigned)

    def devices(self, view: View) -> None:
        site, heard, now = view.site(), view.heard(), view.now()
        silent = sum(shapes.is_silent(d, heard.get(d.id), now) for d in site.devices.values())
        unknown = sum(shapes.is_unknown(site, id_) for id_ in heard)
        self.gauge(
            "devices",
            "Devices: registered, of them silent, and unknown ones heard",
            {("registered",): len(site.devices), ("silent",): silent, ("unknown",): unknown},
            "which",
        )

    def arming(self, site: Site, rows: Sequence[ModeRow]) -> None:
        counts = Counter(row.mode for row in rows)
        topmost = sorted(rows, key=lambda row: len(site.chain(row.place)))[:MAX_PLACES]
        known = [row for row in topmost if row.mode in MODES]
        self.gauge(
            "arming_places", "Places by mode", {(mode,): counts[mode] for mode in MODES}, "mode"
        )
        self.gauge(
            "arming_mode",
            "0 disarmed, 1 home, 2 away (at most 200 places)",
            {(row.place,): MODES.index(row.mode) for row in known},
            "place",
        )

    def rules(self, edition: RulesEdition, rows: Sequence[RuleRow]) -> None:
        first = rows[:MAX_RULES]

        def of(what: str) -> _Values:
            return {(row.name,): row.counters.get(what, 0) for row in first}

        inhibited = "Alarms that did not begin because another rule stood"
        self.gauge("rule_open", "Alarms that stand", of("open"), "rule")
        self.counter("rule_alarms", "Alarms since start", of("alarmed"), "rule")
        self.counter("rule_inhibited", inhibited, of("inhibited"), "rule")
        self.counter("rule_errors", "Errors of a rule", of("failed"), "rule")
        seconds: _Values = {(row.name,): row.mean / 1e9 for row in first}
        self.gauge("rule_seconds", "Mean time of one evaluation", seconds, "rule")
        refused = bool(edition.problems)
        self.gauge("rule_reload_refused", "1 while new rules wait to be mended", {(): refused})

    def health(self, health: Health) -> None:
        tasks = health["tasks"]
        figures: _Values = {
            (store, figure): float(value)
            for store, its in health["stores"].items()
            for figure, value in its.items()
            if isinstance(value, int | float)
        }
        self.gauge("healthy", "1 when the gateway says all is well", {(): health["ok"]})
        self.gauge(
            "clock_trusted",
            "1 when the wall clock is known to be right",
            {(): bool(health["clock"].get("trusted"))},
        )
        if (canary := health["canary"]) is not None:
            self.gauge("canary_lost", "1 when the newest trial was lost", {(): canary["lost"]})
            hops: _Values = {(hop,): ms / 1_000 for hop, ms in canary["hops"].items()}
            self.gauge("canary_seconds", "Time of each hop of the newest trial", hops, "hop")
        self.gauge("memory_bytes", "Resident memory", {(): health["memory_mib"] * 2**20})
        self.gauge(
            "task_up",
            "1 while a supervised task runs",
            {(t["name"],): t["up"] for t in tasks},
            "task",
        )
        self.counter(
            "task_falls", "How often a task fell", {(t["name"],): t["falls"] for t in tasks}, "task"
        )
        self.gauge("store", "Figures of each store", figures, "store figure")
        self.gauge("build_info", "The version that runs", {(health["version"],): 1}, "version")
