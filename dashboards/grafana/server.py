"""Grafana's HTTP API, as far as pushing needs it.

Every call returns what Grafana stored or raises ``Trouble`` with one sentence. Works with
Grafana 11.6 and newer. Version histories are read in both forms that were seen there: a list, as
the reference says, and a list in an object.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, TypeVar
from urllib.parse import quote, urlsplit

from dashboards.grafana.client import Client
from dashboards.grafana.trouble import Away, Declined, foreign, refusal
from gateway.model import Text
from gateway.web import check_url, one_line, origin

_T = TypeVar("_T")
Json = dict[str, Any]

PATIENCE: Final = 20.0
"""Seconds: Grafana on a small machine takes a few to save a large dashboard."""
OLDEST: Final = (11, 6)
"""The dashboards use the panels of this version."""
TAG: Final = "gridwarden"
"""Every dashboard of ours has it: what is no longer in the set is found again by it."""
OURS: Final = re.compile(r"gridwarden (?P<digest>[0-9a-f]{20})")
"""What our saves are called."""
_LOOKED_BACK: Final = 20
"""Saves: as many as Grafana keeps unless it is told otherwise."""
_MOST_FOUND: Final = 5_000
"""Search results: Grafana gives no more in one answer."""


class Stored(NamedTuple):
    """A dashboard as Grafana has it."""

    uid: str
    title: str
    version: int
    folder: str
    """Uid of its folder; "" for none."""
    message: str
    """What the save was called that it comes from: ours says so, a person's does not."""
    provisioned: bool
    """It comes from a file of Grafana's, which alone can change it."""


class Server:
    """One Grafana. ``with Server(…) as grafana``; nothing is sent before a method is called."""

    def __init__(
        self, url: str, token: str, timeout: float = PATIENCE, ca: Path | None = None
    ) -> None:
        """``ca``: a file with whose certificates are believed, None for whom the system believes.

        ValueError for a URL that is none, or a token that no header can carry.
        """
        self.url = check_url(url).rstrip("/")
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ValueError("this is no token: one word of letters and digits is expected")
        self._where = origin(url)
        self._client = Client(self._where + urlsplit(self.url).path.rstrip("/"), token, timeout, ca)

    def __enter__(self) -> Self:
        self._client.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.__exit__(kind, error, trace)

    def __repr__(self) -> str:
        return f"Server({self._where})"

    # --- what Grafana is ------------------------------------------------------------------

    def version(self) -> str:
        """Like ``11.4.0``. ``Declined`` when it is too old or its own database is away."""
        what = Text("说明自己的状态", "tell how it is")
        found = self._asked(what, dict, "GET", "/health")
        version = str(found.get("version", ""))
        if found.get("database") != "ok":
            raise Away(
                Text("Grafana 自己的数据库有故障;请看它的日志",
                     "Grafana's own database is ill; look at its log")
            )  # fmt: skip
        number = re.match(r"(\d+)\.(\d+)", version)
        if number is not None and (int(number[1]), int(number[2])) < OLDEST:
            wanted = ".".join(map(str, OLDEST))
            raise Away(
                Text(f"Grafana {version} 太旧,需要 {wanted} 或更新的版本",
                     f"Grafana {version} is too old; {wanted} or newer is needed")
            )  # fmt: skip
        return version

    # --- data source and folders ----------------------------------------------------------

    def source(self, uid: str) -> Json | None:
        """The data source ``uid``."""
        what = Text("读取数据源", "show the data source")
        return self._known(what, "GET", f"/datasources/uid/{_word(uid)}")

    def save_source(self, body: Json, there: bool) -> None:
        """Create the data source, or replace the one that is ``there``."""
        if there:
            what = Text("修改数据源", "change the data source")
            path = f"/datasources/uid/{_word(body['uid'])}"
            self._asked(what, dict, "PUT", path, body=body)
        else:
            what = Text("创建数据源", "create the data source")
            self._asked(what, dict, "POST", "/datasources", body=body)

    def source_trouble(self, uid: str) -> Text | None:
        """What keeps Grafana from reading the database behind the data source; None for nothing."""
        what = Text("检查数据源", "check the data source")
        try:
            found = self._asked(what, dict, "GET", f"/datasources/uid/{_word(uid)}/health")
            if found.get("status") == "OK":
                return None
            said = one_line(str(found.get("message", "-")))
        except Declined as error:
            if error.status != "ERROR":
                return error.text
            said = error.said
        return Text(f"Grafana 读不到数据库:{said}", f"Grafana can not read the database: {said}")

    def folder(self, uid: str) -> Json | None:
        """The folder ``uid``."""
        what = Text("读取文件夹", "show the folder")
        return self._known(what, "GET", f"/folders/{_word(uid)}")

    def create_folder(self, uid: str, title: str) -> None:
        """``Declined`` when another folder has the title (Grafana before 11)."""
        what = Text(f"创建文件夹“{title}”", f"create the folder {title!r}")
        self._asked(what, dict, "POST", "/folders", body={"title": title, "uid": uid})

    # --- dashboards -----------------------------------------------------------------------

    def dashboard(self, uid: str) -> Stored | None:
        """The dashboard ``uid`` with what its newest save was called."""
        what = Text("读取看板", "show the dashboard")
        found = self._known(what, "GET", f"/dashboards/uid/{_word(uid)}")
        if found is None:
            return None
        board, meta = _map(found.get("dashboard")), _map(found.get("meta"))
        return Stored(
            uid=uid,
            title=str(board.get("title", "")),
            version=int(board.get("version") or 0),
            folder=str(meta.get("folderUid") or ""),
            message=self._saved_as(uid, board),
            provisioned=bool(meta.get("provisioned")),
        )

    def _saved_as(self, uid: str, board: Json) -> str:
        """What the save was called that ``board`` comes from.

        A move to another folder is a save, and so is undoing an edit: what is the same as our
        newest save counts as that.
        """
        rows = self._history(uid)
        if not rows:
            return ""
        ours = next((row for row in rows if OURS.fullmatch(str(row.get("message")))), None)
        if ours is None or ours is rows[0] or self._content(uid, ours) == _bare(board):
            return str((ours or rows[0]).get("message", ""))
        return str(rows[0].get("message", ""))

    def _history(self, uid: str) -> list[Json]:
        """The newest saves, the last one first."""
        what = Text("读取看板的版本", "show the versions of the dashboard")
        path, newest = f"/dashboards/uid/{_word(uid)}/versions", [("limit", _LOOKED_BACK)]
        found = self._asked(what, object, "GET", path, newest)
        rows = found.get("versions") if isinstance(found, Mapping) else found
        return [_map(row) for row in rows] if isinstance(rows, list) else []

    def _content(self, uid: str, row: Json) -> Json:
        """The board as it was saved in ``row``."""
        what = Text("读取看板的版本", "show the versions of the dashboard")
        path = f"/dashboards/uid/{_word(uid)}/versions/{_word(str(row.get('version')))}"
        found = self._known(what, "GET", path) or {}
        return _bare(_map(found.get("data")))

    def save(self, board: Json, folder: str, message: str) -> None:
        """Create it, or replace the version that ``board`` names and no other."""
        what = Text("保存看板", "save the dashboard")
        body = {"dashboard": board, "folderUid": folder, "message": message, "overwrite": False}
        self._asked(what, dict, "POST", "/dashboards/db", body=body, conflict="version-mismatch")

    def remove(self, uid: str) -> None:
        """Delete the dashboard ``uid``; one that is gone already is no error."""
        what = Text("删除看板", "delete the dashboard")
        self._known(what, "DELETE", f"/dashboards/uid/{_word(uid)}")

    def tagged(self, language: str) -> list[str]:
        """The uids of all dashboards with our tags, copies that people made included."""
        what = Text("搜索看板", "search for dashboards")
        wanted: list[tuple[str, str | int]] = [("tag", TAG), ("tag", language)]
        wanted += [("type", "dash-db"), ("limit", _MOST_FOUND)]
        found = self._asked(what, list, "GET", "/search", wanted)
        return [str(row["uid"]) for row in found if isinstance(row, Mapping) and row.get("uid")]

    # --- asking ---------------------------------------------------------------------------

    def _known(self, what: Text, method: str, path: str) -> Json | None:
        """The answer, None for 404."""
        try:
            return self._asked(what, dict, method, path)
        except Declined as error:
            if error.status == _ABSENT:
                return None
            raise

    def _asked(
        self,
        what: Text,
        kind: type[_T],
        method: str,
        path: str,
        query: Sequence[tuple[str, str | int]] = (),
        body: Json | None = None,
        conflict: str = "",
    ) -> _T:
        """The answer, a ``kind``; ``what`` says in an error what was attempted.

        ``conflict``: what an answer 409 means, in the word that older Grafanas give with a 412.
        """
        status, answer = self._client.ask(method, path, query, body)
        if status == 409 and conflict:
            raise refusal(412, {"status": conflict}, what)
        if status == 404:
            raise self._absent(answer, what)
        if status >= 400:
            raise refusal(status, answer, what)
        if not isinstance(answer, kind):
            raise foreign(self._where)
        return answer

    def _absent(self, body: object, what: Text) -> Away | Declined:
        """A 404 in Grafana's words means that a thing is not there, else that Grafana is not."""
        if not isinstance(body, Mapping) or "message" not in body:
            return foreign(self._where)
        return Declined(refusal(404, body, what).text, _ABSENT)


_ABSENT: Final = "not-found"


def _bare(board: Json) -> Json:
    """Without what every save changes."""
    return {key: value for key, value in board.items() if key not in ("id", "uid", "version")}


def _word(text: str) -> str:
    """As one word of a path: a data source that a person names may be called anything."""
    return quote(text, safe="")


def _map(value: object) -> Json:
    return value if isinstance(value, dict) else {}
