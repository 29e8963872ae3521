"""File provisioning: what Grafana reads from a folder when it starts, and every minute after.

    DIR/datasources/gridwarden.yaml        the data source; its secret is a file that Grafana reads
    DIR/dashboards/gridwarden.yaml         one provider for each folder of boards
    DIR/dashboards/gridwarden/FOLDER/UID.json
    DIR/dashboards/gridwarden/written      SHA-256 of each of these files as we wrote it

Boards from files can not be saved in Grafana (``allowUiUpdates: false``): who wants another one
saves a copy, and the next version of ours overwrites no edit. A file that somebody changed by
hand stays; ours goes beside it as ``NAME.new``, which Grafana does not read. Only files that we
wrote, and that nobody changed, are ever removed. One DIR holds one language.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

import yaml

from dashboards.grafana.finish import Board, finished, folders
from dashboards.grafana.source import Source, described

Json = dict[str, Any]

HOME: Final = "dashboards/gridwarden"
_WRITTEN: Final = f"{HOME}/written"
_LINE: Final = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<name>[^\0\n]+)")
"""As ``sha256sum`` writes it."""
_AGAIN: Final = 60
"""Seconds after which Grafana looks for changed files."""


class End(StrEnum):
    """What became of one file."""

    written = "written"
    unchanged = "unchanged"
    beside = "beside"
    removed = "removed"


class Wrote(NamedTuple):
    """One file, named from DIR, and what became of it."""

    name: str
    end: End


def provisioning(
    boards: Sequence[Board], source: Source, language: str, *, seen_at: str, secret_at: str
) -> dict[str, str]:
    """Name from DIR -> text of every file.

    ``seen_at``: DIR as Grafana sees it; ``secret_at``: the file with the password or token as
    Grafana sees it, "" for none. Paths are Grafana's, perhaps of another machine or a container.
    """
    places = folders(boards, language)
    files = {
        "datasources/gridwarden.yaml": _yaml(_datasources(source, secret_at)),
        "dashboards/gridwarden.yaml": _yaml(_providers(places, seen_at)),
    }
    for board in boards:
        whole = finished(board, source, language)
        text = json.dumps(whole, ensure_ascii=False, indent=1, sort_keys=True)
        files[f"{HOME}/{places[board.folder]}/{board.uid}.json"] = text + "\n"
    return files


def _datasources(source: Source, secret_at: str) -> Json:
    body = described(source)
    body = {key: _literal(value) for key, value in body.items() if value != ""}
    if secret_at:
        read = f"$__file{{{secret_at}}}"  # Grafana's own way to a secret that is in no YAML
        body["secureJsonData"] = (
            {"password": read} if source.version == 1 else {"httpHeaderValue1": f"Token {read}"}
        )
    # People may add to it in Grafana; the file wins again at the next start.
    return {"apiVersion": 1, "datasources": [body | {"orgId": 1, "editable": False}]}


def _providers(places: Mapping[str, str], seen_at: str) -> Json:
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": uid,
                "orgId": 1,
                "type": "file",
                "folder": _literal(title),
                "folderUid": uid,
                "disableDeletion": False,
                "allowUiUpdates": False,
                "updateIntervalSeconds": _AGAIN,
                "options": {"path": _literal(str(PurePosixPath(seen_at, HOME, uid)))},
            }
            for title, uid in places.items()
        ],
    }


def _literal(value: Any) -> Any:
    """``$`` means a variable of the environment there; two mean one of it."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {key: _literal(inner) for key, inner in value.items()}
    return value


def _yaml(data: Json) -> str:
    head = "# Written by `gridwarden dashboards write`.\n"
    return head + yaml.safe_dump(data, allow_unicode=True, sort_keys=False)


# --- onto the disk -----------------------------------------------------------------------


def write(
    folder: Path, files: Mapping[str, str], *, overwrite: bool = False, dry: bool = False
) -> Iterator[Wrote]:
    """Write ``files`` below ``folder``; the boards first, what makes Grafana read them last."""
    ours = _written(folder)
    known = dict(ours)
    for name in sorted(files, key=lambda name: (not name.startswith(f"{HOME}/"), name)):
        text = files[name].encode()
        end = _end(folder / name, text, ours.get(name, ""), overwrite)
        if not dry:
            _put(folder / name, text, end)
        if end is not End.beside:
            known[name] = _digest(text)
        yield Wrote(name, end)
    for name in sorted(set(ours) - set(files)):
        # Only what lies in our own folder: the list is a file, and files can be written by others.
        gone = _inside(folder, name) and _digest_of(folder / name) == ours[name]
        if gone:
            if not dry:
                (folder / name).unlink()
            yield Wrote(name, End.removed)
        del known[name]
    if not dry:
        lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(known.items()))
        _put(folder / _WRITTEN, lines.encode(), End.written)


def _end(path: Path, text: bytes, ours: str, overwrite: bool) -> End:
    found = _digest_of(path)
    if found == _digest(text):
        return End.unchanged
    if found in ("", ours) or overwrite:
        return End.written
    return End.beside


def _put(path: Path, text: bytes, end: End) -> None:
    """Whole or not at all: Grafana may be reading."""
    beside = path.with_name(path.name + ".new")
    if end is End.unchanged:
        return
    target = beside if end is End.beside else path
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    try:
        with temporary.open("wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    if end is End.written:
        beside.unlink(missing_ok=True)


def _inside(folder: Path, name: str) -> bool:
    path, home = folder / name, folder / HOME
    return path.resolve().is_relative_to(home.resolve()) and path.suffix == ".json"


def _written(folder: Path) -> dict[str, str]:
    """Name -> digest of what we wrote before; empty at the first time."""
    try:
        text = (folder / _WRITTEN).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    found = (_LINE.fullmatch(line) for line in text.splitlines())
    return {line["name"]: line["digest"] for line in found if line}


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _digest_of(path: Path) -> str:
    """Nothing ("") for a file that is not there."""
    try:
        return _digest(path.read_bytes())
    except FileNotFoundError:
        return ""
