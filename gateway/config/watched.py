"""The files whose change takes effect without a restart, and whether they have changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from gateway.config.settings import RegistrySection, RulesSection
from gateway.document import MAX_BYTES

MAX_RULE_FILES: Final = 200
MAX_CALENDARS: Final = 50
_LONGEST: Final = 32_000_000
"""Bytes of one file that are looked at: more than any of them may have."""

_WHOLE_EVERY: Final = 10
"""Looks; every half a minute or so."""


def rule_paths(folder: Path) -> list[Path]:
    """The site's own rule files, in the order of their names; stories are none.

    Neither is a hidden file: editors keep their locks in such, and other systems their remarks.
    """
    return _visible(p for p in folder.glob("*.y*ml") if not p.name.endswith(".test.yaml"))


def calendar_paths(folder: Path) -> list[Path]:
    """The calendars that plans name, in the order of their names; see ``rule_paths``."""
    return _visible(folder.glob("*.ics"))


def _visible(paths: Iterable[Path]) -> list[Path]:
    return sorted(path for path in paths if not path.name.startswith("."))


def fingerprint(
    file: Path,
    registry: RegistrySection | None,
    section: RulesSection | None,
    print_of: Callable[[Path], bytes] | None = None,
) -> str:
    """SHA-256 over the bytes of the configuration, the registry and the site's rule files.

    The paths are as one opens them. A file that can not be read counts as one that is not there.
    ``print_of`` is what stands for the bytes of one file.
    """
    print_of = print_of or _print
    paths = [file]
    if registry is not None:
        paths += registry.paths()
    if section is not None and section.dir is not None:
        paths += rule_paths(section.dir)[: MAX_RULE_FILES + 1]
        paths += calendar_paths(section.dir)[: MAX_CALENDARS + 1]
    whole = hashlib.sha256()
    for path in paths:
        whole.update(repr((path.name, print_of(path))).encode())
    return whole.hexdigest()


def _print(path: Path) -> bytes:
    most = MAX_BYTES + 1 if path.suffix in (".yaml", ".yml") else _LONGEST
    try:
        with path.open("rb") as file:
            return hashlib.sha256(file.read(most)).digest()
    except (OSError, ValueError):
        return b""


class _Seen(NamedTuple):
    """What a file system says of a file, and what stands for its bytes."""

    sign: tuple[int, int, int, int]
    print: bytes


class Looker:
    """``fingerprint`` for somebody who asks every few seconds.

    A file whose size, times and inode are as before is not read again, except at every
    ``_WHOLE_EVERY`` th look: a file system may be too coarse to show a change.
    """

    def __init__(self) -> None:
        self._seen: dict[Path, _Seen] = {}
        self._looks = 0

    def __call__(
        self, file: Path, registry: RegistrySection | None, section: RulesSection | None
    ) -> str:
        """As ``fingerprint``."""
        self._looks += 1
        if self._looks % _WHOLE_EVERY == 0:
            self._seen.clear()
        return fingerprint(file, registry, section, self._print_of)

    def _print_of(self, path: Path) -> bytes:
        try:
            stat = path.stat()
        except (OSError, ValueError):
            return b""
        sign = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
        seen = self._seen.get(path)
        if seen is None or seen.sign != sign:
            seen = self._seen[path] = _Seen(sign, _print(path))
        return seen.print
