"""The page behind a message's link: one case for one person, on a phone. Works without scripts.

    GET  /c/TOKEN           the case
    POST /c/TOKEN/VERB      a deed of that person (a form, files too), then back to the case
    GET  /c/TOKEN/DIGEST    a picture, clip or document of the case

Whoever holds the link is that person for that case, until it expires; the rest of the console is
not reachable by it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from aiohttp import web

from gateway.console.case_shape import case_shape
from gateway.console.case_texts import TEXTS
from gateway.console.media import headers, media_type
from gateway.console.phone_forms import Form, PhoneForms
from gateway.console.phone_pages import PhonePages
from gateway.console.view import ActRefused, View
from gateway.links import Expired, Granted, Wrong, verify
from gateway.model import Deed, Text
from gateway.ports import Unavailable

PATH: Final = "/c/"
VERBS: Final = ("receive", "handle", "close", "comment", "attach", "transfer")
_MOST_COMMENT: Final = 2_000
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class CasePage:
    """The handlers; ``key`` is what links are signed with."""

    def __init__(self, view: View, key: bytes, zone: str, forms: PhoneForms) -> None:
        self._view = view
        self._key = key
        self._zone = ZoneInfo(zone)
        self._forms = forms
        self._pages = PhonePages(TEXTS)

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
            return await self._pages.refusal(granted)
        return await self._case(granted, request)

    async def act(self, request: web.Request) -> web.Response:
        """What the person's form says; refused with the sentence on top of the case."""
        granted = await self._granted(request)
        if isinstance(granted, str):
            return await self._pages.refusal(granted)
        try:
            form = await self._forms.read(request, granted.person)
            if form is not None and form.refused is not None:
                return await self._case(granted, request, form.refused, 400)
            deeds = _deeds(request.match_info["verb"], granted.person, form)
            if not deeds:
                return await self._case(granted, request, TEXTS["incomplete"], 400)
            for deed in deeds:
                await self._view.act(granted.incident, deed)
        except ActRefused as refusal:
            return await self._case(granted, request, refusal.text, 409)
        except Unavailable:  # its words are for the operator
            return await self._case(granted, request, TEXTS["later"], 503)
        raise web.HTTPSeeOther(f"{PATH}{request.match_info['token']}")

    async def evidence(self, request: web.Request) -> web.StreamResponse:
        """A picture, clip or document of this case, and of no other."""
        granted = await self._granted(request)
        digest = request.match_info["sha256"]
        if isinstance(granted, str) or not _SHA256.fullmatch(digest):
            return await self._pages.refusal("wrong")
        found = await self._view.incident(granted.incident)
        path = self._view.evidence(digest) if found and digest in found[0].evidence else None
        media = await asyncio.to_thread(media_type, path) if path is not None else None
        if path is None or media is None:
            return await self._pages.refusal("gone")
        return web.FileResponse(path, headers=headers(media))

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
        except Unavailable:
            return await self._pages.refusal("later")
        if found is None:
            return await self._pages.refusal("gone")
        incident, events, _ = found
        site = self._view.site()
        person = site.people.get(granted.person, self._view.duty())
        now = self._view.now()
        facts = case_shape(incident, events, site, person, now, self._zone, self._view.announced())
        facts["kept"] = await asyncio.to_thread(self._kinds, incident.evidence)
        here = f"{PATH}{request.match_info['token']}"
        return await self._pages.show(
            "case.html", person.language, status, said, here=here, **facts
        )

    def _kinds(self, digests: Sequence[str]) -> dict[str, str]:
        """Digest -> ``image``, ``video`` or another word, of those that are still kept."""
        paths = ((digest, self._view.evidence(digest)) for digest in digests)
        media = ((digest, media_type(path) or "") for digest, path in paths if path is not None)
        return {digest: kind.partition("/")[0] for digest, kind in media if kind}


def _deeds(verb: str, person: str, form: Form | None) -> list[Deed]:
    """The form as deeds, the files that go along first; none when something is missing."""
    if form is None or verb not in VERBS:
        return []
    names = ("outcome", "cause", "comment", "to")
    words = {name: form.words.get(name, "") for name in names}
    if any(len(word) > _MOST_COMMENT for word in words.values()):
        return []
    if verb in ("comment", "transfer") and not words["comment"].strip():
        return []
    if (verb == "close" and not words["outcome"]) or (verb == "transfer" and not words["to"]):
        return []
    if words["outcome"] != "false_alarm":
        words["cause"] = ""
    comment = words["comment"] if verb == "attach" else ""
    files = [
        Deed("attach", person, attachment=digest, comment=comment if number == 0 else "")
        for number, digest in enumerate(form.files)
    ]
    if verb == "attach":
        return files
    return [
        *files,
        Deed(
            verb,
            person,
            outcome=words["outcome"],
            cause=words["cause"],
            comment=words["comment"],
            to=words["to"],
        ),
    ]
