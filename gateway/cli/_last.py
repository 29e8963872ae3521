"""The rules that were in force last, from the journal of a gateway that does not run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gateway.cli._past import journal
from gateway.config.load import read_document
from gateway.config.settings import SiteSection
from gateway.document import Problems, validate
from gateway.editions import RULES, Unreadable, unpack_files

_NEVER: Final = 2**62
"""A record that no journal reaches: what is asked for is the newest."""


def last_rules(file: Path) -> list[tuple[str, str]] | None:
    """(name, text) of each rule file that was in force last; None where that is not known.

    ``file`` is the configuration: of it only where the databases are is read.
    """
    try:
        site = validate(read_document(file), SiteSection, ("site",))
        with journal(file.absolute().parent / site.data) as source:
            digest = source.editions_at(_NEVER).get(RULES, "")
            body = source.edition(digest) if digest else None
        return unpack_files(digest, body)[0] if body is not None else None
    except (Problems, OSError, Unreadable, KeyError):  # KeyError: no section ``site``
        return None
