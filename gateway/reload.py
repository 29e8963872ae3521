"""Rules and registry follow their files while the gateway runs: all of them checked, or none taken.

files changed, twice the same bytes ─▶ load (as check does) ─┬▶ wrong: the old go on, it is said
      a person or SIGHUP: at once ────▶                      └▶ Edition records, one commit
                                                                 └▶ intake, desk, teller follow
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, ParamSpec, TypeVar

import msgspec
import structlog

from gateway.clock import Signal, at_most
from gateway.config import Settings, load
from gateway.config.holidays import holidays
from gateway.config.watched import Looker
from gateway.document import Problem, Problems
from gateway.editions import Editions, Packed, pack_rules, pack_site
from gateway.model import Site
from gateway.ports import Clock, Unavailable
from gateway.registry import life
from gateway.registry.bring import bring, step_problems
from gateway.registry.changes import Changes
from gateway.registry.hand import Bounds, Edit, Edited, Fault, Faults, edited
from gateway.registry.table import Source
from gateway.rule_care import REASON, Note
from gateway.store.cases import Cases
from gateway.store.journal import Journal

PART: Final = "rules"
_LOOK_EVERY: Final = 3.0
_AGAIN: Final = 30.0
"""Seconds until a change is tried again that a store did not take."""
_MOST_LOGGED: Final = 100
_MOST_KEPT: Final = 1_000
"""Problems that are held for people to look at: nobody reads more before mending the first."""
_LONGEST: Final = 200
"""Characters of the first problem that go into the reading."""

_P = ParamSpec("_P")
_T = TypeVar("_T")

log = structlog.get_logger("reload")


class Outcome(NamedTuple):
    """What became of a reload: whether the files are in force, and if not, why not."""

    ok: bool
    problems: list[str]
    """One line each."""


class Imported(NamedTuple):
    """What became of files that somebody brought: the registry's new edition, or why not."""

    problems: list[str]
    """One line each; empty: it is right."""
    changes: Changes | None = None
    edition: int = 0
    """0: nothing was changed."""


_IN_FILES: Final = "the registry is in the files of the section registry; change those"
_BEING_WRITTEN: Final = Outcome(False, ["the files are being written; try again"])


class Reloader:
    """Owns the present settings of rules and registry, and the site made of them.

    ``follow`` is told of each new site, ``note`` reports values of a part of the gateway, and
    ``changed`` hears of every outcome that is news.
    """

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        cases: Cases,
        editions: Editions,
        clock: Clock,
        threads: Executor,
        follow: Callable[[Site], None],
        note: Note,
        changed: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._cases = cases
        self._editions = editions
        self._clock = clock
        self._threads = threads
        self._follow = follow
        self._note = note
        self._changed = changed
        self._site = Site()
        self._imported = ""
        """Digest of the files that ``_site`` was made of, where the cases have them too."""
        self._ends = 0
        """Wall ns at which the next bypass ends by itself; 0 for none."""
        self._looker = Looker()
        self._packed: list[Packed] = []
        self._recorded = False
        self._judged = settings.fingerprint
        self.refused: list[str] = []
        """Why the files are not in force as they are: one line each; empty when they are."""
        self.refused_at = 0
        """Wall ns; 0 when they are in force."""
        self._put_off = False
        self._asked = Signal()
        self._lock = asyncio.Lock()

    async def open(self) -> None:
        """The registry: the CSV files when they changed, else what the cases remember."""
        settings = self._settings
        self._imported = await self._cases.registry_digest()
        self._site = await self._cases.load_site()
        if settings.digest and settings.digest != self._imported:
            problems = tuple(map(str, self._wrong_steps(settings)))
            if problems:
                refused = (*settings.refused, *problems)
                settings = self._settings = settings.model_copy(update={"refused": refused})
            else:
                site = self._present(settings.imported)
                self._site = await self._cases.replace_registry(site, settings.digest)
                self._imported = settings.digest
                log.info("registry_imported", devices=len(self._site.devices))
        if self._site.zone != settings.site.zone:
            self._site = msgspec.structs.replace(self._site, zone=settings.site.zone)
        self._ends = life.next_end(self._site)
        self._packed = await self._in_thread(_packed, settings, self._site)
        for packed, made in zip(self._packed, (self._site, settings.ruleset), strict=True):
            self._editions.know(packed, made)
            self._editions.settle(packed)
        self._follow(self._site)

    async def record(self) -> None:
        """Say in the journal what is in force from here on, where that is news to it."""
        async with self._lock:  # a reload that somebody asks for meanwhile would be taken back
            try:
                changed = await self._news(self._packed)
                if changed:
                    await self._editions.record(changed)
            except Unavailable as error:
                log.warning("edition_not_recorded", reason=error.reason, action="tried again")
                return
            self._recorded = True

    def ask(self) -> None:
        """Look at the files now; for the handler of a signal."""
        self._asked.notify()

    async def run(self) -> None:
        """Watch the files until cancelled."""
        if self._settings.refused and not self.refused:
            self._refuse(list(self._settings.refused))  # it began with what was in force before
        else:
            self._note(PART, {"rules_refused": bool(self.refused)})
        last = self._judged
        while True:
            seen = self._asked.count
            wait = _AGAIN if self._put_off else _LOOK_EVERY
            asked = await at_most(wait, self._clock, self._asked.wait(seen))
            if not self._recorded:
                await self.record()
            await self._lapse()
            looked = await self._look(self._settings)
            self._put_off = self._put_off and looked != self._judged
            same_again, last = looked == last, looked
            if asked or (same_again and looked != self._judged):
                await self.reload()

    async def reload(self) -> Outcome:
        """Take over what the files say now, if all of it is right."""
        async with self._lock:
            looked = await self._look(self._settings)
            config = await self._in_thread(self._looker, self._settings.file, None, None)
            try:
                fresh = await self._in_thread(load, self._settings.file)
            except Problems as error:
                self._judged, self._put_off = looked, False
                return self._refuse([str(each) for each in error.problems[:_MOST_KEPT]])
            except OSError:  # gone while they were read
                return _BEING_WRITTEN
            now = await self._in_thread(self._looker, self._settings.file, None, None)
            if config != now or await self._look(fresh) != fresh.fingerprint:
                return _BEING_WRITTEN
            if steps := [str(each) for each in self._wrong_steps(fresh)]:
                self._judged, self._put_off = looked, False
                return self._refuse(steps)
            try:
                changed = await self._take(fresh)
            except Unavailable as error:
                self._put_off = True
                log.warning("reload_put_off", reason=error.reason)
                return Outcome(False, [error.reason])
            self._judged, self._put_off = fresh.fingerprint, False
            return self._accept(changed)

    async def _take(self, fresh: Settings) -> list[str]:
        """Put ``fresh`` in force; what is new. Raises ``Unavailable``: then nothing is.

        The journal first: what the rules see is what it says. Where the cases do not take the
        registry, the next start imports it.
        """
        site = self._site if fresh.registry is None else self._present(fresh.imported)
        packed = await self._in_thread(_packed, fresh, site)
        changed = await self._news(packed)
        for each, made in zip(packed, (site, fresh.ruleset), strict=True):
            self._editions.know(each, made)
        if changed:
            await self._editions.record(changed)
        for each in packed:
            self._editions.settle(each)
        self._packed, self._recorded, self._settings = packed, True, fresh
        if fresh.digest and fresh.digest != self._imported:
            self._now(await self._import(fresh))
        return [each.what for each in changed]

    async def _news(self, packed: list[Packed]) -> list[Packed]:
        """Those that the journal does not name as the newest of their kind."""
        newest = await self._journal.editions_at(self._journal.last)
        return [p for p in packed if p.what not in newest or newest[p.what].digest != p.digest]

    async def _import(self, fresh: Settings) -> Site:
        self._imported = ""
        site = self._present(fresh.imported)
        try:
            site = await self._cases.replace_registry(site, fresh.digest)
        except Unavailable as error:
            log.warning("registry_not_imported", reason=error.reason, action="at the next start")
            return site
        self._imported = fresh.digest
        return site

    # --- the registry by itself

    async def bring(self, sources: Sequence[Source], by: str, *, dry: bool = False) -> Imported:
        """Take over what somebody brings; ``dry``: only say what it would change.

        Raises ``Unavailable``: then nothing has changed.
        """
        async with self._lock:
            if self._settings.registry is not None:
                return Imported([_IN_FILES])
            make = partial(
                bring,
                self._site,
                sources,
                wall=self._clock.now().wall,
                notifiers=self._settings.notifiers,
                zone=self._settings.site.zone,
                calendar=holidays,
            )
            try:
                site, changes = await self._in_thread(make)
            except Problems as error:
                return Imported([str(each) for each in error.problems[:_MOST_KEPT]])
            if dry or changes.nothing:
                return Imported([], changes)
            await self._replace(self._present(site), "", by)
            log.info("registry_imported", devices=len(self._site.devices), by=by)
            self._changed()
            return Imported([], changes, self._site.version)

    @property
    def in_files(self) -> bool:
        """Whether the registry is in files, which nobody else may change."""
        return self._settings.registry is not None

    async def edit(self, edit: Edit, edition: int, by: str, *, dry: bool = False) -> Edited | None:
        """Change one row of ``edition``; None: that is the newest edition no more.

        ``dry``: only say what it would change. Raises ``Faults`` and ``Unavailable``: then
        nothing has changed.
        """
        async with self._lock:
            if self.in_files:
                raise Faults([Fault("", "", _IN_FILES)])
            if edition != self._site.version:
                return None
            bounds = Bounds(
                self._clock.now().wall,
                self._settings.site.zone,
                self._settings.notifiers,
                holidays,
            )
            made = await self._in_thread(edited, self._site, edit, bounds)
            if not (dry or made.changes.nothing):
                await self._replace(self._present(made.site), "", by)
                log.info(
                    "registry_edited", table=edit.table, verb=edit.verb, edition=self._site.version
                )
                self._changed()
            return made._replace(site=self._site)

    async def _lapse(self) -> None:
        """End the bypasses that are over, once the wall clock can be trusted."""
        now = self._clock.now()
        if not (now.trusted and 0 < self._ends <= now.wall):
            return
        async with self._lock:
            try:
                await self._replace(life.lapsed(self._site, now.wall), self._imported, "clock")
            except Unavailable as error:
                log.warning("bypass_not_ended", reason=error.reason, action="tried again")

    async def _replace(self, site: Site, digest: str, by: str) -> None:
        """Put ``site`` in force: the cases first, for they are where it lives."""
        packed = await self._in_thread(pack_site, site)
        self._now(await self._cases.replace_registry(site, digest, by))
        self._editions.know(packed, self._site)
        self._editions.settle(packed)
        self._packed = [packed, *self._packed[1:]]
        try:
            if changed := await self._news([packed]):
                await self._editions.record(changed)
        except Unavailable as error:
            self._recorded = False
            log.warning("edition_not_recorded", reason=error.reason, action="tried again")

    def _now(self, site: Site) -> None:
        self._site, self._ends = site, life.next_end(site)
        self._follow(site)

    def _present(self, site: Site) -> Site:
        """``site`` without the bypasses that are over already."""
        now = self._clock.now()
        return life.lapsed(site, now.wall) if now.trusted else site

    def _wrong_steps(self, settings: Settings) -> list[Problem]:
        """Steps in the life of a device that the files ask for and that are none."""
        if settings.registry is None:
            return []
        return sorted(step_problems(self._site, settings.imported, settings.imported_rows))

    def _refuse(self, problems: list[str]) -> Outcome:
        if problems != self.refused:
            shown = problems[:_MOST_LOGGED]
            log.error("rules_refused", problems=shown, more=len(problems) - len(shown))
            self.refused, self.refused_at = problems, self._clock.now().wall
            self._changed()
            self._note(PART, {"rules_refused": True, REASON: _short(problems[0])})
        return Outcome(False, problems)

    def _accept(self, changed: list[str]) -> Outcome:
        if changed or self.refused:
            log.info("rules_reloaded", changed=changed)
            self._changed()
        if self.refused:
            self.refused, self.refused_at = [], 0
            self._note(PART, {"rules_refused": False})
        return Outcome(True, [])

    async def _look(self, settings: Settings) -> str:
        files = (settings.file, settings.registry, settings.rules)
        return await self._in_thread(self._looker, *files)

    async def _in_thread(
        self, function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs
    ) -> _T:
        """Reading and compiling take too long for the loop."""
        call = partial(function, *arguments, **named)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def _packed(settings: Settings, site: Site) -> list[Packed]:
    """In the order in which they are recorded: rules are bound to a registry."""
    return [pack_site(site), pack_rules(settings.rule_files, settings.site.zone)]


def _short(problem: str) -> str:
    """For a message: the file by its name alone, and no more than fits."""
    file, _, rest = problem.partition(":")
    return f"{Path(file).name}:{rest}"[:_LONGEST] if rest else problem[:_LONGEST]
