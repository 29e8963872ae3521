"""What people may see and change of the telling, under ``/api/v1/``: silences, and what is held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec
from aiohttp import web

from gateway.console.guard import as_json
from gateway.console.query import ApiError
from gateway.console.shapes import Json, iso, person_name, place_name, seconds
from gateway.console.view import ActRefused, Now
from gateway.model import OutboxRow, Silence, Site
from gateway.options import parse_duration

_MAX_NAME: Final = 200
_MAX_REASON: Final = 2_000
_MAX_ID: Final = 18
"""Digits."""


class Silencing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"span": "for"}):
    """The body of a request to silence something."""

    person: str
    because: str
    span: str
    """How long, like ``2h``."""
    begin: str = ""
    """From when on, like ``30m``; "": now."""
    place: str = ""
    device: str = ""
    rule: str = ""
    category: str = ""


class TellingView(Protocol):
    """What is asked of the program about telling people."""

    async def silences(self) -> Sequence[Silence]:
        """Those that stand or are to come, and the newest that are over; the newest first."""

    async def silence(self, asked: Silencing, begin: float, last: float) -> None:
        """Begin in ``begin`` seconds, for ``last``. Raises ``ActRefused`` and ``Unavailable``."""

    async def end_silence(self, id_: int, person: str) -> None:
        """End it now. Raises ``ActRefused`` and ``Unavailable``."""

    async def held(self) -> Sequence[OutboxRow]:
        """Messages that wait though nothing failed, the first due first."""


class TellingApi:
    """The handlers over one view."""

    def __init__(
        self, view: TellingView, site: Callable[[], Site], now: Callable[[], Now], duty: str
    ) -> None:
        self._view = view
        self._site = site
        self._now = now
        self._duty = duty

    def routes(self) -> list[web.RouteDef]:
        """Every path of it."""
        base = "/api/v1"
        return [
            web.get(f"{base}/silences", self.silences),
            web.post(f"{base}/silences", self.silence),
            web.delete(f"{base}/silences/{{id}}", self.end),
            web.get(f"{base}/held", self.held),
        ]

    async def silences(self, _request: web.Request) -> web.Response:
        """What is silenced now, will be, and lately was."""
        return as_json(await self._shown())

    async def silence(self, request: web.Request) -> web.Response:
        """Silence something; the answer is that of GET."""
        if request.content_type != "application/json":
            raise ApiError(415, "send Content-Type: application/json")
        asked = _silencing(await request.read())
        self._check_person(asked.person)
        begin = _span("begin", asked.begin) if asked.begin else 0.0
        try:
            await self._view.silence(asked, begin, _span("for", asked.span))
        except ActRefused as refusal:
            return _refused(refusal)
        return as_json(await self._shown())

    async def end(self, request: web.Request) -> web.Response:
        """End a silence before its time; ``person`` says who does."""
        given = request.match_info["id"]
        if not (given.isascii() and given.isdigit() and len(given) <= _MAX_ID):
            raise ApiError(404, "there is no such silence", "没有这条静默。")
        person = request.query.get("person", "")
        self._check_person(person)
        try:
            await self._view.end_silence(int(given), person)
        except ActRefused as refusal:
            return _refused(refusal)
        return as_json(await self._shown())

    async def held(self, _request: web.Request) -> web.Response:
        """Messages that wait: for whom, why and until when."""
        site, now = self._site(), self._now()
        return as_json([held_json(site, row, now) for row in await self._view.held()])

    async def _shown(self) -> list[Json]:
        site, now = self._site(), self._now()
        return [silence_json(site, each, now) for each in await self._view.silences()]

    def _check_person(self, person: str) -> None:
        if person not in (self._site().people or {self._duty}):
            message = f"nobody in the registry has the id {person[:60]!r}"
            raise ApiError(400, message, "名单上没有此人。")


def silence_json(site: Site, silence: Silence, now: Now) -> Json:
    """One silence; ``stands`` says whether it counts now. Times by the clock as it is now."""
    device = site.devices.get(silence.device)
    return {
        "id": silence.id,
        "place": silence.place,
        "place_name": place_name(site, silence.place) if silence.place else "",
        "device": silence.device,
        "device_name": device.name if device is not None else silence.device,
        "rule": silence.rule,
        "category": silence.category,
        "since": iso(now.wall + silence.since - now.arrival),
        "until": iso(now.wall + silence.until - now.arrival),
        "stands": silence.since <= now.arrival < silence.until,
        "over": silence.until <= now.arrival,
        "because": silence.because,
        "by": silence.by,
        "by_name": person_name(site, silence.by.removeprefix("person:")),
        "ended_by": silence.ended_by,
    }


def held_json(site: Site, row: OutboxRow, now: Now) -> Json:
    """One message that waits; ``held`` is ``storm``, ``quota`` or ``quiet``."""
    return {
        "id": row.id,
        "incident": row.incident,
        "purpose": row.purpose,
        "person": row.person,
        "name": person_name(site, row.person),
        "held": row.held,
        "why": row.detail,
        "until": iso(now.wall + row.due - now.arrival),
        "due_in": seconds(max(0, row.due - now.arrival)),
    }


def _silencing(body: bytes) -> Silencing:
    try:
        asked = msgspec.json.decode(body, type=Silencing)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        words = "{person, because, for, begin, place, device, rule, category}"
        raise ApiError(400, f"the body must be {words}: {error}") from None
    names = (asked.person, asked.place, asked.device, asked.rule, asked.category)
    if any(len(each) > _MAX_NAME for each in names) or len(asked.because) > _MAX_REASON:
        raise ApiError(400, "a name or the reason is too long")
    return asked


def _span(name: str, text: str) -> float:
    try:
        return parse_duration(text[:_MAX_NAME])
    except (ValueError, OverflowError):
        shown: Any = repr(text[:50])
        raise ApiError(400, f"{name} is {shown}; write a span like 2h or 90m") from None


def _refused(refusal: ActRefused) -> web.Response:
    text = refusal.text
    return as_json({"error": text.en, "zh": text.zh, "en": text.en}, status=409)
