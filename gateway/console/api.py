"""The JSON API under ``/api/v1/``: each handler reads the view and answers with shapes."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import msgspec
from aiohttp import web

from gateway.console import query, shapes
from gateway.console.arming import arming_json
from gateway.console.events import Streams
from gateway.console.guard import as_json
from gateway.console.media import headers, media_type
from gateway.console.patrol import MOST_POINTS, checkin_json, hazards_json, patrol_json
from gateway.console.query import ApiError
from gateway.console.view import ActRefused, AttachRefused, ModeRow, View
from gateway.model import Incident, Person, Site, Text
from gateway.patrol.hazards import MOST as MOST_HAZARDS
from gateway.patrol.hazards import within
from gateway.ports import Unavailable

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_ATTACHABLE: Final = ("image/jpeg", "image/png", "video/mp4", "application/pdf")
_BLOCK: Final = 65_536
_UPLOAD_WITHIN: Final = 300.0
"""Seconds: 20 MB at the pace of a bad telephone line; then its place is another's."""


class Api:
    """The handlers over one view; ``chinese`` translates a line about a rule file."""

    def __init__(self, view: View, streams: Streams, chinese: Callable[[str], str]) -> None:
        self._view = view
        self._streams = streams
        self._chinese = chinese
        self._places = _Places((), Site(), {}, b"", "")
        self._staff: _Staff | None = None
        self._making = asyncio.Lock()

    def routes(self) -> list[web.RouteDef]:
        """Every path of the API."""
        base = "/api/v1"
        return [
            web.get(f"{base}/incidents", self.incidents),
            web.post(f"{base}/incidents", self.report),
            web.get(f"{base}/incidents/{{key}}", self.incident),
            web.post(f"{base}/incidents/{{key}}/{{verb}}", self.act),
            web.get(f"{base}/devices", self.devices),
            web.get(f"{base}/people", self.people),
            web.get(f"{base}/readings", self.readings),
            web.get(f"{base}/arming", self.arming),
            web.post(f"{base}/arming", self.arm),
            web.get(f"{base}/rules", self.rules),
            web.post(f"{base}/rules/reload", self.reload_rules),
            web.get(f"{base}/hazards", self.hazards),
            web.get(f"{base}/patrol", self.patrol),
            web.post(f"{base}/patrol/checkins", self.check_in),
            web.post(f"{base}/patrol/links/end", self.end_links),
            web.get(f"{base}/ledger", self.ledger),
            web.get(f"{base}/health", self.health),
            web.get(f"{base}/events", self._streams.serve),
            web.get(f"{base}/evidence/{{sha256}}", self.evidence),
            web.post(f"{base}/attachments", self.attach),
        ]

    async def incidents(self, request: web.Request) -> web.Response:
        """A list, newest first; every criterion that is asked for must hold.

        ``after`` is the key of the last incident that the asker has.
        """
        limit = query.limit(request.query, 200, query.MAX_INCIDENTS)
        site, now = self._view.site(), self._view.now()
        wanted = query.wanted(request.query, now.wall)
        after = await self._after(query.optional(request.query, "after"))
        found = await self._view.search(wanted, limit, after)
        names = self._view.announced()
        return as_json([shapes.incident_json(site, each, now, names) for each in found])

    async def _after(self, key: str) -> tuple[int, str] | None:
        if not key:
            return None
        found = await self._view.incident(key)
        if found is None:
            raise ApiError(400, f"after is {key[:60]!r}; write the key of an incident")
        return found[0].opened_at, key

    async def incident(self, request: web.Request) -> web.Response:
        """One incident with ``events`` and ``messages``."""
        found = await self._view.incident(request.match_info["key"])
        if found is None:
            raise _no_incident(request)
        incident, events, rows = found
        texts = await self._view.texts(shapes.digests(events))
        site, now = self._view.site(), self._view.now()
        answer = shapes.incident_json(site, incident, now, self._view.announced())
        answer["events"] = [shapes.event_json(site, event, texts) for event in events]
        answer["messages"] = [shapes.message_json(site, row, now) for row in rows]
        return as_json(answer)

    async def act(self, request: web.Request) -> web.Response:
        """What a person does with it; 409 with the reason in both languages when impossible."""
        _check_json(request)
        key, verb = request.match_info["key"], request.match_info["verb"]
        deed = query.act(verb, await request.read())
        found = await self._view.incident(key)
        if found is None:
            raise _no_incident(request)
        if deed.person not in self._view.site().people and deed.person != found[0].owner:
            raise ApiError(400, f"nobody in the registry has the id {deed.person!r}")
        try:
            done = await self._view.act(key, deed)
        except ActRefused as refusal:
            return _refused(refusal)
        return self._shown(done)

    async def report(self, request: web.Request) -> web.Response:
        """Open an incident by hand: 201 with it, or 409 with the reason in both languages."""
        _check_json(request)
        asked = query.new_incident(await request.read(), self._view.patrol_points())
        try:
            return self._shown(await self._view.report(asked), 201)
        except ActRefused as refusal:
            return _refused(refusal)

    def _shown(self, incident: Incident, status: int = 200) -> web.Response:
        view = self._view
        found = shapes.incident_json(view.site(), incident, view.now(), view.announced())
        return as_json(found, status=status)

    async def devices(self, _request: web.Request) -> web.Response:
        """Every device with its newest values."""
        view = self._view
        known = shapes.Heard(view.latest(), view.heard(), view.announced())
        return as_json(shapes.devices_json(view.site(), known, view.now()))

    async def people(self, request: web.Request) -> web.Response:
        """Who can receive, close and arm; the duty officer where the registry names nobody.

        304 for who knows them already: every page asks for a district's 4,000 every few seconds.
        """
        site = self._view.site()
        if self._staff is None or self._staff.site is not site:
            self._staff = await asyncio.to_thread(_staff, site, self._view.duty())
        kept = self._staff
        if kept.tag == request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers={"ETag": kept.tag})
        return as_json(msgspec.Raw(kept.body), headers={"ETag": kept.tag})

    async def readings(self, request: web.Request) -> web.Response:
        """The readings of one device, oldest first."""
        device = query.name(request.query, "device")
        since = query.since(request.query, self._view.now().wall)
        limit = query.limit(request.query, 1_000, query.MAX_READINGS)
        found = await self._view.readings(device, since, limit)
        return as_json([shapes.reading_json(reading) for reading in found])

    async def arming(self, request: web.Request) -> web.Response:
        """How every place is armed now, a place before what lies in it.

        304 for who knows it already: a district's places are 4 MB, asked for every few seconds.
        """
        return await self._armed(request.headers.get("If-None-Match", ""))

    async def _armed(self, known: str = "") -> web.Response:
        view = self._view
        titles = await view.plan_titles()
        async with self._making:
            rows, site, duty = await view.modes(), view.site(), view.duty()
            kept = self._places
            if kept.site is not site or kept.rows != rows or kept.titles != titles:
                body = await asyncio.to_thread(_arming, site, rows, titles, duty)
                kept = self._places = _Places(rows, site, titles, body, _tag(body))
        if kept.tag == known:
            return web.Response(status=304, headers={"ETag": kept.tag})
        return as_json(msgspec.Raw(kept.body), headers={"ETag": kept.tag})

    async def arm(self, request: web.Request) -> web.Response:
        """Set a place to a mode; the answer is how every place is armed then."""
        _check_json(request)
        asked, span = query.arm(await request.read())
        view = self._view
        site = view.site()
        if asked.person not in (site.people or {view.duty().id}):
            message = f"nobody in the registry has the id {asked.person[:60]!r}"
            raise ApiError(400, message, "名单上没有此人。")
        if asked.place and asked.place not in site.places:
            raise ApiError(404, f"there is no place {asked.place[:60]!r}", "没有这个地点。")
        until = view.now().wall + span if span else 0
        try:
            await view.arm(asked.place, asked.mode, f"person:{asked.person}", until)
        except ActRefused as refusal:
            return _refused(refusal)
        return await self._armed()

    async def rules(self, _request: web.Request) -> web.Response:
        """The rules in force, with counters."""
        return as_json(self._rules())

    def _rules(self) -> shapes.Json:
        view = self._view
        return shapes.rules_json(view.rules_edition(), view.rules_report(), self._chinese)

    async def reload_rules(self, request: web.Request) -> web.Response:
        """Read the rule files again; ``faults`` of the answer say why they were not taken."""
        _check_json(request)
        outcome = await self._view.reload_rules()
        faults = shapes.problems_json(outcome.problems, self._chinese)
        return as_json(self._rules() | {"ok": outcome.ok, "faults": faults})

    async def hazards(self, request: web.Request) -> web.Response:
        """The hazard register, the oldest first, and how many are open in each grid."""
        view = self._view
        now, asked = view.now(), request.query
        since = query.since(asked, now.wall) if "since" in asked else None
        place = query.name(asked, "place") if "place" in asked else ""
        most = query.limit(asked, MOST_HAZARDS, MOST_HAZARDS)
        found = within(await view.hazards(since), view.site(), place)
        return as_json(hazards_json(view.site(), found, now, view.announced(), most))

    async def patrol(self, request: web.Request) -> web.Response:
        """Who was at which point in which round of a day, and what was missed."""
        view = self._view
        day = query.day(request.query, view.today())
        most = query.limit(request.query, MOST_POINTS, MOST_POINTS)
        found = await view.patrol(day)
        return as_json(patrol_json(view.site(), day, found, view.now(), most))

    async def check_in(self, request: web.Request) -> web.Response:
        """Somebody is at a point."""
        _check_json(request)
        asked = query.check_in(await request.read())
        try:
            done = await self._view.check_in(asked.point, asked.person, asked.position)
        except ActRefused as refusal:
            return _refused(refusal)
        return as_json(checkin_json(self._view.site(), done))

    async def end_links(self, request: web.Request) -> web.Response:
        """Somebody's links to rounds open nothing any more."""
        _check_json(request)
        person = query.end_links(await request.read())
        try:
            await self._view.end_links(person)
        except ActRefused as refusal:
            return _refused(refusal)
        return as_json([{"person": person}])

    async def ledger(self, _request: web.Request) -> web.Response:
        """Where every reading went."""
        return as_json(await self._view.ledger())

    async def health(self, _request: web.Request) -> web.Response:
        """200 when all is well, else 503 with the same body."""
        health, telling = self._view.health(), None
        with suppress(Unavailable):
            telling = await self._view.telling()
        return as_json(shapes.health_json(health, telling), status=200 if health["ok"] else 503)

    async def evidence(self, request: web.Request) -> web.StreamResponse:
        """A snapshot or a clip. Only a SHA-256 is ever looked up, so no path can be asked for."""
        digest = request.match_info["sha256"]
        path = self._view.evidence(digest) if _SHA256.fullmatch(digest) else None
        media = await asyncio.to_thread(media_type, path) if path is not None else None
        if path is None or media is None:
            raise ApiError(404, "there is no such snapshot, or it has been deleted")
        return web.FileResponse(path, headers=headers(media))

    async def attach(self, request: web.Request) -> web.Response:
        """Take a file as the body, bit by bit; the answer names it by its SHA-256.

        What the sender calls it counts for nothing. A form of another site has no Content-Type of
        ours, and its Origin gives it away.
        """
        if request.content_type not in _ATTACHABLE:
            raise ApiError(415, f"send Content-Type: {' or '.join(_ATTACHABLE)}")
        try:
            async with asyncio.timeout(_UPLOAD_WITHIN):
                done = await self._view.attach(request.content.iter_chunked(_BLOCK))
        except TimeoutError:
            raise ApiError(408, f"the file did not come within {_UPLOAD_WITHIN:g} s") from None
        except AttachRefused as refusal:
            raise ApiError(400, refusal.text.en, refusal.text.zh) from None
        answer = {"sha256": done.sha256, "media_type": done.media_type, "size": done.size}
        return as_json(answer, status=201)


class _Places(NamedTuple):
    """The newest answer about arming, and what it was made of."""

    rows: Sequence[ModeRow]
    site: Site
    titles: Mapping[str, Text]
    body: bytes
    tag: str


class _Staff(NamedTuple):
    """The newest answer about people, and the picture that it was made of."""

    site: Site
    body: bytes
    tag: str


def _staff(site: Site, duty: Person) -> _Staff:
    people = [shapes.person_json(site, person) for person in site.people.values()]
    body = msgspec.json.encode(people or [shapes.duty_json(duty)])
    return _Staff(site, body, _tag(body))


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _arming(site: Site, rows: Sequence[ModeRow], titles: Mapping[str, Text], duty: Person) -> bytes:
    """Runs beside the loop: 1,400 grids with their buildings take 0.2 s."""
    return msgspec.json.encode(arming_json(site, rows, titles, duty))


def _check_json(request: web.Request) -> None:
    """A form of another site can send other types without asking first; JSON it can not."""
    if request.content_type != "application/json":
        raise ApiError(415, "send Content-Type: application/json")


def _refused(refusal: ActRefused) -> web.Response:
    text = refusal.text
    return as_json({"error": text.en, "zh": text.zh, "en": text.en}, status=409)


def _no_incident(request: web.Request) -> ApiError:
    return ApiError(404, f"there is no incident {request.match_info['key'][:60]!r}")
