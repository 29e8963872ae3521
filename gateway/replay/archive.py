"""The editions of a journal: what rules and registry said then, each made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import rules
from gateway.editions import Unreadable, unpack_files, unpack_rules, unpack_site
from gateway.model import Site

BEGINNING: Final = 2
"""A journal's first two records say which registry and rules it begins with."""
_MOST: Final = 64
"""Editions held ready; a site that changed more often has the oldest made again."""

_T = TypeVar("_T")


class Archive:
    """``content`` gives the stored bytes of a digest, or None."""

    def __init__(self, content: Callable[[str], bytes | None]) -> None:
        self._content = content
        self._rulesets: dict[str, rules.Ruleset | None] = {}
        self._sites: dict[str, Site | None] = {}

    def rules(self, digest: str) -> rules.Ruleset | None:
        """The rules of an edition; None when its text is not kept, or not readable any more."""
        return self._made(digest, self._rulesets, unpack_rules)

    def registry(self, digest: str) -> Site | None:
        """The same for a registry."""
        return self._made(digest, self._sites, unpack_site)

    def texts(self, digest: str) -> list[tuple[str, str]] | None:
        """The rule files of an edition, (name, text); None when they are not to be had."""
        found = self._unpacked(digest, unpack_files)
        return None if found is None else found[0]

    def _made(
        self, digest: str, made: dict[str, _T | None], unpack: Callable[[str, bytes], _T]
    ) -> _T | None:
        if digest not in made:
            while len(made) >= _MOST:
                del made[next(iter(made))]
            made[digest] = self._unpacked(digest, unpack)
        return made[digest]

    def _unpacked(self, digest: str, unpack: Callable[[str, bytes], _T]) -> _T | None:
        body = self._content(digest) if digest else None
        if body is None:
            return None
        try:
            return unpack(digest, body)
        except Unreadable:
            return None
