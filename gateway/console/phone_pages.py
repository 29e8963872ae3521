"""The pages for phones as HTML: a template, the words of its reader, and what is said on top."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from gateway.console.page import HERE
from gateway.model import Text

if TYPE_CHECKING:
    import jinja2

_REFUSALS: Final = {
    "wrong": 404,
    "gone": 404,
    "expired": 410,
    "ended": 410,
    "left": 403,
    "later": 503,
}
"""Why a link shows nothing -> the answer's status."""


class PhonePages:
    """``texts`` are the sentences of one kind of page."""

    def __init__(self, texts: Mapping[str, Text]) -> None:
        self._texts = texts
        self._templates: jinja2.Environment | None = None

    async def show(
        self, name: str, language: str, status: int = 200, said: Text | None = None, **facts: Any
    ) -> web.Response:
        """The template ``name``; ``said`` stands on top of it."""
        if self._templates is None:  # jinja2 is imported for whoever looks first
            self._templates = await asyncio.to_thread(_load, HERE / "templates")
        language = "en" if language == "en" else "zh"

        def text(key: str, /, **holes: object) -> str:
            return self._texts[key].say(language).format(**holes)

        html = self._templates.get_template(name).render(
            t=text, both=self._texts, language=language,
            said=said.say(language) if said else "", **facts,
        )  # fmt: skip
        return web.Response(
            text=html, status=status, content_type="text/html",
            headers={"X-Robots-Tag": "noindex, nofollow"},
        )  # fmt: skip

    async def refusal(self, which: str) -> web.Response:
        """Why a link shows nothing, and what to do, in both languages."""
        return await self.show("refused.html", "zh", _REFUSALS[which], which=which)


def _load(folder: Path) -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(loader=jinja2.FileSystemLoader(folder), autoescape=True)
