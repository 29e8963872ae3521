"""The page for rounds: one person's points on a phone. Works without scripts.

    GET  /p/TOKEN           this person's points: of the round that is due, and of today's others
    POST /p/TOKEN/checkin   "I am here" (a form), then back to the page
    POST /p/TOKEN/hazard    what was seen there, a photo perhaps: a case in the hazard register

Whoever holds the link is that person for that person's own points, until it expires, somebody
ends it, or the person leaves the registry; no case and nothing of the console is reachable by it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

from aiohttp import web

from gateway.console.pace import Pace
from gateway.console.patrol_shape import local, patrol_shape
from gateway.console.patrol_texts import TEXTS
from gateway.console.phone_forms import PhoneForms
from gateway.console.phone_pages import PhonePages
from gateway.console.view import ActRefused, PatrolWalk, View
from gateway.incidents.deeds import Report
from gateway.links import Ended, Expired, Wrong, verify_patrol
from gateway.model import Category, Deed, Person, Point, Severity, Text
from gateway.ports import Unavailable

PATH: Final = "/p/"
SEVERITIES: Final = (Severity.notice, Severity.warning, Severity.alarm)
MOST_CHECKINS: Final = 300
"""Of one person in an hour."""
MOST_HAZARDS: Final = 20
"""Of one person in an hour: each of them rings somebody."""
_MOST_TITLE: Final = 100
_MOST_MORE: Final = 2_000
_ONCE: Final = re.compile(r"[0-9a-f]{32}")
_KEY: Final = re.compile(r"H[0-9]{8}-[0-9]{1,9}")


class _Walker(NamedTuple):
    """Who asks."""

    person: Person
    token: str
    until: int
    """Wall ns."""


class PatrolPage:
    """The handlers; ``key`` is what links are signed with."""

    def __init__(self, view: View, key: bytes, zone: str, forms: PhoneForms) -> None:
        self._view = view
        self._key = key
        self._zone = ZoneInfo(zone)
        self._forms = forms
        self._pages = PhonePages(TEXTS)
        self._checkins = Pace(MOST_CHECKINS, MOST_CHECKINS)
        self._hazards = Pace(MOST_HAZARDS, MOST_HAZARDS)

    def routes(self) -> list[web.RouteDef]:
        """Every path of the page."""
        return [
            web.get(f"{PATH}{{token}}", self.show),
            web.post(f"{PATH}{{token}}/checkin", self.check_in),
            web.post(f"{PATH}{{token}}/hazard", self.hazard),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """The points as they are now, and what became of the deed before."""
        walker = await self._walker(request)
        if isinstance(walker, str):
            return await self._pages.refusal(walker)
        done, hazard = request.query.get("done", ""), request.query.get("hazard", "")
        key = "hazard.no_photo" if "photo" in request.query else "hazard.done"
        said = _filled(key, key=hazard) if _KEY.fullmatch(hazard) else None
        point = next((each for each in self._view.patrol_points() if each.id == done), None)
        if point is not None:
            said = _filled("checked", name=point.name)
        return await self._shown(walker, said)

    async def check_in(self, request: web.Request) -> web.Response:
        """This person is at a point."""
        walker = await self._walker(request)
        if isinstance(walker, str):
            return await self._pages.refusal(walker)
        person = walker.person
        try:
            form = await self._forms.read(request, person.id)
            if form is None or not form.words.get("point"):
                return await self._shown(walker, TEXTS["incomplete"], 400)
            walk = await self._view.walk(person.id)
            point = _own(walk, form.words["point"])
            if point is None or walk.due is None:
                return await self._shown(walker, TEXTS["not_now" if point else "not_yours"], 409)
            with self._checkins.one(person.id, self._view.now().arrival) as may:
                if not may:
                    return await self._shown(walker, TEXTS["too_often"], 429)
                await self._view.check_in(point.id, person.id, _position(form.words))
        except ActRefused as refusal:
            return await self._shown(walker, refusal.text, 409)
        except Unavailable:  # its words are for the operator
            return await self._shown(walker, TEXTS["later"], 503)
        raise web.HTTPSeeOther(f"{PATH}{walker.token}?done={quote(point.id, safe='')}")

    async def hazard(self, request: web.Request) -> web.Response:
        """A hazard that this person sees: a case of the register."""
        walker = await self._walker(request)
        if isinstance(walker, str):
            return await self._pages.refusal(walker)
        person = walker.person
        try:
            form = await self._forms.read(request, person.id)
            if form is not None and form.refused is not None:
                return await self._shown(walker, form.refused, 400)
            report = None
            if form is not None:
                report = _report(form.words, person, await self._view.walk(person.id))
            if form is None or report is None:
                return await self._shown(walker, TEXTS["incomplete"], 400)
            with self._hazards.one(person.id, self._view.now().arrival) as may:
                if not may:
                    return await self._shown(walker, TEXTS["too_often"], 429)
                opened = await self._view.report(report)
        except ActRefused as refusal:
            return await self._shown(walker, refusal.text, 409)
        except Unavailable:
            return await self._shown(walker, TEXTS["later"], 503)
        kept = await self._attached(opened.key, person.id, form.files)
        raise web.HTTPSeeOther(
            f"{PATH}{walker.token}?hazard={opened.key}{'' if kept else '&photo=0'}"
        )

    async def _attached(self, key: str, person: str, files: tuple[str, ...]) -> bool:
        """Whether the pictures are with the case; it stands without them, too."""
        try:
            for digest in files:
                await self._view.act(key, Deed("attach", person, attachment=digest))
        except (ActRefused, Unavailable):
            return False
        return True

    async def _walker(self, request: web.Request) -> _Walker | str:
        """Whose link it is, or which page says why it opens nothing."""
        token = request.match_info["token"]
        try:
            ended = await self._view.links_ended()
            found = verify_patrol(self._key, token, self._view.now().wall, ended)
        except Wrong:
            return "wrong"
        except Expired:
            return "expired"
        except Ended:
            return "ended"
        except Unavailable:
            return "later"
        person = self._view.site().people.get(found.person)
        return _Walker(person, token, found.until) if person is not None else "left"

    async def _shown(
        self, walker: _Walker, said: Text | None = None, status: int = 200
    ) -> web.Response:
        person = walker.person
        try:
            walk = await self._view.walk(person.id)
        except Unavailable:
            return await self._pages.refusal("later")
        wall = self._view.now().wall
        facts = patrol_shape(walk, self._view.site(), person, wall, self._zone)
        return await self._pages.show(
            "patrol.html", person.language, status, said,
            here=f"{PATH}{walker.token}", once=secrets.token_hex(16),
            severities=[each.value for each in SEVERITIES],
            ends=local(walker.until, self._zone, "%Y-%m-%d %H:%M"), **facts,
        )  # fmt: skip


def _own(walk: PatrolWalk, point: str) -> Point | None:
    """The point with this id, if the person has it."""
    return next((line.point for line in walk.lines if line.point.id == point), None)


def _position(words: Mapping[str, str]) -> tuple[float, float] | None:
    """The phone's, in degrees; None for what is none."""
    try:
        latitude, longitude = float(words["latitude"]), float(words["longitude"])
    except (KeyError, ValueError):
        return None
    inside = abs(latitude) <= 90 and abs(longitude) <= 180
    return (latitude, longitude) if inside else None


def _report(words: Mapping[str, str], person: Person, walk: PatrolWalk) -> Report | None:
    """The form as a report; None when something is missing or too long."""
    what, more = (words.get(name, "").strip() for name in ("what", "more"))
    severity, at = words.get("severity", ""), words.get("point", "")
    point = _own(walk, at)
    if not 0 < len(what) <= _MOST_TITLE or len(more) > _MOST_MORE or (at and point is None):
        return None
    if severity not in SEVERITIES:
        return None
    why = f"{point.name}:{more or what}" if point is not None else more or what
    once = words.get("once", "")
    return Report(
        title=Text(what, what),
        why=Text(why, why),
        category=Category.facility,
        severity=Severity(severity),
        place=point.place if point is not None else person.grid,
        person=person.id,
        point=point.id if point is not None else "",
        same=f"form:{once}" if _ONCE.fullmatch(once) else "",  # sent again, it is the same one
        hazard=True,
    )


def _filled(key: str, /, **holes: str) -> Text:
    text = TEXTS[key]
    return Text(text.zh.format(**holes), text.en.format(**holes))
