"""The one live page: its shell in the reader's language; the rest is filled in by ``static/``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from aiohttp import web

from gateway.console.texts import LANGUAGES, TEXTS, texts_in
from gateway.console.view import View
from gateway.model import Category

if TYPE_CHECKING:
    import jinja2

HERE: Final = Path(__file__).parent
_COOKIE: Final = "gridwarden_lang"
_A_YEAR: Final = 365 * 86_400


class Parts(NamedTuple):
    """Which parts of the page there are."""

    telling: bool
    """Silences and held messages."""
    hand: bool
    """The registry, by hand."""


class Page:
    """The handler; ``language`` is for those who have not chosen, ``zone`` for all times."""

    def __init__(self, view: View, language: str, zone: str, parts: Parts) -> None:
        self._view = view
        self._language = language
        self._zone = zone
        self._parts = parts
        self._template: jinja2.Template | None = None

    async def _loaded(self) -> jinja2.Template:
        """The template; jinja2 is imported for whoever looks first: 2 MB that many never need."""
        if self._template is None:
            self._template = await asyncio.to_thread(_load)
        return self._template

    async def handle(self, request: web.Request) -> web.Response:
        """``GET /``; ``?lang=`` chooses a language and a cookie remembers it."""
        chosen = request.query.get("lang", "")
        remembered = request.cookies.get(_COOKIE, "")
        language = next((x for x in (chosen, remembered) if x in LANGUAGES), self._language)
        site = self._view.site()
        root = site.places.get(site.root())
        template = await self._loaded()
        text = template.render(
            language=language,
            zone=self._zone,
            telling=self._parts.telling,
            hand=self._parts.hand,
            other="en" if language == "zh" else "zh",
            t=lambda key: TEXTS[key].say(language),
            texts=msgspec.json.encode(texts_in(language)).decode(),
            categories=[category.value for category in Category],
            site=root.name if root is not None else "",
        )
        response = web.Response(text=text, content_type="text/html")
        if chosen in LANGUAGES:
            response.set_cookie(
                _COOKIE, chosen, max_age=_A_YEAR, httponly=True, samesite="Lax", path="/"
            )
        return response


def _load() -> jinja2.Template:
    import jinja2

    loader = jinja2.FileSystemLoader(HERE / "templates")
    return jinja2.Environment(loader=loader, autoescape=True).get_template("page.html")
