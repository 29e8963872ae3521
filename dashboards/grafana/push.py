"""Pushes boards into a Grafana in which people work: again and again, and over nobody's edits.

Whose a stored board is, Grafana itself says: every save of ours is called ``gridwarden DIGEST``,
so the newest save tells whether it was ours, and of what. A person's save (an edit, an older
version restored) is called otherwise; one that leaves all as we saved it (a move to another folder,
an edit undone) counts as ours. Nothing is remembered anywhere else: a push from another machine, or
years later, decides the same.

    board in Grafana      without --overwrite                with --overwrite
    ------------------    -------------------------------    -----------------------
    absent                created                            created
    ours, the same        unchanged                          unchanged
    ours, another         updated                            updated
    edited by a person    left; ours goes beside it          taken back (the edit stays in
                          (UID-new), or, if that one was     the board's versions)
                          edited too, nowhere
    from a file           left                               left

The copy beside is removed when it is needed no longer, if nobody edited it. Every replacement
names the version that was looked at: who saves in between is seen, never lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, Final, NamedTuple

from dashboards.grafana.finish import Board, digest, finished, folders
from dashboards.grafana.server import OURS, Server, Stored
from dashboards.grafana.source import Source, is_edited, is_same, marked
from dashboards.grafana.trouble import Declined
from gateway.model import Text

Json = dict[str, Any]

_BESIDE: Final = "-new"
_LONGEST_UID: Final = 40
"""Grafana's own limit."""
_TRIES: Final = 3
"""Looks at one board: who saves between a look and our save makes one more necessary."""


class End(StrEnum):
    """How a push ended for one thing; every reason has its sentence."""

    created = "created"
    updated = "updated"
    unchanged = "unchanged"
    sent = "sent"
    beside = "beside"
    beside_unchanged = "beside_unchanged"
    both_edited = "both_edited"
    taken_back = "taken_back"
    provisioned = "provisioned"
    removed = "removed"
    kept = "kept"
    old = "old"
    source_edited = "source_edited"
    source_provisioned = "source_provisioned"
    used = "used"
    declined = "declined"


CHANGES: Final = frozenset({End.created, End.updated, End.beside, End.taken_back, End.removed})
"""The ends at which something in Grafana is another than before."""


class Told(NamedTuple):
    """What happened to one thing, for the person at the terminal."""

    name: str
    end: End
    because: Text | None = None
    """Grafana's refusal, of what was declined."""


class Whose(StrEnum):
    """What lies under a board's uid."""

    nobodys = "nobodys"
    same = "same"
    ours = "ours"
    edited = "edited"
    provisioned = "provisioned"


class Act(NamedTuple):
    """What to do about a board and the copy beside it. "" as ``save`` is nothing to save."""

    save: str
    """``board`` or ``beside``."""
    remove_beside: bool
    end: End


def whose(stored: Stored | None, wanted: str) -> Whose:
    """Whose the stored board is; ``wanted`` is the digest of ours."""
    if stored is None:
        return Whose.nobodys
    if stored.provisioned:
        return Whose.provisioned
    found = OURS.fullmatch(stored.message)
    if found is None:
        return Whose.edited
    return Whose.same if found["digest"] == wanted else Whose.ours


def decide(board: Whose, beside: Whose, overwrite: bool) -> Act:
    """The table above."""
    spare = beside in (Whose.same, Whose.ours)
    if board is Whose.provisioned:
        return Act("", False, End.provisioned)
    if board is Whose.edited and not overwrite:
        ends = {
            Whose.nobodys: Act("beside", False, End.beside),
            Whose.ours: Act("beside", False, End.beside),
            Whose.same: Act("", False, End.beside_unchanged),
        }
        return ends.get(beside, Act("", False, End.both_edited))
    ends = {
        Whose.nobodys: Act("board", spare, End.created),
        Whose.ours: Act("board", spare, End.updated),
        Whose.edited: Act("board", spare, End.taken_back),
    }
    return ends.get(board, Act("", spare, End.unchanged))


class Push:
    """One push. ``run`` yields what happened, thing by thing; ``dry`` looks and changes nothing."""

    def __init__(
        self,
        server: Server,
        source: Source,
        *,
        language: str,
        overwrite: bool = False,
        prune: bool = False,
        dry: bool = False,
    ) -> None:
        self._server = server
        self._source = source
        self._language = language
        self._overwrite = overwrite
        self._prune = prune
        self._dry = dry

    def run(self, boards: Sequence[Board], secret: str, ready: bool) -> Iterator[Told]:
        """``secret`` of the data source; ``ready``: it exists and is only used.

        Raises ``Away``: what was yielded is done, and another run does the rest.
        """
        yield self._settled(self._source.name, partial(self._datasource, secret, ready))
        places = folders(boards, self._language)
        for title, uid in places.items():
            yield self._settled(title, partial(self._folder, title, uid))
        for board in boards:
            yield self._settled(board.title, partial(self._board, board, places[board.folder]))
        yield from self._old({board.uid for board in boards})

    def _settled(self, name: str, attempt: Callable[[], End]) -> Told:
        try:
            return Told(name, attempt())
        except Declined as error:
            return Told(name, End.declined, error.text)

    # --- data source and folders ----------------------------------------------------------

    def _datasource(self, secret: str, ready: bool) -> End:
        if ready:  # not looked at: an Editor may use a data source and not see it
            return End.used
        stored = self._server.source(self._source.uid)
        if stored is not None:
            if stored.get("readOnly"):
                return End.source_provisioned
            if is_edited(stored) and not self._overwrite:
                return End.source_edited
            if is_same(self._source, stored):
                return self._send(secret, stored) if secret else End.unchanged
        self._send(secret, stored)
        return End.created if stored is None else End.updated

    def _send(self, secret: str, stored: Json | None) -> End:
        """A secret can not be compared, so it is sent each time: it may be a new one."""
        body = marked(self._source, secret)
        body["name"] = body["name"] if stored is None else stored["name"]
        if not self._dry:
            self._server.save_source(body, stored is not None)
        return End.sent

    def _folder(self, title: str, uid: str) -> End:
        """A folder that is there keeps the name that people gave it."""
        if self._server.folder(uid) is not None:
            return End.unchanged
        if not self._dry:
            self._server.create_folder(uid, title)
        return End.created

    # --- boards ---------------------------------------------------------------------------

    def _board(self, board: Board, folder: str) -> End:
        for left in reversed(range(_TRIES)):
            try:
                return self._once(finished(board, self._source, self._language), folder)
            except Declined as error:
                if error.status != "version-mismatch" or not left:
                    raise
        raise AssertionError("the last try ends or raises")

    def _once(self, whole: Json, folder: str) -> End:
        copy = _copy(whole, self._language)
        there = self._server.dashboard(whole["uid"])
        beside = self._server.dashboard(copy["uid"])
        act = decide(
            whose(there, digest(whole)), whose(beside, digest(copy)), overwrite=self._overwrite
        )
        if self._dry:
            return act.end
        if act.save == "board":
            self._save(whole, there, folder)
        elif act.save == "beside":
            self._save(copy, beside, there.folder if there else folder)
        if act.remove_beside:
            self._server.remove(copy["uid"])
        return act.end

    def _save(self, whole: Json, stored: Stored | None, folder: str) -> None:
        """Where people moved a board, it stays."""
        version = stored.version if stored else 0
        self._server.save(
            whole | {"version": version},
            stored.folder if stored else folder,
            f"gridwarden {digest(whole)}",
        )

    # --- what is no longer in the set -----------------------------------------------------

    def _old(self, uids: set[str]) -> Iterator[Told]:
        """Boards of another version of ours. What a person made or edited is not even named."""
        known = uids | {_beside(uid) for uid in uids}
        for uid in sorted(set(self._server.tagged(self._language)) - known):
            stored = self._server.dashboard(uid)
            if whose(stored, "") is Whose.ours and stored is not None:
                yield self._settled(stored.title, partial(self._drop, uid))

    def _drop(self, uid: str) -> End:
        if not self._prune:
            return End.old
        if not self._dry:
            self._server.remove(uid)
        return End.removed


def _beside(uid: str) -> str:
    return uid[: _LONGEST_UID - len(_BESIDE)] + _BESIDE


def _copy(whole: Json, language: str) -> Json:
    """``whole`` under the uid and the title of the copy beside."""
    title = f"{whole['title']}(新版)" if language == "zh" else f"{whole['title']} (new)"
    return whole | {"uid": _beside(whole["uid"]), "title": title}
