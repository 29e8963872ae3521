"""The registry by hand: rows of its tables, one changed at a time, and who changed what.

The only place of the API that shows telephone numbers: those who change them must see them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from aiohttp import web

from gateway.console import query
from gateway.console.guard import as_json
from gateway.console.query import ApiError
from gateway.console.shapes import Json, iso, person_name, place_name
from gateway.model import Site, Text
from gateway.registry import forms
from gateway.registry.hand import REMOVE, ROW, VERBS, Edit, Edited, Fault, Faults
from gateway.registry.lookup import Wish, rows

MOST: Final = 200
"""Rows of one answer."""
_USUAL: Final = 50
EDITIONS: Final = 10
"""The newest ones, which are shown."""
_AT_ONCE: Final = 2
"""Tables that are looked through in threads at a time."""
_LONGEST: Final = 200
_LONGEST_CELL: Final = 8_000
_MOST_CELLS: Final = 40
_MOST_FAULTS: Final = 100
_BY: Final = {
    "clock": Text("到期自动结束", "ended by itself"),
    "files": Text("登记表文件", "the registry's files"),
}
_IN_FILES: Final = Text(
    "登记表以配置文件 registry 部分所列的文件为准，不能在这里修改；请修改那些文件。",
    "The files of the configuration's section registry are the registry; change those, not this.",
)


class Newest(NamedTuple):
    """One edition of the registry."""

    number: int
    wall: int
    by: str
    counts: dict[str, tuple[int, int, int]]
    """Table -> rows added, changed, gone."""
    ids: list[tuple[str, str]]
    """Table and id of the first rows that it changed."""


class HandView(Protocol):
    """What is asked of the program about the registry."""

    def in_files(self) -> bool:
        """Whether it is in files, which nobody may change from here."""

    async def edit(self, edit: Edit, edition: int, by: str, *, dry: bool) -> Edited | None:
        """Change one row of ``edition``; None: there is a newer one. ``dry``: only look.

        Raises ``Faults`` and ``Unavailable``: then nothing has changed.
        """

    async def newest(self, limit: int, after: int = 0) -> Sequence[Newest]:
        """The editions after number ``after``, the newest ``limit`` first."""


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request to change a row."""

    by: str
    edition: int
    change: str = ROW
    key: str = ""
    row: dict[str, str] = {}
    dry: bool = False


class HandApi:
    """The handlers over one view; ``chinese`` translates what is wrong with a row."""

    def __init__(
        self, view: HandView, site: Callable[[], Site], chinese: Callable[[str], str]
    ) -> None:
        self._view = view
        self._site = site
        self._chinese = chinese
        self._looking = asyncio.Semaphore(_AT_ONCE)

    def routes(self) -> list[web.RouteDef]:
        """Every path of it."""
        return [
            web.get("/api/v1/registry", self.editions),
            web.get("/api/v1/registry/{table}", self.rows),
            web.post("/api/v1/registry/{table}", self.edit),
        ]

    async def editions(self, _request: web.Request) -> web.Response:
        """Which edition counts, and the last ones."""
        site = self._site()
        found = await self._view.newest(EDITIONS)
        answer = {"edition": site.version, "in_files": self._view.in_files()}
        return as_json(answer | {"editions": [edition_json(site, each) for each in found]})

    async def rows(self, request: web.Request) -> web.Response:
        """Rows of a table as its own columns, with the edition that they are of."""
        table = _table(request)
        most = query.limit(request.query, _USUAL, MOST)
        wish = Wish(*(query.optional(request.query, name) for name in ("text", "place")))
        site = self._site()
        async with self._looking:
            found, shown = await asyncio.to_thread(rows, site, table, wish, most)
        return as_json(
            {
                "table": table,
                "edition": site.version,
                "in_files": self._view.in_files(),
                "verbs": list(VERBS[table]),
                "columns": [column_json(each) for each in forms.columns(table)],
                "found": found,
                "rows": [
                    {"key": key, "row": cells, "place_name": _where(site, cells)}
                    for key, cells in shown.items()
                ],
            }
        )

    async def edit(self, request: web.Request) -> web.Response:
        """Change a row, or only look: ``faults`` if it is wrong; 409 if somebody was faster."""
        table = _table(request)
        if request.content_type != "application/json":
            raise ApiError(415, "send Content-Type: application/json")
        asked = _asked(await request.read())
        if asked.change not in (ROW, REMOVE, *VERBS[table]):
            raise ApiError(400, f"change is {asked.change[:40]!r}; that is nothing for {table}")
        if self._view.in_files():
            return _refused(_IN_FILES)
        edit = Edit(table, asked.change, asked.key, asked.row)
        try:
            made = await self._view.edit(edit, asked.edition, asked.by.strip(), dry=asked.dry)
        except Faults as error:
            faults = [self._fault_json(each) for each in error.faults[:_MOST_FAULTS]]
            return as_json({"ok": False, "edition": 0, "faults": faults, "changes": []})
        if made is None:
            return await self._overtaken(asked.edition)
        done = not (asked.dry or made.changes.nothing)
        return as_json(
            {
                "ok": True,
                "edition": self._site().version if done else 0,
                "faults": [],
                "changes": [each._asdict() for each in made.rows],
                "counts": {table: each._asdict() for table, each in made.changes.counts.items()},
            }
        )

    def _fault_json(self, fault: Fault) -> Json:
        said = {"zh": self._chinese(fault.message), "en": fault.message}
        return {"key": fault.key, "column": fault.column} | said

    async def _overtaken(self, edition: int) -> web.Response:
        """Who changed what since ``edition``."""
        site = self._site()
        since = [edition_json(site, each) for each in await self._view.newest(EDITIONS, edition)]
        whats = [(each["by_name"], each["by_name_en"], _what(each)) for each in since]
        zh = "；".join(f"{who}：{what}" for who, _, what in whats) or "编号已变"
        en = "; ".join(f"{who}: {what}" for _, who, what in whats) or "its number is another one"
        text = Text(
            f"打开表单以后登记表已有改动（{zh}）。请核对后再提交。",
            f"The registry has changed since the form was opened ({en}). Look again, then send it.",
        )
        return _refused(text, edition=site.version, editions=since)


def column_json(column: forms.Column) -> Json:
    """One field of a form."""
    hint = column.hint
    return {
        "name": column.name,
        "label": column.label.zh,
        "label_en": column.label.en,
        "required": column.required,
        "longest": column.longest,
        "hint": hint.zh if hint else "",
        "hint_en": hint.en if hint else "",
        "words": [
            {"value": value, "label": text.zh, "label_en": text.en}
            for value, text in column.words.items()
        ],
    }


def edition_json(site: Site, newest: Newest) -> Json:
    """One edition; ``rows`` are the first that it changed."""
    by = _BY.get(newest.by)
    name = person_name(site, newest.by.removeprefix("person:"))
    return {
        "number": newest.number,
        "at": iso(newest.wall),
        "by": newest.by,
        "by_name": by.zh if by else name,
        "by_name_en": by.en if by else name,
        "counts": {
            table: dict(zip(("added", "changed", "retired"), counts, strict=True))
            for table, counts in newest.counts.items()
        },
        "rows": [{"table": t, "id": id_, "name": _name(site, t, id_)} for t, id_ in newest.ids],
    }


def _name(site: Site, table: str, id_: str) -> str:
    """What people call a row; "" for one that is there no more, or has no name."""
    known: Any
    match table:
        case "places" | "borders":
            known = site.places.get(id_)
        case "rosters":
            known = site.places.get(id_.partition(" ")[0])
        case "devices":
            known = site.devices.get(id_)
        case "people":
            known = site.people.get(id_)
        case _:
            known = None
    return known.name if known is not None else ""


def _what(edition: Json) -> str:
    return ", ".join(row["name"] or row["id"] for row in edition["rows"]) or "…"


def _where(site: Site, cells: dict[str, str]) -> str:
    """The path of the row's place, or of the place that the row is."""
    code = cells.get("place") or cells.get("grid", "").partition(";")[0] or cells.get("code", "")
    return place_name(site, code) if code else ""


def _table(request: web.Request) -> str:
    table = request.match_info["table"]
    if table not in VERBS:
        raise ApiError(404, f"there is no table {table[:40]!r}; there are {', '.join(VERBS)}")
    return table


def _asked(body: bytes) -> _Asked:
    try:
        asked = msgspec.json.decode(body, type=_Asked)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        words = "{by, edition, change, key, row, dry}"
        raise ApiError(400, f"the body must be {words}: {error}") from None
    if not 0 < len(asked.by.strip()) <= _LONGEST or not asked.by.isprintable():
        raise ApiError(400, "by must say who changes it", "没有说明由谁修改。")
    if len(asked.key) > _LONGEST or len(asked.row) > _MOST_CELLS:
        raise ApiError(400, "the key or the row is too long")
    if any(len(cell) > _LONGEST_CELL for cell in asked.row.values()):
        raise ApiError(400, "a cell is too long", "有一格内容过长。")
    return asked


def _refused(text: Text, **more: Any) -> web.Response:
    return as_json({"error": text.en, "zh": text.zh, "en": text.en} | more, status=409)
