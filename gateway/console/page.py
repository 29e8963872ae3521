"""The one live page: its shell in the reader's language; the rest is filled in by ``static/``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import aiohttp_jinja2
import jinja2
import msgspec
from aiohttp import web

from gateway.console.texts import LANGUAGES, TEXTS, texts_in
from gateway.console.view import View
from gateway.model import Category

HERE: Final = Path(__file__).parent
_COOKIE: Final = "gridwarden_lang"
_A_YEAR: Final = 365 * 86_400


class Page:
    """The handler; ``language`` is for those who have not chosen, ``zone`` for all times."""

    def __init__(self, view: View, language: str, zone: str) -> None:
        self._view = view
        self._language = language
        self._zone = zone

    def setup(self, app: web.Application) -> None:
        """Give the application its template loader; templates are compiled when first used."""
        loader = jinja2.FileSystemLoader(HERE / "templates")
        aiohttp_jinja2.setup(app, loader=loader, auto_reload=False, default_helpers=False)

    async def handle(self, request: web.Request) -> web.Response:
        """``GET /``; ``?lang=`` chooses a language and a cookie remembers it."""
        chosen = request.query.get("lang", "")
        remembered = request.cookies.get(_COOKIE, "")
        language = next((x for x in (chosen, remembered) if x in LANGUAGES), self._language)
        site = self._view.site()
        root = site.places.get(site.root())
        response = aiohttp_jinja2.render_template(
            "page.html",
            request,
            {
                "language": language,
                "zone": self._zone,
                "other": "en" if language == "zh" else "zh",
                "t": lambda key: TEXTS[key].say(language),
                "texts": msgspec.json.encode(texts_in(language)).decode(),
                "categories": [category.value for category in Category],
                "site": root.name if root is not None else "",
            },
        )
        if chosen in LANGUAGES:
            response.set_cookie(
                _COOKIE, chosen, max_age=_A_YEAR, httponly=True, samesite="Lax", path="/"
            )
        return response
