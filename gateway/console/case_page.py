"""The page behind a message's link: one case for one person, on a phone. Works without scripts.

    GET  /c/TOKEN           the case
    POST /c/TOKEN/VERB      a deed of that person (a form), then back to the case
    GET  /c/TOKEN/DIGEST    a picture or clip of the case

Whoever holds the link is that person for that case, until it expires; the rest of the console is
not reachable by it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from aiohttp import web

from gateway.console.case_shape import case_shape
from gateway.console.case_texts import TEXTS
from gateway.console.media import CLIP, media_type
from gateway.console.page import HERE
from gateway.console.view import ActRefused, View
from gateway.links import Expired, Granted, Wrong, verify
from gateway.model import Deed, Text
from gateway.ports import Unavailable

if TYPE_CHECKING:
    import jinja2

PATH: Final = "/c/"
VERBS: Final = ("receive", "handle", "close", "comment", "transfer")
_MOST_COMMENT: Final = 2_000
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class CasePage:
    """The handlers; ``key`` is what links are signed with."""

    def __init__(
        self, view: View, key: bytes, zone: str, chinese: Callable[[str], str] = str
    ) -> None:
        self._view = view
        self._key = key
        self._zone = ZoneInfo(zone)
        self._chinese = chinese
        self._templates: jinja2.Environment | None = None

    def routes(self) -> list[web.RouteDef]:
        """Every path of the page."""
        return [
            web.get(f"{PATH}{{token}}", self.show),
            web.post(f"{PATH}{{token}}/{{verb}}", self.act),
            web.get(f"{PATH}{{token}}/{{sha256}}", self.evidence),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """The case as it is now."""
        granted = await self._granted(request)
        if isinstance(granted, str):
            return await self._refusal(granted)
        return await self._case(granted, request)

    async def act(self, request: web.Request) -> web.Response:
        """What the person's form says; refused with the sentence on top of the case."""
        granted = await self._granted(request)
        if isinstance(granted, str):
            return await self._refusal(granted)
        form = await _form(request)
        verb = request.match_info["verb"]
        deed = _deed(verb, granted.person, form) if form is not None else None
        if deed is None:
            return await self._case(granted, request, TEXTS["incomplete"], 400)
        try:
            await self._view.act(granted.incident, deed)
        except ActRefused as refusal:
            return await self._case(granted, request, refusal.text, 409)
        except Unavailable as error:
            return await self._case(granted, request, self._not_now(error), 503)
        raise web.HTTPSeeOther(f"{PATH}{request.match_info['token']}")

    async def evidence(self, request: web.Request) -> web.StreamResponse:
        """A picture or clip of this case, and of no other."""
        granted = await self._granted(request)
        digest = request.match_info["sha256"]
        if isinstance(granted, str) or not _SHA256.fullmatch(digest):
            return await self._refusal("wrong")
        found = await self._view.incident(granted.incident)
        path = self._view.evidence(digest) if found and digest in found[0].evidence else None
        media = await asyncio.to_thread(media_type, path) if path is not None else None
        if path is None or media is None:
            return await self._refusal("gone")
        headers = {"Content-Type": media, "Content-Security-Policy": "default-src 'none'; sandbox"}
        if not media.startswith("image/") and media != CLIP:
            headers["Content-Disposition"] = "attachment"
        return web.FileResponse(path, headers=headers)

    async def _granted(self, request: web.Request) -> Granted | str:
        """What the link grants, or which page says why it does not."""
        try:
            granted = verify(self._key, request.match_info["token"], self._view.now().wall)
        except Wrong:
            return "wrong"
        except Expired:
            return "expired"
        people = self._view.site().people
        if granted.person not in people and granted.person != self._view.duty().id:
            return "left"
        if granted.until:
            return granted
        try:  # made without a clock: good while the case is open
            found = await self._view.incident(granted.incident)
        except Unavailable:
            return "later"
        return granted if found is None or found[0].deadline else "expired"

    async def _case(
        self, granted: Granted, request: web.Request, said: Text | None = None, status: int = 200
    ) -> web.Response:
        try:
            found = await self._view.incident(granted.incident)
        except Unavailable as error:
            return await self._refusal("later", self._not_now(error))
        if found is None:
            return await self._refusal("gone")
        incident, events, _ = found
        site = self._view.site()
        person = site.people.get(granted.person, self._view.duty())
        now = self._view.now()
        facts = case_shape(incident, events, site, person, now, self._zone, self._view.announced())
        facts["pictures"] = await asyncio.to_thread(self._kinds, incident.evidence)
        here = f"{PATH}{request.match_info['token']}"
        return await self._page("case.html", person.language, status, said, here=here, **facts)

    def _kinds(self, digests: Sequence[str]) -> list[tuple[str, str]]:
        """(digest, ``image`` or ``video``) of those that are still kept."""
        paths = ((digest, self._view.evidence(digest)) for digest in digests)
        media = ((digest, media_type(path) or "") for digest, path in paths if path is not None)
        found = ((digest, kind.partition("/")[0]) for digest, kind in media)
        return [(digest, kind) for digest, kind in found if kind in ("image", "video")]

    async def _refusal(self, which: str, said: Text | None = None) -> web.Response:
        status = {"wrong": 404, "gone": 404, "expired": 410, "left": 403, "later": 503}[which]
        return await self._page("case_refused.html", "zh", status, said, which=which)

    async def _page(
        self, name: str, language: str, status: int, said: Text | None, **facts: Any
    ) -> web.Response:
        if self._templates is None:  # jinja2 is imported for whoever looks first
            self._templates = await asyncio.to_thread(_load, HERE / "templates")
        language = "en" if language == "en" else "zh"

        def text(key: str, /, **holes: object) -> str:
            return TEXTS[key].say(language).format(**holes)

        html = self._templates.get_template(name).render(
            t=text, both=TEXTS, language=language, said=said.say(language) if said else "", **facts
        )
        return web.Response(
            text=html, status=status, content_type="text/html",
            headers={"X-Robots-Tag": "noindex, nofollow"},
        )  # fmt: skip

    def _not_now(self, error: Unavailable) -> Text:
        del error  # its words are for the operator
        return TEXTS["later"]


async def _form(request: web.Request) -> Mapping[str, Any] | None:
    """What the page's own forms send; None for anything else."""
    if request.content_type != "application/x-www-form-urlencoded":
        return None
    try:
        return await request.post()
    except (UnicodeDecodeError, LookupError):  # of bytes, or of a charset that there is not
        return None


def _deed(verb: str, person: str, form: Mapping[str, Any]) -> Deed | None:
    """The form as a deed; None when something is missing or is no text."""
    names = ("outcome", "cause", "comment", "to")
    words = {name: form.get(name, "") for name in names}
    if verb not in VERBS or not all(isinstance(word, str) for word in words.values()):
        return None
    if any(len(word) > _MOST_COMMENT for word in words.values()):
        return None
    if verb in ("comment", "transfer") and not words["comment"].strip():
        return None
    if (verb == "close" and not words["outcome"]) or (verb == "transfer" and not words["to"]):
        return None
    if words["outcome"] != "false_alarm":
        words["cause"] = ""
    return Deed(verb=verb, person=person, **words)


def _load(folder: Path) -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(loader=jinja2.FileSystemLoader(folder), autoescape=True)
