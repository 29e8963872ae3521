"""What a form on a phone sends: its words, and files that go to the store as they come.

A file is taken as the console takes one: its first bytes say what it is, its size is limited, and
it is on disk before the deed that names it. Whoever sends may be anybody who found a link.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Final, NamedTuple

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.console.pace import Pace
from gateway.console.view import AttachRefused, View
from gateway.model import Text

WITHIN: Final = 300.0
"""Seconds for a whole form: 20 MB at the pace of a bad telephone line."""
MOST_FILES: Final = 30
"""Of one person in an hour."""
_AT_ONCE: Final = 2
"""Files of one person: the store takes four from everybody."""
_MOST_PARTS: Final = 16
_MOST_WORDS: Final = 8_192
"""Bytes of one field: 2,000 Chinese characters and some."""
_BLOCK: Final = 65_536
_FILE: Final = "file"
_TOO_MANY: Final = Text(
    "上传过于频繁，请稍后再试，或联系值班室。",
    "Too many files in an hour; try again later, or call the desk.",
)
_TOO_SLOW: Final = Text(
    "网络太慢，文件没有传完，请重试。", "The file did not come in time; please try again."
)


class Form(NamedTuple):
    """A form as it was sent."""

    words: Mapping[str, str]
    files: tuple[str, ...] = ()
    """SHA-256 of each, as stored."""
    refused: Text | None = None
    """Why a file was not taken."""


class _NoForm(Exception):
    """What came is not what a page of ours sends."""


class PhoneForms:
    """Reads the forms of every page for phones, so that their files are counted together."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._pace = Pace(MOST_FILES, _AT_ONCE)

    async def read(self, request: web.Request, person: str) -> Form | None:
        """The form that ``person`` sent; None for what is none. Raises ``Unavailable``."""
        try:
            if request.content_type == "application/x-www-form-urlencoded":
                sent = await request.post()
                return Form({name: each for name, each in sent.items() if isinstance(each, str)})
            if request.content_type == "multipart/form-data":
                async with asyncio.timeout(WITHIN):
                    return await self._parts(request, person)
        except TimeoutError:
            return Form({}, refused=_TOO_SLOW)
        except (_NoForm, ValueError, LookupError, RuntimeError, AssertionError):
            return None  # of bytes, of a charset that there is not, of parts that are none
        except HttpProcessingError:  # of the headers of a part
            return None
        return None

    async def _parts(self, request: web.Request, person: str) -> Form:
        reader = await request.multipart()
        words: dict[str, str] = {}
        files: list[str] = []
        refused: Text | None = None
        for _ in range(_MOST_PARTS):
            part = await reader.next()
            if part is None:
                return Form(words, tuple(dict.fromkeys(files)), refused)
            if not isinstance(part, BodyPartReader) or part.name is None:
                raise _NoForm
            if part.name != _FILE:
                words[part.name] = await _words(part)
                continue
            try:
                files += await self._stored(part, person)
            except AttachRefused as refusal:  # the rest is read all the same: a browser looks
                refused = refusal.text  # at the answer only when it has sent everything
        raise _NoForm

    async def _stored(self, part: BodyPartReader, person: str) -> list[str]:
        """Nothing where nothing was chosen."""
        first = await part.read_chunk(_BLOCK)
        if not first and part.at_eof():
            return []
        with self._pace.one(person, self._view.now().arrival) as may:
            if not may:
                raise AttachRefused(_TOO_MANY)
            async with aclosing(_blocks(part, first)) as blocks:
                return [(await self._view.attach(blocks)).sha256]


async def _blocks(part: BodyPartReader, first: bytes) -> AsyncGenerator[bytes]:
    yield first
    while not part.at_eof():
        yield await part.read_chunk(_BLOCK)


async def _words(part: BodyPartReader) -> str:
    found = bytearray()
    while not part.at_eof():
        found += await part.read_chunk(_BLOCK)
        if len(found) > _MOST_WORDS:
            raise _NoForm
    return found.decode()
